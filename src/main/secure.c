/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/secure.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* A leak check needs to look at its own process. */
#ifdef GATE_SANITIZED
# define MAY_HIDE false
#else
# define MAY_HIDE true
#endif

static void
take_standard_descriptors(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (open("/dev/null", O_RDWR) != fd)
			return;
	}
}

static void
want_descriptors(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0)
		return;
	lim.rlim_cur = lim.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

static void
hide_memory(void)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
}

void
secure_process(bool debug)
{
	take_standard_descriptors();
	want_descriptors();
	(void)umask(077);
	if (!debug && MAY_HIDE)
		hide_memory();
}

static bool
find_user(const char *user, struct secure_ids *ids)
{
	const struct passwd *pw = getpwnam(user);
	uint64_t n;

	if (pw == NULL && str_number(str_of(user), &n)) {
		ids->uid = (long)n;
		pw = getpwuid((uid_t)n);
	}
	if (pw != NULL) {
		ids->uid = (long)pw->pw_uid;
		ids->gid = (long)pw->pw_gid;
	}
	return ids->uid >= 0;
}

static bool
find_group(const char *group, struct secure_ids *ids)
{
	const struct group *gr = getgrnam(group);
	uint64_t n;

	ids->gid = -1;
	if (gr != NULL)
		ids->gid = (long)gr->gr_gid;
	else if (str_number(str_of(group), &n))
		ids->gid = (long)n;
	return ids->gid >= 0;
}

bool
secure_find(const char *user, const char *group, struct secure_ids *ids_r,
	char *why_r, size_t room)
{
	ids_r->uid = -1;
	ids_r->gid = -1;
	if (user != NULL && !find_user(user, ids_r)) {
		(void)snprintf(why_r, room, "unknown user '%s'", user);
		return false;
	}
	if (group != NULL && !find_group(group, ids_r)) {
		(void)snprintf(why_r, room, "unknown group '%s'", group);
		return false;
	}
	return true;
}

/* The groups of root must not stay behind; those of the user count, the first
 * one too where --group names another. */
static bool
drop_groups(const struct secure_ids *ids, const char *user)
{
	const struct passwd *pw = user != NULL ? getpwnam(user) : NULL;
	gid_t gid = (gid_t)ids->gid;

	if (geteuid() != 0)
		return gid == getegid();
	if (pw != NULL)
		return initgroups(user, pw->pw_gid) == 0 && setgid(gid) == 0;
	return setgroups(1, &gid) == 0 && setgid(gid) == 0;
}

bool
secure_drop(const struct secure_ids *ids, const char *user)
{
	if (ids->gid >= 0 && !drop_groups(ids, user))
		return false;
	if (ids->uid < 0 || geteuid() == (uid_t)ids->uid)
		return true;
	if (setuid((uid_t)ids->uid) != 0)
		return false;
	return ids->uid == 0 || setuid(0) != 0;	/* no way back */
}
