/* SPDX-License-Identifier: MIT */
/*
 * metrics -- what is counted, and how it is told
 */
#include "config.h"
#include "watch/metrics.h"

#include "kit/place.h"
#include "kit/tap.h"
#include "watch/family.h"

static struct str
text_of(struct segment *s, struct arena *a)
{
	return metrics_text(s, NULL, 0, a);
}

static void
has(struct str text, const char *line)
{
	size_t at = str_search(text, str_of(line));
	struct str name = str_of(line + (line[0] == '\n'));

	name = str_head(name, str_find(name, '\n'));
	tap_ok(at < text.n, "told: %.*s", STR_ARG(name));
	if (at == text.n)
		printf("# not in: %.*s\n", STR_ARG(str_head(text, 400)));
}

static void
has_not(struct str text, const char *word)
{
	tap_ok(str_search(text, str_of(word)) == text.n, "not told: %s", word);
}

static struct access
call(struct arena *a, const char *method, int status)
{
	return (struct access){
		.server = STR("s"), .method = str_of(method),
		.step = "", .page = "", .status = status, .token = -1,
		.us = 1500, .upstream_us = 1000,
		.how = STR("token"), .user = STR("token:ci"),
		.fault = status >= 500
			? fault_new(a, FAULT_UPSTREAM_DOWN, "d") : NULL,
	};
}

static void
requests(struct place *p)
{
	struct segment *s = place_open(p);
	struct metrics *m = metrics_new(s, 0, false, false, p->arena);
	struct metrics *other = metrics_new(s, 5, false, false, p->arena);
	struct access r = call(p->arena, "tools/call", 200);
	struct str text;

	r.tool = STR("echo");
	metrics_request(m, &r);
	metrics_request(other, &r);
	r = call(p->arena, "x\"y\n", 502);
	metrics_request(m, &r);
	r = call(p->arena, "ping", 200);
	r.stream = true;
	metrics_request(m, &r);
	text = text_of(s, p->arena);
	has(text, "\nmcpgate_requests_total{server=\"s\","
		"method=\"tools/call\",code=\"200\"} 2\n");
	has(text, "method=\"other\",code=\"502\"} 1\n");
	has_not(text, "x\"y");
	has(text, "# TYPE mcpgate_request_duration_seconds histogram\n");
	has(text, "mcpgate_request_duration_seconds_bucket{server=\"s\","
		"method=\"tools/call\",code=\"200\",le=\"0.001\"} 0\n");
	has(text, "method=\"tools/call\",code=\"200\",le=\"0.0025\"} 2\n");
	has(text, "method=\"tools/call\",code=\"200\",le=\"+Inf\"} 2\n");
	has(text, "mcpgate_request_duration_seconds_sum{server=\"s\","
		"method=\"tools/call\",code=\"200\"} 0.003000\n");
	has_not(text, "duration_seconds_count{server=\"s\",method=\"ping\"");
	has(text, "mcpgate_tool_calls_total{server=\"s\"} 2\n");
	has(text, "mcpgate_tool_errors_total{server=\"s\"} 0\n");
	has(text, "mcpgate_upstream_errors_total{server=\"s\","
		"reason=\"upstream_down\"} 1\n");
	has(text, "mcp_authenticated_requests_total{server=\"s\"} 4\n");
	has(text, "\nmcpgate_build_info{version=\"" PACKAGE_VERSION "\"} 1\n");
	segment_close(s);
	unlink(p->file);
}

static void
callers(struct place *p)
{
	struct segment *s = place_open(p);
	struct metrics *m = metrics_new(s, 0, true, true, p->arena);
	struct access r = call(p->arena, "tools/call", 200);
	struct str text;
	char name[32];

	metrics_auth(m, STR("s"), "jwt", NULL, 50);
	metrics_auth(m, STR("s"), "token", "invalid_token", 90);
	metrics_violation(m, "origin_denied");
	metrics_proxy_header_missing(m, STR("s"));
	r.user = STR("q\"u\\o");
	r.tool = STR("t");
	metrics_request(m, &r);
	text = text_of(s, p->arena);
	has(text, "mcp_auth_success_total{server=\"s\",strategy=\"jwt\"} 1\n");
	has(text, "mcp_auth_success_total{server=\"s\","
		"strategy=\"token\"} 0\n");
	has(text, "mcp_auth_failures_total{server=\"s\",strategy=\"token\","
		"reason=\"invalid_token\"} 1\n");
	has(text, "mcp_auth_latency_seconds_bucket{server=\"s\","
		"strategy=\"jwt\",le=\"0.0001\"} 1\n");
	has(text, "user=\"q\\\"u\\\\o\"} 1\n");
	has(text, "tool=\"t\"} 1\n");
	has(text, "mcpgate_security_violations_total{"
		"reason=\"origin_denied\"} 1\n");
	has(text, "\n# HELP mcp_proxy_header_missing Requests without a usable "
		"identity header where one was expected.\n");
	has(text, "\nmcp_proxy_header_missing{server=\"s\"} 1\n");
	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof name, "user-%d", i);
		r.user = str_of(name);
		metrics_request(m, &r);
	}
	text = text_of(s, p->arena);
	has(text, "user=\"user-900\"} 1\n");
	has_not(text, "user=\"user-1100\"");
	has(text, "user=\"other\"} ");
	segment_close(s);
	unlink(p->file);
}

/* Servers whose names differ in one letter, and all families of each: what is
 * counted for one is counted for no other. */
static void
neighbours(struct place *p)
{
	struct segment *s = place_open(p);
	struct metrics *m = metrics_new(s, 0, false, false, p->arena);
	struct str text;
	char name[] = "a-server";

	for (unsigned i = 0; i < 26; i++) {
		struct access r = call(p->arena, "tools/call", 200);

		name[0] = (char)('a' + i);
		r.server = str_copy(p->arena, str_of(name));
		r.tool = STR("t");
		for (unsigned k = 0; k <= i; k++) {
			metrics_request(m, &r);
			metrics_auth(m, r.server, "token", NULL, 50);
			metrics_auth(m, r.server, "token", "forbidden", 50);
			metrics_blocked(m, r.server);
			metrics_limited(m, r.server, "ip");
		}
	}
	text = text_of(s, p->arena);
	for (unsigned i = 0; i < 26; i++) {
		static const struct {
			const char *family, *more;
		} lines[] = {
			{ "mcpgate_tool_calls_total", "" },
			{ "mcp_auth_success_total", ",strategy=\"token\"" },
			{ "mcp_auth_failures_total", ",strategy=\"token\","
				"reason=\"forbidden\"" },
			{ "mcpgate_ip_blocked_total", "" },
			{ "mcpgate_rate_limited_total", ",scope=\"ip\"" },
			{ "mcp_authenticated_requests_total", "" },
		};

		name[0] = (char)('a' + i);
		for (size_t k = 0; k < sizeof(lines) / sizeof(*lines); k++) {
			struct str want = str_fmt(p->arena,
				"%s{server=\"%s\"%s} %u\n", lines[k].family,
				name, lines[k].more, i + 1);

			tap_ok(str_search(text, want) < text.n, "%.*s",
				STR_ARG(str_head(want, want.n - 1)));
		}
	}
	segment_close(s);
	unlink(p->file);
}

static void
tokens(struct place *p)
{
	struct segment *s = place_open(p);
	struct metrics *m = metrics_new(s, 0, false, false, p->arena);
	uint8_t digests[3][ROTOR_DIGEST] = { { 1 }, { 2 }, { 3 } };
	const struct conf_token conf[3] = { [2] = { .disabled = true } };
	struct rotor_plan plan = { .server = STR("s"), .n = 3,
		.digests = (const uint8_t (*)[ROTOR_DIGEST])digests };
	struct metrics_pool pool = { .server = STR("s"), .n = 3,
		.tokens = conf, .rotor = rotor_bind(s, &plan, p->arena) };
	struct rotor *r = rotor_bind(s, &plan, p->arena);
	struct str text;

	rotor_disable(r, 0, true);
	rotor_cool(r, 1, 429, UINT64_MAX / 2);
	metrics_token(m, STR("s"), 1, 401, true);
	metrics_token(m, STR("s"), 0, 200, false);
	metrics_rotated(m, STR("s"), 429);
	metrics_exhausted(m, STR("s"));
	text = metrics_text(s, &pool, 1, p->arena);
	has(text, "mcpgate_token_uses_total{server=\"s\",token=\"1\","
		"status=\"401\"} 1\n");
	has(text, "mcpgate_token_failures_total{server=\"s\",token=\"1\","
		"status=\"401\"} 1\n");
	has_not(text, "mcpgate_token_failures_total{server=\"s\",token=\"0\"");
	has(text, "mcpgate_tokens_exhausted_total{server=\"s\"} 1\n");
	has(text, "mcpgate_token_rotations_total{server=\"s\","
		"reason=\"429\"} 1\n");
	has(text, "mcpgate_token_state{server=\"s\",token=\"2\","
		"state=\"disabled\"} 1\n");
	has(text, "mcpgate_token_state{server=\"s\",token=\"0\","
		"state=\"disabled\"} 1\n");
	has(text, "mcpgate_token_state{server=\"s\",token=\"1\","
		"state=\"cooling\"} 1\n");
	has(text, "state=\"usable\"} 0\n");
	has(text, "mcpgate_token_cooldown_seconds{server=\"s\",token=\"0\"} "
		"0.000\n");
	segment_close(s);
	unlink(p->file);
}

/* Every family has one heading, before its first line. */
static void
headings(struct str text)
{
	for (int i = 0; i < FAMILY_COUNT; i++) {
		char head[96];
		struct str rest;
		size_t at;

		snprintf(head, sizeof head, "# TYPE %s ",
			family_row((enum family)i)->name);
		at = str_search(text, str_of(head));
		rest = str_from(text, at + 1);
		tap_ok(at == text.n || str_search(rest, str_of(head))
			== rest.n, "one heading: %s", head);
	}
}

static void
names(void)
{
	OK(family_find(STR("mcpgate_requests_total{a=\"b\"}")) ==
		family_row(REQUESTS));
	OK(family_find(STR("mcp_auth_latency_seconds_sum{}")) ==
		family_row(AUTH_LATENCY));
	OK(family_find(STR("mcpgate_requests_total_sum")) == NULL);
	OK(family_find(STR("other")) == NULL);
	OK(family_find(STR("")) == NULL);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s;
	struct access r;

	names();
	requests(&p);
	callers(&p);
	neighbours(&p);
	tokens(&p);
	s = place_open(&p);
	r = call(p.arena, "tools/call", 502);
	r.tool = STR("t");
	metrics_request(metrics_new(s, 0, true, true, p.arena), &r);
	headings(text_of(s, p.arena));
	segment_close(s);
	place_end(&p);
	return tap_done();
}
