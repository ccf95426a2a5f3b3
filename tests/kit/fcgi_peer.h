/* SPDX-License-Identifier: MIT */
/*
 * fcgi_peer -- a web server's side of FastCGI, for tests
 *
 * Texts are built record by record, with any padding, id and chunking, right
 * or wrong; what comes back is taken apart.  Nothing here waits without a
 * limit.  A request that goes well:
 *
 *	struct peer_text t = { 0 };
 *	struct peer_call call = { .id = 1, .flags = 1, .body = STR("{}") };
 *	peer_call(&t, &call);
 *	fd = peer_connect(path);
 *	peer_send(fd, &t, 0);
 *	peer_receive(fd, &reply, 2000);
 */
#ifndef KIT_FCGI_PEER_H
#define KIT_FCGI_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct peer_text {
	uint8_t *p;
	size_t n, room;
};

/* One request. Zeros are good defaults. */
struct peer_call {
	uint16_t id;			/* 0: 1 */
	uint16_t role;			/* 0: responder */
	uint8_t flags;			/* 1: keep the connection */
	uint8_t pad;			/* of every record */
	bool pad_empty;			/* of the empty ones, too */
	uint32_t chunk;			/* content of a record; 0: the most */
	const char *const *pairs;	/* name, value, ..., NULL; or usual */
	struct str params;		/* raw PARAMS content instead */
	struct str body;
};

void peer_add(struct peer_text *t, const void *p, size_t n);
void peer_clear(struct peer_text *t);

/* One record; the padding is not zero, so that nobody gets used to it. */
void peer_record(struct peer_text *t, int type, uint16_t id, struct str content,
	uint8_t pad);
void peer_begin(struct peer_text *t, uint16_t id, uint16_t role, uint8_t flags);

/* A pair; lengths above 127, or long, are written with four bytes. */
void peer_pair(struct peer_text *t, struct str name, struct str value,
	bool lengthy);

/* A stream in chunks, with its empty record at the end. */
void peer_stream(struct peer_text *t, int type, const struct peer_call *c,
	struct str content);
void peer_call(struct peer_text *t, const struct peer_call *c);

/* The content of PARAMS for the pairs of c. */
void peer_params(struct peer_text *t, const struct peer_call *c);

/* ---- the way back ---- */
struct peer_reply {
	struct peer_text raw;		/* all bytes so far */
	struct peer_text out;		/* content of STDOUT */
	size_t at;			/* bytes of raw taken apart */
	uint32_t records;		/* of STDOUT with content */
	uint16_t id;			/* of the last record */
	uint8_t last_type;
	uint8_t management[64];		/* content of the last one */
	size_t management_n;
	bool out_closed;		/* an empty STDOUT came */
	bool ended;			/* END_REQUEST came */
	uint8_t protocol_status;
	bool broken;			/* not FastCGI */
	bool closed;			/* the other side has closed */
};

/* Takes apart what is new in raw, up to the end of one reply. */
void peer_parse(struct peer_reply *r);
struct str peer_header(const struct peer_reply *r, const char *name);
struct str peer_body(const struct peer_reply *r);
int peer_status(const struct peer_reply *r);

/* Ready for the next reply of the same connection; bytes of it are kept. */
void peer_next(struct peer_reply *r);
void peer_reply_clear(struct peer_reply *r);

/* ---- sockets ---- */
int peer_connect(const char *path);	/* "/path" or "127.0.0.1:port"; -1 */

/* Sends all of t, at most step bytes at once (0: all); false: closed, or 5 s
 * are over. */
bool peer_send(int fd, const struct peer_text *t, size_t step);

/* Reads until a reply has ended, or the peer closed; false: neither. */
bool peer_receive(int fd, struct peer_reply *r, int wait_ms);

/* Reads what is there. */
void peer_read_some(int fd, struct peer_reply *r);

#endif
