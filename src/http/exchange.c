/* SPDX-License-Identifier: MIT */
/*
 * exchange -- a request goes out on a link, its reply comes in
 *
 * Callbacks of the owner run only under feed(), which looks after each of
 * them whether the transfer has been stopped.  Header lines that are no
 * headers (odd bytes) are left out: what passes on is chosen by name from
 * what is left.
 */
#include "config.h"
#include "http/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "http/h1_write.h"

#define JOINED		16384u	/* bytes; such a body is copied to its head */
#define READS_AT_ONCE	4	/* then the others have their turn */

/* ---- the request ------------------------- */

static void
write_request(struct transfer *t)
{
	const struct place *p = t->place;
	const struct transfer_plan *plan = &t->plan;
	struct h1_request q = {
		.method = t->method, .origin = str_of(p->origin),
		.path = t->path,
		.host = str_of(p->host_line), .headers = plan->headers,
		.has_body = strcmp(t->method, "POST") == 0,
	};

	if (p->origin != NULL)
		q.proxy_auth = str_of(p->way->proxy_auth);
	if (q.has_body)
		q.body = plan->body;
	q.joined = q.body.n <= JOINED;
	t->head = h1_write(t->arena, &q);
	t->body = q.joined ? STR("") : q.body;
}

static bool
all_sent(const struct transfer *t)
{
	return t->done == t->head.n + t->body.n;
}

static ssize_t
send_some(struct transfer *t)
{
	struct str rest = str_from(t->head, t->done);

	if (rest.n == 0)
		rest = str_from(t->body, t->done - t->head.n);
	return link_write(t->on, rest);
}

/* Sends what it can.  False: the link takes nothing any more. */
static bool
send_request(struct transfer *t)
{
	while (!all_sent(t)) {
		ssize_t n = send_some(t);

		if (n == LINK_BROKEN)
			return false;
		if (n > 0 || t->place->tls)
			t->sent = true;
		if (n <= 0)
			break;
		t->done += (size_t)n;
	}
	link_want(t->on, all_sent(t) ? WATCH_READ : WATCH_READ | WATCH_WRITE);
	return true;
}

/* A kept link that takes nothing at all was closed before: it can be another
 * one.  Otherwise the reply may say why. */
static void
send_or_turn(struct transfer *t)
{
	if (send_request(t))
		return;
	if (t->on->worn && !t->sent) {
		link_free(t->on);
		transfer_connect(t);
		return;
	}
	t->send_failed = true;
	link_want(t->on, WATCH_READ);
	task_post(t->wire->loop, &t->task);
}

void
exchange_begin(struct transfer *t)
{
	if (t->head.n == 0)
		write_request(t);
	t->done = 0;
	t->sent = false;
	send_or_turn(t);
}

/* ---- the head of the reply ------------------------- */

static void
add_line(struct transfer *t, struct str line)
{
	struct str name, value = str_copy(t->arena, line);

	name = str_cut(&value, ':');
	headers_add(&t->reply.headers, name, str_trim(value));
}

static struct str
media_type(struct transfer *t)
{
	struct str type = headers_get(&t->reply.headers, STR("Content-Type"));
	char *p;

	type = str_trim(str_head(type, str_find(type, ';')));
	if (type.n == 0)
		return STR("");
	p = arena_alloc(t->arena, type.n + 1);
	for (size_t i = 0; i < type.n; i++) {
		char c = type.p[i];

		p[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	return (struct str){ p, type.n };
}

/* The timer may be set for the first byte, which can be far away. */
static void
watch_silence(struct transfer *t)
{
	uint64_t idle_ms = (uint64_t)t->plan.idle_ms;

	t->last_ms = loop_now_ms(t->wire->loop);
	if (t->plan.idle_ms <= 0)
		return;
	if (!timer_running(&t->timer) || t->timer.due_ms > t->last_ms + idle_ms)
		timer_start(&t->timer, idle_ms);
}

static bool
take_head(struct transfer *t)
{
	if (t->parser.status == 407) {
		outcome(t, TRANSFER_PROXY_AUTH, "status 407");
		return false;
	}
	t->head_done = true;
	t->reply.status = t->parser.status;
	t->reply.content_type = media_type(t);
	watch_silence(t);
	t->plan.head(t->plan.who, &t->reply);
	return !t->stopped;
}

/* ---- its body ------------------------- */

/* The piece and what was read behind it wait for the resume. */
static void
hold(struct transfer *t, struct str piece, struct str rest)
{
	size_t n = piece.n + rest.n;
	char *copy = malloc(n);

	if (copy == NULL)
		abort();
	memcpy(copy, piece.p, piece.n);
	if (rest.n > 0)
		memcpy(copy + piece.n, rest.p, rest.n);
	t->held = copy;
	t->held_n = n;
	t->held_first = piece.n;
	t->paused = true;
	link_want(t->on, all_sent(t) || t->send_failed ? 0 : WATCH_WRITE);
}

/* True: go on with the rest. */
static bool
take_body(struct transfer *t, struct str piece, struct str rest)
{
	bool more;

	t->last_ms = loop_now_ms(t->wire->loop);
	more = t->plan.body_in(t->plan.who, piece);
	if (t->stopped)
		return false;
	if (!more)
		hold(t, piece, rest);
	return more;
}

/* ---- bytes ------------------------- */

static const struct {
	enum transfer_end end;
	const char *detail;
} failures[] = {
	[H1_LARGE] = { TRANSFER_PROTOCOL, "header is too large" },
	[H1_BAD] = { TRANSFER_PROTOCOL, "reply is not HTTP" },
	[H1_BAD_CHUNK] = { TRANSFER_PROTOCOL, "bad chunk" },
};

/* True: more may come. */
static bool
take_piece(struct transfer *t, enum h1_said said, struct str piece,
	struct str rest)
{
	switch (said) {
	case H1_STATUS:
		headers_init(&t->reply.headers, t->arena);
		return true;
	case H1_LINE:
		add_line(t, piece);
		return true;
	case H1_EARLY:
		t->reply.early = true;
		return true;
	case H1_HEAD:
		return take_head(t);
	case H1_BODY:
		return take_body(t, piece, rest);
	case H1_END:
		outcome(t, TRANSFER_OK, "");
		return false;
	default:
		outcome(t, failures[said].end, failures[said].detail);
		return false;
	}
}

/* After callbacks: what has become of the transfer?  True: it goes on. */
static bool
settle(struct transfer *t, bool keep)
{
	t->inside = false;
	if (t->stopped)
		transfer_leave(t);
	else if (t->judged)
		transfer_end(t, keep && t->end == TRANSFER_OK);
	else
		return !t->paused;
	return false;
}

/* True: the transfer is still there, and takes more. */
static bool
feed(struct transfer *t, struct str in)
{
	struct str piece = STR("");
	enum h1_said said;

	t->inside = true;
	do
		said = h1_next(&t->parser, &in, &piece);
	while (said != H1_MORE && take_piece(t, said, piece, in));
	if (said == H1_END && in.n > 0)
		link_unasked(t->place, in);
	return settle(t, in.n == 0 && all_sent(t) && !t->plan.stream &&
		h1_keeps(&t->parser));
}

/* ---- reading ------------------------- */

/* The upstream may have acted on the request.  So only what asks is repeated,
 * or what never left. */
static bool
may_repeat(const struct transfer *t)
{
	return t->on->worn && !h1_begun(&t->parser) &&
		(!t->sent || t->plan.harmless ||
		strcmp(t->method, "GET") == 0);
}

static void
judge_end(struct transfer *t, ssize_t n)
{
	if (n == 0 && h1_eof(&t->parser) == H1_END && t->head_done)
		outcome(t, TRANSFER_OK, "");
	else if (t->send_failed)
		outcome(t, TRANSFER_DOWN, "reset while sending");
	else if (n < 0)
		outcome(t, TRANSFER_DOWN, "reset while receiving");
	else
		outcome(t, TRANSFER_DOWN, h1_begun(&t->parser) ?
			"reply ended early" : "closed without a reply");
}

static void
take_end(struct transfer *t, ssize_t n)
{
	if (may_repeat(t)) {
		link_free(t->on);
		transfer_connect(t);
		return;
	}
	judge_end(t, n);
	transfer_end(t, false);
}

/* What TLS has decrypted already makes no descriptor readable. */
static void
read_reply(struct transfer *t)
{
	struct wire *w = t->wire;

	for (int i = 0; i < READS_AT_ONCE; i++) {
		ssize_t n = link_read(t->on, w->scratch, SCRATCH);

		if (n == LINK_AGAIN)
			return;
		if (n <= 0) {
			take_end(t, n);
			return;
		}
		if (!feed(t, (struct str){ w->scratch, (size_t)n }))
			return;
		if (!t->place->tls && (size_t)n < SCRATCH)
			return;
	}
	if (t->place->tls) {
		t->again = true;
		task_post(w->loop, &t->task);
	}
}

void
exchange_event(struct transfer *t, int events)
{
	if ((events & WATCH_WRITE) != 0 && !all_sent(t) && !t->send_failed) {
		send_or_turn(t);
		if (t->on->up && t->paused)
			link_want(t->on, all_sent(t) || t->send_failed ? 0 :
				WATCH_WRITE);
		if (!t->on->up || t->send_failed)
			return;
	}
	if ((events & (WATCH_READ | WATCH_GONE)) != 0 && !t->paused)
		read_reply(t);
}

/* ---- later ------------------------- */

/* The refused bytes come again, then what lies behind them. */
static void
feed_held(struct transfer *t)
{
	char *bytes = t->held;
	struct str all = { bytes, t->held_n };
	struct str rest = str_from(all, t->held_first);

	t->held = NULL;
	t->inside = true;
	if (!take_body(t, str_head(all, t->held_first), rest))
		settle(t, false);
	else if (feed(t, rest))
		exchange_event(t, WATCH_READ);
	free(bytes);
}

static void
resume(struct transfer *t)
{
	t->paused = t->resuming = false;
	t->last_ms = loop_now_ms(t->wire->loop);
	link_want(t->on, all_sent(t) || t->send_failed ? WATCH_READ :
		WATCH_READ | WATCH_WRITE);
	feed_held(t);
}

/* Nothing may be left to say why the link takes nothing any more. */
static void
after_failure(struct transfer *t)
{
	ssize_t n = link_read(t->on, t->wire->scratch, SCRATCH);

	if (n <= 0)
		take_end(t, n < 0 ? LINK_BROKEN : 0);
	else
		feed(t, (struct str){ t->wire->scratch, (size_t)n });
}

void
exchange_go_on(struct transfer *t)
{
	if (t->judged)
		transfer_end(t, false);
	else if (t->resuming)
		resume(t);
	else if (t->paused)
		return;
	else if (t->send_failed)
		after_failure(t);
	else if (t->again) {
		t->again = false;
		read_reply(t);
	}
}
