/* SPDX-License-Identifier: MIT */
/*
 * heap -- what malloc() keeps between bursts, and when it gives it back
 *
 * glibc cuts off the end of the heap as soon as 128 KiB there are free.  Many
 * calls of one turn end together: the pages went with each burst, and came
 * back zeroed, one fault a page, with the next.
 * Who says how much is kept stops glibc from learning from what is freed which
 * blocks are worth a mapping of their own, so that is said, too: bodies of some
 * 100 KiB would be mapped anew with each call.
 */
#include "config.h"
#include "base/heap.h"

#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif

#include "base/limits.h"

#ifdef HAVE_MALLOPT
void
heap_keep(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, MAX_FREE_HEAP);
	(void)mallopt(M_MMAP_THRESHOLD, MAX_FREE_HEAP / 4);
}
#else
void
heap_keep(void)
{
}
#endif

#ifdef HAVE_MALLOC_TRIM
void
heap_give_back(void)
{
	(void)malloc_trim(0);
}
#else
void
heap_give_back(void)
{
}
#endif
