/* SPDX-License-Identifier: MIT */
/*
 * verdict -- tokens found good, remembered by all workers for a while
 *
 * Lifetime: entries lie on the shared shelf, until the token expires or the
 * time to live is over.
 * Promise: only complete positive verdicts are kept, never a token; the key
 * is a digest over the segment's secret, the policy's name, everything that
 * makes the policy what it is (keys, audiences, times …) and the token.
 * Times are judged again at each hit; scopes and user rules by the caller.
 */
#ifndef AUTH_VERDICT_H
#define AUTH_VERDICT_H

#include "auth/claims.h"
#include "base/digest.h"
#include "shm/segment.h"

struct verdict_key {
	uint8_t digest[SHA256_SIZE];
};

struct verdict_key verdict_key_of(const struct segment *s,
	struct str policy_name, const uint8_t policy_digest[SHA256_SIZE],
	struct str token);

/* True: c_r is what was kept, in the arena; its times are to be judged. */
bool verdict_get(struct segment *s, const struct verdict_key *key,
	int64_t now_unix_s, struct arena *a, struct claims *c_r);

/* Too large an identity is not kept. ttl_s: 1..300. */
void verdict_put(struct segment *s, const struct verdict_key *key,
	const struct claims *c, int64_t now_unix_s, int64_t ttl_s);

/* The bytes of an entry, for tests and fuzzing. */
bool verdict_unpack(struct str bytes, struct arena *a, struct claims *c_r);

#endif
