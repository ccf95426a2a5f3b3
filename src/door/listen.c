/* SPDX-License-Identifier: MIT */
/* listen -- accept, or pause for lack of descriptors */
#include "config.h"
#include "door/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "door/conn.h"

#define PAUSE_MS	100	/* after "no descriptor left" */
#define OTHER_FDS	64	/* log, segment, loop, libraries */

struct listener {
	struct desk *desk;
	struct watch *watch;
	struct timer pause;
	int fd;
	bool tcp;
};

/* A connection needs a second descriptor for its upstream. */
static uint32_t
connection_cap(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return 480;
	if (r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
		getrlimit(RLIMIT_NOFILE, &r);
	}
	if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur > UINT32_MAX)
		r.rlim_cur = UINT32_MAX;
	if (r.rlim_cur < OTHER_FDS + 2)
		return 1;
	return (uint32_t)((r.rlim_cur - OTHER_FDS) / 2);
}

static bool
is_tcp(int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	return getsockname(fd, (struct sockaddr *)&a, &n) == 0 &&
		(a.ss_family == AF_INET || a.ss_family == AF_INET6);
}

static void
pause_accepting(struct listener *l)
{
	if (l->desk->counts.pauses++ == 0)
		log_say(LOG_LEVEL_WARN, "door",
			"no descriptor left for a new connection");
	watch_set(l->watch, 0);
	timer_start(&l->pause, PAUSE_MS);
}

static void
failed(struct listener *l, int err)
{
	if (err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS)
		pause_accepting(l);
}

static void
readable(void *who, int events)
{
	struct listener *l = who;
	int one = 1, fd;

	(void)events;
	fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		failed(l, errno);
		return;
	}
	if (l->tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conn_open(l->desk, fd);
	if (l->desk->n_conns >= l->desk->max_conns)
		watch_set(l->watch, 0);
}

void
listener_wake(struct listener *l)
{
	if (!timer_running(&l->pause) &&
	    l->desk->n_conns < l->desk->max_conns)
		watch_set(l->watch, WATCH_READ);
}

static void
paused_enough(void *who)
{
	listener_wake(who);
}

struct listener *
listener_new(struct desk *d, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));
	int flags = fcntl(fd, F_GETFL);

	if (l == NULL)
		abort();
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	d->max_conns = connection_cap();
	l->desk = d;
	l->fd = fd;
	l->tcp = is_tcp(fd);
	timer_init(&l->pause, d->plan.loop, paused_enough, l);
	l->watch = watch_new(d->plan.loop, fd, readable, l);
	watch_set(l->watch, WATCH_READ);
	return l;
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	timer_stop(&l->pause);
	watch_free(l->watch);
	free(l);
}
