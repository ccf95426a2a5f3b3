/* SPDX-License-Identifier: MIT */
/*
 * rotor -- exact turns over processes; whoever is killed leaves valid cells
 */
#include "config.h"
#include "shm/rotor.h"

#include <stdatomic.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define WORKERS 8
#define PICKS 50000
#define TOKENS 3

struct shared {
	struct segment *segment;
	struct arena *arena;
	_Atomic uint64_t picked[TOKENS];
	_Atomic uint32_t moved;
	uint64_t until_ms;
};

static struct rotor *
bind(struct shared *w, const char *server)
{
	uint8_t digests[TOKENS][ROTOR_DIGEST];
	struct rotor_plan plan = { .server = str_of(server),
		.digests = (const uint8_t (*)[ROTOR_DIGEST])digests,
		.n = TOKENS };

	for (uint32_t i = 0; i < TOKENS; i++)
		rotor_digest(w->segment, (struct str){ &"abc"[i], 1 },
			digests[i]);
	return rotor_bind(w->segment, &plan, w->arena);
}

/* Everybody binds for himself, then picks. */
static bool
pick(unsigned number, void *who)
{
	struct shared *w = who;
	struct rotor *r = bind(w, "picked");
	uint64_t mine[TOKENS] = { 0 };

	(void)number;
	if (r == NULL)
		return false;
	for (int i = 0; i < PICKS; i++)
		mine[rotor_next(r) % TOKENS]++;
	for (unsigned i = 0; i < TOKENS; i++)
		atomic_fetch_add(&w->picked[i], mine[i]);
	return true;
}

static void
turns_are_exact(struct shared *w)
{
	struct crew c = crew_start(WORKERS, pick, w);
	uint64_t least = UINT64_MAX, most = 0, sum = 0;

	IS_INT(crew_wait(&c), 0);
	for (unsigned i = 0; i < TOKENS; i++) {
		uint64_t n = w->picked[i];

		least = n < least ? n : least;
		most = n > most ? n : most;
		sum += n;
	}
	IS_INT(sum, WORKERS * PICKS);
	tap_ok(most - least <= 1, "counts differ by %llu",
		(unsigned long long)(most - least));
}

/* All saw token 0 fail. */
static bool
report(unsigned number, void *who)
{
	struct shared *w = who;
	struct rotor *r = bind(w, "reported");

	(void)number;
	if (r == NULL)
		return false;
	rotor_failed(r, 0, 401, 5000, 60000, 600000);
	atomic_fetch_add(&w->moved, rotor_move(r, 0, 1));
	return true;
}

static void
one_failure(struct shared *w)
{
	struct crew c = crew_start(WORKERS, report, w);
	struct rotor *r = bind(w, "reported");
	struct rotor_token t;

	IS_INT(crew_wait(&c), 0);
	IS_INT(w->moved, 1);
	rotor_look(r, 0, &t);
	IS_INT(t.failures, 1);
	IS_INT(rotor_current(r), 1);
}

/* Everything that changes a cell, until somebody kills us or time is up. */
static bool
mix(unsigned number, void *who)
{
	static const char *const servers[] = { "one", "two", "three" };
	struct shared *w = who;
	uint32_t x = number * 2654435761u + 1;

	while (clock_mono_us() / 1000 < w->until_ms) {
		struct rotor *r = bind(w, servers[x % 3]);
		uint32_t i = x % TOKENS;

		if (r == NULL)
			return false;
		for (int k = 0; k < 50; k++) {
			x = x * 1664525 + 1013904223;
			i = (x >> 16) % TOKENS;
			rotor_used(r, i, 1);
			rotor_failed(r, i, 401, k * 10u, 5, 80);
			rotor_move(r, rotor_current(r), (i + 1) % TOKENS);
			rotor_succeeded(r, i, 200);
			rotor_cool(r, i, 429, k * 10u);
			rotor_used(r, i, -1);
		}
		rotor_clear(r, i);
	}
	return true;
}

static void
killed_at_random(struct shared *w)
{
	struct crew c;
	struct rotor *r;
	const char *why = "";

	w->until_ms = clock_mono_us() / 1000 + 900 * tap_slow();
	c = crew_start(WORKERS, mix, w);
	crew_kill(&c, WORKERS / 2, 150);
	IS_INT(crew_wait(&c), 0);
	tap_ok(segment_valid(w->segment, &why), "valid after kills %s", why);
	r = bind(w, "two");
	tap_ok(r != NULL && rotor_current(r) < TOKENS, "and still in use");
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));

	w->segment = place_open(&p);
	w->arena = arena_new(1 << 30);
	turns_are_exact(w);
	one_failure(w);
	killed_at_random(w);
	segment_close(w->segment);
	arena_free(w->arena);
	place_end(&p);
	return tap_done();
}
