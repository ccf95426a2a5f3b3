/* SPDX-License-Identifier: MIT */
/*
 * answered -- which answers has a stream that is handed on brought already?
 *
 * A stream that breaks off gets errors as its last events, one for each
 * request that has no answer; no request is answered twice.
 * Promise: never says no when the answer was there; an event too long to be
 * looked at counts as all answers.
 */
#ifndef RELAY_ANSWERED_H
#define RELAY_ANSWERED_H

#include "base/str.h"

struct answered;		/* lives in its arena */

/* ids: raw JSON of the requests' ids; they stay where they are. */
struct answered *answered_new(struct arena *a, const struct str *ids,
	uint32_t n);

/* NULL: nobody waits. */
void answered_follow(struct answered *w, struct str bytes);

/* Somebody has no answer. */
bool answered_owed(const struct answered *w);

/* The last event so far has an id: with it a client may ask for the rest. */
bool answered_marked(const struct answered *w);

/* The first id from *i on without an answer; *i becomes the next.  False:
 * there is none. */
bool answered_not(const struct answered *w, uint32_t *i, struct str *id_r);

#endif
