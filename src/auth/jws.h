/* SPDX-License-Identifier: MIT */
/*
 * jws -- is the signature good: chooses the key, then who computes
 *
 * libjwt computes what its version judges strictly, OpenSSL with kept keys the
 * rest; both say the same.  libjwt 1.x reads the key anew each time, 294 us for
 * RS256 where OpenSSL takes 19: "openssl" is for who sees many new tokens.
 */
#ifndef AUTH_JWS_H
#define AUTH_JWS_H

#include "auth/jwk.h"

enum jws_backend { JWS_LIBJWT, JWS_OPENSSL };

/* NULL: some key of the set made this signature.  Else TOKEN_SIGNATURE
 * (signature, kid_unknown, alg) or SERVER_INVALID: a key cannot be used. */
const struct fault *jws_verify(struct jwk_table *set, enum jws_backend backend,
	const struct jose *j, struct arena *a);

/* The token names a key that the set does not have. */
bool jws_lacks(const struct jwk_table *set, const struct jose *j);

/* Makes all key objects now. A fault: the key of a PEM file, or the secret,
 * cannot be used. */
const struct fault *jws_ready(struct jwk_table *set, struct arena *a);

#endif
