/* SPDX-License-Identifier: MIT */
/*
 * tally -- counters and histograms that survive the worker that counted
 *
 * A series is a metric name and its label text.  Each of 8 shards holds one
 * 64-bit word per series; a worker adds in the shard of its number, the
 * reader sums.  Registering a series is lock-free and happens once per
 * process and series.  A full table counts into the series "other".
 */
#ifndef SHM_TALLY_H
#define SHM_TALLY_H

#include "shm/segment.h"

#define TALLY_SERIES 4096	/* of all servers together */
#define TALLY_NAME 160		/* bytes: metric, '{', labels, '}' */

struct tally;			/* per process: which series is where */

struct tally *tally_new(struct segment *s, uint32_t shard, struct arena *a);

/* text: `mcpgate_requests_total{server="s",method="m",code="200"}`. */
void tally_add(struct tally *t, struct str text, uint64_t n);

/* A handle for the hot path; UINT32_MAX is never given. */
uint32_t tally_series(struct tally *t, struct str text);
void tally_bump(struct tally *t, uint32_t series, uint64_t n);

/* For what is not counted but noted, a time: the greater value stays. */
void tally_raise(struct tally *t, uint32_t series, uint64_t value);

/* Histograms: le buckets in seconds, fixed for all; text has no `le` label.
 * Series `<name>_bucket`, `_sum` (microseconds inside), `_count`. */
struct tally_histogram { uint32_t first; };
struct tally_histogram tally_histogram(struct tally *t, struct str name,
	struct str labels);
void tally_observe(struct tally *t, struct tally_histogram h, uint64_t us);

/* Calls fn for each series with its sum, in order of name. */
void tally_each(const struct segment *s,
	void (*fn)(void *who, struct str text, uint64_t value), void *who);

#endif
