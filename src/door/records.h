/* SPDX-License-Identifier: MIT */
/*
 * records -- the screen in front of libfcgi
 *
 * libfcgi aborts, overruns a buffer or loses step on records that anybody who
 * reaches the socket can send.  The screen eats the bytes of a connection as
 * they come, in any chunking, never looks back, and stages what passes:
 * BEGIN, PARAMS and STDIN records of one request, without padding, pieces of
 * one stream joined.  All else it answers with a verdict.
 * A limit that is passed (screen_refused) does not end the request: bytes are
 * dropped up to its end, because web servers lose an earlier answer.
 * Lifetime: embedded in a connection; the stage is memory of its own, taken
 * with the first byte and given back by screen_reset() or whoever stages it.
 */
#ifndef DOOR_RECORDS_H
#define DOOR_RECORDS_H

#include "base/fault.h"
#include "door/bytes.h"
#include "door/proto.h"

#define MAX_QUERY	512	/* content bytes of a GET_VALUES record */

enum screen_verdict {
	SCREEN_MORE,		/* nothing to do yet */
	SCREEN_COMPLETE,	/* a whole request: see `refused` */
	SCREEN_ABORTED,		/* the server takes the request back */
	SCREEN_ROLE,		/* not a responder's: say so, close */
	SCREEN_QUERY,		/* GET_VALUES; its content is the stage */
	SCREEN_UNKNOWN,		/* management record of type `type` */
	SCREEN_VIOLATION,	/* close; `why` is for the log */
	SCREEN_VERDICTS
};

struct screen_limits {
	uint32_t max_params, max_pairs;
	uint64_t max_body, max_dropped;
};

struct screen {
	/* what is known of the request */
	uint16_t id;
	uint8_t flags;
	uint8_t type;			/* of the record that is being read */
	bool management;		/* it is of no request */
	bool refusing;			/* a limit was passed: `refused` */
	bool no_params;			/* it was passed within PARAMS */
	enum fault_kind refused;
	uint32_t pairs;
	uint32_t text_n;		/* bytes of all names and values */
	uint32_t params_end;		/* where PARAMS end in the stage */
	uint64_t body_n;		/* bytes of STDIN in the stage */
	uint64_t dropped;		/* bytes since the limit was passed */
	const char *why;
	struct bytes stage;

	/* how far the bytes have come */
	struct bytes_pool *pool;
	struct screen_limits limits;
	size_t last_head;		/* of the record staged last */
	uint64_t value_left;
	uint32_t params_n;
	uint32_t name_left;
	uint16_t left;			/* content bytes of this record */
	uint8_t pad;			/* padding bytes of this record */
	uint8_t part, order, walk;
	uint8_t head_n, begin_n, length_n;
	uint8_t managed;		/* management records so far */
	uint8_t head[PROTO_HEAD], begin[PROTO_BEGIN], length[8];
};

void screen_init(struct screen *s, struct bytes_pool *l,
	const struct screen_limits *limits);

/* Ready for the next request of the same connection. */
void screen_reset(struct screen *s, const struct screen_limits *limits);

/* Between two requests: not a byte of the next one has come. */
bool screen_idle(const struct screen *s);

/* Eats at most n bytes and returns how many; fewer only with a verdict other
 * than SCREEN_MORE, after which screen_reset() comes before the next byte. */
size_t screen_eat(struct screen *s, const void *p, size_t n,
	enum screen_verdict *verdict_r);

#endif
