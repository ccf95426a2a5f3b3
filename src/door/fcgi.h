/* SPDX-License-Identifier: MIT */
/*
 * fcgi -- libfcgi as the decoder of one screened request
 *
 * The only file that knows libfcgi.  It never sees a socket: the staged
 * records are written into a private file of the worker, which cannot block
 * and takes any size, and libfcgi reads them from there.
 * Lifetime: one decoder per worker, made after fork; a descriptor shared
 * over fork shares its offset.
 * Promise: what comes out agrees with what the screen has counted.
 * Secrets: the variables are wiped from the file, and from libfcgi's copies
 * of them, right after the decode.
 */
#ifndef DOOR_FCGI_H
#define DOOR_FCGI_H

#include "door/records.h"
#include "http/params.h"

struct decoder;

/* dir: where an unlinked file may lie when the kernel has no memfd; NULL:
 * the run directory.  Signal handlers are as before when this returns. */
struct decoder *decoder_new(const char *dir);
void decoder_free(struct decoder *d);

/* Makes the file of an unlinked name instead of a memfd from now on. */
void decoder_use_file(struct decoder *d);

/* Decodes the stage of a complete request, which is given back on the way.
 * The variables are added to params, which params_init() has seen; they and
 * the body lie in its arena.  NULL, or why it failed, for the log. */
const char *decoder_run(struct decoder *d, struct screen *s,
	struct params *params, struct str *body_r);

#endif
