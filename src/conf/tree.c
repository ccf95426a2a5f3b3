/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "conf/tree.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

/* Where the parser is.  The text has passed jdoc_check(): what is read here
 * is well formed, so an end in the middle only has to be survived. */
struct cursor {
	struct arena *arena;
	const struct tree_file *file;
	struct str text;
	size_t at;
	uint32_t line, column;		/* a column is a character */
	uint32_t depth;
};

static int
peek(const struct cursor *c)
{
	return c->at < c->text.n ? (unsigned char)c->text.p[c->at] : -1;
}

static void
step(struct cursor *c)
{
	int ch = peek(c);

	if (ch == '\n') {
		c->line++;
		c->column = 1;
	} else if ((ch & 0xc0) != 0x80) {
		c->column++;
	}
	if (c->at < c->text.n)
		c->at++;
}

static bool
next_are(const struct cursor *c, const char *two)
{
	return c->at + 1 < c->text.n && c->text.p[c->at] == two[0] &&
	    c->text.p[c->at + 1] == two[1];
}

static void
skip_comment(struct cursor *c)
{
	bool block = next_are(c, "/*");

	step(c);
	step(c);
	while (peek(c) >= 0) {
		if (block && next_are(c, "*/")) {
			step(c);
			step(c);
			return;
		}
		if (!block && peek(c) == '\n')
			return;
		step(c);
	}
}

static void
skip_blank(struct cursor *c)
{
	for (;;) {
		int ch = peek(c);

		if (ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r')
			step(c);
		else if (next_are(c, "//") || next_are(c, "/*"))
			skip_comment(c);
		else
			return;
	}
}

/* A string with its quotes. */
static struct str
read_string(struct cursor *c, struct str *raw_r)
{
	size_t from = c->at;
	struct jdoc_span span = { STR_NONE, JDOC_STRING };
	struct str text = STR("");

	step(c);
	while (peek(c) >= 0 && peek(c) != '"') {
		if (peek(c) == '\\')
			step(c);
		step(c);
	}
	step(c);
	span.raw = (struct str){ c->text.p + from, c->at - from };
	if (!jdoc_unquote(c->arena, span, &text))
		text = STR("");
	*raw_r = text;
	return text;
}

static struct str
read_plain(struct cursor *c)
{
	size_t from = c->at;

	while (peek(c) >= 0 && strchr(" \t\r\n,]}/", peek(c)) == NULL)
		step(c);
	return (struct str){ c->text.p + from, c->at - from };
}

static struct node *read_value(struct cursor *c,
	struct node *parent);	/* a circle */

static void
read_member(struct cursor *c, struct node *object)
{
	uint32_t line = c->line, column = c->column;
	struct str raw, name = read_string(c, &raw);
	struct node *kid;

	skip_blank(c);
	if (peek(c) == ':')
		step(c);
	skip_blank(c);
	kid = read_value(c, object);
	kid->name = kid->written = name;
	kid->name_line = line;
	kid->name_column = column;
	node_add(c->arena, object, kid);
}

/* What stands between the brackets of an object or a list. */
static void
read_kids(struct cursor *c, struct node *n)
{
	int end = n->type == JDOC_OBJECT ? '}' : ']';

	step(c);
	skip_blank(c);
	while (peek(c) >= 0 && peek(c) != end) {
		if (n->type == JDOC_OBJECT && peek(c) != '"')
			return;
		if (n->type == JDOC_OBJECT)
			read_member(c, n);
		else
			node_add(c->arena, n, read_value(c, n));
		skip_blank(c);
		if (peek(c) == ',')
			step(c);
		skip_blank(c);
	}
	step(c);
}

static enum jdoc_type
type_of(int first)
{
	switch (first) {
	case '{': return JDOC_OBJECT;
	case '[': return JDOC_ARRAY;
	case '"': return JDOC_STRING;
	case 't': case 'f': return JDOC_BOOL;
	case 'n': return JDOC_NULL;
	default: return JDOC_NUMBER;
	}
}

static struct node *
read_value(struct cursor *c, struct node *parent)
{
	struct node *n = ARENA_NEW(c->arena, struct node);

	n->type = type_of(peek(c));
	n->file = c->file;
	n->parent = parent;
	n->line = n->name_line = c->line;
	n->column = n->name_column = c->column;
	if (n->type == JDOC_OBJECT || n->type == JDOC_ARRAY) {
		c->depth++;
		if (c->depth <= MAX_CONFIG_DEPTH)
			read_kids(c, n);
		else
			c->at = c->text.n;
		c->depth--;
	} else if (n->type == JDOC_STRING) {
		n->text = read_string(c, &n->raw);
	} else {
		n->text = n->raw = read_plain(c);
		n->flag = str_is(n->text, "true");
		if (n->text.n == 0)
			step(c);
	}
	return n;
}

struct node *
tree_parse(struct arena *a, struct str text, const struct tree_file *file)
{
	struct cursor c = { .arena = a, .file = file, .text = text, .line = 1,
		.column = 1 };

	skip_blank(&c);
	return read_value(&c, NULL);
}

struct node *
node_named_at(struct node *n, uint32_t line, uint32_t column)
{
	struct node *found = NULL;

	if (n->name_line == line && n->name_column == column)
		return n;
	for (uint32_t i = 0; i < n->n && found == NULL; i++)
		found = node_named_at(n->kids[i], line, column);
	return found;
}

struct node *
node_member(const struct node *object, struct str name)
{
	if (object == NULL || object->type != JDOC_OBJECT)
		return NULL;
	for (uint32_t i = 0; i < object->n; i++) {
		if (str_eq(object->kids[i]->name, name))
			return object->kids[i];
	}
	return NULL;
}

struct node *
node_get(const struct node *object, const char *name)
{
	struct node *n = node_member(object, str_of(name));

	return n != NULL && n->type != JDOC_NULL ? n : NULL;
}

struct node *
node_at(const struct node *object, const char *path)
{
	struct str rest = str_of(path);
	const struct node *n = object;
	struct node *found = NULL;

	while (rest.p != NULL && n != NULL) {
		found = node_member(n, str_cut(&rest, '.'));
		if (found != NULL && found->type == JDOC_NULL)
			found = NULL;
		n = found;
	}
	return n == NULL ? NULL : found;
}

struct node *
node_new(struct arena *a, const struct node *at, enum jdoc_type type,
	const char *name)
{
	struct node *n = ARENA_NEW(a, struct node);

	n->type = type;
	n->text = n->raw = STR("");
	if (at != NULL) {
		n->file = at->file;
		n->line = n->name_line = at->line;
		n->column = n->name_column = at->column;
	}
	if (name != NULL)
		n->name = n->written = str_of(name);
	return n;
}

struct node *
node_text(struct arena *a, const struct node *at, const char *name,
	struct str text)
{
	struct node *n = node_new(a, at, JDOC_STRING, name);

	n->text = n->raw = text;
	return n;
}

void
node_add(struct arena *a, struct node *to, struct node *kid)
{
	if (to->n == to->room) {
		uint32_t room = to->room == 0 ? 4 : to->room * 2;
		struct node **more = ARENA_ARRAY(a, struct node *, room);

		if (to->n > 0)
			memcpy(more, to->kids, to->n * sizeof(*more));
		to->kids = more;
		to->room = room;
	}
	kid->index = to->n;
	if (kid->parent == NULL)
		kid->parent = to;
	to->kids[to->n++] = kid;
}

struct node *
node_with(struct arena *a, const struct node *object, const struct node *at,
	const char *name, struct node *kid)
{
	const struct node *from = object != NULL ? object : at;
	struct node *copy = node_new(a, from, JDOC_OBJECT, NULL);

	if (from != NULL) {
		copy->name = from->name;
		copy->written = from->written;
		copy->parent = from->parent;
	}
	if (object != NULL) {
		copy->row = object->row;
		for (uint32_t i = 0; i < object->n; i++) {
			if (!str_is(object->kids[i]->name, name))
				node_add(a, copy, object->kids[i]);
		}
	}
	if (kid != NULL) {
		kid->name = kid->written = str_of(name);
		node_add(a, copy, kid);
	}
	return copy;
}

static void
add_clean(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];

		buf_char(b, ch < 0x20 || ch == 0x7f ? '?' : (char)ch);
	}
}

struct str
node_path(struct arena *a, const struct node *n)
{
	const struct node *up[MAX_CONFIG_DEPTH + 8];
	size_t depth = 0;
	struct buf b = buf_new(a, 4096);
	struct str text = STR_NONE;

	for (; n != NULL && n->parent != NULL && depth < MAX_CONFIG_DEPTH + 8;
	    n = n->parent)
		up[depth++] = n;
	while (depth > 0) {
		n = up[--depth];
		if (n->parent->type == JDOC_ARRAY) {
			buf_fmt(&b, "[%u]", n->index);
			continue;
		}
		if (b.n > 0)
			buf_char(&b, '.');
		add_clean(&b, str_head(n->written, 256));
	}
	if (b.n == 0)
		buf_add_c(&b, "file");
	return buf_take(&b, &text) ? text : STR("...");
}

const char *
node_type_name(const struct node *n)
{
	switch (n->type) {
	case JDOC_NULL: return "null";
	case JDOC_BOOL: return "true or false";
	case JDOC_NUMBER: return "a number";
	case JDOC_STRING: return "text";
	case JDOC_ARRAY: return "a list";
	case JDOC_OBJECT: return "a block";
	case JDOC_ABSENT: break;
	}
	return "nothing";
}
