/* SPDX-License-Identifier: MIT */
/*
 * auth -- who is calling: judges what the caller presents
 *
 * The strategies of a server in order; the first whose credential is present
 * decides, its refusal is final.  Nothing is repaired, joined or guessed.
 * Secrets: presented credentials stay in the request's arena.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "auth/identity.h"
#include "base/fault.h"
#include "conf/conf.h"
#include "http/params.h"
#include "shm/revoked.h"
#include "shm/segment.h"

/* What a generation needs to judge: parsed keys, policy digests. */
struct auth_policy;		/* of one server (or of the gateway); in an arena */

/* A fault: the keys cannot be used (server_invalid; detail for the log). */
const struct fault *auth_policy_new(const struct conf *c,
	const struct conf_inbound *in, struct str policy_name,
	struct arena *a, struct auth_policy **p_r);

/* Makes the objects of all keys now instead of at first need: for workers
 * and for the configuration check.  Plain CGI leaves it out, because it
 * starts OpenSSL (1 ms) and a cached verdict needs none.  Faults as above. */
const struct fault *auth_policy_ready(const struct auth_policy *p,
	struct arena *a);

/* Both, for conf_source.judge: why not, "" when it can be used. */
struct str auth_policy_judge(const struct conf *c,
	const struct conf_inbound *in, struct arena *a);

/* The challenge of this policy for a refusal decided elsewhere. */
struct str auth_challenge(const struct auth_policy *p, enum fault_kind kind,
	struct arena *a);

/* The same for an operation that asks for more scopes; all are named. */
struct str auth_challenge_scopes(const struct auth_policy *p,
	enum fault_kind kind, const struct conf_texts *more, struct arena *a);

/* What a judgement lacks that only the network can give. */
enum auth_need_kind { AUTH_NEED_NOTHING, AUTH_NEED_KEYS, AUTH_NEED_ANSWER };

struct key_wish;		/* auth/keyfetch.h */

/* Made by auth_judge(); lies in the request's arena. */
struct auth_need {
	enum auth_need_kind kind;
	const struct auth_policy *policy;
	struct str token;		/* AUTH_NEED_ANSWER: to be asked about */
	const struct key_wish *keys;	/* AUTH_NEED_KEYS */
};

struct auth_remote;		/* per worker; auth/remote.h */

struct auth_ask {
	const struct auth_policy *policy;
	struct auth_remote *remote;	/* NULL: nothing is fetched: 503 */
	bool waited;			/* a wait of this judgement is over:
					 * what is not there now is refused */
	const struct params *params;
	struct str query;		/* of the URI, without '?' */
	struct segment *segment;	/* verdict cache; NULL: none */
	const struct revoked *revoked;	/* NULL: nobody is */
	struct arena *arena;
	uint32_t generation;
	int64_t now_unix_s;
	bool local;			/* see auth_local_client() */
	bool tired;			/* what costs much is refused: 429 */
};

/* Why not, and what the challenge says. */
struct auth_answer {
	struct identity who;		/* when the fault is NULL */
	/* "jwt", "token", …: which one decided; where none did because nothing
	 * was presented, the first of the list */
	const char *strategy;
	/* WWW-Authenticate for 401, for 403 of a missing scope, and for 400
	 * of a credential in two places */
	struct str challenge;
	struct str presented;		/* bearer value looked at, for the guard */
	bool cached;			/* from the verdict cache */
	bool proxy_header_missing;	/* counter mcp_proxy_header_missing */
	bool untrusted_header;		/* security violation counter */
	/* "malformed_credential", "repeated_credential", "repeated_identity",
	 * "bad_identity": another one; NULL: none */
	const char *violation;
	bool anonymous;			/* a fault, but nothing was presented:
					 * who is nobody, for publicTools */
	bool nobody;			/* a proxy says "-" or "(null)" */
	struct str other;		/* a trusted proxy names somebody else */
	struct identity refused;	/* a fault, but this is who it was; else
					 * user is "" */
	bool costly;			/* a signature or an endpoint was asked */
	/* kind set: no verdict yet (the result is NULL, who is empty); wait
	 * with auth_remote_wait() and judge again with `waited`. */
	struct auth_need need;
};

/* NULL: answer_r->who is the caller, unless answer_r->need says wait. */
const struct fault *auth_judge(const struct auth_ask *ask,
	struct auth_answer *answer_r);

/* The peer by REMOTE_ADDR (or peerParam) and whether it is a local client:
 * loopback peer and no X-Forwarded-For, Forwarded, X-Real-IP, Via. */
bool auth_local_client(const struct conf *c, const struct params *p);

/* The Bearer token of a page of our own (metrics, status) is one of keys.
 * Constant time over all of them (listed.c). */
bool auth_listed(const struct conf_keys *keys, const struct params *p,
	int64_t now_unix_s);

/* User and password of such a page, of admin.basic: both are compared in
 * constant time.  NONE: there is no pair, or no Basic credential. */
enum auth_basic { AUTH_BASIC_NONE, AUTH_BASIC_MATCH, AUTH_BASIC_WRONG };

bool auth_has_basic(const struct conf *c);
enum auth_basic auth_basic(const struct conf *c, const struct params *p,
	struct arena *a);

#endif
