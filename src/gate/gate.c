/* SPDX-License-Identifier: MIT */
/*
 * The worker's gate: its generation, its reloads, its end.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/remote.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"
#include "gate/pipeline.h"
#include "gate/record.h"

#define LOOK_EVERY_MS 1000	/* mtime and inode of the configuration file */
#define LAST_ANSWERS_MS 1500	/* after the grace period; 2 s are left */
#define LATE_STREAMS_MS 100	/* between looks at streams begun in a drain */

static struct site *
make_site(struct gate *g, struct conf_gen *conf)
{
	return site_new(&(struct site_plan){
		.conf = conf,
		.segment = g->segment,
		.loads = g->loads,
		.shard = g->slot != NULL ? worker_number(g->slot) : 0,
		.eager = g->slot != NULL,
	});
}

/* One key for the workers of a host; without it one for this process. */
static void
make_hash_key(struct gate *g)
{
	if (g->segment != NULL)
		memcpy(g->hash_key, segment_secret(g->segment),
			sizeof(g->hash_key));
	else
		digest_random(g->hash_key, sizeof(g->hash_key));
}

struct gate *
gate_new(const struct gate_plan *p)
{
	struct gate *g = calloc(1, sizeof(*g));
	uint8_t base[8];

	if (g == NULL)
		abort();
	g->loop = p->loop;
	g->segment = p->segment;
	g->revoked = p->revoked;
	g->slot = p->slot;
	g->conf_path = p->conf_path;
	g->env_overrides = p->env_overrides;
	g->env_proxy = p->env_proxy;
	g->wire = wire_new(p->loop);
	g->remote = auth_remote_new(p->loop, g->wire, p->segment);
	if (p->slot != NULL)
		wire_warm(g->wire);
	g->arena = arena_new(MAX_ARENA);
	g->bans = bans_open(p->segment, g->arena);
	g->rates = rates_open(p->segment, g->arena);
	g->loads = loads_open(p->segment, p->slot, g->arena);
	g->generation = 1;
	g->looked_ms = loop_now_ms(p->loop);
	list_init(&g->live);
	timer_init(&g->grace, p->loop, NULL, g);
	make_hash_key(g);
	digest_random(base, sizeof(base));
	digest_hex(base, sizeof(base), g->id_base);
	if (p->segment != NULL)
		g->seen_reload = segment_reload_wanted(p->segment);
	g->site = make_site(g, p->conf);
	log_generation(g->generation);
	return g;
}

void
gate_reopen(struct gate *g)
{
	audit_reopen(g->site->audit);
}

void
gate_store_error(struct gate *g)
{
	if (g->site->metrics != NULL)
		metrics_store_error(g->site->metrics);
}

const struct conf *
gate_conf(const struct gate *g)
{
	return g->site->conf;
}

uint32_t
gate_in_flight(const struct gate *g)
{
	return g->in_flight + g->streams;
}

/* ---- reload --------------------------------------------------------------------- */
static void
publish_reload(struct gate *g, bool ok, struct str message)
{
	struct segment_reload r;
	size_t n = message.n;

	if (g->segment == NULL)
		return;
	memset(&r, 0, sizeof(r));
	r.generation = g->generation;
	r.ok = ok;
	r.at_unix_s = clock_unix_s();
	if (n >= sizeof(r.message))
		n = sizeof(r.message) - 1;
	if (n > 0)
		memcpy(r.message, message.p, n);
	segment_say_reload(g->segment, &r);
	if (g->site->metrics != NULL)
		metrics_reload(g->site->metrics, ok);
}

static struct str
first_error(const struct conf_messages *m, struct arena *a)
{
	uint32_t i;

	for (i = 0; i < m->n; i++) {
		if (m->v[i].level == CONF_ERROR)
			return str_fmt(a, "%s %.*s", m->v[i].id,
				STR_ARG(m->v[i].text));
	}
	return STR("the file cannot be read");
}

static void
tell_warnings(const struct conf_messages *m)
{
	uint32_t i;

	for (i = 0; i < m->n; i++) {
		if (m->v[i].level != CONF_ERROR)
			log_say(LOG_LEVEL_WARN, "config", "%.*s",
				STR_ARG(m->v[i].text));
	}
}

static const uint8_t no_key[SIPHASH_KEY];

static void
refuse(struct gate *g, const struct conf_messages *m, bool aloud,
	struct arena *a)
{
	struct str why = first_error(m, a);
	uint64_t said = digest_sip(no_key, why);

	g->refused_stamp = conf_stamp(g->conf_path);
	g->refused_ms = loop_now_ms(g->loop);
	if (said == g->refused_said && !aloud)
		return;			/* looked at again by ourselves */
	g->refused_said = said;
	log_say(LOG_LEVEL_ERROR, "config", "reload refused: %.*s",
		STR_ARG(why));
	publish_reload(g, false, why);
}

static void
take_over(struct gate *g, struct conf_gen *conf)
{
	struct site *old = g->site;
	const struct conf *c;

	g->generation++;
	log_generation(g->generation);
	g->site = make_site(g, conf);
	site_release(old);
	c = g->site->conf;
	if (!log_open(&c->log))
		log_say(LOG_LEVEL_ERROR, "config", "cannot open the log: %s",
			c->log.path != NULL ? c->log.path : "");
	log_say(LOG_LEVEL_INFO, "config",
		"configuration loaded: %u server(s), generation %u",
		c->n_servers, g->generation);
	g->refused_stamp = g->refused_said = 0;
	publish_reload(g, true, STR(""));
}

/* aloud: somebody wants to know, also what was told before. */
static void
load(struct gate *g, bool aloud)
{
	struct arena *a = arena_new(MAX_ARENA);
	struct conf_messages messages;
	struct conf_gen *conf = conf_load(&(struct conf_source){
		.file = g->conf_path,
		.env_overrides = g->env_overrides,
		.env_proxy = g->env_proxy,
		.judge = auth_policy_judge,
	}, a, &messages);

	if (conf != NULL || aloud)
		tell_warnings(&messages);
	if (conf == NULL)
		refuse(g, &messages, aloud, a);
	else
		take_over(g, conf);
	arena_free(a);
}

void
gate_reload(struct gate *g)
{
	load(g, true);
}

/* A file that was refused is loaded again at once when it changes again; for
 * the files it takes in a look now and then is enough. */
static void
look_at_file(struct gate *g)
{
	uint64_t now = loop_now_ms(g->loop);

	if (now - g->looked_ms < LOOK_EVERY_MS)
		return;
	g->looked_ms = now;
	if (!site_file_changed(g->site))
		return;
	if (conf_stamp(g->conf_path) != g->refused_stamp)
		load(g, true);
	else if (g->refused_stamp != 0 &&
	    now - g->refused_ms >= CONF_REFUSED_MS)
		load(g, false);
}

/* Not with each request. */
static void
look_after_remote(struct gate *g)
{
	uint64_t now = loop_now_ms(g->loop);

	if (now - g->remote_ms < LOOK_EVERY_MS)
		return;
	g->remote_ms = now;
	auth_remote_tick(g->remote);
	record_tell_lost(g);
}

void
gate_tick(struct gate *g)
{
	uint32_t wanted = g->segment != NULL ?
		segment_reload_wanted(g->segment) : g->seen_reload;

	if (wanted != g->seen_reload) {
		g->seen_reload = wanted;
		gate_reload(g);
	}
	look_at_file(g);
	look_after_remote(g);
}

/* ---- the end ---------------------------------------------------------------------- */
/* A call that is finishing may become a stream later: looks again.  One that
 * does not finish is answered while there is somebody who can. */
static void
end_late(void *who)
{
	struct gate *g = who;
	bool give_up = loop_now_ms(g->loop) >= g->give_up_ms;
	struct list *l, *next;

	timer_start(&g->grace, LATE_STREAMS_MS);
	for (l = g->live.next; l != &g->live; l = next) {
		struct req *q = LIST_ENTRY(l, struct req, live);

		next = l->next;
		if (q->stream) {
			stream_stop(q);
			pipeline_finish(q);
		} else if (give_up && !q->begun) {
			pipeline_overdue(q, "no answer before the end");
		}
	}
}

void
gate_drain(struct gate *g, uint64_t grace_ms, void (*idle)(void *), void *who)
{
	g->draining = true;
	g->idle = idle;
	g->idle_who = who;
	g->give_up_ms = loop_now_ms(g->loop) + grace_ms + LAST_ANSWERS_MS;
	timer_init(&g->grace, g->loop, end_late, g);
	timer_start(&g->grace, grace_ms);
	if (list_empty(&g->live))
		idle(who);
}

void
gate_free(struct gate *g)
{
	struct list *l, *next;

	g->idle = NULL;
	timer_stop(&g->grace);
	for (l = g->live.next; l != &g->live; l = next) {
		struct req *q = LIST_ENTRY(l, struct req, live);

		next = l->next;
		if (!q->ended)
			reply_cut(q);
		pipeline_finish(q);
	}
	record_tell_lost(g);
	auth_remote_free(g->remote);
	wire_free(g->wire);
	site_release(g->site);
	bans_close(g->bans);
	arena_free(g->arena);
	free(g);
}
