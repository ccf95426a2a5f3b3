/* SPDX-License-Identifier: MIT */
/*
 * heap -- what malloc() keeps between bursts, and when it gives it back
 *
 * glibc cuts off the end of the heap as soon as 128 KiB there are free.  Many
 * calls of one turn end together: the pages went with each burst, and came
 * back zeroed, one fault a page, with the next.
 */
#include "config.h"
#include "base/heap.h"

#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif

#include "base/limits.h"

void
heap_keep(void)
{
#ifdef HAVE_MALLOPT
	(void)mallopt(M_TRIM_THRESHOLD, MAX_FREE_HEAP);
#endif
}

void
heap_give_back(void)
{
#ifdef HAVE_MALLOC_TRIM
	(void)malloc_trim(0);
#endif
}
