/* SPDX-License-Identifier: MIT */
/*
 * place -- a private directory with a segment in it, gone at the end
 *
 *	struct place p = place_new();
 *	struct segment *s = place_open(&p);
 *	...
 *	place_end(&p);
 *
 *	return place_done(&p, s);	a test whose segment must be valid still
 */
#ifndef KIT_PLACE_H
#define KIT_PLACE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "kit/tap.h"
#include "shm/segment.h"

struct place {
	char dir[64], file[80];
	struct arena *arena;
};

static inline struct place
place_new(void)
{
	struct place p;
	const char *top = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	memset(&p, 0, sizeof(p));
	snprintf(p.dir, sizeof(p.dir), "%s/gate-test-XXXXXX", top);
	if (mkdtemp(p.dir) == NULL) {
		perror(p.dir);
		exit(1);
	}
	snprintf(p.file, sizeof(p.file), "%s/state", p.dir);
	p.arena = arena_new(1 << 20);
	return p;
}

static inline struct segment *
place_open(struct place *p)
{
	const char *why = "";
	struct segment *s = segment_open(p->file, SEGMENT_CREATE, p->arena,
		&why);

	if (s == NULL) {
		printf("Bail out! %s\n", why);
		exit(1);
	}
	return s;
}

static inline void
place_end(struct place *p)
{
	static const char *const names[] = { "state", "state.lock",
		"state.new", "state.revoked", "other" };
	char path[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
		unlink(path);
	}
	rmdir(p->dir);
	arena_free(p->arena);
}

static inline int
place_done(struct place *p, struct segment *s)
{
	const char *why = "";

	tap_ok(segment_valid(s, &why), "the segment is valid %s", why);
	segment_close(s);
	place_end(p);
	return tap_done();
}

#endif
