/* SPDX-License-Identifier: MIT */
/*
 * jdoc_stack -- what is open while a text is scanned, and what its names mean
 */
#include "config.h"
#include "base/jdoc_stack.h"

#include "base/arena.h"

void
jdoc_stack_push(struct jdoc_stack *s, const struct jdoc_frame *f)
{
	size_t each = sizeof(*f);

	if (s->n == s->room) {
		s->frames = arena_larger(s->arena, s->frames, s->n * each,
			2 * s->room * each);
		s->room *= 2;
	}
	s->top = &s->frames[s->n++];
	*s->top = *f;
}

void
jdoc_stack_pop(struct jdoc_stack *s)
{
	s->n--;
	s->top = s->n > 0 ? s->top - 1 : NULL;
}

/* ---- names that mean something ------------------------------------------- */

#define NO_SPAN SIZE_MAX

/* Members that policy reads; those without a place are only kept clean. */
struct member {
	struct str name;
	size_t place;			/* in struct jdoc_message */
	enum jdoc_role role;			/* of the value, when an object */
};

#define MEMBER(name, field, role) { { "" name, sizeof(name) - 1 }, \
	offsetof(struct jdoc_message, field), role }
#define CLEAN(name) { { "" name, sizeof(name) - 1 }, NO_SPAN, JDOC_ROLE_NONE }

static const struct member in_message[] = {
	MEMBER("jsonrpc", jsonrpc, JDOC_ROLE_NONE),
	MEMBER("id", id, JDOC_ROLE_NONE),
	MEMBER("method", method, JDOC_ROLE_NONE),
	MEMBER("params", params, JDOC_ROLE_PARAMS),
	MEMBER("result", result, JDOC_ROLE_NONE),
	MEMBER("error", error, JDOC_ROLE_NONE),
};

static const struct member in_params[] = {
	MEMBER("name", name, JDOC_ROLE_NONE),
	MEMBER("uri", uri, JDOC_ROLE_NONE),
	MEMBER("taskId", task_id, JDOC_ROLE_NONE),
	MEMBER("_meta", meta, JDOC_ROLE_META),
	MEMBER("protocolVersion", protocol_version, JDOC_ROLE_NONE),
	CLEAN("requestId"),
	CLEAN("sessionId"),
	CLEAN("progressToken"),
};

static const struct member in_meta[] = {
	MEMBER("io.modelcontextprotocol/protocolVersion", meta_version,
		JDOC_ROLE_NONE),
	CLEAN("progressToken"),
};

#define LISTED(list) { list, sizeof(list) / sizeof((list)[0]) }

static const struct {
	const struct member *list;
	size_t n;
} members[] = {
	[JDOC_ROLE_MESSAGE] = LISTED(in_message),
	[JDOC_ROLE_PARAMS] = LISTED(in_params),
	[JDOC_ROLE_META] = LISTED(in_meta),
};

struct jdoc_next
jdoc_next_of(enum jdoc_role role, struct str name,
	struct jdoc_message *message)
{
	struct jdoc_next next = { .span = NULL };

	for (size_t i = 0; i < members[role].n; i++) {
		const struct member *m = &members[role].list[i];

		if (!str_eq(m->name, name))
			continue;
		next.steering = true;
		next.role = m->role;
		if (m->place != NO_SPAN)
			next.span = (struct jdoc_span *)(void *)
				((char *)message + m->place);
		break;
	}
	return next;
}
