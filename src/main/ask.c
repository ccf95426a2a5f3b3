/* SPDX-License-Identifier: MIT */
/*
 * ask -- one question of the doctor, on a loop of its own
 */
#include "config.h"
#include "main/doctor.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"

#define MAX_ASKED KIB(256)	/* bytes of a reply that are kept */
#define ASK_MS 15000
#define CONNECT_MS 5000

struct asking {
	struct doctor *d;
	struct ask_reply *r;
	char *room;
	uint64_t began_ms;
	char detail[120];
};

bool
ask_says(const struct ask_reply *r, const char *words)
{
	return str_search(r->body, str_of(words)) < r->body.n;
}

static uint64_t
since(const struct asking *a)
{
	return loop_now_ms(a->d->loop) - a->began_ms;
}

static void
head(void *who, const struct transfer_reply *t)
{
	struct asking *a = who;

	a->r->status = t->status;
	for (uint32_t i = 0; i < t->headers.n; i++)
		headers_add(&a->r->headers,
			str_copy(a->d->arena, t->headers.v[i].name),
			str_copy(a->d->arena, t->headers.v[i].value));
}

static bool
body_in(void *who, struct str bytes)
{
	struct asking *a = who;
	size_t n = MAX_ASKED - a->r->body.n;

	if (n > bytes.n)
		n = bytes.n;
	memcpy(a->room + a->r->body.n, bytes.p, n);
	a->r->body.n += n;
	a->r->last_ms = since(a);
	if (a->r->first_ms == 0 && ask_says(a->r, "data:"))
		a->r->first_ms = a->r->last_ms;
	return true;
}

static void
ended(void *who, enum transfer_end end, const char *detail)
{
	struct asking *a = who;

	if (end != TRANSFER_OK) {
		a->r->status = 0;
		a->r->why = str_copy(a->d->arena, str_of(detail)).p;
	}
	loop_stop(a->d->loop);
}

static void
fill_headers(const struct ask *a, struct headers *h)
{
	headers_add(h, STR("User-Agent"), STR("mcpgatectl-doctor"));
	headers_add(h, STR("Accept"),
		STR("application/json, text/event-stream"));
	if (a->body.n > 0)
		headers_add(h, STR("Content-Type"), STR("application/json"));
	if (a->token.n > 0)
		headers_add(h, STR("Authorization"), str_fmt(h->arena,
			"Bearer %.*s", STR_ARG(a->token)));
	for (uint32_t i = 0; i < a->n_headers; i++)
		headers_add(h, a->headers[i].name, a->headers[i].value);
}

void
ask(struct doctor *d, const struct ask *a, struct ask_reply *r_r)
{
	struct conf_server *server = ARENA_NEW(d->arena, struct conf_server);
	struct asking *now = ARENA_NEW(d->arena, struct asking);
	struct headers out;

	server->index = MAX_SERVERS;
	server->url = a->url;
	now->d = d;
	now->r = r_r;
	now->room = arena_alloc(d->arena, MAX_ASKED);
	now->began_ms = loop_now_ms(d->loop);
	*r_r = (struct ask_reply){ .why = "the URL cannot be used",
		.body = { now->room, 0 } };
	headers_init(&r_r->headers, d->arena);
	headers_init(&out, d->arena);
	fill_headers(a, &out);
	if (transfer_start(d->wire, d->arena, &(struct transfer_plan){
		.server = server, .method = a->method, .headers = &out,
		.body = a->body, .total_ms = ASK_MS,
		.connect_ms = CONNECT_MS, .first_byte_ms = ASK_MS,
		.idle_ms = ASK_MS, .head = head, .body_in = body_in,
		.ended = ended, .who = now,
	}) != NULL)
		loop_run(d->loop);
}
