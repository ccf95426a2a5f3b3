/* SPDX-License-Identifier: MIT */
/*
 * reply -- what the client gets: whole bodies, heads of longer ones, faults
 *
 * Every reply that is no stream says its length, so that a client can tell a
 * worker's death from an end.  A reply that has begun cannot turn into an
 * error: a stream gets it as its last event, anything else is cut.
 */
#include "config.h"

#include <stdio.h>

#include "auth/challenge.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "gate/pipeline.h"
#include "gate/rates.h"
#include "gate/record.h"

#define RETRY_S 5

static void
add_number(struct headers *h, struct str name, uint64_t n)
{
	char room[STR_DIGITS];

	headers_add(h, name, str_copy(h->arena, str_digits(room, n)));
}

/* What may come down from the upstream, and nothing else; 429 and 503 are
 * faults, which have a Retry-After of their own. */
static void
upstream_headers(struct req *q, struct headers *h)
{
	const struct transfer_reply *r = &q->call->reply;
	struct str session = headers_get(&r->headers, STR("Mcp-Session-Id"));
	struct str version = headers_get(&r->headers,
		STR("MCP-Protocol-Version"));

	if (q->rpc.era != ERA_MODERN)
		session_tell(q, session, h);
	if (version.n <= MAX_SESSION_ID && str_visible(version))
		headers_add(h, STR("MCP-Protocol-Version"), version);
}

static void
common_headers(struct req *q, struct headers *h)
{
	headers_add(h, STR("X-Request-Id"), q->request_id);
	origin_headers(q, h);
	if (q->call != NULL && q->call->head && q->fault == NULL)
		upstream_headers(q, h);
}

/* Nobody keeps what a caller was given; open pages by the configuration. */
static void
add_cache(struct req *q, struct headers *h, int status)
{
	struct str value = STR("no-store");

	if (q->page == PAGE_RESOURCE && status == 200)
		value = STR("public, max-age=3600");
	else if ((q->page == PAGE_HEALTH || q->page == PAGE_READY) &&
	    status == 200)
		value = origin_cache(q);
	if (value.n > 0)
		headers_add(h, STR("Cache-Control"), value);
}

static void
begin(struct req *q, int status, const struct headers *h)
{
	q->status = status;
	q->begun = true;
	q->out->ops->begin(q->out, status, h);
}

void
reply_begin(struct req *q, int status, struct str type, int64_t length)
{
	struct headers h;

	headers_init(&h, q->arena);
	headers_add(&h, STR("Content-Type"), type);
	if (str_is(type, "text/event-stream")) {
		headers_add(&h, STR("Cache-Control"),
			STR("no-cache, no-store, no-transform"));
		headers_add(&h, STR("X-Accel-Buffering"), STR("no"));
	} else {
		headers_add(&h, STR("Cache-Control"), STR("no-store"));
	}
	if (length >= 0)
		add_number(&h, STR("Content-Length"), (uint64_t)length);
	common_headers(q, &h);
	begin(q, status, &h);
}

void
reply_write(struct req *q, struct str bytes)
{
	q->bytes += bytes.n;
	q->out->ops->write(q->out, bytes);
}

void
reply_end(struct req *q)
{
	q->ended = true;
	q->out->ops->end(q->out);
}

void
reply_cut(struct req *q)
{
	q->ended = true;
	q->out->ops->cut(q->out);
}

static void
finish_whole(struct req *q, int status, const struct headers *h,
	struct str body)
{
	begin(q, status, h);
	if (body.n > 0 && q->method != METHOD_HEAD)
		reply_write(q, body);
	reply_end(q);
}

/* ---- faults ------------------------------------------------------------------------ */
/* Of a client's answer the id is one of the upstream's: not ours to repeat. */
static struct str
request_rpc_id(const struct req *q)
{
	if (!q->has_rpc || q->rpc.n == 0 || q->rpc.batch ||
	    q->rpc.messages[0].kind == RPC_RESPONSE)
		return STR_NONE;
	return q->rpc.messages[0].id;
}

/* As the inside of a JSON string. */
static const char *
inside(struct req *q, struct str s)
{
	struct buf b = buf_new(q->arena, MAX_ERROR_REPLY);
	struct str text;

	buf_json(&b, s);
	return buf_take(&b, &text) ? text.p : "";
}

static struct str
page_error(struct req *q)
{
	const struct fault *f = q->fault;

	return str_fmt(q->arena, "{\"error\":\"%s\",\"reason\":\"%s\","
		"\"requestId\":\"%s\"}", inside(q, str_of(f->said)),
		fault_reason(f->kind), inside(q, q->request_id));
}

/* A tool result that a model can read, for errorStyle "tool". */
static struct str
tool_error(struct req *q)
{
	return str_fmt(q->arena, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,"
		"\"result\":{%s\"content\":[{\"type\":\"text\",\"text\":"
		"\"%s\"}],\"isError\":true}}", STR_ARG(request_rpc_id(q)),
		q->rpc.era == ERA_MODERN ? "\"resultType\":\"complete\"," : "",
		inside(q, str_of(q->fault->said)));
}

static struct str
error_body(struct req *q)
{
	if (!q->mcp_route)
		return page_error(q);
	return rpc_error(q->arena, request_rpc_id(q), q->fault, q->request_id);
}

/* 401, 403, 413 and the 404 of a session stay what they are in every style:
 * clients act on the status. */
static bool
styled(const struct req *q, enum error_style *style_r)
{
	int http = q->fault->http;

	if (q->server == NULL || request_rpc_id(q).n == 0 || http == 401 ||
	    http == 403 || http == 413 || (http == 404 &&
	    q->fault->kind != FAULT_UNKNOWN_METHOD))
		return false;
	*style_r = q->server->conf->options.error_style;
	return *style_r != STYLE_HTTP;
}

static int
style_reply(struct req *q, struct str *body_r)
{
	enum error_style style = STYLE_HTTP;

	*body_r = error_body(q);
	if (!styled(q, &style))
		return q->fault->http;
	if (style == STYLE_TOOL &&
	    str_is(q->rpc.messages[0].method, "tools/call"))
		*body_r = tool_error(q);
	return 200;
}

/* What we do not have now we may have later; who knows when has said so. */
static uint32_t
retry_after(const struct fault *f)
{
	switch (f->kind) {
	case FAULT_AUTH_UNAVAILABLE:
	case FAULT_SERVER_INVALID:
	case FAULT_AUDIT_UNAVAILABLE:
	case FAULT_OVERLOADED:
		return f->retry_after_s > 0 ? f->retry_after_s : RETRY_S;
	default:
		return f->retry_after_s;
	}
}

static void
whole_fault(struct req *q)
{
	const struct fault *f = q->fault;
	struct headers h;
	struct str body;
	int status = style_reply(q, &body);

	headers_init(&h, q->arena);
	headers_add(&h, STR("Content-Type"), STR("application/json"));
	headers_add(&h, STR("Cache-Control"), STR("no-store"));
	add_number(&h, STR("Content-Length"), body.n);
	if (retry_after(f) > 0)
		add_number(&h, STR("Retry-After"), retry_after(f));
	rates_headers(q, &h);
	if (status == 405)
		headers_add(&h, STR("Allow"), q->allow);
	if (status == 401 && q->takes_basic)
		headers_add(&h, STR("WWW-Authenticate"), challenge_basic(
			&q->conf->options.inbound, q->arena));
	if ((status == 401 || status == 403 ||
	    f->kind == FAULT_TWO_CREDENTIALS) && q->challenge.n > 0)
		headers_add(&h, STR("WWW-Authenticate"),
			resource_challenge(q));
	common_headers(q, &h);
	finish_whole(q, status, &h, body);
}

/* A refusal that cannot be recorded becomes one that says so. */
static void
record_fault(struct req *q)
{
	struct str body;
	const struct fault *f = record_reply(q, style_reply(q, &body));

	if (f != NULL)
		q->fault = f;
}

void
reply_whole(struct req *q, int status, struct str type, struct str body)
{
	const struct fault *f = record_reply(q, status);
	struct headers h;

	if (f != NULL) {
		q->fault = f;
		whole_fault(q);
		return;
	}
	headers_init(&h, q->arena);
	if (type.n > 0)
		headers_add(&h, STR("Content-Type"), type);
	add_cache(q, &h, status);
	if (status != 204)
		add_number(&h, STR("Content-Length"), body.n);
	if (q->method == METHOD_OPTIONS || status == 405)
		headers_add(&h, STR("Allow"), q->allow);
	common_headers(q, &h);
	finish_whole(q, status, &h, body);
}

/* A stream ends before its answers: an error for each that is missing. */
static void
tell_missing(struct req *q)
{
	uint32_t i = 0;
	struct str id;

	while (answered_not(q->answered, &i, &id))
		reply_write(q, str_fmt(q->arena, "data: %.*s\n\n",
			STR_ARG(rpc_error(q->arena, id, q->fault,
			q->request_id))));
}

void
reply_fault(struct req *q)
{
	if (!q->begun) {
		record_fault(q);
		whole_fault(q);
		return;
	}
	if (!q->stream || !sse_between(&q->tail) ||
	    q->fault->kind == FAULT_CLIENT_GONE) {
		reply_cut(q);
		return;
	}
	tell_missing(q);
	reply_end(q);
}
