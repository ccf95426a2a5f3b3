/* SPDX-License-Identifier: MIT */
/*
 * buf -- text that grows in an arena up to a maximum it was born with
 *
 * Lifetime: the text lies in the arena; growing may move it.
 * Errors: the first append that does not fit makes the buf "full"; later
 * appends do nothing.  buf_take() is the one question to ask.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

struct buf {
	struct arena *arena;
	char *p;
	size_t n, room, max;
	bool full;
};

/* Empty; at most max bytes. */
struct buf buf_new(struct arena *a, size_t max);

void buf_add(struct buf *b, struct str s);
void buf_add_c(struct buf *b, const char *c);	/* NUL-terminated */
void buf_char(struct buf *b, char c);
void buf_fmt(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* s as the inside of a JSON string: quotes, backslash and controls escaped;
 * bytes that are not UTF-8 become U+FFFD. No surrounding quotes. */
void buf_json(struct buf *b, struct str s);

/* One more member of a JSON object, a text: ,"key":"value". */
void buf_member(struct buf *b, const char *key, struct str value);

/* False when something did not fit. The text is NUL-terminated. */
bool buf_take(struct buf *b, struct str *text_r);

#endif
