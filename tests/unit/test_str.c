/* SPDX-License-Identifier: MIT */
/*
 * str -- comparing, cutting, matching, numbers, UTF-8
 */
#include "config.h"
#include "base/str.h"

#include "base/arena.h"
#include "base/limits.h"
#include "kit/tap.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
test_compare(void)
{
	OK(str_eq(STR("a\0b"), STR("a\0b")));
	OK(!str_eq(STR("a\0b"), STR("a\0c")));
	OK(str_eq(STR_NONE, STR("")));
	OK(!str_eq(STR("a"), STR("ab")));
	OK(str_is(STR("abc"), "abc") && !str_is(STR("abc\0"), "abc"));
	OK(str_is(STR_NONE, NULL));
	OK(str_eq_nocase(STR("aZ@[`{"), STR("Az@[`{")));
	OK(!str_eq_nocase(STR("@"), STR("`")));
	OK(!str_eq_nocase(STR("["), STR("{")));
	OK(!str_eq_nocase(STR("\xC4"), STR("\xE4")));
	OK(str_is_nocase(STR("Bearer"), "bEARER"));
	OK(str_starts(STR("abc"), STR("ab")) && str_starts(STR("a"), STR("")));
	OK(!str_starts(STR("ab"), STR("abc")) && str_starts(STR_NONE, STR("")));
	OK(str_ends(STR("abc"), STR("bc")) && !str_ends(STR("c"), STR("bc")));
}

static void
test_find(void)
{
	IS_INT(str_find(STR("a=b=c"), '='), 1);
	IS_INT(str_find(STR("abc"), '='), 3);
	IS_INT(str_find(STR_NONE, '='), 0);
	IS_INT(str_search(STR("aab"), STR("ab")), 1);
	IS_INT(str_search(STR("aab"), STR("ba")), 3);
	IS_INT(str_search(STR("a"), STR("aa")), 1);
	IS_INT(str_search(STR("a"), STR("")), 0);
	IS_INT(str_search(STR_NONE, STR("a")), 0);
}

static void
test_cut(void)
{
	struct str s = STR("a,,b");

	IS_STR(str_cut(&s, ','), "a");
	IS_STR(str_cut(&s, ','), "");
	IS_STR(str_cut(&s, ','), "b");
	OK(s.p == NULL && s.n == 0);
	s = STR("a,");
	IS_STR(str_cut(&s, ','), "a");
	OK(s.p != NULL && s.n == 0);
	IS_STR(str_from(STR("abc"), 1), "bc");
	IS_STR(str_from(STR("abc"), 3), "");
	IS_STR(str_from(STR("abc"), 99), "");
	IS_STR(str_from(STR_NONE, 1), "");
	IS_STR(str_head(STR("abc"), 2), "ab");
	IS_STR(str_head(STR("abc"), 9), "abc");
	IS_STR(str_trim(STR(" \t a b\t ")), "a b");
	IS_STR(str_trim(STR(" \t ")), "");
	IS_STR(str_trim(STR("\na\n")), "\na\n");
	IS_STR(str_trim(STR_NONE), "");
}

static void
test_head_utf8(void)
{
	const struct str s = STR("a\xc3\xa4\xf0\x9f\x98\x80z");	/* 1 2 4 1 */

	for (size_t n = 0; n <= 9; n++) {
		static const size_t left[] = { 0, 1, 1, 3, 3, 3, 3, 7, 8, 8 };

		tap_ok(str_head_utf8(s, n).n == left[n], "at most %zu", n);
	}
}

static void
test_copy(void)
{
	struct arena *a = arena_new(KIB(64));
	struct str s = str_copy(a, STR("a\0b"));

	OK(str_eq(s, STR("a\0b")) && s.p[3] == '\0');
	s = str_copy(a, STR_NONE);
	OK(s.n == 0 && s.p != NULL && s.p[0] == '\0');
	s = str_fmt(a, "%s-%d", "x", 42);
	IS_STR(s, "x-42");
	OK(s.p[s.n] == '\0');
	s = str_fmt(a, "%05000d", 7);
	IS_INT(s.n, 5000);
	arena_free(a);
}

static void
test_number(void)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1",
		"1a", "10000000000000000000" };
	uint64_t v = 7;

	OK(str_number(STR("0"), &v) && v == 0);
	OK(str_number(STR("007"), &v) && v == 7);
	OK(str_number(STR("9999999999999999999"), &v) &&
		v == 9999999999999999999ULL);
	v = 7;
	for (size_t i = 0; i < COUNT(bad); i++)
		tap_ok(!str_number(str_of(bad[i]), &v) && v == 7,
			"'%s' is no number", bad[i]);
}

static void
test_glob(void)
{
	static const struct {
		const char *pattern, *s;
		bool match;
	} rows[] = {
		{ "", "", true }, { "", "a", false }, { "*", "", true },
		{ "*", "abc", true }, { "?", "", false }, { "?", "a", true },
		{ "?", "ab", false }, { "a*", "abc", true },
		{ "*c", "abc", true }, { "a*c", "ac", true },
		{ "a*c", "abcd", false }, { "*b*", "abc", true },
		{ "*ab*ab", "abab", true }, { "*ab*ab", "ab", false },
		{ "a**b", "ab", true }, { "a?c*", "abc", true },
		{ "*.example.com", "x.y.example.com", true },
		{ "*.example.com", "example.com", false },
		{ "A", "a", false }, { "[a]", "a", false },
		{ "d?lete", "d\u0435lete", true }, { "??", "\u20ac", false },
		{ "?", "\U0001f600", true }, { "*??", "\u20ac", false },
		{ "*?", "\u00e9", true }, { "?x", "\u20acx", true },
		{ "?\u00e9", "\u00e9", false }, { "?", "\xff\xfe", false },
		{ "a*a*a*a*a*a*a*b",
			"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_ok(str_glob(str_of(rows[i].pattern), str_of(rows[i].s)) ==
			rows[i].match, "'%s' %s '%s'", rows[i].pattern,
			rows[i].match ? "matches" : "does not match",
			rows[i].s);
	OK(str_glob(STR("a?c"), STR("a\0c")));
}

static void
test_among(void)
{
	const struct str v[] = { STR("a"), STR("b*"), STR("") };

	OK(str_among(STR("a"), v, 2) && str_among(STR("b*"), v, 2));
	OK(!str_among(STR("A"), v, 3) && !str_among(STR("bc"), v, 3));
	OK(!str_among(STR(""), v, 2) && str_among(STR(""), v, 3));
	OK(!str_among(STR("a"), NULL, 0));
	OK(str_glob_among(STR("bc"), v, 2) && str_glob_among(STR("a"), v, 2));
	OK(!str_glob_among(STR("c"), v, 3) && !str_glob_among(STR("a"), v, 0));
}

static void
test_utf8(void)
{
	static const struct {
		struct str s;
		bool good;
	} rows[] = {
#define ROW(t, good) { { t, sizeof(t) - 1 }, good }
		ROW("", true), ROW("a\0b\x7F", true), ROW("\x80", false),
		ROW("\xC2\x80", true), ROW("\xDF\xBF", true),
		ROW("\xC1\xBF", false), ROW("\xC2", false),
		ROW("\xC2\x7F", false), ROW("\xC2\xC0", false),
		ROW("\xE0\xA0\x80", true), ROW("\xE0\x9F\xBF", false),
		ROW("\xED\x9F\xBF", true), ROW("\xED\xA0\x80", false),
		ROW("\xEF\xBF\xBF", true), ROW("\xE2\x82", false),
		ROW("\xE2\x82\x41", false), ROW("\xF0\x90\x80\x80", true),
		ROW("\xF0\x8F\xBF\xBF", false), ROW("\xF4\x8F\xBF\xBF", true),
		ROW("\xF4\x90\x80\x80", false), ROW("\xF5\x80\x80\x80", false),
		ROW("\xF0\x90\x80", false), ROW("\xFF", false),
		ROW("ab\xC3\xA9" "cd\xC3", false),
#undef ROW
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		tap_ok(str_utf8(rows[i].s) == rows[i].good, "utf8 row %zu", i);
	IS_INT(str_utf8_char("\xF0\x9F\x98\x80z", 5), 4);
	IS_INT(str_utf8_char("\xF0\x9F\x98\x80z", 3), 0);
}

/* What str_same_nocase() is to say about two bytes. */
static bool
same_letter(unsigned a, unsigned b)
{
	unsigned low = a | 0x20;

	return a == b || ((a ^ b) == 0x20 && low >= 'a' && low <= 'z');
}

/* Each pair of bytes, within a word and behind the last one. */
static void
test_nocase_bytes(void)
{
	static const size_t places[] = { 0, 3, 7, 8, 11 };
	char a[12], b[12];
	size_t wrong = 0;

	memset(a, 'x', sizeof(a));
	memset(b, 'X', sizeof(b));
	for (size_t i = 0; i < COUNT(places); i++) {
		size_t at = places[i];

		for (unsigned pair = 0; pair < 65536; pair++) {
			a[at] = (char)(pair >> 8);
			b[at] = (char)(pair & 0xFF);
			wrong += str_same_nocase(a, b, sizeof(a)) !=
				same_letter(pair >> 8, pair & 0xFF);
		}
		a[at] = 'x';
		b[at] = 'X';
	}
	IS_INT(wrong, 0);
}

/* Each byte at each place of a short and a long text. */
static void
test_visible_bytes(void)
{
	char text[80];
	size_t wrong = 0;

	memset(text, 'a', sizeof(text));
	for (size_t at = 0; at < sizeof(text); at++) {
		struct str s = { text, at < 70 ? at + 1 : sizeof(text) };

		for (unsigned c = 0; c < 256; c++) {
			text[at] = (char)c;
			wrong += str_visible(s) != (c > 0x20 && c < 0x7F);
			wrong += str_printable(s) != (c >= 0x20 && c < 0x7F);
			wrong += str_has_control(s, 0x20) !=
				(c < 0x20 || c == 0x7F);
			wrong += str_is_token(s, '=') != (c > 0x20 &&
				c != 0x7F && c != '=');
		}
		text[at] = 'a';
	}
	IS_INT(wrong, 0);
	OK(!str_visible(STR("")) && !str_visible(STR_NONE));
	OK(str_printable(STR("")));
	OK(!str_is_token(STR(""), '='));
	OK(!str_is_token(STR("a==b"), '=') && str_is_token(STR("a==b"), ':'));
}

static void
test_made(void)
{
	struct arena *a = arena_new(1000);
	const struct str pieces[] = { STR("a"), STR_NONE, STR(""), STR("bcd") };
	char room[STR_DIGITS];

	IS_STR(str_join(a, pieces, COUNT(pieces)), "abcd");
	IS_INT(str_join(a, pieces, COUNT(pieces)).p[4], 0);
	IS_STR(str_join(a, NULL, 0), "");
	IS_STR(str_digits(room, 0), "0");
	IS_STR(str_digits(room, 1090), "1090");
	IS_STR(str_digits(room, UINT64_MAX), "18446744073709551615");
	IS_INT(str_hex('0'), 0);
	IS_INT(str_hex('9'), 9);
	IS_INT(str_hex('a'), 10);
	IS_INT(str_hex('F'), 15);
	OK(str_hex('g') < 0 && str_hex('G') < 0 && str_hex('/') < 0 &&
		str_hex(':') < 0 && str_hex('@') < 0 && str_hex('`') < 0 &&
		str_hex('\0') < 0);
	arena_free(a);
}

int
main(void)
{
	test_compare();
	test_nocase_bytes();
	test_visible_bytes();
	test_made();
	test_find();
	test_cut();
	test_head_utf8();
	test_copy();
	test_number();
	test_glob();
	test_among();
	test_utf8();
	return tap_done();
}
