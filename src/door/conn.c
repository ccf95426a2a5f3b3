/* SPDX-License-Identifier: MIT */
/*
 * conn -- the states of a connection
 *
 *	IDLE      between two requests; first byte -> READING
 *	READING   screening (and dropping, once a limit was passed);
 *	          complete -> BUSY
 *	BUSY      the gate has the request; reply ended -> FLUSHING
 *	FLUSHING  the rest of the reply is leaving; gone -> IDLE or CLOSED
 *	CLOSED    everything is given back but the struct itself
 *
 * What the gate calls (told()) changes the state and posts the task; what
 * follows is done by settle(), from an empty stack.
 * Bytes that come while BUSY or FLUSHING are kept, up to MAX_EARLY; then
 * reading stops, and only the peer's going away is heard.  If they begin with
 * the ABORT of this request (rule S13), it is left.
 */
#include "config.h"
#include "door/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "door/intake.h"
#include "door/manage.h"
#include "door/out.h"

enum state { IDLE, READING, BUSY, FLUSHING, CLOSED };

struct conn {
	struct list link;
	struct desk *desk;
	struct watch *watch;
	struct req *req;		/* while BUSY */
	uint64_t began_us;
	int fd;
	enum state state;
	bool keep;			/* KEEP_CONN of this request */
	bool gone;			/* a write has failed */
	bool timed;			/* the input deadline runs */
	struct timer timer;
	uint64_t due_ms;		/* UINT64_MAX: no time limit now */
	struct task task;
	struct screen screen;
	struct out out;
	struct bytes early;
};

/* ---- small things ---- */

static void
set_interest(struct conn *c)
{
	int events = WATCH_GONE;

	if (c->early.n < MAX_EARLY)
		events |= WATCH_READ;
	if (out_waiting(&c->out) > 0)
		events |= WATCH_WRITE;
	watch_set(c->watch, events);
}

/* The timer is not moved at each request; when it rings we look. */
static void
set_limit(struct conn *c, uint64_t in_ms)
{
	c->due_ms = loop_now_ms(c->desk->plan.loop) + in_ms;
	if (!timer_running(&c->timer) || c->timer.due_ms > c->due_ms)
		timer_start(&c->timer, in_ms);
}

static void
no_limit(struct conn *c)
{
	c->due_ms = UINT64_MAX;
}

/* Gives back everything; the struct follows at the end of the turn. */
static void
shut(struct conn *c)
{
	if (c->state == CLOSED)
		return;
	assert(c->req == NULL);
	c->state = CLOSED;
	timer_stop(&c->timer);
	watch_free(c->watch);
	close(c->fd);
	bytes_drop(&c->screen.stage, &c->desk->reading);
	bytes_drop(&c->early, &c->desk->reading);
	out_clear(&c->out);
	task_post(c->desk->plan.loop, &c->task);
}

/* Nobody waits for the reply any more. */
static void
leave(struct conn *c)
{
	struct req *q = c->req;

	c->req = NULL;
	if (q != NULL)
		gate_leave(q);
	shut(c);
}

static void
end(struct conn *c)
{
	struct desk *d = c->desk;

	list_drop(&c->link);
	task_drop(&c->task);
	free(c);
	d->n_conns--;
	if (d->plan.connections != NULL)
		d->plan.connections(d->plan.who, -1);
	d->left(d->who);
}

static void
break_off(struct conn *c, uint64_t *counter, const char *why)
{
	(*counter)++;
	log_say(LOG_LEVEL_WARN, "door", "connection closed: %s", why);
	leave(c);
}

static void
keep_early(struct conn *c, const uint8_t *p, size_t n)
{
	if (c->state == CLOSED || n == 0)
		return;
	if (!bytes_add(&c->early, &c->desk->reading, p, n))
		break_off(c, &c->desk->counts.violations,
			"no room for early bytes");
	else
		set_interest(c);
}

/* A reply is complete, or there is none to come. */
static void
flush_then(struct conn *c, bool keep)
{
	c->req = NULL;
	c->keep = keep;
	c->state = FLUSHING;
	task_post(c->desk->plan.loop, &c->task);
}

/* ---- a complete request ---- */

static void
serve(struct conn *c)
{
	struct desk *d = c->desk;
	struct inbound in = {
		.out = &c->out.outlet,
		.began_us = c->began_us,
		.apache = d->plan.apache,
	};
	const char *why;
	struct req *q;

	no_limit(c);
	why = intake(d, &c->screen, &in);
	if (why != NULL) {
		break_off(c, &d->counts.undecoded, why);
		return;
	}
	d->counts.requests++;
	c->keep = (c->screen.flags & PROTO_KEEP_CONN) != 0;
	c->state = BUSY;
	out_start(&c->out, c->screen.id, false);
	q = gate_begin(d->plan.gate, &in);
	if (c->state == BUSY)
		c->req = q;
}

/* ---- bytes come ---- */

/* Answers a record that is no request. */
static void
answer(struct conn *c, const uint8_t *p, size_t n)
{
	out_start(&c->out, 0, false);
	out_record(&c->out, p, n);
	flush_then(c, true);
}

static void
answer_query(struct conn *c)
{
	uint8_t reply[MANAGE_REPLY];
	size_t n;

	if (manage_values(c->screen.stage.p, c->screen.stage.n,
	    c->desk->max_conns, reply, &n))
		answer(c, reply, n);
	else
		break_off(c, &c->desk->counts.violations,
			"malformed management record");
}

static void
answer_unknown(struct conn *c)
{
	uint8_t reply[MANAGE_REPLY];
	size_t n;

	manage_unknown(c->screen.type, reply, &n);
	answer(c, reply, n);
}

/* The request is over before it has reached the gate. */
static void
finish_unserved(struct conn *c, int status, bool keep)
{
	out_start(&c->out, c->screen.id, false);
	out_finish(&c->out, c->screen.id, status);
	flush_then(c, keep);
}

static void
obey(struct conn *c, enum screen_verdict v)
{
	bool keep = (c->screen.flags & PROTO_KEEP_CONN) != 0;

	if (v == SCREEN_ABORTED)
		finish_unserved(c, PROTO_COMPLETE, keep);
	else if (v == SCREEN_ROLE)
		finish_unserved(c, PROTO_UNKNOWN_ROLE, false);
	else if (v == SCREEN_QUERY)
		answer_query(c);
	else if (v == SCREEN_UNKNOWN)
		answer_unknown(c);
	else if (v == SCREEN_VIOLATION)
		break_off(c, &c->desk->counts.violations, c->screen.why);
}

/* Rule S13: the server takes back the request that is being served. */
static void
look_for_abort(struct conn *c)
{
	const uint8_t *h = c->early.p;
	struct req *q = c->req;
	uint16_t id = c->screen.id;

	if (q == NULL || c->early.n < PROTO_HEAD || h[0] != 1 ||
	    h[1] != PROTO_ABORT_REQUEST || (h[2] << 8 | h[3]) != id ||
	    h[4] + h[5] > 0 || c->early.n < (size_t)PROTO_HEAD + h[6])
		return;
	bytes_cut(&c->early, (size_t)PROTO_HEAD + h[6]);
	c->req = NULL;
	gate_leave(q);
	out_finish(&c->out, id, PROTO_COMPLETE);
	flush_then(c, c->keep);
}

/* A request that came in one piece needs no deadline. */
static void
start_deadline(struct conn *c)
{
	if (c->state != READING || c->timed)
		return;
	c->timed = true;
	set_limit(c, c->desk->plan.input_ms);
}

static void
feed(struct conn *c, const uint8_t *p, size_t n)
{
	enum screen_verdict v = SCREEN_MORE;

	if (c->state == IDLE) {
		c->state = READING;
		c->began_us = clock_mono_us();
		c->screen.limits = c->desk->limits;
	}
	while (n > 0 && v == SCREEN_MORE) {
		size_t k = screen_eat(&c->screen, p, n, &v);

		p += k;
		n -= k;
	}
	start_deadline(c);
	if (v == SCREEN_MORE)
		return;
	if (v != SCREEN_VIOLATION)
		keep_early(c, p, n);
	if (c->state == CLOSED)
		return;
	if (v != SCREEN_COMPLETE) {
		obey(c, v);
		return;
	}
	serve(c);
	look_for_abort(c);
}

static void
take_input(struct conn *c, size_t n)
{
	if (c->state == IDLE || c->state == READING) {
		feed(c, c->desk->scratch, n);
		return;
	}
	keep_early(c, c->desk->scratch, n);
	look_for_abort(c);
}

static void
receive(struct conn *c)
{
	struct desk *d = c->desk;
	size_t room = sizeof(d->scratch);
	ssize_t n;

	if (c->state == BUSY || c->state == FLUSHING)
		room = MAX_EARLY - c->early.n;
	if (room == 0)
		return;
	n = recv(c->fd, d->scratch, room, MSG_DONTWAIT);
	if (n > 0) {
		take_input(c, (size_t)n);
		explicit_bzero(d->scratch, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		leave(c);
	}
}

/* ---- the reply leaves ---- */

static void
told(void *who, enum out_news news)
{
	struct conn *c = who;

	if (c->state == CLOSED)
		return;
	if (news == OUT_ENDED)
		flush_then(c, c->keep);
	else if (news == OUT_CUT) {
		c->req = NULL;
		shut(c);
	} else if (news == OUT_QUEUED) {
		set_interest(c);
		set_limit(c, WRITE_STALL_MS);
	} else {
		c->gone = c->gone || news == OUT_GONE;
		task_post(c->desk->plan.loop, &c->task);
	}
}

static void
send_on(struct conn *c)
{
	size_t before = out_waiting(&c->out);

	if (!out_flush(&c->out))
		return;			/* settle() follows */
	if (out_waiting(&c->out) == 0)
		no_limit(c);
	else if (out_waiting(&c->out) < before)
		set_limit(c, WRITE_STALL_MS);
	set_interest(c);
	if (c->req != NULL && out_drained(&c->out))
		gate_drained(c->req);
	if (c->state == FLUSHING)
		task_post(c->desk->plan.loop, &c->task);
}

/* ---- what follows ---- */

static void
rest(struct conn *c)
{
	struct bytes early = c->early;

	c->state = IDLE;
	c->timed = false;
	screen_reset(&c->screen, &c->desk->limits);
	memset(&c->early, 0, sizeof(c->early));
	set_interest(c);
	set_limit(c, IDLE_KEPT_MS);
	if (early.n > 0)
		feed(c, early.p, early.n);
	bytes_drop(&early, &c->desk->reading);
}

/* The task: from an empty stack, at the end of the turn. */
static void
settle(void *who)
{
	struct conn *c = who;

	if (c->state == CLOSED) {
		end(c);
		return;
	}
	if (c->gone) {
		leave(c);
		return;
	}
	if (out_waiting(&c->out) > 0)
		return;				/* send_on() follows */
	if (!out_flush(&c->out))		/* what was held */
		return;				/* once more */
	if (c->state != FLUSHING || out_waiting(&c->out) > 0)
		return;
	if (c->keep && !c->desk->draining)
		rest(c);
	else
		shut(c);
}

static void
overdue(struct conn *c)
{
	if (c->state == IDLE)
		shut(c);
	else if (c->state == READING)
		break_off(c, &c->desk->counts.overdue,
			"request was not complete in time");
	else
		break_off(c, &c->desk->counts.stalled,
			"nobody takes the reply");
}

static void
rung(void *who)
{
	struct conn *c = who;
	uint64_t now = loop_now_ms(c->desk->plan.loop);

	if (c->due_ms <= now)
		overdue(c);
	else if (c->due_ms != UINT64_MAX)
		timer_start(&c->timer, c->due_ms - now);
}

static void
happened(void *who, int events)
{
	struct conn *c = who;

	if ((events & WATCH_GONE) != 0) {
		leave(c);
		return;
	}
	if ((events & WATCH_WRITE) != 0)
		send_on(c);
	if ((events & WATCH_READ) != 0 && c->state != CLOSED)
		receive(c);
}

/* ---- life ---- */

void
conn_open(struct desk *d, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->desk = d;
	c->fd = fd;
	c->state = IDLE;
	screen_init(&c->screen, &d->reading, &d->limits);
	out_init(&c->out, fd, &d->writing, told, c);
	timer_init(&c->timer, d->plan.loop, rung, c);
	task_init(&c->task, settle, c);
	c->watch = watch_new(d->plan.loop, fd, happened, c);
	list_append(&d->conns, &c->link);
	d->n_conns++;
	if (d->plan.connections != NULL)
		d->plan.connections(d->plan.who, 1);
	set_interest(c);
	set_limit(c, IDLE_KEPT_MS);
	receive(c);		/* the request is often here already */
}

void
conn_drain_all(struct desk *d)
{
	struct list *l = d->conns.next, *next;

	for (; l != &d->conns; l = next) {
		struct conn *c = LIST_ENTRY(l, struct conn, link);

		next = l->next;
		if (c->state == IDLE)
			shut(c);
	}
}

void
conn_free_all(struct desk *d)
{
	while (!list_empty(&d->conns)) {
		struct conn *c = LIST_ENTRY(d->conns.next, struct conn, link);

		leave(c);
		end(c);
	}
}
