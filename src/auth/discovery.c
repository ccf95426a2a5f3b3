/* SPDX-License-Identifier: MIT */
/*
 * discovery -- where an issuer says that its endpoints are
 */
#include "config.h"
#include "auth/discovery.h"

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "http/url.h"

#define OAUTH "/.well-known/oauth-authorization-server"
#define OPENID "/.well-known/openid-configuration"

static const struct jdoc_limits limits = { .depth = 16, .values = 5000 };

struct discovery {
	struct arena *arena;
	struct discovery_plan plan;
	struct str urls[DISCOVERY_TRIES];
	uint32_t n, at;
	uint64_t until_ms;
	struct fetch *fetch;
	struct discovery_result result;	/* of the tries so far */
};

/* ---- the URLs ------------------------------------------------------------- */

/* Without the slash that a path may end with. */
static struct str
shorn(struct str path)
{
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	return path;
}

uint32_t
discovery_urls(struct arena *a, struct str issuer,
	struct str urls_r[DISCOVERY_TRIES])
{
	struct str path, head;
	struct url u;

	if (!url_parse(issuer, &u) || str_find(issuer, '?') < issuer.n)
		return 0;
	path = shorn(u.path);
	head = shorn(issuer);
	head.n -= path.n;
	urls_r[0] = str_fmt(a, "%.*s" OAUTH "%.*s", STR_ARG(head),
		STR_ARG(path));
	urls_r[1] = str_fmt(a, "%.*s" OPENID "%.*s", STR_ARG(head),
		STR_ARG(path));
	urls_r[2] = str_fmt(a, "%.*s%.*s" OPENID, STR_ARG(head),
		STR_ARG(path));
	return path.n > 0 ? 3 : 2;
}

/* ---- the document --------------------------------------------------------- */

/* Absent is "", something else than text is a mistake. */
static bool
read_text(const struct jdoc *d, const char *name, struct str *text_r)
{
	*text_r = STR("");
	return jdoc_get(d, name) == NULL ||
		jdoc_string(jdoc_get(d, name), text_r);
}

const char *
discovery_read(struct arena *a, struct str document, struct str issuer,
	struct discovery_found *f_r)
{
	struct jdoc_report report = { 0 };
	struct discovery_found f;
	const struct jdoc *d;
	struct str said;

	d = jdoc_parse(a, document, JDOC_STRICT, &limits, &report);
	if (d == NULL || jdoc_type(d) != JDOC_OBJECT)
		return "metadata is not a JSON object";
	if (!jdoc_string(jdoc_get(d, "issuer"), &said) ||
	    !str_eq(said, issuer))
		return "metadata is of another issuer";
	if (!read_text(d, "jwks_uri", &f.jwks_uri) ||
	    !read_text(d, "introspection_endpoint", &f.introspection_endpoint))
		return "metadata has a URL that is no text";
	*f_r = f;
	return NULL;
}

/* ---- asking --------------------------------------------------------------- */

static void
finish(struct discovery *d)
{
	d->plan.done(d->plan.who, &d->result);
	arena_free(d->arena);
}

static bool ask(struct discovery *d);	/* a circle */

/* A server that is ill answers all URLs like that: later. */
static void
judge(struct discovery *d, const struct fetch_reply *r)
{
	struct discovery_result *s = &d->result;

	if (r->end != FETCH_REPLY) {
		s->why = r->detail;
		s->lasting = r->end == FETCH_BLOCKED || r->end == FETCH_LARGE;
		d->at = d->n;
	} else if (r->status != 200) {
		if (s->why == NULL)
			s->why = "no metadata";
		s->lasting = r->status < 500;
		if (r->status >= 500)
			d->at = d->n;
	} else {
		s->why = discovery_read(d->arena, r->body, d->plan.issuer,
			&s->found);
		s->lasting = true;
	}
}

static void
took(void *who, const struct fetch_reply *r)
{
	struct discovery *d = who;

	d->fetch = NULL;
	judge(d, r);
	if (d->result.why != NULL)
		d->result.why = str_copy(d->arena,
			str_of(d->result.why)).p;
	if (d->result.why == NULL || !ask(d))
		finish(d);
}

/* The next URL, in the time that is left.  False: there is none. */
static bool
ask(struct discovery *d)
{
	uint64_t now = loop_now_ms(wire_loop(d->plan.wire));
	struct headers h;
	const char *why;

	if (d->at >= d->n)
		return false;
	headers_init(&h, d->arena);
	headers_add(&h, STR("Accept"), STR("application/json"));
	d->fetch = fetch_start(&(struct fetch_plan){
		.wire = d->plan.wire, .url = d->urls[d->at++],
		.proxy = d->plan.proxy, .ca_file = d->plan.ca_file,
		.headers = &h,
		.connect_ms = d->plan.connect_ms,
		.total_ms = now < d->until_ms ?
			(int64_t)(d->until_ms - now) : 1,
		.max_bytes = MAX_METADATA, .done = took, .who = d,
	}, &why);
	return d->fetch != NULL;
}

struct discovery *
discovery_start(const struct discovery_plan *p)
{
	struct arena *a = arena_new(8 * MAX_METADATA);
	struct discovery *d = ARENA_NEW(a, struct discovery);

	d->arena = a;
	d->plan = *p;
	d->plan.issuer = str_copy(a, p->issuer);
	d->n = discovery_urls(a, d->plan.issuer, d->urls);
	d->until_ms = loop_now_ms(wire_loop(p->wire)) + (uint64_t)p->total_ms;
	if (ask(d))
		return d;
	arena_free(a);
	return NULL;
}

void
discovery_stop(struct discovery *d)
{
	if (d->fetch != NULL)
		fetch_stop(d->fetch);
	arena_free(d->arena);
}
