/* SPDX-License-Identifier: MIT */
/*
 * metrics -- what is counted, and its Prometheus text
 *
 * Sharing: counts lie in the segment's tally; a worker adds in its shard.
 */
#ifndef WATCH_METRICS_H
#define WATCH_METRICS_H

#include "conf/conf.h"
#include "shm/rotor.h"
#include "shm/tally.h"
#include "watch/access_log.h"

struct metrics;			/* per worker: handles found once */

/* user_label, tool_label: metrics.userLabel, .toolLabel. */
struct metrics *metrics_new(struct segment *s, uint32_t shard,
	bool user_label, bool tool_label, struct arena *a);

/* A request has ended: requests, duration, upstream, tool calls. */
void metrics_request(struct metrics *m, const struct access *r);

/* A caller was judged; reason NULL: accepted. us: how long it took. */
void metrics_auth(struct metrics *m, struct str server, const char *strategy,
	const char *reason, uint64_t us);

/* A caller who is known is refused after all. */
void metrics_auth_refused(struct metrics *m, struct str server,
	struct str strategy, const char *reason);
void metrics_proxy_header_missing(struct metrics *m, struct str server);
void metrics_violation(struct metrics *m, const char *reason);

/* A call of a tool within a batch. */
void metrics_tool(struct metrics *m, struct str server, struct str tool,
	bool failed);

/* A request above a limit: "server", "ip", "token", "tool", "failures". */
void metrics_limited(struct metrics *m, struct str server, const char *scope);
void metrics_blocked(struct metrics *m, struct str server);
void metrics_table_full(struct metrics *m, uint32_t n);

/* A verdict on a credential that was kept, or not; cache: "verdict",
 * "introspection". */
void metrics_cache(struct metrics *m, struct str server, const char *cache,
	bool hit);
void metrics_audit_dropped(struct metrics *m, uint32_t n);
void metrics_store_error(struct metrics *m);

/* By mcpgatectl: tokens made, revocations. */
void metrics_tokens(struct metrics *m, uint32_t generated, uint32_t revoked);

/* One attempt with a token came back with a status. */
void metrics_token(struct metrics *m, struct str server, uint32_t token,
	int status, bool failed);
/* Another token follows one whose attempt came back with a status. */
void metrics_rotated(struct metrics *m, struct str server, int status);
void metrics_exhausted(struct metrics *m, struct str server);
void metrics_reload(struct metrics *m, bool ok);

/* A server and its pool as the gauges need them. */
struct metrics_pool {
	struct str server;
	uint64_t route;			/* its name in sessions and loads */
	uint32_t sessions;		/* of clients, alive */
	const struct rotor *rotor;	/* NULL, n 0: no pool */
	const struct conf_token *tokens;
	uint32_t n;
};

/* Prometheus text format 0.0.4, summed over all workers. */
struct str metrics_text(const struct segment *s,
	const struct metrics_pool *pools, uint32_t n_pools, struct arena *a);

#endif
