/* SPDX-License-Identifier: MIT */
/* door_rig -- one door, one loop, both sides in turn */
#include "config.h"
#include "kit/door_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "kit/tap.h"

struct loop *loop;
struct door *door;
static char dir[] = "/tmp/mcpgate-test.XXXXXX";
char rig_path[64];
int open_conns;
static int listening = -1;
static struct timer pump_timer;

static void
count_conns(void *who, int delta)
{
	(void)who;
	open_conns += delta;
}

static void
stop_pump(void *who)
{
	(void)who;
	loop_stop(loop);
}

void
pump(uint64_t ms)
{
	for (int i = 0; i < 4; i++) {
		timer_start(&pump_timer, i == 0 ? ms * tap_slow() : 0);
		loop_run(loop);
	}
}

void
open_door(int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct door_plan p = { .max_body = RIG_BODY, .input_ms = RIG_INPUT_MS,
		.connections = count_conns };

	memset(&gate, 0, sizeof(gate));
	gate.reply = "{\"result\":1}";
	unlink(rig_path);
	memcpy(a.sun_path, rig_path, sizeof(rig_path));
	listening = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (bind(listening, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(listening, 64) != 0)
		abort();
	loop = loop_new();
	timer_init(&pump_timer, loop, stop_pump, NULL);
	p.loop = loop;
	door = door_listen(&p, listening);
}

bool
close_door(void)
{
	door_free(door);
	loop_free(loop);
	close(listening);
	return open_conns == 0 && gate.req == NULL;
}

/* ---- the web server's side ---- */

int
call(const struct peer_call *c)
{
	struct peer_text t = { 0 };
	int fd = peer_connect(rig_path);

	peer_call(&t, c);
	peer_send(fd, &t, 0);
	peer_clear(&t);
	return fd;
}

void
call_on(int fd, const struct peer_call *c)
{
	struct peer_text t = { 0 };

	peer_call(&t, c);
	peer_send(fd, &t, 0);
	peer_clear(&t);
}

bool
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

void
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

bool
closed(int fd)
{
	for (int i = 0; i < 10 && !closed_now(fd); i++)
		pump(1);
	pump(1);
	return closed_now(fd);
}

bool
rig_begin(void)
{
	if (mkdtemp(dir) == NULL)
		return false;
	snprintf(rig_path, sizeof(rig_path), "%s/s", dir);
	return true;
}

void
rig_end(void)
{
	unlink(rig_path);
	rmdir(dir);
}
