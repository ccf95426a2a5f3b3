/* SPDX-License-Identifier: MIT */
/*
 * fuzz_sse -- the same events come out, however the bytes are cut
 *
 * The first byte is the length of the pieces.
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/digest.h"
#include "fuzz/fuzz.h"
#include "mcp/sse.h"

#define MAX_EVENT 200

struct outcome {
	uint64_t sum;
	bool fits, between;
};

static void
mix(uint64_t *sum, struct str s)
{
	static const uint8_t key[SIPHASH_KEY] = { 1 };

	*sum = *sum * 31 + digest_sip(key, s) + s.n;
}

static bool
took(void *who, const struct sse_event *e)
{
	struct outcome *o = who;

	if (e->data.n + e->event.n + e->id.n > MAX_EVENT)
		abort();
	mix(&o->sum, e->data);
	mix(&o->sum, e->event);
	mix(&o->sum, e->id);
	o->sum = o->sum * 31 + (uint64_t)e->retry_ms + e->has_id * 2u +
		e->has_data;
	return true;
}

static struct outcome
feed(struct str bytes, size_t piece)
{
	struct arena *a = arena_new(16 << 20);
	struct sse *s = sse_new(a, MAX_EVENT);
	struct outcome o = { 0, true, false };
	struct sse_tail tail = { 0 };

	while (bytes.n > 0 && o.fits) {
		struct str part = str_copy(a, str_head(bytes, piece));

		bytes = str_from(bytes, part.n);
		sse_follow(&tail, part);
		o.fits = sse_feed(s, part, took, &o);
	}
	o.between = sse_between(&tail);
	arena_free(a);
	return o;
}

/* What is left of the bytes when a mark before them is gone. */
static size_t
unmarked(struct str bytes, size_t piece)
{
	struct sse_head head = { 0, false };
	size_t n = 0;

	while (bytes.n > 0) {
		struct str part = str_head(bytes, piece);

		bytes = str_from(bytes, part.n);
		n += sse_unmark(&head, &part).n;
		n += part.n;
	}
	return head.over ? n : n + head.held;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str bytes = { (const char *)p, n };
	struct outcome one, many;

	if (n < 2)
		return 0;
	bytes = str_from(bytes, 1);
	one = feed(bytes, bytes.n);
	many = feed(bytes, p[0] > 0 ? p[0] : 1);
	if (one.fits != many.fits || unmarked(bytes, bytes.n) !=
	    unmarked(bytes, p[0] > 0 ? p[0] : 1))
		abort();
	if (one.fits && (one.sum != many.sum || one.between != many.between))
		abort();
	return 0;
}
