/* SPDX-License-Identifier: MIT */
/*
 * introspect -- asks an endpoint what a token is worth (RFC 7662)
 *
 * Lifetime: one object per worker, for all generations; part of auth_remote.
 * Sharing: one question for all processes: who asks is written in the
 * segment (shm/asked.h), the others look there every 20 ms.  Good answers lie
 * on the shelf, refusals in a table of their own, both only for seconds.
 * Waits: in waiters of requests, as long as the endpoint may take and a
 * second; at most 256 for one token, and 256 tokens at a time.
 * Errors: AUTH_UNAVAILABLE with Retry-After for everything that is no answer;
 * such an endpoint rests some seconds.  Told once in the log.
 * Secrets: tokens and our credentials lie in the arena of their question.
 */
#ifndef AUTH_INTROSPECT_H
#define AUTH_INTROSPECT_H

#include "auth/claims.h"
#include "auth/remote.h"

struct introspect;

struct introspect *introspect_new(struct loop *l, struct wire *w,
	struct segment *s);
void introspect_free(struct introspect *i);

/* The part of auth_remote that asks about tokens (remote.c). */
struct introspect *auth_remote_introspect(struct auth_remote *r);

/* auth_remote_wait() for AUTH_NEED_ANSWER. */
const struct fault *introspect_wait(struct introspect *i,
	const struct auth_need *need, struct waiter *w);

/* What is known about the token: by some worker, or because this request has
 * waited for it.  known_r false: nothing; then it must be asked about. */
const struct fault *introspect_look(const struct auth_ask *ask,
	struct str token, struct claims *c_r, bool *known_r);

/* AUTH_UNAVAILABLE with its Retry-After. */
const struct fault *introspect_unavailable(struct arena *a, const char *why);

#endif
