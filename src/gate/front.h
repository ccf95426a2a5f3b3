/* SPDX-License-Identifier: MIT */
/*
 * front -- what a server shows to browsers, made ready once
 *
 * Security headers and cross-origin answers of one rule, as whole header
 * lines, so that a reply only copies them.
 * Lifetime: lies in the arena of the generation's site, and borrows from its
 * configuration.
 * Promise: every line passed the checks of http/headers.h.
 */
#ifndef GATE_FRONT_H
#define GATE_FRONT_H

#include "base/origin.h"
#include "conf/conf.h"

struct front {
	const struct origin_entry *origins;
	uint32_t n_origins;
	bool check;			/* other origins are refused */
	bool cors;			/* there are cross-origin answers */
	bool any;			/* "*" without credentials */
	struct str plain;		/* lines of every reply */
	struct str crossed;		/* the same, to an allowed origin */
	struct str asked;		/* the same, to its preflight */
	struct str headers;		/* value: what it may ask for */
	struct str open, open_asked;	/* documents for everybody */
	struct str cache;		/* Cache-Control of open pages; "": none */
};

struct front *front_new(const struct conf *c, const struct conf_security *s,
	struct arena *a);

#endif
