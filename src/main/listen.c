/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/str.h"

static int __attribute__((format(printf, 3, 4)))
refuse(struct listener *l, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(l->why, sizeof l->why, fmt, ap);
	va_end(ap);
	if (l->fd > 2)
		(void)close(l->fd);
	l->fd = -1;
	return code;
}

bool
listen_ready(int fd)
{
	int on = 0;
	socklen_t n = sizeof on;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0
		&& on != 0;
}

int
listen_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t who = 0, count = 0;
	bool ours = pid != NULL && fds != NULL
		&& str_number(str_of(pid), &who) && who == (uint64_t)getpid()
		&& str_number(str_of(fds), &count) && count >= 1;

	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	if (!ours || !listen_ready(3))
		return -1;
	(void)fcntl(3, F_SETFD, FD_CLOEXEC);
	return 3;
}

/* A name left behind by a dead process may go; a living one may not. */
static int
clear_stale(struct listener *l, const struct sockaddr_un *at)
{
	struct stat st;
	int fd, rc;

	if (lstat(at->sun_path, &st) != 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return refuse(l, EX_CANTCREAT, "cannot listen on '%s': "
			"there is a file that is no socket", at->sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return refuse(l, EX_OSERR, "cannot make a socket: %s",
			strerror(errno));
	rc = connect(fd, (const struct sockaddr *)at, sizeof *at);
	if (rc != 0)
		rc = errno;
	(void)close(fd);
	if (rc != ECONNREFUSED)
		return refuse(l, EX_CANTCREAT, "cannot listen on '%s': %s",
			at->sun_path, rc == 0 || rc == EAGAIN
			? "another process listens there" : strerror(rc));
	if (unlink(at->sun_path) != 0)
		return refuse(l, EX_CANTCREAT, "cannot remove the stale "
			"socket '%s': %s", at->sun_path, strerror(errno));
	return 0;
}

static int
bind_unix(struct listener *l, const struct sockaddr_un *at,
	const struct listen_plan *p)
{
	mode_t before = umask(0177);
	int rc = bind(l->fd, (const struct sockaddr *)at, sizeof *at);
	int why = errno;

	(void)umask(before);
	if (rc != 0)
		return refuse(l, EX_CANTCREAT, "cannot listen on '%s': %s",
			at->sun_path, strerror(why));
	memcpy(l->path, at->sun_path, sizeof l->path);
	if (p->uid >= 0 || p->gid >= 0)
		rc = chown(l->path, p->uid >= 0 ? (uid_t)p->uid : (uid_t)-1,
			p->gid >= 0 ? (gid_t)p->gid : (gid_t)-1);
	if (rc != 0 || chmod(l->path, p->mode) != 0)
		return refuse(l, EX_CANTCREAT, "cannot set owner and mode of "
			"'%s': %s", l->path, strerror(errno));
	return 0;
}

static int
open_unix(struct listener *l, const char *path, const struct listen_plan *p)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(path);
	int rc;

	_Static_assert(sizeof at.sun_path == sizeof l->path, "socket names");
	if (n == 0 || n >= sizeof at.sun_path)
		return refuse(l, EX_CONFIG, "cannot listen on '%s': a path of "
			"1 to %zu bytes is needed", path,
			sizeof at.sun_path - 1);
	memcpy(at.sun_path, path, n);
	(void)snprintf(l->name, sizeof l->name, "unix:%s", path);
	rc = clear_stale(l, &at);
	if (rc != 0)
		return rc;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return refuse(l, EX_OSERR, "cannot make a socket: %s",
			strerror(errno));
	return bind_unix(l, &at, p);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* "127.0.0.1:9000", "[::1]:9000", "localhost:9000"; loopback only. */
static bool
read_address(const char *text, union address *a_r)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	uint64_t port;
	struct str h = { text, colon != NULL ? (size_t)(colon - text) : 0 };

	if (colon == NULL || !str_number(str_of(colon + 1), &port)
	    || port > 65535 || h.n >= sizeof host)
		return false;
	if (str_is(h, "localhost"))
		h = STR("127.0.0.1");
	if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		h = str_head(str_from(h, 1), h.n - 2);
	(void)snprintf(host, sizeof host, "%.*s", STR_ARG(h));
	memset(a_r, 0, sizeof *a_r);
	if (inet_pton(AF_INET, host, &a_r->v4.sin_addr) == 1) {
		a_r->v4.sin_family = AF_INET;
		a_r->v4.sin_port = htons((uint16_t)port);
		return ntohl(a_r->v4.sin_addr.s_addr) >> 24 == 127;
	}
	if (inet_pton(AF_INET6, host, &a_r->v6.sin6_addr) != 1)
		return false;
	a_r->v6.sin6_family = AF_INET6;
	a_r->v6.sin6_port = htons((uint16_t)port);
	return IN6_IS_ADDR_LOOPBACK(&a_r->v6.sin6_addr);
}

static int
open_tcp(struct listener *l, const char *text)
{
	union address at;
	socklen_t n;
	int on = 1;

	if (!read_address(text, &at))
		return refuse(l, EX_CONFIG, "TCP is only opened on loopback: "
			"'%s' is not 127.0.0.1:PORT or [::1]:PORT", text);
	l->fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return refuse(l, EX_OSERR, "cannot make a socket: %s",
			strerror(errno));
	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	n = at.any.sa_family == AF_INET ? sizeof at.v4 : sizeof at.v6;
	if (bind(l->fd, &at.any, n) != 0
	    || getsockname(l->fd, &at.any, &n) != 0)
		return refuse(l, EX_CANTCREAT, "cannot listen on '%s': %s",
			text, strerror(errno));
	(void)snprintf(l->name, sizeof l->name, "tcp:%.*s:%u",
		(int)(strrchr(text, ':') - text), text,
		ntohs(at.any.sa_family == AF_INET ? at.v4.sin_port
		: at.v6.sin6_port));
	return 0;
}

static int
take_fd(struct listener *l, const char *text)
{
	uint64_t fd;

	if (!str_number(str_of(text), &fd) || fd > 65535
	    || !listen_ready((int)fd))
		return refuse(l, EX_CONFIG, "descriptor '%s' is not a "
			"listening socket", text);
	l->fd = (int)fd;
	(void)snprintf(l->name, sizeof l->name, "fd:%d", l->fd);
	return 0;
}

int
listen_open(const struct listen_plan *p, struct listener *l_r)
{
	const char *at = p->address;
	int rc;

	*l_r = (struct listener){ .fd = -1 };
	if (strncmp(at, "fd:", 3) == 0)
		return take_fd(l_r, at + 3);
	if (strncmp(at, "unix:", 5) == 0)
		rc = open_unix(l_r, at + 5, p);
	else if (strncmp(at, "tcp:", 4) == 0)
		rc = open_tcp(l_r, at + 4);
	else
		return refuse(l_r, EX_CONFIG, "cannot listen on '%s': write "
			"unix:PATH, tcp:127.0.0.1:PORT or fd:0", at);
	if (rc == 0 && listen(l_r->fd, SOMAXCONN) != 0)
		return refuse(l_r, EX_CANTCREAT, "cannot listen on '%s': %s",
			l_r->name, strerror(errno));
	return rc;
}

void
listen_unlink(const struct listener *l)
{
	if (l->path[0] != '\0')
		(void)unlink(l->path);
}
