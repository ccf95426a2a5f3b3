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

static int
say_random(const struct ctl *c, const char *key, size_t n)
{
	uint8_t bytes[MAX_RANDOM];
	struct str text;

	digest_random(bytes, n);
	text = digest_base64url(c->arena, bytes, n);
	digest_wipe(bytes, sizeof bytes);
	return say(c, key, text);
}

int
ctl_token(struct ctl *c)
{
	if (strcmp(c->words[1], "new") != 0)
		return ctl_fail(EX_USAGE, "usage: token new [--length N]");
	return say_random(c, "token", c->length);
}

static int
say_hash(struct ctl *c)
{
	const char *text = ctl_read_secret(c, "-");
	uint8_t digest[SHA256_SIZE];
	char hex[2 * SHA256_SIZE + 1];

	if (text == NULL)
		return EX_DATAERR;
	digest_sha256(str_of(text), digest);
	digest_hex(digest, sizeof digest, hex);
	return say(c, "sha256", str_of(hex));
}

int
ctl_secret(struct ctl *c)
{
	if (strcmp(c->words[1], "new") == 0 && c->n_words == 2)
		return say_random(c, "secret", KEY_BYTES);
	if (strcmp(c->words[1], "hash") == 0 && (c->n_words == 2
	    || strcmp(c->words[2], "-") == 0))
		return say_hash(c);
	return ctl_fail(EX_USAGE, "usage: secret new, or secret hash -, with "
		"the secret on standard input");
}
