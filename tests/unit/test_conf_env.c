/* SPDX-License-Identifier: MIT */
/*
 * conf env -- the variables that operators of another gateway have set: what
 * they change, and what is said about it, word by word
 */
#include "config.h"
#include "conf/conf.h"

#include <stdlib.h>

#include "kit/conf_rig.h"
#include "kit/tap.h"

#define LONG "0123456789abcdef0123456789abcdef"
#define TRUSTED "\"trustedProxies\":[\"10.0.0.5\"]"
#define RULE(inbound) "{\"mcpProxy\":{" TRUSTED ",\"options\":{" \
	"\"inboundAuth\":{" inbound "}}}}"
#define PLAIN "{\"mcpProxy\":{" TRUSTED "}}"
#define TOKEN "\"strategy\":\"token\",\"token\":{\"values\":[\"" LONG "\"]}"
#define HS "\"strategy\":\"jwt\",\"jwt\":{\"secret\":\"" LONG "\"}"
#define GATE(options) "{\"mcpProxy\":{" TRUSTED ",\"options\":{" options "}}}"
#define LIST "\"authTokens\":[\"" LONG "\"]"
#define MODE(word) "\"authMode\":\"" word "\""
#define OVERRIDES(name, path) "environment " name " overrides mcpProxy." path
#define BLOCK "options.inboundAuth."

/* env: "NAME=value" divided by '|'. strategies: first letters; NULL: the
 * start is refused. */
static const struct {
	const char *env, *file, *strategies, *id, *says;
} rows[] = {
	{ "", PLAIN, "l", NULL, NULL },
	{ "MCP_CLIENT_AUTH_ENABLED=true", RULE(TOKEN), "t", NULL, NULL },
	{ "MCP_CLIENT_AUTH_ENABLED=true|TRUST_PROXY_AUTH=false", RULE(TOKEN),
		"t", NULL, NULL },
	{ "TRUST_PROXY_AUTH=false", RULE(TOKEN), "t", NULL, NULL },
	{ "MCP_CLIENT_AUTH_ENABLED=true|TRUST_PROXY_AUTH=true", RULE(HS),
		"jp", "W13", OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=true", RULE(HS), "jp", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=1", RULE(TOKEN), "tp", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=true", PLAIN, "p", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=true", "{}", NULL, "E41", "proxy authentication "
		"needs trustedPeers, trustedProxies, a secret or "
		"proxy.param" },
	{ "MCP_CLIENT_AUTH_ENABLED=false|TRUST_PROXY_AUTH=true", RULE(TOKEN),
		"p", "W13",
		OVERRIDES("MCP_CLIENT_AUTH_ENABLED", BLOCK "strategy") },
	{ "MCP_CLIENT_AUTH_ENABLED=false|TRUST_PROXY_AUTH=true", "{}", NULL,
		"E41", "proxy authentication needs trustedPeers, "
		"trustedProxies, a secret or proxy.param" },
	{ "MCP_CLIENT_AUTH_ENABLED=false", RULE(TOKEN), NULL, "E40",
		"MCP client authentication is disabled but trust_proxy_auth "
		"is not set" },
	{ "MCP_CLIENT_AUTH_ENABLED=false|TRUST_PROXY_AUTH=false", PLAIN, NULL,
		"E40", "MCP client authentication is disabled but "
		"trust_proxy_auth is not set" },
	{ "MCP_CLIENT_AUTH_ENABLED=FALSE|TRUST_PROXY_AUTH=no", PLAIN, NULL,
		"E40", "MCP client authentication is disabled but "
		"trust_proxy_auth is not set" },

	/* beside the shorthands of the gateway */
	{ "MCP_CLIENT_AUTH_ENABLED=false|TRUST_PROXY_AUTH=true", GATE(LIST),
		"p", "W13",
		OVERRIDES("MCP_CLIENT_AUTH_ENABLED", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=true", GATE(LIST), "tp", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=true", GATE(LIST ",\"inboundAuth\":{" HS "}"),
		"tjp", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "MCP_CLIENT_AUTH_ENABLED=false|TRUST_PROXY_AUTH=true",
		GATE(LIST ",\"inboundAuth\":{" HS "}"), "p", "W13",
		OVERRIDES("MCP_CLIENT_AUTH_ENABLED", BLOCK "strategy") },
	{ "JWT_SECRET_KEY=" LONG "|TRUST_PROXY_AUTH=true", GATE(MODE("jwt")),
		"jp", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "JWT_SECRET_KEY=" LONG "|TRUST_PROXY_AUTH=true", GATE(MODE("dual")),
		"jp", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=true", GATE(MODE("proxy")), "p", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=true", GATE(MODE("none")), "p", "W13",
		OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },
	{ "MCP_CLIENT_AUTH_ENABLED=false|TRUST_PROXY_AUTH=true",
		GATE(MODE("dual")), "p", "W13",
		OVERRIDES("MCP_CLIENT_AUTH_ENABLED", BLOCK "strategy") },
	{ "TRUST_PROXY_AUTH=true", GATE(MODE("jwt")
		",\"inboundAuth\":{" HS "}"), NULL, "E09",
		"\"authMode\" and \"inboundAuth.strategy\" exclude each "
		"other" },
	{ "PROXY_USER_HEADER=X-Who|TRUST_PROXY_AUTH=true",
		GATE("\"proxyHeader\":\"X-User\""), "p", "W13",
		OVERRIDES("PROXY_USER_HEADER", BLOCK "proxy.userHeader") },
	{ "JWT_SECRET_KEY=" LONG "|JWT_AUDIENCE=me",
		GATE("\"jwtAudience\":[\"us\"]"), "j", "W13",
		OVERRIDES("JWT_AUDIENCE", BLOCK "jwt.audience") },

	/* neither true nor false */
	{ "AUTH_REQUIRED=ture", PLAIN, NULL, "E04", "environment "
		"AUTH_REQUIRED: \"ture\" is not a known word; one of true, "
		"false" },
	{ "TRUST_PROXY_AUTH=yess", PLAIN, NULL, "E04", "TRUST_PROXY_AUTH" },
	{ "MCP_CLIENT_AUTH_ENABLED=ture|TRUST_PROXY_AUTH=true", PLAIN, NULL,
		"E04", "MCP_CLIENT_AUTH_ENABLED" },
	{ "MCPGATE_ENV_OVERRIDES=flase|AUTH_REQUIRED=true", PLAIN, NULL, "E04",
		"MCPGATE_ENV_OVERRIDES" },
	{ "MCPGATE_ENV_OVERRIDES=true|AUTH_HEADER_NAME=X-A",
		"{\"mcpProxy\":{\"envOverrides\":false}}", "l", "W13",
		OVERRIDES("MCPGATE_ENV_OVERRIDES", "envOverrides") },
	{ "MCPGATE_ENV_OVERRIDES=no", "{\"mcpProxy\":{\"envOverrides\":true}}",
		"l", "W13",
		OVERRIDES("MCPGATE_ENV_OVERRIDES", "envOverrides") },
	{ "MCPGATE_ENV_OVERRIDES=no", PLAIN, "l", "W13",
		OVERRIDES("MCPGATE_ENV_OVERRIDES", "envOverrides") },
	{ "MCPGATE_ENV_OVERRIDES=yes", PLAIN, "l", NULL, NULL },
	{ "TRUST_PROXY_AUTH=Off", PLAIN, "l", NULL, NULL },

	/* what was given is told, but for secrets */
	{ "MCPGATE_WORKERS=99", PLAIN, NULL, "E03", "99 is not within 1..64" },
	{ "MCPGATE_LOG_LEVEL=loud", PLAIN, NULL, "E04", "\"loud\" is not a "
		"known word; one of error, warn, info, debug" },
	{ "MCPGATE_TRUSTED_PROXIES=10.0.0.1,x", PLAIN, NULL, "E49", "\"x\" is "
		"not an address or CIDR block" },

	/* whose mistake it is */
	{ "HTTPS_PROXY=ftp://h:1", "{\"mcpServers\":{\"s\":{\"url\":"
		"\"https://u/\"}}}", NULL, "E31",
		"environment HTTPS_PROXY: scheme \"ftp\" is not one of http" },

	/* one half is no pair */
	{ "BASIC_AUTH_USER=ann", PLAIN, "l", "W17",
		"environment BASIC_AUTH_USER is not used" },
	{ "BASIC_AUTH_PASSWORD=" LONG, PLAIN, "l", "W17",
		"environment BASIC_AUTH_PASSWORD is not used" },
	{ "PLATFORM_ADMIN_EMAIL=a@b", PLAIN, "l", "W17",
		"environment PLATFORM_ADMIN_EMAIL is not used" },
	{ "PLATFORM_ADMIN_EMAIL=a@b|BASIC_AUTH_USER=ann|"
		"BASIC_AUTH_PASSWORD=" LONG, PLAIN, "l", "W13",
		OVERRIDES("BASIC_AUTH_USER", "admin.basic.user") },
	{ "PLATFORM_ADMIN_EMAIL=a@b|PLATFORM_ADMIN_PASSWORD=" LONG
		"|BASIC_AUTH_USER=ann", PLAIN, "l", "W17",
		"environment BASIC_AUTH_USER is not used" },

	/* a name is no trust */
	{ "PROXY_USER_HEADER=X-Who", PLAIN, "l", "W17",
		"environment PROXY_USER_HEADER is not used" },
	{ "PROXY_USER_HEADER=X-Who", RULE(TOKEN), "t", "W17",
		"environment PROXY_USER_HEADER is not used" },
	{ "PROXY_USER_HEADER=X-Who|TRUST_PROXY_AUTH=true", PLAIN, "p", "W13",
		OVERRIDES("PROXY_USER_HEADER", BLOCK "proxy.userHeader") },
	{ "PROXY_USER_HEADER=X-Who",
		RULE("\"strategy\":\"proxy\",\"proxy\":{\"userHeader\":"
		"\"X-User\"}"), "p", "W13",
		OVERRIDES("PROXY_USER_HEADER", BLOCK "proxy.userHeader") },
	{ "PROXY_USER_HEADER=Host: x|TRUST_PROXY_AUTH=true", PLAIN, NULL,
		"E63", "cannot be a header here" },

	{ "AUTH_HEADER_NAME=X-MCP-Auth", RULE(TOKEN), "t", "W13",
		OVERRIDES("AUTH_HEADER_NAME", BLOCK "header") },
	{ "AUTH_HEADER_NAME=X-MCP-Auth", PLAIN, "l", "W13",
		OVERRIDES("AUTH_HEADER_NAME", BLOCK "header") },

	{ "JWT_SECRET_KEY=" LONG, PLAIN, "j", "W13",
		OVERRIDES("JWT_SECRET_KEY", BLOCK "jwt.secret") },
	{ "JWT_SECRET_KEY=" LONG, RULE(TOKEN), "t", "W13",
		OVERRIDES("JWT_SECRET_KEY", BLOCK "jwt.secret") },
	{ "JWT_SECRET_KEY=short", PLAIN, NULL, "E45",
		"secret is shorter than 32 bytes or a published sample" },
	{ "JWT_SECRET_KEY=my-test-key", PLAIN, NULL, "E45",
		"secret is shorter than 32 bytes or a published sample" },
	{ "JWT_SECRET_KEY=" LONG "|JWT_ALGORITHM=HS256", PLAIN, "j", "W13",
		OVERRIDES("JWT_ALGORITHM", BLOCK "jwt.algorithms") },
	{ "JWT_SECRET_KEY=" LONG "|JWT_ALGORITHM=HS512", PLAIN, NULL, "E45",
		"secret is shorter than 64 bytes or a published sample" },
	{ "JWT_SECRET_KEY=" LONG "|JWT_ALGORITHM=RS256", PLAIN, NULL, "E44",
		"HS algorithms need jwt.secret and exclude key sets" },
	{ "JWT_SECRET_KEY=" LONG "|JWT_ALGORITHM=none", PLAIN, NULL, "E43",
		"algorithm \"none\" is never allowed" },
	{ "JWT_SECRET_KEY=" LONG "|JWT_AUDIENCE=me|JWT_ISSUER=us", PLAIN,
		"j", "W13", OVERRIDES("JWT_AUDIENCE", BLOCK "jwt.audience") },
	{ "JWT_SECRET_KEY=" LONG "|JWT_ISSUER=us", PLAIN, "j", "W13",
		OVERRIDES("JWT_ISSUER", BLOCK "jwt.issuer") },
	{ "JWT_AUDIENCE=me", PLAIN, NULL, "E42", "jwt needs jwt.jwksUrl, "
		"jwt.publicKeyFile, jwt.secret or jwt.issuer" },
	{ "JWT_PUBLIC_KEY_PATH=/nowhere/key.pem", PLAIN, NULL, "E08",
		"cannot read \"/nowhere/key.pem\": No such file or "
		"directory" },
	{ "JWT_SECRET_KEY=" LONG "|TRUST_PROXY_AUTH=true", PLAIN, "jp",
		"W13", OVERRIDES("TRUST_PROXY_AUTH", BLOCK "strategy") },

	{ "MCP_AUTH_TOKEN=" LONG, PLAIN, "t", "W13",
		OVERRIDES("MCP_AUTH_TOKEN", BLOCK "token.values") },
	{ "MCP_AUTH_TOKEN=" LONG, RULE(HS), "j", NULL, NULL },
	{ "MCP_AUTH_TOKEN=" LONG, RULE("\"realm\":\"r\""), "t", "W13",
		OVERRIDES("MCP_AUTH_TOKEN", BLOCK "token.values") },
	{ "MCP_AUTH_TOKEN=" LONG, RULE("\"strategy\":\"local\""), "l", NULL,
		NULL },
	{ "MCP_AUTH_TOKEN=" LONG, RULE("\"strategy\":\"none\""), "n", NULL,
		NULL },

	{ "TRUST_PROXY_AUTH_DANGEROUSLY=true", PLAIN, "l", "W17",
		"environment TRUST_PROXY_AUTH_DANGEROUSLY is not used" },
	{ "MCP_REQUIRE_AUTH=true", PLAIN, "l", "W17",
		"environment MCP_REQUIRE_AUTH is not used" },
	{ "REQUIRE_TOKEN_EXPIRATION=true", PLAIN, "l", "W17",
		"environment REQUIRE_TOKEN_EXPIRATION is not used" },
};

/* Sets or takes back what a row says. */
static void
set_all(const char *text, bool put)
{
	struct str rest = str_of(text);

	while (rest.n > 0) {
		struct str value = str_cut(&rest, '|'), name;
		char key[64], says[128];

		name = str_cut(&value, '=');
		snprintf(key, sizeof(key), "%.*s", STR_ARG(name));
		snprintf(says, sizeof(says), "%.*s", STR_ARG(value));
		if (put)
			setenv(key, says, 1);
		else
			unsetenv(key);
	}
}

static bool
same_strategies(const struct conf_inbound *in, const char *want)
{
	static const char letters[STRATEGIES] = {
		[STRATEGY_NONE] = 'n', [STRATEGY_LOCAL] = 'l',
		[STRATEGY_TOKEN] = 't', [STRATEGY_APIKEY] = 'a',
		[STRATEGY_JWT] = 'j', [STRATEGY_INTROSPECTION] = 'i',
		[STRATEGY_PROXY] = 'p', [STRATEGY_LUA] = 'u',
		[STRATEGY_JS] = 's',
	};

	if (in->n_strategies != strlen(want))
		return false;
	for (uint32_t i = 0; i < in->n_strategies; i++) {
		if (letters[in->strategies[i]] != want[i])
			return false;
	}
	return true;
}

static void
run_row(struct conf_rig *r, size_t i)
{
	const struct conf *c;
	bool good;

	set_all(rows[i].env, true);
	r->source.env_overrides = r->source.env_proxy = true;
	c = conf_rig_load(r, rows[i].file);
	good = rows[i].strategies == NULL ? c == NULL : c != NULL &&
		same_strategies(&c->options.inbound, rows[i].strategies);
	good = good && (rows[i].id != NULL ? conf_rig_said(r, rows[i].id,
		rows[i].says) : !conf_rig_said(r, "W13", "") &&
		!conf_rig_said(r, "W17", ""));
	if (!tap_ok(good, "row %zu: %s", i, rows[i].env))
		conf_rig_show(r);
	set_all(rows[i].env, false);
}

/* A rule of its own is not touched; a server without one follows. */
static void
check_servers(struct conf_rig *r)
{
	const struct conf *c;

	setenv("MCP_CLIENT_AUTH_ENABLED", "false", 1);
	setenv("TRUST_PROXY_AUTH", "true", 1);
	setenv("PROXY_USER_HEADER", "X-Who", 1);
	r->source.env_overrides = true;
	c = conf_rig_load(r, "{\"mcpProxy\":{" TRUSTED "},\"mcpServers\":{"
		"\"a\":{\"url\":\"http://u/\"},\"b\":{\"url\":\"http://u/\","
		"\"options\":{\"inboundAuth\":{" TOKEN "}}}}}");
	if (OK(c != NULL)) {
		OK(same_strategies(&c->servers[0].options.inbound, "p"));
		IS_STR(c->servers[0].options.inbound.proxy.user_header,
			"X-Who");
		OK(same_strategies(&c->servers[1].options.inbound, "t"));
	} else {
		conf_rig_show(r);
	}
	unsetenv("MCP_CLIENT_AUTH_ENABLED");
	unsetenv("TRUST_PROXY_AUTH");
	unsetenv("PROXY_USER_HEADER");
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&r, i);
	check_servers(&r);
	conf_rig_end(&r);
	return tap_done();
}
