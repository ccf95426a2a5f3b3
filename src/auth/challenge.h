/* SPDX-License-Identifier: MIT */
/*
 * challenge -- the value of WWW-Authenticate that belongs to a refusal
 *
 * Promise: exactly one challenge a call, made of configured text only; no error
 * code without a credential.
 */
#ifndef AUTH_CHALLENGE_H
#define AUTH_CHALLENGE_H

#include "base/fault.h"
#include "conf/conf.h"

/* STR_NONE where none belongs (403 forbidden, 400 bad identity, 503). */
struct str challenge_of(const struct conf_inbound *in, enum fault_kind kind,
	struct arena *a);

/* more: scopes of the operation beside requiredScopes; all are named. */
struct str challenge_scopes(const struct conf_inbound *in,
	enum fault_kind kind, const struct conf_texts *more, struct arena *a);

/* That of the pages which take user and password, beside the one above. */
struct str challenge_basic(const struct conf_inbound *in, struct arena *a);

#endif
