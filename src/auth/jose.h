/* SPDX-License-Identifier: MIT */
/*
 * jose -- takes a compact JWS apart, strictly, before any library sees it
 *
 * Promise: what comes out of jose_parse() has exactly three base64url
 * segments without padding or spare bits, a header and a payload that are
 * strict JSON objects, an algorithm from the list, a kid that may be logged.
 * Nothing in it is verified: the claims may refuse, never allow.
 * Errors: a fault whose detail begins with one word for the log
 * (malformed alg typ crit).
 */
#ifndef AUTH_JOSE_H
#define AUTH_JOSE_H

#include "base/fault.h"
#include "base/jdoc.h"
#include "base/str.h"

enum jose_alg {
	JOSE_HS256, JOSE_HS384, JOSE_HS512,
	JOSE_RS256, JOSE_RS384, JOSE_RS512,
	JOSE_PS256, JOSE_PS384, JOSE_PS512,
	JOSE_ES256, JOSE_ES384, JOSE_ES512,
	JOSE_EDDSA,
	JOSE_ALGS
};

/* Sets of algorithms are words of bits. */
#define JOSE_BIT(alg) (1u << (alg))
#define JOSE_HS (JOSE_BIT(JOSE_HS256) | JOSE_BIT(JOSE_HS384) | \
	JOSE_BIT(JOSE_HS512))
#define JOSE_RS (JOSE_BIT(JOSE_RS256) | JOSE_BIT(JOSE_RS384) | \
	JOSE_BIT(JOSE_RS512))
#define JOSE_PS (JOSE_BIT(JOSE_PS256) | JOSE_BIT(JOSE_PS384) | \
	JOSE_BIT(JOSE_PS512))

/* Byte-equal names only. */
bool jose_alg_of(struct str name, enum jose_alg *alg_r);
const char *jose_alg_name(enum jose_alg alg);

/* Bytes of the hash: 32, 48, 64; 0 for EdDSA. */
uint32_t jose_alg_hash(enum jose_alg alg);

/* None, "JWT", "application/jwt", "at+jwt". */
enum jose_typ { JOSE_TYP_NONE, JOSE_TYP_JWT, JOSE_TYP_FULL,
	JOSE_TYP_ACCESS };

struct jose_rules {
	size_t max_token;		/* bytes, at most MAX_TOKEN */
	uint32_t algs;			/* JOSE_BIT of the accepted ones */
	struct str require_typ;		/* "" : any of the known ones */
	bool padded;			/* '=' may stand at segment ends */
};

struct jose {
	struct str token, signing;	/* as received; header.payload of it */
	struct str signature;		/* decoded */
	struct str kid;			/* p == NULL: none */
	struct jdoc *header, *claims;	/* objects */
	enum jose_alg alg;
	enum jose_typ typ;
	bool odd_number;		/* one that not every library reads */
};

const struct fault *jose_parse(struct arena *a, struct str token,
	const struct jose_rules *rules, struct jose *j_r);

/* 1..MAX_KID printable ASCII bytes. */
bool jose_kid_clean(struct str kid);

/* 1..max bytes of UTF-8 without C0, DEL and C1. */
bool jose_text_clean(struct str s, size_t max);

#endif
