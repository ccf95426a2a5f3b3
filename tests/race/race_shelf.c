/* SPDX-License-Identifier: MIT */
/*
 * shelf -- writers overtake and die; a reader gets a whole value or none
 */
#include "config.h"
#include "shm/shelf.h"

#include <stdatomic.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8
#define KEYS 3

struct shared {
	struct segment *segment;
	_Atomic uint64_t hits, torn;
	uint64_t until_ms;
};

static void
key(unsigned i, uint8_t key_r[32])
{
	memset(key_r, (int)i + 1, 32);
}

/* One letter all along, the key's number first. */
static bool
whole(struct str v, unsigned k)
{
	if (v.n < 2 || v.p[0] != (char)('0' + k))
		return false;
	for (size_t i = 2; i < v.n; i++)
		if (v.p[i] != v.p[1])
			return false;
	return true;
}

static void
write_one(struct shared *w, uint32_t x)
{
	char value[MAX_SHELF];
	uint8_t id[32];
	size_t n = 2 + (x >> 8) % (MAX_SHELF - 1);

	memset(value, (int)('a' + (x >> 4) % 26), sizeof(value));
	value[0] = (char)('0' + x % KEYS);
	key(x % KEYS, id);
	shelf_put(w->segment, id, (struct str){ value, n }, 1000);
}

static void
read_one(struct shared *w, uint32_t x)
{
	struct arena *a = arena_new(1 << 16);
	struct str v;
	uint8_t id[32];

	key(x % KEYS, id);
	if (shelf_get(w->segment, id, 5, a, &v)) {
		atomic_fetch_add(&w->hits, 1);
		if (!whole(v, x % KEYS))
			atomic_fetch_add(&w->torn, 1);
	}
	arena_free(a);
}

static bool
mix(unsigned number, void *who)
{
	struct shared *w = who;
	uint32_t x = number * 2654435761u + 1;

	while (clock_mono_us() / 1000 < w->until_ms) {
		x = x * 1664525 + 1013904223;
		if (number % 2 == 0)
			write_one(w, x >> 3);
		else
			read_one(w, x >> 3);
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
	tap_ok(w->hits > 1000, "%llu values were read",
		(unsigned long long)w->hits);
	tap_ok(w->torn == 0, "and none of them torn");
	return place_done(&p, w->segment);
}
