/* SPDX-License-Identifier: MIT */
/*
 * site -- one generation of the configuration, made ready in this worker
 *
 * Lifetime: counted; a request holds its site until its arena ends, so a
 * reload harms nobody and the last stream of a generation ends it.
 * Sharing: belongs to this process; rotors below it are shared.
 */
#ifndef GATE_SITE_H
#define GATE_SITE_H

#include "auth/auth.h"
#include "conf/conf.h"
#include "cred/rotator.h"
#include "gate/session.h"
#include "gate/front.h"
#include "shm/loads.h"
#include "shm/segment.h"
#include "watch/audit.h"
#include "watch/metrics.h"

struct site_server {
	const struct conf_server *conf;
	const struct auth_policy *policy;
	struct rotator *rotator;	/* NULL: no pool */
	uint64_t route;			/* its name in sessions */
	struct shm_load *load;		/* what is under way; NULL: no place */
	struct str invalid;		/* "" : serves */
	const struct front *front;
	struct str metadata;		/* of RFC 9728, from its second member
					 * on; "": none is told */
	bool advertised;		/* challenges name it */
};

struct site {
	struct arena *arena;
	struct conf_gen *gen;		/* held until the arena ends */
	const struct conf *conf;
	uint32_t holders;
	struct site_server *servers;	/* conf->n_servers of them */
	struct site_server *only;	/* the one of "/" and "/mcp", or NULL */
	const struct auth_policy *policy;	/* of the gateway's own pages */
	struct session_keys sessions;
	struct metrics *metrics;	/* NULL without a segment */
	struct audit *audit;
	const struct front *front;	/* of the gateway's own pages */
	struct origin own;		/* of baseURL */
	bool has_own;
};

struct site_plan {
	struct conf_gen *conf;		/* taken over */
	struct segment *segment;
	struct loads *loads;
	uint32_t shard;
	bool eager;			/* make keys now; not in plain CGI */
};

/* Held once, by the caller, who says site_release(). */
struct site *site_new(const struct site_plan *p);
/* Held until that arena ends. */
struct site *site_hold(struct site *s, struct arena *until);
void site_release(struct site *s);

/* The file differs from what was loaded. */
bool site_file_changed(const struct site *s);

/* By the name of a path; NULL: none, or it is disabled. */
struct site_server *site_find(const struct site *s, struct str name);

#endif
