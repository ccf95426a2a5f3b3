/* SPDX-License-Identifier: MIT */
/*
 * sessions -- they begin, are used and end while their makers get killed; who
 * has one keeps it, what has ended stays so, no slot is given twice
 */
#include "config.h"
#include "shm/sessions.h"

#include <stdatomic.h>

#include "kit/crew.h"
#include "kit/place.h"
#include "kit/tap.h"

#define CREW 8
#define MOST 4
#define IDLE 60000
#define OLD 64			/* ended ones that are looked at again */

struct shared {
	struct segment *segment;
	_Atomic uint64_t begun, used, wrong, busy;
	uint64_t until_ms;
};

/* The sessions of one caller at one of two servers, newest last. */
struct mine {
	struct sessions_plan plan;
	struct session_place v[MOST];
	unsigned n;
	struct session_place old[OLD];
	unsigned n_old;
};

static bool
is_alive(struct shared *w, struct session_place at)
{
	atomic_fetch_add(&w->used, 1);
	return sessions_use(w->segment, at, IDLE, clock_boot_ms());
}

static void
bury(struct mine *m, unsigned i)
{
	m->old[m->n_old++ % OLD] = m->v[i];
	for (; i + 1 < m->n; i++)
		m->v[i] = m->v[i + 1];
	m->n--;
}

/* One too many: somebody of ours has gone, who is idle longest or as long
 * as others. */
static void
begin(struct shared *w, struct mine *m)
{
	struct session_place at = sessions_begin(w->segment, &m->plan,
		clock_boot_ms());
	unsigned gone = 0;

	if (at.slot == SESSIONS_NONE) {
		atomic_fetch_add(&w->busy, 1);
		return;
	}
	atomic_fetch_add(&w->begun, 1);
	if (m->n == MOST) {
		for (unsigned i = m->n; i > 0; i--) {
			if (!is_alive(w, m->v[i - 1])) {
				bury(m, i - 1);
				gone++;
			}
		}
		atomic_fetch_add(&w->wrong, gone != 1);
		if (gone == 0)
			return;
	}
	m->v[m->n++] = at;
}

static void
end(struct shared *w, struct mine *m, unsigned i)
{
	sessions_end(w->segment, m->v[i]);
	atomic_fetch_add(&w->wrong, is_alive(w, m->v[i]));
	bury(m, i);
}

/* All that should live do; an old one neither lives nor ends another. */
static void
look(struct shared *w, struct mine *m, unsigned x)
{
	for (unsigned i = 0; i < m->n; i++)
		atomic_fetch_add(&w->wrong, !is_alive(w, m->v[i]));
	if (m->n_old == 0)
		return;
	x %= m->n_old < OLD ? m->n_old : OLD;
	sessions_end(w->segment, m->old[x]);
	atomic_fetch_add(&w->wrong, is_alive(w, m->old[x]));
}

static bool
work(unsigned number, void *who)
{
	struct shared *w = who;
	struct mine m = { .plan = { .known = true, .most = MOST,
		.idle_ms = IDLE, .life_ms = IDLE } };
	uint32_t x = number * 2654435761u + 1;

	m.plan.caller[0] = (uint8_t)(number / 2 + 1);
	m.plan.route = number % 2;
	while (clock_mono_us() / 1000 < w->until_ms) {
		x = x * 1664525 + 1013904223;
		switch ((x >> 8) % 4) {
		case 0:
		case 1:
			begin(w, &m);
			break;
		case 2:
			if (m.n > 0)
				end(w, &m, (x >> 16) % m.n);
			break;
		default:
			look(w, &m, x >> 16);
		}
	}
	look(w, &m, x);
	return true;
}

struct tally {
	unsigned n, of[CREW / 2 + 1][2];
};

static void
count(void *who, const struct session_view *v)
{
	struct tally *t = who;

	t->n++;
	if (v->caller[0] <= CREW / 2 && v->route < 2)
		t->of[v->caller[0]][v->route]++;
}

int
main(void)
{
	struct place p = place_new();
	struct shared *w = crew_shared(sizeof(*w));
	struct tally t = { 0 };
	unsigned more = 0;

	w->segment = place_open(&p);
	w->until_ms = clock_mono_us() / 1000 + 1200 * tap_slow();
	crew_halved(CREW, work, w, 150);
	tap_ok(w->begun > 1000 && w->used > 1000, "%llu begun, %llu looks",
		(unsigned long long)w->begun, (unsigned long long)w->used);
	tap_ok(w->wrong == 0, "all right, but for %llu",
		(unsigned long long)w->wrong);
	tap_ok(w->busy * 10 < w->begun, "%llu found no turn",
		(unsigned long long)w->busy);
	sessions_each(w->segment, clock_boot_ms(), count, &t);
	for (unsigned i = 0; i <= CREW / 2; i++)
		more += t.of[i][0] > MOST || t.of[i][1] > MOST;
	tap_ok(t.n <= CREW * MOST && more == 0, "%u alive, no more than %d of "
		"one caller at one server", t.n, MOST);
	return place_done(&p, w->segment);
}
