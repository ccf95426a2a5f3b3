/* SPDX-License-Identifier: MIT */
/*
 * local -- what the gateway answers itself: health, readiness, metrics, and
 * subscriptions where there is no stream for them
 */
#include "config.h"

#include "base/arena.h"
#include "base/clock.h"
#include "gate/pipeline.h"
#include "watch/health.h"

static const struct str json = STR("application/json");

static struct str
metrics_page(struct req *q)
{
	const struct site *s = q->site;
	struct metrics_pool *pools = ARENA_ARRAY(q->arena,
		struct metrics_pool, s->conf->n_servers + 1);
	uint32_t i, n = 0;

	for (i = 0; i < s->conf->n_servers; i++) {
		const struct site_server *v = &s->servers[i];

		if (v->conf->options.disabled)
			continue;
		pools[n].server = v->conf->name;
		pools[n].route = v->route;
		if (v->rotator != NULL) {
			pools[n].rotor = rotator_cells(v->rotator);
			pools[n].tokens = v->conf->options.pool.v;
			pools[n].n = v->conf->options.pool.n;
		}
		n++;
	}
	session_count(q->gate->segment, pools, n);
	return metrics_text(q->gate->segment, pools, n, q->arena);
}

/* ---- readiness ------------------------------------------------------------------- */
static bool
asks_strictly(struct str query)
{
	while (query.n > 0) {
		if (str_is(str_cut(&query, '&'), "strict=1"))
			return true;
	}
	return false;
}

/* Nobody is asked: what is known of a server is whether it may serve, and
 * whether a token of its pool could be drawn. */
static struct ready_strict
look_strictly(struct req *q)
{
	const struct site *s = q->site;
	struct str *names = ARENA_ARRAY(q->arena, struct str,
		s->conf->n_servers + 1);
	struct ready_strict r = { .unhealthy = names,
		.tell = auth_is_admin(q) };
	uint64_t now = clock_boot_ms();

	for (uint32_t i = 0; i < s->conf->n_servers; i++) {
		const struct site_server *v = &s->servers[i];

		if (!v->conf->options.disabled && (v->invalid.n > 0 ||
		    (v->rotator != NULL && !rotator_usable(v->rotator, now))))
			names[r.n++] = v->conf->name;
	}
	return r;
}

static enum turn
answer_ready(struct req *q)
{
	struct ready_strict strict;
	struct str text;
	bool is_strict = asks_strictly(q->query);
	int status;

	if (is_strict)
		strict = look_strictly(q);
	status = ready_text(q->conf, q->gate->segment,
		is_strict ? &strict : NULL, q->arena, &text);
	reply_whole(q, status, json, text);
	return DONE;
}

/* An administrator sees what the web server passes on. */
static enum turn
answer_version(struct req *q)
{
	struct str text = version_text(q->conf, q->arena);

	if (identity_has_scope(q->who, STR("mcpgate:admin"))) {
		struct str names = selftest_names(q);

		text = str_fmt(q->arena, "%.*s,\"headers\":%.*s}",
			STR_ARG(str_head(text, text.n - 1)), STR_ARG(names));
	}
	reply_whole(q, 200, json, text);
	return DONE;
}

/* ---- subscriptions --------------------------------------------------------------- */
#define MARK "\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%.*s}"

/* The upstream would keep the stream open, and folding it waits for an end
 * that does not come: clients that subscribe when they connect would hang. */
static bool
subscribes_in_vain(const struct req *q)
{
	const struct rpc_message *m = q->rpc.messages;

	return q->has_rpc && !q->rpc.batch && q->rpc.n == 1 &&
		(q->accept & ACCEPT_EVENTS) == 0 &&
		q->rpc.era == ERA_MODERN && m->kind == RPC_REQUEST &&
		str_is(m->method, "subscriptions/listen");
}

/* Begun with nothing subscribed, and ended in order.  Two events at once are
 * no stream: they pass through what buffers. */
static enum turn
answer_subscription(struct req *q)
{
	struct str id = q->rpc.messages[0].id;
	struct str end = str_fmt(q->arena, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,"
		"\"result\":{\"resultType\":\"complete\"," MARK "}}",
		STR_ARG(id), STR_ARG(id));

	if ((access_accept(q) & ACCEPT_EVENTS) == 0)
		reply_whole(q, 200, json, end);
	else
		reply_whole(q, 200, STR("text/event-stream"), str_fmt(q->arena,
			"data: {\"jsonrpc\":\"2.0\",\"method\":"
			"\"notifications/subscriptions/acknowledged\","
			"\"params\":{\"notifications\":{}," MARK "}}\n\n"
			"data: %.*s\n\n", STR_ARG(id), STR_ARG(end)));
	return DONE;
}

enum turn
local_run(struct req *q)
{
	if (q->server != NULL)
		return subscribes_in_vain(q) ? answer_subscription(q) : NEXT;
	switch (q->page) {
	case PAGE_HEALTH:
		reply_whole(q, 200, json, health_text(q->conf, q->arena));
		return DONE;
	case PAGE_READY:
		return answer_ready(q);
	case PAGE_VERSION:
		return answer_version(q);
	case PAGE_METRICS:
		if (!q->conf->metrics_enabled || q->gate->segment == NULL)
			break;
		reply_whole(q, 200, STR("text/plain; version=0.0.4; "
			"charset=utf-8"), metrics_page(q));
		return DONE;
	case PAGE_WEBSOCKET:
		return req_fail(q, fault_new(q->arena, FAULT_WEBSOCKET,
			"websocket"));
	case PAGE_RESOURCE:
		return resource_answer(q);
	case PAGE_SELF_HEADERS:
	case PAGE_SELF_STREAM:
		return selftest_run(q);
	case PAGE_NONE:
		break;
	}
	return req_fail(q, fault_new(q->arena, FAULT_NOT_FOUND,
		"page is switched off"));
}
