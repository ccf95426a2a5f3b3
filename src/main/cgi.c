/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/cgi.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/loop.h"
#include "door/door.h"
#include "gate/gate.h"
#include "main/worker.h"

/* Coverage and leaks are looked at by functions that exit() calls. */
#ifdef GATE_ENDS_TIDILY
# define MAY_LEAVE false
#else
# define MAY_LEAVE true
#endif

/* Without a configuration there is no gate: replies made by hand. */
static void
say(const char *status, const char *error)
{
	(void)printf("Status: %s\r\nContent-Type: application/json\r\n"
		"Cache-Control: no-store\r\n\r\n%s\n", status, error);
	(void)fflush(stdout);
}

static void
say_not_set_up(void)
{
	say("500 Internal Server Error",
		"{\"error\":\"internal error\",\"reason\":\"internal\"}");
}

/* ---- arguments that a client may have sent ------------------------- */
/* One byte off the query, as forms write it. */
static char
next_byte(const char **p)
{
	const char *s = *p;

	*p = s + 1;
	if (*s == '+')
		return ' ';
	if (*s != '%' || str_hex(s[1]) < 0 || str_hex(s[2]) < 0)
		return *s;
	*p = s + 3;
	return (char)(str_hex(s[1]) * 16 + str_hex(s[2]));
}

bool
cgi_query_has_options(const char *query)
{
	unsigned char before = ' ';

	if (query == NULL || strchr(query, '=') != NULL)
		return false;		/* none of it is an argument */
	while (*query != '\0') {
		char c = next_byte(&query);

		if (c == '-' && before <= ' ')
			return true;
		before = (unsigned char)c;
	}
	return false;
}

int
cgi_refuse_options(void)
{
	say("400 Bad Request", "{\"error\":\"request is malformed\","
		"\"reason\":\"bad_request\"}");
	return EX_OK;
}

static void
stop(void *who)
{
	loop_stop(who);
}

static void
on_signal(void *who, int signo)
{
	(void)signo;
	loop_stop(who);
}

static void
flush(void *who)
{
	(void)who;
	log_flush();
}

static bool
by_apache(void)
{
	const char *server = getenv("SERVER_SOFTWARE");

	return server != NULL && strncmp(server, "Apache", 6) == 0;
}

/* The request is over: the web server need not wait for what follows, nor see
 * the end of the process as the end of the reply. */
static void
let_go(void)
{
	(void)close(STDIN_FILENO);
	(void)close(STDOUT_FILENO);
}

static void
serve(struct loop *l, struct gate *g)
{
	const struct conf *c = gate_conf(g);
	struct door *d = door_cgi(&(struct door_plan){
		.loop = l, .gate = g,
		.max_body = c->limits.request_body,
		.input_ms = (uint64_t)c->limits.input_ms,
		.apache = by_apache(),
	}, environ, stop, l);

	if (d == NULL) {
		say_not_set_up();
		return;
	}
	loop_signal(l, SIGTERM, on_signal, l);
	loop_each_turn(l, flush, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	loop_run(l);
	door_free(d);
	let_go();
}

static int
run(struct settings *s, struct conf_gen *conf, struct arena *a)
{
	struct loop *l = loop_new();
	struct segment *seg;
	struct revoked *gone;
	struct gate *g = NULL;

	settings_log(s, conf_tree(conf));
	seg = worker_segment(conf_tree(conf), a);
	gone = worker_revoked(conf_tree(conf), seg, a);
	if (gone == NULL)
		conf_release(conf);
	else
		g = gate_new(&(struct gate_plan){ .loop = l, .segment = seg,
			.revoked = gone, .conf = conf, .conf_path = s->file });
	if (g == NULL) {
		say_not_set_up();
	} else {
		serve(l, g);
		gate_free(g);
	}
	revoked_close(gone);
	if (seg != NULL)
		segment_close(seg);
	log_flush();
	loop_free(l);
	return g != NULL ? EX_OK : EX_SOFTWARE;
}

/* Libraries clean up in exit() what the system takes back anyway, which costs
 * as much as half a request of ours. */
static int
leave(int rc)
{
	if (MAY_LEAVE)
		_exit(rc);
	return rc;
}

int
cgi_run(struct settings *s)
{
	struct arena *a = arena_new(MAX_ARENA);
	struct conf_gen *conf = NULL;
	int rc = settings_load(s, false, a, &conf);

	if (rc == 0)
		rc = run(s, conf, a);
	else
		say_not_set_up();
	arena_free(a);
	return leave(rc);
}
