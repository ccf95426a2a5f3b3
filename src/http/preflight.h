/* SPDX-License-Identifier: MIT */
/*
 * preflight -- which headers a page may send, of those that it asks for
 *
 * Promise: nothing of the question comes back but names of tool parameters
 * (Mcp-Param-*) that are tokens, MAX_ASKED_HEADERS of them at most.
 */
#ifndef HTTP_PREFLIGHT_H
#define HTTP_PREFLIGHT_H

#include "base/str.h"

/* always: names that may be sent anyway. asked: the value of
 * Access-Control-Request-Headers. */
struct str preflight_headers(struct arena *a, struct str always,
	struct str asked);

#endif
