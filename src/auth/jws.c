/* SPDX-License-Identifier: MIT */
/*
 * jws -- is the signature good: chooses the key, then who computes
 */
#include "config.h"
#include "auth/jws.h"

#include "auth/jws_evp.h"
#include "auth/jws_libjwt.h"
#include "base/limits.h"
#include "base/log.h"

/* The key object, made at first need. NULL: usable; else why not. */
static const char *
make_ready(struct jwk_table *set, struct jwk *k)
{
	const char *why = NULL;
	uint32_t algs = k->algs;

	if (k->kind == JWK_PEM) {
		why = evp_read_pem(set->arena, k);
		if (why == NULL)
			why = jwk_check(k, algs);
	}
	if (why == NULL)
		k->evp = evp_key_new(set->arena, k);
	if (why == NULL && k->evp == NULL)
		why = "not a key";
	return why;
}

static bool
is_ready(struct jwk_table *set, struct jwk *k)
{
	const char *why;

	if (k->state == JWK_RAW) {
		why = make_ready(set, k);
		k->state = why == NULL ? JWK_READY : JWK_BROKEN;
		if (why != NULL)
			log_say(LOG_LEVEL_WARN, "jwk", "key %zu skipped: %s",
				(size_t)(k - set->v), why);
	}
	return k->state == JWK_READY;
}

/* Not an entry of a document, which may have none that can be used. */
static bool
stands_alone(const struct jwk_table *set)
{
	return set->n == 1 && (set->v->pem.n > 0 || set->v->kind == JWK_HMAC);
}

const struct fault *
jws_ready(struct jwk_table *set, struct arena *a)
{
	for (uint32_t i = 0; i < set->n; i++) {
		if (!is_ready(set, &set->v[i]) && stands_alone(set))
			return fault_new(a, FAULT_SERVER_INVALID,
				"jwt keys: the only key cannot be used");
	}
	return NULL;
}

/* Without a name all that fit would be tried: so many at most. */
static bool
is_guess(const struct jwk_table *set, const struct jose *j)
{
	return j->kid.p == NULL || !set->has_kids;
}

static bool
may_try(const struct jwk_table *set, const struct jwk *k, const struct jose *j)
{
	if ((k->algs & JOSE_BIT(j->alg)) == 0 || k->state == JWK_BROKEN)
		return false;
	return is_guess(set, j) || str_eq(k->kid, j->kid);
}

static bool
knows_kid(const struct jwk_table *set, const struct jose *j)
{
	if (is_guess(set, j))
		return true;
	for (uint32_t i = 0; i < set->n; i++) {
		if (str_eq(set->v[i].kid, j->kid))
			return true;
	}
	return false;
}

bool
jws_lacks(const struct jwk_table *set, const struct jose *j)
{
	return j->kid.p != NULL && (set->n == 0 || !knows_kid(set, j));
}

static bool
verify_one(struct jwk_table *set, struct jwk *k, enum jws_backend backend,
	const struct jose *j, struct arena *a)
{
	bool good;

	if (!is_ready(set, k))
		return false;
	if (j->signature.n != evp_signature_size(k, j->alg))
		return false;
	if (backend == JWS_OPENSSL || !libjwt_can(j, k, set->arena))
		return evp_verify(k, j->alg, j->signing, j->signature);
	good = libjwt_verify(j, k, a);
	evp_forget_errors();
	return good;
}

/* A PEM key says what it can do only when it has been read. */
static bool
read_pem(struct jwk_table *set)
{
	return set->n != 1 || set->v[0].pem.n == 0 || is_ready(set, set->v);
}

const struct fault *
jws_verify(struct jwk_table *set, enum jws_backend backend,
	const struct jose *j, struct arena *a)
{
	uint32_t candidates = 0;

	if (!read_pem(set))
		return fault_new(a, FAULT_SERVER_INVALID, "no usable key");
	if (!knows_kid(set, j))
		return fault_new(a, FAULT_TOKEN_SIGNATURE, "kid_unknown");
	for (uint32_t i = 0; i < set->n; i++)
		candidates += may_try(set, &set->v[i], j) &&
			is_ready(set, &set->v[i]);
	if (candidates == 0)
		return fault_new(a, FAULT_TOKEN_SIGNATURE, "alg");
	if (is_guess(set, j) && candidates > MAX_KEY_TRIES)
		return fault_new(a, FAULT_TOKEN_SIGNATURE,
			"kid_unknown: too many keys fit");
	for (uint32_t i = 0; i < set->n; i++) {
		if (may_try(set, &set->v[i], j) &&
		    verify_one(set, &set->v[i], backend, j, a))
			return NULL;
	}
	return fault_new(a, FAULT_TOKEN_SIGNATURE, "signature");
}
