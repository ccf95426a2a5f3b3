/* SPDX-License-Identifier: MIT */
/*
 * heap -- bursts find their pages again, and who is idle keeps none
 */
#include "config.h"
#include "base/heap.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"
#include "kit/tap.h"

#define BLOCK	KIB(8)		/* below what malloc() maps for itself */
#define BODY	KIB(400)	/* below what door/bytes.c maps */
#define BURSTS	20

/* Of a burst; on some machines they are larger than elsewhere. */
static long
pages(void)
{
	return (long)(MAX_FREE_HEAP / 2) / sysconf(_SC_PAGESIZE);
}

static long
faults(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_SELF, &u);
	return u.ru_minflt;
}

static void
burst(size_t bytes)
{
	static char *blocks[MAX_FREE_HEAP / BLOCK];
	size_t n = bytes / BLOCK;

	for (size_t i = 0; i < n; i++) {
		blocks[i] = malloc(BLOCK);
		if (blocks[i] == NULL)
			abort();
		memset(blocks[i], 1, BLOCK);
	}
	for (size_t i = n; i > 0; i--)
		free(blocks[i - 1]);
}

/* Page faults of a row of bursts, after the first. */
static long
faults_of_bursts(void)
{
	long before;

	burst(MAX_FREE_HEAP / 2);
	before = faults();
	for (int i = 0; i < BURSTS; i++)
		burst(MAX_FREE_HEAP / 2);
	return faults() - before;
}

/* The same for blocks that a large body needs. */
static long
faults_of_bodies(void)
{
	long before = faults();

	for (int i = 0; i <= BURSTS; i++) {
		char *p = malloc(BODY);

		if (p == NULL)
			abort();
		memset(p, 1, BODY);
		free(p);
		if (i == 0)
			before = faults();
	}
	return faults() - before;
}

/* Sanitizers and valgrind put a malloc() of their own in place. */
#ifdef HAVE_MALLINFO2
static bool
is_glibc(void)
{
	burst(BLOCK);
	return mallinfo2().arena > 0;
}
#else
static bool
is_glibc(void)
{
	return false;
}
#endif

int
main(void)
{
	long before;

	if (!is_glibc())
		return tap_skip("another malloc()");
	OK(faults_of_bursts() > pages() / 3 * BURSTS);
	heap_keep();
	OK(faults_of_bursts() < BURSTS);

	heap_give_back();
	before = faults();
	burst(MAX_FREE_HEAP / 2);
	OK(faults() - before > pages() * 3 / 4);

	heap_give_back();	/* nothing is there that they would fit into */
	OK(faults_of_bodies() < BURSTS);
	return tap_done();
}
