/* SPDX-License-Identifier: MIT */
/*
 * rate -- how often somebody may come, counted over all workers
 *
 * Three ways to count: by the minute as a theoretical arrival time (GCRA),
 * which lets a burst through and then one request per interval; by the hour
 * and by the day in fixed windows of UTC.
 * Sharing: one 64-bit word for each counted subject, lock-free; a process
 * killed at any instruction leaves nothing behind but what it had taken.
 * Promise: never more than the limit, over all processes; two of n subjects
 * are taken for one with a probability of about n * n / 2^36 (minutes).
 * Errors: a full bucket says RATE_FULL and counts nothing.
 */
#ifndef SHM_RATE_H
#define SHM_RATE_H

#include "shm/segment.h"

enum rate_span { RATE_MINUTE, RATE_HOUR, RATE_DAY, RATE_SPANS };

enum rate_word { RATE_OK, RATE_OVER, RATE_FULL };

#define RATE_MOST_WINDOW 16777215u	/* per hour or day: 24 bits */

/* Times as the tables keep them. */
struct rate_now {
	uint64_t ticks;			/* of 16 us, since boot */
	int64_t unix_s;
};

struct rate_now rate_now(void);

/* One limit of one subject. */
struct rate {
	enum rate_span span;
	uint32_t limit;			/* in the span; >= 1 */
	uint32_t burst;			/* RATE_MINUTE: at once; >= 1 */
	/* No client can make another subject of the kind: these lie in
	 * tables of their own, which nobody can fill. */
	bool own;
	uint64_t subject;		/* rate_subject() */
	uint32_t n;			/* requests that are to be counted */
};

struct rates;				/* a view of the tables */

/* s NULL: this process counts for itself alone. */
struct rates *rates_open(struct segment *s, struct arena *a);

/* A number for whom a limit counts: text says which limit and who. */
uint64_t rate_subject(const struct rates *t, struct str text);

/* Takes r->n, or nothing. RATE_OVER: *wait_us_r is when they may come. */
enum rate_word rate_take(const struct rates *t, const struct rate *r,
	struct rate_now now, uint64_t *wait_us_r);

/* Would r->n be taken? */
enum rate_word rate_look(const struct rates *t, const struct rate *r,
	struct rate_now now, uint64_t *wait_us_r);

/* Gives r->n back. */
void rate_give(const struct rates *t, const struct rate *r,
	struct rate_now now);

/* Gives back what rate_take_all() took at `then`; from a window that is over
 * there is nothing to give to. */
void rate_give_all(const struct rates *t, const struct rate *v, uint32_t n,
	struct rate_now then, struct rate_now now);

/* Which of several limits said no: the one that is to be waited for
 * longest, and for how long. */
struct rate_no {
	uint32_t index;
	uint64_t wait_us;
	uint32_t full;			/* buckets that had no room */
};

/* All of them or none: when one refuses the others get back what was taken.
 * A full bucket decides nothing; its v[i].n is 0 then. True: they may come. */
bool rate_take_all(const struct rates *t, struct rate *v, uint32_t n,
	struct rate_now now, struct rate_no *no_r);

#endif
