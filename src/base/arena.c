/* SPDX-License-Identifier: MIT */
/*
 * arena -- a chain of zeroed chunks; the newest is filled from its front
 *
 * A chunk is zero wherever nothing was handed out yet: it comes from
 * calloc(), and the chunks that are kept for the next arena, which are those
 * of the two smallest sizes, are wiped as far as they were used.  So nothing
 * is cleared at arena_alloc(), and a request of usual size allocates nothing.
 */
#include "config.h"
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#endif

#define CHUNK_FIRST	4096	/* bytes with its head; most requests fit */
#define CHUNK_LARGEST	262144	/* bytes; growth by doubling ends here */
#define KEPT_CHUNKS	64	/* of each kept size, per process */
#define KEPT_SIZES	2	/* CHUNK_FIRST and twice that */
#define ALIGN		_Alignof(max_align_t)

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#define GAP		ALIGN	/* bytes nobody may touch, behind each piece */
#define POISON(p, n)	__asan_poison_memory_region((p), (n))
#define UNPOISON(p, n)	__asan_unpoison_memory_region((p), (n))
#else
#define GAP		0
#define POISON(p, n)	((void)0)
#define UNPOISON(p, n)	((void)0)
#endif

struct chunk {
	struct chunk *next;
	size_t room, n;			/* bytes of data: all, handed out */
	_Alignas(max_align_t) char data[];
};

struct deferred {
	struct deferred *next;
	void (*fn)(void *what);
	void *what;
};

struct arena {
	struct chunk *chunks;		/* newest first */
	struct deferred *deferred;
	char *last;			/* the piece handed out last */
	size_t used, budget;
	size_t next_room;
};

/* Chunks of ended arenas, zeroed, ready for the next one; by size. */
static struct {
	struct chunk *list;
	unsigned n;
} kept[KEPT_SIZES];

/* Bytes of data in a kept chunk. */
static size_t
kept_room(int size)
{
	return ((size_t)CHUNK_FIRST << size) - sizeof(struct chunk);
}

static struct chunk *
chunk_new(size_t room)
{
	struct chunk *c = calloc(1, sizeof(*c) + room);

	if (c == NULL)
		abort();
	c->room = room;
	POISON(c->data, room);
	return c;
}

static struct chunk *
chunk_take(int size)
{
	struct chunk *c = kept[size].list;

	if (c == NULL)
		return chunk_new(kept_room(size));
	kept[size].list = c->next;
	kept[size].n--;
	c->next = NULL;
	return c;
}

static void
chunk_end(struct chunk *c)
{
	int size = 0;

	UNPOISON(c->data, c->room);
	explicit_bzero(c->data, c->n);
	while (size < KEPT_SIZES && c->room != kept_room(size))
		size++;
	if (size == KEPT_SIZES || kept[size].n >= KEPT_CHUNKS) {
		free(c);
		return;
	}
	POISON(c->data, c->room);
	c->n = 0;
	c->next = kept[size].list;
	kept[size].list = c;
	kept[size].n++;
}

/* Bytes that a piece of n takes; a piece of none takes some, too. */
static size_t
rounded(size_t n)
{
	if (n > SIZE_MAX / 2)
		abort();
	if (n == 0)
		n = 1;
	return (n + ALIGN - 1) / ALIGN * ALIGN + GAP;
}

static void *
chunk_piece(struct chunk *c, size_t takes, size_t n)
{
	char *p = c->data + c->n;

	c->n += takes;
	UNPOISON(p, n);
	(void)n;
	return p;
}

struct arena *
arena_new(size_t budget)
{
	struct chunk *c = chunk_take(0);
	struct arena *a = chunk_piece(c, rounded(sizeof(*a)), sizeof(*a));

	a->chunks = c;
	a->budget = budget;
	a->next_room = 2 * CHUNK_FIRST;
	return a;
}

/* A new chunk with room for `takes`.  A large piece gets one of its own,
 * behind the newest, whose rest stays in use. */
static struct chunk *
more(struct arena *a, size_t takes)
{
	struct chunk *c;

	if (takes > a->next_room / 2) {
		c = chunk_new(takes);
		c->next = a->chunks->next;
		a->chunks->next = c;
		return c;
	}
	c = a->next_room == kept_room(1) + sizeof(*c) ? chunk_take(1) :
		chunk_new(a->next_room - sizeof(*c));
	c->next = a->chunks;
	a->chunks = c;
	if (a->next_room < CHUNK_LARGEST)
		a->next_room *= 2;
	return c;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	size_t takes = rounded(n);
	struct chunk *c = a->chunks;

	if (c->room - c->n < takes)
		c = more(a, takes);
	a->used += takes;
	a->last = chunk_piece(c, takes, n);
	return a->last;
}

bool
arena_grow(struct arena *a, void *p, size_t old_n, size_t n)
{
	struct chunk *c = a->chunks;
	size_t had = rounded(old_n), takes = rounded(n);

	if (p != a->last || (char *)p + had != c->data + c->n)
		return false;
	if (takes < had || c->room - c->n < takes - had)
		return false;
	c->n += takes - had;
	a->used += takes - had;
	UNPOISON(p, n);
	return true;
}

void *
arena_larger(struct arena *a, void *p, size_t old_n, size_t n)
{
	void *to;

	if (p != NULL && arena_grow(a, p, old_n, n))
		return p;
	to = arena_alloc(a, n);
	if (old_n > 0)
		memcpy(to, p, old_n);
	return to;
}

void
arena_defer(struct arena *a, void (*fn)(void *what), void *what)
{
	struct deferred *d = ARENA_NEW(a, struct deferred);

	d->fn = fn;
	d->what = what;
	d->next = a->deferred;
	a->deferred = d;
}

/* A deferred call may still use the arena, even defer again. */
static void
run_deferred(struct arena *a)
{
	while (a->deferred != NULL) {
		struct deferred *d = a->deferred;

		a->deferred = d->next;
		d->fn(d->what);
	}
}

void
arena_free(struct arena *a)
{
	struct chunk *c, *next;

	if (a == NULL)
		return;
	run_deferred(a);
	for (c = a->chunks; c != NULL; c = next) {	/* a lies in one */
		next = c->next;
		chunk_end(c);
	}
}

bool
arena_over(const struct arena *a)
{
	return a->used > a->budget;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}
