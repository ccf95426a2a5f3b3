/* SPDX-License-Identifier: MIT */
/*
 * cells -- a pool bound to its cells, as rotor.c and cells.c see it
 *
 * Lifetime: in the arena of whoever bound it; the cells lie in the segment.
 * Sharing: `mine`, `deaths` and `hint` belong to this process.
 */
#ifndef SHM_CELLS_H
#define SHM_CELLS_H

#include "shm/layout.h"

struct place {
	struct shm_cell *cell;
	uint64_t name;			/* name[0] of the cell that is meant */
	uint32_t deaths;		/* as of `mine` */
	int32_t mine;			/* in flight through this rotor */
};

struct rotor {
	struct shm_pool *pool;
	const _Atomic uint32_t *deaths;
	struct place *v;
	struct shm_cell *spare;		/* instead of one that was taken away */
	uint32_t n;
	uint32_t hint;			/* list index of `current` lately */
};

#endif
