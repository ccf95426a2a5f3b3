/* SPDX-License-Identifier: MIT */
/*
 * loop -- the event loop: descriptors, timers, signals, end-of-turn tasks
 *
 * Lifetime: one loop per worker, made after fork.  A timer and a task lie
 * inside the object they serve (no allocation); a watch is owned by the loop
 * and given back with watch_free(), also from inside its own callback.
 * Waits: only loop_run() does.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct loop;

struct loop *loop_new(void);
void loop_free(struct loop *l);
void loop_run(struct loop *l);		/* until loop_stop() */
void loop_stop(struct loop *l);

/* Monotonic, read once a turn. */
uint64_t loop_now_ms(const struct loop *l);

/* For tests: time is ms later from now on. */
void loop_skip(struct loop *l, uint64_t ms);

/* The longest single callback so far, in microseconds. */
uint64_t loop_longest_us(const struct loop *l);

/* ---- timers: one-shot ------------------------------------------------- */
struct timer {
	struct loop *loop;
	void (*fn)(void *who);
	void *who;
	uint64_t due_ms;
	uint32_t place;			/* in the heap, 0: not running */
};

void timer_init(struct timer *t, struct loop *l, void (*fn)(void *), void *who);
void timer_start(struct timer *t, uint64_t in_ms);	/* restarts a running one */
void timer_stop(struct timer *t);			/* idle: no effect */
bool timer_running(const struct timer *t);

/* ---- tasks: once, at the end of this turn, from an empty stack --------- */
struct task {
	struct list link;
	void (*fn)(void *who);
	void *who;
};

void task_init(struct task *t, void (*fn)(void *), void *who);
void task_post(struct loop *l, struct task *t);	/* posted already: no effect */
void task_drop(struct task *t);

/* ---- descriptors -------------------------------------------------------- */
enum { WATCH_READ = 1, WATCH_WRITE = 2, WATCH_GONE = 4 };

struct watch;
typedef void watch_fn(void *who, int events);	/* bits above */

/* The descriptor becomes non-blocking; nothing is watched yet.  NULL, with
 * errno: it cannot be watched (a regular file, or watched already). */
struct watch *watch_new(struct loop *l, int fd, watch_fn *fn, void *who);
void watch_set(struct watch *w, int events);	/* 0: none; unchanged: no call */
void watch_free(struct watch *w);	/* before the fd is closed */

/* ---- signals, and what runs every turn --------------------------------- */
void loop_signal(struct loop *l, int signo, void (*fn)(void *who, int signo),
	void *who);

/* Called once at the end of every turn, after the tasks (log_flush). */
void loop_each_turn(struct loop *l, void (*fn)(void *who), void *who);

#endif
