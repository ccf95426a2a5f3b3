/* SPDX-License-Identifier: MIT */
/*
 * arena -- zeroed, aligned, counted, ended in order
 */
#include "config.h"
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "kit/tap.h"

static bool
all_are(const char *p, size_t n, char c)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != c)
			return false;
	}
	return true;
}

/* Pieces of all sizes are zero, aligned, and keep what is written there. */
static void
test_pieces(void)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 100, 3000, 4000, 4096,
		5000, 70000, 1000000, 1, 33 };
	enum { N = sizeof(sizes) / sizeof(sizes[0]) };
	struct arena *a = arena_new(MIB(16));
	char *p[N];
	bool zeroed = true, aligned = true, kept = true;

	for (int i = 0; i < N; i++) {
		p[i] = arena_alloc(a, sizes[i]);
		zeroed = zeroed && all_are(p[i], sizes[i], 0);
		aligned = aligned &&
			(uintptr_t)p[i] % _Alignof(max_align_t) == 0;
		memset(p[i], i + 1, sizes[i]);
	}
	for (int i = 0; i < N; i++)
		kept = kept && all_are(p[i], sizes[i], (char)(i + 1));
	OK(zeroed);
	OK(aligned);
	OK(kept);
	OK(p[0] != p[1]);
	arena_free(a);
	arena_free(NULL);
}

/* Chunks that served before serve again, as if they were new.  Each round
 * fills them to another height. */
static void
test_again(void)
{
	bool zeroed = true;

	for (size_t i = 0; i < 200; i++) {
		struct arena *a = arena_new(KIB(64));
		size_t n = 1000 + i * 7 % 1900;

		for (int k = 0; k < 4; k++) {	/* the last in the second */
			char *p = arena_alloc(a, n);

			zeroed = zeroed && all_are(p, n, 0);
			memset(p, 'x', n);
		}
		arena_free(a);
	}
	OK(zeroed);
}

/* What a kept chunk held is gone before anybody asks for it. */
static void
test_wiped(void)
{
	struct arena *a = arena_new(KIB(64));
	char *small = arena_alloc(a, 2000), *next = arena_alloc(a, 4000);

	memset(small, 's', 2000);
	memset(next, 's', 4000);
	arena_free(a);
	a = arena_new(KIB(64));
	OK(arena_alloc(a, 2000) == small && arena_alloc(a, 4000) == next);
	OK(all_are(small, 2000, 0) && all_are(next, 4000, 0));
	arena_free(a);
}

static void
test_larger(void)
{
	struct arena *a = arena_new(KIB(64));
	char own[3] = { 'a', 'b', 'c' }, *p, *q;

	p = arena_larger(a, own, 3, 10);
	OK(memcmp(p, "abc", 3) == 0 && all_are(p + 3, 7, 0));
	OK(arena_larger(a, p, 10, 20) == p);
	(void)arena_alloc(a, 1);
	q = arena_larger(a, p, 20, 40);
	OK(q != p && memcmp(q, "abc", 3) == 0 && all_are(q + 3, 37, 0));
	OK(all_are(arena_larger(a, NULL, 0, 5), 5, 0));
	arena_free(a);
}

static void
test_budget(void)
{
	struct arena *a = arena_new(10000);

	while (arena_used(a) + 200 <= 10000)
		(void)arena_alloc(a, 100);
	OK(!arena_over(a));
	memset(arena_alloc(a, 20000), 'x', 20000);
	OK(arena_over(a));
	OK(arena_used(a) >= 30000 - 200);
	arena_free(a);
}

static void
test_grow(void)
{
	struct arena *a = arena_new(MIB(1));
	char *p = arena_alloc(a, 100), *q;

	memset(p, 'p', 100);
	OK(arena_grow(a, p, 100, 1000));
	OK(all_are(p, 100, 'p') && all_are(p + 100, 900, 0));
	memset(p, 'p', 1000);
	q = arena_alloc(a, 10);
	memset(q, 'q', 10);
	OK(all_are(p, 1000, 'p'));
	OK(!arena_grow(a, p, 1000, 1001));	/* no longer the newest */
	OK(!arena_grow(a, q, 10, 100000));	/* no room behind it */
	OK(all_are(q, 10, 'q'));
	p = arena_alloc(a, 500000);		/* in a chunk of its own */
	OK(!arena_grow(a, p, 500000, 500100));
	arena_free(a);
}

static char order[8];
static size_t n_order;

static void
note(void *what)
{
	order[n_order++] = *(char *)what;
}

struct late {
	struct arena *a;
	char *letter;
};

static void
defer_late(void *what)
{
	struct late *late = what;

	arena_defer(late->a, note, late->letter);
	(void)arena_alloc(late->a, 100);
}

static void
test_defer(void)
{
	struct arena *a = arena_new(KIB(64));
	char letters[] = "abc";
	struct late late = { a, &letters[2] };

	arena_defer(a, note, &letters[0]);
	arena_defer(a, note, &letters[1]);
	arena_defer(a, defer_late, &late);
	arena_free(a);
	IS_STR(((struct str){ order, n_order }), "cba");
}

int
main(void)
{
	test_pieces();
	test_again();
	test_wiped();
	test_larger();
	test_budget();
	test_grow();
	test_defer();
	return tap_done();
}
