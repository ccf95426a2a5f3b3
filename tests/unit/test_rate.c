/* SPDX-License-Identifier: MIT */
/*
 * rate -- how many pass, how long the others wait, what is given back
 */
#include "config.h"
#include "shm/rate.h"

#include "kit/place.h"
#include "kit/tap.h"
#include "shm/layout.h"

#define T0 1000000u		/* ticks */
#define TICK 16			/* us */

static struct rates *rates;

static struct rate_now
at(uint64_t us, int64_t unix_s)
{
	return (struct rate_now){ T0 + us / TICK, unix_s };
}

static struct rate
minute(uint32_t limit, uint32_t burst, uint64_t subject)
{
	return (struct rate){ RATE_MINUTE, limit, burst, false,
		subject << 44 | subject, 1 };
}

static struct rate
window(enum rate_span span, uint32_t limit, uint64_t subject)
{
	return (struct rate){ span, limit, 0, false,
		subject << 44 | subject, 1 };
}

/* How many of n pass now. */
static uint32_t
pass(struct rate r, struct rate_now now, uint32_t n)
{
	uint64_t wait_us;
	uint32_t passed = 0;

	for (uint32_t i = 0; i < n; i++)
		passed += rate_take(rates, &r, now, &wait_us) == RATE_OK;
	return passed;
}

static uint64_t
wait_us(struct rate r, struct rate_now now)
{
	uint64_t us = 0;

	return rate_look(rates, &r, now, &us) == RATE_OVER ? us : 0;
}

/* ---- minutes ----------------------------------------------------------------- */
static const struct {
	uint32_t limit, burst;
	uint32_t first;			/* pass at once */
	uint64_t wait_us;		/* then */
	uint64_t later_us;		/* and after so long … */
	uint32_t more;			/* … so many */
} bursts[] = {
	{ 60, 10, 10, 1000000, 1000000, 1 },
	{ 60, 10, 10, 1000000, 3500000, 3 },
	{ 60, 10, 10, 1000000, 999984, 0 },	/* one tick too early */
	{ 60, 1, 1, 1000000, 1000000, 1 },
	{ 60, 60, 60, 1000000, 60000000, 60 },
	{ 60, 60, 60, 1000000, 3600000000u, 60 }, /* no more than the burst */
	{ 1, 1, 1, 60000000, 59999984, 0 },
	{ 1, 1, 1, 60000000, 60000000, 1 },
	{ 7, 3, 3, 8571440, 8571440, 1 },	/* rounded up to a tick */
	{ 60000, 5, 5, 1008, 1008, 1 },
	{ 1000000000, 4, 4, 16, 16, 1 },	/* the finest there is */
	{ 1, 1000000000, 1000, 0, 0, 1000 },	/* longer than the clock */
};

static void
check_bursts(void)
{
	for (size_t i = 0; i < sizeof(bursts) / sizeof(*bursts); i++) {
		struct rate r = minute(bursts[i].limit, bursts[i].burst,
			100 + i);
		uint32_t tries = bursts[i].first + (bursts[i].wait_us > 0);

		tap_ok(pass(r, at(0, 0), tries) == bursts[i].first &&
			wait_us(r, at(0, 0)) == bursts[i].wait_us,
			"row %zu: %u pass, then %llu us", i, bursts[i].first,
			(unsigned long long)wait_us(r, at(0, 0)));
		tap_ok(pass(r, at(bursts[i].later_us, 0), bursts[i].more +
			(bursts[i].wait_us > 0)) == bursts[i].more,
			"row %zu: later %u", i, bursts[i].more);
	}
}

/* Who keeps to the rate never waits. */
static void
check_steady(void)
{
	struct rate r = minute(600, 1, 200);
	uint32_t passed = 0;

	for (uint64_t i = 0; i < 5000; i++)
		passed += pass(r, at(i * 100000, 0), 1);
	IS_INT(passed, 5000);
	passed = 0;
	for (uint64_t i = 5000; i < 6000; i++)
		passed += pass(r, at(i * 100000 - (i % 2) * 50000, 0), 1);
	tap_ok(passed < 1000, "half of them are early: %u", passed);
}

static void
check_several(void)
{
	struct rate r = minute(60, 10, 300), three = r;
	uint64_t us = 0;

	three.n = 3;
	IS_INT(pass(three, at(0, 0), 5), 3);
	IS_INT(rate_take(rates, &three, at(0, 0), &us), RATE_OVER);
	IS_INT(us, 2000000);
	IS_INT(pass(r, at(0, 0), 5), 1);
	three.n = 11;			/* more than ever fit */
	IS_INT(rate_take(rates, &three, at(60000000, 0), &us), RATE_OVER);
}

static void
check_give(void)
{
	struct rate r = minute(60, 10, 400), h = window(RATE_HOUR, 5, 400);

	IS_INT(pass(r, at(0, 0), 20), 10);
	rate_give(rates, &r, at(0, 0));
	rate_give(rates, &r, at(0, 0));
	IS_INT(pass(r, at(0, 0), 20), 2);
	r = minute(60, 10, 401);
	rate_give(rates, &r, at(0, 0));		/* nobody had taken */
	IS_INT(pass(r, at(0, 0), 20), 10);
	for (int i = 0; i < 15; i++)
		rate_give(rates, &r, at(0, 0));
	tap_ok(pass(r, at(0, 0), 20) == 10, "more is not given than there is");
	IS_INT(pass(h, at(0, 0), 9), 5);
	rate_give(rates, &h, at(0, 0));
	IS_INT(pass(h, at(0, 0), 9), 1);
}

/* Taken in one window and given back in the next: the next has nothing of it,
 * and a minute's limit has it back. */
static void
check_give_late(void)
{
	struct rate v[] = { minute(60, 10, 410), window(RATE_HOUR, 5, 410) };
	struct rate_now then = at(0, 3599), now = at(0, 3600);
	struct rate_no no;

	tap_ok(rate_take_all(rates, v, 2, then, &no), "taken");
	IS_INT(pass(v[1], now, 9), 5);
	rate_give_all(rates, v, 2, then, now);
	IS_INT(pass(v[1], now, 9), 0);
	IS_INT(pass(v[0], now, 20), 10);
	tap_ok(!rate_take_all(rates, v, 2, now, &no), "full");
	rate_give_all(rates, v, 2, now, now);
	IS_INT(pass(v[1], now, 9), 1);
	IS_INT(pass(v[0], now, 9), 1);
}

/* A word that no request can have made costs one burst, not for ever. */
static void
check_hostile(struct segment *s)
{
	struct rate r = minute(60, 10, 500);
	_Atomic uint64_t *bucket = s->file->rates.minutes[500];

	atomic_store(&bucket[0], (r.subject >> 42) << 42 |
		(UINT64_C(1) << 40));
	IS_INT(pass(r, at(0, 0), 3), 0);
	IS_INT(wait_us(r, at(0, 0)), 1000000);
}

/* ---- windows -------------------------------------------------------------------- */
static void
check_windows(void)
{
	struct rate h = window(RATE_HOUR, 100, 600);
	struct rate d = window(RATE_DAY, 100, 600);
	int64_t noon = 1800000000;	/* 2027-01-15 08:00 UTC */

	IS_INT(pass(h, at(0, noon), 150), 100);
	IS_INT(wait_us(h, at(0, noon)), 3600000000u);
	IS_INT(wait_us(h, at(0, noon + 3599)), 1000000);
	IS_INT(pass(h, at(0, noon + 3599), 1), 0);
	IS_INT(pass(h, at(0, noon + 3600), 150), 100);
	tap_ok(pass(h, at(0, noon + 3599), 1) == 0,
		"a clock that is a second behind counts in the next hour");
	h = window(RATE_HOUR, 100, 601);
	IS_INT(pass(h, at(0, noon + 7200), 50), 50);
	IS_INT(pass(h, at(0, noon + 7199), 1), 1);
	tap_ok(pass(h, at(0, noon + 7200), 150) == 49,
		"and takes nothing of it away");
	h = window(RATE_HOUR, 100, 600);
	IS_INT(pass(h, at(0, noon + 10 * 3600), 150), 100);
	IS_INT(pass(h, at(0, noon), 150), 100);	/* set back: begins anew */
	IS_INT(pass(d, at(0, noon), 150), 100);
	IS_INT(wait_us(d, at(0, noon)) / 1000000, 16 * 3600);
	IS_INT(pass(d, at(0, noon + 16 * 3600 - 1), 1), 0);
	IS_INT(pass(d, at(0, noon + 16 * 3600), 150), 100);
}

static void
check_most(void)
{
	struct rate h = window(RATE_HOUR, RATE_MOST_WINDOW, 610);
	uint64_t us;

	h.n = RATE_MOST_WINDOW - 1;
	IS_INT(rate_take(rates, &h, at(0, 5), &us), RATE_OK);
	h.n = 1;
	IS_INT(pass(h, at(0, 5), 3), 1);
}

/* ---- buckets ------------------------------------------------------------------------ */
static struct rate
neighbour(uint64_t i)
{
	struct rate r = minute(60, 2, 0);

	r.subject = (i + 1) << 44 | 700;
	return r;
}

static void
check_full(void)
{
	struct rate own = neighbour(99);
	struct rate_no no;
	struct rate v[2];
	uint64_t us;

	for (uint64_t i = 0; i < SHM_RATES; i++)
		IS_INT(pass(neighbour(i), at(0, 0), 3), 2);
	own.own = true;
	v[0] = neighbour(50);
	IS_INT(rate_take(rates, &v[0], at(0, 0), &us), RATE_FULL);
	v[1] = own;
	OK(rate_take_all(rates, v, 2, at(0, 0), &no));
	IS_INT(no.full, 1);
	IS_INT(v[0].n, 0);
	IS_INT(pass(own, at(0, 0), 5), 1);	/* of a server: has its place */
	v[0] = neighbour(50);
	tap_ok(rate_take(rates, &v[0], at(1000000, 0), &us) == RATE_FULL,
		"all have one second to go");
	tap_ok(rate_take(rates, &v[0], at(2000000, 0), &us) == RATE_OK,
		"what has passed is room");
}

static void
check_all(void)
{
	struct rate v[3] = { minute(60, 10, 800), window(RATE_DAY, 3, 800),
		window(RATE_HOUR, 2, 800) };
	struct rate_no no;
	int64_t noon = 1800000000;

	OK(rate_take_all(rates, v, 3, at(0, noon), &no));
	OK(rate_take_all(rates, v, 3, at(0, noon), &no));
	OK(!rate_take_all(rates, v, 3, at(0, noon), &no));
	IS_INT(no.index, 2);
	IS_INT(no.wait_us / 1000000, 3600);
	tap_ok(pass(v[0], at(0, noon), 20) == 8, "the third took nothing");
	tap_ok(pass(v[1], at(0, noon), 20) == 1, "of the day neither");
	OK(!rate_take_all(rates, v, 3, at(0, noon), &no));
	tap_ok(no.index == 1 && no.wait_us / 1000000 == 16 * 3600,
		"of all that say no the longest wait is told");
}

/* Two words of one subject, as a race of three leaves them, become one. */
static void
check_twins(struct segment *s)
{
	struct rate r = minute(60, 10, 900);
	_Atomic uint64_t *bucket = s->file->rates.minutes[900];
	uint64_t word;

	IS_INT(pass(r, at(0, 0), 4), 4);
	word = atomic_load(&bucket[0]);
	atomic_store(&bucket[5], word);
	IS_INT(pass(r, at(0, 0), 9), 2);
	IS_INT(atomic_load(&bucket[5]), 0);
}

static void
check_subject(void)
{
	struct rates *alone = rates_open(NULL, arena_new(1 << 22));

	OK(rate_subject(rates, STR("a")) == rate_subject(rates, STR("a")));
	OK(rate_subject(rates, STR("a")) != rate_subject(rates, STR("b")));
	OK(rate_subject(alone, STR("a")) != rate_subject(rates, STR("a")));
	rates = alone;
	tap_ok(pass(minute(60, 10, 1), at(0, 0), 20) == 10,
		"a process counts alone without a file");
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct rate_now now = rate_now();
	const char *why = "";

	rates = rates_open(s, p.arena);
	check_bursts();
	check_steady();
	check_several();
	check_give();
	check_give_late();
	check_hostile(s);
	check_windows();
	check_most();
	check_full();
	check_all();
	check_twins(s);
	tap_ok(segment_valid(s, &why), "valid %s", why);
	check_subject();
	OK(now.ticks > 0 && now.unix_s > 1700000000);
	segment_close(s);
	place_end(&p);
	return tap_done();
}
