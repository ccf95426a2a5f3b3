/* SPDX-License-Identifier: MIT */
/*
 * jdoc_names -- has this object a name twice?
 *
 * Few names are compared one by one, many through a table of keyed hashes, so
 * that nobody can choose names which make it slow.
 */
#include "config.h"
#include "base/jdoc_names.h"

#include "base/arena.h"
#include "base/digest.h"

#define NAMES_COMPARED	16	/* names in one object, then a table */

/* Keyed once per process, by the first object with many names. */
static uint64_t
hash(struct str name)
{
	static uint8_t key[SIPHASH_KEY];
	static bool keyed;

	if (!keyed)
		digest_random(key, sizeof(key));
	keyed = true;
	return digest_sip(key, name);
}

/* The place of this name: free, or the one of an equal name. */
static uint32_t *
table_place(const struct jdoc_names *all, const struct jdoc_scope *scope,
	struct str name)
{
	uint32_t mask = scope->table_room - 1, at = (uint32_t)hash(name) & mask;

	while (scope->table[at] != 0 &&
	    !str_eq(all->list[scope->table[at] - 1].text, name))
		at = (at + 1) & mask;
	return &scope->table[at];
}

/* A table of twice the size, at most half full, from all names so far. */
static void
table_build(struct jdoc_names *all, struct jdoc_scope *scope)
{
	scope->table_room = scope->table_room > 0 ? 2 * scope->table_room :
		4 * NAMES_COMPARED;
	scope->table = ARENA_ARRAY(all->arena, uint32_t, scope->table_room);
	for (uint32_t i = scope->first; i < all->n; i++)
		*table_place(all, scope, all->list[i].text) = i + 1;
}

/* The same name in this object, or NULL. */
static const struct jdoc_name *
same_name(struct jdoc_names *all, struct jdoc_scope *scope, struct str name)
{
	uint32_t n = all->n - scope->first, at;

	if (n < NAMES_COMPARED) {
		for (uint32_t i = scope->first; i < all->n; i++) {
			if (all->list[i].text.n == name.n &&
			    str_eq(all->list[i].text, name))
				return &all->list[i];
		}
		return NULL;
	}
	if (2 * (n + 1) > scope->table_room)
		table_build(all, scope);
	at = *table_place(all, scope, name);
	return at != 0 ? &all->list[at - 1] : NULL;
}

static void
make_room(struct jdoc_names *all)
{
	size_t each = sizeof(*all->list);

	all->list = arena_larger(all->arena, all->list, all->n * each,
		2 * all->room * each);
	all->room *= 2;
}

const struct jdoc_name *
jdoc_names_add(struct jdoc_names *all, struct jdoc_scope *scope,
	struct str text, const char *at)
{
	const struct jdoc_name *first = same_name(all, scope, text);

	if (first != NULL)
		return first;
	if (all->n == all->room)
		make_room(all);
	all->list[all->n++] = (struct jdoc_name){ text, at };
	if (scope->table != NULL)
		*table_place(all, scope, text) = all->n;
	return NULL;
}
