/* SPDX-License-Identifier: MIT */
/*
 * cgi -- READING stdin, BUSY, FLUSHING, ENDED
 *
 * Unlike with FastCGI an answer may come before the end of the input: the
 * web server copes with a program that stops reading.
 */
#include "config.h"
#include "door/cgi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "door/out.h"

enum state { STARTING, READING, BUSY, FLUSHING, ENDED };

/* One of stdin and stdout. */
struct side {
	int fd, flags;			/* flags as they were */
	struct watch *watch;		/* NULL: a file, or nothing */
};

struct cgi {
	struct desk *desk;
	struct cgi_plan plan;
	enum state state;
	struct side in, out_side;
	struct inbound inbound;
	struct req *req;
	struct bytes body;
	uint64_t expected;		/* bytes of body still to come */
	bool length_known;
	bool gone;
	bool one_socket;		/* stdin and stdout: see set_interest() */
	uint64_t dropped;
	struct timer timer;
	struct task task;
	struct out out;
};

/* ---- descriptors ---- */

static void
side_open(struct side *s, struct loop *l, watch_fn *fn, void *who)
{
	struct stat st;

	if (fstat(s->fd, &st) != 0 ||
	    (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)))
		return;
	s->flags = fcntl(s->fd, F_GETFL);
	if (s->flags < 0)
		return;
	fcntl(s->fd, F_SETFL, s->flags | O_NONBLOCK);
	s->watch = watch_new(l, s->fd, fn, who);
}

/* mod_cgid gives one socket as both, and half-closes it after the body. */
static bool
is_one_socket(int in, int out)
{
	struct stat a, b;

	return fstat(in, &a) == 0 && fstat(out, &b) == 0 &&
		S_ISSOCK(a.st_mode) && a.st_dev == b.st_dev &&
		a.st_ino == b.st_ino;
}

static void
side_close(struct side *s)
{
	if (s->watch == NULL)
		return;
	watch_free(s->watch);
	s->watch = NULL;
	fcntl(s->fd, F_SETFL, s->flags);
}

static void
post(struct cgi *c)
{
	task_post(c->desk->plan.loop, &c->task);
}

/* ---- the variables ---- */

static void
refuse(struct cgi *c, enum fault_kind kind, const char *detail)
{
	if (c->inbound.refused == NULL)
		c->inbound.refused = fault_new(c->inbound.arena, kind, "%s",
			detail);
}

/* The rules and limits of FastCGI variables hold here, too. */
static void
read_environment(struct cgi *c)
{
	struct params *t = &c->inbound.params;
	uint32_t n = 0;
	size_t sum = 0;

	for (char **e = c->plan.environment; *e != NULL; e++) {
		struct str value = str_of(*e), name = str_cut(&value, '=');

		sum += name.n + value.n;
		if (++n > MAX_PAIRS || sum > MAX_PARAMS) {
			refuse(c, FAULT_HEADERS_TOO_LARGE, "environment");
			return;
		}
		if (name.n > 0 && value.n > 0)
			params_add(t, name, value);
	}
}

static void
read_length(struct cgi *c)
{
	struct str said = params_server(&c->inbound.params, "CONTENT_LENGTH");

	if (said.n == 0)
		return;
	c->length_known = true;
	if (!str_number(said, &c->expected)) {
		c->expected = 0;
		refuse(c, FAULT_BAD_REQUEST, "CONTENT_LENGTH is no number");
	}
}

/* ---- the end ---- */

static void
end(struct cgi *c)
{
	if (c->state == ENDED)
		return;
	c->state = ENDED;
	timer_stop(&c->timer);
	side_close(&c->in);
	side_close(&c->out_side);
	out_clear(&c->out);
	post(c);
}

static void
leave(struct cgi *c)
{
	struct req *q = c->req;

	c->req = NULL;
	if (q != NULL)
		gate_leave(q);
	end(c);
}

/* ---- the request ---- */

static void
serve(struct cgi *c)
{
	struct inbound in;
	struct req *q;

	timer_stop(&c->timer);
	side_close(&c->in);
	c->inbound.body = str_copy(c->inbound.arena,
		(struct str){ (char *)c->body.p, c->body.n });
	bytes_drop(&c->body, &c->desk->reading);
	in = c->inbound;
	c->inbound.arena = NULL;	/* the gate's now */
	c->state = BUSY;
	c->desk->counts.requests++;
	out_start(&c->out, 0, true);
	q = gate_begin(c->desk->plan.gate, &in);
	if (c->state == BUSY)
		c->req = q;
}

/* Bytes of the body; what passes the limit is read on, and dropped. */
static void
take_body(struct cgi *c, const uint8_t *p, size_t n)
{
	if (c->length_known)
		c->expected -= n;
	if (c->inbound.refused == NULL) {
		if (n > c->desk->limits.max_body - c->body.n)
			refuse(c, FAULT_TOO_LARGE, "body");
		else if (!bytes_add(&c->body, &c->desk->reading, p, n))
			refuse(c, FAULT_OVERLOADED, "reads too many bytes");
	}
	if (c->inbound.refused != NULL) {
		bytes_drop(&c->body, &c->desk->reading);
		c->dropped += n;
	}
}

static bool
body_done(const struct cgi *c)
{
	return (c->length_known && c->expected == 0) ||
		c->dropped > c->desk->limits.max_dropped;
}

/* One read. False: nothing more is to be read now. */
static bool
read_once(struct cgi *c)
{
	uint8_t *room = c->desk->scratch;
	size_t most = sizeof(c->desk->scratch);
	ssize_t n;

	if (c->length_known && c->expected < most)
		most = (size_t)c->expected;
	n = read(c->in.fd, room, most);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return false;
	if (n > 0) {
		take_body(c, room, (size_t)n);
		explicit_bzero(room, (size_t)n);
	} else if (c->length_known) {
		refuse(c, FAULT_BAD_REQUEST,
			"body is shorter than CONTENT_LENGTH");
	}
	if (n > 0 && !body_done(c))
		return c->in.watch == NULL;
	serve(c);
	return false;
}

static void
in_happened(void *who, int events)
{
	(void)events;
	read_once(who);
}

/* Nobody types a body. */
static void
read_input(struct cgi *c)
{
	c->state = READING;
	if (isatty(c->in.fd) || body_done(c)) {
		serve(c);
		return;
	}
	timer_start(&c->timer, c->desk->plan.input_ms);
	side_open(&c->in, c->desk->plan.loop, in_happened, c);
	if (c->in.watch != NULL) {
		watch_set(c->in.watch, WATCH_READ);
		return;
	}
	while (read_once(c))
		continue;
}

/* ---- the reply ---- */

/* The half-close of a socket that is stdin, too, only ends the input: there a
 * gone client shows at the next write. */
static void
set_interest(struct cgi *c)
{
	int events = c->one_socket ? 0 : WATCH_GONE;

	if (out_waiting(&c->out) > 0)
		events |= WATCH_WRITE;
	if (c->out_side.watch != NULL)
		watch_set(c->out_side.watch, events);
	else if (out_waiting(&c->out) > 0)
		post(c);
}

static void
told(void *who, enum out_news news)
{
	struct cgi *c = who;

	if (c->state == ENDED)
		return;
	if (news == OUT_QUEUED) {
		set_interest(c);
		timer_start(&c->timer, WRITE_STALL_MS);
		return;
	}
	c->gone = c->gone || news == OUT_GONE;
	if (news == OUT_ENDED || news == OUT_CUT) {
		c->req = NULL;
		c->state = FLUSHING;
	}
	if (news == OUT_CUT)
		out_clear(&c->out);
	post(c);
}

/* Writes what can be written; the task and the watch lead here. */
static void
send_on(struct cgi *c)
{
	size_t before = out_waiting(&c->out);

	if (c->gone || !out_flush(&c->out)) {
		leave(c);
		return;
	}
	if (before > 0 && out_waiting(&c->out) == 0)
		timer_stop(&c->timer);
	else if (out_waiting(&c->out) < before)
		timer_start(&c->timer, WRITE_STALL_MS);
	if (before > 0)
		set_interest(c);
	if (c->req != NULL && out_drained(&c->out))
		gate_drained(c->req);
	if (c->state == FLUSHING && out_waiting(&c->out) == 0)
		end(c);
}

static void
out_happened(void *who, int events)
{
	struct cgi *c = who;

	if ((events & WATCH_GONE) != 0)
		leave(c);
	else
		send_on(c);
}

/* ---- life ---- */

static void
settle(void *who)
{
	struct cgi *c = who;

	if (c->state == ENDED)
		c->plan.done(c->plan.who);	/* may free c */
	else if (c->state == STARTING)
		read_input(c);
	else if (c->state != READING)
		send_on(c);
}

static void
overdue(void *who)
{
	struct cgi *c = who;

	if (c->state == READING) {
		c->desk->counts.overdue++;
		refuse(c, FAULT_INPUT_TIMEOUT, "body on stdin");
		bytes_drop(&c->body, &c->desk->reading);
		serve(c);
		return;
	}
	c->desk->counts.stalled++;
	log_say(LOG_LEVEL_WARN, "door", "nobody takes the reply");
	leave(c);
}

struct cgi *
cgi_start(struct desk *d, const struct cgi_plan *p)
{
	struct cgi *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->desk = d;
	c->plan = *p;
	c->in.fd = p->in;
	c->out_side.fd = p->out;
	c->one_socket = is_one_socket(p->in, p->out);
	c->inbound = (struct inbound){
		.arena = arena_new(MAX_ARENA + (size_t)d->limits.max_body),
		.out = &c->out.outlet,
		.began_us = clock_mono_us(),
		.apache = d->plan.apache,
		.cgi = true,
	};
	params_init(&c->inbound.params, c->inbound.arena, 32);
	out_init(&c->out, p->out, &d->writing, told, c);
	timer_init(&c->timer, d->plan.loop, overdue, c);
	task_init(&c->task, settle, c);
	side_open(&c->out_side, d->plan.loop, out_happened, c);
	read_environment(c);
	read_length(c);
	set_interest(c);
	post(c);
	return c;
}

void
cgi_free(struct cgi *c)
{
	if (c == NULL)
		return;
	leave(c);
	task_drop(&c->task);
	bytes_drop(&c->body, &c->desk->reading);
	arena_free(c->inbound.arena);
	free(c);
}
