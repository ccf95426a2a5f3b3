/* SPDX-License-Identifier: MIT */
/*
 * jws_libjwt -- signatures by libjwt: one file for its API up to 2.x
 * (jws_libjwt.c), one for 3.x (jws_libjwt3.c)
 *
 * libjwt says yes or no about bytes that jose_parse() has let through, with
 * a key and an algorithm chosen here; claims are never read from it.
 */
#ifndef AUTH_JWS_LIBJWT_H
#define AUTH_JWS_LIBJWT_H

#include "auth/jwk.h"

/* Can this libjwt judge this token with this key as strictly as we do? */
bool libjwt_can(const struct jose *j, const struct jwk *k);

/* The signature has the right length already. a: of the request; what is
 * kept with the key goes into the arena of its set. */
bool libjwt_verify(const struct jose *j, struct jwk *k, struct arena *set,
	struct arena *a);

#endif
