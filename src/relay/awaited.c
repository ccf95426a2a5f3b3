/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/awaited.h"

#include "base/arena.h"
#include "base/limits.h"

const struct jdoc_limits awaited_limits = { .depth = MAX_JSON_DEPTH,
	.values = 4 * MAX_JSON_VALUES, .batch = MAX_JSON_VALUES };

/* Read once: an upstream may escape an id in another way than the client. */
struct awaited_id {
	struct str raw, text;		/* text.p NULL: not a string */
	bool given;
};

static struct str
text_of(struct arena *a, struct jdoc_span id)
{
	struct str text;

	return jdoc_unquote(a, id, &text) ? text : STR_NONE;
}

struct awaited
awaited_new(struct arena *a, const struct str *ids, uint32_t n)
{
	struct awaited w = { ARENA_ARRAY(a, struct awaited_id, n), n, n };

	for (uint32_t i = 0; i < n; i++) {
		struct jdoc_span id = { ids[i], JDOC_STRING };

		w.v[i] = (struct awaited_id){ ids[i], text_of(a, id), false };
	}
	return w;
}

static bool
is_answer(const struct jdoc_message *m)
{
	return m->result.type != JDOC_ABSENT || m->error.type != JDOC_ABSENT;
}

bool
awaited_take(struct awaited *w, struct arena *a, const struct jdoc_message *m)
{
	struct str its;

	if (!is_answer(m) || w->left == 0)
		return false;
	its = text_of(a, m->id);
	for (uint32_t i = 0; i < w->n; i++) {
		struct awaited_id *id = &w->v[i];

		if (id->given || (!str_eq(id->raw, m->id.raw) &&
		    (id->text.p == NULL || its.p == NULL ||
		    !str_eq(id->text, its))))
			continue;
		id->given = true;
		w->left--;
		return true;
	}
	return false;
}

bool
awaited_next(const struct awaited *w, uint32_t *i, struct str *id_r)
{
	for (; *i < w->n; (*i)++) {
		if (w->v[*i].given)
			continue;
		*id_r = w->v[(*i)++].raw;
		return true;
	}
	return false;
}
