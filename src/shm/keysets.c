/* SPDX-License-Identifier: MIT */
/*
 * keysets -- fetched key sets, and who of all processes fetches them now
 *
 * A fetch is in flight while its `done` is not its stamp and the stamp is
 * young.  The end is told by `done` alone, so nothing is left to give back.
 */
#include "config.h"
#include "shm/keysets.h"

#include <sched.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "shm/layout.h"

#define UNUSED_S 3600		/* then a slot may go to another URL */
#define TRIES 2000		/* for the lock; it is held for microseconds */
#define WORDS (MAX_KEYSET / 8)

_Static_assert(sizeof(((struct keyset *)0)->secret) == SIPHASH_KEY, "key");

static uint64_t
load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static void
store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

/* Time that has passed; a stamp of the future is now. */
static uint64_t
since(uint64_t stamp_us, uint64_t now_us)
{
	return now_us > stamp_us ? now_us - stamp_us : 0;
}

uint64_t
keyset_now_us(void)
{
	return clock_boot_ms() * 1000;
}

static bool
is_mine(const struct keyset *k)
{
	return load(&k->slot->name[0]) == k->name[0] &&
		load(&k->slot->name[1]) == k->name[1];
}

/* Writers are few and quick; who holds the lock gets time to run. False: it
 * is broken, and readers must see to themselves, which the checksum lets them
 * do. */
static bool
lock(const struct keyset *k)
{
	for (int i = 0; k->file != NULL && i < TRIES; i++) {
		if (shm_try(k->file))
			return true;
		(void)sched_yield();
	}
	return false;
}

/* ---- slots ---------------------------------------------------------------- */

static void
put_text(_Atomic uint64_t *words, size_t n, struct str s)
{
	uint64_t word;

	for (size_t i = 0; i < n; i++) {
		struct str rest = str_head(str_from(s, i * 8), 8);

		word = 0;
		if (rest.n > 0)
			memcpy(&word, rest.p, rest.n);
		atomic_store_explicit(&words[i], word, memory_order_relaxed);
	}
}

static void
get_text(const _Atomic uint64_t *words, size_t n, char *text_r)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t word = atomic_load_explicit(&words[i],
			memory_order_relaxed);

		memcpy(text_r + i * 8, &word, 8);
	}
}

/* The name is taken away first and written last. */
static void
take_slot(struct shm_keyset *v, const uint64_t name[2], struct str url,
	uint64_t now_us)
{
	store(&v->name[0], 0);
	store(&v->check, 0);
	for (int i = 0; i < KEYSET_WHYS; i++) {
		store(&v->stamp_us[i], 0);
		store(&v->done_us[i], 0);
	}
	store(&v->epoch, 0);
	store(&v->good_us, 0);
	store(&v->due_us, 0);
	store(&v->rest_us, 0);
	store(&v->failures, 0);
	store(&v->as_of_us, 0);
	store(&v->length, 0);
	store(&v->keys, 0);
	store(&v->used_us, now_us);
	put_text(v->url, KEYSET_URL / 8, str_head(url, KEYSET_URL - 1));
	store(&v->name[1], name[1]);
	store(&v->name[0], name[0]);
}

static struct shm_keyset *
find(struct segment *s, const uint64_t name[2])
{
	for (unsigned i = 0; i < KEYSETS; i++) {
		struct shm_keyset *v = &s->file->keysets[i];

		if (load(&v->name[0]) == name[0] &&
		    load(&v->name[1]) == name[1])
			return v;
	}
	return NULL;
}

/* A free one, else the one that was not used for the longest time. */
static struct shm_keyset *
find_room(struct segment *s, uint64_t now_us)
{
	struct shm_keyset *best = NULL;
	uint64_t longest = (uint64_t)UNUSED_S * 1000000;

	for (unsigned i = 0; i < KEYSETS; i++) {
		struct shm_keyset *v = &s->file->keysets[i];
		uint64_t idle = since(load(&v->used_us), now_us);

		if (load(&v->name[0]) == 0)
			return v;
		if (idle >= longest) {
			longest = idle;
			best = v;
		}
	}
	return best;
}

static void
read_name(const uint8_t name[KEYSET_NAME], uint64_t words_r[2])
{
	memcpy(words_r, name, KEYSET_NAME);
	if (words_r[0] == 0)
		words_r[0] = 1;		/* 0 is a free slot */
}

bool
keyset_open(struct segment *s, const uint8_t name[KEYSET_NAME],
	struct str url, uint64_t now_us, struct keyset *k_r)
{
	struct keyset k = { .file = s->file, .stale_us = KEYSET_STALE_US };

	memcpy(k.secret, segment_secret(s), sizeof(k.secret));
	read_name(name, k.name);
	k.slot = find(s, k.name);
	if (k.slot == NULL && !s->read_only && lock(&k)) {
		k.slot = find(s, k.name);
		if (k.slot == NULL) {
			k.slot = find_room(s, now_us);
			if (k.slot != NULL)
				take_slot(k.slot, k.name, url, now_us);
		}
		shm_unlock(s->file);
	}
	if (k.slot != NULL)
		*k_r = k;
	return k.slot != NULL;
}

struct keyset
keyset_private(struct arena *a, const uint8_t name[KEYSET_NAME])
{
	struct keyset k = { .slot = ARENA_NEW(a, struct shm_keyset),
		.stale_us = KEYSET_STALE_US };

	read_name(name, k.name);
	take_slot(k.slot, k.name, STR(""), 0);
	return k;
}

/* ---- looking -------------------------------------------------------------- */

static bool
flies(const struct shm_keyset *v, enum keyset_why why, uint64_t now_us)
{
	uint64_t stamp = load(&v->stamp_us[why]);

	return stamp != 0 && load(&v->done_us[why]) != stamp &&
		since(stamp, now_us) < KEYSET_FLIGHT_US;
}

static bool
any_flies(const struct shm_keyset *v, uint64_t now_us)
{
	return flies(v, KEYSET_SCHED, now_us) ||
		flies(v, KEYSET_FORCED, now_us);
}

/* Not every look is a write: a second is exact enough. */
static void
mark_used(const struct keyset *k, uint64_t now_us)
{
	if (since(load(&k->slot->used_us), now_us) > 1000000)
		store(&k->slot->used_us, now_us);
}

bool
keyset_look(const struct keyset *k, uint64_t now_us,
	struct keyset_state *s_r)
{
	const struct shm_keyset *v = k->slot;
	uint64_t good, due, age, end;

	if (!is_mine(k))
		return false;
	mark_used(k, now_us);
	good = load(&v->good_us);
	due = load(&v->due_us);
	age = since(good, now_us);
	*s_r = (struct keyset_state){
		.epoch = load(&v->epoch),
		.due = now_us >= due,
		.overdue = age >= 2 * since(good, due),
		.in_flight = any_flies(v, now_us),
		.failures = (uint32_t)load(&v->failures),
		.rest_us = load(&v->rest_us),
	};
	end = k->stale_us != 0 ? k->stale_us : since(good, due);
	s_r->usable = s_r->epoch != 0 && age < end;
	s_r->left_us = s_r->usable ? end - age : 0;
	return true;
}

/* ---- who fetches ---------------------------------------------------------- */

/* After a turn that brought nothing, since nobody has such a key, the next
 * one may ask for others. */
static uint64_t
gap(const struct shm_keyset *v, uint64_t stamp)
{
	bool absent = load(&v->done_us[KEYSET_SCHED]) == stamp &&
		load(&v->failures) == 0 && load(&v->as_of_us) < stamp;

	return absent ? KEYSET_AGAIN_US : KEYSET_RETRY_US;
}

static bool
rests(const struct shm_keyset *v, enum keyset_why why, uint64_t now_us)
{
	uint64_t stamp = load(&v->stamp_us[why]);

	if (why == KEYSET_FORCED)
		return stamp != 0 && since(stamp, now_us) < KEYSET_FORCED_US;
	return now_us < load(&v->rest_us) ||
		(stamp != 0 && since(stamp, now_us) < gap(v, stamp));
}

enum keyset_turn
keyset_claim(const struct keyset *k, enum keyset_why why, uint64_t now_us,
	struct keyset_claim *c_r)
{
	struct shm_keyset *v = k->slot;
	uint64_t old, stamp;

	if (!is_mine(k))
		return KEYSET_RESTS;
	old = load(&v->stamp_us[why]);
	if (flies(v, why, now_us))
		return KEYSET_BUSY;
	if (rests(v, why, now_us))
		return any_flies(v, now_us) ? KEYSET_BUSY : KEYSET_RESTS;
	stamp = now_us > old ? now_us : old + 1;
	if (!atomic_compare_exchange_strong(&v->stamp_us[why], &old, stamp))
		return KEYSET_BUSY;
	*c_r = (struct keyset_claim){ why, stamp };
	return KEYSET_WON;
}

/* Who was overtaken has nothing to say about the other's fetch. */
static void
say_done(struct shm_keyset *v, const struct keyset_claim *c)
{
	if (load(&v->stamp_us[c->why]) == c->stamp_us)
		store(&v->done_us[c->why], c->stamp_us);
}

/* ---- the document --------------------------------------------------------- */

static size_t
words_of(uint64_t bytes)
{
	return (size_t)(bytes + 7) / 8;
}

/* Never 0, which stands for none. */
static uint64_t
sum_of(const struct keyset *k, uint64_t epoch, struct str document)
{
	uint64_t head[4] = { k->name[0], k->name[1], epoch, 0 }, sum;

	head[3] = digest_sip(k->secret, document);
	sum = digest_sip(k->secret, (struct str){ (const char *)head,
		sizeof(head) });
	return sum != 0 ? sum : 1;
}

bool
keyset_read(const struct keyset *k, struct arena *a, struct str *document_r,
	uint64_t *epoch_r)
{
	const struct shm_keyset *v = k->slot;
	uint64_t check = load(&v->check), epoch = load(&v->epoch);
	uint64_t n = load(&v->length);
	struct str text;
	char *p;

	if (check == 0 || epoch == 0 || n > MAX_KEYSET || !is_mine(k))
		return false;
	p = arena_alloc(a, words_of(n) * 8 + 1);
	get_text(v->text, words_of(n), p);
	atomic_thread_fence(memory_order_acquire);
	text = (struct str){ p, (size_t)n };
	if (sum_of(k, epoch, text) != check)
		return false;
	*document_r = text;
	*epoch_r = epoch;
	return true;
}

static bool
is_same(const struct keyset *k, struct str document)
{
	struct arena *a = arena_new(2 * MAX_KEYSET);
	struct str old;
	uint64_t epoch;
	bool same = keyset_read(k, a, &old, &epoch) && str_eq(old, document);

	arena_free(a);
	return same;
}

static void
write_document(const struct keyset *k, const struct keyset_claim *c,
	const struct keyset_news *n)
{
	struct shm_keyset *v = k->slot;
	uint64_t epoch = load(&v->epoch) + 1;

	if (epoch < c->stamp_us)
		epoch = c->stamp_us;	/* never one of an earlier owner */
	atomic_store(&v->check, 0);
	atomic_thread_fence(memory_order_release);
	put_text(v->text, words_of(n->document.n), n->document);
	store(&v->length, n->document.n);
	store(&v->keys, n->keys);
	store(&v->epoch, epoch);
	store(&v->check, sum_of(k, epoch, n->document));
}

static void
keep(const struct keyset *k, const struct keyset_claim *c,
	const struct keyset_news *n, uint64_t now_us)
{
	struct shm_keyset *v = k->slot;

	if (!is_mine(k) || load(&v->as_of_us) > c->stamp_us)
		return;
	if (!is_same(k, n->document))
		write_document(k, c, n);
	store(&v->as_of_us, c->stamp_us);
	store(&v->good_us, now_us);
	store(&v->due_us, now_us + n->refresh_us);
	store(&v->rest_us, 0);
	store(&v->failures, 0);
}

void
keyset_keep(const struct keyset *k, const struct keyset_claim *c,
	const struct keyset_news *n, uint64_t now_us)
{
	bool locked = lock(k);

	if (n->document.n <= MAX_KEYSET)
		keep(k, c, n, now_us);
	if (is_mine(k))
		say_done(k->slot, c);
	if (locked)
		shm_unlock(k->file);
}

void
keyset_fail(const struct keyset *k, const struct keyset_claim *c,
	uint64_t now_us, uint64_t rest_us)
{
	if (!is_mine(k))
		return;
	atomic_fetch_add(&k->slot->failures, 1);
	store(&k->slot->rest_us, now_us + rest_us);
	say_done(k->slot, c);
}

void
keyset_over(const struct keyset *k, const struct keyset_claim *c)
{
	if (!is_mine(k))
		return;
	if (c->why == KEYSET_SCHED) {
		store(&k->slot->failures, 0);
		store(&k->slot->rest_us, 0);
	}
	say_done(k->slot, c);
}

/* ---- showing -------------------------------------------------------------- */

static struct keyset_view
view_of(const struct shm_keyset *v, uint64_t now_us, struct arena *a)
{
	char *url = arena_alloc(a, KEYSET_URL + 1);
	uint64_t good = load(&v->good_us);

	get_text(v->url, KEYSET_URL / 8, url);
	return (struct keyset_view){
		.url = str_of(url),
		.keys = (uint32_t)load(&v->keys),
		.age_s = load(&v->epoch) == 0 ? -1 :
			(int64_t)(since(good, now_us) / 1000000),
		.failing = load(&v->failures) > 0,
	};
}

uint32_t
keyset_list(const struct segment *s, struct keyset_view *v_r, uint32_t room,
	struct arena *a)
{
	uint64_t now_us = keyset_now_us();
	uint32_t n = 0;

	for (unsigned i = 0; i < KEYSETS && n < room; i++) {
		const struct shm_keyset *v = &s->file->keysets[i];

		if (load(&v->name[0]) != 0 && since(load(&v->used_us),
		    now_us) < (uint64_t)UNUSED_S * 1000000)
			v_r[n++] = view_of(v, now_us, a);
	}
	return n;
}

bool
keysets_valid(const struct segment *s, const char **why_r)
{
	char url[KEYSET_URL];

	for (unsigned i = 0; i < KEYSETS; i++) {
		const struct shm_keyset *v = &s->file->keysets[i];

		get_text(v->url, KEYSET_URL / 8, url);
		if (load(&v->length) > MAX_KEYSET)
			*why_r = "keysets: a document is too long";
		else if (url[KEYSET_URL - 1] != '\0')
			*why_r = "keysets: a URL has no end";
		else
			continue;
		return false;
	}
	return true;
}
