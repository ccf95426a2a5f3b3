/* SPDX-License-Identifier: MIT */
/*
 * doctor: do streams stream, is the metadata where we say, may pages ask
 */
#include "config.h"

#include "base/arena.h"
#include "base/origin.h"
#include "main/doctor.h"

#define FOREIGN "https://mcpgate-doctor.invalid"
#define TICKS_MS 400		/* five ticks take 800 ms and more */
#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"

/* ---- streams -------------------------------------------------------------------------- */
static const char *const buffers[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "switch buffering of replies off, in the web server "
		"and in every proxy before it",
	[FRONT_NGINX] = "fastcgi_buffering off; and no gzip for "
		"text/event-stream",
	[FRONT_APACHE] = "ProxyPass ... flushpackets=on; with mod_fcgid "
		"FcgidOutputBufferSize 0;\nno mod_deflate on the mount",
	[FRONT_LIGHTTPD] = "server.stream-response-body = 1",
};

static const char *const arm[FRONT_SERVERS] = {
	"\"admin\": { \"enabled\": true, \"tokens\": [\"...\"] } lets this "
		"check ask"
};

static void
judge_stream(struct doctor *d, const struct ask_reply *r)
{
	static const char check[] = "streaming";

	if (r->status != 200)
		doctor_find(d, FINDING_WARN, check, str_fmt(d->arena,
			"the self-test answers %d: %.*s", r->status,
			STR_ARG(str_head(r->body, 200))), NULL);
	else if (ask_says(r, "\"streaming\":false"))
		doctor_find(d, FINDING_WARN, check, STR("streams are off: "
			"replies come as one document"),
			(const char *const[FRONT_SERVERS]){ "\"streaming\": "
			"\"on\", where the web server does not start the "
			"gateway itself" });
	else if (r->last_ms - r->first_ms < TICKS_MS)
		doctor_find(d, FINDING_FAIL, check, str_fmt(d->arena,
			"five ticks of a second came within %llu ms: somebody "
			"buffers", (unsigned long long)(r->last_ms -
			r->first_ms)), buffers);
	else
		doctor_find(d, FINDING_OK, check, str_fmt(d->arena,
			"live: first event after %llu ms, last after %llu ms",
			(unsigned long long)r->first_ms,
			(unsigned long long)r->last_ms), NULL);
}

static void
check_stream(struct doctor *d)
{
	struct ask_reply r;

	if (d->conf == NULL || !d->conf->admin_enabled ||
	    d->conf->admin_tokens.n == 0 ||
	    secret_empty(d->conf->admin_tokens.v[0].value)) {
		doctor_find(d, FINDING_SKIP, "streaming",
			STR("no admin token to ask with"), arm);
		return;
	}
	ask(d, &(struct ask){ .method = "GET", .url = str_fmt(d->arena,
		"%.*s/selftest/stream", STR_ARG(d->base)),
		.token = secret_reveal(d->conf->admin_tokens.v[0].value) },
		&r);
	judge_stream(d, &r);
}

/* ---- metadata -------------------------------------------------------------------------- */
static const char *const root_form[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "older clients look there: route "
		"/.well-known/oauth-protected-resource + mount to the gateway",
	[FRONT_NGINX] = "older clients look there: location ^~ "
		"/.well-known/oauth-protected-resource/MOUNT { ... }\nas in "
		"mcpgate --print-nginx",
	[FRONT_APACHE] = "older clients look there: ProxyPass "
		"\"/.well-known/oauth-protected-resource/MOUNT\" ...\nas in "
		"mcpgate --print-apache",
	[FRONT_LIGHTTPD] = "older clients look there: a second entry of "
		"fastcgi.server,\nas in mcpgate --print-lighttpd",
};

static struct str
told_place(const struct ask_reply *r)
{
	struct str challenge = headers_get(&r->headers,
		STR("WWW-Authenticate"));
	struct str rest = str_from(challenge, str_search(challenge,
		STR("resource_metadata=\"")) + 19);

	return str_head(rest, str_find(rest, '"'));
}

/* The path below the origin, /P/name/mcp. */
static void
check_root(struct doctor *d, struct str name)
{
	struct str path = str_from(d->base, d->origin.n);
	struct ask_reply r;

	ask(d, &(struct ask){ .method = "GET", .url = str_fmt(d->arena,
		"%.*s/.well-known/oauth-protected-resource%.*s/%.*s/mcp",
		STR_ARG(d->origin), STR_ARG(path), STR_ARG(name)) }, &r);
	if (r.status == 200 && ask_says(&r, "\"authorization_servers\""))
		doctor_find(d, FINDING_OK, "metadata root",
			STR("is there, too"), NULL);
	else
		doctor_find(d, FINDING_WARN, "metadata root", str_fmt(d->arena,
			"answers %d", r.status), root_form);
}

static void
judge_metadata(struct doctor *d, struct str name, struct str place)
{
	struct str want = str_fmt(d->arena, "\"resource\":\"%.*s/%.*s/mcp\"",
		STR_ARG(d->base), STR_ARG(name));
	struct ask_reply r;

	ask(d, &(struct ask){ .method = "GET", .url = place }, &r);
	if (r.status != 200)
		doctor_find(d, FINDING_FAIL, "metadata", str_fmt(d->arena,
			"%.*s answers %d: %s", STR_ARG(place), r.status,
			r.status == 0 ? r.why : "not the document"),
			(const char *const[FRONT_SERVERS]){ "baseURL is the "
			"URL that clients use" });
	else if (!ask_says(&r, want.p))
		doctor_find(d, FINDING_FAIL, "metadata", str_fmt(d->arena,
			"%.*s is about another resource than %.*s/%.*s/mcp",
			STR_ARG(place), STR_ARG(d->base), STR_ARG(name)),
			(const char *const[FRONT_SERVERS]){ "baseURL is the "
			"URL that clients use, byte for byte" });
	else
		doctor_find(d, FINDING_OK, "metadata", str_fmt(d->arena,
			"is at %.*s", STR_ARG(place)), NULL);
	if (r.status == 200)
		doctor_chain(d, r.body);
}

static void
check_metadata(struct doctor *d)
{
	for (uint32_t i = 0; d->conf != NULL && i < d->conf->n_servers; i++) {
		const struct conf_server *s = &d->conf->servers[i];
		struct ask_reply r;
		struct str place;

		if (s->options.disabled || s->invalid.n > 0)
			continue;
		ask(d, &(struct ask){ .method = "POST", .url = str_fmt(
			d->arena, "%.*s/%.*s/mcp", STR_ARG(d->base),
			STR_ARG(s->name)), .body = STR(PING) }, &r);
		place = told_place(&r);
		if (r.status != 401 || place.n == 0)
			continue;
		judge_metadata(d, s->name, place);
		check_root(d, s->name);
		return;
	}
	doctor_find(d, FINDING_SKIP, "metadata",
		STR("no server advertises an authorization server"), NULL);
}

/* ---- cross-origin requests -------------------------------------------------------------- */
static const char *const doubled[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "leave OPTIONS and Access-Control-* to the gateway: "
		"remove what the web server adds",
	[FRONT_NGINX] = "remove add_header Access-Control-... and if "
		"($request_method = OPTIONS) from the mount",
	[FRONT_APACHE] = "remove Header set Access-Control-... and rewrites "
		"of OPTIONS from the mount",
	[FRONT_LIGHTTPD] = "remove setenv.add-response-header with "
		"Access-Control-... from the mount",
};

static void
preflight(struct doctor *d, struct str path, struct str origin,
	struct ask_reply *r_r)
{
	const struct header rows[] = {
		{ STR("Origin"), origin },
		{ STR("Access-Control-Request-Method"), STR("POST") },
	};

	ask(d, &(struct ask){ .method = "OPTIONS", .url = str_fmt(d->arena,
		"%.*s%.*s", STR_ARG(d->base), STR_ARG(path)),
		.headers = rows, .n_headers = 2 }, r_r);
}

static void
check_foreign(struct doctor *d, struct str path)
{
	struct ask_reply r;

	preflight(d, path, STR(FOREIGN), &r);
	if (headers_count(&r.headers,
	    STR("Access-Control-Allow-Origin")) > 0)
		doctor_find(d, FINDING_FAIL, "origin", STR("a foreign page is "
			"told that it may ask"), doubled);
	else if (r.status == 403)
		doctor_find(d, FINDING_OK, "origin",
			STR("a foreign page is refused"), NULL);
	else
		doctor_find(d, FINDING_WARN, "origin", str_fmt(d->arena,
			"the preflight of a foreign page is answered with %d",
			r.status), doubled);
}

/* An origin of the list that can be asked for; "": none. */
static struct str
some_origin(const struct conf_cors *c)
{
	for (uint32_t i = 0; c->enabled && i < c->origins.n; i++) {
		struct origin_entry e;

		if (origin_entry_parse(c->origins.v[i], &e) &&
		    e.kind == ORIGIN_EXACT && !e.bare)
			return c->origins.v[i];
	}
	return STR("");
}

static void
check_allowed(struct doctor *d, struct str path, struct str origin)
{
	struct ask_reply r;
	uint32_t n;

	preflight(d, path, origin, &r);
	n = headers_count(&r.headers, STR("Access-Control-Allow-Origin"));
	if (r.status == 204 && n == 1 && headers_count(&r.headers,
	    STR("Access-Control-Allow-Methods")) == 1)
		doctor_find(d, FINDING_OK, "cors", str_fmt(d->arena,
			"a page of %.*s may ask", STR_ARG(origin)), NULL);
	else
		doctor_find(d, FINDING_FAIL, "cors", str_fmt(d->arena,
			"the preflight of %.*s is answered with %d and %u "
			"Access-Control-Allow-Origin", STR_ARG(origin),
			r.status, n), doubled);
}

/* Every page may ask: that is no fault of the web server. */
static bool
is_open(const struct conf_cors *c)
{
	struct origin_entry e;
	bool any = false;

	for (uint32_t i = 0; c->enabled && i < c->origins.n; i++)
		any |= origin_entry_parse(c->origins.v[i], &e) &&
			e.kind == ORIGIN_ANY;
	return any;
}

static void
check_cors(struct doctor *d)
{
	for (uint32_t i = 0; d->conf != NULL && i < d->conf->n_servers; i++) {
		const struct conf_server *s = &d->conf->servers[i];
		const struct conf_security *c = &s->options.security;
		struct str path = str_fmt(d->arena, "/%.*s/mcp",
			STR_ARG(s->name));

		if (s->options.disabled)
			continue;
		if (c->origin_check && is_open(&c->cors))
			doctor_find(d, FINDING_SKIP, "origin", STR("any page "
				"may ask: allowedOrigins has \"*\""), NULL);
		else if (c->origin_check)
			check_foreign(d, path);
		if (some_origin(&c->cors).n > 0)
			check_allowed(d, path, some_origin(&c->cors));
		return;
	}
}

void
doctor_browser(struct doctor *d)
{
	check_stream(d);
	check_metadata(d);
	check_cors(d);
}
