/* SPDX-License-Identifier: MIT */
/*
 * keyring -- the fetched keys of one policy, ready to verify
 *
 * Lifetime: lies in the arena of the policy's generation.  The tables made of
 * fetched documents have arenas of their own, which end when the next
 * document comes, or with the generation.
 * Sharing: documents are shared by all workers, tables belong to this one.
 * Promise: what a token says before its signature is good may choose the set
 * and refuse, nothing else; a token that would be refused anyway, whoever
 * has signed it, causes no fetch.
 */
#ifndef AUTH_KEYRING_H
#define AUTH_KEYRING_H

#include "auth/auth.h"
#include "auth/jws.h"
#include "base/digest.h"

struct keyring;

struct keyring_plan {
	const struct conf *conf;
	const struct conf_inbound *in;
	uint32_t algs;
	enum jws_backend backend;
};

/* The way out of the server whose rules these are. */
const struct conf_outproxy *keyring_outproxy(const struct conf *c,
	const struct conf_inbound *in);

/* A fault: SERVER_INVALID. */
const struct fault *keyring_new(const struct keyring_plan *p,
	struct arena *a, struct keyring **r_r);

/* The digest with the epochs of all sets in it: what changes with the keys. */
void keyring_digest(const struct keyring *r, const struct auth_ask *ask,
	const uint8_t digest[SHA256_SIZE], uint8_t digest_r[SHA256_SIZE]);

/* NULL: the signature is good, unless need_r says what is lacking.  Else
 * TOKEN_SIGNATURE, or AUTH_UNAVAILABLE: there are no keys. */
const struct fault *keyring_verify(struct keyring *r,
	const struct auth_ask *ask, const struct jose *j,
	struct auth_need *need_r);

#endif
