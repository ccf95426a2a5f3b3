/* SPDX-License-Identifier: MIT */
/*
 * jws_sign -- makes signatures, for `mcpgatectl token mint`
 *
 * The gateway itself signs nothing.
 * Errors: a text that says why not; OpenSSL's queue of errors is emptied.
 * Secrets: the key; it stays where the caller has it.
 */
#ifndef AUTH_JWS_SIGN_H
#define AUTH_JWS_SIGN_H

#include "auth/jose.h"
#include "base/secret.h"

struct arena;

/* key: the secret of an HS algorithm, as long as its hash at least; else a
 * private key as PEM, without a passphrase, of the kind and size that the
 * algorithm asks for (RSA: 2048 to 8192 bits).  NULL: done. */
const char *jws_sign(enum jose_alg alg, struct secret key, struct str input,
	struct arena *a, struct str *signature_r);

#endif
