/* SPDX-License-Identifier: MIT */
/*
 * forward -- choose a credential, call the upstream, hand on its reply
 *
 * Before: the caller is known and the envelope is read.
 * After:  the request is answered.
 * Waits:  for the head of the upstream's reply (after it nothing rotates),
 *         then for its end.  Another attempt starts only while no byte has
 *         reached the client.
 */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cred/credential.h"
#include "gate/pipeline.h"
#include "gate/record.h"
#include "relay/verdict.h"
#include "shm/streams.h"

#define RETRY_STREAM_S 5	/* a stream may have ended by then */

/* ---- small facts --------------------------------------------------------------- */
static const struct rpc_message *
first_message(const struct req *q)
{
	return q->has_rpc && q->rpc.n > 0 ? &q->rpc.messages[0] : NULL;
}

/* A reply with a body is due: there is a request among the messages. */
static bool
expects_body(const struct req *q)
{
	uint32_t i;

	if (q->method != METHOD_POST)
		return q->method == METHOD_GET;
	for (i = 0; i < q->rpc.n; i++) {
		if (q->rpc.messages[i].kind == RPC_REQUEST)
			return true;
	}
	return false;
}

/* Known to last: a GET stream, or a subscription of the modern era. */
static bool
is_long(const struct req *q)
{
	const struct rpc_message *m = first_message(q);

	if (q->method == METHOD_GET)
		return true;
	return m != NULL && !q->rpc.batch && q->rpc.era == ERA_MODERN &&
		str_is(m->method, "subscriptions/listen");
}

/* The server's timeout, or that of the tool. */
static int64_t
message_ms(const struct conf_server *s, const struct rpc_message *m)
{
	const struct conf_timeouts *t = &s->options.timeouts;
	uint32_t i;

	if (!str_is(m->method, "tools/call") || !m->has_name)
		return s->timeout_ms;
	for (i = 0; i < t->tools.n; i++) {
		if (str_glob(t->tools.v[i].name, m->name))
			return t->tools_ms[i];
	}
	return s->timeout_ms;
}

/* How long the call may take: a batch as long as the slowest of its requests
 * may. */
static int64_t
call_ms(const struct req *q)
{
	const struct conf_server *s = q->server->conf;
	int64_t ms = 0;
	uint32_t i;

	for (i = 0; q->has_rpc && i < q->rpc.n; i++) {
		const struct rpc_message *m = &q->rpc.messages[i];
		int64_t its = message_ms(s, m);

		if (m->kind == RPC_REQUEST && its > ms)
			ms = its;
	}
	if (ms == 0)
		ms = s->timeout_ms;
	return ms < q->conf->limits.request_ms ? ms :
		q->conf->limits.request_ms;
}

static const char *
method_word(const struct req *q)
{
	switch (q->method) {
	case METHOD_GET:
		return "GET";
	case METHOD_DELETE:
		return "DELETE";
	default:
		return "POST";
	}
}

/* NULL: no pool, or the caller brings a credential of its own. */
static struct rotator *
pool(const struct req *q)
{
	return q->own_credential ? NULL : q->server->rotator;
}

/* ---- what is counted of tokens ---------------------------------------------------- */
static void
count_token(struct req *q, int status)
{
	if (q->site->metrics != NULL)
		metrics_token(q->site->metrics, q->server->conf->name,
			q->try.index, status, q->try.marked);
}

/* Another token is about to be tried. */
static void
count_rotation(struct req *q)
{
	uint32_t before = q->try.attempts - 2;

	if (q->site->metrics != NULL && q->try.attempts > 1)
		metrics_rotated(q->site->metrics, q->server->conf->name,
			q->try.statuses[before]);
}

static const struct fault *
count_exhausted(struct req *q, const struct fault *f)
{
	if (q->site->metrics != NULL && f->kind == FAULT_TOKENS_EXHAUSTED)
		metrics_exhausted(q->site->metrics, q->server->conf->name);
	return f;
}

/* ---- one attempt ----------------------------------------------------------------- */
static const struct fault *
choose_credential(struct req *q)
{
	struct rotator *r = pool(q);
	const struct fault *f;

	if (r == NULL)
		return NULL;
	f = rotator_pick(r, &q->try, &(struct rotator_ask){
		.arena = q->arena,
		.session = q->session,
		.principal = q->who->digest,
		.now_boot_ms = clock_boot_ms(),
		.request_id = q->request_id,
		.unnoticed = q->gate->slot == NULL &&
			q->gate->segment != NULL,
	});
	if (f != NULL)
		return count_exhausted(q, f);
	count_rotation(q);
	return credential_put(&q->server->conf->options.pool, q->try.index,
		&q->to_upstream, &q->url);
}

static enum turn
start_call(struct req *q)
{
	const struct conf_server *s = q->server->conf;

	q->url = s->url;
	q->fault = choose_credential(q);
	if (q->fault != NULL)
		return DONE;
	q->call_began_us = clock_mono_us();
	q->call = call_start(q->arena, &(struct call_plan){
		.wire = q->gate->wire,
		.server = s,
		.method = method_word(q),
		.headers = &q->to_upstream,
		.url = q->url,
		.body = q->method == METHOD_POST ? q->in.body : STR_NONE,
		.first_byte_ms = s->options.timeouts.first_byte_ms,
		.stream = is_long(q),
		/* The one that has just brought a refusal may be about to
		 * close, and what meets a close is not repeated. */
		.fresh = q->try.attempts > 1,
		.keep = q->listing != NULL ? q->conf->limits.reply_body :
			MAX_QUEUED,
	});
	if (q->call == NULL)
		return req_fail(q, fault_new(q->arena, FAULT_UPSTREAM_DOWN,
			"the upstream's URL cannot be used"));
	q->phase = PHASE_HEAD;
	call_wait(q->call, &q->wait);
	return WAIT;
}

static void
start_deadline(struct req *q)
{
	if (!timer_running(&q->deadline))
		timer_start(&q->deadline, (uint64_t)call_ms(q));
}

static const struct fault *
too_many_streams(struct req *q, const char *whose, uint32_t n)
{
	struct fault *f = fault_new(q->arena, FAULT_OVERLOADED,
		"%s has %u streams open", whose, n);

	f->retry_after_s = RETRY_STREAM_S;
	return f;
}

/* A worker holds so many streams and no more; so does a caller who is known.
 * access.c refuses a GET already; which POST lasts is known here first. */
static const struct fault *
count_stream(struct req *q)
{
	struct gate *g = q->gate;
	uint32_t most = q->conf->limits.streams_per_caller;

	if (!is_long(q))
		return NULL;
	if (g->streams >= q->conf->limits.streams)
		return too_many_streams(q, "this worker", g->streams);
	if (!q->who->authenticated || g->segment == NULL || g->slot == NULL)
		return NULL;
	q->counted = streams_enter(g->segment, g->slot, q->who->digest, most);
	return q->counted ? NULL : too_many_streams(q, "the caller", most);
}

enum turn
forward_run(struct req *q)
{
	const struct fault *f = count_stream(q);

	if (f == NULL)
		f = outgoing_headers(q);
	if (f == NULL)
		f = record_intent(q);
	if (f != NULL)
		return req_fail(q, f);
	if (!is_long(q))
		start_deadline(q);
	return start_call(q);
}

/* Another attempt, when there is time for one. */
static enum turn
try_again(struct req *q)
{
	uint64_t now = loop_now_ms(q->gate->loop);

	call_stop(q->call);
	q->call = NULL;
	if (timer_running(&q->deadline) &&
	    q->deadline.due_ms < now + MIN_ATTEMPT_MS)
		return req_fail(q, fault_new(q->arena, FAULT_UPSTREAM_TIMEOUT,
			"no time left for another attempt"));
	return start_call(q);
}

/* ---- the upstream refused the credential ------------------------------------------- */
static enum turn
credential_refused(struct req *q)
{
	const struct transfer_reply *r = &q->call->reply;
	struct rotator *rotator = pool(q);
	struct str left = headers_get(&r->headers,
		STR("X-RateLimit-Remaining"));
	enum rotator_next next;

	if (rotator == NULL)
		return req_fail(q, verdict_refused(q->arena, r));
	next = rotator_judge(rotator, &q->try, &(struct rotator_answer){
		.arena = q->arena,
		.status = r->status,
		.retry_after_s = verdict_retry_after(r, clock_unix_s()),
		.insufficient_scope = verdict_scope(r),
		.limit_used_up = str_is(left, "0"),
		.session = q->session,
		.now_boot_ms = clock_boot_ms(),
		.request_id = q->request_id,
	});
	count_token(q, r->status);
	switch (next) {
	case ROTATOR_AGAIN:
		return try_again(q);
	case ROTATOR_FAIL:
		if (q->try.fault->kind == FAULT_SESSION_NOT_FOUND)
			session_over(q);	/* he begins anew */
		return req_fail(q, count_exhausted(q, q->try.fault));
	case ROTATOR_DONE:
		break;
	}
	return req_fail(q, verdict_refused(q->arena, r));
}

static void
credential_accepted(struct req *q)
{
	const struct transfer_reply *r = &q->call->reply;
	struct str session = headers_get(&r->headers, STR("Mcp-Session-Id"));
	bool good = r->status >= 200 && r->status < 300;
	struct rotator *rotator = pool(q);

	if (good && q->method == METHOD_DELETE)
		session_over(q);
	if (rotator == NULL)
		return;
	rotator_judge(rotator, &q->try, &(struct rotator_answer){
		.arena = q->arena,
		.status = r->status,
		.session = q->session,
		.now_boot_ms = clock_boot_ms(),
		.request_id = q->request_id,
	});
	count_token(q, r->status);
	if (!good)
		return;
	if (req_initializes(q) && session.n > 0 && session.n <= MAX_SESSION_ID)
		rotator_learn_session(rotator, &q->try, session);
	if (q->method == METHOD_DELETE && q->session.n > 0)
		rotator_forget_session(rotator, q->session);
}

/* ---- bodies ---------------------------------------------------------------------------- */
static bool
sink_full(void *who)
{
	struct req *q = who;

	return q->out->ops->full(q->out);
}

static void
sink_write(void *who, struct str bytes)
{
	struct req *q = who;

	if (!q->stream)
		reply_write(q, bytes);
	else if (!shown_write(q, bytes))
		call_nudge(q->call);
}

static enum turn
flow(struct req *q)
{
	q->sink = (struct call_sink){ sink_full, sink_write, q };
	q->phase = PHASE_FLOW;
	call_flow(q->call, &q->sink);
	call_wait(q->call, &q->wait);
	return WAIT;
}

static enum turn
answer_whole(struct req *q, struct str text)
{
	const struct fault *f = shown_document(q, text, &text);

	if (f != NULL)
		return req_fail(q, f);
	reply_whole(q, q->status, STR("application/json"), text);
	return DONE;
}

/* A JSON body: in one piece when it is small or there already. */
static enum turn
relay_whole(struct req *q)
{
	struct call *c = q->call;
	struct str length = headers_get(&c->reply.headers,
		STR("Content-Length"));
	uint64_t n = 0;
	bool known = str_number(length, &n);

	start_deadline(q);		/* it does not last after all */
	if (c->ended && c->end != TRANSFER_OK)
		return req_fail(q, verdict_end(q->arena, c->end, c->detail));
	if (c->ended && c->early.n == 0 && q->status < 300)
		return req_fail(q, fault_new(q->arena, FAULT_UPSTREAM_PROTOCOL,
			"an empty reply"));
	if (c->ended)
		return answer_whole(q, c->early);
	if (!c->over && (!known || n <= c->keep)) {
		q->phase = PHASE_WHOLE;
		call_collect(c);
		call_wait(c, &q->wait);
		return WAIT;
	}
	if (q->listing != NULL)
		return req_fail(q, fault_new(q->arena, FAULT_UPSTREAM_PROTOCOL,
			"a reply that must be read is too long"));
	reply_begin(q, q->status, STR("application/json"), known ? (int64_t)n : -1);
	return flow(q);
}

static enum turn
empty(struct req *q)
{
	if (q->n_answers > 0)
		shown_answers(q);
	else
		reply_whole(q, q->method == METHOD_DELETE ? 200 : 202,
			STR_NONE, STR_NONE);
	return DONE;
}

/* ---- event streams ------------------------------------------------------------------------ */
static void
fold_write(void *who, struct str bytes)
{
	struct req *q = who;
	uint32_t asked = q->fold.n_refused;

	if (fold_feed(&q->fold, bytes) != FOLD_MORE ||
	    q->fold.n_refused != asked)
		call_nudge(q->call);
}

static bool
fold_full(void *who)
{
	(void)who;
	return false;
}

static enum turn
fold_more(struct req *q)
{
	struct call *c = q->call;

	outgoing_refusals(q);
	if (q->fold.state == FOLD_DONE) {
		q->status = 200;
		return answer_whole(q, q->fold.reply);
	}
	if (q->fold.state == FOLD_BAD)
		return req_fail(q, fault_new(q->arena,
			FAULT_UPSTREAM_PROTOCOL, "an event is not a message"));
	if (c->ended && c->end != TRANSFER_OK)
		return req_fail(q, verdict_end(q->arena, c->end, c->detail));
	if (c->ended)
		return resume_pause(q);
	call_wait(c, &q->wait);
	return WAIT;
}

static enum turn
fold_flow(struct req *q)
{
	q->sink = (struct call_sink){ fold_full, fold_write, q };
	q->phase = PHASE_FOLD;
	call_flow(q->call, &q->sink);
	return fold_more(q);
}

/* Where a stream that had ended goes on. */
static enum turn
fold_on(struct req *q)
{
	if (!resume_goes_on(q))
		return resume_fail(q, "the stream cannot be resumed");
	fold_again(&q->fold);
	return fold_flow(q);
}

/* A request is among the messages: otherwise nobody waits for an answer. */
static enum turn
fold_events(struct req *q)
{
	struct fold_plan plan = { .batch = q->rpc.batch,
		.max = q->conf->limits.reply_body };

	plan.ids = req_ids(q, &plan.n_ids);
	start_deadline(q);
	fold_init(&q->fold, q->arena, &plan);
	return fold_flow(q);
}

static enum turn
relay_events(struct req *q)
{
	if ((q->accept & ACCEPT_EVENTS) == 0)
		return fold_events(q);
	timer_stop(&q->deadline);
	stream_begin(q, 200);
	shown_stream(q);
	return flow(q);
}

static enum turn
flow_end(struct req *q)
{
	struct call *c = q->call;
	const struct fault *f = q->spoilt;

	if (f == NULL && c->end != TRANSFER_OK)
		f = verdict_end(q->arena, c->end, c->detail);
	if (f == NULL)
		f = shown_end(q);
	if (f == NULL && stream_owes(q) && sse_between(&q->tail))
		f = fault_new(q->arena, FAULT_UPSTREAM_PROTOCOL,
			"a stream ended before its answer");
	if (f != NULL)
		return req_fail(q, f);
	reply_end(q);
	return DONE;
}

/* ---- the verdict --------------------------------------------------------------------------- */
static enum turn
refused(struct req *q)
{
	struct transfer_reply *r = &q->call->reply;
	struct fault *f;

	if (r->status == 405)
		q->allow = STR("POST, OPTIONS");
	if (str_is(r->content_type, "application/json") && verdict_plain(r))
		return relay_whole(q);
	f = fault_new(q->arena, FAULT_UPSTREAM_ERROR, "upstream answered %d",
		r->status);
	f->http = r->status;
	f->said = str_fmt(q->arena, "upstream failed with status %d",
		r->status).p;
	return req_fail(q, f);
}

static enum turn
lost(struct req *q)
{
	session_over(q);
	if (pool(q) != NULL)
		rotator_forget_session(pool(q), q->session);
	return req_fail(q, fault_new(q->arena, FAULT_SESSION_NOT_FOUND,
		"the upstream has no such session"));
}

static enum turn
judge_head(struct req *q)
{
	const struct fault *f = NULL;
	enum verdict v = verdict_of(q->arena, &(struct verdict_ask){
		.call = q->call,
		.has_session = q->session.n > 0,
		.expects_body = expects_body(q),
	}, &f);

	q->upstream_status = q->call->head ? q->call->reply.status : 0;
	q->status = q->upstream_status;
	if (v != VERDICT_CREDENTIAL && q->call->head)
		credential_accepted(q);
	switch (v) {
	case VERDICT_JSON:
		return relay_whole(q);
	case VERDICT_EVENTS:
		return relay_events(q);
	case VERDICT_EMPTY:
		return empty(q);
	case VERDICT_CREDENTIAL:
		return credential_refused(q);
	case VERDICT_LOST:
		return lost(q);
	case VERDICT_REFUSED:
		return refused(q);
	case VERDICT_FAULT:
		break;
	}
	return req_fail(q, f);
}

enum turn
forward_back(struct req *q)
{
	q->upstream_us = clock_mono_us() - q->call_began_us;
	switch (q->phase) {
	case PHASE_HEAD:
		return judge_head(q);
	case PHASE_WHOLE:
		return relay_whole(q);
	case PHASE_FOLD:
		return fold_more(q);
	case PHASE_PAUSE:
		return resume_ask(q);
	case PHASE_AGAIN:
		return fold_on(q);
	case PHASE_FLOW:
		break;
	}
	return flow_end(q);
}
