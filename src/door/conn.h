/* SPDX-License-Identifier: MIT */
/*
 * conn -- one connection of the web server: one request after the other
 *
 * Lifetime: from conn_open() until either side closes; an idle one costs less
 * than 1 KiB of memory.
 * Waits: for bytes, for the gate, for the web server to take the reply; each
 * with its time limit (input_ms, the gate's own, WRITE_STALL_MS, and
 * IDLE_KEPT_MS between requests).
 * Promise: never answers before the end of a request has been read; a reader
 * or sender that is slow delays nobody else.
 */
#ifndef DOOR_CONN_H
#define DOOR_CONN_H

#include "door/desk.h"

/* Takes over an accepted, non-blocking socket. */
void conn_open(struct desk *d, int fd);

/* Closes the idle ones now, the others after their reply. */
void conn_drain_all(struct desk *d);
void conn_free_all(struct desk *d);

#endif
