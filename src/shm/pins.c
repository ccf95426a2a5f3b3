/* SPDX-License-Identifier: MIT */
/*
 * pins -- sessions in buckets of eight words
 *
 *	63                24 23        8 7         0
 *	tag of the session   tag of the  last used,
 *	                     token       quarters of an hour
 *
 * The token's tag is mixed with the session's, so that two tokens of a pool
 * are mistaken for each other in one session of 65536 only, never in all.
 */
#include "config.h"
#include "shm/pins.h"

#include <string.h>

#include "base/digest.h"
#include "shm/layout.h"

#define UNIT_MS (15u * 60 * 1000)
#define TAG(word) ((word) >> 24)

struct spot {
	_Atomic uint64_t *bucket;
	uint64_t tag;			/* 40 bits, never 0 */
	uint64_t mix;			/* for the token's tag */
};

/* Server and session together choose; the server's hash is part of the key. */
static struct spot
find_spot(const struct segment *s, struct str server, struct str session)
{
	uint8_t key[SIPHASH_KEY];
	struct spot at;
	uint64_t h;

	memcpy(key, segment_key(s), sizeof(key));
	h = digest_sip(key, server);
	for (unsigned i = 0; i < 8; i++)
		key[i] ^= (uint8_t)(h >> (8 * i));
	h = digest_sip(key, session);
	key[15] ^= 1;
	at.mix = digest_sip(key, session);
	at.bucket = s->file->pins[h % SHM_PIN_BUCKETS];
	at.tag = h >> 24;
	if (at.tag == 0)
		at.tag = 1;
	return at;
}

static uint64_t
token_tag(const struct spot *at, const uint8_t token[ROTOR_DIGEST])
{
	uint64_t h;

	memcpy(&h, token, sizeof(h));
	h = (h ^ at->mix) * UINT64_C(0x9E3779B97F4A7C15);
	return h >> 48;
}

static uint64_t
units(uint64_t now_boot_ms)
{
	return (now_boot_ms / UNIT_MS) & 0xFF;
}

/* Quarters of an hour since the pin was used. */
static uint64_t
age(uint64_t word, uint64_t now)
{
	return (now - word) & 0xFF;
}

static uint64_t
word_of(const struct spot *at, uint64_t token, uint64_t now)
{
	return at->tag << 24 | token << 8 | now;
}

/* Its own word, else an empty one, else the oldest. */
static unsigned
choose(const struct spot *at, uint64_t now)
{
	unsigned best = 0;
	uint64_t best_age = 0;

	for (unsigned i = 0; i < SHM_PINS; i++) {
		uint64_t word = atomic_load(&at->bucket[i]);
		uint64_t a = word == 0 ? 0x100 : age(word, now);

		if (TAG(word) == at->tag)
			return i;
		if (a > best_age) {
			best = i;
			best_age = a;
		}
	}
	return best;
}

void
pins_put(struct segment *s, struct str server, struct str session,
	const uint8_t token[ROTOR_DIGEST], uint64_t now_boot_ms)
{
	uint64_t now = units(now_boot_ms);
	struct spot at;

	if (s == NULL || s->read_only || session.n == 0)
		return;
	at = find_spot(s, server, session);
	atomic_store(&at.bucket[choose(&at, now)],
		word_of(&at, token_tag(&at, token), now));
}

static uint32_t
index_in(const struct spot *at, const struct rotor_plan *pool, uint64_t token)
{
	for (uint32_t i = 0; i < pool->n; i++)
		if (token_tag(at, pool->digests[i]) == token)
			return i;
	return ROTOR_NONE;
}

uint32_t
pins_get(struct segment *s, struct str server, struct str session,
	const struct rotor_plan *pool, uint64_t now_boot_ms)
{
	uint64_t now = units(now_boot_ms);
	struct spot at;

	if (s == NULL || session.n == 0)
		return ROTOR_NONE;
	at = find_spot(s, server, session);
	for (unsigned i = 0; i < SHM_PINS; i++) {
		uint64_t word = atomic_load(&at.bucket[i]);
		uint64_t token = word >> 8 & 0xFFFF;

		if (TAG(word) != at.tag)
			continue;
		if (age(word, now) != 0 && !s->read_only)
			atomic_compare_exchange_strong(&at.bucket[i], &word,
				word_of(&at, token, now));
		return index_in(&at, pool, token);
	}
	return ROTOR_NONE;
}

void
pins_drop(struct segment *s, struct str server, struct str session)
{
	struct spot at;

	if (s == NULL || s->read_only || session.n == 0)
		return;
	at = find_spot(s, server, session);
	for (unsigned i = 0; i < SHM_PINS; i++) {
		uint64_t word = atomic_load(&at.bucket[i]);

		if (TAG(word) == at.tag)
			atomic_compare_exchange_strong(&at.bucket[i], &word, 0);
	}
}

uint32_t
pins_count(const struct segment *s, uint64_t now_boot_ms)
{
	uint64_t now = units(now_boot_ms);
	uint32_t n = 0;

	for (unsigned b = 0; s != NULL && b < SHM_PIN_BUCKETS; b++)
		for (unsigned i = 0; i < SHM_PINS; i++) {
			uint64_t word = atomic_load(&s->file->pins[b][i]);

			if (word != 0 && age(word, now) <= PINS_RECENT)
				n++;
		}
	return n;
}

/* A word without a session's tag is never written. */
bool
pins_valid(const struct segment *s, const char **why_r)
{
	for (unsigned b = 0; b < SHM_PIN_BUCKETS; b++)
		for (unsigned i = 0; i < SHM_PINS; i++) {
			uint64_t word = atomic_load(&s->file->pins[b][i]);

			if (word != 0 && TAG(word) == 0) {
				*why_r = "pins: a pin without a session";
				return false;
			}
		}
	return true;
}
