/* SPDX-License-Identifier: MIT */
/*
 * jdoc_stack -- open arrays and objects; for jdoc_scan.c alone
 *
 * Lifetime: the first frames are the caller's, more come from the arena.
 */
#ifndef BASE_JDOC_STACK_H
#define BASE_JDOC_STACK_H

#include "base/jdoc.h"
#include "base/jdoc_names.h"

/* What stands in a container, for JDOC_MESSAGE. */
enum jdoc_role { JDOC_ROLE_NONE, JDOC_ROLE_BATCH, JDOC_ROLE_MESSAGE,
	JDOC_ROLE_PARAMS, JDOC_ROLE_META, JDOC_ROLE_REF, JDOC_ROLE_WATCHED };

struct jdoc_frame {
	struct jdoc_span *span;		/* to fill at the end, or NULL */
	const char *start;
	struct jdoc_scope names;
	enum jdoc_type type;
	enum jdoc_role role;
};

struct jdoc_stack {
	struct arena *arena;
	struct jdoc_frame *frames, *top;	/* top == NULL: none is open */
	uint32_t n, room;		/* room > 0 */
};

void jdoc_stack_push(struct jdoc_stack *s, const struct jdoc_frame *f);
void jdoc_stack_pop(struct jdoc_stack *s);

/* About the value that comes next, said by its name. */
struct jdoc_next {
	struct jdoc_span *span;		/* to fill, or NULL */
	bool steering;			/* policy reads it */
	enum jdoc_role role;		/* when it is an object */
};

/* What `name` says in a container of this role; spans of *message. */
struct jdoc_next jdoc_next_of(enum jdoc_role role, struct str name,
	struct jdoc_message *message);

#endif
