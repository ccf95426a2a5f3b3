/* SPDX-License-Identifier: MIT */
/*
 * h1_write -- the bytes of an HTTP/1.1 request
 *
 * Lifetime: one piece in the arena, made in its final size.
 * Secrets: credentials are in it; the arena wipes them.
 */
#ifndef HTTP_H1_WRITE_H
#define HTTP_H1_WRITE_H

#include "http/headers.h"

struct h1_request {
	const char *method;
	struct str origin;		/* "" or "http://host:port", before */
	struct str path;		/* "": "/"; with query */
	struct str host;
	struct str proxy_auth;		/* "": none */
	const struct headers *headers;	/* NULL: none */
	bool has_body;			/* its length is told, also 0 */
	bool joined;			/* it follows in the same piece */
	struct str body;
};

/* Headers that say how the message is framed are ours and left out. */
struct str h1_write(struct arena *a, const struct h1_request *q);

#endif
