/* SPDX-License-Identifier: MIT */
/*
 * h1_parse -- an HTTP/1.1 reply, taken apart as it comes; no I/O
 *
 * h1_next() is called again and again: each time it takes something off the
 * front of the input and says what that was, until it says H1_MORE (all of
 * the input is used) or how the reply has ended.  How the input was cut into
 * pieces makes no difference but for the cuts in bodies.
 * Lifetime: a line that came in pieces lies in the arena; others, and bodies,
 * are in the input.
 * Promise: framing that two parsers could understand differently is H1_BAD,
 * and such a connection is never used again.
 */
#ifndef HTTP_H1_PARSE_H
#define HTTP_H1_PARSE_H

#include "base/str.h"

enum h1_said {
	H1_MORE,	/* the input is used up, the reply is not complete */
	H1_STATUS,	/* a head begins: h->status; maybe not the last one */
	H1_LINE,	/* piece: a header line without its end, any bytes but
			 * NUL and CR; none is folded */
	H1_EARLY,	/* the head of a 1xx reply is complete */
	H1_HEAD,	/* the head of the reply itself is */
	H1_BODY,	/* piece: bytes of the body; the input follows them */
	H1_END,		/* the rest of the input is not of this reply */
	H1_CUT,		/* (at the end) the reply is not complete */
	H1_LARGE,	/* limits of heads */
	H1_BAD,		/* not HTTP/1.x, or doubtful */
	H1_BAD_CHUNK,
};

struct h1 {
	struct arena *arena;
	char *carry;			/* a line that is not complete yet */
	size_t carry_n, carry_room;
	size_t head_bytes, head_lines;	/* of all heads and the trailers */
	uint64_t left;			/* bytes of body or chunk to come */
	uint64_t length;		/* Content-Length */
	uint64_t keep_s;		/* Keep-Alive: timeout */
	int status;
	uint8_t state;
	uint8_t size_n;			/* bytes of a chunk's size line */
	bool old;			/* HTTP/1.0 */
	bool has_length, chunked, has_keep, close;
};

void h1_init(struct h1 *h, struct arena *a);
enum h1_said h1_next(struct h1 *h, struct str *in, struct str *piece_r);

/* The connection has ended: H1_END or H1_CUT. */
enum h1_said h1_eof(const struct h1 *h);

/* A byte of the reply has come. */
bool h1_begun(const struct h1 *h);

/* After H1_END: another reply may follow on the connection. */
bool h1_keeps(const struct h1 *h);

#endif
