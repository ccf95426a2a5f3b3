/* SPDX-License-Identifier: MIT */
/*
 * selftest -- how a request arrives here, and how a stream leaves
 *
 * For `mcpgatectl doctor`, which sees the other side of the web server.
 * Before: auth_run() has let an administrator in.
 * Waits:  for the next tick of the stream.
 * Secrets: names of headers are told, values are not.
 */
#include "config.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "gate/pipeline.h"

#define TICKS 5
#define TICK_MS 200

struct ticking {
	struct req *q;
	uint32_t n;
	struct timer timer;
};

/* ---- names ---------------------------------------------------------------------- */
/* The name as a client may have written it: HTTP_X_A is x-a. */
static void
add_name(struct buf *b, struct str name)
{
	for (size_t i = 5; i < name.n; i++) {
		char c = name.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		buf_char(b, c == '_' ? '-' : c);
	}
}

static bool
told_before(const struct params *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (str_eq(t->v[i].name, t->v[n].name))
			return true;
	}
	return false;
}

struct str
selftest_names(struct req *q)
{
	const struct params *t = &q->in.params;
	struct buf b = buf_new(q->arena, 4 * MAX_PARAMS);
	struct str text;
	bool first = true;

	buf_char(&b, '[');
	for (uint32_t i = 0; i < t->n; i++) {
		if (!str_starts(t->v[i].name, STR("HTTP_")) ||
		    told_before(t, i))
			continue;
		buf_add(&b, first ? STR("\"") : STR(",\""));
		add_name(&b, t->v[i].name);
		buf_char(&b, '"');
		first = false;
	}
	buf_char(&b, ']');
	return buf_take(&b, &text) ? text : STR("[]");
}

/* ---- /selftest/headers ------------------------------------------------------------ */
static bool
there(const struct req *q, const char *name)
{
	uint32_t n;

	params_client(&q->in.params, name, &n);
	return n > 0;
}

static enum turn
answer_headers(struct req *q)
{
	const struct params *t = &q->in.params;
	struct buf b = buf_new(q->arena, MIB(1));
	struct str text;

	buf_fmt(&b, "{\"authorization\":%s,\"streaming\":%s",
		there(q, "HTTP_AUTHORIZATION") ||
		there(q, "REDIRECT_HTTP_AUTHORIZATION") ? "true" : "false",
		access_can_stream(q) ? "true" : "false");
	buf_member(&b, "server", params_server(t, "SERVER_SOFTWARE"));
	buf_member(&b, "peer", params_server(t, q->conf->peer_param.p));
	buf_member(&b, "client", q->client);
	buf_add(&b, STR(",\"headers\":"));
	buf_add(&b, selftest_names(q));
	buf_char(&b, '}');
	if (!buf_take(&b, &text))
		return req_fail(q, fault_new(q->arena, FAULT_INTERNAL,
			"self-test does not fit"));
	reply_whole(q, 200, STR("application/json"), text);
	return DONE;
}

/* ---- /selftest/stream --------------------------------------------------------------- */
static void
tick(void *who)
{
	struct ticking *t = who;

	stream_write(t->q, str_fmt(t->q->arena, "data: {\"tick\":%u}\n\n",
		++t->n));
	if (t->n < TICKS)
		timer_start(&t->timer, TICK_MS);
	else
		waiter_wake(&t->q->wait, NULL);
}

static void
stop(void *operation)
{
	struct ticking *t = operation;

	timer_stop(&t->timer);
}

static enum turn
answer_stream(struct req *q)
{
	struct ticking *t;

	if (!access_can_stream(q) || q->method == METHOD_HEAD) {
		reply_whole(q, 200, STR("application/json"),
			STR("{\"streaming\":false}"));
		return DONE;
	}
	t = ARENA_NEW(q->arena, struct ticking);
	t->q = q;
	timer_init(&t->timer, q->gate->loop, tick, t);
	q->call_began_us = clock_mono_us();
	stream_begin(q, 200);
	waiter_own(&q->wait, stop, t);
	timer_start(&t->timer, TICK_MS);
	timer_start(&q->deadline, (uint64_t)q->conf->limits.request_ms);
	return WAIT;
}

/* A caller with another credential than those of admin needs the scope.  Who
 * has shown none, because the gateway is open, is asked for a password. */
enum turn
selftest_run(struct req *q)
{
	if (q->who != NULL &&
	    !identity_has_scope(q->who, STR("mcpgate:admin")))
		return req_fail(q, fault_new(q->arena,
			q->takes_basic && !q->who->authenticated ?
			FAULT_UNAUTHENTICATED : FAULT_FORBIDDEN,
			"self-tests are for administrators"));
	return q->page == PAGE_SELF_HEADERS ? answer_headers(q) :
		answer_stream(q);
}

enum turn
local_back(struct req *q)
{
	stream_stop(q);
	return DONE;
}
