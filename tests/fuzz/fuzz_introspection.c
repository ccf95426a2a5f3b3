/* SPDX-License-Identifier: MIT */
/*
 * fuzz_introspection -- no answer of an endpoint breaks the reader; who is
 * let in has a clean name, it is his time, and a copy says the same
 */
#include "config.h"

#include <stdlib.h>

#include "auth/answer.h"
#include "base/arena.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

#define S(lit) { lit, sizeof(lit) - 1 }
#define NOW 1700000000

static const struct str audience[] = { S("gate") };
static const struct str issuer[] = { S("https://issuer.test") };
static const struct str user[] = { S("sub") };
static const struct conf_jwt rules[] = {
	{ .leeway_s = 60, .identity_claim = { user, 1, true } },
	{ .leeway_s = 0, .audience = { audience, 1, true } },
	{ .leeway_s = 300, .issuer = { issuer, 1, true } },
};

static void
must(bool cond)
{
	if (!cond)
		abort();
}

static void
check(const struct conf_jwt *r, const struct claims *c)
{
	must(jose_text_clean(c->who.user, MAX_IDENTITY));
	must(c->who.issuer.n == 0 || r->issuer.n == 0 ||
		str_eq(c->who.issuer, r->issuer.v[0]));
	must(!claims_expired(c, r->leeway_s, NOW));
	must(claims_begun(c, r->leeway_s, NOW));
	must(c->who.n_groups <= MAX_GROUPS && c->who.n_scopes <= MAX_GROUPS);
	for (uint32_t i = 0; i < c->who.n_scopes; i++)
		must(jose_text_clean(c->who.scopes[i], MAX_IDENTITY));
	for (uint32_t i = 0; i < c->who.n_groups; i++)
		must(jose_text_clean(c->who.groups[i], MAX_IDENTITY));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct str body = { (const char *)p, n };
	struct claims c, copy;

	if (n > MAX_ANSWER)
		return 0;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct arena *a = arena_new(MIB(4)), *b = arena_new(MIB(1));
		const struct fault *f = answer_read(&rules[i], body, NOW, a,
			&c);

		must(f == NULL || f->kind == FAULT_AUTH_UNAVAILABLE ||
			f->http == 401);
		if (f == NULL) {
			check(&rules[i], &c);
			answer_copy(b, &c, &copy);
			must(str_eq(c.who.user, copy.who.user));
			must(c.who.n_scopes == copy.who.n_scopes);
		}
		arena_free(a);
		arena_free(b);
	}
	return 0;
}
