/* SPDX-License-Identifier: MIT */
/*
 * journal -- writers get killed; a record that is read is one that was written
 */
#include "config.h"
#include "shm/journal.h"

#include <stdatomic.h>
#include <stdio.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8

struct shared {
	struct segment *segment;
	_Atomic uint64_t written, read, wrong;
	uint64_t until_ms;
};

/* All of a record says the same number. */
static void
write_one(struct shared *w, unsigned number, unsigned i)
{
	char id[32], detail[64];

	(void)snprintf(id, sizeof id, "%u-%u", number, i);
	(void)snprintf(detail, sizeof detail, "why %u-%u", number, i);
	journal_add(w->segment, &(struct journal_fault){
		.at_unix_ms = i, .status = (int)number,
		.request_id = str_of(id), .server = str_of(id),
		.step = STR("auth"), .reason = STR("forbidden"),
		.detail = str_of(detail) });
	atomic_fetch_add(&w->written, 1);
}

static bool
fits(const struct journal_fault *f)
{
	char id[32];

	(void)snprintf(id, sizeof id, "%d-%u", f->status,
		(unsigned)f->at_unix_ms);
	return str_is(f->request_id, id) && str_is(f->server, id) &&
		str_is(f->step, "auth") && str_is(f->reason, "forbidden") &&
		f->detail.n > 4 && str_is(str_from(f->detail, 4), id);
}

static uint32_t
look(struct shared *w)
{
	struct journal_fault v[JOURNAL_RECORDS];
	struct arena *a = arena_new(1 << 20);
	uint32_t n = journal_list(w->segment, v, JOURNAL_RECORDS, a);

	for (uint32_t i = 0; i < n; i++)
		atomic_fetch_add(&w->wrong, !fits(&v[i]));
	atomic_fetch_add(&w->read, n);
	arena_free(a);
	return n;
}

static bool
work(unsigned number, void *who)
{
	struct shared *w = who;

	for (unsigned i = 0; clock_mono_us() / 1000 < w->until_ms; i++) {
		write_one(w, number, i);
		if (number < 2 && i % 16 == 0)
			look(w);
	}
	return true;
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));

	w->segment = place_open(&p);
	w->until_ms = clock_mono_us() / 1000 + 800 * tap_slow();
	crew_halved(CREW, work, w, 100);
	tap_ok(w->written > 1000 && w->read > 1000, "%llu written, %llu read",
		(unsigned long long)w->written, (unsigned long long)w->read);
	tap_ok(look(w) >= JOURNAL_RECORDS - CREW, "one lost by each at most");
	tap_ok(w->wrong == 0, "whole, but for %llu",
		(unsigned long long)w->wrong);
	return place_done(&p, w->segment);
}
