/* SPDX-License-Identifier: MIT */
/*
 * buf -- grows to its maximum, then is full and stays so
 */
#include "config.h"
#include "base/buf.h"

#include "base/arena.h"
#include "base/limits.h"
#include "kit/tap.h"

static struct arena *a;

static void
test_grow(void)
{
	struct buf b = buf_new(a, 100000);
	struct str text = STR_NONE;
	bool right = true;

	OK(buf_take(&b, &text));
	IS_STR(text, "");
	for (int i = 0; i < 10000; i++) {
		buf_char(&b, (char)('a' + i % 26));
		if (i % 1000 == 0)
			(void)arena_alloc(a, 1);	/* growing moves it */
	}
	OK(buf_take(&b, &text));
	IS_INT(text.n, 10000);
	OK(text.p[text.n] == '\0');
	for (size_t i = 0; i < text.n; i++)
		right = right && text.p[i] == (char)('a' + i % 26);
	OK(right);
}

static void
test_full(void)
{
	struct buf b = buf_new(a, 10);
	struct str text = STR("untouched");

	buf_add(&b, STR("12345"));
	buf_add_c(&b, "67890");
	OK(!b.full && buf_take(&b, &text));
	IS_STR(text, "1234567890");
	buf_add(&b, STR(""));
	OK(!b.full);
	text = STR("untouched");
	buf_char(&b, 'x');
	OK(b.full && !buf_take(&b, &text));
	IS_STR(text, "untouched");

	b = buf_new(a, 10);
	buf_fmt(&b, "%s", "12345678901");
	OK(b.full);
	b = buf_new(a, 10);
	buf_fmt(&b, "%s", "1234567890");
	OK(buf_take(&b, &text));
	IS_STR(text, "1234567890");
	b = buf_new(a, 10);
	buf_add(&b, STR("123456789012"));
	buf_add(&b, STR("1"));		/* would fit, comes too late */
	OK(b.full && b.n == 0);
	b = buf_new(a, 0);
	OK(buf_take(&b, &text) && text.n == 0);
}

static void
test_fmt(void)
{
	struct buf b = buf_new(a, SIZE_MAX);
	struct str text = STR_NONE;

	for (int i = 0; i < 300; i++)
		buf_fmt(&b, "%03d,", i);
	buf_fmt(&b, "%05000d", 7);
	OK(buf_take(&b, &text));
	IS_INT(text.n, 300 * 4 + 5000);
	OK(str_starts(text, STR("000,001,002,")));
	OK(str_starts(str_from(text, 299 * 4), STR("299,000")));
	OK(text.p[text.n - 1] == '7');
}

static void
test_json(void)
{
	static const struct {
		struct str from;
		const char *to;
	} rows[] = {
#define ROW(from, to) { { from, sizeof(from) - 1 }, to }
		ROW("", ""), ROW("plain / text", "plain / text"),
		ROW("\"\\", "\\\"\\\\"), ROW("\b\f\n\r\t", "\\b\\f\\n\\r\\t"),
		ROW("a\0b\x1F" "c", "a\\u0000b\\u001fc"),
		ROW("\xC3\xA9\xF0\x9F\x98\x80", "\xC3\xA9\xF0\x9F\x98\x80"),
		ROW("a\x7F", "a\\u007f"),
		ROW("\xFF" "a\xC3", "\xEF\xBF\xBD" "a\xEF\xBF\xBD"),
		ROW("\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"),
#undef ROW
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = buf_new(a, 100);
		struct str text = STR_NONE;

		buf_json(&b, rows[i].from);
		OK(buf_take(&b, &text));
		IS_STR(text, rows[i].to);
	}
}

static void
test_member(void)
{
	struct buf b = buf_new(a, 100);
	struct str text = STR_NONE;

	buf_member(&b, "k", STR("say \"no\""));
	buf_member(&b, "l", STR_NONE);
	OK(buf_take(&b, &text));
	IS_STR(text, ",\"k\":\"say \\\"no\\\"\",\"l\":\"\"");
}

int
main(void)
{
	a = arena_new(MIB(16));
	test_grow();
	test_full();
	test_fmt();
	test_json();
	test_member();
	arena_free(a);
	return tap_done();
}
