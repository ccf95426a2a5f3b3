/* SPDX-License-Identifier: MIT */
/*
 * access -- may this kind of request come in at all?
 *
 * Before: route_run() has found the server or page.
 * After:  the method fits, the origin is ours or none, there is room, and a
 *         POST has a type and takes a reply that we can give.
 */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "gate/pipeline.h"

#define RETRY_OVERLOAD_S 1

static bool
can_stream(const struct req *q)
{
	switch (q->conf->streaming) {
	case STREAMING_ON:
		return true;
	case STREAMING_OFF:
		return false;
	case STREAMING_AUTO:
		break;
	}
	return !q->in.apache;
}

static const struct fault *
check_method(struct req *q)
{
	enum method m = q->method;
	bool fits;

	if (q->server != NULL) {
		q->allow = can_stream(q) ? STR("GET, POST, DELETE, OPTIONS") :
			STR("POST, DELETE, OPTIONS");
		fits = m == METHOD_GET || m == METHOD_POST ||
			m == METHOD_DELETE || m == METHOD_OPTIONS;
	} else {
		q->allow = STR("GET, HEAD, OPTIONS");
		fits = m == METHOD_GET || m == METHOD_HEAD ||
			m == METHOD_OPTIONS || q->page == PAGE_WEBSOCKET;
	}
	return fits ? NULL : fault_new(q->arena, FAULT_METHOD_NOT_ALLOWED,
		"method \"%.*s\"", STR_ARG(str_head(params_server(
		&q->in.params, "REQUEST_METHOD"), 16)));
}

/* ---- origin: the rebinding rule of the protocol ------------------------------- */
static struct str
host_of_origin(struct str origin)
{
	size_t at = str_search(origin, STR("://"));
	struct str host = str_from(origin, at + 3);

	if (host.n > 0 && host.p[0] == '[')
		return str_head(host, str_find(host, ']') + 1);
	return str_head(host, str_find(host, ':'));
}

static bool
is_loopback(struct str host)
{
	return str_is_nocase(host, "localhost") || str_is(host, "127.0.0.1") ||
		str_is(host, "[::1]");
}

/* Scheme, host and port of baseURL. */
static struct str
own_origin(const struct conf *c)
{
	size_t at = str_search(c->base_url, STR("://"));
	struct str rest = str_from(c->base_url, at + 3);

	if (rest.n == 0)
		return STR_NONE;
	return str_head(c->base_url, at + 3 + str_find(rest, '/'));
}

static bool
origin_allowed(const struct req *q, struct str origin)
{
	struct str own = own_origin(q->conf);

	if (own.n > 0 && str_eq_nocase(origin, own))
		return true;
	if (!is_loopback(host_of_origin(origin)))
		return false;
	if (own.n > 0)
		return is_loopback(host_of_origin(own));
	return auth_local_client(q->conf, &q->in.params);
}

static const struct fault *
check_origin(struct req *q)
{
	uint32_t n;
	struct str origin = params_client(&q->in.params, "HTTP_ORIGIN", &n);

	if (n == 0 || q->server == NULL ||
	    !q->server->conf->options.security.origin_check)
		return NULL;
	if (n == 1 && origin_allowed(q, origin))
		return NULL;
	if (q->site->metrics != NULL)
		metrics_violation(q->site->metrics, "origin_denied");
	return fault_new(q->arena, FAULT_ORIGIN_DENIED, "origin \"%.*s\"",
		STR_ARG(str_head(origin, 200)));
}

/* ---- room ----------------------------------------------------------------------- */
static const struct fault *
check_room(struct req *q)
{
	const struct conf_limits *l = &q->conf->limits;
	const struct gate *g = q->gate;
	struct fault *f;

	if (q->server == NULL)
		return NULL;		/* health answers under any load */
	if (g->in_flight <= l->in_flight &&
	    !(q->method == METHOD_GET && g->streams >= l->streams) &&
	    (uint64_t)g->in_flight + g->streams <=
	    (uint64_t)l->in_flight + l->streams)
		return NULL;		/* a call may become a stream, too */
	f = fault_new(q->arena, FAULT_OVERLOADED,
		"%u calls and %u streams in this worker",
		q->gate->in_flight, q->gate->streams);
	f->retry_after_s = RETRY_OVERLOAD_S;
	return f;
}

/* ---- what it brings, what it takes ------------------------------------------------ */
static const struct fault *
check_type(struct req *q)
{
	struct str type = params_server(&q->in.params, "CONTENT_TYPE");

	type = str_trim(str_head(type, str_find(type, ';')));
	if (str_is_nocase(type, "application/json"))
		return NULL;
	return fault_new(q->arena, FAULT_UNSUPPORTED_MEDIA,
		"content type \"%.*s\"", STR_ARG(str_head(type, 100)));
}

static uint32_t
accepts(struct str range)
{
	range = str_trim(str_head(range, str_find(range, ';')));
	if (str_is(range, "*/*"))
		return ACCEPT_JSON | ACCEPT_EVENTS;
	if (str_is_nocase(range, "application/json") ||
	    str_is_nocase(range, "application/*"))
		return ACCEPT_JSON;
	if (str_is_nocase(range, "text/event-stream") ||
	    str_is_nocase(range, "text/*"))
		return ACCEPT_EVENTS;
	return 0;
}

/* Accept may repeat and is judged leniently: none means anything. */
static void
read_accept(struct req *q)
{
	const struct params *t = &q->in.params;
	bool any = false;
	struct str rest;
	uint32_t i;

	for (i = 0; i < t->n; i++) {
		if (!str_is(t->v[i].name, "HTTP_ACCEPT"))
			continue;
		any = true;
		rest = t->v[i].value;
		while (rest.p != NULL)
			q->accept |= accepts(str_cut(&rest, ','));
	}
	if (!any)
		q->accept = ACCEPT_JSON | ACCEPT_EVENTS;
}

static const struct fault *
check_accept(struct req *q)
{
	read_accept(q);
	if (!can_stream(q))
		q->accept &= ~(uint32_t)ACCEPT_EVENTS;
	if (q->method == METHOD_GET && !can_stream(q))
		return fault_new(q->arena, FAULT_METHOD_NOT_ALLOWED,
			"streaming is off");
	if (q->method == METHOD_GET && (q->accept & ACCEPT_EVENTS) == 0)
		return fault_new(q->arena, FAULT_NOT_ACCEPTABLE,
			"GET without text/event-stream");
	if (q->method == METHOD_POST && q->accept == 0)
		return fault_new(q->arena, FAULT_NOT_ACCEPTABLE,
			"neither JSON nor event-stream");
	return NULL;
}

static enum turn
answer_options(struct req *q)
{
	reply_whole(q, 204, STR_NONE, STR_NONE);
	return DONE;
}

enum turn
access_run(struct req *q)
{
	const struct fault *f = check_method(q);

	q->client = params_server(&q->in.params, q->conf->peer_param.p);
	if (f == NULL)
		f = check_origin(q);
	if (f == NULL && q->method == METHOD_OPTIONS)
		return answer_options(q);
	if (f == NULL)
		f = check_room(q);
	if (f == NULL && q->server != NULL && q->method == METHOD_POST)
		f = check_type(q);
	if (f == NULL && q->server != NULL)
		f = check_accept(q);
	if (f == NULL && q->server != NULL && q->server->invalid.n > 0)
		f = fault_new(q->arena, FAULT_SERVER_INVALID, "%.*s",
			STR_ARG(q->server->invalid));
	return f == NULL ? NEXT : req_fail(q, f);
}
