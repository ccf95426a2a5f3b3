/* SPDX-License-Identifier: MIT */
/*
 * loads -- what is under way by server, over all workers, dead ones not
 */
#include "config.h"
#include "shm/loads.h"

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"
#include "shm/layout.h"

enum { A = 11, B = 12 };

static void
add(void *who, const struct load *l)
{
	struct load *sum = who;

	if (l->server != sum->server)
		return;
	sum->calls += l->calls;
	sum->streams += l->streams;
}

static struct load
of(const struct segment *s, uint64_t server)
{
	struct load sum = { .server = server };

	loads_each(s, add, &sum);
	return sum;
}

static void
is(const struct segment *s, uint64_t server, uint32_t calls,
	uint32_t streams, const char *what)
{
	struct load l = of(s, server);

	tap_ok(l.calls == calls && l.streams == streams,
		"%s: %u calls, %u streams", what, calls, streams);
	if (l.calls != calls || l.streams != streams)
		printf("# found %u and %u\n", l.calls, l.streams);
}

static void
one_worker(struct segment *s, struct loads *l)
{
	struct shm_load *a, *b;

	loads_begin(l);
	a = loads_place(l, A);
	b = loads_place(l, B);
	OK(a != NULL && b != NULL && a != b);
	tap_ok(loads_place(l, A) == a, "the same place again");
	loads_count(a, 1, 0);
	loads_count(a, 1, 0);
	loads_count(b, 1, 0);
	loads_count(b, -1, 1);
	is(s, A, 2, 0, "two calls");
	is(s, B, 0, 1, "a call that became a stream");
	loads_count(a, -1, 0);
	is(s, A, 1, 0, "one has ended");
	loads_count(a, -1, 0);
	loads_count(b, 0, -1);
	is(s, A, 0, 0, "all have ended");
}

/* More servers than places, over generations. */
static void
generations(struct segment *s, struct loads *l)
{
	struct shm_load *busy, *p = NULL;
	uint32_t i;

	loads_begin(l);
	busy = loads_place(l, A);
	loads_count(busy, 0, 1);
	loads_begin(l);
	for (i = 0; i < LOADS - 1; i++) {
		p = loads_place(l, 1000 + i);
		if (p == NULL || p == busy)
			break;
	}
	tap_ok(i == LOADS - 1, "%u places beside a busy one", LOADS - 1);
	tap_ok(loads_place(l, 1) == NULL, "no place is left");
	is(s, A, 0, 1, "a stream of an old generation goes on");
	loads_begin(l);
	tap_ok(loads_place(l, A) == busy, "its server is back");
	loads_count(busy, 0, -1);
	loads_begin(l);
	for (i = 0; i < LOADS; i++)
		if (loads_place(l, 5000 + i) == NULL)
			break;
	tap_ok(i == LOADS, "all places are given anew");
}

struct other {
	struct place *place;
	int n;
};

static void
begin_calls(void *who)
{
	struct other *o = who;
	struct segment *s = place_open(o->place);
	struct loads *l = loads_open(s, worker_claim(s), o->place->arena);

	loads_begin(l);
	loads_count(loads_place(l, A), o->n, 1);
	loads_count(loads_place(l, B), 0, 1);
}

/* Another worker begins n calls and waits to be killed. */
static pid_t
other_worker(struct place *p, int n)
{
	return crew_one(begin_calls, &(struct other){ p, n });
}

static void
dead_workers(struct segment *s, struct loads *l, struct place *p)
{
	struct shm_load *mine;
	pid_t pid = other_worker(p, 3);

	loads_begin(l);
	mine = loads_place(l, A);
	loads_count(mine, 1, 0);
	is(s, A, 4, 1, "two workers");
	crew_bury(pid);
	is(s, A, 1, 0, "the dead one counts no more");
	pid = other_worker(p, 2);
	is(s, A, 3, 1, "its slot began with none");
	crew_bury(pid);
	loads_count(mine, -1, 0);
}

static void
without_slot(struct segment *s, struct place *p)
{
	struct loads *l = loads_open(s, NULL, p->arena);

	OK(l == NULL);
	loads_begin(l);
	OK(loads_place(l, A) == NULL);
	loads_count(NULL, 1, 1);
	OK(loads_open(NULL, NULL, p->arena) == NULL);
	loads_each(NULL, add, NULL);
}

/* A segment in which something else has written. */
static void
is_damaged(const struct segment *s, const char *what)
{
	const char *why = "";

	tap_ok(!segment_valid(s, &why) && strcmp(why, what) == 0, "%s", what);
}

static void
damaged(struct segment *s)
{
	struct shm_load *row = s->file->loads[MAX_WORKERS - 1];
	const char *why = "";

	atomic_store(&row[0].server, A);
	atomic_store(&row[1].server, B);
	tap_ok(segment_valid(s, &why), "two servers are well %s", why);
	atomic_store(&row[LOADS - 1].server, B + 1);
	is_damaged(s, "loads: a hole in a row");
	atomic_store(&row[LOADS - 1].server, 0);
	atomic_store(&row[1].server, A);
	is_damaged(s, "loads: a server twice in a row");
	atomic_store(&row[1].server, 0);
	atomic_store(&row[LOADS - 1].calls, 1);
	is_damaged(s, "loads: something of no server");
	atomic_store(&row[LOADS - 1].calls, 0);
	atomic_store(&row[LOADS - 1].streams, 1);
	is_damaged(s, "loads: something of no server");
	atomic_store(&row[LOADS - 1].streams, 0);
	loads_forget(s, MAX_WORKERS - 1);
	tap_ok(segment_valid(s, &why), "forgotten: well again %s", why);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct worker_slot *w = worker_claim(s);
	struct loads *l = loads_open(s, w, p.arena);
	one_worker(s, l);
	dead_workers(s, l, &p);
	generations(s, l);
	without_slot(s, &p);
	worker_leave(w);
	is(s, A, 0, 0, "who has left counts no more");
	damaged(s);
	return place_done(&p, s);
}
