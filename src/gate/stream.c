/* SPDX-License-Identifier: MIT */
/*
 * stream -- an event stream to the client: head, comments, end
 *
 * The comment is two things: it keeps proxies from closing a silent stream,
 * and behind servers that do not tell it is how a gone client is noticed.
 */
#include "config.h"

#include "base/arena.h"
#include "gate/pipeline.h"
#include "relay/answered.h"

static void
keep_alive(void *who)
{
	struct req *q = who;

	timer_start(&q->keep_alive, (uint64_t)q->conf->keep_alive_ms);
	if (sse_between(&q->tail) && !q->out->ops->full(q->out))
		reply_write(q, STR(":\n\n"));
}

void
stream_begin(struct req *q, int status)
{
	uint32_t n;
	const struct str *ids = req_ids(q, &n);

	pipeline_stream(q);
	if (n > 0)
		q->answered = answered_new(q->arena, ids, n);
	reply_begin(q, status, STR("text/event-stream"), -1);
	timer_init(&q->keep_alive, q->gate->loop, keep_alive, q);
	keep_alive(q);			/* the first one at once */
}

void
stream_write(struct req *q, struct str bytes)
{
	sse_follow(&q->tail, bytes);
	answered_follow(q->answered, bytes);
	timer_start(&q->keep_alive, (uint64_t)q->conf->keep_alive_ms);
	reply_write(q, bytes);
}

/* Its client begins it anew, or asks for the rest. */
static bool
goes_on(const struct req *q)
{
	if (q->rpc.era == ERA_MODERN)
		return str_is(q->rpc.messages[0].method,
			"subscriptions/listen");
	return answered_marked(q->answered);
}

bool
stream_owes(const struct req *q)
{
	return answered_owed(q->answered) && !goes_on(q);
}

void
stream_stop(struct req *q)
{
	if (q->ended)
		return;
	if (stream_owes(q)) {
		q->fault = fault_new(q->arena, FAULT_UPSTREAM_TIMEOUT,
			"the stream had to end before its answer");
		reply_fault(q);
		return;
	}
	if (sse_between(&q->tail))
		reply_end(q);
	else
		reply_cut(q);
}
