/* SPDX-License-Identifier: MIT */
/*
 * arena -- memory that ends all at once
 *
 * Lifetime: what is allocated lives until arena_free().
 * Promise: arena_alloc() never returns NULL (no memory at all: abort, the
 * worker is started again).  Passing the budget still succeeds, but turns
 * the arena "over"; the pipeline looks between steps and answers.
 * Secrets: used bytes are wiped at the end.
 * Disadvantage: nothing is given back earlier.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

/* budget: bytes after which arena_over() says yes. */
struct arena *arena_new(size_t budget);

/* Runs the deferred calls newest first, wipes, frees. NULL is allowed. */
void arena_free(struct arena *a);

/* Zeroed, aligned for any object. n may be 0. */
void *arena_alloc(struct arena *a, size_t n);

/* True: the piece p of old_n bytes, the last one handed out, has n bytes now.
 * False: there is no room behind it, nothing changed; take a new one. */
bool arena_grow(struct arena *a, void *p, size_t old_n, size_t n);

/* n bytes in place of the old_n at p, which are kept: the same piece where it
 * can grow, else a new one.  p may lie elsewhere. */
void *arena_larger(struct arena *a, void *p, size_t old_n, size_t n);

/* fn(what) is called by arena_free(). */
void arena_defer(struct arena *a, void (*fn)(void *what), void *what);

bool arena_over(const struct arena *a);
size_t arena_used(const struct arena *a);

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) \
	((type *)arena_alloc((a), sizeof(type) * (size_t)(n)))

#endif
