/* SPDX-License-Identifier: MIT */
/*
 * probe -- transfers started by a test, and what each of them brought
 *
 * probe_begin() makes a loop, a wire and a fake upstream for the whole test.
 */
#ifndef KIT_PROBE_H
#define KIT_PROBE_H

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "http/transfer.h"
#include "kit/fake_upstream.h"
#include "kit/tap.h"

#define KEEP	4096

static struct fake fake;
static struct loop *loop;
static struct wire *wire;
static struct arena *arena;
static struct conf_server plain;	/* direct, nothing special */
static int waiting;			/* probes that have not ended */
static unsigned turns;

/* What one transfer brought. */
struct probe {
	struct transfer *t;
	struct transfer_reply reply;
	unsigned heads, ends, bodies;
	char body[KEEP + 1];
	size_t n;
	enum transfer_end end;
	char detail[128];
	bool sent;
	unsigned hold;			/* refuse that many pieces */
	bool resume;			/* post a resume when holding */
	struct timer timer;
	struct transfer **victim;	/* stopped from inside the head */
};

static inline void
took_head(void *who, const struct transfer_reply *r)
{
	struct probe *p = who;

	p->reply = *r;
	p->heads++;
	if (p->victim != NULL && *p->victim != NULL) {
		transfer_stop(*p->victim);
		*p->victim = NULL;
		waiting--;
		if (waiting == 0)
			loop_stop(loop);
	}
}

static inline void
do_resume(void *who)
{
	struct probe *p = who;

	transfer_resume(p->t);
}

static inline bool
took_body(void *who, struct str bytes)
{
	struct probe *p = who;

	p->bodies++;
	if (p->hold > 0) {
		p->hold--;
		if (p->resume)
			timer_start(&p->timer, 20);
		return false;
	}
	for (size_t i = 0; i < bytes.n; i++, p->n++) {
		if (p->n < KEEP)
			p->body[p->n] = bytes.p[i];
	}
	return true;
}

static inline void
took_end(void *who, enum transfer_end end, const char *detail)
{
	struct probe *p = who;

	p->sent = transfer_sent(p->t);
	p->t = NULL;
	p->ends++;
	p->end = end;
	snprintf(p->detail, sizeof(p->detail), "%s", detail);
	if (--waiting == 0)
		loop_stop(loop);
}

static inline void
count_turn(void *who)
{
	(void)who;
	turns++;
}

static inline void
give_up(void *who)
{
	(void)who;
	printf("# gave up waiting\n");
	loop_stop(loop);
}

/* Runs until nobody waits, or for so long at most. */
static inline void
run_for(uint64_t ms)
{
	struct timer limit;

	timer_init(&limit, loop, give_up, NULL);
	timer_start(&limit, ms * tap_slow());
	if (waiting > 0)
		loop_run(loop);
	timer_stop(&limit);
}

static inline void
stop_loop(void *who)
{
	(void)who;
	loop_stop(loop);
}

static inline void
pass(uint64_t ms)
{
	struct timer t;

	timer_init(&t, loop, stop_loop, NULL);
	timer_start(&t, ms);
	loop_run(loop);
	timer_stop(&t);
}

static inline struct str
at(const char *path)
{
	return str_fmt(arena, "http://127.0.0.1:%d%s", fake.port, path);
}

static inline struct transfer_plan
plan_for(struct probe *p, struct str url)
{
	memset(p, 0, sizeof(*p));
	timer_init(&p->timer, loop, do_resume, p);
	return (struct transfer_plan){
		.server = &plain, .url = url, .method = "GET",
		.head = took_head, .body_in = took_body, .ended = took_end,
		.who = p, .total_ms = 5000 * (int)tap_slow(),
	};
}

static inline void
start(struct probe *p, const struct transfer_plan *plan)
{
	p->t = transfer_start(wire, arena, plan);
	if (p->t != NULL)
		waiting++;
}

static inline void
get(struct probe *p, const char *path)
{
	struct transfer_plan plan = plan_for(p, at(path));

	start(p, &plan);
	run_for(5000);
}

/* Of a transfer that should have ended by now. */
static inline void
drop(struct probe *p)
{
	if (p->ends > 0 || p->t == NULL)
		return;
	transfer_stop(p->t);
	p->t = NULL;
	waiting--;
}

static inline bool
body_is(const struct probe *p, const char *text)
{
	return p->n == strlen(text) && memcmp(p->body, text, p->n) == 0;
}

static inline bool
body_has(const struct probe *p, const char *text)
{
	return strstr(p->body, text) != NULL;
}

static inline bool
probe_begin(void)
{
	if (!fake_start(&fake))
		return false;
	loop = loop_new();
	loop_each_turn(loop, count_turn, NULL);
	wire = wire_new(loop);
	arena = arena_new(64 << 20);
	return true;
}

static inline void
probe_end(void)
{
	wire_free(wire);
	loop_free(loop);
	arena_free(arena);
	fake_stop(&fake);
}

#endif
