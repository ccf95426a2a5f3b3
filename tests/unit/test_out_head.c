/* SPDX-License-Identifier: MIT */
/*
 * The head of a reply: what cannot stand in a line is left out, whoever put
 * it there, and there is room for all the rest.
 */
#include "config.h"
#include "kit/out_rig.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"

#define NAME_64	"aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"

static char log_path[] = "/tmp/mcpgate-test.XXXXXX";

static unsigned
logged(void)
{
	char line[4096];
	FILE *f = fopen(log_path, "r");
	unsigned n = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		n += strstr(line, "reply header left out") != NULL;
	if (f != NULL)
		fclose(f);
	return n;
}

/* The head of one line between two good ones, without records. */
static struct str
head_with(struct str name, struct str value)
{
	struct header v[] = {
		{ STR("First"), STR("1") }, { name, value },
		{ STR("Last"), STR("3") },
	};
	struct headers h = { .v = v, .n = 3, .lines = STR("Line: 4\r\n") };

	rig_start(true);
	out.outlet.ops->begin(&out.outlet, 200, &h);
	rig_end_reply();
	return (struct str){ peer.got, peer.got_n };
}

static const struct {
	struct str name, value;
} good_lines[] = {
	{ STR("X"), STR("") },
	{ STR("X"), STR("a\tb c: \"\\;,") },
	{ STR("X"), STR("\200\377") },
	{ STR("!#$%&'*+-.^_`|~09AZaz"), STR("v") },
	{ STR(NAME_64), STR("v") },
};

static const struct {
	struct str name, value;
} bad_lines[] = {
	{ STR(""), STR("v") },
	{ STR(NAME_64 "e"), STR("v") },
	{ STR("A B"), STR("v") },
	{ STR("A:"), STR("v") },
	{ STR("A\tB"), STR("v") },
	{ STR("A\rB"), STR("v") },
	{ STR("A\nB"), STR("v") },
	{ STR("A: b\r\nSet-Cookie"), STR("v") },
	{ STR("A\0B"), STR("v") },
	{ STR("A\177"), STR("v") },
	{ STR("\303\204"), STR("v") },
	{ STR("A(B)"), STR("v") },
	{ STR("X"), STR("\r") },
	{ STR("X"), STR("\n") },
	{ STR("X"), STR("a\r\nSet-Cookie: b") },
	{ STR("X"), STR("a\r\n\r\n<html>") },
	{ STR("X"), STR("a\n b") },
	{ STR("X"), STR("a\0b") },
	{ STR("X"), STR("a\033[2J") },
	{ STR("X"), STR("a\177") },
	{ STR("X"), STR("a\tb\n") },
	{ STR(""), STR("a\n") },
};

static void
test_lines(void)
{
	static const char rest[] = "Status: 200 OK\r\nFirst: 1\r\nLast: 3\r\n"
		"Line: 4\r\n\r\n";
	struct arena *a = arena_new(MIB(1));

	for (size_t i = 0; i < sizeof(good_lines) / sizeof(*good_lines); i++) {
		struct str want = str_fmt(a, "Status: 200 OK\r\nFirst: 1\r\n"
			"%.*s: %.*s\r\nLast: 3\r\nLine: 4\r\n\r\n",
			STR_ARG(good_lines[i].name),
			STR_ARG(good_lines[i].value));

		tap_ok(str_eq(head_with(good_lines[i].name,
			good_lines[i].value), want), "good line %zu", i);
		OK(rig_stop());
	}
	IS_INT(logged(), 0);
	for (size_t i = 0; i < sizeof(bad_lines) / sizeof(*bad_lines); i++) {
		tap_ok(str_eq(head_with(bad_lines[i].name,
			bad_lines[i].value), str_of(rest)),
			"bad line %zu is left out", i);
		IS_INT(logged(), i + 1);
		OK(rig_stop());
	}
	arena_free(a);
}

#define ROOM_MOST	(BYTES_FIRST + 64)

/* A head of n bytes beside status and end: in names
 * of that length, and the rest in the lines of a generation. */
static bool
fits(size_t n, size_t name)
{
	static struct header v[ROOM_MOST / 5];
	static char text[ROOM_MOST];
	struct headers h = { .v = v };
	size_t each = name + 4, rest;
	bool good;

	memset(text, 't', sizeof(text));
	h.n = name > 0 ? (uint32_t)(n / each) : 0;
	rest = n - h.n * each;
	for (uint32_t i = 0; i < h.n; i++)
		v[i] = (struct header){ str_head(STR(NAME_64), name),
			STR("") };
	h.lines = (struct str){ text, rest };
	rig_start(true);
	out.outlet.ops->begin(&out.outlet, 431, &h);
	good = out.head.n == n + strlen("Status: 431 "
		"Request Header Fields Too Large\r\n\r\n") &&
		out.head.n <= out.head.room;
	return rig_stop() && good;
}

/* Where the first room of a buffer ends. */
static void
test_room(void)
{
	static const size_t names[] = { 0, 1, 2, 64 };
	size_t good = 0;

	for (size_t i = 0; i < 4; i++) {
		for (size_t n = BYTES_FIRST - 64; n < ROOM_MOST; n++)
			good += fits(n, names[i]);
	}
	IS_INT(good, 4 * 128);
	good = 0;
	for (size_t n = BYTES_FIRST - 64; n < ROOM_MOST; n++) {
		struct header v = { STR("N"), rig_text(n - 5) };
		struct headers h = { .v = &v, .n = 1 };

		rig_start(true);
		out.outlet.ops->begin(&out.outlet, 431, &h);
		good += out.head.n <= out.head.room;
		rig_stop();
	}
	IS_INT(good, 128);
}

static void
test_status(void)
{
	static const struct {
		int status;
		const char *line;
	} rows[] = {
		{ 200, "Status: 200 OK\r\n\r\n" },
		{ 431, "Status: 431 Request Header Fields Too Large\r\n\r\n" },
		{ 299, "Status: 299 Status\r\n\r\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct headers none = { 0 };

		rig_start(true);
		out.outlet.ops->begin(&out.outlet, rows[i].status, &none);
		rig_end_reply();
		IS_STR(((struct str){ peer.got, peer.got_n }), rows[i].line);
		OK(rig_stop());
	}
}

int
main(void)
{
	struct log_plan plan = { LOG_FILE, log_path, LOG_PLAIN,
		LOG_LEVEL_ERROR };
	int fd = mkstemp(log_path);

	if (fd < 0 || !log_open(&plan))
		return tap_skip("no file for the log");
	test_lines();
	test_room();
	test_status();
	close(fd);
	unlink(log_path);
	return tap_done();
}
