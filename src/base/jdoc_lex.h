/* SPDX-License-Identifier: MIT */
/*
 * jdoc_lex -- strings, numbers, comments; for jdoc_scan.c alone
 */
#ifndef BASE_JDOC_LEX_H
#define BASE_JDOC_LEX_H

#include "base/str.h"

struct arena;

/* What a string or number holds that not everybody reads alike. */
enum {
	JDOC_HAS_ESCAPE = 1,
	JDOC_HAS_NUL = 2,
	JDOC_HAS_LONE = 4,		/* surrogate */
	JDOC_HAS_BIG_INT = 8,		/* neither int64 nor uint64 */
	JDOC_HAS_NON_FINITE = 16,	/* beyond the range of a double */
};

struct jdoc_bad {
	const char *at, *why;
};

/* from: the opening quote.  Returns what follows the closing one, or NULL. */
const char *jdoc_lex_string(const char *from, const char *end,
	unsigned *has_r, struct jdoc_bad *bad_r);

/* Returns what follows the number, or NULL. The arena is for copies. */
const char *jdoc_lex_number(struct arena *a, const char *from,
	const char *end, unsigned *has_r);

/* from: a slash.  Returns what follows the comment (// ends before its LF). */
const char *jdoc_lex_comment(const char *from, const char *end,
	struct jdoc_bad *bad_r);

/* raw: a checked string with its quotes.  A lone surrogate becomes U+FFFD. */
struct str jdoc_lex_unescape(struct arena *a, struct str raw);

#endif
