/* SPDX-License-Identifier: MIT */
/*
 * env -- variables of the environment put values into the tree
 *
 * They go in before anything is inherited and are read by the same rows, so
 * that every rule holds for them too.  Each one is told (W13).
 */
#include "config.h"
#include "conf/load.h"

#include <stdlib.h>
#include <string.h>

/* A variable that stands for a key below mcpProxy. */
struct override {
	const char *name, *path;
};

static const struct override plain[] = {
	{ "MCPGATE_LISTEN", "listen" },
	{ "MCPGATE_WORKERS", "workers" },
	{ "MCPGATE_LOG_LEVEL", "log.level" },
	{ "MCPGATE_TRUSTED_PROXIES", "trustedProxies" },
	{ "AUTH_REQUIRED", "admin.authRequired" },
	{ "AUTH_HEADER_NAME", "options.inboundAuth.header" },
	{ "JWT_SECRET_KEY", "options.inboundAuth.jwt.secret" },
	{ "JWT_PUBLIC_KEY_PATH", "options.inboundAuth.jwt.publicKeyFile" },
	{ "JWT_ALGORITHM", "options.inboundAuth.jwt.algorithms" },
	{ "JWT_AUDIENCE", "options.inboundAuth.jwt.audience" },
	{ "JWT_ISSUER", "options.inboundAuth.jwt.issuer" },
	{ "ENABLE_HEADER_PASSTHROUGH", "options.passthrough.enabled" },
	{ "ENABLE_OVERWRITE_BASE_HEADERS",
	  "options.passthrough.overwriteBase" },
	{ "CACHE_TYPE", "store.type" },
	{ "REDIS_URL", "store.url" },
};

/* Of the product these names come from; nothing here reads them. */
static const char *const unused[] = {
	"TRUST_PROXY_AUTH_DANGEROUSLY", "AUTH_ENCRYPTION_SECRET",
	"REQUIRE_TOKEN_EXPIRATION", "REQUIRE_JTI", "TOKEN_EXPIRY",
	"MCPGATEWAY_UI_ENABLED", "MCPGATEWAY_ADMIN_API_ENABLED",
	"SSO_ENABLED", "ALLOWED_ORIGINS", "CORS_ENABLED",
	"SECURITY_HEADERS_ENABLED", "FEDERATION_ENABLED", "MCP_REQUIRE_AUTH",
	"JWT_AUDIENCE_VERIFICATION", "JWT_ISSUER_VERIFICATION",
	"JWT_PRIVATE_KEY_PATH", "API_ALLOW_BASIC_AUTH", "EMAIL_AUTH_ENABLED",
	"SKIP_SSL_VERIFY", "CORS_ALLOW_CREDENTIALS", "HSTS_ENABLED",
	"X_FRAME_OPTIONS", "TOOL_RATE_LIMIT",
};

static const char *
variable(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && *v != '\0' ? v : NULL;
}

static bool
says_true(const char *v)
{
	struct str s = str_of(v);

	return str_is_nocase(s, "true") || str_is(s, "1") ||
	    str_is_nocase(s, "yes") || str_is_nocase(s, "on");
}

static bool
says_false(const char *v)
{
	struct str s = str_of(v);

	return str_is_nocase(s, "false") || str_is(s, "0") ||
	    str_is_nocase(s, "no") || str_is_nocase(s, "off");
}

/* What is neither stops the start: who can say which was meant? */
static bool
check_switch(struct loading *l, const char *name)
{
	const char *v = variable(name);

	if (v == NULL || says_true(v) || says_false(v))
		return true;
	report_add(l->report, "E04", l->root, "environment %s: \"%.*s\" is "
	    "not a known word; one of true, false", name,
	    STR_ARG(str_head(str_of(v), 32)));
	return false;
}

/* ---- putting a value into the tree ------------------------------------------------- */
static struct node *
block_in(struct loading *l, struct node *parent, const char *name)
{
	struct node *n = node_member(parent, str_of(name));

	if (n != NULL && n->type == JDOC_OBJECT)
		return n;
	if (n == NULL) {
		n = node_new(l->arena, parent, JDOC_OBJECT, name);
		node_add(l->arena, parent, n);
	}
	n->type = JDOC_OBJECT;
	return n;
}

static struct node *
member_in(struct loading *l, struct node *block, struct str name)
{
	struct node *n = node_member(block, name), *fresh;
	const struct node *at = n != NULL ? n : block;

	fresh = node_new(l->arena, at, JDOC_STRING, NULL);
	fresh->from_env = true;
	fresh->added = n == NULL || n->added;
	fresh->name = fresh->written = str_copy(l->arena, name);
	fresh->parent = block;
	if (n == NULL) {
		node_add(l->arena, block, fresh);
		return fresh;
	}
	*n = *fresh;
	return n;
}

/* The row of a path below mcpProxy. */
static const struct row *
row_of(struct loading *l, const char *path)
{
	if (strncmp(path, "options.", 8) == 0)
		return schema_key(path);
	return schema_key(str_fmt(l->arena, "mcpProxy.%s", path).p);
}

static struct node *
put(struct loading *l, const char *variable_name, const char *path,
	struct str value)
{
	struct node *n = block_in(l, l->root, "mcpProxy");
	struct str rest = str_of(path), part = str_cut(&rest, '.');
	const struct row *r = row_of(l, path);

	while (rest.p != NULL) {
		n = block_in(l, n, str_copy(l->arena, part).p);
		part = str_cut(&rest, '.');
	}
	n = member_in(l, n, part);
	n->text = n->raw = str_copy(l->arena, value);
	if (row_is_secret(r) || (r->flags & ROW_MASKED) != 0)
		n->raw = str_fmt(l->arena, "${%s}", variable_name);
	n->expanded = true;
	file_mix(l, value);
	report_add(l->report, "W13", n,
	    "environment %s overrides mcpProxy.%s", variable_name, path);
	load_value(l, n, r);
	return n;
}

static void
put_bool(struct loading *l, const char *name, const char *path, const char *v)
{
	if (check_switch(l, name))
		put(l, name, path, says_true(v) ? STR("true") : STR("false"));
}

static void
put_plain(struct loading *l, const struct override *o)
{
	const char *v = variable(o->name);
	const struct row *r = row_of(l, o->path);

	if (v == NULL)
		return;
	if (r->kind == ROW_BOOL)
		put_bool(l, o->name, o->path, v);
	else
		put(l, o->name, o->path, str_of(v));
}

static bool
strategies_written(const struct node *inbound)
{
	enum strategy list[STRATEGIES];

	return inherit_strategies(inbound, list) > 0 &&
	    list[0] != STRATEGY_LOCAL;
}

/* ---- lists -------------------------------------------------------------------------------- */
/* ["a","b"] or a,b */
static void
put_headers(struct loading *l)
{
	const char *v = variable("DEFAULT_PASSTHROUGH_HEADERS");
	char *plainer;
	size_t n = 0;

	if (v == NULL)
		return;
	plainer = arena_alloc(l->arena, strlen(v) + 1);
	for (; *v != '\0'; v++) {
		if (strchr("[]\"", *v) == NULL)
			plainer[n++] = *v;
	}
	put(l, "DEFAULT_PASSTHROUGH_HEADERS", "options.passthrough.headers",
	    (struct str){ plainer, n });
}

/* One more text in a list, which may be missing. */
static void
append(struct loading *l, const char *name, const char *path, const char *v)
{
	struct node *list = node_at(l->root,
	    str_fmt(l->arena, "mcpProxy.%s", path).p), *kid;

	if (list == NULL || list->type != JDOC_ARRAY) {
		put(l, name, path, str_of(v));
		return;
	}
	kid = node_text(l->arena, list, NULL, str_copy(l->arena, str_of(v)));
	kid->raw = str_fmt(l->arena, "${%s}", name);
	kid->expanded = true;
	kid->row = list->row;
	file_mix(l, kid->text);
	node_add(l->arena, list, kid);
	report_add(l->report, "W13", list,
	    "environment %s overrides mcpProxy.%s", name, path);
}

static void
put_tokens(struct loading *l)
{
	const char *token = variable("MCP_AUTH_TOKEN");
	const char *admin = variable("MCP_ADMIN_TOKEN");
	const struct node *o = node_at(l->root, "mcpProxy.options"),
	    *inbound = node_get(o, "inboundAuth");

	if (token != NULL && node_get(inbound, "strategy") == NULL &&
	    !strategies_written(inbound) &&
	    node_get(o, "authTokens") == NULL &&
	    node_get(o, "authMode") == NULL)
		append(l, "MCP_AUTH_TOKEN", "options.inboundAuth.token.values",
		    token);
	if (admin != NULL)
		append(l, "MCP_ADMIN_TOKEN", "admin.tokens", admin);
}

/* ---- the rest ------------------------------------------------------------------------------ */
static void
not_used(struct loading *l, const char *name)
{
	if (variable(name) != NULL)
		report_add(l->report, "W17", l->root,
		    "environment %s is not used", name);
}

/* The first whole pair; half of one is nothing. */
static void
put_basic(struct loading *l)
{
	static const char *const pairs[][2] = {
		{ "PLATFORM_ADMIN_EMAIL", "PLATFORM_ADMIN_PASSWORD" },
		{ "BASIC_AUTH_USER", "BASIC_AUTH_PASSWORD" },
	};
	bool done = false;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		const char *user = pairs[i][0], *word = pairs[i][1];

		if (done || variable(user) == NULL || variable(word) == NULL) {
			not_used(l, user);
			not_used(l, word);
			continue;
		}
		put(l, user, "admin.basic.user", str_of(variable(user)));
		put(l, word, "admin.basic.password", str_of(variable(word)));
		done = true;
	}
}

static void
put_session_time(struct loading *l)
{
	const char *v = variable("SESSION_TTL");
	uint64_t seconds;

	if (v == NULL)
		return;
	if (str_number(str_of(v), &seconds) && seconds < 1000000000)
		put(l, "SESSION_TTL", "options.sessions.idleTimeout",
		    str_fmt(l->arena, "%llus", (unsigned long long)seconds));
	else
		put(l, "SESSION_TTL", "options.sessions.idleTimeout",
		    str_of(v));
}

static void
put_database(struct loading *l)
{
	const char *v = variable("DATABASE_URL");

	if (v == NULL)
		return;
	if (!str_starts(str_of(v), STR("sqlite:")) ||
	    node_at(l->root, "mcpProxy.audit.enabled") == NULL)
		report_add(l->report, "W17", l->root,
		    "environment DATABASE_URL is not used");
	else
		report_add(l->report, "W15", node_at(l->root, "mcpProxy.audit"),
		    "\"DATABASE_URL\" is ignored: not in this build");
}

/* ---- who authenticates: two switches ------------------------------------------------------ */
/* "jwt,proxy": what is configured, with proxy added. */
static struct str
with_proxy(struct loading *l, const struct node *inbound)
{
	const struct row *r = schema_key("options.inboundAuth.strategy");
	enum strategy list[STRATEGIES];
	struct str text = STR("proxy");
	uint32_t n;

	if (!strategies_written(inbound))
		return text;
	n = inherit_strategies(inbound, list);
	while (n > 0) {
		n--;
		if (list[n] == STRATEGY_PROXY || list[n] == STRATEGY_NONE)
			continue;
		text = str_fmt(l->arena, "%.*s,%.*s",
		    STR_ARG(row_word_text(r, (int64_t)list[n])),
		    STR_ARG(text));
	}
	return text;
}

static void
put_switches(struct loading *l)
{
	const char *client = variable("MCP_CLIENT_AUTH_ENABLED");
	const char *trust = variable("TRUST_PROXY_AUTH");
	const struct node *inbound =
	    node_at(l->root, "mcpProxy.options.inboundAuth");
	bool on = client == NULL || says_true(client);
	bool proxy = trust != NULL && says_true(trust);

	if (!check_switch(l, "MCP_CLIENT_AUTH_ENABLED") ||
	    !check_switch(l, "TRUST_PROXY_AUTH") ||
	    (client == NULL && trust == NULL))
		return;
	if (!on && !proxy) {
		report_add(l->report, "E40", l->root, "MCP client "
		    "authentication is disabled but trust_proxy_auth is not "
		    "set");
		return;
	}
	if (on && proxy)
		put(l, "TRUST_PROXY_AUTH", "options.inboundAuth.strategy",
		    with_proxy(l, inbound));
	else if (proxy)
		put(l, "MCP_CLIENT_AUTH_ENABLED",
		    "options.inboundAuth.strategy", STR("proxy"));
	l->proxy_alone = !on;
}

/* The name of a header trusts nobody: without a rule for proxies, or the word
 * that there shall be one, it would become one. */
static void
put_user_header(struct loading *l)
{
	const char *v = variable("PROXY_USER_HEADER");
	const char *trust = variable("TRUST_PROXY_AUTH");
	const struct node *inbound =
	    node_at(l->root, "mcpProxy.options.inboundAuth");

	if (v == NULL)
		return;
	if ((trust == NULL || !says_true(trust)) &&
	    node_get(inbound, "proxy") == NULL)
		report_add(l->report, "W17", l->root,
		    "environment PROXY_USER_HEADER is not used");
	else
		put(l, "PROXY_USER_HEADER",
		    "options.inboundAuth.proxy.userHeader", str_of(v));
}

/* JWT_ keys add the strategy where none is written; the block alone says so
 * (inherit_strategies), unless authTokens or a list stands in the way. */
static void
tell_unused(struct loading *l)
{
	for (size_t i = 0; i < sizeof(unused) / sizeof(unused[0]); i++)
		not_used(l, unused[i]);
}

/* Told where the file says something, or where nothing means yes. */
static void
tell_switch(struct loading *l)
{
	const struct node *n = node_at(l->root, "mcpProxy.envOverrides");
	const char *v = variable("MCPGATE_ENV_OVERRIDES");

	if (v == NULL || !check_switch(l, "MCPGATE_ENV_OVERRIDES"))
		return;
	if (n != NULL || says_false(v))
		report_add(l->report, "W13", n != NULL ? n : l->root,
		    "environment MCPGATE_ENV_OVERRIDES overrides "
		    "mcpProxy.envOverrides");
}

static bool
switched_off(const struct loading *l)
{
	const struct node *n = node_at(l->root, "mcpProxy.envOverrides");
	const char *v = variable("MCPGATE_ENV_OVERRIDES");

	if (!l->src->env_overrides)
		return true;
	if (v != NULL)
		return !says_true(v);
	return n != NULL && !n->bad && n->number == 0;
}

/* Whom connections to identity providers trust. */
static void
take_authorities(struct loading *l)
{
	const char *file = variable("SSL_CERT_FILE");

	l->conf->ca_file = STR("");
	if (file != NULL && l->src->env_proxy)
		l->conf->ca_file = str_copy(l->arena, str_of(file));
}

void
env_apply(struct loading *l)
{
	take_authorities(l);
	if (l->src->env_overrides)
		tell_switch(l);
	if (switched_off(l))
		return;
	put_tokens(l);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		put_plain(l, &plain[i]);
	put_headers(l);
	put_basic(l);
	put_session_time(l);
	put_database(l);
	put_switches(l);
	put_user_header(l);
	tell_unused(l);
}
