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
	f->n_refused = 0;
	f->state = FOLD_MORE;
}

static bool
is_ours(const struct fold *f, const struct jdoc_message *m)
{
	if (m->result.type == JDOC_ABSENT && m->error.type == JDOC_ABSENT)
		return false;
	return str_eq(m->id.raw, f->id);
}

static void
note_request(struct fold *f, const struct jdoc_message *m)
{
	bool asks = m->method.type == JDOC_STRING &&
		m->id.type != JDOC_ABSENT;

	if (asks && f->n_refused < MAX_FOLD_REFUSED)
		f->refused[f->n_refused++] = str_copy(f->arena, m->id.raw);
}

static bool
took_event(void *who, const struct sse_event *e)
{
	static const struct jdoc_limits limits = { .depth = MAX_JSON_DEPTH,
		.values = 4 * MAX_JSON_VALUES, .batch = MAX_BATCH };
	struct fold *f = who;
	struct jdoc_report r;

	if (e->data.n == 0)
		return true;		/* priming or keep-alive */
	if (jdoc_check(f->arena, e->data, JDOC_MESSAGE, &limits, &r) !=
	    JDOC_OK || r.top != JDOC_OBJECT) {
		f->state = FOLD_BAD;
		return false;
	}
	if (!is_ours(f, &r.messages[0])) {
		note_request(f, &r.messages[0]);
		return true;
	}
	f->reply = str_copy(f->arena, e->data);
	f->state = FOLD_DONE;
	return false;
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
