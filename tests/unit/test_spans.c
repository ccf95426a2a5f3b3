/* SPDX-License-Identifier: MIT */
/*
 * spans -- the same verdict as looking at every block, in all orders
 */
#include "config.h"
#include "base/spans.h"

#include <string.h>

#include "base/arena.h"
#include "kit/tap.h"

static struct span
v4(uint32_t addr, uint8_t bits, int64_t until)
{
	struct span s = { .bits = bits, .until_unix_s = until };
	uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);

	for (int i = 0; i < 4; i++)
		s.addr[i] = (uint8_t)((addr & mask) >> (24 - 8 * i));
	return s;
}

static struct span
v6(uint8_t first, uint8_t last, uint8_t bits, int64_t until)
{
	struct span s = { .addr = { [0] = first, [15] = last }, .bits = bits,
		.v6 = true, .until_unix_s = until };

	if (bits < 128)
		s.addr[15] = 0;
	if (bits < 8)
		s.addr[0] &= (uint8_t)(0xff00u >> bits);
	return s;
}

static bool
covers(const struct span *s, const uint8_t addr[16], bool six)
{
	for (unsigned i = 0; i < s->bits; i++) {
		uint8_t bit = (uint8_t)(0x80u >> (i % 8));

		if (((s->addr[i / 8] ^ addr[i / 8]) & bit) != 0)
			return false;
	}
	return s->v6 == six;
}

static bool
slow_has(const struct span *v, uint32_t n, const uint8_t addr[16], bool six,
	int64_t now)
{
	for (uint32_t i = 0; i < n; i++) {
		if (v[i].until_unix_s > now && covers(&v[i], addr, six))
			return true;
	}
	return false;
}

static uint32_t x = 1;

static uint32_t
next(uint32_t below)
{
	x = x * 1664525 + 1013904223;
	return (x >> 8) % below;
}

/* Few bits, so that blocks lie in each other, repeat and touch. */
static void
fill(struct span *v, uint32_t n)
{
	static const uint8_t bits[] = { 0, 1, 8, 9, 16, 24, 28, 30, 31, 32 };

	for (uint32_t i = 0; i < n; i++) {
		int64_t until = next(3) == 0 ? SPANS_FOREVER :
			(int64_t)next(20);

		if (next(4) == 0)
			v[i] = v6((uint8_t)next(4), (uint8_t)next(8),
				(uint8_t)(next(3) == 0 ? 128 : next(10)),
				until);
		else
			v[i] = v4(next(4) << 30 | next(16), bits[next(10)],
				until);
	}
}

static uint32_t
wrong(const struct spans *t, const struct span *v, uint32_t n)
{
	uint32_t bad = 0;

	for (uint32_t i = 0; i < 200; i++) {
		bool six = i % 4 == 0;
		struct span a = six ? v6((uint8_t)next(5), (uint8_t)next(9),
			128, 0) : v4(next(4) << 30 | next(20), 32, 0);
		int64_t now = next(22);

		bad += spans_has(t, a.addr, six, now) !=
			slow_has(v, n, a.addr, six, now);
	}
	return bad;
}

static void
check_random(void)
{
	struct span v[40];
	uint32_t bad = 0;

	for (uint32_t round = 0; round < 3000; round++) {
		struct arena *a = arena_new(1 << 16);
		uint32_t n = next(40);

		fill(v, n);
		bad += wrong(spans_new(v, n, a), v, n);
		arena_free(a);
	}
	IS_INT(bad, 0);
}

static void
check_edges(struct arena *a)
{
	static const uint8_t zero[16], ones[16] = { 255, 255, 255, 255, 255,
		255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	struct span all4 = v4(0, 0, SPANS_FOREVER);
	struct span all6 = v6(0, 0, 0, SPANS_FOREVER);
	struct span last4 = v4(UINT32_MAX, 32, 5);
	struct spans *t = spans_new(&all4, 1, a);

	OK(!spans_has(NULL, zero, false, 0));
	OK(!spans_has(spans_new(NULL, 0, a), zero, false, 0));
	OK(spans_has(t, zero, false, 0) && spans_has(t, ones, false, 0));
	tap_ok(!spans_has(t, zero, true, 0), "IPv4 says nothing of IPv6");
	t = spans_new(&all6, 1, a);
	OK(spans_has(t, zero, true, 0) && spans_has(t, ones, true, 0));
	OK(!spans_has(t, ones, false, 0));
	t = spans_new(&last4, 1, a);
	OK(spans_has(t, ones, false, 4));
	tap_ok(!spans_has(t, ones, false, 5), "the end has come");
	OK(!spans_has(t, zero, false, 4));
}

/* Every length of one address, one in the other. */
static void
check_deep(struct arena *a)
{
	struct span v[129], one = v6(0x20, 1, 128, 0);
	struct spans *t;

	for (int i = 0; i <= 128; i++) {
		v[i] = one;
		v[i].bits = (uint8_t)i;
		v[i].until_unix_s = i;
		if (i < 128)
			v[i].addr[15] = 0;
		if (i < 3)
			v[i].addr[0] = 0;
	}
	t = spans_new(v, 129, a);
	OK(spans_has(t, one.addr, true, 127));
	OK(!spans_has(t, one.addr, true, 128));
	one.addr[15] = 0;
	OK(spans_has(t, one.addr, true, 126));
	OK(!spans_has(t, one.addr, true, 127));
}

int
main(void)
{
	struct arena *a = arena_new(1 << 20);

	check_edges(a);
	check_deep(a);
	check_random();
	arena_free(a);
	return tap_done();
}
