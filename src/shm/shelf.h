/* SPDX-License-Identifier: MIT */
/*
 * shelf -- a small shared cache of verified things, with expiry
 *
 * Keys are 32-byte digests, values up to MAX_SHELF bytes.  An entry is
 * guarded by a checksum over everything in it: a writer killed or overtaken
 * in the middle leaves something nobody can read.
 *
 * Sharing:  any process may call anything at any time, without a lock.
 * Secrets:  no raw token inside, and no negative entry.
 */
#ifndef SHM_SHELF_H
#define SHM_SHELF_H

#include "shm/segment.h"

#define MAX_SHELF 960		/* bytes of one value; a slot is 1 KiB */

/* expires: seconds since 1970. Too big a value: not kept. */
void shelf_put(struct segment *s, const uint8_t key[32], struct str value,
	int64_t expires_unix_s);

/* A copy in the arena, when it is there and not expired. */
bool shelf_get(struct segment *s, const uint8_t key[32], int64_t now_unix_s,
	struct arena *a, struct str *value_r);

#endif
