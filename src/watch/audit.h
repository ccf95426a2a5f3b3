/* SPDX-License-Identifier: MIT */
/*
 * audit -- who did what: one JSON object in one line for one request
 *
 * Never bodies, arguments, results, tokens; an id of a session stands there
 * as a keyed digest.
 * Lifetime: the sinks of a generation end with its arena.
 * Sharing: each record is one write at the end of the file, so the lines of
 * several processes never mix.
 * Waits: on a disk only.  A pipe or a socket that is full loses the record.
 * Errors: what could not be written is said to the caller, for whom it may
 * be a reason to refuse; a file that cannot be opened is tried again with
 * the next record.
 */
#ifndef WATCH_AUDIT_H
#define WATCH_AUDIT_H

#include "conf/conf.h"

enum audit_type { AUDIT_HTTP_REQUEST, AUDIT_AUTHENTICATION, AUDIT_TOOL_CALL,
	AUDIT_ADMIN_DEED, AUDIT_VIOLATION, AUDIT_TYPES };

/* Empty texts are told as null. */
struct audit_record {
	enum audit_type type;
	struct str user, action, resource, remote_addr, user_agent;
	struct str request_id, session_id, server, strategy;
	struct str error;		/* reason word */
	bool success;
	const uint8_t *hash_key;	/* 32 bytes; with a session, a hash */
	bool hash_user;			/* log.principals: hash */
	bool pending;			/* no status, no duration yet */
	int status;
	int token;			/* index, -1: none was used */
	uint64_t us;
};

struct audit;

struct audit_plan {
	const struct conf_audit *conf;
	const char *syslog;		/* the socket; NULL: /dev/log */
	bool guest;			/* files are there already */
};

struct audit *audit_new(const struct audit_plan *p, struct arena *a);

/* The configuration wants records of this type. */
bool audit_wants(const struct audit *au, enum audit_type type);

/* False: some sink did not take it. */
bool audit_write(struct audit *au, const struct audit_record *r);

void audit_reopen(struct audit *au);	/* after rotation */

/* The record as it is written, without its newline (MAX_LOG_LINE at most);
 * for tests, too. */
struct str audit_text(const struct audit_record *r, struct arena *a);

#endif
