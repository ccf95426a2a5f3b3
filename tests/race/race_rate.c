/* SPDX-License-Identifier: MIT */
/*
 * rate -- eight processes at one limit: never one too many, none too few
 *
 * Time stands still where exactness is counted; where it runs, the number
 * that may come is the burst and what the rate gives.
 */
#include "config.h"
#include "shm/rate.h"

#include <stdatomic.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8
#define KEYS 3000
#define FEW 64

static const struct rate_now still = { 123456789, 1800000123 };

struct shared {
	struct rates *rates;
	struct rate rate;
	uint32_t hits;
	uint64_t until_us;
	_Atomic uint32_t passed[KEYS];
	_Atomic uint32_t full;
};

/* Subjects that differ in tag and bucket. */
static uint64_t
subject(uint32_t i)
{
	return (uint64_t)(i + 1) << 44 | (i * 7u) % 4096;
}

static struct shared *
begin(struct rates *t, struct rate r, uint32_t hits)
{
	struct shared *w = crew_shared(sizeof(*w));

	w->rates = t;
	w->rate = r;
	w->rate.n = 1;
	w->hits = hits;
	return w;
}

static bool
hit(struct shared *w, const struct rate *r, struct rate_now now, uint32_t key)
{
	uint64_t wait_us = 0;
	enum rate_word said = rate_take(w->rates, r, now, &wait_us);

	if (said == RATE_FULL)
		atomic_fetch_add(&w->full, 1);
	if (said == RATE_OK)
		atomic_fetch_add(&w->passed[key], 1);
	return said == RATE_OK;
}

/* ---- one subject, time stands still ------------------------------------------ */
static bool
hammer(unsigned number, void *who)
{
	struct shared *w = who;

	(void)number;
	for (uint32_t i = 0; i < w->hits; i++)
		hit(w, &w->rate, still, 0);
	return true;
}

static void
exactly(struct rates *t, const char *what, struct rate r, uint32_t want)
{
	struct shared *w = begin(t, r, 50000);
	struct crew c = crew_start(CREW, hammer, w);

	IS_INT(crew_wait(&c), 0);
	tap_ok(w->passed[0] == want, "%s: %u of %u pass", what,
		w->passed[0], want);
}

/* Whoever is killed may have taken one that he did not count. */
static void
with_killed(struct rates *t, const char *what, struct rate r, uint32_t want)
{
	struct shared *w = begin(t, r, 30000000);
	struct crew c = crew_start(CREW, hammer, w);

	crew_kill(&c, CREW, 10);
	IS_INT(crew_wait(&c), 0);
	for (uint32_t i = 0; i < want; i++)
		hit(w, &w->rate, still, 0);
	tap_ok(w->passed[0] <= want && w->passed[0] + CREW >= want,
		"%s, all killed: %u of %u", what, w->passed[0], want);
}

/* ---- many subjects ------------------------------------------------------------- */
static bool
everybody(unsigned number, void *who)
{
	struct shared *w = who;

	for (uint32_t round = 0; round < w->hits; round++) {
		for (uint32_t k = 0; k < KEYS; k++) {
			uint32_t i = (k + number * 375) % KEYS;
			struct rate r = w->rate;

			r.subject = subject(i);
			hit(w, &r, still, i);
		}
	}
	return true;
}

static void
many(struct rates *t, const char *what, struct rate r, uint32_t want)
{
	struct shared *w = begin(t, r, 5);
	struct crew c = crew_start(CREW, everybody, w);
	uint32_t over = 0, under = 0;

	IS_INT(crew_wait(&c), 0);
	for (uint32_t i = 0; i < KEYS; i++) {
		over += w->passed[i] > want;
		under += w->passed[i] < want;
	}
	IS_INT(w->full, 0);
	tap_ok(over == 0 && under == 0, "%s, %d subjects: %u over, %u under",
		what, KEYS, over, under);
}

/* ---- time runs --------------------------------------------------------------------- */
static bool
run(unsigned number, void *who)
{
	struct shared *w = who;
	uint32_t x = number * 2654435761u + 1;

	while (clock_boot_us() < w->until_us) {
		struct rate r = w->rate;

		x = x * 1664525 + 1013904223;
		r.subject = subject(3200 + (x >> 16) % FEW);
		hit(w, &r, rate_now(), (x >> 16) % FEW);
	}
	return true;
}

/* 63 ticks between two: so many fit into the time that has passed. */
static void
running(struct rates *t)
{
	struct rate r = { RATE_MINUTE, 60000, 3, false, 0, 1 };
	struct shared *w = begin(t, r, 0);
	uint64_t began = clock_boot_us(), most, took;
	uint32_t over = 0, under = 0;
	struct crew c;

	w->until_us = began + 800000;
	c = crew_start(CREW, run, w);
	IS_INT(crew_wait(&c), 0);
	took = clock_boot_us() - began;
	most = 3 + took / 16 / 63 + 1;
	for (uint32_t i = 0; i < FEW; i++) {
		over += w->passed[i] > most;
		under += w->passed[i] < 3;
	}
	tap_ok(over == 0 && under == 0, "time runs: %u subjects over %llu, "
		"%u starved", over, (unsigned long long)most, under);
}

/* ---- all or none --------------------------------------------------------------------- */
static struct rate
narrow(unsigned number)
{
	return (struct rate){ RATE_HOUR, 1000, 0, false,
		subject(5000 + number), 1 };
}

static const struct rate broad[2] = {
	{ RATE_MINUTE, 60, 500, true, UINT64_C(77) << 50 | 5, 1 },
	{ RATE_DAY, 700, 0, true, UINT64_C(77) << 50 | 5, 1 },
};

static bool
all_or_none(unsigned number, void *who)
{
	struct shared *w = who;

	for (uint32_t i = 0; i < w->hits; i++) {
		struct rate v[3] = { narrow(number), broad[1], broad[0] };
		struct rate_no no;

		if (rate_take_all(w->rates, v, 3, still, &no))
			atomic_fetch_add(&w->passed[number], 1);
	}
	return true;
}

static uint32_t
left(struct rates *t, struct rate r)
{
	uint64_t wait_us;
	uint32_t n = 0;

	while (rate_take(t, &r, still, &wait_us) == RATE_OK)
		n++;
	return n;
}

static void
given_back(struct rates *t)
{
	struct shared *w = begin(t, broad[0], 20000);
	struct crew c = crew_start(CREW, all_or_none, w);
	uint32_t sum = 0;

	IS_INT(crew_wait(&c), 0);
	for (unsigned i = 0; i < CREW; i++) {
		sum += w->passed[i];
		IS_INT(left(t, narrow(i)), 1000 - w->passed[i]);
	}
	IS_INT(sum, 500);
	IS_INT(left(t, broad[1]), 200);
	IS_INT(left(t, broad[0]), 0);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct rates *t = rates_open(s, p.arena);

	exactly(t, "burst", (struct rate){ RATE_MINUTE, 60, 100, false,
		subject(4000), 1 }, 100);
	exactly(t, "burst of a server", (struct rate){ RATE_MINUTE, 6000, 100,
		true, subject(4000), 1 }, 100);
	exactly(t, "hour", (struct rate){ RATE_HOUR, 1000, 0, false,
		subject(4000), 1 }, 1000);
	exactly(t, "day", (struct rate){ RATE_DAY, 1000, 0, true, subject(4000),
		1 }, 1000);
	with_killed(t, "burst", (struct rate){ RATE_MINUTE, 60, 1500000, false,
		subject(4001), 1 }, 1500000);
	with_killed(t, "hour", (struct rate){ RATE_HOUR, 1500000, 0, false,
		subject(4001), 1 }, 1500000);
	many(t, "minute", (struct rate){ RATE_MINUTE, 60, 7, false, 0, 1 }, 7);
	many(t, "day", (struct rate){ RATE_DAY, 7, 0, false, 0, 1 }, 7);
	running(t);
	given_back(t);
	return place_done(&p, s);
}
