/* SPDX-License-Identifier: MIT */
/*
 * door_rig -- a real door on a unix socket in front of the fake gate, with
 * the web server's side in the same process
 *
 * Time is the loop's: deadlines are moved by loop_skip(), not waited for.
 */
#ifndef KIT_DOOR_RIG_H
#define KIT_DOOR_RIG_H

#include "base/limits.h"
#include "door/door.h"
#include "kit/fake_gate.h"
#include "kit/fcgi_peer.h"

#define RIG_BODY	MIB(4)		/* limit of the body */
#define RIG_INPUT_MS	30000

extern struct loop *loop;
extern struct door *door;
extern char rig_path[64];
extern int open_conns;

/* A directory for the sockets; false: none. */
bool rig_begin(void);
void rig_end(void);

/* type: SOCK_STREAM, or SOCK_SEQPACKET to see each send of the door. */
void open_door(int type);

/* False: a connection or a request is left, which is wrong. */
bool close_door(void);

/* Lets the loop run for this long, and four turns at least. */
void pump(uint64_t ms);

/* Connects and sends; on a connection; while the loop runs. */
int call(const struct peer_call *c);
void call_on(int fd, const struct peer_call *c);
bool send_pumping(int fd, const struct peer_text *t, size_t step);

/* Lets both sides work until a reply has ended, or the connection. */
void finish(int fd, struct peer_reply *r);

/* Closed by the door within the next turns, and forgotten. */
bool closed(int fd);

#endif
