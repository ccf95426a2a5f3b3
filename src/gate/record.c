/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "gate/record.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "gate/client.h"
#include "gate/pipeline.h"

void
record_violation(struct req *q, const char *reason)
{
	if (q->violation == NULL)
		q->violation = reason;
	if (q->site->metrics != NULL)
		metrics_violation(q->site->metrics, reason);
}

/* ---- which type --------------------------------------------------------------- */
static bool
is_auth_fault(const struct req *q)
{
	if (q->fault == NULL)
		return false;
	switch (q->fault->kind) {
	case FAULT_TWO_CREDENTIALS:
	case FAULT_BAD_IDENTITY:
	case FAULT_UNAUTHENTICATED:
	case FAULT_INVALID_TOKEN:
	case FAULT_TOKEN_SIGNATURE:
	case FAULT_TOKEN_CLAIMS:
	case FAULT_TOKEN_EXPIRED:
	case FAULT_TOKEN_REVOKED:
	case FAULT_NO_IDENTITY:
	case FAULT_INSUFFICIENT_SCOPE:
	case FAULT_FORBIDDEN:
	case FAULT_AUTH_UNAVAILABLE:
		return true;
	default:
		return false;
	}
}

static bool
is_admin(const struct req *q)
{
	return q->page == PAGE_SELF_HEADERS || q->page == PAGE_SELF_STREAM;
}

/* The first that fits and is wanted; AUDIT_TYPES: none is. */
static enum audit_type
type_of(const struct req *q, bool tool)
{
	const struct {
		bool fits;
		enum audit_type type;
	} rows[] = {
		{ q->violation != NULL, AUDIT_VIOLATION },
		{ is_admin(q), AUDIT_ADMIN_DEED },
		{ is_auth_fault(q), AUDIT_AUTHENTICATION },
		{ tool, AUDIT_TOOL_CALL },
		{ !tool, AUDIT_HTTP_REQUEST },
		{ q->who != NULL, AUDIT_AUTHENTICATION },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].fits && audit_wants(q->site->audit, rows[i].type))
			return rows[i].type;
	}
	return AUDIT_TYPES;
}

/* ---- what it says --------------------------------------------------------------- */
/* Below the mount; of what has no place here: without the query. */
static struct str
path_of(const struct req *q)
{
	struct str uri = params_server(&q->in.params, "REQUEST_URI");

	if (q->path.n > 0)
		return q->path;
	uri = str_head(uri, str_find(uri, '?'));
	return str_head(uri, str_find(uri, '#'));
}

static const char *
error_of(const struct req *q, int status)
{
	if (q->gone)
		return fault_reason(FAULT_CLIENT_GONE);
	if (q->fault != NULL)
		return fault_reason(q->fault->kind);
	if (status >= 400)
		return fault_reason(FAULT_UPSTREAM_ERROR);
	return q->violation != NULL ? q->violation : "";
}

static struct audit_record
draft(struct req *q, int status)
{
	uint32_t n;
	struct audit_record r = {
		.remote_addr = q->client,
		.user_agent = params_client(&q->in.params, "HTTP_USER_AGENT",
			&n),
		.request_id = q->request_id,
		.session_id = q->sealed,
		.action = req_method_word(q),
		.resource = path_of(q),
		.server = q->server != NULL ? q->server->conf->name : STR(""),
		.strategy = q->strategy != NULL ? str_of(q->strategy) :
			STR(""),
		.error = str_of(error_of(q, status)),
		.success = q->fault == NULL && !q->gone && status < 400,
		.hash_key = q->gate->hash_key,
		.hash_user = q->conf->log_hash_principals,
		.status = q->gone ? 499 : status,
		.token = q->try.attempts > 0 ? (int)q->try.index : -1,
		.us = clock_mono_us() - q->in.began_us,
	};

	if (q->client.p == NULL) {	/* refused before its step */
		(void)client_find(q);
		r.remote_addr = q->client;
	}
	if (q->who != NULL)
		r.user = q->who->user;
	else if (q->refused != NULL)
		r.user = q->refused->user;
	return r;
}

static bool
is_tool_call(const struct rpc_message *m)
{
	return str_is(m->method, "tools/call");
}

static void
draft_message(struct audit_record *r, const struct rpc_message *m)
{
	r->action = m->method;
	if (is_tool_call(m) && m->has_name)
		r->resource = m->name;
}

/* ---- writing -------------------------------------------------------------------- */
static bool
put(struct req *q, struct audit_record *r, bool tool)
{
	r->type = type_of(q, tool);
	if (r->type == AUDIT_TYPES || audit_write(q->site->audit, r))
		return true;
	q->gate->audit_lost++;
	if (q->site->metrics != NULL)
		metrics_audit_dropped(q->site->metrics, 1);
	return false;
}

/* A batch: one for each tool call that went on, else one for all. */
static bool
put_batch(struct req *q, struct audit_record *r)
{
	bool good = true, any = false;

	bool went = q->fault == NULL || q->step->run == forward_run;

	for (uint32_t i = 0; went && i < q->rpc.n; i++) {
		const struct rpc_message *m = &q->rpc.messages[i];
		struct audit_record one = *r;

		if (!is_tool_call(m))
			continue;
		draft_message(&one, m);
		good &= put(q, &one, true);
		any = true;
	}
	r->action = STR("batch");
	return any ? good : put(q, r, false);
}

static bool
put_all(struct req *q, struct audit_record *r)
{
	bool tool = false;

	if (q->has_rpc && q->rpc.batch && q->rpc.n > 0)
		return put_batch(q, r);
	if (q->has_rpc && q->rpc.n > 0) {
		draft_message(r, &q->rpc.messages[0]);
		tool = is_tool_call(&q->rpc.messages[0]);
	}
	return put(q, r, tool);
}

/* Probes and preflights would drown everything else. */
static bool
is_idle_talk(const struct req *q)
{
	return q->fault == NULL && q->violation == NULL && (
		q->page == PAGE_HEALTH || q->page == PAGE_READY ||
		q->page == PAGE_RESOURCE || q->method == METHOD_OPTIONS);
}

static bool
write_end(struct req *q, int status)
{
	struct audit_record r;

	if (q->recorded || !q->conf->audit.enabled)
		return true;
	q->recorded = true;
	if (is_idle_talk(q))
		return true;
	r = draft(q, status);
	return put_all(q, &r);
}

static const struct fault *
unavailable(struct req *q)
{
	return fault_new(q->arena, FAULT_AUDIT_UNAVAILABLE,
		"the audit record cannot be written");
}

static bool
is_required(const struct req *q)
{
	return q->conf->audit.enabled && q->conf->audit.required;
}

void
record_denied(struct req *q, const struct rpc_message *m,
	const struct fault *f)
{
	struct audit_record r;

	if (!q->conf->audit.enabled)
		return;
	r = draft(q, f->http);
	draft_message(&r, m);
	r.success = false;
	r.error = str_of(fault_reason(f->kind));
	q->unrecorded |= !put(q, &r, is_tool_call(m));
}

const struct fault *
record_intent(struct req *q)
{
	struct audit_record r;

	if (!is_required(q))
		return NULL;
	r = draft(q, 0);
	r.pending = true;
	return put_all(q, &r) && !q->unrecorded ? NULL : unavailable(q);
}

const struct fault *
record_reply(struct req *q, int status)
{
	if (!is_required(q) || q->recorded)
		return NULL;
	return write_end(q, status) && !q->unrecorded ? NULL : unavailable(q);
}

void
record_end(struct req *q)
{
	(void)write_end(q, q->status);
}

void
record_tell_lost(struct gate *g)
{
	uint32_t n = g->audit_lost;

	g->audit_lost = 0;
	if (n > 0)
		log_say(LOG_LEVEL_ERROR, "audit", "audit: %u records dropped",
			n);
}
