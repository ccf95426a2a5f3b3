/* SPDX-License-Identifier: MIT */
/*
 * streams -- callers open and end streams in many workers, some of which get
 * killed with streams open: nobody has more than he may, and what the dead
 * had open refuses nobody
 */
#include "config.h"
#include "shm/streams.h"

#include <stdatomic.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8
#define CALLERS 3
#define MOST 5
#define ROUNDS 4

struct shared {
	struct segment *segment;
	_Atomic int32_t open[CALLERS];	/* by those who are not killed */
	_Atomic uint64_t entered, refused, over, lost;
	uint64_t until_ms;
};

static void
name(unsigned caller, uint8_t name_r[STREAMS_CALLER])
{
	memset(name_r, 'a' + (int)caller, STREAMS_CALLER);
}

static bool
enter(struct shared *w, const struct worker_slot *me, unsigned caller)
{
	uint8_t who[STREAMS_CALLER];

	name(caller, who);
	if (!streams_enter(w->segment, me, who, MOST)) {
		atomic_fetch_add(&w->refused, 1);
		return false;
	}
	atomic_fetch_add(&w->entered, 1);
	return true;
}

static void
leave(struct shared *w, const struct worker_slot *me, unsigned caller)
{
	uint8_t who[STREAMS_CALLER];

	name(caller, who);
	streams_leave(w->segment, me, who);
}

/* After the entry and before the end: never more than there are.  What the
 * dead had open nobody takes off: crew_halved() kills the lower half. */
static void
note(struct shared *w, unsigned number, unsigned caller, int delta)
{
	if (number >= CREW / 2)
		atomic_fetch_add(&w->over, atomic_fetch_add(
			&w->open[caller], delta) + delta > MOST);
}

static bool
work(unsigned number, void *who)
{
	struct shared *w = who;
	struct worker_slot *me = worker_claim(w->segment);
	uint32_t x = number * 2654435761u + 1;
	unsigned mine[CALLERS] = { 0 };

	while (clock_mono_us() / 1000 < w->until_ms) {
		unsigned caller = (x >> 8) % CALLERS;

		x = x * 1664525 + 1013904223;
		if (mine[caller] > 0 && (x >> 16) % 2 == 0) {
			note(w, number, caller, -1);
			leave(w, me, caller);
			mine[caller]--;
		} else if (enter(w, me, caller)) {
			note(w, number, caller, 1);
			mine[caller]++;
		}
	}
	for (unsigned i = 0; i < CALLERS; i++) {
		note(w, number, i, -(int)mine[i]);
		for (; mine[i] > 0; mine[i]--)
			leave(w, me, i);
	}
	worker_leave(me);
	return true;
}

/* All of them have gone: who comes now may open all that he may. */
static void
room_again(struct shared *w)
{
	struct worker_slot *me = worker_claim(w->segment);
	uint8_t who[STREAMS_CALLER];

	for (unsigned i = 0; i < CALLERS; i++) {
		name(i, who);
		atomic_fetch_add(&w->lost, streams_count(w->segment, who) > 0);
		for (int k = 0; k < MOST; k++)
			atomic_fetch_add(&w->lost, !streams_enter(w->segment,
				me, who, MOST));
		atomic_fetch_add(&w->over, streams_enter(w->segment, me, who,
			MOST));
		for (int k = 0; k < MOST; k++)
			streams_leave(w->segment, me, who);
		atomic_fetch_add(&w->lost, atomic_load(&w->open[i]) != 0);
	}
	worker_leave(me);
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));

	w->segment = place_open(&p);
	for (int round = 0; round < ROUNDS; round++) {
		w->until_ms = clock_mono_us() / 1000 + 250 * tap_slow();
		crew_halved(CREW, work, w, 40);
		room_again(w);
	}
	tap_ok(w->entered > 200 && w->refused > 10,
		"%llu streams, %llu refused", (unsigned long long)w->entered,
		(unsigned long long)w->refused);
	tap_ok(w->over == 0, "never more than %d, but for %llu", MOST,
		(unsigned long long)w->over);
	tap_ok(w->lost == 0, "the dead refuse nobody, but for %llu",
		(unsigned long long)w->lost);
	return place_done(&p, w->segment);
}
