/* SPDX-License-Identifier: MIT */
/*
 * fuzz_listing -- nothing that may not be shown comes out, however the bytes
 * are cut
 *
 * The first byte is the length of the pieces.  Whatever comes through is
 * looked through again: nothing is left to cut, and it is JSON still.
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "mcp/listing.h"
#include "mcp/walk.h"

#define MAX_EVENT 2000

static bool
shows(void *who, enum listing_kind kind, struct str name)
{
	(void)who;
	return name.n != (size_t)kind + 1;
}

static const struct str others[] = { { "7", 1 }, { "\"e\"", 3 } };
static const struct listing_rules rules = { .kinds = LISTING_ALL,
	.others = others, .n_others = 2, .personal = true, .max = MAX_EVENT,
	.shows = shows };

static void
check_document(struct str text)
{
	struct arena *a = arena_new(64 << 20);
	struct str once, twice;
	const char *why = NULL;

	if (listing_document(a, &rules, text, &once, &why)) {
		if (!listing_document(a, &rules, once, &twice, &why) ||
		    !str_eq(once, twice) || once.n > text.n + 1000)
			abort();
	} else if (why == NULL) {
		abort();
	}
	arena_free(a);
}

/* Bytes that are not JSON: the walk ends, and stays inside. */
static void
check_walk(struct str text)
{
	struct walk w = walk_into(text);
	struct jdoc_span value;
	struct str name;
	size_t n = 0;

	while (walk_next(&w, &name, &value)) {
		if (value.raw.p < text.p || value.raw.n == 0 ||
		    value.raw.p + value.raw.n > text.p + text.n)
			abort();
		if (++n > text.n)
			abort();
	}
}

static void
take(void *who, struct str bytes)
{
	buf_add(who, bytes);
}

static bool
feed(struct arena *a, struct str bytes, size_t piece, struct str *out_r)
{
	struct buf out = buf_new(a, 4 << 20);
	struct listing_events *s = listing_events_new(a, &rules, take, &out);
	const char *why = NULL;
	bool good = true;

	while (bytes.n > 0 && good) {
		struct str part = str_copy(a, str_head(bytes, piece));

		bytes = str_from(bytes, part.n);
		good = listing_events_feed(s, part, &why);
	}
	good = good && listing_events_end(s, &why);
	return buf_take(&out, out_r) && good;
}

static void
check_events(struct str bytes, size_t piece)
{
	struct arena *a = arena_new(64 << 20);
	struct str one, many, again;
	bool good = feed(a, bytes, bytes.n, &one);

	if (good != feed(a, bytes, piece, &many) || !str_eq(one, many))
		abort();
	if (good && (!feed(a, one, one.n, &again) || !str_eq(one, again)) &&
	    one.n < MAX_EVENT)
		abort();
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str bytes = { (const char *)p, n };

	if (n < 2)
		return 0;
	bytes = str_from(bytes, 1);
	check_document(bytes);
	check_walk(bytes);
	check_events(bytes, p[0] > 0 ? p[0] : 1);
	return 0;
}
