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

/* Members that policy reads.  Those without a place are kept clean, or only
 * looked into. */
struct member {
	struct str name;
	size_t place;			/* in struct jdoc_message */
	enum jdoc_role role;		/* of the value, when an object */
	bool clean;
};

#define NAME(name) { "" name, sizeof(name) - 1 }
#define MEMBER(name, field, role) { NAME(name), \
	offsetof(struct jdoc_message, field), role, true }
#define CLEAN(name) { NAME(name), NO_SPAN, JDOC_ROLE_NONE, true }
#define INSIDE(name, role) { NAME(name), NO_SPAN, role, false }
#define KNOWN(name) INSIDE(name, JDOC_ROLE_NONE)

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
	INSIDE("ref", JDOC_ROLE_REF),
	INSIDE("notifications", JDOC_ROLE_WATCHED),
	CLEAN("requestId"),
	CLEAN("sessionId"),
	CLEAN("progressToken"),
};

static const struct member in_meta[] = {
	MEMBER("io.modelcontextprotocol/protocolVersion", meta_version,
		JDOC_ROLE_NONE),
	CLEAN("progressToken"),
};

/* completion/complete: what is to be completed. */
static const struct member in_ref[] = {
	KNOWN("type"), KNOWN("name"), KNOWN("uri"),
};

/* subscriptions/listen. */
static const struct member in_watched[] = {
	KNOWN("resourceSubscriptions"),
};

#define LISTED(list) { list, sizeof(list) / sizeof((list)[0]) }

static const struct {
	const struct member *list;
	size_t n;
} members[] = {
	[JDOC_ROLE_MESSAGE] = LISTED(in_message),
	[JDOC_ROLE_PARAMS] = LISTED(in_params),
	[JDOC_ROLE_META] = LISTED(in_meta),
	[JDOC_ROLE_REF] = LISTED(in_ref),
	[JDOC_ROLE_WATCHED] = LISTED(in_watched),
};

/* ---- names that somebody else may take for them -------------------------- */

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Case folding knows a third s and a third k, outside of ASCII. */
static size_t
fold(struct str rest, char *c_r)
{
	if (str_starts(rest, STR("\xC5\xBF"))) {
		*c_r = 's';
		return 2;
	}
	if (str_starts(rest, STR("\xE2\x84\xAA"))) {
		*c_r = 'k';
		return 3;
	}
	*c_r = lower(rest.p[0]);
	return 1;
}

static bool
is_alike(struct str name, struct str word)
{
	size_t i = 0, k = 0;

	while (i < name.n && k < word.n) {
		char c;

		i += fold(str_from(name, i), &c);
		if (c != lower(word.p[k++]))
			return false;
	}
	return i == name.n && k == word.n;
}

/* Those that are only kept clean decide nothing. */
static bool
decides(const struct member *m)
{
	return m->place != NO_SPAN || !m->clean;
}

/* _meta is of many, and nothing in it decides who may do what. */
static void
note_alike(enum jdoc_role role, struct str name, struct jdoc_message *message)
{
	const struct member *list = members[role].list;
	size_t i = 0;

	while (i < members[role].n &&
	    !(decides(&list[i]) && is_alike(name, list[i].name)))
		i++;
	if (i == members[role].n || role == JDOC_ROLE_META)
		return;
	if (role == JDOC_ROLE_MESSAGE)
		message->alike = true;
	else
		message->alike_in_params = true;
}

struct jdoc_next
jdoc_next_of(enum jdoc_role role, struct str name,
	struct jdoc_message *message)
{
	struct jdoc_next next = { .span = NULL };

	for (size_t i = 0; i < members[role].n; i++) {
		const struct member *m = &members[role].list[i];

		if (!str_eq(m->name, name))
			continue;
		next.steering = m->clean;
		next.role = m->role;
		if (m->place != NO_SPAN)
			next.span = (struct jdoc_span *)(void *)
				((char *)message + m->place);
		return next;
	}
	note_alike(role, name, message);
	return next;
}
