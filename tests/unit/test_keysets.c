/* SPDX-License-Identifier: MIT */
/*
 * keysets -- one of all processes fetches, the others wait; what is fetched
 * comes back whole
 */
#include "config.h"
#include "shm/keysets.h"

#include "kit/place.h"
#include "kit/tap.h"
#include "shm/layout.h"

#define S ((uint64_t)1000000)
#define T0 (1000 * S)
#define KEYS(text) ((struct keyset_news){ STR(text), 1, 900 * S })

static struct place place;
static struct segment *segment;

static struct keyset
open_at(unsigned number, uint64_t now_us)
{
	uint8_t name[KEYSET_NAME] = { 0 };
	struct keyset k;

	memcpy(name, &number, sizeof(number));
	OK(keyset_open(segment, name, str_fmt(place.arena,
		"https://keys.test/%u", number), now_us, &k));
	return k;
}

static struct keyset
fresh(void)
{
	static unsigned number = 1;

	segment_close(segment);
	unlink(place.file);
	segment = place_open(&place);
	return open_at(number++, T0);
}

static bool
reads(const struct keyset *k, const char *want, uint64_t *epoch_r)
{
	struct str text;

	return keyset_read(k, place.arena, &text, epoch_r) &&
		str_is(text, want);
}

/* ---- claims, row by row ------------------------------------------------- */

enum act { CLAIM, KEEP, FAIL, ABSENT };

static const struct {
	const char *name;
	struct {
		enum act act;
		enum keyset_why why;
		uint64_t at_us;		/* after T0 */
		uint64_t rest_us;
	} before[3];
	unsigned n;
	enum keyset_why why;
	uint64_t at_us;
	enum keyset_turn turn;
} claims[] = {
	{ "the first one wins", { { 0 } }, 0, KEYSET_SCHED, 0, KEYSET_WON },
	{ "the second one waits", { { CLAIM, KEYSET_SCHED, 0, 0 } }, 1,
		KEYSET_SCHED, 1, KEYSET_BUSY },
	{ "a dead one is waited for", { { CLAIM, KEYSET_SCHED, 0, 0 } }, 1,
		KEYSET_SCHED, 6 * S - 1, KEYSET_BUSY },
	{ "and runs out", { { CLAIM, KEYSET_SCHED, 0, 0 } }, 1,
		KEYSET_SCHED, 6 * S, KEYSET_WON },
	{ "after a failure it rests", { { CLAIM, KEYSET_SCHED, 0, 0 },
		{ FAIL, KEYSET_SCHED, 0, 5 * S } }, 2, KEYSET_SCHED,
		5 * S - 1, KEYSET_RESTS },
	{ "so long", { { CLAIM, KEYSET_SCHED, 0, 0 },
		{ FAIL, KEYSET_SCHED, 0, 5 * S } }, 2, KEYSET_SCHED, 5 * S,
		KEYSET_WON },
	{ "or longer", { { CLAIM, KEYSET_SCHED, 0, 0 },
		{ FAIL, KEYSET_SCHED, S, 30 * S } }, 2, KEYSET_SCHED,
		31 * S - 1, KEYSET_RESTS },
	{ "a missing key may be asked for right after the first fetch",
		{ { CLAIM, KEYSET_SCHED, 0, 0 }, { KEEP, KEYSET_SCHED, 0, 0 } },
		2, KEYSET_FORCED, 0, KEYSET_WON },
	{ "also in a failure's rest", { { CLAIM, KEYSET_SCHED, 0, 0 },
		{ FAIL, KEYSET_SCHED, 0, 300 * S } }, 2, KEYSET_FORCED, 1,
		KEYSET_WON },
	{ "then not", { { CLAIM, KEYSET_FORCED, 0, 0 },
		{ KEEP, KEYSET_FORCED, 0, 0 } }, 2, KEYSET_FORCED,
		30 * S - 1, KEYSET_RESTS },
	{ "for half a minute", { { CLAIM, KEYSET_FORCED, 0, 0 },
		{ KEEP, KEYSET_FORCED, 0, 0 } }, 2, KEYSET_FORCED, 30 * S,
		KEYSET_WON },
	{ "a failed one counts", { { CLAIM, KEYSET_FORCED, 0, 0 },
		{ FAIL, KEYSET_FORCED, 0, 0 } }, 2, KEYSET_FORCED, 29 * S,
		KEYSET_RESTS },
	{ "so does one that died", { { CLAIM, KEYSET_FORCED, 0, 0 } }, 1,
		KEYSET_FORCED, 29 * S, KEYSET_RESTS },
	{ "while one flies it is waited for", { { CLAIM, KEYSET_FORCED, 0,
		0 } }, 1, KEYSET_FORCED, 5 * S, KEYSET_BUSY },
	{ "a scheduled one helps, too", { { CLAIM, KEYSET_FORCED, 0, 0 },
		{ KEEP, KEYSET_FORCED, 0, 0 }, { CLAIM, KEYSET_SCHED, 9 * S,
		0 } }, 3, KEYSET_FORCED, 10 * S, KEYSET_BUSY },
	{ "they do not exclude each other", { { CLAIM, KEYSET_SCHED, 0, 0 } },
		1, KEYSET_FORCED, 1, KEYSET_WON },
	{ "no such key: nobody else has to wait long", { { CLAIM,
		KEYSET_SCHED, 0, 0 }, { ABSENT, KEYSET_SCHED, 0, 0 } }, 2,
		KEYSET_SCHED, S / 2, KEYSET_WON },
	{ "but a little", { { CLAIM, KEYSET_SCHED, 0, 0 }, { ABSENT,
		KEYSET_SCHED, 0, 0 } }, 2, KEYSET_SCHED, S / 2 - 1,
		KEYSET_RESTS },
	{ "no such key among some", { { CLAIM, KEYSET_FORCED, 0, 0 },
		{ ABSENT, KEYSET_FORCED, 0, 0 } }, 2, KEYSET_FORCED,
		30 * S - 1, KEYSET_RESTS },
	{ "time that goes back is no time", { { CLAIM, KEYSET_FORCED, 9 * S,
		0 }, { KEEP, KEYSET_FORCED, 9 * S, 0 } }, 2, KEYSET_FORCED, 0,
		KEYSET_RESTS },
};

static void
test_claims(size_t i)
{
	struct keyset k = fresh();
	struct keyset_claim c = { 0 };
	enum keyset_turn turn;

	for (unsigned j = 0; j < claims[i].n; j++) {
		uint64_t at = T0 + claims[i].before[j].at_us;

		if (claims[i].before[j].act == CLAIM)
			OK(keyset_claim(&k, claims[i].before[j].why, at, &c) ==
				KEYSET_WON);
		else if (claims[i].before[j].act == KEEP)
			keyset_keep(&k, &c, &KEYS("{}"), at);
		else if (claims[i].before[j].act == ABSENT)
			keyset_over(&k, &c);
		else
			keyset_fail(&k, &c, at, claims[i].before[j].rest_us);
	}
	turn = keyset_claim(&k, claims[i].why, T0 + claims[i].at_us, &c);
	tap_ok(turn == claims[i].turn, "%s", claims[i].name);
	if (turn != claims[i].turn)
		printf("# turn %d\n", turn);
}

/* ---- documents ---------------------------------------------------------- */

static void
test_documents(void)
{
	struct keyset k = fresh(), other = open_at(4711, T0);
	struct keyset_claim c;
	uint64_t first, epoch;
	struct str text;

	OK(!keyset_read(&k, place.arena, &text, &epoch));
	keyset_claim(&k, KEYSET_SCHED, T0, &c);
	keyset_keep(&k, &c, &KEYS("one"), T0);
	OK(reads(&k, "one", &first));
	OK(!keyset_read(&other, place.arena, &text, &epoch));
	keyset_claim(&k, KEYSET_FORCED, T0 + 1, &c);
	keyset_keep(&k, &c, &KEYS("one"), T0 + 1);
	OK(reads(&k, "one", &epoch));
	tap_ok(epoch == first, "the same document keeps its epoch");
	keyset_claim(&k, KEYSET_FORCED, T0 + 40 * S, &c);
	keyset_keep(&k, &c, &KEYS("two"), T0 + 41 * S);
	OK(reads(&k, "two", &epoch));
	tap_ok(epoch > first, "another one does not");
}

/* A slow scheduled fetch saw the keys before their rotation. */
static void
test_late_answer(void)
{
	struct keyset k = fresh();
	struct keyset_claim slow, quick;
	uint64_t epoch;

	keyset_claim(&k, KEYSET_SCHED, T0, &slow);
	keyset_claim(&k, KEYSET_FORCED, T0 + S, &quick);
	keyset_keep(&k, &quick, &KEYS("new"), T0 + 2 * S);
	keyset_keep(&k, &slow, &KEYS("old"), T0 + 3 * S);
	tap_ok(reads(&k, "new", &epoch), "the later question counts");
	OK(keyset_claim(&k, KEYSET_SCHED, T0 + 6 * S, &slow) == KEYSET_WON);
}

/* Who was overtaken does not end the other's fetch. */
static void
test_overtaken(void)
{
	struct keyset k = fresh();
	struct keyset_claim dead, living;
	struct keyset_state s;

	keyset_claim(&k, KEYSET_SCHED, T0, &dead);
	OK(keyset_claim(&k, KEYSET_SCHED, T0 + 7 * S, &living) == KEYSET_WON);
	keyset_fail(&k, &dead, T0 + 8 * S, 0);
	OK(keyset_look(&k, T0 + 8 * S, &s) && s.in_flight);
	keyset_keep(&k, &living, &KEYS("x"), T0 + 9 * S);
	OK(keyset_look(&k, T0 + 9 * S, &s) && !s.in_flight && s.usable);
}

static void
test_sizes(void)
{
	struct keyset k = fresh();
	struct keyset_claim c;
	char *big = arena_alloc(place.arena, MAX_KEYSET + 1);
	struct keyset_news n = { { big, MAX_KEYSET }, 1, S };
	struct str text;
	uint64_t epoch;

	memset(big, 'x', MAX_KEYSET + 1);
	keyset_claim(&k, KEYSET_SCHED, T0, &c);
	keyset_keep(&k, &c, &n, T0);
	OK(keyset_read(&k, place.arena, &text, &epoch));
	OK(str_eq(text, n.document));
	keyset_claim(&k, KEYSET_FORCED, T0, &c);
	n.document.n++;
	keyset_keep(&k, &c, &n, T0);
	OK(keyset_read(&k, place.arena, &text, &epoch));
	tap_ok(text.n == MAX_KEYSET, "one byte more is not kept");
	n.document.n = 0;
	keyset_claim(&k, KEYSET_FORCED, T0 + 31 * S, &c);
	keyset_keep(&k, &c, &n, T0 + 31 * S);
	OK(keyset_read(&k, place.arena, &text, &epoch) && text.n == 0);
}

/* ---- times --------------------------------------------------------------- */

#define DAY (86400 * S)

static const struct {
	uint64_t stale_us;		/* how long it is used */
	uint64_t at_us;			/* after the good fetch */
	uint64_t left_us;
	bool due, overdue;
} ages[] = {
	{ DAY, 0, DAY, false, false },
	{ DAY, 900 * S - 1, DAY - 900 * S + 1, false, false },
	{ DAY, 900 * S, DAY - 900 * S, true, false },
	{ DAY, 1800 * S - 1, DAY - 1800 * S + 1, true, false },
	{ DAY, 1800 * S, DAY - 1800 * S, true, true },
	{ DAY, DAY - 1, 1, true, true },
	{ DAY, DAY, 0, true, true },
	{ 10 * S, 10 * S - 1, 1, false, false },
	{ 10 * S, 10 * S, 0, false, false },
	{ 7 * DAY, 7 * DAY - 1, 1, true, true },
	{ 7 * DAY, 7 * DAY, 0, true, true },
	{ 0, 900 * S - 1, 1, false, false },
	{ 0, 900 * S, 0, true, false },
};

static void
test_ages(void)
{
	struct keyset k = fresh();
	struct keyset_claim c;
	struct keyset_state s;

	OK(keyset_look(&k, T0, &s) && !s.usable && s.epoch == 0 && s.due);
	keyset_claim(&k, KEYSET_SCHED, T0, &c);
	keyset_keep(&k, &c, &KEYS("x"), T0);
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		k.stale_us = ages[i].stale_us;
		OK(keyset_look(&k, T0 + ages[i].at_us, &s));
		tap_ok(s.usable == (ages[i].left_us > 0) &&
			s.left_us == ages[i].left_us &&
			s.due == ages[i].due &&
			s.overdue == ages[i].overdue, "age %llu of %llu s",
			(unsigned long long)(ages[i].at_us / S),
			(unsigned long long)(ages[i].stale_us / S));
	}
	k.stale_us = DAY;
	keyset_claim(&k, KEYSET_SCHED, T0 + 900 * S, &c);
	keyset_fail(&k, &c, T0 + 900 * S, 15 * S);
	OK(keyset_look(&k, T0 + 901 * S, &s));
	OK(s.usable && s.failures == 1);
}

/* ---- slots ---------------------------------------------------------------- */

static void
test_slots(void)
{
	struct keyset first = fresh(), k;
	struct keyset_state s;
	struct keyset_claim c;
	struct keyset_view v[KEYSETS];
	uint8_t name[KEYSET_NAME];
	const char *why = "";
	uint32_t n = 1;

	for (unsigned i = 1; i < KEYSETS; i++)
		open_at(1000 + i, T0 + 1800 * S);
	memset(name, 0xEE, sizeof(name));
	tap_ok(!keyset_open(segment, name, STR("u"), T0 + 3599 * S, &k),
		"all slots are in use");
	OK(keyset_claim(&first, KEYSET_SCHED, T0, &c) == KEYSET_WON);
	tap_ok(keyset_open(segment, name, STR("u"), T0 + 3600 * S, &k),
		"one that was not used for an hour goes");
	OK(!keyset_look(&first, T0, &s));
	keyset_keep(&first, &c, &KEYS("stranger"), T0 + S);
	OK(keyset_look(&k, T0 + 3600 * S, &s) && s.epoch == 0);
	OK(keyset_claim(&first, KEYSET_SCHED, T0, &c) == KEYSET_RESTS);
	n = keyset_list(segment, v, KEYSETS, place.arena);
	tap_ok(n <= KEYSETS, "%u are shown", n);
	OK(segment_valid(segment, &why));
}

static void
test_list(void)
{
	struct keyset k = fresh(), old;
	struct keyset_claim c;
	struct keyset_view v[KEYSETS];
	uint64_t now = keyset_now_us();

	if (now < 5000 * S)
		return;			/* the machine has just started */
	old = open_at(77, now - 3601 * S);
	k = open_at(78, now);
	keyset_claim(&old, KEYSET_SCHED, now, &c);
	IS_INT(keyset_list(segment, v, KEYSETS, place.arena), 1);
	IS_STR(v[0].url, "https://keys.test/78");
	IS_INT(v[0].age_s, -1);
	OK(!v[0].failing);
	keyset_claim(&k, KEYSET_SCHED, now, &c);
	keyset_keep(&k, &c, &(struct keyset_news){ STR("x"), 3, S },
		now - 60 * S);
	keyset_claim(&k, KEYSET_FORCED, now, &c);
	keyset_fail(&k, &c, now, S);
	IS_INT(keyset_list(segment, v, KEYSETS, place.arena), 1);
	IS_INT(v[0].keys, 3);
	tap_ok(v[0].age_s >= 60 && v[0].age_s < 70, "its age");
	OK(v[0].failing);
}

static void
test_private(void)
{
	uint8_t name[KEYSET_NAME] = { 7 };
	struct keyset k = keyset_private(place.arena, name);
	struct keyset_claim c;
	uint64_t epoch;

	OK(keyset_claim(&k, KEYSET_SCHED, T0, &c) == KEYSET_WON);
	keyset_keep(&k, &c, &KEYS("mine"), T0);
	OK(reads(&k, "mine", &epoch));
}

/* A writer that was killed, or bytes that changed, are no document. */
static void
test_torn(void)
{
	struct keyset k = fresh();
	struct keyset_claim c;
	struct str text;
	uint64_t epoch;

	keyset_claim(&k, KEYSET_SCHED, T0, &c);
	keyset_keep(&k, &c, &KEYS("a document"), T0);
	k.slot->text[1] ^= 1;
	OK(!keyset_read(&k, place.arena, &text, &epoch));
	k.slot->text[1] ^= 1;
	OK(keyset_read(&k, place.arena, &text, &epoch));
	k.slot->length = MAX_KEYSET + 1;
	OK(!keyset_read(&k, place.arena, &text, &epoch));
}

int
main(void)
{
	place = place_new();
	segment = place_open(&place);
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
		test_claims(i);
	test_documents();
	test_late_answer();
	test_overtaken();
	test_sizes();
	test_ages();
	test_slots();
	test_list();
	test_private();
	test_torn();
	segment_close(segment);
	place_end(&place);
	return tap_done();
}
