/* SPDX-License-Identifier: MIT */
/*
 * pipeline -- the order of the steps, and the one place where requests end
 *
 * A newcomer opens pipeline.c first.
 */
#ifndef GATE_PIPELINE_H
#define GATE_PIPELINE_H

#include "gate/req.h"
#include "shm/bans.h"
#include "shm/rate.h"

/* This worker's gate. */
struct gate {
	struct loop *loop;
	struct segment *segment;	/* NULL: none could be opened */
	struct revoked *revoked;
	struct worker_slot *slot;
	struct wire *wire;
	struct auth_remote *remote;	/* keys and answers from elsewhere */
	uint64_t remote_ms;		/* when it was looked after */
	struct arena *arena;		/* of the gate itself */
	struct bans *bans;
	struct rates *rates;
	struct loads *loads;		/* NULL: no slot */
	struct site *site;		/* the generation in force */
	const char *conf_path;
	bool env_overrides, env_proxy;

	struct list live;		/* all requests */
	uint32_t in_flight, streams;

	uint32_t generation;		/* counts reloads in this worker */
	uint32_t seen_reload;		/* segment_reload_wanted() */
	uint64_t looked_ms;		/* when the file was looked at */
	uint64_t refused_stamp;		/* of a file that did not load */
	uint64_t refused_ms, refused_said;	/* when, and why (a digest) */

	uint8_t hash_key[32];		/* names are told hashed with it */
	uint32_t audit_lost;		/* records; told once a second */

	uint32_t exposed_looks;		/* see exposed_look() */
	char id_base[17];		/* request ids: base, counter */
	uint64_t id_count;

	bool draining;
	struct timer grace;
	uint64_t give_up_ms;		/* when calls are answered by us */
	void (*idle)(void *who);
	void *idle_who;
};

/* Ends a request: what is under way stops, the reply (if any is due), the
 * log line, the counters; q is gone. */
void pipeline_finish(struct req *q);

/* Ends it because time is over. */
void pipeline_overdue(struct req *q, const char *why);

/* The first requests tell the document root: do files of ours lie there? A
 * server that does not tell it by then never does. */
#define EXPOSED_LOOKS 16
void exposed_look(struct req *q);

/* A request has become a stream. */
void pipeline_stream(struct req *q);

#endif
