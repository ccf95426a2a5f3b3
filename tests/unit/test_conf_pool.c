/* SPDX-License-Identifier: MIT */
/* conf_pool -- outbound tokens, and the one direction of authTokens */
#include "config.h"
#include "conf/conf.h"

#include "kit/conf_rig.h"
#include "kit/tap.h"

#define IN1 "\"in-0123456789abcdef-1\""
#define IN2 "\"in-0123456789abcdef-2\""

/* ---- authTokens ------------------------------------------------------------------ */
static const struct {
	const char *name;
	const char *gate;		/* inside mcpProxy.options */
	const char *server;		/* inside the server */
	uint32_t in, out;		/* tokens of each direction */
	const char *id;			/* W03, W04; NULL: neither */
	enum strategy first;
} directions[] = {
	{ "1: settled as inbound by the server", "",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":[" IN1 "],"
		"\"legacyAuthTokens\":\"inbound\"}", 1, 0, "W04",
		STRATEGY_TOKEN },
	{ "1: settled as outbound by the server", "",
		"\"url\":\"http://u/\",\"headers\":{\"Authorization\":\"x\"},"
		"\"options\":{\"authTokens\":[" IN1 "],"
		"\"legacyAuthTokens\":\"outbound\"}", 0, 1, NULL,
		STRATEGY_LOCAL },
	{ "1: settled by the gateway", "\"legacyAuthTokens\":\"inbound\"",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":[" IN1 "]}",
		1, 0, "W04", STRATEGY_TOKEN },
	{ "1: the server's word beats the gateway's",
		"\"legacyAuthTokens\":\"inbound\"",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":[" IN1 "],"
		"\"legacyAuthTokens\":\"outbound\"}", 0, 1, NULL,
		STRATEGY_LOCAL },
	{ "2: in mcpProxy.options it is the default of all servers",
		"\"authTokens\":[" IN1 "," IN2 "]", "\"url\":\"http://u/\"",
		2, 0, "W04", STRATEGY_TOKEN },
	{ "3: without url", "",
		"\"command\":\"x\",\"options\":{\"authTokens\":[" IN1 "]}",
		1, 0, "W04", STRATEGY_TOKEN },
	{ "4: beside auth", "",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":[" IN1 "],"
		"\"auth\":{\"tokens\":[\"a\"]}}", 1, 1, "W04",
		STRATEGY_TOKEN },
	{ "4: beside an inherited auth", "\"auth\":{\"tokens\":[\"a\"]}",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":[" IN1 "]}",
		1, 1, "W04", STRATEGY_TOKEN },
	{ "4: beside outboundAuth", "",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":[" IN1 "],"
		"\"outboundAuth\":{\"strategy\":\"bearer\",\"bearer\":{"
		"\"token\":\"a\"}}}", 1, 1, "W04", STRATEGY_TOKEN },
	{ "4: beside headers.Authorization", "",
		"\"url\":\"http://u/\",\"headers\":{\"authorization\":\"x\"},"
		"\"options\":{\"authTokens\":[" IN1 "]}", 1, 0, "W04",
		STRATEGY_TOKEN },
	{ "5: replaces the gateway's list",
		"\"authTokens\":[" IN1 "," IN2 "]",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":["
		"\"other-0123456789abc\"]}", 1, 0, "W04", STRATEGY_TOKEN },
	{ "6: else outbound", "",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":["
		"\"a\",\"b\"]}", 0, 2, "W03", STRATEGY_LOCAL },
	{ "6: the inherited rule stays in force",
		"\"inboundAuth\":{\"token\":{\"values\":[" IN1 "]}}",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":["
		"\"a\",\"b\"]}", 1, 2, "W03", STRATEGY_TOKEN },
	{ "inbound and empty: open", "",
		"\"command\":\"x\",\"options\":{\"authTokens\":[]}", 0, 0,
		"W08", STRATEGY_NONE },
	{ "inbound and empty beside another strategy",
		"\"inboundAuth\":{\"apikey\":{\"value\":" IN2 "}}",
		"\"command\":\"x\",\"options\":{\"authTokens\":[]}", 0, 0,
		"W04", STRATEGY_APIKEY },
	{ "inbound and empty where local is written",
		"\"inboundAuth\":{\"strategy\":\"local\"}",
		"\"command\":\"x\",\"options\":{\"authTokens\":[]}", 0, 0,
		"W04", STRATEGY_LOCAL },
	{ "outbound and empty", "",
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":[]}", 0, 0,
		"W05", STRATEGY_LOCAL },
	{ "before the other strategies",
		"\"inboundAuth\":{\"apikey\":{\"value\":" IN2 "}}",
		"\"command\":\"x\",\"options\":{\"authTokens\":[" IN1 "]}",
		1, 0, "W04", STRATEGY_TOKEN },
};

static void
test_directions(struct conf_rig *r)
{
	for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]);
	    i++) {
		struct str text = str_fmt(r->arena, "{\"mcpProxy\":{\"options\":"
			"{%s}},\"mcpServers\":{\"s\":{%s}}}",
			directions[i].gate, directions[i].server);
		const struct conf *c = conf_rig_load(r, text.p);
		const struct conf_options *o = c != NULL ?
			&c->servers[0].options : NULL;
		bool good = o != NULL &&
			o->inbound.tokens.n == directions[i].in &&
			o->pool.n == directions[i].out &&
			o->inbound.strategies[0] == directions[i].first;

		if (directions[i].id != NULL)
			good = good && conf_rig_said(r, directions[i].id, "");
		else
			good = good && !conf_rig_said(r, "W03", "") &&
				!conf_rig_said(r, "W04", "");
		if (!tap_ok(good, "authTokens %s", directions[i].name)) {
			if (o != NULL)
				printf("# in %u out %u first %d\n",
					o->inbound.tokens.n, o->pool.n,
					(int)o->inbound.strategies[0]);
			conf_rig_show(r);
		}
	}
}

static void
test_mapped(struct conf_rig *r)
{
	const struct conf *c = conf_rig_load(r, "{\"mcpServers\":{\"s\":{"
		"\"url\":\"http://u/\",\"options\":{\"authTokens\":["
		"\"a\",\"b\"]}}}}");

	if (OK(c != NULL)) {
		OK(c->servers[0].options.pool.from_auth_tokens);
		IS_INT(c->servers[0].options.pool.mode, ROTATION_ROUND_ROBIN);
		OK(!conf_rig_said(r, "W02", ""));
		OK(conf_rig_said(r, "W07", ""));
	}
	c = conf_rig_load(r, "{\"mcpProxy\":{\"options\":{"
		"\"legacyAuthTokens\":\"outbound\",\"authTokens\":[\"a\"]}},"
		"\"mcpServers\":{\"s\":{\"url\":\"http://u/\"}}}");
	if (OK(c != NULL)) {
		OK(c->servers[0].options.pool.from_auth_tokens);
		IS_INT(c->servers[0].options.pool.n, 1);
		IS_INT(c->servers[0].options.inbound.tokens.n, 0);
	}
}

/* A value may not go both ways, wherever it stands. */
static void
test_crossings(struct conf_rig *r)
{
	static const char *const bad[] = {
		"{\"mcpProxy\":{\"options\":{\"inboundAuth\":{\"token\":{"
		"\"values\":[" IN1 "]}}}},\"mcpServers\":{\"s\":{\"url\":"
		"\"http://u/\",\"options\":{\"authTokens\":[" IN1 "]}}}}",
		"{\"mcpServers\":{\"a\":{\"url\":\"http://u/\",\"options\":{"
		"\"auth\":{\"tokens\":[\"x\"," IN1 "]}}},\"b\":{\"url\":"
		"\"http://u/\",\"options\":{\"inboundAuth\":{\"apikey\":{"
		"\"value\":" IN1 "}}}}}}",
		"{\"mcpProxy\":{\"metrics\":{\"tokens\":[" IN1 "]}},"
		"\"mcpServers\":{\"a\":{\"url\":\"http://u/\",\"options\":{"
		"\"outboundAuth\":{\"strategy\":\"bearer\",\"bearer\":{"
		"\"token\":" IN1 "}}}}}}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		OK(conf_rig_load(r, bad[i]) == NULL);
		if (!OK(conf_rig_said(r, "E23", "is also an inbound "
		    "credential of")))
			conf_rig_show(r);
	}
}

/* ---- lists and modes: C2, C12, C13 -------------------------------------------------- */
static const struct {
	const char *auth;
	int n, enabled;			/* -1: refused */
	enum rotation mode;
	uint32_t retries;
	bool in_request;
	const char *id;
} pools[] = {
	{ "\"tokens\":[]", 0, 0, ROTATION_NONE, 1, true, "W05" },
	{ "\"tokens\":[\"\",\"\"]", 0, 0, ROTATION_NONE, 1, true, "W05" },
	{ "\"tokens\":[],\"rotationMode\":\"round-robin\"", -1, 0,
		ROTATION_NONE, 0, false, "E20" },
	{ "\"tokens\":[\"\"],\"rotationMode\":\"round-robin\"", -1, 0,
		ROTATION_NONE, 0, false, "E20" },
	{ "\"tokens\":[\"a\"]", 1, 1, ROTATION_NONE, 1, true, NULL },
	{ "\"tokens\":[\"a\",\"\"]", 1, 1, ROTATION_NONE, 1, true, "W05" },
	{ "\"tokens\":[\"a\",\"b\"]", 2, 2, ROTATION_ROUND_ROBIN, 2, false,
		"W02" },
	{ "\"tokens\":[\"a\",\"a\"],\"rotationMode\":\"random\"", 2, 2,
		ROTATION_RANDOM, 2, true, "W06" },
	{ "\"tokens\":\"a, b,c\",\"rotationMode\":\"least-used\"", 3, 3,
		ROTATION_LEAST_USED, 3, true, NULL },
	{ "\"tokens\":[\"a\",\"b\",\"c\"],\"rotation_mode\":"
		"\"on-first-failed\",\"maxRetries\":2", 3, 3,
		ROTATION_ON_FIRST_FAILED, 2, true, NULL },
	{ "\"tokens\":[\"a\",\"b\"],\"rotationMode\":\"on-first-failed\","
		"\"maxRetries\":256", 2, 2, ROTATION_ON_FIRST_FAILED, 2, true,
		NULL },
	{ "\"tokens\":[\"a\",\"b\"],\"rotationMode\":\"on-first-failed\","
		"\"maxRetries\":257", -1, 0, ROTATION_NONE, 0, true, "E03" },
	{ "\"tokens\":[\"a\",{\"value\":\"b\",\"disabled\":true}],"
		"\"rotationMode\":\"round-robin\",\"retryInRequest\":true", 2,
		1, ROTATION_ROUND_ROBIN, 1, true, NULL },
	{ "\"tokens\":[\"a\",\"b\"],\"rotationMode\":\"random\","
		"\"retryInRequest\":false", 2, 2, ROTATION_RANDOM, 2, false,
		NULL },
	{ "\"tokens\":[{\"value\":\"a\",\"weight\":101}]", -1, 0,
		ROTATION_NONE, 0, true, "E03" },
	{ "\"tokens\":[{\"value\":\"a\",\"weight\":0}]", -1, 0,
		ROTATION_NONE, 0, true, "E03" },
	{ "\"tokens\":[7]", -1, 0, ROTATION_NONE, 0, true, "E02" },
};

static void
test_pools(struct conf_rig *r)
{
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		struct str text = str_fmt(r->arena, "{\"mcpServers\":{\"s\":{"
			"\"url\":\"http://u/\",\"options\":{\"auth\":{%s}}}}}",
			pools[i].auth);
		const struct conf *c = conf_rig_load(r, text.p);
		const struct conf_pool *p = c != NULL ?
			&c->servers[0].options.pool : NULL;
		bool good = (p == NULL) == (pools[i].n < 0);

		if (p != NULL)
			good = good && (int)p->n == pools[i].n &&
				(int)p->n_enabled == pools[i].enabled &&
				p->mode == pools[i].mode &&
				(p->n == 0 || (p->max_retries ==
				pools[i].retries && p->retry_in_request ==
				pools[i].in_request));
		if (pools[i].id != NULL)
			good = good && conf_rig_said(r, pools[i].id, "");
		else
			good = good && !conf_rig_said(r, "W02", "") &&
				!conf_rig_said(r, "W05", "");
		if (!tap_ok(good, "%s", pools[i].auth))
			conf_rig_show(r);
	}
}

static void
test_members(struct conf_rig *r)
{
	const struct conf *c = conf_rig_load(r, "{\"mcpServers\":{\"s\":{"
		"\"url\":\"http://u/\",\"options\":{\"auth\":{\"tokens\":["
		"{\"value\":\"a\",\"name\":\"paid\",\"weight\":100}],"
		"\"rotateOn\":[429,401,429],\"sessionPinning\":false,"
		"\"sessionFailover\":404,\"tokenCooldown\":\"1s\","
		"\"header\":\"X-Key\",\"prefix\":\"\",\"preferPrimary\":true,"
		"\"skipFailed\":false}}}}}");
	const struct conf_pool *p;

	if (!OK(c != NULL)) {
		conf_rig_show(r);
		return;
	}
	p = &c->servers[0].options.pool;
	IS_STR(p->v[0].name, "paid");
	IS_INT(p->v[0].weight, 100);
	IS_INT(p->rotate_on[0], 429);
	IS_INT(p->rotate_on[1], 401);
	IS_INT(p->rotate_on[2], 0);
	IS_INT(p->sticky, STICKY_NONE);
	OK(p->session_404 && p->prefer_primary && !p->skip_failed);
	IS_INT(p->cooldown_ms, 1000);
	IS_STR(p->header, "X-Key");
	IS_INT(p->prefix.n, 0);
	c = conf_rig_load(r, "{\"mcpServers\":{\"s\":{\"url\":\"http://u/\","
		"\"options\":{\"outbound_auth\":{\"strategy\":\"api_key\","
		"\"api_key\":{\"query\":\"key\",\"value\":\"v\"}}}}}}");
	if (OK(c != NULL && c->servers[0].options.pool.n == 1)) {
		IS_STR(c->servers[0].options.pool.query, "key");
		IS_INT(c->servers[0].options.pool.max_retries, 1);
	} else {
		conf_rig_show(r);
	}
}

static void
test_most(struct conf_rig *r, int n, bool good)
{
	char text[16384] = "{\"mcpServers\":{\"s\":{\"url\":\"http://u/\","
		"\"options\":{\"auth\":{\"rotationMode\":\"random\","
		"\"tokens\":[\"t\"";
	const struct conf *c;

	for (int i = 1; i < n; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, ",\"t%d\"", i);
	}
	strncat(text, "]}}}}}", 8);
	c = conf_rig_load(r, text);
	tap_ok((c != NULL) == good && (c == NULL ||
		c->servers[0].options.pool.n == 256), "%d tokens", n);
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	test_directions(&r);
	test_mapped(&r);
	test_crossings(&r);
	test_pools(&r);
	test_members(&r);
	test_most(&r, 256, true);
	test_most(&r, 257, false);
	conf_rig_end(&r);
	return tap_done();
}
