/* SPDX-License-Identifier: MIT */
/*
 * rotator -- which token of a pool goes along, and what an answer does to it
 *
 * The policy (docs/why/rotation.md); what all workers know lies in shm/rotor.
 *
 *	do {
 *		f = rotator_pick(r, &q->try, &ask);
 *		... send with token q->try.index, get the status line ...
 *		next = rotator_judge(r, &q->try, &answer);
 *	} while (next == ROTATOR_AGAIN);
 *	rotator_release(r, &q->try);	... whatever became of it
 *
 * Lifetime: a rotator lives with its generation; a rotator_try lies in the
 * request and counts for that request alone.
 * Errors: faults with the texts the client reads; log lines about tokens are
 * written here (refused, usable again, out of quota, session moved, all
 * failed).  No answer at all (refused connection, timeout) is not judged: the
 * token stays as it was.
 * Secrets: tokens are named by index.
 */
#ifndef CRED_ROTATOR_H
#define CRED_ROTATOR_H

#include "base/limits.h"
#include "conf/conf.h"
#include "shm/pins.h"
#include "shm/rotor.h"

struct rotator;

/* c has at least one enabled token.  s NULL, or full: the pool works, but
 * other processes see nothing of it (one warning). Never NULL. */
struct rotator *rotator_new(struct segment *s, const struct conf_server *c,
	uint64_t fingerprint, struct arena *a);

/* One request's attempts; zeroed at its start. */
struct rotator_try {
	uint32_t index;			/* now; ROTOR_NONE: no credential */
	uint32_t attempts;
	uint8_t *indexes;		/* of each attempt */
	uint16_t *statuses;
	uint32_t *waits;		/* Retry-After of each, in seconds */
	uint64_t tried[MAX_POOL_TOKENS / 64];
	bool pinned;			/* by a session */
	bool in_use;			/* counted in flight */
	bool marked;			/* the last answer marked the token */
	bool own_call, unnoticed;
	bool drawn;			/* round-robin: its turn */
	uint64_t turn;
	uint32_t scopes;		/* attempts with insufficient_scope */
	uint32_t told;			/* attempts the log has, from the first */
	uint64_t now_boot_ms;		/* of the last call */
	struct arena *arena;
	struct str session, request_id;
	const struct fault *fault;	/* after ROTATOR_FAIL */
};

struct rotator_ask {
	struct arena *arena;
	struct str session;		/* upstream's session id, or "" */
	const uint8_t *principal;	/* 16 bytes; sticky "principal" */
	uint64_t now_boot_ms;
	struct str request_id;		/* for log lines */
	bool own_call;			/* the gateway's own: moves nothing */
	bool unnoticed;			/* no worker: not counted in flight */
};

/* Sets t->index and counts the attempt. A fault: withdrawn, no token.
 * t->index is ROTOR_NONE when the call goes out without a credential (an own
 * call of a list mapped from authTokens). */
const struct fault *rotator_pick(struct rotator *r, struct rotator_try *t,
	const struct rotator_ask *ask);

struct rotator_answer {
	struct arena *arena;
	int status;			/* the upstream's */
	uint32_t retry_after_s;		/* 0: none said */
	bool insufficient_scope;	/* 403 that says so */
	bool limit_used_up;		/* x-ratelimit-remaining: 0 */
	struct str session;		/* the request's session id, or "" */
	uint64_t now_boot_ms;
	struct str request_id;
};

enum rotator_next {
	ROTATOR_DONE,		/* not about the token: go on with the reply */
	ROTATOR_AGAIN,		/* same request with rotator_pick()'s next */
	ROTATOR_FAIL,		/* t->fault says what the client gets */
};

/* Called once for every attempt that brought a status. */
enum rotator_next rotator_judge(struct rotator *r, struct rotator_try *t,
	const struct rotator_answer *answer);

/* The attempt is over (also without a status); called once at the end. */
void rotator_release(struct rotator *r, struct rotator_try *t);

/* The upstream gave a session id to an initialize sent with t's token. */
void rotator_learn_session(struct rotator *r, struct rotator_try *t,
	struct str session);
void rotator_forget_session(struct rotator *r, struct str session);

/* presented is one of the pool's values. Constant time. */
bool rotator_holds(const struct rotator *r, struct str presented);

/* Closes the pool for this configuration, in all workers. */
void rotator_withdraw(struct rotator *r);

/* Some token may be drawn: the list is not withdrawn, not all of it is
 * disabled or cooling. */
bool rotator_usable(const struct rotator *r, uint64_t now_boot_ms);

const struct rotor *rotator_cells(const struct rotator *r);

#endif
