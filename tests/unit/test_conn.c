/* SPDX-License-Identifier: MIT */
/*
 * A real door on a unix socket, a web server's side by hand, and a gate that
 * does what the test says.  Time is the loop's: deadlines are moved, not
 * waited for.
 */
#include "config.h"
#include "door/door.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "kit/fcgi_peer.h"
#include "kit/tap.h"

#define TEST_BODY	MIB(4)

/* ---- a gate that does what it is told ---- */

enum way {
	AT_ONCE,		/* answers within gate_begin() */
	LATER,			/* when the test says so */
	STREAM,			/* begins a stream, goes on when told */
	CUT_AT_ONCE,
	LATE_END,		/* whole body now, the end when told */
};

struct req {
	struct arena *arena;
	struct outlet *out;
};

static struct {
	enum way way;
	const char *reply;		/* body */
	size_t reply_n;			/* of zeros, when reply is NULL */
	uint32_t begun, left, drained;
	int last_refused;		/* a fault kind, or -1 */
	uint32_t retry_after;
	uint32_t last_params;
	size_t last_body;
	uint64_t last_sum;
	struct req *req;		/* the last one that waits */
} gate;

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
	gate.begun++;
	gate.last_refused = in->refused != NULL ? (int)in->refused->kind : -1;
	gate.retry_after = in->refused != NULL ?
		in->refused->retry_after_s : 0;
	gate.last_params = in->params.n;
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

static void
end_req(void)
{
	struct req *q = gate.req;

	gate.req = NULL;
	q->out->ops->end(q->out);
	arena_free(q->arena);
}

/* ---- the door ---- */

static struct loop *loop;
static struct door *door;
static char dir[] = "/tmp/mcpgate-test.XXXXXX";
static char path[64];
static int listening = -1, open_conns;
static bool idle_told;
static struct timer pump_timer;

static void
count_conns(void *who, int delta)
{
	(void)who;
	open_conns += delta;
}

static void
told_idle(void *who)
{
	(void)who;
	idle_told = true;
}

static void
stop_pump(void *who)
{
	(void)who;
	loop_stop(loop);
}

/* Lets the loop run for this long, and four turns at least. */
static void
pump(uint64_t ms)
{
	for (int i = 0; i < 4; i++) {
		timer_start(&pump_timer, i == 0 ? ms : 0);
		loop_run(loop);
	}
}

/* type: SOCK_STREAM, or SOCK_SEQPACKET to see each send of the door. */
static void
open_door(int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct door_plan p = { .max_body = TEST_BODY, .input_ms = 30000,
		.connections = count_conns };

	memset(&gate, 0, sizeof(gate));
	gate.reply = "{\"result\":1}";
	unlink(path);
	memcpy(a.sun_path, path, sizeof(path));
	listening = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (bind(listening, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(listening, 64) != 0)
		abort();
	loop = loop_new();
	timer_init(&pump_timer, loop, stop_pump, NULL);
	p.loop = loop;
	door = door_listen(&p, listening);
	idle_told = false;
}

/* Every test ends so: nobody is left. */
static void
close_door(void)
{
	door_free(door);
	loop_free(loop);
	close(listening);
	IS_INT(open_conns, 0);
	OK(gate.req == NULL);
}

/* ---- the web server's side ---- */

static int
call(const struct peer_call *c)
{
	struct peer_text t = { 0 };
	int fd = peer_connect(path);

	peer_call(&t, c);
	peer_send(fd, &t, 0);
	peer_clear(&t);
	return fd;
}

static void
call_on(int fd, const struct peer_call *c)
{
	struct peer_text t = { 0 };

	peer_call(&t, c);
	peer_send(fd, &t, 0);
	peer_clear(&t);
}

/* Sends while the loop runs: more than the socket takes at once. */
static bool
send_pumping(int fd, const struct peer_text *t, size_t step)
{
	for (size_t at = 0, tries = 0; at < t->n && tries < 200000; tries++) {
		size_t n = t->n - at < step ? t->n - at : step;
		ssize_t k = send(fd, t->p + at, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k < 0 && errno != EAGAIN)
			return false;
		at += k > 0 ? (size_t)k : 0;
		if (k < 0)
			pump(0);
	}
	return true;
}

/* Lets both sides work until the reply is there, or the end of it. */
static void
finish(int fd, struct peer_reply *r)
{
	peer_parse(r);
	for (int i = 0; i < 500 && !r->ended && !r->closed; i++) {
		pump(i < 400 ? 0 : 1);
		peer_read_some(fd, r);
	}
}

static bool
closed_now(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) == 0 ||
		(errno != EAGAIN && errno != EWOULDBLOCK);
}

/* Closed by the door within the next turns, and forgotten. */
static bool
closed(int fd)
{
	for (int i = 0; i < 10 && !closed_now(fd); i++)
		pump(1);
	pump(1);
	return closed_now(fd);
}

/* ---- replies ---- */

/* Every shape of a reply that is complete at once. */
static void
test_replies(void)
{
	static const size_t sizes[] = { 0, 1, 7, 8, 400, 65000, 65528, 65536,
		200000, MIB(5) };
	struct peer_reply r = { 0 };
	struct peer_call c = { .id = 300, .body = STR("{}") };
	int fd;

	open_door(SOCK_STREAM);
	gate.reply = NULL;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		gate.reply_n = sizes[i];
		fd = call(&c);
		finish(fd, &r);
		tap_ok(r.ended && r.out_closed && !r.broken && r.id == 300 &&
			peer_status(&r) == 200 &&
			peer_body(&r).n == sizes[i], "%zu bytes", sizes[i]);
		if (sizes[i] <= 65000)
			IS_INT(r.records, 1);
		IS_STR(peer_header(&r, "Status"), "200 OK");
		OK(closed(fd));
		IS_INT(open_conns, 0);
		peer_reply_clear(&r);
		close(fd);
	}
	close_door();
}

/* A reply that is whole at its end leaves in one send: a socket that keeps
 * messages apart shows it. A stream leaves write by write. */
static void
test_one_send(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct peer_call c = { .flags = 1 };
	struct peer_reply r = { 0 };
	struct peer_text t = { 0 };
	char room[4096];
	int fd;

	open_door(SOCK_SEQPACKET);
	memcpy(a.sun_path, path, sizeof(path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	OK(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	peer_call(&t, &c);
	for (int i = 0; i < 3; i++) {
		gate.way = i == 1 ? STREAM : i == 2 ? LATE_END : AT_ONCE;
		OK(send(fd, t.p, t.n, 0) == (ssize_t)t.n);
		pump(1);
		if (i == 1) {
			r.raw.n = 0;
			gate.req->out->ops->write(gate.req->out,
				STR("data: 1\n\n"));
		}
		if (i > 0 && gate.req != NULL)
			end_req();
		while (!r.ended) {
			ssize_t n = recv(fd, room, sizeof(room), MSG_DONTWAIT);

			if (n <= 0)
				break;
			peer_add(&r.raw, room, (size_t)n);
			peer_parse(&r);
			r.management_n++;	/* counts the sends */
		}
		OK(r.ended && !r.broken);
		/* stream: headers with ":", event, end; late: whole, end */
		IS_INT(r.management_n, i == 0 ? 1 : i == 1 ? 3 : 2);
		IS_INT(r.records, i == 1 ? 2 : 1);
		peer_reply_clear(&r);
		pump(1);
	}
	close(fd);
	pump(1);
	peer_clear(&t);
	close_door();
}

/* Headers reach the server with the first bytes, each event at once. */
static void
test_stream(void)
{
	struct peer_call c = { .flags = 1 };
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	gate.way = STREAM;
	fd = call(&c);
	pump(2);
	peer_read_some(fd, &r);
	IS_STR(peer_header(&r, "Content-Type"), "text/event-stream");
	IS_STR(peer_body(&r), ":\n\n");
	gate.req->out->ops->write(gate.req->out, STR("data: 1\n\n"));
	peer_read_some(fd, &r);
	IS_STR(peer_body(&r), ":\n\ndata: 1\n\n");
	IS_INT(r.records, 2);
	end_req();
	finish(fd, &r);
	OK(r.ended && !closed(fd));
	peer_reply_clear(&r);
	close(fd);
	pump(1);
	IS_INT(gate.left, 0);
	close_door();
}

/* Broken off: no END_REQUEST, the connection is closed. */
static void
test_cut(void)
{
	struct peer_call c = { .flags = 1 };
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	for (int i = 0; i < 2; i++) {
		gate.way = i == 0 ? CUT_AT_ONCE : STREAM;
		fd = call(&c);
		pump(2);
		if (gate.req != NULL) {
			struct req *q = gate.req;

			gate.req = NULL;
			q->out->ops->cut(q->out);
			arena_free(q->arena);
		}
		finish(fd, &r);
		OK(r.closed && !r.ended && !r.out_closed);
		peer_reply_clear(&r);
		close(fd);
	}
	IS_INT(gate.left, 0);
	close_door();
}

/* ---- one connection, many requests ---- */

static void
test_keep(void)
{
	struct peer_reply r = { 0 };
	struct peer_call c = { .body = STR("{\"id\":1}") };
	int fd, good = 0;

	open_door(SOCK_STREAM);
	c.flags = 1;
	fd = call(&c);
	for (int i = 0; i < 300; i++) {
		finish(fd, &r);
		good += r.ended && r.id == (c.id != 0 ? c.id : 1) &&
			gate.last_body == 8;
		peer_next(&r);
		c.id = (uint16_t)(i * 211 + 1);
		c.pad = (uint8_t)i;
		gate.way = i % 3 == 0 ? AT_ONCE : LATER;
		call_on(fd, &c);
		pump(0);
		pump(0);
		if (gate.req != NULL) {
			answer(gate.req);
			gate.req = NULL;
		}
	}
	IS_INT(good, 300);
	finish(fd, &r);
	IS_INT(gate.begun, 301);
	OK(!closed(fd));
	/* the flag is the request's: the last one says no */
	peer_next(&r);
	gate.way = AT_ONCE;
	c.flags = 2;
	call_on(fd, &c);
	finish(fd, &r);
	OK(r.ended && closed(fd));
	peer_reply_clear(&r);
	close(fd);
	close_door();
}

/* Requests that come before their turn are served in order. */
static void
test_early(void)
{
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	struct peer_call c = { .flags = 1 };
	int fd, good = 0;

	open_door(SOCK_STREAM);
	for (int i = 1; i <= 20; i++) {
		c.id = (uint16_t)i;
		c.flags = i < 20;
		peer_call(&t, &c);
	}
	gate.way = LATER;
	fd = peer_connect(path);
	peer_send(fd, &t, 0);
	for (int i = 1; i <= 20; i++) {
		pump(1);
		IS_INT(gate.begun, i);
		answer(gate.req);
		gate.req = NULL;
		finish(fd, &r);
		good += r.ended && r.id == i;
		peer_next(&r);
	}
	IS_INT(good, 20);
	OK(closed(fd));
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	close_door();
}

/* More early bytes than are kept: the peer waits, nothing is lost. */
static void
test_early_much(void)
{
	static char body[100000];
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	struct peer_call c = { .flags = 1, .body = { body, sizeof(body) } };
	size_t at = 0;
	ssize_t k;
	int fd, good = 0;

	open_door(SOCK_STREAM);
	gate.way = LATER;
	for (int i = 0; i < 8; i++)
		peer_call(&t, &c);
	fd = peer_connect(path);
	for (int i = 0; i < 200; i++) {
		k = send(fd, t.p + at, t.n - at, MSG_DONTWAIT);
		at += k > 0 ? (size_t)k : 0;
		pump(0);
	}
	IS_INT(gate.begun, 1);
	OK(at < t.n);
	gate.way = AT_ONCE;
	answer(gate.req);
	gate.req = NULL;
	for (int i = 0; i < 8; i++) {
		for (int turn = 0; turn < 50; turn++) {
			k = send(fd, t.p + at, t.n - at, MSG_DONTWAIT);
			at += k > 0 ? (size_t)k : 0;
			pump(0);
		}
		finish(fd, &r);
		good += r.ended && gate.last_body == sizeof(body);
		peer_next(&r);
	}
	IS_INT(good, 8);
	IS_INT(gate.begun, 8);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	close_door();
}

/* ---- bodies and limits ---- */

static void
test_bodies(void)
{
	static const struct {
		size_t n, step;
		uint32_t chunk;
		int refused;
	} rows[] = {
		{ 0, 100000, 0, -1 },
		{ 7, 1, 1, -1 },
		{ 2000000, 100000, 32768, -1 },
		{ 2000000, 4000, 1000, -1 },
		{ TEST_BODY, 100000, 0, -1 },
		{ TEST_BODY + 1, 100000, 0, FAULT_TOO_LARGE },
		{ 5000000, 100000, 8192, FAULT_TOO_LARGE },
	};
	struct peer_reply r = { 0 };
	struct peer_text t = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	fd = peer_connect(path);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer_call c = { .flags = 1, .chunk = rows[i].chunk };
		char *p = malloc(rows[i].n + 1);
		uint64_t sum = 0;

		for (size_t k = 0; k < rows[i].n; k++) {
			p[k] = (char)(k ^ k >> 9);
			sum = sum * 31 + (uint8_t)p[k];
		}
		c.body = (struct str){ p, rows[i].n };
		peer_call(&t, &c);
		OK(send_pumping(fd, &t, rows[i].step));
		finish(fd, &r);
		tap_ok(r.ended && gate.last_refused == rows[i].refused &&
			gate.last_params == 15, "a body of %zu bytes",
			rows[i].n);
		IS_INT(peer_status(&r), rows[i].refused >= 0 ? 413 : 200);
		IS_INT(gate.last_body, rows[i].refused >= 0 ? 0 : rows[i].n);
		if (rows[i].refused < 0)
			OK(gate.last_sum == sum);
		free(p);
		peer_clear(&t);
		peer_next(&r);
	}
	IS_INT(open_conns, 1);
	peer_reply_clear(&r);
	close(fd);
	close_door();
}

/* 431 and 413, kept and not. Nothing is said before the end of STDIN. */
static void
test_refusals(void)
{
	static char large[KIB(70)];
	struct peer_text params = { 0 }, t = { 0 };
	struct peer_reply r = { 0 };
	int fd;

	memset(large, 'x', sizeof(large));
	peer_pair(&params, STR("HTTP_COOKIE"),
		(struct str){ large, sizeof(large) }, false);
	open_door(SOCK_STREAM);
	for (int i = 0; i < 4; i++) {
		struct peer_call c = { .flags = i % 2 == 0, .chunk = 1000,
			.body = { large, 1000 } };

		if (i < 2)
			c.params = (struct str){ (char *)params.p, params.n };
		else
			door_limits(door, 999, 30000);
		peer_call(&t, &c);
		t.n -= 8;		/* the empty STDIN comes later */
		fd = peer_connect(path);
		OK(send_pumping(fd, &t, 50000));
		pump(1);
		IS_INT(gate.begun, i);
		t.n += 8;
		OK(send(fd, t.p + t.n - 8, 8, 0) == 8);
		finish(fd, &r);
		IS_INT(peer_status(&r), i < 2 ? 431 : 413);
		IS_INT(gate.last_params, i < 2 ? 0 : 15);
		OK(closed(fd) == (i % 2 != 0));
		peer_reply_clear(&r);
		peer_clear(&t);
		close(fd);
	}
	peer_clear(&params);
	close_door();
}

static void
test_content_length(void)
{
	static const struct {
		const char *length;
		int refused;
	} rows[] = {
		{ "4", -1 }, { "", -1 }, { " 4 ", -1 }, { "3", 1 }, { "5", 1 },
		{ "+4", 1 }, { "4x", 1 }, { "0x4", 1 },
		{ "18446744073709551620", 1 },
	};
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *pairs[] = { "REQUEST_METHOD", "POST",
			"CONTENT_LENGTH", rows[i].length, NULL };
		struct peer_call c = { .pairs = pairs, .body = STR("body") };

		fd = call(&c);
		finish(fd, &r);
		tap_ok(r.ended && gate.last_refused == (rows[i].refused < 0 ?
			-1 : (int)FAULT_BAD_REQUEST), "length '%s'",
			rows[i].length);
		peer_reply_clear(&r);
		close(fd);
	}
	close_door();
}

/* ---- ABORT ---- */

static void
test_abort(void)
{
	struct peer_reply r = { 0 };
	struct peer_text t = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	for (int i = 0; i < 8; i++) {
		bool keep = i % 2 == 0, reading = i < 4;
		struct peer_call c = { .id = 9, .flags = keep };

		peer_call(&t, &c);
		if (reading)
			t.n -= 8;
		peer_record(&t, 2, 9, STR(""), (uint8_t)i);
		gate.way = i < 6 ? LATER : STREAM;
		gate.left = gate.begun = 0;
		fd = peer_connect(path);
		OK(send_pumping(fd, &t, i == 2 || i == 5 ? 1 : t.n));
		finish(fd, &r);
		OK(r.ended && r.id == 9 && r.protocol_status == 0);
		OK(r.out_closed == (i >= 6));
		IS_INT(gate.begun, reading ? 0 : 1);
		IS_INT(gate.left, reading ? 0 : 1);
		OK(closed(fd) == !keep);
		if (keep) {
			gate.way = AT_ONCE;
			peer_next(&r);
			call_on(fd, &c);
			finish(fd, &r);
			OK(r.ended && peer_status(&r) == 200);
		}
		peer_reply_clear(&r);
		peer_clear(&t);
		close(fd);
		pump(1);
	}
	close_door();
}

/* ABORT of another id is not heard, and closes when its turn comes. */
static void
test_abort_of_another(void)
{
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	struct peer_call c = { .id = 9, .flags = 1 };
	int fd;

	open_door(SOCK_STREAM);
	peer_call(&t, &c);
	peer_record(&t, 2, 8, STR(""), 0);
	gate.way = LATER;
	fd = peer_connect(path);
	peer_send(fd, &t, 0);
	pump(2);
	IS_INT(gate.left, 0);
	answer(gate.req);
	gate.req = NULL;
	finish(fd, &r);
	OK(r.ended && closed(fd));
	IS_INT(door_counts(door).violations, 1);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	close_door();
}

/* ---- management and violations ---- */

static void
test_management(void)
{
	struct peer_text q = { 0 }, t = { 0 };
	struct peer_reply r = { 0 };
	struct peer_call c = { .flags = 1 };
	int fd;

	open_door(SOCK_STREAM);
	for (int i = 0; i < 4; i++)
		peer_pair(&q, STR("FCGI_MPXS_CONNS"), STR(""), false);
	peer_pair(&q, STR("OTHER"), STR(""), false);
	peer_record(&t, 9, 0, (struct str){ (char *)q.p, q.n }, 5);
	peer_record(&t, 99, 0, STR("what"), 0);
	peer_call(&t, &c);
	fd = peer_connect(path);
	peer_send(fd, &t, 0);
	peer_send(fd, &(struct peer_text){ .n = 0 }, 0);
	pump(2);
	peer_read_some(fd, &r);
	finish(fd, &r);
	/* the first answer, then the second, then the reply */
	IS_INT(r.raw.p[1], 10);
	IS_INT(r.raw.p[5], 18);
	OK(memcmp(r.raw.p + 8, "\17\1FCGI_MPXS_CONNS0", 18) == 0);
	IS_INT(r.raw.p[26 + 1], 11);
	IS_INT(r.management[0], 99);
	OK(r.ended && peer_status(&r) == 200);
	peer_reply_clear(&r);
	close(fd);
	peer_clear(&t);
	/* the ninth is too many */
	for (int i = 0; i < 9; i++)
		peer_record(&t, 99, 0, STR(""), 0);
	fd = peer_connect(path);
	peer_send(fd, &t, 0);
	pump(2);
	peer_read_some(fd, &r);
	OK(r.closed);
	IS_INT(r.raw.n, 8 * 16);
	peer_reply_clear(&r);
	close(fd);
	peer_clear(&t);
	peer_clear(&q);
	close_door();
}

static void
test_violations(void)
{
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	for (int i = 0; i < 3; i++) {
		if (i == 0)
			peer_add(&t, "GET / HTTP/1.1\r\n\r\n", 18);
		else if (i == 1)
			peer_begin(&t, 5, 2, 1);
		else
			peer_record(&t, 9, 0, STR("\377"), 0);
		fd = peer_connect(path);
		peer_send(fd, &t, 0);
		finish(fd, &r);
		OK(r.ended == (i == 1));
		IS_INT(r.protocol_status, i == 1 ? 3 : 0);
		OK(closed(fd));
		peer_reply_clear(&r);
		peer_clear(&t);
		close(fd);
	}
	IS_INT(gate.begun, 0);
	IS_INT(door_counts(door).violations, 2);
	close_door();
}

/* ---- the peer goes ---- */

static void
test_gone(void)
{
	struct peer_text t = { 0 };
	struct peer_call c = { .flags = 1 };
	int fd;

	open_door(SOCK_STREAM);
	peer_call(&t, &c);
	for (int i = 0; i < 7; i++) {
		size_t all = t.n;

		gate.left = gate.begun = 0;
		gate.way = i == 4 ? STREAM : LATER;
		t.n = i == 0 ? 0 : i == 1 ? 5 : i == 2 ? 100 : all;
		fd = peer_connect(path);
		peer_send(fd, &t, 0);
		t.n = all;
		pump(1);
		if (i == 5)		/* early bytes are there, too */
			peer_send(fd, &t, 0);
		if (i == 6)		/* half-closed is gone as well */
			shutdown(fd, SHUT_WR);
		else
			close(fd);
		pump(2);
		tap_ok(gate.left == (i > 2) && gate.req == NULL,
			"gone in state %d", i);
		IS_INT(open_conns, 0);
		if (i == 6)
			close(fd);
	}
	peer_clear(&t);
	close_door();
}

/* The write finds it out: the gate is not called from inside its call. */
static void
test_gone_in_write(void)
{
	struct peer_call c = { .flags = 1 };
	struct outlet *o;
	int fd;

	open_door(SOCK_STREAM);
	gate.way = STREAM;
	for (int i = 0; i < 2; i++) {
		gate.left = 0;
		fd = call(&c);
		pump(1);
		o = gate.req->out;
		close(fd);
		OK(o->ops->write(o, STR("data: x\n\n")));
		IS_INT(gate.left, 0);
		OK(o->ops->write(o, STR("data: x\n\n")));
		OK(!o->ops->full(o));
		if (i == 1)
			end_req();	/* before the door could tell */
		pump(1);
		IS_INT(gate.left, i == 0 ? 1 : 0);
		IS_INT(open_conns, 0);
	}
	close_door();
}

/* ---- slow ones ---- */

static void
test_slow_sender(void)
{
	struct peer_text t = { 0 };
	struct peer_call c = { .flags = 1, .body = STR("{}") };
	int fd, idle;

	open_door(SOCK_STREAM);
	idle = peer_connect(path);
	fd = peer_connect(path);
	peer_call(&t, &c);
	for (size_t i = 0; i < 29; i++) {
		OK(send(fd, t.p + i, 1, MSG_NOSIGNAL) == 1);
		pump(i == 0 ? 5 : 1);
		loop_skip(loop, 1000);
		pump(0);
	}
	OK(!closed(fd));
	loop_skip(loop, 1100);
	OK(closed(fd));
	OK(!closed(idle));
	IS_INT(door_counts(door).overdue, 1);
	IS_INT(gate.begun, 0);
	/* the idle one has its own time */
	loop_skip(loop, 59000);
	OK(!closed(idle));
	loop_skip(loop, 1000);
	OK(closed(idle));
	close(fd);
	close(idle);
	peer_clear(&t);
	close_door();
}

/* Nobody reads: pause, and go on below LOW_QUEUED. */
static void
test_stalled_reader(void)
{
	static const char event[4096] = "data: ";
	struct peer_call c = { .flags = 1 };
	struct peer_reply r = { 0 };
	struct outlet *o;
	size_t sent = 3;
	int fd;

	open_door(SOCK_STREAM);
	gate.way = STREAM;
	fd = call(&c);
	pump(1);
	o = gate.req->out;
	for (int i = 0; i < 3; i++) {
		bool more = true;

		for (int k = 0; k < 2000 && more; k++) {
			more = o->ops->write(o, (struct str){ event, 4096 });
			sent += 4096;
		}
		OK(!more && o->ops->full(o));
		pump(1);
		IS_INT(gate.drained, i);
		for (int k = 0; k < 50; k++) {
			peer_read_some(fd, &r);
			pump(0);
		}
		IS_INT(gate.drained, i + 1);
		OK(!o->ops->full(o));
	}
	end_req();
	finish(fd, &r);
	OK(r.ended && !r.broken);
	IS_INT(peer_body(&r).n, sent);
	OK(!closed(fd));
	peer_reply_clear(&r);
	close(fd);
	pump(1);
	close_door();
}

/* Nobody reads for a minute: gone. While BUSY, and with a complete reply. */
static void
test_stall_deadline(void)
{
	static const char zeros[MIB(1)];
	struct peer_call c = { .flags = 1 };
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	for (int i = 0; i < 2; i++) {
		gate.way = STREAM;
		gate.left = 0;
		fd = call(&c);
		pump(1);
		gate.req->out->ops->write(gate.req->out,
			(struct str){ zeros, sizeof(zeros) });
		if (i == 1)
			end_req();
		pump(1);
		loop_skip(loop, WRITE_STALL_MS - 100);
		pump(1);
		IS_INT(open_conns, 1);
		/* a little progress, and the time begins again */
		peer_read_some(fd, &r);
		pump(2);
		loop_skip(loop, 200);
		pump(1);
		IS_INT(open_conns, 1);
		loop_skip(loop, WRITE_STALL_MS);
		pump(1);
		IS_INT(open_conns, 0);
		IS_INT(gate.left, i == 0 ? 1 : 0);
		finish(fd, &r);
		OK(!r.ended);
		peer_reply_clear(&r);
		close(fd);
	}
	IS_INT(door_counts(door).stalled, 2);
	close_door();
}

/* A slow reader and a slow sender delay nobody. */
static void
test_beside_slow_ones(void)
{
	static const char zeros[MIB(1)];
	struct peer_call c = { .flags = 1 };
	struct peer_reply r = { 0 };
	struct peer_text t = { 0 };
	int slow[16], fd;

	open_door(SOCK_STREAM);
	peer_call(&t, &c);
	t.n -= 3;
	for (int i = 0; i < 16; i++) {
		gate.way = STREAM;
		slow[i] = i % 2 == 0 ? call(&c) : peer_connect(path);
		pump(1);
		if (i % 2 == 0)
			gate.req->out->ops->write(gate.req->out,
				(struct str){ zeros, sizeof(zeros) });
		else
			peer_send(slow[i], &t, 0);
	}
	gate.way = AT_ONCE;
	fd = call(&c);
	pump(2);
	peer_read_some(fd, &r);
	OK(r.ended && peer_status(&r) == 200);
	for (int i = 0; i < 16; i++)
		close(slow[i]);
	close(fd);
	pump(2);
	IS_INT(gate.left, 8);
	peer_reply_clear(&r);
	peer_clear(&t);
	gate.req = NULL;
	close_door();
}

/* ---- connections ---- */

static void
test_drain(void)
{
	struct peer_call c = { .flags = 1 };
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	int idle, busy, reading, late;

	open_door(SOCK_STREAM);
	gate.way = LATER;
	idle = peer_connect(path);
	busy = call(&c);
	reading = peer_connect(path);
	peer_call(&t, &c);
	OK(send(reading, t.p, 10, 0) == 10);
	pump(2);
	door_drain(door, told_idle, NULL);
	OK(closed(idle));
	OK(!closed(busy) && !closed(reading) && !idle_told);
	late = peer_connect(path);
	answer(gate.req);
	gate.req = NULL;
	finish(busy, &r);
	OK(r.ended && closed(busy) && !idle_told);
	peer_reply_clear(&r);
	gate.way = AT_ONCE;
	OK(send(reading, t.p + 10, t.n - 10, 0) == (ssize_t)t.n - 10);
	finish(reading, &r);
	OK(r.ended && closed(reading) && idle_told);
	IS_INT(open_conns, 0);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(idle);
	close(busy);
	close(reading);
	close(late);
	close_door();
	/* nobody there: told all the same, later */
	open_door(SOCK_STREAM);
	door_drain(door, told_idle, NULL);
	OK(!idle_told);
	pump(1);
	OK(idle_told);
	close_door();
}

/* The door ends while everything is under way. */
static void
test_free_in_the_middle(void)
{
	struct peer_call c = { .flags = 1 };
	int fd[3];

	open_door(SOCK_STREAM);
	gate.way = STREAM;
	for (int i = 0; i < 3; i++) {
		fd[i] = i == 0 ? peer_connect(path) : call(&c);
		pump(1);
	}
	close_door();
	IS_INT(gate.left, 2);
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}

static void
test_no_descriptors(void)
{
	struct peer_call c = { .flags = 1 };
	struct peer_reply r = { 0 };
	struct rlimit old, low;
	int fd;

	open_door(SOCK_STREAM);
	fd = call(&c);
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = (rlim_t)fd + 1;
	setrlimit(RLIMIT_NOFILE, &low);
	pump(50);
	setrlimit(RLIMIT_NOFILE, &old);
	IS_INT(door_counts(door).pauses, 1);	/* it does not spin */
	IS_INT(gate.begun, 0);
	loop_skip(loop, 100);
	finish(fd, &r);
	OK(r.ended);
	peer_reply_clear(&r);
	close(fd);
	close_door();
}

/* (limit - 64) / 2 connections, no more; the next one waits its turn. The
 * limit cannot be raised again: the last test. */
static void
test_cap(void)
{
	struct rlimit old, low;
	int fd[6];

	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = 64 + 2;
	setrlimit(RLIMIT_NOFILE, &low);
	open_door(SOCK_STREAM);
	getrlimit(RLIMIT_NOFILE, &low);
	tap_ok(low.rlim_cur == old.rlim_max, "the soft limit is raised");
	close_door();
	low.rlim_cur = low.rlim_max = 64 + 2 * 4;
	setrlimit(RLIMIT_NOFILE, &low);
	open_door(SOCK_STREAM);
	for (int i = 0; i < 6; i++)
		fd[i] = peer_connect(path);
	pump(5);
	IS_INT(open_conns, 4);
	close(fd[0]);
	pump(5);
	IS_INT(open_conns, 4);
	close(fd[1]);
	close(fd[2]);
	pump(5);
	IS_INT(open_conns, 3);
	for (int i = 3; i < 6; i++)
		close(fd[i]);
	close_door();
}

#if defined(__SANITIZE_ADDRESS__)
#define HEAP_TOLD 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEAP_TOLD 0
#endif
#endif
#ifndef HEAP_TOLD
#define HEAP_TOLD 1
#endif

/* A kept connection that has served a large request costs next to nothing. */
static void
test_idle_memory(void)
{
	static char body[300000];
	struct peer_call c = { .flags = 1, .body = { body, sizeof(body) } };
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	size_t before = 0, after;
	int fd[201];

	open_door(SOCK_STREAM);
	gate.reply = NULL;
	gate.reply_n = 300000;
	peer_call(&t, &c);
	for (int i = 0; i <= 200; i++) {
		fd[i] = peer_connect(path);
		send_pumping(fd[i], &t, 100000);
		finish(fd[i], &r);
		peer_reply_clear(&r);
		pump(0);
		if (i == 0)
			before = mallinfo2().uordblks;
	}
	after = mallinfo2().uordblks;
	IS_INT(open_conns, 201);
	if (HEAP_TOLD) {
		OK(after - before < 200 * 1024);
		printf("# %zu bytes each\n", (after - before) / 200);
	}
	for (int i = 0; i <= 200; i++)
		close(fd[i]);
	pump(5);
	peer_clear(&t);
	close_door();
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return tap_skip("no directory for a socket");
	snprintf(path, sizeof(path), "%s/s", dir);
	test_replies();
	test_one_send();
	test_stream();
	test_cut();
	test_keep();
	test_early();
	test_early_much();
	test_bodies();
	test_refusals();
	test_content_length();
	test_abort();
	test_abort_of_another();
	test_management();
	test_violations();
	test_gone();
	test_gone_in_write();
	test_slow_sender();
	test_stalled_reader();
	test_stall_deadline();
	test_beside_slow_ones();
	test_drain();
	test_free_in_the_middle();
	test_no_descriptors();
	test_idle_memory();
	test_cap();
	unlink(path);
	rmdir(dir);
	return tap_done();
}
