/* SPDX-License-Identifier: MIT */
/*
 * rate -- words in buckets of eight, found by tag
 *
 *	minutes	63 tag 42 41 theoretical arrival time, 16 us since boot 0
 *	windows	63 tag 44 43 number of the window 24 23         count 0
 *
 * A word is free when it is 0 or what it says has passed.  Who finds no word
 * of his subject takes the lowest free one and then looks at the others:
 * when another process has put one for the same subject there meanwhile, he
 * takes his own back and begins again.  Two that stay, because a third was
 * in between, are joined by the next who sees them.
 */
#include "config.h"
#include "shm/rate.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "shm/layout.h"

#define TRIES 64
#define LINE _Alignof(struct shm_rates)
#define TICK_US 16
#define TAT_BITS 42
#define TAT_MASK ((UINT64_C(1) << TAT_BITS) - 1)
#define COUNT_BITS 24
#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)
#define WINDOW_BITS 20
#define WINDOW_MASK ((UINT64_C(1) << WINDOW_BITS) - 1)
#define WINDOW_TAG (COUNT_BITS + WINDOW_BITS)
#define MINUTE_US UINT64_C(60000000)
#define MOST_AHEAD (UINT64_C(1) << 40)	/* ticks: 203 days of burst */
#define LATE_TICKS (UINT64_C(60) * 1000000 / TICK_US)

struct rates {
	struct shm_rates *tables;
	uint8_t key[SIPHASH_KEY];
};

/* One limit with its bucket, in the units of its table. */
struct job {
	_Atomic uint64_t *bucket;
	uint64_t tag;			/* never 0 */
	unsigned shift;			/* of the tag */
	bool minute;
	uint64_t now;			/* tick, or number of the window */
	uint64_t step;			/* ticks between two requests */
	uint64_t most;			/* ticks ahead of now, or requests */
	uint64_t add;			/* ticks or requests of this one */
};

/* ---- opening ----------------------------------------------------------------- */

/* A bucket is a cache line here, too. */
static struct shm_rates *
tables_alone(struct arena *a)
{
	char *p = arena_alloc(a, sizeof(struct shm_rates) + LINE - 1);

	return (struct shm_rates *)(void *)(p + (LINE - 1) -
		((uintptr_t)p + (LINE - 1)) % LINE);
}

struct rates *
rates_open(struct segment *s, struct arena *a)
{
	struct rates *t = ARENA_NEW(a, struct rates);

	if (s != NULL && !s->read_only) {
		t->tables = &s->file->rates;
		memcpy(t->key, segment_key(s), sizeof(t->key));
	} else {
		t->tables = tables_alone(a);
		digest_random(t->key, sizeof(t->key));
	}
	return t;
}

struct rate_now
rate_now(void)
{
	return (struct rate_now){ clock_boot_us() / TICK_US, clock_unix_s() };
}

uint64_t
rate_subject(const struct rates *t, struct str text)
{
	return digest_sip(t->key, text);
}

/* ---- what a limit is in units of its table -------------------------------------- */

static void
plan_minute(struct job *j, const struct rate *r, const struct rates *t,
	struct rate_now now)
{
	uint32_t each = MINUTE_US / TICK_US;	/* a whole number */

	j->bucket = r->own ?
		t->tables->own_minutes[r->subject % SHM_OWN_BUCKETS] :
		t->tables->minutes[r->subject % SHM_RATE_BUCKETS];
	j->minute = true;
	j->shift = TAT_BITS;
	j->now = now.ticks & TAT_MASK;
	j->step = (each + r->limit - 1) / r->limit;
	j->most = j->step * r->burst;
	if (j->most > MOST_AHEAD)
		j->most = MOST_AHEAD;
	j->add = j->step * r->n;
}

static int64_t
length_of(enum rate_span span)
{
	return span == RATE_HOUR ? 3600 : 86400;
}

static void
plan_window(struct job *j, const struct rate *r, const struct rates *t,
	struct rate_now now)
{
	struct shm_windows *w = r->span == RATE_HOUR ? &t->tables->hours :
		&t->tables->days;

	j->bucket = r->own ? w->own[r->subject % SHM_OWN_BUCKETS] :
		w->any[r->subject % SHM_WINDOW_BUCKETS];
	j->minute = false;
	j->shift = WINDOW_TAG;
	j->now = (uint64_t)(now.unix_s / length_of(r->span)) & WINDOW_MASK;
	j->most = r->limit < COUNT_MASK ? r->limit : COUNT_MASK;
	j->add = r->n;
}

static struct job
plan(const struct rates *t, const struct rate *r, struct rate_now now)
{
	struct job j = { .step = 0 };

	if (r->span == RATE_MINUTE)
		plan_minute(&j, r, t, now);
	else
		plan_window(&j, r, t, now);
	j.tag = r->subject >> j.shift;	/* the bucket is of the low bits */
	if (j.tag == 0)
		j.tag = 1;
	return j;
}

/* ---- one word ---------------------------------------------------------------------- */

static uint64_t
window_of(uint64_t word)
{
	return word >> COUNT_BITS & WINDOW_MASK;
}

/* How much is used: ticks ahead of now, or requests in this window.  A
 * process whose clock is a moment behind counts in the next window. */
static uint64_t
used(const struct job *j, uint64_t word)
{
	uint64_t ahead;

	if (!j->minute) {
		uint64_t later = (window_of(word) - j->now) & WINDOW_MASK;

		return later <= 1 ? word & COUNT_MASK : 0;
	}
	ahead = (word - j->now) & TAT_MASK;
	if (ahead > TAT_MASK / 2)
		return 0;		/* has passed */
	/* No request has made this: a smaller burst counts, or somebody
	 * else wrote it. */
	return ahead > j->most + LATE_TICKS ? j->most : ahead;
}

/* The word of this subject with so much used. */
static uint64_t
word_of(const struct job *j, uint64_t old, uint64_t amount)
{
	uint64_t window = j->now;

	if (j->minute)
		return j->tag << TAT_BITS | ((j->now + amount) & TAT_MASK);
	if (used(j, old) > 0)
		window = window_of(old);
	return j->tag << WINDOW_TAG | window << COUNT_BITS | amount;
}

static bool
is_ours(const struct job *j, uint64_t word)
{
	return word != 0 && word >> j->shift == j->tag;
}

static bool
is_free(const struct job *j, uint64_t word)
{
	return word == 0 || used(j, word) == 0;
}

/* ---- a bucket ------------------------------------------------------------------------ */

struct places {
	int ours, twin, room;		/* lowest; -1: none */
	uint64_t word;			/* of ours, else of room */
};

/* Seldom: the lowest free one. */
static void
find_room(const struct job *j, struct places *p)
{
	for (int i = 0; i < SHM_RATES; i++) {
		uint64_t word = atomic_load(&j->bucket[i]);

		if (is_ours(j, word) || !is_free(j, word))
			continue;
		p->room = i;
		p->word = word;
		return;
	}
}

static struct places
look(const struct job *j)
{
	struct places p = { -1, -1, -1, 0 };

	for (int i = SHM_RATES - 1; i >= 0; i--) {
		uint64_t word = atomic_load(&j->bucket[i]);

		if (!is_ours(j, word))
			continue;
		p.twin = p.ours;
		p.ours = i;
		p.word = word;
	}
	if (p.ours < 0)
		find_room(j, &p);
	return p;
}

/* Adds to or takes from our lowest word, whatever the limit is. */
static void
settle(const struct job *j, uint64_t amount, bool give)
{
	for (int i = 0; i < TRIES; i++) {
		struct places p = look(j);
		uint64_t have, next;

		if (p.ours < 0)
			return;
		have = used(j, p.word);
		if (give)
			next = have > amount ? have - amount : 0;
		else
			next = have + amount;
		if (!j->minute && next > COUNT_MASK)
			next = COUNT_MASK;
		if (atomic_compare_exchange_strong(&j->bucket[p.ours],
		    &p.word, word_of(j, p.word, next)))
			return;
	}
}

static void
join(const struct job *j, const struct places *p)
{
	uint64_t word = atomic_load(&j->bucket[p->twin]);

	if (is_ours(j, word) && atomic_compare_exchange_strong(
	    &j->bucket[p->twin], &word, 0))
		settle(j, used(j, word), false);
}

/* Nobody else has a word of this subject, or ours is taken back. */
static bool
alone(const struct job *j, int mine, uint64_t word)
{
	bool twin = false;

	for (int i = 0; i < SHM_RATES && !twin; i++)
		twin = i != mine && is_ours(j, atomic_load(&j->bucket[i]));
	if (!twin)
		return true;
	if (!atomic_compare_exchange_strong(&j->bucket[mine], &word, 0))
		settle(j, j->add, true);	/* it was added to, or joined */
	return false;
}

/* One try. False: somebody was quicker, again. */
static bool
attempt(const struct job *j, enum rate_word *said_r, uint64_t *over_r)
{
	struct places p = look(j);
	int at = p.ours >= 0 ? p.ours : p.room;
	uint64_t next, word;

	if (p.twin >= 0) {
		join(j, &p);
		return false;
	}
	*said_r = RATE_FULL;
	if (at < 0)
		return true;
	next = (p.ours >= 0 ? used(j, p.word) : 0) + j->add;
	*said_r = RATE_OVER;
	*over_r = next - j->most;
	if (next > j->most)
		return true;
	word = word_of(j, p.ours >= 0 ? p.word : 0, next);
	if (!atomic_compare_exchange_strong(&j->bucket[at], &p.word, word))
		return false;
	*said_r = RATE_OK;
	return p.ours >= 0 || alone(j, at, word);
}

/* ---- for callers ------------------------------------------------------------------------ */

static uint64_t
wait_of(const struct job *j, const struct rate *r, struct rate_now now,
	uint64_t over)
{
	int64_t length = length_of(r->span);

	if (j->minute)
		return over * TICK_US;
	return (uint64_t)(length - now.unix_s % length) * 1000000;
}

enum rate_word
rate_take(const struct rates *t, const struct rate *r, struct rate_now now,
	uint64_t *wait_us_r)
{
	struct job j = plan(t, r, now);
	enum rate_word said = RATE_OVER;
	uint64_t over = j.step;

	for (int i = 0; i < TRIES && !attempt(&j, &said, &over); i++)
		said = RATE_OVER;
	if (said == RATE_OVER)
		*wait_us_r = wait_of(&j, r, now, over);
	return said;
}

enum rate_word
rate_look(const struct rates *t, const struct rate *r, struct rate_now now,
	uint64_t *wait_us_r)
{
	struct job j = plan(t, r, now);
	struct places p = look(&j);
	uint64_t next = j.add;

	if (p.ours >= 0)
		next += used(&j, p.word);
	if (next <= j.most)
		return RATE_OK;
	*wait_us_r = wait_of(&j, r, now, next - j.most);
	return RATE_OVER;
}

void
rate_give(const struct rates *t, const struct rate *r, struct rate_now now)
{
	struct job j = plan(t, r, now);

	settle(&j, j.add, true);
}

void
rate_give_all(const struct rates *t, const struct rate *v, uint32_t n,
	struct rate_now then, struct rate_now now)
{
	for (uint32_t i = 0; i < n; i++) {
		int64_t length = length_of(v[i].span);

		if (v[i].span == RATE_MINUTE ||
		    then.unix_s / length == now.unix_s / length)
			rate_give(t, &v[i], now);
	}
}

/* For all that say no: the longest wait is the answer. */
static void
refuse(const struct rates *t, const struct rate *v, uint32_t n,
	struct rate_now now, struct rate_no *no)
{
	uint64_t wait_us;

	for (uint32_t i = no->index + 1; i < n; i++) {
		if (rate_look(t, &v[i], now, &wait_us) != RATE_OVER ||
		    wait_us <= no->wait_us)
			continue;
		no->wait_us = wait_us;
		no->index = i;
	}
}

bool
rate_take_all(const struct rates *t, struct rate *v, uint32_t n,
	struct rate_now now, struct rate_no *no_r)
{
	*no_r = (struct rate_no){ 0 };
	for (uint32_t i = 0; i < n; i++) {
		uint64_t wait_us = 0;
		enum rate_word said = rate_take(t, &v[i], now, &wait_us);

		if (said == RATE_FULL) {
			no_r->full++;
			v[i].n = 0;	/* there is nothing to give back */
		}
		if (said != RATE_OVER)
			continue;
		no_r->index = i;
		no_r->wait_us = wait_us;
		rate_give_all(t, v, i, now, now);
		refuse(t, v, n, now, no_r);
		return false;
	}
	return true;
}

/* A tag is never 0, so a word below a tag is none of ours. */
static bool
words_valid(const _Atomic uint64_t *v, size_t n, unsigned shift)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t word = atomic_load(&v[i]);

		if (word != 0 && word >> shift == 0)
			return false;
	}
	return true;
}

bool
rates_valid(const struct segment *s, const char **why_r)
{
	const struct shm_rates *t = &s->file->rates;
	size_t own = (size_t)SHM_OWN_BUCKETS * SHM_RATES;
	size_t any = (size_t)SHM_WINDOW_BUCKETS * SHM_RATES;

	if (words_valid(t->minutes[0], (size_t)SHM_RATE_BUCKETS * SHM_RATES,
	    TAT_BITS) && words_valid(t->own_minutes[0], own, TAT_BITS) &&
	    words_valid(t->hours.any[0], any, WINDOW_TAG) &&
	    words_valid(t->hours.own[0], own, WINDOW_TAG) &&
	    words_valid(t->days.any[0], any, WINDOW_TAG) &&
	    words_valid(t->days.own[0], own, WINDOW_TAG))
		return true;
	*why_r = "rate: a word without a tag";
	return false;
}
