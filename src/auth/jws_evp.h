/* SPDX-License-Identifier: MIT */
/*
 * jws_evp -- signatures by OpenSSL 3, with keys that are kept
 *
 * Lifetime: a key object ends with the arena it was made in.
 * Errors: yes or no; OpenSSL's queue of errors is emptied every time.
 * Waits: never, but the first call of a process starts OpenSSL (1 ms): a
 * plain CGI that finds its verdict in the cache does not come here.
 */
#ifndef AUTH_JWS_EVP_H
#define AUTH_JWS_EVP_H

#include "auth/jwk.h"

/* A PEM key turned into the numbers it is made of; kind, bits and members
 * are filled in. NULL: done; else why not. */
const char *evp_read_pem(struct arena *a, struct jwk *k);

/* The key object of checked members. NULL: OpenSSL refuses them (a point
 * that is not on its curve). */
struct evp_key *evp_key_new(struct arena *a, const struct jwk *k);

/* Public keys only: "-----BEGIN PUBLIC KEY", NUL-terminated; STR_NONE. */
struct str evp_key_pem(struct arena *a, const struct evp_key *e);

/* The length a signature must have, 0 when the two do not fit. */
uint32_t evp_signature_size(const struct jwk *k, enum jose_alg alg);

/* TLS takes what another call left in OpenSSL's queue for its own. */
void evp_forget_errors(void);

bool evp_verify(const struct jwk *k, enum jose_alg alg, struct str input,
	struct str signature);

#endif
