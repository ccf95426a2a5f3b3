/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "conf/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

struct report *
report_new(struct arena *a)
{
	struct report *r = ARENA_NEW(a, struct report);

	r->arena = a;
	r->v = ARENA_ARRAY(a, struct conf_message, 3 * REPORT_MOST);
	return r;
}

static bool
said_already(const struct report *r, struct str text)
{
	for (uint32_t i = 0; i < r->n; i++) {
		if (str_eq(r->v[i].text, text))
			return true;
	}
	return false;
}

static enum conf_level
level_of(const char *id)
{
	if (id[0] == 'E')
		return CONF_ERROR;
	return id[0] == 'W' ? CONF_WARNING : CONF_NOTE;
}

static void
keep(struct report *r, const char *id, struct str text)
{
	enum conf_level level = level_of(id);

	if (said_already(r, text))
		return;
	if (level == CONF_ERROR)
		r->errors++;
	if (r->kept[level] >= REPORT_MOST)
		return;
	r->kept[level]++;
	r->v[r->n++] = (struct conf_message){ level, id, text };
}

void
report_file(struct report *r, const char *id, struct str file, uint32_t line,
	uint32_t column, struct str text)
{
	keep(r, id, str_fmt(r->arena, "%.*s:%u:%u: %.*s", STR_ARG(file), line,
	    column, STR_ARG(text)));
}

/* Text from a file may hold controls; a terminal shall not obey them. */
static void
clean(char *text)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c == 0x7f)
			*text = '?';
	}
}

__attribute__((format(printf, 5, 0))) static void
say(struct report *r, const char *id, const struct node *at, bool name,
	const char *fmt, va_list ap)
{
	static const struct tree_file none = { .name = { "", 0 } };
	const struct tree_file *file = &none;
	struct str path = node_path(r->arena, at);
	uint32_t line = 1, column = 1;
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	clean(text);
	if (at != NULL && at->file != NULL)
		file = at->file;
	if (at != NULL && at->line > 0) {
		line = name ? at->name_line : at->line;
		column = name ? at->name_column : at->column;
	}
	report_file(r, id, file->name, line, column,
	    str_fmt(r->arena, "%.*s: %s", STR_ARG(path), text));
}

void
report_add(struct report *r, const char *id, const struct node *at,
	const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(r, id, at, false, fmt, ap);
	va_end(ap);
}

void
report_name(struct report *r, const char *id, const struct node *at,
	const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(r, id, at, true, fmt, ap);
	va_end(ap);
}

struct conf_messages
report_take(const struct report *r)
{
	return (struct conf_messages){ r->v, r->n, r->errors };
}
