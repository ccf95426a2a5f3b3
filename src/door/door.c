/* SPDX-License-Identifier: MIT */
/* door -- a desk with a listening socket, or with one CGI request */
#include "config.h"
#include "door/door.h"

#include <stdlib.h>
#include <unistd.h>

#include "door/cgi.h"
#include "door/conn.h"
#include "door/desk.h"
#include "door/listen.h"

struct door {
	struct desk desk;
	struct listener *listener;
	struct cgi *cgi;
	bool cgi_ended;
	void (*done)(void *who);	/* CGI */
	void *done_who;
	void (*idle)(void *who);	/* drain */
	void *idle_who;
	struct task task;
};

static bool
is_empty(const struct door *d)
{
	return d->desk.n_conns == 0 && (d->cgi == NULL || d->cgi_ended);
}

/* The task: tells once that all is over. */
static void
tell_idle(void *who)
{
	struct door *d = who;
	void (*idle)(void *) = d->idle;

	if (idle == NULL || !is_empty(d))
		return;
	d->idle = NULL;
	idle(d->idle_who);
}

static void
conn_left(void *who)
{
	struct door *d = who;

	if (d->desk.draining)
		task_post(d->desk.plan.loop, &d->task);
	else if (d->listener != NULL)
		listener_wake(d->listener);
}

static struct door *
door_new(const struct door_plan *p)
{
	struct door *d = calloc(1, sizeof(*d));

	if (d == NULL)
		abort();
	d->desk.plan = *p;
	d->desk.limits = (struct screen_limits){
		MAX_PARAMS, MAX_PAIRS, p->max_body, MAX_DROPPED,
	};
	d->desk.left = conn_left;
	d->desk.who = d;
	list_init(&d->desk.conns);
	bytes_pool_init(&d->desk.reading, MAX_READING);
	bytes_pool_init(&d->desk.writing, SIZE_MAX);
	task_init(&d->task, tell_idle, d);
	return d;
}

struct door *
door_listen(const struct door_plan *p, int fd)
{
	struct door *d = door_new(p);

	d->desk.decoder = decoder_new(p->run_dir);
	d->listener = listener_new(&d->desk, fd);
	return d;
}

static void
cgi_done(void *who)
{
	struct door *d = who;

	d->cgi_ended = true;
	if (d->idle != NULL)
		task_post(d->desk.plan.loop, &d->task);
	d->done(d->done_who);
}

struct door *
door_cgi(const struct door_plan *p, char **environment,
	void (*done)(void *who), void *who)
{
	struct door *d = door_new(p);
	struct cgi_plan plan = {
		.environment = environment,
		.in = STDIN_FILENO, .out = STDOUT_FILENO,
		.done = cgi_done, .who = d,
	};

	d->done = done;
	d->done_who = who;
	d->cgi = cgi_start(&d->desk, &plan);
	return d;
}

void
door_limits(struct door *d, uint64_t max_body, uint64_t input_ms)
{
	d->desk.limits.max_body = max_body;
	d->desk.plan.input_ms = input_ms;
}

struct door_counts
door_counts(const struct door *d)
{
	return d->desk.counts;
}

void
door_drain(struct door *d, void (*idle)(void *who), void *who)
{
	d->desk.draining = true;
	d->idle = idle;
	d->idle_who = who;
	listener_free(d->listener);
	d->listener = NULL;
	conn_drain_all(&d->desk);
	task_post(d->desk.plan.loop, &d->task);
}

void
door_free(struct door *d)
{
	if (d == NULL)
		return;
	listener_free(d->listener);
	d->listener = NULL;
	cgi_free(d->cgi);
	conn_free_all(&d->desk);
	task_drop(&d->task);
	decoder_free(d->desk.decoder);
	bytes_pool_clear(&d->desk.reading);
	bytes_pool_clear(&d->desk.writing);
	free(d);
}
