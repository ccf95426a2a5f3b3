/* SPDX-License-Identifier: MIT */
/*
 * origin -- which web page is asking, and by which name it found us
 *
 * Two rules against pages that reach for a gateway behind somebody's browser:
 * an Origin that is there must be allowed, and behind baseURL the Host must
 * be ours.  A page can lie about neither.
 * Before: route_run() has found the server or page, if there is one.
 */
#include "config.h"

#include "base/arena.h"
#include "gate/pipeline.h"
#include "gate/record.h"
#include "http/preflight.h"

static const struct front *
front_of(const struct req *q)
{
	return q->server != NULL ? q->server->front : q->site->front;
}

/* Health and public documents answer everybody. */
static bool
guarded(const struct req *q)
{
	switch (q->page) {
	case PAGE_HEALTH:
	case PAGE_READY:
	case PAGE_WEBSOCKET:
	case PAGE_RESOURCE:
		return false;
	default:
		return true;
	}
}

/* ---- the request's Origin ------------------------------------------------------ */
static bool
listed(const struct front *f, const struct origin *o)
{
	for (uint32_t i = 0; i < f->n_origins; i++) {
		if (origin_entry_has(&f->origins[i], o))
			return true;
	}
	return false;
}

/* The origin of baseURL; loopback ones where we are on loopback ourselves. */
static bool
always(const struct req *q, const struct origin *o)
{
	const struct site *s = q->site;

	if (s->has_own && origin_same(o, &s->own))
		return true;
	if (!origin_loopback(o))
		return false;
	if (s->has_own)
		return origin_host_loopback(s->own.host);
	return auth_local_client(q->conf, &q->in.params);
}

static void
judge(struct req *q)
{
	struct origin o;
	uint32_t n;

	if (q->cross != CROSS_UNKNOWN)
		return;
	q->origin = params_client(&q->in.params, "HTTP_ORIGIN", &n);
	if (n == 0)
		q->cross = CROSS_NONE;
	else if (n == 1 && origin_parse(q->origin, &o) &&
	    (always(q, &o) || listed(front_of(q), &o)))
		q->cross = CROSS_ALLOWED;
	else
		q->cross = CROSS_REFUSED;
}

static const struct fault *
refuse(struct req *q, enum fault_kind kind, const char *what, struct str value)
{
	record_violation(q, fault_reason(kind));
	return fault_new(q->arena, kind, "%s \"%.*s\"", what,
		STR_ARG(str_head(value, 200)));
}

/* ---- Host ----------------------------------------------------------------------- */
/* A name that leads here by the will of somebody else is not among these;
 * a loopback address cannot be such a name. */
static bool
host_listed(const struct req *q, struct str host)
{
	const struct conf_texts *t = &q->conf->allowed_hosts;

	if (str_eq_nocase(host, q->site->own.host) ||
	    origin_host_loopback(host))
		return true;
	for (uint32_t i = 0; i < t->n; i++) {
		if (str_eq_nocase(host, t->v[i]))
			return true;
	}
	return false;
}

static bool
any_host(const struct conf *c)
{
	for (uint32_t i = 0; i < c->allowed_hosts.n; i++) {
		if (str_is(c->allowed_hosts.v[i], "*"))
			return true;
	}
	return false;
}

const struct fault *
origin_host_check(struct req *q)
{
	struct str value, host;
	uint32_t n;

	if (!q->site->has_own || !guarded(q))
		return NULL;
	value = params_client(&q->in.params, "HTTP_HOST", &n);
	host = n == 1 ? origin_host(value) : STR_NONE;
	if (n == 0 || (host.p != NULL && host_listed(q, host)) ||
	    any_host(q->conf))
		return NULL;		/* no browser is without one */
	return refuse(q, FAULT_HOST_DENIED, "host", value);
}

/* ---- preflight and origin -------------------------------------------------------- */
static bool
is_preflight(const struct req *q)
{
	uint32_t n;

	if (q->method != METHOD_OPTIONS || q->cross == CROSS_NONE)
		return false;
	params_client(&q->in.params, "HTTP_ACCESS_CONTROL_REQUEST_METHOD", &n);
	return n > 0;
}

/* Before the check of origins: a refused preflight is a 403, too, when the
 * origin may ask but there are no cross-origin answers. */
const struct fault *
origin_check(struct req *q)
{
	const struct front *f = front_of(q);

	judge(q);
	q->preflight = is_preflight(q);
	if (q->cross == CROSS_NONE || !guarded(q))
		return NULL;
	if (q->cross == CROSS_REFUSED && (f->check || q->preflight))
		return refuse(q, FAULT_ORIGIN_DENIED, "origin", q->origin);
	if (q->preflight && !f->cors)
		return fault_new(q->arena, FAULT_ORIGIN_DENIED,
			"preflight, and cors is not enabled");
	return NULL;
}

/* ---- headers of the reply --------------------------------------------------------- */
static void
add_asked(struct req *q, const struct front *f, struct headers *h)
{
	uint32_t n;
	struct str asked = params_client(&q->in.params,
		"HTTP_ACCESS_CONTROL_REQUEST_HEADERS", &n);

	headers_add(h, STR("Access-Control-Allow-Headers"), preflight_headers(
		q->arena, f->headers, n == 1 ? asked : STR_NONE));
}

/* Whoever is kept out learns nothing by a script. */
static bool
denied(const struct fault *f)
{
	return f != NULL && (f->kind == FAULT_ADDRESS_DENIED ||
		f->kind == FAULT_ORIGIN_DENIED || f->kind == FAULT_HOST_DENIED);
}

void
origin_headers(struct req *q, struct headers *h)
{
	const struct front *f = front_of(q);

	judge(q);
	h->lines = f->plain;
	if (q->page == PAGE_RESOURCE) {
		h->lines = q->preflight ? f->open_asked : f->open;
		if (q->preflight)
			add_asked(q, f, h);
		return;
	}
	if (!f->cors || q->cross != CROSS_ALLOWED || denied(q->fault))
		return;
	h->lines = q->preflight ? f->asked : f->crossed;
	headers_add(h, STR("Access-Control-Allow-Origin"),
		f->any ? STR("*") : q->origin);
	if (q->preflight)
		add_asked(q, f, h);
}

/* Cache-Control of pages that ask for no credential. */
struct str
origin_cache(const struct req *q)
{
	return front_of(q)->cache;
}
