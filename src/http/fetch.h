/* SPDX-License-Identifier: MIT */
/*
 * fetch -- one small document from somewhere else: a key set, an answer
 *
 * Lifetime: fetch_start() gives an object that ends with the `done` callback
 * or with fetch_stop(), never both.  What the plan holds is copied; what the
 * reply holds ends when `done` returns.
 * Promise: certificates are always verified; redirects are not followed, no
 * cookie and no header of a client goes along; there is an end in time and
 * in size.  A URL that somebody else gave us is https, leads to no private
 * address (judged when the connection is made), to no odd port, and gets a
 * connection of its own.  One with scheme, host and port of the operator's
 * own URL is trusted as that one is.
 * Waits: never; `done` is called from an empty stack.
 * Secrets: the form and the headers are wiped at the end.
 */
#ifndef HTTP_FETCH_H
#define HTTP_FETCH_H

#include "http/transfer.h"

struct fetch;

enum fetch_end {
	FETCH_REPLY,		/* complete, whatever its status */
	FETCH_DOWN,		/* refused, reset, no such host, proxy failed */
	FETCH_TLS,
	FETCH_TIMEOUT,
	FETCH_LARGE,		/* more than max_bytes */
	FETCH_BLOCKED,		/* a private address */
	FETCH_BROKEN,		/* not HTTP */
};

struct fetch_reply {
	enum fetch_end end;
	int status;		/* 0: no reply */
	struct str type;	/* media type, lower case */
	const struct headers *headers;
	struct str body;
	const char *detail;	/* for the log: fixed words, no URL; never NULL */
};

struct fetch_plan {
	struct wire *wire;
	struct str url;
	/* The operator's URL that led to this one; "": url is his own. */
	struct str given_by;
	/* Hosts that a given URL may have; n == 0: any public one (through a
	 * proxy: that of given_by alone, since nobody sees the address). */
	const struct conf_texts *hosts;
	const struct conf_outproxy *proxy;	/* NULL: direct */
	struct str ca_file;	/* "" : the system's */
	const struct headers *headers;		/* NULL: none but ours */
	struct str form;	/* p != NULL: POST, application/x-www-form-… */
	int64_t connect_ms, total_ms;
	size_t max_bytes;	/* of the body */
	bool keep;		/* the connection may serve again (own URLs) */
	bool block_private;	/* the rule for addresses, for an own URL too */
	void (*done)(void *who, const struct fetch_reply *r);
	void *who;
};

/* NULL: the URL cannot be used, why_r says why; nothing will be called. */
struct fetch *fetch_start(const struct fetch_plan *p, const char **why_r);
void fetch_stop(struct fetch *f);	/* no callback follows */

/* May a peer-given URL be asked at all?  NULL: yes; else why not. */
const char *fetch_refused(const struct fetch_plan *p);

#endif
