/* SPDX-License-Identifier: MIT */
/*
 * Good requests through the screen, in any chunking, and requests at and over
 * its limits.
 */
#include "config.h"
#include "kit/screen_rig.h"

#include <stdlib.h>
#include <string.h>

#include "kit/tap.h"

static char filler[70000];
static const char *const one_pair[] = { "NAME", "value", NULL };

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

/* Every byte is used up; the lengths of one pair more are too much already. */
static void
test_behind_the_limit(void)
{
	static const uint32_t chunks[] = { 0, 1, 1999, 2000, 2001, 2002 };
	struct peer_text params = { 0 }, t = { 0 };
	struct peer_call c = { .body = STR("{}") };

	peer_pair(&params, STR("N"), (struct str){ filler, 1991 }, true);
	IS_INT(params.n, RIG_PARAMS);
	peer_pair(&params, STR("M"), STR(""), false);
	c.params = (struct str){ (char *)params.p, params.n };
	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct said r;

		c.chunk = chunks[i];
		peer_call(&t, &c);
		r = screen(&t, 0, t.n, NULL);
		tap_ok(r.verdict == SCREEN_COMPLETE && r.refused ==
			FAULT_HEADERS_TOO_LARGE, "a pair behind the limit, "
			"records of %u", chunks[i]);
		peer_clear(&t);
	}
	peer_clear(&params);
}

/* Refused at the head of the variables: all that follows is dropped, to the
 * end of the head of the last record. */
static void
test_dropped_exactly(void)
{
	struct peer_text params = { 0 }, t = { 0 };
	struct peer_call c = { .chunk = 20000 };
	size_t all = RIG_DROPPED - (8 + 2001) - 8 - 8;

	peer_pair(&params, STR("N"), (struct str){ filler, 1992 }, true);
	c.params = (struct str){ (char *)params.p, params.n };
	for (size_t more = 0; more < 2; more++) {
		c.body = (struct str){ filler, all + more };
		peer_call(&t, &c);
		IS_INT(screen(&t, 0, t.n, NULL).verdict, more == 0 ?
			SCREEN_COMPLETE : SCREEN_VIOLATION);
		peer_clear(&t);
	}
	peer_clear(&params);
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

int
main(void)
{
	bytes_pool_init(&pool, SIZE_MAX);
	test_good();
	test_padding();
	test_ends_at_the_end();
	test_joins();
	test_limits();
	test_behind_the_limit();
	test_dropped_exactly();
	test_dropped();
	test_pool();
	OK(pool.held == 0);
	bytes_pool_clear(&pool);
	return tap_done();
}
