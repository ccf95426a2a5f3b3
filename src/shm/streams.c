/* SPDX-License-Identifier: MIT */
/*
 * streams -- callers in buckets of eight words
 *
 *	63                 32 31          20 19        0
 *	tag of the caller     its worker     how many
 */
#include "config.h"
#include "shm/streams.h"

#include "base/digest.h"
#include "shm/layout.h"

#define COUNT_BITS 20
#define WORKER_BITS 12
#define COUNT(word) ((uint32_t)((word) & ((1u << COUNT_BITS) - 1)))
#define WORKER(word) ((uint32_t)((word) >> COUNT_BITS) & \
	((1u << WORKER_BITS) - 1))
#define OWNER(word) ((word) >> COUNT_BITS)	/* tag and worker */

_Static_assert(MAX_WORKERS <= 1 << WORKER_BITS, "a worker has a number");

struct spot {
	_Atomic uint64_t *bucket;
	uint64_t tag;			/* 32 bits, never 0 */
};

static struct spot
find_spot(const struct segment *s, const uint8_t caller[STREAMS_CALLER])
{
	uint64_t h = digest_sip(segment_key(s),
		(struct str){ (const char *)caller, STREAMS_CALLER });
	struct spot at = {
		.bucket = s->file->streams[h % SHM_STREAM_BUCKETS],
		.tag = h >> 32,
	};

	if (at.tag == 0)
		at.tag = 1;
	return at;
}

static uint64_t
owner_word(const struct spot *at, uint32_t worker)
{
	return at->tag << WORKER_BITS | worker;
}

/* This worker's word for the caller, taking a free one if asked. */
static _Atomic uint64_t *
own_word(const struct spot *at, uint32_t worker, bool take)
{
	uint64_t owner = owner_word(at, worker), word, none = 0;

	for (unsigned i = 0; i < SHM_STREAM_WORDS; i++) {
		word = atomic_load(&at->bucket[i]);
		if (word != 0 && OWNER(word) == owner)
			return &at->bucket[i];
	}
	for (unsigned i = 0; take && i < SHM_STREAM_WORDS; i++) {
		none = 0;
		if (atomic_compare_exchange_strong(&at->bucket[i], &none,
		    owner << COUNT_BITS))
			return &at->bucket[i];
	}
	return NULL;
}

/* Words of dead workers count only while nobody has looked. */
static uint32_t
sum(const struct segment *s, const struct spot *at, bool living_only)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < SHM_STREAM_WORDS; i++) {
		uint64_t word = atomic_load(&at->bucket[i]);

		if (word >> (COUNT_BITS + WORKER_BITS) != at->tag)
			continue;
		if (!living_only || worker_lives(s, WORKER(word)))
			n += COUNT(word);
	}
	return n;
}

bool
streams_enter(struct segment *s, const struct worker_slot *w,
	const uint8_t caller[STREAMS_CALLER], uint32_t most)
{
	struct spot at = find_spot(s, caller);
	_Atomic uint64_t *word = own_word(&at, worker_number(w), true);

	if (word == NULL)
		return true;
	atomic_fetch_add(word, 1);
	if (sum(s, &at, false) <= most || sum(s, &at, true) <= most)
		return true;
	streams_leave(s, w, caller);
	return false;
}

void
streams_leave(struct segment *s, const struct worker_slot *w,
	const uint8_t caller[STREAMS_CALLER])
{
	struct spot at = find_spot(s, caller);
	_Atomic uint64_t *word = own_word(&at, worker_number(w), false);

	if (word == NULL || COUNT(atomic_load(word)) == 0)
		return;
	if (COUNT(atomic_fetch_sub(word, 1)) == 1)
		atomic_store(word, 0);	/* nobody else writes it */
}

uint32_t
streams_count(const struct segment *s, const uint8_t caller[STREAMS_CALLER])
{
	struct spot at = find_spot(s, caller);

	return sum(s, &at, true);
}

void
streams_forget(struct segment *s, uint32_t worker)
{
	for (unsigned b = 0; b < SHM_STREAM_BUCKETS; b++) {
		for (unsigned i = 0; i < SHM_STREAM_WORDS; i++) {
			_Atomic uint64_t *at = &s->file->streams[b][i];
			uint64_t word = atomic_load(at);

			if (word != 0 && WORKER(word) == worker)
				atomic_store(at, 0);
		}
	}
}

/* Every word has its caller, and a worker that there can be. */
bool
streams_valid(const struct segment *s, const char **why_r)
{
	for (unsigned b = 0; b < SHM_STREAM_BUCKETS; b++) {
		for (unsigned i = 0; i < SHM_STREAM_WORDS; i++) {
			uint64_t word = atomic_load(&s->file->streams[b][i]);

			if (word == 0 || (word >> (COUNT_BITS + WORKER_BITS)
			    != 0 && WORKER(word) < MAX_WORKERS))
				continue;
			*why_r = "streams: a word of nobody";
			return false;
		}
	}
	return true;
}
