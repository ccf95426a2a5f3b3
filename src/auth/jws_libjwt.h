/* SPDX-License-Identifier: MIT */
/*
 * jws_libjwt -- signatures by libjwt: one file for its API up to 2.x
 * (jws_libjwt.c), one for 3.x (jws_libjwt3.c)
 *
 * libjwt says yes or no about bytes that jose_parse() has let through, with
 * a key and an algorithm chosen here; claims are never read from it.
 * Errors: yes or no; OpenSSL's queue of errors may hold what libjwt met.
 */
#ifndef AUTH_JWS_LIBJWT_H
#define AUTH_JWS_LIBJWT_H

#include "auth/jwk.h"

/* Does this libjwt judge this token with this key as strictly as we do?  What
 * it keeps with the key is made now, in the arena of its set. */
bool libjwt_can(const struct jose *j, struct jwk *k, struct arena *set);

/* What it can.  The signature has the right length already. a: of the
 * request. */
bool libjwt_verify(const struct jose *j, const struct jwk *k, struct arena *a);

#endif
