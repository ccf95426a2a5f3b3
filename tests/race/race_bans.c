/* SPDX-License-Identifier: MIT */
/*
 * bans -- they come and go, whoever changes them is killed; a look is right
 */
#include "config.h"
#include "shm/bans.h"

#include <stdatomic.h>
#include <sys/time.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8
#define OTHERS 600		/* a look at all takes a while */
#define NOW 1000
#define LOOKS 500
#define CHANGES 50
#define PATIENCE_MS 30000

struct shared {
	struct segment *segment;
	_Atomic uint64_t looks, changes, wrong;
	uint64_t until_ms;
};

static struct ban
ban(uint8_t kind, uint8_t number, uint8_t bits)
{
	return (struct ban){ .span = { .addr = { 10, kind, number, 1 },
		.bits = bits, .until_unix_s = SPANS_FOREVER } };
}

static bool
is_banned(struct bans *b, uint8_t kind, uint8_t number)
{
	uint8_t addr[16] = { 10, kind, number, 1 };

	return spans_has(bans_look(b).banned, addr, false, NOW);
}

/* 10.1.x always is, 10.2.x never. */
static void
judge(struct shared *w, struct bans *b, uint8_t number)
{
	bool good = is_banned(b, 1, number) && !is_banned(b, 2, number);

	atomic_fetch_add(&w->looks, 1);
	atomic_fetch_add(&w->wrong, !good);
}

/* Its own address: what was done is seen by the next look. */
static void
change(struct shared *w, struct bans *b, uint8_t number, bool put)
{
	struct ban own = ban(3, number, 32);
	enum bans_word said = put ? bans_put(w->segment, &own, NOW) :
		bans_drop(w->segment, &own.span);

	if (said == BANS_BUSY)
		return;
	atomic_fetch_add(&w->changes, 1);
	atomic_fetch_add(&w->wrong, is_banned(b, 3, number) != put);
}

/* Until the time is over and enough was done, however slow that is. */
static bool
goes_on(struct shared *w)
{
	uint64_t now_ms = clock_mono_us() / 1000;

	return now_ms < w->until_ms || (now_ms < w->until_ms + PATIENCE_MS &&
		(w->looks < LOOKS || w->changes < CHANGES));
}

static bool
work(unsigned number, void *who)
{
	struct shared *w = who;
	struct arena *a = arena_new(1 << 16);
	struct bans *b = bans_open(w->segment, a);
	uint32_t x = number * 2654435761u + 1;
	struct ban again = ban(1, (uint8_t)number, 32);

	while (goes_on(w)) {
		x = x * 1664525 + 1013904223;
		judge(w, b, (uint8_t)((x >> 16) % CREW));
		if ((x >> 8) % 4 == 0)
			change(w, b, (uint8_t)number, (x >> 20) % 2 == 0);
		if ((x >> 8) % 8 == 1)
			bans_put(w->segment, &again, NOW);
	}
	bans_close(b);
	arena_free(a);
	return true;
}

/* ---- in the middle of a look ------------------------------------------------ */

static struct shared *interrupted;

/* A ban is renewed, and so moves. */
static void
renew(int signal)
{
	struct ban again = ban(1, 0, 32);

	(void)signal;
	if (bans_put(interrupted->segment, &again, NOW) == BANS_DONE)
		atomic_fetch_add(&interrupted->changes, 1);
}

/* A signal within so many microseconds. */
static void
ring_in(uint64_t us)
{
	struct itimerval once = { .it_value.tv_usec = (suseconds_t)us + 1 };

	setitimer(ITIMER_REAL, &once, NULL);
}

/* Where other processes are just then is left to chance; the signal comes in
 * the middle of a look at all, as long as the shortest of them took.  The ban
 * moves between the first place and the last, the only ones that are free. */
static void
look_and_renew(struct shared *w)
{
	struct arena *a = arena_new(1 << 16);
	struct bans *b = bans_open(w->segment, a);
	uint64_t shortest = 100000, began, took;

	interrupted = w;
	signal(SIGALRM, renew);
	for (unsigned i = 0; goes_on(w); i++) {
		renew(0);
		began = clock_mono_us();
		if (i % 2 == 1)
			ring_in(shortest * (i % 19) / 19);
		judge(w, b, 0);
		took = clock_mono_us() - began;
		if (i % 2 == 0 && took < shortest)
			shortest = took;
	}
	bans_close(b);
	arena_free(a);
}

/* ---- all -------------------------------------------------------------------- */

static void
begin(struct shared *w, unsigned ms)
{
	w->looks = w->changes = 0;
	w->until_ms = clock_mono_us() / 1000 + ms * tap_slow();
}

static void
is_right(const struct shared *w)
{
	tap_ok(w->looks >= LOOKS && w->changes >= CHANGES,
		"%llu looks, %llu changes", (unsigned long long)w->looks,
		(unsigned long long)w->changes);
	tap_ok(w->wrong == 0, "all of them right, %llu not",
		(unsigned long long)w->wrong);
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));
	unsigned failed = 0;
	struct bans *b;

	w->segment = place_open(&p);
	for (unsigned i = 0; i < CREW; i++) {
		struct ban one = ban(1, (uint8_t)i, 32);

		IS_INT(bans_put(w->segment, &one, NOW), BANS_DONE);
	}
	for (unsigned i = 0; i < OTHERS; i++) {
		struct ban one = ban((uint8_t)(4 + i / 256), (uint8_t)i, 32);

		failed += bans_put(w->segment, &one, NOW) != BANS_DONE;
	}
	IS_INT(failed, 0);
	begin(w, 300);
	look_and_renew(w);
	is_right(w);
	begin(w, 1200);
	crew_halved(CREW, work, w, 150);
	is_right(w);
	b = bans_open(w->segment, p.arena);
	for (unsigned i = 0; i < CREW; i++)
		judge(w, b, (uint8_t)i);
	IS_INT(w->wrong, 0);
	bans_close(b);
	return place_done(&p, w->segment);
}
