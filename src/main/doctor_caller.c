/* SPDX-License-Identifier: MIT */
/*
 * doctor: do credentials arrive, do forged identities stay out
 */
#include "config.h"

#include "base/arena.h"
#include "main/doctor.h"

#define NOBODY "mcpgate-doctor-holds-no-token"	/* valid nowhere */
#define FORGED "mcpgate-doctor"			/* and so is this user */
#define MOST_SERVERS 16
#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

static const char *const no_authorization[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "let the web server pass the header Authorization "
		"on",
	[FRONT_NGINX] = "remove fastcgi_param HTTP_AUTHORIZATION \"\" and "
		"fastcgi_pass_request_headers off",
	[FRONT_APACHE] = "CGIPassAuth On\nin the <Location>, <Directory> or "
		".htaccess of the mount; where that is refused:\n"
		"SetEnvIf Authorization \"(.*)\" HTTP_AUTHORIZATION=$1",
	[FRONT_LIGHTTPD] = "auth.backend or a rule removes Authorization: "
		"take the mount out of it",
};

static const char *const forged_passes[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "let the web server remove this header from "
		"clients, give it a secret (proxy.secretHeader), or use "
		"proxy.param; an address in trustedPeers that clients have, "
		"too, trusts them all",
	[FRONT_NGINX] = "underscores_in_headers off; and proxy.param with "
		"fastcgi_param MCPGATE_USER $remote_user; with auth_basic, "
		"instead of a header",
	[FRONT_APACHE] = "RequestHeader unset NAME early, before it is set "
		"again; or REMOTE_USER as proxy.param",
	[FRONT_LIGHTTPD] = "lighttpd passes other spellings of a header on: "
		"let it authenticate,\nand use REMOTE_USER as proxy.param",
};

/* ---- which server to ask --------------------------------------------------------- */
static bool
takes_bearer(const struct conf_inbound *in)
{
	return str_is_nocase(in->header, "Authorization") &&
		((conf_has_strategy(in, STRATEGY_TOKEN) &&
		in->token_header.n == 0) ||
		(conf_has_strategy(in, STRATEGY_JWT) &&
		in->jwt.header.n == 0) ||
		conf_has_strategy(in, STRATEGY_INTROSPECTION));
}

static bool
is_locked(const struct conf_inbound *in)
{
	return !conf_has_strategy(in, STRATEGY_NONE) &&
		!conf_has_strategy(in, STRATEGY_LOCAL);
}

static void
ask_server(struct doctor *d, struct str name, struct str token,
	const struct header *headers, uint32_t n, struct ask_reply *r_r)
{
	ask(d, &(struct ask){ .method = "POST", .url = str_fmt(d->arena,
		"%.*s/%.*s/mcp", STR_ARG(d->base), STR_ARG(name)),
		.body = STR(PING), .token = token, .headers = headers,
		.n_headers = n }, r_r);
}

/* Who says nothing may have let somebody in, or not. */
static bool
is_silent(struct doctor *d, const char *check, struct str name,
	const struct ask_reply *r)
{
	if (r->status == 0)
		doctor_find(d, FINDING_WARN, check, str_fmt(d->arena,
			"\"%.*s\": no answer: %s", STR_ARG(name), r->why),
			NULL);
	return r->status == 0;
}

/* ---- Authorization ------------------------------------------------------------------ */
static void
judge_bearer(struct doctor *d, struct str name, const struct ask_reply *r)
{
	static const char check[] = "authorization";

	if (is_silent(d, check, name, r))
		return;
	if (r->status == 401 && ask_says(r, "\"invalid_token\""))
		doctor_find(d, FINDING_OK, check, str_fmt(d->arena,
			"arrives (a wrong token at \"%.*s\" is told from "
			"none)", STR_ARG(name)), NULL);
	else if (r->status == 401)
		doctor_find(d, FINDING_FAIL, check, str_fmt(d->arena,
			"a Bearer token sent to \"%.*s\" does not arrive",
			STR_ARG(name)), no_authorization);
	else if (r->status == 200)
		doctor_find(d, FINDING_FAIL, check, str_fmt(d->arena,
			"\"%.*s\" takes a made-up token", STR_ARG(name)),
			NULL);
	else
		doctor_find(d, FINDING_WARN, check, str_fmt(d->arena,
			"\"%.*s\" answers %d: %.*s", STR_ARG(name), r->status,
			STR_ARG(str_head(r->body, 200))), NULL);
}

static void
check_bearer(struct doctor *d)
{
	for (uint32_t i = 0; i < d->conf->n_servers; i++) {
		const struct conf_server *s = &d->conf->servers[i];
		struct ask_reply r;

		if (s->options.disabled || s->invalid.n > 0 ||
		    !takes_bearer(&s->options.inbound))
			continue;
		ask_server(d, s->name, STR(NOBODY), NULL, 0, &r);
		judge_bearer(d, s->name, &r);
		return;
	}
	doctor_find(d, FINDING_SKIP, "authorization",
		STR("no server takes Bearer tokens"), NULL);
}

/* ---- forged identities -------------------------------------------------------------- */
#define USER STR(FORGED)
#define LOCAL STR("127.0.0.1")

/* What products call the user, in the spellings that web servers mix up. */
static const struct header forged[] = {
	{ STR("X-Authenticated-User"), USER },
	{ STR("X_Authenticated_User"), USER },
	{ STR("X.Authenticated.User"), USER },
	{ STR("Remote-User"), USER }, { STR("Remote_User"), USER },
	{ STR("X-Remote-User"), USER }, { STR("X-Forwarded-User"), USER },
	{ STR("X_Forwarded_User"), USER },
	{ STR("X-Auth-Request-User"), USER },
	{ STR("X-Consumer-Username"), USER }, { STR("X-WebAuth-User"), USER },
	{ STR("Cf-Access-Authenticated-User-Email"), USER },
	{ STR("Mcpgate-User"), USER }, { STR("X-Mcpgate-User"), USER },
	{ STR("X-Forwarded-For"), LOCAL }, { STR("X_Forwarded_For"), LOCAL },
	{ STR("X-Real-IP"), LOCAL }, { STR("Forwarded"), STR("for=127.0.0.1") },
	{ STR("Proxy-Authorization"), STR("Basic bWNwZ2F0ZTpkb2N0b3I=") },
	{ STR("Authorization"), STR("Basic bWNwZ2F0ZTpkb2N0b3I=") },
};

#define FORGED_N (sizeof(forged) / sizeof(forged[0]))

/* The header of the configuration, with '-' written as c. */
static struct header
spelled(struct doctor *d, struct str name, char c)
{
	char *p = arena_alloc(d->arena, name.n + 1);

	for (size_t i = 0; i < name.n; i++)
		p[i] = name.p[i] == '-' ? c : name.p[i];
	return (struct header){ { p, name.n }, USER };
}

static uint32_t
gather(struct doctor *d, const struct conf_inbound *in, struct header *v_r)
{
	struct str name = in->proxy.user_header;
	uint32_t n = 0;

	for (size_t i = 0; i < FORGED_N; i++)
		v_r[n++] = forged[i];
	if (name.n == 0 || str_is_nocase(name, "X-Authenticated-User"))
		return n;
	v_r[n++] = spelled(d, name, '-');
	v_r[n++] = spelled(d, name, '_');
	v_r[n++] = spelled(d, name, '.');
	return n;
}

/* Nobody came in: the words for that are few. */
static bool
kept_out(const struct ask_reply *r)
{
	return r->status == 400 || r->status == 401 || r->status == 403 ||
		r->status == 421 || r->status == 429 || r->status == 431;
}

/* One of them came in: which one? */
static struct str
culprit(struct doctor *d, struct str name, const struct header *v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct ask_reply r;

		ask_server(d, name, STR(""), &v[i], 1, &r);
		if (r.status != 0 && !kept_out(&r))
			return v[i].name;
	}
	return STR("several headers together");
}

static bool
forge(struct doctor *d, const struct conf_server *s)
{
	struct header v[FORGED_N + 3];
	uint32_t n = gather(d, &s->options.inbound, v);
	struct ask_reply plain, r;

	ask_server(d, s->name, STR(""), NULL, 0, &plain);
	if (is_silent(d, "identity", s->name, &plain))
		return false;
	if (!kept_out(&plain)) {
		doctor_find(d, FINDING_FAIL, "identity", str_fmt(d->arena,
			"\"%.*s\" answers %d without any credential",
			STR_ARG(s->name), plain.status), NULL);
		return false;
	}
	ask_server(d, s->name, STR(""), v, n, &r);
	if (is_silent(d, "identity", s->name, &r))
		return false;
	if (kept_out(&r))
		return true;
	doctor_find(d, FINDING_FAIL, "identity", str_fmt(d->arena,
		"\"%.*s\" believes a client's header: %.*s", STR_ARG(s->name),
		STR_ARG(culprit(d, s->name, v, n))), forged_passes);
	return false;
}

static void
check_forged(struct doctor *d)
{
	uint32_t asked = 0, good = 0;

	for (uint32_t i = 0; i < d->conf->n_servers &&
	    asked < MOST_SERVERS; i++) {
		const struct conf_server *s = &d->conf->servers[i];

		if (s->options.disabled || s->invalid.n > 0 ||
		    !is_locked(&s->options.inbound))
			continue;
		asked++;
		good += forge(d, s);
	}
	if (asked == 0)
		doctor_find(d, FINDING_SKIP, "identity",
			STR("no server asks who is calling"), NULL);
	else if (good == asked)
		doctor_find(d, FINDING_OK, "identity", str_fmt(d->arena,
			"forged headers change nothing at %u server(s)",
			asked), NULL);
}

void
doctor_credentials(struct doctor *d)
{
	if (d->conf == NULL)
		return;
	check_bearer(d);
	check_forged(d);
}
