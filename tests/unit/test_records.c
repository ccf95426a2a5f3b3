/* SPDX-License-Identifier: MIT */
/*
 * What the screen makes of bytes from a web server, or from somebody else on
 * the socket.  Every row is fed whole, one byte at a time, and cut once at
 * each place; the verdict must be the same.
 */
#include "config.h"
#include "door/records.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "kit/fcgi_peer.h"
#include "kit/tap.h"

#define TEST_PARAMS	2000
#define TEST_PAIRS	8
#define TEST_BODY	9000
#define TEST_DROPPED	20000

static const struct screen_limits limits = {
	TEST_PARAMS, TEST_PAIRS, TEST_BODY, TEST_DROPPED,
};
static struct bytes_pool pool;
static char filler[70000];
static const char *const one_pair[] = { "NAME", "value", NULL };

/* What the screen said last, and all that it knew then. */
struct said {
	enum screen_verdict verdict;
	size_t eaten;
	uint16_t id;
	uint8_t flags, type;
	bool refusing, no_params;
	enum fault_kind refused;
	uint32_t pairs, text_n;
	uint64_t body_n;
	size_t stage_n;
};

/* cut: the first piece; step: the others. */
static struct said
screen(const struct peer_text *t, size_t cut, size_t step, uint8_t **stage_r)
{
	struct screen s;
	struct said r = { .verdict = SCREEN_MORE };

	screen_init(&s, &pool, &limits);
	while (r.eaten < t->n && r.verdict == SCREEN_MORE) {
		size_t n = r.eaten == 0 && cut > 0 ? cut : step;

		if (n > t->n - r.eaten)
			n = t->n - r.eaten;
		r.eaten += screen_eat(&s, t->p + r.eaten, n, &r.verdict);
	}
	r.id = s.id;
	r.flags = s.flags;
	r.type = s.type;
	r.refusing = s.refusing;
	r.no_params = s.no_params;
	r.refused = s.refusing ? s.refused : FAULT_KINDS;
	r.pairs = s.pairs;
	r.text_n = s.text_n;
	r.body_n = s.body_n;
	r.stage_n = s.stage.n;
	if (stage_r != NULL) {
		*stage_r = malloc(s.stage.n + 1);
		memcpy(*stage_r, s.stage.p, s.stage.n);
	}
	screen_reset(&s, &limits);
	return r;
}

static bool
same(const struct said *a, const struct said *b)
{
	if (a->verdict != b->verdict)
		return false;
	if (a->verdict == SCREEN_VIOLATION)
		return true;		/* the rest does not matter then */
	return a->eaten == b->eaten && a->id == b->id &&
		a->flags == b->flags && a->refused == b->refused &&
		a->no_params == b->no_params && a->pairs == b->pairs &&
		a->text_n == b->text_n && a->body_n == b->body_n &&
		a->stage_n == b->stage_n;
}

/* In any chunking the same comes out. */
static bool
chunking_is_nothing(const struct peer_text *t)
{
	struct said whole = screen(t, 0, t->n, NULL), r;
	size_t stride = t->n > 3000 ? t->n / 100 : 1;
	bool good = true;

	r = screen(t, 0, 1, NULL);
	good = same(&whole, &r);
	for (size_t cut = 1; cut < t->n && good; cut += stride) {
		r = screen(t, cut, t->n, NULL);
		good = same(&whole, &r);
	}
	return good && pool.held == 0;
}

/* ---- good requests ---- */

static void
test_good(void)
{
	static const uint16_t ids[] = { 1, 255, 256, 257, 32768, 65535 };
	static const uint32_t chunks[] = { 0, 1, 2, 7, 200 };
	static const char *const pairs[] = {
		"A", "1", "B", "", "LONG", filler, "SSL_CLIENT_S_DN_Email",
		"e@x", "x.y-z\xff", "\x01\x7f\xff", NULL
	};
	struct peer_call c = { .body = STR("{\"a\":1}"), .pairs = pairs };
	struct peer_text t = { 0 };
	struct said r;

	memset(filler, 'f', 300);
	for (size_t i = 0; i < 30; i++) {
		c.id = ids[i % 6];
		c.chunk = chunks[i % 5];
		c.flags = (uint8_t)(i % 4);
		peer_call(&t, &c);
		r = screen(&t, 0, t.n, NULL);
		tap_ok(r.verdict == SCREEN_COMPLETE && r.id == c.id &&
			r.flags == c.flags && r.pairs == 5 &&
			r.body_n == 7 && r.text_n == 340 &&
			!r.refusing && r.eaten == t.n,
			"id %d, records of %u bytes", c.id, c.chunk);
		tap_ok(chunking_is_nothing(&t), "the same in any chunking");
		peer_clear(&t);
	}
	memset(filler, 0, sizeof(filler));
}

/* Stages the plain request with this padding; the stage knows none. */
static void
test_padding(void)
{
	struct peer_call c = { .body = STR("body"), .chunk = 5 };
	struct peer_text t = { 0 };
	uint8_t *plain, *padded;
	struct said a, b;
	bool good = true;

	c.pairs = one_pair;
	peer_call(&t, &c);
	a = screen(&t, 0, t.n, &plain);
	c.pad_empty = true;
	for (int pad = 1; pad < 256; pad++) {
		peer_clear(&t);
		c.pad = (uint8_t)pad;
		peer_call(&t, &c);
		b = screen(&t, 0, t.n, &padded);
		good = good && b.verdict == SCREEN_COMPLETE &&
			a.stage_n == b.stage_n && b.eaten == t.n &&
			memcmp(plain, padded, a.stage_n) == 0;
		free(padded);
	}
	tap_ok(good, "every padding, also of empty records, is left out");
	tap_ok(chunking_is_nothing(&t), "and may be cut anywhere");
	/* records of a stream are joined: BEGIN, PARAMS, STDIN, two empty */
	IS_INT(a.stage_n, 5 * 8 + 8 + 11 + 4);
	IS_INT(plain[6] | plain[7], 0);
	IS_INT(plain[16 + 4] << 8 | plain[16 + 5], 11);
	free(plain);
	peer_clear(&t);
}

static void
test_ends_at_the_end(void)
{
	struct peer_call c = { .pairs = one_pair };
	struct peer_text t = { 0 };
	size_t one;

	peer_call(&t, &c);
	one = t.n;
	peer_add(&t, "more", 4);
	IS_INT(screen(&t, 0, t.n, NULL).eaten, one);
	IS_INT(screen(&t, 0, t.n, NULL).verdict, SCREEN_COMPLETE);
	peer_clear(&t);
}

/* A body of one-byte records does not take nine bytes for each. */
static void
test_joins(void)
{
	struct peer_call c = { .pairs = one_pair, .chunk = 1 };
	struct peer_text t = { 0 };
	struct said r;

	c.body = (struct str){ filler, 5000 };
	peer_call(&t, &c);
	r = screen(&t, 0, 1000, NULL);
	IS_INT(r.verdict, SCREEN_COMPLETE);
	IS_INT(r.body_n, 5000);
	OK(r.stage_n < 6000);
	peer_clear(&t);
}

/* ---- limits ---- */

static const struct {
	const char *name;
	uint32_t pairs, value;		/* pairs of name "N", value of this */
	uint64_t body;
	enum fault_kind refused;	/* FAULT_KINDS: not */
} over[] = {
	{ "nothing at all", 0, 0, 0, FAULT_KINDS },
	{ "pairs at the limit", 8, 0, 3, FAULT_KINDS },
	{ "pairs over it", 9, 0, 3, FAULT_HEADERS_TOO_LARGE },
	{ "variables at the limit", 1, 1991, 3, FAULT_KINDS },
	{ "variables over it", 1, 1992, 3, FAULT_HEADERS_TOO_LARGE },
	{ "several records of variables over", 8, 300, 3,
		FAULT_HEADERS_TOO_LARGE },
	{ "body at the limit", 1, 1, 9000, FAULT_KINDS },
	{ "body over it", 1, 1, 9001, FAULT_TOO_LARGE },
	{ "body far over it", 1, 1, 15000, FAULT_TOO_LARGE },
	{ "both over: variables first", 9, 0, 9001, FAULT_HEADERS_TOO_LARGE },
};

static void
build(struct peer_text *t, size_t row, uint32_t chunk)
{
	struct peer_call c = { .id = 7, .flags = 1, .chunk = chunk };
	struct peer_text params = { 0 };

	memset(filler, 'v', sizeof(filler));
	peer_add(&params, "", 1);
	params.n = 0;
	for (uint32_t i = 0; i < over[row].pairs; i++)
		peer_pair(&params, STR("N"),
			(struct str){ filler, over[row].value },
			over[row].value > 0);
	c.params = (struct str){ (char *)params.p, params.n };
	c.body = (struct str){ filler, over[row].body };
	peer_call(t, &c);
	peer_clear(&params);
}

static void
test_limits(void)
{
	static const uint32_t chunks[] = { 0, 1, 100, 1999 };
	struct peer_text t = { 0 };
	struct said r;

	for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
		for (size_t k = 0; k < 4; k++) {
			/* bytes dropped count with their headers */
			if (chunks[k] == 1 && over[i].body > 9000 &&
			    over[i].pairs != 1)
				continue;
			if (chunks[k] == 1 && over[i].body > 9001)
				continue;
			build(&t, i, chunks[k]);
			r = screen(&t, 0, t.n, NULL);
			tap_ok(r.verdict == SCREEN_COMPLETE &&
				r.refused == over[i].refused &&
				r.eaten == t.n && r.id == 7 && r.flags == 1,
				"%s, records of %u", over[i].name, chunks[k]);
			tap_ok(r.no_params ==
				(r.refused == FAULT_HEADERS_TOO_LARGE) &&
				(r.stage_n == 0) == r.no_params,
				"variables are kept if they are complete");
			if (r.refusing)
				IS_INT(r.body_n, 0);
			else
				IS_INT(r.body_n, over[i].body);
			if (k < 3)
				OK(chunking_is_nothing(&t));
			peer_clear(&t);
		}
	}
}

static void
test_dropped(void)
{
	struct peer_call c = { .pairs = one_pair, .chunk = 5001 };
	struct peer_text t = { 0 };
	static const size_t bodies[] = { 24900, 25000 };

	for (int i = 0; i < 2; i++) {
		c.body = (struct str){ filler, bodies[i] };
		peer_call(&t, &c);
		IS_INT(screen(&t, 0, t.n, NULL).verdict,
			i == 0 ? SCREEN_COMPLETE : SCREEN_VIOLATION);
		peer_clear(&t);
	}
}

/* The sum of all reading buffers; the stage begins with 8 KiB. */
static void
test_pool(void)
{
	struct peer_call c = { .pairs = one_pair, .chunk = 100 };
	struct peer_text t = { 0 };
	struct said r;

	c.body = (struct str){ filler, 5000 };
	peer_call(&t, &c);
	pool.most = BYTES_FIRST;
	r = screen(&t, 0, t.n, NULL);
	IS_INT(r.refused, FAULT_KINDS);
	pool.most = BYTES_FIRST - 1;
	r = screen(&t, 0, 64, NULL);
	IS_INT(r.verdict, SCREEN_COMPLETE);
	IS_INT(r.refused, FAULT_OVERLOADED);
	OK(r.no_params && r.stage_n == 0);
	peer_clear(&t);
	c.body = (struct str){ filler, 9000 };
	peer_call(&t, &c);
	pool.most = BYTES_FIRST;
	r = screen(&t, 0, 64, NULL);
	IS_INT(r.verdict, SCREEN_COMPLETE);
	IS_INT(r.refused, FAULT_OVERLOADED);
	OK(!r.no_params && r.stage_n > 0 && r.pairs == 1);
	pool.most = SIZE_MAX;
	peer_clear(&t);
}

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
	test_good();
	test_padding();
	test_ends_at_the_end();
	test_joins();
	test_limits();
	test_dropped();
	test_pool();
	test_attacks();
	test_lengths();
	test_management_count();
	OK(pool.held == 0);
	bytes_pool_clear(&pool);
	return tap_done();
}
