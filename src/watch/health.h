/* SPDX-License-Identifier: MIT */
/*
 * health -- bodies of /health, /ready and /version
 */
#ifndef WATCH_HEALTH_H
#define WATCH_HEALTH_H

#include "conf/conf.h"
#include "shm/segment.h"

/* {"status":"ok","name":…,"version":…,"serverCount":…} */
struct str health_text(const struct conf *c, struct arena *a);

/* For ?strict=1: the servers that cannot serve. */
struct ready_strict {
	const struct str *unhealthy;	/* n names */
	uint32_t n;
	bool tell;			/* the names, to an administrator */
};

/* 200 or 503; the last refused reload, and how many key sets could not be
 * fetched anew, are told as members, not as 503, unless it is asked for
 * strictly (strict: else NULL). */
int ready_text(const struct conf *c, const struct segment *s,
	const struct ready_strict *strict, struct arena *a,
	struct str *text_r);
struct str version_text(const struct conf *c, struct arena *a);

#endif
