/* SPDX-License-Identifier: MIT */
/*
 * upstream -- a fast HTTP server for measuring: one loop, hardly any parsing
 *
 * POST            a fixed JSON-RPC result of 400 bytes
 * POST /introspect  an answer of RFC 7662: active
 * GET /flood      an event stream as fast as it is taken
 * GET             an event stream; every tick each gets its time of sending
 *
 * usage: upstream [TICK_MS]; prints its port.  Ends with its standard input.
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 65536
#define ROOM 16384
#define EVENTS 256

enum kind { FREE, CALLS, TICKS, FLOOD };

struct peer {
	enum kind kind;
	size_t have;			/* bytes of in; flood: of the chunk */
	char *in;			/* ROOM bytes; streams have none */
};

static struct peer peers[MAX_FD];
static int top, loop;
static char answer[1024], flood[8192];
static size_t answer_n, flood_n;

#define ACTIVE "{\"active\":true,\"sub\":\"alice\",\"scope\":\"mcp\"}"
static const char active[] = "HTTP/1.1 200 OK\r\n"
	"Content-Type: application/json\r\nContent-Length: 43\r\n\r\n" ACTIVE;
_Static_assert(sizeof(ACTIVE) - 1 == 43, "its length");

static const char stream_head[] = "HTTP/1.1 200 OK\r\n"
	"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

static void
make_texts(void)
{
	char body[512];
	int n = snprintf(body, sizeof(body), "{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"");

	while (n < 393)
		body[n++] = 'x';
	n += snprintf(body + n, sizeof(body) - (size_t)n, "\"}]}}  ");
	n = 400;
	answer_n = (size_t)snprintf(answer, sizeof(answer),
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		"Content-Length: %d\r\n\r\n%.*s", n, n, body);
	memset(flood, 'x', sizeof(flood));
	memcpy(flood, "1ff2\r\ndata: ", 12);
	flood_n = 6 + 0x1ff2 + 2;
	memcpy(flood + flood_n - 4, "\n\n\r\n", 4);
}

static void
drop(int fd)
{
	free(peers[fd].in);
	memset(&peers[fd], 0, sizeof(peers[fd]));
	(void)close(fd);
}

static void
watch(int fd, uint32_t events, int op)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	(void)epoll_ctl(loop, op, fd, &e);
}

static void
greet(int listener)
{
	int one = 1, fd;

	for (;;) {
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (fd >= MAX_FD) {
			(void)close(fd);
			continue;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
			sizeof(one));
		peers[fd].kind = CALLS;
		peers[fd].in = malloc(ROOM);
		if (fd > top)
			top = fd;
		watch(fd, EPOLLIN, EPOLL_CTL_ADD);
	}
}

/* On from where the last short write stopped. */
static void
pour(int fd)
{
	struct peer *p = &peers[fd];
	ssize_t n;

	do {
		n = send(fd, flood + p->have, flood_n - p->have,
			MSG_NOSIGNAL);
		if (n > 0)
			p->have = (p->have + (size_t)n) % flood_n;
	} while (n > 0);
}

static void
become_stream(int fd, enum kind kind)
{
	free(peers[fd].in);
	peers[fd].in = NULL;
	peers[fd].have = 0;
	peers[fd].kind = kind;
	(void)send(fd, stream_head, sizeof(stream_head) - 1, MSG_NOSIGNAL);
	watch(fd, kind == FLOOD ? EPOLLOUT | EPOLLRDHUP : EPOLLRDHUP,
		EPOLL_CTL_MOD);
}

/* The size of the request in the buffer, 0 when it is not complete. */
static size_t
request_size(struct peer *p)
{
	char *end, *length;
	size_t n;

	p->in[p->have] = '\0';
	end = strstr(p->in, "\r\n\r\n");
	if (end == NULL)
		return 0;
	n = (size_t)(end - p->in) + 4;
	length = strcasestr(p->in, "\ncontent-length:");
	if (length != NULL && length < end)
		n += (size_t)strtoul(length + 16, NULL, 10);
	return n <= p->have ? n : 0;
}

/* Of the request at the beginning of the buffer. */
static void
reply(int fd, const char *request)
{
	if (strncmp(request, "POST /introspect", 16) == 0)
		(void)send(fd, active, sizeof(active) - 1, MSG_NOSIGNAL);
	else
		(void)send(fd, answer, answer_n, MSG_NOSIGNAL);
}

static void
serve(int fd)
{
	struct peer *p = &peers[fd];
	ssize_t got = recv(fd, p->in + p->have, ROOM - 1 - p->have, 0);
	size_t n;

	if (got <= 0) {
		if (got == 0 || errno != EAGAIN)
			drop(fd);
		return;
	}
	p->have += (size_t)got;
	for (n = request_size(p); n > 0; n = request_size(p)) {
		if (strncmp(p->in, "GET", 3) == 0) {
			become_stream(fd, strncmp(p->in, "GET /flood", 10)
				== 0 ? FLOOD : TICKS);
			return;
		}
		reply(fd, p->in);
		memmove(p->in, p->in + n, p->have - n);
		p->have -= n;
	}
	if (p->have >= ROOM - 1)
		drop(fd);
}

static void
tick(int timer)
{
	uint64_t times;
	char text[128], line[64];
	struct timespec now;
	int n, fd;

	if (read(timer, &times, sizeof(times)) < 0)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	n = snprintf(line, sizeof(line), "data: %lld%09ld\n\n",
		(long long)now.tv_sec, now.tv_nsec);
	n = snprintf(text, sizeof(text), "%x\r\n%s\r\n", (unsigned)n, line);
	for (fd = 0; fd <= top; fd++) {
		if (peers[fd].kind == TICKS)
			(void)send(fd, text, (size_t)n,
				MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

static void
handle(const struct epoll_event *e)
{
	int fd = e->data.fd;

	if (peers[fd].kind == CALLS)
		serve(fd);
	else if (e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		drop(fd);
	else if (peers[fd].kind == FLOOD)
		pour(fd);
}

static int
open_listener(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
		perror("upstream");
		exit(1);
	}
	(void)printf("%d\n", ntohs(a.sin_port));
	(void)fflush(stdout);
	return fd;
}

int
main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	struct rlimit files;
	long ms = argc > 1 ? strtol(argv[1], NULL, 10) : 1000;
	struct itimerspec every = {
		.it_interval = { ms / 1000, ms % 1000 * 1000000 },
		.it_value = { ms / 1000, ms % 1000 * 1000000 } };
	int listener, timer, i, n;

	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	make_texts();
	loop = epoll_create1(0);
	listener = open_listener();
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	(void)timerfd_settime(timer, 0, &every, NULL);
	watch(listener, EPOLLIN, EPOLL_CTL_ADD);
	watch(timer, EPOLLIN, EPOLL_CTL_ADD);
	watch(STDIN_FILENO, EPOLLIN | EPOLLHUP, EPOLL_CTL_ADD);
	for (;;) {
		n = epoll_wait(loop, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				greet(listener);
			else if (events[i].data.fd == timer)
				tick(timer);
			else if (events[i].data.fd == STDIN_FILENO)
				return 0;
			else
				handle(&events[i]);
		}
	}
}
