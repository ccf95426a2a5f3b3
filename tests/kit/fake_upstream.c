/* SPDX-License-Identifier: MIT */
/*
 * fake_upstream -- one poll loop, connections in a table
 */
#include "config.h"
#include "kit/fake_upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNECTIONS	6000
#define IN_ROOM		(256 * 1024)

enum later { LATER_NOTHING, LATER_OK, LATER_CLOSE, LATER_TICK, LATER_DRIP,
	LATER_BEHIND, LATER_BLANK, LATER_TIRED };

struct connection {
	char *in, *out;
	size_t in_n, in_room, out_n, out_at, out_room;
	uint64_t at_ms;			/* when `later` is due, 0: never */
	uint64_t every_ms;
	enum later later;
	int tunnel;			/* 1 + place of the other side */
	unsigned asked;
	bool used, close, deaf;
};

static struct connection table[MAX_CONNECTIONS];
static struct pollfd fds[MAX_CONNECTIONS + 1];
static int n_table;
static unsigned long n_connections, n_requests;

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- output ------------------------------------------------------------------ */

static void
grow(char **p, size_t *room, size_t n)
{
	size_t more = *room > 0 ? *room : 1024;

	while (more < n)
		more *= 2;
	*p = realloc(*p, more);
	if (*p == NULL)
		abort();
	*room = more;
}

static void
put(struct connection *c, const char *p, size_t n)
{
	if (c->out_n + n > c->out_room)
		grow(&c->out, &c->out_room, c->out_n + n);
	memcpy(c->out + c->out_n, p, n);
	c->out_n += n;
}

static void __attribute__((format(printf, 2, 3)))
say(struct connection *c, const char *fmt, ...)
{
	char text[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(c, text, (size_t)n);
}

static void
whole(struct connection *c, int status, const char *type, const char *body,
	size_t n)
{
	say(c, "HTTP/1.1 %d Text\r\nContent-Type: %s\r\n"
		"Content-Length: %zu\r\n\r\n", status, type, n);
	put(c, body, n);
}

static void
json(struct connection *c, int status)
{
	whole(c, status, "application/json; charset=utf-8", "{\"ok\":true}",
		11);
}

static void
later(struct connection *c, enum later what, long in_ms)
{
	c->later = what;
	c->every_ms = (uint64_t)in_ms;
	c->at_ms = now_ms() + (uint64_t)in_ms;
}

/* ---- paths ------------------------------------------------------------------- */

struct request {
	struct connection *c;
	const char *head;
	size_t head_n, body_n;
	long number;
};

static void
do_ok(struct request *r)
{
	json(r->c, 200);
}

static void
do_echo(struct request *r)
{
	whole(r->c, 200, "Text/Plain", r->head, r->head_n + r->body_n);
}

static void
do_status(struct request *r)
{
	json(r->c, (int)r->number);
}

static void
do_chunked(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n"
		"X-Trailer: 1\r\n\r\n");
}

static void
sse_head(struct connection *c)
{
	say(c, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		"Transfer-Encoding: chunked\r\n\r\n");
}

static void
do_sse(struct request *r)
{
	sse_head(r->c);
	for (int i = 0; i < 3; i++)
		say(r->c, "9\r\ndata: %d\n\n\r\n", i);
	say(r->c, "0\r\n\r\n");
}

static void
do_open(struct request *r)
{
	sse_head(r->c);
	say(r->c, "9\r\ndata: 0\n\n\r\n");
}

static void
do_tick(struct request *r)
{
	do_open(r);
	later(r->c, LATER_TICK, r->number);
}

static void
do_slow(struct request *r)
{
	later(r->c, LATER_OK, r->number);
}

static void
do_never(struct request *r)
{
	(void)r;
}

static void
do_half(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
}

static void
do_drop(struct request *r)
{
	do_half(r);
	r->c->close = true;
}

static void
do_close(struct request *r)
{
	r->c->close = true;
}

static void
do_leave(struct request *r)
{
	json(r->c, 200);
	later(r->c, LATER_CLOSE, r->number);
}

static void
do_once(struct request *r)
{
	if (r->c->asked > 1)
		r->c->close = true;
	else
		json(r->c, 200);
}

static void
do_garbage(struct request *r)
{
	say(r->c, "SSH-2.0-OpenSSH_9.2\r\n\r\n\x01\x02\x03\r\n");
	r->c->close = true;
}

static void
do_old(struct request *r)
{
	say(r->c, "<html>hello</html>\n");
	r->c->close = true;
}

static void
do_badchunk(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"zz\r\none\r\n");
}

/* The head has exactly that many bytes; lines of 100 bytes at most. */
static void
do_head(struct request *r)
{
	static const char tail[] = "Content-Length: 2\r\n\r\n";
	long left = r->number - 17 - (long)(sizeof(tail) - 1);

	say(r->c, "HTTP/1.1 200 OK\r\n");
	while (left > 0) {
		int n = left > 2000 ? 1000 : (int)left;

		say(r->c, "X: %0*d\r\n", n - 5, 0);
		left -= n;
	}
	say(r->c, "%sok", tail);
}

static void
do_lines(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n");
	for (long i = 1; i < r->number; i++)
		say(r->c, "X: %ld\r\n", i);
	say(r->c, "\r\nok");
}

static void
do_odd(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: a\r\n"
		"X-Two: b\r\nX Odd: c\r\nX-Ctl: d\x01\r\n"
		"X-Empty:\r\nX-Last:\t e \t\r\n\r\nok");
}

static void
do_early(struct request *r)
{
	say(r->c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
		"Link: </x>\r\nX-Early: 1\r\n\r\n");
	json(r->c, 200);
}

static void
do_trickle(struct request *r)
{
	json(r->c, 200);
	later(r->c, LATER_DRIP, r->number);
}

static void
do_big(struct request *r)
{
	char *body = calloc(1, (size_t)r->number + 1);

	if (body == NULL)
		abort();
	for (long i = 0; i < r->number; i++)
		body[i] = (char)('a' + i % 26);
	whole(r->c, 200, "text/plain", body, (size_t)r->number);
	free(body);
}

static void
do_count(struct request *r)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%lu %lu", n_connections,
		n_requests);

	whole(r->c, 200, "text/plain", text, (size_t)n);
}

/* Nobody may take this for a reply. */
static void
stray(struct connection *c)
{
	say(c, "HTTP/1.1 200 OK\r\nX-Stray: 1\r\nContent-Length: 5\r\n\r\n"
		"stray");
}

static void
do_behind(struct request *r)
{
	json(r->c, 200);
	stray(r->c);
}

static void
do_unasked(struct request *r)
{
	json(r->c, 200);
	later(r->c, LATER_BEHIND, r->number);
}

static void
do_blank(struct request *r)
{
	json(r->c, 200);
	later(r->c, LATER_BLANK, r->number);
}

static void
do_tired(struct request *r)
{
	json(r->c, 200);
	later(r->c, LATER_TIRED, r->number);
}

static void
do_closing(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\nConnection: close\r\n"
		"Content-Length: 2\r\n\r\nok");
}

static void
do_ten(struct request *r)
{
	say(r->c, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
		"Content-Length: 2\r\n\r\nok");
}

static void
do_keep(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=%ld\r\n"
		"Content-Length: 2\r\n\r\nok", r->number);
}

static void
do_doubt(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

static void
do_until(struct request *r)
{
	say(r->c, "HTTP/1.1 200 OK\r\n\r\nall of it");
	r->c->close = true;
}

static void
do_refuse(struct request *r)
{
	json(r->c, 413);
	r->c->close = true;
}

static void
do_hasty(struct request *r)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
		"\r\nok";

	(void)send(fds[r->c - table + 1].fd, reply, sizeof(reply) - 1,
		MSG_NOSIGNAL);
	(void)poll(NULL, 0, (int)r->number);
}

/* Nothing is read meanwhile, and the end is a reset. */
static void
do_balk(struct request *r)
{
	static const char begin[] = "HTTP/1.1 200 OK\r\nContent-Type: "
		"text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
		"9\r\ndata: 0\n\n\r\n";

	(void)send(fds[r->c - table + 1].fd, begin, sizeof(begin) - 1,
		MSG_NOSIGNAL);
	(void)poll(NULL, 0, (int)r->number);
	r->c->close = true;
}

static const struct {
	const char *path;
	void (*fn)(struct request *r);
} paths[] = {
	{ "/ok", do_ok }, { "/echo", do_echo }, { "/status/", do_status },
	{ "/chunked", do_chunked }, { "/sse", do_sse }, { "/open", do_open },
	{ "/tick/", do_tick }, { "/slow/", do_slow }, { "/never", do_never },
	{ "/half", do_half }, { "/drop", do_drop }, { "/close", do_close },
	{ "/reset", do_close }, { "/leave/", do_leave }, { "/once", do_once },
	{ "/garbage", do_garbage }, { "/old", do_old },
	{ "/badchunk", do_badchunk }, { "/head/", do_head },
	{ "/lines/", do_lines }, { "/odd", do_odd }, { "/early", do_early },
	{ "/trickle/", do_trickle }, { "/big/", do_big },
	{ "/count", do_count }, { "/behind", do_behind },
	{ "/blank/", do_blank }, { "/tired/", do_tired },
	{ "/unasked/", do_unasked }, { "/closing", do_closing },
	{ "/ten", do_ten }, { "/keep/", do_keep }, { "/doubt", do_doubt },
	{ "/until", do_until }, { "/refuse", do_refuse },
	{ "/hasty/", do_hasty }, { "/balk/", do_balk },
};

/* ---- connections --------------------------------------------------------------- */

static int
connection_new(int fd)
{
	int i = 0, one = 1;

	while (i < n_table && table[i].used)
		i++;
	if (i == MAX_CONNECTIONS)
		return -1;
	if (i == n_table)
		n_table++;
	memset(&table[i], 0, sizeof(table[i]));
	table[i].used = true;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fds[i + 1].fd = fd;
	return i;
}

static void
connection_end(int i)
{
	struct connection *c = &table[i];
	int other = c->tunnel;

	close(fds[i + 1].fd);
	fds[i + 1].fd = -1;
	free(c->in);
	free(c->out);
	memset(c, 0, sizeof(*c));
	if (other > 0) {
		table[other - 1].tunnel = 0;
		table[other - 1].close = true;
	}
}

static void
do_reset(int i)
{
	struct linger l = { 1, 0 };

	setsockopt(fds[i + 1].fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static void
open_tunnel(int i, long port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), other;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		say(&table[i], "HTTP/1.1 502 Bad\r\n\r\n");
		table[i].close = true;
		return;
	}
	other = connection_new(fd);
	table[i].tunnel = other + 1;
	table[other].tunnel = i + 1;
	say(&table[i], "HTTP/1.1 200 Connected\r\n\r\n");
}

/* True: the name of a proxied host said what to do. */
static bool
by_name(struct connection *c, const char *head)
{
	if (strstr(head, "auth.test") != NULL &&
	    strstr(head, "Proxy-Authorization: Basic dTpw\r\n") == NULL)
		say(c, "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic "
			"realm=x\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(head, "deny.test") != NULL)
		say(c, "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(head, "late.test") != NULL)
		say(c, "HTTP/1.1 504 Late\r\nContent-Length: 0\r\n\r\n");
	else if (strstr(head, "bad.test") != NULL)
		say(c, "SSH-2.0-x\r\n\r\n");
	else if (strstr(head, "shut.test") != NULL)
		c->close = true;
	else
		return strstr(head, "mute.test") != NULL;
	return true;
}

static void
answer(int i, struct request *r)
{
	char head[4096];
	const char *path;
	size_t n = r->head_n < sizeof(head) ? r->head_n : sizeof(head) - 1;

	memcpy(head, r->head, n);
	head[n] = '\0';
	n_requests++;
	r->c->asked++;
	path = strchr(head, ' ');
	if (path == NULL || strncmp(head, "CONNECT ", 8) == 0 ||
	    path[1] != '/') {
		if (path == NULL || by_name(r->c, head))
			return;
		if (head[0] == 'C')
			open_tunnel(i, atol(strchr(head, ':') + 1));
		else
			do_echo(r);
		return;
	}
	path++;
	for (size_t k = 0; k < sizeof(paths) / sizeof(paths[0]); k++) {
		size_t len = strlen(paths[k].path);

		if (strncmp(path, paths[k].path, len) != 0)
			continue;
		r->number = atol(path + len);
		paths[k].fn(r);
		if (strncmp(path, "/reset", 6) == 0)
			do_reset(i);
		return;
	}
	json(r->c, 404);
}

static size_t
length_of(const char *head, size_t n)
{
	const char *p = memmem(head, n, "Content-Length: ", 16);

	return p != NULL ? (size_t)atol(p + 16) : 0;
}

/* Takes the requests out that are complete. */
static void
take(int i)
{
	struct connection *c = &table[i];
	struct request r = { .c = c };
	char *end;

	while (c->in_n > 0 && !c->close && c->at_ms == 0) {
		if (c->in[0] == 5) {	/* SOCKS5: no method is good */
			put(c, "\x05\xff", 2);
			c->close = true;
			return;
		}
		if (c->in[0] == 0x16) {	/* TLS */
			say(c, "HTTP/1.1 400 No TLS here\r\n\r\n");
			c->close = true;
			return;
		}
		end = memmem(c->in, c->in_n, "\r\n\r\n", 4);
		if (end == NULL)
			return;
		r.head = c->in;
		r.head_n = (size_t)(end - c->in) + 4;
		r.body_n = length_of(c->in, r.head_n);
		if (memmem(c->in, r.head_n, " /refuse ", 9) != NULL ||
		    memmem(c->in, r.head_n, " /hasty/", 8) != NULL ||
		    memmem(c->in, r.head_n, " /balk/", 7) != NULL)
			r.body_n = 0;
		if (c->in_n < r.head_n + r.body_n)
			return;
		answer(i, &r);
		c = &table[i];
		c->in_n -= r.head_n + r.body_n;
		memmove(c->in, c->in + r.head_n + r.body_n, c->in_n);
		if (c->tunnel > 0)
			return;
	}
}

static void
on_readable(int i)
{
	struct connection *c = &table[i], *to = c;
	char bytes[65536];
	ssize_t n = recv(fds[i + 1].fd, bytes, sizeof(bytes), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		connection_end(i);
		return;
	}
	if (c->tunnel > 0) {
		to = &table[c->tunnel - 1];
		put(to, bytes, (size_t)n);
		return;
	}
	if (c->in_n + (size_t)n > c->in_room)
		grow(&c->in, &c->in_room, c->in_n + (size_t)n);
	memcpy(c->in + c->in_n, bytes, (size_t)n);
	c->in_n += (size_t)n;
	take(i);
}

static void
flush(int i)
{
	struct connection *c = &table[i];
	size_t n = c->out_n - c->out_at;

	if (c->later == LATER_DRIP && n > 1)
		n = now_ms() >= c->at_ms ? 1 : 0;
	if (n > 0) {
		ssize_t sent = send(fds[i + 1].fd, c->out + c->out_at, n,
			MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN) {
			connection_end(i);
			return;
		}
		c->out_at += sent > 0 ? (size_t)sent : 0;
		if (c->later == LATER_DRIP)
			c->at_ms = now_ms() + c->every_ms;
	}
	if (c->out_at < c->out_n)
		return;
	c->out_at = c->out_n = 0;
	if (c->later == LATER_DRIP) {
		c->later = LATER_NOTHING;
		c->at_ms = 0;
	}
	if (c->close)
		connection_end(i);
}

static void
on_time(int i)
{
	struct connection *c = &table[i];

	if (c->at_ms == 0 || c->later == LATER_DRIP || now_ms() < c->at_ms)
		return;
	if (c->later == LATER_TICK) {
		say(c, "9\r\ndata: 1\n\n\r\n");
		c->at_ms = now_ms() + c->every_ms;
		return;
	}
	c->at_ms = 0;
	if (c->later == LATER_CLOSE)
		c->close = true;
	else if (c->later == LATER_OK)
		json(c, 200);
	else if (c->later == LATER_BEHIND)
		stray(c);
	else if (c->later == LATER_BLANK)
		say(c, "\r\n");
	else if (c->later == LATER_TIRED)
		say(c, "HTTP/1.1 408 Tired\r\nConnection: close\r\n\r\n");
	take(i);
}

/* How long the poll may wait. */
static int
patience(void)
{
	uint64_t now = now_ms(), least = 10000;

	for (int i = 0; i < n_table; i++) {
		uint64_t at = table[i].at_ms;

		if (at == 0)
			continue;
		at = at > now ? at - now : 0;
		least = at < least ? at : least;
	}
	return (int)least;
}

static void
accept_all(int fd)
{
	for (;;) {
		int new = accept(fd, NULL, NULL);

		if (new < 0)
			return;
		n_connections++;
		if (connection_new(new) < 0)
			close(new);
	}
}

static void
turn(void)
{
	for (int i = 0; i < n_table; i++) {
		bool more = table[i].out_at < table[i].out_n &&
			table[i].later != LATER_DRIP;

		if (!table[i].used)
			fds[i + 1].fd = -1;
		fds[i + 1].events = (short)(POLLIN | (more ? POLLOUT : 0));
	}
	poll(fds, (nfds_t)n_table + 1, patience());
	if ((fds[0].revents & POLLIN) != 0)
		accept_all(fds[0].fd);
	for (int i = 0; i < n_table; i++) {
		if (table[i].used && (fds[i + 1].revents & ~POLLOUT) != 0)
			on_readable(i);
		if (table[i].used)
			on_time(i);
	}
	for (int i = 0; i < n_table; i++) {
		fds[i + 1].revents = 0;
		if (table[i].used)
			flush(i);
	}
}

static int
listen_somewhere(int *port_r)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 ||
	    listen(fd, 1000) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return -1;
	*port_r = ntohs(at.sin_port);
	return fd;
}

bool
fake_start(struct fake *f)
{
	int fd = listen_somewhere(&f->port);

	if (fd < 0)
		return false;
	fflush(NULL);
	f->pid = fork();
	if (f->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fds[0].fd = fd;
		fds[0].events = POLLIN;
		for (;;)
			turn();
	}
	close(fd);
	return f->pid > 0;
}

void
fake_stop(struct fake *f)
{
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
}

int
fake_closed_port(void)
{
	int port = 0, fd = listen_somewhere(&port);

	close(fd);
	return port;
}
