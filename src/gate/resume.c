/* SPDX-License-Identifier: MIT */
/*
 * resume -- a stream that is folded, and ended before its answer
 *
 * An upstream of 2025-11-25 may end the stream of a call at will; whoever
 * waits for the answer comes back with GET and the id of the last event.  A
 * client that streams does that itself; the one that is to get a document
 * cannot.  The call itself is not repeated.
 * Waits:  as long as the upstream said, then for the head of its reply; the
 *         time limit of the request goes on.
 */
#include "config.h"

#include "base/arena.h"
#include "base/limits.h"
#include "gate/pipeline.h"

#define PAUSE_MS 1000		/* the upstream did not say how long */

enum turn
resume_fail(struct req *q, const char *why)
{
	return req_fail(q, fault_new(q->arena, FAULT_UPSTREAM_PROTOCOL, "%s",
		why));
}

/* ---- the pause -------------------------------------------------------------------- */
static void
pause_over(void *who)
{
	struct req *q = who;

	waiter_wake(&q->wait, NULL);
}

static void
stop_pause(void *who)
{
	struct req *q = who;

	timer_stop(&q->keep_alive);
}

enum turn
resume_pause(struct req *q)
{
	const struct fold *f = &q->fold;

	if (f->n_last == 0 || q->session.n == 0 || q->rpc.era == ERA_MODERN)
		return resume_fail(q, "the stream has no answer");
	if (q->resumed == MAX_RESUMES)
		return resume_fail(q, "the stream ends again and again");
	q->resumed++;
	call_stop(q->call);
	q->phase = PHASE_PAUSE;
	waiter_own(&q->wait, stop_pause, q);
	timer_init(&q->keep_alive, q->gate->loop, pause_over, q);
	timer_start(&q->keep_alive, f->retry_ms < 0 ? PAUSE_MS :
		(uint64_t)f->retry_ms);
	return WAIT;
}

/* ---- asking ----------------------------------------------------------------------- */
/* Those of the call, credential and session included, for a GET. */
static struct headers *
get_headers(struct req *q)
{
	struct headers *h = ARENA_NEW(q->arena, struct headers);
	const struct headers *from = &q->to_upstream;

	headers_init(h, q->arena);
	headers_add(h, STR("Accept"), STR("text/event-stream"));
	headers_add(h, STR("Last-Event-ID"), str_copy(q->arena,
		(struct str){ q->fold.last, q->fold.n_last }));
	for (uint32_t i = 0; i < from->n; i++) {
		if (!str_is_nocase(from->v[i].name, "Accept") &&
		    !str_is_nocase(from->v[i].name, "Last-Event-ID") &&
		    !str_is_nocase(from->v[i].name, "Content-Type"))
			headers_add(h, from->v[i].name, from->v[i].value);
	}
	return h;
}

enum turn
resume_ask(struct req *q)
{
	const struct conf_server *s = q->server->conf;

	q->call = call_start(q->arena, &(struct call_plan){
		.wire = q->gate->wire,
		.server = s,
		.method = "GET",
		.headers = get_headers(q),
		.url = q->url,
		.body = STR_NONE,
		.first_byte_ms = s->options.timeouts.first_byte_ms,
		.keep = MAX_QUEUED,
	});
	if (q->call == NULL)
		return resume_fail(q, "the upstream's URL cannot be used");
	q->phase = PHASE_AGAIN;
	call_wait(q->call, &q->wait);
	return WAIT;
}

bool
resume_goes_on(const struct req *q)
{
	const struct call *c = q->call;

	return c->head && c->reply.status == 200 &&
		str_is(c->reply.content_type, "text/event-stream");
}
