/* SPDX-License-Identifier: MIT */
/*
 * log -- lines are composed on the caller's stack, gathered here
 *
 * Lifetime: one log per process; a forked worker inherits the target.
 * For syslog each line in the buffer begins with its priority and name, and
 * goes out as a datagram of its own.
 */
#include "config.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

#define GATHERED	KIB(64)	/* bytes waiting for log_flush() */
#define TAIL		16	/* bytes kept free in a line for its end */
#define FACILITY	3	/* daemon, RFC 5424 */
#define SYSLOG_SOCKET	"/dev/log"

static struct {
	struct log_plan plan;
	char *path;
	int fd;
	bool is_socket;
	bool gather;
	bool torn;		/* the buffer begins inside a line */
	int pid;		/* when gathering; getpid() is a system call */
	uint32_t generation;
	uint64_t dropped;
	int64_t stamp_ms;
	char stamp[CLOCK_STAMP];
	size_t n;
	char text[GATHERED];
} state = { .plan = { .level = LOG_LEVEL_INFO }, .fd = STDERR_FILENO };

static const struct {
	const char *word;
	int severity;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARN] = { "warn", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

/* ---- targets ------------------------------------------------------------- */

/* A description of our own for standard error where we may have one, so that
 * making it non-blocking changes nothing for those who share it. */
static int
open_stderr(void)
{
	struct stat st;
	int fd;

	state.is_socket = false;
	if (fstat(STDERR_FILENO, &st) != 0 || S_ISREG(st.st_mode))
		return STDERR_FILENO;
	state.is_socket = S_ISSOCK(st.st_mode);
	if (state.is_socket)
		return STDERR_FILENO;	/* send() has a flag for it */
	fd = open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK |
		O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = fcntl(STDERR_FILENO, F_GETFL);
	if (fd >= 0)
		(void)fcntl(STDERR_FILENO, F_SETFL, fd | O_NONBLOCK);
	return STDERR_FILENO;
}

static int
open_file(const char *path)
{
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW |
		O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);
}

/* Without a listener the socket stays; the next flush tries again. */
static int
open_syslog(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX,
		.sun_path = SYSLOG_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)connect(fd, (const struct sockaddr *)&to, sizeof(to));
	return fd;
}

static int
open_target(const struct log_plan *plan)
{
	switch (plan->target) {
	case LOG_FILE:
		return open_file(plan->path);
	case LOG_SYSLOG:
		return open_syslog();
	case LOG_STDERR:
		break;
	}
	return open_stderr();
}

static void
forget(size_t n)
{
	state.n -= n;
	memmove(state.text, state.text + n, state.n);
}

/* The second half of a line makes no sense to a new target. */
static void
use_target(int fd)
{
	if (state.torn && state.n > 0)
		forget(str_find((struct str){ state.text, state.n - 1 },
			'\n') + 1);
	if (state.fd != STDERR_FILENO && state.fd != fd)
		close(state.fd);
	state.fd = fd;
	state.torn = false;
}

bool
log_open(const struct log_plan *plan)
{
	char *path = NULL;
	int fd;

	log_flush();
	if (plan->path != NULL) {
		path = strdup(plan->path);
		if (path == NULL)
			abort();
	}
	fd = open_target(plan);
	if (fd < 0) {
		free(path);
		return false;
	}
	use_target(fd);
	free(state.path);
	state.path = path;
	state.plan = *plan;
	state.plan.path = path;
	return true;
}

bool
log_reopen(void)
{
	int fd;

	log_flush();
	fd = open_target(&state.plan);
	if (fd < 0)
		return false;
	use_target(fd);
	return true;
}

void
log_gather(void)
{
	state.gather = true;
	state.pid = (int)getpid();
}

void
log_generation(uint32_t generation)
{
	state.generation = generation;
}

bool
log_wants(enum log_level level)
{
	return level <= state.plan.level;
}

uint64_t
log_dropped(void)
{
	return state.dropped;
}

/* ---- out ----------------------------------------------------------------- */

static ssize_t
put_out(const char *p, size_t n)
{
	ssize_t put;

	do {
		if (state.is_socket || state.plan.target == LOG_SYSLOG)
			put = send(state.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			put = write(state.fd, p, n);
	} while (put < 0 && errno == EINTR);
	return put;
}

/* The target is broken: what is there is lost.  When half a line is out, the
 * next one must not be glued to it. */
static void
lose_all(void)
{
	for (size_t i = 0; i < state.n; i++)
		state.dropped += state.text[i] == '\n';
	state.n = 0;
	if (state.torn)
		state.text[state.n++] = '\n';
}

static void
flush_stream(void)
{
	ssize_t put = put_out(state.text, state.n);

	if (put > 0) {
		state.torn = state.text[put - 1] != '\n';
		forget((size_t)put);
	} else if (put < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
		lose_all();
	}
}

/* The listener was started again: one more try on a new socket. */
static ssize_t
send_line(struct str line, bool *renewed)
{
	ssize_t put = put_out(line.p, line.n);
	int fd;

	if (put >= 0 || errno == EAGAIN || errno == ENOBUFS || *renewed)
		return put;
	*renewed = true;
	fd = open_syslog();
	if (fd < 0)
		return -1;
	use_target(fd);
	return put_out(line.p, line.n);
}

static void
flush_syslog(void)
{
	struct str rest = { state.text, state.n };
	bool renewed = false;

	while (rest.n > 0) {
		struct str after = rest;
		struct str line = str_cut(&after, '\n');

		if (send_line(line, &renewed) < 0) {
			if (errno == EAGAIN || errno == ENOBUFS)
				break;
			state.dropped++;
		}
		rest = after;
	}
	forget(state.n - rest.n);
}

void
log_flush(void)
{
	if (state.n == 0)
		return;
	if (state.plan.target == LOG_SYSLOG)
		flush_syslog();
	else
		flush_stream();
}

/* ---- pieces of a line ---------------------------------------------------- */

/* False: it does not fit, nothing was added. */
static bool
add(struct log_line *l, struct str s)
{
	if (s.n > sizeof(l->text) - TAIL - l->n)
		return false;
	if (s.n > 0)
		memcpy(l->text + l->n, s.p, s.n);
	l->n += s.n;
	return true;
}

/* One character of a value from outside, made harmless; returns the length of
 * what stands for it in out. took_r: bytes of s that it stands for. */
static size_t
harmless(enum log_format format, struct str s, char out[8], size_t *took_r)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char c = (unsigned char)s.p[0];
	size_t took = str_utf8_char(s.p, s.n), n = 0;
	bool c1 = took == 2 && c == 0xC2 && (unsigned char)s.p[1] < 0xA0;

	*took_r = took > 0 ? took : 1;
	if (took > 0 && c >= 0x20 && c != 0x7F && !c1) {
		if (c == '"' || c == '\\')
			out[n++] = '\\';
		memcpy(out + n, s.p, took);
		return n + took;
	}
	if (c1)
		c = (unsigned char)s.p[1];
	out[n++] = '\\';
	if (format == LOG_JSON && took == 0)
		out[n++] = '\\';	/* a byte, no character: text "\xNN" */
	out[n++] = format == LOG_JSON && took > 0 ? 'u' : 'x';
	if (format == LOG_JSON && took > 0) {
		out[n++] = '0';
		out[n++] = '0';
	}
	out[n++] = hex[c >> 4];
	out[n++] = hex[c & 15];
	return n;
}

/* How many bytes of s can stand in any format as they are. */
static size_t
plain_bytes(struct str s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] >= 0x20 && s.p[i] < 0x7F && s.p[i] != '"' &&
	    s.p[i] != '\\')
		i++;
	return i;
}

static bool
add_value(struct log_line *l, struct str value)
{
	size_t room = MAX_LOG_FIELD;
	char out[8];

	while (value.n > 0) {
		size_t took = plain_bytes(value), n = took;
		const char *p = value.p;

		if (took == 0) {
			n = harmless(l->format, value, out, &took);
			p = out;
		} else if (n > room) {
			n = room;
		}
		if (n > room || n == 0) {
			l->cut = true;
			return true;
		}
		if (!add(l, (struct str){ p, n }))
			return false;
		room -= n;
		value = str_from(value, p == out ? took : n);
	}
	return true;
}

/* A word that logfmt can leave without quotes. */
static bool
is_word(struct str s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] > ' ' && s.p[i] < 0x7F && s.p[i] != '"' &&
	    s.p[i] != '\\' && s.p[i] != '=')
		i++;
	return s.n > 0 && i == s.n;
}

static bool
add_key(struct log_line *l, const char *key)
{
	bool json = l->format == LOG_JSON;

	if (json && !add(l, l->n > 1 ? STR(",\"") : STR("\"")))
		return false;
	if (!json && l->n > 0 && !add(l, STR(" ")))
		return false;
	return add(l, str_of(key)) && add(l, json ? STR("\":") : STR("="));
}

static bool
add_text(struct log_line *l, const char *key, struct str value)
{
	bool quoted = l->format == LOG_JSON || !is_word(value);

	return add_key(l, key) && (!quoted || add(l, STR("\""))) &&
		add_value(l, value) && (!quoted || add(l, STR("\"")));
}

/* ---- lines --------------------------------------------------------------- */

static struct str
stamp_now(void)
{
	int64_t now = clock_unix_ms();

	if (now != state.stamp_ms || state.stamp[0] == '\0') {
		clock_stamp(now, state.stamp);
		state.stamp_ms = now;
	}
	return (struct str){ state.stamp, CLOCK_STAMP - 1 };
}

void
log_begin(struct log_line *l, enum log_level level, const char *event)
{
	struct str word = str_of(levels[level].word);

	l->n = 0;
	l->format = state.plan.format;
	l->level = level;
	l->cut = false;
	if (l->format >= LOG_PLAIN) {
		(void)(add(l, stamp_now()) && add(l, STR(" ")) &&
			add(l, word) && add(l, STR(" ")) &&
			add(l, str_of(event)));
	} else {
		(void)add(l, l->format == LOG_JSON ? STR("{") : STR(""));
		log_str(l, "ts", stamp_now());
		log_str(l, "level", word);
		log_str(l, "event", str_of(event));
	}
	log_num(l, "pid", state.gather ? state.pid : (int)getpid());
	log_num(l, "generation", state.generation);
}

/* A field that does not fit leaves no trace but the word "cut". */
void
log_str(struct log_line *l, const char *key, struct str value)
{
	size_t was = l->n;

	if (add_text(l, key, value))
		return;
	l->n = was;
	l->cut = true;
}

void
log_opt(struct log_line *l, const char *key, struct str value)
{
	if (value.n > 0)
		log_str(l, key, value);
}

static void
add_number(struct log_line *l, const char *key, struct str digits)
{
	size_t was = l->n;

	if (add_key(l, key) && add(l, digits))
		return;
	l->n = was;
	l->cut = true;
}

void
log_num(struct log_line *l, const char *key, int64_t value)
{
	char room[1 + STR_DIGITS];
	struct str digits = str_digits(room + 1, value < 0 ?
		0 - (uint64_t)value : (uint64_t)value);

	if (value < 0) {
		digits.p--;
		digits.n++;
		room[digits.p - room] = '-';
	}
	add_number(l, key, digits);
}

/* Milliseconds with three digits behind the point. */
void
log_ms(struct log_line *l, const char *key, uint64_t us)
{
	char room[STR_DIGITS + 4];
	struct str digits = str_digits(room, us / 1000);
	char *p = room + STR_DIGITS;

	us %= 1000;
	p[0] = '.';
	p[1] = (char)('0' + us / 100);
	p[2] = (char)('0' + us / 10 % 10);
	p[3] = (char)('0' + us % 10);
	digits.n += 4;
	add_number(l, key, digits);
}

/* head and line into the buffer, or neither. */
static void
keep(struct str head, struct str line)
{
	if (head.n + line.n > sizeof(state.text) - state.n)
		log_flush();
	if (head.n + line.n > sizeof(state.text) - state.n) {
		state.dropped++;
		return;
	}
	if (head.n > 0)
		memcpy(state.text + state.n, head.p, head.n);
	memcpy(state.text + state.n + head.n, line.p, line.n);
	state.n += head.n + line.n;
}

void
log_end(struct log_line *l)
{
	char head[48];
	int n = 0;

	if (!log_wants(l->level))
		return;
	if (l->cut)		/* fits: add() keeps TAIL bytes free */
		l->n += (size_t)snprintf(l->text + l->n, TAIL, "%s",
			l->format == LOG_JSON ? ",\"cut\":true" : " cut=true");
	if (l->format == LOG_JSON)
		l->text[l->n++] = '}';
	l->text[l->n++] = '\n';
	if (state.plan.target == LOG_SYSLOG)
		n = snprintf(head, sizeof(head), "<%d>" PACKAGE "[%d]: ",
			FACILITY * 8 + levels[l->level].severity,
			state.gather ? state.pid : (int)getpid());
	keep((struct str){ head, (size_t)n }, (struct str){ l->text, l->n });
	if (!state.gather)
		log_flush();
}

void
log_say(enum log_level level, const char *event, const char *fmt, ...)
{
	struct log_line l;
	char text[MAX_LOG_FIELD + 2];	/* one byte too long shows the cut */
	va_list ap;
	int n;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();		/* a wrong format is ours */
	if ((size_t)n >= sizeof(text))
		n = (int)sizeof(text) - 1;
	log_begin(&l, level, event);
	log_str(&l, "msg", (struct str){ text, (size_t)n });
	log_end(&l);
}
