/* SPDX-License-Identifier: MIT */
/*
 * gen -- what a generation holds, for the files of this room
 *
 * Lifetime: that of its last holder; conf_release() then wipes the arena.
 */
#ifndef CONF_GEN_H
#define CONF_GEN_H

#include "conf/load.h"

struct conf_gen {
	struct arena *arena;		/* this struct lies in it too */
	uint32_t holders;
	struct conf conf;
	struct loading loading;		/* the trees that a dump shows */
};

#endif
