/* SPDX-License-Identifier: MIT */
/*
 * waiter -- somebody who waits for one operation
 *
 * A waiter is embedded in the request.  waiter_wake() marks it; at the end of
 * the turn its resume function is called once, from an empty stack.  After
 * waiter_leave() nobody calls it.
 *
 * Lifetime: that of the request; an operation that ends first wakes it, a
 * request that ends first leaves.
 * Errors: the operation's fault is copied into the waiter's arena.
 */
#ifndef BASE_WAITER_H
#define BASE_WAITER_H

#include "base/loop.h"

struct fault;
struct arena;

struct waiter {
	struct list link;		/* in the operation's list, or free */
	struct task task;
	struct loop *loop;
	struct arena *arena;		/* where a fault is copied to */
	const struct fault *fault;	/* why the operation failed, or NULL */
	void (*stop)(void *operation);	/* operation made for this one alone */
	void *operation;
	bool busy;
};

void waiter_init(struct waiter *w, struct loop *l, struct arena *a,
	void (*resume)(void *who), void *who);

/* Hangs w into a list of waiters (shared operation). */
void waiter_join(struct list *waiters, struct waiter *w);

/* The operation was made for w alone; stop(operation) ends it early. */
void waiter_own(struct waiter *w, void (*stop)(void *), void *operation);

void waiter_wake(struct waiter *w, const struct fault *f);
void waiter_wake_all(struct list *waiters, const struct fault *f);
void waiter_leave(struct waiter *w);		/* idle: no effect */
bool waiter_busy(const struct waiter *w);

#endif
