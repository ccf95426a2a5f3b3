/* SPDX-License-Identifier: MIT */
/*
 * stage -- the private memory that libfcgi reads a request from
 *
 * A small request is laid at the end of a mapped window, which is all of a
 * memory file: laying and wiping cost no system call, setting the offset costs
 * a small one, and a reader that asks for more than there is stops at the end
 * of the file instead of copying what nobody wants.  The bytes lie in the same
 * few pages each time.  A large request is written into a file of its own.
 * Lifetime: one stage per worker, made after fork.
 * Promise: no byte of another request is in what the descriptor gives.
 */
#ifndef DOOR_STAGE_H
#define DOOR_STAGE_H

#include "door/bytes.h"

struct stage;

/* dir: where an unlinked file may lie when the kernel has no memfd; NULL:
 * the run directory. */
struct stage *stage_new(const char *dir);
void stage_free(struct stage *s);

/* Makes files of unlinked names instead of memory files from now on. */
void stage_use_file(struct stage *s);

/* The descriptor to read b from, borrowed, or -1: it cannot be had. */
int stage_put(struct stage *s, const struct bytes *b);

/* The reader is done: takes the first n bytes (the variables) out again. */
void stage_wipe(struct stage *s, size_t n);

/* The reader has closed the descriptor, or may have left it anywhere. */
void stage_closed(struct stage *s);
void stage_reset(struct stage *s);

#endif
