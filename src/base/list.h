/* SPDX-License-Identifier: MIT */
/*
 * list -- doubly linked, the link lies inside the element
 *
 * Lifetime: elements belong to whoever made them; a list only joins them.
 *
 * A link that hangs nowhere points to itself; list_init() makes both a head
 * and a free link. list_drop() may be called on a free link.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define LIST_ENTRY(link, type, member) \
	((type *)(void *)((char *)(link) - offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

/* Of a head: no element; of a link: it hangs nowhere. */
static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

/* As the last of the list; l must be free. */
static inline void
list_append(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

static inline void
list_drop(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#endif
