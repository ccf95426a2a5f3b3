/* SPDX-License-Identifier: MIT */
/* Slow senders and readers: their deadlines, and who is not delayed. */
#include "config.h"
#include "kit/door_rig.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/tap.h"

static void
test_slow_sender(void)
{
	struct peer_text t = { 0 };
	struct peer_call c = { .flags = 1, .body = STR("{}") };
	int fd, idle;

	open_door(SOCK_STREAM);
	idle = peer_connect(rig_path);
	fd = peer_connect(rig_path);
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
	OK(close_door());
}

/* One request after the other on a kept connection, each begun slowly: each
 * has its own time, and so has the idling between and after them. */
static void
test_slow_again(void)
{
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	struct peer_call c = { .flags = 1, .body = STR("{}") };
	int fd;

	open_door(SOCK_STREAM);
	peer_call(&t, &c);
	fd = peer_connect(rig_path);
	for (int i = 0; i < 2; i++) {
		OK(send_pumping(fd, &t, 1));
		finish(fd, &r);
		OK(r.ended && peer_status(&r) == 200);
		peer_next(&r);
		loop_skip(loop, IDLE_KEPT_MS - 1000);
		OK(!closed(fd));
	}
	OK(send(fd, t.p, 1, MSG_NOSIGNAL) == 1);
	pump(5);
	loop_skip(loop, RIG_INPUT_MS - 1000);
	OK(!closed(fd));
	loop_skip(loop, 1100);
	tap_ok(closed(fd), "the third is not complete in time");
	IS_INT(door_counts(door).overdue, 1);
	close(fd);
	fd = peer_connect(rig_path);
	OK(send_pumping(fd, &t, t.n));
	finish(fd, &r);
	loop_skip(loop, IDLE_KEPT_MS + 1000);
	tap_ok(closed(fd), "idle after a request for too long");
	close(fd);
	peer_reply_clear(&r);
	peer_clear(&t);
	OK(close_door());
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
		write_req((struct str){ zeros, sizeof(zeros) });
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
	OK(close_door());
}

static unsigned turns;

static void
count_turn(void *who)
{
	(void)who;
	turns++;
}

/* Not one byte is taken after the first ones: the same minute. And a stream
 * that has nothing to say, after its peer has taken all, spins no loop. */
static void
test_stall_at_once(void)
{
	static const char zeros[MIB(1)];
	struct peer_call c = { .flags = 1 };
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	loop_each_turn(loop, count_turn, NULL);
	gate.way = STREAM;
	for (int i = 0; i < 2; i++) {
		fd = call(&c);
		pump(1);
		write_req((struct str){ zeros, sizeof(zeros) });
		for (int k = 0; k < 200 && i == 1; k++) {
			pump(0);
			peer_read_some(fd, &r);
		}
		turns = 0;
		pump(50);
		tap_ok(turns < 20, "nobody spins: %u turns", turns);
		loop_skip(loop, WRITE_STALL_MS - 1000);
		pump(1);
		IS_INT(open_conns, 1);
		loop_skip(loop, 1100);
		pump(1);
		IS_INT(open_conns, i);
		IS_INT(door_counts(door).stalled, 1);
		close(fd);
		pump(1);
	}
	IS_INT(gate.left, 2);
	peer_reply_clear(&r);
	OK(close_door());
}

/* No limit of the door runs while the gate works, or while a stream has
 * nothing to say. */
static void
test_patience(void)
{
	static const char zeros[MIB(1)];
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	struct peer_call c = { .flags = 1, .body = STR("{}") };
	int fd;

	open_door(SOCK_STREAM);
	peer_call(&t, &c);
	for (int i = 0; i < 2; i++) {
		gate.way = i == 0 ? LATER : STREAM;
		fd = peer_connect(rig_path);
		OK(send(fd, t.p, 9, MSG_NOSIGNAL) == 9);
		pump(5);		/* the deadline runs */
		OK(send(fd, t.p + 9, t.n - 9, MSG_NOSIGNAL) > 0);
		pump(1);
		IS_INT(gate.begun, i + 1);
		if (i == 1)
			write_req((struct str){ zeros, sizeof(zeros) });
		for (int k = 0; k < 200 && i == 1; k++) {
			pump(0);
			peer_read_some(fd, &r);
		}
		tap_ok(gate.drained == (uint32_t)i, "told to go on once");
		loop_skip(loop, 2 * (RIG_INPUT_MS + IDLE_KEPT_MS));
		pump(1);
		tap_ok(open_conns == 1 && gate.left == 0, "still there");
		if (i == 0)
			answer_req();
		else
			end_req();
		finish(fd, &r);
		OK(r.ended && peer_status(&r) == 200);
		IS_INT(door_counts(door).requests, i + 1);
		peer_reply_clear(&r);
		close(fd);
		pump(1);
	}
	IS_INT(door_counts(door).overdue + door_counts(door).stalled, 0);
	peer_clear(&t);
	OK(close_door());
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
		slow[i] = i % 2 == 0 ? call(&c) : peer_connect(rig_path);
		pump(1);
		if (i % 2 == 0)
			write_req((struct str){ zeros, sizeof(zeros) });
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
	OK(close_door());
}

int
main(void)
{
	if (!rig_begin())
		return tap_skip("no directory for a socket");
	test_slow_sender();
	test_slow_again();
	test_stall_deadline();
	test_stall_at_once();
	test_patience();
	test_beside_slow_ones();
	rig_end();
	return tap_done();
}
