/* SPDX-License-Identifier: MIT */
/*
 * account -- what is told of a request, once, where it ends
 */
#include "config.h"

#include "base/arena.h"
#include "base/clock.h"
#include "gate/client.h"
#include "gate/pipeline.h"
#include "gate/record.h"
#include "shm/journal.h"
#include "watch/access_log.h"

static const char *
page_name(enum page p)
{
	static const char *const names[] = { "", "health", "ready",
		"version", "metrics", "ws", "metadata", "selftest",
		"selftest" };

	return names[p];
}

static void
tell_call(const struct req *q, struct access *r)
{
	const struct rpc_message *m;

	if (!q->has_rpc || q->rpc.n == 0)
		return;
	m = &q->rpc.messages[0];
	r->method = q->rpc.batch ? STR("batch") : m->method;
	if (!q->rpc.batch && m->has_name && str_is(m->method, "tools/call"))
		r->tool = m->name;
}

/* Those that went on; who was denied is counted by the policy. */
static void
count_batch(const struct req *q, const struct access *r)
{
	for (uint32_t i = 0; !q->none_left && i < q->rpc.n; i++) {
		const struct rpc_message *m = &q->rpc.messages[i];

		if (m->has_name && str_is(m->method, "tools/call"))
			metrics_tool(q->site->metrics, r->server, m->name,
				r->fault != NULL || r->status >= 400);
	}
}

struct str
req_method_word(const struct req *q)
{
	switch (q->method) {
	case METHOD_GET:
		return STR("GET");
	case METHOD_HEAD:
		return STR("HEAD");
	case METHOD_DELETE:
		return STR("DELETE");
	case METHOD_OPTIONS:
		return STR("OPTIONS");
	case METHOD_POST:
		return STR("POST");
	case METHOD_OTHER:
		break;
	}
	return STR("other");
}

static void
tell_attempts(const struct req *q, struct access *r)
{
	r->token = -1;
	r->attempts = q->try.attempts;
	r->tokens = q->try.indexes;
	r->told = q->try.told;
	if (q->try.attempts > 0)
		r->token = (int)q->try.index;
	r->upstream_status = q->upstream_status;
	r->upstream_us = q->upstream_us;
}

/* For `mcpgatectl errors`. */
static void
note_fault(const struct req *q, const struct access *r)
{
	if (q->fault == NULL || q->fault->kind == FAULT_CLIENT_GONE)
		return;
	journal_add(q->gate->segment, &(struct journal_fault){
		.at_unix_ms = clock_unix_ms(),
		.status = r->status,
		.request_id = r->request_id,
		.server = r->server,
		.step = str_of(r->step),
		.reason = str_of(fault_reason(q->fault->kind)),
		.detail = str_of(q->fault->detail),
	});
}

void
account(struct req *q)
{
	struct access r = {
		.request_id = q->request_id,
		.client = q->client,
		.step = q->fault != NULL ? q->step->name : "",
		.page = page_name(q->page),
		.fault = q->fault,
		.status = q->gone ? 499 : q->status,
		.us = clock_mono_us() - q->in.began_us,
		.bytes = q->bytes,
		.stream = q->stream,
		.enabled = true,
		.hash_key = q->conf->log_hash_principals ?
			q->gate->hash_key : NULL,
	};

	if (q->client.p == NULL) {	/* refused before its step */
		(void)client_find(q);
		r.client = q->client;
	}
	r.method = req_method_word(q);
	if (q->server != NULL) {
		r.server = q->server->conf->name;
		r.enabled = q->server->conf->options.log_enabled;
	}
	if (q->who != NULL || q->refused != NULL) {
		const struct identity *w = q->who != NULL ? q->who :
			q->refused;

		r.user = w->user;
		r.how = w->how;
		r.refused = q->who == NULL;
	}
	tell_call(q, &r);
	tell_attempts(q, &r);
	if (q->server != NULL && q->server->rotator != NULL &&
	    q->try.attempts > 0)
		rotator_release(q->server->rotator, &q->try);
	record_end(q);
	note_fault(q, &r);
	access_log(&r);
	if (q->site->metrics != NULL) {
		metrics_request(q->site->metrics, &r);
		if (q->has_rpc && q->rpc.batch && q->server != NULL)
			count_batch(q, &r);
	}
}
