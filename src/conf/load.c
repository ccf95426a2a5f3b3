/* SPDX-License-Identifier: MIT */
/*
 * load -- walk a tree by the rows: names, types, values
 *
 * Every node is visited once, so every complaint is made once, where the
 * value stands.
 */
#include "config.h"
#include "conf/load.h"

#include <string.h>
#include <sys/stat.h>


/* ---- literal secrets ---------------------------------------------------------- */
static bool
name_tells_secret(struct str name)
{
	static const char *const words[] = {
		"auth", "key", "token", "secret", "cookie", "password"
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct str w = str_of(words[i]);

		for (size_t at = 0; at + w.n <= name.n; at++) {
			if (str_eq_nocase((struct str){ name.p + at, w.n }, w))
				return true;
		}
	}
	return false;
}

static bool
holds_secret(const struct node *n, const struct row *r)
{
	size_t len = strlen(r->key);

	if (!row_is_secret(r) || !expand_literal(n->raw))
		return false;
	if (len > 4 && strcmp(r->key + len - 4, ".url") == 0)
		return str_find(n->raw, '@') < n->raw.n;
	if (r->key[len - 1] == '*')
		return name_tells_secret(n->name);
	return true;
}

static void
mind_readers(struct loading *l, struct node *n, const struct row *r)
{
	struct tree_file *f = l->file;

	if (n->file != f || f->told_readable || (f->mode & S_IROTH) == 0 ||
	    !holds_secret(n, r))
		return;
	f->told_readable = true;
	report_add(l->report, "E10", n, "\"%.*s\" holds secrets and others may "
	    "read it (mode %04o); chmod 600 or 640", STR_ARG(f->name),
	    f->mode);
}

/* ---- values -------------------------------------------------------------------- */
static void
load_plain(struct loading *l, struct node *n, const struct row *r)
{
	n->row = r;
	if (n->type == JDOC_NULL)
		return;
	if (l->quiet && n->type != JDOC_BOOL) {
		n->bad = true;
		return;
	}
	if (n->type == JDOC_STRING) {
		mind_readers(l, n, r);
		if (!expand_node(l, n, row_is_secret(r)))
			return;
	}
	value_read(l, n, r);
}

static struct node *
piece(struct loading *l, struct node *list, struct str text)
{
	struct node *n = node_text(l->arena, list, NULL, text);

	if (!str_eq(list->raw, list->text))	/* else nothing is hidden */
		n->raw = list->raw;
	n->expanded = list->expanded;
	return n;
}

static bool
splits_at(char c)
{
	return c == ',' || c == '\n' || c == '\r';
}

/* Pieces between commas and line ends, empty ones left out; but a text with
 * nothing in it stays one empty piece where that must be told. */
static void
split_into(struct loading *l, struct node *list, struct str text,
	bool keep_empty)
{
	uint32_t before = list->n;
	size_t from = 0;

	for (size_t i = 0; i <= text.n; i++) {
		struct str part;

		if (i < text.n && !splits_at(text.p[i]))
			continue;
		part = str_trim((struct str){ text.p + from, i - from });
		if (part.n > 0)
			node_add(l->arena, list, piece(l, list, part));
		from = i + 1;
	}
	if (list->n == before && keep_empty)
		node_add(l->arena, list, piece(l, list, STR("")));
}

/* A text instead of a list: its pieces. */
static void
text_to_list(struct loading *l, struct node *n, const struct row *r)
{
	struct str text;

	if (!expand_node(l, n, row_is_secret(r)))
		return;
	text = n->text;
	n->type = JDOC_ARRAY;
	split_into(l, n, text, (r->kind == ROW_KEYS ||
	    r->kind == ROW_SECRETS) && r->preset == NULL);
	for (uint32_t i = 0; i < n->n; i++) {
		n->kids[i]->row = r;
		if (r->kind == ROW_INTS)
			n->kids[i]->type = JDOC_NUMBER;
		value_read(l, n->kids[i], r);
	}
}

static void
load_element(struct loading *l, struct node *n, const struct row *r)
{
	n->row = r;
	if (n->type == JDOC_OBJECT &&
	    (r->kind == ROW_KEYS || r->kind == ROW_BLOCKS)) {
		load_block(l, n, r->refer);
		return;
	}
	if (n->type == JDOC_STRING && r->kind != ROW_BLOCKS) {
		load_plain(l, n, r);
		return;
	}
	if (n->type == JDOC_NUMBER && r->kind == ROW_INTS) {
		load_plain(l, n, r);
		return;
	}
	value_wrong_type(l, n, r);
}

/* Elements of one text with commas become several. */
static void
split_elements(struct loading *l, struct node *list)
{
	struct node **old = list->kids;
	uint32_t n = list->n;

	list->kids = NULL;
	list->n = list->room = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct node *kid = old[i];

		if (kid->type != JDOC_STRING || kid->bad ||
		    str_find(kid->text, ',') == kid->text.n) {
			node_add(l->arena, list, kid);
			continue;
		}
		split_into(l, list, kid->text, true);
		for (uint32_t j = 0; j < list->n; j++)
			list->kids[j]->row = kid->row;
	}
}

static void
load_list(struct loading *l, struct node *n, const struct row *r)
{
	if (l->quiet) {
		n->bad = true;
		return;
	}
	if (n->type == JDOC_STRING && r->kind != ROW_BLOCKS) {
		mind_readers(l, n, r);
		text_to_list(l, n, r);
		return;
	}
	if (n->type != JDOC_ARRAY) {
		value_wrong_type(l, n, r);
		return;
	}
	for (uint32_t i = 0; i < n->n; i++)
		load_element(l, n->kids[i], r);
	if ((r->flags & ROW_SPLIT) != 0)
		split_elements(l, n);
}

/* ---- names ---------------------------------------------------------------------- */
static bool
same_header(struct loading *l, struct node *map, uint32_t i)
{
	struct node *n = map->kids[i];

	for (uint32_t j = 0; j < i; j++) {
		if (!str_eq_nocase(map->kids[j]->name, n->name))
			continue;
		report_name(l->report, "E07", n,
		    "\"%.*s\" stands here twice (first in line %u)",
		    STR_ARG(str_head(n->written, 64)),
		    map->kids[j]->name_line);
		return true;
	}
	return false;
}

static void
load_map(struct loading *l, struct node *map, const struct row *r)
{
	const struct row *value = schema_find(schema_inside(r), STR("*"));

	for (uint32_t i = 0; i < map->n; i++) {
		struct node *n = map->kids[i];

		if ((r->flags & ROW_HEADER_NAMES) != 0) {
			if (!value_header_name(n->name)) {
				report_name(l->report, "E63", n,
				    "\"%.*s\" cannot be a header here",
				    STR_ARG(str_head(n->written, 80)));
				n->bad = true;
			} else if (same_header(l, map, i)) {
				n->bad = true;
			}
		}
		n->row = value;
		if (n->type == JDOC_NULL && value->kind == ROW_BLOCK)
			value_wrong_type(l, n, value);
		else
			load_value(l, n, value);
	}
}

/* A server that is not mounted is not looked into. */
static bool
is_disabled(const struct node *server)
{
	const struct node *d = node_get(server, "disabled");
	const struct node *e = node_get(server, "enabled");
	const struct node *o = node_at(server, "options.disabled");

	return (d != NULL && d->flag) || (o != NULL && o->flag) ||
	    (e != NULL && e->type == JDOC_BOOL && !e->flag);
}

static void
load_inside(struct loading *l, struct node *n, const struct row *r)
{
	bool quiet = l->quiet;

	if (n->type != JDOC_OBJECT) {
		value_wrong_type(l, n, r);
		return;
	}
	if (strcmp(r->key, "servers.*") == 0 && is_disabled(n))
		l->quiet = true;
	if (r->kind == ROW_MAP)
		load_map(l, n, r);
	else
		load_block(l, n, schema_inside(r));
	l->quiet = quiet;
}

void
load_value(struct loading *l, struct node *n, const struct row *r)
{
	n->row = r;
	if (n->type == JDOC_NULL || r->kind == ROW_ANY ||
	    (r->flags & (ROW_IGNORED | ROW_SILENT)) != 0)
		return;
	if (r->kind == ROW_BLOCK || r->kind == ROW_MAP)
		load_inside(l, n, r);
	else if (row_is_list(r))
		load_list(l, n, r);
	else
		load_plain(l, n, r);
}

static void
tell_unknown(struct loading *l, struct node *n, const char *scope)
{
	struct str near = schema_nearest(scope, n->written);

	n->bad = true;
	if (near.n == 0)
		report_name(l->report, "E01", n, "unknown key \"%.*s\"",
		    STR_ARG(str_head(n->written, 64)));
	else
		report_name(l->report, "E01", n,
		    "unknown key \"%.*s\"; did you mean \"%.*s\"?",
		    STR_ARG(str_head(n->written, 64)), STR_ARG(near));
}

static bool
told_twice(struct loading *l, const struct node *block, uint32_t i)
{
	struct node *n = block->kids[i];

	for (uint32_t j = 0; j < i; j++) {
		const struct node *first = block->kids[j];

		if (!str_eq(first->name, n->name))
			continue;
		report_name(l->report, "E07", n,
		    "\"%.*s\" stands here twice (first in line %u)",
		    STR_ARG(str_head(n->written, 64)), first->name_line);
		n->bad = true;
		return true;
	}
	return false;
}

static bool
is_remark(struct str name)
{
	return str_starts(name, STR("_")) || str_starts(name, STR("x-"));
}

/* Remarks and what belongs to other programs leave the tree. */
static void
drop_ignored(struct node *block)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < block->n; i++) {
		struct node *n = block->kids[i];

		if (n->row != NULL &&
		    (n->row->flags & (ROW_IGNORED | ROW_SILENT)) == 0)
			block->kids[kept++] = n;
	}
	block->n = kept;
}

void
load_block(struct loading *l, struct node *block, const char *scope)
{
	for (uint32_t i = 0; i < block->n; i++) {
		struct node *n = block->kids[i];
		const struct row *r;

		if (is_remark(n->name))
			continue;
		r = schema_find(scope, n->name);
		if (r == NULL) {
			tell_unknown(l, n, scope);
			continue;
		}
		n->name = row_name(r);
		if (told_twice(l, block, i))
			continue;
		n->row = r;
		if ((r->flags & ROW_IGNORED) != 0)
			report_name(l->report, "W15", n,
			    "\"%.*s\" is ignored: it belongs to other programs",
			    STR_ARG(n->written));
		load_value(l, n, r);
	}
	drop_ignored(block);
}
