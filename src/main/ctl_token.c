/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl token, secret: new random values, digests of given ones
 *
 * Secrets: come from standard input, never from arguments; wiped after use.
 */
#include "config.h"

#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "main/ctl.h"

#define KEY_BYTES 32
#define MAX_RANDOM 128

static int
say(const struct ctl *c, const char *key, struct str text)
{
	struct buf b = buf_new(c->arena, KIB(1));

	if (c->json)
		buf_fmt(&b, "{\"%s\":\"%.*s\"}\n", key, STR_ARG(text));
	else
		buf_fmt(&b, "%.*s\n", STR_ARG(text));
	return ctl_print(c, &b);
}

static struct str
random_text(const struct ctl *c, size_t n)
{
	uint8_t bytes[MAX_RANDOM];
	struct str text;

	digest_random(bytes, n);
	text = digest_base64url(c->arena, bytes, n);
	digest_wipe(bytes, sizeof bytes);
	return text;
}

/* The token, and what inboundAuth.token.sha256 holds for it. */
static int
say_both(const struct ctl *c, struct str token)
{
	struct buf b = buf_new(c->arena, KIB(1));
	uint8_t digest[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	digest_sha256(token, digest);
	digest_hex(digest, sizeof digest, hex);
	if (c->json)
		buf_fmt(&b, "{\"token\":\"%.*s\",\"sha256\":\"%s\"}\n",
			STR_ARG(token), hex);
	else
		buf_fmt(&b, "%.*s\n%s\n", STR_ARG(token), hex);
	return ctl_print(c, &b);
}

static int
new_token(struct ctl *c)
{
	struct str token = random_text(c, c->length);

	ctl_count(c, 1, 0);
	return c->sha256 ? say_both(c, token) : say(c, "token", token);
}

int
ctl_token(struct ctl *c)
{
	if (strcmp(c->words[1], "new") == 0 && c->n_words == 2)
		return new_token(c);
	if (strcmp(c->words[1], "mint") == 0 && c->n_words == 2)
		return ctl_mint(c);
	if (strcmp(c->words[1], "verify") == 0)
		return ctl_verify(c);
	return ctl_fail(EX_USAGE, "usage: token new, token mint, or token "
		"verify");
}

static int
say_hash(struct ctl *c)
{
	const char *text;
	uint8_t digest[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];
	int rc = ctl_read_secret(c, "-", &text);

	if (rc != EX_OK)
		return rc;
	digest_sha256(str_of(text), digest);
	digest_hex(digest, sizeof digest, hex);
	return say(c, "sha256", str_of(hex));
}

int
ctl_secret(struct ctl *c)
{
	if (strcmp(c->words[1], "new") == 0 && c->n_words == 2)
		return say(c, "secret", random_text(c, KEY_BYTES));
	if (strcmp(c->words[1], "hash") == 0 && (c->n_words == 2
	    || strcmp(c->words[2], "-") == 0))
		return say_hash(c);
	return ctl_fail(EX_USAGE, "usage: secret new, or secret hash -, with "
		"the secret on standard input");
}
