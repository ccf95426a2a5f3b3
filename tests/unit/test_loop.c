/* SPDX-License-Identifier: MIT */
/*
 * loop -- timers in order, tasks in few batches a turn, descriptors as wanted
 */
#include "config.h"
#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/tap.h"

#define TIMERS 500

static struct loop *l;

static void
stop(void *who)
{
	(void)who;
	loop_stop(l);
}

static void
run_for(uint64_t ms)
{
	struct timer t;

	timer_init(&t, l, stop, NULL);
	timer_start(&t, ms);
	loop_run(l);
	timer_stop(&t);			/* hear() may have stopped it */
}

/* ---- timers ---- */

struct ticker {
	struct timer timer;
	uint64_t due_ms;
	bool rang;
};

static uint64_t last_due;
static int n_rang, n_early, n_disordered;

static void
tick(void *who)
{
	struct ticker *t = who;

	n_rang++;
	n_early += loop_now_ms(l) < t->due_ms;
	n_disordered += t->due_ms < last_due;
	last_due = t->due_ms;
	t->rang = true;
}

static void
test_order(void)
{
	static struct ticker t[TIMERS];
	int n_stopped = 0, n_wrong = 0;

	for (int i = 0; i < TIMERS; i++) {
		uint64_t in_ms = (uint64_t)(i * 7919 % 1000) * 1000;

		timer_init(&t[i].timer, l, tick, &t[i]);
		timer_start(&t[i].timer, 5);
		timer_start(&t[i].timer, in_ms);	/* restarted */
		t[i].due_ms = loop_now_ms(l) + in_ms;
	}
	for (int i = 0; i < TIMERS; i += 3, n_stopped++) {
		timer_stop(&t[i].timer);
		timer_stop(&t[i].timer);
	}
	loop_skip(l, 500000);
	run_for(0);
	for (int i = 0; i < TIMERS; i++)
		n_wrong += i % 3 == 0 ? t[i].rang : t[i].rang !=
			(t[i].due_ms <= loop_now_ms(l));
	IS_INT(n_wrong, 0);
	OK(n_rang > 0 && n_rang < TIMERS - n_stopped);
	loop_skip(l, 500000);
	run_for(0);
	IS_INT(n_rang, TIMERS - n_stopped);
	IS_INT(n_early, 0);
	IS_INT(n_disordered, 0);
	OK(!timer_running(&t[1].timer) && !timer_running(&t[0].timer));
}

static struct timer again;
static int n_again;

static void
ring_again(void *who)
{
	(void)who;
	n_again++;
	timer_start(&again, 0);
}

/* A timer that starts itself with 0 ms does not keep the turn from ending. */
static void
test_again(void)
{
	timer_init(&again, l, ring_again, NULL);
	timer_start(&again, 0);
	run_for(20);
	OK(n_again > 1 && n_again <= 30);
	OK(timer_running(&again));
	timer_stop(&again);
	OK(!timer_running(&again));
}

/* A far timer is armed first; an earlier one must still ring in time. */
static void
test_earlier(void)
{
	struct ticker far = { .rang = false }, far_too = far;

	timer_init(&far.timer, l, tick, &far);
	timer_init(&far_too.timer, l, tick, &far_too);
	timer_start(&far.timer, UINT64_MAX);
	timer_start(&far_too.timer, 100000000);
	run_for(5);
	OK(!far.rang && !far_too.rang);
	timer_stop(&far.timer);
	loop_skip(l, 100000000);
	run_for(0);
	OK(far_too.rang);
}

/* ---- tasks ---- */

static struct task first, second, dropped;
static int n_first, n_second, n_turns, first_turn, second_turn;

static void
do_first(void *who)
{
	(void)who;
	first_turn = n_turns;
	n_first++;
	task_drop(&dropped);
	task_post(l, &second);
	if (n_first == 1)
		task_post(l, &first);
}

static void
do_second(void *who)
{
	(void)who;
	second_turn = n_turns;
	n_second++;
}

static void
do_dropped(void *who)
{
	(void)who;
	tap_ok(false, "a dropped task runs");
}

static void
count_turn(void *who)
{
	(void)who;
	n_turns++;
}

static void
test_tasks(void)
{
	task_init(&first, do_first, NULL);
	task_init(&second, do_second, NULL);
	task_init(&dropped, do_dropped, NULL);
	loop_each_turn(l, count_turn, NULL);
	task_post(l, &first);
	task_post(l, &first);
	task_post(l, &dropped);
	run_for(100);
	IS_INT(n_first, 2);
	IS_INT(n_second, 2);
	IS_INT(second_turn, first_turn);	/* before the next poll */
	n_turns = 0;
	run_for(30);
	OK(n_turns < 20);		/* idle turns sleep */
	loop_each_turn(l, NULL, NULL);
}

static struct task itself;
static int n_itself;

static void
do_again(void *who)
{
	(void)who;
	if (++n_itself < 30)
		task_post(l, &itself);
}

/* A task that posts itself over and over does not keep others waiting. */
static void
test_task_again(void)
{
	task_init(&itself, do_again, NULL);
	loop_each_turn(l, count_turn, NULL);
	n_turns = 0;
	task_post(l, &itself);
	run_for(5);
	IS_INT(n_itself, 30);
	OK(n_turns >= 10);
	loop_each_turn(l, NULL, NULL);
}

/* ---- descriptors ---- */

struct end {
	struct watch *watch;
	int fd, seen, calls;
	bool drain, free_itself;
};

static void
hear(void *who, int events)
{
	struct end *e = who;
	char bytes[64];

	e->seen |= events;
	e->calls++;
	if (e->drain && (events & WATCH_READ) != 0)
		(void)!read(e->fd, bytes, sizeof(bytes));
	if (e->free_itself) {
		watch_free(e->watch);
		e->watch = NULL;
	}
	if (e->calls >= 1000)
		loop_stop(l);
}

static void
pair(struct end *a, int *other_r)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		abort();
	*a = (struct end){ .fd = fds[0], .drain = true };
	a->watch = watch_new(l, fds[0], hear, a);
	*other_r = fds[1];
}

static int
heard(struct end *e)
{
	e->seen = e->calls = 0;
	run_for(3);
	return e->seen;
}

static void
put(int fd)
{
	if (write(fd, "x", 1) != 1)
		abort();
}

static void
test_watch(void)
{
	struct end e;
	int other;

	pair(&e, &other);
	put(other);
	IS_INT(heard(&e), 0);			/* nothing is wanted yet */
	watch_set(e.watch, WATCH_READ);
	IS_INT(heard(&e), WATCH_READ);
	IS_INT(heard(&e), 0);
	watch_set(e.watch, WATCH_READ | WATCH_WRITE);
	e.drain = true;
	OK((heard(&e) & WATCH_WRITE) != 0);
	watch_set(e.watch, WATCH_READ);
	IS_INT(heard(&e), 0);			/* not writable any more */
	IS_INT(e.calls, 0);
	watch_set(e.watch, 0);			/* paused ... */
	put(other);
	IS_INT(heard(&e), 0);
	put(other);
	watch_set(e.watch, WATCH_READ);		/* ... and resumed */
	IS_INT(heard(&e), WATCH_READ);
	watch_set(e.watch, WATCH_GONE);
	put(other);
	IS_INT(heard(&e), 0);
	close(other);
	IS_INT(heard(&e), WATCH_GONE);
	watch_free(e.watch);
	close(e.fd);
	IS_INT(heard(&e), 0);
}

/* Paused with bytes waiting, the loop sleeps. */
static void
test_pause_sleeps(void)
{
	struct end e;
	int other;

	pair(&e, &other);
	watch_set(e.watch, WATCH_READ);
	IS_INT(heard(&e), 0);
	watch_set(e.watch, 0);
	put(other);
	n_turns = 0;
	loop_each_turn(l, count_turn, NULL);
	IS_INT(heard(&e), 0);
	run_for(30);
	OK(n_turns < 20);
	loop_each_turn(l, NULL, NULL);
	close(other);
	IS_INT(heard(&e), 0);
	watch_free(e.watch);
	close(e.fd);
}

static struct end left, right;

static void
free_other(void *who, int events)
{
	struct end *e = who, *other = e == &left ? &right : &left;

	(void)events;
	e->calls++;
	watch_free(other->watch);
	other->watch = NULL;
}

/* Both are ready; the one called first frees the other. */
static void
test_free_in_batch(void)
{
	int ends[2], fds[2];

	pair(&left, &ends[0]);
	pair(&right, &ends[1]);
	fds[0] = left.fd;
	fds[1] = right.fd;
	watch_free(left.watch);
	watch_free(right.watch);
	run_for(1);
	left.watch = watch_new(l, fds[0], free_other, &left);
	right.watch = watch_new(l, fds[1], free_other, &right);
	watch_set(left.watch, WATCH_WRITE);
	watch_set(right.watch, WATCH_WRITE);
	left.calls = right.calls = 0;
	run_for(0);
	OK((left.calls == 0) != (right.calls == 0));
	watch_free(left.watch);
	watch_free(right.watch);
	for (int i = 0; i < 2; i++) {
		close(ends[i]);
		close(fds[i]);
	}
}

static void
test_free_itself(void)
{
	struct end e;
	int other;

	pair(&e, &other);
	e.free_itself = true;
	watch_set(e.watch, WATCH_READ);
	put(other);
	put(other);
	IS_INT(heard(&e), WATCH_READ);
	IS_INT(e.calls, 1);
	/* the number is free again, at once */
	e.free_itself = false;
	e.watch = watch_new(l, e.fd, hear, &e);
	OK(e.watch != NULL);
	watch_set(e.watch, WATCH_READ);
	watch_free(e.watch);
	close(other);
	close(e.fd);
	IS_INT(heard(&e), 0);
}

/* What the kernel calls an error is told as whatever the owner waits for, as
 * long as the owner waits. */
static void
test_error(void)
{
	struct end e = { .calls = 0 };
	int fds[2];

	if (pipe(fds) != 0)
		abort();
	e.fd = fds[1];
	e.watch = watch_new(l, fds[1], hear, &e);
	close(fds[0]);			/* a pipe without reader: EPOLLERR */
	watch_set(e.watch, WATCH_WRITE);
	OK((heard(&e) & WATCH_WRITE) != 0);
	OK((heard(&e) & WATCH_WRITE) != 0);
	watch_set(e.watch, 0);
	IS_INT(heard(&e), 0);
	watch_free(e.watch);
	close(fds[1]);
}

static void
test_unwatchable(void)
{
	FILE *f = tmpfile();

	if (f == NULL)
		abort();
	errno = 0;
	OK(watch_new(l, fileno(f), hear, NULL) == NULL);
	OK(errno != 0);
	fclose(f);
	watch_free(NULL);
}

/* ---- signals, the end ---- */

static int signals_seen;

static void
on_signal(void *who, int signo)
{
	(void)who;
	signals_seen += signo == SIGUSR1;
	loop_stop(l);
}

static void
test_signal(void)
{
	loop_signal(l, SIGUSR1, on_signal, NULL);
	raise(SIGUSR1);
	loop_run(l);
	IS_INT(signals_seen, 1);
}

static void
work_long(void *who)
{
	(void)who;
	usleep(20000);
}

static void
test_longest(void)
{
	struct task t;

	task_init(&t, work_long, NULL);
	task_post(l, &t);
	run_for(0);
	OK(loop_longest_us(l) >= 20000);
}

/* What is still open when the loop ends is closed with it. */
static void
test_end(void)
{
	static struct ticker t;
	struct end e;
	int other;

	pair(&e, &other);
	watch_set(e.watch, WATCH_READ);
	timer_init(&t.timer, l, tick, &t);
	timer_start(&t.timer, 1000);
	loop_free(l);
	OK(!timer_running(&t.timer));
	close(e.fd);
	close(other);
	loop_free(NULL);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	l = loop_new();
	test_order();
	test_again();
	test_earlier();
	test_tasks();
	test_task_again();
	test_watch();
	test_pause_sleeps();
	test_free_in_batch();
	test_free_itself();
	test_error();
	test_unwatchable();
	test_signal();
	test_longest();
	test_end();
	return tap_done();
}
