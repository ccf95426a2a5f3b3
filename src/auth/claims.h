/* SPDX-License-Identifier: MIT */
/*
 * claims -- does a token with a good signature mean this gateway, now, and
 * whom does it name
 *
 * Promise: every claim is read with its own type; nothing is coerced.  Times
 * come out as the whole seconds at which the answer changes.
 * Errors: TOKEN_EXPIRED or TOKEN_CLAIMS with the name of the claim.
 * Secrets: the values of jwt.claims.
 */
#ifndef AUTH_CLAIMS_H
#define AUTH_CLAIMS_H

#include "auth/identity.h"
#include "auth/jose.h"
#include "conf/conf.h"
#include "shm/revoked.h"

/* A verdict: the caller, and from when till when it may be one. */
struct claims {
	struct identity_draft who;
	int64_t not_before_s;		/* INT64_MIN: always */
	int64_t expires_s;		/* INT64_MAX: never */
	int64_t issued_s;		/* REVOKED_NO_DATE: it does not say */
	/* what it may be refused by */
	struct revoked_name signed_part, jti, jti_any;
	bool has_jti;
};

const struct fault *claims_check(const struct conf_jwt *policy,
	const struct jose *j, int64_t now_unix_s, struct arena *a,
	struct claims *c_r);

/* The part that an answer about a token shares with a token: times, audience,
 * scopes and groups, what it may be refused by.  c_r: who is set. */
const struct fault *claims_shared(const struct conf_jwt *policy,
	const struct jdoc *answer, int64_t now_unix_s, struct arena *a,
	struct claims *c_r);

/* Is it time?  The leeway counts in favour of the caller. */
bool claims_begun(const struct claims *c, int64_t leeway_s, int64_t now_s);
bool claims_expired(const struct claims *c, int64_t leeway_s, int64_t now_s);

#endif
