/* SPDX-License-Identifier: MIT */
/*
 * segment -- finding, checking and making the shared file
 *
 * To attach is to open, check and map.  Who finds nothing that fits takes the
 * lock file, looks again, and makes a new file under another name; so of many
 * processes that start at once one makes it and all have the same.
 */
#include "config.h"
#include "shm/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "shm/layout.h"

#define LOCK_TRIES 1000		/* of ten milliseconds each */
#define OTHERS 8		/* more are not told */
#define PREFIX "mcpgate-"	/* of a directory in /dev/shm */
#define SEGMENT_SIZE sizeof(struct shm_file)

/* One opening, from the path to the mapping. */
struct opening {
	struct arena *arena;
	const char *dir, *name;
	int dirfd;
	int flags;
	const char *why;		/* NULL: nothing wrong so far */
	struct shm_file *file;
	struct stat st;			/* of that file */
};

static void
say(struct opening *o, const char *what, const char *why)
{
	o->why = str_fmt(o->arena, "%s '%s%s%s': %s", what, o->dir,
		o->name[0] != '\0' ? "/" : "", o->name, why).p;
}

static void
say_errno(struct opening *o, const char *what)
{
	say(o, what, strerror(errno));
}

/* ---- the directory ----------------------------------------------------------- */

/* Root may look at another user's state, but never makes any there. */
static bool
ours(const struct opening *o, uid_t owner)
{
	if (owner == geteuid())
		return true;
	return geteuid() == 0 && (o->flags & SEGMENT_CREATE) == 0;
}

static const char *
directory_fault(const struct opening *o, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return "not a directory";
	if (!ours(o, st->st_uid))
		return "belongs to another user";
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return "writable by others";
	return NULL;
}

static bool
open_directory(struct opening *o)
{
	const char *fault;
	struct stat st;

	if ((o->flags & SEGMENT_CREATE) != 0 && mkdir(o->dir, 0700) != 0 &&
	    errno != EEXIST) {
		say_errno(o, "cannot make the directory of");
		return false;
	}
	o->dirfd = open(o->dir,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (o->dirfd < 0 || fstat(o->dirfd, &st) != 0) {
		say_errno(o, "cannot open the directory of");
		return false;
	}
	fault = directory_fault(o, &st);
	if (fault != NULL)
		say(o, "refusing the directory of", fault);
	return fault == NULL;
}

/* ---- the file ----------------------------------------------------------------- */

static const char *
file_fault(const struct opening *o, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if (!ours(o, st->st_uid))
		return "belongs to another user";
	if ((st->st_mode & 07777) != 0600)
		return "mode is not 0600";
	if (st->st_nlink > 1)
		return "has another name";
	return NULL;
}

static int
open_file(struct opening *o, const char *name, int how, struct stat *st_r)
{
	int fd = openat(o->dirfd, name,
		how | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	const char *fault;

	if (fd < 0)
		return -1;
	if (fstat(fd, st_r) != 0) {
		say_errno(o, "cannot look at");
		close(fd);
		return -1;
	}
	fault = file_fault(o, st_r);
	if (fault != NULL) {
		say(o, "refusing", fault);
		close(fd);
		return -1;
	}
	return fd;
}

static struct shm_file *
map(int fd, bool read_only)
{
	int how = read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	void *p = mmap(NULL, SEGMENT_SIZE, how, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, SEGMENT_SIZE, MADV_DONTDUMP);
	return p;
}

/* The id of this boot as text; without one all boots look alike. */
static void
read_boot(char boot_r[40])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(boot_r, 0, 40);
	if (fd < 0)
		return;
	if (read(fd, boot_r, 36) != 36)
		memset(boot_r, 0, 40);
	close(fd);
}

/* A number that changes with any size of layout.h. */
static uint64_t
shape_of_file(void)
{
	static const uint64_t sizes[] = {
		SEGMENT_SIZE, sizeof(struct shm_head),
		sizeof(struct shm_worker), sizeof(struct shm_pool),
		sizeof(struct shm_cell), sizeof(struct shm_slot), MAX_WORKERS,
		SHM_POOLS, SHM_CELLS, SHM_PIN_BUCKETS, SHM_PINS, SHM_SHELVES,
		SHM_STREAM_BUCKETS, SHM_STREAM_WORDS, SHM_GONE_BUCKETS,
		SHM_GONE, SHM_SESSION_ROWS, SHM_SESSIONS, SHM_QUESTIONS,
		SHM_REFUSALS, SHM_RESTS, KEYSETS, MAX_KEYSET,
		sizeof(struct shm_keyset), SHM_RATE_BUCKETS,
		SHM_WINDOW_BUCKETS, SHM_OWN_BUCKETS, SHM_RATES, BANS_PLACES,
		SHM_SLOTS, SHM_SHARDS, TALLY_SERIES, TALLY_NAME, LOADS,
		sizeof(struct shm_load),
	};
	static const uint8_t key[SIPHASH_KEY];

	return digest_sip(key, (struct str){ (const char *)sizes,
		sizeof(sizes) });
}

static bool
head_fits(const struct shm_head *h)
{
	char boot[40];

	read_boot(boot);
	return memcmp(h->magic, SHM_MAGIC, sizeof(h->magic)) == 0 &&
		h->version == SHM_VERSION && h->size == SEGMENT_SIZE &&
		h->shape == shape_of_file() &&
		memcmp(h->boot, boot, sizeof(boot)) == 0 &&
		shm_lock_usable(h);
}

/* The file that is there.  False with o->why: refused; without: none that
 * fits (a file with no name left was just replaced by somebody). */
static bool
attach(struct opening *o)
{
	bool read_only = (o->flags & SEGMENT_READ_ONLY) != 0;
	int fd = open_file(o, o->name, read_only ? O_RDONLY : O_RDWR, &o->st);

	if (fd < 0) {
		if (o->why == NULL && errno != ENOENT)
			say_errno(o, "cannot open");
		return false;
	}
	if (o->st.st_nlink == 1 && o->st.st_size == (off_t)SEGMENT_SIZE) {
		o->file = map(fd, read_only);
		if (o->file == NULL)
			say_errno(o, "cannot map");
	}
	close(fd);
	if (o->file != NULL && !head_fits(&o->file->head)) {
		munmap(o->file, SEGMENT_SIZE);
		o->file = NULL;
	}
	return o->file != NULL;
}

/* ---- a new one ------------------------------------------------------------------ */

static int
write_zeros(int fd)
{
	static const char zeros[4096];
	size_t n = sizeof(zeros);

	for (size_t at = 0; at < SEGMENT_SIZE; at += n) {
		if (SEGMENT_SIZE - at < n)
			n = SEGMENT_SIZE - at;
		if (pwrite(fd, zeros, n, (off_t)at) != (ssize_t)n)
			return errno != 0 ? errno : ENOSPC;
	}
	return 0;
}

/* Reserves every block now: a full disk is told here, not by a signal later.
 * Where the file system cannot reserve, zeros are written. */
static bool
reserve(int fd)
{
	int rc = ftruncate(fd, (off_t)SEGMENT_SIZE) != 0 ? errno :
		posix_fallocate(fd, 0, (off_t)SEGMENT_SIZE);

	if (rc == EOPNOTSUPP || rc == EINVAL)
		rc = write_zeros(fd);
	errno = rc;
	return rc == 0;
}

static void
fill(struct shm_file *f)
{
	struct shm_head *h = &f->head;

	memcpy(h->magic, SHM_MAGIC, sizeof(h->magic));
	h->version = SHM_VERSION;
	h->size = SEGMENT_SIZE;
	h->shape = shape_of_file();
	read_boot(h->boot);
	digest_random(h->key, sizeof(h->key));
	digest_random(h->secret, sizeof(h->secret));
	shm_lock_init(h);
}

/* The new file under its passing name, mapped; NULL: o->why. */
static struct shm_file *
make_unnamed(struct opening *o, const char *fresh)
{
	struct shm_file *file = NULL;
	int fd = open_file(o, fresh, O_RDWR | O_CREAT | O_EXCL, &o->st);

	if (fd < 0) {
		if (o->why == NULL)
			say_errno(o, "cannot create");
		return NULL;
	}
	if (!reserve(fd)) {
		say_errno(o, "no room for");
	} else {
		file = map(fd, false);
		if (file == NULL)
			say_errno(o, "cannot map");
	}
	close(fd);
	return file;
}

/* Under the creation lock, so a left-over of somebody killed may go. */
static void
make(struct opening *o)
{
	const char *fresh = str_fmt(o->arena, "%s.new", o->name).p;
	struct shm_file *file;

	unlinkat(o->dirfd, fresh, 0);
	file = make_unnamed(o, fresh);
	if (file != NULL) {
		fill(file);
		o->file = file;
		if (renameat(o->dirfd, fresh, o->dirfd, o->name) == 0)
			return;
		say_errno(o, "cannot name");
		munmap(file, SEGMENT_SIZE);
		o->file = NULL;
	}
	unlinkat(o->dirfd, fresh, 0);
}

static int
lock_creation(struct opening *o)
{
	const char *name = str_fmt(o->arena, "%s.lock", o->name).p;
	struct stat st;
	int fd = open_file(o, name, O_RDWR | O_CREAT, &st);
	int rc = -1;

	if (fd < 0) {
		if (o->why == NULL)
			say_errno(o, "cannot make the lock of");
		return -1;
	}
	for (int i = 0; i < LOCK_TRIES && rc != 0; i++) {
		rc = flock(fd, LOCK_EX | LOCK_NB);
		if (rc != 0 && errno != EWOULDBLOCK && errno != EINTR)
			break;
		if (rc != 0)
			poll(NULL, 0, 10);
	}
	if (rc == 0)
		return fd;
	say(o, "cannot lock", "somebody else holds it");
	close(fd);
	return -1;
}

static void
attach_or_make(struct opening *o)
{
	int lock;

	if (attach(o) || o->why != NULL)
		return;
	if ((o->flags & SEGMENT_CREATE) == 0) {
		say(o, "no usable state in", "not running, or another version");
		return;
	}
	lock = lock_creation(o);
	if (lock < 0)
		return;
	if (!attach(o) && o->why == NULL)
		make(o);
	close(lock);
}

/* ---- where ------------------------------------------------------------------------ */

static bool
try_directory(struct opening *o, const char *dir)
{
	if (o->dirfd >= 0)
		close(o->dirfd);
	o->dirfd = -1;
	o->dir = dir;
	o->why = NULL;
	return open_directory(o);
}

static const char *
own_directory(struct arena *a)
{
	return str_fmt(a, "/dev/shm/" PREFIX "%lu",
		(unsigned long)geteuid()).p;
}

const char *
segment_place(struct arena *a)
{
	struct stat st;
	bool run = lstat(GATE_RUNDIR, &st) == 0 && st.st_uid == geteuid();

	return str_fmt(a, "%s/state", run ? GATE_RUNDIR : own_directory(a)).p;
}

/* The first directory that is there and ours.  /dev/shm/mcpgate-UID is the
 * only one we make. */
static bool
find_directory(struct opening *o)
{
	const char *mine = own_directory(o->arena);
	struct stat st;

	o->name = "state";
	if (lstat(GATE_RUNDIR, &st) == 0 && ours(o, st.st_uid) &&
	    try_directory(o, GATE_RUNDIR))
		return true;
	if (try_directory(o, mine))
		return true;
	return lstat(GATE_STATEDIR, &st) == 0 &&
		try_directory(o, GATE_STATEDIR);
}

static bool
given_directory(struct opening *o, const char *path)
{
	const char *slash = strrchr(path, '/');

	o->name = slash == NULL ? path : slash + 1;
	o->dir = ".";
	if (slash == path)
		o->dir = "/";
	else if (slash != NULL)
		o->dir = str_copy(o->arena,
			(struct str){ path, (size_t)(slash - path) }).p;
	if (o->name[0] == '\0' || strlen(o->name) > NAME_MAX - 8) {
		say(o, "cannot use", "not the name of a file");
		return false;
	}
	return try_directory(o, o->dir);
}

struct segment *
segment_open(const char *path, int flags, struct arena *a, const char **why_r)
{
	struct opening o = {
		.arena = a, .dir = "", .name = "", .dirfd = -1, .flags = flags,
	};
	bool found = path == NULL ? find_directory(&o) :
		given_directory(&o, path);
	struct segment *s;

	if (found)
		attach_or_make(&o);
	if (o.dirfd >= 0)
		close(o.dirfd);
	if (o.file == NULL) {
		*why_r = o.why;
		return NULL;
	}
	s = ARENA_NEW(a, struct segment);
	s->file = o.file;
	s->arena = a;
	s->path = str_fmt(a, "%s/%s", o.dir, o.name).p;
	s->dev = o.st.st_dev;
	s->ino = o.st.st_ino;
	s->read_only = (flags & SEGMENT_READ_ONLY) != 0;
	return s;
}

void
segment_close(struct segment *s)
{
	if (s == NULL || s->file == NULL)
		return;
	munmap(s->file, SEGMENT_SIZE);
	s->file = NULL;
}

const char *
segment_path(const struct segment *s)
{
	return s->path;
}

bool
segment_in_place(const struct segment *s)
{
	struct stat st;

	if (lstat(s->path, &st) != 0)
		return true;
	return st.st_dev == s->dev && st.st_ino == s->ino &&
		st.st_size == (off_t)SEGMENT_SIZE;
}

const uint8_t *
segment_key(const struct segment *s)
{
	return s->file->head.key;
}

const uint8_t *
segment_secret(const struct segment *s)
{
	return s->file->head.secret;
}

bool
segment_valid(const struct segment *s, const char **why_r)
{
	*why_r = "";
	if (!head_fits(&s->file->head)) {
		*why_r = "head: does not fit";
		return false;
	}
	return workers_valid(s, why_r) && rotor_valid(s, why_r) &&
		rates_valid(s, why_r) && bans_valid(s, why_r) &&
		pins_valid(s, why_r) && shelf_valid(s, why_r) &&
		tally_valid(s, why_r) && revoked_valid(s, why_r) &&
		asked_valid(s, why_r) && keysets_valid(s, why_r) &&
		journal_valid(s, why_r) && sessions_valid(s, why_r) &&
		streams_valid(s, why_r) && loads_valid(s, why_r);
}

/* ---- who else ---------------------------------------------------------------------- */
/* In /dev/shm everybody can make a directory with any name. */
static bool
is_others(int dirfd, const char *name, struct arena *a)
{
	struct str number = str_from(str_of(name), sizeof(PREFIX) - 1);
	struct stat st;
	uint64_t uid;

	if (!str_starts(str_of(name), STR(PREFIX)) ||
	    !str_number(number, &uid) || uid == geteuid())
		return false;
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !S_ISDIR(st.st_mode) || st.st_uid != uid)
		return false;
	return fstatat(dirfd, str_fmt(a, "%s/state", name).p, &st,
		AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		st.st_uid == uid;
}

struct str
segment_others(const char *dir, struct arena *a)
{
	struct buf b = buf_new(a, OTHERS * (PATH_MAX + 8));
	DIR *d = geteuid() == 0 ? opendir(dir) : NULL;
	const struct dirent *e = d != NULL ? readdir(d) : NULL;
	struct str text;

	for (int n = 0; e != NULL && n < OTHERS; e = readdir(d)) {
		if (!is_others(dirfd(d), e->d_name, a))
			continue;
		buf_fmt(&b, "%s%s/%s/state", n++ > 0 ? " or " : "", dir,
			e->d_name);
	}
	if (d != NULL)
		closedir(d);
	return buf_take(&b, &text) ? text : STR("");
}
