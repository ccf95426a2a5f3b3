/* SPDX-License-Identifier: MIT */
/*
 * jdoc_scan -- the strict scanner: one pass, no recursion, no tree
 *
 * A stack of frames stands for the open arrays and objects.  Its first places
 * and those for names lie in the caller's frame: most messages need no more.
 *
 * What is UNSAFE is remembered, and said when the rest is JSON: a text that is
 * not JSON is SYNTAX, whatever else it is.
 */
#include "config.h"
#include "base/jdoc_scan.h"

#include <string.h>

#include "base/arena.h"
#include "base/jdoc_lex.h"
#include "base/jdoc_names.h"
#include "base/jdoc_stack.h"
#include "base/limits.h"

#define PLACES	16	/* for names and frames, before the arena gives some */

struct scan {
	const char *p, *end, *start;
	struct arena *arena;
	enum jdoc_profile profile;
	const struct jdoc_limits *limits;
	struct jdoc_report *report;
	char *clean;
	struct jdoc_stack open;
	struct jdoc_names names;
	struct jdoc_message message;	/* the one that is open */
	uint32_t messages_room;
	struct jdoc_next next;
	const char *unsafe_at;
	const char *unsafe_why, *unsafe_first;
	struct str unsafe_name;
};

/* ---- failing ------------------------------------------------------------- */

static bool
syntax(struct scan *s, const char *at, const char *why)
{
	s->report->at = (size_t)(at - s->start);
	s->report->why = why;
	return false;
}

/* Only the first is told. */
static void
unsafe(struct scan *s, const char *at, const char *why)
{
	if (s->unsafe_why != NULL)
		return;
	s->unsafe_at = at;
	s->unsafe_why = why;
}

/* Lines end with LF; a column is a character. */
static uint32_t
line_of(const struct scan *s, const char *at, uint32_t *column_r)
{
	uint32_t line = 1, column = 1;

	for (const char *p = s->start; p < at; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*p & 0xC0) != 0x80) {
			column++;
		}
	}
	if (column_r != NULL)
		*column_r = column;
	return line;
}

/* ---- white space, comments ----------------------------------------------- */

static void
blank_out(struct scan *s, const char *from, const char *to)
{
	if (s->clean != NULL)
		memset(s->clean + (from - s->start), ' ', (size_t)(to - from));
}

static bool
comment(struct scan *s)
{
	struct jdoc_bad bad;
	const char *to = jdoc_lex_comment(s->p, s->end, &bad);

	if (to == NULL)
		return syntax(s, bad.at, bad.why);
	blank_out(s, s->p, to);
	s->p = to;
	return true;
}

static inline const char *
after_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' ||
	    *p == '\t'))
		p++;
	return p;
}

/* To the next byte that means something; false: there is none. */
static inline bool
skip_blanks(struct scan *s, const char *why)
{
	s->p = after_blanks(s->p, s->end);
	while (s->profile == JDOC_CONFIG && s->p < s->end && *s->p == '/') {
		if (!comment(s))
			return false;
		s->p = after_blanks(s->p, s->end);
	}
	return s->p < s->end || (why != NULL && syntax(s, s->p, why));
}

/* ---- scalars ------------------------------------------------------------- */

static bool
scan_string(struct scan *s, unsigned *has_r)
{
	struct jdoc_bad bad;
	const char *after = jdoc_lex_string(s->p, s->end, has_r, &bad);

	if (after == NULL)
		return syntax(s, bad.at, bad.why);
	s->p = after;
	return true;
}

static bool
scan_number(struct scan *s)
{
	unsigned has;
	const char *after = jdoc_lex_number(s->arena, s->p, s->end, &has);

	if (after == NULL)
		return syntax(s, s->p, "not a number");
	if ((has & JDOC_HAS_BIG_INT) != 0)
		s->report->has_big_int = true;
	if ((has & JDOC_HAS_NON_FINITE) != 0)
		s->report->has_non_finite = true;
	s->p = after;
	return true;
}

/* A NUL or a lone surrogate is in a name, or in a value where it harms. */
static void
judge(struct scan *s, const char *at, unsigned has, bool is_name)
{
	if ((has & JDOC_HAS_NUL) != 0)
		unsafe(s, at, is_name ? "U+0000 in a name" :
			"U+0000 in a string");
	else if ((has & JDOC_HAS_LONE) != 0)
		unsafe(s, at, is_name ? "lone surrogate in a name" :
			"lone surrogate in a string");
}

static bool
scan_word(struct scan *s, struct str word)
{
	struct str rest = { s->p, (size_t)(s->end - s->p) };

	if (!str_starts(rest, word))
		return syntax(s, s->p, "unknown word");
	s->p += word.n;
	return true;
}

/* ---- names --------------------------------------------------------------- */

static void
repeated(struct scan *s, const struct jdoc_name *first, struct str name,
	const char *at)
{
	if (s->unsafe_why != NULL)
		return;
	unsafe(s, at, "repeated name");
	s->unsafe_name = name;
	s->unsafe_first = first->at;
}

/* From the opening quote of a name to the value behind its colon. */
static bool
scan_name(struct scan *s)
{
	const char *at = s->p;
	struct jdoc_frame *top = s->open.top;
	const struct jdoc_name *first;
	struct str name;
	unsigned has;

	if (*at != '"')
		return syntax(s, at, "expected a name");
	if (!scan_string(s, &has))
		return false;
	name = (struct str){ at + 1, (size_t)(s->p - at) - 2 };
	if ((has & JDOC_HAS_ESCAPE) != 0)
		name = jdoc_lex_unescape(s->arena,
			(struct str){ at, name.n + 2 });
	judge(s, at, has, true);
	if (s->names.n - top->names.first >= MAX_JSON_NAMES)
		return syntax(s, at, "too many names");
	first = jdoc_names_add(&s->names, &top->names, name, at);
	if (first != NULL)
		repeated(s, first, name, at);
	s->next = jdoc_next_of(top->role, name, &s->message);
	if (!skip_blanks(s, "unexpected end"))
		return false;
	if (*s->p != ':')
		return syntax(s, s->p, "expected a colon");
	s->p++;
	return true;
}

/* ---- values -------------------------------------------------------------- */

static bool
push(struct scan *s, enum jdoc_type type)
{
	struct jdoc_frame f = { .span = s->next.span, .start = s->p,
		.type = type, .names.first = s->names.n };

	if (s->open.n >= s->limits->depth)
		return syntax(s, s->p, "too deep");
	if (type == JDOC_OBJECT)
		f.role = s->next.role;
	else if (s->open.top == NULL && s->profile == JDOC_MESSAGE)
		f.role = JDOC_ROLE_BATCH;
	jdoc_stack_push(&s->open, &f);
	s->p++;
	return true;
}

static void
message_keep(struct scan *s)
{
	struct jdoc_report *r = s->report;

	if (r->n_messages == s->messages_room) {
		uint32_t room = s->messages_room > 0 ? 2 * s->messages_room :
			1;

		r->messages = arena_larger(s->arena, r->messages,
			r->n_messages * sizeof(*r->messages),
			room * sizeof(*r->messages));
		s->messages_room = room;
	}
	r->messages[r->n_messages++] = s->message;
	s->message = (struct jdoc_message){ 0 };
}

/* A value has ended.  Was it a message? Only objects and elements are. */
static void
value_ended(struct scan *s, enum jdoc_type type)
{
	if (s->profile != JDOC_MESSAGE || s->open.n > 1)
		return;
	if (s->open.n == 0 ? type == JDOC_OBJECT :
	    s->open.top->role == JDOC_ROLE_BATCH)
		message_keep(s);
}

static void
pop(struct scan *s)
{
	struct jdoc_frame *f = s->open.top;
	enum jdoc_type type = f->type;

	s->p++;
	if (f->span != NULL)
		*f->span = (struct jdoc_span){
			{ f->start, (size_t)(s->p - f->start) }, type };
	s->names.n = f->names.first;
	jdoc_stack_pop(&s->open);
	value_ended(s, type);
}

static bool
scan_text(struct scan *s)
{
	const char *at = s->p;
	unsigned has;

	if (!scan_string(s, &has))
		return false;
	if (has > JDOC_HAS_ESCAPE &&
	    (s->next.steering || s->profile != JDOC_MESSAGE))
		judge(s, at, has, false);
	return true;
}

enum jdoc_type
jdoc_begins(char c)
{
	switch (c) {
	case '{':
		return JDOC_OBJECT;
	case '[':
		return JDOC_ARRAY;
	case '"':
		return JDOC_STRING;
	case 't':
	case 'f':
		return JDOC_BOOL;
	case 'n':
		return JDOC_NULL;
	default:
		return c == '-' || (c >= '0' && c <= '9') ? JDOC_NUMBER :
			JDOC_ABSENT;
	}
}

static bool
scan_scalar(struct scan *s, enum jdoc_type type)
{
	switch (type) {
	case JDOC_STRING:
		return scan_text(s);
	case JDOC_NUMBER:
		return scan_number(s);
	case JDOC_BOOL:
		return scan_word(s, *s->p == 't' ? STR("true") : STR("false"));
	case JDOC_NULL:
		return scan_word(s, STR("null"));
	default:
		return syntax(s, s->p, "unexpected character");
	}
}

/* The top-level value, or an element of an array: no name speaks for it. */
static bool
no_name(struct scan *s)
{
	bool in_batch = s->open.top != NULL &&
		s->open.top->role == JDOC_ROLE_BATCH;

	s->next = (struct jdoc_next){ .span = NULL };
	if (in_batch && s->report->n_messages >= s->limits->batch)
		return syntax(s, s->p, "batch too long");
	if (s->profile == JDOC_MESSAGE && (in_batch || s->open.top == NULL))
		s->next.role = JDOC_ROLE_MESSAGE;
	return true;
}

/* A scalar wholly, or the head of a container, which *opened_r says. */
static bool
scan_value(struct scan *s, bool *opened_r)
{
	const char *from;
	enum jdoc_type type;

	if (!skip_blanks(s, "unexpected end"))
		return false;
	from = s->p;
	type = jdoc_begins(*from);
	if (s->report->values >= s->limits->values)
		return syntax(s, from, "too many values");
	s->report->values++;
	if (s->report->top == JDOC_ABSENT)
		s->report->top = type;
	*opened_r = type == JDOC_OBJECT || type == JDOC_ARRAY;
	if (*opened_r)
		return push(s, type);
	if (!scan_scalar(s, type))
		return false;
	if (s->next.span != NULL)
		*s->next.span = (struct jdoc_span){
			{ from, (size_t)(s->p - from) }, type };
	value_ended(s, type);
	return true;
}

static bool
at_close(const struct scan *s)
{
	return *s->p == (s->open.top->type == JDOC_OBJECT ? '}' : ']');
}

/* What stands before the next value of the open container. */
static bool
member_head(struct scan *s)
{
	return s->open.top->type == JDOC_OBJECT ? scan_name(s) : no_name(s);
}

/* Behind a comma.  A trailing one passes in a configuration only. */
static bool
after_comma(struct scan *s, bool *close_r)
{
	const char *comma = s->p++;

	if (!skip_blanks(s, "unexpected end"))
		return false;
	*close_r = at_close(s);
	if (!*close_r)
		return member_head(s);
	if (s->profile != JDOC_CONFIG)
		return syntax(s, comma, "comma before the end");
	blank_out(s, comma, comma + 1);
	return true;
}

/* Behind a value: closes what ends here, up to the next value or the end. */
static bool
between(struct scan *s)
{
	while (s->open.top != NULL) {
		bool close;

		if (!skip_blanks(s, "unexpected end"))
			return false;
		close = at_close(s);
		if (!close && *s->p != ',')
			return syntax(s, s->p, "expected a comma or the end");
		if (!close && !after_comma(s, &close))
			return false;
		if (!close)
			return true;
		pop(s);
	}
	return true;
}

/* Behind the head of a container. */
static bool
first_member(struct scan *s)
{
	if (!skip_blanks(s, "unexpected end"))
		return false;
	if (!at_close(s))
		return member_head(s);
	pop(s);
	return between(s);
}

static bool
walk(struct scan *s)
{
	bool opened;

	if (s->end - s->p >= 3 && memcmp(s->p, "\xEF\xBB\xBF", 3) == 0)
		return syntax(s, s->p, "byte order mark");
	if (!no_name(s))
		return false;
	do {
		if (!scan_value(s, &opened))
			return false;
		if (!(opened ? first_member(s) : between(s)))
			return false;
	} while (s->open.top != NULL);
	if (skip_blanks(s, NULL))
		return syntax(s, s->p, "something after the value");
	return s->report->why == NULL;	/* a comment may have failed */
}

/* ---- the verdict --------------------------------------------------------- */

static enum jdoc_verdict
verdict(struct scan *s)
{
	struct jdoc_report *r = s->report;
	enum jdoc_verdict v = JDOC_OK;

	if (!walk(s))
		v = JDOC_SYNTAX;
	else if (s->unsafe_why != NULL)
		v = JDOC_UNSAFE;
	if (v == JDOC_OK)
		return v;
	if (v == JDOC_UNSAFE) {
		r->at = (size_t)(s->unsafe_at - s->start);
		r->why = s->unsafe_why;
		r->name = s->unsafe_name;
		if (s->unsafe_first != NULL)
			r->first_line = line_of(s, s->unsafe_first, NULL);
	}
	r->line = line_of(s, s->start + r->at, &r->column);
	return v;
}

enum jdoc_verdict
jdoc_scan(struct arena *a, struct str text, enum jdoc_profile profile,
	const struct jdoc_limits *limits, struct jdoc_report *report_r,
	char *clean)
{
	const char *start = text.p != NULL ? text.p : "";
	struct jdoc_frame frames[PLACES];
	struct jdoc_name names[PLACES];
	struct scan s = { .p = start, .start = start, .end = start + text.n,
		.arena = a, .profile = profile, .limits = limits,
		.names = { .arena = a, .list = names, .room = PLACES },
		.open = { .arena = a, .frames = frames, .room = PLACES },
		.report = report_r, .clean = clean };

	*report_r = (struct jdoc_report){ 0 };
	return verdict(&s);
}

enum jdoc_verdict
jdoc_check(struct arena *a, struct str text, enum jdoc_profile profile,
	const struct jdoc_limits *limits, struct jdoc_report *report_r)
{
	return jdoc_scan(a, text, profile, limits, report_r, NULL);
}
