/* SPDX-License-Identifier: MIT */
/*
 * out -- every send is a list of pieces; what the peer does not take at once
 * is copied behind the queue
 */
#include "config.h"
#include "door/out.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/log.h"
#include "door/proto.h"

#define RECORD_MOST	65528u	/* content bytes; a multiple of eight */
#define BATCH		8	/* records of one send */
#define PIECES		(BATCH * 4 + 1)
#define TRAILER		(2 * PROTO_HEAD + PROTO_BEGIN)

static const uint8_t zeros[8];

/* ---- pieces ---- */

struct pieces {
	struct iovec v[PIECES];
	int n;
};

static void
piece(struct pieces *p, const void *from, size_t n)
{
	if (n == 0)
		return;
	p->v[p->n].iov_base = (void *)(uintptr_t)from;
	p->v[p->n].iov_len = n;
	p->n++;
}

static size_t
pieces_sum(const struct pieces *p)
{
	size_t sum = 0;

	for (int i = 0; i < p->n; i++)
		sum += p->v[i].iov_len;
	return sum;
}

/* ---- sending ---- */

static void
lost(struct out *o)
{
	if (o->gone)
		return;
	o->gone = true;
	bytes_drop(&o->queue, o->pool);
	bytes_drop(&o->head, o->pool);
	o->sent = 0;
	o->told(o->who, OUT_GONE);
}

/* Bytes that left; 0 also when the peer has gone. */
static size_t
send_pieces(struct out *o, struct iovec *v, int n)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = (size_t)n };
	ssize_t k;

	do {
		k = o->plain ? writev(o->fd, v, n) :
			sendmsg(o->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (k < 0 && errno == EINTR);
	if (k >= 0)
		return (size_t)k;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		lost(o);
	return 0;
}

/* Copies what is left of the pieces after the first n bytes. */
static void
queue_rest(struct out *o, const struct pieces *p, size_t n)
{
	for (int i = 0; i < p->n; i++) {
		size_t skip = n < p->v[i].iov_len ? n : p->v[i].iov_len;

		bytes_add(&o->queue, o->pool,
			(const char *)p->v[i].iov_base + skip,
			p->v[i].iov_len - skip);
		n -= skip;
	}
}

static void
emit(struct out *o, struct pieces *p)
{
	bool waited = out_waiting(o) > 0;
	size_t sent = 0;

	if (o->gone || p->n == 0)
		return;
	if (!waited)
		sent = send_pieces(o, p->v, p->n);
	if (o->gone || sent == pieces_sum(p))
		return;
	queue_rest(o, p, sent);
	if (out_waiting(o) > MAX_QUEUED)
		o->holding = true;
	if (!waited)
		o->told(o->who, OUT_QUEUED);
}

size_t
out_waiting(const struct out *o)
{
	return o->queue.n - o->sent;
}

static void
advance(struct out *o, size_t n)
{
	o->sent += n;
	if (o->sent == o->queue.n) {
		bytes_drop(&o->queue, o->pool);
		o->sent = 0;
	} else if (o->sent > MAX_QUEUED) {
		bytes_cut(&o->queue, o->sent);
		o->sent = 0;
	}
}

/* ---- records ---- */

/* Bytes after n of content, to a multiple of eight. */
static uint32_t
padding(size_t n)
{
	return (uint32_t)(-n & 7);
}

/* The end of the reply: an empty STDOUT, and END_REQUEST. */
static size_t
trailer(uint16_t id, bool with_stdout, int status, uint8_t text_r[TRAILER])
{
	uint8_t *p = text_r;

	memset(text_r, 0, TRAILER);
	if (with_stdout) {
		proto_head(p, PROTO_STDOUT, id, 0, 0);
		p += PROTO_HEAD;
	}
	proto_head(p, PROTO_END_REQUEST, id, PROTO_BEGIN, 0);
	p[PROTO_HEAD + 4] = (uint8_t)status;
	return (size_t)(p - text_r) + PROTO_HEAD + PROTO_BEGIN;
}

/* One record out of the front of two texts. */
static void
put_record(struct pieces *p, uint8_t head[PROTO_HEAD], uint16_t id,
	struct str text[2])
{
	size_t a = text[0].n < RECORD_MOST ? text[0].n : RECORD_MOST;
	size_t b = text[1].n < RECORD_MOST - a ? text[1].n : RECORD_MOST - a;
	uint32_t pad = padding(a + b);

	proto_head(head, PROTO_STDOUT, id, (uint32_t)(a + b), pad);
	piece(p, head, PROTO_HEAD);
	piece(p, text[0].p, a);
	piece(p, text[1].p, b);
	piece(p, zeros, pad);
	text[0] = str_from(text[0], a);
	text[1] = str_from(text[1], b);
}

/* Sends two texts as records; the last batch takes the trailer along. */
static void
emit_records(struct out *o, struct str text[2], bool last)
{
	uint8_t heads[BATCH][PROTO_HEAD], tail[TRAILER];
	bool more = true;

	while (more && !o->gone) {
		struct pieces p;

		p.n = 0;
		for (int i = 0; i < BATCH && text[0].n + text[1].n > 0; i++)
			put_record(&p, heads[i], o->id, text);
		more = text[0].n + text[1].n > 0;
		if (!more && last)
			piece(&p, tail, trailer(o->id, true, PROTO_COMPLETE,
				tail));
		emit(o, &p);
	}
}

static void
emit_plain(struct out *o, struct str text[2])
{
	struct pieces p;

	p.n = 0;
	piece(&p, text[0].p, text[0].n);
	piece(&p, text[1].p, text[1].n);
	emit(o, &p);
}

/* The head that was kept, and these bytes. */
static void
emit_reply(struct out *o, struct str body, bool last)
{
	struct bytes head = o->head;
	struct str text[2] = { { (char *)head.p, head.n }, body };

	memset(&o->head, 0, sizeof(o->head));
	if (o->plain)
		emit_plain(o, text);
	else
		emit_records(o, text, last);
	bytes_drop(&head, o->pool);
}

/* ---- what the gate calls ---- */

static char *
put(char *p, struct str s)
{
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

/* The only place where a header line is written; there is room. */
static char *
put_line(char *p, const struct header *h)
{
	if (!header_name_ok(h->name) || !header_value_ok(h->value)) {
		log_say(LOG_LEVEL_ERROR, "door", "reply header left out");
		return p;
	}
	p = put(p, h->name);
	p = put(p, STR(": "));
	p = put(p, h->value);
	return put(p, STR("\r\n"));
}

/* Bytes of the head, or a few more. */
static size_t
head_most(struct str reason, const struct headers *h)
{
	size_t n = reason.n + h->lines.n + STR_DIGITS + 16;

	for (uint32_t i = 0; i < h->n; i++)
		n += h->v[i].name.n + h->v[i].value.n + 4;
	return n;
}

static void
outlet_begin(struct outlet *outlet, int status, const struct headers *h)
{
	struct out *o = (struct out *)outlet;
	struct str reason = str_of(http_reason(status));
	char room[STR_DIGITS], *p;

	o->begun = true;
	if (o->gone ||
	    !bytes_reserve(&o->head, o->pool, head_most(reason, h)))
		return;
	p = put((char *)o->head.p + o->head.n, STR("Status: "));
	p = put(p, str_digits(room, (uint64_t)status));
	p = put(p, STR(" "));
	p = put(p, reason);
	p = put(p, STR("\r\n"));
	for (uint32_t i = 0; i < h->n; i++)
		p = put_line(p, &h->v[i]);
	p = put(p, h->lines);
	p = put(p, STR("\r\n"));
	o->head.n = (size_t)(p - (char *)o->head.p);
	o->body_known = str_number(headers_get(h, STR("Content-Length")),
		&o->body_left);
}

/* With the last bytes of a body of known length the end is near: if all fits
 * into one record, it waits for it. */
static bool
hold(struct out *o, struct str s)
{
	if (!o->body_known)
		return false;
	o->body_left -= s.n < o->body_left ? s.n : o->body_left;
	if (o->body_left > 0 || o->head.n == 0 ||
	    o->head.n + s.n > RECORD_MOST)
		return false;
	bytes_add(&o->head, o->pool, s.p, s.n);
	o->told(o->who, OUT_HELD);
	return true;
}

static bool
outlet_write(struct outlet *outlet, struct str s)
{
	struct out *o = (struct out *)outlet;

	if (o->gone || s.n == 0)
		return true;
	if (!hold(o, s))
		emit_reply(o, s, false);
	return out_waiting(o) <= MAX_QUEUED;
}

static void
outlet_end(struct outlet *outlet)
{
	struct out *o = (struct out *)outlet;

	o->ended = true;
	o->owed = !o->plain && !o->gone && o->head.n > 0;
	if (!o->owed)
		emit_reply(o, STR_NONE, true);
	o->told(o->who, OUT_ENDED);
}

static void
outlet_cut(struct outlet *outlet)
{
	struct out *o = (struct out *)outlet;

	o->ended = true;
	o->told(o->who, OUT_CUT);
}

static bool
outlet_full(const struct outlet *outlet)
{
	return out_waiting((const struct out *)outlet) > MAX_QUEUED;
}

static const struct outlet_ops ops = {
	outlet_begin, outlet_write, outlet_end, outlet_cut, outlet_full,
};

/* ---- what the connection calls ---- */

void
out_init(struct out *o, int fd, struct bytes_pool *l,
	void (*told)(void *who, enum out_news), void *who)
{
	memset(o, 0, sizeof(*o));
	o->outlet.ops = &ops;
	o->fd = fd;
	o->pool = l;
	o->told = told;
	o->who = who;
}

void
out_start(struct out *o, uint16_t id, bool plain)
{
	o->id = id;
	o->plain = plain;
	o->begun = o->ended = o->holding = o->owed = o->body_known = false;
	o->body_left = 0;
}

bool
out_flush(struct out *o)
{
	struct iovec v;

	if (!o->gone && out_waiting(o) > 0) {
		v.iov_base = o->queue.p + o->sent;
		v.iov_len = out_waiting(o);
		advance(o, send_pieces(o, &v, 1));
	} else if (!o->gone && o->owed) {
		o->owed = false;
		emit_reply(o, STR_NONE, true);
	} else if (!o->gone && !o->ended && o->body_known &&
	    o->body_left == 0) {
		emit_reply(o, STR_NONE, false);
	}
	return !o->gone;
}

bool
out_drained(struct out *o)
{
	if (!o->holding || o->gone || out_waiting(o) >= LOW_QUEUED)
		return false;
	o->holding = false;
	return true;
}

void
out_finish(struct out *o, uint16_t id, int status)
{
	uint8_t text[TRAILER];

	o->ended = true;
	bytes_drop(&o->head, o->pool);
	out_record(o, text, trailer(id, o->begun, status, text));
}

void
out_record(struct out *o, const void *from, size_t n)
{
	struct pieces p;

	p.n = 0;
	piece(&p, from, n);
	emit(o, &p);
}

void
out_clear(struct out *o)
{
	bytes_drop(&o->queue, o->pool);
	bytes_drop(&o->head, o->pool);
	o->sent = 0;
}
