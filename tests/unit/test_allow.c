/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/allow.h"

#include <stdlib.h>

#include "kit/tap.h"

#define S(lit) { lit, sizeof(lit) - 1 }
#define TEXTS(...) { (const struct str[]){ __VA_ARGS__ }, \
	sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str), true }
#define EMPTY { NULL, 0, true }
#define CLAIMS(...) { (const struct conf_pair[]){ __VA_ARGS__ }, \
	sizeof((const struct conf_pair[]){ __VA_ARGS__ }) / \
	sizeof(struct conf_pair) }
#define RULES(...) { (const struct conf_rule[]){ __VA_ARGS__ }, \
	sizeof((const struct conf_rule[]){ __VA_ARGS__ }) / \
	sizeof(struct conf_rule), true }

/* ---- callers -------------------------------------------------------------- */
enum caller { NOBODY, ALICE, BOB, CALLERS };

static const struct identity_draft drafts[CALLERS] = {
	[NOBODY] = { .user = S("anonymous"), .how = S("none") },
	[ALICE] = { .user = S("alice"), .how = S("jwt"),
		.authenticated = true,
		.groups = (const struct str[]){ S("staff"), S("writers") },
		.n_groups = 2,
		.scopes = (const struct str[]){ S("read"), S("write") },
		.n_scopes = 2,
		.claims = (const struct str[]){ S("dept"), S("ops"),
			S("level"), S("3") },
		.n_claims = 4 },
	[BOB] = { .user = S("bob"), .how = S("token"),
		.authenticated = true,
		.scopes = (const struct str[]){ S("read") },
		.n_scopes = 1 },
};

static struct identity who[CALLERS];

/* ---- configurations -------------------------------------------------------- */
enum policy { OPEN, FILTER_ALLOW, FILTER_NONE, FILTER_BLOCK, BOTH_FILTERS,
	FIRST, ORDER, GROUPS, USERS, SCOPES, SCOPES_LATER, CLAIMED, KINDS,
	EVERYTHING, NARROW, METHODS, NO_METHODS, DENY_ALL, EMPTY_LISTS, SECRETS,
	NO_RULES_FIT, PUBLIC, PUBLIC_FILTER, PUBLIC_POLICY, MIXED, POLICIES };

#define ALLOWS(...) { .allow = true, __VA_ARGS__ }
#define DENIES(...) { .allow = false, __VA_ARGS__ }

static const struct conf_options configurations[POLICIES] = {
	[OPEN] = { .disabled = false },
	[FILTER_ALLOW] = { .filter = { true, true,
		TEXTS(S("get_*"), S("ping")) } },
	[FILTER_NONE] = { .filter = { true, true, EMPTY } },
	[FILTER_BLOCK] = { .filter = { true, false, TEXTS(S("delete_*")) } },
	[BOTH_FILTERS] = { .filter = { true, true, TEXTS(S("*_file")) },
		.filter_base = { true, false, TEXTS(S("delete_*")) } },
	[FIRST] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("get_*"), S("list_*"))),
		ALLOWS(.tools = TEXTS(S("*")), .groups = TEXTS(S("writers")),
			.scopes = TEXTS(S("write")))) },
	[ORDER] = { .policy = RULES(
		DENIES(.tools = TEXTS(S("get_secret"))),
		ALLOWS(.tools = TEXTS(S("get_*"))),
		DENIES(.tools = TEXTS(S("get_open")))) },
	[GROUPS] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("*")), .groups = TEXTS(S("st*")))) },
	[USERS] = { .policy = RULES(
		DENIES(.users = TEXTS(S("b*"))),
		ALLOWS(.tools = TEXTS(S("*")))) },
	[SCOPES] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("*")), .scopes = TEXTS(S("read"),
			S("write")))) },
	[SCOPES_LATER] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("a")), .scopes = TEXTS(S("x"))),
		DENIES(.tools = TEXTS(S("b"))),
		ALLOWS(.tools = TEXTS(S("b")), .scopes = TEXTS(S("y"))),
		ALLOWS(.tools = TEXTS(S("c")), .scopes = TEXTS(S("z"))),
		ALLOWS(.tools = TEXTS(S("c"))),
		DENIES(.tools = TEXTS(S("d")), .scopes = TEXTS(S("x"))),
		ALLOWS(.tools = TEXTS(S("d")))) },
	[CLAIMED] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("one")), .claims = CLAIMS(
			{ S("dept"), S("dev"), false },
			{ S("dept"), S("ops"), false })),
		ALLOWS(.tools = TEXTS(S("two")), .claims = CLAIMS(
			{ S("dept"), S("ops"), false },
			{ S("level"), S("3"), false })),
		ALLOWS(.tools = TEXTS(S("three")), .claims = CLAIMS(
			{ S("dept"), S("ops"), false },
			{ S("level"), S("4"), false })),
		ALLOWS(.tools = TEXTS(S("four")), .claims = CLAIMS(
			{ S("dept"), { NULL, 0 }, true }))) },
	[KINDS] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("t")), .prompts = TEXTS(S("p")),
			.resources = TEXTS(S("file:///pub/*")))) },
	[EVERYTHING] = { .policy = RULES(
		{ .allow = true, .users = TEXTS(S("alice")) }) },
	[NARROW] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("get_*")),
			.methods = TEXTS(S("tools/call"), S("tasks/*")))) },
	[METHODS] = { .policy = RULES(
		ALLOWS(.methods = TEXTS(S("tools/*"), S("x/*")))) },
	[NO_METHODS] = { .policy = RULES(
		DENIES(.methods = TEXTS(S("ping"), S("logging/*"))),
		DENIES(.methods = TEXTS(S("")), .users = TEXTS(S("bob"))),
		ALLOWS(.methods = TEXTS(S("tools/list")),
			.scopes = TEXTS(S("write"))),
		{ .allow = true }) },
	[DENY_ALL] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("a"))), { .allow = false }) },
	[EMPTY_LISTS] = { .policy = RULES(
		{ .allow = true, .users = EMPTY }, { .allow = true,
			.groups = EMPTY }, { .allow = true, .tools = EMPTY },
		ALLOWS(.prompts = EMPTY, .tools = TEXTS(S("a")))) },
	[SECRETS] = { .policy = RULES(
		DENIES(.resources = TEXTS(S("file:///secret/*"))),
		ALLOWS(.resources = TEXTS(S("file:///*"), S("urn:Case:*"),
			S("HTTPS://Upper/*")))) },
	[NO_RULES_FIT] = { .policy = { NULL, 0, true } },
	[PUBLIC] = { .inbound.public_tools = TEXTS(S("open_*")) },
	[PUBLIC_FILTER] = { .inbound.public_tools = TEXTS(S("open_*")),
		.filter = { true, false, TEXTS(S("open_b")) } },
	[PUBLIC_POLICY] = { .inbound.public_tools = TEXTS(S("open_*")),
		.policy = RULES(
			DENIES(.tools = TEXTS(S("open_b"))),
			DENIES(.methods = TEXTS(S("prompts/list"))),
			ALLOWS(.tools = TEXTS(S("open_*")))) },
	[MIXED] = { .policy = RULES(
		ALLOWS(.tools = TEXTS(S("get_*"))) ),
		.filter = { true, false, TEXTS(S("get_b")) } },
};

/* ---- questions ------------------------------------------------------------- */
#define Y ALLOW_YES
#define N ALLOW_NO
#define SC ALLOW_SCOPES
#define L ALLOW_LOGIN
#define CALL "tools/call"

static const struct {
	enum policy policy;
	enum allow_kind kind;
	const char *method, *name;	/* name NULL: none */
	enum allow nobody, alice, bob;
} cases[] = {
	{ OPEN, ALLOW_TOOL, CALL, "x", Y, Y, Y },
	{ OPEN, ALLOW_TOOL, CALL, NULL, Y, Y, Y },
	{ OPEN, ALLOW_METHOD, "foo", NULL, Y, Y, Y },

	{ FILTER_ALLOW, ALLOW_TOOL, CALL, "get_a", Y, Y, Y },
	{ FILTER_ALLOW, ALLOW_TOOL, CALL, "get_", Y, Y, Y },
	{ FILTER_ALLOW, ALLOW_TOOL, CALL, "get", N, N, N },
	{ FILTER_ALLOW, ALLOW_TOOL, CALL, "GET_a", N, N, N },
	{ FILTER_ALLOW, ALLOW_TOOL, CALL, " get_a", N, N, N },
	{ FILTER_ALLOW, ALLOW_TOOL, CALL, "ping ", N, N, N },
	{ FILTER_ALLOW, ALLOW_TOOL, CALL, "", N, N, N },
	{ FILTER_ALLOW, ALLOW_TOOL, CALL, NULL, N, N, N },
	{ FILTER_ALLOW, ALLOW_PROMPT, "prompts/get", "x", Y, Y, Y },
	{ FILTER_ALLOW, ALLOW_RESOURCE, "resources/read", "x:", Y, Y, Y },
	{ FILTER_ALLOW, ALLOW_METHOD, "foo", NULL, Y, Y, Y },
	{ FILTER_NONE, ALLOW_TOOL, CALL, "x", N, N, N },
	{ FILTER_BLOCK, ALLOW_TOOL, CALL, "delete_a", N, N, N },
	{ FILTER_BLOCK, ALLOW_TOOL, CALL, "undelete_a", Y, Y, Y },
	{ FILTER_BLOCK, ALLOW_TOOL, CALL, NULL, N, N, N },
	{ BOTH_FILTERS, ALLOW_TOOL, CALL, "get_file", Y, Y, Y },
	{ BOTH_FILTERS, ALLOW_TOOL, CALL, "delete_file", N, N, N },
	{ BOTH_FILTERS, ALLOW_TOOL, CALL, "delete_x", N, N, N },
	{ BOTH_FILTERS, ALLOW_TOOL, CALL, "get_x", N, N, N },

	{ FIRST, ALLOW_TOOL, CALL, "get_x", Y, Y, Y },
	{ FIRST, ALLOW_TOOL, CALL, "put_x", N, Y, N },
	{ FIRST, ALLOW_TOOL, CALL, NULL, N, N, N },
	{ FIRST, ALLOW_PROMPT, "prompts/get", "x", N, N, N },
	{ FIRST, ALLOW_RESOURCE, "resources/read", "x:", N, N, N },
	{ FIRST, ALLOW_METHOD, "initialize", NULL, Y, Y, Y },
	{ FIRST, ALLOW_METHOD, "notifications/x", NULL, Y, Y, Y },
	{ FIRST, ALLOW_METHOD, "tools/list", NULL, Y, Y, Y },
	{ FIRST, ALLOW_METHOD, "logging/setLevel", NULL, Y, Y, Y },
	{ FIRST, ALLOW_METHOD, "", NULL, Y, Y, Y },
	{ FIRST, ALLOW_METHOD, "tools/Call", NULL, N, N, N },
	{ FIRST, ALLOW_METHOD, "tasks/get", NULL, N, N, N },
	{ FIRST, ALLOW_METHOD, "completion/complete", NULL, N, N, N },
	{ ORDER, ALLOW_TOOL, CALL, "get_secret", N, N, N },
	{ ORDER, ALLOW_TOOL, CALL, "get_open", Y, Y, Y },
	{ ORDER, ALLOW_TOOL, CALL, "put", N, N, N },
	{ GROUPS, ALLOW_TOOL, CALL, "x", N, Y, N },
	{ USERS, ALLOW_TOOL, CALL, "x", Y, Y, N },
	{ USERS, ALLOW_METHOD, "initialize", NULL, Y, Y, Y },
	{ USERS, ALLOW_METHOD, "x/y", NULL, N, N, N },

	{ SCOPES, ALLOW_TOOL, CALL, "x", SC, Y, SC },
	{ SCOPES, ALLOW_PROMPT, "prompts/get", "x", N, N, N },
	{ SCOPES, ALLOW_METHOD, "tools/list", NULL, Y, Y, Y },
	{ SCOPES_LATER, ALLOW_TOOL, CALL, "a", SC, SC, SC },
	{ SCOPES_LATER, ALLOW_TOOL, CALL, "b", N, N, N },
	{ SCOPES_LATER, ALLOW_TOOL, CALL, "c", Y, Y, Y },
	{ SCOPES_LATER, ALLOW_TOOL, CALL, "d", Y, Y, Y },
	{ CLAIMED, ALLOW_TOOL, CALL, "one", N, Y, N },
	{ CLAIMED, ALLOW_TOOL, CALL, "two", N, Y, N },
	{ CLAIMED, ALLOW_TOOL, CALL, "three", N, N, N },
	{ CLAIMED, ALLOW_TOOL, CALL, "four", N, N, N },

	{ KINDS, ALLOW_TOOL, CALL, "t", Y, Y, Y },
	{ KINDS, ALLOW_TOOL, CALL, "p", N, N, N },
	{ KINDS, ALLOW_PROMPT, "prompts/get", "p", Y, Y, Y },
	{ KINDS, ALLOW_PROMPT, "prompts/get", "t", N, N, N },
	{ KINDS, ALLOW_PROMPT, "completion/complete", "p", Y, Y, Y },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/a", Y, Y, Y },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/", Y, Y, Y },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pu/", N, N, N },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/../x",
		N, N, N },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/%2E%2e/x",
		N, N, N },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/a%2f..%2fx",
		N, N, N },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/..\\x",
		N, N, N },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/..?x",
		N, N, N },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/./x",
		N, N, N },
	{ KINDS, ALLOW_RESOURCE, "resources/read", "file:///pub/a..b",
		Y, Y, Y },
	{ KINDS, ALLOW_RESOURCE, "resources/read", NULL, N, N, N },
	{ KINDS, ALLOW_METHOD, "x/y", NULL, N, N, N },
	{ EVERYTHING, ALLOW_TOOL, CALL, "x", N, Y, N },
	{ EVERYTHING, ALLOW_PROMPT, "prompts/get", "x", N, Y, N },
	{ EVERYTHING, ALLOW_METHOD, "x/y", NULL, N, Y, N },
	{ EVERYTHING, ALLOW_METHOD, "ping", NULL, Y, Y, Y },
	{ NARROW, ALLOW_TOOL, CALL, "get_x", Y, Y, Y },
	{ NARROW, ALLOW_TOOL, CALL, "put_x", N, N, N },
	{ NARROW, ALLOW_METHOD, "tasks/get", NULL, Y, Y, Y },
	{ NARROW, ALLOW_PROMPT, "prompts/get", "x", N, N, N },
	{ METHODS, ALLOW_TOOL, CALL, "x", Y, Y, Y },
	{ METHODS, ALLOW_METHOD, "x/y", NULL, Y, Y, Y },
	{ METHODS, ALLOW_METHOD, "y/y", NULL, N, N, N },
	{ METHODS, ALLOW_PROMPT, "prompts/get", "x", N, N, N },
	{ NO_METHODS, ALLOW_METHOD, "ping", NULL, N, N, N },
	{ NO_METHODS, ALLOW_METHOD, "logging/setLevel", NULL, N, N, N },
	{ NO_METHODS, ALLOW_METHOD, "initialize", NULL, Y, Y, Y },
	{ NO_METHODS, ALLOW_METHOD, "", NULL, Y, Y, N },
	{ NO_METHODS, ALLOW_METHOD, "tools/list", NULL, SC, Y, SC },
	{ NO_METHODS, ALLOW_METHOD, "x/y", NULL, Y, Y, Y },
	{ DENY_ALL, ALLOW_TOOL, CALL, "a", Y, Y, Y },
	{ DENY_ALL, ALLOW_TOOL, CALL, "b", N, N, N },
	{ DENY_ALL, ALLOW_METHOD, "initialize", NULL, Y, Y, Y },
	{ DENY_ALL, ALLOW_METHOD, "x/y", NULL, N, N, N },
	{ EMPTY_LISTS, ALLOW_TOOL, CALL, "a", Y, Y, Y },
	{ EMPTY_LISTS, ALLOW_TOOL, CALL, "b", N, N, N },
	{ EMPTY_LISTS, ALLOW_PROMPT, "prompts/get", "a", N, N, N },
	{ NO_RULES_FIT, ALLOW_TOOL, CALL, "a", N, N, N },

	{ SECRETS, ALLOW_RESOURCE, "resources/read", "file:///a", Y, Y, Y },
	{ SECRETS, ALLOW_RESOURCE, "resources/read", "file:///a%20b",
		Y, Y, Y },
	{ SECRETS, ALLOW_RESOURCE, "resources/read", "file:///secret/a",
		N, N, N },
	{ SECRETS, ALLOW_RESOURCE, "resources/read", "file:///s%65cret/a",
		N, N, N },
	{ SECRETS, ALLOW_RESOURCE, "resources/read", "file:///x/../secret/a",
		N, N, N },
	{ SECRETS, ALLOW_RESOURCE, "resources/read", "file:///secret%2Fa",
		N, N, N },
	{ SECRETS, ALLOW_RESOURCE, "resources/read", "FILE:///a", N, N, N },
	{ SECRETS, ALLOW_RESOURCE, "resources/read", "urn:Case:X", Y, Y, Y },
	{ SECRETS, ALLOW_RESOURCE, "resources/read", "HTTPS://Upper/a",
		Y, Y, Y },
	{ SECRETS, ALLOW_RESOURCE, "resources/subscribe", "file:///secret/a",
		N, N, N },

	{ MIXED, ALLOW_TOOL, CALL, "get_a", Y, Y, Y },
	{ MIXED, ALLOW_TOOL, CALL, "get_b", N, N, N },
	{ MIXED, ALLOW_TOOL, CALL, "put", N, N, N },

	/* nobody is here who has shown nothing */
	{ PUBLIC, ALLOW_TOOL, CALL, "open_a", Y, Y, Y },
	{ PUBLIC, ALLOW_TOOL, CALL, "shut", L, Y, Y },
	{ PUBLIC, ALLOW_TOOL, CALL, NULL, L, Y, Y },
	{ PUBLIC, ALLOW_PROMPT, "prompts/get", "open_a", L, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "initialize", NULL, Y, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "server/discover", NULL, Y, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "notifications/initialized", NULL, Y, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "notifications/cancelled", NULL, L, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "ping", NULL, Y, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "resources/templates/list", NULL, Y, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "logging/setLevel", NULL, L, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "subscriptions/listen", NULL, L, Y, Y },
	{ PUBLIC, ALLOW_METHOD, "", NULL, L, Y, Y },
	{ PUBLIC_FILTER, ALLOW_TOOL, CALL, "open_a", Y, Y, Y },
	{ PUBLIC_FILTER, ALLOW_TOOL, CALL, "open_b", N, N, N },
	{ PUBLIC_FILTER, ALLOW_TOOL, CALL, "shut", L, Y, Y },
	{ PUBLIC_POLICY, ALLOW_TOOL, CALL, "open_a", Y, Y, Y },
	{ PUBLIC_POLICY, ALLOW_TOOL, CALL, "open_b", L, N, N },
	{ PUBLIC_POLICY, ALLOW_TOOL, CALL, "shut", L, N, N },
	{ PUBLIC_POLICY, ALLOW_METHOD, "prompts/list", NULL, L, N, N },
};

static void
check(size_t i, enum caller c, enum allow want)
{
	struct allow_rules r = { .options = &configurations[cases[i].policy],
		.anonymous = c == NOBODY && cases[i].policy >= PUBLIC &&
			cases[i].policy <= PUBLIC_POLICY };
	struct allow_ask ask = { .method = str_of(cases[i].method),
		.kind = cases[i].kind, .named = cases[i].name != NULL };
	const struct conf_rule *rule = NULL;
	enum allow got;

	if (ask.named)
		ask.name = str_of(cases[i].name);
	got = allow_judge(&r, &who[c], &ask, &rule);
	tap_ok(got == want && (got == ALLOW_SCOPES) == (rule != NULL),
		"policy %d, caller %d: %s %s is %d", cases[i].policy, c,
		cases[i].method, ask.named ? cases[i].name : "-", want);
	if (got != want)
		printf("# got %d\n", got);
}

/* The rule whose scopes are named is the first that would do. */
static void
test_wanted(void)
{
	const struct allow_rules r = { &configurations[SCOPES_LATER], false };
	const struct allow_ask ask = { STR("tools/call"), ALLOW_TOOL, STR("a"),
		true };
	const struct conf_rule *rule = NULL;

	IS_INT(allow_judge(&r, &who[BOB], &ask, &rule), ALLOW_SCOPES);
	OK(rule == &configurations[SCOPES_LATER].policy.v[0]);
}

/* A URI has a second reading up to a size, and none beyond. */
static void
test_long_uri(void)
{
	const struct allow_rules r = { &configurations[KINDS], false };
	struct allow_ask ask = { STR("resources/read"), ALLOW_RESOURCE,
		STR(""), true };
	const struct conf_rule *rule = NULL;
	static char uri[8193] = "file:///pub/";

	memset(uri + 12, 'a', sizeof(uri) - 12);
	ask.name = (struct str){ uri, 8192 };
	IS_INT(allow_judge(&r, &who[BOB], &ask, &rule), ALLOW_YES);
	ask.name.n = 8193;
	IS_INT(allow_judge(&r, &who[BOB], &ask, &rule), ALLOW_NO);
}

static void
test_governs(void)
{
	struct allow_rules r = { &configurations[OPEN], false };

	OK(!allow_governs(&r, ALLOW_TOOL));
	r.anonymous = true;
	OK(allow_governs(&r, ALLOW_METHOD));
	r = (struct allow_rules){ &configurations[FILTER_NONE], false };
	OK(allow_governs(&r, ALLOW_TOOL) && !allow_governs(&r, ALLOW_PROMPT));
	r.options = &configurations[BOTH_FILTERS];
	OK(allow_governs(&r, ALLOW_TOOL));
	r.options = &configurations[FIRST];
	OK(allow_governs(&r, ALLOW_PROMPT) && allow_governs(&r, ALLOW_METHOD));
}

int
main(void)
{
	for (int c = 0; c < CALLERS; c++)
		identity_settle(&drafts[c], &who[c]);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check(i, NOBODY, cases[i].nobody);
		check(i, ALICE, cases[i].alice);
		check(i, BOB, cases[i].bob);
	}
	test_wanted();
	test_long_uri();
	test_governs();
	return tap_done();
}
