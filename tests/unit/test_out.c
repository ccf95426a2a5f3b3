/* SPDX-License-Identifier: MIT */
/* What leaves the door: records, in how many pieces, at whose pace. */
#include "config.h"
#include "kit/door_rig.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit/tap.h"

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
	OK(close_door());
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
	memcpy(a.sun_path, rig_path, sizeof(rig_path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	OK(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	peer_call(&t, &c);
	for (int i = 0; i < 3; i++) {
		gate.way = i == 1 ? STREAM : i == 2 ? LATE_END : AT_ONCE;
		OK(send(fd, t.p, t.n, 0) == (ssize_t)t.n);
		pump(1);
		if (i == 1) {
			r.raw.n = 0;
			write_req(STR("data: 1\n\n"));
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
	OK(close_door());
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
	write_req(STR("data: 1\n\n"));
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
	OK(close_door());
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
			cut_req();
		}
		finish(fd, &r);
		OK(r.closed && !r.ended && !r.out_closed);
		peer_reply_clear(&r);
		close(fd);
	}
	IS_INT(gate.left, 0);
	OK(close_door());
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
	OK(close_door());
}

int
main(void)
{
	if (!rig_begin())
		return tap_skip("no directory for a socket");
	test_replies();
	test_one_send();
	test_stream();
	test_cut();
	test_stalled_reader();
	rig_end();
	return tap_done();
}
