/* SPDX-License-Identifier: MIT */
/* conf_load -- a text becomes the frozen tree; files, environment, holders */
#include "config.h"
#include "conf/conf.h"

#include "base/limits.h"
#include "conf/uri.h"
#include "kit/conf_rig.h"
#include "kit/tap.h"

#define LONG "0123456789abcdef0123456789abcdef"

static void
test_defaults(struct conf_rig *r)
{
	const struct conf *c = conf_rig_load(r, "{\"mcpServers\":{\"s\":{"
		"\"url\":\"HTTPS://U.Test/x?key=1\"}}}");
	const struct conf_server *s;

	if (!OK(c != NULL && c->n_servers == 1))
		return;
	s = &c->servers[0];
	IS_STR(s->name, "s");
	IS_STR(s->origin, "https://u.test:443");
	IS_STR(uri_logged(r->arena, s->url), "https://U.Test/x");
	IS_STR(s->invalid, "");
	IS_INT(s->transport, TRANSPORT_AUTO);
	IS_INT(s->timeout_ms, 60000);
	IS_INT(s->options.timeouts.connect_ms, 5000);
	IS_INT(s->options.timeouts.idle_ms, 300000);
	IS_INT(s->options.session_idle_ms, 1800000);
	IS_INT(s->options.tls.min_version, 12);
	IS_INT(s->options.tls.max_version, 13);
	IS_INT(s->options.pool.n, 0);
	IS_STR(s->options.pool.header, "Authorization");
	IS_INT(s->options.inbound.n_strategies, 1);
	IS_INT(s->options.inbound.strategies[0], STRATEGY_LOCAL);
	OK(!s->options.inbound.set);
	OK(s->options.security.origin_check && s->options.check_headers);
	IS_INT(s->options.passthrough.upstream_authorization, 1);
	IS_INT(s->options.passthrough.headers.n, 2);
	OK(!s->options.passthrough.headers.set);
	OK(!s->options.inbound.allow_users.set);
	IS_INT(s->options.inbound.advertise, -1);
	IS_INT(s->options.versions.n, 0);
	/* defaults are text in their rows; limits.h and its paper say them */
	IS_INT(c->limits.request_body, BODY_DEFAULT);
	IS_INT(c->limits.reply_body, REPLY_DEFAULT);
	IS_INT(c->limits.token, TOKEN_DEFAULT);
	IS_INT(c->limits.batch, MAX_BATCH);
	IS_INT(c->limits.json_depth, MAX_JSON_DEPTH);
	IS_INT(c->keep_alive_ms, 15000);
	IS_INT(c->socket_mode, 0660);
	OK(c->workers >= 1 && c->workers <= 64);
	IS_STR(c->peer_param, "REMOTE_ADDR");
	IS_STR(c->client_ip_headers.v[0], "X-Forwarded-For");
	IS_INT(c->metrics_ips.n, 2);
	OK(c->metrics_enabled && c->env_overrides);
	OK(!c->mount_known && c->mount.n == 0);
	IS_INT(c->log.level, LOG_LEVEL_INFO);
	IS_INT(c->log.format, LOG_JSON);
}

static void
test_values(struct conf_rig *r)
{
	const struct conf *c = conf_rig_load(r, "{\"mcpProxy\":{"
		"\"baseURL\":\"https://example.org/a/b/\","
		"\"log\":{\"level\":\"debug\",\"format\":\"logfmt\","
		"\"principals\":\"hash\",\"target\":\"file\",\"path\":"
		"\"x.log\"},\"streaming\":\"off\",\"type\":\"streamable-http\","
		"\"socketMode\":\"600\",\"drain_time\":\"1m30s\","
		"\"secretKey\":[\"" LONG "\",\"2" LONG "\"],"
		"\"trustedProxies\":\"10.0.0.0/8, unix:\","
		"\"limits\":{\"requestBody\":65536}},"
		"\"mcpServers\":{\"a/b\":{\"url\":\"http://[::1]:8080/\","
		"\"transport\":\"http\",\"timeout\":\"1.5s\",\"headers\":{"
		"\"X-A\":\"v\",\"X-B\":null},\"options\":{\"errorStyle\":"
		"\"tool\",\"timeouts\":{\"tools\":{\"slow_*\":\"10m\"}},"
		"\"tls\":{\"cipherSuites\":[\"TLS_AES_128_GCM_SHA256\","
		"\"ECDHE-RSA-AES128-GCM-SHA256\"]},"
		"\"proxy\":{\"url\":\"socks5h://u%40x:p%3Aq@h:1080\","
		"\"noProxy\":[\"a\",\".b\"]},\"protocol\":{\"versions\":"
		"[\"2025-06-18\"]}}}}}");
	const struct conf_server *s;

	if (!OK(c != NULL)) {
		conf_rig_show(r);
		return;
	}
	IS_STR(c->mount, "/a/b");
	OK(c->mount_known && c->log_hash_principals);
	IS_INT(c->log.target, LOG_FILE);
	IS_STR(str_of(c->log.path), str_fmt(r->arena, "%s/x.log", r->dir).p);
	IS_INT(c->log.format, LOG_LOGFMT);
	IS_INT(c->streaming, STREAMING_OFF);
	IS_INT(c->socket_mode, 0600);
	IS_INT(c->drain_ms, 90000);
	IS_INT(c->n_secret_keys, 2);
	IS_INT(c->trusted_proxies.n, 2);
	OK(c->trusted_proxies.v[1].unix_peer);
	IS_INT(c->limits.request_body, 65536);
	s = &c->servers[0];
	IS_STR(s->name, "a/b");
	IS_INT(s->transport, TRANSPORT_STREAMABLE);
	IS_INT(s->timeout_ms, 1500);
	IS_STR(s->origin, "http://[::1]:8080");
	IS_INT(s->headers.n, 2);
	OK(!s->headers.v[0].removed && s->headers.v[1].removed);
	IS_INT(s->options.error_style, STYLE_TOOL);
	IS_INT(s->options.timeouts.tools.n, 1);
	IS_INT(s->options.timeouts.tools_ms[0], 600000);
	IS_STR(s->options.tls.ciphers13, "TLS_AES_128_GCM_SHA256");
	IS_STR(s->options.tls.ciphers12, "ECDHE-RSA-AES128-GCM-SHA256");
	IS_STR(s->options.proxy.url, "socks5h://h:1080");
	IS_STR(s->options.proxy.username, "u@x");
	IS_STR(secret_reveal(s->options.proxy.password), "p:q");
	IS_STR(s->options.proxy.noproxy, "a,.b");
	OK(!s->options.proxy.use_env);
	IS_STR(s->options.versions.v[0], "2025-06-18");
}

static void
test_inbound(struct conf_rig *r)
{
	const struct conf *c;
	const struct conf_inbound *in;

	conf_rig_write(r, "key.pem", "KEY TEXT\n", 0644);
	c = conf_rig_load(r, "{\"mcpProxy\":{\"options\":{\"inbound_auth\":{"
		"\"strategy\":[\"bearer\",\"jwt\",\"api_key\",\"proxy\"],"
		"\"requiredScopes\":[\"mcp\"],\"allowUsers\":[],"
		"\"advertise\":false,"
		"\"token\":{\"values\":[{\"name\":\"ci\",\"value\":\"" LONG
		"\",\"scopes\":[\"a\",\"b\"],\"expires\":"
		"\"2027-01-31T01:00:00+01:00\"},\"sha256:"
		LONG LONG "\"],\"sha256\":[\"" LONG LONG "\"],\"prefix\":\"\"},"
		"\"apikey\":{\"value\":\"a" LONG ",b" LONG "\"},"
		"\"jwt\":{\"publicKeyFile\":\"key.pem\",\"audience\":\"a\","
		"\"claims\":{\"tid\":[\"1\",\"2\"]},\"maxAge\":\"1h\"},"
		"\"proxy\":{\"secretHeader\":\"X-S\",\"secret\":\"" LONG
		"\"}}}}}");
	if (!OK(c != NULL)) {
		conf_rig_show(r);
		return;
	}
	in = &c->options.inbound;
	IS_INT(in->n_strategies, 4);
	IS_INT(in->strategies[0], STRATEGY_TOKEN);
	IS_INT(in->strategies[2], STRATEGY_APIKEY);
	OK(in->set && in->allow_users.set && in->allow_users.n == 0);
	IS_INT(in->advertise, 0);
	IS_INT(in->tokens.n, 3);
	IS_STR(in->tokens.v[0].name, "ci");
	IS_INT(in->tokens.v[0].scopes.n, 2);
	IS_INT(in->tokens.v[0].expires_unix_s, 1801353600);
	OK(secret_empty(in->tokens.v[1].value));
	IS_INT(in->tokens.v[1].sha256[0], 0x01);
	OK(in->token_prefix_set && in->token_prefix.n == 0);
	IS_INT(in->apikeys.n, 2);
	IS_STR(in->jwt.keys_text, "KEY TEXT\n");
	IS_STR(in->jwt.algorithms.v[0], "RS256");
	IS_INT(in->jwt.claims.n, 2);
	IS_INT(in->jwt.leeway_s, 60);
	IS_INT(in->jwt.max_age_s, 3600);
	IS_INT(in->jwt.max_stale_s, 86400);
	IS_STR(in->jwt.scope_claim.v[1], "scp");
	IS_STR(in->jwt.profile, "default");
	IS_STR(in->proxy.user_header, "X-Authenticated-User");
	IS_STR(in->proxy.format, "text");
	IS_STR(in->proxy.peer_param, "REMOTE_ADDR");
}

/* ---- environment ------------------------------------------------------------ */
static const struct {
	const char *name, *value, *id, *says;
} variables[] = {
	{ "MCPGATE_LISTEN", "unix:/x", "W13",
		"environment MCPGATE_LISTEN overrides mcpProxy.listen" },
	{ "MCPGATE_LISTEN", "tcp:1.2.3.4:5", "E66", "only opened on loopback" },
	{ "MCPGATE_WORKERS", "99", "E03", "is not within 1..64" },
	{ "MCPGATE_WORKERS", "3", "W13", "overrides mcpProxy.workers" },
	{ "AUTH_REQUIRED", "false", "W13", "mcpProxy.admin.authRequired" },
	{ "JWT_SECRET_KEY", LONG, "W13", "options.inboundAuth.jwt.secret" },
	{ "JWT_SECRET_KEY", "my-test-key", "E45", "a published sample" },
	{ "MCP_CLIENT_AUTH_ENABLED", "false", "E40", "MCP client authentication "
		"is disabled but trust_proxy_auth is not set" },
	{ "TRUST_PROXY_AUTH", "true", "E41", "proxy authentication needs" },
	{ "TRUST_PROXY_AUTH_DANGEROUSLY", "true", "W17",
		"environment TRUST_PROXY_AUTH_DANGEROUSLY is not used" },
	{ "DATABASE_URL", "postgresql://x", "W17", "DATABASE_URL" },
	{ "DEFAULT_PASSTHROUGH_HEADERS", "[\"X-A\", \"X-B\"]", "W13",
		"passthrough.headers" },
	{ "CACHE_TYPE", "memory", "W13", "mcpProxy.store.type" },
	{ "SESSION_TTL", "3600", "W13", "sessions.idleTimeout" },
	{ "BASIC_AUTH_USER", "admin", NULL, "" },
	{ "MCP_AUTH_TOKEN", "t-" LONG, "W13", "token.values" },
	{ "MCP_ADMIN_TOKEN", "short", "E50", "admin credential" },
};

static void
test_variables(struct conf_rig *r)
{
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		bool good;

		setenv(variables[i].name, variables[i].value, 1);
		r->source.env_overrides = true;
		conf_rig_load(r, "{}");
		good = variables[i].id != NULL ? conf_rig_said(r,
			variables[i].id, variables[i].says) :
			!conf_rig_said(r, "W13", "");
		if (!tap_ok(good, "%s=%s", variables[i].name,
		    variables[i].value))
			conf_rig_show(r);
		r->source.env_overrides = false;
		conf_rig_load(r, "{}");
		tap_ok(!conf_rig_said(r, "W13", "") && r->messages.errors == 0,
			"%s is not looked at", variables[i].name);
		unsetenv(variables[i].name);
	}
}

static void
test_env(struct conf_rig *r)
{
	const struct conf *c;

	setenv("TRUST_PROXY_AUTH", "true", 1);
	setenv("JWT_SECRET_KEY", LONG, 1);
	setenv("JWT_AUDIENCE", "me", 1);
	setenv("MCPGATE_TRUSTED_PROXIES", "10.0.0.0/8", 1);
	r->source.env_overrides = true;
	c = conf_rig_load(r, "{\"mcpServers\":{\"a\":{\"url\":\"http://u/\"},"
		"\"b\":{\"url\":\"http://u/\",\"options\":{\"inboundAuth\":{"
		"\"strategy\":\"none\"}}}}}");
	if (OK(c != NULL)) {
		const struct conf_inbound *a = &c->servers[0].options.inbound;

		IS_INT(a->n_strategies, 2);
		IS_INT(a->strategies[0], STRATEGY_JWT);
		IS_INT(a->strategies[1], STRATEGY_PROXY);
		IS_INT(a->proxy.trusted_peers.n, 1);
		IS_STR(a->jwt.algorithms.v[0], "HS256");
		IS_INT(c->servers[1].options.inbound.strategies[0],
			STRATEGY_NONE);
	} else {
		conf_rig_show(r);
	}
	setenv("MCP_CLIENT_AUTH_ENABLED", "false", 1);
	c = conf_rig_load(r, "{}");
	OK(c != NULL && c->options.inbound.n_strategies == 1 &&
		c->options.inbound.strategies[0] == STRATEGY_PROXY);
	setenv("MCPGATE_ENV_OVERRIDES", "false", 1);
	c = conf_rig_load(r, "{}");
	OK(c != NULL && c->options.inbound.strategies[0] == STRATEGY_LOCAL);
	unsetenv("MCPGATE_ENV_OVERRIDES");
	OK(conf_rig_load(r, "{\"mcpProxy\":{\"envOverrides\":false}}") != NULL);
	OK(!conf_rig_said(r, "W13", ""));
	unsetenv("TRUST_PROXY_AUTH");
	unsetenv("JWT_SECRET_KEY");
	unsetenv("JWT_AUDIENCE");
	unsetenv("MCPGATE_TRUSTED_PROXIES");
	unsetenv("MCP_CLIENT_AUTH_ENABLED");
	r->source.env_overrides = false;
}

static void
test_env_proxy(struct conf_rig *r)
{
	static const char text[] = "{\"mcpServers\":{\"a\":{\"url\":"
		"\"https://u/\"},\"b\":{\"url\":\"http://u/\"},\"c\":{\"url\":"
		"\"https://u/\",\"options\":{\"proxy\":{\"useEnv\":false}}}}}";
	const struct conf *c;

	setenv("HTTPS_PROXY", "http://u:p@proxy:3128/", 1);
	setenv("all_proxy", "other:1", 1);
	setenv("NO_PROXY", "x,y", 1);
	r->source.env_proxy = true;
	c = conf_rig_load(r, text);
	if (OK(c != NULL)) {
		IS_STR(c->servers[0].options.proxy.url, "http://proxy:3128");
		IS_STR(c->servers[0].options.proxy.username, "u");
		IS_STR(c->servers[0].options.proxy.noproxy, "x,y");
		OK(c->servers[0].options.proxy.use_env);
		IS_STR(c->servers[1].options.proxy.url, "http://other:1");
		IS_STR(c->servers[2].options.proxy.url, "");
		OK(!c->servers[2].options.proxy.use_env);
	}
	r->source.env_proxy = false;
	c = conf_rig_load(r, text);
	OK(c != NULL && c->servers[0].options.proxy.url.n == 0);
	unsetenv("HTTPS_PROXY");
	unsetenv("all_proxy");
	unsetenv("NO_PROXY");
}

/* ---- files and generations ---------------------------------------------------- */
static void
test_include(struct conf_rig *r)
{
	const struct conf *c;

	conf_rig_write(r, "1.part", "{\"mcpServers\":{\"b\":{\"url\":"
		"\"http://u/\"}}}", 0600);
	conf_rig_write(r, "2.part", "{\"mcpServers\":{\"c\":{\"url\":"
		"\"http://u/\"}}}", 0600);
	c = conf_rig_load(r, "{\"include\":[\"*.part\"],\"mcpServers\":{\"a\":{"
		"\"url\":\"http://u/\"}}}");
	if (OK(c != NULL && c->n_servers == 3)) {
		IS_STR(c->servers[1].name, "b");
		IS_STR(c->servers[2].name, "c");
	}
	OK(conf_rig_load(r, "{\"include\":[\"*.part\"],\"mcpServers\":{\"b\":{"
		"\"url\":\"http://u/\"}}}") == NULL);
	OK(conf_rig_said(r, "E07", "1.part:1:16: mcpServers.b: \"b\" stands "
		"here twice"));
	conf_rig_write(r, "2.part", "{\"mcpProxy\":{}}", 0600);
	OK(conf_rig_load(r, "{\"include\":[\"2.part\"]}") == NULL);
	OK(conf_rig_said(r, "E01", "2.part:1:2: mcpProxy: unknown key"));
	OK(conf_rig_load(r, "{\"include\":[\"nothing/*\"]}") != NULL);
}

static void
test_generations(struct conf_rig *r)
{
	struct arena *request = arena_new(4096);
	const struct conf *c = conf_rig_load(r, "{}");
	uint64_t print, stamp;
	uint32_t number;

	if (!OK(c != NULL))
		return;
	print = c->fingerprint;
	number = c->generation;
	OK(conf_hold(r->gen, request) == c);
	OK(!conf_changed(r->gen));
	conf_rig_load(r, "{ }");		/* lets the first one go */
	IS_STR(c->name, "mcpgate");		/* still held by the request */
	c = conf_tree(r->gen);
	OK(c->fingerprint != print);
	OK(c->generation > number);
	arena_free(request);
	conf_rig_load(r, "{}");
	OK(conf_tree(r->gen)->fingerprint == print);
	stamp = conf_stamp(r->file);
	OK(stamp != 0 && conf_stamp(r->file) == stamp);
	conf_rig_write(r, "c", "{  }", 0600);
	OK(conf_changed(r->gen));
	OK(conf_stamp(r->file) != stamp);
	OK(conf_stamp("/nowhere/at/all.json") == 0);
	OK(conf_rig_load(r, "{\"x\":1}") == NULL);
	r->source.file = "/nowhere/at/all.json";
	OK(conf_load(&r->source, r->arena, &r->messages) == NULL);
	OK(conf_rig_said(r, "E08", "cannot read \"/nowhere/at/all.json\": No "
		"such file"));
	r->source.file = r->dir;
	OK(conf_load(&r->source, r->arena, &r->messages) == NULL);
	OK(conf_rig_said(r, "E08", "not a regular file"));
}

static void
test_find(struct conf_rig *r)
{
	unsetenv("MCPGATE_CONFIG");
	unsetenv("XDG_CONFIG_HOME");
	setenv("HOME", r->dir, 1);
	IS_STR(str_of(conf_find("given", r->arena)), "given");
	setenv("MCPGATE_CONFIG", "/named", 1);
	IS_STR(str_of(conf_find(NULL, r->arena)), "/named");
	unsetenv("MCPGATE_CONFIG");
	setenv("XDG_CONFIG_HOME", r->dir, 1);
	OK(conf_find(NULL, r->arena) == NULL ||
		str_starts(str_of(conf_find(NULL, r->arena)),
		STR(GATE_SYSCONFDIR)));
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	test_defaults(&r);
	test_values(&r);
	test_inbound(&r);
	test_variables(&r);
	test_env(&r);
	test_env_proxy(&r);
	test_include(&r);
	test_generations(&r);
	test_find(&r);
	conf_rig_end(&r);
	return tap_done();
}
