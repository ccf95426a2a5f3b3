/* SPDX-License-Identifier: MIT */
/*
 * revoked_file -- the journal: its lines, its one writer, a shorter one
 *
 * A line: KIND NAME BEFORE UNTIL WHAT, see revoked_parse().
 */
#include "config.h"
#include "shm/revoked_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"

#define MAX_WHAT 300
#define REPLACED_MOST 100	/* times, while we waited for our turn */

/* ---- lines of the journal --------------------------------------------------- */
static bool
parse_number(struct str s, int64_t *n_r)
{
	uint64_t n;

	if (str_is(s, "-")) {
		*n_r = INT64_MAX;
		return true;
	}
	if (!str_number(s, &n) || n > INT64_MAX)
		return false;
	*n_r = (int64_t)n;
	return true;
}

/* "u 0123…cdef 1700000000 - alice": kind, name, before, until, what. */
bool
revoked_parse(struct str line, struct revoked_entry *e_r)
{
	struct str kind = str_cut(&line, ' '), name = str_cut(&line, ' ');
	struct str before = str_cut(&line, ' '), until = str_cut(&line, ' ');

	if (kind.n != 1 || str_find(STR("tju"), kind.p[0]) == 3 ||
	    name.n != 2 * sizeof(e_r->name) ||
	    !digest_unhex(name, (uint8_t *)&e_r->name, sizeof(e_r->name)) ||
	    e_r->name.v[0] == 0 || !parse_number(before, &e_r->before) ||
	    !parse_number(until, &e_r->until))
		return false;
	e_r->kind = kind.p[0];
	e_r->what = line.p != NULL ? line : STR_NONE;
	return true;
}

static void
put_number(char *to, size_t room, int64_t n)
{
	if (n == INT64_MAX)
		(void)snprintf(to, room, "-");
	else
		(void)snprintf(to, room, "%" PRId64, n < 0 ? 0 : n);
}

/* What people may read, in one line. */
static void
clean(char *to, struct str s)
{
	size_t n = s.n < MAX_WHAT ? s.n : MAX_WHAT;

	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f ?
			'?' : s.p[i];
	to[n] = '\0';
}

size_t
revoked_print(const struct revoked_entry *e, char line_r[REVOKED_LINE])
{
	char name[2 * sizeof(e->name) + 1], before[24], until[24];
	char what[MAX_WHAT + 1];

	digest_hex(&e->name, sizeof(e->name), name);
	put_number(before, sizeof(before), e->before);
	put_number(until, sizeof(until), e->until);
	clean(what, e->what);
	return (size_t)snprintf(line_r, REVOKED_LINE, "%c %s %s %s %s\n", e->kind,
		name, before, until, what);
}

/* ---- the journal ------------------------------------------------------------- */
const char *
revoked_say(struct revoked *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(r->why, sizeof(r->why), format, args);
	va_end(args);
	return r->why;
}

static const char *
why_errno(struct revoked *r, const char *what)
{
	return revoked_say(r, "%s '%s': %s", what, r->journal,
		strerror(errno));
}

/* Somebody else's file, or one that others may write, is not believed. */
static bool
is_ours(const struct stat *st)
{
	return S_ISREG(st->st_mode) && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0
		&& (st->st_uid == geteuid() || st->st_uid == 0 ||
		geteuid() == 0);
}

/* -1 with *why_r "": there is none yet. */
static int
open_journal(struct revoked *r, int how, struct stat *st_r, const char **why_r)
{
	int fd = open(r->journal, how | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY |
		O_NONBLOCK, 0600);

	*why_r = "";
	if (fd < 0) {
		if (errno != ENOENT)
			*why_r = why_errno(r, "cannot open");
		return -1;
	}
	if (fstat(fd, st_r) == 0 && is_ours(st_r))
		return fd;
	*why_r = revoked_say(r, "refusing '%s': not a file of ours",
		r->journal);
	close(fd);
	return -1;
}

static bool
read_bytes(int fd, off_t size, struct arena *a, struct str *text_r)
{
	char *p = arena_alloc(a, (size_t)size + 1);
	size_t n = 0;
	ssize_t got = 1;

	while (p != NULL && n < (size_t)size && got > 0) {
		got = pread(fd, p + n, (size_t)size - n, (off_t)n);
		if (got > 0)
			n += (size_t)got;
	}
	*text_r = (struct str){ p, n };
	return p != NULL && got >= 0;
}

/* The whole journal; a last line without its end is still being written. */
bool
revoked_read(struct revoked *r, struct arena *a, struct str *text_r,
	struct stat *st_r, const char **why_r)
{
	int fd = open_journal(r, O_RDONLY, st_r, why_r);
	bool good;

	*text_r = STR_NONE;
	if (fd < 0)
		return (*why_r)[0] == '\0';
	good = st_r->st_size <= (off_t)MAX_JOURNAL &&
		read_bytes(fd, st_r->st_size, a, text_r);
	close(fd);
	if (!good)
		*why_r = revoked_say(r, "cannot read '%s'", r->journal);
	while (text_r->n > 0 && text_r->p[text_r->n - 1] != '\n')
		text_r->n--;
	return good;
}

bool
revoked_lines(struct revoked *r, struct str text, const char **why_r,
	bool (*fn)(void *who, const struct revoked_entry *e), void *who)
{
	struct revoked_entry e;
	unsigned number = 0;

	while (text.n > 0) {
		number++;
		if (!revoked_parse(str_cut(&text, '\n'), &e)) {
			*why_r = revoked_say(r, "%s:%u: not a line of "
				"revocations", r->journal, number);
			return false;
		}
		if (!fn(who, &e)) {
			*why_r = revoked_say(r, "%s:%u: the table of "
				"revocations is full", r->journal, number);
			return false;
		}
	}
	return true;
}

/* ---- adding ------------------------------------------------------------------- */
/* root writes for the user whom the directory belongs to. */
static bool
give_away(struct revoked *r, int fd)
{
	const char *slash = strrchr(r->journal, '/');
	struct stat dir;
	const char *name = slash == NULL ? "." : str_fmt(r->arena, "%.*s/.",
		(int)(slash - r->journal), r->journal).p;

	return geteuid() != 0 || stat(name, &dir) != 0 ||
		fchown(fd, dir.st_uid, dir.st_gid) == 0;
}

/* A line whose writer was killed is cut off: it never counted. */
static bool
mend_end(int fd, off_t size)
{
	char c = '\n';
	off_t end = size;

	while (end > 0) {
		if (pread(fd, &c, 1, end - 1) != 1)
			return false;
		if (c == '\n')
			break;
		end--;
	}
	return end == size || ftruncate(fd, end) == 0;
}

/* A new name in the directory outlives a loss of power, too. */
static bool
sync_directory(struct revoked *r)
{
	const char *slash = strrchr(r->journal, '/');
	const char *name = slash == NULL ? "." : str_fmt(r->arena, "%.*s/.",
		(int)(slash - r->journal), r->journal).p;
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

/* The journal for one writer alone: not one that has just been replaced. */
int
revoked_alone(struct revoked *r, struct stat *st_r, const char **why_r)
{
	struct stat named;

	for (int i = 0; i < REPLACED_MOST; i++) {
		int fd = open_journal(r, O_RDWR | O_APPEND | O_CREAT, st_r,
			why_r);

		if (fd < 0 && (*why_r)[0] == '\0')
			*why_r = why_errno(r, "cannot make");
		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX) == 0 && fstat(fd, st_r) == 0 &&
		    lstat(r->journal, &named) == 0 &&
		    named.st_ino == st_r->st_ino && (st_r->st_size > 0 ||
		    (give_away(r, fd) && sync_directory(r))))
			return fd;
		close(fd);
	}
	*why_r = "the journal changes again and again";
	return -1;
}

bool
revoked_append(struct revoked *r, int fd, const struct revoked_entry *e,
	const char **why_r)
{
	char line[REVOKED_LINE];
	size_t n = revoked_print(e, line);
	struct stat st;
	bool good = fstat(fd, &st) == 0 && mend_end(fd, st.st_size) &&
		write(fd, line, n) == (ssize_t)n && fsync(fd) == 0;

	if (!good)
		*why_r = why_errno(r, "cannot write");
	return good;
}

/* ---- a journal that has grown too long ------------------------------------------ */
struct copying {
	int64_t now;
	int fd;
	bool broken;
};

static bool
copy_one(void *who, const struct revoked_entry *e)
{
	struct copying *c = who;
	char line[REVOKED_LINE];
	size_t n = revoked_print(e, line);

	if (e->until > c->now && write(c->fd, line, n) != (ssize_t)n)
		c->broken = true;
	return !c->broken;
}

/* What has not ended, under a passing name.  -1: why_r. */
static int
copy_living(struct revoked *r, const char *name, int64_t now,
	const char **why_r)
{
	struct arena *a = arena_new(MAX_JOURNAL + KIB(64));
	struct copying c = { .now = now };
	struct stat st;
	struct str text;
	bool good;

	unlink(name);
	c.fd = open(name, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW |
		O_CLOEXEC, 0600);
	good = c.fd >= 0 && flock(c.fd, LOCK_EX) == 0 && give_away(r, c.fd) &&
		revoked_read(r, a, &text, &st, why_r) &&
		revoked_lines(r, text, why_r, copy_one, &c) && fsync(c.fd) == 0;
	arena_free(a);
	if (good)
		return c.fd;
	if ((*why_r)[0] == '\0' || c.broken)
		*why_r = why_errno(r, "cannot write anew");
	if (c.fd >= 0)
		close(c.fd);
	unlink(name);
	return -1;
}

/* Takes the place of the old one, with its lock held. */
static bool
shorten(struct revoked *r, int *fd, int64_t now, const char **why_r)
{
	const char *name = str_fmt(r->arena, "%s.new", r->journal).p;
	int fresh = copy_living(r, name, now, why_r);

	if (fresh < 0)
		return false;
	if (rename(name, r->journal) != 0 || !sync_directory(r)) {
		*why_r = why_errno(r, "cannot replace");
		close(fresh);
		return false;
	}
	close(*fd);
	*fd = fresh;
	return true;
}

bool
revoked_space(struct revoked *r, int *fd, int64_t now, const char **why_r)
{
	struct stat st;

	if (fstat(*fd, &st) == 0 &&
	    st.st_size <= (off_t)(MAX_JOURNAL - REVOKED_LINE))
		return true;
	if (!shorten(r, fd, now, why_r))
		return false;
	if (fstat(*fd, &st) == 0 &&
	    st.st_size <= (off_t)(MAX_JOURNAL - REVOKED_LINE))
		return true;
	*why_r = "the journal of revocations is full";
	return false;
}
