/* SPDX-License-Identifier: MIT */
/*
 * bans -- entries of four words, and a count that is odd while one changes
 *
 * The first word of an entry is a keyed digest of the others, so half an
 * entry is none.  A new entry is complete before the one that it replaces
 * goes, and between the two a move is counted: who reads at any other place
 * in that time sees neither, and who sees the count change reads again.
 */
#include "config.h"
#include "shm/bans.h"

#include "base/arena.h"
#include "base/digest.h"
#include "shm/layout.h"

#define TRIES 8
#define MORE 16			/* entries that come while all are read */
#define FLAG_V6 1u
#define FLAG_ALLOW 2u
#define FLAG_FOREVER 4u
#define MOST_UNTIL ((INT64_C(1) << 40) - 1)
#define VIEW_ARENA (1024u * 1024u)

struct bans {
	struct segment *segment;	/* NULL: none are there */
	uint32_t seen;			/* odd: look again */
	struct arena *arena;		/* of the view */
	struct bans_view view;
};

/* ---- entries --------------------------------------------------------------- */

/* The words of an entry without its digest. */
struct text {
	uint64_t v[3];
};

static uint64_t
digest_of(const struct segment *s, const struct text *t)
{
	uint64_t h = digest_sip(segment_key(s),
		(struct str){ (const char *)t, sizeof(*t) });

	return h == 0 ? 1 : h;
}

static struct text
pack(const struct ban *b)
{
	struct text t;
	int64_t until = b->span.until_unix_s;

	memcpy(t.v, b->span.addr, 16);
	t.v[2] = (uint64_t)b->span.bits << 8 |
		(b->span.v6 ? FLAG_V6 : 0) | (b->allow ? FLAG_ALLOW : 0);
	if (until > MOST_UNTIL)
		t.v[2] |= FLAG_FOREVER;
	else
		t.v[2] |= (uint64_t)(until > 0 ? until : 0) << 16;
	return t;
}

static struct ban
unpack(const struct text *t)
{
	struct ban b = { .allow = (t->v[2] & FLAG_ALLOW) != 0 };

	memcpy(b.span.addr, t->v, 16);
	b.span.bits = (uint8_t)(t->v[2] >> 8);
	b.span.v6 = (t->v[2] & FLAG_V6) != 0;
	b.span.until_unix_s = (t->v[2] & FLAG_FOREVER) != 0 ?
		SPANS_FOREVER : (int64_t)(t->v[2] >> 16);
	return b;
}

/* A whole entry; false: none, or half of one. */
static bool
read_entry(const struct segment *s, const struct shm_ban *e, struct ban *b_r)
{
	uint64_t check = atomic_load(&e->check);
	struct text t;

	if (check == 0)
		return false;
	for (int i = 0; i < 3; i++)
		t.v[i] = atomic_load(&e->text[i]);
	if (digest_of(s, &t) != check)
		return false;
	*b_r = unpack(&t);
	return b_r->span.bits <= (b_r->span.v6 ? 128 : 32);
}

static bool
is_block(const struct span *a, const struct span *b)
{
	return a->v6 == b->v6 && a->bits == b->bits &&
		memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

static uint32_t
entries(const struct shm_bans *t)
{
	uint32_t n = atomic_load(&t->n);

	return n < BANS_PLACES ? n : BANS_PLACES;
}

/* ---- changing, under the lock ------------------------------------------------ */

static void
begin_locked(struct shm_bans *t)
{
	atomic_store(&t->seq, atomic_load(&t->seq) | 1);
}

static void
end_locked(struct shm_bans *t)
{
	atomic_store(&t->seq, (atomic_load(&t->seq) | 1) + 1);
}

void
bans_repair_locked(struct shm_file *f)
{
	if ((atomic_load(&f->bans.seq) & 1) != 0)
		end_locked(&f->bans);
}

static void
write_entry(const struct segment *s, struct shm_ban *e, const struct ban *b)
{
	struct text t = pack(b);

	atomic_store(&e->check, 0);
	for (int i = 0; i < 3; i++)
		atomic_store(&e->text[i], t.v[i]);
	atomic_store(&e->check, digest_of(s, &t));
}

/* A place nobody uses; NULL: there are as many entries as there may be, and
 * none for the block. */
static struct shm_ban *
room_locked(struct segment *s, const struct span *block, int64_t now_unix_s)
{
	struct shm_bans *t = &s->file->bans;
	uint32_t n = entries(t), live = 0;
	struct shm_ban *room = NULL;
	struct ban b;

	for (uint32_t i = 0; i < n; i++) {
		if (read_entry(s, &t->v[i], &b) &&
		    b.span.until_unix_s > now_unix_s)
			live += !is_block(&b.span, block);
		else if (room == NULL)
			room = &t->v[i];
	}
	if (live >= BANS_MOST || (room == NULL && n == BANS_PLACES))
		return NULL;
	if (room != NULL)
		return room;
	atomic_store(&t->n, n + 1);
	return &t->v[n];
}

/* All entries for the block, but one. */
static bool
drop_locked(struct segment *s, const struct span *block,
	const struct shm_ban *keep)
{
	struct shm_bans *t = &s->file->bans;
	uint32_t n = entries(t);
	bool found = false;
	struct ban b;

	for (uint32_t i = 0; i < n; i++) {
		if (&t->v[i] == keep || !read_entry(s, &t->v[i], &b) ||
		    !is_block(&b.span, block))
			continue;
		atomic_store(&t->v[i].check, 0);
		found = true;
	}
	return found;
}

enum bans_word
bans_put(struct segment *s, const struct ban *b, int64_t now_unix_s)
{
	struct shm_ban *e;

	if (!shm_lock(s->file))
		return BANS_BUSY;
	begin_locked(&s->file->bans);
	e = room_locked(s, &b->span, now_unix_s);
	if (e != NULL) {
		write_entry(s, e, b);
		atomic_fetch_add(&s->file->bans.moves, 1);
		drop_locked(s, &b->span, e);
	}
	end_locked(&s->file->bans);
	shm_unlock(s->file);
	return e != NULL ? BANS_DONE : BANS_FULL;
}

enum bans_word
bans_drop(struct segment *s, const struct span *block)
{
	bool found;

	if (!shm_lock(s->file))
		return BANS_BUSY;
	begin_locked(&s->file->bans);
	found = drop_locked(s, block, NULL);
	end_locked(&s->file->bans);
	shm_unlock(s->file);
	return found ? BANS_DONE : BANS_NONE;
}

/* ---- reading -------------------------------------------------------------------- */

static uint32_t
read_all(const struct segment *s, struct ban *v, uint32_t room)
{
	const struct shm_bans *t = &s->file->bans;
	uint32_t n = entries(t), count = 0;

	for (uint32_t i = 0; i < n && count < room; i++)
		count += read_entry(s, &t->v[i], &v[count]);
	return count;
}

/* No entry was missed because it moved meanwhile. */
static bool
is_whole(const struct shm_bans *t, uint32_t moves, uint32_t room)
{
	return atomic_load(&t->moves) == moves && entries(t) <= room;
}

/* All entries, each as it was before or after what changes it just now; the
 * room is for all that were there.  The number at which nothing changed goes
 * to seen_r; it is odd when there was no such moment. */
static uint32_t
read_whole(const struct segment *s, struct ban *v, uint32_t room,
	uint32_t *seen_r)
{
	const struct shm_bans *t = &s->file->bans;
	uint32_t n = 0;
	bool whole = false;

	for (int i = 0; i < TRIES && !whole; i++) {
		uint32_t moves = atomic_load(&t->moves);

		*seen_r = atomic_load(&t->seq);
		n = read_all(s, v, room);
		whole = is_whole(t, moves, room);
	}
	if (!whole || atomic_load(&t->seq) != *seen_r)
		*seen_r |= 1;
	return n;
}

static int
order(const struct ban *a, const struct ban *b)
{
	if (a->span.v6 != b->span.v6)
		return a->span.v6 ? 1 : -1;
	return memcmp(a->span.addr, b->span.addr, sizeof(a->span.addr));
}

uint32_t
bans_list(const struct segment *s, int64_t now_unix_s, struct ban *v_r,
	uint32_t room)
{
	uint32_t seen, n = read_whole(s, v_r, room, &seen), count = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct ban b = v_r[i];
		uint32_t k = count;

		if (b.span.until_unix_s <= now_unix_s)
			continue;
		for (; k > 0 && order(&b, &v_r[k - 1]) < 0; k--)
			v_r[k] = v_r[k - 1];
		v_r[k] = b;
		count++;
	}
	return count;
}

/* ---- a process's view ------------------------------------------------------------ */

struct bans *
bans_open(struct segment *s, struct arena *a)
{
	struct bans *b = ARENA_NEW(a, struct bans);

	b->segment = s;
	b->seen = 1;
	return b;
}

void
bans_close(struct bans *b)
{
	arena_free(b->arena);
	b->arena = NULL;
	b->view = (struct bans_view){ NULL, NULL };
}

static const struct spans *
sorted(const struct ban *v, uint32_t n, bool allow, struct arena *a)
{
	struct span *some = ARENA_ARRAY(a, struct span, n);
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (v[i].allow == allow)
			some[count++] = v[i].span;
	}
	return count > 0 ? spans_new(some, count, a) : NULL;
}

/* Somebody was killed while he changed something, or is at it just now. */
static void
heal(struct segment *s)
{
	if (s->read_only || !shm_try(s->file))
		return;
	bans_repair_locked(s->file);
	shm_unlock(s->file);
}

static void
renew(struct bans *b)
{
	struct arena *old = b->arena;
	struct ban *v;
	uint32_t n;

	if ((atomic_load(&b->segment->file->bans.seq) & 1) != 0)
		heal(b->segment);
	b->arena = arena_new(VIEW_ARENA);
	n = entries(&b->segment->file->bans) + MORE;
	v = ARENA_ARRAY(b->arena, struct ban, n);
	n = read_whole(b->segment, v, n, &b->seen);
	b->view.banned = sorted(v, n, false, b->arena);
	b->view.allowed = sorted(v, n, true, b->arena);
	arena_free(old);
}

struct bans_view
bans_look(struct bans *b)
{
	if (b->segment != NULL && ((b->seen & 1) != 0 ||
	    atomic_load(&b->segment->file->bans.seq) != b->seen))
		renew(b);
	return b->view;
}

/* Half an entry counts as none; what is whole is one of ours. */
bool
bans_valid(const struct segment *s, const char **why_r)
{
	if (atomic_load(&s->file->bans.n) <= BANS_PLACES)
		return true;
	*why_r = "bans: more entries than there is room for";
	return false;
}
