/* SPDX-License-Identifier: MIT */
/*
 * loads -- workers come, carry and leave while others get killed; who takes
 * the slot of a dead one begins with nothing, and everybody counts right
 */
#include "config.h"
#include "shm/loads.h"

#include <stdatomic.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"
#include "shm/layout.h"

#define CREW 8
#define ROUNDS 6
#define SERVERS 40
#define COMMON 7		/* a server that all of them have */

struct shared {
	struct place place;
	struct segment *segment;
	_Atomic uint64_t lives, counts, wrong, dirty;
	uint64_t until_ms, round;
};

/* One worker's life, and what it knows of itself. */
struct life {
	struct shared *shared;
	struct loads *loads;
	uint64_t first;			/* of the servers that are its own */
	struct shm_load *places[SERVERS + 1];	/* the last: COMMON */
	uint32_t calls[SERVERS], streams[SERVERS];
	uint32_t x;			/* of the dice */
};

static uint32_t
dice(struct life *me, uint32_t sides)
{
	me->x = me->x * 1664525 + 1013904223;
	return (me->x >> 8) % sides;
}

/* Some of its servers, as a reload would have it; those that carry stay. */
static void
reload(struct life *me)
{
	loads_begin(me->loads);
	me->places[SERVERS] = loads_place(me->loads, COMMON);
	for (uint32_t i = 0; i < SERVERS; i++) {
		me->places[i] = NULL;
		if (me->calls[i] + me->streams[i] > 0 || dice(me, 2) == 0)
			me->places[i] = loads_place(me->loads, me->first + i);
	}
}

static void
change(struct life *me)
{
	uint32_t i = dice(me, SERVERS);
	int calls = me->calls[i] > 0 && dice(me, 2) == 0 ? -1 : 1;
	int streams = me->streams[i] > 0 ? -1 : dice(me, 3) == 0;

	if (me->places[i] == NULL)
		return;
	loads_count(me->places[i], calls, streams);
	loads_count(me->places[SERVERS], calls, 0);
	me->calls[i] += (uint32_t)calls;
	me->streams[i] += (uint32_t)streams;
	atomic_fetch_add(&me->shared->counts, 1);
}

static void
compare(void *who, const struct load *l)
{
	struct life *me = who;
	uint64_t i = l->server - me->first;

	if (l->server < me->first || i >= SERVERS)
		return;
	atomic_fetch_add(&me->shared->wrong, l->calls != me->calls[i] ||
		l->streams != me->streams[i]);
	me->calls[i] = me->streams[i] = 0;	/* seen */
}

/* Nobody else has its servers: what all see of them is what it has done. */
static void
look(struct life *me)
{
	struct life seen = *me;

	loads_each(me->shared->segment, compare, &seen);
	for (uint32_t i = 0; i < SERVERS; i++)
		atomic_fetch_add(&me->shared->wrong,
			seen.calls[i] + seen.streams[i] > 0);
}

/* Ends what is under way, so that nothing is left for the next one. */
static void
finish(struct life *me)
{
	for (uint32_t i = 0; i < SERVERS; i++) {
		int calls = (int)me->calls[i], streams = (int)me->streams[i];

		loads_count(me->places[i], -calls, -streams);
		loads_count(me->places[SERVERS], -calls, 0);
		me->calls[i] = me->streams[i] = 0;
	}
}

static void
live(struct life *me)
{
	struct worker_slot *w = worker_claim(me->shared->segment);
	const struct shm_load *row = me->shared->segment->file->
		loads[worker_number(w)];
	struct arena *a = arena_new(1 << 16);

	for (uint32_t i = 0; i < LOADS; i++)
		atomic_fetch_add(&me->shared->dirty,
			(atomic_load(&row[i].server) | row[i].calls |
			row[i].streams) != 0);
	me->loads = loads_open(me->shared->segment, w, a);
	for (int k = 0; k < 5; k++) {
		reload(me);
		for (int i = 0; i < 50; i++)
			change(me);
		look(me);
	}
	finish(me);
	worker_leave(w);
	arena_free(a);
	atomic_fetch_add(&me->shared->lives, 1);
}

static bool
work(unsigned number, void *who)
{
	struct life me = { .shared = who, .x = number * 2654435761u + 1 };

	me.first = (me.shared->round * CREW + number + 1) * 1000;
	while (clock_mono_us() / 1000 < me.shared->until_ms)
		live(&me);
	return true;
}

static void
count(void *who, const struct load *l)
{
	*(uint64_t *)who += l->calls + l->streams;
}

int
main(void)
{
	struct shared *w = crew_shared(sizeof(*w));
	uint64_t left = 0;

	w->place = place_new();
	w->segment = place_open(&w->place);
	for (; w->round < ROUNDS; w->round++) {
		w->until_ms = clock_mono_us() / 1000 + 150 * tap_slow();
		crew_halved(CREW, work, w, 20);
	}
	tap_ok(w->lives > ROUNDS * CREW && w->counts > 1000,
		"%llu workers, %llu changes", (unsigned long long)w->lives,
		(unsigned long long)w->counts);
	tap_ok(w->dirty == 0, "a slot begins with nothing, but for %llu",
		(unsigned long long)w->dirty);
	tap_ok(w->wrong == 0, "all see what is carried, but for %llu",
		(unsigned long long)w->wrong);
	loads_each(w->segment, count, &left);
	tap_ok(left == 0, "nothing is left, but %llu",
		(unsigned long long)left);
	return place_done(&w->place, w->segment);
}
