/* SPDX-License-Identifier: MIT */
/*
 * walk -- members and elements of JSON that has been checked, as bytes
 *
 * For texts that jdoc_check() has found good: no tree is made, what comes out
 * lies in the text.  Anything else ends the walk early; nothing outside of
 * the text is ever read.
 *
 * Lifetime: that of the text; only what had escapes lies in the arena.
 */
#ifndef MCP_WALK_H
#define MCP_WALK_H

#include "base/jdoc.h"

struct walk {
	const char *p, *end;
	bool object;
};

/* container: the bytes of an object or array, its brackets included, and the
 * blanks around them. */
struct walk walk_into(struct str container);

/* The next member or element; name_r: with its quotes, "" in an array. */
bool walk_next(struct walk *w, struct str *name_r, struct jdoc_span *value_r);

/* A name as it stands in the text means this one. */
bool walk_named(struct arena *a, struct str name, const char *wanted);

/* The member of an object; type JDOC_ABSENT: there is none. */
struct jdoc_span walk_member(struct arena *a, struct jdoc_span object,
	const char *name);

/* The text of a member that is a string; false: it is none. */
bool walk_text(struct arena *a, struct jdoc_span object, const char *name,
	struct str *text_r);

#endif
