/* SPDX-License-Identifier: MIT */
/*
 * keysets -- fetched key sets, and who of all processes fetches them now
 *
 * Lifetime: a slot belongs to one URL until it has not been used for an hour
 * and another URL needs it.  A handle knows its URL's name: of a slot that
 * has gone to another it reads nothing and changes nothing.
 * Sharing: stamps are single words; the document is written under the lock
 * and read with a checksum.
 * Promise: the stamp is written before the fetch begins.  So a process that
 * dies in the middle of it, or an endpoint that hangs, counts as an attempt,
 * and runs out by itself: there is no moment between a claim and a lease.
 * Of two answers the one that was asked for later stays.
 * Waits: never.  Who does not win a claim looks again later.
 */
#ifndef SHM_KEYSETS_H
#define SHM_KEYSETS_H

#include "shm/segment.h"

#define KEYSETS 16		/* slots; more URLs: each worker for itself */
#define MAX_KEYSET 65536	/* bytes of one document */
#define KEYSET_NAME 16		/* bytes: digest of what the set is fetched by */
#define KEYSET_URL 256		/* bytes of its URL that are kept to be shown */

#define KEYSET_FLIGHT_US 6000000u	/* a fetch that says nothing is over */
#define KEYSET_RETRY_US 5000000u	/* between two tries to get a first set */
#define KEYSET_AGAIN_US 500000u	/* … when there was no such key, only */
/* Between two fetches because of an unknown key, over all processes: a flood
 * of invented names costs two turns a minute (one request each; up to sixteen
 * where each key has a document of its own) and can delay a new key by half a
 * minute. */
#define KEYSET_FORCED_US 30000000u
#define KEYSET_STALE_US 86400000000u	/* a day, when nobody says otherwise */

/* Why it is fetched: there is none or it is old; or a key is missing. */
enum keyset_why { KEYSET_SCHED, KEYSET_FORCED, KEYSET_WHYS };

struct shm_keyset;

struct keyset {
	struct shm_keyset *slot;
	struct shm_file *file;		/* NULL: of this process alone */
	uint8_t secret[16];	/* of the checksum */
	uint64_t name[2];
	uint64_t stale_us;	/* used so long; 0: until it is due */
};

/* Microseconds since boot, the time of all stamps. */
uint64_t keyset_now_us(void);

/* The slot of that name, taken when there is none.  False: all are in use,
 * or the lock is busy just now. */
bool keyset_open(struct segment *s, const uint8_t name[KEYSET_NAME],
	struct str url, uint64_t now_us, struct keyset *k_r);

/* One that only this process knows, in the arena. */
struct keyset keyset_private(struct arena *a, const uint8_t name[KEYSET_NAME]);

struct keyset_state {
	uint64_t epoch;			/* changes with the document; 0: none */
	bool usable;			/* there is one, and not too old */
	uint64_t left_us;		/* before it is */
	bool due;			/* it should be fetched again */
	bool overdue;			/* nobody did that for long */
	bool in_flight;			/* somebody fetches it now */
	uint32_t failures;		/* since the last good fetch */
	uint64_t rest_us;		/* no scheduled fetch before that */
};

/* False: the slot is another's now. */
bool keyset_look(const struct keyset *k, uint64_t now_us,
	struct keyset_state *s_r);

enum keyset_turn {
	KEYSET_WON,			/* fetch, then keep or fail */
	KEYSET_BUSY,			/* somebody else fetches: wait */
	KEYSET_RESTS,			/* not now */
};

struct keyset_claim {
	enum keyset_why why;
	uint64_t stamp_us;
};

enum keyset_turn keyset_claim(const struct keyset *k, enum keyset_why why,
	uint64_t now_us, struct keyset_claim *c_r);

/* What a fetch brought. */
struct keyset_news {
	struct str document;		/* at most MAX_KEYSET bytes */
	uint32_t keys;
	uint64_t refresh_us;		/* fetch again after that */
};

void keyset_keep(const struct keyset *k, const struct keyset_claim *c,
	const struct keyset_news *n, uint64_t now_us);

/* What was there stays. rest_us: no scheduled fetch for so long. */
void keyset_fail(const struct keyset *k, const struct keyset_claim *c,
	uint64_t now_us, uint64_t rest_us);

/* The claim is over; nothing is known anew, nothing failed: its place is well,
 * and has no key of that name. */
void keyset_over(const struct keyset *k, const struct keyset_claim *c);

/* A copy of the document; false: there is none, or not a whole one. */
bool keyset_read(const struct keyset *k, struct arena *a,
	struct str *document_r, uint64_t *epoch_r);

struct keyset_view {
	struct str url;
	uint32_t keys;
	int64_t age_s;			/* since the last good fetch; -1: none */
	bool failing;			/* the last fetch failed */
};
/* Those that were used within the hour. */
uint32_t keyset_list(const struct segment *s, struct keyset_view *v_r,
	uint32_t room, struct arena *a);

#endif
