/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/verdict.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

const struct fault *
verdict_end(struct arena *a, enum transfer_end end, const char *detail)
{
	static const enum fault_kind kinds[] = {
		[TRANSFER_OK] = FAULT_UPSTREAM_PROTOCOL,
		[TRANSFER_DOWN] = FAULT_UPSTREAM_DOWN,
		[TRANSFER_TLS] = FAULT_UPSTREAM_TLS,
		[TRANSFER_TIMEOUT] = FAULT_UPSTREAM_TIMEOUT,
		[TRANSFER_PROXY] = FAULT_PROXY_FAILED,
		[TRANSFER_PROXY_AUTH] = FAULT_PROXY_AUTH,
		[TRANSFER_PROTOCOL] = FAULT_UPSTREAM_PROTOCOL,
		[TRANSFER_BLOCKED] = FAULT_UPSTREAM_DOWN,
	};
	struct fault *f = fault_new(a, kinds[end], "%s", detail);

	if (end == TRANSFER_PROXY && *detail != '\0')
		f->said = str_fmt(a, "proxy connection failed: %s", detail).p;
	if (end == TRANSFER_PROXY || end == TRANSFER_PROXY_AUTH)
		f->detail = f->said;	/* the words operators look for */
	return f;
}

static uint32_t
retry_date(const char *text, int64_t now_unix_s)
{
	struct tm tm;
	int64_t at;

	memset(&tm, 0, sizeof(tm));
	if (strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
		return 0;
	at = timegm(&tm);
	if (at <= now_unix_s)
		return 0;
	return at - now_unix_s < INT32_MAX ? (uint32_t)(at - now_unix_s) :
		INT32_MAX;
}

uint32_t
verdict_retry_after(const struct transfer_reply *r, int64_t now_unix_s)
{
	struct str v = headers_get(&r->headers, STR("Retry-After"));
	char text[40];
	uint64_t n;

	if (v.n == 0 || v.n >= sizeof(text))
		return 0;
	if (!str_number(v, &n)) {
		memcpy(text, v.p, v.n);
		text[v.n] = '\0';
		n = retry_date(text, now_unix_s);
	}
	return n > RETRY_AFTER_CAP ? RETRY_AFTER_CAP : (uint32_t)n;
}

bool
verdict_scope(const struct transfer_reply *r)
{
	for (uint32_t i = 0; i < r->headers.n; i++) {
		const struct header *h = &r->headers.v[i];

		if (str_is_nocase(h->name, "WWW-Authenticate") &&
		    str_search(h->value, STR("insufficient_scope")) <
		    h->value.n)
			return true;
	}
	return false;
}

bool
verdict_plain(const struct transfer_reply *r)
{
	for (uint32_t i = 0; i < r->headers.n; i++) {
		const struct header *h = &r->headers.v[i];

		if (str_is_nocase(h->name, "Content-Encoding") &&
		    h->value.n > 0 && !str_is_nocase(h->value, "identity"))
			return false;
	}
	return true;
}

static struct fault *
status_fault(struct arena *a, enum fault_kind kind,
	const struct transfer_reply *r)
{
	struct fault *f = fault_new(a, kind, "upstream answered %d",
		r->status);

	f->said = str_fmt(a, "upstream failed with status %d", r->status).p;
	f->data = str_fmt(a, "\"status\":%d", r->status);
	return f;
}

const struct fault *
verdict_refused(struct arena *a, const struct transfer_reply *r)
{
	struct fault *f;

	if (r->status == 429) {
		f = fault_new(a, FAULT_UPSTREAM_LIMITED,
			"upstream answered 429");
		f->retry_after_s = verdict_retry_after(r, clock_unix_s());
		if (f->retry_after_s == 0)
			f->retry_after_s = 1;
		return f;
	}
	if (r->status == 402)
		return status_fault(a, FAULT_UPSTREAM_ERROR, r);
	return fault_new(a, FAULT_UPSTREAM_AUTH, "upstream answered %d",
		r->status);
}

static const struct fault *
server_error(struct arena *a, const struct transfer_reply *r)
{
	struct fault *f = status_fault(a, FAULT_UPSTREAM_ERROR, r);

	if (r->status == 503 || r->status == 504)
		f->http = r->status;
	if (r->status == 503)
		f->retry_after_s = verdict_retry_after(r, clock_unix_s());
	return f;
}

static bool
is_json(const struct transfer_reply *r)
{
	return str_is(r->content_type, "application/json");
}

static bool
is_events(const struct transfer_reply *r)
{
	return str_is(r->content_type, "text/event-stream");
}

static enum verdict
without_body(struct arena *a, const struct transfer_reply *r,
	const struct fault **fault_r)
{
	*fault_r = fault_new(a, FAULT_UPSTREAM_PROTOCOL,
		"a request was answered %d without a body", r->status);
	return VERDICT_FAULT;
}

/* A 2xx that we can hand on. */
static enum verdict
good_reply(struct arena *a, const struct verdict_ask *ask,
	const struct fault **fault_r)
{
	const struct transfer_reply *r = &ask->call->reply;
	struct str length = headers_get(&r->headers, STR("Content-Length"));

	if (!ask->expects_body)
		return VERDICT_EMPTY;	/* whatever it says: nobody asked */
	if (r->status == 204 || r->status == 205)
		return without_body(a, r, fault_r);
	if ((is_events(r) || is_json(r)) && !verdict_plain(r)) {
		*fault_r = fault_new(a, FAULT_UPSTREAM_PROTOCOL,
			"a content coding that nobody asked for");
		return VERDICT_FAULT;
	}
	if (is_events(r))
		return VERDICT_EVENTS;
	if (str_is(length, "0") || (r->status == 202 && !is_json(r)))
		return without_body(a, r, fault_r);
	if (is_json(r))
		return VERDICT_JSON;
	*fault_r = fault_new(a, FAULT_UPSTREAM_PROTOCOL,
		"content type \"%.*s\"", STR_ARG(str_head(r->content_type, 80)));
	return VERDICT_FAULT;
}

enum verdict
verdict_of(struct arena *a, const struct verdict_ask *ask,
	const struct fault **fault_r)
{
	const struct call *c = ask->call;
	int status = c->reply.status;

	if (!c->head) {
		*fault_r = verdict_end(a, c->end, c->detail);
		return VERDICT_FAULT;
	}
	if (status >= 200 && status < 300)
		return good_reply(a, ask, fault_r);
	if (status == 401 || status == 402 || status == 403 || status == 429)
		return VERDICT_CREDENTIAL;
	if (status == 407) {
		*fault_r = verdict_end(a, TRANSFER_PROXY_AUTH, "");
		return VERDICT_FAULT;
	}
	if (status == 404 && ask->has_session)
		return VERDICT_LOST;
	if (status >= 400 && status < 500)
		return VERDICT_REFUSED;
	if (status >= 500) {
		*fault_r = server_error(a, &c->reply);
		return VERDICT_FAULT;
	}
	*fault_r = fault_new(a, FAULT_UPSTREAM_PROTOCOL, "status %d", status);
	return VERDICT_FAULT;
}
