/* SPDX-License-Identifier: MIT */
/*
 * outgoing -- what goes to the upstream
 *
 * Built from an allow list, never by copying and removing: the inbound
 * credential, cookies, identity and forwarding headers have no way out.
 */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "cred/credential.h"
#include "cred/passthrough.h"
#include "gate/pipeline.h"

/* ---- trace context (W3C) --------------------------------------------------------- */
#define MAX_TRACESTATE 512	/* bytes; what every hop must be able to pass */

/* n lower-case hex digits at `at`, not all zero, and `after` behind them. */
static bool
hex_field(struct str s, size_t at, size_t n, char after)
{
	bool zero = true;
	size_t i;

	for (i = at; i < at + n; i++) {
		char c = s.p[i];

		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return false;
		zero = zero && c == '0';
	}
	return !zero && (after == '\0' || s.p[at + n] == after);
}

/* "00-" trace id "-" parent id "-" flags; flags may be zero. */
static bool
traceparent_ok(struct str v)
{
	return v.n == 55 && str_starts(v, STR("00-")) &&
		hex_field(v, 3, 32, '-') && hex_field(v, 36, 16, '-') &&
		(hex_field(v, 53, 2, '\0') || str_ends(v, STR("-00")));
}

static void
add_trace(struct req *q, struct headers *h)
{
	const struct params *t = &q->in.params;
	uint32_t n;
	struct str v = params_client(t, "HTTP_TRACEPARENT", &n);
	bool traced = n == 1 && traceparent_ok(v);

	if (traced)
		headers_add(h, STR("traceparent"), v);
	v = params_client(t, "HTTP_TRACESTATE", &n);
	if (traced && n == 1 && v.n <= MAX_TRACESTATE && str_printable(v))
		headers_add(h, STR("tracestate"), v);
	v = params_client(t, "HTTP_BAGGAGE", &n);
	if (n == 1 && v.n <= MAX_CREDENTIAL && str_printable(v))
		headers_add(h, STR("baggage"), v);
}

static void
add_resumption(struct req *q, struct headers *h)
{
	uint32_t n;
	struct str v = params_client(&q->in.params, "HTTP_LAST_EVENT_ID", &n);

	if (n == 1 && q->method == METHOD_GET)
		headers_add(h, STR("Last-Event-ID"), v);
}

/* "HTTP_MCP_PARAM_X_Y" -> "Mcp-Param-X-Y"; names compare without case.  Of two
 * values the upstream could read the other one: neither goes. */
static void
add_params(struct req *q, struct headers *h)
{
	static const struct str head = STR("HTTP_MCP_PARAM_");
	const struct params *t = &q->in.params;
	uint32_t i, n;

	for (i = 0; i < t->n; i++) {
		struct str name;
		size_t k;

		if (!str_starts(t->v[i].name, head))
			continue;
		params_first(t, t->v[i].name, &n);
		if (n > 1)
			continue;
		name = str_fmt(q->arena, "Mcp-Param-%.*s",
			STR_ARG(str_from(t->v[i].name, head.n)));
		for (k = 0; k < name.n; k++) {
			if (name.p[k] == '_')
				((char *)(uintptr_t)name.p)[k] = '-';
		}
		headers_add(h, name, t->v[i].value);
	}
}

/* The mirrored headers are made anew from the body. */
static void
add_mirrored(struct req *q, struct headers *h)
{
	const struct rpc_message *m = q->rpc.messages;

	if (q->rpc.era != ERA_MODERN || q->rpc.batch || q->rpc.n == 0)
		return;
	if (m->method.n > 0)
		headers_add(h, STR("Mcp-Method"), m->method);
	if (m->has_name)
		headers_add(h, STR("Mcp-Name"),
			rpc_header_encode(q->arena, m->name));
	add_params(q, h);
}

static bool
is_credential(const struct req *q, struct str name)
{
	return str_is_nocase(name, "Authorization") ||
		str_eq_nocase(name, q->server->conf->options.pool.header);
}

/* Configured headers; one source per name, ours and the pool's come first. */
static void
add_configured(struct req *q, struct headers *h)
{
	const struct conf_server *s = q->server->conf;
	uint32_t i;

	for (i = 0; i < s->headers.n; i++) {
		const struct conf_pair *p = &s->headers.v[i];

		if (p->removed || headers_count(h, p->name) > 0)
			continue;
		if (q->server->rotator != NULL &&
		    str_eq_nocase(p->name, s->options.pool.header))
			continue;	/* auth.tokens counts: told at load */
		if (q->own_credential && is_credential(q, p->name))
			continue;	/* the caller's counts, or none */
		credential_static(h, p);
	}
}

static struct str
joined_groups(const struct req *q)
{
	struct buf b = buf_new(q->arena, MAX_CREDENTIAL);
	struct str text = STR_NONE;
	uint32_t i;

	for (i = 0; i < q->who->n_groups; i++) {
		if (i > 0)
			buf_char(&b, ',');
		buf_add(&b, q->who->groups[i]);
	}
	return buf_take(&b, &text) ? text : STR_NONE;
}

/* The call of a tool that gets no credential (noCredentialTools). */
static bool
wants_none(const struct req *q, const struct rpc_message *m)
{
	const struct conf_texts *tools =
		&q->server->conf->options.no_credential_tools;

	return str_is(m->method, "tools/call") &&
		conf_has_match(tools, m->name);
}

/* A batch is one call: with a credential or without, for all that is in it. */
static const struct fault *
check_tools(struct req *q, bool *none_r)
{
	uint32_t i, requests = 0, none = 0;

	for (i = 0; q->has_rpc && i < q->rpc.n; i++) {
		const struct rpc_message *m = &q->rpc.messages[i];

		if (wants_none(q, m))
			none++;
		requests += m->kind == RPC_REQUEST || wants_none(q, m);
	}
	*none_r = none > 0 && none == requests;
	if (none == 0 || *none_r)
		return NULL;
	return fault_new(q->arena, FAULT_BATCH_REFUSED,
		"a tool without credential among others");
}

/* What the caller may send on; before or behind the configured headers. */
static const struct fault *
add_passed(struct req *q, struct headers *h)
{
	const struct conf_options *o = &q->server->conf->options;
	bool proxy = str_is(q->who->how, "proxy");
	struct passthrough_ask ask = {
		.options = o,
		.params = &q->in.params,
		.query = q->query,
		.user = proxy ? q->who->user : STR_NONE,
		.groups = proxy ? joined_groups(q) : STR_NONE,
		.authenticated = q->who->authenticated,
		.request_id = q->request_id,
		.arena = q->arena,
	};
	enum passthrough_own own;
	bool none = false;
	const struct fault *f = check_tools(q, &none);

	if (f != NULL)
		return f;
	f = passthrough_credential(&ask, h, &own);
	q->own_credential = own != PASSTHROUGH_NONE || none;
	if (f == NULL && o->passthrough.overwrite_base)
		f = passthrough_headers(&ask, h);
	add_configured(q, h);
	if (f == NULL && !o->passthrough.overwrite_base)
		f = passthrough_headers(&ask, h);
	return f;
}

const struct fault *
outgoing_headers(struct req *q)
{
	struct headers *h = &q->to_upstream;

	headers_init(h, q->arena);
	if (q->method == METHOD_POST)
		headers_add(h, STR("Content-Type"), STR("application/json"));
	headers_add(h, STR("Accept"), q->method == METHOD_GET ?
		STR("text/event-stream") :
		STR("application/json, text/event-stream"));
	headers_add(h, STR("Accept-Encoding"), STR("identity"));
	headers_add(h, STR("User-Agent"),
		STR(PACKAGE_NAME "/" PACKAGE_VERSION));
	headers_add(h, STR("X-Request-Id"), q->request_id);
	if (q->version.n > 0)
		headers_add(h, STR("MCP-Protocol-Version"), q->version);
	if (q->session.n > 0 && q->rpc.era != ERA_MODERN)
		headers_add(h, STR("Mcp-Session-Id"), q->session);
	if (q->has_rpc)
		add_mirrored(q, h);
	add_resumption(q, h);
	add_trace(q, h);
	return add_passed(q, h);
}

/* ---- refusals ---------------------------------------------------------------------- */
/* One POST that nobody waits for; it owns its arena. */
struct refusal {
	struct arena *arena;
	struct task done;
	struct loop *loop;
	struct headers headers;
};

static void
forget(void *who)
{
	struct refusal *r = who;

	arena_free(r->arena);
}

static void
ended(void *who, enum transfer_end end, const char *detail)
{
	struct refusal *r = who;

	(void)end;
	(void)detail;
	task_post(r->loop, &r->done);
}

static void
head(void *who, const struct transfer_reply *reply)
{
	(void)who;
	(void)reply;
}

static bool
drop_bytes(void *who, struct str bytes)
{
	(void)who;
	(void)bytes;
	return true;
}

#define REFUSAL_ARENA 65536	/* bytes: a few headers and one short body */
#define REFUSAL_MS 5000		/* the upstream may lose it after that */

static void
copy_headers(struct refusal *r, const struct headers *from)
{
	uint32_t i;

	headers_init(&r->headers, r->arena);
	for (i = 0; i < from->n; i++)
		headers_add(&r->headers, str_copy(r->arena, from->v[i].name),
			str_copy(r->arena, from->v[i].value));
}

static void
refuse(struct req *q, struct str id)
{
	struct arena *a = arena_new(REFUSAL_ARENA);
	struct refusal *r = ARENA_NEW(a, struct refusal);
	struct transfer_plan plan = {
		.server = q->server->conf,
		.url = str_copy(a, q->url),
		.method = "POST",
		.headers = &r->headers,
		.body = fold_refusal(a, id),
		.total_ms = REFUSAL_MS,
		.connect_ms = REFUSAL_MS,
		.first_byte_ms = REFUSAL_MS,
		.idle_ms = REFUSAL_MS,
		.head = head,
		.body_in = drop_bytes,
		.ended = ended,
		.who = r,
	};

	r->arena = a;
	r->loop = q->gate->loop;
	site_hold(q->site, a);
	copy_headers(r, &q->to_upstream);
	task_init(&r->done, forget, r);
	if (transfer_start(q->gate->wire, a, &plan) == NULL)
		arena_free(a);
}

void
outgoing_refusals(struct req *q)
{
	while (q->fold.n_refused > 0)
		refuse(q, q->fold.refused[--q->fold.n_refused]);
}
