/* SPDX-License-Identifier: MIT */
/*
 * fcgi -- write the stage into the file, let libfcgi read it, compare
 *
 * Traps of libfcgi that shape this file: FCGX_Accept_r() closes the
 * descriptor first unless keepConnection is set; it closes it, too, when it
 * refuses; it may say yes to half a request, only FCGX_GetError() tells; its
 * strings die with FCGX_Free(); FCGX_Init() replaces signal handlers.
 */
#include "config.h"
#include "door/fcgi.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"

#define LARGE_STAGE	MIB(1)	/* bytes; the file is cut to nothing after */

struct decoder {
	int fd;				/* -1: made at the next use */
	bool use_file;
	size_t size;			/* of the file */
	const char *dir;
};

/* ---- the file ---- */

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
open_file(const char *dir)
{
	int fd = open_unlinked(dir != NULL ? dir : GATE_RUNDIR);

	return fd >= 0 ? fd : open_unlinked(P_tmpdir);
}

static bool
open_stage(struct decoder *d)
{
	if (d->fd >= 0)
		return true;
	d->size = 0;
	if (!d->use_file) {
		d->fd = memfd_create("mcpgate", MFD_CLOEXEC);
		if (d->fd < 0 && errno == ENOSYS)
			d->use_file = true;
	}
	if (d->use_file)
		d->fd = open_file(d->dir);
	return d->fd >= 0;
}

static void
close_stage(struct decoder *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
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

/* No byte of another request may lie behind this one. */
static bool
write_stage(struct decoder *d, const struct bytes *b)
{
	if (!write_at(d->fd, b->p, b->n, 0))
		return false;
	if (d->size > b->n && ftruncate(d->fd, (off_t)b->n) != 0)
		return false;
	d->size = b->n;
	return lseek(d->fd, 0, SEEK_SET) == 0;
}

/* Takes the variables out of the file again. */
static void
wipe_stage(struct decoder *d, size_t n)
{
	static const char zeros[KIB(4)];
	size_t at = 0, k;

	if (d->fd < 0)
		return;
	if (d->size > LARGE_STAGE && ftruncate(d->fd, 0) == 0) {
		d->size = 0;
		return;
	}
	while (at < n) {
		k = n - at < sizeof(zeros) ? n - at : sizeof(zeros);
		if (!write_at(d->fd, zeros, k, (off_t)at)) {
			close_stage(d);
			return;
		}
		at += k;
	}
}

/* ---- life ---- */

/* The handlers that FCGX_Init() sets are of no use to us. */
static const int its_signals[] = { SIGPIPE, SIGUSR1, SIGTERM };

#define ITS_SIGNALS (sizeof(its_signals) / sizeof(its_signals[0]))

static void
init_library(void)
{
	struct sigaction before[ITS_SIGNALS];

	for (size_t i = 0; i < ITS_SIGNALS; i++)
		sigaction(its_signals[i], NULL, &before[i]);
	if (FCGX_Init() != 0)
		abort();
	for (size_t i = 0; i < ITS_SIGNALS; i++)
		sigaction(its_signals[i], &before[i], NULL);
}

struct decoder *
decoder_new(const char *dir)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (d == NULL)
		abort();
	init_library();
	d->fd = -1;
	d->dir = dir;
	return d;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	close_stage(d);
	free(d);
}

void
decoder_use_file(struct decoder *d)
{
	close_stage(d);
	d->use_file = true;
}

/* ---- the decode ---- */

/* What came out, to be compared with what the screen has counted. */
struct sums {
	uint32_t pairs, text_n;
};

/* The variables of the server; the first one is the library's own. */
static struct sums
count(char **envp)
{
	struct sums c = { 0, 0 };

	for (char **e = envp; e != NULL && *e != NULL; e++) {
		if (e == envp)
			continue;
		c.pairs++;
		c.text_n += (uint32_t)strlen(*e) - 1;	/* without '=' */
	}
	return c;
}

/* One copy of all variables; the table borrows from it. */
static void
copy_params(struct params *params, char **envp, struct sums c)
{
	char *p = arena_alloc(params->arena, c.text_n + 2 * (size_t)c.pairs);

	for (char **e = envp + 1; c.pairs > 0; e++, c.pairs--) {
		size_t n = strlen(*e);
		struct str all = { p, n }, name;

		memcpy(p, *e, n + 1);
		explicit_bzero(*e, n);
		name = str_cut(&all, '=');
		params_add(params, name, all);
		p += n + 1;
	}
}

/* Reads the body to its end; false: it is not exactly n bytes. */
static bool
read_body(FCGX_Request *r, struct arena *a, uint64_t n, struct str *body_r)
{
	char *p = arena_alloc(a, n + 1);
	size_t at = 0;
	int room, k;

	do {
		room = n + 1 - at < PROTO_MOST ? (int)(n + 1 - at) : PROTO_MOST;
		k = FCGX_GetStr(p + at, room, r->in);
		at += k > 0 ? (size_t)k : 0;
	} while (k == room && at <= n);
	*body_r = (struct str){ p, n };
	return at == n && FCGX_GetError(r->in) == 0;
}

static const char *
compare(const FCGX_Request *r, const struct screen *s, struct sums c)
{
	if (r->role != PROTO_RESPONDER || r->requestId != s->id)
		return "decoder and screen differ in role or id";
	if ((r->keepConnection != 0) != ((s->flags & PROTO_KEEP_CONN) != 0))
		return "decoder and screen differ in the keep flag";
	if (c.pairs != s->pairs || c.text_n != s->text_n)
		return "decoder and screen differ in the variables";
	return NULL;
}

static const char *
copy_request(FCGX_Request *r, const struct screen *s, struct params *params,
	struct str *body_r)
{
	struct sums c = count(r->envp);
	const char *why = compare(r, s, c);

	if (why != NULL)
		return why;
	if (!read_body(r, params->arena, s->body_n, body_r))
		return "decoder and screen differ in the body";
	copy_params(params, r->envp, c);
	return NULL;
}

const char *
decoder_run(struct decoder *d, struct screen *s, struct params *params,
	struct str *body_r)
{
	FCGX_Request r;
	const char *why;
	bool written = open_stage(d) && write_stage(d, &s->stage);

	bytes_drop(&s->stage, s->pool);
	if (!written) {
		close_stage(d);
		return "cannot write the staging file";
	}
	FCGX_InitRequest(&r, -1, 0);
	r.ipcFd = d->fd;
	r.keepConnection = 1;
	if (FCGX_Accept_r(&r) < 0) {
		d->fd = -1;		/* it has closed it */
		return "decoder refused what the screen let pass";
	}
	why = copy_request(&r, s, params, body_r);
	FCGX_Free(&r, 0);
	wipe_stage(d, s->params_end);
	return why;
}
