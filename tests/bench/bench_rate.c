/* SPDX-License-Identifier: MIT */
/*
 * bench_rate -- what a limit and a long list of addresses cost
 *
 * One line each: nanoseconds of one process, and of eight at one limit.
 */
#include "config.h"
#include "shm/rate.h"

#include <time.h>

#include "base/spans.h"
#include "kit/crew.h"
#include "kit/place.h"

#define HITS 2000000
#define CREW 8
#define KEYS 4096

struct desk {
	struct rates *rates;
	struct rate rate;
	uint32_t keys;
};

static bool
hits(unsigned number, void *who)
{
	struct desk *d = who;
	struct rate_now now = rate_now();
	struct rate r = d->rate;
	uint64_t us;

	for (uint32_t i = 0; i < HITS; i++) {
		r.subject = (uint64_t)(1 + (i + number) % d->keys) << 44 |
			(i + number) % d->keys;
		(void)rate_take(d->rates, &r, now, &us);
	}
	return true;
}

/* Nanoseconds of this processor since then: others may use it, too. */
static double
each_since(clock_t began)
{
	return (double)(clock() - began) * (1e9 / CLOCKS_PER_SEC) / HITS;
}

static double
alone(struct desk *d)
{
	clock_t began = clock();

	hits(0, d);
	return each_since(began);
}

static double
together(struct desk *d)
{
	uint64_t began = clock_mono_us();
	struct crew c = crew_start(CREW, hits, d);

	crew_wait(&c);
	return (double)(clock_mono_us() - began) * 1000 / HITS / CREW;
}

/* Asking the clock and naming the subject included: as a request does. */
static double
whole(struct desk *d)
{
	clock_t began = clock();
	uint64_t us;
	uint8_t text[64] = { 1 };

	for (uint32_t i = 0; i < HITS; i++) {
		struct rate r = d->rate;

		memcpy(text, &(uint32_t){ i % KEYS }, 4);
		r.subject = rate_subject(d->rates, (struct str){
			(const char *)text, sizeof(text) });
		(void)rate_take(d->rates, &r, rate_now(), &us);
	}
	return each_since(began);
}

static double
looks(uint32_t n)
{
	struct arena *a = arena_new(64 << 20);
	struct span *v = ARENA_ARRAY(a, struct span, n);
	volatile uint32_t found = 0;
	clock_t began;
	struct spans *t;
	uint32_t x = 1;

	for (uint32_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		v[i] = (struct span){ .bits = 32,
			.until_unix_s = SPANS_FOREVER };
		memcpy(v[i].addr, &x, 4);
	}
	t = spans_new(v, n, a);
	began = clock();
	for (uint32_t i = 0; i < HITS; i++) {
		uint8_t addr[16] = { 0 };

		x = x * 1664525 + 1013904223;
		memcpy(addr, &x, 4);
		found += spans_has(t, addr, false, 0);
	}
	arena_free(a);
	return each_since(began);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct desk one = { rates_open(s, p.arena), { RATE_MINUTE, 60000000,
		1000000000, false, 0, 1 }, 1 };
	struct desk many = one, hours = one;

	many.keys = KEYS;
	hours.rate = (struct rate){ RATE_HOUR, RATE_MOST_WINDOW, 0, false, 0,
		1 };
	printf("rate: %.1f ns a check, %.1f over %d subjects, %.1f by the "
		"hour, %.1f with 8 processes; with clock and subject %.0f ns\n",
		alone(&one), alone(&many), KEYS, alone(&hours),
		together(&one), whole(&many));
	printf("address list: %.1f ns in 10, %.1f ns in 10000, %.1f ns in "
		"65536 entries\n", looks(10), looks(10000), looks(65536));
	segment_close(s);
	place_end(&p);
	return 0;
}
