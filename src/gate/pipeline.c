/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "gate/pipeline.h"

#include <assert.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "shm/streams.h"

/* A request goes down this list until somebody answers it. */
static const struct step steps[] = {
	/* name      run          back: where a WAIT ends */
	{ "route",   route_run,   NULL },	/* path -> server or page */
	{ "access",  access_run,  NULL },	/* address, origin, room */
	{ "auth",    auth_run,    auth_back },	/* who is calling? */
	{ "caller",  rates_caller, NULL },	/* how often does he ask? */
	{ "rpc",     rpc_run,     NULL },	/* a JSON-RPC we accept? */
	{ "policy",  policy_run,  NULL },	/* may he do that? */
	{ "rates",   rates_tools, NULL },	/* how often such tools? */
	{ "local",   local_run,   local_back },	/* health, metrics, ... */
	{ "forward", forward_run, forward_back }, /* token, upstream, reply */
	{ NULL, NULL, NULL }
};

enum turn
req_fail(struct req *q, const struct fault *f)
{
	q->fault = f;
	return DONE;
}

/* ---- the outlet of a client that has gone ----------------------------------- */
static void
silent_begin(struct outlet *o, int status, const struct headers *h)
{
	(void)o;
	(void)status;
	(void)h;
}

static bool
silent_write(struct outlet *o, struct str bytes)
{
	(void)o;
	(void)bytes;
	return true;
}

static void
silent_end(struct outlet *o)
{
	(void)o;
}

static bool
silent_full(const struct outlet *o)
{
	(void)o;
	return false;
}

static const struct outlet_ops silent_ops = {
	silent_begin, silent_write, silent_end, silent_end, silent_full
};
static struct outlet silent = { &silent_ops };

/* ---- the walk ------------------------------------------------------------------ */
static void
leave_lists(struct req *q)
{
	struct gate *g = q->gate;

	timer_stop(&q->deadline);
	timer_stop(&q->keep_alive);
	task_drop(&q->leaving);
	list_drop(&q->live);
	if (q->counted)
		streams_leave(g->segment, g->slot, q->who->digest);
	if (q->stream)
		g->streams--;
	else
		g->in_flight--;
	if (g->slot != NULL)
		worker_count(g->slot, q->stream ? 0 : -1,
			q->stream ? -1 : 0, 0, 0);
	if (q->server != NULL)
		loads_count(q->server->load, q->stream ? 0 : -1,
			q->stream ? -1 : 0);
}

void
pipeline_finish(struct req *q)
{
	struct gate *g = q->gate;
	struct arena *a = q->arena;

	waiter_leave(&q->wait);
	if (q->call != NULL)
		call_stop(q->call);
	if (q->fault != NULL && !q->ended)
		reply_fault(q);
	assert(q->ended || q->gone);
	leave_lists(q);
	account(q);
	arena_free(a);			/* q is gone */
	if (g->draining && list_empty(&g->live) && g->idle != NULL)
		g->idle(g->idle_who);
}

void
pipeline_stream(struct req *q)
{
	struct gate *g = q->gate;

	if (q->stream)
		return;
	q->stream = true;
	g->in_flight--;
	g->streams++;
	if (g->slot != NULL)
		worker_count(g->slot, -1, 1, 0, 0);
	if (q->server != NULL)
		loads_count(q->server->load, -1, 1);
}

/* From fn on, row by row, until one waits or the request is answered. */
static bool
walk(struct req *q, step_fn *fn)
{
	enum turn turn = fn(q);

	while (turn == NEXT && !arena_over(q->arena)) {
		q->step++;		/* the last row never says NEXT */
		turn = q->step->run(q);
	}
	if (turn == WAIT) {
		assert(q->step->back != NULL && waiter_busy(&q->wait));
		return true;
	}
	if (turn == NEXT)
		q->fault = fault_new(q->arena, FAULT_TOO_LARGE, "arena");
	pipeline_finish(q);
	return false;
}

static void
resume(void *who)
{
	struct req *q = who;

	walk(q, q->step->back);
}

void
pipeline_overdue(struct req *q, const char *why)
{
	waiter_leave(&q->wait);
	if (q->call_began_us > 0)
		q->upstream_us = clock_mono_us() - q->call_began_us;
	q->fault = fault_new(q->arena, FAULT_UPSTREAM_TIMEOUT, "%s", why);
	pipeline_finish(q);
}

static void
overdue(void *who)
{
	pipeline_overdue(who, "no answer within the time limit");
}

static void
left(void *who)
{
	struct req *q = who;

	q->fault = fault_new(q->arena, FAULT_CLIENT_GONE, "client has gone");
	pipeline_finish(q);
}

static struct req *
make_request(struct gate *g, const struct inbound *in)
{
	struct req *q = ARENA_NEW(in->arena, struct req);

	q->gate = g;
	q->arena = in->arena;
	q->in = *in;
	q->out = in->out;
	q->site = site_hold(g->site, q->arena);
	q->conf = q->site->conf;
	q->step = steps;
	waiter_init(&q->wait, g->loop, q->arena, resume, q);
	timer_init(&q->deadline, g->loop, overdue, q);
	timer_init(&q->keep_alive, g->loop, NULL, q);
	task_init(&q->leaving, left, q);
	list_append(&g->live, &q->live);
	g->in_flight++;
	if (g->slot != NULL)
		worker_count(g->slot, 1, 0, 0, 1);
	return q;
}

struct req *
gate_begin(struct gate *g, const struct inbound *in)
{
	struct req *q;

	gate_tick(g);
	q = make_request(g, in);
	if (g->exposed_looks < EXPOSED_LOOKS)
		exposed_look(q);
	return walk(q, q->step->run) ? q : NULL;
}

void
gate_leave(struct req *q)
{
	q->gone = true;
	q->out = &silent;
	task_post(q->gate->loop, &q->leaving);
}

void
gate_drained(struct req *q)
{
	if (q->call != NULL)
		call_resume(q->call);
}
