/* SPDX-License-Identifier: MIT */
/*
 * proxyhdr -- an identity that a web server or proxy vouches for
 *
 * Promise: exactly one value, of a trusted peer or with the shared secret;
 * every condition that is configured must hold.  The bytes are used as they
 * are: nothing is decoded, unquoted or folded.  A signed value (PROXY_JWT)
 * needs no trust in who sent it; it is handed on to be verified.
 * Errors: NO_IDENTITY (repeated, joined), BAD_IDENTITY (bytes, length).
 * Secrets: the proxy's, compared by digest.
 */
#ifndef AUTH_PROXYHDR_H
#define AUTH_PROXYHDR_H

#include "auth/identity.h"
#include "conf/conf.h"
#include "http/params.h"

enum proxy_format { PROXY_TEXT, PROXY_LIST, PROXY_PAYLOAD, PROXY_JWT };

/* Names in environment form, NUL-terminated; made once per policy. */
struct proxy_rules {
	const struct conf_proxy_identity *conf;
	const struct conf_cidrs *peers;	/* NULL: the peer is no condition */
	bool listed;			/* they are trustedPeers, written */
	enum proxy_format format;
	struct str source;		/* "header:X-User", "param:REMOTE_USER" */
	struct str user, email, groups, secret;	/* variables; "" : none */
	bool client;			/* user is a header: trust is needed;
					 * else what is written must hold */
	bool conditions;		/* there is one that may hold */
};

/* A fault: SERVER_INVALID, anybody could claim to be anybody. */
const struct fault *proxyhdr_rules(const struct conf *c,
	const struct conf_proxy_identity *p, struct arena *a,
	struct proxy_rules *r_r);

struct proxy_answer {
	bool present;			/* somebody is named: who */
	bool untrusted;			/* a header was there, nobody to trust */
	bool nobody;			/* "(null)" or "-" stood there */
	struct str token;		/* PROXY_JWT: to be verified */
	struct identity_draft who;
};

/* NULL with present false: no identity. */
const struct fault *proxyhdr_read(const struct proxy_rules *r,
	const struct params *p, int64_t now_unix_s, struct arena *a,
	struct proxy_answer *answer_r);

#endif
