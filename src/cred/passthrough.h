/* SPDX-License-Identifier: MIT */
/*
 * passthrough -- headers that a caller may send on to the upstream
 *
 * By an allow list of the configuration; never cut, never cleaned: what
 * cannot travel is dropped (and told) or refuses the request.  Names of the
 * proxy's identity headers carry what was verified, not what was sent.
 */
#ifndef CRED_PASSTHROUGH_H
#define CRED_PASSTHROUGH_H

#include "conf/conf.h"
#include "http/headers.h"
#include "http/params.h"

struct passthrough_ask {
	const struct conf_options *options;
	const struct params *params;
	struct str query;		/* of the URI, without '?' */
	struct str user, groups;	/* verified by proxy identity, or "" */
	bool authenticated;		/* the caller is known */
	struct str request_id;		/* for the log */
	struct arena *arena;
};

/* Adds what may travel; a name that is there already is left alone. A fault:
 * onBadHeader "reject". */
const struct fault *passthrough_headers(const struct passthrough_ask *ask,
	struct headers *h);

enum passthrough_own {
	PASSTHROUGH_NONE,		/* no X-Upstream-Authorization */
	PASSTHROUGH_GIVEN,		/* it is in the headers now */
	PASSTHROUGH_BLOCKED,		/* it was bad: no credential at all */
};

/* X-Upstream-Authorization becomes Authorization; the pool is left alone. */
const struct fault *passthrough_credential(const struct passthrough_ask *ask,
	struct headers *h, enum passthrough_own *own_r);

#endif
