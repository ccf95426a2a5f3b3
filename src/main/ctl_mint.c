/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl token mint: a signed JWT
 *
 * Secrets: the key comes from a file or a variable, never from an argument;
 * its copy is wiped with the arena.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/jws_sign.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "conf/units.h"
#include "main/ctl.h"

#define MAX_KEY_FILE KIB(64)
#define TTL_PRESET "1h"
#define JTI_BYTES 16
#define MAX_NAMES (CTL_CLAIMS + 8)

/* The payload while it grows, and which names stand in it. */
struct payload {
	struct buf text;
	struct str names[MAX_NAMES];
	uint32_t n;
};

/* ---- the key ------------------------------------------------------------------ */
static int
read_all(struct ctl *c, int fd, const char *file, struct str *text_r)
{
	char *room = arena_alloc(c->arena, MAX_KEY_FILE + 1);
	size_t n = 0;
	ssize_t got = 1;

	while (got > 0 && n <= MAX_KEY_FILE) {
		got = read(fd, room + n, MAX_KEY_FILE + 1 - n);
		if (got > 0)
			n += (size_t)got;
	}
	if (got < 0)
		return ctl_fail(EX_IOERR, "cannot read '%s': %s", file,
			strerror(errno));
	if (n > MAX_KEY_FILE)
		return ctl_fail(EX_DATAERR, "'%s' is too long", file);
	*text_r = (struct str){ room, n };
	return EX_OK;
}

static int
read_file(struct ctl *c, const char *file, struct str *text_r)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc;
	struct stat st;

	if (fd < 0)
		return ctl_fail(EX_NOINPUT, "cannot open '%s': %s", file,
			strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_mode & S_IROTH) != 0)
		rc = ctl_fail(EX_NOPERM, "'%s' holds a key and others may "
			"read it; chmod 600 or 640", file);
	else
		rc = read_all(c, fd, file, text_r);
	(void)close(fd);
	return rc;
}

/* Without the newline that editors put behind a secret. */
static int
read_key(struct ctl *c, struct secret *key_r)
{
	const char *where = c->given[CTL_KEY], *value;
	struct str text;
	int rc = EX_OK;

	if (strncmp(where, "env:", 4) == 0) {
		value = getenv(where + 4);
		if (value == NULL || value[0] == '\0')
			return ctl_fail(EX_NOINPUT, "environment variable "
				"'%s' is not set", where + 4);
		text = str_of(value);
	} else {
		rc = read_file(c, where, &text);
	}
	while (rc == EX_OK && text.n > 0 && (text.p[text.n - 1] == '\n' ||
	    text.p[text.n - 1] == '\r'))
		text.n--;
	if (rc == EX_OK)
		*key_r = secret_of(text);
	return rc;
}

/* ---- claims ------------------------------------------------------------------- */
/* json: as it stands, else a text. */
static int
add(struct payload *p, struct str name, struct str value, bool json)
{
	if (name.n == 0 || !str_utf8(name) || !str_utf8(value))
		return ctl_fail(EX_USAGE, "a claim is NAME=VALUE, in UTF-8");
	if (str_among(name, p->names, p->n) || p->n == MAX_NAMES)
		return ctl_fail(EX_USAGE, "claim '%.*s' is given twice",
			STR_ARG(name));
	buf_add_c(&p->text, p->n > 0 ? ",\"" : "{\"");
	buf_json(&p->text, name);
	buf_add_c(&p->text, json ? "\":" : "\":\"");
	if (json) {
		buf_add(&p->text, value);
	} else {
		buf_json(&p->text, value);
		buf_char(&p->text, '"');
	}
	p->names[p->n++] = name;
	return EX_OK;
}

/* Numbers, true, lists … as JSON; what is none is a text. */
static bool
is_json(struct arena *a, struct str text)
{
	static const struct jdoc_limits limits = { .depth = 16,
		.values = 1000 };
	struct jdoc_report report = { 0 };

	return jdoc_parse(a, text, JDOC_STRICT, &limits, &report) != NULL ||
		str_is(text, "null");
}

static int
add_given(struct ctl *c, struct payload *p)
{
	static const struct { enum ctl_given option; const char *name; } rows[]
		= { { CTL_SUB, "sub" }, { CTL_ISS, "iss" }, { CTL_AUD, "aud" },
		{ CTL_SCOPE, "scope" }, { CTL_JTI, "jti" } };
	int rc = EX_OK;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *value = c->given[rows[i].option];

		if (rc == EX_OK && value != NULL)
			rc = add(p, str_of(rows[i].name), str_of(value), false);
	}
	for (uint32_t i = 0; rc == EX_OK && i < c->n_claims; i++) {
		struct str value = str_of(c->claims[i]);
		struct str name = str_cut(&value, '=');

		if (value.p == NULL)
			return ctl_fail(EX_USAGE, "--claim: '%s' is not "
				"NAME=VALUE", c->claims[i]);
		rc = add(p, name, value, is_json(c->arena, value));
	}
	return rc;
}

/* What a token should have and nobody has said. */
static int
add_own(struct ctl *c, struct payload *p, int64_t ttl_ms)
{
	int64_t now = clock_unix_s();
	uint8_t id[JTI_BYTES];
	int rc = EX_OK;

	if (!str_among(STR("iat"), p->names, p->n))
		rc = add(p, STR("iat"), str_fmt(c->arena, "%" PRId64, now),
			true);
	if (rc == EX_OK && !str_among(STR("exp"), p->names, p->n))
		rc = add(p, STR("exp"), str_fmt(c->arena, "%" PRId64,
			now + ttl_ms / 1000), true);
	digest_random(id, sizeof id);
	if (rc == EX_OK && !str_among(STR("jti"), p->names, p->n))
		rc = add(p, STR("jti"), digest_base64url(c->arena, id,
			sizeof id), false);
	return rc;
}

static int
make_payload(struct ctl *c, struct str *text_r)
{
	const char *ttl = c->given[CTL_TTL];
	struct payload p = { .text = buf_new(c->arena, MAX_CLAIMS) };
	int64_t ttl_ms;
	int rc;

	if (ttl == NULL)
		ttl = TTL_PRESET;
	if (!value_duration(str_of(ttl), &ttl_ms) || ttl_ms < 1000)
		return ctl_fail(EX_USAGE, "--ttl: '%s' is not a time like 90s, "
			"1h or 7d", ttl);
	rc = add_given(c, &p);
	if (rc == EX_OK)
		rc = add_own(c, &p, ttl_ms);
	buf_char(&p.text, '}');
	if (rc == EX_OK && !buf_take(&p.text, text_r))
		return ctl_fail(EX_DATAERR, "the claims are longer than %u "
			"bytes", MAX_CLAIMS);
	return rc;
}

static int
make_header(struct ctl *c, enum jose_alg alg, struct str *text_r)
{
	struct buf b = buf_new(c->arena, KIB(4));
	const char *kid = c->given[CTL_KID];

	buf_fmt(&b, "{\"alg\":\"%s\",\"typ\":\"JWT\"", jose_alg_name(alg));
	if (kid != NULL && !jose_kid_clean(str_of(kid)))
		return ctl_fail(EX_USAGE, "--kid is 1 to %d visible "
			"characters", MAX_KID);
	if (kid != NULL) {
		buf_add_c(&b, ",\"kid\":\"");
		buf_json(&b, str_of(kid));
		buf_char(&b, '"');
	}
	buf_char(&b, '}');
	return buf_take(&b, text_r) ? EX_OK : EX_SOFTWARE;
}

/* ---- the token ----------------------------------------------------------------- */
static int
sign(struct ctl *c, enum jose_alg alg, struct secret key, struct str *token_r)
{
	struct str head, body, input, signature;
	const char *why;
	int rc = make_header(c, alg, &head);

	if (rc == EX_OK)
		rc = make_payload(c, &body);
	if (rc != EX_OK)
		return rc;
	head = digest_base64url(c->arena, head.p, head.n);
	body = digest_base64url(c->arena, body.p, body.n);
	input = str_fmt(c->arena, "%.*s.%.*s", STR_ARG(head), STR_ARG(body));
	why = jws_sign(alg, key, input, c->arena, &signature);
	if (why != NULL)
		return ctl_fail(EX_DATAERR, "%s", why);
	signature = digest_base64url(c->arena, signature.p, signature.n);
	*token_r = str_fmt(c->arena, "%.*s.%.*s", STR_ARG(input),
		STR_ARG(signature));
	return EX_OK;
}

int
ctl_mint(struct ctl *c)
{
	struct buf b = buf_new(c->arena, MAX_TOKEN);
	enum jose_alg alg;
	struct secret key;
	struct str token;
	int rc;

	if (c->given[CTL_SUB] == NULL || c->given[CTL_ALG] == NULL ||
	    c->given[CTL_KEY] == NULL)
		return ctl_fail(EX_USAGE, "usage: token mint --sub USER --alg "
			"ALG --key FILE|env:NAME");
	if (!jose_alg_of(str_of(c->given[CTL_ALG]), &alg))
		return ctl_fail(EX_USAGE, "--alg: '%s' is none of HS256 … "
			"HS512, RS…, PS…, ES…, EdDSA", c->given[CTL_ALG]);
	rc = read_key(c, &key);
	if (rc == EX_OK)
		rc = sign(c, alg, key, &token);
	if (rc != EX_OK)
		return rc;
	buf_fmt(&b, c->json ? "{\"token\":\"%.*s\"}\n" : "%.*s\n",
		STR_ARG(token));
	ctl_count(c, 1, 0);
	return ctl_print(c, &b);
}
