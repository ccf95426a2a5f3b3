/* SPDX-License-Identifier: MIT */
/*
 * gate -- what a door needs to know of the rest of the program
 *
 * A door hands in a complete request and offers an outlet for the reply.  It
 * learns nothing about routes, tokens or upstreams.
 * Lifetime: the request and all it owns lie in inbound->arena, which the gate
 * takes over; it ends after outlet->end() or outlet->cut(), or at the end of
 * the turn in which gate_leave() was called.  The door must not touch the
 * arena afterwards.
 * Promise: for every gate_begin() the gate calls exactly one of end() and
 * cut(), unless gate_leave() came first; never from inside gate_begin() does
 * it call back into itself.
 */
#ifndef GATE_GATE_H
#define GATE_GATE_H

#include "base/fault.h"
#include "base/loop.h"
#include "http/headers.h"
#include "http/params.h"

struct gate;
struct req;
struct outlet;

/* The reply, as four functions of the door. */
struct outlet_ops {
	/* Status and headers; kept until the first write, flush or end.
	 * Called once. A reply with Content-Length gets exactly that body. */
	void (*begin)(struct outlet *o, int status, const struct headers *h);

	/* Bytes are taken always (copied or sent); false says HOLD: more than
	 * MAX_QUEUED bytes wait, do not write before gate_drained(). */
	bool (*write)(struct outlet *o, struct str bytes);

	/* The reply is complete. The outlet is not to be used again. */
	void (*end)(struct outlet *o);

	/* The reply cannot be completed: the client must see it is broken
	 * (the connection is closed without a clean end). */
	void (*cut)(struct outlet *o);

	/* True while more than MAX_QUEUED bytes wait. */
	bool (*full)(const struct outlet *o);
};

struct outlet {
	const struct outlet_ops *ops;
};

/* A complete request: screened, decoded, in an arena of its own. */
struct inbound {
	struct arena *arena;
	struct params params;
	struct str body;
	const struct fault *refused;	/* a limit was passed while reading */
	struct outlet *out;
	uint64_t began_us;		/* clock_mono_us() of its first byte */
	bool apache;			/* Apache started this process (mod_fcgid, CGI) */
	bool cgi;
};

/* Starts the walk. Returns NULL when the request was answered at once (then
 * end() or cut() has been called already). */
struct req *gate_begin(struct gate *g, const struct inbound *in);

/* The client is gone: stop everything, log, free. No outlet call follows. */
void gate_leave(struct req *q);

/* The outlet's queue has fallen below LOW_QUEUED. */
void gate_drained(struct req *q);

/* ---- for main -------------------------------------------------------------- */
struct conf_gen;
struct segment;
struct worker_slot;
struct wire;

struct gate_plan {
	struct loop *loop;
	struct segment *segment;	/* NULL: none could be opened */
	struct revoked *revoked;	/* borrowed; NULL: nobody is */
	struct worker_slot *slot;
	struct conf_gen *conf;		/* taken over */
	const char *conf_path;
	bool env_overrides, env_proxy;
};

struct gate *gate_new(const struct gate_plan *p);

/* Loads the file again; a bad one changes nothing and is told. */
void gate_reload(struct gate *g);

/* Looks whether the file changed or a reload is wanted; every request and
 * once a second. */
void gate_tick(struct gate *g);

/* No new requests are taken by the doors; streams get grace_ms, then a clean
 * end; idle() is called when nothing is left. */
void gate_drain(struct gate *g, uint64_t grace_ms,
	void (*idle)(void *who), void *who);
void gate_reopen(struct gate *g);	/* files of records, after rotation */
void gate_store_error(struct gate *g);	/* counts one */
uint32_t gate_in_flight(const struct gate *g);
const struct conf *gate_conf(const struct gate *g);
void gate_free(struct gate *g);

#endif
