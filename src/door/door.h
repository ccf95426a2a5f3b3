/* SPDX-License-Identifier: MIT */
/*
 * door -- FastCGI and CGI in front of the gate
 *
 * The only room that knows FastCGI, CGI and libfcgi.  Limits come from main
 * as numbers.
 */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H

#include "gate/gate.h"

struct door;

struct door_plan {
	struct loop *loop;
	struct gate *gate;
	uint64_t max_body;		/* bytes */
	uint64_t input_ms;		/* first byte to complete request */
	bool apache;			/* see struct inbound */
	const char *run_dir;		/* private; NULL: the usual one */
	/* told to main: connections opened and closed (delta) */
	void (*connections)(void *who, int delta);
	void *who;
};

/* What went wrong in front of the gate, since the start. */
struct door_counts {
	uint64_t requests;		/* handed to the gate */
	uint64_t violations;		/* closed for breaking the protocol */
	uint64_t overdue;		/* input that took too long */
	uint64_t stalled;		/* replies that nobody took */
	uint64_t undecoded;		/* screen and decoder differ: ours */
	uint64_t pauses;		/* no descriptor left at accept */
};

/* Serves a listening socket (non-blocking is set here), which stays the
 * caller's.  Raises the soft limit of descriptors to the hard one; half of it
 * is the limit of connections. Call it after fork. */
struct door *door_listen(const struct door_plan *p, int fd);

/* Limits of a new configuration, for requests that begin from now on. */
void door_limits(struct door *d, uint64_t max_body, uint64_t input_ms);

struct door_counts door_counts(const struct door *d);

/* No new connections and requests; idle connections are closed; idle() when
 * the last one has ended, never from inside this call. */
void door_drain(struct door *d, void (*idle)(void *who), void *who);

/* Before gate_free(): leaves the requests that are still there. */
void door_free(struct door *d);

/* One request from the environment and stdin, reply to stdout; calls
 * done(who) when it has ended.  The environment must live as long. */
struct door *door_cgi(const struct door_plan *p, char **environment,
	void (*done)(void *who), void *who);

#endif
