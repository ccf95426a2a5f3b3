/* SPDX-License-Identifier: MIT */
/*
 * fuzz_jwk -- no key set and no PEM breaks the reader; a key that it takes
 * can be made and refuses a signature of zeros
 *
 * The first byte says what follows: 'j' a key set, 'p' a PEM file.
 */
#include "config.h"

#include <stdlib.h>

#include "auth/jws.h"
#include "base/arena.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

#define PUBLIC (((1u << JOSE_ALGS) - 1) & ~JOSE_HS)
#define MAX_SIGNATURE 1024

static void
must(bool cond)
{
	if (!cond)
		abort();
}

/* No kid of ours is in there: all keys that fit are tried. */
static void
try_all(struct arena *a, struct jwk_table *t)
{
	struct jose j = { .token = STR("e30.e30.AAAA"),
		.signing = STR("e30.e30") };

	t->has_kids = false;
	for (int alg = 0; alg < JOSE_ALGS; alg++) {
		j.alg = (enum jose_alg)alg;
		j.signature = (struct str){ arena_alloc(a, MAX_SIGNATURE),
			alg == JOSE_EDDSA ? 64 : 256 };
		must(jws_verify(t, JWS_OPENSSL, &j, a) != NULL);
	}
}

static void
check_table(struct arena *a, struct jwk_table *t)
{
	must(t->n <= MAX_KEYS);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct jwk *k = &t->v[i];

		must((k->algs & ~(uint32_t)PUBLIC) == 0);
		must(k->kind != JWK_HMAC && k->state == JWK_RAW);
		must(k->kid.p == NULL || jose_kid_clean(k->kid));
		must(k->kind != JWK_RSA || (k->bits >= 2048 &&
			k->bits <= 8192 && k->n.n == (k->bits + 7) / 8));
	}
	try_all(a, t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = { (const char *)p + 1, n > 0 ? n - 1 : 0 };
	const struct fault *f;
	struct jwk_table t;
	struct arena *a;

	if (n == 0)
		return 0;
	a = arena_new(MIB(64));
	if (*p == 'j')
		f = jwk_table_parse(a, rest, PUBLIC | JOSE_HS, &t);
	else
		f = jwk_table_pem(a, rest, PUBLIC | JOSE_HS, &t);
	if (f == NULL)
		check_table(a, &t);
	arena_free(a);
	return 0;
}
