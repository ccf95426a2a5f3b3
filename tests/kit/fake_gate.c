/* SPDX-License-Identifier: MIT */
/* fake_gate -- notes each request, and answers in one of few ways */
#include "config.h"
#include "kit/fake_gate.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"

struct fake_gate gate;

static void
begin_reply(struct outlet *o, struct arena *a, bool stream)
{
	size_t n = gate.reply != NULL ? strlen(gate.reply) : gate.reply_n;
	struct headers h;

	headers_init(&h, a);
	if (stream) {
		headers_add(&h, STR("Content-Type"), STR("text/event-stream"));
	} else {
		headers_add(&h, STR("Content-Type"), STR("application/json"));
		headers_add(&h, STR("Content-Length"), str_fmt(a, "%zu", n));
	}
	o->ops->begin(o, gate.last_refused >= 0 ?
		fault_http((enum fault_kind)gate.last_refused) : 200, &h);
}

static void
write_body(struct outlet *o)
{
	static const char zeros[MIB(6)];

	if (gate.reply != NULL)
		o->ops->write(o, str_of(gate.reply));
	else
		o->ops->write(o, (struct str){ zeros, gate.reply_n });
}

static void
answer(struct req *q)
{
	begin_reply(q->out, q->arena, false);
	write_body(q->out);
	q->out->ops->end(q->out);
	arena_free(q->arena);
}

static void
note(const struct inbound *in)
{
	struct str uri;

	gate.begun++;
	gate.last_refused = in->refused != NULL ? (int)in->refused->kind : -1;
	gate.last_params = in->params.n;
	gate.last_cgi = in->cgi;
	gate.last_began_us = in->began_us;
	uri = params_server(&in->params, "REQUEST_URI");
	snprintf(gate.last_uri, sizeof(gate.last_uri), "%.*s", STR_ARG(uri));
	gate.last_body = in->body.n;
	gate.last_sum = 0;
	for (size_t i = 0; i < in->body.n; i++)
		gate.last_sum = gate.last_sum * 31 + (uint8_t)in->body.p[i];
}

struct req *
gate_begin(struct gate *g, const struct inbound *in)
{
	struct req *q = ARENA_NEW(in->arena, struct req);

	(void)g;
	q->arena = in->arena;
	q->out = in->out;
	note(in);
	if (gate.way == AT_ONCE) {
		answer(q);
		return NULL;
	}
	if (gate.way == CUT_AT_ONCE) {
		begin_reply(q->out, q->arena, false);
		q->out->ops->cut(q->out);
		arena_free(q->arena);
		return NULL;
	}
	if (gate.way == STREAM) {
		begin_reply(q->out, q->arena, true);
		q->out->ops->write(q->out, STR(":\n\n"));
	} else if (gate.way == LATE_END) {
		begin_reply(q->out, q->arena, false);
		write_body(q->out);
	}
	gate.req = q;
	return q;
}

void
gate_leave(struct req *q)
{
	gate.left++;
	if (gate.req == q)
		gate.req = NULL;
	arena_free(q->arena);
}

void
gate_drained(struct req *q)
{
	(void)q;
	gate.drained++;
}

static struct req *
take_req(void)
{
	struct req *q = gate.req;

	gate.req = NULL;
	return q;
}

void
answer_req(void)
{
	answer(take_req());
}

void
end_req(void)
{
	struct req *q = take_req();

	q->out->ops->end(q->out);
	arena_free(q->arena);
}

void
cut_req(void)
{
	struct req *q = take_req();

	q->out->ops->cut(q->out);
	arena_free(q->arena);
}

bool
write_req(struct str bytes)
{
	return gate.req->out->ops->write(gate.req->out, bytes);
}
