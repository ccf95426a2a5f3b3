/* SPDX-License-Identifier: MIT */
/*
 * revoked -- tokens, token ids and users that are refused from now on
 *
 * Two places: a journal file that outlives everything, and a table that all
 * workers look at with each request.  A change is appended to the journal
 * and on disk before it enters the table; whoever looks at the journal
 * later (once a second, at start) takes in what is missing, so that a writer
 * killed in between loses nothing.  A journal that has reached MAX_JOURNAL is
 * written anew without what has ended.
 * Sharing: lookups are lock-free; one writer at a time.
 * Promise: never keyed by the token as it is written, so that no respelling
 * of a revoked token is good.  Times are seconds since 1970.
 * Errors: a journal that cannot be read stops the start: nobody may come in
 * who was sent away.
 */
#ifndef SHM_REVOKED_H
#define SHM_REVOKED_H

#include "shm/segment.h"

struct revoked;			/* this process's view of table and journal */

/* What is refused; a digest, so no name lies in the shared file. */
struct revoked_name {
	uint64_t v[2];
};

#define REVOKED_ALWAYS INT64_MAX	/* whenever it was issued */
#define REVOKED_NO_DATE INT64_MIN	/* it does not say when it was issued */
#define REVOKED_ENTRIES 65536		/* living ones; then adding fails */

struct revoked_entry {
	struct revoked_name name;
	char kind;			/* 't' token, 'j' jti, 'u' user */
	int64_t before;			/* refused if issued earlier */
	int64_t until;			/* the entry ends; INT64_MAX: never */
	struct str what;		/* for people; a token is not shown */
};

/* The part of a JWT that is signed; for any other token: all of it. */
struct revoked_name revoked_token(struct str signed_part);
struct revoked_name revoked_jti(struct str issuer, struct str jti);
struct revoked_name revoked_jti_any(struct str jti);	/* whoever issued it */
struct revoked_name revoked_user(struct str user);

/* s NULL: a table of this process alone.  NULL: why_r. */
struct revoked *revoked_open(struct segment *s, const char *journal,
	struct arena *a, const char **why_r);
void revoked_close(struct revoked *r);

/* Takes in what others have written; once a second.  False: the journal
 * cannot be read, and what is known stays known. */
bool revoked_tick(struct revoked *r, const char **why_r);

/* False when there is nothing in the table: one load. */
bool revoked_any(const struct revoked *r);

/* issued: REVOKED_NO_DATE when unknown. */
bool revoked_has(const struct revoked *r, struct revoked_name name,
	int64_t issued_unix_s, int64_t now_unix_s);

/* Journal, then table.  False: why_r; nothing was revoked. */
bool revoked_add(struct revoked *r, const struct revoked_entry *e,
	int64_t now_unix_s, const char **why_r);

/* One line of the journal, without its end; for tests and fuzzing. */
#define REVOKED_LINE 512
bool revoked_parse(struct str line, struct revoked_entry *e_r);
size_t revoked_print(const struct revoked_entry *e, char line_r[REVOKED_LINE]);

/* Every entry of the journal that has not ended, oldest first. */
void revoked_each(struct revoked *r, int64_t now_unix_s, struct arena *a,
	void (*fn)(void *who, const struct revoked_entry *e), void *who);

/* Where the journal lies: beside the configured state file (store.path, ""
 * or NULL: none), else in the state directory when that is of the user whose
 * the shared file is, else beside the shared file.  s NULL: beside the place
 * where that would be, so that a journal is found without it, too. */
const char *revoked_journal(const char *configured, const struct segment *s,
	struct arena *a);
const char *revoked_journal_in(const char *directory, const char *configured,
	const struct segment *s, struct arena *a);

/* Those who serve say which journal they read.  From then on nothing is added
 * to another one: nobody would read it after a restart. */
void revoked_serve(struct revoked *r);

enum revoked_served { REVOKED_NOT_KNOWN, REVOKED_SERVED, REVOKED_ELSEWHERE };
enum revoked_served revoked_served(const struct segment *s,
	const char *journal);

#endif
