/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl status, metrics, reload: what all workers have in common
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "auth/remote.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "gate/session.h"
#include "main/ctl.h"
#include "watch/metrics.h"

#define MAX_TEXT MIB(2)
#define ANSWER_MS 5000		/* workers look once a second */
#define ASK_EVERY_MS 50
#define MAX_SETS 64		/* key sets that are shown */

struct sums {
	struct worker_view *v;
	uint32_t n, alive, generation, in_flight, streams, connections;
	uint64_t requests;
};

static void
pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&ts, NULL);
}

static void
sum_up(struct ctl *c, struct sums *s)
{
	*s = (struct sums){ .v = ARENA_ARRAY(c->arena, struct worker_view,
		MAX_WORKERS) };
	s->n = worker_list(c->segment, s->v, MAX_WORKERS);
	for (uint32_t i = 0; i < s->n; i++) {
		const struct worker_view *w = &s->v[i];

		s->requests += w->requests;
		if (!w->alive)
			continue;
		s->alive++;
		s->in_flight += w->in_flight;
		s->streams += w->streams;
		s->connections += w->connections;
		if (w->generation > s->generation)
			s->generation = w->generation;
	}
}

/* How long ago the worker said that it lives. */
static uint64_t
beat_ms(const struct worker_view *w)
{
	uint64_t now = clock_boot_ms();

	return now > w->beat_boot_ms ? now - w->beat_boot_ms : 0;
}

static const char *
reload_word(const struct segment_reload *r)
{
	if (r->at_unix_s == 0)
		return "none";
	return r->ok == 1 ? "loaded" : "refused";
}

/* ---- servers whose certificate is not checked, or not well (W16) -------------------- */
static bool
weakened(const struct conf_server *s)
{
	const struct conf_tls *t = &s->options.tls;

	return !s->options.disabled && (t->insecure_skip_verify
		|| t->min_version < 12 || t->max_version < 12);
}

static void
put_weakened(const struct ctl *c, struct buf *b)
{
	const struct conf *conf = conf_tree(c->gen);

	for (uint32_t i = 0; i < conf->n_servers; i++) {
		if (weakened(&conf->servers[i]))
			buf_fmt(b, "weakened TLS of \"%.*s\"\n",
				STR_ARG(conf->servers[i].name));
	}
}

static void
put_weakened_json(const struct ctl *c, struct buf *b)
{
	const struct conf *conf = conf_tree(c->gen);
	const char *comma = "";

	buf_add_c(b, "[");
	for (uint32_t i = 0; i < conf->n_servers; i++) {
		if (!weakened(&conf->servers[i]))
			continue;
		buf_fmt(b, "%s\"", comma);
		buf_json(b, conf->servers[i].name);
		buf_char(b, '"');
		comma = ",";
	}
	buf_char(b, ']');
}

/* ---- files below the document root: what requests have told the gateway -------------- */
static const struct {
	uint32_t bit;
	const char *word;
} places[] = {
	{ EXPOSED_CONF, "configuration" }, { EXPOSED_STATE, "state" },
};

#define PLACES (sizeof places / sizeof places[0])

static void
put_exposed(const struct ctl *c, struct buf *b)
{
	uint32_t found = segment_exposed(c->segment);

	for (size_t i = 0; i < PLACES; i++) {
		if ((found & places[i].bit) != 0)
			buf_fmt(b, "exposed      the %s lies below the "
				"document root: move it, now\n",
				places[i].word);
	}
}

/* null: no request has told where the document root is. */
static void
put_exposed_json(const struct ctl *c, struct buf *b)
{
	uint32_t found = segment_exposed(c->segment);
	const char *comma = "";

	if (found == 0) {
		buf_add_c(b, "null");
		return;
	}
	buf_char(b, '[');
	for (size_t i = 0; i < PLACES; i++) {
		if ((found & places[i].bit) == 0)
			continue;
		buf_fmt(b, "%s\"%s\"", comma, places[i].word);
		comma = ",";
	}
	buf_char(b, ']');
}

/* ---- text --------------------------------------------------------------------------- */
static void
put_workers(struct buf *b, const struct sums *s)
{
	buf_add_c(b, "worker      pid  generation  in flight  streams  "
		"connections    requests  longest ms  beat ms\n");
	for (uint32_t i = 0; i < s->n; i++) {
		const struct worker_view *w = &s->v[i];

		if (!w->alive)
			continue;
		buf_fmt(b, "%6u %8d  %10u  %9u  %7u  %11u  %10" PRIu64
			"  %6" PRIu64 ".%03" PRIu64 "  %7" PRIu64 "\n", i,
			(int)w->pid, w->generation, w->in_flight, w->streams,
			w->connections, w->requests, w->longest_us / 1000,
			w->longest_us % 1000, beat_ms(w));
	}
}

static void
put_sets(struct ctl *c, struct buf *b)
{
	struct auth_remote_view v[MAX_SETS];
	uint32_t n = auth_remote_list(c->segment, v, MAX_SETS, c->arena);

	if (n > 0)
		buf_add_c(b, "keys   age s  state  key set\n");
	for (uint32_t i = 0; i < n; i++)
		buf_fmt(b, "%4u  %6" PRId64 "  %-5s  %.*s\n", v[i].keys,
			v[i].age_s, v[i].age_s < 0 ? "none" :
			v[i].stale ? "stale" : "ok", STR_ARG(v[i].url));
	if (n > 0)
		buf_char(b, '\n');
}

static void
put_text(struct ctl *c, struct buf *b, const struct sums *s)
{
	struct segment_reload r = { 0 };
	char stamp[CLOCK_STAMP] = "-";
	const char *why = "";

	segment_last_reload(c->segment, &r);
	if (r.at_unix_s != 0)
		clock_stamp(r.at_unix_s * 1000, stamp);
	buf_fmt(b, "state        %s\n", segment_path(c->segment));
	if (!segment_valid(c->segment, &why))
		buf_fmt(b, "damaged      %s\n", why);
	put_exposed(c, b);
	buf_fmt(b, "workers      %u\ngeneration   %u\n", s->alive,
		s->generation);
	buf_fmt(b, "last reload  %s %s %s\n", reload_word(&r), stamp,
		r.message);
	buf_fmt(b, "requests     %" PRIu64 "\nin flight    %u\n"
		"streams      %u\nconnections  %u\n\n", s->requests,
		s->in_flight, s->streams, s->connections);
	put_workers(b, s);
	buf_char(b, '\n');
	put_sets(c, b);
	if (c->gen != NULL) {
		put_weakened(c, b);
		ctl_put_pools(c, b, NULL);
	} else
		buf_fmt(b, "pools are not shown: %.*s\n",
			STR_ARG(c->why_no_conf));
}

/* ---- what somebody who cares for security asks ---------------------------------- */
static const struct { const char *key, *family; } alarms[] = {
	{ "authentication_attempts", "mcp_auth_attempts_total" },
	{ "authentication_failures", "mcp_auth_failures_total" },
	{ "rate_limit_exceeded", "mcpgate_rate_limited_total" },
	{ "ip_blocked", "mcpgate_ip_blocked_total" },
	{ "tokens_generated", "mcpgate_tokens_generated_total" },
	{ "tokens_revoked", "mcpgate_tokens_revoked_total" },
	{ "security_violations", "mcpgate_security_violations_total" },
};

#define ALARMS (sizeof alarms / sizeof alarms[0])

static void
add_up(void *who, struct str series, uint64_t value)
{
	struct str name = str_head(series, str_find(series, '{'));
	uint64_t *sums = who;

	for (size_t i = 0; i < ALARMS; i++) {
		if (str_is(name, alarms[i].family))
			sums[i] += value;
	}
}

static void
put_security(struct ctl *c, struct buf *b)
{
	uint64_t sums[ALARMS] = { 0 };
	uint64_t last = worker_last_violation(c->segment);
	char stamp[CLOCK_STAMP];

	tally_each(c->segment, add_up, sums);
	buf_add_c(b, ",\"security\":{");
	for (size_t i = 0; i < ALARMS; i++)
		buf_fmt(b, "\"%s\":%" PRIu64 ",", alarms[i].key, sums[i]);
	if (last == 0) {
		buf_add_c(b, "\"last_violation\":null}");
		return;
	}
	clock_stamp((int64_t)last * 1000, stamp);
	buf_fmt(b, "\"last_violation\":\"%s\"}", stamp);
}

/* ---- JSON ----------------------------------------------------------------------------- */
static void
put_worker_json(struct buf *b, const struct worker_view *w, uint32_t i)
{
	buf_fmt(b, "{\"number\":%u,\"pid\":%d,\"alive\":%s,\"generation\":%u,"
		"\"inFlight\":%u,\"streams\":%u,\"connections\":%u,", i,
		(int)w->pid, w->alive ? "true" : "false", w->generation,
		w->in_flight, w->streams, w->connections);
	buf_fmt(b, "\"requests\":%" PRIu64 ",\"startedAt\":%" PRIu64
		",\"longestCallbackMicroseconds\":%" PRIu64
		",\"beatMilliseconds\":%" PRIu64 "}", w->requests,
		w->started_unix_s, w->longest_us, beat_ms(w));
}

static void
put_sets_json(struct ctl *c, struct buf *b)
{
	struct auth_remote_view v[MAX_SETS];
	uint32_t n = auth_remote_list(c->segment, v, MAX_SETS, c->arena);

	buf_add_c(b, "],\"keySets\":[");
	for (uint32_t i = 0; i < n; i++) {
		buf_add_c(b, i > 0 ? ",{\"url\":\"" : "{\"url\":\"");
		buf_json(b, v[i].url);
		buf_fmt(b, "\",\"keys\":%u,\"ageSeconds\":%" PRId64
			",\"stale\":%s}", v[i].keys, v[i].age_s,
			v[i].stale ? "true" : "false");
	}
}

static void
put_json(struct ctl *c, struct buf *b, const struct sums *s)
{
	struct segment_reload r = { 0 };
	const char *why = "";
	bool valid = segment_valid(c->segment, &why);

	segment_last_reload(c->segment, &r);
	buf_add_c(b, "{\"state\":\"");
	buf_json(b, str_of(segment_path(c->segment)));
	buf_fmt(b, "\",\"valid\":%s", valid ? "true" : "false");
	buf_fmt(b, ",\"generation\":%u,\"lastReload\":{\"result\":\"%s\","
		"\"at\":%" PRId64 ",\"message\":\"", s->generation,
		reload_word(&r), r.at_unix_s);
	buf_json(b, str_of(r.message));
	buf_fmt(b, "\"},\"requests\":%" PRIu64 ",\"inFlight\":%u,"
		"\"streams\":%u,\"connections\":%u,\"workers\":[", s->requests,
		s->in_flight, s->streams, s->connections);
	for (uint32_t i = 0; i < s->n; i++) {
		if (i > 0)
			buf_char(b, ',');
		put_worker_json(b, &s->v[i], i);
	}
	put_sets_json(c, b);
	buf_char(b, ']');
	put_security(c, b);
	buf_add_c(b, ",\"exposed\":");
	put_exposed_json(c, b);
	buf_add_c(b, ",\"weakenedTls\":");
	if (c->gen != NULL)
		put_weakened_json(c, b);
	else
		buf_add_c(b, "null");
	buf_add_c(b, ",\"pools\":");
	buf_add_c(b, c->gen != NULL ? "[" : "null");
	if (c->gen != NULL) {
		ctl_put_pools(c, b, NULL);
		buf_char(b, ']');
	}
	buf_add_c(b, "}\n");
}

static int
show(struct ctl *c)
{
	struct arena *before = c->arena;
	struct buf b;
	struct sums s;
	int rc;

	c->arena = arena_new(MAX_TEXT);
	b = buf_new(c->arena, MAX_TEXT);
	sum_up(c, &s);
	if (c->watch && !c->json && isatty(STDOUT_FILENO))
		buf_add_c(&b, "\033[H\033[2J");
	if (c->json)
		put_json(c, &b, &s);
	else
		put_text(c, &b, &s);
	rc = ctl_print(c, &b);
	arena_free(c->arena);
	c->arena = before;
	return rc;
}

int
ctl_status(struct ctl *c)
{
	int rc = ctl_open(c, SEGMENT_READ_ONLY);

	if (rc == EX_OK)
		rc = show(c);
	while (rc == EX_OK && c->watch) {
		pause_ms(1000);
		rc = show(c);
	}
	return rc;
}

/* ---- metrics ---------------------------------------------------------------------------- */
int
ctl_metrics(struct ctl *c)
{
	const struct conf *conf;
	struct metrics_pool *pools = NULL;
	struct buf b = buf_new(c->arena, MIB(4));
	uint32_t n = 0;
	int rc = ctl_open(c, SEGMENT_READ_ONLY);

	if (rc != EX_OK)
		return rc;
	conf = c->gen != NULL ? conf_tree(c->gen) : NULL;
	if (conf != NULL)
		pools = ARENA_ARRAY(c->arena, struct metrics_pool,
			conf->n_servers);
	for (uint32_t i = 0; conf != NULL && i < conf->n_servers; i++) {
		const struct conf_server *s = &conf->servers[i];

		if (s->options.disabled)
			continue;
		pools[n] = (struct metrics_pool){ .server = s->name,
			.route = session_route(s->name),
			.rotor = ctl_bind(c, s), .tokens = s->options.pool.v,
			.n = s->options.pool.n };
		if (pools[n].rotor == NULL)
			pools[n].n = 0;
		n++;
	}
	session_count(c->segment, pools, n);
	buf_add(&b, metrics_text(c->segment, pools, n, c->arena));
	return ctl_print(c, &b);
}

/* ---- reload ------------------------------------------------------------------------------- */
static int
tell(const struct ctl *c, const struct segment_reload *r)
{
	struct buf b = buf_new(c->arena, KIB(2));

	if (r->ok == 0)
		return ctl_fail(EX_CONFIG, "reload refused: %s", r->message);
	buf_fmt(&b, c->json ? "{\"result\":\"loaded\",\"generation\":%u}\n"
		: "configuration loaded, generation %u\n", r->generation);
	return ctl_print(c, &b);
}

/* Asks, then waits for the first worker's answer. */
int
ctl_reload(struct ctl *c)
{
	struct segment_reload before = { 0 }, now = { 0 };
	int rc = ctl_open(c, 0);

	if (rc != EX_OK)
		return rc;
	segment_last_reload(c->segment, &before);
	segment_want_reload(c->segment);
	for (int ms = 0; ms < ANSWER_MS; ms += ASK_EVERY_MS) {
		pause_ms(ASK_EVERY_MS);
		segment_last_reload(c->segment, &now);
		if (now.number != before.number && now.at_unix_s != 0)
			return tell(c, &now);
	}
	return ctl_fail(EX_TEMPFAIL, "asked, but no worker has answered yet");
}
