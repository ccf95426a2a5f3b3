/* SPDX-License-Identifier: MIT */
/*
 * sse_load -- opens many event streams and measures how old events are
 *
 * usage: sse_load PORT PATH STREAMS SECONDS [HEADER...]
 *
 * Each event's data is the time of its sending (CLOCK_MONOTONIC, ns).  Says
 * "ready" when all streams stand, measures for SECONDS from the next line on
 * standard input, then prints one JSON line.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_FD 65536
#define AT_ONCE 64		/* connections under way while opening */
#define SAMPLES 4000000
#define EVENTS 256

static char request[8192];
static size_t request_n;
static bool connected[MAX_FD], standing[MAX_FD];
static float *ages;		/* milliseconds */
static size_t n_ages;
static int wanted, opened, stood, lost, loop;
static bool measuring;
static struct sockaddr_in place;

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
make_request(int argc, char **argv)
{
	int i;
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n"
		"Host: 127.0.0.1\r\nAccept: text/event-stream\r\n", argv[2]);

	for (i = 5; i < argc; i++)
		n += snprintf(request + n, sizeof(request) - (size_t)n,
			"%s\r\n", argv[i]);
	n += snprintf(request + n, sizeof(request) - (size_t)n, "\r\n");
	request_n = (size_t)n;
}

static void
open_one(void)
{
	struct epoll_event e = { .events = EPOLLOUT };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || fd >= MAX_FD) {
		lost++;
		opened++;
		return;
	}
	(void)connect(fd, (struct sockaddr *)&place, sizeof(place));
	e.data.fd = fd;
	(void)epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
	connected[fd] = standing[fd] = false;
	opened++;
}

static void
lose(int fd)
{
	(void)close(fd);
	lost++;
	if (standing[fd])
		stood--;
	standing[fd] = false;
}

static void
say_hello(int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (send(fd, request, request_n, MSG_NOSIGNAL) !=
	    (ssize_t)request_n) {
		lose(fd);
		return;
	}
	connected[fd] = true;
	(void)epoll_ctl(loop, EPOLL_CTL_MOD, fd, &e);
}

static void
note_ages(const char *text, uint64_t now)
{
	const char *at = strstr(text, "data: ");

	for (; at != NULL && n_ages < SAMPLES; at = strstr(at, "data: ")) {
		at += 6;
		ages[n_ages++] = (float)((double)(now -
			strtoull(at, NULL, 10)) / 1e6);
	}
}

static void
hear(int fd)
{
	char text[16384];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		lose(fd);
		return;
	}
	if (n < 0)
		return;
	text[n] = '\0';
	if (!standing[fd]) {
		if (strncmp(text, "HTTP/1.1 200", 12) != 0) {
			if (lost == 0)
				(void)fprintf(stderr, "sse_load: %.60s\n",
					text);
			lose(fd);
			return;
		}
		standing[fd] = true;
		stood++;
	}
	if (measuring)
		note_ages(text, now_ns());
}

static void
turn(int ms)
{
	struct epoll_event events[EVENTS];
	int i, n = epoll_wait(loop, events, EVENTS, ms);

	for (i = 0; i < n; i++) {
		if (connected[events[i].data.fd])
			hear(events[i].data.fd);
		else
			say_hello(events[i].data.fd);
	}
}

static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double
percentile(double p)
{
	return n_ages > 0 ? (double)ages[(size_t)(p * (double)(n_ages - 1))]
		: -1;
}

static void
open_all(void)
{
	uint64_t end = now_ns() + 120000000000u;

	while (stood + lost < wanted && now_ns() < end) {
		while (opened < wanted && opened - stood - lost < AT_ONCE)
			open_one();
		turn(100);
	}
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	uint64_t end;
	char line[16];

	if (argc < 5)
		return 64;
	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	place = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	wanted = (int)strtol(argv[3], NULL, 10);
	ages = malloc(SAMPLES * sizeof(*ages));
	make_request(argc, argv);
	loop = epoll_create1(0);
	open_all();
	(void)printf("ready\n");
	(void)fflush(stdout);
	if (ages == NULL || fgets(line, sizeof(line), stdin) == NULL)
		return 1;
	while (recv(STDIN_FILENO, line, 0, MSG_DONTWAIT) > 0)
		;
	turn(0);
	measuring = true;
	end = now_ns() + (uint64_t)(strtod(argv[4], NULL) * 1e9);
	while (now_ns() < end)
		turn(50);
	qsort(ages, n_ages, sizeof(*ages), compare);
	(void)printf("{\"open\":%d,\"lost\":%d,\"events\":%zu,\"p50\":%.3f,"
		"\"p99\":%.3f,\"max\":%.3f}\n", stood, lost, n_ages,
		percentile(.5), percentile(.99), percentile(1));
	return 0;
}
