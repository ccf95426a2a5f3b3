/* SPDX-License-Identifier: MIT */
/*
 * What the screen does not let through to libfcgi: each row is fed whole, one
 * byte at a time, and cut at each place; the verdict must be the same.
 */
#include "config.h"
#include "kit/screen_rig.h"

#include <string.h>

#include "kit/tap.h"

static char filler[70000];

/* ---- what is not let in ---- */

/* Each row builds one text. */
struct attack {
	const char *name;
	enum screen_verdict verdict;
	void (*build)(struct peer_text *t);
};

static void
raw_params(struct peer_text *t, struct str params)
{
	struct peer_call c = { .params = params };

	peer_call(t, &c);
}

static void
version_0(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	t->p[0] = 0;
}

static void
version_2_later(struct peer_text *t)
{
	struct peer_call c = { 0 };

	peer_call(t, &c);
	t->p[16] = 2;
}

static void
params_first(struct peer_text *t)
{
	peer_record(t, 4, 1, STR(""), 0);
}

static void
begin_short(struct peer_text *t)
{
	peer_record(t, 1, 1, STR("\0\1\0\0\0\0\0"), 0);
}

static void
begin_long(struct peer_text *t)
{
	peer_record(t, 1, 1, STR("\0\1\0\0\0\0\0\0\0"), 0);
}

static void
role_0(struct peer_text *t)
{
	peer_begin(t, 1, 0, 0);
}

static void
role_2(struct peer_text *t)
{
	peer_begin(t, 1, 2, 1);
}

static void
role_3(struct peer_text *t)
{
	peer_begin(t, 1, 3, 1);
}

static void
role_257(struct peer_text *t)
{
	peer_begin(t, 1, 257, 1);
}

static void
second_begin(struct peer_text *t)
{
	peer_begin(t, 1, 1, 1);
	peer_begin(t, 1, 1, 1);
}

static void
begin_among_params(struct peer_text *t)
{
	peer_begin(t, 1, 1, 1);
	peer_record(t, 4, 1, STR("\1\1ab"), 0);
	peer_begin(t, 2, 1, 1);
}

static void
begin_for_stdin(struct peer_text *t)
{
	peer_begin(t, 1, 1, 1);
	peer_record(t, 4, 1, STR(""), 0);
	peer_begin(t, 1, 1, 1);
}

static void
stdin_early(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 1, STR("\1\1ab"), 0);
	peer_record(t, 5, 1, STR("x"), 0);
}

static void
params_late(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 1, STR(""), 0);
	peer_record(t, 5, 1, STR("x"), 0);
	peer_record(t, 4, 1, STR("\1\1ab"), 0);
}

static void
data_record(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 1, STR(""), 0);
	peer_record(t, 8, 1, STR(""), 0);
}

static void
stdout_record(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 6, 1, STR(""), 0);
}

static void
id_changes_in_params(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 2, STR("\1\1ab"), 0);
}

static void
id_changes_in_stdin(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 1, STR(""), 0);
	peer_record(t, 5, 257, STR(""), 0);
}

static void
abort_of_another(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 2, 2, STR(""), 0);
}

static void
abort_first(struct peer_text *t)
{
	peer_record(t, 2, 1, STR(""), 0);
}

static void
abort_full(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 2, 1, STR("x"), 0);
}

static void
abort_in_params(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 1, STR("\1\1a"), 0);
	peer_record(t, 2, 1, STR(""), 9);
}

static void
abort_in_stdin(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 1, STR(""), 0);
	peer_record(t, 5, 1, STR("x"), 0);
	peer_record(t, 2, 1, STR(""), 0);
}

static void
abort_while_dropping(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 1, (struct str){ filler, 3000 }, 0);
	peer_record(t, 2, 1, STR(""), 0);
}

static void
nul_in_value(struct peer_text *t)
{
	raw_params(t, STR("\1\3aX\0Y"));
}

static void
nul_at_the_end(struct peer_text *t)
{
	raw_params(t, STR("\1\3aXY\0"));
}

static void
nul_in_name(struct peer_text *t)
{
	raw_params(t, STR("\3\1a\0bY"));
}

static void
equals_in_name(struct peer_text *t)
{
	raw_params(t, STR("\3\1A=Bc"));
}

static void
blank_in_name(struct peer_text *t)
{
	raw_params(t, STR("\3\1A Bc"));
}

static void
del_in_name(struct peer_text *t)
{
	raw_params(t, STR("\3\1A\x7f" "Bc"));
}

static void
empty_name(struct peer_text *t)
{
	raw_params(t, STR("\0\1c"));
}

static void
empty_pair(struct peer_text *t)
{
	raw_params(t, STR("\1\1ab\0\0"));
}

static void
ends_in_name(struct peer_text *t)
{
	raw_params(t, STR("\5\1ab"));
}

static void
ends_in_value(struct peer_text *t)
{
	raw_params(t, STR("\1\5ab"));
}

static void
ends_before_value(struct peer_text *t)
{
	raw_params(t, STR("\1\5a"));
}

static void
ends_in_length(struct peer_text *t)
{
	raw_params(t, STR("\1\1ab\x80\0\0"));
}

static void
ends_between_lengths(struct peer_text *t)
{
	raw_params(t, STR("\1\1ab\1"));
}

static void
unknown_within(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 12, 0, STR(""), 0);
}

static void
query_within(struct peer_text *t)
{
	peer_begin(t, 1, 1, 0);
	peer_record(t, 4, 1, STR(""), 0);
	peer_record(t, 9, 0, STR("\16\0FCGI_MAX_CONNS"), 0);
}

static void
ask(struct peer_text *t, int times)
{
	struct peer_text q = { 0 };

	for (int i = 0; i < times; i++)
		peer_pair(&q, STR("FCGI_MAX_CONNS"), STR(""), false);
	peer_record(t, 9, 0, (struct str){ (char *)q.p, q.n }, 3);
	peer_clear(&q);
}

static void
query_1(struct peer_text *t)
{
	ask(t, 1);
}

static void
query_4(struct peer_text *t)
{
	ask(t, 4);
}

static void
query_32(struct peer_text *t)
{
	ask(t, 32);		/* 512 bytes: the limit */
}

static void
query_100(struct peer_text *t)
{
	ask(t, 100);
}

static void
query_513(struct peer_text *t)
{
	peer_record(t, 9, 0, (struct str){ filler, 513 }, 0);
}

static void
unknown_type(struct peer_text *t)
{
	peer_record(t, 77, 0, (struct str){ filler, 3000 }, 200);
}

static void
begin_of_nothing(struct peer_text *t)
{
	peer_begin(t, 0, 1, 0);
}

static const struct attack attacks[] = {
	{ "version 0", SCREEN_VIOLATION, version_0 },
	{ "version 2 in the second record", SCREEN_VIOLATION,
		version_2_later },
	{ "no BEGIN", SCREEN_VIOLATION, params_first },
	{ "a short BEGIN", SCREEN_VIOLATION, begin_short },
	{ "a long BEGIN", SCREEN_VIOLATION, begin_long },
	{ "role 0", SCREEN_ROLE, role_0 },
	{ "authorizer", SCREEN_ROLE, role_2 },
	{ "filter", SCREEN_ROLE, role_3 },
	{ "role 257", SCREEN_ROLE, role_257 },
	{ "BEGIN twice", SCREEN_VIOLATION, second_begin },
	{ "BEGIN among variables", SCREEN_VIOLATION, begin_among_params },
	{ "BEGIN where STDIN is due", SCREEN_VIOLATION, begin_for_stdin },
	{ "STDIN before the variables end", SCREEN_VIOLATION, stdin_early },
	{ "variables after STDIN", SCREEN_VIOLATION, params_late },
	{ "DATA", SCREEN_VIOLATION, data_record },
	{ "STDOUT", SCREEN_VIOLATION, stdout_record },
	{ "another id in variables", SCREEN_VIOLATION, id_changes_in_params },
	{ "another id in STDIN", SCREEN_VIOLATION, id_changes_in_stdin },
	{ "ABORT of another id", SCREEN_VIOLATION, abort_of_another },
	{ "ABORT of nothing", SCREEN_VIOLATION, abort_first },
	{ "ABORT with content", SCREEN_VIOLATION, abort_full },
	{ "ABORT among variables", SCREEN_ABORTED, abort_in_params },
	{ "ABORT in STDIN", SCREEN_ABORTED, abort_in_stdin },
	{ "ABORT while dropping", SCREEN_ABORTED, abort_while_dropping },
	{ "NUL in a value", SCREEN_VIOLATION, nul_in_value },
	{ "NUL at the end of a value", SCREEN_VIOLATION, nul_at_the_end },
	{ "NUL in a name", SCREEN_VIOLATION, nul_in_name },
	{ "= in a name", SCREEN_VIOLATION, equals_in_name },
	{ "blank in a name", SCREEN_VIOLATION, blank_in_name },
	{ "DEL in a name", SCREEN_VIOLATION, del_in_name },
	{ "empty name", SCREEN_VIOLATION, empty_name },
	{ "empty pair", SCREEN_VIOLATION, empty_pair },
	{ "end within a name", SCREEN_VIOLATION, ends_in_name },
	{ "end within a value", SCREEN_VIOLATION, ends_in_value },
	{ "end before a value", SCREEN_VIOLATION, ends_before_value },
	{ "end within a length", SCREEN_VIOLATION, ends_in_length },
	{ "end between lengths", SCREEN_VIOLATION, ends_between_lengths },
	{ "management within variables", SCREEN_VIOLATION, unknown_within },
	{ "GET_VALUES within a request", SCREEN_VIOLATION, query_within },
	{ "GET_VALUES, one name", SCREEN_QUERY, query_1 },
	{ "GET_VALUES, the name 4 times", SCREEN_QUERY, query_4 },
	{ "GET_VALUES of 512 bytes", SCREEN_QUERY, query_32 },
	{ "GET_VALUES, the name 100 times", SCREEN_VIOLATION, query_100 },
	{ "GET_VALUES of 513 bytes", SCREEN_VIOLATION, query_513 },
	{ "an unknown management record", SCREEN_UNKNOWN, unknown_type },
	{ "BEGIN of id 0", SCREEN_UNKNOWN, begin_of_nothing },
};

static void
test_attacks(void)
{
	struct peer_text t = { 0 };
	struct said r;

	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		attacks[i].build(&t);
		r = screen(&t, 0, t.n, NULL);
		if (!tap_ok(r.verdict == attacks[i].verdict, "%s",
		    attacks[i].name))
			printf("# got %d\n", (int)r.verdict);
		tap_ok(chunking_is_nothing(&t), "%s, in pieces",
			attacks[i].name);
		peer_clear(&t);
	}
}

/* Lengths that overflow an int, or reserve gigabytes, in libfcgi. */
static void
test_lengths(void)
{
	static const struct {
		uint32_t name, value;
	} rows[] = {
		{ 0x7ffffffd, 1 }, { 1, 0x7ffffffd },
		{ 0x7ffffffe, 0x7ffffffe }, { 0x7fffffff, 0x7fffffff },
		{ 0x3fffffff, 0x40000000 }, { 0x7ffffff0, 1 },
		{ 0x40000000, 0x40000000 }, { 2001, 0 }, { 1, 65536 },
	};
	struct peer_text t = { 0 };
	struct said r;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t a = rows[i].name, b = rows[i].value;
		char params[] = { (char)(a >> 24 | 0x80), (char)(a >> 16),
			(char)(a >> 8), (char)a, (char)(b >> 24 | 0x80),
			(char)(b >> 16), (char)(b >> 8), (char)b, 'a', 'b' };

		raw_params(&t, (struct str){ params, sizeof(params) });
		r = screen(&t, 0, t.n, NULL);
		tap_ok(r.verdict == SCREEN_COMPLETE && r.stage_n == 0 &&
			r.refused == FAULT_HEADERS_TOO_LARGE,
			"lengths 0x%x and 0x%x", a, b);
		OK(chunking_is_nothing(&t));
		peer_clear(&t);
	}
}

static void
test_management_count(void)
{
	struct peer_text t = { 0 };
	enum screen_verdict v = SCREEN_MORE;
	struct screen s;
	int good = 0;

	query_1(&t);
	screen_init(&s, &pool, &limits);
	for (int i = 0; i < MAX_MANAGEMENT; i++) {
		screen_eat(&s, t.p, t.n, &v);
		good += v == SCREEN_QUERY && s.stage.n == 16;
		screen_reset(&s, &limits);
		OK(screen_idle(&s));
	}
	IS_INT(good, MAX_MANAGEMENT);
	screen_eat(&s, t.p, t.n, &v);
	IS_INT(v, SCREEN_VIOLATION);
	screen_reset(&s, &limits);
	peer_clear(&t);
}

int
main(void)
{
	bytes_pool_init(&pool, SIZE_MAX);
	memset(filler, 'v', sizeof(filler));
	test_attacks();
	test_lengths();
	test_management_count();
	OK(pool.held == 0);
	bytes_pool_clear(&pool);
	return tap_done();
}
