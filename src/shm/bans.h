/* SPDX-License-Identifier: MIT */
/*
 * bans -- addresses that are refused, or let in, for a while
 *
 * What an operator says while the gateway runs, beside the lists of the
 * configuration.  One entry for each address or block: banned or allowed.
 * Sharing: writers take the segment's lock, readers none; each process keeps
 * the entries sorted for itself and looks at one word to know whether they
 * still are what the file holds.
 * Promise: what bans_put() or bans_drop() has done counts for every look
 * that begins afterwards, in any process.  A writer killed at any moment
 * leaves whole entries only.
 */
#ifndef SHM_BANS_H
#define SHM_BANS_H

#include "base/spans.h"
#include "shm/segment.h"

#define BANS_MOST 4096		/* entries */
#define BANS_PLACES (BANS_MOST + 1)	/* one for what takes another's place */

struct ban {
	struct span span;
	bool allow;
};

enum bans_word { BANS_DONE, BANS_NONE, BANS_FULL, BANS_BUSY };

/* Enters it, in place of one for the same block. */
enum bans_word bans_put(struct segment *s, const struct ban *b,
	int64_t now_unix_s);

/* BANS_NONE: there was no entry for this very block. */
enum bans_word bans_drop(struct segment *s, const struct span *block);

/* Entries that have not ended, by family and address; at most room. */
uint32_t bans_list(const struct segment *s, int64_t now_unix_s,
	struct ban *v_r, uint32_t room);

struct bans;			/* what this process knows of them */

/* s NULL: there are none. */
struct bans *bans_open(struct segment *s, struct arena *a);
void bans_close(struct bans *b);

/* What counts now: valid until the next call. */
struct bans_view {
	const struct spans *banned, *allowed;	/* NULL: none */
};
struct bans_view bans_look(struct bans *b);

#endif
