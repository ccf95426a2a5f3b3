/* SPDX-License-Identifier: MIT */
/*
 * fold -- an event stream turned into the one JSON reply inside it
 *
 * For clients that cannot take a stream (streaming off, Accept without
 * text/event-stream).  The answers to a batch become one array, in the order
 * in which they come.  Notifications are dropped, and events of another name
 * than "message", as clients drop them; requests of the upstream
 * cannot reach the client: their ids are kept so that they can be refused.
 * Lifetime: everything lies in the arena; the ids are borrowed.
 *
 * A stream may end before the answer; whoever resumes it says fold_again().
 */
#ifndef RELAY_FOLD_H
#define RELAY_FOLD_H

#include "base/limits.h"
#include "relay/awaited.h"

enum fold_state { FOLD_MORE, FOLD_DONE, FOLD_BAD };

#define MAX_FOLD_REFUSED 16	/* upstream requests refused during one call */

struct fold_plan {
	const struct str *ids;		/* raw JSON of the requests' ids */
	uint32_t n_ids;			/* one at least */
	bool batch;			/* the reply is an array */
	size_t max;			/* bytes of an event, and of all answers */
};

struct fold {
	struct arena *arena;
	struct sse *events;
	struct awaited ids;
	bool batch;
	size_t max;			/* bytes of an event */
	size_t room;			/* bytes that answers may still take */
	struct str *pieces;		/* of the reply */
	uint32_t n_pieces;
	struct str reply;		/* the message, as it came */
	struct str refused[MAX_FOLD_REFUSED];	/* raw ids, to be taken */
	uint32_t n_refused;
	uint32_t n_asked;		/* of them in all */
	char last[MAX_EVENT_ID];	/* id of the last event that had one */
	uint32_t n_last;		/* 0: none, or one that cannot be sent */
	int64_t retry_ms;		/* wait before resuming; -1: not said */
	enum fold_state state;
};

void fold_init(struct fold *f, struct arena *a, const struct fold_plan *p);
/* FOLD_DONE: the reply is complete.  FOLD_BAD: too large, or not what was
 * asked for.  After both more bytes change nothing. */
enum fold_state fold_feed(struct fold *f, struct str bytes);

/* Another stream goes on where the last one ended. */
void fold_again(struct fold *f);

/* The error reply that tells an upstream no. */
struct str fold_refusal(struct arena *a, struct str id);

#endif
