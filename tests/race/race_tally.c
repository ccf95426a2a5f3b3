/* SPDX-License-Identifier: MIT */
/*
 * tally -- nothing is counted twice or lost, series are claimed once
 */
#include "config.h"
#include "shm/tally.h"

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8
#define SERIES 200
#define ROUNDS 100

struct shared {
	struct segment *segment;
	uint64_t until_ms;
};

struct sums {
	uint64_t common, series, odd;
};

/* All register the same texts, each in another order. */
static bool
bump(unsigned number, void *who)
{
	struct shared *w = who;
	struct arena *a = arena_new(1 << 24);
	struct tally *t = tally_new(w->segment, number, a);
	char text[64];

	for (unsigned k = 0; k < ROUNDS; k++)
		for (unsigned i = 0; i < SERIES; i++) {
			unsigned which = (i * 7 + number * 13) % SERIES;
			int n = snprintf(text, sizeof(text),
				"common_total{n=\"%u\"}", which);

			tally_add(t, (struct str){ text, (size_t)n }, 1);
		}
	return true;
}

/* New texts all the time, until we are killed. */
static bool
invent(unsigned number, void *who)
{
	struct shared *w = who;
	struct arena *a = arena_new(1 << 24);
	struct tally *t = tally_new(w->segment, number, a);
	char text[64];

	for (unsigned i = 0; clock_mono_us() / 1000 < w->until_ms; i++) {
		int n = snprintf(text, sizeof(text), "odd_total{n=\"%u\"}",
			i % 3000);

		tally_add(t, (struct str){ text, (size_t)n }, 1);
		if (i % 100 == 0)
			poll(NULL, 0, 1);
	}
	return true;
}

static void
add(void *who, struct str text, uint64_t value)
{
	struct sums *sum = who;

	if (str_starts(text, STR("common_total"))) {
		sum->common += value;
		sum->series++;
		if (value != CREW * ROUNDS)
			sum->odd++;
	}
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));
	struct sums sum = { 0 };
	struct crew c, d;

	w->segment = place_open(&p);
	w->until_ms = clock_mono_us() / 1000 + 1000 * tap_slow();
	d = crew_start(CREW, invent, w);
	c = crew_start(CREW, bump, w);
	crew_kill(&d, CREW / 2, 60);
	IS_INT(crew_wait(&c), 0);
	IS_INT(crew_wait(&d), 0);
	tally_each(w->segment, add, &sum);
	IS_INT(sum.series, SERIES);
	IS_INT(sum.common, CREW * ROUNDS * SERIES);
	IS_INT(sum.odd, 0);
	return place_done(&p, w->segment);
}
