/* SPDX-License-Identifier: MIT */
/*
 * uri -- the parts of a URL that an operator wrote
 *
 * Stricter than RFC 3986: visible ASCII, no backslash, a host, a port of
 * 1 to 65535.
 *
 * Lifetime: parts point into the text, or lie in the arena.
 */
#ifndef CONF_URI_H
#define CONF_URI_H

#include "base/str.h"

struct arena;

struct uri {
	struct str scheme;		/* lower case */
	struct str user, password;	/* as written */
	struct str host;		/* as written, brackets included */
	struct str path;		/* with query and fragment */
	uint32_t port;			/* 0: none is written */
	bool has_user, has_query, has_fragment;
};

/* False: it is no URL of that kind; u_r stays as it was. */
bool uri_parse(struct arena *a, struct str text, struct uri *u_r);
bool uri_is_http(const struct uri *u);
/* localhost, 127.0.0.0/8, [::1]. */
bool uri_loopback(const struct uri *u);

/* "https://host:port", lower case, the port always written. */
struct str uri_origin(struct arena *a, const struct uri *u);

/* Without user, query and fragment. */
struct str uri_logged(struct arena *a, struct str text);

/* Percent-decoded; false: a bad escape or a control. */
bool uri_decode(struct arena *a, struct str s, struct str *text_r);

#endif
