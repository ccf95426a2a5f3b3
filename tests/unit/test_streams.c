/* SPDX-License-Identifier: MIT */
/*
 * streams -- a caller's streams are counted over all workers, dead ones not
 */
#include "config.h"
#include "shm/streams.h"

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"
#include "shm/layout.h"

static const uint8_t alice[STREAMS_CALLER] = "alice";
static const uint8_t bob[STREAMS_CALLER] = "bob";

static void
one_worker(struct segment *s, struct worker_slot *w)
{
	OK(streams_enter(s, w, alice, 2));
	OK(streams_enter(s, w, alice, 2));
	tap_ok(!streams_enter(s, w, alice, 2), "the third of two is refused");
	OK(streams_enter(s, w, bob, 2));
	IS_INT(streams_count(s, alice), 2);
	streams_leave(s, w, alice);
	IS_INT(streams_count(s, alice), 1);
	tap_ok(streams_enter(s, w, alice, 2), "one has left, one may come");
	streams_leave(s, w, alice);
	streams_leave(s, w, alice);
	streams_leave(s, w, alice);
	tap_ok(streams_count(s, alice) == 0, "never below none");
	IS_INT(streams_count(s, bob), 1);
	streams_leave(s, w, bob);
}

struct other {
	struct place *place;
	unsigned n;
};

static void
open_streams(void *who)
{
	struct other *o = who;
	struct segment *s = place_open(o->place);
	struct worker_slot *w = worker_claim(s);

	while (o->n-- > 0)
		streams_enter(s, w, alice, 100);
}

/* Another worker opens n streams and waits to be killed. */
static pid_t
other_worker(struct place *p, unsigned n)
{
	return crew_one(open_streams, &(struct other){ p, n });
}

static void
two_workers(struct place *p, struct segment *s, struct worker_slot *w)
{
	pid_t pid = other_worker(p, 3);

	IS_INT(streams_count(s, alice), 3);
	tap_ok(!streams_enter(s, w, alice, 3), "the others' count");
	OK(streams_enter(s, w, alice, 4));
	crew_bury(pid);
	tap_ok(streams_count(s, alice) == 1, "a dead worker's do not");
	tap_ok(streams_enter(s, w, alice, 2), "nor do they refuse anybody");
	pid = other_worker(p, 1);
	tap_ok(streams_count(s, alice) == 3, "his slot begins with none");
	crew_bury(pid);
}

static void
full_bucket(struct segment *s, struct worker_slot *w)
{
	uint8_t name[STREAMS_CALLER] = "";
	unsigned i, in = 0;

	for (i = 0; i < 20000; i++) {
		name[0] = (uint8_t)i;
		name[1] = (uint8_t)(i >> 8);
		in += streams_enter(s, w, name, 1);
	}
	tap_ok(in == 20000, "more callers than words: all are let in");
}

/* A worker that there cannot be; a count of no caller. */
static void
damaged(struct segment *s)
{
	_Atomic uint64_t *last =
		&s->file->streams[SHM_STREAM_BUCKETS - 1][SHM_STREAM_WORDS - 1];
	uint64_t was = atomic_load(last);
	const char *why = "";

	atomic_store(last, UINT64_C(1) << 32 | (MAX_WORKERS - 1) << 20 | 1);
	tap_ok(segment_valid(s, &why), "the last worker's word %s", why);
	atomic_store(last, UINT64_C(1) << 32 | MAX_WORKERS << 20 | 1);
	OK(!segment_valid(s, &why));
	IS_STR(str_of(why), "streams: a word of nobody");
	atomic_store(last, 1);
	OK(!segment_valid(s, &why));
	atomic_store(last, was);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct worker_slot *w = worker_claim(s);

	one_worker(s, w);
	two_workers(&p, s, w);
	full_bucket(s, w);
	damaged(s);
	return place_done(&p, s);
}
