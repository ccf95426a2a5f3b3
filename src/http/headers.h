/* SPDX-License-Identifier: MIT */
/*
 * headers -- header lines as values, and the one place that writes them
 *
 * Lifetime: in the arena given at the start.  Names compare without case.
 * Promise: no line with CR, LF, NUL, another control byte but TAB, or an
 * empty name ever goes in; headers_add() says false instead.
 */
#ifndef HTTP_HEADERS_H
#define HTTP_HEADERS_H

#include "base/str.h"

struct header {
	struct str name, value;
};

struct headers {
	struct arena *arena;
	struct header *v;
	uint32_t n, room;
	struct str lines;		/* checked ones, with their ends, behind v */
};

void headers_init(struct headers *h, struct arena *a);

/* Texts are borrowed. False: name or value cannot stand in a header. */
bool headers_add(struct headers *h, struct str name, struct str value);

/* The same in the place of all of that name. */
bool headers_set(struct headers *h, struct str name, struct str value);
void headers_drop(struct headers *h, struct str name);	/* all of them */

/* First value, or STR_NONE. */
struct str headers_get(const struct headers *h, struct str name);
uint32_t headers_count(const struct headers *h, struct str name);

bool header_name_ok(struct str name);		/* RFC 9110 token, <= 64 bytes */
bool header_value_ok(struct str value);

/* "200" -> "OK"; unknown: "Status". */
const char *http_reason(int status);

#endif
