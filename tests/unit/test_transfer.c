/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/limits.h"
#include "kit/probe.h"
#include "kit/tap.h"

/* ---- one exchange, one row ------------------------- */

enum place { FAKE, CLOSED, NOWHERE };

static const struct {
	const char *name;
	const char *path;
	enum transfer_end end;
	int status;			/* 0: no head */
	const char *detail, *body;	/* NULL: not looked at */
	enum place place;
	int64_t total_ms, first_byte_ms, idle_ms;
	bool stream;
} cases[] = {
	{ "a plain reply", "/ok", TRANSFER_OK, 200, "", "{\"ok\":true}",
		.place = FAKE },
	{ "the same as a stream", "/ok", TRANSFER_OK, 200, "",
		"{\"ok\":true}", .stream = true },
	{ "chunks and a trailer", "/chunked", TRANSFER_OK, 200, "",
		"onetwothree", .place = FAKE },
	{ "events", "/sse", TRANSFER_OK, 200, "",
		"data: 0\n\ndata: 1\n\ndata: 2\n\n", .place = FAKE },
	{ "a status is no failure", "/status/503", TRANSFER_OK, 503, "", NULL,
		.place = FAKE },
	{ "redirects are not followed", "/status/302", TRANSFER_OK, 302, "",
		NULL, .place = FAKE },
	{ "an answer later", "/slow/50", TRANSFER_OK, 200, "", NULL,
		.place = FAKE },
	{ "early heads are skipped", "/early", TRANSFER_OK, 200, "",
		"{\"ok\":true}", .place = FAKE },
	{ "a head that trickles", "/trickle/1", TRANSFER_OK, 200, "",
		"{\"ok\":true}", .place = FAKE },
	{ "a large body", "/big/300000", TRANSFER_OK, 200, "", NULL,
		.place = FAKE },
	{ "a head at the limit", "/head/16384", TRANSFER_OK, 200, "", "ok",
		.place = FAKE },
	{ "a head above it", "/head/16385", TRANSFER_PROTOCOL, 0,
		"header is too large", NULL, .place = FAKE },
	{ "a head far above it", "/head/400000", TRANSFER_PROTOCOL, 0,
		"header is too large", NULL, .place = FAKE },
	{ "lines at the limit", "/lines/100", TRANSFER_OK, 200, "", "ok",
		.place = FAKE },
	{ "lines above it", "/lines/101", TRANSFER_PROTOCOL, 0,
		"header is too large", NULL, .place = FAKE },
	{ "not HTTP", "/garbage", TRANSFER_PROTOCOL, 0, "reply is not HTTP",
		NULL, .place = FAKE },
	{ "HTTP/0.9", "/old", TRANSFER_PROTOCOL, 0, "reply is not HTTP",
		NULL, .place = FAKE },
	{ "a bad chunk", "/badchunk", TRANSFER_PROTOCOL, 200, "bad chunk",
		NULL, .place = FAKE },
	{ "closed without a reply", "/close", TRANSFER_DOWN, 0,
		"closed without a reply", NULL, .place = FAKE },
	{ "reset", "/reset", TRANSFER_DOWN, 0, "reset while receiving", NULL,
		.place = FAKE },
	{ "a body that is cut", "/drop", TRANSFER_DOWN, 200,
		"reply ended early", "0123456789", .place = FAKE },
	{ "407", "/status/407", TRANSFER_PROXY_AUTH, 0, "status 407", NULL,
		.place = FAKE },
	{ "no reply in time", "/never", TRANSFER_TIMEOUT, 0, "first byte",
		NULL, .first_byte_ms = 60 },
	{ "a head that trickles too slowly", "/trickle/20", TRANSFER_TIMEOUT,
		0, "first byte", NULL, .first_byte_ms = 100 },
	{ "no end in time", "/half", TRANSFER_TIMEOUT, 200, "total",
		"0123456789", .total_ms = 60 },
	{ "the total counts before the head, too", "/never", TRANSFER_TIMEOUT,
		0, "total", NULL, .total_ms = 60, .first_byte_ms = 1000 },
	{ "silence on a stream", "/open", TRANSFER_TIMEOUT, 200, "silence",
		"data: 0\n\n", .idle_ms = 60, .first_byte_ms = 2000,
		.stream = true },
	{ "silence on a call", "/open", TRANSFER_TIMEOUT, 200, "silence",
		"data: 0\n\n", .idle_ms = 60 },
	{ "nobody listens", "/", TRANSFER_DOWN, 0, "refused", NULL, .place = CLOSED },
	{ "no such host", "/", TRANSFER_DOWN, 0, "host not found", NULL,
		.place = NOWHERE },
};

static struct str
url_of(enum place place, const char *path)
{
	static int closed;

	if (place == NOWHERE)
		return str_fmt(arena, "http://nowhere.invalid%s", path);
	if (place == FAKE)
		return at(path);
	if (closed == 0)
		closed = fake_closed_port();
	return str_fmt(arena, "http://127.0.0.1:%d%s", closed, path);
}

static void
run(size_t i)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, url_of(cases[i].place,
		cases[i].path));
	bool good;

	plan.total_ms = cases[i].total_ms;
	plan.first_byte_ms = cases[i].first_byte_ms;
	plan.idle_ms = cases[i].idle_ms;
	plan.stream = cases[i].stream;
	start(&p, &plan);
	run_for(5000);
	drop(&p);
	good = p.ends == 1 && p.end == cases[i].end &&
		p.reply.status == cases[i].status &&
		p.heads == (cases[i].status != 0) &&
		(cases[i].detail == NULL ||
		strcmp(p.detail, cases[i].detail) == 0) &&
		(cases[i].body == NULL || body_is(&p, cases[i].body));
	tap_ok(good, "%s", cases[i].name);
	if (!good)
		printf("# ends %u end %d status %d heads %u detail '%s' body "
			"%zu '%.60s'\n", p.ends, p.end, p.reply.status,
			p.heads, p.detail, p.n, p.body);
}

/* ---- what goes out, what comes in ------------------------- */

static void
test_request(void)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, at("/echo?x=1"));
	struct headers h;

	headers_init(&h, arena);
	headers_add(&h, STR("Content-Type"), STR("application/json"));
	headers_add(&h, STR("X-Empty"), STR(""));
	headers_add(&h, STR("Authorization"), STR("Bearer abc"));
	plan.method = "POST";
	plan.headers = &h;
	plan.body = STR("{\"a\":1}");
	start(&p, &plan);
	run_for(5000);
	IS_INT(p.end, TRANSFER_OK);
	OK(p.sent);
	OK(body_has(&p, "POST /echo?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
	OK(body_has(&p, "\r\nAuthorization: Bearer abc\r\n"));
	OK(body_has(&p, "\r\nX-Empty:\r\n"));
	OK(body_has(&p, "\r\nContent-Length: 7\r\n"));
	OK(body_has(&p, "\r\n\r\n{\"a\":1}"));
	OK(!body_has(&p, "Expect") && !body_has(&p, "Accept"));
	OK(!body_has(&p, "User-Agent"));
	IS_STR(p.reply.content_type, "text/plain");

	plan = plan_for(&p, at("/echo"));
	plan.method = "DELETE";
	start(&p, &plan);
	run_for(5000);
	OK(body_has(&p, "DELETE /echo HTTP/1.1\r\n"));
	OK(!body_has(&p, "Content-Type") && !body_has(&p, "Bearer"));

	plan = plan_for(&p, at("/echo"));
	plan.method = "POST";
	start(&p, &plan);
	run_for(5000);
	OK(body_has(&p, "\r\nContent-Length: 0\r\n"));
	OK(!body_has(&p, "Content-Type"));

	get(&p, "/a/../echo");
	IS_INT(p.reply.status, 404);	/* the path goes out as it is */
}

static void
test_large_body(void)
{
	static const size_t sizes[] = { 65535, 65536, 65537, 1 << 20,
		3 << 20 };
	char *text = arena_alloc(arena, 3 << 20);

	memset(text, 'x', 3 << 20);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct probe p;
		struct transfer_plan plan = plan_for(&p, at("/echo"));

		plan.method = "POST";
		plan.body = (struct str){ text, sizes[i] };
		start(&p, &plan);
		run_for(5000);
		tap_ok(p.end == TRANSFER_OK && p.n > sizes[i] &&
			p.n < sizes[i] + 200 && !body_has(&p, "Expect") &&
			!body_has(&p, "chunked"),
			"a body of %zu bytes", sizes[i]);
	}
}

static void
test_reply(void)
{
	struct probe p;

	get(&p, "/ok");
	IS_STR(p.reply.content_type, "application/json");
	OK(!p.reply.early);
	get(&p, "/early");
	OK(p.reply.early);
	IS_INT(headers_count(&p.reply.headers, STR("X-Early")), 0);
	IS_INT(headers_count(&p.reply.headers, STR("Content-Type")), 1);
	get(&p, "/chunked");
	IS_INT(headers_count(&p.reply.headers, STR("X-Trailer")), 0);
	IS_STR(p.reply.content_type, "");
	get(&p, "/odd");
	IS_INT(p.reply.status, 200);
	IS_STR(headers_get(&p.reply.headers, STR("x-one")), "a");
	IS_INT(headers_count(&p.reply.headers, STR("X Odd")), 0);
	IS_INT(headers_count(&p.reply.headers, STR("X-Ctl")), 0);
	IS_INT(headers_count(&p.reply.headers, STR("X-Empty")), 1);
	IS_STR(headers_get(&p.reply.headers, STR("X-Last")), "e");
}

static void
test_plans(void)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, STR("http://u:p@h/"));

	OK(transfer_start(wire, arena, &plan) == NULL);
	plan.url = STR("ftp://h/");
	OK(transfer_start(wire, arena, &plan) == NULL);
	plan.url = at("/ok");
	plan.method = "BREW";
	OK(transfer_start(wire, arena, &plan) == NULL);
	IS_INT(p.ends, 0);
}

/* ---- connections ------------------------- */

static unsigned long
connections(void)
{
	struct probe p;

	get(&p, "/count");
	return strtoul(p.body, NULL, 10);
}

static void
test_reuse(void)
{
	unsigned long before = connections();
	struct probe p, many[8];

	for (int i = 0; i < 20; i++)
		get(&p, i % 2 == 0 ? "/ok" : "/chunked");
	IS_INT(connections(), before);

	for (int i = 0; i < 8; i++) {
		struct transfer_plan plan = plan_for(&many[i],
			at("/slow/30"));

		start(&many[i], &plan);
	}
	run_for(5000);
	for (int i = 0; i < 8; i++)
		tap_ok(many[i].end == TRANSFER_OK && many[i].ends == 1,
			"%d of eight at the same time", i);
	IS_INT(connections(), before + 7);
	for (int i = 0; i < 3; i++) {
		struct transfer_plan plan = plan_for(&p, at("/ok"));

		plan.stream = true;
		start(&p, &plan);
		run_for(5000);
	}
	IS_INT(connections(), before + 10);
}

static long
cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
		u.ru_utime.tv_usec + u.ru_stime.tv_usec;
}

/* A kept connection that the upstream closes must not make the loop spin. */
static void
test_idle_close(void)
{
	struct probe p;
	unsigned from;
	long cpu;

	get(&p, "/leave/30");
	IS_INT(p.end, TRANSFER_OK);
	from = turns;
	cpu = cpu_us();
	pass(300);
	tap_ok(turns - from < 20, "few turns while idle: %u", turns - from);
	tap_ok(cpu_us() - cpu < 50000, "no processor time while idle: %ld us",
		cpu_us() - cpu);
	get(&p, "/ok");
	IS_INT(p.end, TRANSFER_OK);
}

/* The upstream ends a kept connection when the request is there: a GET is
 * asked again, a POST may have done something. */
static void
test_no_repeat(void)
{
	struct probe p;
	struct transfer_plan plan;

	wire_free(wire);
	wire = wire_new(loop);
	get(&p, "/once");
	IS_INT(p.end, TRANSFER_OK);
	get(&p, "/once");
	IS_INT(p.end, TRANSFER_OK);
	plan = plan_for(&p, at("/once"));
	plan.method = "POST";
	plan.body = STR("{}");
	start(&p, &plan);
	run_for(5000);
	IS_INT(p.end, TRANSFER_DOWN);
	IS_STR(str_of(p.detail), "closed without a reply");
	OK(p.sent);
	IS_INT(p.ends, 1);
	plan = plan_for(&p, url_of(CLOSED, "/"));
	plan.method = "POST";
	start(&p, &plan);
	run_for(5000);
	OK(!p.sent);
}

static int
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

#define MORE	40

/* So many at once that not all of their connections are kept. */
static void
ask_many(void)
{
	static struct probe many[MAX_CALL_CONNECTS + MORE];
	size_t n = sizeof(many) / sizeof(many[0]), good = 0;

	for (size_t i = 0; i < n; i++) {
		struct transfer_plan plan = plan_for(&many[i],
			at("/slow/200"));

		start(&many[i], &plan);
	}
	run_for(5000);
	for (size_t i = 0; i < n; i++)
		good += many[i].end == TRANSFER_OK && many[i].ends == 1;
	IS_INT(good, n);
}

/* More connections than are kept, then none: each one is closed. */
static void
test_eviction(void)
{
	unsigned long made;
	struct probe p;
	int before;

	wire_free(wire);
	before = open_files();
	wire = wire_new(loop);
	ask_many();
	made = connections();
	ask_many();
	IS_INT(connections() - made, MORE);
	get(&p, "/ok");
	IS_INT(p.end, TRANSFER_OK);
	wire_free(wire);
	IS_INT(open_files(), before);
	wire = wire_new(loop);
}

/* ---- holding, stopping ------------------------- */

static void
test_hold(void)
{
	static const char *const paths[] = { "/big/300000", "/sse", "/ok" };

	for (int stream = 0; stream < 2; stream++) {
		for (size_t i = 0; i < 3; i++) {
			struct probe p;
			struct transfer_plan plan = plan_for(&p, at(paths[i]));

			plan.stream = stream == 1;
			plan.idle_ms = 1000;
			p.hold = 3;
			p.resume = true;
			start(&p, &plan);
			run_for(5000);
			tap_ok(p.end == TRANSFER_OK && p.bodies > 3 &&
				p.hold == 0 && p.n == (i == 0 ? 300000 : i == 1
				? 27 : 11), "hold and go on: %s %zu", paths[i],
				p.n);
		}
	}
}

/* While it is held, silence is our wish, and nothing spins. */
static void
test_hold_long(void)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, at("/tick/10"));
	unsigned from;

	plan.stream = true;
	plan.total_ms = 0;
	plan.idle_ms = 100;
	p.hold = 1;
	start(&p, &plan);
	pass(50);
	from = turns;
	pass(400);
	IS_INT(p.ends, 0);
	tap_ok(turns - from < 30, "few turns while held: %u", turns - from);
	transfer_resume(p.t);
	pass(200);
	OK(p.n > 10 * 9);
	IS_INT(p.ends, 0);
	transfer_stop(p.t);
	waiting = 0;
}

/* Nor when the upstream goes meanwhile, with half of the request unread. */
static void
test_hold_lost(void)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, at("/balk/60"));
	size_t n = 8 << 20;
	char *text = arena_alloc(arena, n);
	unsigned from;

	memset(text, 'x', n);
	plan.method = "POST";
	plan.body = (struct str){ text, n };
	plan.stream = true;
	p.hold = 1;
	start(&p, &plan);
	pass(200);
	from = turns;
	pass(300);
	IS_INT(p.ends, 0);
	tap_ok(turns - from < 30, "few turns while held: %u", turns - from);
	transfer_resume(p.t);
	run_for(5000);
	IS_INT(p.ends, 1);
	IS_INT(p.end, TRANSFER_DOWN);
}

static void
test_stop(void)
{
	static const struct {
		const char *path;
		uint64_t after_ms;
		unsigned hold;
	} when[] = {
		{ "/ok", 0, 0 }, { "/never", 30, 0 }, { "/half", 30, 0 },
		{ "/half", 30, 1 }, { "/tick/5", 30, 0 }, { "/trickle/5", 20,
		0 },
	};

	for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); i++) {
		struct arena *mine = arena_new(1 << 20), *old = arena;
		struct probe p;
		struct transfer_plan plan = plan_for(&p, at(when[i].path));

		p.hold = when[i].hold;
		p.t = transfer_start(wire, mine, &plan);
		if (when[i].after_ms > 0)
			pass(when[i].after_ms);
		if (when[i].hold > 0)
			transfer_resume(p.t);
		transfer_stop(p.t);
		arena_free(mine);
		arena = old;
		pass(20);
		tap_ok(p.ends == 0, "stopped: %s", when[i].path);
	}
}

/* From inside the head of itself, and of another one. */
static void
test_stop_inside(void)
{
	struct probe p, q;
	struct transfer_plan plan = plan_for(&p, at("/big/100000"));

	p.victim = &p.t;
	start(&p, &plan);
	run_for(1000);
	pass(20);
	OK(p.ends == 0 && p.heads == 1 && p.bodies == 0);

	plan = plan_for(&q, at("/tick/1"));
	start(&q, &plan);
	plan = plan_for(&p, at("/slow/30"));
	p.victim = &q.t;
	start(&p, &plan);
	run_for(1000);
	OK(p.ends == 1 && p.end == TRANSFER_OK);
	OK(q.ends == 0 && q.bodies > 0);
	IS_INT(waiting, 0);
	get(&p, "/ok");
	IS_INT(p.end, TRANSFER_OK);
}

static unsigned long
requests(void)
{
	struct probe p;

	get(&p, "/count");
	return strtoul(strchr(p.body, ' '), NULL, 10);
}

/* At the end of the turn, with all that began in it; who is stopped before
 * sends nothing. */
static void
test_leaving(void)
{
	struct probe p[3];
	struct transfer_plan plan;
	unsigned long before;

	get(&p[0], "/ok");
	before = requests();
	for (int i = 0; i < 3; i++) {
		plan = plan_for(&p[i], at("/slow/60"));
		start(&p[i], &plan);
		OK(!transfer_sent(p[i].t));
	}
	drop(&p[1]);
	pass(30);
	OK(transfer_sent(p[0].t) && transfer_sent(p[2].t));
	run_for(5000);
	OK(p[0].end == TRANSFER_OK && p[2].end == TRANSFER_OK);
	IS_INT(p[1].ends, 0);
	IS_INT(requests() - before, 3);		/* two, and this one */
}

static void
test_free_busy(void)
{
	struct probe p[3];
	static const char *const paths[] = { "/never", "/tick/1", "/ok" };

	for (int i = 0; i < 3; i++) {
		struct transfer_plan plan = plan_for(&p[i], at(paths[i]));

		plan.stream = i == 1;
		start(&p[i], &plan);
		if (i == 1)
			pass(30);
	}
	wire_free(wire);
	wire = wire_new(loop);
	pass(10);
	waiting = 0;
	OK(p[0].ends == 0 && p[1].ends == 0 && p[2].ends == 0);
}

/* Libcurl is started by the first transfer, or before, and once. */
static void
test_warm(void)
{
	struct probe p;

	wire_free(wire);
	wire = wire_new(loop);
	wire_free(wire);		/* nothing was started */
	wire = wire_new(loop);
	wire_warm(wire);
	wire_warm(wire);
	get(&p, "/ok");
	IS_INT(p.end, TRANSFER_OK);
	wire_free(wire);
	wire = wire_new(loop);
	get(&p, "/ok");
	IS_INT(p.end, TRANSFER_OK);
}

int
main(void)
{
	if (!probe_begin())
		return tap_skip("no socket on 127.0.0.1");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run(i);
	test_request();
	test_large_body();
	test_reply();
	test_plans();
	test_reuse();
	test_idle_close();
	test_no_repeat();
	test_eviction();
	test_hold();
	test_hold_long();
	test_hold_lost();
	test_stop();
	test_stop_inside();
	test_leaving();
	test_free_busy();
	test_warm();
	probe_end();
	return tap_done();
}
