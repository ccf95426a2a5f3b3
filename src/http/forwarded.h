/* SPDX-License-Identifier: MIT */
/*
 * forwarded -- who a request came from, as proxies in front tell it
 *
 * Each proxy adds whom it got the request from at the right end, so the list
 * is walked from right to left while those that are named are trusted.  What
 * stands further left is a client's own text and is never believed.
 * Promise: nothing is repaired: what is no address ends the walk, and the
 * last one found counts.
 */
#ifndef HTTP_FORWARDED_H
#define HTTP_FORWARDED_H

#include "conf/conf.h"

/* How the header is written: a list of addresses, or RFC 7239. */
enum forwarded_form { FORWARDED_LIST, FORWARDED_RFC7239 };

struct forwarded {
	struct conf_cidr from;		/* the last address that counts */
	bool found;			/* from is set */
	bool bad;			/* the walk met what is no address */
	bool too_many;			/* more than MAX_FORWARDED elements */
};

/* peer NULL: a trusted peer without an address; else a trusted address. */
struct forwarded forwarded_walk(enum forwarded_form form, struct str value,
	const struct conf_cidr *peer, const struct conf_cidrs *trusted,
	int64_t now_unix_s);

#endif
