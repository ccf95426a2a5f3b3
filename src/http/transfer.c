/* SPDX-License-Identifier: MIT */
/*
 * transfer -- start, pace, time limits and end of one exchange
 */
#include "config.h"
#include "http/wire.h"

#include <stdlib.h>
#include <string.h>

#include "http/guard.h"
#include "http/url.h"

/* ---- time ------------------------- */

static uint64_t
earlier(uint64_t due, uint64_t from, int64_t ms)
{
	return ms > 0 && from + (uint64_t)ms < due ? from + (uint64_t)ms : due;
}

static uint64_t
due_of(const struct run *r)
{
	uint64_t due = earlier(UINT64_MAX, r->begin_ms, r->plan.total_ms);

	if (!r->head_done)
		return earlier(due, r->begin_ms, r->plan.first_byte_ms);
	return earlier(due, r->last_ms, r->plan.idle_ms);
}

/* The timer is not moved at each byte; when it rings we look. */
static void
on_timer(void *who)
{
	struct transfer *t = who;
	struct run *r = &t->run;
	uint64_t now = loop_now_ms(t->way->wire->loop), due;

	if (r->paused)
		r->last_ms = now;	/* silence that we asked for */
	due = due_of(r);
	if (due == UINT64_MAX)
		return;
	if (due > now) {
		timer_start(&r->timer, due - now);
		return;
	}
	if (due == earlier(UINT64_MAX, r->begin_ms, r->plan.total_ms))
		outcome_timeout(t, "total");
	else
		outcome_timeout(t, r->head_done ? "silence" : "first byte");
	transfer_end(t);
}

static void
on_resume(void *who)
{
	struct transfer *t = who;

	if (!t->run.paused)
		return;
	t->run.paused = false;
	t->run.last_ms = loop_now_ms(t->way->wire->loop);
	lane_unpause(t);
}

static void
start_timer(struct run *r)
{
	uint64_t due = due_of(r);

	if (due != UINT64_MAX)
		timer_start(&r->timer, due - r->begin_ms);
}

/* ---- life ------------------------- */

/* With a proxy only the text of the host can be judged; libcurl knows all
 * spellings of an address. */
static bool
text_refused(struct str url)
{
	CURLU *u = curl_url();
	char *text = strndup(url.p, url.n), *host = NULL;
	bool refused = true;

	if (u != NULL && text != NULL &&
	    curl_url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		refused = guard_host(str_of(host));
	curl_free(host);
	curl_url_cleanup(u);
	free(text);
	return refused;
}

static void
begin(struct transfer *t, struct arena *a, const struct transfer_plan *plan)
{
	struct loop *loop = t->way->wire->loop;

	t->run = (struct run){ .plan = *plan, .arena = a };
	t->run.begin_ms = loop_now_ms(loop);
	t->error[0] = '\0';
	list_init(&t->run.waiting);
	timer_init(&t->run.timer, loop, on_timer, t);
	task_init(&t->run.resume, on_resume, t);
	headers_init(&t->run.reply.headers, a);
}

static void
judge_place(struct transfer *t, struct str url)
{
	if (!t->way->block_private || !t->way->proxied || !text_refused(url))
		return;
	t->run.judged = true;
	t->run.end = TRANSFER_BLOCKED;
	t->run.detail = "private address";
}

struct transfer *
transfer_start(struct wire *w, struct arena *a,
	const struct transfer_plan *plan)
{
	struct str url = plan->url.n > 0 ? plan->url : plan->server->url;
	const char *method = request_method(plan->method);
	struct transfer *t;
	struct url u;

	if (method == NULL || !url_parse(url, &u))
		return NULL;
	t = way_take(w, plan->server, u.host,
		plan->stream ? LANE_STREAMS : LANE_CALLS);
	begin(t, a, plan);
	t->run.https = str_is(u.scheme, "https");
	judge_place(t, url);
	request_use(t, &u, url, method);
	start_timer(&t->run);
	lane_start(t);
	return t;
}

void
transfer_resume(struct transfer *t)
{
	if (t->run.paused)
		task_post(t->way->wire->loop, &t->run.resume);
}

bool
transfer_sent(const struct transfer *t)
{
	long size = 0;

	if (!t->run.in_multi)
		return t->run.sent;
	curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &size);
	return t->run.asked > 0 && size > t->run.size_before;
}

/* Nothing of the owner is called or looked at after this. */
static void
quieten(struct transfer *t)
{
	t->run.stopped = true;
	timer_stop(&t->run.timer);
	task_drop(&t->run.resume);
}

void
transfer_end(struct transfer *t)
{
	struct run *r = &t->run;

	r->sent = transfer_sent(t);
	quieten(t);
	lane_drop(t);
	r->plan.ended(r->plan.who, r->end, r->detail);
	way_give(t);
}

void
transfer_stop(struct transfer *t)
{
	if (t->run.stopped)
		return;
	quieten(t);
	if (t->lane->inside) {
		list_drop(&t->run.waiting);
		list_append(&t->lane->leaving, &t->run.waiting);
		return;
	}
	lane_drop(t);
	way_give(t);
}
