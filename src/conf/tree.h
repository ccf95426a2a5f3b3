/* SPDX-License-Identifier: MIT */
/*
 * tree -- a configuration text as a tree whose nodes know where they stand
 *
 * Lifetime: nodes lie in the arena of the generation.
 * Promise: tree_parse() only takes texts that passed jdoc_check().
 * Secrets: text may hold one; messages show `raw`, which is what the file
 * says before expansion.
 */
#ifndef CONF_TREE_H
#define CONF_TREE_H

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/str.h"

struct row;

/* A file that took part in the configuration. */
struct tree_file {
	struct str name;		/* as it stands in messages */
	struct str dir;			/* relative names start here */
	uint32_t mode;			/* permission bits */
	bool told_readable;		/* E10 was said */
};

struct node {
	enum jdoc_type type;
	const struct tree_file *file;
	struct node *parent;
	struct str name;		/* of a member; canonical once loaded */
	struct str written;		/* the name as the file spells it */
	struct str raw;			/* string or number as it is written */
	struct str text;		/* string: unescaped, later expanded */
	bool flag;			/* of a JDOC_BOOL */
	bool expanded;			/* text holds something from outside */
	bool bad;			/* was told; use the default */
	bool from_env;			/* the environment has put it there */
	bool added;			/* … where nothing was written */
	uint32_t line, column, name_line, name_column, index;
	struct node **kids;
	uint32_t n, room;
	const struct row *row;		/* set by the loader */
	int64_t number;			/* what the loader read: ms, bytes, ... */
};

struct node *tree_parse(struct arena *a, struct str text,
	const struct tree_file *file);

/* Whose name begins there; NULL: none. */
struct node *node_named_at(struct node *n, uint32_t line, uint32_t column);

/* The member of that canonical name; NULL: absent or null. */
struct node *node_get(const struct node *object, const char *name);

/* The same down a dotted path. */
struct node *node_at(const struct node *object, const char *path);

/* As node_get(), but a member that says null is given back too. */
struct node *node_member(const struct node *object, struct str name);

/* A new value at the place of `at`; the name may be NULL. */
struct node *node_new(struct arena *a, const struct node *at,
	enum jdoc_type type, const char *name);
struct node *node_text(struct arena *a, const struct node *at,
	const char *name, struct str text);
void node_add(struct arena *a, struct node *to, struct node *kid);

/* A copy of object (NULL: an empty one at `at`) in which one member is
 * another; its kids are shared.  kid NULL: the member is gone. */
struct node *node_with(struct arena *a, const struct node *object,
	const struct node *at, const char *name, struct node *kid);

/* "mcpServers.a.options.auth.tokens[2]"; controls replaced. */
struct str node_path(struct arena *a, const struct node *n);

/* What a message calls the type: "text", "list", ... */
const char *node_type_name(const struct node *n);

#endif
