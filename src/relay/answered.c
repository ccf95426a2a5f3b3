/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/answered.h"

#include "base/arena.h"
#include "base/limits.h"
#include "mcp/sse.h"
#include "relay/awaited.h"

#define MAX_LOOKED_AT MIB(1)	/* bytes of one event */

struct answered {
	struct sse *events;
	struct awaited ids;
	bool over;			/* an event was too long */
	bool marked;			/* by the id of an event */
};

struct answered *
answered_new(struct arena *a, const struct str *ids, uint32_t n)
{
	struct answered *w = ARENA_NEW(a, struct answered);

	w->events = sse_new(a, MAX_LOOKED_AT);
	w->ids = awaited_new(a, ids, n);
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

static void
read_event(struct answered *w, struct str data)
{
	struct arena *a = arena_new(MAX_ARENA);
	struct jdoc_report r;

	if (jdoc_check(a, data, JDOC_MESSAGE, &awaited_limits, &r) == JDOC_OK) {
		for (uint32_t i = 0; i < r.n_messages; i++)
			awaited_take(&w->ids, a, &r.messages[i]);
	}
	arena_free(a);
}

static bool
took_event(void *who, const struct sse_event *e)
{
	struct answered *w = who;

	if (e->has_id)
		w->marked = e->id.n > 0;
	if (sse_is_message(e->event) && may_answer(e->data))
		read_event(w, e->data);
	return w->ids.left > 0;
}

void
answered_follow(struct answered *w, struct str bytes)
{
	if (w != NULL && w->ids.left > 0 && !w->over)
		w->over = !sse_feed(w->events, bytes, took_event, w);
}

bool
answered_owed(const struct answered *w)
{
	return w != NULL && !w->over && w->ids.left > 0;
}

bool
answered_marked(const struct answered *w)
{
	return w->marked;
}

bool
answered_not(const struct answered *w, uint32_t *i, struct str *id_r)
{
	return w != NULL && !w->over && awaited_next(&w->ids, i, id_r);
}
