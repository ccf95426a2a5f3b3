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

int
main(void)
{
	test_most();
	test_cut_and_trim();
	return tap_done();
}
