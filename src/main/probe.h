/* SPDX-License-Identifier: MIT */
/*
 * probe -- at start: does each upstream answer that must (panicIfInvalid)?
 *
 * One initialize to each, all at once, with the token whose turn it would be;
 * a session that begins by it is ended again.
 * Waits: until all have answered, startupGracePeriod at most.
 * Errors: one line in the log for each that fails.
 */
#ifndef MAIN_PROBE_H
#define MAIN_PROBE_H

#include "conf/conf.h"
#include "shm/segment.h"

bool probe_wanted(const struct conf *c);

/* EX_OK or EX_UNAVAILABLE.  s may be NULL. */
int probe_run(const struct conf *c, struct segment *s);

#endif
