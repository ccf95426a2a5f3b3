/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "http/headers.h"
#include "kit/tap.h"

static const struct {
	const char *name, *text;
	bool good;
} names[] = {
	{ "a word", "Content-Type", true },
	{ "every mark of a token", "!#$%&'*+-.^_`|~", true },
	{ "digits", "0129", true },
	{ "empty", "", false },
	{ "a space", "X Y", false },
	{ "a colon", "X:", false },
	{ "a line end", "X\r\nY", false },
	{ "a high byte", "X\xc3\xa4", false },
	{ "brackets", "X(1)", false },
	{ "a slash", "a/b", false },
	{ "64 bytes", "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbaaaaaaaaaaaaaaaabbbb"
		"bbbbbbbbbbbb", true },
	{ "65 bytes", "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbaaaaaaaaaaaaaaaabbbb"
		"bbbbbbbbbbbbc", false },
};

static void
test_names(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tap_ok(header_name_ok(str_of(names[i].text)) == names[i].good,
			"name: %s", names[i].name);
}

/* Each byte at each place of a word, and in the rest behind it. */
static void
test_values(void)
{
	char text[19];
	bool all = true;

	for (int c = 0; c < 256; c++) {
		bool good = (c >= 0x20 || c == '\t') && c != 0x7f;

		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, 'x', sizeof(text));
			text[at] = (char)c;
			if (header_value_ok((struct str){ text,
			    sizeof(text) }) != good) {
				printf("# byte %d at %zu\n", c, at);
				all = false;
			}
		}
	}
	tap_ok(all, "value: every byte at every place");
	OK(header_value_ok(STR("")));
	OK(header_value_ok(STR("\t\t\t\t\t\t\t\t\xff\x80\xa0\xe0\xff\xff\xff")));
	OK(!header_value_ok(STR("\t\t\t\t\t\t\t\n")));
}

static void
test_lists(struct arena *a)
{
	struct headers h;

	headers_init(&h, a);
	OK(headers_get(&h, STR("a")).p == NULL);
	OK(headers_add(&h, STR("Accept"), STR("one")));
	OK(headers_add(&h, STR("X"), STR("")));
	OK(headers_add(&h, STR("accept"), STR("two")));
	OK(!headers_add(&h, STR("Y"), STR("a\r\nZ: 1")));
	OK(!headers_add(&h, STR(""), STR("a")));
	IS_INT(h.n, 3);
	IS_INT(headers_count(&h, STR("ACCEPT")), 2);
	IS_STR(headers_get(&h, STR("aCCEPT")), "one");
	OK(headers_get(&h, STR("x")).p != NULL);
	OK(!headers_set(&h, STR("Accept"), STR("\n")));
	IS_INT(headers_count(&h, STR("Accept")), 2);
	OK(headers_set(&h, STR("Accept"), STR("three")));
	IS_INT(headers_count(&h, STR("Accept")), 1);
	IS_STR(headers_get(&h, STR("accept")), "three");
	headers_drop(&h, STR("Accept"));
	headers_drop(&h, STR("Accept"));
	IS_INT(h.n, 1);
	for (int i = 0; i < 1000; i++)
		headers_add(&h, STR("N"), str_fmt(a, "%d", i));
	IS_INT(h.n, 1001);
	IS_STR(h.v[1000].value, "999");
	IS_STR(h.v[0].name, "X");
}

int
main(void)
{
	struct arena *a = arena_new(1 << 20);

	test_names();
	test_values();
	test_lists(a);
	IS_STR(str_of(http_reason(200)), "OK");
	IS_STR(str_of(http_reason(431)), "Request Header Fields Too Large");
	IS_STR(str_of(http_reason(499)), "Status");
	IS_STR(str_of(http_reason(-1)), "Status");
	arena_free(a);
	return tap_done();
}
