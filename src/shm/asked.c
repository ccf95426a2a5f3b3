/* SPDX-License-Identifier: MIT */
/*
 * asked -- what endpoints were asked about tokens
 *
 * A question:  63   tag of the token   32 31   ms since boot   1 0  answered
 * An endpoint: 63 tag 44 43 failures 40 39    rests until, ms since boot   0
 */
#include "config.h"
#include "shm/asked.h"

#include <string.h>

#include "base/digest.h"
#include "shm/layout.h"

#define TIME_BITS 31
#define TIME_MASK ((1ull << TIME_BITS) - 1)
#define ANSWERED 1ull
#define UNTIL_BITS 40
#define UNTIL_MASK ((1ull << UNTIL_BITS) - 1)
#define MAX_FAILURES 15ull
#define MAX_REST_MS 5000
#define WHY_BITS 4

static uint64_t
hash_of(const struct segment *s, const uint8_t key[ASKED_KEY])
{
	return digest_sip(segment_key(s),
		(struct str){ (const char *)key, ASKED_KEY });
}

/* ---- questions under way ------------------------------------------------------ */

static _Atomic uint64_t *
question_of(const struct segment *s, uint64_t hash)
{
	return &s->file->asked.questions[hash % SHM_QUESTIONS];
}

/* Never 0: the tag's lowest bit is always set. */
static uint64_t
flight_at(uint64_t hash, uint64_t now_boot_ms)
{
	return (hash >> 32 | 1) << 32 | (now_boot_ms & TIME_MASK) << 1;
}

static bool
flies(uint64_t word, uint64_t now_boot_ms, uint64_t limit_ms)
{
	uint64_t began = word >> 1 & TIME_MASK;
	uint64_t age_ms = (now_boot_ms - began) & TIME_MASK;

	if (age_ms > TIME_MASK / 2)
		age_ms = 0;		/* our clock was read before */
	return word != 0 && (word & ANSWERED) == 0 && age_ms < limit_ms;
}

/* No two questions about one token have the same sign. */
static uint64_t
other_than(uint64_t seen, uint64_t mine)
{
	uint64_t ahead = ((seen >> 1) - (mine >> 1)) & TIME_MASK;

	if (seen >> 32 != mine >> 32 || ahead > TIME_MASK / 2)
		return mine;
	return (mine >> 32) << 32 | (((seen >> 1) + 1) & TIME_MASK) << 1;
}

bool
asked_claim(struct segment *s, const uint8_t key[ASKED_KEY],
	uint64_t now_boot_ms, uint64_t limit_ms, uint64_t *flight_r)
{
	uint64_t hash = hash_of(s, key), seen;
	uint64_t mine = flight_at(hash, now_boot_ms);
	_Atomic uint64_t *word = question_of(s, hash);

	*flight_r = 0;
	if (s->read_only)
		return true;
	seen = atomic_load(word);
	for (;;) {
		if (flies(seen, now_boot_ms, limit_ms))
			break;
		mine = other_than(seen, mine);
		if (atomic_compare_exchange_strong(word, &seen, mine)) {
			*flight_r = mine;
			return true;
		}
	}
	if (seen >> 32 != mine >> 32)
		return true;		/* another token has the place */
	*flight_r = seen;
	return false;
}

bool
asked_flies(const struct segment *s, const uint8_t key[ASKED_KEY],
	uint64_t flight, uint64_t now_boot_ms, uint64_t limit_ms)
{
	return atomic_load(question_of(s, hash_of(s, key))) == flight &&
		flies(flight, now_boot_ms, limit_ms);
}

void
asked_done(struct segment *s, const uint8_t key[ASKED_KEY], uint64_t flight)
{
	uint64_t seen = flight;

	if (flight != 0)
		atomic_compare_exchange_strong(question_of(s, hash_of(s, key)),
			&seen, flight | ANSWERED);
}

/* ---- refusals ------------------------------------------------------------------- */

static struct shm_refusal *
refusal_of(const struct segment *s, const uint8_t key[ASKED_KEY])
{
	return &s->file->asked.refusals[hash_of(s, key) % SHM_REFUSALS];
}

/* The words fit together, or somebody else wrote one of them. */
static uint64_t
seal_of(const struct segment *s, const uint8_t key[ASKED_KEY], uint64_t until)
{
	uint8_t bytes[ASKED_KEY + sizeof(until)];

	memcpy(bytes, key, ASKED_KEY);
	memcpy(bytes + ASKED_KEY, &until, sizeof(until));
	return digest_sip(segment_secret(s),
		(struct str){ (const char *)bytes, sizeof(bytes) });
}

void
asked_refuse(struct segment *s, const uint8_t key[ASKED_KEY], uint32_t why,
	int64_t until_unix_s)
{
	struct shm_refusal *r = refusal_of(s, key);
	uint64_t until = (uint64_t)until_unix_s << WHY_BITS | (why & 15);
	uint64_t tag;

	if (s->read_only || until_unix_s <= 0)
		return;
	memcpy(&tag, key, sizeof(tag));
	atomic_store(&r->until, 0);
	atomic_store(&r->tag, tag);
	atomic_store(&r->seal, seal_of(s, key, until));
	atomic_store(&r->until, until);
}

uint32_t
asked_refused(const struct segment *s, const uint8_t key[ASKED_KEY],
	int64_t now_unix_s)
{
	const struct shm_refusal *r = refusal_of(s, key);
	uint64_t until = atomic_load(&r->until), tag;

	memcpy(&tag, key, sizeof(tag));
	if (until == 0 || atomic_load(&r->tag) != tag ||
	    (int64_t)(until >> WHY_BITS) <= now_unix_s ||
	    atomic_load(&r->seal) != seal_of(s, key, until))
		return 0;
	return (uint32_t)until & 15;
}

/* ---- endpoints -------------------------------------------------------------------- */

static _Atomic uint64_t *
rest_of(const struct segment *s, uint64_t hash)
{
	return &s->file->asked.rests[hash % SHM_RESTS];
}

static uint64_t
tag_of(uint64_t hash)
{
	return (hash >> 44 | 1) << 44;
}

static uint64_t
rest_ms(uint64_t failures)
{
	uint64_t ms = 1000ull << (failures > 3 ? 3 : failures - 1);

	return ms < MAX_REST_MS ? ms : MAX_REST_MS;
}

void
asked_failed(struct segment *s, const uint8_t endpoint[ASKED_KEY],
	uint64_t now_boot_ms)
{
	uint64_t hash = hash_of(s, endpoint), failures = 0, seen;
	_Atomic uint64_t *word = rest_of(s, hash);

	seen = atomic_load(word);
	if (s->read_only)
		return;
	if (seen >> 44 == tag_of(hash) >> 44)
		failures = seen >> UNTIL_BITS & MAX_FAILURES;
	if (failures > 0 && (seen & UNTIL_MASK) > now_boot_ms)
		return;			/* somebody has told it already */
	if (failures < MAX_FAILURES)
		failures++;
	atomic_compare_exchange_strong(word, &seen, tag_of(hash) |
		failures << UNTIL_BITS |
		((now_boot_ms + rest_ms(failures)) & UNTIL_MASK));
}

void
asked_answered(struct segment *s, const uint8_t endpoint[ASKED_KEY])
{
	uint64_t hash = hash_of(s, endpoint);
	_Atomic uint64_t *word = rest_of(s, hash);
	uint64_t seen = atomic_load(word);

	if (!s->read_only && seen >> 44 == tag_of(hash) >> 44)
		atomic_compare_exchange_strong(word, &seen, 0);
}

uint64_t
asked_rests_ms(const struct segment *s, const uint8_t endpoint[ASKED_KEY],
	uint64_t now_boot_ms)
{
	uint64_t hash = hash_of(s, endpoint);
	uint64_t seen = atomic_load(rest_of(s, hash));

	if (seen >> 44 != tag_of(hash) >> 44 ||
	    (seen & UNTIL_MASK) <= now_boot_ms ||
	    (seen & UNTIL_MASK) > now_boot_ms + MAX_REST_MS)
		return 0;
	return (seen & UNTIL_MASK) - now_boot_ms;
}

/* ---- validity ----------------------------------------------------------------------- */

bool
asked_valid(const struct segment *s, const char **why_r)
{
	for (uint32_t i = 0; i < SHM_QUESTIONS; i++) {
		uint64_t word = atomic_load(&s->file->asked.questions[i]);

		if (word != 0 && (word >> 32 & 1) == 0) {
			*why_r = "asked: a question without a token";
			return false;
		}
	}
	for (uint32_t i = 0; i < SHM_RESTS; i++) {
		uint64_t word = atomic_load(&s->file->asked.rests[i]);

		if (word != 0 && (word >> 44 & 1) == 0) {
			*why_r = "asked: a rest without an endpoint";
			return false;
		}
	}
	return true;
}
