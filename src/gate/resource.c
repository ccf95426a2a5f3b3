/* SPDX-License-Identifier: MIT */
/*
 * resource -- the metadata of a server as an OAuth resource (RFC 9728)
 *
 * Who issues its tokens, which scopes there are, by which URL it goes.  All
 * of it is configured text; nothing a client sends takes part.  The document
 * lies below the mount, so that it is there behind every web server, and at
 * the root of the host where that is routed here.
 */
#include "config.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "gate/pipeline.h"
#include "http/url.h"

#define MAX_DOCUMENT KIB(256)	/* bytes; a configuration has less */

static const struct str well_known =
	STR("/.well-known/oauth-protected-resource");

/* ---- once for a generation ----------------------------------------------------- */
static bool
is_told(const struct conf_inbound *in, enum strategy s)
{
	return conf_has_strategy(in, s) || in->advertise == 1;
}

static void
add_text(struct buf *b, struct str s, uint32_t *n)
{
	if ((*n)++ > 0)
		buf_char(b, ',');
	buf_char(b, '"');
	buf_json(b, s);
	buf_char(b, '"');
}

static void
add_issuer(struct buf *b, struct str issuer, uint32_t *n)
{
	struct url u;

	if (url_parse(issuer, &u))
		add_text(b, issuer, n);
}

static uint32_t
add_issuers(struct buf *b, const struct conf_inbound *in)
{
	uint32_t n = 0;

	buf_add(b, STR(",\"authorization_servers\":["));
	if (is_told(in, STRATEGY_JWT)) {
		for (uint32_t i = 0; i < in->jwt.issuer.n; i++)
			add_issuer(b, in->jwt.issuer.v[i], &n);
	}
	if (is_told(in, STRATEGY_INTROSPECTION))
		add_issuer(b, in->introspection.issuer, &n);
	buf_char(b, ']');
	return n;
}

/* A refresh token is the client's affair (offline_access). */
static void
add_scopes(struct buf *b, const struct conf_texts *required,
	const struct conf_texts *scopes, uint32_t *n)
{
	for (uint32_t i = 0; i < scopes->n; i++) {
		struct str s = scopes->v[i];

		if (str_is(s, "offline_access") || str_among(s, scopes->v, i) ||
		    (scopes != required && conf_has_text(required, s)))
			continue;
		if (*n == 0)
			buf_add(b, STR(",\"scopes_supported\":["));
		add_text(b, s, n);
	}
}

static void
add_all_scopes(struct buf *b, const struct conf_options *o)
{
	const struct conf_texts *required = &o->inbound.required_scopes;
	uint32_t n = 0;

	add_scopes(b, required, required, &n);
	for (uint32_t i = 0; i < o->policy.n; i++) {
		if (o->policy.v[i].allow)
			add_scopes(b, required, &o->policy.v[i].scopes, &n);
	}
	if (n > 0)
		buf_char(b, ']');
}

void
resource_ready(struct site *s, struct site_server *v)
{
	const struct conf_options *o = &v->conf->options;
	struct buf b = buf_new(s->arena, MAX_DOCUMENT);
	struct str text;

	if (!s->has_own || o->inbound.advertise == 0 ||
	    add_issuers(&b, &o->inbound) == 0)
		return;
	add_all_scopes(&b, o);
	buf_add(&b, STR(",\"bearer_methods_supported\":[\"header\"]}"));
	if (!buf_take(&b, &text))
		return;
	v->metadata = text;
	v->advertised = str_find(s->conf->base_url, '"') ==
		s->conf->base_url.n;
}

/* ---- a request ------------------------------------------------------------------ */
/* Without a slash at its end. */
static struct str
trimmed(struct str path)
{
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

/* The rest of a path behind our well-known part; it ends at a part. */
static bool
behind(struct str path, struct str *rest_r)
{
	*rest_r = str_from(path, well_known.n);
	return str_starts(path, well_known) &&
		(rest_r->n == 0 || rest_r->p[0] == '/');
}

bool
resource_route(struct req *q, struct str path)
{
	struct str rest;

	if (!behind(path, &rest))
		return false;
	q->page = PAGE_RESOURCE;
	q->resource_path = trimmed(rest);
	return true;
}

bool
resource_route_root(struct req *q, struct str path)
{
	struct str rest, mount = q->conf->mount;

	if (!behind(path, &rest))
		return false;
	if (trimmed(rest).n > 0) {
		if (!str_starts(rest, mount))
			return false;
		rest = str_from(rest, mount.n);
		if (rest.n > 0 && rest.p[0] != '/')
			return false;
	}
	q->page = PAGE_RESOURCE;
	q->resource_path = trimmed(rest);
	return true;
}

enum turn
resource_answer(struct req *q)
{
	const struct site_server *v = route_server(q->site, q->resource_path);
	struct str base = conf_base(q->conf);
	struct buf b = buf_new(q->arena, MAX_DOCUMENT + KIB(8));
	struct str text;

	if (v == NULL || v->metadata.n == 0)
		return req_fail(q, fault_new(q->arena, FAULT_NOT_FOUND,
			"no metadata for \"%.*s\"",
			STR_ARG(str_head(q->resource_path, 200))));
	buf_add(&b, STR("{\"resource\":\""));
	buf_json(&b, base);
	buf_json(&b, q->resource_path);
	buf_char(&b, '"');
	buf_add(&b, v->metadata);
	if (!buf_take(&b, &text))
		return req_fail(q, fault_new(q->arena, FAULT_INTERNAL,
			"metadata does not fit"));
	reply_whole(q, 200, STR("application/json"), text);
	return DONE;
}

/* The path is that of a configured server, byte for byte. */
struct str
resource_challenge(struct req *q)
{
	struct str base;

	if (q->server == NULL || !q->server->advertised ||
	    q->challenge.n == 0 || q->fault->kind == FAULT_TWO_CREDENTIALS)
		return q->challenge;
	base = conf_base(q->conf);
	return str_fmt(q->arena, "%.*s, resource_metadata=\"%.*s%.*s%.*s\"",
		STR_ARG(q->challenge), STR_ARG(base), STR_ARG(well_known),
		STR_ARG(trimmed(q->path)));
}
