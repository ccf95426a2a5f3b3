/* SPDX-License-Identifier: MIT */
/*
 * streams -- how many streams one caller holds open, over all workers
 *
 * Sharing: one 64-bit word for each caller and worker; only that worker
 * writes it, everybody sums.  A worker that takes over a dead one's slot
 * clears the words first; until then they do not count, because their owner
 * is seen to be dead before anybody is refused.
 * Promise: exact to the one; a caller whose bucket is full is let in (the
 * worker's own limit still holds).
 */
#ifndef SHM_STREAMS_H
#define SHM_STREAMS_H

#include "shm/segment.h"

#define STREAMS_CALLER 16	/* bytes that name a caller: identity digest */

/* Counts one more. False: the caller has `most` open already. */
bool streams_enter(struct segment *s, const struct worker_slot *w,
	const uint8_t caller[STREAMS_CALLER], uint32_t most);
void streams_leave(struct segment *s, const struct worker_slot *w,
	const uint8_t caller[STREAMS_CALLER]);
uint32_t streams_count(const struct segment *s,
	const uint8_t caller[STREAMS_CALLER]);

/* A new owner of a worker's slot begins with none. */
void streams_forget(struct segment *s, uint32_t worker);

#endif
