/* SPDX-License-Identifier: MIT */
/*
 * buf -- one piece of an arena that is exchanged for a larger one
 *
 * There is always room for a NUL behind the text, beyond the maximum.
 */
#include "config.h"
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

#define BUF_FIRST 256		/* bytes taken at the first append */

struct buf
buf_new(struct arena *a, size_t max)
{
	return (struct buf){ .arena = a, .max = max };
}

/* Room for `more` bytes and a NUL; false: the buffer is full. */
static bool
make_room(struct buf *b, size_t more)
{
	size_t need, room;
	char *p;

	if (b->full || more > b->max - b->n) {
		b->full = true;
		return false;
	}
	need = b->n + more + 1;
	if (need <= b->room)
		return true;
	room = b->room > 0 ? b->room : BUF_FIRST;
	while (room < need)
		room *= 2;
	if (room > b->max + 1 && b->max < SIZE_MAX)
		room = b->max + 1;
	if (b->p == NULL || !arena_grow(b->arena, b->p, b->room, room)) {
		p = arena_alloc(b->arena, room);
		if (b->n > 0)
			memcpy(p, b->p, b->n);
		b->p = p;
	}
	b->room = room;
	return true;
}

void
buf_add(struct buf *b, struct str s)
{
	if (!make_room(b, s.n) || s.n == 0)
		return;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
}

void
buf_add_c(struct buf *b, const char *c)
{
	buf_add(b, str_of(c));
}

void
buf_char(struct buf *b, char c)
{
	buf_add(b, (struct str){ &c, 1 });
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	size_t left = b->room > b->n ? b->room - b->n : 0;
	va_list ap;
	int n;

	if (b->full)
		return;
	va_start(ap, fmt);
	n = vsnprintf(left > 0 ? b->p + b->n : NULL, left, fmt, ap);
	va_end(ap);
	if (n < 0 || !make_room(b, (size_t)n)) {
		b->full = true;
		return;
	}
	if ((size_t)n >= left) {	/* did not fit: now it does */
		va_start(ap, fmt);
		vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->n += (size_t)n;
}

/* What stands for the byte c inside a JSON string. */
static void
add_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *hit = c != 0 ? strchr(from, c) : NULL;
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (hit != NULL) {
		text[1] = to[hit - from];
		buf_add(b, (struct str){ text, 2 });
		return;
	}
	buf_add(b, (struct str){ text, sizeof(text) });
}

void
buf_json(struct buf *b, struct str s)
{
	size_t from = 0, i = 0;		/* from..i: not yet added, plain */

	while (i < s.n) {
		unsigned char c = (unsigned char)s.p[i];
		bool escaped = c < 0x20 || c == 0x7f || c == '"' || c == '\\';
		size_t took = str_utf8_char(s.p + i, s.n - i);

		if (took > 0 && !escaped) {
			i += took;
			continue;
		}
		buf_add(b, (struct str){ s.p + from, i - from });
		if (escaped)
			add_escape(b, c);
		else
			buf_add(b, STR("\xEF\xBF\xBD"));
		from = ++i;
	}
	if (s.n > from)
		buf_add(b, (struct str){ s.p + from, s.n - from });
}

void
buf_member(struct buf *b, const char *key, struct str value)
{
	buf_fmt(b, ",\"%s\":\"", key);
	buf_json(b, value);
	buf_char(b, '"');
}

bool
buf_take(struct buf *b, struct str *text_r)
{
	if (!make_room(b, 0))
		return false;
	b->p[b->n] = '\0';
	*text_r = (struct str){ b->p, b->n };
	return true;
}
