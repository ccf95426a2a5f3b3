/* SPDX-License-Identifier: MIT */
/* One connection, many requests; and what is no request. */
#include "config.h"
#include "kit/door_rig.h"

#include <string.h>
#include <malloc.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "kit/tap.h"

static void
test_keep(void)
{
	struct peer_reply r = { 0 };
	struct peer_call c = { .body = STR("{\"id\":1}") };
	uint64_t before = clock_mono_us();
	int fd, good = 0;

	open_door(SOCK_STREAM);
	c.flags = 1;
	fd = call(&c);
	for (int i = 0; i < 300; i++) {
		finish(fd, &r);
		good += r.ended && r.id == (c.id != 0 ? c.id : 1) &&
			gate.last_body == 8 && gate.last_began_us >= before &&
			gate.last_began_us <= clock_mono_us();
		before = clock_mono_us();
		peer_next(&r);
		c.id = (uint16_t)(i * 211 + 1);
		c.pad = (uint8_t)i;
		gate.way = i % 3 == 0 ? AT_ONCE : LATER;
		call_on(fd, &c);
		pump(0);
		pump(0);
		if (gate.req != NULL) {
			answer_req();
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
	OK(close_door());
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
	fd = peer_connect(rig_path);
	peer_send(fd, &t, 0);
	for (int i = 1; i <= 20; i++) {
		pump(1);
		IS_INT(gate.begun, i);
		answer_req();
		finish(fd, &r);
		good += r.ended && r.id == i;
		peer_next(&r);
	}
	IS_INT(good, 20);
	OK(closed(fd));
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	OK(close_door());
}

/* Another role is told so, and whatever it wants to keep, the connection
 * ends: what follows is not for us. */
static void
test_role(void)
{
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	peer_begin(&t, 1, 2, 1);
	fd = peer_connect(rig_path);
	OK(send_pumping(fd, &t, t.n));
	finish(fd, &r);
	OK(r.ended && r.protocol_status == 3 && !r.out_closed);
	OK(closed(fd));
	IS_INT(gate.begun, 0);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	OK(close_door());
}

static unsigned turns;

static void
count_turn(void *who)
{
	(void)who;
	turns++;
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
	loop_each_turn(loop, count_turn, NULL);
	gate.way = LATER;
	for (int i = 0; i < 8; i++)
		peer_call(&t, &c);
	fd = peer_connect(rig_path);
	for (int i = 0; i < 200; i++) {
		k = send(fd, t.p + at, t.n - at, MSG_DONTWAIT);
		at += k > 0 ? (size_t)k : 0;
		pump(0);
	}
	IS_INT(gate.begun, 1);
	OK(at < t.n);
	turns = 0;
	pump(50);
	tap_ok(turns < 20, "and nobody spins meanwhile: %u turns", turns);
	gate.way = AT_ONCE;
	answer_req();
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
	OK(close_door());
}

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
	fd = peer_connect(rig_path);
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
	fd = peer_connect(rig_path);
	peer_send(fd, &t, 0);
	for (int i = 0; i < 500 && !r.closed; i++) {
		pump(1);
		peer_read_some(fd, &r);
	}
	OK(r.closed);
	IS_INT(r.raw.n, 8 * 16);
	peer_reply_clear(&r);
	close(fd);
	peer_clear(&t);
	peer_clear(&q);
	OK(close_door());
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
		fd = peer_connect(rig_path);
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
	OK(close_door());
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
		fd[i] = peer_connect(rig_path);
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
	OK(close_door());
}

int
main(void)
{
	if (!rig_begin())
		return tap_skip("no directory for a socket");
	test_keep();
	test_early();
	test_early_much();
	test_role();
	test_management();
	test_violations();
	test_idle_memory();
	rig_end();
	return tap_done();
}
