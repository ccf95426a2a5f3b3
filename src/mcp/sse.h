/* SPDX-License-Identifier: MIT */
/*
 * sse -- event-stream framing: where events end, and events as values
 */
#ifndef MCP_SSE_H
#define MCP_SSE_H

#include "base/buf.h"

/* The name of an event that is for the protocol: clients pass over others. */
static inline bool
sse_is_message(struct str event)
{
	return event.n == 0 || str_is(event, "message");
}

/* Bytes up to the next line end (LF or CR, which may belong together), or
 * all of them. */
size_t sse_line(struct str bytes);

/* ---- follow a stream that is relayed as it comes ------------------------- */
struct sse_tail {
	uint8_t line, state;		/* where in a line the last byte was */
};

void sse_follow(struct sse_tail *t, struct str bytes);

/* True when a comment may be put in here: between two events. */
bool sse_between(const struct sse_tail *t);

/* ---- the mark that a stream may begin with -------------------------------- */
struct sse_head {
	uint8_t held;			/* bytes that may be of the mark */
	bool over;			/* it is behind us, or there is none */
};

/* Takes a byte order mark off, in any chunking.  Once something stands before
 * it in a stream it is no mark any more, but part of a line.  Returns what was
 * held back and is none: it comes before *bytes. */
struct str sse_unmark(struct sse_head *h, struct str *bytes);

/* ---- take events out (folding) ------------------------- */
struct sse_event {
	struct str event, data, id;	/* event "" means "message" */
	bool has_id, has_data;
	int64_t retry_ms;		/* -1: none */
};

struct sse;			/* a parser; lives in its arena */

/* max_event: bytes of the lines of one event, without their ends. */
struct sse *sse_new(struct arena *a, size_t max_event);

/* Feeds bytes in any chunking; calls fn for each complete event, whose texts
 * live until fn returns. False: an event was larger than max_event. fn
 * returning false stops the feeding: the rest of bytes is lost. */
bool sse_feed(struct sse *s, struct str bytes,
	bool (*fn)(void *who, const struct sse_event *e), void *who);

#endif
