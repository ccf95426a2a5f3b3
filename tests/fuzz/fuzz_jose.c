/* SPDX-License-Identifier: MIT */
/*
 * fuzz_jose -- no token breaks the pre-parser, no payload the claims; what
 * passes keeps the promises
 *
 * The first byte says what follows: 't' a token, 'p' a header and, behind the
 * first line end, a payload; 'v' the bytes of a kept verdict.
 */
#include "config.h"

#include <stdlib.h>

#include "auth/verdict.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

#define S(lit) { lit, sizeof(lit) - 1 }
#define NOW 1700000000

static const struct jose_rules rules = { .max_token = TOKEN_DEFAULT,
	.algs = (1u << JOSE_ALGS) - 1 };
static const struct str audience[] = { S("gate") };
static const struct conf_pair wanted[] = { { S("tenant"), S("t1"), false } };
static const struct conf_jwt policies[] = {
	{ .leeway_s = 60 },
	{ .leeway_s = 300, .allow_nonce = true, .max_age_s = 3600,
		.audience = { audience, 1, true } },
	{ .leeway_s = 0, .require_exp = true, .claims = { wanted, 1 } },
};

static void
must(bool cond)
{
	if (!cond)
		abort();
}

static void
check_words(const struct str *v, uint32_t n)
{
	must(n <= MAX_GROUPS);
	for (uint32_t i = 0; i < n; i++)
		must(jose_text_clean(v[i], MAX_IDENTITY));
}

/* Whoever is named has a clean name, and it is his time. */
static void
check_claims(struct arena *a, const struct jose *j)
{
	struct claims c;

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		if (claims_check(&policies[i], j, NOW, a, &c) != NULL)
			continue;
		must(jose_text_clean(c.who.user, MAX_IDENTITY));
		must(!claims_expired(&c, policies[i].leeway_s, NOW));
		must(claims_begun(&c, policies[i].leeway_s, NOW));
		check_words(c.who.groups, c.who.n_groups);
		check_words(c.who.scopes, c.who.n_scopes);
	}
}

static void
check_token(struct arena *a, struct str token)
{
	struct jose j;
	struct str again;

	if (jose_parse(a, token, &rules, &j) != NULL)
		return;
	must(token.n <= TOKEN_DEFAULT && j.signature.n > 0);
	must(j.kid.p == NULL || jose_kid_clean(j.kid));
	/* one spelling: the signature encodes to what was there */
	again = digest_base64url(a, j.signature.p, j.signature.n);
	must(str_eq(again, str_from(token, j.signing.n + 1)));
	must(j.token.p[j.signing.n] == '.');
	check_claims(a, &j);
}

static void
check_parts(struct arena *a, struct str text)
{
	struct str payload = text, header = str_cut(&payload, '\n'), h, p;

	h = digest_base64url(a, header.p, header.n);
	p = digest_base64url(a, payload.p, payload.n);
	check_token(a, str_fmt(a, "%.*s.%.*s.AAAA", STR_ARG(h), STR_ARG(p)));
}

static void
check_verdict(struct arena *a, struct str bytes)
{
	struct claims c;

	if (!verdict_unpack(bytes, a, &c))
		return;
	must(c.who.user.n > 0 && c.who.n_groups <= MAX_GROUPS);
	for (uint32_t i = 0; i < c.who.n_groups; i++)
		must(c.who.groups[i].p >= bytes.p &&
			c.who.groups[i].p + c.who.groups[i].n <=
			bytes.p + bytes.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = { (const char *)p + 1, n > 0 ? n - 1 : 0 };
	struct arena *a;

	if (n == 0)
		return 0;
	a = arena_new(MIB(16));
	if (*p == 't')
		check_token(a, rest);
	else if (*p == 'p')
		check_parts(a, rest);
	else
		check_verdict(a, rest);
	arena_free(a);
	return 0;
}
