/* SPDX-License-Identifier: MIT */
/*
 * tap -- what a unit test says: one line per check, exit 1 on failure
 *
 *	int
 *	main(void)
 *	{
 *		OK(1 + 1 == 2);
 *		IS_INT(strlen("abc"), 3);
 *		IS_STR(str_trim(STR(" a ")), "a");
 *		tap_ok(works(i), "row %d works", i);
 *		return tap_done();
 *	}
 *
 * A test that checked nothing fails.
 */
#ifndef KIT_TAP_H
#define KIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static int tap_count, tap_failed;

/* Returns good, so that a test may stop where going on makes no sense. */
static inline bool __attribute__((format(printf, 2, 3)))
tap_ok(bool good, const char *name, ...)
{
	va_list ap;

	tap_count++;
	if (!good)
		tap_failed++;
	printf("%sok %d - ", good ? "" : "not ", tap_count);
	va_start(ap, name);
	vprintf(name, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return good;
}

static inline bool
tap_int(long long got, long long want, const char *what, int line)
{
	bool good = tap_ok(got == want, "line %d: %s is %lld", line, what,
		want);

	if (!good)
		printf("# got %lld\n", got);
	return good;
}

static inline bool
tap_str(struct str got, const char *want, const char *what, int line)
{
	bool good = got.n == strlen(want) &&
		(got.n == 0 || memcmp(got.p, want, got.n) == 0);

	tap_ok(good, "line %d: %s", line, what);
	if (!good)
		printf("# got  '%.*s' (%zu bytes)\n# want '%s'\n",
			STR_ARG(got), got.n, want);
	return good;
}

/* The whole test is skipped; return its value from main(). */
static inline int
tap_skip(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_count);
	if (tap_count == 0)
		printf("# nothing was checked\n");
	return tap_failed > 0 || tap_count == 0 ? 1 : 0;
}

/* TEST_SLOW: so many times longer may things take, in valgrind for one. */
static inline unsigned
tap_slow(void)
{
	const char *text = getenv("TEST_SLOW");
	double n = text != NULL ? strtod(text, NULL) : 1;

	return n < 1 ? 1 : n > 100 ? 100 : (unsigned)n;
}

#define OK(cond) tap_ok((cond), "line %d: %s", __LINE__, #cond)
#define IS_INT(got, want) \
	tap_int((long long)(got), (long long)(want), #got, __LINE__)
#define IS_STR(got, want) tap_str((got), (want), #got, __LINE__)

#endif
