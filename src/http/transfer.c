/* SPDX-License-Identifier: MIT */
/*
 * transfer -- start, pace, time limits and end of one exchange
 */
#include "config.h"
#include "http/wire.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SPARE	128	/* transfers kept for later */

/* ---- time ------------------------- */

static uint64_t
earlier(uint64_t due, uint64_t from, int64_t ms)
{
	return ms > 0 && from + (uint64_t)ms < due ? from + (uint64_t)ms : due;
}

static uint64_t
due_of(const struct transfer *t)
{
	uint64_t due = earlier(UINT64_MAX, t->begin_ms, t->plan.total_ms);

	if (!t->head_done)
		return earlier(due, t->begin_ms, t->plan.first_byte_ms);
	return earlier(due, t->last_ms, t->plan.idle_ms);
}

/* The timer is not moved at each byte; when it rings we look. */
static void
on_timer(void *who)
{
	struct transfer *t = who;
	uint64_t now = loop_now_ms(t->wire->loop), due;

	if (t->paused)
		t->last_ms = now;	/* silence that we asked for */
	due = due_of(t);
	if (due == UINT64_MAX)
		return;
	if (due > now) {
		timer_start(&t->timer, due - now);
		return;
	}
	if (due == earlier(UINT64_MAX, t->begin_ms, t->plan.total_ms))
		outcome_timeout(t, "total");
	else
		outcome_timeout(t, t->head_done ? "silence" : "first byte");
	transfer_end(t, false);
}

static void
start_timer(struct transfer *t)
{
	uint64_t due = due_of(t);

	if (due != UINT64_MAX)
		timer_start(&t->timer, due - t->begin_ms);
}

/* ---- the object ------------------------- */

static struct transfer *
take(struct wire *w)
{
	struct transfer *t;

	if (list_empty(&w->spare)) {
		t = malloc(sizeof(*t));
		if (t == NULL)
			abort();
		return t;
	}
	t = LIST_ENTRY(w->spare.prev, struct transfer, link);
	list_drop(&t->link);
	w->n_spare--;
	return t;
}

static void
give(struct transfer *t)
{
	struct wire *w = t->wire;

	t->place->way->n_used--;
	free(t->held);
	list_drop(&t->link);
	if (w->n_spare >= MAX_SPARE) {
		free(t);
		return;
	}
	list_append(&w->spare, &t->link);
	w->n_spare++;
}

void
transfers_free(struct wire *w)
{
	while (!list_empty(&w->spare)) {
		struct transfer *t = LIST_ENTRY(w->spare.next,
			struct transfer, link);

		list_drop(&t->link);
		free(t);
	}
	w->n_spare = 0;
}

/* ---- life ------------------------- */

/* A literal that lives for ever; NULL: a method we do not send. */
static const char *
method_of(const char *method)
{
	static const char *const known[] = { "POST", "GET", "DELETE",
		"OPTIONS" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(method, known[i]) == 0)
			return known[i];
	}
	return NULL;
}

/* A link of its own; exchange_begin() comes when it is there. */
void
transfer_connect(struct transfer *t)
{
	t->on = link_new(t->place, t->plan.connect_ms);
	t->on->user = t;
	t->sent = t->send_failed = t->again = false;
	task_drop(&t->task);
}

/* Long ones get a connection of their own, that is not kept. */
static void
go(struct transfer *t)
{
	if (t->place->refused) {
		outcome(t, TRANSFER_BLOCKED, "private address");
		task_post(t->wire->loop, &t->task);
		return;
	}
	t->on = t->plan.stream || t->plan.fresh ? NULL :
		link_reuse(t->place);
	if (t->on == NULL) {
		transfer_connect(t);
		return;
	}
	t->on->user = t;
	exchange_begin(t);
}

/* Requests go out at the end of the turn, one after the other: an upstream
 * that is asked at once for all is woken once, not between each of them. */
static void
on_task(void *who)
{
	struct transfer *t = who;

	if (t->begun || t->judged) {
		exchange_go_on(t);
		return;
	}
	t->begun = true;
	go(t);
}

static void
begin(struct transfer *t, struct wire *w, struct arena *a,
	const struct transfer_plan *plan)
{
	*t = (struct transfer){ .wire = w, .plan = *plan, .arena = a };
	t->begin_ms = loop_now_ms(w->loop);
	list_append(&w->active, &t->link);
	timer_init(&t->timer, w->loop, on_timer, t);
	task_init(&t->task, on_task, t);
	headers_init(&t->reply.headers, a);
	h1_init(&t->parser, a);
}

struct transfer *
transfer_start(struct wire *w, struct arena *a,
	const struct transfer_plan *plan)
{
	struct str url = plan->url.n > 0 ? plan->url : plan->server->url;
	const char *method = method_of(plan->method);
	struct transfer *t;
	struct url u;

	if (method == NULL || !url_parse(url, &u))
		return NULL;
	t = take(w);
	begin(t, w, a, plan);
	t->method = method;
	t->path = u.path;
	t->place = place_for(w, plan->server, &u);
	t->place->way->n_used++;
	start_timer(t);
	task_post(w->loop, &t->task);
	return t;
}

void
transfer_resume(struct transfer *t)
{
	if (!t->paused || t->stopped)
		return;
	t->resuming = true;
	task_post(t->wire->loop, &t->task);
}

bool
transfer_sent(const struct transfer *t)
{
	return t->sent;
}

/* Nothing of the owner is called or looked at after this. */
static void
quieten(struct transfer *t)
{
	t->stopped = true;
	timer_stop(&t->timer);
	task_drop(&t->task);
}

void
transfer_leave(struct transfer *t)
{
	if (t->on != NULL)
		link_free(t->on);
	give(t);
}

void
transfer_end(struct transfer *t, bool keep)
{
	quieten(t);
	if (t->on != NULL && keep)
		link_keep(t->on, &t->parser);
	else if (t->on != NULL)
		link_free(t->on);
	t->on = NULL;
	t->plan.ended(t->plan.who, t->end, t->detail);
	give(t);
}

void
transfer_stop(struct transfer *t)
{
	if (t->stopped)
		return;
	quieten(t);
	if (!t->inside)
		transfer_leave(t);
}
