/* SPDX-License-Identifier: MIT */
/*
 * access -- may this kind of request come in at all?
 *
 * Before: route_run() has found the server or page.
 * After:  the address may come in and does not ask too often, the method
 *         fits, the origin is ours or none, and there is room.
 *
 * access_form(): has a POST a type, and is a reply taken that we can give?
 * That is asked once the caller is known.
 */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "gate/client.h"
#include "gate/pipeline.h"
#include "gate/rates.h"

#define RETRY_OVERLOAD_S 1

bool
access_can_stream(const struct req *q)
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
		q->allow = access_can_stream(q) ? STR("GET, POST, DELETE, OPTIONS") :
			STR("POST, DELETE, OPTIONS");
		fits = m == METHOD_GET || m == METHOD_POST ||
			m == METHOD_DELETE || m == METHOD_OPTIONS;
	} else {
		q->allow = q->page == PAGE_NONE ? STR("OPTIONS") :
			STR("GET, HEAD, OPTIONS");
		fits = m == METHOD_GET || m == METHOD_HEAD ||
			m == METHOD_OPTIONS || q->page == PAGE_WEBSOCKET;
	}
	return fits ? NULL : fault_new(q->arena, FAULT_METHOD_NOT_ALLOWED,
		"method \"%.*s\"", STR_ARG(str_head(params_server(
		&q->in.params, "REQUEST_METHOD"), 16)));
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

/* "q=0", with any number of zeros: this one not. */
static bool
is_refused(struct str parameters)
{
	while (parameters.p != NULL) {
		struct str value = str_cut(&parameters, ';');
		struct str name = str_trim(str_cut(&value, '='));

		value = str_trim(value);
		if (!str_is_nocase(name, "q") || value.n == 0)
			continue;
		while (value.n > 0 && (value.p[0] == '0' ||
		    value.p[0] == '.'))
			value = str_from(value, 1);
		return value.n == 0;
	}
	return false;
}

/* What we can give, and what the range that fits it best says of it. */
struct offer {
	const char *exact, *half;
	uint32_t bit;
	int best;			/* 3: by name, 2: type, 1: anything */
	bool wanted;
};

static void
hold_against(struct offer *o, struct str type, bool wanted)
{
	int fit = str_is_nocase(type, o->exact) ? 3 :
		str_is_nocase(type, o->half) ? 2 : str_is(type, "*/*");

	if (fit == 0 || fit < o->best)
		return;
	o->wanted = wanted || (fit == o->best && o->wanted);
	o->best = fit;
}

static void
read_ranges(struct offer *v, size_t n, struct str rest)
{
	while (rest.p != NULL) {
		struct str range = str_cut(&rest, ',');
		struct str type = str_trim(str_cut(&range, ';'));
		bool wanted = !is_refused(range);

		for (size_t k = 0; k < n; k++)
			hold_against(&v[k], type, wanted);
	}
}

/* Accept may repeat and is judged leniently: none means anything. */
uint32_t
access_accept(const struct req *q)
{
	struct offer v[] = {
		{ "application/json", "application/*", ACCEPT_JSON, 0, false },
		{ "text/event-stream", "text/*", ACCEPT_EVENTS, 0, false },
	};
	const struct params *t = &q->in.params;
	bool any = false;

	for (uint32_t i = 0; i < t->n; i++) {
		if (!str_is(t->v[i].name, "HTTP_ACCEPT"))
			continue;
		any = true;
		read_ranges(v, 2, t->v[i].value);
	}
	if (!any)
		return ACCEPT_JSON | ACCEPT_EVENTS;
	return (v[0].wanted ? v[0].bit : 0) | (v[1].wanted ? v[1].bit : 0);
}

static const struct fault *
check_accept(struct req *q)
{
	q->accept = access_accept(q);
	if (!access_can_stream(q))
		q->accept &= ~(uint32_t)ACCEPT_EVENTS;
	if (q->method == METHOD_GET && !access_can_stream(q))
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

const struct fault *
access_form(struct req *q)
{
	const struct fault *f = q->method == METHOD_POST ? check_type(q) : NULL;

	return f == NULL ? check_accept(q) : f;
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
	const struct fault *f = client_check(q);

	if (f == NULL)
		f = origin_check(q);
	if (f == NULL)
		f = origin_host_check(q);
	if (f == NULL)
		f = check_method(q);
	if (f == NULL && q->method == METHOD_OPTIONS)
		return answer_options(q);
	if (f == NULL)
		f = rates_enter(q);
	if (f == NULL)
		f = check_room(q);
	if (f == NULL && q->server != NULL && q->server->invalid.n > 0)
		f = fault_new(q->arena, FAULT_SERVER_INVALID, "%.*s",
			STR_ARG(q->server->invalid));
	return f == NULL ? NEXT : req_fail(q, f);
}
