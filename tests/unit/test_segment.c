/* SPDX-License-Identifier: MIT */
/*
 * segment -- what is attached, what is replaced, what is refused
 */
#include "config.h"
#include "shm/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kit/place.h"
#include "kit/tap.h"

#define SIZE sizeof(struct shm_file)

/* ---- what is done to a good file before it is opened again ---- */

static void
write_at(const char *path, size_t at, const void *p, size_t n)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || pwrite(fd, p, n, (off_t)at) != (ssize_t)n)
		perror(path);
	close(fd);
}

#define SPOIL(name, member) \
	static void \
	spoil_##name(struct place *p) \
	{ \
		write_at(p->file, offsetof(struct shm_file, member), \
			"\xAA\xBB\xCC\xDD", 4); \
	}
SPOIL(magic, head.magic)
SPOIL(version, head.version)
SPOIL(size, head.size)
SPOIL(shape, head.shape)
SPOIL(boot, head.boot)

static void
spoil_lock(struct place *p)
{
	static const char no_lock[64];

	write_at(p->file, offsetof(struct shm_file, head.lock), no_lock,
		sizeof(no_lock));
}

static void
nothing(struct place *p)
{
	(void)p;
}

static void
leave(struct place *p)
{
	unlink(p->file);
}

static void
shorten(struct place *p)
{
	if (truncate(p->file, (off_t)SIZE - 1) != 0)
		perror(p->file);
}

static void
lengthen(struct place *p)
{
	if (truncate(p->file, (off_t)SIZE + 1) != 0)
		perror(p->file);
}

static void
loosen(struct place *p)
{
	chmod(p->file, 0640);
}

static void
stick(struct place *p)
{
	chmod(p->file, 01600);
}

static void
link_again(struct place *p)
{
	char other[96];

	snprintf(other, sizeof(other), "%s/other", p->dir);
	if (link(p->file, other) != 0)
		perror(other);
}

static void
make_symlink(struct place *p)
{
	char other[96];

	snprintf(other, sizeof(other), "%s/other", p->dir);
	if (rename(p->file, other) != 0 || symlink(other, p->file) != 0)
		perror(other);
}

static void
make_fifo(struct place *p)
{
	unlink(p->file);
	if (mkfifo(p->file, 0600) != 0)
		perror(p->file);
}

static void
give_away(struct place *p)
{
	if (chown(p->file, 12345, (gid_t)-1) != 0)
		perror(p->file);
}

static void
open_directory_to_all(struct place *p)
{
	chmod(p->dir, 0770);
}

static void
leave_half_made(struct place *p)
{
	char fresh[96];
	int fd;

	unlink(p->file);
	snprintf(fresh, sizeof(fresh), "%s/state.new", p->dir);
	fd = open(fresh, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "half", 4) != 4)
		perror(fresh);
	close(fd);
}

enum outcome { SAME, FRESH, REFUSED };

static const struct {
	const char *name;
	void (*spoil)(struct place *p);
	bool root_only;
	enum outcome want;
	const char *why;		/* part of it */
} cases[] = {
	{ "a good file is attached", nothing, false, SAME, "" },
	{ "a missing file is made", leave, false, FRESH, "" },
	{ "another magic: a new file", spoil_magic, false, FRESH, "" },
	{ "another version: a new file", spoil_version, false, FRESH, "" },
	{ "another size in the head: a new file", spoil_size, false, FRESH,
		"" },
	{ "another shape: a new file", spoil_shape, false, FRESH, "" },
	{ "another boot: a new file", spoil_boot, false, FRESH, "" },
	{ "a lock of no known kind: a new file", spoil_lock, false, FRESH,
		"" },
	{ "a byte short: a new file", shorten, false, FRESH, "" },
	{ "a byte long: a new file", lengthen, false, FRESH, "" },
	{ "what a killed maker left is removed", leave_half_made, false,
		FRESH, "" },
	{ "a loose mode is refused", loosen, false, REFUSED, "0600" },
	{ "a mode with more than permissions", stick, false, REFUSED, "0600" },
	{ "a second name is refused", link_again, false, REFUSED,
		"another name" },
	{ "a symlink is refused", make_symlink, false, REFUSED,
		"cannot open" },
	{ "a pipe is refused", make_fifo, false, REFUSED, "regular" },
	{ "a foreign owner is refused", give_away, true, REFUSED,
		"another user" },
	{ "a directory others write to is refused", open_directory_to_all,
		false, REFUSED, "writable" },
};

static void
check_case(size_t i)
{
	struct place p = place_new();
	struct segment *first = place_open(&p), *second;
	const char *why = "";
	bool same;

	cases[i].spoil(&p);
	second = segment_open(p.file, SEGMENT_CREATE, p.arena, &why);
	if (cases[i].want == REFUSED) {
		tap_ok(second == NULL && strstr(why, cases[i].why) != NULL,
			"%s", cases[i].name);
		if (second != NULL || strstr(why, cases[i].why) == NULL)
			printf("# said '%s'\n", why);
	} else {
		same = second != NULL && memcmp(segment_secret(first),
			segment_secret(second), 32) == 0;
		tap_ok(second != NULL && same == (cases[i].want == SAME) &&
			segment_valid(second, &why), "%s", cases[i].name);
	}
	chmod(p.dir, 0700);
	segment_close(first);
	segment_close(second);
	place_end(&p);
}

/* ---- single behaviours ---- */

static void
two_versions(void)
{
	struct place p = place_new();
	struct segment *old = place_open(&p), *new;
	const char *why;

	segment_want_reload(old);
	spoil_version(&p);
	new = place_open(&p);
	tap_ok(segment_reload_wanted(new) == 0 &&
		segment_reload_wanted(old) == 1,
		"the old mapping stays good when the file is replaced");
	segment_want_reload(new);
	tap_ok(segment_reload_wanted(old) == 1, "and is a file of its own");
	tap_ok(segment_valid(new, &why) && !segment_valid(old, &why),
		"the spoilt one is told to be spoilt");
	segment_close(old);
	segment_close(new);
	place_end(&p);
}

static void
read_only(void)
{
	struct place p = place_new();
	const char *why = "";
	struct segment *none = segment_open(p.file, SEGMENT_READ_ONLY,
		p.arena, &why);
	struct segment *s, *view;

	tap_ok(none == NULL && why[0] != '\0', "read-only makes nothing");
	s = place_open(&p);
	view = segment_open(p.file, SEGMENT_READ_ONLY, p.arena, &why);
	OK(view != NULL);
	segment_want_reload(view);
	IS_INT(segment_reload_wanted(s), 0);
	segment_want_reload(s);
	IS_INT(segment_reload_wanted(view), 1);
	OK(worker_claim(view) == NULL);
	segment_close(s);
	segment_close(view);
	place_end(&p);
}

static void
reload_words(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct segment_reload said = { .generation = 7, .ok = 0,
		.at_unix_s = 1700000000 }, read;
	uint32_t before;

	segment_last_reload(s, &read);
	before = read.number;
	IS_INT(read.generation, 0);
	memset(said.message, 'x', sizeof(said.message) - 1);
	segment_say_reload(s, &said);
	segment_last_reload(s, &read);
	IS_INT(read.generation, 7);
	IS_INT(read.at_unix_s, 1700000000);
	IS_INT(strlen(read.message), sizeof(read.message) - 1);
	OK(read.number != before);
	before = read.number;
	segment_last_reload(s, &read);
	IS_INT(read.number, before);
	segment_say_reload(s, &said);		/* the same once more */
	segment_last_reload(s, &read);
	OK(read.number != before);

	/* somebody died in the middle; whoever locks next repairs */
	atomic_fetch_add(&s->file->head.reload.seq, 1);
	segment_last_reload(s, &read);
	IS_INT(read.generation, 0);
	OK(shm_lock(s->file));
	shm_repair_locked(s->file);
	shm_unlock(s->file);
	segment_last_reload(s, &read);
	IS_INT(read.generation, 7);
	IS_INT(strlen(read.message), 0);
	segment_close(s);
	place_end(&p);
}

/* In a process of its own: no file may grow over a limit. */
static void
full_disk(void)
{
	struct place p = place_new();
	struct rlimit limit = { 65536, 65536 };
	struct stat st;
	char fresh[96];
	int rc = -1;
	pid_t pid = fork();

	if (pid == 0) {
		const char *why = "";

		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		if (segment_open(p.file, SEGMENT_CREATE, p.arena, &why) != NULL)
			_exit(1);
		_exit(strstr(why, "no room") == NULL ? 2 : 0);
	}
	waitpid(pid, &rc, 0);
	tap_ok(rc == 0, "no room is told when the file is made");
	snprintf(fresh, sizeof(fresh), "%s/state.new", p.dir);
	tap_ok(stat(fresh, &st) != 0 && stat(p.file, &st) != 0,
		"and nothing is left");
	place_end(&p);
}

/* One directory: by name, of whom it is, of whom the file in it is. */
static const struct other {
	const char *label, *name;
	uid_t owner, of_file;
	bool told;
} others[] = {
	{ "another user's", "mcpgate-33", 33, 33, true },
	{ "one that somebody else has made", "mcpgate-34", 35, 35, false },
	{ "a file of somebody else", "mcpgate-36", 36, 35, false },
	{ "our own", "mcpgate-0", 0, 0, false },
	{ "no number", "mcpgate-37x", 37, 37, false },
	{ "no user", "mcpgate-", 38, 38, false },
	{ "another name", "mcpgatf-39", 39, 39, false },
};

static void
other_users(void)
{
	struct place p = place_new();
	char dir[160], file[176];

	IS_STR(segment_others("/proc/none", p.arena), "");
	IS_STR(segment_others(p.dir, p.arena), "");
	for (size_t i = 0; geteuid() == 0 &&
	    i < sizeof(others) / sizeof(*others); i++) {
		const struct other *o = &others[i];
		int fd;

		snprintf(dir, sizeof(dir), "%s/%s", p.dir, o->name);
		snprintf(file, sizeof(file), "%s/state", dir);
		OK(mkdir(dir, 0700) == 0);
		tap_ok(segment_others(p.dir, p.arena).n == 0,
			"a directory without a file: %s", o->label);
		fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		OK(fd >= 0 && fchown(fd, o->of_file, o->of_file) == 0);
		OK(chown(dir, o->owner, o->owner) == 0);
		close(fd);
		tap_ok(str_is(segment_others(p.dir, p.arena),
			o->told ? file : ""), "%s", o->label);
		unlink(file);
		rmdir(dir);
	}
	place_end(&p);
}

static void
where(void)
{
	struct place p = place_new();
	struct stat st;
	char path[128];
	const char *why = "";
	struct segment *s;

	tap_ok(segment_open("/proc/none/state", SEGMENT_CREATE, p.arena,
		&why) == NULL && strstr(why, "directory") != NULL,
		"a directory that cannot be made");
	tap_ok(segment_open("/dev/shm/gate-test-state", SEGMENT_CREATE,
		p.arena, &why) == NULL, "not in the top of /dev/shm");
	snprintf(path, sizeof(path), "%s/", p.dir);
	tap_ok(segment_open(path, SEGMENT_CREATE, p.arena, &why) == NULL,
		"a path without a name");
	snprintf(path, sizeof(path), "%s/deep/state", p.dir);
	s = segment_open(path, SEGMENT_CREATE, p.arena, &why);
	OK(s != NULL);
	IS_STR(str_of(segment_path(s)), path);
	snprintf(path, sizeof(path), "%s/deep", p.dir);
	tap_ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700,
		"the directory is made for us alone");
	segment_close(s);
	snprintf(path, sizeof(path), "%s/deep/state", p.dir);
	tap_ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600 &&
		st.st_blocks * 512 >= (off_t)SIZE, "every block is reserved");
	unlink(path);
	snprintf(path, sizeof(path), "%s/deep/state.lock", p.dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/deep", p.dir);
	rmdir(path);
	place_end(&p);
}

/* Memory we have touched, in KiB, of a process that just attached. */
static long
touched_kib(const struct shm_file *f)
{
	char line[256];
	FILE *maps = fopen("/proc/self/smaps", "re");
	bool ours = false;
	long kib = -1;

	while (maps != NULL && kib < 0 && fgets(line, sizeof(line), maps)) {
		unsigned long from;

		if (sscanf(line, "%lx-%*x ", &from) == 1)
			ours = from == (unsigned long)(uintptr_t)f;
		if (ours && strncmp(line, "Rss:", 4) == 0)
			kib = strtol(line + 4, NULL, 10);
	}
	if (maps != NULL)
		fclose(maps);
	return kib;
}

static void
memory(void)
{
	struct place p = place_new();
	struct segment *s;
	long kib;

	segment_close(place_open(&p));
	s = place_open(&p);
	kib = touched_kib(s->file);
	tap_ok(kib >= 0 && kib <= 256, "attaching touches %ld KiB", kib);
	OK(SIZE <= 16 * 1024 * 1024);
	segment_close(s);
	place_end(&p);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].root_only && geteuid() != 0)
			tap_ok(true, "%s # SKIP not root", cases[i].name);
		else
			check_case(i);
	}
	two_versions();
	read_only();
	reload_words();
	full_disk();
	where();
	other_users();
	memory();
	return tap_done();
}
