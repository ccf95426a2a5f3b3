/* SPDX-License-Identifier: MIT */
/*
 * guard -- addresses that blockPrivate refuses, and hosts that go direct
 *
 * Addresses are judged when a connection is made, after the name was
 * resolved; host texts are judged where a proxy resolves them.
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H

#include <sys/socket.h>

#include "base/str.h"

/* Loopback, private, link-local, multicast, documentation of transition
 * schemes with such an address inside; also everything that is not IP. */
bool guard_address(const struct sockaddr *sa);

/* localhost, *.localhost, or an address as above, in brackets or not. */
bool guard_host(struct str host);

/* Is host on the comma list of those that need no proxy?  Entries: "*", a
 * domain with or without a dot in front (it counts for all below it, too),
 * an address, a block of addresses. */
bool guard_direct(struct str list, struct str host);

#endif
