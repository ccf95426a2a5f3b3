/* SPDX-License-Identifier: MIT */
/*
 * listing_events -- the lists inside an event stream
 *
 * An event is passed on when it is complete and has been looked at.  Its
 * bytes stay as they are; where a list gets shorter only the data lines are
 * written anew.
 *
 * Clients take events named "message", or without a name, for messages; some
 * look at no name.  So a list gets shorter whatever its event is called, and
 * an event of another name that cannot be read spoils nothing: it goes on,
 * but without data that somebody might take for a message.
 */
#include "config.h"
#include "mcp/listing.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "mcp/sse.h"

struct listing_events {
	struct arena *arena;
	const struct listing_rules *rules;
	void (*write)(void *who, struct str bytes);
	void *who;
	char *p;			/* the event so far; used again */
	size_t n, room;
	size_t line;			/* where its open line begins */
	bool after_cr;			/* an LF belongs to the line before */
};

struct listing_events *
listing_events_new(struct arena *a, const struct listing_rules *r,
	void (*write)(void *who, struct str bytes), void *who)
{
	struct listing_events *s = ARENA_NEW(a, struct listing_events);

	s->arena = a;
	s->rules = r;
	s->write = write;
	s->who = who;
	return s;
}

static bool
keep(struct listing_events *s, struct str bytes)
{
	size_t room = s->room != 0 ? s->room : 1024;

	if (bytes.n > s->rules->max - s->n)
		return false;
	while (room < s->n + bytes.n)
		room *= 2;
	if (room > s->room) {
		s->p = arena_larger(s->arena, s->p, s->n, room);
		s->room = room;
	}
	memcpy(s->p + s->n, bytes.p, bytes.n);
	s->n += bytes.n;
	return true;
}

/* ---- lines of one event ------------------------------------------------------- */
/* Cuts off a line with its end, whichever it is. */
static struct str
take_line(struct str *rest, struct str *line_r)
{
	size_t n = sse_line(*rest);
	struct str whole;

	*line_r = str_head(*rest, n);
	if (n + 1 < rest->n && rest->p[n] == '\r' && rest->p[n + 1] == '\n')
		n++;
	whole = str_head(*rest, n + 1);
	*rest = str_from(*rest, n + 1);
	return whole;
}

/* The value of a line `name: value`. */
static bool
is_field(struct str line, struct str name, struct str *value_r)
{
	if (!str_starts(line, name))
		return false;
	*value_r = str_from(line, name.n + 1);
	if (line.n > name.n && line.p[name.n] != ':')
		return false;
	if (value_r->n > 0 && value_r->p[0] == ' ')
		*value_r = str_from(*value_r, 1);
	return true;
}

static bool
is_data(struct str line, struct str *value_r)
{
	return is_field(line, STR("data"), value_r);
}

/* The last name counts. */
static bool
is_message(struct str raw)
{
	struct str line, value, name = STR("");

	while (raw.n > 0) {
		take_line(&raw, &line);
		if (is_field(line, STR("event"), &value))
			name = value;
	}
	return sse_is_message(name);
}

/* Whatever a reader leaves out before it. */
static bool
begins_message(struct str data)
{
	static const struct str mark = { "\xef\xbb\xbf", 3 };

	while (data.n > 0) {
		if (str_starts(data, mark))
			data = str_from(data, mark.n);
		else if ((unsigned char)data.p[0] <= ' ')
			data = str_from(data, 1);
		else
			return data.p[0] == '{' || data.p[0] == '[';
	}
	return false;
}

/* All data lines, joined by LF; "" when there are none. */
static struct str
data_of(struct arena *a, struct str raw)
{
	char *text = arena_alloc(a, raw.n + 1);
	struct str line, value;
	size_t n = 0;
	bool any = false;

	while (raw.n > 0) {
		take_line(&raw, &line);
		if (!is_data(line, &value))
			continue;
		if (any)
			text[n++] = '\n';
		any = true;
		if (value.n > 0)
			memcpy(text + n, value.p, value.n);
		n += value.n;
	}
	return (struct str){ text, n };
}

/* ---- an event is complete --------------------------------------------------------- */
static void
write_data(struct listing_events *s, struct str text)
{
	while (text.p != NULL) {
		struct str line = str_cut(&text, '\n');

		s->write(s->who, STR("data: "));
		if (line.n > 0)
			s->write(s->who, line);
		s->write(s->who, STR("\n"));
	}
}

/* The event with other data in the place of its first data line; STR_NONE:
 * without any. */
static void
write_changed(struct listing_events *s, struct str raw, struct str text)
{
	struct str line, value;
	bool done = false;

	while (raw.n > 0) {
		struct str whole = take_line(&raw, &line);

		if (!is_data(line, &value))
			s->write(s->who, whole);
		else if (!done)
			write_data(s, text);
		done = done || is_data(line, &value);
	}
}

/* What becomes of data that cannot be read; false: nobody may see it. */
static bool
unread(struct str raw, struct str data, struct str *text_r)
{
	if (is_message(raw))
		return false;
	*text_r = begins_message(data) ? STR_NONE : data;
	return true;
}

/* a: for this event alone; a stream may have any number of them. */
static bool
pass_event(struct listing_events *s, struct arena *a, const char **why_r)
{
	struct str raw = { s->p, s->n };
	struct str data = data_of(a, raw), text;

	if (data.n == 0) {
		s->write(s->who, raw);
		return true;
	}
	if (!listing_document(a, s->rules, data, &text, why_r) &&
	    !unread(raw, data, &text))
		return false;
	if (text.p == data.p)
		s->write(s->who, raw);
	else
		write_changed(s, raw, text);
	return true;
}

static bool
event_ended(struct listing_events *s, const char **why_r)
{
	struct arena *a = arena_new(MAX_ARENA);
	bool good = pass_event(s, a, why_r);

	arena_free(a);
	s->n = s->line = 0;
	return good;
}

/* ---- bytes come ---------------------------------------------------------------------- */
/* The LF of a CRLF whose CR has ended the line, perhaps the event. */
static bool
take_late_lf(struct listing_events *s)
{
	if (s->n == 0) {
		s->write(s->who, STR("\n"));
		return true;
	}
	if (!keep(s, STR("\n")))
		return false;
	s->line = s->n;
	return true;
}

bool
listing_events_feed(struct listing_events *s, struct str bytes,
	const char **why_r)
{
	while (bytes.n > 0) {
		bool late = s->after_cr && bytes.p[0] == '\n';
		size_t n = late ? 0 : sse_line(bytes);
		bool ends = n < bytes.n, empty;

		s->after_cr = !late && ends && bytes.p[n] == '\r';
		*why_r = "an event is too long";
		if (late ? !take_late_lf(s) : !keep(s, str_head(bytes, n + 1)))
			return false;
		bytes = str_from(bytes, n + 1);
		if (late || !ends)
			continue;
		empty = s->n == s->line + 1;
		s->line = s->n;
		if (empty && !event_ended(s, why_r))
			return false;
	}
	return true;
}

bool
listing_events_end(struct listing_events *s, const char **why_r)
{
	return s->n == 0 || event_ended(s, why_r);
}
