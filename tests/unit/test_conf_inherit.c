/* SPDX-License-Identifier: MIT */
/* conf_inherit -- which of two blocks counts for a server */
#include "config.h"
#include "conf/conf.h"

#include "kit/conf_rig.h"
#include "kit/tap.h"

#define K1 "\"in-0123456789abcdef-1\""
#define K2 "\"in-0123456789abcdef-2\""

static const struct conf_options *
load(struct conf_rig *r, const char *gate, const char *server)
{
	struct str text = str_fmt(r->arena, "{\"mcpProxy\":{\"options\":{%s}},"
		"\"mcpServers\":{\"s\":{\"url\":\"https://u/\",\"options\":{%s}"
		"}}}", gate, server);
	const struct conf *c = conf_rig_load(r, text.p);

	if (c == NULL) {
		conf_rig_show(r);
		return NULL;
	}
	return &c->servers[0].options;
}

static void
test_blocks(struct conf_rig *r)
{
	static const char gate[] = "\"timeouts\":{\"connect\":\"1s\",\"idle\":"
		"\"2m\"},\"errorStyle\":\"rpc\",\"logEnabled\":false";
	const struct conf_options *o = load(r, gate, "");

	if (OK(o != NULL)) {
		IS_INT(o->timeouts.connect_ms, 1000);
		IS_INT(o->error_style, STYLE_RPC);
		OK(!o->log_enabled);
	}
	o = load(r, gate, "\"timeouts\":{\"connect\":\"3s\"}");
	if (OK(o != NULL)) {		/* as a whole, not member by member */
		IS_INT(o->timeouts.connect_ms, 3000);
		IS_INT(o->timeouts.idle_ms, 300000);
	}
	o = load(r, gate, "\"timeouts\":null,\"errorStyle\":null");
	if (OK(o != NULL)) {
		IS_INT(o->timeouts.connect_ms, 5000);
		IS_INT(o->error_style, STYLE_HTTP);
		OK(!o->log_enabled);
	}
	o = load(r, gate, "\"timeouts\":{\"connect\":null,\"idle\":\"1m\"}");
	if (OK(o != NULL)) {
		IS_INT(o->timeouts.connect_ms, 5000);
		IS_INT(o->timeouts.idle_ms, 60000);
	}
}

static void
test_outbound(struct conf_rig *r)
{
	static const char pool[] = "\"auth\":{\"tokens\":[\"a\",\"b\"],"
		"\"rotationMode\":\"random\"}";
	static const char bearer[] = "\"outboundAuth\":{\"strategy\":"
		"\"bearer\",\"bearer\":{\"token\":\"c\"}}";
	const struct conf_options *o = load(r, pool, bearer);

	OK(o != NULL && o->pool.n == 1);	/* the own one beats both */
	o = load(r, bearer, pool);
	OK(o != NULL && o->pool.n == 2);
	o = load(r, pool, "");
	OK(o != NULL && o->pool.n == 2 && o->pool.mode == ROTATION_RANDOM);
	o = load(r, pool, "\"auth\":null");
	OK(o != NULL && o->pool.n == 0);
}

static const struct {
	const char *name, *gate, *server;
	uint32_t n;
	enum strategy v[3];
	uint32_t tokens;
} rules[] = {
	{ "inherited", "\"inboundAuth\":{\"token\":{\"values\":[" K1 "]}}",
		"", 1, { STRATEGY_TOKEN }, 1 },
	{ "replaced", "\"inboundAuth\":{\"token\":{\"values\":[" K1 "]}}",
		"\"inboundAuth\":{\"apikey\":{\"value\":" K2 "}}", 1,
		{ STRATEGY_APIKEY }, 0 },
	{ "reset", "\"inboundAuth\":{\"token\":{\"values\":[" K1 "]}}",
		"\"inboundAuth\":null", 1, { STRATEGY_LOCAL }, 0 },
	{ "open by word", "\"inboundAuth\":{\"token\":{\"values\":[" K1 "]}}",
		"\"authMode\":\"none\"", 1, { STRATEGY_NONE }, 1 },
	{ "dual keeps the inherited blocks", "\"inboundAuth\":{\"jwt\":{"
		"\"secret\":\"0123456789abcdef0123456789abcdef\",\"audience\":"
		"\"a\"},\"proxy\":{\"param\":\"REMOTE_USER\"},\"strategy\":"
		"\"jwt\"}", "\"authMode\":\"dual\"", 2,
		{ STRATEGY_JWT, STRATEGY_PROXY }, 0 },
	{ "append", "\"inboundAuth\":{\"token\":{\"values\":[" K1 "]}}",
		"\"inboundAuth\":{\"token\":{\"values\":[" K2 "," K1 "],"
		"\"merge\":\"append\"}}", 1, { STRATEGY_TOKEN }, 2 },
	{ "append to authTokens", "\"authTokens\":[" K1 "]",
		"\"inboundAuth\":{\"token\":{\"values\":[" K2 "],\"merge\":"
		"\"append\"}}", 1, { STRATEGY_TOKEN }, 2 },
	{ "replace", "\"inboundAuth\":{\"token\":{\"values\":[" K1 "]}}",
		"\"inboundAuth\":{\"token\":{\"values\":[" K2 "]}}", 1,
		{ STRATEGY_TOKEN }, 1 },
	{ "authMode of the gateway is not inherited", "\"authMode\":\"none\"",
		"", 1, { STRATEGY_LOCAL }, 0 },
};

static void
test_rules(struct conf_rig *r)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct conf_options *o = load(r, rules[i].gate,
			rules[i].server);
		bool good = o != NULL &&
			o->inbound.n_strategies == rules[i].n &&
			o->inbound.tokens.n == rules[i].tokens;

		for (uint32_t k = 0; good && k < rules[i].n; k++)
			good = o->inbound.strategies[k] == rules[i].v[k];
		if (!tap_ok(good, "inbound: %s", rules[i].name))
			conf_rig_show(r);
	}
}

static void
test_shorthands(struct conf_rig *r)
{
	const struct conf_options *o = load(r, "\"inboundAuth\":{\"strategy\":"
		"[\"jwt\",\"proxy\"],\"jwt\":{\"secret\":"
		"\"0123456789abcdef0123456789abcdef\",\"audience\":\"a\"},"
		"\"proxy\":{\"secretHeader\":\"X-S\",\"secret\":"
		"\"0123456789abcdef\"}}",
		"\"proxyHeader\":\"X-Employee\",\"jwtAudience\":[\"b\",\"c\"]");

	if (!OK(o != NULL))
		return;
	IS_STR(o->inbound.proxy.user_header, "X-Employee");
	IS_STR(o->inbound.proxy.secret_header, "X-S");
	IS_INT(o->inbound.jwt.audience.n, 2);
	IS_STR(o->inbound.jwt.audience.v[0], "b");
	OK(!secret_empty(o->inbound.jwt.secret));
}

/* What the gateway bans stays banned. */
static void
test_exceptions(struct conf_rig *r)
{
	static const char deny[] = "\"security\":{\"ipDeny\":[\"192.0.2.1\"]}";
	const struct conf_options *o = load(r, deny,
		"\"security\":{\"originCheck\":false}");

	OK(o != NULL && !o->security.origin_check);
	IS_INT(o->security.ip_deny.n, 1);
	o = load(r, "\"publicTools\":[\"x\"]", "");
	OK(o != NULL && o->inbound.public_tools.n == 0);
	o = load(r, "\"inboundAuth\":{\"strategy\":\"none\",\"publicTools\":"
		"[\"x\"]}", "");
	OK(o != NULL && o->inbound.public_tools.n == 0);
	o = load(r, "", "\"inboundAuth\":{\"strategy\":\"none\","
		"\"publicTools\":[\"x\"]}");
	OK(o != NULL && o->inbound.public_tools.n == 1);
	o = load(r, "", "\"publicTools\":[\"x\"]");
	OK(o != NULL && o->inbound.public_tools.n == 1);
	o = load(r, "\"disabled\":true", "");
	OK(o != NULL && !o->disabled);
	o = load(r, "\"security\":{\"tls\":{\"minVersion\":\"1.3\"}}", "");
	OK(o != NULL && o->tls.min_version == 13);
	OK(load(r, "", "\"tls\":{},\"security\":{\"tls\":{}}") == NULL);
}

static void
test_disabled(struct conf_rig *r)
{
	const struct conf *c = conf_rig_load(r, "{\"mcpServers\":{"
		"\"a\":{\"disabled\":true,\"url\":\"${T_NONE}\"},"
		"\"b\":{\"enabled\":false},"
		"\"c\":{\"options\":{\"disabled\":true,\"inboundAuth\":{"
		"\"jwt\":{\"publicKeyFile\":\"/no\"}}}},"
		"\"d\":{\"enabled\":true,\"url\":\"http://u/\"},"
		"\"e\":{\"enabled\":\"${T_NONE:-false}\",\"url\":"
		"\"http://u/\"}}}");

	if (OK(c != NULL && c->n_servers == 5)) {
		OK(c->servers[0].options.disabled);
		OK(c->servers[1].options.disabled);
		OK(c->servers[2].options.disabled);
		OK(!c->servers[3].options.disabled);
		tap_ok(c->servers[4].options.disabled, "by a variable");
		IS_INT(c->servers[0].options.inbound.n_strategies, 1);
	} else {
		conf_rig_show(r);
	}
	OK(conf_rig_load(r, "{\"mcpServers\":{\"a\":{\"disabled\":true,"
		"\"wrong\":1}}}") == NULL);
	OK(conf_rig_load(r, "{\"mcpServers\":{\"a\":{\"disabled\":true,"
		"\"enabled\":true}}}") == NULL);
	OK(conf_rig_said(r, "E09", "\"enabled\" and \"disabled\""));
}

#define BLOCK(more) "\"toolFilter\":{\"mode\":\"block\",\"list\":[\"x\"]" \
	more "}"
#define ONLY "\"toolFilter\":{\"mode\":\"allow\",\"list\":[\"y\"]"

/* A filter of the gateway counts where it says so. */
static void
test_filters(struct conf_rig *r)
{
	const struct conf_options *o = load(r, BLOCK(""), "");

	OK(o != NULL && !o->filter.set && !o->filter_base.set);
	o = load(r, BLOCK(",\"inherit\":true"), "");
	OK(o != NULL && o->filter.set && !o->filter.allow);
	o = load(r, BLOCK(",\"inherit\":true"), ONLY "}");
	OK(o != NULL && o->filter.allow && o->filter_base.set &&
		str_is(o->filter_base.list.v[0], "x"));
	o = load(r, ONLY ",\"inherit\":true}", BLOCK(""));
	OK(o != NULL && !o->filter.allow && !o->filter_base.set);
	o = load(r, BLOCK(""), ONLY "}");
	OK(o != NULL && o->filter.allow && !o->filter_base.set);
	o = load(r, "", ONLY "}");
	OK(o != NULL && o->filter.set && o->filter.allow);
	o = load(r, "", "\"toolFilter\":{\"mode\":\"allow\"}");
	OK(o != NULL && o->filter.set && o->filter.list.n == 0);
}

/* Rules are inherited as a whole; null is as if it were not there. */
static void
test_policy(struct conf_rig *r)
{
	static const char gate[] = "\"policy\":[{\"effect\":\"deny\","
		"\"tools\":null,\"claims\":{\"a\":[\"1\",\"2\"],"
		"\"b\":\"3\"}},{\"effect\":\"allow\",\"users\":[],"
		"\"claims\":{\"b\":\"3\"}}]";
	const struct conf_options *o = load(r, gate, "");

	if (!OK(o != NULL && o->policy.set && o->policy.n == 2))
		return;
	OK(!o->policy.v[0].allow && !o->policy.v[0].tools.set);
	OK(o->policy.v[1].allow && o->policy.v[1].users.set);
	IS_INT(o->policy.v[0].claims.n, 3);
	IS_INT(o->inbound.jwt.asked.n, 3);
	o = load(r, gate, "\"policy\":[{\"effect\":\"allow\"}]");
	OK(o != NULL && o->policy.n == 1 && o->inbound.jwt.asked.n == 0);
	o = load(r, gate, "\"policy\":null");
	OK(o != NULL && !o->policy.set);
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	unsetenv("T_NONE");
	test_blocks(&r);
	test_outbound(&r);
	test_rules(&r);
	test_shorthands(&r);
	test_filters(&r);
	test_policy(&r);
	test_exceptions(&r);
	test_disabled(&r);
	conf_rig_end(&r);
	return tap_done();
}
