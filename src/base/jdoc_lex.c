/* SPDX-License-Identifier: MIT */
/*
 * jdoc_lex -- strings, numbers and comments, byte by byte
 *
 * Plain bytes of a string are skipped eight at a time.
 */
#include "config.h"
#include "base/jdoc_lex.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/jdoc.h"

static const char *
bad(struct jdoc_bad *bad_r, const char *at, const char *why)
{
	*bad_r = (struct jdoc_bad){ at, why };
	return NULL;
}

/* ---- strings -------------------------------------------------------------- */

#define ONES	0x0101010101010101ULL
#define HIGHS	0x8080808080808080ULL

/* Non-zero when a byte of v is a control, a quote, a backslash or >= 0x80: its
 * highest bit is set.  (x - ONES) & ~x & HIGHS finds zero bytes; it may also
 * mark bytes above one, never below. */
static inline uint64_t
special_bytes(uint64_t v)
{
	uint64_t quote = v ^ (ONES * '"'), slash = v ^ (ONES * '\\');

	return (((v - ONES * 0x20) & ~v) | ((quote - ONES) & ~quote) |
		((slash - ONES) & ~slash) | v) & HIGHS;
}

static inline bool
is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 &&
		c != '"' && c != '\\';
}

/* The byte lowest in the number is the first one where memory says so. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIRST_KNOWN true
#else
#define FIRST_KNOWN false
#endif

static inline const char *
after_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t v, special;

		memcpy(&v, p, sizeof(v));
		special = special_bytes(v);
		if (special != 0 && FIRST_KNOWN)
			return p + __builtin_ctzll(special) / 8;
		if (special != 0)
			break;
		p += 8;
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

/* The number behind "\u" at p; -1: there is none. */
static int
unicode_escape(const char *p, const char *end)
{
	int code = 0;

	if (end - p < 6 || p[0] != '\\' || p[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int v = str_hex(p[i]);

		if (v < 0)
			return -1;
		code = code << 4 | v;
	}
	return code;
}

static bool
is_high(int code)
{
	return code >= 0xD800 && code < 0xDC00;
}

static bool
is_low(int code)
{
	return code >= 0xDC00 && code < 0xE000;
}

/* The escape at p, which is a backslash; returns its end, NULL: none. */
static const char *
after_escape(const char *p, const char *end, unsigned *has)
{
	int code;

	if (end - p < 2)
		return NULL;
	*has |= JDOC_HAS_ESCAPE;
	if (p[1] != 'u')
		return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) != NULL ?
			p + 2 : NULL;
	code = unicode_escape(p, end);
	if (code < 0)
		return NULL;
	if (code == 0)
		*has |= JDOC_HAS_NUL;
	if (is_high(code) && is_low(unicode_escape(p + 6, end)))
		return p + 12;
	if (is_high(code) || is_low(code))
		*has |= JDOC_HAS_LONE;
	return p + 6;
}

/* Behind what stands at p and is not plain; NULL: it may not stand there. */
static const char *
after_special(const char *p, const char *end, unsigned *has,
	struct jdoc_bad *bad_r)
{
	const char *next;
	size_t took;

	if (*p == '\\') {
		next = after_escape(p, end, has);
		return next != NULL ? next : bad(bad_r, p, "unknown escape");
	}
	if ((unsigned char)*p < 0x20)
		return bad(bad_r, p, "control character in a string");
	took = str_utf8_char(p, (size_t)(end - p));
	return took > 0 ? p + took : bad(bad_r, p, "not UTF-8");
}

const char *
jdoc_lex_string(const char *from, const char *end, unsigned *has_r,
	struct jdoc_bad *bad_r)
{
	const char *p = after_plain(from + 1, end);
	unsigned has = 0;

	while (p < end && *p != '"') {
		p = after_special(p, end, &has, bad_r);
		if (p == NULL)
			return NULL;
		p = after_plain(p, end);
	}
	if (p == end)
		return bad(bad_r, from, "string without end");
	*has_r = has;
	return p + 1;
}

static char *
put_utf8(char *to, unsigned code)
{
	if (code < 0x80) {
		*to++ = (char)code;
		return to;
	}
	if (code < 0x800) {
		*to++ = (char)(0xC0 | code >> 6);
	} else if (code < 0x10000) {
		*to++ = (char)(0xE0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3F));
	} else {
		*to++ = (char)(0xF0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 0x3F));
		*to++ = (char)(0x80 | (code >> 6 & 0x3F));
	}
	*to++ = (char)(0x80 | (code & 0x3F));
	return to;
}

/* The character that the valid escape at *p means; *p moves behind it. */
static unsigned
escaped(const char **p, const char *end)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *hit;
	int code, low;

	if ((*p)[1] != 'u') {
		hit = strchr(from, (*p)[1]);
		*p += 2;
		return (unsigned char)(hit != NULL ? to[hit - from] :
			(*p)[-1]);
	}
	code = unicode_escape(*p, end);
	*p += 6;
	low = is_high(code) ? unicode_escape(*p, end) : -1;
	if (is_low(low)) {
		*p += 6;
		return 0x10000u + ((unsigned)(code - 0xD800) << 10) +
			(unsigned)(low - 0xDC00);
	}
	return is_high(code) || is_low(code) ? 0xFFFDu : (unsigned)code;
}

/* No text grows by this. */
struct str
jdoc_lex_unescape(struct arena *a, struct str raw)
{
	const char *p = raw.p + 1, *end = raw.p + raw.n - 1;
	char *text = arena_alloc(a, raw.n), *to = text;

	while (p < end) {
		struct str rest = { p, (size_t)(end - p) };
		size_t plain = str_find(rest, '\\');

		memcpy(to, p, plain);
		to += plain;
		p += plain;
		if (p < end)
			to = put_utf8(to, escaped(&p, end));
	}
	*to = '\0';
	return (struct str){ text, (size_t)(to - text) };
}

/* The span may come from elsewhere: looked at again, it costs little. */
bool
jdoc_unquote(struct arena *a, struct jdoc_span span, struct str *text_r)
{
	struct jdoc_bad wrong;
	const char *end;
	unsigned has;

	if (span.type != JDOC_STRING || span.raw.n < 2 ||
	    span.raw.p[0] != '"')
		return false;
	end = span.raw.p + span.raw.n;
	if (jdoc_lex_string(span.raw.p, end, &has, &wrong) != end)
		return false;
	*text_r = jdoc_lex_unescape(a, span.raw);
	return true;
}

/* ---- numbers -------------------------------------------------------------- */

static inline const char *
after_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

/* Digits without leading zeros: beyond int64 (negative) or uint64? */
static bool
is_big(struct str digits, bool negative)
{
	struct str most = negative ? STR("9223372036854775808") :
		STR("18446744073709551615");

	return digits.n > most.n || (digits.n == most.n &&
		memcmp(digits.p, most.p, most.n) > 0);
}

/* strtod() wants an end that is no part of a number. */
static bool
is_infinite(struct arena *a, const char *p, const char *end)
{
	struct str copy = str_copy(a, (struct str){ p, (size_t)(end - p) });

	return !isfinite(strtod(copy.p, NULL));
}

/* From behind the digits; NULL: something is missing. exponent_r: digits. */
static const char *
after_fraction(const char *p, const char *end, size_t *exponent_r)
{
	const char *from;

	*exponent_r = 0;
	if (p < end && *p == '.') {
		from = p + 1;
		p = after_digits(from, end);
		if (p == from)
			return NULL;
	}
	if (p == end || (*p != 'e' && *p != 'E'))
		return p;
	p++;
	if (p < end && (*p == '+' || *p == '-'))
		p++;
	from = p;
	p = after_digits(p, end);
	*exponent_r = (size_t)(p - from);
	return p > from ? p : NULL;
}

/* 200 digits and an exponent of two do not make 1e308. */
const char *
jdoc_lex_number(struct arena *a, const char *from, const char *end,
	unsigned *has_r)
{
	const char *p = from + (*from == '-'), *after;
	struct str digits = { p, 0 };
	size_t exponent;

	*has_r = 0;
	p = after_digits(p, end);
	digits.n = (size_t)(p - digits.p);
	if (digits.n == 0 || (digits.n > 1 && *digits.p == '0'))
		return NULL;
	after = after_fraction(p, end, &exponent);
	if (after == NULL)
		return NULL;
	if (after == p && digits.n > 18 && is_big(digits, *from == '-'))
		*has_r |= JDOC_HAS_BIG_INT;
	if ((exponent > 2 || digits.n > 200) && is_infinite(a, from, after))
		*has_r |= JDOC_HAS_NON_FINITE;
	return after;
}

/* ---- comments, in configurations only ------------------------------------ */

/* NULL: it does not end. */
static const char *
comment_end(const char *from, const char *end)
{
	struct str rest = { from + 2, (size_t)(end - from) - 2 };
	size_t at;

	if (from[1] == '/')
		return rest.p + str_find(rest, '\n');
	at = str_search(rest, STR("*/"));
	return at < rest.n ? rest.p + at + 2 : NULL;
}

const char *
jdoc_lex_comment(const char *from, const char *end, struct jdoc_bad *bad_r)
{
	const char *to;
	struct str text;

	if (end - from < 2 || (from[1] != '/' && from[1] != '*'))
		return bad(bad_r, from, "unexpected character");
	to = comment_end(from, end);
	if (to == NULL)
		return bad(bad_r, from, "comment without end");
	text = (struct str){ from, (size_t)(to - from) };
	if (!str_utf8(text))
		return bad(bad_r, from, "comment is not UTF-8");
	if (str_find(text, '\0') < text.n)
		return bad(bad_r, from, "U+0000 in a comment");
	return to;
}
