/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
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

static void
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

static void
do_resume(void *who)
{
	struct probe *p = who;

	transfer_resume(p->t);
}

static bool
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

static void
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

static void
count_turn(void *who)
{
	(void)who;
	turns++;
}

static void
give_up(void *who)
{
	(void)who;
	printf("# gave up waiting\n");
	loop_stop(loop);
}

/* Runs until nobody waits, or for so long at most. */
static void
run_for(uint64_t ms)
{
	struct timer limit;

	timer_init(&limit, loop, give_up, NULL);
	timer_start(&limit, ms);
	if (waiting > 0)
		loop_run(loop);
	timer_stop(&limit);
}

static void
stop_loop(void *who)
{
	(void)who;
	loop_stop(loop);
}

static void
pass(uint64_t ms)
{
	struct timer t;

	timer_init(&t, loop, stop_loop, NULL);
	timer_start(&t, ms);
	loop_run(loop);
	timer_stop(&t);
}

static struct str
at(const char *path)
{
	return str_fmt(arena, "http://127.0.0.1:%d%s", fake.port, path);
}

static struct transfer_plan
plan_for(struct probe *p, struct str url)
{
	memset(p, 0, sizeof(*p));
	timer_init(&p->timer, loop, do_resume, p);
	return (struct transfer_plan){
		.server = &plain, .url = url, .method = "GET",
		.head = took_head, .body_in = took_body, .ended = took_end,
		.who = p, .total_ms = 5000,
	};
}

static void
start(struct probe *p, const struct transfer_plan *plan)
{
	p->t = transfer_start(wire, arena, plan);
	if (p->t != NULL)
		waiting++;
}

static void
get(struct probe *p, const char *path)
{
	struct transfer_plan plan = plan_for(p, at(path));

	start(p, &plan);
	run_for(5000);
}

/* Of a transfer that should have ended by now. */
static void
drop(struct probe *p)
{
	if (p->ends > 0 || p->t == NULL)
		return;
	transfer_stop(p->t);
	p->t = NULL;
	waiting--;
}

static bool
body_is(const struct probe *p, const char *text)
{
	return p->n == strlen(text) && memcmp(p->body, text, p->n) == 0;
}

static bool
body_has(const struct probe *p, const char *text)
{
	return strstr(p->body, text) != NULL;
}

/* ---- one exchange, one row ----------------------------------------------------- */

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

/* ---- what goes out, what comes in ------------------------------------------------ */

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
	get(&p, "/fold");
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

/* ---- connections ------------------------------------------------------------------ */

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

/* ---- holding, stopping ------------------------------------------------------------- */

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

/* ---- the way out: proxies, blocks, TLS ---------------------------------------------- */

enum via { VIA_FAKE, VIA_CLOSED, VIA_NOWHERE, VIA_SOCKS, VIA_SOCKS_CLOSED };

static const struct {
	const char *name;
	const char *url;		/* %d: the fake's port */
	enum via via;
	bool auth;
	const char *noproxy;
	enum transfer_end end;
	const char *detail, *body;
} proxied[] = {
	{ "a request through a proxy", "http://a.test/x", VIA_FAKE, false, "",
		TRANSFER_OK, "", "GET http://a.test/x HTTP/1.1\r\n" },
	{ "its password", "http://auth.test/x", VIA_FAKE, true, "",
		TRANSFER_OK, "", "Proxy-Authorization: Basic dTpw\r\n" },
	{ "no password", "http://auth.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY_AUTH, "status 407", NULL },
	{ "no password for a tunnel", "https://auth.test/x", VIA_FAKE, false,
		"", TRANSFER_PROXY_AUTH, "status 407", NULL },
	{ "a tunnel that is denied", "https://deny.test/x", VIA_FAKE, false,
		"", TRANSFER_PROXY, "refused", NULL },
	{ "a tunnel to nowhere", "https://late.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY, "timeout", NULL },
	{ "a proxy that is none", "https://bad.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY, "handshake", NULL },
	{ "a proxy that closes", "https://shut.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY, "handshake", NULL },
	{ "a proxy that is mute", "https://mute.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY, "timeout", NULL },
	{ "TLS behind the tunnel", "https://127.0.0.1:%d/x", VIA_FAKE, false,
		"", TRANSFER_TLS, "handshake failed", NULL },
	{ "a proxy that refuses", "http://a.test/x", VIA_CLOSED, false, "",
		TRANSFER_PROXY, "refused", NULL },
	{ "a proxy without address", "http://a.test/x", VIA_NOWHERE, false,
		"", TRANSFER_PROXY, "host not found", NULL },
	{ "a host that goes direct", "http://127.0.0.1:%d/ok", VIA_CLOSED,
		false, "x.test,127.0.0.0/8", TRANSFER_OK, "", "{\"ok\":true}" },
	{ "SOCKS that refuses us", "http://127.0.0.1:%d/ok", VIA_SOCKS, false,
		"", TRANSFER_PROXY, "handshake", NULL },
	{ "no SOCKS there", "http://127.0.0.1:%d/ok", VIA_SOCKS_CLOSED, false,
		"", TRANSFER_PROXY, "refused", NULL },
};

static struct str
proxy_url(enum via via)
{
	switch (via) {
	case VIA_FAKE:
		return str_fmt(arena, "http://127.0.0.1:%d", fake.port);
	case VIA_CLOSED:
		return str_fmt(arena, "http://127.0.0.1:%d",
			fake_closed_port());
	case VIA_NOWHERE:
		return STR("http://nowhere.invalid:3128");
	case VIA_SOCKS:
		return str_fmt(arena, "socks5h://127.0.0.1:%d", fake.port);
	default:
		return str_fmt(arena, "socks5h://127.0.0.1:%d",
			fake_closed_port());
	}
}

static struct str
with_port(const char *text)
{
	struct str s = str_of(text);
	size_t n = str_search(s, STR("%d"));

	if (n == s.n)
		return s;
	return str_fmt(arena, "%.*s%d%.*s", STR_ARG(str_head(s, n)),
		fake.port, STR_ARG(str_from(s, n + 2)));
}

static void
run_proxied(size_t i)
{
	struct conf_server s = { .index = 1 };
	struct probe p;
	struct transfer_plan plan = plan_for(&p, with_port(proxied[i].url));
	bool good;

	s.options.proxy.url = proxy_url(proxied[i].via);
	s.options.proxy.noproxy = str_of(proxied[i].noproxy);
	s.options.proxy.has_auth = proxied[i].auth;
	s.options.proxy.username = STR("u");
	s.options.proxy.password = secret_of(STR("p"));
	plan.server = &s;
	plan.connect_ms = 200;
	start(&p, &plan);
	run_for(5000);
	good = p.ends == 1 && p.end == proxied[i].end &&
		strcmp(p.detail, proxied[i].detail) == 0 &&
		(proxied[i].body == NULL || body_has(&p, proxied[i].body));
	tap_ok(good, "%s", proxied[i].name);
	if (!good)
		printf("# end %d detail '%s' body '%s'\n", p.end, p.detail,
			p.body);
}

static void
test_environment(void)
{
	struct probe p;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("HTTP_PROXY", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	wire_free(wire);
	wire = wire_new(loop);
	get(&p, "/ok");
	IS_INT(p.end, TRANSFER_OK);
	unsetenv("http_proxy");
	unsetenv("HTTP_PROXY");
	unsetenv("all_proxy");
}

static const struct {
	const char *url;
	bool proxy, blocked;
} blocks[] = {
	{ "http://127.0.0.1:%d/ok", false, true },
	{ "http://0x7f000001:%d/ok", false, true },
	{ "http://localhost:%d/ok", false, true },
	{ "http://[::ffff:127.0.0.1]:%d/ok", false, true },
	{ "http://a.test/ok", true, false },
	{ "http://127.0.0.1:%d/ok", true, true },
	{ "http://0x7f000001/ok", true, true },
	{ "http://2130706433/ok", true, true },
	{ "http://127.1/ok", true, true },
	{ "http://[::1]/ok", true, true },
	{ "http://x.localhost/ok", true, true },
};

static void
test_blocks(void)
{
	struct probe p;

	get(&p, "/ok");		/* leaves a connection that fits */
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct conf_server s = { .index = 300 };
		struct transfer_plan plan = plan_for(&p,
			with_port(blocks[i].url));

		s.options.block_private = true;
		if (blocks[i].proxy)
			s.options.proxy.url = proxy_url(VIA_FAKE);
		plan.server = &s;
		start(&p, &plan);
		run_for(5000);
		tap_ok(p.ends == 1 && p.end == (blocks[i].blocked ?
			TRANSFER_BLOCKED : TRANSFER_OK), "block %s%s",
			blocks[i].url, blocks[i].proxy ? " by proxy" : "");
	}
}

/* A server of the openssl program, with a certificate it has just made. */
struct tls_server {
	char dir[64], cert[96];
	FILE *out;
	pid_t pid;
	int port;
};

static bool
tls_start(struct tls_server *s)
{
	char cmd[1024], line[256];

	snprintf(s->dir, sizeof(s->dir), "/tmp/transfer.XXXXXX");
	if (mkdtemp(s->dir) == NULL)
		return false;
	snprintf(s->cert, sizeof(s->cert), "%s/cert.pem", s->dir);
	snprintf(cmd, sizeof(cmd), "cd %s && openssl req -x509 -newkey "
		"ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
		"/CN=mcp.test -addext subjectAltName=DNS:mcp.test -keyout "
		"key.pem -out cert.pem 2>/dev/null && echo $$ && exec openssl "
		"s_server -www -accept 127.0.0.1:0 -cert cert.pem -key "
		"key.pem 2>/dev/null </dev/null", s->dir);
	s->out = popen(cmd, "r");
	if (s->out == NULL || fgets(line, sizeof(line), s->out) == NULL)
		return false;
	s->pid = (pid_t)atol(line);
	while (fgets(line, sizeof(line), s->out) != NULL) {
		char *colon = strrchr(line, ':');

		if (strncmp(line, "ACCEPT", 6) == 0 && colon != NULL) {
			s->port = atoi(colon + 1);
			return true;
		}
	}
	return false;
}

static void
tls_stop(struct tls_server *s)
{
	char cmd[128];

	if (s->pid > 0)
		kill(s->pid, SIGKILL);
	if (s->out != NULL)
		pclose(s->out);
	snprintf(cmd, sizeof(cmd), "rm -r %s", s->dir);
	if (system(cmd) != 0)
		printf("# cannot remove %s\n", s->dir);
}

static const struct {
	const char *name, *server_name, *ca;	/* ca "own": the right one */
	bool insecure;
	int max_version;
	bool proxy;
	enum transfer_end end;
	const char *detail;
} tls_cases[] = {
	{ "own CA, own name", "mcp.test", "own", false, 0, false, TRANSFER_OK,
		"" },
	{ "the same through a tunnel", "mcp.test", "own", false, 0, true,
		TRANSFER_OK, "" },
	{ "another name", "other.test", "own", false, 0, false, TRANSFER_TLS,
		"certificate is not trusted" },
	{ "the address is no name", "", "own", false, 0, false, TRANSFER_TLS,
		"certificate is not trusted" },
	{ "not trusted", "mcp.test", "", false, 0, false, TRANSFER_TLS,
		"certificate is not trusted" },
	{ "not trusted, through a tunnel", "mcp.test", "", false, 0, true,
		TRANSFER_TLS, "certificate is not trusted" },
	{ "not looked at", "", "", true, 0, false, TRANSFER_OK, "" },
	{ "TLS 1.2 at most", "", "", true, 12, false, TRANSFER_OK, "" },
	{ "no such CA file", "mcp.test", "/nonexistent.pem", false, 0, false,
		TRANSFER_TLS, "CA file is not usable" },
};

static void
run_tls(const struct tls_server *srv, size_t i)
{
	struct conf_server s = { .index = 2 };
	struct probe p;
	struct transfer_plan plan = plan_for(&p, str_fmt(arena,
		"https://127.0.0.1:%d/x", srv->port));

	if (strcmp(tls_cases[i].ca, "own") == 0)
		s.options.tls.ca_file = str_of(srv->cert);
	else
		s.options.tls.ca_file = str_of(tls_cases[i].ca);
	s.options.tls.server_name = str_of(tls_cases[i].server_name);
	s.options.tls.insecure_skip_verify = tls_cases[i].insecure;
	s.options.tls.max_version = tls_cases[i].max_version;
	if (tls_cases[i].proxy)
		s.options.proxy.url = proxy_url(VIA_FAKE);
	plan.server = &s;
	start(&p, &plan);
	run_for(5000);
	tap_ok(p.ends == 1 && p.end == tls_cases[i].end &&
		strcmp(p.detail, tls_cases[i].detail) == 0, "TLS: %s",
		tls_cases[i].name);
	if (p.end != tls_cases[i].end)
		printf("# end %d detail '%s'\n", p.end, p.detail);
}

static void
test_tls(void)
{
	struct tls_server s = { .pid = 0 };

	if (!tls_start(&s)) {
		printf("# no openssl program: TLS is not tested\n");
		tls_stop(&s);
		return;
	}
	for (size_t i = 0; i < sizeof(tls_cases) / sizeof(tls_cases[0]); i++)
		run_tls(&s, i);
	tls_stop(&s);
}

/* Leaving while a name is looked up must not wait for it.  libcurl calls this
 * one instead of libc's. */
int
getaddrinfo(const char *node, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	(void)service;
	(void)hints;
	*res = NULL;
	if (strcmp(node, "slow.test") == 0)
		usleep(1500000);
	return EAI_NONAME;
}

static void
test_slow_name(void)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, STR("http://slow.test/"));
	uint64_t before;

	plan.connect_ms = 100;
	start(&p, &plan);
	before = loop_now_ms(loop);
	run_for(3000);
	IS_INT(p.end, TRANSFER_TIMEOUT);
	tap_ok(loop_now_ms(loop) - before < 1000, "after %d ms",
		(int)(loop_now_ms(loop) - before));
	plan = plan_for(&p, STR("http://slow.test/"));
	start(&p, &plan);
	pass(20);
	before = loop_now_ms(loop);
	transfer_stop(p.t);
	waiting = 0;
	pass(1);
	OK(loop_now_ms(loop) - before < 500);
	pass(1600);		/* let the threads end */
}

int
main(void)
{
	if (!fake_start(&fake))
		return tap_skip("no socket on 127.0.0.1");
	loop = loop_new();
	loop_each_turn(loop, count_turn, NULL);
	wire = wire_new(loop);
	arena = arena_new(64 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run(i);
	test_request();
	test_large_body();
	test_reply();
	test_plans();
	test_reuse();
	test_idle_close();
	test_no_repeat();
	test_hold();
	test_hold_long();
	test_stop();
	test_stop_inside();
	test_free_busy();
	for (size_t i = 0; i < sizeof(proxied) / sizeof(proxied[0]); i++)
		run_proxied(i);
	test_environment();
	test_blocks();
	test_tls();
	test_slow_name();
	wire_free(wire);
	loop_free(loop);
	arena_free(arena);
	fake_stop(&fake);
	return tap_done();
}
