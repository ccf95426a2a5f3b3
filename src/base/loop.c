/* SPDX-License-Identifier: MIT */
/*
 * loop -- libuv, and a heap of timers beside it
 *
 * One uv_timer serves all timers: it is moved forward when an earlier one
 * starts, and left alone when one stops; waking up for nothing once is
 * cheaper than keeping it exact.
 *
 * Each change of what libuv polls for costs two system calls.  So watch_set()
 * only notes what is wanted, and before the poll the kernel is told about
 * what is added, and about WATCH_WRITE when it is dropped.  The others that
 * are dropped stay with the kernel until they happen: a descriptor that is
 * paused and resumed in the meantime costs nothing.
 *
 * Tasks run in a uv_check, a few batches a turn: what a task posts is mostly
 * the last thing to do for a request, and should be done before the next poll
 * finds the client talking again.  While there are any, a uv_idle is active,
 * which keeps the poll from sleeping.
 */
#include "config.h"
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define HEAP_FIRST 64		/* places */
#define BATCHES 3		/* of tasks in one turn, then the poll */

struct watch {
	uv_poll_t poll;
	struct loop *loop;
	watch_fn *fn;
	void *who;
	int want;			/* what the owner asked for */
	int told;			/* what the kernel watches */
	bool spare;			/* told of something not wanted */
	struct list link;		/* in loop->changed, or free */
};

struct signal_watch {
	uv_signal_t handle;
	struct loop *loop;
	void (*fn)(void *who, int signo);
	void *who;
};

/* The time stands here too: who looks for a place need not touch timers. */
struct place {
	uint64_t due_ms;
	struct timer *timer;
};

struct loop {
	uv_loop_t uv;
	uv_timer_t clock;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle;
	struct place *heap;		/* from 1; the earliest first */
	uint32_t n_timers, room;
	uint64_t armed_ms;		/* when the clock rings, UINT64_MAX: not */
	uint64_t skipped_ms;
	bool ringing;
	struct list tasks, changed;
	void (*turn_fn)(void *who);
	void *turn_who;
	bool stopping;
	uint64_t longest_us;
	uint64_t mark_us;		/* a call ended; 0: we slept since */
};

/* A failure of libuv here means: no memory, no descriptors, or our mistake. */
static void
must(int rc)
{
	if (rc != 0)
		abort();
}

/* One call follows the other: the end of one is the begin of the next, but
 * after a sleep.  Reading the clock is not free. */
static uint64_t
begin_us(struct loop *l)
{
	if (l->mark_us == 0)
		l->mark_us = uv_hrtime() / 1000;
	return l->mark_us;
}

static void
end_us(struct loop *l, uint64_t begin)
{
	l->mark_us = uv_hrtime() / 1000;
	if (l->mark_us - begin > l->longest_us)
		l->longest_us = l->mark_us - begin;
}

uint64_t
loop_now_ms(const struct loop *l)
{
	return uv_now(&l->uv) + l->skipped_ms;
}

uint64_t
loop_longest_us(const struct loop *l)
{
	return l->longest_us;
}

static void
do_nothing(uv_idle_t *h)
{
	(void)h;
}

/* The next poll does not sleep. */
static void
hurry(struct loop *l)
{
	must(uv_idle_start(&l->idle, do_nothing));
}

/* ---- the heap ------------------------------------------------------------ */

static void
put(struct loop *l, uint32_t at, struct place p)
{
	l->heap[at] = p;
	p.timer->place = at;
}

/* Moves p from the place it has, or would get, towards the front. */
static void
sift_up(struct loop *l, uint32_t at, struct place p)
{
	while (at > 1 && p.due_ms < l->heap[at / 2].due_ms) {
		put(l, at, l->heap[at / 2]);
		at /= 2;
	}
	put(l, at, p);
}

static void
sift_down(struct loop *l, uint32_t at, struct place p)
{
	for (;;) {
		uint32_t child = 2 * at;

		if (child + 1 <= l->n_timers &&
		    l->heap[child + 1].due_ms < l->heap[child].due_ms)
			child++;
		if (child > l->n_timers || l->heap[child].due_ms >= p.due_ms)
			break;
		put(l, at, l->heap[child]);
		at = child;
	}
	put(l, at, p);
}

static void
heap_add(struct loop *l, struct timer *t)
{
	struct place p = { t->due_ms, t };

	if (l->n_timers + 1 >= l->room) {
		uint32_t room = l->room > 0 ? 2 * l->room : HEAP_FIRST;
		struct place *heap = realloc(l->heap, room * sizeof(*heap));

		if (heap == NULL)
			abort();
		l->heap = heap;
		l->room = room;
	}
	sift_up(l, ++l->n_timers, p);
}

static void
heap_drop(struct loop *l, struct timer *t)
{
	uint32_t at = t->place;
	struct place last = l->heap[l->n_timers--];

	t->place = 0;
	if (last.timer == t)
		return;
	if (at > 1 && last.due_ms < l->heap[at / 2].due_ms)
		sift_up(l, at, last);
	else
		sift_down(l, at, last);
}

/* ---- timers -------------------------------------------------------------- */

static void ring(uv_timer_t *h);	/* a circle */

static void
arm(struct loop *l)
{
	uint64_t now = loop_now_ms(l), due;

	if (l->n_timers == 0 || l->ringing)
		return;
	due = l->heap[1].due_ms;
	if (due >= l->armed_ms)
		return;
	l->armed_ms = due;
	must(uv_timer_start(&l->clock, ring, due > now ? due - now : 0, 0));
}

/* A timer that is started in here is due later than now. */
static void
ring(uv_timer_t *h)
{
	struct loop *l = h->data;
	uint64_t now = loop_now_ms(l);

	l->armed_ms = UINT64_MAX;
	l->ringing = true;
	while (l->n_timers > 0 && l->heap[1].due_ms <= now) {
		struct timer *t = l->heap[1].timer;
		uint64_t begin = begin_us(l);

		heap_drop(l, t);
		t->fn(t->who);
		end_us(l, begin);
	}
	l->ringing = false;
	arm(l);
	hurry(l);		/* libuv from 1.45 on rings after the check */
}

void
timer_init(struct timer *t, struct loop *l, void (*fn)(void *), void *who)
{
	*t = (struct timer){ .loop = l, .fn = fn, .who = who };
}

void
timer_start(struct timer *t, uint64_t in_ms)
{
	struct loop *l = t->loop;
	uint64_t now = loop_now_ms(l);

	if (t->place != 0)
		heap_drop(l, t);
	if (l->ringing && in_ms == 0)
		in_ms = 1;
	t->due_ms = in_ms < UINT64_MAX - now ? now + in_ms : UINT64_MAX - 1;
	heap_add(l, t);
	arm(l);
}

void
timer_stop(struct timer *t)
{
	if (t->place != 0)
		heap_drop(t->loop, t);
}

bool
timer_running(const struct timer *t)
{
	return t->place != 0;
}

void
loop_skip(struct loop *l, uint64_t ms)
{
	uv_update_time(&l->uv);
	l->skipped_ms += ms;
	l->armed_ms = UINT64_MAX;
	arm(l);
}

/* ---- tasks --------------------------------------------------------------- */

void
task_init(struct task *t, void (*fn)(void *who), void *who)
{
	list_init(&t->link);
	t->fn = fn;
	t->who = who;
}

void
task_post(struct loop *l, struct task *t)
{
	if (!list_empty(&t->link))
		return;
	if (list_empty(&l->tasks))
		hurry(l);
	list_append(&l->tasks, &t->link);
}

void
task_drop(struct task *t)
{
	list_drop(&t->link);
}

/* All elements of `from` become the elements of the fresh head `to`. */
static void
move_all(struct list *from, struct list *to)
{
	list_init(to);
	if (list_empty(from))
		return;
	*to = *from;
	to->next->prev = to->prev->next = to;
	list_init(from);
}

static void
run_tasks(struct loop *l)
{
	struct list batch;
	uint64_t begin;

	move_all(&l->tasks, &batch);
	while (!list_empty(&batch)) {
		struct task *t = LIST_ENTRY(batch.next, struct task, link);

		list_drop(&t->link);
		begin = begin_us(l);
		t->fn(t->who);
		end_us(l, begin);
	}
}

static void
end_turn(struct loop *l)
{
	uint64_t begin;

	if (l->turn_fn == NULL)
		return;
	begin = begin_us(l);
	l->turn_fn(l->turn_who);
	end_us(l, begin);
}

static void
checked(uv_check_t *h)
{
	struct loop *l = h->data;

	for (int i = 0; i < BATCHES && !list_empty(&l->tasks); i++)
		run_tasks(l);
	end_turn(l);
	if (l->stopping)
		uv_stop(&l->uv);
	if (list_empty(&l->tasks))
		uv_idle_stop(&l->idle);
	else
		hurry(l);
}

void
loop_each_turn(struct loop *l, void (*fn)(void *who), void *who)
{
	l->turn_fn = fn;
	l->turn_who = who;
}

/* ---- descriptors --------------------------------------------------------- */

static const int uv_bits[][2] = {
	{ WATCH_READ, UV_READABLE },
	{ WATCH_WRITE, UV_WRITABLE },
	{ WATCH_GONE, UV_DISCONNECT },
};

#define UV_BITS (sizeof(uv_bits) / sizeof(uv_bits[0]))

static int
to_uv(int events)
{
	int bits = 0;

	for (size_t i = 0; i < UV_BITS; i++)
		bits |= (events & uv_bits[i][0]) != 0 ? uv_bits[i][1] : 0;
	return bits;
}

static int
from_uv(int bits)
{
	int events = 0;

	for (size_t i = 0; i < UV_BITS; i++)
		events |= (bits & uv_bits[i][1]) != 0 ? uv_bits[i][0] : 0;
	return events;
}

static void
note_change(struct watch *w)
{
	if (list_empty(&w->link))
		list_append(&w->loop->changed, &w->link);
}

/* After an error libuv watches no longer: the owner hears all it waits for,
 * and the descriptor is watched again if it is still wanted then. */
static void
polled(uv_poll_t *h, int status, int bits)
{
	struct watch *w = h->data;
	struct loop *l = w->loop;
	int events = status < 0 ? w->want : from_uv(bits) & w->want;
	uint64_t begin;

	if (status < 0)
		w->told = 0;
	else if ((from_uv(bits) & ~w->want) != 0)
		w->spare = true;
	if (status < 0 || w->spare)
		note_change(w);
	if (events == 0)
		return;
	begin = begin_us(l);
	w->fn(w->who, events);
	end_us(l, begin);	/* w may be closing by now */
}

/* Does the kernel have to know now? */
static bool
tell_now(const struct watch *w)
{
	int added = w->want & ~w->told, dropped = w->told & ~w->want;

	return added != 0 || (dropped & WATCH_WRITE) != 0 ||
		(dropped != 0 && w->spare);
}

static void
tell_changes(uv_prepare_t *h)
{
	struct loop *l = h->data;

	while (!list_empty(&l->changed)) {
		struct watch *w = LIST_ENTRY(l->changed.next, struct watch,
			link);

		list_drop(&w->link);
		if (tell_now(w)) {
			must(w->want == 0 ? uv_poll_stop(&w->poll) :
				uv_poll_start(&w->poll, to_uv(w->want),
				polled));
			w->told = w->want;
		}
		w->spare = false;
	}
	l->mark_us = 0;
}

struct watch *
watch_new(struct loop *l, int fd, watch_fn *fn, void *who)
{
	struct watch *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		abort();
	rc = uv_poll_init(&l->uv, &w->poll, fd);
	if (rc != 0) {
		free(w);
		errno = -rc;
		return NULL;
	}
	w->poll.data = w;
	w->loop = l;
	w->fn = fn;
	w->who = who;
	list_init(&w->link);
	return w;
}

void
watch_set(struct watch *w, int events)
{
	if (w->want == events)
		return;
	w->want = events;
	note_change(w);
}

static void
watch_closed(uv_handle_t *h)
{
	free(h->data);
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	list_drop(&w->link);
	uv_close((uv_handle_t *)&w->poll, watch_closed);
}

/* ---- signals ------------------------------------------------------------- */

static void
signalled(uv_signal_t *h, int signo)
{
	struct signal_watch *s = h->data;
	uint64_t begin = begin_us(s->loop);

	s->fn(s->who, signo);
	end_us(s->loop, begin);
}

void
loop_signal(struct loop *l, int signo, void (*fn)(void *who, int signo),
	void *who)
{
	struct signal_watch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->loop = l;
	s->fn = fn;
	s->who = who;
	must(uv_signal_init(&l->uv, &s->handle));
	s->handle.data = s;
	must(uv_signal_start(&s->handle, signalled, signo));
}

/* ---- the loop ------------------------------------------------------------ */

struct loop *
loop_new(void)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	list_init(&l->tasks);
	list_init(&l->changed);
	l->armed_ms = UINT64_MAX;
	must(uv_loop_init(&l->uv));
	must(uv_timer_init(&l->uv, &l->clock));
	must(uv_prepare_init(&l->uv, &l->prepare));
	must(uv_check_init(&l->uv, &l->check));
	must(uv_idle_init(&l->uv, &l->idle));
	l->clock.data = l->prepare.data = l->check.data = l->idle.data = l;
	must(uv_prepare_start(&l->prepare, tell_changes));
	must(uv_check_start(&l->check, checked));
	return l;
}

/* What is still there, lies in an allocation of its own, or in the loop. */
static void
close_one(uv_handle_t *h, void *who)
{
	bool own = h->type == UV_POLL || h->type == UV_SIGNAL;

	(void)who;
	if (!uv_is_closing(h))
		uv_close(h, own ? watch_closed : NULL);
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	for (uint32_t i = 1; i <= l->n_timers; i++)
		l->heap[i].timer->place = 0;
	uv_walk(&l->uv, close_one, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	must(uv_loop_close(&l->uv));
	free(l->heap);
	free(l);
}

/* From libuv 1.45 on, timers may ring when the turn has ended already, hence
 * the last call. */
void
loop_run(struct loop *l)
{
	uv_update_time(&l->uv);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	l->stopping = false;
	end_turn(l);
}

/* uv_stop() called by a timer would end the turn before its poll and its
 * tasks with a libuv from 1.45 on, and after them with an older one. */
void
loop_stop(struct loop *l)
{
	l->stopping = true;
	hurry(l);
}
