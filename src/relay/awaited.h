/* SPDX-License-Identifier: MIT */
/*
 * awaited -- the requests of a call, and which of them are answered
 *
 * Ids of two requests may say the same: the first answer is the first one's.
 * Lifetime: in the arena given; the ids are borrowed.
 */
#ifndef RELAY_AWAITED_H
#define RELAY_AWAITED_H

#include "base/jdoc.h"

struct awaited_id;

struct awaited {
	struct awaited_id *v;
	uint32_t n, left;		/* of them not answered */
};

/* How a message of an upstream is read that may be an answer. */
extern const struct jdoc_limits awaited_limits;

/* ids: raw JSON. */
struct awaited awaited_new(struct arena *a, const struct str *ids, uint32_t n);

/* A message has come; a: for what has to be read of it.  False: it answers
 * nobody who waits. */
bool awaited_take(struct awaited *w, struct arena *a,
	const struct jdoc_message *m);

/* The first from *i on that waits; *i becomes the next.  False: none does. */
bool awaited_next(const struct awaited *w, uint32_t *i, struct str *id_r);

#endif
