/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "shm/asked.h"

#include "kit/place.h"
#include "kit/tap.h"
#include "shm/layout.h"

#define LIMIT 6000

static struct segment *s;

static const uint8_t *
key(unsigned i)
{
	static uint8_t k[ASKED_KEY];

	memset(k, 7, sizeof(k));
	memcpy(k, &i, sizeof(i));
	return k;
}

static void
check_questions(void)
{
	uint64_t mine = 0, theirs = 0;

	OK(asked_claim(s, key(1), 1000, LIMIT, &mine) && mine != 0);
	OK(!asked_claim(s, key(1), 1001, LIMIT, &theirs));
	OK(theirs == mine);
	OK(asked_flies(s, key(1), theirs, 6999, LIMIT));
	tap_ok(!asked_flies(s, key(1), theirs, 7000, LIMIT),
		"it is given up at the limit");
	asked_done(s, key(1), mine);
	OK(!asked_flies(s, key(1), theirs, 1002, LIMIT));
	OK(asked_claim(s, key(1), 1003, LIMIT, &theirs) && theirs != mine);

	/* who asked and died */
	OK(!asked_claim(s, key(1), 7002, LIMIT, &mine));
	OK(asked_claim(s, key(1), 7003, LIMIT, &mine) && mine != theirs);
	asked_done(s, key(1), theirs);	/* the dead one cannot end ours */
	OK(asked_flies(s, key(1), mine, 7004, LIMIT));

	/* twice in one millisecond: two questions */
	asked_done(s, key(1), mine);
	OK(asked_claim(s, key(1), 7003, LIMIT, &theirs) && theirs != mine);
	tap_ok(!asked_claim(s, key(1), 7002, LIMIT, &mine) && mine == theirs,
		"a clock that was read earlier takes nothing away");
	mine = theirs;

	/* the time of a question goes round after 24 days */
	asked_done(s, key(1), mine);
	OK(asked_claim(s, key(2), 0x7FFFFFFF, LIMIT, &mine));
	OK(!asked_claim(s, key(2), 0x80000000ull, LIMIT, &theirs));
	OK(asked_claim(s, key(2), 0x80000000ull + LIMIT, LIMIT, &theirs));
}

/* So many that some share a place. */
static void
check_places(void)
{
	unsigned shared = 0, alone = 0;
	uint64_t flight;

	for (unsigned i = 10; i < 10010; i++) {
		if (!OK(asked_claim(s, key(i), 20000, LIMIT, &flight)))
			break;
		shared += flight != 0;
		alone += flight == 0;
	}
	tap_ok(shared > 3000 && alone > 1000, "%u shared, %u alone", shared,
		alone);
}

/* As somebody else may have half written it. */
static struct shm_refusal *
refusal_word(const uint8_t k[ASKED_KEY])
{
	uint64_t tag;

	memcpy(&tag, k, sizeof(tag));
	for (unsigned i = 0; i < SHM_REFUSALS; i++)
		if (atomic_load(&s->file->asked.refusals[i].tag) == tag)
			return &s->file->asked.refusals[i];
	abort();
}

static void
check_refusals(void)
{
	IS_INT(asked_refused(s, key(1), 100), 0);
	asked_refuse(s, key(1), 3, 110);
	IS_INT(asked_refused(s, key(1), 109), 3);
	tap_ok(asked_refused(s, key(1), 110) == 0, "it ends in its second");
	IS_INT(asked_refused(s, key(2), 100), 0);
	asked_refuse(s, key(1), 15, 120);
	IS_INT(asked_refused(s, key(1), 110), 15);
	atomic_store(&refusal_word(key(1))->until, UINT64_C(999) << 4 | 15);
	tap_ok(asked_refused(s, key(1), 110) == 0,
		"words that do not fit together are no refusal");
	asked_refuse(s, key(2), 1, 0);
	IS_INT(asked_refused(s, key(2), 0), 0);
}

static void
check_rests(void)
{
	static const uint64_t rests[] = { 1000, 2000, 4000, 5000, 5000 };
	uint64_t now = 5000;

	IS_INT(asked_rests_ms(s, key(1), now), 0);
	for (size_t i = 0; i < sizeof(rests) / sizeof(rests[0]); i++) {
		asked_failed(s, key(1), now);
		IS_INT(asked_rests_ms(s, key(1), now), rests[i]);
		asked_failed(s, key(1), now + 500);	/* told twice */
		IS_INT(asked_rests_ms(s, key(1), now + 500), rests[i] - 500);
		now += rests[i];
		IS_INT(asked_rests_ms(s, key(1), now), 0);
	}
	IS_INT(asked_rests_ms(s, key(2), now), 0);
	asked_failed(s, key(1), now);
	asked_answered(s, key(1));
	IS_INT(asked_rests_ms(s, key(1), now), 0);
	asked_failed(s, key(1), now);
	tap_ok(asked_rests_ms(s, key(1), now) == 1000,
		"after an answer it begins anew");
}

int
main(void)
{
	struct place p = place_new();

	s = place_open(&p);
	check_questions();
	check_places();
	check_refusals();
	check_rests();
	return place_done(&p, s);
}
