/* SPDX-License-Identifier: MIT */
/*
 * str -- pieces of text: compare, search, cut, copy, match
 */
#include "config.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct str
str_of(const char *c)
{
	return (struct str){ c, c != NULL ? strlen(c) : 0 };
}

bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
str_is(struct str a, const char *c)
{
	return str_eq(a, str_of(c));
}

static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	}
	return true;
}

bool
str_is_nocase(struct str a, const char *c)
{
	return str_eq_nocase(a, str_of(c));
}

bool
str_starts(struct str s, struct str head)
{
	return s.n >= head.n && str_eq(str_head(s, head.n), head);
}

bool
str_ends(struct str s, struct str tail)
{
	return s.n >= tail.n && str_eq(str_from(s, s.n - tail.n), tail);
}

size_t
str_find(struct str s, char c)
{
	const char *hit = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

size_t
str_search(struct str s, struct str needle)
{
	const char *hit;

	if (needle.n == 0)
		return 0;
	if (s.n < needle.n)
		return s.n;
	hit = memmem(s.p, s.n, needle.p, needle.n);
	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

struct str
str_from(struct str s, size_t from)
{
	if (from >= s.n)
		return (struct str){ s.p != NULL ? s.p + s.n : NULL, 0 };
	return (struct str){ s.p + from, s.n - from };
}

struct str
str_head(struct str s, size_t n)
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n > 0 && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str
str_cut(struct str *s, char sep)
{
	size_t at = str_find(*s, sep);
	struct str head = str_head(*s, at);

	*s = at < s->n ? str_from(*s, at + 1) : STR_NONE;
	return head;
}

struct str
str_copy(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

struct str
str_fmt(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();		/* a wrong format is ours */
	p = arena_alloc(a, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct str){ p, (size_t)n };
}

bool
str_number(struct str s, uint64_t *value_r)
{
	uint64_t value = 0;

	if (s.n == 0 || s.n > 19)	/* 19 digits cannot overflow */
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(s.p[i] - '0');
	}
	*value_r = value;
	return true;
}

bool
str_glob(struct str pattern, struct str s)
{
	size_t i = 0, k = 0;		/* in s, in pattern */
	size_t star = SIZE_MAX, mark = 0; /* the last star, what it took up to */

	while (i < s.n) {
		if (k < pattern.n && pattern.p[k] == '*') {
			star = k++;
			mark = i;
		} else if (k < pattern.n && (pattern.p[k] == '?' ||
		    pattern.p[k] == s.p[i])) {
			i++;
			k++;
		} else if (star != SIZE_MAX) {
			i = ++mark;	/* the last star takes one more */
			k = star + 1;
		} else {
			return false;
		}
	}
	while (k < pattern.n && pattern.p[k] == '*')
		k++;
	return k == pattern.n;
}

/* Is p[at] a byte within lo..hi? */
static bool
within(const char *p, size_t at, unsigned lo, unsigned hi)
{
	unsigned c = (unsigned char)p[at];

	return c >= lo && c <= hi;
}

/* Unicode 15, table 3-7: only the second byte has special ranges. */
size_t
str_utf8_char(const char *p, size_t n)
{
	unsigned c = (unsigned char)p[0], lo = 0x80, hi = 0xBF;
	size_t want = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;

	if (want == 1)
		return 1;
	if (c < 0xC2 || c > 0xF4 || n < want)
		return 0;
	if (c == 0xE0)
		lo = 0xA0;		/* shorter forms exist */
	else if (c == 0xF0)
		lo = 0x90;
	else if (c == 0xED)
		hi = 0x9F;		/* surrogates */
	else if (c == 0xF4)
		hi = 0x8F;		/* beyond U+10FFFF */
	if (!within(p, 1, lo, hi))
		return 0;
	for (size_t i = 2; i < want; i++) {
		if (!within(p, i, 0x80, 0xBF))
			return 0;
	}
	return want;
}

bool
str_utf8(struct str s)
{
	size_t i = 0;

	while (i < s.n) {
		size_t took = str_utf8_char(s.p + i, s.n - i);

		if (took == 0)
			return false;
		i += took;
	}
	return true;
}
