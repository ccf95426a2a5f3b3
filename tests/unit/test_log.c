/* SPDX-License-Identifier: MIT */
/*
 * log -- what a line looks like, what is cut, what is dropped
 */
#include "config.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "kit/tap.h"

static struct arena *a;
static char dir[] = "/tmp/test_log.XXXXXX";
static const char *path;
static off_t seen;		/* bytes of the file that were looked at */

static bool
open_log(const char *where, enum log_format format)
{
	const struct log_plan plan = { LOG_FILE, where, format,
		LOG_LEVEL_INFO };

	return log_open(&plan);
}

/* What is new in the file. */
static struct str
news(const char *where)
{
	int fd = open(where, O_RDONLY);
	char *p = arena_alloc(a, KIB(256));
	ssize_t n = fd >= 0 ? pread(fd, p, KIB(256), seen) : 0;

	if (fd >= 0)
		close(fd);
	n = n > 0 ? n : 0;
	seen += n;
	return (struct str){ p, (size_t)n };
}

/* The value of one member of a JSON line; absent: none. */
static struct str
member(struct str line, const char *name)
{
	static const struct jdoc_limits limits = { 4, 1000, 1 };
	struct jdoc_report report;
	struct jdoc *d = jdoc_parse(a, line, JDOC_MESSAGE, &limits, &report);
	struct str text = STR_NONE;

	if (d == NULL)
		printf("# %s: '%.*s'\n", report.why, STR_ARG(str_head(line,
			200)));
	if (jdoc_get(d, name) != NULL &&
	    !jdoc_string(jdoc_get(d, name), &text))
		text = jdoc_text(a, jdoc_get(d, name));
	return text;
}

/* A line whose field v is the value; without what differs each time. */
static struct str
line_with(enum log_format format, struct str value)
{
	struct log_line l;
	struct str line;

	OK(open_log(path, format));
	log_begin(&l, LOG_LEVEL_INFO, "test");
	log_str(&l, "v", value);
	log_end(&l);
	line = news(path);
	OK(str_ends(line, STR("\n")));
	return str_head(line, line.n - 1);
}

static void
test_json(void)
{
	struct log_line l;
	struct str line;

	OK(open_log(path, LOG_JSON));
	log_generation(7);
	log_begin(&l, LOG_LEVEL_WARN, "odd");
	log_str(&l, "empty", STR_NONE);
	log_opt(&l, "none", STR(""));
	log_opt(&l, "some", STR("x y"));
	log_num(&l, "low", INT64_MIN);
	log_num(&l, "high", INT64_MAX);
	log_ms(&l, "took", 1234005);
	log_end(&l);
	line = news(path);
	IS_STR(member(line, "level"), "warn");
	IS_STR(member(line, "event"), "odd");
	IS_STR(member(line, "generation"), "7");
	IS_STR(member(line, "pid"), str_fmt(a, "%d", (int)getpid()).p);
	IS_INT(member(line, "ts").n, 24);
	OK(str_starts(line, STR("{\"ts\":\"2")));
	OK(member(line, "empty").p != NULL && member(line, "empty").n == 0);
	OK(member(line, "none").p == NULL);
	IS_STR(member(line, "some"), "x y");
	IS_STR(member(line, "low"), "-9223372036854775808");
	IS_STR(member(line, "high"), "9223372036854775807");
	IS_STR(member(line, "took"), "1234.005");
	OK(member(line, "cut").p == NULL);
}

static void
test_escapes(void)
{
	static const struct {
		struct str value;
		const char *json, *logfmt;
	} rows[] = {
#define ROW(v, json, logfmt) { { v, sizeof(v) - 1 }, json, logfmt }
		ROW("word", "\"v\":\"word\"", " v=word"),
		ROW("", "\"v\":\"\"", " v=\"\""),
		ROW("a b", "\"v\":\"a b\"", " v=\"a b\""),
		ROW("a=b", "\"v\":\"a=b\"", " v=\"a=b\""),
		ROW("\"\\", "\"v\":\"\\\"\\\\\"", " v=\"\\\"\\\\\""),
		ROW("a\n{", "\"v\":\"a\\u000a{\"", " v=\"a\\x0a{\""),
		ROW("\0\x7F", "\"v\":\"\\u0000\\u007f\"", " v=\"\\x00\\x7f\""),
		ROW("\x1B[2J", "\"v\":\"\\u001b[2J\"", " v=\"\\x1b[2J\""),
		ROW("\xC2\x9B", "\"v\":\"\\u009b\"", " v=\"\\x9b\""),
		ROW("\xC3\xA9", "\"v\":\"\xC3\xA9\"", " v=\"\xC3\xA9\""),
		ROW("\xFF\xC3", "\"v\":\"\\\\xff\\\\xc3\"",
			" v=\"\\xff\\xc3\""),
#undef ROW
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct str line = line_with(LOG_JSON, rows[i].value);

		tap_ok(str_search(line, str_of(rows[i].json)) < line.n,
			"row %zu as json", i);
		IS_STR(member(line, "event"), "test");
		tap_ok(str_ends(line_with(LOG_LOGFMT, rows[i].value),
			str_of(rows[i].logfmt)), "row %zu as logfmt", i);
		tap_ok(str_ends(line_with(LOG_PLAIN, rows[i].value),
			str_of(rows[i].logfmt)), "row %zu as plain text", i);
	}
}

static void
test_heads(void)
{
	struct str line = line_with(LOG_LOGFMT, STR("x"));

	OK(str_starts(line, STR("ts=2")));
	OK(str_search(line, STR(" level=info event=test pid=")) == 27);
	line = line_with(LOG_PLAIN, STR("x"));
	OK(str_search(line, STR("Z info test pid=")) == 23);
}

static struct str
filled(char c, size_t n)
{
	char *p = arena_alloc(a, n);

	memset(p, c, n);
	return (struct str){ p, n };
}

/* A field at its limit is whole, one byte more is cut and told. */
static void
test_field(void)
{
	struct str line = line_with(LOG_JSON, filled('x', MAX_LOG_FIELD));

	IS_INT(member(line, "v").n, MAX_LOG_FIELD);
	OK(member(line, "cut").p == NULL);
	line = line_with(LOG_JSON, filled('x', MAX_LOG_FIELD + 1));
	IS_INT(member(line, "v").n, MAX_LOG_FIELD);
	IS_STR(member(line, "cut"), "true");
	line = line_with(LOG_JSON, filled('\n', MAX_LOG_FIELD));
	IS_INT(member(line, "v").n, MAX_LOG_FIELD / 6);
	IS_STR(member(line, "cut"), "true");
	line = line_with(LOG_LOGFMT, filled('x', MAX_LOG_FIELD + 1));
	OK(str_ends(line, STR("x cut=true")));
	log_say(LOG_LEVEL_INFO, "say", "%s%.*s", "y",
		STR_ARG(filled('x', MAX_LOG_FIELD)));
	line = news(path);
	OK(str_ends(line, STR("x cut=true\n")));
}

/* Lines of all lengths around the maximum are whole and within it. */
static void
test_lengths(enum log_format format)
{
	size_t longest = 0, n_whole = 0;

	OK(open_log(path, format));
	for (size_t n = 850; n < 1000; n++) {
		struct log_line l;
		struct str line;

		log_begin(&l, LOG_LEVEL_INFO, "long");
		for (int k = 0; k < 3; k++)
			log_str(&l, "k", filled('"', 500));
		log_str(&l, "k", filled('x', n));
		log_num(&l, "last", 12345);
		log_end(&l);
		line = news(path);
		longest = line.n > longest ? line.n : longest;
		n_whole += str_ends(line, format == LOG_JSON ? STR("}\n") :
			l.cut ? STR(" cut=true\n") : STR("12345\n"));
	}
	IS_INT(n_whole, 150);
	tap_ok(longest <= MAX_LOG_LINE && longest > MAX_LOG_LINE - 32,
		"the longest line has %zu bytes", longest);
}

/* Fields that no longer fit leave the line whole, and those that do get in. */
static void
test_line(void)
{
	struct log_line l;
	struct str line;

	OK(open_log(path, LOG_JSON));
	log_begin(&l, LOG_LEVEL_INFO, "long");
	for (char c = 'a'; c < 'e'; c++)
		log_str(&l, (char[2]){ c, '\0' }, filled('x', 1000));
	log_num(&l, "last", 12345);
	log_end(&l);
	line = news(path);
	IS_STR(member(line, "last"), "12345");
	IS_INT(member(line, "c").n, 1000);
	OK(member(line, "d").p == NULL);
	IS_STR(member(line, "cut"), "true");
}

static void
test_levels(void)
{
	OK(log_wants(LOG_LEVEL_ERROR) && log_wants(LOG_LEVEL_INFO));
	OK(!log_wants(LOG_LEVEL_DEBUG));
	log_say(LOG_LEVEL_DEBUG, "quiet", "nothing");
	IS_INT(news(path).n, 0);
	log_say(LOG_LEVEL_ERROR, "loud", "%d things", 2);
	IS_STR(member(news(path), "msg"), "2 things");
}

/* A plan that cannot be opened changes nothing; a reopened file is a new one. */
static void
test_open(void)
{
	const char *old = str_fmt(a, "%s/old", dir).p;
	const char *gone = str_fmt(a, "%s/none/x", dir).p;
	const char *sly = str_fmt(a, "%s/link", dir).p;
	struct stat st;

	errno = 0;
	OK(!open_log(gone, LOG_PLAIN) && errno == ENOENT);
	OK(symlink(path, sly) == 0);
	OK(!open_log(sly, LOG_PLAIN) && errno == ELOOP);
	log_say(LOG_LEVEL_INFO, "still", "here");
	IS_STR(member(news(path), "event"), "still");
	OK(rename(path, old) == 0);
	log_say(LOG_LEVEL_INFO, "renamed", "x");
	IS_STR(member(news(old), "event"), "renamed");
	OK(log_reopen());
	seen = 0;
	log_say(LOG_LEVEL_INFO, "fresh", "x");
	IS_STR(member(news(path), "event"), "fresh");
	OK(stat(path, &st) == 0 && (st.st_mode & 0777 & ~0640u) == 0);
	unlink(sly);
	unlink(old);
}

/* Everything a pipe's reader can get now. */
static size_t
drain(int fd, struct str *last_r)
{
	static char bytes[KIB(256)];
	ssize_t n, all = 0;

	while ((n = read(fd, bytes + all, sizeof(bytes) - (size_t)all)) > 0)
		all += n;
	*last_r = (struct str){ bytes, (size_t)all };
	return (size_t)all;
}

static size_t
count_lines(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

/* From here on the lines wait for log_flush(). */
static void
test_gather(void)
{
	log_gather();
	log_say(LOG_LEVEL_INFO, "one", "x");
	log_say(LOG_LEVEL_INFO, "two", "x");
	IS_INT(news(path).n, 0);
	log_flush();
	IS_INT(count_lines(news(path)), 2);
	log_flush();
	IS_INT(news(path).n, 0);
}

/* A reader who does not read: some lines go out, some wait, the others are
 * dropped and counted, and nothing blocks. */
static void
test_stuck(void)
{
	const char *fifo = str_fmt(a, "%s/fifo", dir).p;
	size_t total = 400, got = 0;
	struct str text = STR_NONE;
	int fd;

	OK(mkfifo(fifo, 0600) == 0);
	errno = 0;
	OK(!open_log(fifo, LOG_JSON) && errno == ENXIO);
	fd = open(fifo, O_RDONLY | O_NONBLOCK);
	OK(open_log(fifo, LOG_JSON));
	for (size_t i = 0; i < total; i++) {
		log_say(LOG_LEVEL_INFO, "flood", "%.*s",
			STR_ARG(filled('x', 700)));
		log_flush();
	}
	OK(log_dropped() > 0 && log_dropped() < total);
	for (int i = 0; i < 4; i++) {
		drain(fd, &text);
		got += count_lines(text);
		log_flush();
	}
	IS_INT(got + log_dropped(), total);
	log_say(LOG_LEVEL_INFO, "after", "x");
	log_flush();
	drain(fd, &text);
	IS_STR(member(text, "event"), "after");
	close(fd);
	unlink(fifo);
}

/* The reader is gone: what is there is lost, and counted. */
static void
test_broken(void)
{
	const char *fifo = str_fmt(a, "%s/fifo", dir).p;
	uint64_t was;
	int fd;

	OK(mkfifo(fifo, 0600) == 0);
	fd = open(fifo, O_RDONLY | O_NONBLOCK);
	OK(open_log(fifo, LOG_JSON));
	close(fd);
	was = log_dropped();
	for (int i = 0; i < 3; i++)
		log_say(LOG_LEVEL_INFO, "lost", "x");
	log_flush();
	IS_INT(log_dropped() - was, 3);
	unlink(fifo);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		abort();
	signal(SIGPIPE, SIG_IGN);
	a = arena_new(MIB(64));
	path = str_fmt(a, "%s/log", dir).p;
	test_json();
	test_escapes();
	test_heads();
	test_field();
	test_lengths(LOG_JSON);
	test_lengths(LOG_LOGFMT);
	test_lengths(LOG_PLAIN);
	test_line();
	OK(open_log(path, LOG_JSON));
	test_levels();
	test_open();
	test_gather();
	test_stuck();
	test_broken();
	unlink(path);
	rmdir(dir);
	arena_free(a);
	return tap_done();
}
