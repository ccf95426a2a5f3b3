/* SPDX-License-Identifier: MIT */
/*
 * fake_gate -- a gate that does what the test tells it, behind a real door
 */
#ifndef KIT_FAKE_GATE_H
#define KIT_FAKE_GATE_H

#include "gate/gate.h"

enum way {
	AT_ONCE,		/* answers within gate_begin() */
	LATER,			/* when the test says so */
	STREAM,			/* begins a stream, goes on when told */
	CUT_AT_ONCE,
	LATE_END,		/* whole body now, the end when told */
};

struct req {
	struct arena *arena;
	struct outlet *out;
};

struct fake_gate {
	enum way way;
	const char *reply;		/* body */
	size_t reply_n;			/* of zeros, when reply is NULL */
	uint32_t begun, left, drained;
	int last_refused;		/* a fault kind, or -1 */
	uint32_t last_params;
	size_t last_body;
	uint64_t last_sum, last_began_us;
	bool last_cgi;
	char last_uri[256];
	struct req *req;		/* the last one that waits */
};

extern struct fake_gate gate;

/* The whole reply of the request that waits; the end of one that has begun;
 * or breaks it off. */
void answer_req(void);
void end_req(void);
void cut_req(void);
bool write_req(struct str bytes);

#endif
