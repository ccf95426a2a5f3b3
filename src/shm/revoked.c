/* SPDX-License-Identifier: MIT */
/*
 * revoked -- buckets of eight slots, and a journal of lines
 *
 * A slot that was used once is never empty again, only ended: so a reader
 * may stop at the first bucket with an empty slot.  name[0] is written last.
 *
 * A line of the journal: KIND NAME BEFORE UNTIL WHAT, see revoked_parse().
 */
#include "config.h"
#include "shm/revoked.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "shm/layout.h"

#define MAX_WHAT 300
#define REPLACED_MOST 100	/* times, while we waited for our turn */
#define PROBES 32		/* buckets that are looked at */

struct revoked {
	struct shm_revoked *table;
	struct shm_file *file;		/* its lock; NULL: a table of our own */
	struct arena *arena;
	const char *journal;		/* NULL: there is none */
};

/* ---- names --------------------------------------------------------------- */
static struct revoked_name
name_of(const char *kind, struct str a, struct str b)
{
	const struct str parts[] = { str_of(kind), a, b };
	uint8_t digest[SHA256_SIZE];
	struct revoked_name n;

	digest_parts(parts, 3, digest);
	memcpy(&n, digest, sizeof(n));
	if (n.v[0] == 0)
		n.v[0] = 1;
	return n;
}

struct revoked_name
revoked_token(struct str signed_part)
{
	return name_of("token", signed_part, STR_NONE);
}

struct revoked_name
revoked_jti(struct str issuer, struct str jti)
{
	return name_of("jti", issuer, jti);
}

struct revoked_name
revoked_user(struct str user)
{
	return name_of("user", user, STR_NONE);
}

/* ---- the table ------------------------------------------------------------- */
static struct shm_gone *
bucket_of(const struct revoked *r, struct revoked_name name, unsigned probe)
{
	uint64_t h = name.v[0] ^ name.v[1] * UINT64_C(0x9E3779B97F4A7C15);

	return r->table->slots[(h + probe) % SHM_GONE_BUCKETS];
}

static bool
is_name(const struct shm_gone *g, struct revoked_name name)
{
	return atomic_load_explicit(&g->name[0], memory_order_acquire) ==
		name.v[0] && atomic_load(&g->name[1]) == name.v[1];
}

static bool
is_live(const struct shm_gone *g, int64_t now)
{
	return atomic_load(&g->name[0]) != 0 && atomic_load(&g->until) > now;
}

bool
revoked_any(const struct revoked *r)
{
	return r != NULL && atomic_load_explicit(&r->table->used,
		memory_order_acquire) != 0;
}

bool
revoked_has(const struct revoked *r, struct revoked_name name, int64_t issued,
	int64_t now)
{
	if (!revoked_any(r))
		return false;
	for (unsigned p = 0; p < PROBES; p++) {
		const struct shm_gone *b = bucket_of(r, name, p);
		bool room = false;

		for (unsigned i = 0; i < SHM_GONE; i++) {
			if (is_name(&b[i], name) &&
			    atomic_load(&b[i].until) > now)
				return issued < atomic_load(&b[i].before);
			room |= atomic_load(&b[i].name[0]) == 0;
		}
		if (room)
			return false;
	}
	return false;
}

/* Its own slot, else one that was never used or has ended; NULL: none. */
static struct shm_gone *
slot_for(const struct revoked *r, struct revoked_name name, int64_t now)
{
	struct shm_gone *free_one = NULL;

	for (unsigned p = 0; p < PROBES; p++) {
		struct shm_gone *b = bucket_of(r, name, p);
		bool room = false;

		for (unsigned i = 0; i < SHM_GONE; i++) {
			if (is_name(&b[i], name))
				return &b[i];
			if (free_one == NULL && !is_live(&b[i], now))
				free_one = &b[i];
			room |= atomic_load(&b[i].name[0]) == 0;
		}
		if (room)
			break;
	}
	return free_one;
}

static uint32_t
count_live(const struct revoked *r, int64_t now)
{
	uint32_t n = 0;

	for (unsigned b = 0; b < SHM_GONE_BUCKETS; b++)
		for (unsigned i = 0; i < SHM_GONE; i++)
			n += is_live(&r->table->slots[b][i], now);
	return n;
}

static bool
has_room(const struct revoked *r, int64_t now)
{
	return atomic_load(&r->table->used) < REVOKED_ENTRIES ||
		count_live(r, now) < REVOKED_ENTRIES;
}

static void
raise_to(_Atomic int64_t *word, int64_t value)
{
	if (atomic_load(word) < value)
		atomic_store(word, value);
}

/* Under the lock.  An entry that is there already only grows. */
static bool
insert(struct revoked *r, const struct revoked_entry *e, int64_t now)
{
	struct shm_gone *g = slot_for(r, e->name, now);
	uint64_t was;

	if (g == NULL)
		return false;
	was = atomic_load(&g->name[0]);
	if (is_name(g, e->name) && is_live(g, now)) {
		raise_to(&g->before, e->before);
		raise_to(&g->until, e->until);
		return true;
	}
	if (!has_room(r, now))
		return false;
	atomic_store(&g->until, 0);	/* nobody reads half of it */
	atomic_store(&g->name[1], e->name.v[1]);
	atomic_store(&g->before, e->before);
	atomic_store_explicit(&g->name[0], e->name.v[0], memory_order_release);
	atomic_store_explicit(&g->until, e->until, memory_order_release);
	if (was == 0)
		atomic_fetch_add(&r->table->used, 1);
	return true;
}

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
static const char *
why_errno(struct revoked *r, const char *what)
{
	return str_fmt(r->arena, "%s '%s': %s", what, r->journal,
		strerror(errno)).p;
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
	*why_r = str_fmt(r->arena, "refusing '%s': not a file of ours",
		r->journal).p;
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
static bool
read_journal(struct revoked *r, struct arena *a, struct str *text_r,
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
		*why_r = str_fmt(r->arena, "cannot read '%s'", r->journal).p;
	while (text_r->n > 0 && text_r->p[text_r->n - 1] != '\n')
		text_r->n--;
	return good;
}

static bool
each_line(struct revoked *r, struct str text, const char **why_r,
	bool (*fn)(void *who, const struct revoked_entry *e), void *who)
{
	struct revoked_entry e;
	unsigned number = 0;

	while (text.n > 0) {
		number++;
		if (!revoked_parse(str_cut(&text, '\n'), &e)) {
			*why_r = str_fmt(r->arena, "%s:%u: not a line of "
				"revocations", r->journal, number).p;
			return false;
		}
		if (!fn(who, &e)) {
			*why_r = str_fmt(r->arena, "%s:%u: the table of "
				"revocations is full", r->journal, number).p;
			return false;
		}
	}
	return true;
}

struct taking {
	struct revoked *r;
	int64_t now;
};

static bool
take(void *who, const struct revoked_entry *e)
{
	struct taking *t = who;

	return e->until <= t->now || insert(t->r, e, t->now);
}

static bool
lock(struct revoked *r)
{
	return r->file == NULL || shm_lock(r->file);
}

static void
unlock(struct revoked *r)
{
	if (r->file != NULL)
		shm_unlock(r->file);
}

/* Nothing new: the same file, as long as it was. */
static bool
is_known(const struct revoked *r, const struct stat *st)
{
	return atomic_load(&r->table->inode) == (uint64_t)st->st_ino &&
		atomic_load(&r->table->taken) == (uint64_t)st->st_size;
}

static bool
take_in(struct revoked *r, const char **why_r)
{
	struct arena *a = arena_new(MAX_JOURNAL + KIB(64));
	struct taking t = { .r = r, .now = clock_unix_s() };
	struct stat st = { .st_size = 0 };
	struct str text;
	bool good = read_journal(r, a, &text, &st, why_r);

	if (good && !lock(r)) {
		*why_r = "the shared state is busy";
		good = false;
	} else if (good) {
		good = each_line(r, text, why_r, take, &t);
		if (good) {
			atomic_store(&r->table->inode, (uint64_t)st.st_ino);
			atomic_store(&r->table->taken, text.n);
		}
		unlock(r);
	}
	arena_free(a);
	return good;
}

bool
revoked_tick(struct revoked *r, const char **why_r)
{
	struct stat st;

	*why_r = "";
	if (r->journal == NULL || lstat(r->journal, &st) != 0)
		return r->journal == NULL || errno == ENOENT;
	return is_known(r, &st) || take_in(r, why_r);
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
static int
open_alone(struct revoked *r, struct stat *st_r, const char **why_r)
{
	struct stat named;

	for (int i = 0; i < REPLACED_MOST; i++) {
		int fd = open_journal(r, O_RDWR | O_APPEND | O_CREAT, st_r,
			why_r);

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

static bool
append(struct revoked *r, int fd, const struct revoked_entry *e,
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
		read_journal(r, a, &text, &st, why_r) &&
		each_line(r, text, why_r, copy_one, &c) && fsync(c.fd) == 0;
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

static bool
has_space(struct revoked *r, int *fd, int64_t now, const char **why_r)
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

/* ---- the whole of it --------------------------------------------------------------- */
static bool
is_room(struct revoked *r, const struct revoked_entry *e, int64_t now,
	const char **why_r)
{
	bool room;

	if (!lock(r)) {
		*why_r = "the shared state is busy";
		return false;
	}
	room = slot_for(r, e->name, now) != NULL && has_room(r, now);
	unlock(r);
	if (!room)
		*why_r = "the table of revocations is full";
	return room;
}

/* One writer at a time from the look at the room to the line in the journal:
 * two would both take the last place, and nobody could start any more. */
bool
revoked_add(struct revoked *r, const struct revoked_entry *e, int64_t now,
	const char **why_r)
{
	struct stat st;
	bool good;
	int fd;

	*why_r = "";
	if (r->journal == NULL) {
		*why_r = "there is no place for the journal";
		return false;
	}
	fd = open_alone(r, &st, why_r);
	if (fd < 0) {
		if ((*why_r)[0] == '\0')
			*why_r = why_errno(r, "cannot open");
		return false;
	}
	good = revoked_tick(r, why_r) && is_room(r, e, now, why_r) &&
		has_space(r, &fd, now, why_r) && append(r, fd, e, why_r);
	close(fd);
	return good && revoked_tick(r, why_r);
}

/* ---- listing ------------------------------------------------------------------- */
struct listing {
	int64_t now;
	void (*fn)(void *who, const struct revoked_entry *e);
	void *who;
};

static bool
list_one(void *who, const struct revoked_entry *e)
{
	struct listing *l = who;

	if (e->until > l->now)
		l->fn(l->who, e);
	return true;
}

void
revoked_each(struct revoked *r, int64_t now, struct arena *a,
	void (*fn)(void *who, const struct revoked_entry *e), void *who)
{
	struct listing l = { .now = now, .fn = fn, .who = who };
	const char *why;
	struct stat st;
	struct str text;

	if (r->journal != NULL && read_journal(r, a, &text, &st, &why))
		(void)each_line(r, text, &why, list_one, &l);
}

/* ---- opening ------------------------------------------------------------------- */
const char *
revoked_journal(const char *configured, const struct segment *s,
	struct arena *a)
{
	struct stat st;

	if (configured != NULL && configured[0] != '\0')
		return str_fmt(a, "%s.revoked", configured).p;
	if (lstat(GATE_STATEDIR, &st) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_uid == geteuid() || geteuid() == 0))
		return GATE_STATEDIR "/revoked";
	return s == NULL ? NULL : str_fmt(a, "%s.revoked", segment_path(s)).p;
}

struct revoked *
revoked_open(struct segment *s, const char *journal, struct arena *a,
	const char **why_r)
{
	struct revoked *r = ARENA_NEW(a, struct revoked);
	void *own = NULL;

	r->arena = a;
	r->journal = journal;
	if (s != NULL && !s->read_only) {
		r->file = s->file;
		r->table = &s->file->revoked;
	} else {
		own = mmap(NULL, sizeof(*r->table), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (own == MAP_FAILED) {
			*why_r = "no memory for revocations";
			return NULL;
		}
		r->table = own;
	}
	if (revoked_tick(r, why_r))
		return r;
	revoked_close(r);
	return NULL;
}

void
revoked_close(struct revoked *r)
{
	if (r != NULL && r->file == NULL && r->table != NULL)
		munmap(r->table, sizeof(*r->table));
	if (r != NULL)
		r->table = NULL;
}

bool
revoked_valid(const struct segment *s, const char **why_r)
{
	uint32_t used = 0;

	for (unsigned b = 0; b < SHM_GONE_BUCKETS; b++)
		for (unsigned i = 0; i < SHM_GONE; i++)
			used += atomic_load(&s->file->revoked.slots[b][i]
				.name[0]) != 0;
	if (used >= atomic_load(&s->file->revoked.used))
		return true;
	*why_r = "revoked: counts more than there is";
	return false;
}
