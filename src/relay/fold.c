/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/fold.h"

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "mcp/sse.h"

void
fold_init(struct fold *f, struct arena *a, struct str id, size_t max)
{
	f->arena = a;
	f->events = sse_new(a, max);
	f->id = id;
	f->reply = STR_NONE;
	f->n_refused = f->n_asked = 0;
	f->state = FOLD_MORE;
}

/* One id, escaped in two ways. */
static bool
same_text(struct arena *a, struct jdoc_span id, struct str raw)
{
	struct jdoc_span ours = { raw, JDOC_STRING };
	struct str mine, its;

	return id.type == JDOC_STRING && str_starts(raw, STR("\"")) &&
		jdoc_unquote(a, id, &its) && jdoc_unquote(a, ours, &mine) &&
		str_eq(its, mine);
}

static bool
is_ours(const struct fold *f, struct arena *a, const struct jdoc_message *m)
{
	if (m->result.type == JDOC_ABSENT && m->error.type == JDOC_ABSENT)
		return false;
	return str_eq(m->id.raw, f->id) || same_text(a, m->id, f->id);
}

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

/* a: for this event alone; a stream may have any number of them. */
static bool
read_event(struct fold *f, struct arena *a, struct str data)
{
	static const struct jdoc_limits limits = { .depth = MAX_JSON_DEPTH,
		.values = 4 * MAX_JSON_VALUES, .batch = MAX_BATCH };
	struct jdoc_report r;

	if (jdoc_check(a, data, JDOC_MESSAGE, &limits, &r) != JDOC_OK ||
	    r.top != JDOC_OBJECT) {
		f->state = FOLD_BAD;
		return false;
	}
	if (!is_ours(f, a, &r.messages[0])) {
		note_request(f, &r.messages[0]);
		return true;
	}
	f->reply = str_copy(f->arena, data);
	f->state = FOLD_DONE;
	return false;
}

static bool
took_event(void *who, const struct sse_event *e)
{
	struct arena *a;
	bool go_on;

	if (e->data.n == 0)
		return true;		/* priming or keep-alive */
	a = arena_new(MAX_ARENA);
	go_on = read_event(who, a, e->data);
	arena_free(a);
	return go_on;
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
