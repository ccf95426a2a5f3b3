/* SPDX-License-Identifier: MIT */
/*
 * answered -- has a stream that is handed on brought the answer already?
 *
 * A stream that breaks off gets an error as its last event, but no request
 * is answered twice.
 * Promise: never says no when the answer was there; an event too long to be
 * looked at counts as the answer.
 */
#ifndef RELAY_ANSWERED_H
#define RELAY_ANSWERED_H

#include "base/str.h"

struct answered;		/* lives in its arena */

/* id: raw JSON of the request's id; stays where it is. */
struct answered *answered_new(struct arena *a, struct str id);

void answered_follow(struct answered *w, struct str bytes);

/* NULL: no. */
bool answered_yes(const struct answered *w);

#endif
