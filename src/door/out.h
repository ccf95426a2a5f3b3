/* SPDX-License-Identifier: MIT */
/*
 * out -- the reply on its way to the web server: records, or plain for CGI
 *
 * Lifetime: embedded in a connection; out_start() for each request.  Memory
 * is taken only while something waits to be sent.
 * Promise: never blocks.  Headers leave with the first bytes of the body; a
 * reply whose body is whole at its end leaves as one record in one call.
 * Errors: after the peer has gone all is taken and nothing is sent; `told`
 * hears OUT_GONE once.
 */
#ifndef DOOR_OUT_H
#define DOOR_OUT_H

#include "door/bytes.h"
#include "gate/gate.h"

enum out_news {
	OUT_HELD,	/* bytes wait for the rest of this turn: out_flush() */
	OUT_QUEUED,	/* bytes wait for the peer: out_flush() when writable */
	OUT_ENDED,	/* end() was called; bytes may be left for out_flush() */
	OUT_CUT,	/* cut() was called */
	OUT_GONE,	/* the peer takes no more */
};

struct out {
	struct outlet outlet;		/* first: the gate knows this alone */
	int fd;
	uint16_t id;
	bool plain;			/* CGI: no records around */
	bool begun, ended, gone;
	bool holding;			/* MAX_QUEUED was passed */
	bool owed;			/* a whole reply waits for out_flush() */
	bool body_known;		/* there is a Content-Length */
	uint64_t body_left;
	struct bytes head;		/* headers, perhaps the whole body */
	struct bytes queue;
	size_t sent;			/* bytes of queue that have left */
	struct bytes_pool *pool;
	void (*told)(void *who, enum out_news news);
	void *who;
};

void out_init(struct out *o, int fd, struct bytes_pool *l,
	void (*told)(void *who, enum out_news), void *who);

/* A reply may begin; id is the request's, 0 and plain with CGI. */
void out_start(struct out *o, uint16_t id, bool plain);

/* Sends what it can. False: the peer has gone. */
bool out_flush(struct out *o);

/* Once after the queue has fallen below LOW_QUEUED. */
bool out_drained(struct out *o);
size_t out_waiting(const struct out *o);

/* The end of a request that no reply came to, or whose reply was left: an
 * END_REQUEST record with this protocol status. */
void out_finish(struct out *o, uint16_t id, int status);

/* A record of our own making. */
void out_record(struct out *o, const void *p, size_t n);

/* Gives all memory back. */
void out_clear(struct out *o);

#endif
