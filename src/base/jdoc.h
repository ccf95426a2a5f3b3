/* SPDX-License-Identifier: MIT */
/*
 * jdoc -- strict JSON: one scanner before json-c, typed getters after it
 *
 * jdoc_check() walks the bytes once (RFC 8259, strict UTF-8, no BOM, nothing
 * after the value) and reports where the members lie that policy needs, so
 * that a message is never re-serialised.  jdoc_parse() checks, then lets
 * json-c build a tree that ends with the arena.
 */
#ifndef BASE_JDOC_H
#define BASE_JDOC_H

#include "base/str.h"

enum jdoc_verdict {
	JDOC_OK,
	JDOC_SYNTAX,	/* not JSON, bad UTF-8, too deep, too many values */
	JDOC_UNSAFE,	/* repeated name, NUL or lone surrogate where it harms */
};

enum jdoc_profile {
	JDOC_STRICT,	/* NUL and lone surrogates refused in every string */
	JDOC_MESSAGE,	/* they pass in values, not in names or steering values */
	JDOC_CONFIG,	/* comments and trailing commas pass */
};

/* A value as it stands in the bytes, quotes included; p == NULL: absent. */
enum jdoc_type { JDOC_ABSENT, JDOC_NULL, JDOC_BOOL, JDOC_NUMBER, JDOC_STRING,
	JDOC_ARRAY, JDOC_OBJECT };

struct jdoc_span {
	struct str raw;
	enum jdoc_type type;
};

/* Members of one JSON-RPC message. */
struct jdoc_message {
	struct jdoc_span jsonrpc, id, method, params, result, error;
	struct jdoc_span name, uri, task_id;	/* params.name, .uri, .taskId */
	struct jdoc_span meta;			/* params._meta */
	struct jdoc_span meta_version;	/* io.modelcontextprotocol/protocolVersion */
	struct jdoc_span protocol_version;	/* params.protocolVersion */
	/* There is a name that only its case tells from one of these, or from
	 * another one that policy reads in params: some take it for that. */
	bool alike, alike_in_params;
};

struct jdoc_limits {
	uint32_t depth, values;
	uint32_t batch;			/* elements of a top-level array */
};

struct jdoc_report {
	enum jdoc_type top;
	uint32_t values;
	bool has_big_int, has_non_finite;
	size_t at;			/* where it failed, byte offset */
	uint32_t line, column;		/* the same, from 1 */
	const char *why;		/* "unexpected character", ... */
	struct str name;		/* UNSAFE: the repeated name */
	uint32_t first_line;		/* UNSAFE: where it stood first */
	/* JDOC_MESSAGE: one entry for an object, one per element of an array */
	struct jdoc_message *messages;
	uint32_t n_messages;
};

struct arena;

/* Spans of report_r point into text; lists lie in the arena. */
enum jdoc_verdict jdoc_check(struct arena *a, struct str text,
	enum jdoc_profile profile, const struct jdoc_limits *limits,
	struct jdoc_report *report_r);

/* What a value is by its first byte; JDOC_ABSENT: none begins so. */
enum jdoc_type jdoc_begins(char c);

/* The text of a string span, unescaped into the arena.  False: not a string. */
bool jdoc_unquote(struct arena *a, struct jdoc_span s, struct str *text_r);

/* ---- trees -------------------------------------------------------------- */
struct jdoc;			/* a json-c value; ends with its arena */

/* Checks by profile, then parses.  NULL: report_r says why. */
struct jdoc *jdoc_parse(struct arena *a, struct str text,
	enum jdoc_profile profile, const struct jdoc_limits *limits,
	struct jdoc_report *report_r);

/* Of a value of another type, or of NULL (absent): NULL, 0 or false, and
 * nothing is written.  Texts live as long as the tree. */
enum jdoc_type jdoc_type(const struct jdoc *d);
struct jdoc *jdoc_get(const struct jdoc *object, const char *name);
size_t jdoc_length(const struct jdoc *array);
struct jdoc *jdoc_at(const struct jdoc *array, size_t i);
bool jdoc_string(const struct jdoc *d, struct str *text_r);
bool jdoc_number(const struct jdoc *d, double *value_r);
bool jdoc_int(const struct jdoc *d, int64_t *value_r);	/* integers only */
bool jdoc_bool(const struct jdoc *d, bool *value_r);

/* Compact text of a tree, no slash escaping. */
struct str jdoc_text(struct arena *a, const struct jdoc *d);

#endif
