/* SPDX-License-Identifier: MIT */
/*
 * str -- a piece of text that somebody else owns: pointer and length
 *
 * Lifetime: a str borrows; who made the bytes says how long they live.
 * Bytes may hold anything; only str_copy() promises a final NUL.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena;

struct str {
	const char *p;
	size_t n;
};

/* A literal as str; anything but a literal does not compile. */
#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })

/* For "%.*s". */
#define STR_ARG(s) (int)(s).n, ((s).p != NULL ? (s).p : "")

/* NUL-terminated; NULL: none.  Of a literal the length costs nothing. */
static inline struct str
str_of(const char *c)
{
	return (struct str){ c, c != NULL ? strlen(c) : 0 };
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
str_is(struct str a, const char *c)
{
	return str_eq(a, str_of(c));
}

/* The n bytes of both, ASCII letters in any case. */
bool str_same_nocase(const char *a, const char *b, size_t n);

static inline bool
str_eq_nocase(struct str a, struct str b)
{
	return a.n == b.n && str_same_nocase(a.p, b.p, a.n);
}

static inline bool
str_is_nocase(struct str a, const char *c)
{
	return str_eq_nocase(a, str_of(c));
}

static inline struct str
str_head(struct str s, size_t n)	/* at most n bytes */
{
	return (struct str){ s.p, n < s.n ? n : s.n };
}

/* At most n bytes, not cut inside a character of UTF-8. */
struct str str_head_utf8(struct str s, size_t n);

/* The rest of s from byte `from` on; empty when from >= s.n. */
static inline struct str
str_from(struct str s, size_t from)
{
	if (from >= s.n)
		return (struct str){ s.p != NULL ? s.p + s.n : NULL, 0 };
	return (struct str){ s.p + from, s.n - from };
}

static inline bool
str_starts(struct str s, struct str head)
{
	return s.n >= head.n && str_eq(str_head(s, head.n), head);
}

static inline bool
str_ends(struct str s, struct str tail)
{
	return s.n >= tail.n && str_eq(str_from(s, s.n - tail.n), tail);
}

/* Index of the first byte c in s, or s.n. */
static inline size_t
str_find(struct str s, char c)
{
	const char *hit = s.n > 0 ? (const char *)memchr(s.p, c, s.n) : NULL;

	return hit != NULL ? (size_t)(hit - s.p) : s.n;
}

/* Index of the first occurrence of needle, or s.n. */
size_t str_search(struct str s, struct str needle);

static inline bool
str_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Without SP and TAB at both ends. */
static inline struct str
str_trim(struct str s)
{
	while (s.n > 0 && str_blank(s.p[0]))
		s = str_from(s, 1);
	while (s.n > 0 && str_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Cuts s at the first `sep`: returns the part before, s becomes the rest.
 * Without a sep all of s is returned and s becomes STR_NONE (p == NULL). */
static inline struct str
str_cut(struct str *s, char sep)
{
	size_t at = str_find(*s, sep);
	struct str head = str_head(*s, at);

	*s = at < s->n ? str_from(*s, at + 1) : STR_NONE;
	return head;
}

/* Some byte below `low` (1 to 0x80), or 0x7F.  From 0x80 on none is one. */
bool str_has_control(struct str s, unsigned low);

/* Not empty, nothing below 0x21, no 0x7F, and no byte `without`. */
bool str_is_token(struct str s, char without);

/* Not empty, and nothing but 0x21 to 0x7E. */
bool str_visible(struct str s);

/* Nothing but 0x20 to 0x7E. */
bool str_printable(struct str s);

/* A copy in the arena, with a NUL behind its last byte. */
struct str str_copy(struct arena *a, struct str s);

/* printf into the arena; NUL-terminated. */
struct str str_fmt(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct str str_vfmt(struct arena *a, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0), nonnull(2)));

/* n pieces, one behind the other, with a NUL behind the last. */
struct str str_join(struct arena *a, const struct str *pieces, size_t n);

#define STR_DIGITS 20		/* of the largest number */

/* The number in decimal, at the end of room. */
struct str str_digits(char room[STR_DIGITS], uint64_t number);

/* Value of a hexadecimal digit of either case, or -1. */
int str_hex(char c);

/* Decimal digits only, no sign, no blank, at most 19 digits. */
bool str_number(struct str s, uint64_t *value_r);

/* One of n texts is s, byte for byte. */
bool str_among(struct str s, const struct str *texts, size_t n);

/* Shell-like match of the whole of s: '*' anything, '?' one character.  Linear in
 * s.n * number of stars at worst, no recursion. */
bool str_glob(struct str pattern, struct str s);
bool str_glob_among(struct str s, const struct str *patterns, size_t n);

/* Valid UTF-8 by the strict table: no overlong form, no surrogate, at most
 * U+10FFFF. */
bool str_utf8(struct str s);

/* Bytes of the character at the head of p (n > 0 bytes): 1 to 4; 0: none by
 * the same table. */
size_t str_utf8_char(const char *p, size_t n);

#endif
