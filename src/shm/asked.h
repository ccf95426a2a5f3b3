/* SPDX-License-Identifier: MIT */
/*
 * asked -- what endpoints were asked about tokens, as all processes know it
 *
 * Three small tables: questions under way (so that one token is asked about
 * once), tokens that were refused (for some seconds), endpoints that rest
 * after a failure.  Good answers lie on the shelf (shm/shelf.h).
 * Sharing: single words that change by compare-and-swap; a refusal is three
 * words that are believed only together.
 * Promise: a process killed at any instruction leaves a question that runs
 * out by time, or a refusal nobody can read.  Two tokens in one place harm
 * only the sharing: then each is asked about for itself.
 * Secrets: keys are digests keyed with the segment's secret.
 */
#ifndef SHM_ASKED_H
#define SHM_ASKED_H

#include "shm/segment.h"

#define ASKED_KEY 32		/* bytes of a digest */

/* True: the question is ours to ask; flight_r is its sign, 0: it cannot be
 * shared.  False: flight_r is the sign of somebody else's.  One that is
 * older than limit_ms has been given up. */
bool asked_claim(struct segment *s, const uint8_t key[ASKED_KEY],
	uint64_t now_boot_ms, uint64_t limit_ms, uint64_t *flight_r);

/* Is that question still under way? */
bool asked_flies(const struct segment *s, const uint8_t key[ASKED_KEY],
	uint64_t flight, uint64_t now_boot_ms, uint64_t limit_ms);

/* The answer lies where others look for it, or there is none. */
void asked_done(struct segment *s, const uint8_t key[ASKED_KEY],
	uint64_t flight);

/* why: 1..15, as the caller likes. */
void asked_refuse(struct segment *s, const uint8_t key[ASKED_KEY],
	uint32_t why, int64_t until_unix_s);

/* 0: nothing is known. */
uint32_t asked_refused(const struct segment *s, const uint8_t key[ASKED_KEY],
	int64_t now_unix_s);

/* After a failure the endpoint rests 1, 2, 4, 5 s; an answer ends it. */
void asked_failed(struct segment *s, const uint8_t endpoint[ASKED_KEY],
	uint64_t now_boot_ms);
void asked_answered(struct segment *s, const uint8_t endpoint[ASKED_KEY]);
uint64_t asked_rests_ms(const struct segment *s,
	const uint8_t endpoint[ASKED_KEY], uint64_t now_boot_ms);

#endif
