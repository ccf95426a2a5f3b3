/* SPDX-License-Identifier: MIT */
/*
 * fill -- copy what was read into the frozen structs, row by row
 *
 * Nothing is complained about here: a value that was told to be wrong is
 * replaced by its default.
 */
#include "config.h"
#include "conf/load.h"

#include <string.h>


static void
put_number(void *at, size_t size, int64_t v)
{
	uint8_t one = (uint8_t)v;
	uint16_t two = (uint16_t)v;
	uint32_t four = (uint32_t)v;

	if (size == sizeof(one))
		memcpy(at, &one, size);
	else if (size == sizeof(two))
		memcpy(at, &two, size);
	else if (size == sizeof(four))
		memcpy(at, &four, size);
	else
		memcpy(at, &v, sizeof(v));
}

static struct str
text_of(struct loading *l, const struct node *n)
{
	if ((n->row != NULL && (n->row->kind == ROW_WORDS ||
	    n->row->kind == ROW_WORD)))
		return row_word_text(n->row, n->number);
	return str_copy(l->arena, n->text);
}

struct conf_texts
fill_texts(struct loading *l, const struct node *list)
{
	struct conf_texts t = { .set = list != NULL };
	struct str *v;

	if (list == NULL || list->type != JDOC_ARRAY)
		return t;
	v = ARENA_ARRAY(l->arena, struct str, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		if (!list->kids[i]->bad)
			v[t.n++] = text_of(l, list->kids[i]);
	}
	t.v = v;
	return t;
}

/* Sorted once, so that a long list costs no more than a short one. */
static const struct spans *
spans_of(struct loading *l, const struct conf_cidr *v, uint32_t n)
{
	struct span *s = ARENA_ARRAY(l->arena, struct span, n);
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (v[i].unix_peer)
			continue;
		memcpy(s[count].addr, v[i].addr, sizeof(s[count].addr));
		s[count].bits = v[i].bits;
		s[count].v6 = v[i].v6;
		s[count++].until_unix_s = v[i].until_unix_s != 0 ?
			v[i].until_unix_s : SPANS_FOREVER;
	}
	return spans_new(s, count, l->arena);
}

static struct conf_cidrs
read_cidrs(struct loading *l, const struct node *list)
{
	struct conf_cidrs c = { .set = true };
	struct conf_cidr *v;

	v = ARENA_ARRAY(l->arena, struct conf_cidr, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *n = list->kids[i];
		const struct node *until = node_get(n, "until");
		struct str text = n->text;

		if (n->type == JDOC_OBJECT) {
			n = node_get(n, "address");
			text = n != NULL ? n->text : STR("");
		}
		if (!conf_cidr_parse(str_copy(l->arena, text), &v[c.n]))
			continue;
		if (until != NULL && !until->bad)
			v[c.n].until_unix_s = until->number != 0 ?
				until->number : -1;	/* 0: no end */
		c.has_unix |= v[c.n].unix_peer;
		c.n++;
	}
	c.v = v;
	c.spans = spans_of(l, v, c.n);
	return c;
}

static struct read_list *
find_list(struct loading *l, const struct node *list)
{
	for (uint32_t i = 0; i < READ_LISTS; i++) {
		if (l->lists[i].node == list)
			return &l->lists[i];
	}
	return NULL;
}

struct conf_cidrs
fill_cidrs(struct loading *l, const struct node *list)
{
	struct read_list *known;

	if (list == NULL || list->type != JDOC_ARRAY)
		return (struct conf_cidrs){ .set = list != NULL };
	known = find_list(l, list);
	if (known == NULL) {
		known = &l->lists[l->n_lists++ % READ_LISTS];
		*known = (struct read_list){ .node = list,
			.c = read_cidrs(l, list) };
	}
	return known->c;
}

bool
fill_first_look(struct loading *l, const struct node *list)
{
	struct read_list *known = find_list(l, list);

	if (known == NULL)
		return true;
	if (known->checked)
		return false;
	known->checked = true;
	return true;
}

/* One member may hold several values: a pair for each. */
static uint32_t
add_pairs(struct loading *l, const struct node *n, struct conf_pair *v)
{
	struct str name = str_copy(l->arena, n->name);

	if (n->type == JDOC_NULL) {
		*v = (struct conf_pair){ .name = name, .removed = true };
		return 1;
	}
	if (n->bad)
		return 0;
	if (n->type == JDOC_ARRAY) {
		for (uint32_t i = 0; i < n->n; i++) {
			v[i].name = name;
			v[i].value = secret_of(str_copy(l->arena,
			    n->kids[i]->text));
		}
		return n->n;
	}
	v->name = name;
	v->value = secret_of(str_copy(l->arena, n->text));
	return 1;
}

struct conf_pairs
fill_pairs(struct loading *l, const struct node *map)
{
	struct conf_pairs p = { .n = 0 };
	struct conf_pair *v;
	size_t room = 0;

	if (map == NULL || map->type != JDOC_OBJECT)
		return p;
	for (uint32_t i = 0; i < map->n; i++)
		room += 1 + map->kids[i]->n;
	v = ARENA_ARRAY(l->arena, struct conf_pair, room);
	for (uint32_t i = 0; i < map->n; i++)
		p.n += add_pairs(l, map->kids[i], v + p.n);
	p.v = v;
	return p;
}

static void
put_list(struct loading *l, const struct row *r, const struct node *n,
	bool written, void *at)
{
	if (r->kind == ROW_CIDRS) {
		struct conf_cidrs c = fill_cidrs(l, n);

		c.set = written;
		memcpy(at, &c, sizeof(c));
	} else if (r->kind == ROW_KEYS) {
		struct conf_keys k = keys_read(l, n);

		k.set = written;
		memcpy(at, &k, sizeof(k));
	} else {
		struct conf_texts t = fill_texts(l, n);

		t.set = written;
		memcpy(at, &t, sizeof(t));
	}
}

static void
put_scalar(struct loading *l, const struct row *r, const struct node *n,
	void *at)
{
	struct str text;
	struct secret secret;

	switch (r->kind) {
	case ROW_BOOL: case ROW_INT: case ROW_SIZE: case ROW_SWITCH:
		put_number(at, r->size, n->number);
		return;
	case ROW_MS:
		put_number(at, r->size, (r->flags & ROW_SECONDS) != 0 ?
		    (n->number + 999) / 1000 : n->number);
		return;
	case ROW_WORD:
		if (r->size < sizeof(text)) {
			put_number(at, r->size, n->number);
			return;
		}
		text = row_word_text(r, n->number);
		memcpy(at, &text, sizeof(text));
		return;
	case ROW_SECRET:
		secret = secret_of(str_copy(l->arena, n->text));
		memcpy(at, &secret, sizeof(secret));
		return;
	default:
		text = str_copy(l->arena, n->text);
		memcpy(at, &text, sizeof(text));
	}
}

static void
fill_one(struct loading *l, const struct row *r, const struct node *n,
	char *into)
{
	bool written = n != NULL && n->type != JDOC_NULL && !n->bad;

	if (!written)
		n = value_preset(l, r, NULL);
	if (n == NULL)
		return;
	if (row_is_list(r)) {
		put_list(l, r, n, written, into + r->offset);
		return;
	}
	put_scalar(l, r, n, into + r->offset);
}

void
fill_rows(struct loading *l, const char *scope, const struct node *block,
	void *into)
{
	size_t n = strlen(scope);

	for (size_t i = 0; i < schema_count(); i++) {
		const struct row *r = schema_row(i);

		if (r->size == 0 || strncmp(r->key, scope, n) != 0 ||
		    r->key[n] != '.')
			continue;
		fill_one(l, r, node_at(block, r->key + n + 1), into);
	}
}
