/* SPDX-License-Identifier: MIT */
/*
 * worker -- one process with one loop: makes it, wires the rooms, ends it
 *
 * Lifetime: from fork (or start) to exit; whatever it makes ends with it.
 * Signals: SIGHUP reload, SIGTERM and SIGINT drain, SIGUSR1 reopen the logs
 * under our own master, drain when a web server started us.
 */
#ifndef MAIN_WORKER_H
#define MAIN_WORKER_H

#include "main/settings.h"
#include "shm/revoked.h"
#include "shm/segment.h"

struct worker_plan {
	const struct settings *settings;
	struct conf_gen *conf;		/* taken over */
	int fd;				/* listening socket */
	const char *state;		/* conf_state() of the first generation */
	bool own_master;		/* pool.c started us */
};

/* Serves until it is told to end. An exit code. */
int worker_run(const struct worker_plan *p);

/* The segment of that name, see conf_state(); says in the log why there is
 * none. */
struct segment *worker_segment(const char *state, struct arena *a);

/* Who was sent away.  NULL, and a line in the log: it cannot be known, and
 * so nobody may come in. */
struct revoked *worker_revoked(const char *state, struct segment *s,
	struct arena *a);

#endif
