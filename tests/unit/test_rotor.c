/* SPDX-License-Identifier: MIT */
/*
 * rotor -- turns, the current token, cooling, and what is found again
 */
#include "config.h"
#include "shm/layout.h"

#include "base/clock.h"
#include "base/limits.h"
#include "kit/place.h"
#include "kit/tap.h"

#define S60 60000
#define MAX_COOL 600000

/* A pool of one-letter tokens. */
static struct rotor *
bind(struct segment *s, struct arena *a, const char *server,
	const char *letters)
{
	static uint8_t digests[MAX_POOL_TOKENS + 1][ROTOR_DIGEST];
	struct rotor_plan plan = { .server = str_of(server),
		.digests = (const uint8_t (*)[ROTOR_DIGEST])digests,
		.n = (uint32_t)strlen(letters) };

	for (uint32_t i = 0; i < plan.n; i++)
		rotor_digest(s, (struct str){ letters + i, 1 }, digests[i]);
	return s != NULL ? rotor_bind(s, &plan, a) : rotor_alone(&plan, a);
}

static struct rotor_token
look(const struct rotor *r, uint32_t i)
{
	struct rotor_token t;

	rotor_look(r, i, &t);
	return t;
}

static void
turns(struct rotor *r)
{
	for (uint64_t i = 0; i < 6; i++)
		IS_INT(rotor_next(r), i);
	IS_INT(rotor_peek(r), 6);
	rotor_rewind(r);
	IS_INT(rotor_peek(r), 0);
}

static void
current(struct rotor *r)
{
	IS_INT(rotor_current(r), 0);
	OK(rotor_move(r, 0, 1));
	IS_INT(rotor_current(r), 1);
	tap_ok(!rotor_move(r, 0, 2), "who comes late moves nothing");
	IS_INT(rotor_current(r), 1);
	OK(!rotor_move(r, 1, 3));
	OK(rotor_move(r, 1, 2));
	rotor_rewind(r);
	IS_INT(rotor_current(r), 0);
}

/* One row: what is done to token 0 at a time, and its state after it. */
enum deed { FAIL, COOL, WELL, CLEAR, LOOK };

static const struct {
	const char *name;
	enum deed deed;
	uint64_t at_ms, until_ms;	/* until_ms: COOL only */
	uint32_t failures;		/* after it */
	uint64_t cooling_until_ms;
} life[] = {
	{ "the first failure", FAIL, 1000, 0, 1, 61000 },
	{ "another while it cools counts once", FAIL, 1001, 0, 1, 61000 },
	{ "the last millisecond of it", FAIL, 60999, 0, 1, 61000 },
	{ "the second in a row: twice as long", FAIL, 61000, 0, 2, 181000 },
	{ "the third", FAIL, 181000, 0, 3, 421000 },
	{ "the fourth", FAIL, 421000, 0, 4, 901000 },
	{ "the fifth reaches the maximum", FAIL, 901000, 0, 5, 1501000 },
	{ "the sixth stays there", FAIL, 1501000, 0, 6, 2101000 },
	{ "a success clears all", WELL, 2101000, 0, 0, 0 },
	{ "another success", WELL, 2101000, 0, 0, 0 },
	{ "a failure after it is a first one", FAIL, 3000000, 0, 1, 3060000 },
	{ "cleared by hand", CLEAR, 3000001, 0, 0, 0 },
	{ "cooling without a failure", COOL, 4000000, 4005000, 0, 4005000 },
	{ "a shorter one does not shorten", COOL, 4000000, 4001000, 0,
		4005000 },
	{ "a refusal while cooling so is a first failure", FAIL, 4000001, 0,
		1, 4060001 },
	{ "cleared", CLEAR, 4000001, 0, 0, 0 },
	{ "cooling for long", COOL, 4000001, 4900000, 0, 4900000 },
	{ "a failure does not shorten that", FAIL, 4000002, 0, 1, 4900000 },
	{ "the end of time", COOL, 4000002, UINT64_MAX, 1,
		(UINT64_C(1) << 40) - 1 },
	{ "also ends", CLEAR, 4000003, 0, 0, 0 },
};

static void
one_token(struct rotor *r)
{
	for (size_t i = 0; i < sizeof(life) / sizeof(life[0]); i++) {
		struct rotor_token t;

		switch (life[i].deed) {
		case FAIL:
			rotor_failed(r, 0, 401, life[i].at_ms, S60, MAX_COOL);
			break;
		case COOL:
			rotor_cool(r, 0, 429, life[i].until_ms);
			break;
		case WELL:
			rotor_succeeded(r, 0, 200);
			break;
		case CLEAR:
			rotor_clear(r, 0);
			break;
		case LOOK:
			break;
		}
		t = look(r, 0);
		if (!tap_ok(t.failures == life[i].failures &&
		    t.cooling_until_ms == life[i].cooling_until_ms, "%s",
		    life[i].name))
			printf("# failures %u, until %llu\n", t.failures,
				(unsigned long long)t.cooling_until_ms);
	}
}

static void
details(struct rotor *r)
{
	OK(!rotor_succeeded(r, 1, 200));
	rotor_failed(r, 1, 403, 1000, S60, MAX_COOL);
	IS_INT(look(r, 1).last_status, 403);
	OK(rotor_cooling(r, 1, 60999) && !rotor_cooling(r, 1, 61000));
	tap_ok(rotor_succeeded(r, 1, 204), "usable again is told");
	IS_INT(look(r, 1).last_status, 204);
	tap_ok(!rotor_succeeded(r, 1, 204), "and told once");
	rotor_disable(r, 1, true);
	rotor_failed(r, 1, 401, 1000, S60, MAX_COOL);
	rotor_clear(r, 1);
	tap_ok(look(r, 1).disabled, "clearing does not enable");
	rotor_disable(r, 1, false);
	OK(!look(r, 1).disabled);
	for (int i = 0; i < 300; i++)
		rotor_failed(r, 1, 401, (uint64_t)i * 1000000, 1, 1);
	IS_INT(look(r, 1).failures, 255);
	rotor_clear(r, 1);
	rotor_failed(r, 1, 401, 5, INT64_MAX, INT64_MAX);
	OK(rotor_cooling(r, 1, 1000000000));
	rotor_clear(r, 1);
	rotor_failed(r, 1, 401, 5, -1, -1);
	OK(!rotor_cooling(r, 1, 6));
	rotor_used(r, 2, 1);
	rotor_used(r, 2, 1);
	rotor_used(r, 2, -1);
	IS_INT(look(r, 2).uses, 2);
	rotor_used(r, 2, -3);
	tap_ok(look(r, 2).in_flight == 0, "never fewer than none");
	rotor_used(r, 2, 3);
	IS_INT(look(r, 2).in_flight, 1);
	OK(!rotor_withdrawn(r, 5));
	rotor_withdraw(r, 5);
	OK(rotor_withdrawn(r, 5));
	tap_ok(!rotor_withdrawn(r, 6), "a new configuration lifts it");
}

static void
found_again(struct segment *s, struct arena *a)
{
	struct rotor *r = bind(s, a, "again", "abc"), *q;

	rotor_next(r);
	rotor_failed(r, 1, 401, 1000, S60, MAX_COOL);
	rotor_move(r, 0, 2);

	q = bind(s, a, "again", "cab");
	tap_ok(rotor_peek(q) == 1 && look(q, 2).failures == 1 &&
		look(q, 1).failures == 0 && rotor_current(q) == 0,
		"another order, the same state");
	q = bind(s, a, "again", "ab");
	tap_ok(rotor_current(q) == 0 && look(q, 1).failures == 1,
		"the current token vanished: the first one counts");
	tap_ok(rotor_move(q, 0, 1) && rotor_current(r) == 1,
		"and both lists go on from there");
	q = bind(s, a, "other", "abc");
	tap_ok(rotor_peek(q) == 0 && look(q, 1).failures == 0,
		"another server shares nothing");
	q = bind(s, a, "twice", "aab");
	rotor_failed(q, 0, 401, 1000, S60, MAX_COOL);
	tap_ok(look(q, 0).failures == 1 && look(q, 1).failures == 0,
		"a token listed twice has two cells");
}

/* In flight after a worker was killed: what is left is what others hold. */
static void
after_a_death(struct segment *s, struct arena *a)
{
	struct rotor *dead = bind(s, a, "flight", "ab");
	struct rotor *alive = bind(s, a, "flight", "ab");

	rotor_used(dead, 0, 1);
	rotor_used(dead, 0, 1);
	rotor_used(alive, 0, 1);
	IS_INT(look(alive, 0).in_flight, 3);
	atomic_fetch_add(&s->file->head.deaths, 1);
	IS_INT(look(alive, 0).in_flight, 0);
	rotor_used(alive, 0, 1);
	tap_ok(look(alive, 0).in_flight == 2, "the living bring their own");
	rotor_used(alive, 0, -1);
	rotor_used(alive, 0, -1);
	IS_INT(look(alive, 0).in_flight, 0);
}

static void
a_view(struct place *p, struct segment *s)
{
	const char *why = "";
	struct segment *view = segment_open(p->file, SEGMENT_READ_ONLY,
		p->arena, &why);
	struct rotor *r = bind(s, p->arena, "viewed", "abc");
	struct rotor *q;

	rotor_move(r, 0, 2);
	rotor_failed(r, 1, 403, 1000, S60, MAX_COOL);
	rotor_next(r);
	q = bind(view, p->arena, "viewed", "abc");
	OK(rotor_current(q) == 2 && look(q, 1).last_status == 403);
	rotor_next(q);
	tap_ok(rotor_peek(r) == 1, "a read-only view changes nothing");
	OK(bind(view, p->arena, "unknown", "abc") != NULL);
	segment_close(view);
}

static struct rotor *
fill_row(struct segment *s, struct arena *a, unsigned row)
{
	uint8_t (*d)[ROTOR_DIGEST] = arena_alloc(a,
		MAX_POOL_TOKENS * ROTOR_DIGEST);
	char server[16];
	struct rotor_plan plan = { .server = { server, 0 },
		.digests = (const uint8_t (*)[ROTOR_DIGEST])d,
		.n = MAX_POOL_TOKENS };

	plan.server.n = (size_t)snprintf(server, sizeof(server), "row%u",
		row);
	for (uint32_t i = 0; i < plan.n; i++)
		memcpy(d[i], &i, sizeof(i));
	return rotor_bind(s, &plan, a);
}

static void
full_table(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct rotor *r = bind(s, p.arena, "early", "a"), *last = NULL;
	const char *why = "";
	unsigned row;

	for (row = 0; row < 20; row++) {
		last = fill_row(s, p.arena, row);
		if (last == NULL)
			break;
	}
	tap_ok(row == SHM_CELLS / MAX_POOL_TOKENS - 1 && last == NULL,
		"a full table is told");
	rotor_failed(r, 0, 401, 1000, S60, MAX_COOL);
	atomic_store(&s->file->cells[0].used_boot_s, 0);
	if (clock_boot_ms() / 1000 > 24 * 3600 + 60) {
		tap_ok(bind(s, p.arena, "late", "z") != NULL,
			"a cell unused for a day is taken");
		tap_ok(look(r, 0).failures == 0,
			"who had it sees a fresh one");
		rotor_failed(r, 0, 401, 1000, S60, MAX_COOL);
	}
	OK(segment_valid(s, &why));
	atomic_store(&s->file->head.n_cells, SHM_CELLS + 1);
	OK(!segment_valid(s, &why));
	OK(bind(s, p.arena, "early", "a") != NULL);
	segment_close(s);
	place_end(&p);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	const char *why = "";

	for (int alone = 0; alone < 2; alone++) {
		struct rotor *r = bind(alone ? NULL : s, p.arena, "s", "abc");

		if (!tap_ok(r != NULL, "%s", alone ? "alone" : "shared"))
			continue;
		turns(r);
		current(r);
		one_token(r);
		details(r);
	}
	found_again(s, p.arena);
	after_a_death(s, p.arena);
	a_view(&p, s);
	tap_ok(segment_valid(s, &why), "valid at the end %s", why);
	segment_close(s);
	place_end(&p);
	full_table();
	return tap_done();
}
