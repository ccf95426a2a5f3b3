/* SPDX-License-Identifier: MIT */
/*
 * revoked -- writers get killed; what was reported as done is done for all,
 * at the next look, and nothing is half there
 */
#include "config.h"
#include "shm/revoked.h"

#include <stdatomic.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define WRITERS 6
#define MOST 4000

struct shared {
	struct segment *segment;
	char journal[96];
	_Atomic uint32_t done[WRITERS];	/* entries reported as revoked */
	uint64_t until_ms;
};

static struct revoked_name
name_of(unsigned writer, unsigned i)
{
	unsigned both[2] = { writer, i };

	return revoked_token((struct str){ (const char *)both, sizeof(both) });
}

static bool
write_and_look(unsigned number, void *who)
{
	struct shared *w = who;
	struct arena *a = arena_new(16u << 20);
	const char *why = "";
	struct revoked *r = revoked_open(w->segment, w->journal, a, &why);

	for (unsigned i = 0; r != NULL && i < MOST &&
	    clock_boot_ms() < w->until_ms; i++) {
		struct revoked_entry e = { .name = name_of(number, i),
			.kind = 't', .before = REVOKED_ALWAYS,
			.until = clock_unix_s() + 1000, .what = STR("race") };

		if (!revoked_add(r, &e, clock_unix_s(), &why))
			return false;
		atomic_store(&w->done[number], i + 1);
		for (unsigned k = 0; k < WRITERS; k++) {
			uint32_t n = atomic_load(&w->done[k]);

			if (n > 0 && !revoked_has(r, name_of(k, n - 1), 0,
			    clock_unix_s()))
				return false;
		}
	}
	return r != NULL;
}

static bool
all_there(struct shared *w, struct revoked *r)
{
	for (unsigned k = 0; k < WRITERS; k++)
		for (unsigned i = 0; i < atomic_load(&w->done[k]); i++)
			if (!revoked_has(r, name_of(k, i), 0, clock_unix_s()))
				return false;
	return true;
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));
	struct crew c;
	struct revoked *r;
	const char *why = "";

	w->segment = place_open(&p);
	snprintf(w->journal, sizeof(w->journal), "%s.revoked", p.file);
	w->until_ms = clock_boot_ms() + 1500 * tap_slow();
	c = crew_start(WRITERS, write_and_look, w);
	crew_kill(&c, 4, 150);
	IS_INT(crew_wait(&c), 0);
	OK(atomic_load(&w->done[WRITERS - 1]) > 0);

	r = revoked_open(w->segment, w->journal, p.arena, &why);
	OK(r != NULL && all_there(w, r));
	r = revoked_open(NULL, w->journal, p.arena, &why);
	tap_ok(r != NULL && all_there(w, r), "a new table knows it all: %s",
		why);
	revoked_close(r);
	OK(segment_valid(w->segment, &why));
	place_end(&p);
	return tap_done();
}
