/* SPDX-License-Identifier: MIT */
/* New connections: the cap, no descriptors left, drain. */
#include "config.h"
#include "kit/door_rig.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/tap.h"

static bool idle_told;

static void
told_idle(void *who)
{
	(void)who;
	idle_told = true;
}

static void
test_drain(void)
{
	struct peer_call c = { .flags = 1 };
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	int idle, busy, reading, late;

	open_door(SOCK_STREAM);
	idle_told = false;
	gate.way = LATER;
	idle = peer_connect(rig_path);
	busy = call(&c);
	reading = peer_connect(rig_path);
	peer_call(&t, &c);
	OK(send(reading, t.p, 10, 0) == 10);
	pump(2);
	door_drain(door, told_idle, NULL);
	OK(closed(idle));
	OK(!closed(busy) && !closed(reading) && !idle_told);
	late = peer_connect(rig_path);
	answer_req();
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
	OK(close_door());
	/* nobody there: told all the same, later */
	open_door(SOCK_STREAM);
	idle_told = false;
	door_drain(door, told_idle, NULL);
	OK(!idle_told);
	pump(1);
	OK(idle_told);
	OK(close_door());
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
		fd[i] = i == 0 ? peer_connect(rig_path) : call(&c);
		pump(1);
	}
	OK(close_door());
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
	OK(door_counts(door).pauses >= 1);
	OK(door_counts(door).pauses < 10);	/* it does not spin */
	IS_INT(gate.begun, 0);
	loop_skip(loop, 100);
	finish(fd, &r);
	OK(r.ended);
	peer_reply_clear(&r);
	close(fd);
	OK(close_door());
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
	OK(close_door());
	low.rlim_cur = low.rlim_max = 64 + 2 * 4;
	setrlimit(RLIMIT_NOFILE, &low);
	open_door(SOCK_STREAM);
	for (int i = 0; i < 6; i++)
		fd[i] = peer_connect(rig_path);
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
	OK(close_door());
}

int
main(void)
{
	if (!rig_begin())
		return tap_skip("no directory for a socket");
	test_drain();
	test_free_in_the_middle();
	test_no_descriptors();
	test_cap();
	rig_end();
	return tap_done();
}
