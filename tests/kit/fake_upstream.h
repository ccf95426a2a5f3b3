/* SPDX-License-Identifier: MIT */
/*
 * fake_upstream -- an HTTP server and proxy whose paths are its script
 *
 * A forked child on 127.0.0.1, at a port of the kernel's choice; it ends with
 * its parent.  What a path does (N is a number):
 *
 *	/ok		200, a small JSON body, connection kept
 *	/echo		200, the request as it came
 *	/status/N	that status with a small body
 *	/chunked	200 in three chunks, with a trailer
 *	/sse		three events, then the end
 *	/open		one event, then silence on an open stream
 *	/tick/N		an event every N milliseconds, for ever
 *	/slow/N		200 after N milliseconds
 *	/never		no answer
 *	/half		the head and a part of the body, then silence
 *	/drop		the head and a part of the body, then closed
 *	/close		closed without an answer
 *	/reset		the same, with a reset
 *	/leave/N	200, then closed after N milliseconds of idling
 *	/once		200 first; closed without an answer when a connection
 *			asks again
 *	/garbage	not HTTP
 *	/old		a body without a head (HTTP/0.9)
 *	/badchunk	a chunk size that is none
 *	/head/N		200 with a head of N bytes
 *	/lines/N	200 with N header lines
 *	/odd		200 with odd header lines
 *	/early		100 and 103, then 200
 *	/trickle/N	200, the head byte by byte, N milliseconds apart
 *	/big/N		200 with N bytes
 *	/count		"CONNECTIONS REQUESTS" so far
 *	/behind		200 with the head of another reply behind it
 *	/unasked/N	200, and such a head after N milliseconds
 *	/blank/N	200, and a blank line after N milliseconds
 *	/tired/N	200, and 408 after N milliseconds
 *	/closing	200 with Connection: close; stays open nevertheless
 *	/ten		200 of HTTP/1.0 with Connection: keep-alive
 *	/keep/N		200 with Keep-Alive: timeout=N
 *	/doubt		200 with a length and chunks
 *	/until		200 without a length, then closed
 *	/refuse		413 and closed, before the body has come
 *	/hasty/N	200 before the body has come, of which nothing is read
 *			for N milliseconds; stays open
 *	/balk/N		one event before the body has come, of which nothing
 *			is read; closed after N milliseconds
 *
 * An absolute URI is answered like /echo, unless its host says more, as it
 * does for CONNECT: auth.test 407, deny.test 403, late.test 504, bad.test
 * garbage, mute.test nothing, shut.test closed; 127.0.0.1:N is tunnelled.
 * SOCKS5 and TLS are refused.
 */
#ifndef KIT_FAKE_UPSTREAM_H
#define KIT_FAKE_UPSTREAM_H

#include <stdbool.h>
#include <sys/types.h>

struct fake {
	pid_t pid;
	int port;
};

bool fake_start(struct fake *f);
void fake_stop(struct fake *f);

/* A port on 127.0.0.1 where nobody listens. */
int fake_closed_port(void);

#endif
