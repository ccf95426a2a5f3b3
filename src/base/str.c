/* SPDX-License-Identifier: MIT */
/*
 * str -- pieces of text: compare, search, cut, copy, match
 *
 * Where every byte counts, eight of them are looked at in one word.
 */
#include "config.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define ONES	0x0101010101010101ULL
#define TOPS	0x8080808080808080ULL

static uint64_t
eight(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static unsigned char
lower(char c)
{
	unsigned char u = (unsigned char)c;

	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

/* The top bit of each byte that is a letter.  Below 0x80 adding cannot
 * disturb the next byte. */
static uint64_t
letters(uint64_t v)
{
	uint64_t low = (v | ONES * 0x20) & ~TOPS;

	return (low + ONES * (0x80 - 'a')) & ~(low + ONES * (0x7F - 'z')) &
		~v & TOPS;
}

/* Two words differ at most in the case of letters. */
static bool
eight_same(uint64_t v, uint64_t w)
{
	uint64_t differ = v ^ w;

	return (differ & ~(letters(v) >> 2)) == 0;
}

bool
str_same_nocase(const char *a, const char *b, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		if (!eight_same(eight(a + i), eight(b + i)))
			return false;
	}
	for (; i < n; i++) {
		if (lower(a[i]) != lower(b[i]))
			return false;
	}
	return true;
}

/* The top bit of each byte that is below `low`, or 0x7F; the other bits mean
 * nothing.  lift: ONES * (0x80 - low). */
static inline uint64_t
controls(uint64_t v, uint64_t lift)
{
	uint64_t seven = v & ~TOPS;

	return (~(seven + lift) | (seven + ONES)) & ~v;
}

/* Four words at once are something for the vector unit. */
static uint64_t
many_controls(const char *p, size_t n, uint64_t lift)
{
	uint64_t bad[4] = { 0 }, v[4];

	for (; n >= sizeof(v); p += sizeof(v), n -= sizeof(v)) {
		memcpy(v, p, sizeof(v));
		for (int k = 0; k < 4; k++)
			bad[k] |= controls(v[k], lift);
	}
	return bad[0] | bad[1] | bad[2] | bad[3];
}

/* One to eight bytes as a word, some of them twice. */
static uint64_t
up_to_eight(const char *p, size_t n)
{
	uint32_t head, tail;

	if (n >= 4) {
		memcpy(&head, p, 4);
		memcpy(&tail, p + n - 4, 4);
		return (uint64_t)head << 32 | tail;
	}
	return ONES * (unsigned char)p[0] << 16 |
		(uint64_t)(unsigned char)p[n / 2] << 8 |
		(unsigned char)p[n - 1];
}

/* The last word may hold bytes that were looked at already. */
bool
str_has_control(struct str s, unsigned low)
{
	uint64_t lift = ONES * (0x80 - low), bad = 0;
	size_t i = 0;

	if (s.n == 0)
		return false;
	if (s.n <= 8)
		return (controls(up_to_eight(s.p, s.n), lift) & TOPS) != 0;
	if (s.n > 32) {
		i = (s.n - 1) & ~(size_t)31;
		bad = many_controls(s.p, i, lift);
	}
	for (; s.n - i > 8; i += 8)
		bad |= controls(eight(s.p + i), lift);
	bad |= controls(eight(s.p + s.n - 8), lift);
	return (bad & TOPS) != 0;
}

/* Top bits where a byte is c, perhaps also above such a byte. */
static inline uint64_t
bytes_of(uint64_t v, char c)
{
	uint64_t x = v ^ ONES * (unsigned char)c;

	return (x - ONES) & ~x;
}

bool
str_is_token(struct str s, char without)
{
	const uint64_t lift = ONES * (0x80 - 0x21);
	uint64_t bad = 0, v;
	size_t i = 0;

	if (s.n == 0)
		return false;
	for (; s.n - i > 8; i += 8) {
		v = eight(s.p + i);
		bad |= controls(v, lift) | bytes_of(v, without);
	}
	v = s.n < 8 ? up_to_eight(s.p, s.n) : eight(s.p + s.n - 8);
	bad |= controls(v, lift) | bytes_of(v, without);
	return (bad & TOPS) == 0;
}

static bool
has_top(struct str s)
{
	uint64_t tops = 0;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8)
		tops |= eight(s.p + i);
	for (; i < s.n; i++)
		tops |= (unsigned char)s.p[i];
	return (tops & TOPS) != 0;
}

bool
str_visible(struct str s)
{
	return s.n > 0 && !str_has_control(s, 0x21) && !has_top(s);
}

bool
str_printable(struct str s)
{
	return !str_has_control(s, 0x20) && !has_top(s);
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
str_copy(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

struct str
str_vfmt(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		abort();		/* a wrong format is ours */
	p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return (struct str){ p, (size_t)n };
}

struct str
str_fmt(struct arena *a, const char *fmt, ...)
{
	struct str text;
	va_list ap;

	va_start(ap, fmt);
	text = str_vfmt(a, fmt, ap);
	va_end(ap);
	return text;
}

struct str
str_join(struct arena *a, const struct str *pieces, size_t n)
{
	size_t sum = 0;
	char *text, *p;

	for (size_t i = 0; i < n; i++)
		sum += pieces[i].n;
	p = text = arena_alloc(a, sum + 1);
	for (size_t i = 0; i < n; i++) {
		if (pieces[i].n > 0)
			memcpy(p, pieces[i].p, pieces[i].n);
		p += pieces[i].n;
	}
	return (struct str){ text, sum };
}

struct str
str_digits(char room[STR_DIGITS], uint64_t number)
{
	size_t at = STR_DIGITS;

	do {
		room[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return (struct str){ room + at, STR_DIGITS - at };
}

int
str_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
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
str_among(struct str s, const struct str *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(texts[i], s))
			return true;
	}
	return false;
}

/* Not the first byte of a character of UTF-8. */
static bool
goes_on(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

struct str
str_head_utf8(struct str s, size_t n)
{
	if (s.n <= n)
		return s;
	while (n > 0 && goes_on(s.p[n]))
		n--;
	return str_head(s, n);
}

/* Where the next character of UTF-8 begins. */
static size_t
next_char(struct str s, size_t i)
{
	i++;
	while (i < s.n && goes_on(s.p[i]))
		i++;
	return i;
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
		} else if (k < pattern.n && pattern.p[k] == '?') {
			i = next_char(s, i);
			k++;
		} else if (k < pattern.n && pattern.p[k] == s.p[i]) {
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

bool
str_glob_among(struct str s, const struct str *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_glob(patterns[i], s))
			return true;
	}
	return false;
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
