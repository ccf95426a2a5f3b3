/* SPDX-License-Identifier: MIT */
/*
 * remote -- what must be fetched before a caller can be judged
 *
 * One object per worker, for all generations: it fetches key sets (with
 * discovery) and asks introspection endpoints, once for all processes: the
 * stamps and documents lie in the segment, so that a worker first looks
 * whether another one fetches already and then waits for that.
 * Waits: in waiters of requests, each at most 5 s (introspection: its
 * timeout); at most 256 wait for one thing, the next one is refused (503).
 * Errors: a failed fetch is told once in the log; requests get
 * AUTH_UNAVAILABLE with Retry-After, never a 401.
 */
#ifndef AUTH_REMOTE_H
#define AUTH_REMOTE_H

#include "auth/auth.h"
#include "base/waiter.h"
#include "http/transfer.h"

/* segment NULL: everything is fetched by this worker for itself. */
struct auth_remote *auth_remote_new(struct loop *l, struct wire *w,
	struct segment *s);
void auth_remote_free(struct auth_remote *r);	/* stops what is under way */

/* Starts or joins what is needed; w is woken (with a fault when it failed:
 * AUTH_UNAVAILABLE).  A fault returned at once: nothing will be waited for. */
const struct fault *auth_remote_wait(struct auth_remote *r,
	const struct auth_need *need, struct waiter *w);

/* Once a second: refreshes key sets in use before they grow old. */
void auth_remote_tick(struct auth_remote *r);

/* What there is, for /ready, status and the log: key sets with their age. */
struct auth_remote_view {
	struct str url;			/* without userinfo and query */
	uint32_t keys;
	int64_t age_s;			/* since the last good fetch; -1: none */
	bool stale;			/* the last fetch failed */
};
uint32_t auth_remote_list(const struct segment *s,
	struct auth_remote_view *v_r, uint32_t room, struct arena *a);

#endif
