/* SPDX-License-Identifier: MIT */
/*
 * jws_libjwt3 -- signatures by libjwt 3.x
 *
 * The key becomes a set of one, written without an algorithm of its own: the
 * algorithm is pinned in one place, the checker, which is kept with the key
 * (one for each algorithm).  Its checks of times are switched off.
 *
 * PS* is not here: it takes a salt of any length, RFC 7518 only that of the
 * hash.
 */
#include "config.h"
#include "auth/jws_libjwt.h"

#ifdef HAVE_JWT_CHECKER_NEW

#include <jwt.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"

#define MAX_JWK_TEXT 16384	/* bytes; an RSA-8192 key needs 1500 */

struct jwt_key {
	jwk_set_t *set;
	jwt_checker_t *checker[JOSE_ALGS];
};

static const jwt_alg_t theirs[JOSE_ALGS] = {
	[JOSE_HS256] = JWT_ALG_HS256, [JOSE_HS384] = JWT_ALG_HS384,
	[JOSE_HS512] = JWT_ALG_HS512, [JOSE_RS256] = JWT_ALG_RS256,
	[JOSE_RS384] = JWT_ALG_RS384, [JOSE_RS512] = JWT_ALG_RS512,
	[JOSE_ES256] = JWT_ALG_ES256, [JOSE_ES384] = JWT_ALG_ES384,
	[JOSE_ES512] = JWT_ALG_ES512, [JOSE_EDDSA] = JWT_ALG_EDDSA,
};

static void
put_set(void *what)
{
	jwks_free(what);
}

static void
put_checker(void *what)
{
	jwt_checker_free(what);
}

static void
add_member(struct buf *b, const char *name, struct str bytes)
{
	struct str text = digest_base64url(b->arena, bytes.p, bytes.n);

	buf_fmt(b, ",\"%s\":\"%.*s\"", name, STR_ARG(text));
}

static void
add_point(struct buf *b, const struct jwk *k)
{
	const char *crv = k->bits == 256 ? "P-256" :
		k->bits == 384 ? "P-384" : "P-521";

	buf_fmt(b, "\"kty\":\"EC\",\"crv\":\"%s\"", crv);
	add_member(b, "x", k->x);
	add_member(b, "y", k->y);
}

static bool
jwk_text(struct arena *a, const struct jwk *k, struct str *text_r)
{
	struct buf b = buf_new(a, MAX_JWK_TEXT);

	buf_add(&b, STR("{\"keys\":[{"));
	if (k->kind == JWK_RSA) {
		buf_add(&b, STR("\"kty\":\"RSA\""));
		add_member(&b, "n", k->n);
		add_member(&b, "e", k->e);
	} else if (k->kind == JWK_EC) {
		add_point(&b, k);
	} else if (k->kind == JWK_OKP) {
		buf_add(&b, STR("\"kty\":\"OKP\",\"crv\":\"Ed25519\""));
		add_member(&b, "x", k->x);
	} else {
		buf_add(&b, STR("\"kty\":\"oct\""));
		add_member(&b, "k", secret_reveal(k->secret));
	}
	buf_add(&b, STR("}]}"));
	return buf_take(&b, text_r);
}

static struct jwt_key *
key_of(struct jwk *k, struct arena *set)
{
	struct str text;

	if (k->jwt != NULL)
		return k->jwt;
	k->jwt = ARENA_NEW(set, struct jwt_key);
	if (!jwk_text(set, k, &text))
		return k->jwt;
	k->jwt->set = jwks_create_strn(text.p, text.n);
	if (k->jwt->set != NULL)
		arena_defer(set, put_set, k->jwt->set);
	return k->jwt;
}

static jwt_checker_t *
new_checker(const struct jwt_key *key, enum jose_alg alg)
{
	jwt_checker_t *c = jwt_checker_new();

	if (c == NULL)
		return NULL;
	if (jwt_checker_time_leeway(c, JWT_CLAIM_EXP, -1) != 0 ||
	    jwt_checker_time_leeway(c, JWT_CLAIM_NBF, -1) != 0 ||
	    jwt_checker_setkey(c, theirs[alg],
		jwks_item_get(key->set, 0)) != 0) {
		jwt_checker_free(c);
		return NULL;
	}
	return c;
}

static jwt_checker_t *
checker_of(struct jwk *k, enum jose_alg alg, struct arena *set)
{
	struct jwt_key *key = key_of(k, set);

	if (key->set == NULL || jwks_error_any(key->set))
		return NULL;
	if (key->checker[alg] == NULL) {
		key->checker[alg] = new_checker(key, alg);
		if (key->checker[alg] != NULL)
			arena_defer(set, put_checker, key->checker[alg]);
	}
	return key->checker[alg];
}

/* It computes with one of several libraries, and JWT_CRYPTO in the environment
 * chooses which.  Only what it does with OpenSSL was looked at. */
static bool
is_openssl(void)
{
	return jwt_get_crypto_ops_t() == JWT_CRYPTO_OPS_OPENSSL ||
		jwt_set_crypto_ops_t(JWT_CRYPTO_OPS_OPENSSL) == 0;
}

/* Odd numbers are refused by its parser, short secrets by itself. */
bool
libjwt_can(const struct jose *j, struct jwk *k, struct arena *set)
{
	if (theirs[j->alg] == JWT_ALG_NONE || j->odd_number || !is_openssl())
		return false;
	if (k->kind == JWK_HMAC && k->secret.n < jose_alg_hash(j->alg))
		return false;
	return checker_of(k, j->alg, set) != NULL;
}

bool
libjwt_verify(const struct jose *j, const struct jwk *k, struct arena *a)
{
	jwt_checker_t *c = k->jwt->checker[j->alg];
	struct str token = str_copy(a, j->token);
	bool good;

	good = jwt_checker_verify(c, token.p) == 0;
	jwt_checker_error_clear(c);
	return good;
}

#endif
