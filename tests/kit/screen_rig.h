/* SPDX-License-Identifier: MIT */
/*
 * screen_rig -- bytes through the screen of records, in any pieces
 */
#ifndef KIT_SCREEN_RIG_H
#define KIT_SCREEN_RIG_H

#include "door/records.h"
#include "kit/fcgi_peer.h"

#define RIG_PARAMS	2000
#define RIG_PAIRS	8
#define RIG_BODY	9000
#define RIG_DROPPED	20000

extern const struct screen_limits limits;	/* the ones above */
extern struct bytes_pool pool;

/* What the screen said last, and all that it knew then. */
struct said {
	enum screen_verdict verdict;
	size_t eaten;
	uint16_t id;
	uint8_t flags, type;
	bool refusing, no_params;
	enum fault_kind refused;	/* FAULT_KINDS: not */
	uint32_t pairs, text_n;
	uint64_t body_n;
	size_t stage_n;
};

/* cut: bytes of the first piece, 0: as the others; step: of the others.
 * stage_r: NULL, or a copy of the stage, to be freed. */
struct said screen(const struct peer_text *t, size_t cut, size_t step,
	uint8_t **stage_r);

/* One byte at a time, or cut at any place, the same comes out. */
bool chunking_is_nothing(const struct peer_text *t);

#endif
