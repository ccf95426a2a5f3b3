/* SPDX-License-Identifier: MIT */
/*
 * spans -- address blocks, sorted once, found by one binary search
 *
 * Lifetime: in the arena it is made in; never changed afterwards.
 * Promise: an address is inside exactly when some block of its own family
 * covers it whose time has not come: blocks may lie in each other and end at
 * different times.  The cost grows with the logarithm of their number.
 */
#ifndef BASE_SPANS_H
#define BASE_SPANS_H

#include "base/str.h"

#define SPANS_FOREVER INT64_MAX

/* One block; what stands behind its bits is zero.  IPv4: 4 bytes. */
struct span {
	uint8_t addr[16];
	uint8_t bits;
	bool v6;
	int64_t until_unix_s;		/* SPANS_FOREVER: no end */
};

struct spans;

struct spans *spans_new(const struct span *v, uint32_t n, struct arena *a);

/* t may be NULL: nothing is inside. */
bool spans_has(const struct spans *t, const uint8_t addr[16], bool v6,
	int64_t now_unix_s);

#endif
