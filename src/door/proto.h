/* SPDX-License-Identifier: MIT */
/*
 * proto -- the numbers of FastCGI, and the eight bytes before every record
 */
#ifndef DOOR_PROTO_H
#define DOOR_PROTO_H

#include <stdint.h>

#define PROTO_HEAD	8	/* bytes before a record's content */
#define PROTO_BEGIN	8	/* content of BEGIN_REQUEST and END_REQUEST */
#define PROTO_MOST	65535	/* content bytes of one record */

enum proto_type {
	PROTO_BEGIN_REQUEST = 1,
	PROTO_ABORT_REQUEST,
	PROTO_END_REQUEST,
	PROTO_PARAMS,
	PROTO_STDIN,
	PROTO_STDOUT,
	PROTO_STDERR,
	PROTO_DATA,
	PROTO_GET_VALUES,
	PROTO_GET_VALUES_RESULT,
	PROTO_UNKNOWN_TYPE,
};

enum { PROTO_RESPONDER = 1, PROTO_AUTHORIZER, PROTO_FILTER };
enum { PROTO_KEEP_CONN = 1 };
enum { PROTO_COMPLETE = 0, PROTO_UNKNOWN_ROLE = 3 };

/* One record header; pad is the number of bytes after the content. */
static inline void
proto_head(uint8_t h_r[PROTO_HEAD], int type, uint16_t id, uint32_t n,
	uint32_t pad)
{
	h_r[0] = 1;
	h_r[1] = (uint8_t)type;
	h_r[2] = (uint8_t)(id >> 8);
	h_r[3] = (uint8_t)(id & 0xff);
	h_r[4] = (uint8_t)(n >> 8);
	h_r[5] = (uint8_t)(n & 0xff);
	h_r[6] = (uint8_t)pad;
	h_r[7] = 0;
}

#endif
