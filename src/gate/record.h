/* SPDX-License-Identifier: MIT */
/*
 * record -- the audit record of a request
 *
 * One for each request, where it ends; for a batch one for each tool call in
 * it.  Its type is the first of those that fit which audit.events asks for.
 * Health, readiness, metadata and preflights that are answered leave none.
 *
 * With audit.required nothing happens that is not on record: before a call
 * goes to the upstream its record is written without status and duration, and
 * once more, with them, before the head of a whole reply leaves.  Where that
 * fails the reply is 503.  The end of a stream, or of a reply too long to be
 * kept, comes when the head has left: there a failure is only counted.
 */
#ifndef GATE_RECORD_H
#define GATE_RECORD_H

#include "base/fault.h"

struct gate;
struct req;

/* A security violation of this request: counted, and the record's type. */
void record_violation(struct req *q, const char *reason);

/* An element of a batch that goes nowhere. */
struct rpc_message;
void record_denied(struct req *q, const struct rpc_message *m,
	const struct fault *f);

/* Before the request goes on; a fault: it must not. */
const struct fault *record_intent(struct req *q);

/* Before the head of a whole reply; a fault: that reply must not go. */
const struct fault *record_reply(struct req *q, int status);

/* Where the request ends, unless it was done before. */
void record_end(struct req *q);

/* Tells what was lost; once a second and at the end. */
void record_tell_lost(struct gate *g);

#endif
