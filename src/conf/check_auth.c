/* SPDX-License-Identifier: MIT */
/*
 * check_auth -- complete an inbound rule, and refuse one that cannot work
 *
 * One function per rule; a rule looks only at strategies that are in use.
 */
#include "config.h"
#include "conf/load.h"

#include <string.h>

#include "base/limits.h"
#include "conf/uri.h"

/* The rule under review. */
struct review {
	struct loading *l;
	struct conf_inbound *in;
	const struct node *block;	/* inboundAuth; NULL: none is there */
	const struct node *at;		/* where to point without a block */
	struct conf_server *server;	/* NULL: the gateway's own rule */
	struct str name;
};

static const struct node *
place(const struct review *r, const char *path)
{
	const struct node *n = node_at(r->block, path);

	if (n == NULL)
		n = r->block;
	return n != NULL ? n : r->at;
}

/* Shorter than it may be, or out of some paper. */
static bool
too_weak(const struct review *r, const char *path, size_t least)
{
	const struct node *n = node_at(r->block, path);

	return n != NULL && !n->bad && !r->l->weak &&
	    (n->text.n < least || keys_published(n->text));
}

static void
needs(const struct review *r, const char *path, const char *who,
	const char *what)
{
	report_add(r->l->report, "E42", place(r, path), "%s needs %s", who,
	    what);
}

/* ---- none, local, token, apikey ---------------------------------------------------- */
static void
fill_strategies(struct review *r)
{
	struct conf_inbound *in = r->in;
	const struct node *written = node_get(r->block, "strategy");

	in->n_strategies = inherit_strategies(r->block, in->strategies);
	in->set = (written != NULL && written->n > 0) ||
	    in->strategies[0] != STRATEGY_LOCAL;
}

static void
check_none(struct review *r)
{
	struct conf_inbound *in = r->in;

	for (uint32_t i = 0; i + 1 < in->n_strategies; i++) {
		if (in->strategies[i] == STRATEGY_NONE)
			report_add(r->l->report, "E09", place(r, "strategy"),
			    "\"none\" and \"a later strategy\" exclude each "
			    "other");
	}
	if (conf_has_strategy(in, STRATEGY_NONE) && r->server != NULL)
		report_add(r->l->report, "W08", place(r, "strategy"),
		    "\"%.*s\" is open to everybody", STR_ARG(r->name));
	if (!in->set && r->server != NULL)
		report_add(r->l->report, "W07", place(r, "strategy"),
		    "\"%.*s\" has no inbound authentication: only local "
		    "clients are served", STR_ARG(r->name));
}

/* Authorization brings the characters of RFC 6750 alone; what stands in other
 * headers is a list with a comma in it. */
static bool
can_come(struct str value, bool bearer)
{
	while (bearer && value.n > 1 && value.p[value.n - 1] == '=')
		value.n--;
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i], low = (char)(c | 0x20);
		bool plain = (c >= '0' && c <= '9') ||
		    (low >= 'a' && low <= 'z');

		if (bearer ? !plain && strchr("-._~+/", c) == NULL :
		    c == ',' || c == '"')
			return false;
	}
	return true;
}

/* Who writes a value down that no caller can present should learn of it. */
static void
check_values(const struct review *r, const struct node *list,
    struct str header)
{
	bool bearer = header.n == 0 || str_is_nocase(header, "Authorization");

	if (list == NULL || list->type != JDOC_ARRAY)
		return;
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *n = list->kids[i];
		const struct node *v = n->type == JDOC_OBJECT ?
		    node_get(n, "value") : n;

		if (v == NULL || v->bad || !value_visible(v->text) ||
		    str_starts(v->text, STR("sha256:")) ||
		    can_come(v->text, bearer))
			continue;
		report_add(r->l->report, "W15", n, "\"token %u\" is ignored: %s",
		    i, bearer ? "Authorization carries letters, digits and "
		    "-._~+/ alone" : "no header carries a comma or a quote");
	}
}

static void
check_token(struct review *r)
{
	const struct node *block = node_get(r->block, "token");
	struct conf_inbound *in = r->in;

	in->token_prefix_set = node_get(block, "prefix") != NULL;
	in->tokens = keys_of_rule(r->l, block);
	keys_check(r->l, node_get(block, "values"));
	if (conf_has_strategy(in, STRATEGY_TOKEN))
		check_values(r, node_get(block, "values"),
		    in->token_header.n > 0 ? in->token_header : in->header);
	if (!conf_has_strategy(in, STRATEGY_TOKEN) || in->tokens.n > 0)
		return;
	if (!in->tokens.set)
		needs(r, "token", "token", "token.values");
	else if (in->n_strategies == 1 && r->l->report->errors == 0)
		in->strategies[0] = STRATEGY_NONE;	/* [] means open */
}

static void
check_apikey(struct review *r)
{
	const struct node *block = node_get(r->block, "apikey");

	r->in->apikeys = keys_of_rule(r->l, block);
	keys_check(r->l, node_get(block, "values"));
	keys_check(r->l, node_get(block, "value"));
	if (conf_has_strategy(r->in, STRATEGY_APIKEY)) {
		struct str header = r->in->apikey_header;

		header = header.n > 0 ? header : STR("X-API-Key");
		check_values(r, node_get(block, "values"), header);
		check_values(r, node_get(block, "value"), header);
	}
	if (conf_has_strategy(r->in, STRATEGY_APIKEY) && r->in->apikeys.n == 0)
		report_add(r->l->report, "E46", place(r, "apikey"),
		    "no key is set");
}

/* ---- presets of proxies --------------------------------------------------------- */
struct preset {
	const char *word, *user, *email, *groups, *format, *claim, *profile;
};

static const struct preset presets[] = {
	{ "oauth2-proxy", "X-Auth-Request-User", "X-Auth-Request-Email",
	  "X-Auth-Request-Groups", "text", NULL, NULL },
	{ "authelia", "Remote-User", "Remote-Email", "Remote-Groups", "text",
	  NULL, NULL },
	{ "cloudflare", "Cf-Access-Jwt-Assertion", NULL, NULL, "jwt", NULL,
	  "cloudflare" },
	{ "aws-alb", "X-Amzn-Oidc-Data", NULL, NULL, "jwt", NULL, "aws-alb" },
	{ "kong", "X-Consumer-Username", NULL, "X-Consumer-Groups", "text",
	  NULL, NULL },
	{ "istio", "X-Jwt-Payload", NULL, NULL, "jwt-payload", "sub", NULL },
};

struct str
conf_jwt_header(const struct conf_jwt *j)
{
	if (j->header.n > 0)
		return j->header;
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		if (presets[i].profile != NULL &&
		    str_is(j->profile, presets[i].profile))
			return str_of(presets[i].user);
	}
	return STR_NONE;
}

/* What is written stays. */
static void
put_preset(const struct review *r, const char *path, const char *word,
	struct str *text)
{
	if (word != NULL && node_at(r->block, path) == NULL)
		*text = str_of(word);
}

static void
fill_preset(struct review *r)
{
	struct conf_proxy_identity *p = &r->in->proxy;

	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
		const struct preset *k = &presets[i];

		if (!str_is(p->preset, k->word))
			continue;
		if (p->param.n == 0)
			put_preset(r, "proxy.userHeader", k->user,
			    &p->user_header);
		put_preset(r, "proxy.emailHeader", k->email, &p->email_header);
		put_preset(r, "proxy.groupsHeader", k->groups,
		    &p->groups_header);
		put_preset(r, "proxy.format", k->format, &p->format);
		put_preset(r, "proxy.claim", k->claim, &p->claim);
		put_preset(r, "jwt.profile", k->profile, &r->in->jwt.profile);
	}
}

/* The header of a proxy is verified by the jwt block. */
static bool
is_signed(const struct review *r)
{
	return conf_has_strategy(r->in, STRATEGY_PROXY) &&
		str_is(r->in->proxy.format,
	    "jwt");
}

/* ---- jwt --------------------------------------------------------------------------- */
static const struct str rs256 = { "RS256", 5 }, hs256 = { "HS256", 5 },
	es256 = { "ES256", 5 };

static bool
is_balancer(const struct conf_jwt *j)
{
	return str_is(j->profile, "aws-alb");
}

static void
default_algorithms(struct conf_jwt *j)
{
	if (j->algorithms.set)
		return;
	j->algorithms.v = is_balancer(j) ? &es256 :
	    secret_empty(j->secret) ? &rs256 : &hs256;
	j->algorithms.n = 1;
}

static bool
https_or_local(struct review *r, struct str text)
{
	struct uri u;

	if (text.n == 0 || !uri_parse(r->l->arena, text, &u))
		return true;
	return str_is(u.scheme, "https") || uri_loopback(&u) ||
	    r->in->jwt.allow_insecure;
}

/* Keys are looked for at the issuers. */
static void
check_issuers(struct review *r)
{
	const struct conf_texts *list = &r->in->jwt.issuer;

	for (uint32_t i = 0; i < list->n; i++) {
		struct uri u;

		if (uri_parse(r->l->arena, list->v[i], &u) &&
		    uri_is_http(&u) && !u.has_user && !u.has_query &&
		    !u.has_fragment && https_or_local(r, list->v[i]))
			continue;
		report_add(r->l->report, "E62", place(r, "jwt.issuer"),
		    "must be an absolute https URL");
		return;
	}
}

/* An empty list would be no condition at all. */
static void
check_written(struct review *r, const char *path)
{
	const struct node *n = node_at(r->block, path);

	if (n != NULL && !n->bad && n->type == JDOC_ARRAY && n->n == 0)
		report_add(r->l->report, "E02", n,
		    "expected a value, found none");
}

static bool
has_keys(const struct conf_jwt *j)
{
	return j->jwks_url.n > 0 || j->jwks_file.n > 0 ||
	    j->public_key_file.n > 0;
}

static void
check_algorithms(struct review *r)
{
	const struct conf_jwt *j = &r->in->jwt;
	const struct node *at = place(r, "jwt.algorithms");
	size_t least = 0;
	uint32_t hs = 0;

	for (uint32_t i = 0; i < j->algorithms.n; i++) {
		struct str alg = j->algorithms.v[i];

		if (str_is(alg, "none"))
			report_add(r->l->report, "E43", at,
			    "algorithm \"none\" is never allowed");
		if (!str_starts(alg, STR("HS")))
			continue;
		hs++;
		if (least < (str_is(alg, "HS512") ? 64u :
		    str_is(alg, "HS384") ? 48u : 32u))
			least = str_is(alg, "HS512") ? 64 :
			    str_is(alg, "HS384") ? 48 : 32;
	}
	if ((hs > 0) == secret_empty(j->secret) || (hs > 0 && has_keys(j)) ||
	    (hs > 0 && hs < j->algorithms.n))
		report_add(r->l->report, "E44", at, "HS algorithms need "
		    "jwt.secret and exclude key sets");
	if (too_weak(r, "jwt.secret", least))
		report_add(r->l->report, "E45", place(r, "jwt.secret"),
		    "secret is shorter than %zu bytes or a published sample",
		    least);
}

static void
read_keys(struct review *r, const char *path, struct str file)
{
	struct file_text t;
	const char *why;

	if (file_read(r->l, file.p, MAX_KEY_SET, FILE_PUBLIC, &t, &why)) {
		r->in->jwt.keys_text = t.text;
		return;
	}
	server_unusable(r->l, r->server, "E08", place(r, path),
	    "cannot read \"%.*s\": %s", STR_ARG(file), why);
}

static void
fill_jwt(struct review *r)
{
	struct conf_jwt *j = &r->in->jwt;

	check_claims(r->l, node_at(r->block, "jwt.claims"));
	j->claims = fill_pairs(r->l, node_at(r->block, "jwt.claims"));
	j->prefix_set = node_at(r->block, "jwt.prefix") != NULL;
	default_algorithms(j);
}

/* Keys come from one place: which would count otherwise? */
static void
exclude(struct review *r, const char *k, struct str one, const char *other,
	struct str two)
{
	if (one.n > 0 && two.n > 0)
		report_add(r->l->report, "E09", place(r, str_fmt(r->l->arena,
		    "jwt.%s", other).p), "\"%s\" and \"%s\" exclude each "
		    "other", k, other);
}

static void
check_jwt(struct review *r)
{
	struct conf_jwt *j = &r->in->jwt;

	fill_jwt(r);
	if (!conf_has_strategy(r->in, STRATEGY_JWT) && !is_signed(r))
		return;
	if (!has_keys(j) && secret_empty(j->secret) && !is_balancer(j)) {
		if (j->issuer.n == 0)
			needs(r, "jwt", "jwt", "jwt.jwksUrl, "
			    "jwt.publicKeyFile, jwt.secret or jwt.issuer");
		check_issuers(r);
	}
	check_written(r, "jwt.issuer");
	if (has_keys(j) || !secret_empty(j->secret) || j->issuer.n > 0)
		check_algorithms(r);
	exclude(r, "jwksFile", j->jwks_file, "publicKeyFile",
	    j->public_key_file);
	exclude(r, "jwksUrl", j->jwks_url, "jwksFile", j->jwks_file);
	exclude(r, "jwksUrl", j->jwks_url, "publicKeyFile",
	    j->public_key_file);
	if (!https_or_local(r, j->jwks_url))
		report_add(r->l->report, "E62", place(r, "jwt.jwksUrl"),
		    "must be an absolute https URL");
	if (j->audience.n == 0 && !resource_default(r->l->conf, r->in))
		report_add(r->l->report, "W09", place(r, "jwt"),
		    "jwt.audience is not set: tokens issued for other services "
		    "are accepted");
	if (is_balancer(j) && (j->signer.n == 0 || j->region.n == 0))
		needs(r, "jwt.profile", "aws-alb", "jwt.signer and jwt.region");
	if (j->jwks_file.n > 0)
		read_keys(r, "jwt.jwksFile", j->jwks_file);
	if (j->public_key_file.n > 0)
		read_keys(r, "jwt.publicKeyFile", j->public_key_file);
}

/* ---- introspection, scripts --------------------------------------------------------- */
static void
check_endpoint(struct review *r, const char *path, struct str url)
{
	if (!https_or_local(r, url))
		report_add(r->l->report, "E62", place(r, path),
		    "must be an absolute https URL");
}

static void
check_introspection(struct review *r, const struct node *b)
{
	const struct conf_introspection *i = &r->in->introspection;
	const char *at = "introspection";

	if (node_get(b, "endpoint") == NULL && node_get(b, "issuer") == NULL)
		needs(r, at, at,
		    "introspection.endpoint or introspection.issuer");
	if (i->login != LOGIN_BEARER && i->client_id.n == 0)
		needs(r, at, at, "introspection.clientId");
	if (node_get(b, "clientSecret") == NULL ||
	    node_get(b, "clientSecret")->text.n == 0)
		needs(r, at, at, "introspection.clientSecret");
	else if (i->login == LOGIN_BEARER &&
	    !value_visible(node_get(b, "clientSecret")->text))
		report_add(r->l->report, "E22",
		    place(r, "introspection.clientSecret"),
		    "token 0 holds characters that a header cannot carry");
	check_written(r, "introspection.audience");
	check_endpoint(r, "introspection.endpoint", i->endpoint);
	check_endpoint(r, "introspection.issuer", i->issuer);
}

static void
check_asking(struct review *r)
{
	const struct node *b = node_get(r->block, "introspection");

	if (conf_has_strategy(r->in, STRATEGY_INTROSPECTION))
		check_introspection(r, b);
	if (conf_has_strategy(r->in, STRATEGY_LUA) &&
	    node_at(r->block, "lua.source") == NULL)
		needs(r, "lua", "lua", "lua.source");
	if (conf_has_strategy(r->in, STRATEGY_JS) &&
	    node_at(r->block, "js.source") == NULL)
		needs(r, "js", "js", "js.source");
}

/* ---- proxy ----------------------------------------------------------------------------- */
static bool
anybody(const struct conf_cidrs *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (list->v[i].bits == 0 && !list->v[i].unix_peer)
			return true;
	}
	return false;
}

/* The default stays one: what is written holds for a variable, too. */
static void
fill_proxy(struct review *r)
{
	struct conf_proxy_identity *p = &r->in->proxy;

	if (!p->trusted_peers.set && !str_is(p->format, "jwt")) {
		p->trusted_peers = r->l->conf->trusted_proxies;
		p->trusted_peers.set = false;
	}
	if (p->peer_param.n == 0)
		p->peer_param = r->l->conf->peer_param;
}

static void
check_proxy(struct review *r)
{
	struct conf_proxy_identity *p = &r->in->proxy;
	bool secret = node_at(r->block, "proxy.secret") != NULL;

	fill_proxy(r);
	if (!conf_has_strategy(r->in, STRATEGY_PROXY))
		return;
	if (p->param.n > 0 && node_at(r->block, "proxy.userHeader") != NULL)
		report_add(r->l->report, "E09", place(r, "proxy.param"),
		    "\"param\" and \"userHeader\" exclude each other");
	if (secret != (p->secret_header.n > 0))
		needs(r, "proxy", "proxy", secret ? "proxy.secretHeader" :
		    "proxy.secret");
	if (too_weak(r, "proxy.secret", 16))
		report_add(r->l->report, "E45", place(r, "proxy.secret"),
		    "secret is shorter than 16 bytes or a published sample");
	if (p->param.n > 0 || str_is(p->format, "jwt"))
		return;
	if ((p->trusted_peers.n == 0 || anybody(&p->trusted_peers)) && !secret)
		report_add(r->l->report, "E41", place(r, "proxy"), "proxy "
		    "authentication needs trustedPeers, trustedProxies, a "
		    "secret or proxy.param");
}

/* What browsers send by themselves is no credential. */
static void
check_places(struct review *r)
{
	static const char *const paths[] = { "header", "token.header",
		"apikey.header", "jwt.header" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const struct node *n = node_at(r->block, paths[i]);

		if (n != NULL && !n->bad && str_is_nocase(n->text, "Cookie"))
			report_add(r->l->report, "E63", n,
			    "\"%.*s\" cannot be a header here",
			    STR_ARG(n->text));
	}
}

void
check_inbound(struct loading *l, struct conf_inbound *in,
	const struct node *options, struct conf_server *s,
	const struct node *at)
{
	struct review r = {
		.l = l, .in = in, .block = node_get(options, "inboundAuth"),
		.at = at, .server = s, .name = STR("mcpProxy"),
	};

	if (s != NULL)
		r.name = s->name;
	fill_strategies(&r);
	fill_preset(&r);
	check_places(&r);
	check_token(&r);
	check_none(&r);
	check_apikey(&r);
	check_jwt(&r);
	check_asking(&r);
	check_proxy(&r);
}
