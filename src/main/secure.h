/* SPDX-License-Identifier: MIT */
/*
 * secure -- what a process gives up before it holds secrets
 */
#ifndef MAIN_SECURE_H
#define MAIN_SECURE_H

#include <stdbool.h>
#include <stddef.h>

/* No core dump, no debugger, files for us alone, descriptors 0..2 taken, as
 * many descriptors as we may have.  debug: leaves dumps and debuggers on. */
void secure_process(bool debug);

/* Who to become; -1: stay. */
struct secure_ids {
	long uid, gid;
};

/* Names or numbers; NULL: stay.  A user alone brings its own group.
 * False: why_r says why. */
bool secure_find(const char *user, const char *group, struct secure_ids *ids_r,
	char *why_r, size_t room);

/* For ever. False: errno says why. */
bool secure_drop(const struct secure_ids *ids, const char *user);

#endif
