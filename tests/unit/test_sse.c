/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "kit/tap.h"
#include "mcp/sse.h"

/* Events are written as event|data|id|retry, with ';' behind each; a '-'
 * stands for what is absent. */
static const struct {
	const char *name, *bytes, *events;
	bool between;			/* a comment may follow */
} cases[] = {
	{ "nothing", "", "", true },
	{ "one event", "data: a\n\n", "|a|-|-1;", true },
	{ "CRLF", "data: a\r\n\r\n", "|a|-|-1;", true },
	{ "CR", "data: a\r\r", "|a|-|-1;", true },
	{ "all of them", "data: a\r\ndata: b\rdata: c\n\r\n", "|a\nb\nc|-|-1;",
		true },
	{ "two events", "data: a\n\ndata: b\n\n", "|a|-|-1;|b|-|-1;", true },
	{ "not complete", "data: a\n", "", false },
	{ "not even a line", "data: a", "", false },
	{ "no blank", "data:a\n\n", "|a|-|-1;", true },
	{ "one blank is taken off", "data:  a\n\n", "| a|-|-1;", true },
	{ "a colon in the value", "data: a:b\n\n", "|a:b|-|-1;", true },
	{ "empty data", "data:\n\n", "||-|-1;", true },
	{ "data without colon", "data\n\n", "||-|-1;", true },
	{ "two empty lines of data", "data\ndata\n\n", "|\n|-|-1;", true },
	{ "a comment", ":\n\n", "", true },
	{ "a comment with text", ": keep\ndata: a\n:\n\n", "|a|-|-1;", true },
	{ "many empty lines", "\n\n\n\ndata: a\n\n\n", "|a|-|-1;", true },
	{ "a name", "event: x\ndata: a\n\n", "x|a|-|-1;", true },
	{ "the last name counts", "event: x\nevent: y\ndata: a\n\n",
		"y|a|-|-1;", true },
	{ "a name ends with its event", "event: x\ndata: a\n\ndata: b\n\n",
		"x|a|-|-1;|b|-|-1;", true },
	{ "an id", "id: 7\ndata: a\n\n", "|a|7|-1;", true },
	{ "a priming event", "id: 7\ndata:\n\n", "||7|-1;", true },
	{ "an id alone", "id: 7\n\n", "|-|7|-1;", true },
	{ "an empty id", "id\ndata: a\n\n", "|a||-1;", true },
	{ "a wait", "retry: 1500\n\n", "|-|-|1500;", true },
	{ "a wait that is none", "retry: 15s\ndata: a\n\n", "|a|-|-1;", true },
	{ "unknown fields", "foo: 1\nDATA: x\n data: y\ndata: a\n\n",
		"|a|-|-1;", true },
	{ "a byte order mark", "\xef\xbb\xbf" "data: a\n\n", "|a|-|-1;", true },
	{ "only at the beginning", "data: a\n\n\xef\xbb\xbf" "data: b\n\n",
		"|a|-|-1;", true },
	{ "CR at the end", "data: a\n\r", "|a|-|-1;", true },
	{ "CR, then more", "data: a\r\rdata: b\r\r", "|a|-|-1;|b|-|-1;",
		true },
	{ "CRLF after one line", "data: a\r\n", "", false },
};

static char seen[512];
static int stop_after;

static bool
took(void *who, const struct sse_event *e)
{
	size_t n = strlen(seen);

	(void)who;
	snprintf(seen + n, sizeof(seen) - n, "%.*s|%.*s|%.*s|%lld;",
		STR_ARG(e->event),
		e->has_data ? (int)e->data.n : 1, e->has_data ? e->data.p : "-",
		e->has_id ? (int)e->id.n : 1, e->has_id ? e->id.p : "-",
		(long long)e->retry_ms);
	return stop_after == 0 || --stop_after > 0;
}

/* In pieces of `step` bytes; each piece in memory of its own. */
static bool
run(size_t i, size_t step)
{
	struct arena *a = arena_new(1 << 20);
	struct str left = str_of(cases[i].bytes);
	struct sse *s = sse_new(a, 1000);
	struct sse_tail tail = { 0 };
	bool good = true;

	seen[0] = '\0';
	while (left.n > 0) {
		struct str piece = str_copy(a, str_head(left, step));

		left = str_from(left, piece.n);
		good = good && sse_feed(s, piece, took, NULL);
		sse_follow(&tail, piece);
		memset((char *)(uintptr_t)piece.p, '#', piece.n);
	}
	good = good && strcmp(seen, cases[i].events) == 0 &&
		sse_between(&tail) == cases[i].between;
	if (!good)
		printf("# step %zu: '%s'\n", step, seen);
	arena_free(a);
	return good;
}

static void
test_limits(struct arena *a)
{
	struct sse *s = sse_new(a, 10);

	seen[0] = '\0';
	OK(sse_feed(s, STR("data: 5678\n\n"), took, NULL));
	IS_STR(str_of(seen), "|5678|-|-1;");
	OK(!sse_feed(s, STR("data: 56789\n"), took, NULL));
	s = sse_new(a, 10);
	OK(sse_feed(s, STR("data:\ndata"), took, NULL));
	OK(sse_feed(s, STR("\n"), took, NULL));
	OK(!sse_feed(s, STR("d"), took, NULL) ||
		!sse_feed(s, STR("ata"), took, NULL));
	s = sse_new(a, 10);		/* a line that never ends */
	OK(sse_feed(s, STR(":123456789"), took, NULL));
	OK(!sse_feed(s, STR("0"), took, NULL));
}

static void
test_stop(struct arena *a)
{
	struct sse *s = sse_new(a, 100);

	seen[0] = '\0';
	stop_after = 1;
	OK(sse_feed(s, STR("data: a\n\ndata: b\n\n"), took, NULL));
	IS_STR(str_of(seen), "|a|-|-1;");
	stop_after = 0;
}

/* The short cut of sse_follow() says the same as byte after byte. */
static void
test_short_cut(void)
{
	static const char *const heads[] = { "", "a", "a\n", "a\r", "\r",
		"a\r\n", "\r\r", "a\r\r" };

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct sse_tail one = { 0 }, many = { 0 };

		sse_follow(&one, str_of(heads[i]));
		sse_follow(&one, STR("\n\n"));
		sse_follow(&many, str_of(heads[i]));
		sse_follow(&many, STR("\n"));
		sse_follow(&many, STR("\n"));
		tap_ok(sse_between(&one) == sse_between(&many),
			"the short cut after head %zu", i);
	}
}

/* ---- the mark ---- */
static const struct {
	const char *name, *bytes, *want;
} heads[] = {
	{ "a mark", "\xef\xbb\xbf" "data", "data" },
	{ "none", "data", "data" },
	{ "nothing", "", "" },
	{ "a mark alone", "\xef\xbb\xbf", "" },
	{ "two", "\xef\xbb\xbf\xef\xbb\xbf" "d", "\xef\xbb\xbf" "d" },
	{ "one byte of it", "\xef" "data", "\xef" "data" },
	{ "two bytes of it", "\xef\xbb" "data", "\xef\xbb" "data" },
	{ "another character", "\xef\xbb\xbe" "d", "\xef\xbb\xbe" "d" },
	{ "its first byte again", "\xef\xef\xbb\xbf", "\xef\xef\xbb\xbf" },
	{ "behind something", "\n\xef\xbb\xbf", "\n\xef\xbb\xbf" },
};

static void
append(struct str s)
{
	size_t n = strlen(seen);

	if (n + s.n >= sizeof(seen))
		abort();
	if (s.n > 0)
		memcpy(seen + n, s.p, s.n);
	seen[n + s.n] = '\0';
}

static void
test_head(size_t i, size_t step)
{
	struct str left = str_of(heads[i].bytes);
	struct sse_head h = { 0 };

	seen[0] = '\0';
	while (left.n > 0) {
		struct str piece = str_head(left, step), held;

		left = str_from(left, step);
		held = sse_unmark(&h, &piece);
		append(held);
		append(piece);
	}
	tap_ok(strcmp(seen, heads[i].want) == 0, "head: %s (%zu at a time)",
		heads[i].name, step);
}

int
main(void)
{
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tap_ok(run(i, 1000), "%s", cases[i].name);
		tap_ok(run(i, 1) && run(i, 2) && run(i, 3),
			"%s, in pieces", cases[i].name);
	}
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		test_head(i, 1);
		test_head(i, 2);
		test_head(i, 99);
	}
	test_limits(a);
	test_stop(a);
	test_short_cut();
	arena_free(a);
	return tap_done();
}
