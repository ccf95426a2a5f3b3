/* SPDX-License-Identifier: MIT */
/*
 * One request from an environment and a descriptor, its reply to another:
 * pipes, sockets and files; slow, short and too long.
 */
#include "config.h"
#include "door/cgi.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "kit/fake_gate.h"
#include "kit/tap.h"

#define TEST_BODY	100000

static struct desk desk;
static struct timer pump_timer;
static int ended;
static char got[MIB(8)];
static size_t got_n;

static void
count_ended(void *who)
{
	(void)who;
	ended++;
}

static void
stop_pump(void *who)
{
	loop_stop(who);
}

static void
pump(uint64_t ms)
{
	for (int i = 0; i < 4; i++) {
		timer_start(&pump_timer, i == 0 ? ms : 0);
		loop_run(desk.plan.loop);
	}
}

enum kind { PIPE, SOCKET, PLAIN, NOTHING };

/* ends_r[0]: what cgi gets, ends_r[1]: the web server's; -1: none. */
static void
open_ends(enum kind kind, bool to_cgi, int ends_r[2])
{
	int two[2] = { -1, -1 };

	if (kind == PIPE && pipe(two) == 0) {
		ends_r[0] = two[to_cgi ? 0 : 1];
		ends_r[1] = two[to_cgi ? 1 : 0];
	} else if (kind == SOCKET &&
	    socketpair(AF_UNIX, SOCK_STREAM, 0, two) == 0) {
		ends_r[0] = two[0];
		ends_r[1] = two[1];
	} else if (kind == PLAIN) {
		FILE *f = tmpfile();

		ends_r[0] = dup(fileno(f));
		ends_r[1] = dup(fileno(f));
		fclose(f);
	} else {
		ends_r[0] = open("/dev/null", O_RDWR);
		ends_r[1] = -1;
	}
}

static void
setup(void)
{
	memset(&gate, 0, sizeof(gate));
	gate.reply = "{\"ok\":true}";
	gate.last_refused = -1;
	ended = 0;
	got_n = 0;
	desk.plan.loop = loop_new();
	desk.plan.input_ms = 30000;
	desk.limits = (struct screen_limits){ MAX_PARAMS, MAX_PAIRS,
		TEST_BODY, MIB(1) };
	bytes_pool_init(&desk.reading, SIZE_MAX);
	bytes_pool_init(&desk.writing, SIZE_MAX);
	timer_init(&pump_timer, desk.plan.loop, stop_pump, desk.plan.loop);
}

static void
teardown(struct cgi *c)
{
	cgi_free(c);
	IS_INT(desk.reading.held + desk.writing.held, 0);
	bytes_pool_clear(&desk.reading);
	bytes_pool_clear(&desk.writing);
	loop_free(desk.plan.loop);
}

static struct cgi *
start(char **environment, int in, int out)
{
	struct cgi_plan p = { environment, in, out, count_ended, NULL };

	return cgi_start(&desk, &p);
}

/* Reads what the web server's end has. */
static void
collect(int fd)
{
	ssize_t n;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	do {
		n = read(fd, got + got_n, sizeof(got) - got_n);
		got_n += n > 0 ? (size_t)n : 0;
	} while (n > 0);
}

static struct str
got_body(void)
{
	struct str all = { got, got_n };

	return str_from(all, str_search(all, STR("\r\n\r\n")) + 4);
}

static bool
got_status(const char *line)
{
	return str_starts((struct str){ got, got_n }, str_of(line));
}

/* ---- rows ---- */

static char method[] = "REQUEST_METHOD=POST", length_4[] = "CONTENT_LENGTH=4";
static char *usual[] = { method, length_4, NULL };

static const struct {
	const char *name;
	enum kind in, out;
	const char *length;		/* CONTENT_LENGTH, or NULL */
	size_t body;
	int refused;
	const char *status;
} rows[] = {
	{ "pipes", PIPE, PIPE, "400", 400, -1, "200 OK" },
	{ "sockets", SOCKET, SOCKET, "400", 400, -1, "200 OK" },
	{ "files", PLAIN, PLAIN, "400", 400, -1, "200 OK" },
	{ "no length, pipes", PIPE, PIPE, NULL, 400, -1, "200 OK" },
	{ "no length, files", PLAIN, PLAIN, NULL, 400, -1, "200 OK" },
	{ "an empty length", PIPE, PIPE, "", 7, -1, "200 OK" },
	{ "no body", NOTHING, PIPE, NULL, 0, -1, "200 OK" },
	{ "length 0", PIPE, PIPE, "0", 0, -1, "200 OK" },
	{ "at the limit", PLAIN, PIPE, "100000", 100000, -1, "200 OK" },
	{ "over the limit, file", PLAIN, PIPE, "100001", 100001,
		FAULT_TOO_LARGE, "413 " },
	{ "over the limit, no length", SOCKET, PIPE, NULL, 100001,
		FAULT_TOO_LARGE, "413 " },
	{ "far over it", PLAIN, PIPE, "900000", 900000, FAULT_TOO_LARGE,
		"413 " },
	{ "over what is dropped", PLAIN, PIPE, "3000000", 3000000,
		FAULT_TOO_LARGE, "413 " },
	{ "shorter than its length", PIPE, PIPE, "401", 400,
		FAULT_BAD_REQUEST, "400 " },
	{ "shorter, file", PLAIN, PIPE, "401", 400, FAULT_BAD_REQUEST,
		"400 " },
	{ "longer than its length", PIPE, PIPE, "399", 400, -1, "200 OK" },
	{ "no number", PIPE, PIPE, "4a", 4, FAULT_BAD_REQUEST, "400 " },
};

static void
feed(int fd, enum kind kind, size_t n)
{
	static char body[3000000];
	size_t at = 0;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	for (int i = 0; at < n && i < 1000; i++) {
		ssize_t k = write(fd, body + at, n - at);

		at += k > 0 ? (size_t)k : 0;
		if (kind != PLAIN)
			pump(0);
	}
	if (kind == PLAIN)
		lseek(fd, 0, SEEK_SET);
	else
		close(fd);
}

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char length[64], status[64], uri[] = "REQUEST_URI=/mcp/x";
		char proxy[] = "HTTP_PROXY=http://evil:1";
		char *environment[] = { method, uri, proxy, length, NULL };
		int in[2], out[2];
		struct cgi *c;

		snprintf(length, sizeof(length), "CONTENT_LENGTH=%s",
			rows[i].length != NULL ? rows[i].length : "");
		if (rows[i].length == NULL)
			environment[3] = NULL;
		snprintf(status, sizeof(status), "Status: %s",
			rows[i].status);
		setup();
		open_ends(rows[i].in, true, in);
		open_ends(rows[i].out, false, out);
		if (rows[i].in == PLAIN)
			feed(in[1], PLAIN, rows[i].body);
		c = start(environment, in[0], out[0]);
		IS_INT(gate.begun, 0);
		if (rows[i].in == PIPE || rows[i].in == SOCKET)
			feed(in[1], rows[i].in, rows[i].body);
		pump(1);
		if (rows[i].out == PLAIN)
			lseek(out[1], 0, SEEK_SET);
		collect(out[1]);
		tap_ok(gate.begun == 1 && gate.last_refused ==
			rows[i].refused && ended == 1 && got_status(status) &&
			str_is(got_body(), gate.reply), "%s", rows[i].name);
		IS_INT(gate.last_params, rows[i].length != NULL &&
			rows[i].length[0] != '\0' ? 3 : 2);
		OK(gate.last_cgi);
		teardown(c);
		close(in[0]);
		close(out[0]);
		if (rows[i].in == PLAIN)
			close(in[1]);
		close(out[1]);
	}
}

/* ---- time ---- */

static void
test_slow_sender(void)
{
	int in[2], out[2];
	struct cgi *c;

	setup();
	open_ends(PIPE, true, in);
	open_ends(PIPE, false, out);
	c = start(usual, in[0], out[0]);
	pump(1);
	OK(write(in[1], "bo", 2) == 2);
	loop_skip(desk.plan.loop, 29900);
	pump(1);
	IS_INT(gate.begun, 0);
	loop_skip(desk.plan.loop, 200);
	pump(1);
	IS_INT(gate.last_refused, FAULT_INPUT_TIMEOUT);
	IS_INT(desk.counts.overdue, 1);
	collect(out[1]);
	OK(got_status("Status: 408 ") && ended == 1);
	teardown(c);
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

/* Headers with the first event, each event at once; pause and resume. */
static void
test_stream(void)
{
	static const char event[4096] = "data: ";
	bool more = true;
	size_t sent = 3;
	int out[2], null = open("/dev/null", O_RDONLY);
	struct cgi *c;

	setup();
	gate.way = STREAM;
	open_ends(PIPE, false, out);
	c = start(usual + 2, null, out[0]);
	pump(1);
	collect(out[1]);
	OK(got_status("Status: 200 OK\r\nContent-Type: text/event-stream"));
	IS_STR(got_body(), ":\n\n");
	for (int i = 0; i < 1000 && more; i++) {
		more = write_req((struct str){ event, sizeof(event) });
		sent += sizeof(event);
	}
	OK(!more);
	pump(1);
	IS_INT(gate.drained, 0);
	for (int i = 0; i < 20; i++) {
		collect(out[1]);
		pump(0);
	}
	IS_INT(gate.drained, 1);
	IS_INT(got_body().n, sent);
	end_req();
	pump(1);
	IS_INT(ended, 1);
	teardown(c);
	OK((fcntl(out[0], F_GETFL) & O_NONBLOCK) == 0);
	close(null);
	close(out[0]);
	close(out[1]);
}

/* The reader goes: found out at once, or by a write. */
static void
test_gone(void)
{
	for (int i = 0; i < 4; i++) {
		int out[2], null = open("/dev/null", O_RDONLY);
		struct cgi *c;

		setup();
		gate.way = STREAM;
		open_ends(i % 2 == 0 ? PIPE : SOCKET, false, out);
		c = start(usual + 2, null, out[0]);
		pump(1);
		close(out[1]);
		if (i > 1) {
			OK(write_req(STR("data: x\n\n")));
			IS_INT(gate.left, 0);
		}
		pump(1);
		IS_INT(gate.left, 1);
		IS_INT(ended, 1);
		teardown(c);
		close(null);
		close(out[0]);
	}
}

static void
test_stall_and_cut(void)
{
	static const char zeros[MIB(1)];

	for (int i = 0; i < 3; i++) {
		int out[2], null = open("/dev/null", O_RDONLY);
		struct cgi *c;

		setup();
		gate.way = STREAM;
		open_ends(PIPE, false, out);
		c = start(usual + 2, null, out[0]);
		pump(1);
		write_req((struct str){ zeros, sizeof(zeros) });
		if (i == 1)
			end_req();
		if (i == 2)
			cut_req();
		pump(1);
		IS_INT(ended, i == 2 ? 1 : 0);
		loop_skip(desk.plan.loop, WRITE_STALL_MS + 1);
		pump(1);
		IS_INT(ended, 1);
		IS_INT(gate.left, i == 0 ? 1 : 0);
		teardown(c);
		close(null);
		close(out[0]);
		close(out[1]);
	}
}

/* ---- the environment has the limits of FastCGI variables ---- */

static void
test_environment(void)
{
	static char no_name[] = "=no name", pair[] = "A=b", word[] = "word";
	static char large[MAX_PARAMS + 3], *many[MAX_PAIRS + 2];

	for (int i = 0; i < 5; i++) {
		int out[2], null = open("/dev/null", O_RDONLY);
		struct cgi *c;

		setup();
		memset(large, 'v', sizeof(large));
		large[1] = '=';
		large[MAX_PARAMS + 1 + (i == 1)] = '\0';
		memset(many, 0, sizeof(many));
		many[0] = i < 2 ? large : no_name;
		for (int k = 1; i >= 2 && k < MAX_PAIRS + (i == 3); k++)
			many[k] = k % 2 == 0 ? pair : word;
		if (i == 4)
			many[0] = NULL;
		open_ends(PIPE, false, out);
		c = start(many, null, out[0]);
		pump(1);
		IS_INT(gate.last_refused, i == 1 || i == 3 ?
			(int)FAULT_HEADERS_TOO_LARGE : -1);
		IS_INT(ended, 1);
		teardown(c);
		close(null);
		close(out[0]);
		close(out[1]);
	}
}

/* The door on the real stdin and stdout of a process. */
static int
child(int in, int out)
{
	struct door_plan p = { .max_body = 1000, .input_ms = 1000,
		.apache = true };
	struct door *d;

	setup();
	dup2(in, 0);
	dup2(out, 1);
	p.loop = desk.plan.loop;
	d = door_cgi(&p, usual, stop_pump, p.loop);
	loop_run(p.loop);
	door_free(d);
	loop_free(p.loop);
	return gate.last_body == 4 ? 0 : 1;
}

static void
test_process(void)
{
	int in[2], out[2], status = -1;
	pid_t pid;

	got_n = 0;
	open_ends(PIPE, true, in);
	open_ends(PIPE, false, out);
	OK(write(in[1], "body", 4) == 4);
	pid = fork();
	if (pid == 0)
		_exit(child(in[0], out[0]));
	OK(waitpid(pid, &status, 0) == pid && status == 0);
	collect(out[1]);
	OK(got_status("Status: 200 OK\r\n"));
	close(in[0]);
	close(in[1]);
	close(out[0]);
	close(out[1]);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_rows();
	test_slow_sender();
	test_stream();
	test_gone();
	test_stall_and_cut();
	test_environment();
	test_process();
	return tap_done();
}
