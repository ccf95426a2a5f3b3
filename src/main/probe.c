/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "main/probe.h"

#include <sysexits.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "cred/credential.h"
#include "cred/rotator.h"
#include "http/transfer.h"

#define MAX_HELLO KIB(2)
#define GOODBYE_MS 2000		/* for the end of a session that began */

struct probe {
	struct probes *all;
	const struct conf_server *server;
	struct transfer *transfer;
	struct headers headers;
	struct str url, session;
	const char *why;		/* NULL: it answers */
	bool done;
};

struct probes {
	const struct conf *conf;
	struct segment *segment;
	struct arena *arena;
	struct loop *loop;
	struct wire *wire;
	struct probe *v;
	uint32_t n, left;
};

static bool
is_wanted(const struct conf_server *s)
{
	return s->options.panic_if_invalid && !s->options.disabled &&
		s->invalid.n == 0 && s->url.n > 0;
}

bool
probe_wanted(const struct conf *c)
{
	for (uint32_t i = 0; i < c->n_servers; i++)
		if (is_wanted(&c->servers[i]))
			return true;
	return false;
}

/* ---- what comes back ------------------------------------------------- */
static void
settle(struct probe *p, const char *why)
{
	if (p->done)
		return;
	p->done = true;
	p->why = why;
	if (--p->all->left == 0)
		loop_stop(p->all->loop);
}

/* An upstream of another revision refuses initialize in JSON: it is there. */
static bool
answers(const struct transfer_reply *t)
{
	if (t->status >= 200 && t->status < 300)
		return true;
	return (t->status == 400 || t->status == 404 || t->status == 405) &&
		str_is(t->content_type, "application/json");
}

static void
head(void *who, const struct transfer_reply *t)
{
	struct probe *p = who;
	struct arena *a = p->all->arena;

	p->session = str_copy(a, headers_get(&t->headers,
		STR("Mcp-Session-Id")));
	settle(p, answers(t) ? NULL : str_fmt(a, "upstream answered %d",
		t->status).p);
}

static bool
body_in(void *who, struct str bytes)
{
	(void)who;
	(void)bytes;
	return true;
}

static void
ended(void *who, enum transfer_end end, const char *detail)
{
	struct probe *p = who;

	p->transfer = NULL;
	settle(p, end == TRANSFER_OK ? "no answer" :
		str_copy(p->all->arena, str_of(detail)).p);
}

/* ---- what is asked ---------------------------------------------------- */
static struct str
hello(const struct probes *all)
{
	struct buf b = buf_new(all->arena, MAX_HELLO);
	struct str text = STR_NONE;

	buf_add_c(&b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\","
		"\"params\":{\"protocolVersion\":\"2025-11-25\","
		"\"capabilities\":{},\"clientInfo\":{\"name\":\"");
	buf_json(&b, all->conf->name);
	buf_add_c(&b, "\",\"version\":\"" PACKAGE_VERSION "\"}}}");
	(void)buf_take(&b, &text);
	return text;
}

/* The pool's counters stay where they are. */
static const struct fault *
add_token(struct probe *p)
{
	const struct conf_pool *pool = &p->server->options.pool;
	struct rotator_ask ask = { .arena = p->all->arena, .own_call = true,
		.now_boot_ms = clock_boot_ms() };
	struct rotator_try try = { 0 };
	struct rotator *r;
	const struct fault *f;

	if (pool->n_enabled == 0)
		return NULL;
	r = rotator_new(p->all->segment, p->server,
		p->all->conf->fingerprint, p->all->arena);
	f = rotator_pick(r, &try, &ask);
	if (f != NULL || try.index == ROTOR_NONE)
		return f;
	return credential_put(pool, try.index, &p->headers, &p->url);
}

static void
add_headers(struct probe *p)
{
	struct headers *h = &p->headers;
	const struct conf_server *s = p->server;

	headers_init(h, p->all->arena);
	headers_add(h, STR("Accept"),
		STR("application/json, text/event-stream"));
	headers_add(h, STR("Accept-Encoding"), STR("identity"));
	headers_add(h, STR("Content-Type"), STR("application/json"));
	for (uint32_t i = 0; i < s->headers.n; i++) {
		const struct conf_pair *one = &s->headers.v[i];

		if (one->removed || (s->options.pool.n_enabled > 0 &&
		    str_eq_nocase(one->name, s->options.pool.header)))
			continue;
		(void)credential_static(h, one);
	}
}

static void
start(struct probe *p, const char *method, struct str body, int64_t total_ms)
{
	const struct conf_options *o = &p->server->options;

	p->done = false;
	p->all->left++;
	p->transfer = transfer_start(p->all->wire, p->all->arena,
		&(struct transfer_plan){
		.server = p->server, .url = p->url, .method = method,
		.headers = &p->headers, .body = body, .total_ms = total_ms,
		.connect_ms = o->timeouts.connect_ms,
		.first_byte_ms = o->timeouts.first_byte_ms,
		.idle_ms = o->timeouts.idle_ms,
		.head = head, .body_in = body_in, .ended = ended, .who = p,
	});
	if (p->transfer == NULL)
		settle(p, "the URL cannot be used");
}

static int64_t
patience(const struct probes *all, const struct conf_server *s)
{
	int64_t most = all->conf->startup_grace_ms;

	return most == 0 || s->timeout_ms < most ? s->timeout_ms : most;
}

static void
begin(struct probe *p, struct str text)
{
	const struct fault *f;

	p->url = p->server->url;
	add_headers(p);
	f = add_token(p);
	if (f != NULL)
		p->why = f->detail;
	else
		start(p, "POST", text, patience(p->all, p->server));
}

/* ---- all of them ------------------------------------------------------ */
static void
wait_all(struct probes *all)
{
	if (all->left > 0)
		loop_run(all->loop);
	for (uint32_t i = 0; i < all->n; i++) {
		if (all->v[i].transfer != NULL)
			transfer_stop(all->v[i].transfer);
		all->v[i].transfer = NULL;
	}
}

static int
verdict(const struct probes *all)
{
	int rc = EX_OK;

	for (uint32_t i = 0; i < all->n; i++) {
		const struct probe *p = &all->v[i];

		if (p->why == NULL)
			continue;
		rc = EX_UNAVAILABLE;
		log_say(LOG_LEVEL_ERROR, "start", "failed to initialize "
			"clients: %.*s: %s", STR_ARG(p->server->name), p->why);
	}
	return rc;
}

static void
say_goodbye(struct probes *all)
{
	for (uint32_t i = 0; i < all->n; i++) {
		struct probe *p = &all->v[i];

		if (p->session.n == 0)
			continue;
		headers_add(&p->headers, STR("Mcp-Session-Id"), p->session);
		start(p, "DELETE", STR(""), GOODBYE_MS);
	}
	wait_all(all);
}

int
probe_run(const struct conf *c, struct segment *s)
{
	struct arena *a = arena_new(MAX_ARENA);
	struct probes all = { .conf = c, .segment = s, .arena = a,
		.loop = loop_new() };
	struct str text;
	int rc;

	all.wire = wire_new(all.loop);
	all.v = ARENA_ARRAY(a, struct probe, c->n_servers);
	text = hello(&all);
	for (uint32_t i = 0; i < c->n_servers; i++) {
		if (!is_wanted(&c->servers[i]))
			continue;
		all.v[all.n] = (struct probe){ .all = &all,
			.server = &c->servers[i] };
		begin(&all.v[all.n++], text);
	}
	wait_all(&all);
	rc = verdict(&all);
	say_goodbye(&all);
	wire_free(all.wire);
	loop_free(all.loop);
	arena_free(a);
	return rc;
}
