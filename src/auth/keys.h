/* SPDX-License-Identifier: MIT */
/*
 * keys -- static credentials: bearer tokens and API keys out of a list
 *
 * Promise: digests are compared in constant time over all entries.
 * Secrets: the presented text is hashed and forgotten; an entry is known by
 * its name or number.
 */
#ifndef AUTH_KEYS_H
#define AUTH_KEYS_H

#include "auth/identity.h"
#include "conf/conf.h"
#include "shm/segment.h"

enum keys_match { KEYS_NONE, KEYS_MATCH, KEYS_EXPIRED };

/* index_r: which entry, also when it has expired. */
enum keys_match keys_find(const struct conf_keys *list, struct str presented,
	int64_t now_unix_s, uint32_t *index_r);

/* "token:NAME" or "token:N", with the scopes of the entry. how: "token" or
 * "apikey". s: whose key hides what is remembered of a value; NULL: none. */
struct identity_draft keys_identity(const struct conf_keys *list,
	uint32_t index, const char *how, const struct segment *s,
	struct arena *a);

#endif
