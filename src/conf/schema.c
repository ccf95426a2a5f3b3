/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "conf/schema.h"

#include <string.h>

size_t
schema_count(void)
{
	return n_rows_gate + n_rows_server + n_rows_auth + n_rows_options;
}

const struct row *
schema_row(size_t i)
{
	if (i < n_rows_gate)
		return &rows_gate[i];
	i -= n_rows_gate;
	if (i < n_rows_server)
		return &rows_server[i];
	i -= n_rows_server;
	if (i < n_rows_auth)
		return &rows_auth[i];
	return &rows_options[i - n_rows_auth];
}

const char *
schema_inside(const struct row *r)
{
	return r->refer != NULL ? r->refer : r->key;
}

static size_t
name_at(const struct row *r)
{
	const char *dot = strrchr(r->key, '.');

	return dot == NULL ? 0 : (size_t)(dot - r->key) + 1;
}

struct str
row_name(const struct row *r)
{
	return str_of(r->key + name_at(r));
}

bool
row_within(const struct row *r, const char *scope)
{
	size_t n = strlen(scope);

	return name_at(r) == n + 1 && strncmp(r->key, scope, n) == 0;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
schema_same(struct str known, struct str written)
{
	size_t k = 0;

	if (str_eq(known, written))
		return true;
	if (str_find(written, '_') == written.n || written.p[0] == '_' ||
	    written.p[written.n - 1] == '_')
		return false;
	for (size_t i = 0; i < written.n; i++) {
		char c = written.p[i];

		if (c == '_')
			continue;
		if ((c >= 'A' && c <= 'Z') || k >= known.n ||
		    lower(known.p[k++]) != c)
			return false;
	}
	return k == known.n;
}

static bool
is_alias(const struct row *r, struct str name)
{
	struct str rest = str_of(r->aliases);

	while (rest.p != NULL) {
		if (schema_same(str_cut(&rest, ' '), name))
			return true;
	}
	return false;
}

const struct row *
schema_find(const char *scope, struct str name)
{
	const struct row *any = NULL;

	for (size_t i = 0; i < schema_count(); i++) {
		const struct row *r = schema_row(i);

		if (!row_within(r, scope))
			continue;
		if (str_is(row_name(r), "*"))
			any = r;
		else if (schema_same(row_name(r), name) || is_alias(r, name))
			return r;
	}
	return any;
}

const struct row *
schema_key(const char *key)
{
	for (size_t i = 0; i < schema_count(); i++) {
		if (strcmp(schema_row(i)->key, key) == 0)
			return schema_row(i);
	}
	return NULL;
}

/* ---- the nearest key ------------------------------------------------------ */
#define NEAR_MOST 48		/* bytes; no key is longer */

/* Edits that make a of b, by the table of one row. */
static size_t
distance(struct str a, struct str b)
{
	size_t cost[NEAR_MOST + 1];

	if (a.n > NEAR_MOST || b.n > NEAR_MOST)
		return NEAR_MOST;
	for (size_t j = 0; j <= b.n; j++)
		cost[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = cost[0];

		cost[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t up = cost[j];
			size_t best = diagonal +
			    (lower(a.p[i - 1]) != lower(b.p[j - 1]));

			if (up + 1 < best)
				best = up + 1;
			if (cost[j - 1] + 1 < best)
				best = cost[j - 1] + 1;
			cost[j] = best;
			diagonal = up;
		}
	}
	return cost[b.n];
}

struct str
schema_nearest(const char *scope, struct str name)
{
	struct str best = STR("");
	size_t least = name.n / 3 + 2;

	for (size_t i = 0; i < schema_count(); i++) {
		const struct row *r = schema_row(i);
		size_t d;

		if (!row_within(r, scope) || str_is(row_name(r), "*") ||
		    (r->flags & (ROW_IGNORED | ROW_SILENT)) != 0)
			continue;
		d = distance(name, row_name(r));
		if (d < least) {
			least = d;
			best = row_name(r);
		}
	}
	return best;
}

/* ---- words ------------------------------------------------------------------ */
bool
row_word(const struct row *r, struct str text, int64_t *number_r)
{
	struct str rest = str_of(r->choices);

	for (int64_t i = r->first; rest.p != NULL; i++) {
		struct str word = str_cut(&rest, ' ');

		while (word.p != NULL) {
			if (schema_same(str_cut(&word, '|'), text)) {
				*number_r = i;
				return true;
			}
		}
	}
	return false;
}

struct str
row_word_text(const struct row *r, int64_t number)
{
	struct str rest = str_of(r->choices);

	for (int64_t i = r->first; rest.p != NULL; i++) {
		struct str word = str_cut(&rest, ' ');

		if (i == number)
			return str_cut(&word, '|');
	}
	return STR("");
}

bool
row_is_list(const struct row *r)
{
	switch (r->kind) {
	case ROW_TEXTS: case ROW_WORDS: case ROW_HEADERS: case ROW_SECRETS:
	case ROW_CIDRS: case ROW_HEXES: case ROW_INTS: case ROW_KEYS:
	case ROW_BLOCKS:
		return true;
	default:
		return false;
	}
}

bool
row_is_secret(const struct row *r)
{
	if (r->kind == ROW_SECRET || r->kind == ROW_SECRETS)
		return true;
	return r->kind == ROW_KEYS && strcmp(r->refer, "ban") != 0;
}

const char *
row_type(const struct row *r)
{
	static const char *const said[ROW_KINDS] = {
		[ROW_BOOL] = "true or false", [ROW_INT] = "a number",
		[ROW_RATIO] = "a number", [ROW_WORD] = "a word",
		[ROW_SWITCH] = "true, false or a word",
		[ROW_MS] = "a duration", [ROW_SIZE] = "a size",
		[ROW_TEXT] = "text", [ROW_DATE] = "a date",
		[ROW_SECRET] = "text", [ROW_URL] = "a URL",
		[ROW_FILE] = "a file name", [ROW_HEADER] = "a header name",
		[ROW_PARAM] = "a parameter name",
		[ROW_TEXTS] = "a list of texts",
		[ROW_WORDS] = "a list of words",
		[ROW_HEADERS] = "a list of header names",
		[ROW_SECRETS] = "a list of texts",
		[ROW_CIDRS] = "a list of addresses",
		[ROW_HEXES] = "a list of SHA-256 digests",
		[ROW_INTS] = "a list of numbers",
		[ROW_KEYS] = "a list of texts or blocks",
		[ROW_BLOCK] = "a block", [ROW_BLOCKS] = "a list of blocks",
		[ROW_MAP] = "a block", [ROW_ANY] = "anything",
	};

	return said[r->kind];
}
