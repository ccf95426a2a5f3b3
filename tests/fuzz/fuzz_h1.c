/* SPDX-License-Identifier: MIT */
/*
 * fuzz_h1 -- a reply means the same, however the bytes are cut
 *
 * The first byte is the length of the pieces, and of the first of two.
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "fuzz/fuzz.h"
#include "kit/outline.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str bytes = { (const char *)p, n }, one;
	struct arena *a = arena_new(64 << 20);
	size_t cut = n > 0 && p[0] > 0 ? p[0] : 1;

	bytes = str_from(bytes, 1);
	one = outline(a, bytes, 0, bytes.n + 1);
	if (!str_eq(one, outline(a, bytes, 0, cut)) ||
	    !str_eq(one, outline(a, bytes, cut, bytes.n + 1)) ||
	    !str_eq(one, outline(a, bytes, 0, 1)))
		abort();
	arena_free(a);
	return 0;
}
