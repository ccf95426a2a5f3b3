/* SPDX-License-Identifier: MIT */
/* The web server gives up: by ABORT, or by going away, in every state. */
#include "config.h"
#include "kit/door_rig.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/tap.h"

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
		fd = peer_connect(rig_path);
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
	OK(close_door());
}

/* Its padding belongs to it: heard when all of it is there, and no byte of it
 * is left for the next request. */
static void
test_abort_in_pieces(void)
{
	struct peer_reply r = { 0 };
	struct peer_text t = { 0 };
	struct peer_call c = { .id = 9, .flags = 1 };
	int fd;

	open_door(SOCK_STREAM);
	gate.way = LATER;
	fd = call(&c);
	pump(1);
	IS_INT(gate.begun, 1);
	peer_record(&t, 2, 9, STR(""), 200);
	OK(send(fd, t.p, 8, MSG_NOSIGNAL) == 8);
	pump(2);
	OK(send(fd, t.p + 8, 199, MSG_NOSIGNAL) == 199);
	pump(2);
	tap_ok(gate.left == 0, "not yet");
	OK(send(fd, t.p + 207, 1, MSG_NOSIGNAL) == 1);
	finish(fd, &r);
	IS_INT(gate.left, 1);
	OK(r.ended && r.protocol_status == 0);
	gate.way = AT_ONCE;
	peer_next(&r);
	call_on(fd, &c);
	finish(fd, &r);
	OK(r.ended && peer_status(&r) == 200);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	OK(close_door());
}

static void
count_idle(void *who)
{
	(*(int *)who)++;
}

/* Told to keep the connection, and told to drain: the reply is the last. */
static void
test_drain(void)
{
	struct peer_reply r = { 0 };
	struct peer_call c = { .id = 9, .flags = 1 };
	int idle = 0, busy, rests;

	open_door(SOCK_STREAM);
	rests = peer_connect(rig_path);
	gate.way = LATER;
	busy = call(&c);
	pump(1);
	door_drain(door, count_idle, &idle);
	tap_ok(closed(rests) && !closed(busy), "who rests goes at once");
	IS_INT(idle, 0);
	answer_req();
	finish(busy, &r);
	OK(r.ended && peer_status(&r) == 200);
	tap_ok(closed(busy), "and who is served with his reply");
	IS_INT(idle, 1);
	peer_reply_clear(&r);
	close(rests);
	close(busy);
	OK(close_door());
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
	fd = peer_connect(rig_path);
	peer_send(fd, &t, 0);
	pump(2);
	IS_INT(gate.left, 0);
	answer_req();
	finish(fd, &r);
	OK(r.ended && closed(fd));
	IS_INT(door_counts(door).violations, 1);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	OK(close_door());
}

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
		fd = peer_connect(rig_path);
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
	OK(close_door());
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
	OK(close_door());
}

int
main(void)
{
	if (!rig_begin())
		return tap_skip("no directory for a socket");
	test_abort();
	test_abort_in_pieces();
	test_drain();
	test_abort_of_another();
	test_gone();
	test_gone_in_write();
	rig_end();
	return tap_done();
}
