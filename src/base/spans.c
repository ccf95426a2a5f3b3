/* SPDX-License-Identifier: MIT */
/*
 * spans -- address blocks, sorted once, found by one binary search
 *
 * Two blocks lie in each other or apart, never across.  So a walk over them
 * in order of their beginnings, with a stack of those that are open, cuts
 * the addresses into pieces; each piece knows the last end of all blocks
 * over it.
 */
#include "config.h"
#include "base/spans.h"

#include <stdlib.h>

#include "base/arena.h"

#define MAX_OPEN 130		/* one of each length, and the floor */

/* An address as a number; IPv4 in the upper half of hi. */
struct point {
	uint64_t hi, lo;
};

/* From here on, up to the next piece. */
struct piece {
	struct point from;
	int64_t until_unix_s;		/* INT64_MIN: nothing covers it */
};

struct family {
	struct piece *v;
	uint64_t *heads;		/* v[i].from.hi: what is searched */
	uint32_t n;
};

struct spans {
	struct family v4, v6;
};

struct block {
	struct point from, last;
	int64_t until_unix_s;
};

/* ---- numbers --------------------------------------------------------------- */

static uint64_t
eight(const uint8_t *p)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

static struct point
point_of(const uint8_t addr[16], bool v6)
{
	if (v6)
		return (struct point){ eight(addr), eight(addr + 8) };
	return (struct point){ (uint64_t)addr[0] << 56 |
		(uint64_t)addr[1] << 48 | (uint64_t)addr[2] << 40 |
		(uint64_t)addr[3] << 32, 0 };
}

static bool
is_less(struct point a, struct point b)
{
	return a.hi != b.hi ? a.hi < b.hi : a.lo < b.lo;
}

/* The last address of a block. */
static struct point
last_of(struct point p, unsigned bits)
{
	p.hi |= bits >= 64 ? 0 : UINT64_MAX >> bits;
	p.lo |= bits >= 128 ? 0 : bits <= 64 ? UINT64_MAX :
		UINT64_MAX >> (bits - 64);
	return p;
}

static bool
is_end(struct point p)
{
	return p.hi == UINT64_MAX && p.lo == UINT64_MAX;
}

static struct point
after(struct point p)
{
	p.lo++;
	p.hi += p.lo == 0;
	return p;
}

/* By beginning; of equal ones the larger block first. */
static int
compare(const void *x, const void *y)
{
	const struct block *a = x, *b = y;

	if (is_less(a->from, b->from))
		return -1;
	if (is_less(b->from, a->from))
		return 1;
	return is_less(b->last, a->last) ? -1 : is_less(a->last, b->last);
}

/* ---- making ----------------------------------------------------------------- */

/* The later word about one address counts; what changes nothing is none. */
static void
put(struct family *f, struct point from, int64_t until_unix_s)
{
	if (f->n > 0 && !is_less(f->v[f->n - 1].from, from))
		f->n--;
	if (f->n > 0 && f->v[f->n - 1].until_unix_s == until_unix_s)
		return;
	f->v[f->n++] = (struct piece){ from, until_unix_s };
}

static void
walk(struct family *f, const struct block *v, uint32_t n)
{
	struct block open[MAX_OPEN];
	uint32_t depth = 1;

	open[0] = (struct block){ .last = { UINT64_MAX, UINT64_MAX },
		.until_unix_s = INT64_MIN };
	put(f, open[0].from, INT64_MIN);
	for (uint32_t i = 0; i <= n; i++) {
		struct block b;

		while (depth > 1 && (i == n ||
		    is_less(open[depth - 1].last, v[i].from))) {
			depth--;
			if (!is_end(open[depth].last))
				put(f, after(open[depth].last),
					open[depth - 1].until_unix_s);
		}
		if (i == n)
			return;
		b = v[i];
		if (b.until_unix_s < open[depth - 1].until_unix_s)
			b.until_unix_s = open[depth - 1].until_unix_s;
		put(f, b.from, b.until_unix_s);
		if (depth > 1 && compare(&open[depth - 1], &b) == 0)
			open[depth - 1] = b;	/* the same block again */
		else
			open[depth++] = b;
	}
}

static struct family
family_of(const struct span *v, uint32_t n, bool v6, struct arena *a)
{
	struct family f = { .n = 0 };
	struct block *blocks;
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += v[i].v6 == v6;
	if (count == 0)
		return f;
	blocks = ARENA_ARRAY(a, struct block, count);
	count = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct point from = point_of(v[i].addr, v6);

		if (v[i].v6 == v6)
			blocks[count++] = (struct block){ from,
				last_of(from, v[i].bits),
				v[i].until_unix_s };
	}
	qsort(blocks, count, sizeof(*blocks), compare);
	f.v = ARENA_ARRAY(a, struct piece, 2 * (size_t)count + 1);
	walk(&f, blocks, count);
	f.heads = ARENA_ARRAY(a, uint64_t, f.n);
	for (uint32_t i = 0; i < f.n; i++)
		f.heads[i] = f.v[i].from.hi;
	return f;
}

struct spans *
spans_new(const struct span *v, uint32_t n, struct arena *a)
{
	struct spans *t = ARENA_NEW(a, struct spans);

	t->v4 = family_of(v, n, false, a);
	t->v6 = family_of(v, n, true, a);
	return t;
}

/* ---- finding ------------------------------------------------------------------ */

static bool
begins_after(const struct family *f, uint32_t i, struct point p)
{
	return f->heads[i] != p.hi ? f->heads[i] > p.hi :
		f->v[i].from.lo > p.lo;
}

/* The first piece begins at the lowest address, so there is always one. */
bool
spans_has(const struct spans *t, const uint8_t addr[16], bool v6,
	int64_t now_unix_s)
{
	const struct family *f;
	struct point p;
	uint32_t low = 0, n;

	if (t == NULL)
		return false;
	f = v6 ? &t->v6 : &t->v4;
	p = point_of(addr, v6);
	for (n = f->n; n > 1; ) {
		uint32_t half = n / 2;

		low += begins_after(f, low + half, p) ? 0 : half;
		n -= half;
	}
	return f->n > 0 && f->v[low].until_unix_s > now_unix_s;
}
