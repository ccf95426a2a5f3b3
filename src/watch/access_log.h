/* SPDX-License-Identifier: MIT */
/*
 * access_log -- one line for one request, written where it ends
 *
 * Secrets: texts here are names, never header values; the log escapes them.
 * The key that names are hashed with is never shown.
 */
#ifndef WATCH_ACCESS_LOG_H
#define WATCH_ACCESS_LOG_H

#include "base/fault.h"
#include "base/str.h"

struct access {
	struct str request_id, server, method, tool, user, how, client;
	bool refused;			/* known, and not let in */
	const char *step;		/* where it ended; "" when it went through */
	const char *page;		/* "health", …: local pages; "" else */
	const struct fault *fault;	/* NULL: none */
	int status;			/* sent, 499: client gone */
	int upstream_status;		/* 0: none */
	int token;			/* index, -1: none was used */
	const uint8_t *tokens;		/* index of each attempt, attempts entries */
	uint32_t attempts, told;	/* told: what the log has already */
	uint64_t us, upstream_us;	/* whole request; upstream part */
	uint64_t bytes;			/* body bytes sent to the client */
	bool stream;
	bool enabled;			/* logEnabled; refusals are always written */
	const uint8_t *hash_key;	/* log.principals: hash; NULL: as it is */
};

/* One line at the level its status asks for: event "request"; text
 * `using token index N` when a token was used (fields: mcpgate(8)). */
void access_log(const struct access *r);

/* The same text looks the same with the same key (of the segment), and nobody
 * can tell what it is. */
#define ACCESS_LOG_KEY 32
#define ACCESS_LOG_HASH 17
void access_log_hash(const uint8_t key[ACCESS_LOG_KEY], struct str text,
	char hex_r[ACCESS_LOG_HASH]);

#endif
