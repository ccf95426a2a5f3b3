/* SPDX-License-Identifier: MIT */
/* The web server goes away in every state, or we drain. */
#include "config.h"
#include "kit/door_rig.h"

#include <malloc.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/tap.h"

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

/* A body that is whole leaves before its end is said; the connection waits
 * for that, also one that is not kept. */
static void
test_late_end(void)
{
	struct peer_call c = { .id = 9 };
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	gate.way = LATE_END;
	fd = call(&c);
	pump(2);
	peer_read_some(fd, &r);
	OK(open_conns == 1 && gate.left == 0 && !r.ended);
	IS_STR(peer_body(&r), gate.reply);
	end_req();
	finish(fd, &r);
	OK(r.ended && closed(fd));
	peer_reply_clear(&r);
	close(fd);
	OK(close_door());
}

static size_t
allocated(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* What a connection held when its peer went: variables that have come so far,
 * bytes of the next request, a reply that nobody takes. */
static void
test_memory(void)
{
	static char much[KIB(400)];	/* no mapping */
	struct peer_call c = { .flags = 1 };
	struct peer_text t = { 0 }, part = { 0 };
	size_t before = 0;

	open_door(SOCK_STREAM);
	peer_call(&t, &c);
	part = t;
	part.n -= 20;
	for (int i = 0; i < 120; i++) {
		int fd = peer_connect(rig_path);

		if (i == 30)
			before = allocated();
		gate.way = i % 3 == 1 ? LATER : STREAM;
		peer_send(fd, i % 3 == 0 ? &part : &t, 0);
		pump(0);
		if (i % 3 == 1)
			peer_send(fd, &t, 0);
		else if (i % 3 == 2)
			write_req((struct str){ much, sizeof(much) });
		pump(0);
		close(fd);
		pump(0);
	}
	pump(1);
	IS_INT(open_conns, 0);
	tap_ok(allocated() < before + 64 * 1024, "nothing is left");
	peer_clear(&t);
	OK(close_door());
}

int
main(void)
{
	if (!rig_begin())
		return tap_skip("no directory for a socket");
	test_drain();
	test_gone();
	test_gone_in_write();
	test_late_end();
	test_memory();
	rig_end();
	return tap_done();
}
