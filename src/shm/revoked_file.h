/* SPDX-License-Identifier: MIT */
/*
 * revoked_file -- the journal of revocations; for revoked.c only
 */
#ifndef SHM_REVOKED_FILE_H
#define SHM_REVOKED_FILE_H

#include <sys/stat.h>

#include "shm/layout.h"
#include "shm/revoked.h"

struct revoked {
	struct shm_revoked *table;
	struct shm_file *file;		/* its lock; NULL: a table of our own */
	struct arena *arena;
	const char *journal;
	bool nowhere;			/* there can be none: it would lie in
					 * a directory that is another's */
	char why[512];			/* the last failure; one a second may
					 * go on for days */
};

/* Into r->why. */
const char *revoked_say(struct revoked *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* All of it; a last line without its end is still being written.  True with
 * an empty text: there is none yet. */
bool revoked_read(struct revoked *r, struct arena *a, struct str *text_r,
	struct stat *st_r, const char **why_r);

/* fn for each line; false: one is none, or fn has said so. */
bool revoked_lines(struct revoked *r, struct str text, const char **why_r,
	bool (*fn)(void *who, const struct revoked_entry *e), void *who);

/* The journal, open, for one writer alone until it is closed; made when there
 * is none.  -1: why_r. */
int revoked_alone(struct revoked *r, struct stat *st_r, const char **why_r);

/* Room for one more line; the journal may be another one afterwards. */
bool revoked_space(struct revoked *r, int *fd, int64_t now_unix_s,
	const char **why_r);
bool revoked_append(struct revoked *r, int fd, const struct revoked_entry *e,
	const char **why_r);

#endif
