/* SPDX-License-Identifier: MIT */
/*
 * file -- read a file of the configuration, if it can be trusted
 *
 * Regular, not writable by others, no directory above it that others may
 * change; one that holds a secret belongs to root or us, is not writable by
 * its group and not readable by others.
 */
#include "config.h"
#include "conf/load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"

void
file_mix(struct loading *l, struct str text)
{
	uint8_t digest[SHA256_SIZE];
	struct str parts[2] = {
		{ (const char *)&l->fingerprint, sizeof(l->fingerprint) }, text
	};

	digest_parts(parts, 2, digest);
	memcpy(&l->fingerprint, digest, sizeof(l->fingerprint));
}

static void
remember(struct loading *l, const char *path, const struct stat *st)
{
	struct seen_file *s;

	for (uint32_t i = 0; i < l->n_seen; i++) {
		if (strcmp(l->seen[i].path, path) == 0)
			return;
	}
	if (l->n_seen == MAX_SEEN)
		return;
	s = &l->seen[l->n_seen++];
	s->path = str_copy(l->arena, str_of(path)).p;
	s->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 +
	    st->st_mtim.tv_nsec;
	s->size = st->st_size;
	s->inode = (uint64_t)st->st_ino;
}

/* Somebody else could put another file there. */
static bool
way_open(const char *path)
{
	char real[PATH_MAX];
	struct stat st;
	char *slash;

	if (realpath(path, real) == NULL)
		return false;
	for (slash = strrchr(real, '/'); slash != NULL;
	    slash = strrchr(real, '/')) {
		*slash = '\0';
		if (stat(real[0] == '\0' ? "/" : real, &st) == 0 &&
		    (st.st_mode & S_IWOTH) != 0 &&
		    (st.st_mode & S_ISVTX) == 0)
			return true;
	}
	return false;
}

static const char *
untrusted(const char *path, const struct stat *st, enum file_rules rules)
{
	if (!S_ISREG(st->st_mode))
		return "not a regular file";
	if ((st->st_mode & S_IWOTH) != 0)
		return "others may write it";
	if (way_open(path))
		return "others may write a directory above it";
	if (rules != FILE_SECRET)
		return NULL;
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "it belongs to somebody else";
	if ((st->st_mode & S_IWGRP) != 0)
		return "its group may write it";
	return NULL;
}

static bool
read_all(struct loading *l, int fd, size_t max, struct str *text_r)
{
	size_t room = 16384, n = 0;
	char *p = arena_alloc(l->arena, room);

	for (;;) {
		ssize_t got = read(fd, p + n, room - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		n += (size_t)got;
		if (n > max) {
			errno = EFBIG;
			return false;
		}
		if (n == room) {
			char *more = arena_alloc(l->arena, room * 2);

			memcpy(more, p, n);
			p = more;
			room *= 2;
		}
	}
	*text_r = (struct str){ p, n };
	return true;
}

bool
file_read(struct loading *l, const char *path, size_t max,
	enum file_rules rules, struct file_text *text_r, const char **why_r)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	const char *why = NULL;

	if (fd < 0) {
		*why_r = strerror(errno);
		return false;
	}
	if (fstat(fd, &st) != 0)
		why = strerror(errno);
	else
		why = untrusted(path, &st, rules);
	if (why == NULL && !read_all(l, fd, max, &text_r->text))
		why = strerror(errno);
	close(fd);
	if (why != NULL) {
		*why_r = str_copy(l->report->arena, str_of(why)).p;
		return false;
	}
	text_r->mode = st.st_mode & 07777;
	remember(l, path, &st);
	file_mix(l, text_r->text);
	return true;
}
