/* SPDX-License-Identifier: MIT */
/*
 * asked -- a question has one owner at a time, also when owners die; a
 * refusal is read whole or not at all
 */
#include "config.h"
#include "shm/asked.h"

#include <stdatomic.h>
#include <string.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8
#define KEYS 4
#define LIMIT_MS 40

struct shared {
	struct segment *segment;
	_Atomic uint64_t owned, waited, twice, wrong, refused;
	_Atomic uint64_t owner[KEYS];	/* when it began; 0: nobody */
	uint64_t until_ms;
};

static void
key(unsigned i, uint8_t key_r[ASKED_KEY])
{
	memset(key_r, (int)i + 1, ASKED_KEY);
}

static void
ask(struct shared *w, unsigned k)
{
	uint64_t now = clock_boot_ms(), flight, before;
	uint8_t id[ASKED_KEY];

	key(k, id);
	if (!asked_claim(w->segment, id, now, LIMIT_MS, &flight)) {
		atomic_fetch_add(&w->waited, 1);
		return;
	}
	if (flight == 0)
		return;
	atomic_fetch_add(&w->owned, 1);
	before = atomic_exchange(&w->owner[k], now);
	if (before != 0 && now - before < LIMIT_MS)
		atomic_fetch_add(&w->twice, 1);
	before = now;		/* who is late finds another owner there */
	atomic_compare_exchange_strong(&w->owner[k], &before, 0);
	asked_done(w->segment, id, flight);
}

/* The key says what its refusal must say. */
static void
refuse(struct shared *w, unsigned k, bool write)
{
	uint8_t id[ASKED_KEY];
	uint32_t why;

	key(k + 100, id);
	if (write) {
		asked_refuse(w->segment, id, k + 1, 1000 + k);
		return;
	}
	why = asked_refused(w->segment, id, 5);
	if (why != 0)
		atomic_fetch_add(&w->refused, 1);
	if (why != 0 && why != k + 1)
		atomic_fetch_add(&w->wrong, 1);
}

static bool
mix(unsigned number, void *who)
{
	struct shared *w = who;
	uint32_t x = number * 2654435761u + 1;

	while (clock_mono_us() / 1000 < w->until_ms) {
		x = x * 1664525 + 1013904223;
		ask(w, (x >> 8) % KEYS);
		refuse(w, (x >> 12) % KEYS, (x >> 20) % 3 == 0);
	}
	return true;
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));

	w->segment = place_open(&p);
	w->until_ms = clock_mono_us() / 1000 + 1200 * tap_slow();
	crew_halved(CREW, mix, w, 150);
	tap_ok(w->owned > 1000, "%llu questions had an owner",
		(unsigned long long)w->owned);
	tap_ok(w->twice == 0, "none had two (%llu)",
		(unsigned long long)w->twice);
	tap_ok(w->refused > 1000, "%llu refusals were read",
		(unsigned long long)w->refused);
	tap_ok(w->wrong == 0, "and none of them wrong");
	return place_done(&p, w->segment);
}
