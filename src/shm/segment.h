/* SPDX-License-Identifier: MIT */
/*
 * segment -- the one mapped file that all workers share
 *
 * Lifetime: the file outlives every process; the mapping ends with the
 * process.  Sharing: any number of processes of one user on one host.
 * Promise: a process killed at any instruction leaves it valid.  Fixed-width
 * integers and indices only; a value read is checked before it is an index.
 * Waits: segment_open() may block for the creation lock; nothing else does.
 * Errors: a file that does not match (magic, layout, size, boot) is replaced
 * by a new one, never interpreted, never truncated; a foreign owner, a
 * symlink, a loose mode is refused.
 */
#ifndef SHM_SEGMENT_H
#define SHM_SEGMENT_H

#include <sys/types.h>

#include "base/fault.h"
#include "base/str.h"

struct segment;

enum { SEGMENT_CREATE = 1, SEGMENT_READ_ONLY = 2 };

/* path: configured file, or NULL for the rule: GATE_RUNDIR/state when that
 * directory is ours, else /dev/shm/mcpgate-UID/state, else the state
 * directory.  NULL: why_r says why (text for the log, in a). */
struct segment *segment_open(const char *path, int flags, struct arena *a,
	const char **why_r);
void segment_close(struct segment *s);

/* Where that rule looks first, whether a file is there or not. */
const char *segment_place(struct arena *a);

/* For root, whom the rule does not lead to what web servers have started:
 * the files of other users by that rule, "A or B"; "": none.  dir: /dev/shm */
struct str segment_others(const char *dir, struct arena *a);

const char *segment_path(const struct segment *s);

/* False: its name belongs to another file now, or somebody has cut it off; to
 * look into it may end the process.  A file that has only lost its name is
 * still good. */
bool segment_in_place(const struct segment *s);

/* 16 random bytes made with the file: key of every keyed digest in it. */
const uint8_t *segment_key(const struct segment *s);

/* 32 random bytes made with the file (cache keys, subkeys). */
const uint8_t *segment_secret(const struct segment *s);

/* ---- words everybody looks at --------------------------------------------- */
uint32_t segment_reload_wanted(const struct segment *s);	/* counts up */
void segment_want_reload(struct segment *s);

/* What the last reload came to, for status and /ready. */
struct segment_reload {
	uint32_t generation;		/* of the worker that said it */
	uint32_t ok;			/* 1 loaded, 0 refused */
	int64_t at_unix_s;
	uint32_t number;		/* read: another one for each */
	char message[256];		/* first error, no secret in it */
};
void segment_say_reload(struct segment *s, const struct segment_reload *r);
void segment_last_reload(const struct segment *s, struct segment_reload *r_r);

/* A process that asks the upstreams at start, for /ready; 0: it has ended.
 * One that dies counts as ended. */
void segment_starting(struct segment *s, pid_t pid);
bool segment_starts(const struct segment *s);

/* Which files lie below the web server's document root. */
enum { EXPOSED_CONF = 1, EXPOSED_STATE = 2, EXPOSED_LOOKED = 4 };

/* Keeps it.  False: it was known; s may be NULL. */
bool segment_say_exposed(struct segment *s, uint32_t found);
/* What was found last; 0: nobody has looked, or it could not be known. */
uint32_t segment_exposed(const struct segment *s);

/* ---- workers --------------------------------------------------------------- */
#define MAX_WORKERS 256
struct worker_slot;		/* this process's, claimed at start */

struct worker_view {
	int32_t pid;
	bool alive;
	uint32_t generation, in_flight, streams, connections;
	uint64_t started_unix_s, requests, longest_us, beat_boot_ms;
};

/* Takes a free slot; those of all dead processes are free again, and counted.
 * NULL when all are taken. */
struct worker_slot *worker_claim(struct segment *s);
void worker_leave(struct worker_slot *w);
void worker_beat(struct worker_slot *w, uint32_t generation,
	uint64_t longest_us);
void worker_count(struct worker_slot *w, int in_flight, int streams,
	int connections, int requests);	/* deltas */
/* A security violation was counted, in the slot of that number. */
void worker_violation(struct segment *s, uint32_t number, uint64_t unix_s);
/* By any slot, also of workers that have ended; 0: never. */
uint64_t worker_last_violation(const struct segment *s);
uint32_t worker_number(const struct worker_slot *w);	/* 0.. */
/* The process of that number is there. */
bool worker_lives(const struct segment *s, uint32_t number);
uint32_t worker_list(const struct segment *s, struct worker_view *v_r,
	uint32_t room);

/* Repairs and checks everything; used by tests and `mcpgatectl`. */
bool segment_valid(const struct segment *s, const char **why_r);

#endif
