/* SPDX-License-Identifier: MIT */
/*
 * rpc -- a JSON-RPC message that we accept?
 *
 * Before: the caller is known.
 * After:  a POST's envelope is in q->rpc; what it brings, what it takes,
 *         session and version headers are checked for every method.
 */
#include "config.h"
#include "mcp/rpc.h"

#include "base/arena.h"
#include "gate/pipeline.h"

bool
req_initializes(const struct req *q)
{
	return q->method == METHOD_POST && !q->rpc.batch && q->rpc.n == 1 &&
		str_is(q->rpc.messages[0].method, "initialize");
}

static const struct fault *
check_session(struct req *q)
{
	const struct fault *f = session_open(q);

	if (f == NULL && q->session.n > 0 && req_initializes(q))
		return fault_new(q->arena, FAULT_INVALID_REQUEST,
			"initialize within a session");
	return f;
}

/* Only sessions have streams to fetch and ends: a revision without them has no
 * other method than POST. */
static const struct fault *
check_version(struct req *q)
{
	uint32_t n;
	struct str v = params_client(&q->in.params,
		"HTTP_MCP_PROTOCOL_VERSION", &n);

	q->version = v;
	if (n == 0 || (n == 1 && rpc_version_known(v) &&
	    !rpc_version_modern(v)))
		return NULL;
	return fault_new(q->arena, FAULT_BAD_REQUEST,
		"protocol version \"%.*s\"", STR_ARG(str_head(v, 40)));
}

/* protocol.versions: what the operator offers.  The bytes of initialize are
 * the client's, so that one which asks for another revision is refused. */
static const struct fault *
check_offered(struct req *q)
{
	const struct conf_texts *offered =
		&q->server->conf->options.versions;
	struct str v = q->version, list = STR_NONE;

	if (q->has_rpc && q->rpc.era == ERA_MODERN)
		v = q->rpc.claimed.n > 0 ? q->rpc.claimed : v;
	else if (q->has_rpc && q->rpc.asked.n > 0)
		v = q->rpc.asked;
	if (offered->n == 0 || v.n == 0 || conf_has_text(offered, v))
		return NULL;
	for (uint32_t i = 0; i < offered->n; i++)
		list = str_fmt(q->arena, "%.*s%s\"%.*s\"", STR_ARG(list),
			i > 0 ? "," : "", STR_ARG(offered->v[i]));
	return rpc_unsupported(q->arena, list, v);
}

static bool
param_twice(const struct req *q)
{
	const struct params *t = &q->in.params;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n && n < 2; i++) {
		if (str_starts(t->v[i].name, STR("HTTP_MCP_PARAM_")))
			params_first(t, t->v[i].name, &n);
	}
	return n > 1;
}

static const struct fault *
read_body(struct req *q)
{
	const struct conf_options *o = &q->server->conf->options;
	struct rpc_headers h = { .check = o->check_headers };
	struct rpc_limits limits = { .depth = q->conf->limits.json_depth,
		.batch = q->conf->limits.batch };
	uint32_t n;

	h.version = params_client(&q->in.params, "HTTP_MCP_PROTOCOL_VERSION",
		&n);
	h.version_twice = n > 1;
	h.method = params_client(&q->in.params, "HTTP_MCP_METHOD", &n);
	h.method_twice = n > 1;
	h.name = params_client(&q->in.params, "HTTP_MCP_NAME", &n);
	h.name_twice = n > 1;
	h.param_twice = param_twice(q);
	q->version = h.version;
	q->has_rpc = true;
	return rpc_read(q->arena, q->in.body, &limits, &h, &q->rpc);
}

const struct str *
req_ids(const struct req *q, uint32_t *n_r)
{
	struct str *ids = ARENA_ARRAY(q->arena, struct str, q->rpc.n);

	*n_r = 0;
	for (uint32_t i = 0; i < q->rpc.n; i++) {
		if (q->rpc.messages[i].kind == RPC_REQUEST)
			ids[(*n_r)++] = q->rpc.messages[i].id;
	}
	return ids;
}

/* For a reply that refuses: the id, and whether it is a tool's call. */
void
rpc_peek(struct req *q)
{
	(void)read_body(q);
}

enum turn
rpc_run(struct req *q)
{
	const struct fault *f, *crooked;

	if (q->server == NULL)
		return NEXT;
	f = access_form(q);
	if (f != NULL)
		return req_fail(q, f);
	crooked = session_read(q);
	f = q->method == METHOD_POST ? read_body(q) : check_version(q);
	if (f == NULL)
		f = check_offered(q);
	if (f == NULL && !(q->has_rpc && q->rpc.era == ERA_MODERN))
		f = crooked != NULL ? crooked : check_session(q);
	/* modern: a session id says nothing, however it looks */
	return f == NULL ? NEXT : req_fail(q, f);
}
