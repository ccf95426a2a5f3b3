/* SPDX-License-Identifier: MIT */
/*
 * jdoc_names -- the names of all open objects; for jdoc_scan.c alone
 *
 * Lifetime: the first list is the caller's, larger ones and tables lie in the
 * arena.  The names of an object are the last ones of the list; when it ends,
 * the scanner sets n back to its first.
 */
#ifndef BASE_JDOC_NAMES_H
#define BASE_JDOC_NAMES_H

#include "base/str.h"

struct jdoc_name {
	struct str text;		/* unescaped */
	const char *at;			/* its opening quote */
};

struct jdoc_names {
	struct arena *arena;
	struct jdoc_name *list;
	uint32_t n, room;		/* room > 0 */
};

/* The names of one object. */
struct jdoc_scope {
	uint32_t first;			/* in the list */
	uint32_t table_room;		/* a power of two */
	uint32_t *table;		/* places in the list + 1; 0: free */
};

/* NULL: the name is new, and added.  Else: the same name, added before. */
const struct jdoc_name *jdoc_names_add(struct jdoc_names *all,
	struct jdoc_scope *scope, struct str text, const char *at);

#endif
