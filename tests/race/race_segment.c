/* SPDX-License-Identifier: MIT */
/*
 * segment -- many start at once and end on one file; a death under the lock
 */
#include "config.h"
#include "shm/layout.h"

#include "base/digest.h"
#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 16
#define ROUNDS 12

struct shared {
	struct place place;
	uint8_t secrets[CREW][32];
	struct segment *segment;
	_Atomic uint32_t inside;
	uint64_t until_ms;
};

static bool
open_one(unsigned number, void *who)
{
	struct shared *w = who;
	const char *why = "";
	struct segment *s = segment_open(w->place.file, SEGMENT_CREATE,
		w->place.arena, &why);

	if (s == NULL || !segment_valid(s, &why)) {
		printf("# %s\n", why);
		fflush(stdout);
		return false;
	}
	memcpy(w->secrets[number], segment_secret(s), 32);
	return true;
}

static bool
all_alike(const struct shared *w, unsigned from)
{
	for (unsigned i = from + 1; i < CREW; i++)
		if (memcmp(w->secrets[i], w->secrets[from], 32) != 0)
			return false;
	return true;
}

/* An old file of another version lies there in every other round. */
static void
start_together(struct shared *w)
{
	unsigned failed = 0, apart = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct crew c;

		if (round % 2 == 0)
			unlink(w->place.file);
		else if (truncate(w->place.file, 4096) != 0)
			failed++;
		c = crew_start(CREW, open_one, w);
		failed += crew_wait(&c);
		apart += !all_alike(w, 0);
	}
	tap_ok(failed == 0, "nobody failed to open");
	tap_ok(apart == 0, "all have one file");
}

/* The maker is killed at any point; the next one makes it anyway. */
static void
killed_while_making(struct shared *w)
{
	unsigned failed = 0, apart = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct crew c;

		unlink(w->place.file);
		c = crew_start(CREW, open_one, w);
		poll(NULL, 0, round % 4);
		crew_kill(&c, 4, 0);
		failed += crew_wait(&c);
		apart += !all_alike(w, 4);
	}
	tap_ok(failed == 0, "the others open it");
	tap_ok(apart == 0, "and have one file");
}

/* Under the lock with something half written, and never out of it. */
static bool
hold(unsigned number, void *who)
{
	struct shared *w = who;

	(void)number;
	if (!shm_lock(w->segment->file))
		return false;
	atomic_fetch_add(&w->segment->file->head.reload.seq, 1);
	atomic_store(&w->inside, 1);
	for (;;)
		pause();
}

static void
killed_under_the_lock(struct shared *w)
{
	struct shm_reload *r = &w->segment->file->head.reload;
	struct crew c = crew_start(1, hold, w);
	uint64_t began = clock_mono_us();

	while (atomic_load(&w->inside) == 0)
		poll(NULL, 0, 1);
	tap_ok(!shm_try(w->segment->file), "busy is a miss");
	IS_INT(atomic_load(&r->seq) & 1, 1);
	crew_kill(&c, 1, 0);
	crew_wait(&c);
	tap_ok(shm_try(w->segment->file), "the next one gets it");
	tap_ok((atomic_load(&r->seq) & 1) == 0, "repaired");
	tap_ok(!shm_try(w->segment->file), "and it is held");
	shm_unlock(w->segment->file);
	OK(shm_try(w->segment->file));
	shm_unlock(w->segment->file);
	tap_ok(clock_mono_us() - began < 1500000, "without waiting");
}

static bool
talk(unsigned number, void *who)
{
	struct shared *w = who;
	struct segment_reload said = { .ok = 1 }, read;
	bool good = true;

	while (clock_mono_us() / 1000 < w->until_ms) {
		said.generation = said.generation % 200 + 1;
		said.at_unix_s = said.generation;
		memset(said.message, (int)('!' + said.generation % 90), 100);
		if (number % 2 == 0)
			segment_say_reload(w->segment, &said);
		segment_last_reload(w->segment, &read);
		good = good && read.generation == read.at_unix_s &&
			(read.message[0] == '\0' ||
			read.message[0] == read.message[99]);
	}
	return good;
}

static void
never_half(struct shared *w)
{
	struct crew c;
	const char *why = "";

	w->until_ms = clock_mono_us() / 1000 + 600 * tap_slow();
	c = crew_start(6, talk, w);
	crew_kill(&c, 3, 120);
	tap_ok(crew_wait(&c) == 0, "what is read was said by one");
	tap_ok(segment_valid(w->segment, &why), "valid %s", why);
}

int
main(void)
{
	struct shared *w = crew_shared(sizeof(*w));

	w->place = place_new();
	start_together(w);
	killed_while_making(w);
	w->segment = place_open(&w->place);
	killed_under_the_lock(w);
	never_half(w);
	segment_close(w->segment);
	place_end(&w->place);
	return tap_done();
}
