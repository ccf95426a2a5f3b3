/* SPDX-License-Identifier: MIT */
/*
 * verdict -- what an upstream's reply means for the request
 *
 * Tokens are not judged here: a status that may be about the credential is
 * VERDICT_CREDENTIAL and goes to cred/.
 */
#ifndef RELAY_VERDICT_H
#define RELAY_VERDICT_H

#include "base/fault.h"
#include "relay/call.h"

enum verdict {
	VERDICT_JSON,		/* relay the body, length known at its end */
	VERDICT_EVENTS,		/* relay an event stream */
	VERDICT_EMPTY,		/* accepted, no body: 202 or 200 */
	VERDICT_CREDENTIAL,	/* 401 402 403 429 */
	VERDICT_LOST,		/* 404 for a session of ours */
	VERDICT_REFUSED,	/* another 4xx: status, and its body if JSON */
	VERDICT_FAULT,		/* fault_r says what the client gets */
};

struct verdict_ask {
	const struct call *call;
	bool has_session;		/* the request carried a session id */
	bool expects_body;		/* a request, not only notifications */
	const char *server;
};

/* The reply's head is there, or the call has ended without one. */
enum verdict verdict_of(struct arena *a, const struct verdict_ask *ask,
	const struct fault **fault_r);

/* The fault of a transfer that ended badly. */
const struct fault *verdict_end(struct arena *a, enum transfer_end end,
	const char *detail);

/* The upstream refused what no pool can cure (no pool: static or none). */
const struct fault *verdict_refused(struct arena *a,
	const struct transfer_reply *r);

#define RETRY_AFTER_CAP 604800u	/* seconds: a week, as auth.retryAfterMax */

/* Seconds of a Retry-After header (delta or HTTP date), at most
 * RETRY_AFTER_CAP; 0: none or unreadable. */
uint32_t verdict_retry_after(const struct transfer_reply *r,
	int64_t now_unix_s);

/* The body is as it was written: we asked for no coding. */
bool verdict_plain(const struct transfer_reply *r);

/* One of WWW-Authenticate says error="insufficient_scope". */
bool verdict_scope(const struct transfer_reply *r);

#endif
