/* SPDX-License-Identifier: MIT */
/*
 * reload -- the word that asks all workers to load again, and what came of it
 *
 * The text is written under the lock and read without: the reader looks at
 * the sequence before and after, and begins anew when it moved.
 */
#include "config.h"
#include "shm/segment.h"

#include <string.h>

#include "shm/layout.h"

#define READS 100		/* then the writer is dead or very slow */

uint32_t
segment_reload_wanted(const struct segment *s)
{
	return atomic_load_explicit(&s->file->head.reload_wanted,
		memory_order_relaxed);
}

void
segment_want_reload(struct segment *s)
{
	if (!s->read_only)
		atomic_fetch_add(&s->file->head.reload_wanted, 1);
}

bool
segment_say_exposed(struct segment *s, uint32_t found)
{
	return s == NULL || s->read_only ||
		atomic_exchange(&s->file->head.exposed, found) != found;
}

uint32_t
segment_exposed(const struct segment *s)
{
	return atomic_load(&s->file->head.exposed) & (EXPOSED_CONF |
		EXPOSED_STATE | EXPOSED_LOOKED);
}

static void
put_message(struct shm_reload *w, const char *message)
{
	uint64_t words[SHM_MESSAGE_WORDS] = { 0 };
	size_t n = strnlen(message, sizeof(words) - 1);

	memcpy(words, message, n);
	for (unsigned i = 0; i < SHM_MESSAGE_WORDS; i++)
		atomic_store_explicit(&w->message[i], words[i],
			memory_order_relaxed);
}

void
segment_say_reload(struct segment *s, const struct segment_reload *r)
{
	struct shm_reload *w = &s->file->head.reload;

	if (s->read_only || !shm_lock(s->file))
		return;
	atomic_fetch_add(&w->seq, 1);
	atomic_thread_fence(memory_order_release);
	atomic_store(&w->generation, r->generation);
	atomic_store(&w->ok, r->ok);
	atomic_store(&w->at_unix_s, r->at_unix_s);
	put_message(w, r->message);
	atomic_fetch_add(&w->seq, 1);
	shm_unlock(s->file);
}

/* Somebody died while writing: what stands there may be half of two. */
void
reload_repair_locked(struct shm_file *f)
{
	struct shm_reload *w = &f->head.reload;

	if ((atomic_load(&w->seq) & 1) == 0)
		return;
	put_message(w, "");
	atomic_store(&w->ok, 0);
	atomic_fetch_add(&w->seq, 1);
}

static void
read_reload(const struct shm_reload *w, struct segment_reload *r_r)
{
	uint64_t words[SHM_MESSAGE_WORDS];

	r_r->generation = atomic_load(&w->generation);
	r_r->ok = atomic_load(&w->ok);
	r_r->at_unix_s = atomic_load(&w->at_unix_s);
	for (unsigned i = 0; i < SHM_MESSAGE_WORDS; i++)
		words[i] = atomic_load_explicit(&w->message[i],
			memory_order_relaxed);
	memcpy(r_r->message, words, sizeof(r_r->message));
	r_r->message[sizeof(r_r->message) - 1] = '\0';
}

/* All zero when it is being written all the time, or nobody said anything. */
void
segment_last_reload(const struct segment *s, struct segment_reload *r_r)
{
	const struct shm_reload *w = &s->file->head.reload;

	for (int i = 0; i < READS; i++) {
		uint32_t seq = atomic_load(&w->seq);

		read_reload(w, r_r);
		atomic_thread_fence(memory_order_acquire);
		r_r->number = seq;
		if ((seq & 1) == 0 && atomic_load(&w->seq) == seq)
			return;
	}
	memset(r_r, 0, sizeof(*r_r));
}
