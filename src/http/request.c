/* SPDX-License-Identifier: MIT */
/*
 * request -- what one request changes on an easy handle, and how it goes out
 */
#include "config.h"
#include "http/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"

/* Bodies up to here libcurl sends together with the head, from a copy. */
#define SENT_WITH_HEAD	KIB(64)

/* ---- what libcurl asks while it runs ------------------------- */

/* CURLOPT_PREREQFUNCTION: the connection is there, the request goes out.
 * libcurl repeats a request when a kept connection ends without an answer.
 * The upstream may have acted on it by then, so only a GET is repeated, or
 * what never left. */
int
request_begins(void *clientp, char *ip, char *local_ip, int port,
	int local_port)
{
	struct transfer *t = clientp;
	struct run *r = &t->run;
	long size = 0;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	if (r->stopped)
		return CURL_PREREQFUNC_ABORT;
	curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &size);
	if (r->asked > 0 && size > r->size_before &&
	    strcmp(t->method, "GET") != 0)
		return CURL_PREREQFUNC_ABORT;
	r->asked++;
	r->size_before = size;
	r->uploaded = 0;
	return CURL_PREREQFUNC_OK;
}

/* Large bodies are read piece by piece. The owner of a transfer that was
 * stopped may have let go of them already. */
static size_t
give_body(char *room, size_t size, size_t n, void *clientp)
{
	struct transfer *t = clientp;
	struct run *r = &t->run;
	struct str left = str_head(str_from(r->plan.body, r->uploaded),
		size * n);

	if (r->stopped)
		return CURL_READFUNC_ABORT;
	if (left.n > 0)
		memcpy(room, left.p, left.n);
	r->uploaded += left.n;
	return left.n;
}

/* A literal that lives for ever, so that pointers can be compared. */
const char *
request_method(const char *method)
{
	static const char *const known[] = { "POST", "GET", "DELETE" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(method, known[i]) == 0)
			return known[i];
	}
	return NULL;
}

/* ---- dressing a handle for one request ------------------------- */

static void
use_url(struct transfer *t, struct str url)
{
	if (t->url != NULL && str_is(url, t->url))
		return;
	free(t->url);
	t->url = strndup(url.p, url.n);
	if (t->url == NULL)
		abort();
	curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
}

static void
use_method(struct transfer *t, const char *method)
{
	if (t->method == method)
		return;
	if (strcmp(method, "POST") == 0) {
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, NULL);
		curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
	} else {
		curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
		curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST,
			strcmp(method, "GET") == 0 ? NULL : method);
	}
	t->method = method;
}

static void
use_body(struct transfer *t, struct str body)
{
	bool large = body.n > SENT_WITH_HEAD;

	if (strcmp(t->method, "POST") != 0)
		return;
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE,
		(curl_off_t)body.n);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, large ? NULL :
		body.n > 0 ? body.p : "");
	curl_easy_setopt(t->easy, CURLOPT_READFUNCTION,
		large ? give_body : NULL);
	curl_easy_setopt(t->easy, CURLOPT_READDATA, large ? t : NULL);
}

static void
use_connect_ms(struct transfer *t, int64_t connect_ms)
{
	if (t->connect_ms == connect_ms)
		return;
	t->connect_ms = connect_ms;
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)connect_ms);
}

/* What libcurl would add by itself, and we do not want; Expect, the last one,
 * only to large bodies.  Each line in a list is compared a dozen times. */
static const struct {
	const char *name, *line;
} not_added[] = {
	{ "Accept", "Accept:" },
	{ "Content-Type", "Content-Type:" },
	{ "Expect", "Expect:" },
};

#define NOT_ADDED (sizeof(not_added) / sizeof(not_added[0]))

/* "name: value", or "name;", which is how libcurl is told an empty one. */
static char *
line_of(struct arena *a, const struct header *h)
{
	char *line = arena_alloc(a, h->name.n + h->value.n + 3);
	char *p = line;

	memcpy(p, h->name.p, h->name.n);
	p += h->name.n;
	if (h->value.n == 0) {
		*p = ';';
		return line;
	}
	*p++ = ':';
	*p++ = ' ';
	memcpy(p, h->value.p, h->value.n);
	return line;
}

struct lines {
	struct curl_slist *v;
	uint32_t n;
};

static void
append(struct lines *l, char *text)
{
	l->v[l->n].data = text;
	if (l->n > 0)
		l->v[l->n - 1].next = &l->v[l->n];
	l->n++;
}

/* The list lies in the arena; libcurl only reads it.  host: what the Host
 * header has to say when the URL does not, or "". */
static void
use_headers(struct transfer *t, const struct headers *h, struct str host)
{
	static const struct headers none;
	struct arena *a = t->run.arena;
	bool large = t->run.plan.body.n > SENT_WITH_HEAD;
	struct lines l = { NULL, 0 };

	if (h == NULL)
		h = &none;
	l.v = ARENA_ARRAY(a, struct curl_slist, h->n + NOT_ADDED + 1);
	for (uint32_t i = 0; i < h->n; i++)
		append(&l, line_of(a, &h->v[i]));
	for (size_t i = 0; i < (large ? NOT_ADDED : NOT_ADDED - 1); i++) {
		if (headers_count(h, str_of(not_added[i].name)) == 0)
			append(&l, (char *)(uintptr_t)not_added[i].line);
	}
	if (host.n > 0)
		append(&l, line_of(a, &(struct header){ STR("Host"), host }));
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, l.v);
}

/* tls.serverName: libcurl takes the name for SNI and certificate from the
 * URL.  So the URL gets that name, CURLOPT_CONNECT_TO leads it to the real
 * host (which is resolved as ever; CURLOPT_RESOLVE would need an address),
 * and the Host header says what it would have said. */
static void
use_place(struct transfer *t, const struct url *u, struct str url)
{
	const struct run *r = &t->run;
	struct str name = r->plan.server->options.tls.server_name;
	struct str host = STR(""), to;
	struct curl_slist *list = NULL;

	if (name.n > 0 && r->https) {
		to = str_fmt(r->arena, "%.*s:%u:%.*s:%u", STR_ARG(name),
			u->port, STR_ARG(u->host), u->port);
		url = str_fmt(r->arena, "https://%.*s:%u%.*s", STR_ARG(name),
			u->port, STR_ARG(u->path));
		host = u->port == 443 ? u->host : str_fmt(r->arena,
			"%.*s:%u", STR_ARG(u->host), u->port);
		list = ARENA_NEW(r->arena, struct curl_slist);
		list->data = (char *)(uintptr_t)to.p;
	}
	use_url(t, url);
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, list);
	use_headers(t, r->plan.headers, host);
}

void
request_use(struct transfer *t, const struct url *u, struct str url,
	const char *method)
{
	use_place(t, u, url);
	use_method(t, method);
	use_body(t, t->run.plan.body);
	use_connect_ms(t, t->run.plan.connect_ms);
}

/* Pointers into an arena do not stay in a handle that is kept. */
void
request_clear(struct transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, NULL);
	if (strcmp(t->method, "POST") == 0)
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, NULL);
}
