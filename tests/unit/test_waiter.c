/* SPDX-License-Identifier: MIT */
/*
 * waiter -- woken once, from an empty stack, and never after it has left
 */
#include "config.h"
#include "base/waiter.h"

#include "base/arena.h"
#include "base/fault.h"
#include "base/limits.h"
#include "kit/tap.h"

struct request {
	struct waiter wait;
	int resumed;
	bool inside;		/* resumed while somebody's call runs */
};

static struct loop *l;
static struct arena *a;
static bool in_call;
static int stopped;

static void
resume(void *who)
{
	struct request *q = who;

	q->resumed++;
	q->inside = in_call;
}

static void
stop_operation(void *operation)
{
	stopped += *(int *)operation;
}

static void
end(void *who)
{
	(void)who;
	loop_stop(l);
}

static void
turn(void)
{
	struct timer t;

	timer_init(&t, l, end, NULL);
	timer_start(&t, 1);
	loop_run(l);
}

static void
begin(struct request *q)
{
	*q = (struct request){ .resumed = 0 };
	waiter_init(&q->wait, l, a, resume, q);
}

static void
test_shared(void)
{
	struct request q[3];
	struct list waiters;

	list_init(&waiters);
	for (int i = 0; i < 3; i++) {
		begin(&q[i]);
		OK(!waiter_busy(&q[i].wait));
		waiter_join(&waiters, &q[i].wait);
		OK(waiter_busy(&q[i].wait));
	}
	waiter_leave(&q[1].wait);
	OK(!waiter_busy(&q[1].wait));
	in_call = true;
	waiter_wake_all(&waiters, NULL);
	waiter_wake(&q[0].wait, NULL);
	in_call = false;
	OK(list_empty(&waiters));
	IS_INT(q[0].resumed, 0);
	OK(waiter_busy(&q[0].wait));
	turn();
	IS_INT(q[0].resumed, 1);
	IS_INT(q[1].resumed, 0);
	IS_INT(q[2].resumed, 1);
	OK(!q[0].inside && !waiter_busy(&q[0].wait));
}

static void
test_fault(void)
{
	struct arena *other = arena_new(KIB(64));
	struct fault *f = fault_new(other, FAULT_UPSTREAM_DOWN, "no %s", "way");
	struct list waiters;
	struct request q;

	list_init(&waiters);
	begin(&q);
	waiter_join(&waiters, &q.wait);
	waiter_wake_all(&waiters, f);
	arena_free(other);		/* the operation ends before */
	turn();
	if (!OK(q.wait.fault != NULL))
		return;
	OK(q.wait.fault->kind == FAULT_UPSTREAM_DOWN);
	IS_STR(str_of(q.wait.fault->detail), "no way");
	waiter_join(&waiters, &q.wait);	/* the next wait knows nothing of it */
	OK(q.wait.fault == NULL);
	waiter_leave(&q.wait);
}

/* Leaving between the wake and the end of the turn is still in time. */
static void
test_leave_woken(void)
{
	struct list waiters;
	struct request q;

	list_init(&waiters);
	begin(&q);
	waiter_join(&waiters, &q.wait);
	waiter_wake_all(&waiters, NULL);
	waiter_leave(&q.wait);
	waiter_leave(&q.wait);
	turn();
	IS_INT(q.resumed, 0);
	OK(!waiter_busy(&q.wait));
}

static void
test_own(void)
{
	struct request q;
	int one = 1;

	begin(&q);
	waiter_own(&q.wait, stop_operation, &one);
	OK(waiter_busy(&q.wait));
	waiter_leave(&q.wait);
	IS_INT(stopped, 1);
	waiter_leave(&q.wait);
	IS_INT(stopped, 1);
	waiter_wake(&q.wait, NULL);	/* too late: nobody waits */
	turn();
	IS_INT(q.resumed, 0);

	waiter_own(&q.wait, stop_operation, &one);
	waiter_wake(&q.wait, NULL);
	waiter_leave(&q.wait);		/* it is over: nothing to stop */
	IS_INT(stopped, 1);
	waiter_own(&q.wait, stop_operation, &one);
	waiter_wake(&q.wait, NULL);
	turn();
	IS_INT(q.resumed, 1);
	IS_INT(stopped, 1);
}

int
main(void)
{
	l = loop_new();
	a = arena_new(KIB(64));
	test_shared();
	test_fault();
	test_leave_woken();
	test_own();
	arena_free(a);
	loop_free(l);
	return tap_done();
}
