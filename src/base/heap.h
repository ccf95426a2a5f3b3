/* SPDX-License-Identifier: MIT */
/*
 * heap -- what malloc() keeps between bursts, and when it gives it back
 *
 * Sharing: the whole process.  Waits: never.  Where the C library has no say
 * in this, nothing happens.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

/* From here on up to MAX_FREE_HEAP bytes at the end of the heap stay when they
 * are free.  For processes that serve; call it once, early. */
void heap_keep(void);

/* All free pages go back to the kernel: some microseconds for each one, so
 * only when there is nothing to do. */
void heap_give_back(void);

#endif
