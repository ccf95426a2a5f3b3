/* SPDX-License-Identifier: MIT */
/*
 * audit -- the same fields in each record, one line, what fits; and where
 * it goes
 */
#include "config.h"
#include "watch/audit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "base/log.h"
#include "kit/tap.h"

static char dir[] = "/tmp/gate-audit-XXXXXX";
static char file[64], renamed[64], sock[64];

static const uint8_t key[32], other[32] = { 1 };

static struct audit_record
record(void)
{
	return (struct audit_record){ .type = AUDIT_TOOL_CALL,
		.user = STR("alice"), .action = STR("tools/call"),
		.resource = STR("echo"), .remote_addr = STR("192.0.2.1"),
		.user_agent = STR("a \"b\""), .request_id = STR("rid"),
		.session_id = STR("v1.k.secret-session"), .server = STR("s"),
		.strategy = STR("jwt"), .hash_key = key, .success = true,
		.status = 200,
		.token = 3, .us = 12345 };
}

static bool
has(struct str text, const char *words)
{
	return str_search(text, str_of(words)) < text.n;
}

static void
fields(struct arena *a)
{
	struct audit_record r = record();
	struct str text = audit_text(&r, a), user;

	static const char *const words[] = {
		"\"type\":\"tool_call\",\"source\":\"mcpgate\",\"user\":"
		"\"alice\",\"action\":\"tools/call\",\"resource\":\"echo\","
		"\"success\":true,\"error\":null,\"remote_addr\":"
		"\"192.0.2.1\",\"user_agent\":\"a \\\"b\\\"\","
		"\"request_id\":\"rid\",\"session_id\":\"",
		"\",\"server\":\"s\",\"strategy\":\"jwt\",\"token_index\":3,"
		"\"status\":200,\"duration_ms\":12.345}",
	};

	for (size_t i = 0; i < 2; i++)
		if (!tap_ok(has(text, words[i]), "fields, %zu", i))
			printf("# %.*s\n", STR_ARG(text));
	OK(!has(text, "secret-session"));
	r = (struct audit_record){ .type = AUDIT_VIOLATION, .token = -1,
		.error = STR("origin_denied"), .pending = true };
	text = audit_text(&r, a);
	OK(has(text, "\"user\":null"));
	OK(has(text, "\"token_index\":null,\"status\":null,"
		"\"duration_ms\":null}"));
	OK(has(text, "\"success\":false,\"error\":\"origin_denied\""));
	r = record();
	r.hash_user = true;
	text = audit_text(&r, a);
	OK(!has(text, "alice") && !has(text, "\"user\":null"));
	user = str_head(str_from(text, str_search(text, STR("\"user\""))), 25);
	OK(has(audit_text(&r, a), str_copy(a, user).p));
	r.hash_key = other;
	OK(!has(audit_text(&r, a), str_copy(a, user).p));
}

/* Everything as long and as wild as can be: still one object in one line. */
static void
longest(struct arena *a)
{
	static const struct jdoc_limits limits = { .depth = 4, .values = 99 };
	static char wild[2000], wide[2000];
	struct str fill[2] = { { wild, sizeof(wild) }, { wide, sizeof(wide) } };
	struct jdoc_report report;

	memset(wild, 1, sizeof(wild));
	for (size_t i = 0; i < sizeof(wide); i++)
		wide[i] = i % 2 == 0 ? '\xc3' : '\xa4';
	for (size_t i = 0; i < 2; i++) {
		struct str w = fill[i], text;
		struct audit_record r = { .user = str_head(w, MAX_IDENTITY),
			.action = w, .resource = w, .remote_addr = w,
			.user_agent = w, .request_id = STR("rid"),
			.session_id = w, .server = STR("s"), .strategy = w,
			.hash_key = key };

		if (i == 0)		/* such a user cannot be */
			r.user = STR("u");
		text = audit_text(&r, a);
		tap_ok(text.n < MAX_LOG_LINE && jdoc_parse(a, text,
			JDOC_STRICT, &limits, &report) != NULL &&
			str_find(text, '\n') == text.n, "%zu bytes", text.n);
		OK(has(text, "\"duration_ms\""));
	}
}

static struct audit *
make(struct arena *a, enum audit_kind kind, const char *path, bool guest)
{
	struct conf_sink *s = ARENA_NEW(a, struct conf_sink);
	struct conf_audit *c = ARENA_NEW(a, struct conf_audit);

	*s = (struct conf_sink){ .kind = kind, .path = str_of(path),
		.facility = LOG_LOCAL3, .ident = STR("gate") };
	*c = (struct conf_audit){ .enabled = true, .events = AUDIT_CALL,
		.v = s, .n = 1 };
	return audit_new(&(struct audit_plan){ .conf = c, .guest = guest,
		.syslog = sock }, a);
}

static long
lines(const char *path)
{
	FILE *f = fopen(path, "r");
	long n = 0;
	int c;

	while (f != NULL && (c = fgetc(f)) != EOF)
		n += c == '\n';
	if (f != NULL)
		fclose(f);
	return n;
}

static void
files(struct arena *a)
{
	struct audit_record r = record();
	struct audit *au = make(a, AUDIT_JSON, file, true);
	struct stat st;

	OK(!audit_write(au, &r));	/* a guest makes none */
	OK(stat(file, &st) != 0);
	au = make(a, AUDIT_JSON, file, false);
	OK(audit_wants(au, AUDIT_TOOL_CALL) && audit_wants(au,
		AUDIT_HTTP_REQUEST));
	OK(!audit_wants(au, AUDIT_VIOLATION) && !audit_wants(au,
		AUDIT_AUTHENTICATION) && !audit_wants(au, AUDIT_ADMIN_DEED));
	OK(audit_write(au, &r) && audit_write(au, &r));
	IS_INT(lines(file), 2);
	OK(rename(file, renamed) == 0 && audit_write(au, &r));
	IS_INT(lines(renamed), 3);
	audit_reopen(au);
	OK(audit_write(au, &r));
	IS_INT(lines(file), 1);
	OK(symlink(renamed, sock) == 0);
	OK(!audit_write(make(a, AUDIT_JSON, sock, false), &r));
	unlink(sock);
	OK(!audit_write(make(a, AUDIT_JSON, "/dev/full", false), &r));
}

/* Half a line is out when the disk is full: the next one is a line again. */
static void
torn(struct arena *a)
{
	struct audit_record r = record();
	struct audit *au;
	int ends[2];
	char room[1 << 16];
	ssize_t n;

	unlink(file);
	OK(mkfifo(file, 0600) == 0);
	ends[0] = open(file, O_RDONLY | O_NONBLOCK);
	au = make(a, AUDIT_JSON, file, false);
	(void)fcntl(ends[0], F_SETPIPE_SZ, 4096);
	while (audit_write(au, &r))
		continue;
	n = read(ends[0], room, sizeof(room));
	OK(n > 0);
	OK(audit_write(au, &r));
	n = read(ends[0], room, sizeof(room));
	OK(n > 0 && room[n - 1] == '\n' && strstr(room, "{\"timestamp\"") !=
		NULL);
	close(ends[0]);
	OK(!audit_write(au, &r));	/* nobody reads */
	unlink(file);
}

static int
listener(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", sock);
	unlink(sock);
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		printf("Bail out! bind\n");
	return fd;
}

static void
syslog_lines(struct arena *a)
{
	struct audit_record r = record();
	struct audit *au = make(a, AUDIT_SYSLOG, "", false);
	char room[8192], head[64];
	ssize_t n;
	int fd;

	OK(!audit_write(au, &r));
	fd = listener();
	OK(audit_write(au, &r));
	n = recv(fd, room, sizeof(room) - 1, 0);
	snprintf(head, sizeof(head), "<%d>gate[%d]: {\"timestamp\":",
		LOG_LOCAL3 | LOG_INFO, (int)getpid());
	OK(n > 0 && strncmp(room, head, strlen(head)) == 0);
	OK(n > 0 && room[n - 1] == '}');
	r.success = false;
	OK(audit_write(au, &r));
	n = recv(fd, room, sizeof(room) - 1, 0);
	snprintf(head, sizeof(head), "<%d>", LOG_LOCAL3 | LOG_WARNING);
	OK(n > 0 && strncmp(room, head, strlen(head)) == 0);
	close(fd);
	fd = listener();		/* started again */
	OK(audit_write(au, &r));
	OK(recv(fd, room, sizeof(room), 0) > 0);
	while (audit_write(au, &r))
		continue;		/* its queue is full: lost, no wait */
	close(fd);
	OK(!audit_write(au, &r));
	unlink(sock);
}

int
main(void)
{
	struct arena *a = arena_new(1 << 20);

	if (mkdtemp(dir) == NULL)
		return 1;
	(void)signal(SIGPIPE, SIG_IGN);
	log_open(&(struct log_plan){ .target = LOG_FILE, .path = "/dev/null" });
	snprintf(file, sizeof(file), "%s/audit", dir);
	snprintf(renamed, sizeof(renamed), "%s/audit.1", dir);
	snprintf(sock, sizeof(sock), "%s/log", dir);
	fields(a);
	longest(a);
	files(a);
	unlink(renamed);
	torn(a);
	syslog_lines(a);
	arena_free(a);
	rmdir(dir);
	return tap_done();
}
