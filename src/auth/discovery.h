/* SPDX-License-Identifier: MIT */
/*
 * discovery -- where an issuer says that its endpoints are
 *
 * RFC 8414 with the path inserted, OpenID Connect with the path inserted,
 * then appended: the first document counts whose `issuer` is, byte by byte,
 * the one that was asked.
 * Lifetime: ends with `done` or discovery_stop(), never both; what is found
 * ends when `done` returns.
 * Promise: what is found is text that was said, nothing more; fetch.h judges
 * each URL (given_by: the issuer) before it is asked.
 * Waits: never; one end in time for all tries together.
 */
#ifndef AUTH_DISCOVERY_H
#define AUTH_DISCOVERY_H

#include "http/fetch.h"

struct discovery;

/* "" : not said. */
struct discovery_found {
	struct str jwks_uri, introspection_endpoint;
};

struct discovery_result {
	const char *why;		/* NULL: found */
	bool lasting;			/* asking again soon will not help */
	struct discovery_found found;
};

struct discovery_plan {
	struct wire *wire;
	struct str issuer;		/* a URL of the operator's; copied */
	const struct conf_outproxy *proxy;	/* must live until the end, */
	struct str ca_file;			/* as this; "" : the system's */
	int64_t connect_ms, total_ms;
	void (*done)(void *who, const struct discovery_result *r);
	void *who;
};

/* NULL: the issuer is not a URL that can be asked. */
struct discovery *discovery_start(const struct discovery_plan *p);
void discovery_stop(struct discovery *d);

#define DISCOVERY_TRIES 3

/* The URLs to try, in order; fewer where they are the same. */
uint32_t discovery_urls(struct arena *a, struct str issuer,
	struct str urls_r[DISCOVERY_TRIES]);

/* NULL: it is the metadata of that issuer; else why not. */
const char *discovery_read(struct arena *a, struct str document,
	struct str issuer, struct discovery_found *f_r);

#endif
