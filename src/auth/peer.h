/* SPDX-License-Identifier: MIT */
/*
 * peer -- who is at the other end of the web server's connection
 */
#ifndef AUTH_PEER_H
#define AUTH_PEER_H

#include "conf/conf.h"
#include "http/params.h"

/* Is the peer inside the list?  No address at all, or "unix:…", is inside
 * when the list has the word for it. */
bool peer_trusted(const struct params *p, struct str variable,
	const struct conf_cidrs *list, int64_t now_unix_s);

#endif
