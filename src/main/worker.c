/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/worker.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/limits.h"
#include "base/loop.h"
#include "door/door.h"
#include "gate/gate.h"

#define TICK_MS 1000
#define TIDY_TICKS 30		/* how often an idle one gives memory back */
#define SPAWNED_GRACE_MS 6000	/* mod_fcgid kills 8 s after its first SIGTERM */
#define LAST_CALL_MS 2000	/* what is left after the grace period */

struct worker {
	const struct settings *settings;
	struct arena *arena;
	struct loop *loop;
	struct segment *segment;
	struct revoked *revoked;
	struct worker_slot *slot;
	struct gate *gate;
	struct door *door;
	struct timer tick, last_call;
	const struct conf *conf;	/* seen last; only compared */
	uint32_t conf_generation;
	uint32_t generation;		/* of this worker, from 1 on */
	uint32_t ticks;
	int fd;				/* the listening socket */
	bool own_master, draining, door_idle, gate_idle, told_revoked;
};

/* Did Apache start this process?  By the name of the parent. */
static bool
under_apache(void)
{
	char path[32], name[32] = "";
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%ld/comm", (long)getppid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, name, sizeof name - 1);
	(void)close(fd);
	return n > 0 && (strncmp(name, "apache2", 7) == 0
		|| strncmp(name, "httpd", 5) == 0);
}

struct segment *
worker_segment(const char *state, struct arena *a)
{
	const char *why = "";
	struct segment *s = segment_open(state, SEGMENT_CREATE, a, &why);

	if (s == NULL)
		log_say(LOG_LEVEL_ERROR, "state", "cannot open the shared "
			"state: %s", why);
	return s;
}

struct revoked *
worker_revoked(const char *state, struct segment *s, struct arena *a)
{
	const char *why = "";
	struct revoked *r = revoked_open(s, revoked_journal(state, s, a), a,
		&why);

	if (r == NULL)
		log_say(LOG_LEVEL_ERROR, "start", "cannot read the "
			"revocations, nobody is let in: %s", why);
	else
		revoked_serve(r);
	return r;
}

/* ---- what happens once a second ------------------------------------------- */
/* The gate has a new configuration: the door and the log follow. */
static void
follow(struct worker *w)
{
	const struct conf *c = gate_conf(w->gate);

	if (c == w->conf && c->generation == w->conf_generation)
		return;
	w->conf = c;
	w->conf_generation = c->generation;
	w->generation++;
	if (w->settings->log_level != NULL)
		settings_log(w->settings, c);
	door_limits(w->door, c->limits.request_body,
		(uint64_t)c->limits.input_ms);
}

/* What was known stays known; told once, until it can be read again. */
static void
look_at_revocations(struct worker *w)
{
	const char *why = "";
	bool good = revoked_tick(w->revoked, &why);

	if (!good)
		gate_store_error(w->gate);
	if (!good && !w->told_revoked)
		log_say(LOG_LEVEL_ERROR, "revoked", "cannot read the "
			"revocations: %s", why);
	w->told_revoked = !good;
}

/* While a call is under way, another one may be about to come. */
static void
tidy(struct worker *w)
{
	if (++w->ticks % TIDY_TICKS == 0 && gate_in_flight(w->gate) == 0)
		heap_give_back();
}

static void
tick(void *who)
{
	struct worker *w = who;

	look_at_revocations(w);

	gate_tick(w->gate);
	follow(w);
	tidy(w);
	if (w->slot != NULL)
		worker_beat(w->slot, w->generation, loop_longest_us(w->loop));
	timer_start(&w->tick, TICK_MS);
}

static void
connections(void *who, int delta)
{
	struct worker *w = who;

	if (w->slot != NULL)
		worker_count(w->slot, 0, 0, delta, 0);
}

static void
flush(void *who)
{
	(void)who;
	log_flush();
}

/* ---- the end ---------------------------------------------------------------- */
static void
stop_when_idle(struct worker *w)
{
	if (w->door_idle && w->gate_idle)
		loop_stop(w->loop);
}

static void
door_is_idle(void *who)
{
	struct worker *w = who;

	w->door_idle = true;
	stop_when_idle(w);
}

static void
gate_is_idle(void *who)
{
	struct worker *w = who;

	w->gate_idle = true;
	stop_when_idle(w);
}

static void
end_now(void *who)
{
	struct worker *w = who;

	log_say(LOG_LEVEL_WARN, "drain", "%u request(s) cut off",
		gate_in_flight(w->gate));
	loop_stop(w->loop);
}

static void
drain(struct worker *w)
{
	uint64_t grace = (uint64_t)gate_conf(w->gate)->drain_ms;

	if (w->draining)
		return;
	w->draining = true;
	if (!w->own_master && grace > SPAWNED_GRACE_MS)
		grace = SPAWNED_GRACE_MS;
	log_say(LOG_LEVEL_INFO, "drain", "%u request(s) under way",
		gate_in_flight(w->gate));
	timer_start(&w->last_call, grace + LAST_CALL_MS);
	gate_drain(w->gate, grace, gate_is_idle, w);
	door_drain(w->door, door_is_idle, w);
	if (w->own_master)
		(void)close(w->fd);	/* nobody waits for us; a new master
					 * finds the name free */
}

/* ---- signals ------------------------------------------------------------------ */
static void
on_drain(void *who, int signo)
{
	(void)signo;
	drain(who);
}

static void
on_reopen(void *who, int signo)
{
	struct worker *w = who;

	(void)signo;
	if (!w->own_master) {
		drain(w);		/* as FastCGI spawners mean it */
		return;
	}
	if (!log_reopen())
		log_say(LOG_LEVEL_ERROR, "log", "cannot reopen the log");
	gate_reopen(w->gate);
}

static void
on_reload(void *who, int signo)
{
	struct worker *w = who;

	(void)signo;
	if (w->segment == NULL) {
		gate_reload(w->gate);
	} else {
		if (!w->own_master)
			segment_want_reload(w->segment);
		gate_tick(w->gate);
	}
	follow(w);
}

/* After the door: FCGX_Init() puts handlers of its own in place. */
static void
take_signals(struct worker *w)
{
	loop_signal(w->loop, SIGTERM, on_drain, w);
	loop_signal(w->loop, SIGINT, on_drain, w);
	loop_signal(w->loop, SIGUSR1, on_reopen, w);
	loop_signal(w->loop, SIGHUP, on_reload, w);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* ---- making it ------------------------------------------------------------------ */
static void
open_gate(struct worker *w, const struct worker_plan *p)
{
	const struct settings *s = p->settings;

	w->segment = worker_segment(p->state, w->arena);
	if (w->segment != NULL)
		w->slot = worker_claim(w->segment);
	w->revoked = worker_revoked(p->state, w->segment, w->arena);
	if (w->revoked == NULL) {
		conf_release(p->conf);
		return;
	}
	w->gate = gate_new(&(struct gate_plan){
		.loop = w->loop, .segment = w->segment, .slot = w->slot,
		.revoked = w->revoked,
		.conf = p->conf, .conf_path = s->file,
		.env_overrides = s->env_override, .env_proxy = s->env_proxy,
	});
}

static void
open_door(struct worker *w, const struct worker_plan *p)
{
	const struct conf *c = gate_conf(w->gate);

	w->conf = c;
	w->conf_generation = c->generation;
	w->generation = 1;
	w->door = door_listen(&(struct door_plan){
		.loop = w->loop, .gate = w->gate,
		.max_body = c->limits.request_body,
		.input_ms = (uint64_t)c->limits.input_ms,
		.apache = !p->own_master && under_apache(),
		.connections = connections, .who = w,
	}, p->fd);
}

static void
end(struct worker *w)
{
	if (w->door != NULL)
		door_free(w->door);
	if (w->gate != NULL)
		gate_free(w->gate);
	if (w->slot != NULL)
		worker_leave(w->slot);
	revoked_close(w->revoked);
	if (w->segment != NULL)
		segment_close(w->segment);
	log_flush();
	loop_free(w->loop);
	arena_free(w->arena);
}

/* Who wakes us goes on first, and we find more to do at once; waking on a free
 * processor is not slower.  What an administrator has chosen stays. */
#ifdef SCHED_BATCH
static void
share_the_processor(void)
{
	const struct sched_param none = { 0 };

	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &none);
}
#else
static void
share_the_processor(void)
{
}
#endif

int
worker_run(const struct worker_plan *p)
{
	struct worker w = { .settings = p->settings, .fd = p->fd,
		.own_master = p->own_master };

	w.arena = arena_new(MAX_ARENA);
	w.loop = loop_new();
	settings_log(p->settings, conf_tree(p->conf));
	open_gate(&w, p);
	if (w.gate != NULL)
		open_door(&w, p);
	if (w.door == NULL) {
		log_say(LOG_LEVEL_ERROR, "start", "cannot make the %s",
			w.gate == NULL ? "gate" : "door");
		end(&w);
		return EX_OSERR;
	}
	take_signals(&w);
	heap_keep();
	share_the_processor();
	log_gather();
	loop_each_turn(w.loop, flush, &w);
	timer_init(&w.last_call, w.loop, end_now, &w);
	timer_init(&w.tick, w.loop, tick, &w);
	tick(&w);
	loop_run(w.loop);
	timer_stop(&w.tick);
	timer_stop(&w.last_call);
	end(&w);
	return EX_OK;
}
