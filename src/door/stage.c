/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "door/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"

#define WINDOW		KIB(32)	/* bytes mapped; a request that fits goes there */
#define LARGE		MIB(1)	/* bytes; such a file is cut to nothing after */

struct stage {
	const char *dir;
	bool use_file;
	char *window;			/* NULL: made at the next use */
	int window_fd;
	size_t n;			/* of the request, at the window's end */
	int fd;				/* of large requests; -1: next use */
	size_t size;			/* of that file */
	bool in_window;			/* the request that is read now */
};

/* ---- files ---- */

static int
open_unlinked(const char *dir)
{
	char path[4096];
	int fd, n;

	n = snprintf(path, sizeof(path), "%s/mcpgate.XXXXXX", dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -1;
	fd = mkostemp(path, O_CLOEXEC);		/* mode 0600 */
	if (fd >= 0)
		unlink(path);
	return fd;
}

static int
open_private(struct stage *s)
{
	int fd = -1;

	if (!s->use_file) {
		fd = memfd_create("mcpgate", MFD_CLOEXEC);
		if (fd < 0 && errno == ENOSYS)
			s->use_file = true;
	}
	if (s->use_file)
		fd = open_unlinked(s->dir != NULL ? s->dir : GATE_RUNDIR);
	if (fd < 0 && s->use_file)
		fd = open_unlinked(P_tmpdir);
	return fd;
}

static bool
write_at(int fd, const void *p, size_t n, off_t at)
{
	const char *from = p;

	while (n > 0) {
		ssize_t k = pwrite(fd, from, n, at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		from += k;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

/* ---- the window ---- */

static void
close_window(struct stage *s)
{
	if (s->window != NULL)
		munmap(s->window, WINDOW);
	if (s->window_fd >= 0)
		close(s->window_fd);
	s->window = NULL;
	s->window_fd = -1;
}

static bool
open_window(struct stage *s)
{
	void *p;

	if (s->window != NULL)
		return true;
	s->window_fd = open_private(s);
	if (s->window_fd < 0 || ftruncate(s->window_fd, WINDOW) != 0)
		return false;
	p = mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED,
		s->window_fd, 0);
	if (p == MAP_FAILED)
		return false;
	s->window = p;
	return true;
}

static int
lay(struct stage *s, const struct bytes *b)
{
	size_t at = WINDOW - b->n;

	if (!open_window(s) ||
	    lseek(s->window_fd, (off_t)at, SEEK_SET) != (off_t)at) {
		close_window(s);
		return -1;
	}
	memcpy(s->window + at, b->p, b->n);
	s->n = b->n;
	return s->window_fd;
}

/* ---- the file ---- */

static void
close_file(struct stage *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->size = 0;
}

/* No byte of another request may lie behind this one. */
static bool
write_file(struct stage *s, const struct bytes *b)
{
	if (s->fd < 0)
		s->fd = open_private(s);
	if (s->fd < 0 || !write_at(s->fd, b->p, b->n, 0))
		return false;
	if (s->size > b->n && ftruncate(s->fd, (off_t)b->n) != 0)
		return false;
	s->size = b->n;
	return lseek(s->fd, 0, SEEK_SET) == 0;
}

static void
wipe_file(struct stage *s, size_t n)
{
	static const char zeros[KIB(4)];
	size_t at = 0, k;

	if (s->size > LARGE && ftruncate(s->fd, 0) == 0) {
		s->size = 0;
		return;
	}
	while (at < n) {
		k = n - at < sizeof(zeros) ? n - at : sizeof(zeros);
		if (!write_at(s->fd, zeros, k, (off_t)at)) {
			close_file(s);
			return;
		}
		at += k;
	}
}

/* ---- for the decoder ---- */

struct stage *
stage_new(const char *dir)
{
	struct stage *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->dir = dir;
	s->window_fd = s->fd = -1;
	return s;
}

void
stage_reset(struct stage *s)
{
	close_window(s);
	close_file(s);
}

void
stage_free(struct stage *s)
{
	if (s == NULL)
		return;
	stage_reset(s);
	free(s);
}

void
stage_use_file(struct stage *s)
{
	stage_reset(s);
	s->use_file = true;
}

int
stage_put(struct stage *s, const struct bytes *b)
{
	s->in_window = b->n <= WINDOW;
	if (s->in_window)
		return lay(s, b);
	if (write_file(s, b))
		return s->fd;
	close_file(s);
	return -1;
}

void
stage_wipe(struct stage *s, size_t n)
{
	if (s->in_window)
		explicit_bzero(s->window + WINDOW - s->n, s->n);
	else
		wipe_file(s, n);
}

void
stage_closed(struct stage *s)
{
	if (s->in_window)
		s->window_fd = -1;
	else
		s->fd = -1;
	stage_reset(s);
}
