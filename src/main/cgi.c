/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/cgi.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/loop.h"
#include "door/door.h"
#include "gate/gate.h"
#include "http/headers.h"
#include "main/worker.h"

/* Coverage and leaks are looked at by functions that exit() calls. */
#ifdef GATE_ENDS_TIDILY
# define MAY_LEAVE false
#else
# define MAY_LEAVE true
#endif

/* ---- replies made by hand: without a configuration there is no gate ----- */
static struct str
variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? str_of(value) : STR("");
}

/* The client's own, when it is one; else of the form that the gate gives. */
static struct str
request_id(struct arena *a)
{
	struct str theirs = variable("HTTP_X_REQUEST_ID");
	uint8_t bytes[11];
	char *hex;

	if (theirs.n <= MAX_REQUEST_ID && str_visible(theirs))
		return theirs;
	hex = arena_alloc(a, 2 * sizeof(bytes) + 1);
	digest_random(bytes, sizeof(bytes));
	digest_hex(bytes, sizeof(bytes), hex);
	return str_of(hex);
}

/* Is readiness asked for?  Nobody knows the mount: by the path's end. */
static bool
wants_ready(void)
{
	struct str path = variable("REQUEST_URI");

	path = str_head(path, str_find(path, '?'));
	return str_ends(path, STR("/ready")) ||
		str_ends(path, STR("/readyz")) ||
		str_ends(path, STR("/_readyz"));
}

static struct str
error_text(struct arena *a, enum fault_kind kind, struct str id)
{
	struct buf b = buf_new(a, MAX_ERROR_REPLY);
	struct str text = STR("");

	buf_fmt(&b, "{\"error\":\"%s\",\"reason\":\"%s\",\"requestId\":\"",
		fault_said(kind), fault_reason(kind));
	buf_json(&b, id);
	buf_add(&b, STR("\"}"));
	(void)buf_take(&b, &text);
	return text;
}

static void
say(int status, struct str id, struct str body)
{
	(void)printf("Status: %d %s\r\nContent-Type: application/json\r\n"
		"Cache-Control: no-store\r\nContent-Length: %zu\r\n"
		"X-Request-Id: %.*s\r\n\r\n", status, http_reason(status),
		body.n, STR_ARG(id));
	if (!str_is(variable("REQUEST_METHOD"), "HEAD"))
		(void)fwrite(body.p, 1, body.n, stdout);
	(void)fflush(stdout);
}

static void
say_fault(enum fault_kind kind)
{
	struct arena *a = arena_new(MAX_ERROR_REPLY);
	struct str id = request_id(a);

	if (kind == FAULT_INTERNAL && wants_ready())
		say(503, id, STR("{\"status\":\"unavailable\"}"));
	else
		say(fault_http(kind), id, error_text(a, kind, id));
	arena_free(a);
}

static void
say_not_set_up(void)
{
	say_fault(FAULT_INTERNAL);
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
	say_fault(FAULT_BAD_REQUEST);
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
	seg = worker_segment(conf_state(conf_tree(conf)), a);
	gone = worker_revoked(conf_state(conf_tree(conf)), seg, a);
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
