/* SPDX-License-Identifier: MIT */
/*
 * loads -- calls under way and open streams, by worker and server
 *
 * Lifetime: a place is its server's as long as a generation that named the
 * server is the last one, or something of it is under way.
 * Sharing: a row of places for each worker's slot; only that worker writes
 * it (a plain load and a plain store), everybody sums.
 * Promise: what a dead worker carried does not count.
 */
#ifndef SHM_LOADS_H
#define SHM_LOADS_H

#include "shm/segment.h"

#define LOADS 512	/* of a worker: two configurations of MAX_SERVERS */

struct loads;		/* per process: its row */
struct shm_load;	/* the place of one server in it */

/* NULL without a slot; everything below takes that for nothing. */
struct loads *loads_open(struct segment *s, const struct worker_slot *w,
	struct arena *a);

/* A new generation takes its places; those that no generation after this
 * asks for may be given to others once nothing is under way there. */
void loads_begin(struct loads *l);

/* server: its name, digested; not 0.  NULL: no place is free. */
struct shm_load *loads_place(struct loads *l, uint64_t server);

/* Deltas. */
void loads_count(struct shm_load *p, int calls, int streams);

struct load {
	uint64_t server;
	uint32_t calls, streams;
};

/* Each place of a living worker where something is under way. */
void loads_each(const struct segment *s,
	void (*fn)(void *who, const struct load *l), void *who);

/* A slot begins, or ends, with nothing. */
void loads_forget(struct segment *s, uint32_t worker);

#endif
