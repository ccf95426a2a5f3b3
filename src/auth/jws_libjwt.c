/* SPDX-License-Identifier: MIT */
/*
 * jws_libjwt -- signatures by libjwt 1.x and 2.x
 *
 * These versions take any case of an algorithm, confuse kinds of keys, skip
 * foreign characters and read the PEM on each call; all of that has been
 * excluded before, but for the last, which costs 0.3 ms.
 */
#include "config.h"
#include "auth/jws_libjwt.h"

#ifndef HAVE_JWT_CHECKER_NEW

#include <jwt.h>

#include "auth/jws_evp.h"
#include "base/arena.h"

struct jwt_key {
	struct str bytes;		/* PEM text */
};

static const struct {
	enum jose_alg ours;
	jwt_alg_t theirs;
} pairs[] = {
	{ JOSE_HS256, JWT_ALG_HS256 }, { JOSE_HS384, JWT_ALG_HS384 },
	{ JOSE_HS512, JWT_ALG_HS512 }, { JOSE_RS256, JWT_ALG_RS256 },
	{ JOSE_RS384, JWT_ALG_RS384 }, { JOSE_RS512, JWT_ALG_RS512 },
	{ JOSE_ES256, JWT_ALG_ES256 }, { JOSE_ES384, JWT_ALG_ES384 },
	{ JOSE_ES512, JWT_ALG_ES512 },
};

static jwt_alg_t
theirs_of(enum jose_alg alg)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i].ours == alg)
			return pairs[i].theirs;
	}
	return JWT_ALG_NONE;
}

/* The key as this libjwt wants it; empty: there is none. */
static struct str
key_bytes(const struct jwk *k)
{
	return k->kind == JWK_HMAC ? secret_reveal(k->secret) :
		k->jwt != NULL ? k->jwt->bytes : STR_NONE;
}

static void
make_key(struct jwk *k, struct arena *set)
{
	if (k->kind == JWK_HMAC || k->jwt != NULL)
		return;
	k->jwt = ARENA_NEW(set, struct jwt_key);
	k->jwt->bytes = evp_key_pem(set, k->evp);
}

/* Other types than JWT are refused by 1.10; odd numbers by its parser. */
bool
libjwt_can(const struct jose *j, struct jwk *k, struct arena *set)
{
	size_t n;

	if (theirs_of(j->alg) == JWT_ALG_NONE || j->odd_number ||
	    (j->typ != JOSE_TYP_NONE && j->typ != JOSE_TYP_JWT))
		return false;
	make_key(k, set);
	n = key_bytes(k).n;
	return n > 0 && n <= INT32_MAX;
}

bool
libjwt_verify(const struct jose *j, const struct jwk *k, struct arena *a)
{
	struct str key = key_bytes(k), token = str_copy(a, j->token);
	jwt_t *jwt = NULL;
	bool good;

	good = jwt_decode(&jwt, token.p, (const unsigned char *)key.p,
		(int)key.n) == 0 && jwt != NULL &&
		jwt_get_alg(jwt) == theirs_of(j->alg);
	if (jwt != NULL)
		jwt_free(jwt);
	return good;
}

#endif
