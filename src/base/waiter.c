/* SPDX-License-Identifier: MIT */
/*
 * waiter -- from an operation's list to the loop's tasks
 */
#include "config.h"
#include "base/waiter.h"

#include <stddef.h>

#include "base/fault.h"

void
waiter_init(struct waiter *w, struct loop *l, struct arena *a,
	void (*resume)(void *who), void *who)
{
	*w = (struct waiter){ .loop = l, .arena = a };
	list_init(&w->link);
	task_init(&w->task, resume, who);
}

static void
begin(struct waiter *w)
{
	w->fault = NULL;
	w->stop = NULL;
	w->operation = NULL;
	w->busy = true;
}

void
waiter_join(struct list *waiters, struct waiter *w)
{
	begin(w);
	list_drop(&w->link);
	list_append(waiters, &w->link);
}

void
waiter_own(struct waiter *w, void (*stop)(void *), void *operation)
{
	begin(w);
	w->stop = stop;
	w->operation = operation;
}

/* The operation is over: nobody may stop it any more. */
void
waiter_wake(struct waiter *w, const struct fault *f)
{
	list_drop(&w->link);
	if (!w->busy)
		return;
	w->busy = false;
	w->stop = NULL;
	w->operation = NULL;
	w->fault = fault_copy(w->arena, f);
	task_post(w->loop, &w->task);
}

void
waiter_wake_all(struct list *waiters, const struct fault *f)
{
	while (!list_empty(waiters))
		waiter_wake(LIST_ENTRY(waiters->next, struct waiter, link), f);
}

void
waiter_leave(struct waiter *w)
{
	void (*stop)(void *) = w->stop;
	void *operation = w->operation;

	list_drop(&w->link);
	task_drop(&w->task);
	w->busy = false;
	w->stop = NULL;
	w->operation = NULL;
	if (stop != NULL)
		stop(operation);
}

/* Woken, but not yet resumed, is busy, too. */
bool
waiter_busy(const struct waiter *w)
{
	return w->busy || !list_empty(&w->task.link);
}
