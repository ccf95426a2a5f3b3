/* SPDX-License-Identifier: MIT */
/*
 * bytes -- buffers that grow, of one worker, with a sum over all of them
 *
 * Lifetime: a buffer takes memory with its first byte and gives it back by
 * bytes_drop(); an empty one costs nothing.  First pieces are kept for the
 * next buffer, so that a request of usual size allocates nothing.
 * Secrets: what is dropped or moved is wiped, as far as variables can lie
 * in it (BYTES_WIPED bytes from the front).
 */
#ifndef DOOR_BYTES_H
#define DOOR_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

#define BYTES_FIRST	KIB(8)	/* room of a new buffer; most requests fit */
#define BYTES_SLACK	64	/* room that a trimmed buffer keeps */
#define BYTES_SPARES	16	/* first pieces kept */
#define BYTES_WIPED	(MAX_PARAMS + KIB(4))	/* the variables lie in front */

struct bytes_pool {
	size_t held;			/* room of all buffers in use */
	size_t most;			/* held never passes it */
	uint32_t n_spare;
	uint8_t *spare[BYTES_SPARES];
};

struct bytes {
	uint8_t *p;
	size_t n, room;
};

void bytes_pool_init(struct bytes_pool *l, size_t most);
void bytes_pool_clear(struct bytes_pool *l);

/* False: the pool's sum would pass its maximum; nothing has changed. */
bool bytes_reserve(struct bytes *b, struct bytes_pool *l, size_t more);
bool bytes_add(struct bytes *b, struct bytes_pool *l, const void *p, size_t n);

/* Takes n bytes away from the front. */
void bytes_cut(struct bytes *b, size_t n);

/* Keeps the first n bytes and gives back the room that they do
 * not need, except BYTES_SLACK bytes. */
void bytes_trim(struct bytes *b, struct bytes_pool *l, size_t n);
void bytes_drop(struct bytes *b, struct bytes_pool *l);

#endif
