/* SPDX-License-Identifier: MIT */
/*
 * shelf -- buckets of four slots; a slot's checksum is what makes it true
 *
 * A writer takes the checksum away, writes words, and puts it back.  A reader
 * copies first and believes the copy only when the sum fits, so two writers
 * in one slot, or a dead one, leave a slot that is empty for everybody.
 */
#include "config.h"
#include "shm/shelf.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "shm/layout.h"

/* A slot outside shared memory, in the order the sum goes over. */
struct copy {
	uint64_t key[4];
	uint64_t expires_unix_s;
	uint64_t length;
	uint64_t value[MAX_SHELF / 8];
};

#define COPY_HEAD offsetof(struct copy, value)

static struct shm_slot *
shelf_of(const struct segment *s, const uint8_t key[32])
{
	uint64_t h = digest_sip(segment_key(s),
		(struct str){ (const char *)key, 32 });

	return s->file->shelves[h % SHM_SHELVES];
}

/* Never 0, which stands for empty. */
static uint64_t
sum_of(const struct segment *s, const struct copy *c)
{
	uint64_t sum = digest_sip(segment_secret(s),
		(struct str){ (const char *)c, COPY_HEAD + c->length });

	return sum == 0 ? 1 : sum;
}

static uint64_t
load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

static void
store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static bool
has_key(const struct shm_slot *slot, const uint64_t key[4])
{
	for (unsigned i = 0; i < 4; i++)
		if (load(&slot->key[i]) != key[i])
			return false;
	return true;
}

static size_t
words(uint64_t bytes)
{
	return (size_t)(bytes + 7) / 8;
}

/* False: empty, or not whole. */
static bool
read_slot(const struct segment *s, const struct shm_slot *slot,
	struct copy *c_r)
{
	uint64_t check = atomic_load_explicit(&slot->check,
		memory_order_acquire);

	if (check == 0)
		return false;
	for (unsigned i = 0; i < 4; i++)
		c_r->key[i] = load(&slot->key[i]);
	c_r->expires_unix_s = load(&slot->expires_unix_s);
	c_r->length = load(&slot->length);
	if (c_r->length > MAX_SHELF)
		return false;
	for (size_t i = 0; i < words(c_r->length); i++)
		c_r->value[i] = load(&slot->value[i]);
	return sum_of(s, c_r) == check;
}

static void
write_slot(const struct segment *s, struct shm_slot *slot,
	const struct copy *c)
{
	atomic_store(&slot->check, 0);
	atomic_thread_fence(memory_order_release);
	for (unsigned i = 0; i < 4; i++)
		store(&slot->key[i], c->key[i]);
	store(&slot->expires_unix_s, c->expires_unix_s);
	store(&slot->length, c->length);
	for (size_t i = 0; i < words(c->length); i++)
		store(&slot->value[i], c->value[i]);
	atomic_store_explicit(&slot->check, sum_of(s, c),
		memory_order_release);
}

/* Its own slot, else an empty one, else what expires first. */
static struct shm_slot *
choose(struct shm_slot *shelf, const uint64_t key[4])
{
	struct shm_slot *best = shelf;
	uint64_t soonest = UINT64_MAX;

	for (unsigned i = 0; i < SHM_SLOTS; i++) {
		uint64_t expires = load(&shelf[i].check) == 0 ? 0 :
			load(&shelf[i].expires_unix_s);

		if (has_key(&shelf[i], key))
			return &shelf[i];
		if (expires < soonest) {
			best = &shelf[i];
			soonest = expires;
		}
	}
	return best;
}

void
shelf_put(struct segment *s, const uint8_t key[32], struct str value,
	int64_t expires_unix_s)
{
	struct copy c;

	if (s == NULL || s->read_only || value.n > MAX_SHELF ||
	    expires_unix_s <= 0)
		return;
	memset(&c, 0, sizeof(c));
	memcpy(c.key, key, sizeof(c.key));
	c.expires_unix_s = (uint64_t)expires_unix_s;
	c.length = value.n;
	if (value.n > 0)
		memcpy(c.value, value.p, value.n);
	write_slot(s, choose(shelf_of(s, key), c.key), &c);
	digest_wipe(&c, sizeof(c));
}

bool
shelf_get(struct segment *s, const uint8_t key[32], int64_t now_unix_s,
	struct arena *a, struct str *value_r)
{
	struct shm_slot *shelf;
	struct copy c;
	uint64_t want[4];

	if (s == NULL)
		return false;
	memcpy(want, key, sizeof(want));
	shelf = shelf_of(s, key);
	for (unsigned i = 0; i < SHM_SLOTS; i++) {
		if (!has_key(&shelf[i], want) ||
		    !read_slot(s, &shelf[i], &c) ||
		    memcmp(c.key, want, sizeof(want)) != 0 ||
		    (int64_t)c.expires_unix_s <= now_unix_s)
			continue;
		*value_r = str_copy(a, (struct str){
			(const char *)c.value, (size_t)c.length });
		return true;
	}
	return false;
}

/* What can be read must lie where it is looked for. */
bool
shelf_valid(const struct segment *s, const char **why_r)
{
	struct copy c;

	for (unsigned b = 0; b < SHM_SHELVES; b++)
		for (unsigned i = 0; i < SHM_SLOTS; i++) {
			const struct shm_slot *slot = &s->file->shelves[b][i];

			if (!read_slot(s, slot, &c))
				continue;
			if (shelf_of(s, (const uint8_t *)c.key) !=
			    s->file->shelves[b]) {
				*why_r = "shelf: an entry on the wrong shelf";
				return false;
			}
		}
	return true;
}
