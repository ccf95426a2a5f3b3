/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/verdict.h"

#include "base/arena.h"
#include "kit/tap.h"

#define DATED "Wed, 21 Oct 2026 07:28:00 GMT"	/* 1792567680 */

static const struct {
	const char *name;
	int status;			/* 0: it ended without a head */
	const char *type;
	bool has_session, notification;
	enum transfer_end end;
	enum verdict verdict;
	enum fault_kind fault;		/* of VERDICT_FAULT */
	int http;
} cases[] = {
	{ "a JSON reply", 200, "application/json", false, false, 0,
		VERDICT_JSON, 0, 0 },
	{ "an event stream", 200, "text/event-stream", false, false, 0,
		VERDICT_EVENTS, 0, 0 },
	{ "202 for a notification", 202, "", false, true, 0,
		VERDICT_EMPTY, 0, 0 },
	{ "200 without a type for a notification", 200, "", false, true, 0,
		VERDICT_EMPTY, 0, 0 },
	{ "202 for a request: its id would wait for ever", 202, "", false,
		false, 0, VERDICT_FAULT, FAULT_UPSTREAM_PROTOCOL, 502 },
	{ "JSON for a notification: nobody asked", 200, "application/json",
		false, true, 0, VERDICT_EMPTY, 0, 0 },
	{ "events for a notification", 200, "text/event-stream", false, true,
		0, VERDICT_EMPTY, 0, 0 },
	{ "204 for a request that says JSON", 204, "application/json", false,
		false, 0, VERDICT_FAULT, FAULT_UPSTREAM_PROTOCOL, 502 },
	{ "205 for a request", 205, "application/json", false, false, 0,
		VERDICT_FAULT, FAULT_UPSTREAM_PROTOCOL, 502 },
	{ "204 for a request", 204, "", false, false, 0,
		VERDICT_FAULT, FAULT_UPSTREAM_PROTOCOL, 502 },
	{ "an HTML page", 200, "text/html", false, false, 0,
		VERDICT_FAULT, FAULT_UPSTREAM_PROTOCOL, 502 },
	{ "401 is about the credential", 401, "", false, false, 0,
		VERDICT_CREDENTIAL, 0, 0 },
	{ "402 is about the credential", 402, "", false, false, 0,
		VERDICT_CREDENTIAL, 0, 0 },
	{ "403 is about the credential", 403, "", true, false, 0,
		VERDICT_CREDENTIAL, 0, 0 },
	{ "429 is about the credential", 429, "", false, false, 0,
		VERDICT_CREDENTIAL, 0, 0 },
	{ "404 with a session: it is lost", 404, "", true, false, 0,
		VERDICT_LOST, 0, 0 },
	{ "404 without a session", 404, "", false, false, 0,
		VERDICT_REFUSED, 0, 0 },
	{ "400", 400, "application/json", true, false, 0,
		VERDICT_REFUSED, 0, 0 },
	{ "407 is the proxy's", 407, "", false, false, 0,
		VERDICT_FAULT, FAULT_PROXY_AUTH, 502 },
	{ "500 becomes 502", 500, "application/json", false, false, 0,
		VERDICT_FAULT, FAULT_UPSTREAM_ERROR, 502 },
	{ "503 stays", 503, "", false, false, 0,
		VERDICT_FAULT, FAULT_UPSTREAM_ERROR, 503 },
	{ "504 stays", 504, "", false, false, 0,
		VERDICT_FAULT, FAULT_UPSTREAM_ERROR, 504 },
	{ "a redirect is not followed", 302, "", false, false, 0,
		VERDICT_FAULT, FAULT_UPSTREAM_PROTOCOL, 502 },
	{ "connection refused", 0, "", false, false, TRANSFER_DOWN,
		VERDICT_FAULT, FAULT_UPSTREAM_DOWN, 502 },
	{ "TLS failed", 0, "", false, false, TRANSFER_TLS,
		VERDICT_FAULT, FAULT_UPSTREAM_TLS, 502 },
	{ "too slow", 0, "", false, false, TRANSFER_TIMEOUT,
		VERDICT_FAULT, FAULT_UPSTREAM_TIMEOUT, 504 },
	{ "the proxy failed", 0, "", false, false, TRANSFER_PROXY,
		VERDICT_FAULT, FAULT_PROXY_FAILED, 502 },
	{ "the proxy wants a password", 0, "", false, false,
		TRANSFER_PROXY_AUTH, VERDICT_FAULT, FAULT_PROXY_AUTH, 502 },
	{ "not HTTP", 0, "", false, false, TRANSFER_PROTOCOL,
		VERDICT_FAULT, FAULT_UPSTREAM_PROTOCOL, 502 },
	{ "a private address", 0, "", false, false, TRANSFER_BLOCKED,
		VERDICT_FAULT, FAULT_UPSTREAM_DOWN, 502 },
};

static void
judge(size_t i)
{
	struct arena *a = arena_new(65536);
	struct call c = { .arena = a, .head = cases[i].status != 0,
		.ended = cases[i].status == 0, .end = cases[i].end,
		.detail = "refused" };
	const struct fault *f = NULL;
	enum verdict v;

	c.reply.status = cases[i].status;
	c.reply.content_type = str_of(cases[i].type);
	headers_init(&c.reply.headers, a);
	v = verdict_of(a, &(struct verdict_ask){ .call = &c,
		.has_session = cases[i].has_session,
		.expects_body = !cases[i].notification }, &f);
	tap_ok(v == cases[i].verdict, "%s", cases[i].name);
	if (v == VERDICT_FAULT && f != NULL) {
		tap_ok(f->kind == cases[i].fault, "%s: kind", cases[i].name);
		tap_ok(f->http == cases[i].http, "%s: status", cases[i].name);
	}
	arena_free(a);
}

static const struct {
	const char *name, *value;
	uint32_t seconds;
} waits[] = {
	{ "none", NULL, 0 },
	{ "seconds", "7", 7 },
	{ "at the cap", "604800", RETRY_AFTER_CAP },
	{ "over the cap", "604801", RETRY_AFTER_CAP },
	{ "far over the cap", "99999999999", RETRY_AFTER_CAP },
	{ "a date", DATED, 20 },
	{ "a negative number", "-1", 0 },
	{ "words", "soon", 0 },
	{ "a date that has passed", "Wed, 21 Oct 2015 07:28:00 GMT", 0 },
};

static void
waiting(size_t i)
{
	struct arena *a = arena_new(65536);
	struct transfer_reply r = { .status = 429 };

	headers_init(&r.headers, a);
	if (waits[i].value != NULL)
		headers_add(&r.headers, STR("Retry-After"),
			str_of(waits[i].value));
	tap_int(verdict_retry_after(&r, 1792567680 - 20),
		waits[i].seconds, waits[i].name, __LINE__);
	arena_free(a);
}

static void
scopes(void)
{
	struct arena *a = arena_new(65536);
	struct transfer_reply r = { .status = 403 };

	headers_init(&r.headers, a);
	OK(!verdict_scope(&r));
	headers_add(&r.headers, STR("WWW-Authenticate"),
		STR("Bearer error=\"invalid_token\""));
	OK(!verdict_scope(&r));
	headers_add(&r.headers, STR("www-authenticate"),
		STR("Bearer error=\"insufficient_scope\""));
	OK(verdict_scope(&r));
	arena_free(a);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		judge(i);
	for (i = 0; i < sizeof(waits) / sizeof(*waits); i++)
		waiting(i);
	scopes();
	return tap_done();
}
