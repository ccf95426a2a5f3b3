/* SPDX-License-Identifier: MIT */
/*
 * jdoc -- json-c trees behind the strict scanner
 *
 * json-c sees only what jdoc_scan() has accepted, without comments and
 * trailing commas; it adds no judgement of its own.  Its null is a NULL
 * pointer; ours is the address of a mark, since NULL means absent here.
 */
#include "config.h"
#include "base/jdoc.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

#include "base/arena.h"
#include "base/jdoc_scan.h"

static char null_mark;

static struct jdoc *
wrap(struct json_object *o)
{
	return o != NULL ? (struct jdoc *)(void *)o :
		(struct jdoc *)(void *)&null_mark;
}

static bool
is_null(const struct jdoc *d)
{
	return (const void *)d == (const void *)&null_mark;
}

/* NULL for absent and for null.  json-c's getters take no const. */
static struct json_object *
bare(const struct jdoc *d)
{
	return is_null(d) ? NULL : (struct json_object *)(uintptr_t)d;
}

/* ---- parsing ------------------------------------------------------------- */

static void
put_json(void *what)
{
	json_object_put(what);
}

static void
free_tokener(struct json_tokener **tok)
{
	json_tokener_free(*tok);
}

/* A number at the top ends with the NUL, which is counted therefore.  Not
 * JSON_TOKENER_STRICT: from json-c 0.17 on it refuses numbers beyond 64 bits,
 * and the rest of it is the scanner's work. */
static struct jdoc *
build(struct arena *a, struct str text, uint32_t depth)
{
	struct json_tokener *tok __attribute__((cleanup(free_tokener))) =
		json_tokener_new_ex((int)depth + 1);
	struct json_object *root;

	if (tok == NULL || text.n >= INT_MAX)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tok, text.p, (int)text.n + 1);
	if (root != NULL)
		arena_defer(a, put_json, root);	/* freed with everything */
	if (json_tokener_get_error(tok) != json_tokener_success)
		return NULL;
	return json_tokener_get_parse_end(tok) == text.n ? wrap(root) : NULL;
}

struct jdoc *
jdoc_parse(struct arena *a, struct str text, enum jdoc_profile profile,
	const struct jdoc_limits *limits, struct jdoc_report *report_r)
{
	struct str copy = str_copy(a, text);
	char *clean = (char *)(uintptr_t)copy.p;
	struct jdoc *d;

	if (jdoc_scan(a, text, profile, limits, report_r, clean) != JDOC_OK)
		return NULL;
	while (copy.n > 0 && strchr(" \t\r\n", copy.p[copy.n - 1]) != NULL)
		copy.n--;
	clean[copy.n] = '\0';
	d = build(a, copy, limits->depth);
	if (d == NULL && report_r->why == NULL)
		report_r->why = "not understood by json-c";
	return d;
}

/* ---- reading ------------------------------------------------------------- */

enum jdoc_type
jdoc_type(const struct jdoc *d)
{
	if (d == NULL)
		return JDOC_ABSENT;
	switch (json_object_get_type(bare(d))) {
	case json_type_boolean:
		return JDOC_BOOL;
	case json_type_double:
	case json_type_int:
		return JDOC_NUMBER;
	case json_type_object:
		return JDOC_OBJECT;
	case json_type_array:
		return JDOC_ARRAY;
	case json_type_string:
		return JDOC_STRING;
	case json_type_null:
		break;
	}
	return JDOC_NULL;
}

struct jdoc *
jdoc_get(const struct jdoc *object, const char *name)
{
	struct json_object *value = NULL;

	if (jdoc_type(object) != JDOC_OBJECT)
		return NULL;
	if (!json_object_object_get_ex(bare(object), name, &value))
		return NULL;
	return wrap(value);
}

size_t
jdoc_length(const struct jdoc *array)
{
	return jdoc_type(array) == JDOC_ARRAY ?
		json_object_array_length(bare(array)) : 0;
}

struct jdoc *
jdoc_at(const struct jdoc *array, size_t i)
{
	if (i >= jdoc_length(array))
		return NULL;
	return wrap(json_object_array_get_idx(bare(array), i));
}

bool
jdoc_string(const struct jdoc *d, struct str *text_r)
{
	if (jdoc_type(d) != JDOC_STRING)
		return false;
	text_r->p = json_object_get_string(bare(d));
	text_r->n = (size_t)json_object_get_string_len(bare(d));
	return true;
}

bool
jdoc_number(const struct jdoc *d, double *value_r)
{
	if (jdoc_type(d) != JDOC_NUMBER)
		return false;
	*value_r = json_object_get_double(bare(d));
	return true;
}

/* json-c clamps what is beyond 64 bits: the lowest number may be a lie. */
bool
jdoc_int(const struct jdoc *d, int64_t *value_r)
{
	int64_t value;

	if (d == NULL || json_object_get_type(bare(d)) != json_type_int)
		return false;
	value = json_object_get_int64(bare(d));
	if (value == INT64_MIN)
		return false;
	if (value > 0 && json_object_get_uint64(bare(d)) != (uint64_t)value)
		return false;
	*value_r = value;
	return true;
}

bool
jdoc_bool(const struct jdoc *d, bool *value_r)
{
	if (jdoc_type(d) != JDOC_BOOL)
		return false;
	*value_r = json_object_get_boolean(bare(d)) != 0;
	return true;
}

struct str
jdoc_text(struct arena *a, const struct jdoc *d)
{
	struct str text;

	if (bare(d) == NULL)
		return STR("null");
	text.p = json_object_to_json_string_length(bare(d),
		JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		&text.n);
	return text.p != NULL ? str_copy(a, text) : STR("null");
}
