/* SPDX-License-Identifier: MIT */
/*
 * answer -- what an introspection endpoint says about a token (RFC 7662)
 *
 * Promise: `active` is exactly true, or nobody is named.  What else is there
 * is judged with its own type, as in a signed token; what is absent is no
 * reason to refuse, unless an audience is configured.
 * Errors: AUTH_UNAVAILABLE when it is no answer at all; INVALID_TOKEN,
 * TOKEN_CLAIMS, TOKEN_EXPIRED when it says no.
 */
#ifndef AUTH_ANSWER_H
#define AUTH_ANSWER_H

#include "auth/claims.h"

#define ANSWER_NAMELESS IDENTITY_NAMELESS	/* nobody is named */

/* rules: issuer (at most one), audience, names of claims, leeway. */
const struct fault *answer_read(const struct conf_jwt *rules, struct str body,
	int64_t now_unix_s, struct arena *a, struct claims *c_r);

/* What outlives the arena in which an answer was read. */
void answer_copy(struct arena *a, const struct claims *c, struct claims *c_r);

#endif
