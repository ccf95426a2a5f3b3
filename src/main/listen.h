/* SPDX-License-Identifier: MIT */
/*
 * listen -- the socket that web servers connect to
 *
 * Whoever can connect can say anything about himself, REMOTE_USER included:
 * hence unix sockets with a mode, and TCP on loopback only.
 * Errors: an exit code of mcpgate(8), with a sentence for the log.
 */
#ifndef MAIN_LISTEN_H
#define MAIN_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listen_plan {
	const char *address;		/* unix:PATH tcp:ADDR:PORT fd:N */
	mode_t mode;			/* of a unix socket */
	long uid, gid;			/* its owner; -1: ours */
};

struct listener {
	int fd;
	char path[108];			/* made by us: unlink at the end; "" */
	char name[128];			/* for the log, with the real port */
	char why[256];
};

/* 0 or an exit code; l_r->why says why. */
int listen_open(const struct listen_plan *p, struct listener *l_r);

/* Is fd a listening socket? */
bool listen_ready(int fd);

/* What a service manager hands over (LISTEN_FDS), or -1; asks once. */
int listen_inherited(void);

/* Takes the socket's name out of the file system, when we made it. */
void listen_unlink(const struct listener *l);

#endif
