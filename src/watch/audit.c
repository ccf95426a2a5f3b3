/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "watch/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "watch/access_log.h"

#define MAX_HEAD 128		/* of syslog: priority, name, number */
#define MARK "AUDIT: "		/* what tells a record from a log line */

static const char *const types[AUDIT_TYPES] = {
	[AUDIT_HTTP_REQUEST] = "http_request",
	[AUDIT_AUTHENTICATION] = "authentication",
	[AUDIT_TOOL_CALL] = "tool_call",
	[AUDIT_ADMIN_DEED] = "admin",
	[AUDIT_VIOLATION] = "security_violation",
};

struct sink {
	const struct conf_sink *conf;
	const char *path;		/* of a file or a socket, with a NUL */
	int fd;				/* -1: not open */
	bool is_stderr, is_socket, guest;
	bool torn;			/* the last line has no end */
	bool told;			/* that it cannot be opened */
};

struct audit {
	uint32_t events;
	struct sink *v;
	uint32_t n;
};

/* ---- the text ---------------------------------------------------------------- */
static void
put(struct buf *b, const char *key, struct str value, size_t max)
{
	buf_fmt(b, ",\"%s\":", key);
	if (value.n == 0) {
		buf_add_c(b, "null");
		return;
	}
	buf_char(b, '"');
	buf_json(b, str_head_utf8(value, max));
	buf_char(b, '"');
}

static void
put_user(struct buf *b, const struct audit_record *r)
{
	char hex[ACCESS_LOG_HASH];

	if (!r->hash_user || r->user.n == 0) {
		put(b, "user", r->user, MAX_IDENTITY);
		return;
	}
	access_log_hash(r->hash_key, r->user, hex);
	put(b, "user", str_of(hex), sizeof(hex));
}

static void
put_session(struct buf *b, const struct audit_record *r)
{
	char hex[ACCESS_LOG_HASH] = "";

	if (r->session_id.n > 0)
		access_log_hash(r->hash_key, r->session_id, hex);
	put(b, "session_id", str_of(hex), sizeof(hex));
}

static void
put_numbers(struct buf *b, const struct audit_record *r)
{
	if (r->token >= 0)
		buf_fmt(b, ",\"token_index\":%d", r->token);
	else
		buf_add_c(b, ",\"token_index\":null");
	if (r->pending)
		buf_add_c(b, ",\"status\":null,\"duration_ms\":null}");
	else
		buf_fmt(b, ",\"status\":%d,\"duration_ms\":%" PRIu64
			".%03" PRIu64 "}", r->status, r->us / 1000,
			r->us % 1000);
}

struct str
audit_text(const struct audit_record *r, struct arena *a)
{
	struct buf b = buf_new(a, MAX_LOG_LINE - MAX_HEAD);
	char stamp[CLOCK_STAMP];
	struct str text;

	clock_stamp(clock_unix_ms(), stamp);
	buf_fmt(&b, "{\"timestamp\":\"%s\",\"type\":\"%s\",\"source\":"
		"\"mcpgate\"", stamp, types[r->type]);
	put_user(&b, r);
	put(&b, "action", r->action, 64);
	put(&b, "resource", r->resource, 256);
	buf_fmt(&b, ",\"success\":%s", r->success ? "true" : "false");
	put(&b, "error", r->error, 32);
	put(&b, "remote_addr", r->remote_addr, 64);
	put(&b, "user_agent", r->user_agent, 128);
	put(&b, "request_id", r->request_id, MAX_REQUEST_ID);
	put_session(&b, r);
	put(&b, "server", r->server, 64);
	put(&b, "strategy", r->strategy, 32);
	put_numbers(&b, r);
	return buf_take(&b, &text) ? text : STR("{\"type\":\"too long\"}");
}

/* ---- sinks ------------------------------------------------------------------- */
static int
open_socket(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to,
	    sizeof(to)) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* A description of our own where one is needed so as not to wait. */
static int
open_stderr(struct sink *s)
{
	struct stat st;
	int fd = -1;

	s->is_socket = fstat(STDERR_FILENO, &st) == 0 && S_ISSOCK(st.st_mode);
	if (!s->is_socket && !S_ISREG(st.st_mode))
		fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND |
			O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : STDERR_FILENO;
}

static void
open_sink(struct sink *s)
{
	if (s->conf->kind == AUDIT_SYSLOG)
		s->fd = open_socket(s->path);
	else if (s->is_stderr)
		s->fd = open_stderr(s);
	else
		s->fd = open(s->path, O_WRONLY | O_APPEND |
			(s->guest ? 0 : O_CREAT) | O_NOFOLLOW |
			O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
	if (s->fd < 0 && !s->told)
		log_say(LOG_LEVEL_ERROR, "audit", "cannot open '%s': %s",
			s->path, strerror(errno));
	s->told = s->fd < 0;
}

static void
close_sink(struct sink *s)
{
	if (s->fd >= 0 && s->fd != STDERR_FILENO)
		(void)close(s->fd);
	s->fd = -1;
	s->torn = false;
}

static void
close_all(void *what)
{
	struct audit *au = what;

	for (uint32_t i = 0; i < au->n; i++)
		close_sink(&au->v[i]);
}

struct audit *
audit_new(const struct audit_plan *p, struct arena *a)
{
	const struct conf_audit *c = p->conf;
	struct audit *au = ARENA_NEW(a, struct audit);

	au->events = c->enabled ? c->events : 0;
	if (au->events == 0)
		return au;
	au->v = ARENA_ARRAY(a, struct sink, c->n);
	arena_defer(a, close_all, au);
	for (uint32_t i = 0; i < c->n; i++) {
		struct sink *s = &au->v[au->n++];

		s->conf = &c->v[i];
		s->path = c->v[i].path.p;
		s->guest = p->guest;
		s->is_stderr = c->v[i].kind == AUDIT_JSON &&
			str_is(c->v[i].path, "stderr");
		if (c->v[i].kind == AUDIT_SYSLOG)
			s->path = p->syslog != NULL ? p->syslog : "/dev/log";
		open_sink(s);
	}
	return au;
}

void
audit_reopen(struct audit *au)
{
	for (uint32_t i = 0; i < au->n; i++) {
		close_sink(&au->v[i]);
		open_sink(&au->v[i]);
	}
}

bool
audit_wants(const struct audit *au, enum audit_type type)
{
	static const uint32_t bits[AUDIT_TYPES] = {
		[AUDIT_HTTP_REQUEST] = AUDIT_CALL,
		[AUDIT_AUTHENTICATION] = AUDIT_AUTH,
		[AUDIT_TOOL_CALL] = AUDIT_CALL,
		[AUDIT_ADMIN_DEED] = AUDIT_ADMIN,
		[AUDIT_VIOLATION] = AUDIT_SECURITY,
	};

	return (au->events & bits[type]) != 0;
}

/* ---- writing ----------------------------------------------------------------- */
/* All of it in one piece, or false. */
static bool
put_out(struct sink *s, struct str text)
{
	bool socket = s->is_socket || s->conf->kind == AUDIT_SYSLOG;
	ssize_t put;

	do {
		put = socket ? send(s->fd, text.p, text.n, MSG_DONTWAIT |
			MSG_NOSIGNAL) : write(s->fd, text.p, text.n);
	} while (put < 0 && errno == EINTR);
	if (!socket && put > 0)
		s->torn = (size_t)put < text.n;
	return put == (ssize_t)text.n;
}

static bool
write_line(struct sink *s, struct str text)
{
	char room[MAX_LOG_LINE];
	int n = snprintf(room, sizeof(room), "%s%s%.*s\n",
		s->torn ? "\n" : "", s->is_stderr ? MARK : "", STR_ARG(text));

	if (s->fd < 0)
		open_sink(s);
	return s->fd >= 0 && put_out(s, (struct str){ room, (size_t)n });
}

/* The listener may have been started again: one more try. */
static bool
write_syslog(struct sink *s, struct str text, bool bad)
{
	char room[MAX_LOG_LINE];
	int n = snprintf(room, sizeof(room), "<%d>%.32s[%d]: %.*s",
		s->conf->facility | (bad ? LOG_WARNING : LOG_INFO),
		s->conf->ident.p, (int)getpid(), STR_ARG(text));
	struct str line = { room, (size_t)n };

	if (s->fd >= 0 && put_out(s, line))
		return true;
	if (s->fd >= 0 && (errno == EAGAIN || errno == ENOBUFS))
		return false;
	close_sink(s);
	open_sink(s);
	return s->fd >= 0 && put_out(s, line);
}

bool
audit_write(struct audit *au, const struct audit_record *r)
{
	struct arena *a = arena_new(KIB(8));
	struct str text = audit_text(r, a);
	bool good = true;

	for (uint32_t i = 0; i < au->n; i++) {
		struct sink *s = &au->v[i];

		good &= s->conf->kind == AUDIT_SYSLOG ?
			write_syslog(s, text, !r->success) :
			write_line(s, text);
	}
	arena_free(a);
	return good;
}
