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

#include <fcgiapp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "door/stage.h"

struct decoder {
	struct stage *stage;
};

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
	d->stage = stage_new(dir);
	return d;
}

void
decoder_free(struct decoder *d)
{
	if (d == NULL)
		return;
	stage_free(d->stage);
	free(d);
}

void
decoder_use_file(struct decoder *d)
{
	stage_use_file(d->stage);
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
	int fd = stage_put(d->stage, &s->stage);

	bytes_drop(&s->stage, s->pool);
	if (fd < 0)
		return "cannot write the staging file";
	FCGX_InitRequest(&r, -1, 0);
	r.ipcFd = fd;
	r.keepConnection = 1;
	if (FCGX_Accept_r(&r) < 0) {
		stage_closed(d->stage);
		return "decoder refused what the screen let pass";
	}
	why = copy_request(&r, s, params, body_r);
	FCGX_Free(&r, 0);
	stage_wipe(d->stage, s->params_end);
	if (why != NULL)
		stage_reset(d->stage);	/* who knows where it stopped */
	return why;
}
