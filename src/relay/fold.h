/* SPDX-License-Identifier: MIT */
/*
 * fold -- an event stream turned into the one JSON reply inside it
 *
 * For clients that cannot take a stream (streaming off, Accept without
 * text/event-stream).  Notifications are dropped; requests of the upstream
 * cannot reach the client: their ids are kept so that they can be refused.
 */
#ifndef RELAY_FOLD_H
#define RELAY_FOLD_H

#include "base/str.h"

enum fold_state { FOLD_MORE, FOLD_DONE, FOLD_BAD };

#define MAX_FOLD_REFUSED 16	/* upstream requests refused during one call */

struct fold {
	struct arena *arena;
	struct sse *events;
	struct str id;			/* raw JSON of the request's id */
	struct str reply;		/* the message, as it came */
	struct str refused[MAX_FOLD_REFUSED];	/* raw ids, to be taken */
	uint32_t n_refused;
	uint32_t n_asked;		/* of them in all */
	enum fold_state state;
};

void fold_init(struct fold *f, struct arena *a, struct str id, size_t max);
enum fold_state fold_feed(struct fold *f, struct str bytes);

/* The error reply that tells an upstream no. */
struct str fold_refusal(struct arena *a, struct str id);

#endif
