/* SPDX-License-Identifier: MIT */
/*
 * params -- the variables of one request as the web server sent them
 *
 * Every occurrence is kept, in order; names compare in environment form
 * (upper case, every byte that is no letter or digit is '_'), which the table
 * stores.  An empty value is an absent one.  HTTP_ names are client text,
 * all others are the server's: of those the last one wins.  REDIRECT_ names
 * are ignored, but for REDIRECT_HTTP_AUTHORIZATION.  HTTP_PROXY is dropped.
 */
#ifndef HTTP_PARAMS_H
#define HTTP_PARAMS_H

#include "base/str.h"

struct param {
	struct str name;		/* environment form */
	struct str value;		/* trimmed, never empty */
	uint32_t next;			/* + 1: an earlier one of its chain */
};

#define PARAMS_CHAINS 64

struct params {
	struct arena *arena;
	struct param *v;
	uint32_t n, room;
	uint32_t n_http;		/* client headers among them */
	bool bad_value;			/* a control byte somewhere: 400 */
	bool too_many;			/* over MAX_HTTP_HEADERS: 431 */
	size_t longest;			/* value of a client header, bytes */
	uint32_t chains[PARAMS_CHAINS];	/* by name: the newest + 1; 0: none */
};

void params_init(struct params *t, struct arena *a, uint32_t expected);

/* Adds by the rules above; name and value are copied only when changed. */
void params_add(struct params *t, struct str name, struct str value);

/* A variable of the server: the last one, or STR_NONE. name: "REMOTE_ADDR". */
struct str params_last(const struct params *t, struct str name);

static inline struct str
params_server(const struct params *t, const char *name)
{
	return params_last(t, str_of(name));
}

/* A client header by environment name ("HTTP_ORIGIN"): the first one and how
 * many there are. */
struct str params_first(const struct params *t, struct str name,
	uint32_t *count_r);

static inline struct str
params_client(const struct params *t, const char *name, uint32_t *count_r)
{
	return params_first(t, str_of(name), count_r);
}

/* "X-User" -> "HTTP_X_USER" in the arena. */
struct str params_header_name(struct arena *a, struct str header);

#endif
