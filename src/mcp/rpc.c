/* SPDX-License-Identifier: MIT */
/*
 * rpc -- the body decides the era, headers only cross-check it
 *
 * One dual-era endpoint: a message with the metadata key for its protocol
 * version is modern (2026-07-28), anything else is legacy (sessions).
 */
#include "config.h"
#include "mcp/rpc.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"

/* What we read: the message as spans, and what the headers say. */
struct reading {
	struct arena *arena;
	const struct rpc_headers *headers;
	const struct jdoc_message *spans;	/* n of them */
	struct rpc *rpc;
};

static const struct fault *
invalid(struct arena *a, const char *why)
{
	return fault_new(a, FAULT_INVALID_REQUEST, "%s", why);
}

/* ---- revisions ------------------------- */
static const char *const versions[] = { "2026-07-28", "2025-11-25",
	"2025-06-18", "2025-03-26", "2024-11-05" };

/* What a claim may name.  The older ones begin with initialize: who is told
 * of them here would ask in vain again, and server/discover has no word of
 * them either. */
#define CLAIMABLE_JSON "\"2026-07-28\""

bool
rpc_version_known(struct str version)
{
	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		if (str_is(version, versions[i]))
			return true;
	}
	return false;
}

bool
rpc_version_modern(struct str version)
{
	return str_is(version, versions[0]);
}

/* Batches exist in 2025-03-26 and 2024-11-05; no header means the former. */
static bool
version_has_batches(struct str version)
{
	return version.n == 0 || str_is(version, "2025-03-26") ||
		str_is(version, "2024-11-05");
}

/* ---- one message ------------------------- */
/* A string, or an integer without fraction and exponent. */
static bool
id_ok(struct jdoc_span id)
{
	size_t i;

	if (id.raw.n > MAX_RPC_ID)
		return false;
	if (id.type == JDOC_STRING)
		return true;
	if (id.type != JDOC_NUMBER)
		return false;
	for (i = 0; i < id.raw.n; i++) {
		char c = id.raw.p[i];

		if ((c < '0' || c > '9') && c != '-')
			return false;
	}
	return true;
}

/* The member that Mcp-Name repeats, by method. */
static struct jdoc_span
name_span(const struct jdoc_message *m, struct str method)
{
	static const struct jdoc_span none = { { NULL, 0 }, JDOC_ABSENT };

	if (str_is(method, "tools/call") || str_is(method, "prompts/get"))
		return m->name;
	if (str_is(method, "resources/read") ||
	    str_is(method, "resources/subscribe") ||
	    str_is(method, "resources/unsubscribe"))
		return m->uri;
	if (str_is(method, "tasks/get") || str_is(method, "tasks/update") ||
	    str_is(method, "tasks/cancel"))
		return m->task_id;
	return none;
}

/* Of a message that is refused, too: the id of an answer is not the client's. */
static enum rpc_kind
kind_of(const struct jdoc_message *m)
{
	if (m->method.type != JDOC_ABSENT)
		return m->id.type == JDOC_ABSENT ? RPC_NOTIFICATION :
			RPC_REQUEST;
	return m->result.type != JDOC_ABSENT || m->error.type != JDOC_ABSENT ?
		RPC_RESPONSE : RPC_REQUEST;
}

/* Whose params say what is done to what. */
static bool
is_judged(struct str method)
{
	static const struct str methods[] = { STR("tools/call"),
		STR("prompts/get"), STR("resources/read"),
		STR("resources/subscribe"), STR("resources/unsubscribe"),
		STR("completion/complete"), STR("subscriptions/listen"),
		STR("tasks/get"), STR("tasks/update"), STR("tasks/cancel") };

	return str_among(method, methods, sizeof(methods) / sizeof(methods[0]));
}

static const struct fault *
read_call(struct arena *a, const struct jdoc_message *m,
	struct rpc_message *out)
{
	struct jdoc_span name;

	if (!jdoc_unquote(a, m->method, &out->method) || out->method.n == 0)
		return invalid(a, "method is not a string");
	if (m->result.type != JDOC_ABSENT || m->error.type != JDOC_ABSENT)
		return invalid(a, "a call with a result");
	if (m->params.type != JDOC_ABSENT && m->params.type != JDOC_OBJECT &&
	    m->params.type != JDOC_ARRAY)
		return invalid(a, "params is not an object");
	if (m->alike_in_params && is_judged(out->method))
		return invalid(a, "a name of params in another case");
	out->params = m->params;
	name = name_span(m, out->method);
	out->has_name = jdoc_unquote(a, name, &out->name);
	if (name.type != JDOC_ABSENT && !out->has_name)
		return fault_new(a, FAULT_INVALID_REQUEST,
			"the name of %.*s is not a string",
			STR_ARG(str_head(out->method, 40)));
	return NULL;
}

static const struct fault *
read_answer(struct arena *a, const struct jdoc_message *m)
{
	bool result = m->result.type != JDOC_ABSENT;
	bool error = m->error.type != JDOC_ABSENT;

	if (!result && !error)
		return invalid(a, "neither a call nor a result");
	if (result && error)
		return invalid(a, "a result and an error");
	if (error && m->error.type != JDOC_OBJECT)
		return invalid(a, "error is not an object");
	if (m->id.type == JDOC_ABSENT)
		return invalid(a, "a response without id");
	return NULL;
}

static const struct fault *
read_message(struct arena *a, const struct jdoc_message *m,
	struct rpc_message *out)
{
	struct str version;

	out->kind = kind_of(m);
	if (m->id.type != JDOC_ABSENT) {
		if (!id_ok(m->id))
			return invalid(a, "id is not a string or an integer");
		out->id = m->id.raw;
	}
	if (!jdoc_unquote(a, m->jsonrpc, &version) || !str_is(version, "2.0"))
		return invalid(a, "jsonrpc is not \"2.0\"");
	if (m->alike)
		return invalid(a, "a name in another case");
	return m->method.type != JDOC_ABSENT ? read_call(a, m, out) :
		read_answer(a, m);
}

/* ---- modern: what one request says of itself ------------------------- */
static const struct fault *
mismatch(struct arena *a, const char *header)
{
	return fault_new(a, FAULT_HEADER_MISMATCH,
		"%s is missing or differs from the body", header);
}

/* _meta has the two required keys (the version's type is known). */
static const struct fault *
check_meta(struct reading *r)
{
	static const struct jdoc_limits limits = { .depth = MAX_JSON_DEPTH,
		.values = MAX_JSON_VALUES, .batch = 0 };
	struct jdoc_report report;
	struct jdoc *meta = jdoc_parse(r->arena, r->spans->meta.raw,
		JDOC_MESSAGE, &limits, &report);
	struct jdoc *caps = meta == NULL ? NULL : jdoc_get(meta,
		"io.modelcontextprotocol/clientCapabilities");

	if (!jdoc_unquote(r->arena, r->spans->meta_version,
	    &r->rpc->claimed))
		return fault_new(r->arena, FAULT_META_MISSING,
			"protocolVersion is not a string");
	if (caps == NULL || jdoc_type(caps) != JDOC_OBJECT)
		return fault_new(r->arena, FAULT_META_MISSING,
			"clientCapabilities is missing");
	return NULL;
}

const struct fault *
rpc_unsupported(struct arena *a, struct str supported, struct str requested)
{
	struct buf b = buf_new(a, MAX_ERROR_REPLY / 4);
	struct str text = STR_NONE;
	struct fault *f;

	buf_json(&b, requested);
	buf_take(&b, &text);
	f = fault_new(a, FAULT_VERSION_UNSUPPORTED, "version \"%.*s\"",
		STR_ARG(str_head(requested, 40)));
	f->data = str_fmt(a, "\"supported\":[%.*s],\"requested\":\"%.*s\"",
		STR_ARG(supported), STR_ARG(text));
	return f;
}

static const struct fault *
check_version(struct reading *r)
{
	const struct rpc_headers *h = r->headers;
	struct str claimed = r->rpc->claimed;

	if (h->version_twice || !str_eq(h->version, claimed))
		return mismatch(r->arena, "MCP-Protocol-Version");
	if (rpc_version_modern(claimed))
		return NULL;
	return rpc_unsupported(r->arena, STR(CLAIMABLE_JSON), claimed);
}

/* Mcp-Name goes with these. */
static bool
is_mirrored(struct str method)
{
	static const char *const methods[] = { "tools/call", "prompts/get",
		"resources/read", "tasks/get", "tasks/update", "tasks/cancel" };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (str_is(method, methods[i]))
			return true;
	}
	return false;
}

static const struct fault *
check_mirrored(struct reading *r)
{
	const struct rpc_headers *h = r->headers;
	const struct rpc_message *m = r->rpc->messages;
	struct str name;

	if (h->method_twice || !str_eq(h->method, m->method))
		return mismatch(r->arena, "Mcp-Method");
	if (h->param_twice)
		return mismatch(r->arena, "Mcp-Param");
	if (!is_mirrored(m->method))
		return NULL;
	if (!m->has_name)
		return h->name.n == 0 ? NULL : mismatch(r->arena, "Mcp-Name");
	if (h->name_twice || h->name.n == 0 ||
	    !rpc_header_decode(r->arena, h->name, &name) ||
	    !str_eq(name, m->name))
		return mismatch(r->arena, "Mcp-Name");
	return NULL;
}

/* Methods of the handshake era do not exist in a modern request. */
static const struct fault *
check_method(struct reading *r)
{
	static const char *const removed[] = { "initialize", "ping",
		"logging/setLevel", "resources/subscribe",
		"resources/unsubscribe" };
	struct str method = r->rpc->messages->method;
	size_t i;

	for (i = 0; i < sizeof(removed) / sizeof(*removed); i++) {
		if (str_is(method, removed[i]))
			return fault_new(r->arena, FAULT_UNKNOWN_METHOD,
				"%s is not a method of this revision",
				removed[i]);
	}
	return NULL;
}

static const struct fault *
read_modern(struct reading *r)
{
	const struct fault *f;

	r->rpc->era = ERA_MODERN;
	f = check_meta(r);
	if (f == NULL)
		f = check_version(r);
	if (f == NULL && r->headers->check &&
	    r->rpc->messages->kind == RPC_REQUEST)
		f = check_mirrored(r);
	return f == NULL ? check_method(r) : f;
}

/* ---- legacy ------------------------- */
static const struct fault *
read_legacy(struct reading *r)
{
	const struct rpc_headers *h = r->headers;

	r->rpc->era = ERA_LEGACY;
	if (h->version_twice || (h->version.n > 0 &&
	    !rpc_version_known(h->version)))
		return fault_new(r->arena, FAULT_BAD_REQUEST,
			"protocol version \"%.*s\"",
			STR_ARG(str_head(h->version, 40)));
	return NULL;
}

/* No claim, but the header names a modern revision. */
static const struct fault *
read_unclaimed(struct reading *r)
{
	switch (r->rpc->messages->kind) {
	case RPC_REQUEST:
		return fault_new(r->arena, FAULT_META_MISSING,
			"a modern request without metadata");
	case RPC_NOTIFICATION:
		r->rpc->era = ERA_MODERN;
		return NULL;
	case RPC_RESPONSE:
		break;
	}
	return invalid(r->arena, "a response in a modern revision");
}

/* A claim that initialize has to obey names a modern revision; clients of
 * all eras begin with initialize, and older ones may send anything there. */
static bool
claims_modern(struct reading *r)
{
	struct str version;

	return jdoc_unquote(r->arena, r->spans->meta_version, &version) &&
		rpc_version_modern(version);
}

static const struct fault *
read_one(struct reading *r)
{
	const struct rpc_message *m = r->rpc->messages;
	bool modern = !r->headers->version_twice &&
		rpc_version_modern(r->headers->version);
	bool claim = r->spans->meta_version.type != JDOC_ABSENT;

	if (str_is(m->method, "initialize") && !claims_modern(r)) {
		jdoc_unquote(r->arena, r->spans->protocol_version,
			&r->rpc->asked);
		return modern ? mismatch(r->arena, "MCP-Protocol-Version") :
			read_legacy(r);
	}
	if (claim && m->kind != RPC_RESPONSE)
		return read_modern(r);
	return modern ? read_unclaimed(r) : read_legacy(r);
}

static const struct fault *
read_batch(struct reading *r)
{
	uint32_t i;

	if (!version_has_batches(r->headers->version))
		return fault_new(r->arena, FAULT_BATCH_REFUSED,
			"version %.*s has no batches",
			STR_ARG(str_head(r->headers->version, 40)));
	for (i = 0; i < r->rpc->n; i++) {
		if (r->spans[i].meta_version.type != JDOC_ABSENT)
			return fault_new(r->arena, FAULT_BATCH_REFUSED,
				"a modern message in a batch");
		if (str_is(r->rpc->messages[i].method, "initialize"))
			return fault_new(r->arena, FAULT_BATCH_REFUSED,
				"initialize in a batch");
	}
	return read_legacy(r);
}

/* ---- the body ------------------------- */
/* A batch that is too long is JSON all the same. */
static enum fault_kind
refusal(enum jdoc_verdict v, const struct jdoc_report *report,
	const struct rpc_limits *limits)
{
	if (v != JDOC_SYNTAX)
		return FAULT_INVALID_REQUEST;
	if (report->top == JDOC_ARRAY && report->n_messages >= limits->batch &&
	    str_is(str_of(report->why), "batch too long"))
		return FAULT_BATCH_REFUSED;
	return FAULT_PARSE_ERROR;
}

static const struct fault *
scan(struct reading *r, struct str body, const struct rpc_limits *limits)
{
	struct jdoc_limits l = { .depth = limits->depth,
		.values = MAX_JSON_VALUES, .batch = limits->batch };
	struct jdoc_report report;
	enum jdoc_verdict v = jdoc_check(r->arena, body, JDOC_MESSAGE, &l,
		&report);

	if (v != JDOC_OK)
		return fault_new(r->arena, refusal(v, &report, limits),
			"byte %zu: %s", report.at, report.why);
	if (report.top != JDOC_OBJECT && report.top != JDOC_ARRAY)
		return invalid(r->arena, "neither an object nor an array");
	if (report.n_messages == 0)
		return invalid(r->arena, "an empty batch");
	r->spans = report.messages;
	r->rpc->n = report.n_messages;
	r->rpc->batch = report.top == JDOC_ARRAY;
	return NULL;
}

const struct fault *
rpc_read(struct arena *a, struct str body, const struct rpc_limits *limits,
	const struct rpc_headers *h, struct rpc *rpc_r)
{
	struct reading r = { .arena = a, .headers = h, .rpc = rpc_r };
	const struct fault *f = scan(&r, body, limits);
	uint32_t i;

	if (f != NULL)
		return f;
	rpc_r->messages = ARENA_ARRAY(a, struct rpc_message, rpc_r->n);
	for (i = 0; i < rpc_r->n && f == NULL; i++)
		f = read_message(a, &r.spans[i], &rpc_r->messages[i]);
	if (f != NULL)
		return f;
	return rpc_r->batch ? read_batch(&r) : read_one(&r);
}
