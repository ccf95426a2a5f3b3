/* SPDX-License-Identifier: MIT */
/*
 * walk -- members and elements of JSON that has been checked, as bytes
 */
#include "config.h"
#include "mcp/walk.h"

static const char *
after_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' ||
	    *p == '\r'))
		p++;
	return p;
}

/* p: at the opening quote. */
static const char *
after_string(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\')
			p++;
	}
	return end;
}

static bool
opens(char c)
{
	return c == '{' || c == '[';
}

static bool
closes(char c)
{
	return c == '}' || c == ']';
}

/* A scalar that is no string ends before one of these. */
static bool
delimits(char c)
{
	return c == ',' || closes(c) || c == ' ' || c == '\t' || c == '\n' ||
		c == '\r';
}

static const char *
after_container(const char *p, const char *end)
{
	size_t depth = 0;

	while (p < end) {
		char c = *p;

		if (c == '"') {
			p = after_string(p, end);
			continue;
		}
		p++;
		if (opens(c))
			depth++;
		else if (closes(c) && --depth == 0)
			break;
	}
	return p;
}

static const char *
after_value(const char *p, const char *end)
{
	if (*p == '"')
		return after_string(p, end);
	if (opens(*p))
		return after_container(p, end);
	while (p < end && !delimits(*p))
		p++;
	return p;
}

struct walk
walk_into(struct str container)
{
	const char *from = container.p, *end = container.p;

	if (container.n > 0) {
		end += container.n;
		from = after_blanks(from, end);
	}
	if (from == end || !opens(*from))
		return (struct walk){ end, end, false };
	return (struct walk){ from + 1, end, *from == '{' };
}

/* From the quote of a name to the value behind its colon. */
static const char *
take_name(struct walk *w, const char *p, struct str *name_r)
{
	const char *from = p;

	if (*p != '"')
		return w->end;
	p = after_string(p, w->end);
	*name_r = (struct str){ from, (size_t)(p - from) };
	p = after_blanks(p, w->end);
	return p < w->end ? after_blanks(p + 1, w->end) : p;
}

bool
walk_next(struct walk *w, struct str *name_r, struct jdoc_span *value_r)
{
	const char *p = after_blanks(w->p, w->end), *from;

	*name_r = STR("");
	if (p < w->end && *p == ',')
		p = after_blanks(p + 1, w->end);
	if (p < w->end && w->object && !closes(*p))
		p = take_name(w, p, name_r);
	w->p = p;
	if (p >= w->end || delimits(*p))
		return false;
	from = p;
	w->p = after_value(p, w->end);
	*value_r = (struct jdoc_span){ { from, (size_t)(w->p - from) },
		jdoc_begins(*from) };
	return true;
}

bool
walk_named(struct arena *a, struct str name, const char *wanted)
{
	struct jdoc_span quoted = { name, JDOC_STRING };
	struct str text;

	if (name.n < 2)
		return false;
	if (str_find(name, '\\') == name.n)
		return str_is((struct str){ name.p + 1, name.n - 2 }, wanted);
	return jdoc_unquote(a, quoted, &text) && str_is(text, wanted);
}

struct jdoc_span
walk_member(struct arena *a, struct jdoc_span object, const char *name)
{
	struct jdoc_span none = { STR_NONE, JDOC_ABSENT }, value;
	struct walk w = walk_into(object.raw);
	struct str found;

	if (object.type != JDOC_OBJECT)
		return none;
	while (walk_next(&w, &found, &value)) {
		if (walk_named(a, found, name))
			return value;
	}
	return none;
}

bool
walk_text(struct arena *a, struct jdoc_span object, const char *name,
	struct str *text_r)
{
	return jdoc_unquote(a, walk_member(a, object, name), text_r);
}
