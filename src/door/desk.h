/* SPDX-License-Identifier: MIT */
/*
 * desk -- what all connections of a worker share
 *
 * Lifetime: lies in the door, which ends after its connections.
 */
#ifndef DOOR_DESK_H
#define DOOR_DESK_H

#include "door/door.h"
#include "door/fcgi.h"

#define READ_MOST	KIB(64)	/* bytes of one read */

struct desk {
	struct door_plan plan;
	struct decoder *decoder;
	struct bytes_pool reading, writing;
	struct screen_limits limits;	/* for requests that begin now */
	struct list conns;
	uint32_t n_conns, max_conns;
	bool draining;
	void (*left)(void *who);	/* a connection has ended */
	void *who;
	struct door_counts counts;
	uint8_t scratch[READ_MOST];	/* wiped after each read */
};

#endif
