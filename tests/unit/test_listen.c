/* SPDX-License-Identifier: MIT */
/*
 * listen -- addresses that are opened, and those that are not
 */
#include "config.h"
#include "main/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "kit/tap.h"

static char dir[] = "/tmp/gate-test-XXXXXX";

static const struct {
	const char *address;		/* '@' stands for the directory */
	int rc;
} cases[] = {
	{ "unix:@/a.sock", 0 },
	{ "unix:@/none/a.sock", EX_CANTCREAT },
	{ "unix:", EX_CONFIG },
	{ "unix:@/a-name-that-is-much-longer-than-the-hundred-and-seven-bytes-"
		"which-the-address-of-a-unix-socket-has-room-for", EX_CONFIG },
	{ "unix:@/file", EX_CANTCREAT },
	{ "tcp:127.0.0.1:0", 0 },
	{ "tcp:127.8.9.10:0", 0 },
	{ "tcp:localhost:0", 0 },
	{ "tcp:0.0.0.0:0", EX_CONFIG },
	{ "tcp:10.0.0.1:0", EX_CONFIG },
	{ "tcp:[::]:0", EX_CONFIG },
	{ "tcp:[::ffff:127.0.0.1]:0", EX_CONFIG },
	{ "tcp:*:9000", EX_CONFIG },
	{ "tcp:127.0.0.1", EX_CONFIG },
	{ "tcp:127.0.0.1:65536", EX_CONFIG },
	{ "tcp:127.0.0.1:-1", EX_CONFIG },
	{ "tcp::9000", EX_CONFIG },
	{ "127.0.0.1:9000", EX_CONFIG },
	{ "fd:99", EX_CONFIG },
	{ "fd:x", EX_CONFIG },
	{ "fd:", EX_CONFIG },
	{ "", EX_CONFIG },
};

static const char *
filled(const char *address, char room[256])
{
	const char *at = strchr(address, '@');

	if (at == NULL)
		return address;
	snprintf(room, 256, "%.*s%s%s", (int)(at - address), address, dir,
		at + 1);
	return room;
}

static void
check(size_t i)
{
	char room[256];
	struct listen_plan p = { .address = filled(cases[i].address, room),
		.mode = 0660, .uid = -1, .gid = -1 };
	struct listener l;

	tap_int(listen_open(&p, &l), cases[i].rc, cases[i].address, __LINE__);
	if (cases[i].rc != 0) {
		tap_ok(l.why[0] != '\0' && l.fd < 0, "%s: says why",
			cases[i].address);
		return;
	}
	tap_ok(listen_ready(l.fd), "%s: listens", cases[i].address);
	tap_ok(strstr(l.name, ":0") == NULL, "the real port is told: %s",
		l.name);
	close(l.fd);
	listen_unlink(&l);
}

/* Whoever dies leaves a name behind; whoever lives keeps it. */
static void
stale(void)
{
	char name[256];
	struct listen_plan p = { .address = filled("unix:@/b.sock", name),
		.mode = 0640, .uid = -1, .gid = -1 };
	struct listener one, two;
	struct stat st;

	IS_INT(listen_open(&p, &one), 0);
	OK(stat(one.path, &st) == 0 && (st.st_mode & 0777) == 0640);
	tap_int(listen_open(&p, &two), EX_CANTCREAT, "it is in use", __LINE__);
	OK(strstr(two.why, "another process") != NULL);
	OK(stat(one.path, &st) == 0);
	close(one.fd);
	tap_int(listen_open(&p, &two), 0, "the other one has died", __LINE__);
	OK(listen_ready(two.fd));
	close(two.fd);
	listen_unlink(&two);
	tap_ok(stat(two.path, &st) != 0 && errno == ENOENT, "it is gone");
}

/* LISTEN_FDS counts only for the process that it was meant for. */
static void
inherited(void)
{
	char pid[24], name[256];
	struct listen_plan p = { .address = filled("unix:@/c.sock", name),
		.mode = 0600, .uid = -1, .gid = -1 };
	struct listener l;

	IS_INT(listen_open(&p, &l), 0);
	if (l.fd != 3) {
		dup2(l.fd, 3);
		close(l.fd);
	}
	snprintf(pid, sizeof pid, "%ld", (long)getpid());
	OK(listen_inherited() == -1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", "1", 1);
	tap_int(listen_inherited(), -1, "for another process", __LINE__);
	OK(getenv("LISTEN_FDS") == NULL);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", pid, 1);
	tap_int(listen_inherited(), 3, "for us", __LINE__);
	tap_int(listen_inherited(), -1, "it is asked once", __LINE__);
	setenv("LISTEN_FDS", "0", 1);
	setenv("LISTEN_PID", pid, 1);
	tap_int(listen_inherited(), -1, "none", __LINE__);
	close(3);
	listen_unlink(&l);
}

int
main(void)
{
	char file[64];
	FILE *f;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(file, sizeof file, "%s/file", dir);
	f = fopen(file, "w");
	if (f != NULL)
		fclose(f);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check(i);
	stale();
	inherited();
	unlink(file);
	tap_ok(rmdir(dir) == 0, "nothing is left behind");
	return tap_done();
}
