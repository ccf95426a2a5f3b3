/* SPDX-License-Identifier: MIT */
/*
 * bench_transfer -- processor time of one call through http/transfer
 *
 *	bench_transfer [CALLS [CONCURRENT]]
 *
 * Prints microseconds per call, one at a time and many at once; this process
 * only, without the upstream.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/clock.h"
#include "http/transfer.h"
#include "kit/fake_upstream.h"

static struct loop *loop;
static struct wire *wire;
static struct conf_server server;
static long left, running, failed;

struct one {
	struct arena *arena;
	struct headers headers;
	struct task again;
};

static void
took_head(void *who, const struct transfer_reply *r)
{
	(void)who;
	if (r->status != 200)
		failed++;
}

static bool
took_body(void *who, struct str bytes)
{
	(void)who;
	(void)bytes;
	return true;
}

static void
took_end(void *who, enum transfer_end end, const char *detail)
{
	struct one *o = who;

	(void)detail;
	running--;
	if (end != TRANSFER_OK)
		failed++;
	task_post(loop, &o->again);
}

static void
go(void *who)
{
	struct one *o = who;

	arena_free(o->arena);
	o->arena = NULL;
	if (left == 0) {
		if (running == 0)
			loop_stop(loop);
		return;
	}
	left--;
	running++;
	o->arena = arena_new(1 << 20);
	headers_init(&o->headers, o->arena);
	headers_add(&o->headers, STR("Content-Type"), STR("application/json"));
	headers_add(&o->headers, STR("Accept"),
		STR("application/json, text/event-stream"));
	headers_add(&o->headers, STR("Accept-Encoding"), STR("identity"));
	headers_add(&o->headers, STR("User-Agent"), STR("mcpgate/0.1"));
	headers_add(&o->headers, STR("X-Request-Id"), STR("0123456789abcdef"));
	headers_add(&o->headers, STR("MCP-Protocol-Version"),
		STR("2025-06-18"));
	headers_add(&o->headers, STR("Mcp-Session-Id"),
		STR("6f1c7f0e-3a52-4f5c-9a3e-0b3c6d1f2a11"));
	headers_add(&o->headers, STR("Authorization"),
		STR("Bearer 0123456789abcdef0123456789abcdef"));
	if (transfer_start(wire, o->arena, &(struct transfer_plan){
		.server = &server, .method = "POST", .headers = &o->headers,
		.body = STR("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
			"\"tools/call\",\"params\":{\"name\":\"echo\","
			"\"arguments\":{\"text\":\"hello\"}}}"),
		.connect_ms = 5000, .first_byte_ms = 60000,
		.idle_ms = 300000, .head = took_head, .body_in = took_body,
		.ended = took_end, .who = o }) == NULL)
		abort();
}

struct cpu {
	double user_us, system_us;
};

static struct cpu
cpu_now(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (struct cpu){
		(double)u.ru_utime.tv_sec * 1e6 + (double)u.ru_utime.tv_usec,
		(double)u.ru_stime.tv_sec * 1e6 + (double)u.ru_stime.tv_usec,
	};
}

static void
measure(long calls, int concurrent)
{
	struct one *all = calloc((size_t)concurrent, sizeof(*all));
	uint64_t wall;
	struct cpu cpu, end;

	if (all == NULL)
		abort();
	left = calls;
	cpu = cpu_now();
	wall = clock_mono_us();
	for (int i = 0; i < concurrent; i++) {
		task_init(&all[i].again, go, &all[i]);
		task_post(loop, &all[i].again);
	}
	loop_run(loop);
	end = cpu_now();
	printf("%3d at once: %5.1f us in the program, %5.1f in the kernel per "
		"call, %6.0f calls a second, %ld failed\n", concurrent,
		(end.user_us - cpu.user_us) / (double)calls,
		(end.system_us - cpu.system_us) / (double)calls,
		(double)calls * 1e6 / (double)(clock_mono_us() - wall),
		failed);
	free(all);
}

int
main(int argc, char **argv)
{
	long calls = argc > 1 ? atol(argv[1]) : 20000;
	int concurrent = argc > 2 ? atoi(argv[2]) : 32;
	struct fake fake;
	char url[64];

	if (!fake_start(&fake))
		return 77;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/ok", fake.port);
	server.url = str_of(url);
	loop = loop_new();
	wire = wire_new(loop);
	measure(1000, concurrent);
	measure(calls / 4, 1);
	measure(calls, concurrent);
	wire_free(wire);
	loop_free(loop);
	fake_stop(&fake);
	return failed > 0;
}
