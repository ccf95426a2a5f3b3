/* SPDX-License-Identifier: MIT */
/*
 * credential -- puts a token into what goes to the upstream
 *
 * The last thing that happens to an outgoing request, and with auth/ the only
 * place that reveals a secret to a message.
 */
#ifndef CRED_CREDENTIAL_H
#define CRED_CREDENTIAL_H

#include "conf/conf.h"
#include "http/headers.h"
#include "shm/rotor.h"

/* Token `index` of the pool as header (replacing one of that name) or as
 * query parameter of *url (made anew in h->arena). A fault: the value cannot
 * stand in a header. */
const struct fault *credential_put(const struct conf_pool *pool,
	uint32_t index, struct headers *h, struct str *url);

/* A configured static header. False: its value cannot stand in a header. */
bool credential_static(struct headers *h, const struct conf_pair *pair);

/* How shared memory knows a token. s may be NULL. */
void credential_digest(const struct segment *s, const struct conf_token *t,
	uint8_t digest_r[ROTOR_DIGEST]);

/* SHA-256, to be compared with what a client presents. */
void credential_sha256(const struct conf_token *t, uint8_t digest_r[32]);

#endif
