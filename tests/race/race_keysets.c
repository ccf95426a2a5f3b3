/* SPDX-License-Identifier: MIT */
/*
 * keysets -- of many processes one fetches; winners are killed, readers get a
 * whole document or none, and never an older one after a newer one
 */
#include "config.h"
#include "shm/keysets.h"

#include <stdatomic.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8
#define SPEED 4000		/* so many times faster than in life */
#define LEAST 20		/* bytes of a document */
#define REST_US 30000000u	/* what papers promise */

struct shared {
	struct segment *segment;
	_Atomic uint64_t wins, reads, torn, back;
	_Atomic uint64_t last_win_us, close, prompt;
	uint64_t began_us, until_us;
};

static uint64_t
fast_us(const struct shared *w)
{
	return 1000000 + (clock_mono_us() - w->began_us) * SPEED;
}

/* A number, and one letter all along. */
static struct str
compose(struct arena *a, uint64_t number)
{
	size_t n = LEAST + number * 7919 % (MAX_KEYSET - LEAST);
	char *p = arena_alloc(a, n + 1);

	memset(p, (int)('a' + number % 26), n);
	memcpy(p, &number, sizeof(number));
	return (struct str){ p, n };
}

static bool
whole(struct arena *a, struct str s, uint64_t *number_r)
{
	if (s.n < LEAST)
		return false;
	memcpy(number_r, s.p, sizeof(*number_r));
	return str_eq(s, compose(a, *number_r));
}

/* Two forced fetches never begin within the time of rest, and another one
 * may begin soon after it. */
static void
note_win(struct shared *w, uint64_t stamp_us)
{
	uint64_t last = atomic_exchange(&w->last_win_us, stamp_us);

	atomic_fetch_add(&w->wins, 1);
	if (last == 0 || stamp_us <= last)
		return;
	if (stamp_us - last < REST_US)
		atomic_fetch_add(&w->close, 1);
	else if (stamp_us - last < REST_US * 3 / 2)
		atomic_fetch_add(&w->prompt, 1);
}

static void
try_fetch(struct shared *w, const struct keyset *k, struct arena *a)
{
	struct keyset_claim c;

	if (keyset_claim(k, KEYSET_FORCED, fast_us(w), &c) != KEYSET_WON)
		return;
	note_win(w, c.stamp_us);
	keyset_keep(k, &c, &(struct keyset_news){ compose(a, c.stamp_us), 1,
		1000000 }, fast_us(w));
}

static void
try_read(struct shared *w, const struct keyset *k, struct arena *a,
	uint64_t *seen)
{
	uint64_t epoch, number = 0;
	struct str text;

	if (!keyset_read(k, a, &text, &epoch))
		return;
	atomic_fetch_add(&w->reads, 1);
	if (!whole(a, text, &number))
		atomic_fetch_add(&w->torn, 1);
	if (number < *seen)
		atomic_fetch_add(&w->back, 1);
	*seen = number;
}

static bool
mix(unsigned number, void *who)
{
	struct shared *w = who;
	uint8_t name[KEYSET_NAME] = { 9 };
	struct keyset k;
	uint64_t seen = 0;

	(void)number;
	while (!keyset_open(w->segment, name, STR("u"), fast_us(w), &k))
		continue;
	while (clock_mono_us() < w->until_us) {
		struct arena *a = arena_new(4 * MAX_KEYSET);

		try_fetch(w, &k, a);
		try_read(w, &k, a, &seen);
		arena_free(a);
	}
	return true;
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));

	w->segment = place_open(&p);
	w->began_us = clock_mono_us();
	w->until_us = w->began_us + 1500000;
	crew_halved(CREW, mix, w, 150);
	tap_ok(w->wins > 20, "%llu fetches",
		(unsigned long long)w->wins);
	tap_ok(w->close == 0, "none of them too soon after another");
	tap_ok(w->prompt > 0, "%llu soon after the time of rest",
		(unsigned long long)w->prompt);
	tap_ok(w->reads > 100, "%llu documents were read",
		(unsigned long long)w->reads);
	tap_ok(w->torn == 0, "none of them torn");
	tap_ok(w->back == 0, "none of them older than the one before");
	return place_done(&p, w->segment);
}
