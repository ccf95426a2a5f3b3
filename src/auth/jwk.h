/* SPDX-License-Identifier: MIT */
/*
 * jwk -- verification keys: read strictly, each with its own algorithms
 *
 * Lifetime: a set lies in the arena of its policy; the key objects of the
 * backends are made at first need and end with that arena.
 * Promise: an RSA key has 2048..8192 bits and sane numbers, a point the size
 * of its curve, an Ed25519 key is not of small order.  Whether a point lies
 * on its curve is known when the object is made.  A bad entry of a set is
 * skipped with a line in the log and harms no other.
 * Secrets: only an HMAC key is one.
 */
#ifndef AUTH_JWK_H
#define AUTH_JWK_H

#include "auth/jose.h"
#include "base/secret.h"

struct evp_key;
struct jwt_key;			/* what a libjwt backend keeps with a key */

enum jwk_kind { JWK_HMAC, JWK_RSA, JWK_EC, JWK_OKP, JWK_PEM };
enum jwk_state { JWK_RAW, JWK_READY, JWK_BROKEN };

struct jwk {
	enum jwk_kind kind;		/* JWK_PEM: not looked into yet */
	enum jwk_state state;
	uint32_t algs;			/* JOSE_BIT of what it may verify */
	uint32_t bits;			/* RSA: of the modulus; EC: 256 384 521 */
	struct str kid;			/* p == NULL: none */
	struct str n, e;		/* RSA */
	struct str x, y;		/* EC; OKP has x alone */
	struct secret secret;		/* HMAC */
	struct str pem;			/* JWK_PEM: what the file held */
	struct evp_key *evp;		/* of jws_evp, when ready */
	struct jwt_key *jwt;		/* of jws_libjwt, when asked for */
};

struct jwk_table {
	struct arena *arena;		/* of the policy */
	struct jwk *v;
	uint32_t n;
	uint32_t skipped;		/* entries that were not usable */
	bool has_kids;
};

/* algs: what the policy lists. NULL: the set is there, perhaps empty. */
const struct fault *jwk_table_parse(struct arena *a, struct str document,
	uint32_t algs, struct jwk_table *s_r);

/* Would that entry of a set be one of its keys? */
bool jwk_usable(struct arena *a, const struct jdoc *entry);

/* One PEM public key or certificate; looked into at first need. */
const struct fault *jwk_table_pem(struct arena *a, struct str pem,
	uint32_t algs, struct jwk_table *s_r);

/* The one key of an HMAC policy; never empty. */
const struct fault *jwk_table_secret(struct arena *a, struct secret secret,
	uint32_t algs, struct jwk_table *s_r);

/* The checks on numbers and sizes, and what the key can do among `algs`.
 * NULL: usable; else why not. Leading zeros of n are stripped. */
const char *jwk_check(struct jwk *k, uint32_t algs);

#endif
