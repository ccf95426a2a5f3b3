/* SPDX-License-Identifier: MIT */
/*
 * bytes -- growing by steps, never by realloc(): the old copy is wiped
 *
 * Large pieces are mappings of their own: the kernel moves their pages
 * instead of copying, and has them back at once.
 */
#include "config.h"
#include "door/bytes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAPPED		KIB(512) /* room from which on a piece is a mapping */

void
bytes_pool_init(struct bytes_pool *l, size_t most)
{
	memset(l, 0, sizeof(*l));
	l->most = most;
}

void
bytes_pool_clear(struct bytes_pool *l)
{
	while (l->n_spare > 0)
		free(l->spare[--l->n_spare]);
}

/* No memory: abort, as the arena does. */
static uint8_t *
checked(void *p)
{
	if (p == NULL || p == MAP_FAILED)
		abort();
	return p;
}

static uint8_t *
piece_new(struct bytes_pool *l, size_t room)
{
	if (room == BYTES_FIRST && l->n_spare > 0)
		return l->spare[--l->n_spare];
	if (room >= MAPPED)
		return checked(mmap(NULL, room, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	return checked(malloc(room));
}

static void
piece_free(struct bytes_pool *l, struct bytes *b)
{
	if (b->room >= MAPPED) {
		munmap(b->p, b->room);
		return;
	}
	explicit_bzero(b->p, b->n < BYTES_WIPED ? b->n : BYTES_WIPED);
	if (b->room == BYTES_FIRST && l->n_spare < BYTES_SPARES)
		l->spare[l->n_spare++] = b->p;
	else
		free(b->p);
}

/* The bytes of b in a piece of another size. */
static uint8_t *
piece_resize(struct bytes_pool *l, struct bytes *b, size_t room)
{
	uint8_t *p;

	if (b->room >= MAPPED && room >= MAPPED)
		return checked(mremap(b->p, b->room, room, MREMAP_MAYMOVE));
	p = piece_new(l, room);
	if (b->p != NULL) {
		memcpy(p, b->p, b->n);
		piece_free(l, b);
	}
	return p;
}

static bool
move_to(struct bytes *b, struct bytes_pool *l, size_t room)
{
	uint8_t *p;

	if (room > l->most - (l->held - b->room))
		return false;
	p = piece_resize(l, b, room);
	l->held = l->held - b->room + room;
	b->p = p;
	b->room = room;
	return true;
}

/* Small pieces grow fast, large ones waste little. */
static size_t
next_room(size_t room)
{
	return room < MAPPED / 4 ? room * 4 : room * 2;
}

bool
bytes_reserve(struct bytes *b, struct bytes_pool *l, size_t more)
{
	size_t room = b->room > 0 ? b->room : BYTES_FIRST;

	if (more <= b->room - b->n)
		return true;
	if (more > SIZE_MAX / 4 - b->n)
		return false;
	while (room - b->n < more)
		room = next_room(room);
	return move_to(b, l, room);
}

bool
bytes_add(struct bytes *b, struct bytes_pool *l, const void *p, size_t n)
{
	if (n == 0)
		return true;
	if (!bytes_reserve(b, l, n))
		return false;
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return true;
}

void
bytes_cut(struct bytes *b, size_t n)
{
	b->n -= n;
	memmove(b->p, b->p + n, b->n);
}

void
bytes_trim(struct bytes *b, struct bytes_pool *l, size_t n)
{
	size_t room = BYTES_FIRST;

	b->n = n;
	while (room < n + BYTES_SLACK)
		room *= 2;
	if (room < b->room)
		move_to(b, l, room);	/* smaller: cannot fail */
}

void
bytes_drop(struct bytes *b, struct bytes_pool *l)
{
	if (b->p != NULL) {
		l->held -= b->room;
		piece_free(l, b);
	}
	memset(b, 0, sizeof(*b));
}
