/* SPDX-License-Identifier: MIT */
/*
 * sessions -- alive until idle, old, ended, or pushed out by their caller
 */
#include "config.h"
#include "shm/sessions.h"
#include "shm/layout.h"

#include "kit/place.h"
#include "kit/tap.h"

#define IDLE 1000
#define LIFE 10000

static struct sessions_plan
plan_of(unsigned caller, bool known, uint32_t most)
{
	struct sessions_plan p = { .route = 7, .known = known, .most = most,
		.idle_ms = IDLE, .life_ms = LIFE };

	memcpy(p.caller, &caller, sizeof(caller));
	return p;
}

static struct session_place
begin(struct segment *s, unsigned caller, uint64_t now)
{
	struct sessions_plan p = plan_of(caller, true, 3);

	return sessions_begin(s, &p, now);
}

static void
lives(struct segment *s)
{
	struct session_place a = begin(s, 1, 1000000), b;

	OK(a.slot != SESSIONS_NONE);
	OK(sessions_use(s, a, IDLE, 1000000));
	OK(sessions_use(s, a, IDLE, 1000999));
	OK(sessions_use(s, a, IDLE, 1000999 + IDLE - 1));
	OK(!sessions_use(s, a, IDLE, 1000999 + IDLE - 1 + IDLE));
	b = begin(s, 2, 1000000);
	for (uint64_t t = 1000900; t < 1000000 + LIFE; t += 900)
		sessions_use(s, b, IDLE, t);
	OK(sessions_use(s, b, IDLE, 1000000 + LIFE - 1));
	OK(!sessions_use(s, b, IDLE, 1000000 + LIFE));
	b.turn += 2;
	OK(!sessions_use(s, b, IDLE, 1000000));
}

static void
ends(struct segment *s)
{
	struct session_place a = begin(s, 3, 2000000), b;

	sessions_end(s, a);
	OK(!sessions_use(s, a, IDLE, 2000000));
	b = a;
	b.turn++;
	tap_ok(!sessions_use(s, b, IDLE, 2000000), "an even turn is nobody's");
	sessions_end(s, a);
	b = begin(s, 3, 2000000);
	OK(sessions_use(s, b, IDLE, 2000000));
	sessions_end(s, a);
	OK(sessions_use(s, b, IDLE, 2000000));
}

/* The fourth of three: the one that was idle longest goes. */
static void
oldest_goes(struct segment *s)
{
	struct session_place v[4];

	for (unsigned i = 0; i < 3; i++)
		v[i] = begin(s, 4, 3000000 + i);
	OK(sessions_use(s, v[0], 5000, 3002000));
	v[3] = begin(s, 4, 3000010);
	OK(sessions_use(s, v[0], IDLE, 3000010));
	OK(!sessions_use(s, v[1], IDLE, 3000010));
	OK(sessions_use(s, v[2], IDLE, 3000010));
	OK(sessions_use(s, v[3], IDLE, 3000010));
}

/* What a caller has at one server does not count at another. */
static void
each_server_by_itself(struct segment *s)
{
	struct session_place a = begin(s, 7, 3500000), b, c;
	struct sessions_plan p = plan_of(7, true, 1);

	p.route = 8;
	b = sessions_begin(s, &p, 3500001);
	OK(sessions_use(s, a, IDLE, 3500002));
	OK(sessions_use(s, b, IDLE, 3500002));
	c = sessions_begin(s, &p, 3500003);
	OK(sessions_use(s, a, IDLE, 3500004));
	OK(!sessions_use(s, b, IDLE, 3500004));
	OK(sessions_use(s, c, IDLE, 3500004));
}

static void
count(void *who, const struct session_view *v)
{
	*(unsigned *)who += v->route == 7;
}

/* However many strangers come, those who are known stay. */
static void
strangers(struct segment *s)
{
	struct session_place known = begin(s, 5, 4000000), last;
	struct sessions_plan p = plan_of(6, false, 3);
	unsigned n = 0;

	for (unsigned i = 0; i < 3 * SHM_SESSION_ROWS * SHM_SESSIONS; i++)
		last = sessions_begin(s, &p, 4000001);
	OK(sessions_use(s, known, IDLE, 4000001));
	OK(sessions_use(s, last, IDLE, 4000001));
	sessions_each(s, 4000001, count, &n);
	OK(n > SHM_SESSION_ROWS * SHM_SESSIONS / 2 - 100);
	n = 0;
	sessions_each(s, 5000000, count, &n);
	IS_INT(n, 0);
}

static void
bad_places(struct segment *s)
{
	struct session_place out = { SHM_SESSION_ROWS * SHM_SESSIONS, 1 };
	struct session_place none = { SESSIONS_NONE, 0 };

	OK(!sessions_use(s, out, IDLE, 1));
	OK(sessions_use(s, none, IDLE, 1));
	OK(sessions_use(NULL, none, IDLE, 1));
	sessions_end(s, out);
	sessions_end(NULL, none);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);

	lives(s);
	ends(s);
	oldest_goes(s);
	each_server_by_itself(s);
	strangers(s);
	bad_places(s);
	place_end(&p);
	return tap_done();
}
