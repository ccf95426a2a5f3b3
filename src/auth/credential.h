/* SPDX-License-Identifier: MIT */
/*
 * credential -- what the caller presents: reads the one bearer value or key
 *
 * Promise: one value out of one place, or none, or bad; never the first of
 * several.  Nothing is unquoted, joined or cut.
 * Secrets: the value stays in the request's bytes; it is never logged.
 */
#ifndef AUTH_CREDENTIAL_H
#define AUTH_CREDENTIAL_H

#include "base/str.h"
#include "http/params.h"

/* Whose credential lies there. */
enum { CREDENTIAL_TOKEN = 1, CREDENTIAL_JWT = 2, CREDENTIAL_APIKEY = 4,
	CREDENTIAL_OPAQUE = 8 };		/* to be asked about */

struct credential_place {
	struct str variable;	/* "HTTP_AUTHORIZATION", NUL-terminated */
	struct str prefix;	/* scheme, any case; "" : the bare value */
	bool bare;		/* the scheme may be left out */
	uint32_t serves;	/* bits above */
};

#define CREDENTIAL_PLACES 4	/* token, jwt, introspection, apikey */

struct credential_rules {
	struct credential_place places[CREDENTIAL_PLACES];
	uint32_t n;
	uint32_t query;		/* whom access_token serves; 0: not read */
	size_t max_bytes;
};

enum credential_state {
	CREDENTIAL_NONE,	/* no credential, or an unsupported scheme */
	CREDENTIAL_GOOD,	/* well-formed; nothing is known about it yet */
	CREDENTIAL_BAD,		/* repeated, joined, malformed, too long */
	CREDENTIAL_TWICE,	/* in two places */
};

struct credential {
	enum credential_state state;
	struct str value;	/* set when bad, too, where there is one */
	uint32_t serves;
};

/* query: of the URI, without '?'. a: for a decoded query value. */
struct credential credential_read(const struct credential_rules *r,
	const struct params *p, struct str query, struct arena *a);

#endif
