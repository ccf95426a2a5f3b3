/* SPDX-License-Identifier: MIT */
/*
 * dump -- the effective configuration as JSON
 *
 * Walks the rows, so that defaults stand there too.
 * Promise: with the secrets filled in it can be loaded again.
 * Secrets: print as "***"; a text that something was expanded into prints as
 * the file spells it; a URL loses user, query and fragment.
 */
#include "config.h"
#include "conf/gen.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "conf/uri.h"

/* A text under way. */
struct dump {
	struct loading *l;
	struct arena *arena;
	struct buf out;
	unsigned depth;
	bool first;
};

static void
new_line(struct dump *d)
{
	buf_char(&d->out, '\n');
	for (unsigned i = 0; i < d->depth; i++)
		buf_add_c(&d->out, "  ");
}

static void
open_block(struct dump *d, char c)
{
	buf_char(&d->out, c);
	d->depth++;
	d->first = true;
}

static void
close_block(struct dump *d, char c)
{
	d->depth--;
	if (!d->first)
		new_line(d);
	buf_char(&d->out, c);
	d->first = false;
}

static void
next_element(struct dump *d)
{
	if (!d->first)
		buf_char(&d->out, ',');
	d->first = false;
	new_line(d);
}

static void
put_text(struct dump *d, struct str s)
{
	buf_char(&d->out, '"');
	buf_json(&d->out, s);
	buf_char(&d->out, '"');
}

static void
put_name(struct dump *d, struct str name)
{
	next_element(d);
	put_text(d, name);
	buf_add_c(&d->out, ": ");
}

static void
put_ms(struct dump *d, int64_t ms)
{
	static const struct { int64_t ms; const char *unit; } units[] = {
		{ 86400000, "d" }, { 3600000, "h" }, { 60000, "m" },
		{ 1000, "s" },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ms != 0 && ms % units[i].ms == 0) {
			buf_fmt(&d->out, "\"%lld%s\"",
			    (long long)(ms / units[i].ms), units[i].unit);
			return;
		}
	}
	buf_fmt(&d->out, "\"%lldms\"", (long long)ms);
}

static bool
masked(const struct row *r)
{
	return row_is_secret(r) || r->kind == ROW_ANY ||
	    (r->flags & ROW_MASKED) != 0;
}

static void
put_plain_text(struct dump *d, const struct row *r, const struct node *n)
{
	if (n->expanded && n->parent != NULL && r->kind != ROW_URL)
		put_text(d, n->raw);
	else if (str_search(n->text, STR("://")) < n->text.n)
		put_text(d, uri_logged(d->arena, n->text));
	else
		put_text(d, n->text);
}

static void
put_scalar(struct dump *d, const struct row *r, const struct node *n)
{
	if (masked(r)) {
		put_text(d, STR(SECRET_MASK));
		return;
	}
	switch (r->kind) {
	case ROW_BOOL:
		buf_add_c(&d->out, n->number != 0 ? "true" : "false");
		break;
	case ROW_INT: case ROW_SIZE: case ROW_INTS:
		buf_fmt(&d->out, "%lld", (long long)n->number);
		break;
	case ROW_RATIO:
		buf_add(&d->out, n->raw);
		break;
	case ROW_MS:
		put_ms(d, n->number);
		break;
	case ROW_WORD: case ROW_WORDS:
		put_text(d, row_word_text(r, n->number));
		break;
	case ROW_SWITCH:
		if (n->number < 0)
			put_text(d, str_of(r->choices));
		else
			buf_add_c(&d->out, n->number ? "true" : "false");
		break;
	default:
		put_plain_text(d, r, n);
	}
}

static void put_block(struct dump *d, const char *scope,
	const struct node *block);	/* a circle */

static void
put_list(struct dump *d, const struct row *r, const struct node *list)
{
	open_block(d, '[');
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *n = list->kids[i];

		next_element(d);
		if (n->type == JDOC_OBJECT)
			put_block(d, r->refer, n);
		else
			put_scalar(d, r, n);
	}
	close_block(d, ']');
}

static void
put_value(struct dump *d, const struct row *r, const struct node *n)
{
	if (n->type == JDOC_NULL)
		buf_add_c(&d->out, "null");
	else if (r->kind == ROW_BLOCK)
		put_block(d, schema_inside(r), n);
	else if (r->kind == ROW_MAP)
		put_block(d, schema_inside(r), n);
	else if (row_is_list(r) && n->type == JDOC_ARRAY)
		put_list(d, r, n);
	else
		put_scalar(d, r, n);
}

/* Blocks of the first level are shown with their defaults. */
static bool
shown_absent(const struct row *r)
{
	const char *dot = strchr(r->key, '.');

	if (r->kind != ROW_BLOCK || r->refer != NULL || dot == NULL ||
	    strchr(dot + 1, '.') != NULL)
		return false;
	if (strcmp(r->key, "options.auth") == 0 ||
	    strcmp(r->key, "options.outboundAuth") == 0)
		return false;		/* they exclude each other */
	return strncmp(r->key, "options.", 8) == 0 ||
	    strncmp(r->key, "mcpProxy.", 9) == 0;
}

static void
put_member(struct dump *d, const struct row *r, const struct node *block)
{
	const struct node *n = node_member(block, row_name(r));

	if ((r->flags & (ROW_IGNORED | ROW_SILENT)) != 0)
		return;
	if (n != NULL && n->type == JDOC_NULL && r->kind != ROW_SECRET)
		n = NULL;
	if (n == NULL && shown_absent(r)) {
		put_name(d, row_name(r));
		put_block(d, schema_inside(r), NULL);
		return;
	}
	if (n == NULL && (r->flags & (ROW_CLOSES | ROW_LATER)) == 0)
		n = value_preset(d->l, r, NULL);
	if (n == NULL)
		return;
	put_name(d, row_name(r));
	put_value(d, r, n);
}

/* What the user named. */
static void
put_named(struct dump *d, const struct row *any, const struct node *map)
{
	for (uint32_t i = 0; i < map->n; i++) {
		put_name(d, map->kids[i]->name);
		put_value(d, any, map->kids[i]);
	}
}

static void
put_block(struct dump *d, const char *scope, const struct node *block)
{
	const struct row *any = schema_find(scope, STR("*"));

	open_block(d, '{');
	for (size_t i = 0; any == NULL && i < schema_count(); i++) {
		if (row_within(schema_row(i), scope))
			put_member(d, schema_row(i), block);
	}
	if (any != NULL && block != NULL)
		put_named(d, any, block);
	close_block(d, '}');
}

/* ---- the whole ------------------------------------------------------------------------ */
static void
put_server(struct dump *d, uint32_t i)
{
	struct loading *l = d->l;
	struct node *server = l->server_nodes[i];

	put_name(d, l->servers[i].name);
	if (l->servers[i].options.disabled) {
		buf_add_c(&d->out, "{ \"disabled\": true }");
		return;
	}
	put_block(d, "server", node_with(l->arena, server, server, "options",
	    l->server_options[i]));
}

static void
put_servers(struct dump *d)
{
	put_name(d, STR("mcpServers"));
	open_block(d, '{');
	for (uint32_t i = 0; i < d->l->conf->n_servers; i++)
		put_server(d, i);
	close_block(d, '}');
}

struct str
conf_dump(const struct conf_gen *g, struct arena *a)
{
	/* Trees of presets and copies go to the generation's own arena. */
	struct conf_gen *own = (struct conf_gen *)(uintptr_t)g;
	struct dump d = { .l = &own->loading, .arena = a };
	struct node *gate = node_get(d.l->root, "mcpProxy");
	struct node *groups = node_get(d.l->root, "groups");
	struct str text = STR("{}\n");

	d.out = buf_new(a, MIB(64));
	d.l->report = report_new(a);
	open_block(&d, '{');
	put_name(&d, STR("mcpProxy"));
	put_block(&d, "mcpProxy", node_with(d.l->arena, gate, d.l->root,
	    "options", d.l->gate_options));
	put_servers(&d);
	if (groups != NULL) {
		put_name(&d, STR("groups"));
		put_block(&d, "groups", groups);
	}
	close_block(&d, '}');
	buf_char(&d.out, '\n');
	d.l->report = NULL;
	buf_take(&d.out, &text);
	return text;
}
