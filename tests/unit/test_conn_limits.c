/* SPDX-License-Identifier: MIT */
/* Bodies and limits: refused after the end of STDIN, never before. */
#include "config.h"
#include "kit/door_rig.h"

#include <string.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/tap.h"

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
		{ RIG_BODY, 100000, 0, -1 },
		{ RIG_BODY + 1, 100000, 0, FAULT_TOO_LARGE },
		{ 5000000, 100000, 8192, FAULT_TOO_LARGE },
	};
	struct peer_reply r = { 0 };
	struct peer_text t = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	fd = peer_connect(rig_path);
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
	OK(close_door());
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
		fd = peer_connect(rig_path);
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
	OK(close_door());
}

/* New limits count from the next request on, on a kept connection, too. */
static void
test_new_limits(void)
{
	struct peer_call c = { .flags = 1, .body = STR("12345678") };
	struct peer_reply r = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	fd = call(&c);
	for (int i = 0; i < 4; i++) {
		finish(fd, &r);
		tap_ok(r.ended && peer_status(&r) == (i == 1 ? 413 : 200),
			"request %d", i);
		peer_next(&r);
		door_limits(door, i == 0 ? 7 : i == 1 ? 8 : RIG_BODY, 30000);
		if (i < 3)
			call_on(fd, &c);
	}
	peer_reply_clear(&r);
	close(fd);
	pump(1);
	OK(close_door());
}

static int
next_fd(void)
{
	int fd = dup(STDOUT_FILENO);

	close(fd);
	return fd;
}

/* So many early bytes are taken, and not one more: what the kernel keeps for
 * the door's end of the connection tells. While BUSY, and while FLUSHING. */
static void
test_early_most(void)
{
	static const char bytes[MAX_EARLY + 1000];
	struct peer_call c = { .flags = 1 };
	size_t at;
	int fd, inner, left;

	open_door(SOCK_STREAM);
	gate.reply = NULL;
	gate.reply_n = MIB(5);
	for (int i = 0; i < 2; i++) {
		gate.way = i == 0 ? LATER : AT_ONCE;
		fd = peer_connect(rig_path);
		inner = next_fd();	/* accept() will say this one */
		call_on(fd, &c);
		pump(1);
		at = left = 0;
		for (int k = 0; k < 200 && at < sizeof(bytes); k++) {
			ssize_t n = send(fd, bytes + at, sizeof(bytes) - at,
				MSG_NOSIGNAL | MSG_DONTWAIT);

			at += n > 0 ? (size_t)n : 0;
			pump(0);
		}
		IS_INT(at, sizeof(bytes));
		OK(ioctl(inner, FIONREAD, &left) == 0);
		IS_INT(left, 1000);
		close(fd);
		pump(2);
		IS_INT(gate.left, 1);
		IS_INT(open_conns, 0);
	}
	OK(close_door());
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
	OK(close_door());
}

int
main(void)
{
	if (!rig_begin())
		return tap_skip("no directory for a socket");
	test_bodies();
	test_refusals();
	test_new_limits();
	test_early_most();
	test_content_length();
	rig_end();
	return tap_done();
}
