/* SPDX-License-Identifier: MIT */
/*
 * pins -- a session finds its token again, and nobody else's
 */
#include "config.h"
#include "shm/pins.h"
#include "shm/layout.h"

#include "kit/place.h"
#include "kit/tap.h"

#define HOUR UINT64_C(3600000)

static uint8_t digests[4][ROTOR_DIGEST];
static const struct rotor_plan pool = { { "s", 1 },
	(const uint8_t (*)[ROTOR_DIGEST])digests, 3 };
static const struct rotor_plan shorter = { { "s", 1 },
	(const uint8_t (*)[ROTOR_DIGEST])digests + 1, 2 };
static const struct rotor_plan none = { { "s", 1 },
	(const uint8_t (*)[ROTOR_DIGEST])digests, 0 };

static void
the_rules(struct segment *s)
{
	struct str a = STR("session-a"), b = STR("session-b");
	struct str server = STR("s"), other = STR("t");

	IS_INT(pins_get(s, server, a, &pool, 0), ROTOR_NONE);
	pins_put(s, server, a, digests[2], 0);
	pins_put(s, server, b, digests[0], 0);
	IS_INT(pins_get(s, server, a, &pool, 0), 2);
	IS_INT(pins_get(s, server, b, &pool, 0), 0);
	IS_INT(pins_get(s, other, a, &pool, 0), ROTOR_NONE);
	tap_ok(pins_get(s, server, a, &shorter, 0) == 1,
		"found by the token, not by its place");
	tap_ok(pins_get(s, server, b, &shorter, 0) == ROTOR_NONE,
		"a removed token is not found");
	IS_INT(pins_get(s, server, a, &none, 0), ROTOR_NONE);
	pins_put(s, server, a, digests[1], 0);
	tap_ok(pins_get(s, server, a, &pool, 0) == 1, "pinned anew");
	IS_INT(pins_count(s, 0), 2);
	pins_drop(s, server, a);
	IS_INT(pins_get(s, server, a, &pool, 0), ROTOR_NONE);
	IS_INT(pins_get(s, server, b, &pool, 0), 0);
	IS_INT(pins_count(s, 0), 1);
	pins_put(s, server, STR_NONE, digests[1], 0);
	tap_ok(pins_count(s, 0) == 1, "no session, no pin");
	IS_INT(pins_count(s, 25 * HOUR), 0);
	IS_INT(pins_get(s, server, b, &pool, 25 * HOUR), 0);
	tap_ok(pins_count(s, 25 * HOUR) == 1, "a hit renews the pin");
	pins_drop(s, server, b);
}

static struct str
name(char text[24], unsigned i)
{
	int n = snprintf(text, 24, "session-%u", i);

	return (struct str){ text, (size_t)n };
}

/* More sessions than words: the newest stay, and none gets a wrong token. */
static void
a_flood(struct segment *s)
{
	unsigned wrong = 0, late = 0, early = 0;
	char text[24];

	for (unsigned i = 0; i < 60000; i++)
		pins_put(s, STR("s"), name(text, i), digests[i % 3],
			i * HOUR / 1000);
	for (unsigned i = 0; i < 60000; i++) {
		uint32_t got = pins_get(s, STR("s"), name(text, i), &pool,
			60 * HOUR);

		if (got == ROTOR_NONE)
			continue;
		wrong += got != i % 3;
		if (i >= 50000)
			late++;
		if (i < 10000)
			early++;
	}
	tap_ok(wrong <= 3, "%u sessions with another token of the pool",
		wrong);
	tap_ok(late > 9900, "%u of the last 10000 are kept", late);
	tap_ok(early < 1000, "%u of the first 10000", early);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p), *view;
	const char *why = "";

	for (uint8_t i = 0; i < 4; i++)
		rotor_digest(s, (struct str){ &"abcd"[i], 1 }, digests[i]);
	the_rules(s);
	a_flood(s);
	IS_INT(pins_get(NULL, STR("s"), STR("x"), &pool, 0), ROTOR_NONE);
	pins_put(NULL, STR("s"), STR("x"), digests[0], 0);
	pins_drop(NULL, STR("s"), STR("x"));
	view = segment_open(p.file, SEGMENT_READ_ONLY, p.arena, &why);
	pins_put(s, STR("s"), STR("seen"), digests[1], 0);
	pins_put(view, STR("s"), STR("seen"), digests[2], 0);
	pins_drop(view, STR("s"), STR("seen"));
	IS_INT(pins_get(view, STR("s"), STR("seen"), &pool, HOUR), 1);
	OK(segment_valid(s, &why));
	atomic_store(&s->file->pins[7][7], 5);
	OK(!segment_valid(s, &why));
	segment_close(view);
	segment_close(s);
	place_end(&p);
	return tap_done();
}
