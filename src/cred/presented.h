/* SPDX-License-Identifier: MIT */
/*
 * presented -- what a caller may have come in with, wherever it stands
 *
 * For two guards: none of these values goes to an upstream, and none may be
 * a token of an outbound list.
 * Promise: every place that the configuration names, and the usual ones;
 * each value of a repeated header; schemes are taken off, whichever they are.
 */
#ifndef CRED_PRESENTED_H
#define CRED_PRESENTED_H

#include "conf/conf.h"
#include "http/params.h"

#define PRESENTED_MAX 16	/* values; of more nobody knows what they hide */

struct presented {
	struct str v[PRESENTED_MAX];
	uint32_t n;
};

/* query: of the URI, without '?'; an access_token there may be one. */
void presented_read(const struct conf_options *o, const struct params *p,
	struct str query, struct arena *a, struct presented *r);

/* A header that holds an inbound credential, by its name. */
bool presented_place(const struct conf_options *o, struct str name);

/* One of them is in the value, or may be: not all of them could be read. */
bool presented_in(const struct presented *r, struct str value);

/* "Bearer x", "Token x", "x": x. */
struct str presented_bare(struct str value);

#endif
