/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/answered.h"

#include "base/arena.h"
#include "base/limits.h"
#include "mcp/sse.h"
#include "relay/fold.h"

#define MAX_LOOKED_AT MIB(1)	/* bytes of one event */

struct answered {
	struct sse *events;
	struct str id;
	bool yes;
};

struct answered *
answered_new(struct arena *a, struct str id)
{
	struct answered *w = ARENA_NEW(a, struct answered);

	w->events = sse_new(a, MAX_LOOKED_AT);
	w->id = id;
	return w;
}

/* Most events are notifications: only those that may be an answer are read. */
static bool
may_answer(struct str data)
{
	return str_search(data, STR("\"result\"")) < data.n ||
		str_search(data, STR("\"error\"")) < data.n ||
		str_search(data, STR("\\u")) < data.n;
}

static bool
took_event(void *who, const struct sse_event *e)
{
	struct answered *w = who;

	w->yes = e->data.n > 0 && sse_is_message(e->event) &&
		may_answer(e->data) && fold_answers(e->data, w->id);
	return !w->yes;
}

void
answered_follow(struct answered *w, struct str bytes)
{
	if (w != NULL && !w->yes &&
	    !sse_feed(w->events, bytes, took_event, w))
		w->yes = true;
}

bool
answered_yes(const struct answered *w)
{
	return w != NULL && w->yes;
}
