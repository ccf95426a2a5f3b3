/* SPDX-License-Identifier: MIT */
/*
 * listen -- new connections, one per turn, so that workers share them evenly
 *
 * Lifetime: the descriptor stays the caller's.
 */
#ifndef DOOR_LISTEN_H
#define DOOR_LISTEN_H

#include "door/desk.h"

struct listener;

/* Raises the soft limit of descriptors to the hard one, and sets max_conns of
 * the desk by it. */
struct listener *listener_new(struct desk *d, int fd);

/* There may be room again for a connection. */
void listener_wake(struct listener *l);
void listener_free(struct listener *l);

#endif
