/* SPDX-License-Identifier: MIT */
/*
 * schema -- every key there is, one row each
 *
 * The same rows are read by the loader (names, types, ranges, words), by the
 * defaults (parsed like a file's value), by --dump-config, --print-schema and
 * --options, and by the tests that compare them with the papers.
 *
 * A key begins with its scope: "top", "mcpProxy", "server", "options",
 * "group", or one of the small shapes "key", "token", "ban", "rate", "rule",
 * "sink".  "*" stands for a name of the user.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "conf/conf.h"

enum row_kind {
	ROW_BOOL,	/* true, false */
	ROW_INT,
	ROW_RATIO,	/* 0..1 */
	ROW_WORD,	/* one of choices; false and true by ROW_BOOL_TOO */
	ROW_SWITCH,	/* true, false or the one word (-1) */
	ROW_MS,		/* duration */
	ROW_SIZE,	/* bytes */
	ROW_TEXT,
	ROW_DATE,	/* RFC 3339 */
	ROW_SECRET,
	ROW_URL,	/* http, https */
	ROW_FILE,	/* name of a file, made absolute */
	ROW_HEADER,	/* name of a header */
	ROW_PARAM,	/* name of a FastCGI parameter, never HTTP_ */
	ROW_TEXTS, ROW_WORDS, ROW_HEADERS, ROW_SECRETS, ROW_CIDRS,
	ROW_HEXES,	/* SHA-256 in hex */
	ROW_INTS,
	ROW_KEYS,	/* texts or blocks of `refer` */
	ROW_BLOCK,	/* members are rows below it, or those of `refer` */
	ROW_BLOCKS,	/* list of blocks of `refer` */
	ROW_MAP,	/* names of the user; values by the row "….*" */
	ROW_ANY,	/* not looked into */
	ROW_KINDS
};

enum row_flag {
	ROW_LATER = 1,		/* not in this build: W15 when it is used */
	ROW_CLOSES = 2,		/* the same, and the server answers 503 */
	ROW_IGNORED = 4,	/* of other programs: W15, never used */
	ROW_SILENT = 8,		/* of editors: ignored without a word */
	ROW_MASKED = 16,	/* never shown although it is not a secret */
	ROW_SPLIT = 32,		/* elements are split at commas too */
	ROW_SECONDS = 64,	/* stored in seconds */
	ROW_BARE = 128,		/* a bare number means seconds */
	ROW_OFF = 256,		/* 0 = off is good, below the range, too */
	ROW_BOOL_TOO = 512,	/* false is the first word, true the second */
	ROW_ALONE = 1024,	/* not inherited from mcpProxy.options */
	ROW_HEADER_NAMES = 2048, /* the names of the map are header names */
	ROW_OLD = 4096,		/* an old spelling or a shorthand */
	ROW_STERN = 8192,	/* text instead of a number is out of range */
	ROW_STDERR = 16384,	/* the word stderr is no file name */
};

struct row {
	const char *key;
	enum row_kind kind;
	const char *preset;	/* as it would be written; NULL: none */
	int64_t min, max;	/* both 0: any; ms, bytes, plain numbers */
	const char *choices;	/* "one two|alias"; number: index + first */
	int first;
	const char *aliases;	/* "a b" */
	const char *refer;	/* scope of the members */
	unsigned flags;
	size_t offset, size;	/* in the struct of the scope; 0: not stored */
	const char *help;
};

/* Rows come in tables, one per file. */
extern const struct row rows_gate[];
extern const struct row rows_server[];
extern const struct row rows_auth[];
extern const struct row rows_options[];
extern const size_t n_rows_gate, n_rows_server, n_rows_auth, n_rows_options;

size_t schema_count(void);
const struct row *schema_row(size_t i);

/* The scope of what lies below a block, list or map. */
const char *schema_inside(const struct row *r);

/* The row of a member, by any of its spellings; NULL: no such key. */
const struct row *schema_find(const char *scope, struct str name);

/* The row of that full key. */
const struct row *schema_key(const char *key);

/* The last part of its key. */
struct str row_name(const struct row *r);

/* True when r is a direct member of scope. */
bool row_within(const struct row *r, const char *scope);

/* The known key nearest to name; empty: none is near. */
struct str schema_nearest(const char *scope, struct str name);

/* Index + first of a word, by any of its spellings; false: unknown. */
bool row_word(const struct row *r, struct str text, int64_t *number_r);

/* The word that belongs to a number; empty: none. */
struct str row_word_text(const struct row *r, int64_t number);

/* A written type for papers and messages: "duration", "list of texts". */
const char *row_type(const struct row *r);
bool row_is_list(const struct row *r);
bool row_is_secret(const struct row *r);

/* snake_case as camelCase, compared without case: baseURL and base_url. */
bool schema_same(struct str known, struct str written);

/* Rows of struct conf, of struct conf_server, of struct conf_options. */
#define FIELD(type, m) \
	.offset = offsetof(struct type, m), \
	.size = sizeof(((struct type *)0)->m)
#define IN_GATE(m) FIELD(conf, m)
#define IN_SERVER(m) FIELD(conf_server, m)
#define IN_OPTIONS(m) FIELD(conf_options, m)

#endif
