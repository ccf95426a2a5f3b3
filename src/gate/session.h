/* SPDX-License-Identifier: MIT */
/*
 * session -- session ids that only mean something to us
 *
 * The client never sees the id that the upstream gave.  Ours is
 * `v1.KID.SEALED`: server, caller, end, place in the table of living
 * sessions and the upstream's id, sealed with a key that KID names.
 * Promise: an id counts only for the caller and the server it was made for;
 * whatever is wrong with it gives the one answer 404, and the log the reason.
 * Any worker reads what another one made.
 */
#ifndef GATE_SESSION_H
#define GATE_SESSION_H

#include "base/seal.h"
#include "conf/conf.h"
#include "shm/sessions.h"

struct req;
struct headers;

#define SESSION_KID 8		/* characters, with the NUL */

struct session_key {
	char kid[SESSION_KID];
	uint8_t key[SEAL_KEY];
};

/* What is sealed, before the upstream's id. */
struct session_inside {
	uint64_t route;
	uint8_t caller[SESSIONS_CALLER];
	int64_t ends_unix_s;
	struct session_place place;
};

/* The first seals, all open: that is how a key is replaced. */
struct session_keys {
	struct session_key *v;
	uint32_t n;
};

/* From secretKey; without it from the segment; without that made here, for
 * this process alone. */
struct session_keys session_keys_new(const struct conf *c,
	const struct segment *s, struct arena *a);

/* How a server is known in a session, also after a reload. */
uint64_t session_route(struct str server);

/* The bytes that a sealed id holds: whose it is, then the upstream's id.
 * NULL: not one of ours. */
const char *session_unseal(const struct session_keys *keys, struct str sealed,
	struct arena *a, struct str *upstream_r);

/* The other way; "" : it cannot be sealed. */
struct str session_seal(const struct session_keys *keys,
	const struct session_inside *in, struct str upstream,
	struct arena *a);

/* The header as it came: one value of visible ASCII, or none. */
const struct fault *session_read(struct req *q);

/* Opens what was read; q->session is the upstream's id then. */
const struct fault *session_open(struct req *q);

/* For a reply of the upstream with a session id: what the client gets. */
void session_tell(struct req *q, struct str upstream, struct headers *h);

/* How many each server has, found by its route. */
struct metrics_pool;
void session_count(const struct segment *s, struct metrics_pool *pools,
	uint32_t n);

/* The client or the upstream has ended it. */
void session_over(struct req *q);

#endif
