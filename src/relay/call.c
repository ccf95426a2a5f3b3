/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/call.h"

#include <string.h>

#include "base/arena.h"

static bool
is_news(const struct call *c)
{
	if (c->ended || c->over || c->nudged)
		return true;
	return c->head && !c->whole && c->sink == NULL;
}

static void
tell(struct call *c)
{
	struct waiter *w = c->waiter;

	if (w == NULL || !is_news(c))
		return;
	c->waiter = NULL;
	c->nudged = false;
	waiter_wake(w, NULL);
}

void
call_nudge(struct call *c)
{
	c->nudged = true;
	tell(c);
}

static void
took_head(void *who, const struct transfer_reply *r)
{
	struct call *c = who;

	c->reply = *r;
	c->head = true;
	tell(c);
}

/* Room for n more bytes, at most up to c->keep. */
static bool
make_room(struct call *c, size_t n)
{
	size_t room = c->early_room != 0 ? c->early_room : 1024;
	char *p;

	if (c->early.n + n > c->keep)
		return false;
	if (c->early.n + n <= c->early_room)
		return true;
	while (room < c->early.n + n)
		room *= 2;
	p = arena_alloc(c->arena, room);
	if (c->early.n > 0)
		memcpy(p, c->early.p, c->early.n);
	c->early.p = p;
	c->early_room = room;
	return true;
}

static bool
keep_bytes(struct call *c, struct str bytes)
{
	if (!make_room(c, bytes.n)) {
		c->over = true;
		tell(c);
		return false;
	}
	memcpy((char *)(uintptr_t)c->early.p + c->early.n, bytes.p, bytes.n);
	c->early.n += bytes.n;
	return true;
}

static bool
took_bytes(void *who, struct str bytes)
{
	struct call *c = who;

	if (c->sink == NULL)
		return keep_bytes(c, bytes);
	if (c->sink->full(c->sink->who))
		return false;
	c->sink->write(c->sink->who, bytes);
	return true;
}

static void
took_end(void *who, enum transfer_end end, const char *detail)
{
	struct call *c = who;

	c->transfer = NULL;
	c->ended = true;
	c->end = end;
	c->detail = detail != NULL ?
		str_copy(c->arena, str_of(detail)).p : "";
	tell(c);
}

struct call *
call_start(struct arena *a, const struct call_plan *p)
{
	struct call *c = ARENA_NEW(a, struct call);

	c->arena = a;
	c->keep = p->keep;
	c->detail = "";
	c->transfer = transfer_start(p->wire, a, &(struct transfer_plan){
		.server = p->server,
		.url = p->url,
		.method = p->method,
		.headers = p->headers,
		.body = p->body,
		.connect_ms = p->server->options.timeouts.connect_ms,
		.first_byte_ms = p->first_byte_ms,
		.idle_ms = p->server->options.timeouts.idle_ms,
		.stream = p->stream,
		.fresh = p->fresh,
		.head = took_head,
		.body_in = took_bytes,
		.ended = took_end,
		.who = c,
	});
	return c->transfer != NULL ? c : NULL;
}

static void
stop_waited(void *operation)
{
	struct call *c = operation;

	c->waiter = NULL;
	call_stop(c);
}

void
call_wait(struct call *c, struct waiter *w)
{
	waiter_own(w, stop_waited, c);
	c->waiter = w;
	tell(c);
}

void
call_collect(struct call *c)
{
	c->whole = true;
}

void
call_flow(struct call *c, const struct call_sink *sink)
{
	c->sink = sink;
	if (c->early.n > 0)
		sink->write(sink->who, c->early);
	c->early = STR_NONE;
	if (!c->over)
		return;
	c->over = false;
	call_resume(c);
}

void
call_resume(struct call *c)
{
	if (c->transfer != NULL)
		transfer_resume(c->transfer);
}

void
call_stop(struct call *c)
{
	struct transfer *t = c->transfer;

	c->transfer = NULL;
	c->waiter = NULL;
	if (t != NULL)
		transfer_stop(t);
}
