/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <poll.h>
#include <stdlib.h>

#include "kit/probe.h"
#include "kit/tap.h"

static unsigned long
connections(void)
{
	struct probe p;

	get(&p, "/count");
	return strtoul(p.body, NULL, 10);
}

/* ---- what is kept, and for how long ------------------------- */

static const struct {
	const char *name, *path;
	enum transfer_end end;
	uint64_t pass_ms, skip_ms;	/* before the next request */
	enum { GONE, KEPT, WARY } after;	/* WARY: the next goes, too */
} cases[] = {
	{ "a plain reply", "/ok", TRANSFER_OK, 0, 0, KEPT },
	{ "chunks", "/chunked", TRANSFER_OK, 0, 0, KEPT },
	{ "no body", "/status/204", TRANSFER_OK, 0, 0, GONE },
	{ "a large body", "/big/300000", TRANSFER_OK, 0, 0, KEPT },
	{ "early heads", "/early", TRANSFER_OK, 0, 0, KEPT },
	{ "a failure of the upstream", "/status/500", TRANSFER_OK, 0, 0,
		KEPT },
	{ "407", "/status/407", TRANSFER_PROXY_AUTH, 0, 0, GONE },
	{ "Connection: close", "/closing", TRANSFER_OK, 0, 0, GONE },
	{ "HTTP/1.0", "/ten", TRANSFER_OK, 0, 0, GONE },
	{ "a reply that the end ends", "/until", TRANSFER_OK, 0, 0, GONE },
	{ "a reply behind the reply", "/behind", TRANSFER_OK, 0, 0, WARY },
	{ "a reply while idle", "/unasked/30", TRANSFER_OK, 100, 0, WARY },
	{ "a reply, not long ago", "/unasked/30", TRANSFER_OK, 100, 899000,
		WARY },
	{ "a reply, a while ago", "/unasked/30", TRANSFER_OK, 100, 900000,
		GONE },
	{ "blank lines while idle", "/blank/30", TRANSFER_OK, 100, 0, GONE },
	{ "408 while idle", "/tired/30", TRANSFER_OK, 100, 0, GONE },
	{ "an end while idle", "/leave/30", TRANSFER_OK, 100, 0, GONE },
	{ "a length and chunks", "/doubt", TRANSFER_PROTOCOL, 0, 0, GONE },
	{ "a bad chunk", "/badchunk", TRANSFER_PROTOCOL, 0, 0, GONE },
	{ "a head that is too large", "/head/16385", TRANSFER_PROTOCOL, 0, 0,
		GONE },
	{ "Keep-Alive, within its time", "/keep/10", TRANSFER_OK, 0, 8900,
		KEPT },
	{ "Keep-Alive, a second before", "/keep/10", TRANSFER_OK, 0, 9000,
		GONE },
	{ "Keep-Alive of a second", "/keep/1", TRANSFER_OK, 0, 0, GONE },
	{ "Keep-Alive of none", "/keep/0", TRANSFER_OK, 0, 0, GONE },
	{ "Keep-Alive for ever", "/keep/99999", TRANSFER_OK, 0, 117000, KEPT },
	{ "long idling", "/ok", TRANSFER_OK, 0, 117000, KEPT },
	{ "too long idling", "/ok", TRANSFER_OK, 0, 118000, GONE },
};

/* Nothing is kept, and nobody has said anything yet. */
static void
begin_anew(void)
{
	wire_free(wire);
	wire = wire_new(loop);
}

static void
run(size_t i)
{
	struct probe p;
	unsigned long before;

	begin_anew();
	get(&p, cases[i].path);
	tap_ok(p.end == cases[i].end && p.ends == 1, "%s ends",
		cases[i].name);
	if (cases[i].pass_ms > 0)
		pass(cases[i].pass_ms);
	loop_skip(loop, cases[i].skip_ms);
	before = connections();		/* on that connection, or a new one */
	tap_ok(connections() == before + (cases[i].after == WARY),
		"%s: the next one is %s", cases[i].name, cases[i].after == WARY ?
		"not kept" : "kept");
	get(&p, "/ok");
	tap_ok(p.end == TRANSFER_OK && body_is(&p, "{\"ok\":true}") &&
		headers_count(&p.reply.headers, STR("X-Stray")) == 0,
		"%s: nothing strays", cases[i].name);
}

static void
count(size_t i)
{
	struct probe p;
	unsigned long before;

	begin_anew();
	before = connections();
	get(&p, cases[i].path);
	if (cases[i].pass_ms > 0)
		pass(cases[i].pass_ms);
	loop_skip(loop, cases[i].skip_ms);
	tap_ok(connections() == before + (cases[i].after != KEPT), "%s: %s",
		cases[i].name, cases[i].after == KEPT ? "kept" : "closed");
}

static struct probe next;

/* The next request is there in the turn in which the first one ends, and a
 * while later: no poll has told what came meanwhile. */
static void
end_and_ask(void *who, enum transfer_end end, const char *detail)
{
	struct transfer_plan plan = plan_for(&next, at("/ok"));

	poll(NULL, 0, 100 * (int)tap_slow());
	start(&next, &plan);
	took_end(who, end, detail);
}

static void
test_unseen(void)
{
	static const char *const paths[] = { "/unasked/10", "/leave/10" };
	struct probe p;

	for (size_t i = 0; i < 2; i++) {
		struct transfer_plan plan = plan_for(&p, at(paths[i]));
		unsigned long before;

		begin_anew();
		before = connections();
		plan.ended = end_and_ask;
		start(&p, &plan);
		run_for(5000);
		IS_INT(p.end, TRANSFER_OK);
		tap_ok(next.end == TRANSFER_OK &&
			body_is(&next, "{\"ok\":true}") &&
			headers_count(&next.reply.headers, STR("X-Stray")) ==
			0, "%s: nothing strays", paths[i]);
		/* who sent a reply unasked keeps the next one neither */
		tap_ok(connections() == before + (i == 0 ? 2 : 1),
			"%s: closed", paths[i]);
	}
}

/* ---- requests that are not taken whole ------------------------- */

/* The reply counts, also when the body did not go out. */
static void
test_refused_body(void)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, at("/refuse"));
	size_t n = 8 << 20;
	char *text = arena_alloc(arena, n);

	memset(text, 'x', n);
	plan.method = "POST";
	plan.body = (struct str){ text, n };
	start(&p, &plan);
	run_for(5000);
	IS_INT(p.ends, 1);
	OK((p.end == TRANSFER_OK && p.reply.status == 413) ||
		(p.end == TRANSFER_DOWN && p.sent));
	get(&p, "/ok");
	IS_INT(p.end, TRANSFER_OK);
}

/* A reply that does not wait for the body: what of it has not gone out must
 * not stand before the next request. */
static void
test_early_reply(void)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, at("/hasty/200"));
	size_t n = 8 << 20;
	char *text = arena_alloc(arena, n);
	unsigned long before = connections();

	memset(text, 'x', n);
	plan.method = "POST";
	plan.body = (struct str){ text, n };
	start(&p, &plan);
	run_for(5000);
	IS_INT(p.end, TRANSFER_OK);
	OK(body_is(&p, "ok"));
	get(&p, "/ok");
	OK(p.end == TRANSFER_OK && body_is(&p, "{\"ok\":true}"));
	tap_ok(connections() == before + 1, "on another connection");
}

/* It stays with the one that asked: other ways are other connections. */
static void
test_ways(void)
{
	struct conf_server other = { .index = 3 };
	unsigned long before = connections();
	struct probe p;
	struct transfer_plan plan = plan_for(&p, at("/count"));

	other.options.tls.min_version = 13;
	plan.server = &other;
	start(&p, &plan);
	run_for(5000);
	IS_INT(strtoul(p.body, NULL, 10), before + 1);
	start(&p, &plan);
	IS_INT(connections(), before + 1);
	run_for(5000);

	plan = plan_for(&p, str_fmt(arena, "http://localhost:%d/ok",
		fake.port));
	start(&p, &plan);
	run_for(5000);
	IS_INT(p.end, TRANSFER_OK);
	IS_INT(connections(), before + 2);
}

int
main(void)
{
	if (!probe_begin())
		return tap_skip("no socket on 127.0.0.1");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run(i);
		count(i);
	}
	test_unseen();
	begin_anew();
	test_refused_body();
	test_early_reply();
	test_ways();
	probe_end();
	return tap_done();
}
