/* SPDX-License-Identifier: MIT */
/*
 * shelf -- what was put comes back whole and in time, or not at all
 */
#include "config.h"
#include "shm/shelf.h"
#include "shm/layout.h"

#include "kit/place.h"
#include "kit/tap.h"

static char bytes[MAX_SHELF + 1];

static const uint8_t *
key(unsigned i)
{
	static uint8_t k[32];

	memset(k, 0, sizeof(k));
	memcpy(k, &i, sizeof(i));
	return k;
}

static const struct {
	const char *name;
	size_t n;
	int64_t expires, now;
	bool there;
} cases[] = {
	{ "an empty value", 0, 100, 99, true },
	{ "one byte", 1, 100, 99, true },
	{ "seven bytes", 7, 100, 99, true },
	{ "eight bytes", 8, 100, 99, true },
	{ "nine bytes", 9, 100, 99, true },
	{ "the largest value", MAX_SHELF, 100, 99, true },
	{ "one byte more is not kept", MAX_SHELF + 1, 100, 99, false },
	{ "the second of its end", 5, 100, 100, false },
	{ "after it", 5, 100, 101, false },
	{ "an end before 1970", 5, -1, -2, false },
};

static void
check_case(struct segment *s, struct arena *a, unsigned i)
{
	struct str got = STR_NONE;
	bool there;

	shelf_put(s, key(i), (struct str){ bytes, cases[i].n },
		cases[i].expires);
	there = shelf_get(s, key(i), cases[i].now, a, &got);
	tap_ok(there == cases[i].there && (!there || (got.n == cases[i].n &&
		memcmp(got.p, bytes, got.n) == 0)), "%s", cases[i].name);
}

static struct shm_slot *
slot_of(struct segment *s, unsigned i)
{
	uint64_t want[4];

	memcpy(want, key(i), sizeof(want));
	for (unsigned b = 0; b < SHM_SHELVES; b++)
		for (unsigned k = 0; k < SHM_SLOTS; k++)
			if (atomic_load(&s->file->shelves[b][k].key[0]) ==
			    want[0] && s->file->shelves[b][k].check != 0)
				return &s->file->shelves[b][k];
	return NULL;
}

static const struct {
	const char *name;
	size_t word;			/* of the slot */
	uint64_t bits;
} torn[] = {
	{ "another checksum", 0, 1 }, { "another key", 4, 1 },
	{ "a later end", 5, 1 << 20 }, { "a longer value", 6, 8 },
	{ "a length out of bounds", 6, UINT64_C(1) << 40 },
	{ "another value", 7, 1 }, { "no checksum", 0, UINT64_MAX },
};

static void
check_torn(struct segment *s, struct arena *a, unsigned i)
{
	struct shm_slot *slot;
	struct str got;
	uint64_t word;
	_Atomic uint64_t *at;

	shelf_put(s, key(500), STR("sixteen bytes..."), 100);
	slot = slot_of(s, 500);
	if (!tap_ok(slot != NULL, "it lies somewhere"))
		return;
	at = (_Atomic uint64_t *)slot + torn[i].word;
	word = atomic_load(at);
	atomic_store(at, torn[i].bits == UINT64_MAX ? 0 : word ^ torn[i].bits);
	tap_ok(!shelf_get(s, key(500), 50, a, &got), "%s: nobody reads it",
		torn[i].name);
	atomic_store(at, word);
	OK(shelf_get(s, key(500), 50, a, &got));
}

static void
many(struct segment *s, struct arena *a)
{
	struct str got;
	unsigned late = 0, wrong = 0;

	for (unsigned i = 0; i < 5000; i++)
		shelf_put(s, key(1000 + i),
			(struct str){ (const char *)key(1000 + i), 32 },
			1000 + i);
	for (unsigned i = 0; i < 5000; i++) {
		if (!shelf_get(s, key(1000 + i), 5, a, &got))
			continue;
		wrong += memcmp(got.p, key(1000 + i), 32) != 0;
		late += i >= 4700;
	}
	tap_ok(wrong == 0, "no value of another key");
	tap_ok(late > 200, "%u of the last 300 are kept", late);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct str got;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + 1);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(s, p.arena, i);
	for (unsigned i = 0; i < sizeof(torn) / sizeof(torn[0]); i++)
		check_torn(s, p.arena, i);
	shelf_put(s, key(500), STR("newer"), 100);
	OK(shelf_get(s, key(500), 50, p.arena, &got) && str_is(got, "newer"));
	shelf_put(NULL, key(1), STR("x"), 100);
	OK(!shelf_get(NULL, key(1), 50, p.arena, &got));
	many(s, p.arena);
	return place_done(&p, s);
}
