/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "kit/tap.h"
#include "mcp/rpc.h"

#define V26	"2026-07-28"
#define P	"io.modelcontextprotocol/"
#define CAPS	"\"" P "clientCapabilities\":{}"
#define META(v)	"\"_meta\":{\"" P "protocolVersion\":\"" v "\"," CAPS "}"
#define ASK(method, params) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" \
	method "\",\"params\":{" params "}}"
#define TELL(method, params) "{\"jsonrpc\":\"2.0\",\"method\":\"" \
	method "\",\"params\":{" params "}}"
#define PING	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

#define FINE	FAULT_KINDS

static struct arena *arena;
static const struct rpc_limits limits = { .depth = 8, .batch = 3 };

/* ---- one message of no revision, or a legacy one ------------------------- */

static const struct {
	const char *name, *body;
	enum fault_kind want;		/* FINE: none */
	const char *id;			/* also of what is refused */
} bodies[] = {
	{ "a request", PING, FINE, "1" },
	{ "a notification", "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}", FINE,
		"" },
	{ "a result", "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":null}",
		FINE, "\"a\"" },
	{ "an error", "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{}}", FINE,
		"2" },
	{ "an escaped version", "{\"jsonrpc\":\"2\\u002e0\",\"id\":1,"
		"\"method\":\"ping\"}", FINE, "1" },
	{ "params as an array", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
		"\"x\",\"params\":[]}", FINE, "1" },
	{ "not JSON", "{", FAULT_PARSE_ERROR, "" },
	{ "empty", "", FAULT_PARSE_ERROR, "" },
	{ "a repeated name", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\","
		"\"method\":\"b\"}", FAULT_INVALID_REQUEST, NULL },
	{ "a method in another case", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"method\":\"a\",\"Method\":\"b\"}",
		FAULT_INVALID_REQUEST, "1" },
	{ "a result and a method in another case", "{\"jsonrpc\":\"2.0\","
		"\"id\":1,\"result\":{},\"METHOD\":\"b\"}",
		FAULT_INVALID_REQUEST, "1" },
	{ "params with a long s", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"method\":\"a\",\"param\xC5\xBF\":{}}",
		FAULT_INVALID_REQUEST, "1" },
	{ "an escaped name in another case", "{\"jsonrpc\":\"2.0\","
		"\"id\":1,\"method\":\"a\",\"p\\u0041rams\":{}}",
		FAULT_INVALID_REQUEST, "1" },
	{ "a name that is longer", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"method\":\"a\",\"Methods\":1,\"Metho\":1,\"I\":1}",
		FINE, "1" },
	{ "a tool in another case", ASK("tools/call",
		"\"name\":\"a\",\"Name\":\"b\""), FAULT_INVALID_REQUEST,
		"1" },
	{ "a tool in another case alone", ASK("tools/call",
		"\"NAME\":\"b\""), FAULT_INVALID_REQUEST, "1" },
	{ "a URI in another case", ASK("resources/read",
		"\"Uri\":\"b\",\"uri\":\"a\""), FAULT_INVALID_REQUEST,
		"1" },
	{ "a task with a Kelvin sign", ASK("tasks/get",
		"\"taskId\":\"a\",\"tas\xE2\x84\xAAId\":\"b\""),
		FAULT_INVALID_REQUEST, "1" },
	{ "a reference in another case", ASK("completion/complete",
		"\"ref\":{\"type\":\"ref/prompt\",\"name\":\"a\","
		"\"Name\":\"b\"}"), FAULT_INVALID_REQUEST, "1" },
	{ "what is watched, in another case", ASK("subscriptions/listen",
		"\"notifications\":{\"resourcesubscriptions\":[]}"),
		FAULT_INVALID_REQUEST, "1" },
	{ "cases in what a tool is given", ASK("tools/call",
		"\"name\":\"a\",\"arguments\":{\"name\":1,\"Name\":2},"
		"\"_meta\":{\"progresstoken\":1}"), FINE, "1" },
	{ "cases of what decides nothing", ASK("tools/call",
		"\"name\":\"a\",\"sessionID\":1,\"requestid\":2,"
		"\"ProgressToken\":3"), FINE, "1" },
	{ "cases in another method's params", ASK("x",
		"\"name\":\"a\",\"Name\":\"b\""), FINE, "1" },
	{ "a number", "1", FAULT_INVALID_REQUEST, "" },
	{ "a string", "\"x\"", FAULT_INVALID_REQUEST, "" },
	{ "null", "null", FAULT_INVALID_REQUEST, "" },
	{ "an empty object", "{}", FAULT_INVALID_REQUEST, "" },
	{ "no version", "{\"id\":1,\"method\":\"x\"}", FAULT_INVALID_REQUEST,
		"1" },
	{ "another version", "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"x\"}",
		FAULT_INVALID_REQUEST, "1" },
	{ "a version that is a number", "{\"jsonrpc\":2.0,\"id\":1,"
		"\"method\":\"x\"}", FAULT_INVALID_REQUEST, "1" },
	{ "a method that is none", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"method\":1}", FAULT_INVALID_REQUEST, "1" },
	{ "an empty method", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"method\":\"\"}", FAULT_INVALID_REQUEST, "1" },
	{ "method and result", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"method\":\"x\",\"result\":1}", FAULT_INVALID_REQUEST,
		"1" },
	{ "result and error", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"result\":1,\"error\":{}}", FAULT_INVALID_REQUEST, "1" },
	{ "neither", "{\"jsonrpc\":\"2.0\",\"id\":1}", FAULT_INVALID_REQUEST,
		"1" },
	{ "an error that is none", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"error\":1}", FAULT_INVALID_REQUEST, "1" },
	{ "a result without id", "{\"jsonrpc\":\"2.0\",\"result\":1}",
		FAULT_INVALID_REQUEST, "" },
	{ "params that are a string", "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"method\":\"x\",\"params\":\"y\"}", FAULT_INVALID_REQUEST,
		"1" },
	{ "a tool name that is a number", ASK("tools/call", "\"name\":1"),
		FAULT_INVALID_REQUEST, "1" },
	{ "another method's name may be", ASK("x", "\"name\":1"), FINE, "1" },
};

static const struct {
	const char *id;
	bool good;
} ids[] = {
	{ "0", true }, { "-1", true }, { "12345678901234567890", true },
	{ "\"\"", true }, { "\"a\\\"b\"", true },
	{ "1.0", false }, { "1e3", false }, { "1E3", false },
	{ "null", false }, { "true", false }, { "{}", false },
	{ "[]", false },
};

static struct rpc rpc;

static const struct fault *
read_as(const char *body, const struct rpc_headers *h)
{
	memset(&rpc, 0, sizeof(rpc));
	return rpc_read(arena, str_of(body), &limits, h, &rpc);
}

static enum fault_kind
kind_of(const struct fault *f)
{
	return f == NULL ? FINE : f->kind;
}

static void
test_bodies(void)
{
	static const struct rpc_headers none = { .check = true };

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		const struct fault *f = read_as(bodies[i].body, &none);
		struct str id = rpc.n > 0 ? rpc.messages[0].id : STR("");

		tap_ok(kind_of(f) == bodies[i].want && (bodies[i].id == NULL ||
			str_is(id, bodies[i].id)), "%s", bodies[i].name);
		if (f == NULL)
			tap_ok(rpc.era == ERA_LEGACY && !rpc.batch &&
				rpc.n == 1, "%s: legacy", bodies[i].name);
	}
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const struct fault *f = read_as(str_fmt(arena, "{\"jsonrpc\":"
			"\"2.0\",\"id\":%s,\"method\":\"x\"}", ids[i].id).p,
			&none);

		tap_ok(kind_of(f) == (ids[i].good ? FINE :
			FAULT_INVALID_REQUEST), "id %s", ids[i].id);
	}
}

static void
test_long_ids(void)
{
	static const struct rpc_headers none;

	for (size_t n = MAX_RPC_ID; n <= MAX_RPC_ID + 1; n++) {
		char id[MAX_RPC_ID + 2] = "";

		memset(id, '1', n);
		tap_ok((read_as(str_fmt(arena, "{\"jsonrpc\":\"2.0\","
			"\"id\":%s,\"method\":\"x\"}", id).p, &none) == NULL)
			== (n == MAX_RPC_ID), "an id of %zu bytes", n);
	}
}

/* ---- names ------------------------- */

static const struct {
	const char *body, *method, *name;	/* name NULL: none */
} names[] = {
	{ ASK("tools/call", "\"name\":\"echo\""), "tools/call", "echo" },
	{ ASK("tools/call", "\"n\\u0061me\":\"e\\u0063ho\""), "tools/call",
		"echo" },
	{ ASK("tools\\/call", "\"name\":\"a\""), "tools/call", "a" },
	{ ASK("prompts/get", "\"name\":\"p\""), "prompts/get", "p" },
	{ ASK("resources/read", "\"uri\":\"file:///x\",\"name\":\"n\""),
		"resources/read", "file:///x" },
	{ ASK("tasks/get", "\"taskId\":\"t\""), "tasks/get", "t" },
	{ ASK("tools/call", "\"uri\":\"x\""), "tools/call", NULL },
	{ ASK("tools/list", "\"name\":\"x\""), "tools/list", NULL },
	{ ASK("tools/call", "\"arguments\":{\"name\":\"x\"}"), "tools/call",
		NULL },
};

static void
test_names(void)
{
	static const struct rpc_headers none;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct rpc_message *m;

		read_as(names[i].body, &none);
		m = rpc.messages;
		tap_ok(str_is(m->method, names[i].method) &&
			m->has_name == (names[i].name != NULL) &&
			(!m->has_name || str_is(m->name, names[i].name)),
			"name %zu", i);
	}
	read_as(ASK("initialize", "\"protocolVersion\":\"2025-06-18\""), &none);
	IS_STR(rpc.asked, "2025-06-18");
	OK(rpc.era == ERA_LEGACY);
}

/* ---- which era, and what it demands ------------------------- */

#define CALL	ASK("tools/call", "\"name\":\"echo\"," META(V26))
#define LIST	ASK("tools/list", META(V26))

static const struct {
	const char *name, *body;
	const char *version, *method, *mcp_name;	/* headers */
	enum fault_kind want;
	enum rpc_era era;
} eras[] = {
	{ "a modern request", LIST, V26, "tools/list", "", FINE, ERA_MODERN },
	{ "a modern call", CALL, V26, "tools/call", "echo", FINE, ERA_MODERN },
	{ "its name encoded", CALL, V26, "tools/call", "=?base64?ZWNobw==?=",
		FINE, ERA_MODERN },
	{ "its name badly padded", CALL, V26, "tools/call",
		"=?base64?ZWNobw=?=", FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "its name in bad letters", CALL, V26, "tools/call",
		"=?base64?ZW*obw==?=", FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "another name", CALL, V26, "tools/call", "Echo",
		FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "no name", CALL, V26, "tools/call", "", FAULT_HEADER_MISMATCH,
		ERA_MODERN },
	{ "a name for nothing", ASK("tools/call", META(V26)), V26,
		"tools/call", "x", FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "no name anywhere", ASK("tools/call", META(V26)), V26, "tools/call",
		"", FINE, ERA_MODERN },
	{ "a name where none belongs", LIST, V26, "tools/list", "x", FINE,
		ERA_MODERN },
	{ "no method", LIST, V26, "", "", FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "another method", LIST, V26, "Tools/list", "",
		FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "no version header", LIST, "", "tools/list", "",
		FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "another version header", LIST, "2025-11-25", "tools/list", "",
		FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "a version to come", ASK("x", META("2099-01-01")), "2099-01-01",
		"x", "", FAULT_VERSION_UNSUPPORTED, ERA_MODERN },
	{ "a legacy version claimed", ASK("x", META("2025-11-25")),
		"2025-11-25", "x", "", FAULT_VERSION_UNSUPPORTED,
		ERA_MODERN },
	{ "the header goes before the version", ASK("x", META("2099-01-01")),
		"", "x", "", FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "the keys go before the header", ASK("x", "\"_meta\":{\"" P
		"protocolVersion\":\"" V26 "\"}"), "", "", "",
		FAULT_META_MISSING, ERA_MODERN },
	{ "the version goes before the method", ASK("x", META("2099-01-01")),
		"2099-01-01", "", "", FAULT_VERSION_UNSUPPORTED, ERA_MODERN },
	{ "capabilities of another type", ASK("x", "\"_meta\":{\"" P
		"protocolVersion\":\"" V26 "\",\"" P
		"clientCapabilities\":[]}"), V26, "x", "", FAULT_META_MISSING,
		ERA_MODERN },
	{ "a version of another type", ASK("x", "\"_meta\":{\"" P
		"protocolVersion\":1," CAPS "}"), V26, "x", "",
		FAULT_META_MISSING, ERA_MODERN },
	{ "unknown methods are not judged", ASK("x/y", META(V26)), V26,
		"x/y", "", FINE, ERA_MODERN },
	{ "a removed method", ASK("ping", META(V26)), V26,
		"ping", "", FAULT_UNKNOWN_METHOD, ERA_MODERN },
	{ "a modern initialize", ASK("initialize", META(V26)), V26,
		"initialize", "", FAULT_UNKNOWN_METHOD, ERA_MODERN },
	{ "initialize with a claim that is none", ASK("initialize",
		META("2025-11-25")), "", "", "", FINE, ERA_LEGACY },
	{ "initialize with a modern header", ASK("initialize", ""), V26, "",
		"", FAULT_HEADER_MISMATCH, ERA_LEGACY },
	{ "initialize", ASK("initialize", ""), "", "", "", FINE, ERA_LEGACY },
	{ "a modern notification", TELL("notifications/x", META(V26)), V26,
		"", "", FINE, ERA_MODERN },
	{ "its version has to agree", TELL("notifications/x", META(V26)), "",
		"", "", FAULT_HEADER_MISMATCH, ERA_MODERN },
	{ "a request, modern by header alone", PING, V26, "ping", "",
		FAULT_META_MISSING, ERA_LEGACY },
	{ "a notification by header alone", TELL("x", ""), V26, "", "", FINE,
		ERA_MODERN },
	{ "a response by header alone",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", V26, "", "",
		FAULT_INVALID_REQUEST, ERA_LEGACY },
	{ "a known legacy version", PING, "2025-11-25", "", "", FINE,
		ERA_LEGACY },
	{ "an unknown legacy version", PING, "1999-01-01", "", "",
		FAULT_BAD_REQUEST, ERA_LEGACY },
	{ "mirrored headers mean nothing there", PING, "2025-11-25", "x", "y",
		FINE, ERA_LEGACY },
	{ "a claim in the wrong place", ASK("x", "\"a\":{" META(V26) "}"), "",
		"", "", FINE, ERA_LEGACY },
};

static void
test_eras(void)
{
	for (size_t i = 0; i < sizeof(eras) / sizeof(eras[0]); i++) {
		struct rpc_headers h = { .check = true,
			.version = str_of(eras[i].version),
			.method = str_of(eras[i].method),
			.name = str_of(eras[i].mcp_name) };
		const struct fault *f = read_as(eras[i].body, &h);

		tap_ok(kind_of(f) == eras[i].want && (f != NULL ||
			rpc.era == eras[i].era), "%s", eras[i].name);
		if (kind_of(f) != eras[i].want)
			printf("# got %s: %s\n", f != NULL ?
				fault_name(f->kind) : "none",
				f != NULL ? f->detail : "");
	}
}

static void
test_switches(void)
{
	struct rpc_headers h = { .version = STR(V26), .method = STR("x") };
	const struct fault *f;

	OK(read_as(CALL, &h) == NULL);		/* checkHeaders off */
	h.check = true;
	OK(kind_of(read_as(CALL, &h)) == FAULT_HEADER_MISMATCH);
	h = (struct rpc_headers){ .check = true, .version = STR(V26),
		.method = STR("tools/call"), .name = STR("echo") };
	OK(read_as(CALL, &h) == NULL);
	IS_STR(rpc.claimed, V26);
	h.name_twice = true;
	OK(kind_of(read_as(CALL, &h)) == FAULT_HEADER_MISMATCH);
	h.name_twice = false;
	h.param_twice = true;
	OK(kind_of(read_as(CALL, &h)) == FAULT_HEADER_MISMATCH);
	h.param_twice = false;
	h.method_twice = true;
	OK(kind_of(read_as(CALL, &h)) == FAULT_HEADER_MISMATCH);
	h.method_twice = false;
	h.version_twice = true;
	OK(kind_of(read_as(CALL, &h)) == FAULT_HEADER_MISMATCH);
	OK(kind_of(read_as(PING, &h)) == FAULT_BAD_REQUEST);

	h = (struct rpc_headers){ .check = true, .version = STR("a\"b") };
	f = read_as(ASK("x", META("a\\\"b")), &h);
	OK(kind_of(f) == FAULT_VERSION_UNSUPPORTED);
	IS_STR(f->data, "\"supported\":[\"2026-07-28\"],"
		"\"requested\":\"a\\\"b\"");
}

/* ---- batches ------------------------- */

static const struct {
	const char *name, *body, *version;
	enum fault_kind want;
	uint32_t n;
} batches[] = {
	{ "two", "[" PING "," PING "]", "", FINE, 2 },
	{ "of 2025-03-26", "[" PING "]", "2025-03-26", FINE, 1 },
	{ "of 2024-11-05", "[" PING "]", "2024-11-05", FINE, 1 },
	{ "of 2025-06-18", "[" PING "]", "2025-06-18", FAULT_BATCH_REFUSED,
		1 },
	{ "of 2025-11-25", "[" PING "]", "2025-11-25", FAULT_BATCH_REFUSED,
		1 },
	{ "of 2026-07-28", "[" PING "]", V26, FAULT_BATCH_REFUSED, 1 },
	{ "of nowhere", "[" PING "]", "1999-01-01", FAULT_BATCH_REFUSED, 1 },
	{ "empty", "[]", "", FAULT_INVALID_REQUEST, 0 },
	{ "at the limit", "[" PING "," PING "," PING "]", "", FINE, 3 },
	{ "above it", "[" PING "," PING "," PING "," PING "]", "",
		FAULT_BATCH_REFUSED, 0 },
	{ "with a modern message", "[" PING "," LIST "]", "",
		FAULT_BATCH_REFUSED, 2 },
	{ "with initialize", "[" ASK("initialize", "") "]", "",
		FAULT_BATCH_REFUSED, 1 },
	{ "with something else", "[" PING ",5]", "", FAULT_INVALID_REQUEST,
		2 },
	{ "in a batch", "[[" PING "]]", "", FAULT_INVALID_REQUEST, 1 },
	{ "cut", "[" PING, "", FAULT_PARSE_ERROR, 0 },
	{ "with a bad second", "[" PING ",{\"jsonrpc\":\"2.0\"}]", "",
		FAULT_INVALID_REQUEST, 2 },
};

static void
test_batches(void)
{
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		struct rpc_headers h = { .check = true,
			.version = str_of(batches[i].version) };
		const struct fault *f = read_as(batches[i].body, &h);

		tap_ok(kind_of(f) == batches[i].want && rpc.n == batches[i].n
			&& (f != NULL || rpc.batch), "batch %s",
			batches[i].name);
	}
}

/* ---- errors ------------------------- */

static void
test_errors(void)
{
	struct fault *f = fault_new(arena, FAULT_RATE_LIMITED, "secret");
	char *name = arena_alloc(arena, MAX_ERROR_REPLY + 1);

	f->retry_after_s = 7;
	IS_STR(rpc_error(arena, STR("\"a\""), f, STR("r-1")),
		"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":429,"
		"\"message\":\"rate limit exceeded\",\"data\":{\"reason\":"
		"\"rate_limited\",\"requestId\":\"r-1\","
		"\"retryAfterSeconds\":7}}}");
	f->data = STR("\"retryAfterSeconds\":9");
	IS_STR(rpc_error(arena, STR(""), f, STR("r\"")),
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":429,"
		"\"message\":\"rate limit exceeded\",\"data\":{\"reason\":"
		"\"rate_limited\",\"requestId\":\"r\\\"\","
		"\"retryAfterSeconds\":9}}}");
	f = fault_new(arena, FAULT_UNKNOWN_TOOL, "x");
	f->said = "Unknown tool: a\"b";
	IS_STR(rpc_error(arena, STR("1"), f, STR("r")),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,"
		"\"message\":\"Unknown tool: a\\\"b\",\"data\":{\"reason\":"
		"\"unknown_tool\",\"requestId\":\"r\"}}}");
	memset(name, 'x', MAX_ERROR_REPLY);
	f->said = name;
	IS_STR(rpc_error(arena, STR("1"), f, STR("r")),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,"
		"\"message\":\"Unknown tool\",\"data\":{\"reason\":"
		"\"unknown_tool\",\"requestId\":\"r\"}}}");
}

/* ---- header values ------------------------- */

static const struct {
	const char *value, *header;
} coded[] = {
	{ "echo", "echo" },
	{ "a b\tc", "a b\tc" },
	{ "~!", "~!" },
	{ "", "=?base64?" "?=" },
	{ " a", "=?base64?IGE=?=" },
	{ "a ", "=?base64?YSA=?=" },
	{ "\ta", "=?base64?CWE=?=" },
	{ "\xc3\xa4", "=?base64?w6Q=?=" },
	{ "a\nb", "=?base64?YQpi?=" },
	{ "\x7f", "=?base64?fw==?=" },
	{ "=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?=" },
	{ "=?base64?", "=?base64?" },
	{ "=?BASE64?YQ==?=", "=?BASE64?YQ==?=" },
};

static const char *const bad[] = {
	"=?base64?YQ?=", "=?base64?YQ=?=", "=?base64?Y?=", "=?base64?Y!==?=",
	"=?base64?YR==?=", "=?base64?YQ== ?=", "=?base64?_-_-?=",
};

static void
test_header_values(void)
{
	struct str back;

	for (size_t i = 0; i < sizeof(coded) / sizeof(coded[0]); i++) {
		IS_STR(rpc_header_encode(arena, str_of(coded[i].value)),
			coded[i].header);
		tap_ok(rpc_header_decode(arena, str_of(coded[i].header),
			&back) && str_is(back, coded[i].value),
			"and back %zu", i);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		tap_ok(!rpc_header_decode(arena, str_of(bad[i]), &back),
			"refused: %s", bad[i]);
}

int
main(void)
{
	arena = arena_new(64 << 20);
	test_bodies();
	test_long_ids();
	test_names();
	test_eras();
	test_switches();
	test_batches();
	test_errors();
	test_header_values();
	OK(rpc_version_known(STR("2024-11-05")));
	OK(!rpc_version_known(STR("")));
	OK(rpc_version_modern(STR(V26)));
	OK(!rpc_version_modern(STR("2025-11-25")));
	arena_free(arena);
	return tap_done();
}
