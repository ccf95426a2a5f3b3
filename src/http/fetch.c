/* SPDX-License-Identifier: MIT */
/*
 * fetch -- one small document from somewhere else: a key set, an answer
 */
#include "config.h"
#include "http/fetch.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "http/guard.h"
#include "http/url.h"

#define HTTPS_PORT	443
#define FIRST_ROOM	2048u	/* bytes of a body at first */
#define AROUND		KIB(64)	/* bytes beside the body: heads, texts */

struct fetch {
	struct arena *arena;
	struct loop *loop;
	struct transfer *transfer;	/* NULL: ended */
	struct conf_server server;	/* where it goes, for the transfer */
	struct headers headers;		/* of the request */
	struct task task;
	size_t max_bytes, room;
	bool full;
	struct fetch_reply reply;
	void (*done)(void *who, const struct fetch_reply *r);
	void *who;
};

/* ---- may it be asked? ------------------------- */

static bool
same_host(struct str a, struct str b)
{
	return str_eq_nocase(a, b);
}

static bool
same_origin(const struct url *a, const struct url *b)
{
	return str_eq(a->scheme, b->scheme) && a->port == b->port &&
		same_host(a->host, b->host);
}

static bool
is_listed(const struct conf_texts *hosts, struct str host)
{
	for (uint32_t i = 0; hosts != NULL && i < hosts->n; i++) {
		if (same_host(hosts->v[i], host))
			return true;
	}
	return false;
}

static bool
is_proxied(const struct conf_outproxy *p, struct str host)
{
	return p != NULL && p->url.n > 0 && !guard_direct(p->noproxy, host);
}

/* u came from a peer, own from the operator. */
static const char *
judge_given(const struct fetch_plan *p, const struct url *u,
	const struct url *own)
{
	bool listed = is_listed(p->hosts, u->host);

	if (p->hosts != NULL && p->hosts->n > 0 && !listed)
		return "host is not listed";
	if (same_origin(u, own))
		return NULL;
	if (!str_is(u->scheme, "https") && !str_is(own->scheme, "http"))
		return "not https";
	if (u->port != HTTPS_PORT && u->port != own->port)
		return "port";
	if (guard_host(u->host))
		return "private address";
	if (is_proxied(p->proxy, u->host) && !listed &&
	    !same_host(u->host, own->host))
		return "another host through a proxy";
	return NULL;
}

const char *
fetch_refused(const struct fetch_plan *p)
{
	struct url u, own;

	if (!url_parse(p->url, &u))
		return "not a URL";
	if (p->given_by.n == 0)
		return NULL;
	if (!url_parse(p->given_by, &own))
		return "not a URL";
	return judge_given(p, &u, &own);
}

/* A URL of a peer that does not inherit the trust in the operator's. */
static bool
is_foreign(const struct fetch_plan *p)
{
	struct url u, own;

	return p->given_by.n > 0 && url_parse(p->url, &u) &&
		url_parse(p->given_by, &own) && !same_origin(&u, &own);
}

/* ---- what comes in ------------------------- */

static void
took_head(void *who, const struct transfer_reply *r)
{
	struct fetch *f = who;
	struct headers *h = ARENA_NEW(f->arena, struct headers);

	*h = r->headers;
	f->reply.status = r->status;
	f->reply.type = r->content_type;
	f->reply.headers = h;
}

static void
make_room(struct fetch *f, size_t n)
{
	size_t room = f->room > 0 ? f->room : FIRST_ROOM;

	while (room < n)
		room *= 2;
	if (room == f->room)
		return;
	f->reply.body.p = arena_larger(f->arena,
		(char *)(uintptr_t)f->reply.body.p, f->room, room);
	f->room = room;
}

/* Too much: it is held, and stopped from the task. */
static bool
took_bytes(void *who, struct str bytes)
{
	struct fetch *f = who;

	if (bytes.n > f->max_bytes - f->reply.body.n) {
		f->full = true;
		task_post(f->loop, &f->task);
		return false;
	}
	make_room(f, f->reply.body.n + bytes.n);
	memcpy((char *)(uintptr_t)f->reply.body.p + f->reply.body.n, bytes.p,
		bytes.n);
	f->reply.body.n += bytes.n;
	return true;
}

static enum fetch_end
end_of(enum transfer_end end)
{
	switch (end) {
	case TRANSFER_OK:
		return FETCH_REPLY;
	case TRANSFER_TLS:
		return FETCH_TLS;
	case TRANSFER_TIMEOUT:
		return FETCH_TIMEOUT;
	case TRANSFER_PROTOCOL:
		return FETCH_BROKEN;
	case TRANSFER_BLOCKED:
		return FETCH_BLOCKED;
	case TRANSFER_DOWN:
	case TRANSFER_PROXY:
	case TRANSFER_PROXY_AUTH:
		break;
	}
	return FETCH_DOWN;
}

static void
took_end(void *who, enum transfer_end end, const char *detail)
{
	struct fetch *f = who;

	f->transfer = NULL;
	f->reply.end = end_of(end);
	if (detail != NULL)
		f->reply.detail = str_copy(f->arena, str_of(detail)).p;
	task_post(f->loop, &f->task);
}

static void
finish(void *who)
{
	struct fetch *f = who;

	if (f->full) {
		f->reply.end = FETCH_LARGE;
		f->reply.detail = "too large";
	}
	if (f->transfer != NULL)
		transfer_stop(f->transfer);
	f->transfer = NULL;
	f->done(f->who, &f->reply);
	arena_free(f->arena);
}

/* ---- what goes out ------------------------- */

static void
fill_headers(struct fetch *f, const struct fetch_plan *p)
{
	headers_init(&f->headers, f->arena);
	headers_add(&f->headers, STR("User-Agent"), STR("mcpgate"));
	if (p->form.p != NULL)
		headers_add(&f->headers, STR("Content-Type"),
			STR("application/x-www-form-urlencoded"));
	for (uint32_t i = 0; p->headers != NULL && i < p->headers->n; i++)
		headers_set(&f->headers,
			str_copy(f->arena, p->headers->v[i].name),
			str_copy(f->arena, p->headers->v[i].value));
}

static void
fill_server(struct fetch *f, const struct fetch_plan *p)
{
	f->server.index = MAX_SERVERS;	/* no server has it */
	f->server.url = str_copy(f->arena, p->url);
	f->server.options.block_private = p->block_private || is_foreign(p);
	f->server.options.tls.ca_file = str_copy(f->arena, p->ca_file);
	if (p->proxy != NULL)
		f->server.options.proxy = *p->proxy;
}

static struct fetch *
make(const struct fetch_plan *p)
{
	struct arena *a = arena_new(2 * p->max_bytes + AROUND);
	struct fetch *f = ARENA_NEW(a, struct fetch);

	f->arena = a;
	f->loop = wire_loop(p->wire);
	f->max_bytes = p->max_bytes;
	f->done = p->done;
	f->who = p->who;
	f->reply.detail = "";
	task_init(&f->task, finish, f);
	fill_headers(f, p);
	fill_server(f, p);
	f->reply.headers = &f->headers;
	return f;
}

struct fetch *
fetch_start(const struct fetch_plan *p, const char **why_r)
{
	struct headers *none;
	struct fetch *f;

	*why_r = fetch_refused(p);
	if (*why_r != NULL)
		return NULL;
	f = make(p);
	none = ARENA_NEW(f->arena, struct headers);
	headers_init(none, f->arena);
	f->reply.headers = none;
	f->transfer = transfer_start(p->wire, f->arena, &(struct transfer_plan){
		.server = &f->server,
		.method = p->form.p != NULL ? "POST" : "GET",
		.headers = &f->headers,
		.body = p->form.p != NULL ? str_copy(f->arena, p->form) :
			STR(""),
		.total_ms = p->total_ms, .connect_ms = p->connect_ms,
		.stream = !p->keep || is_foreign(p),
		.harmless = true,	/* keys, documents, introspection */
		.head = took_head, .body_in = took_bytes, .ended = took_end,
		.who = f,
	});
	if (f->transfer != NULL)
		return f;
	*why_r = "not a URL";
	arena_free(f->arena);
	return NULL;
}

void
fetch_stop(struct fetch *f)
{
	if (f->transfer != NULL)
		transfer_stop(f->transfer);
	task_drop(&f->task);
	arena_free(f->arena);
}
