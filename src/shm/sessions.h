/* SPDX-License-Identifier: MIT */
/*
 * sessions -- which session ids of ours are alive
 *
 * What a session is lies sealed in its id; here lies only what changes:
 * when it was used last, and that it has not ended.
 * Sharing: looking and renewing is lock-free; beginning takes the lock.
 * Promise: an ended slot never becomes that session again.  A caller's
 * oldest idle session at a server goes when he has as many there as he may
 * have; what he has at others does not count.  Callers nobody knows have a
 * half of the table to themselves, and crowd out only each other.
 */
#ifndef SHM_SESSIONS_H
#define SHM_SESSIONS_H

#include "shm/segment.h"

#define SESSIONS_CALLER 16
#define SESSIONS_NONE UINT32_MAX

/* What a session id says; fixed width, sealed. */
struct session_place {
	uint32_t slot, turn;		/* slot SESSIONS_NONE: not in the table */
};

struct sessions_plan {
	uint8_t caller[SESSIONS_CALLER];
	uint64_t route;
	bool known;			/* the caller is authenticated */
	uint32_t most;			/* of one known caller, of this route */
	uint64_t idle_ms, life_ms;
};

/* A new session; the table is busy: a place that only lives in the id. */
struct session_place sessions_begin(struct segment *s,
	const struct sessions_plan *p, uint64_t now_boot_ms);

/* Alive and idle for no longer than idle_ms; renews it. */
bool sessions_use(struct segment *s, struct session_place at,
	uint64_t idle_ms, uint64_t now_boot_ms);

void sessions_end(struct segment *s, struct session_place at);

struct session_view {
	struct session_place at;
	uint64_t route;
	uint8_t caller[SESSIONS_CALLER];
	bool known;
	uint64_t age_ms, idle_ms;
};

/* Calls fn for each that is alive. */
void sessions_each(const struct segment *s, uint64_t now_boot_ms,
	void (*fn)(void *who, const struct session_view *v), void *who);

#endif
