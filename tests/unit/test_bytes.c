/* SPDX-License-Identifier: MIT */
/*
 * bytes -- buffers of one worker stand at their common maximum
 */
#include "config.h"
#include "door/bytes.h"

#include <string.h>

#include "kit/tap.h"

#define PIECES	16
#define PIECE	(MAX_READING / PIECES)

/* So much memory is mapped, and none of it touched. */
static void
test_most(void)
{
	struct bytes_pool pool;
	struct bytes all[PIECES] = { { 0 } }, more = { 0 };

	bytes_pool_init(&pool, MAX_READING);
	for (int i = 0; i < PIECES; i++)
		OK(bytes_reserve(&all[i], &pool, PIECE));
	IS_INT(pool.held, MAX_READING);
	OK(!bytes_reserve(&more, &pool, 1));
	OK(more.p == NULL && more.room == 0);
	OK(!bytes_reserve(&all[0], &pool, PIECE + 1));
	IS_INT(all[0].room, PIECE);
	bytes_drop(&all[0], &pool);
	OK(bytes_add(&more, &pool, "x", 1));
	bytes_drop(&more, &pool);
	for (int i = 0; i < PIECES; i++)
		bytes_drop(&all[i], &pool);
	IS_INT(pool.held, 0);
	bytes_pool_clear(&pool);
}

static void
test_cut_and_trim(void)
{
	struct bytes_pool pool;
	struct bytes b = { 0 };

	bytes_pool_init(&pool, KIB(256));
	OK(bytes_add(&b, &pool, "abcdef", 6));
	bytes_cut(&b, 2);
	OK(b.n == 4 && memcmp(b.p, "cdef", 4) == 0);
	OK(bytes_reserve(&b, &pool, KIB(40)));
	bytes_trim(&b, &pool, 4);
	OK(b.room <= BYTES_FIRST && memcmp(b.p, "cdef", 4) == 0);
	bytes_drop(&b, &pool);
	IS_INT(pool.held, 0);
	bytes_pool_clear(&pool);
}

/* One buffer may have the whole sum, what it has already included; what does
 * not fit changes nothing. */
static void
test_most_of_one(void)
{
	struct bytes_pool pool;
	struct bytes b = { 0 };
	const uint8_t *before;

	bytes_pool_init(&pool, 4 * BYTES_FIRST);
	OK(bytes_add(&b, &pool, "abcd", 4));
	before = b.p;
	OK(bytes_reserve(&b, &pool, BYTES_FIRST - 4));
	tap_ok(b.p == before && b.room == BYTES_FIRST, "just full: it stays");
	OK(bytes_reserve(&b, &pool, BYTES_FIRST - 3));
	IS_INT(b.room, 4 * BYTES_FIRST);
	IS_INT(pool.held, 4 * BYTES_FIRST);
	b.n = b.room;
	OK(!bytes_add(&b, &pool, "e", 1));
	OK(bytes_add(&b, &pool, NULL, 0));
	OK(b.n == 4 * BYTES_FIRST && b.room == 4 * BYTES_FIRST);
	OK(!bytes_reserve(&b, &pool, SIZE_MAX - 4 * BYTES_FIRST));
	OK(!bytes_reserve(&b, &pool, SIZE_MAX));
	OK(memcmp(b.p, "abcd", 4) == 0);
	bytes_drop(&b, &pool);
	OK(!bytes_reserve(&b, &pool, SIZE_MAX));
	OK(b.p == NULL && pool.held == 0);
	bytes_pool_clear(&pool);
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	size_t zeros = 0;

	for (size_t i = 0; i < n; i++)
		zeros += p[i] == 0;
	return zeros == n;
}

/* First pieces are kept, no more than BYTES_SPARES, used again, and no byte
 * of what was in them is. */
static void
test_spares(void)
{
	static char secret[BYTES_FIRST];
	struct bytes b[BYTES_SPARES + 2] = { { 0 } };
	struct bytes_pool pool;
	const uint8_t *first;

	memset(secret, 's', sizeof(secret));
	bytes_pool_init(&pool, MAX_READING);
	OK(bytes_add(&b[0], &pool, secret, sizeof(secret)));
	first = b[0].p;
	bytes_drop(&b[0], &pool);
	IS_INT(pool.n_spare, 1);
	OK(pool.spare[0] == first && all_zero(first, BYTES_FIRST));
	OK(bytes_add(&b[0], &pool, secret, sizeof(secret)));
	OK(b[0].p == first && pool.n_spare == 0);
	OK(bytes_add(&b[0], &pool, secret, 1));
	tap_ok(pool.n_spare == 1 && all_zero(first, BYTES_FIRST),
		"grown out of it");
	bytes_drop(&b[0], &pool);
	tap_ok(pool.n_spare == 1, "a larger piece is not kept");
	for (int i = 0; i < BYTES_SPARES + 2; i++)
		OK(bytes_add(&b[i], &pool, secret, 1));
	for (int i = 0; i < BYTES_SPARES + 2; i++)
		bytes_drop(&b[i], &pool);
	IS_INT(pool.n_spare, BYTES_SPARES);
	IS_INT(pool.held, 0);
	bytes_pool_clear(&pool);
	IS_INT(pool.n_spare, 0);
}

/* What a buffer holds goes with it, from a first piece to a mapping and back,
 * and the sum knows each. */
static void
test_all_sizes(void)
{
	struct bytes_pool pool;
	struct bytes b = { 0 };
	char page[1000];
	size_t n = 0, good = 0;

	bytes_pool_init(&pool, MAX_READING);
	for (; n < 3000; n++) {
		memset(page, (int)(n % 251), sizeof(page));
		good += bytes_add(&b, &pool, page, sizeof(page)) &&
			pool.held == b.room && b.n <= b.room;
	}
	IS_INT(good, n);
	for (size_t left = n * sizeof(page); left > 0; left /= 3) {
		bytes_trim(&b, &pool, left);
		good = pool.held == b.room && b.n == left && left <= b.room;
		for (size_t i = 0; i < left; i++)
			good += b.p[i] == i / sizeof(page) % 251;
		IS_INT(good, left + 1);
	}
	bytes_drop(&b, &pool);
	IS_INT(pool.held, 0);
	bytes_pool_clear(&pool);
}

/* A trimmed buffer keeps some slack; where nothing is won it stays. */
static void
test_slack(void)
{
	static const struct {
		size_t n, room, kept;
	} rows[] = {
		{ BYTES_FIRST - BYTES_SLACK, 4 * BYTES_FIRST, BYTES_FIRST },
		{ BYTES_FIRST - BYTES_SLACK + 1, 4 * BYTES_FIRST,
			2 * BYTES_FIRST },
		{ 0, 4 * BYTES_FIRST, BYTES_FIRST },
		{ 0, BYTES_FIRST, BYTES_FIRST },
		{ BYTES_FIRST, BYTES_FIRST, BYTES_FIRST },
		{ 3 * BYTES_FIRST, 4 * BYTES_FIRST, 4 * BYTES_FIRST },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes_pool pool;
		struct bytes b = { 0 };
		const uint8_t *before;

		bytes_pool_init(&pool, MAX_READING);
		OK(bytes_reserve(&b, &pool, rows[i].room));
		before = b.p;
		memset(b.p, 'x', rows[i].room);
		bytes_trim(&b, &pool, rows[i].n);
		tap_ok(b.room == rows[i].kept && b.n == rows[i].n &&
			pool.held == b.room, "trimmed to %zu", rows[i].n);
		OK((b.p == before) == (rows[i].room == rows[i].kept));
		bytes_drop(&b, &pool);
		bytes_pool_clear(&pool);
	}
}

int
main(void)
{
	test_most();
	test_most_of_one();
	test_cut_and_trim();
	test_spares();
	test_all_sizes();
	test_slack();
	return tap_done();
}
