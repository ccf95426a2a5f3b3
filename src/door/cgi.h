/* SPDX-License-Identifier: MIT */
/*
 * cgi -- one request from the environment and stdin, its reply to stdout
 *
 * Waits: for stdin up to input_ms, for stdout up to WRITE_STALL_MS.  Pipes
 * and sockets are made non-blocking, and set back at the end; files are read
 * and written directly.
 * HTTP_PROXY is never looked at: the client may have sent it as "Proxy:".
 */
#ifndef DOOR_CGI_H
#define DOOR_CGI_H

#include "door/desk.h"

struct cgi;

struct cgi_plan {
	char **environment;
	int in, out;			/* descriptors; stay the caller's */
	void (*done)(void *who);	/* the request has ended */
	void *who;
};

/* Nothing is called from inside this. */
struct cgi *cgi_start(struct desk *d, const struct cgi_plan *p);
void cgi_free(struct cgi *c);

#endif
