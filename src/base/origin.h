/* SPDX-License-Identifier: MIT */
/*
 * origin -- what a browser says of a page, and what it is compared with
 *
 * Lifetime: parts point into the text that was taken apart.
 * Promise: what is not an origin byte for byte is none: nothing is trimmed,
 * decoded or completed, and "null" is never one.
 */
#ifndef BASE_ORIGIN_H
#define BASE_ORIGIN_H

#include "base/str.h"

/* scheme://host[:port] as it was written; names compare without case. */
struct origin {
	struct str scheme, host;
	struct str port;		/* "": none is written */
};

/* The value of an Origin header, at most MAX_ORIGIN bytes. */
bool origin_parse(struct str text, struct origin *o_r);
bool origin_same(const struct origin *a, const struct origin *b);

/* http or https, and the host is one of this machine alone. */
bool origin_loopback(const struct origin *o);

/* One entry of a list: an origin, every host below a domain, or all. */
enum origin_kind { ORIGIN_EXACT, ORIGIN_BELOW, ORIGIN_ANY };

struct origin_entry {
	enum origin_kind kind;
	struct origin origin;		/* ORIGIN_BELOW: host is the domain */
	bool bare;			/* without a scheme; read as https */
};

bool origin_entry_parse(struct str text, struct origin_entry *e_r);
bool origin_entry_has(const struct origin_entry *e, const struct origin *o);

/* The host of a Host header, port and all blanks left out of account;
 * STR_NONE: malformed. */
struct str origin_host(struct str value);

/* localhost, 127.0.0.0/8, [::1]. */
bool origin_host_loopback(struct str host);

#endif
