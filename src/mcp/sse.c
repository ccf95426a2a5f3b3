/* SPDX-License-Identifier: MIT */
/*
 * sse -- lines end in LF, CR or CRLF; an empty one ends an event
 */
#include "config.h"
#include "mcp/sse.h"

#include <string.h>

#include "base/arena.h"

/* ---- follow ------------------------- */
enum { BETWEEN, BETWEEN_CR, LINE_START, LINE_CR, IN_LINE };

static uint8_t
step(uint8_t state, char c)
{
	bool at_start = state == LINE_START || state == LINE_CR ||
		state == BETWEEN || state == BETWEEN_CR;

	if (c == '\n' && state == BETWEEN_CR)
		return BETWEEN;
	if (c == '\n' && state == LINE_CR)
		return LINE_START;
	if (c == '\n')
		return at_start ? BETWEEN : LINE_START;
	if (c == '\r')
		return at_start ? BETWEEN_CR : LINE_CR;
	return IN_LINE;
}

void
sse_follow(struct sse_tail *t, struct str bytes)
{
	size_t i;

	if (str_ends(bytes, STR("\n\n"))) {
		t->state = BETWEEN;	/* how nearly every chunk ends */
		return;
	}
	for (i = 0; i < bytes.n; i++)
		t->state = step(t->state, bytes.p[i]);
}

bool
sse_between(const struct sse_tail *t)
{
	return t->state == BETWEEN || t->state == BETWEEN_CR;
}

/* ---- the mark ------------------------- */
static const struct str mark = { "\xef\xbb\xbf", 3 };

struct str
sse_unmark(struct sse_head *h, struct str *bytes)
{
	struct str held = STR_NONE;

	while (!h->over && bytes->n > 0) {
		if (bytes->p[0] != mark.p[h->held]) {
			held = str_head(mark, h->held);
			h->over = true;
			break;
		}
		*bytes = str_from(*bytes, 1);
		h->held++;
		h->over = h->held == mark.n;
	}
	return held;
}

/* ---- take events out ------------------------- */

/* Text that is used again for the next event; the room only grows. */
struct text {
	char *p;
	size_t n, room;
};

struct sse {
	struct arena *arena;
	size_t max, seen;		/* bytes of this event so far */
	struct text line, event, data, id;
	bool has_id, has_data;
	bool after_cr, begun;
	int64_t retry_ms;
};

typedef bool event_fn(void *who, const struct sse_event *e);

struct sse *
sse_new(struct arena *a, size_t max_event)
{
	struct sse *s = ARENA_NEW(a, struct sse);

	s->arena = a;
	s->max = max_event;
	s->retry_ms = -1;
	return s;
}

static void
text_add(struct sse *s, struct text *t, struct str more)
{
	size_t room = t->room != 0 ? t->room : 256;
	char *p;

	while (room < t->n + more.n)
		room *= 2;
	if (room > t->room) {
		p = arena_alloc(s->arena, room);
		if (t->n > 0)
			memcpy(p, t->p, t->n);
		t->p = p;
		t->room = room;
	}
	if (more.n > 0)
		memcpy(t->p + t->n, more.p, more.n);
	t->n += more.n;
}

static struct str
text_str(const struct text *t)
{
	return (struct str){ t->p != NULL ? t->p : "", t->n };
}

static void
reset(struct sse *s)
{
	s->event.n = s->data.n = s->id.n = 0;
	s->has_id = s->has_data = false;
	s->retry_ms = -1;
	s->seen = 0;
}

/* A blank line: the event, if there is one, is complete. */
static bool
dispatch(struct sse *s, event_fn *fn, void *who)
{
	struct sse_event e = {
		.event = text_str(&s->event), .data = text_str(&s->data),
		.id = text_str(&s->id), .has_id = s->has_id,
		.has_data = s->has_data, .retry_ms = s->retry_ms,
	};
	bool any = s->has_data || s->has_id || s->retry_ms >= 0 ||
		s->event.n > 0;
	bool go_on = !any || fn(who, &e);

	reset(s);
	return go_on;
}

static void
set_retry(struct sse *s, struct str value)
{
	uint64_t ms;

	if (str_number(value, &ms) && ms <= INT32_MAX)
		s->retry_ms = (int64_t)ms;
}

static void
set_field(struct sse *s, struct str name, struct str value)
{
	if (str_is(name, "data")) {
		if (s->has_data)
			text_add(s, &s->data, STR("\n"));
		s->has_data = true;
		text_add(s, &s->data, value);
	} else if (str_is(name, "event")) {
		s->event.n = 0;
		text_add(s, &s->event, value);
	} else if (str_is(name, "id") && str_find(value, '\0') == value.n) {
		s->has_id = true;
		s->id.n = 0;
		text_add(s, &s->id, value);
	} else if (str_is(name, "retry")) {
		set_retry(s, value);
	}
}

static bool
end_line(struct sse *s, struct str line, event_fn *fn, void *who)
{
	struct str value;
	size_t colon;

	if (!s->begun && str_starts(line, mark))
		line = str_from(line, mark.n);
	s->begun = true;
	if (line.n == 0)
		return dispatch(s, fn, who);
	colon = str_find(line, ':');
	if (colon == 0)
		return true;			/* a comment */
	value = str_from(line, colon + 1);
	if (value.n > 0 && value.p[0] == ' ')
		value = str_from(value, 1);
	set_field(s, str_head(line, colon), value);
	return true;
}

size_t
sse_line(struct str bytes)
{
	size_t lf = str_find(bytes, '\n');
	size_t cr = str_find(str_head(bytes, lf), '\r');

	return cr < lf ? cr : lf;
}

bool
sse_feed(struct sse *s, struct str bytes, event_fn *fn, void *who)
{
	struct str line;

	while (bytes.n > 0) {
		size_t n = sse_line(bytes);
		bool lf_of_cr = s->after_cr && n == 0 && bytes.p[0] == '\n';

		s->after_cr = false;
		if (lf_of_cr) {
			bytes = str_from(bytes, 1);
			continue;
		}
		s->seen += n;
		if (s->seen > s->max)
			return false;
		line = str_head(bytes, n);
		if (n == bytes.n || s->line.n > 0) {
			text_add(s, &s->line, line);
			line = text_str(&s->line);
		}
		if (n == bytes.n)
			return true;
		s->line.n = 0;		/* its bytes are read at once */
		s->after_cr = bytes.p[n] == '\r';
		bytes = str_from(bytes, n + 1);
		if (!end_line(s, line, fn, who))
			return true;
	}
	return true;
}
