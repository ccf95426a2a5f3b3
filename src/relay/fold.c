/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/fold.h"

#include <string.h>

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "mcp/sse.h"

void
fold_init(struct fold *f, struct arena *a, const struct fold_plan *p)
{
	f->arena = a;
	f->events = sse_new(a, p->max);
	f->ids = awaited_new(a, p->ids, p->n_ids);
	f->batch = p->batch;
	f->max = f->room = p->max;
	f->pieces = ARENA_ARRAY(a, struct str, 2 * p->n_ids + 1);
	f->n_pieces = 0;
	f->reply = STR_NONE;
	f->n_refused = f->n_asked = 0;
	f->n_last = 0;
	f->retry_ms = -1;
	f->state = FOLD_MORE;
}

void
fold_again(struct fold *f)
{
	f->events = sse_new(f->arena, f->max);
}

/* ---- events ------------------------------------------------------------------ */
static void
note_request(struct fold *f, const struct jdoc_message *m)
{
	bool asks = m->method.type == JDOC_STRING &&
		m->id.type != JDOC_ABSENT;

	if (!asks || f->n_asked >= MAX_FOLD_REFUSED ||
	    m->id.raw.n > MAX_RPC_ID)
		return;
	f->n_asked++;
	f->refused[f->n_refused++] = str_copy(f->arena, m->id.raw);
}

/* Blanks and the brackets of an array are taken off. */
static struct str
inside(struct str s)
{
	size_t end = s.n;

	while (end > 0 && s.p[end - 1] != ']')
		end--;
	return str_from(str_head(s, end - 1), str_find(s, '[') + 1);
}

static void
keep(struct fold *f, struct str text)
{
	if (f->room < text.n) {
		f->state = FOLD_BAD;
		return;
	}
	f->room -= text.n;
	f->pieces[f->n_pieces] = f->n_pieces == 0 ? STR("[") : STR(",");
	f->pieces[f->n_pieces + 1] = str_copy(f->arena, text);
	f->n_pieces += 2;
	if (f->ids.left > 0)
		return;
	f->state = FOLD_DONE;
	f->reply = f->pieces[1];
	if (!f->batch)
		return;
	f->pieces[f->n_pieces++] = STR("]");
	f->reply = str_join(f->arena, f->pieces, f->n_pieces);
}

static void
take_one(struct fold *f, struct arena *a, const struct jdoc_message *m,
	struct str data)
{
	if (awaited_take(&f->ids, a, m))
		keep(f, data);
	else
		note_request(f, m);
}

/* Answers in an array, as a batch may have them: all of them ours. */
static void
take_array(struct fold *f, struct arena *a, const struct jdoc_report *r,
	struct str data)
{
	uint32_t i;

	for (i = 0; i < r->n_messages; i++) {
		if (!awaited_take(&f->ids, a, &r->messages[i])) {
			f->state = FOLD_BAD;
			return;
		}
	}
	keep(f, inside(data));
}

/* a: for this event alone; a stream may have any number of them. */
static void
read_event(struct fold *f, struct arena *a, struct str data)
{
	struct jdoc_report r;

	if (jdoc_check(a, data, JDOC_MESSAGE, &awaited_limits, &r) != JDOC_OK)
		f->state = FOLD_BAD;
	else if (r.top == JDOC_OBJECT)
		take_one(f, a, &r.messages[0], data);
	else if (r.top == JDOC_ARRAY && f->batch && r.n_messages > 0)
		take_array(f, a, &r, data);
	else
		f->state = FOLD_BAD;
}

/* Where the stream could be taken up again, and when. */
static void
note_place(struct fold *f, const struct sse_event *e)
{
	if (e->retry_ms >= 0)
		f->retry_ms = e->retry_ms;
	if (!e->has_id)
		return;
	f->n_last = 0;
	if (e->id.n > sizeof(f->last) || !str_printable(e->id))
		return;
	memcpy(f->last, e->id.p, e->id.n);
	f->n_last = (uint32_t)e->id.n;
}

static bool
took_event(void *who, const struct sse_event *e)
{
	struct fold *f = who;
	struct arena *a;

	note_place(f, e);
	if (e->data.n == 0 || !sse_is_message(e->event))
		return true;		/* priming or keep-alive */
	a = arena_new(MAX_ARENA);
	read_event(f, a, e->data);
	arena_free(a);
	return f->state == FOLD_MORE;
}

enum fold_state
fold_feed(struct fold *f, struct str bytes)
{
	if (f->state != FOLD_MORE)
		return f->state;
	if (!sse_feed(f->events, bytes, took_event, f) &&
	    f->state == FOLD_MORE)
		f->state = FOLD_BAD;
	return f->state;
}

struct str
fold_refusal(struct arena *a, struct str id)
{
	return str_fmt(a, "{\"jsonrpc\":\"2.0\",\"id\":%.*s,\"error\":{"
		"\"code\":-32601,\"message\":\"the client cannot be asked\"}}",
		STR_ARG(id));
}
