/* SPDX-License-Identifier: MIT */
/*
 * keyop -- one attempt to fetch a key set, from its place to a document
 *
 * Lifetime: ends with `done` or keyop_stop(), never both; what the result
 * holds ends when `done` returns.
 * Waits: never; there is one end in time for all that must be asked.
 */
#ifndef AUTH_KEYOP_H
#define AUTH_KEYOP_H

#include "auth/keyfetch.h"
#include "auth/wanted.h"

#define KEYOP_CONNECT_MS 2000
#define KEYOP_TOTAL_MS 5000	/* less than KEYSET_FLIGHT_US */

struct keyop;

struct keyop_result {
	const char *why;		/* NULL: there is a document */
	bool lasting;			/* asking again soon will not help */
	bool no_such_key;		/* KEY_PEM: the place is well */
	struct str document;
	uint32_t keys;
	int64_t refresh_s;
	struct str jwks_uri;		/* KEY_DISCOVERED: where the set lies */
};

struct keyop_plan {
	struct wire *wire;
	const struct key_place *place;	/* copied */
	struct str jwks_uri;		/* KEY_DISCOVERED: known; "" : ask */
	struct str list;		/* KEY_PEM: what is kept now */
	const struct wanted *kids;	/* KEY_PEM: NULL: all of list */
	void (*done)(void *who, const struct keyop_result *r);
	void *who;
};

/* NULL: nothing was started, why_r says why. */
struct keyop *keyop_start(const struct keyop_plan *p, const char **why_r);
void keyop_stop(struct keyop *o);

/* How long a set rests after a refresh that failed behind so many others. */
uint64_t keyop_retry_us(uint32_t failures);

/* All of it in the arena. */
struct key_place key_place_copy(struct arena *a, const struct key_place *p);

#endif
