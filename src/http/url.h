/* SPDX-License-Identifier: MIT */
/*
 * url -- the one checker every URL passes before libcurl sees it
 */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/str.h"

struct url {
	struct str scheme, host, path;	/* lower case scheme; path with query */
	uint16_t port;			/* the scheme's when none is written */
	bool loopback;			/* 127.0.0.0/8, [::1], localhost */
};

/* http or https, non-empty authority, no userinfo, no fragment, bytes 0x21 to
 * 0x7E, no backslash, no '%' in the host, port 1..65535. */
bool url_parse(struct str text, struct url *u_r);

/* text with everything but letters, digits and -._~ escaped, for queries and
 * forms. */
struct str url_escape(struct arena *a, struct str text);

/* One name or value of a query as forms write it, decoded.  False: a broken
 * escape. */
bool url_form_text(struct arena *a, struct str s, struct str *text_r);

/* Without userinfo, query and fragment; "<redacted-url>" when unparsable. */
struct str url_for_log(struct arena *a, struct str text);

#endif
