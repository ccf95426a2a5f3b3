/* SPDX-License-Identifier: MIT */
/*
 * rotor -- what all workers know of an upstream's token pool
 *
 * Lifetime: cells lie in the segment; the caller borrows them.
 * Sharing: any process may call anything at any time.  Per request only
 * lock-free words change; binding a pool to its cells takes the lock once
 * per load.  A worker killed in the middle leaves valid cells.
 * Promise: state is found by server name and keyed digest of the token, so
 * order changes, reloads and restarts keep it.  Duplicates of one token in a
 * list have cells of their own (the n-th occurrence).
 * Secrets: the rotor sees digests only.
 */
#ifndef SHM_ROTOR_H
#define SHM_ROTOR_H

#include "shm/segment.h"

#define ROTOR_DIGEST 16
#define ROTOR_NONE UINT32_MAX

struct rotor;			/* a pool bound to its cells; in an arena */

struct rotor_plan {
	struct str server;
	const uint8_t (*digests)[ROTOR_DIGEST];	/* rotor_digest() of each */
	uint32_t n;
};

/* Keyed digest of a token under this segment's key. s NULL: any. */
void rotor_digest(const struct segment *s, struct str token,
	uint8_t digest_r[ROTOR_DIGEST]);

/* Finds or makes the cells. NULL: no room or the lock is broken.  From a
 * segment opened read-only: a copy of what is there now. */
struct rotor *rotor_bind(struct segment *s, const struct rotor_plan *plan,
	struct arena *a);

/* A pool with cells of its own, for when there is no segment or no room:
 * it works, but nobody else sees it. */
struct rotor *rotor_alone(const struct rotor_plan *plan, struct arena *a);

/* The turn to use now: counts up by one a call, from 0. One atomic add. */
uint64_t rotor_next(struct rotor *r);
uint64_t rotor_peek(const struct rotor *r);
void rotor_rewind(struct rotor *r);

/* on-first-failed: list index that counts now (0 when it vanished). */
uint32_t rotor_current(const struct rotor *r);

/* Moves current from one index to another; false: somebody else moved it. */
bool rotor_move(struct rotor *r, uint32_t from, uint32_t to);

/* ---- per token, by list index ------------------------------------------------ */
struct rotor_token {
	uint64_t cooling_until_ms;	/* boot time; 0: usable */
	uint32_t failures;		/* in a row */
	uint32_t last_status;
	uint64_t uses;
	uint32_t in_flight;
	bool disabled;			/* by mcpgatectl */
};
void rotor_look(const struct rotor *r, uint32_t i, struct rotor_token *t_r);
bool rotor_cooling(const struct rotor *r, uint32_t i, uint64_t now_boot_ms);

/* k failures in a row -> cooling until; returns k. One failure reported by
 * many requests at once for the same use counts once while it is cooling. */
uint32_t rotor_failed(struct rotor *r, uint32_t i, uint32_t status,
	uint64_t now_boot_ms, int64_t cooldown_ms, int64_t cooldown_max_ms);
void rotor_cool(struct rotor *r, uint32_t i, uint32_t status,
	uint64_t until_boot_ms);		/* Retry-After */
/* True when the token had failed before (for "usable again"). */
bool rotor_succeeded(struct rotor *r, uint32_t i, uint32_t status);

/* +1: one more use, in flight from now; -1: its end.  What a killed worker
 * had in flight is forgotten when another begins; only who has a worker's
 * slot may count, since nobody notices the death of others. */
void rotor_used(struct rotor *r, uint32_t i, int in_flight_delta);
void rotor_drawn(struct rotor *r, uint32_t i);	/* a use, and no more */
void rotor_clear(struct rotor *r, uint32_t i);
void rotor_disable(struct rotor *r, uint32_t i, bool disabled);

/* The whole pool was withdrawn (a client presented one of its tokens) for
 * configuration fingerprint f; a new configuration lifts it. */
void rotor_withdraw(struct rotor *r, uint64_t fingerprint);
bool rotor_withdrawn(const struct rotor *r, uint64_t fingerprint);

#endif
