/* SPDX-License-Identifier: MIT */
/*
 * pool -- the master: forks workers, replaces dead ones, passes signals on
 *
 * The master serves nothing and has no loop.  It holds one loaded generation,
 * so that a worker that replaces a dead one starts with what was last good,
 * also while the file is being edited.  Once a second it looks at the file,
 * as each worker does: the number of workers, drainTime and its own log follow
 * a changed one without a signal.
 * Signals: SIGHUP reload, SIGTERM and SIGINT drain (again: at once), SIGUSR1
 * reopen the logs.  A killed master takes its workers along: the kernel sends
 * them SIGTERM.
 */
#ifndef MAIN_POOL_H
#define MAIN_POOL_H

#include "main/listen.h"
#include "main/settings.h"

struct pool_plan {
	const struct settings *settings;
	struct conf_gen *conf;		/* taken over */
	const struct listener *listener;
};

/* Comes back in the master when all workers have ended, and in each worker at
 * its own end; *master_r tells which. An exit code. */
int pool_run(const struct pool_plan *p, bool *master_r);

#endif
