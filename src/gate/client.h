/* SPDX-License-Identifier: MIT */
/*
 * client -- the caller's address, and the lists that it may stand in
 *
 * The walk through trusted proxies is that of http/forwarded.h.  Addresses
 * decide about lists and limits, never about who somebody is.
 */
#ifndef GATE_CLIENT_H
#define GATE_CLIENT_H

#include "gate/pipeline.h"

/* Rules for addresses, rates, origins: of the server, or of the gateway for
 * a page that wants to know who asks; NULL: an open page. */
const struct conf_security *client_security(const struct req *q);

/* The label of the server in metrics. */
struct str client_server(const struct req *q);

/* q->client and q->address; at open pages a fault is nothing to anybody. */
const struct fault *client_find(struct req *q);

/* The refusal of the address that was found, counted and on record. */
const struct fault *client_deny(struct req *q, const char *why);

/* Finds the address and looks at bans and lists. */
const struct fault *client_check(struct req *q);

#endif
