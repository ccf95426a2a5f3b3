/* SPDX-License-Identifier: MIT */
/*
 * bare -- the least that can stand between nginx and an upstream: what the
 * kernel takes for a relayed call, and nothing else
 *
 * Reads a FastCGI request, sends its body on with headers that are always the
 * same, and gives back the reply.  No variable is looked at, nobody is
 * refused, nothing is told, every connection has one of its own upstream, and
 * whatever is not as the bench does it ends the connection.  What the gateway
 * takes beyond this is the gateway's own.
 *
 * usage: bare PORT; standard input is the listening socket.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>
#include <unistd.h>

#define MAX_FD 4096
#define ROOM 16384
#define EVENTS 256
#define HEADER 8			/* of a record */

enum { BEGIN = 1, END = 3, PARAMS = 4, INPUT = 5, OUTPUT = 6 };

/* One side of a pair: nginx's connection, or the upstream's. */
struct peer {
	bool front;
	int other;
	size_t have;
	char in[ROOM];
};

static struct peer *peers[MAX_FD];
static struct sockaddr_in upstream;
static int loop;

static void
drop(int fd)
{
	int pair[2] = { fd, peers[fd]->other };

	for (int i = 0; i < 2; i++) {
		free(peers[pair[i]]);
		peers[pair[i]] = NULL;
		(void)close(pair[i]);
	}
}

static void
add(int fd, int other, bool front)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	peers[fd] = calloc(1, sizeof(*peers[fd]));
	peers[fd]->front = front;
	peers[fd]->other = other;
	(void)epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
}

static void
greet(void)
{
	int one = 1, up, fd = accept4(STDIN_FILENO, NULL, NULL, SOCK_NONBLOCK);

	if (fd < 0)
		return;
	up = socket(AF_INET, SOCK_STREAM, 0);
	if (up < 0 || fd >= MAX_FD || up >= MAX_FD ||
	    connect(up, (struct sockaddr *)&upstream, sizeof(upstream)) != 0) {
		(void)close(fd);
		(void)close(up);
		return;
	}
	(void)setsockopt(up, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	add(fd, up, true);
	add(up, fd, false);
}

/* The body of the one request in the buffer: false while it is not whole. */
static bool
body_of(const struct peer *p, char *body, size_t *size)
{
	const unsigned char *r = (const unsigned char *)p->in;
	size_t at = 0, n;

	*size = 0;
	for (; at + HEADER <= p->have; at += HEADER + n + r[at + 6]) {
		n = (size_t)r[at + 4] << 8 | r[at + 5];
		if (r[at + 1] != INPUT)
			continue;
		if (n == 0)
			return true;
		if (at + HEADER + n > p->have || *size + n > ROOM)
			return false;
		memcpy(body + *size, r + at + HEADER, n);
		*size += n;
	}
	return false;
}

/* nginx to upstream. */
static bool
forward(struct peer *p)
{
	static char out[2 * ROOM];
	char body[ROOM];
	size_t n, size;

	if (!body_of(p, body, &size))
		return true;
	n = (size_t)snprintf(out, sizeof(out), "POST /mcp HTTP/1.1\r\n"
		"Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
		"Accept: application/json, text/event-stream\r\n"
		"Accept-Encoding: identity\r\n"
		"X-Request-Id: 0123456789abcdef0123456789abcdef\r\n"
		"Authorization: Bearer bench-token-0-of-three-tokens\r\n"
		"Content-Length: %zu\r\n\r\n", size);
	memcpy(out + n, body, size);
	p->have = 0;
	return send(p->other, out, n + size, MSG_NOSIGNAL) ==
		(ssize_t)(n + size);
}

static size_t
put_header(char *out, int type, size_t n)
{
	const char header[HEADER] = { 1, (char)type, 0, 1, (char)(n >> 8),
		(char)n, 0, 0 };

	memcpy(out, header, HEADER);
	return HEADER;
}

/* Upstream to nginx. */
static bool
give_back(struct peer *p)
{
	static const char head[] = "Status: 200 OK\r\n"
		"Content-Type: application/json\r\n\r\n";
	char out[ROOM + 256], *body, *length;
	size_t n, size, at = 0;

	p->in[p->have] = '\0';
	body = strstr(p->in, "\r\n\r\n");
	length = strcasestr(p->in, "\ncontent-length:");
	if (body == NULL || length == NULL)
		return true;
	body += 4;
	size = (size_t)strtoul(length + 16, NULL, 10);
	if (body + size > p->in + p->have)
		return true;
	n = sizeof(head) - 1;
	at = put_header(out, OUTPUT, n + size);
	memcpy(out + at, head, n);
	memcpy(out + at + n, body, size);
	at += n + size;
	at += put_header(out + at, OUTPUT, 0);
	at += put_header(out + at, END, 8);
	memset(out + at, 0, 8);
	p->have = 0;
	return send(p->other, out, at + 8, MSG_NOSIGNAL) == (ssize_t)(at + 8);
}

static void
serve(int fd)
{
	struct peer *p = peers[fd];
	ssize_t got;

	if (p == NULL)
		return;		/* dropped in this turn */
	got = recv(fd, p->in + p->have, ROOM - 1 - p->have, MSG_DONTWAIT);
	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 0)
		p->have += (size_t)got;
	if (got <= 0 || p->have == ROOM - 1 ||
	    !(p->front ? forward(p) : give_back(p)))
		drop(fd);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS], listener = { .events = EPOLLIN };
	int n;

	if (argc != 2)
		return 64;
	upstream.sin_family = AF_INET;
	upstream.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	upstream.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	loop = epoll_create1(0);
	(void)epoll_ctl(loop, EPOLL_CTL_ADD, STDIN_FILENO, &listener);
	for (;;) {
		n = epoll_wait(loop, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == STDIN_FILENO)
				greet();
			else
				serve(events[i].data.fd);
		}
	}
}
