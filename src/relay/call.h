/* SPDX-License-Identifier: MIT */
/*
 * call -- one attempt of one request at one upstream
 *
 * Until the verdict the reply's bytes are kept here, so that another attempt
 * stays possible; after call_flow() they go straight to the sink.
 * Lifetime: in the arena given; the transfer under it ends with call_stop()
 * or by itself.  Waits: for the upstream, through a waiter.
 */
#ifndef RELAY_CALL_H
#define RELAY_CALL_H

#include "base/waiter.h"
#include "http/transfer.h"

/* Where the bytes of a reply go once it is decided. */
struct call_sink {
	bool (*full)(void *who);	/* true: HOLD */
	void (*write)(void *who, struct str bytes);
	void *who;
};

struct call_plan {
	struct wire *wire;
	const struct conf_server *server;
	const char *method;
	const struct headers *headers;	/* all that goes out */
	struct str url, body;		/* url "": the server's */
	int64_t first_byte_ms;
	bool stream;			/* known to be long */
	bool fresh;			/* not on a kept connection */
	size_t keep;			/* bytes kept before the verdict */
};

struct call {
	struct arena *arena;
	struct transfer *transfer;	/* NULL: ended or stopped */
	struct waiter *waiter;		/* who is told the news */
	struct transfer_reply reply;
	bool head;			/* reply is known */
	bool ended;
	bool over;			/* more came than is kept: on HOLD */
	bool whole;			/* tell the end (or over), not the head */
	bool nudged;			/* the sink's news; not told yet */
	enum transfer_end end;
	const char *detail;		/* of a bad end, for the log */
	struct str early;		/* bytes kept */
	size_t early_room, keep;
	const struct call_sink *sink;	/* NULL: still keeping */
};

/* NULL: the URL cannot be used. */
struct call *call_start(struct arena *a, const struct call_plan *p);

/* w is woken when there is news: the head, or the end (a second call).
 * News that is there already wakes it at the end of this turn. */
void call_wait(struct call *c, struct waiter *w);

/* The sink has news of its own: wakes who waits, or whoever waits next, at the
 * end of this turn. */
void call_nudge(struct call *c);

/* From now on only the end counts, or too many bytes (`over`). */
void call_collect(struct call *c);

/* Hands over what was kept; from now on bytes go to the sink. */
void call_flow(struct call *c, const struct call_sink *sink);

/* The sink can take bytes again. */
void call_resume(struct call *c);

/* Ends it early; no news follows. Ended: no effect. */
void call_stop(struct call *c);

#endif
