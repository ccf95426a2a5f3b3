/* SPDX-License-Identifier: MIT */
/*
 * str -- a piece of text that somebody else owns: pointer and length
 *
 * Lifetime: a str borrows; who made the bytes says how long they live.
 * Bytes may hold anything; only str_copy() promises a final NUL.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

struct str {
	const char *p;
	size_t n;
};

/* A literal as str; anything but a literal does not compile. */
#define STR(lit) ((struct str){ "" lit, sizeof(lit) - 1 })
#define STR_NONE ((struct str){ NULL, 0 })

/* For "%.*s". */
#define STR_ARG(s) (int)(s).n, ((s).p != NULL ? (s).p : "")

struct str str_of(const char *c);		/* NUL-terminated; NULL: none */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *c);
bool str_eq_nocase(struct str a, struct str b);	/* ASCII letters only */
bool str_is_nocase(struct str a, const char *c);
bool str_starts(struct str s, struct str head);
bool str_ends(struct str s, struct str tail);

/* Index of the first byte c in s, or s.n. */
size_t str_find(struct str s, char c);

/* Index of the first occurrence of needle, or s.n. */
size_t str_search(struct str s, struct str needle);

/* The rest of s from byte `from` on; empty when from >= s.n. */
struct str str_from(struct str s, size_t from);
struct str str_head(struct str s, size_t n);	/* at most n bytes */

/* Without SP and TAB at both ends. */
struct str str_trim(struct str s);

/* Cuts s at the first `sep`: returns the part before, s becomes the rest.
 * Without a sep all of s is returned and s becomes STR_NONE (p == NULL). */
struct str str_cut(struct str *s, char sep);

/* A copy in the arena, with a NUL behind its last byte. */
struct str str_copy(struct arena *a, struct str s);

/* printf into the arena; NUL-terminated. */
struct str str_fmt(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Decimal digits only, no sign, no blank, at most 19 digits. */
bool str_number(struct str s, uint64_t *value_r);

/* Shell-like match of the whole of s: '*' any bytes, '?' one byte.  Linear in
 * s.n * number of stars at worst, no recursion. */
bool str_glob(struct str pattern, struct str s);

/* Valid UTF-8 by the strict table: no overlong form, no surrogate, at most
 * U+10FFFF. */
bool str_utf8(struct str s);

/* Bytes of the character at the head of p (n > 0 bytes): 1 to 4; 0: none by
 * the same table. */
size_t str_utf8_char(const char *p, size_t n);

#endif
