/* SPDX-License-Identifier: MIT */
/*
 * tally -- series in the order they were first counted
 *
 * A series is claimed by putting the hash of its text into the first free
 * place; a place is never given back, so all processes that look for a text
 * meet at one place.  Whoever claims then writes the text; when he dies in
 * between, the next one with the same hash writes the same bytes.
 */
#include "config.h"
#include "shm/tally.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "shm/layout.h"

#define OTHER 0u			/* the series for what has no room */
#define TABLE 8192u			/* places of the own index */

/* Upper bounds in microseconds and as they are written; +Inf is the last. */
static const struct { uint64_t us; const char *le; } bounds[] = {
	{ 100, "0.0001" }, { 500, "0.0005" }, { 1000, "0.001" },
	{ 2500, "0.0025" }, { 5000, "0.005" }, { 10000, "0.01" },
	{ 25000, "0.025" }, { 50000, "0.05" }, { 100000, "0.1" },
	{ 250000, "0.25" }, { 500000, "0.5" }, { 1000000, "1" },
	{ 2500000, "2.5" }, { 5000000, "5" }, { 10000000, "10" },
	{ UINT64_MAX, "+Inf" },
};

#define BOUNDS (sizeof(bounds) / sizeof(bounds[0]))
#define PARTS (BOUNDS + 2)		/* buckets, sum, count */

struct tally {
	struct segment *segment;
	_Atomic uint64_t *counts;	/* of our shard */
	struct arena *arena;
	uint16_t table[TABLE];		/* by hash: series + 1; 0: free */
	uint16_t parts[TALLY_SERIES];	/* of histograms, PARTS each */
	uint32_t n_parts;
};

/* ---- the shared table ----------------------------------------------------------- */

static uint64_t
hash_of(const struct segment *s, struct str text)
{
	uint64_t h = digest_sip(segment_key(s), text);

	return h == 0 ? 1 : h;
}

/* The first word goes last: it says that the text is there. */
static void
write_name(_Atomic uint64_t name[SHM_NAME_WORDS], struct str text)
{
	uint64_t words[SHM_NAME_WORDS] = { 0 };

	memcpy(words, text.p, text.n);
	for (unsigned i = SHM_NAME_WORDS - 1; i > 0; i--)
		atomic_store_explicit(&name[i], words[i],
			memory_order_relaxed);
	atomic_store_explicit(&name[0], words[0], memory_order_release);
}

/* Empty when it is not there yet. */
static struct str
read_name(const _Atomic uint64_t name[SHM_NAME_WORDS],
	uint64_t words_r[SHM_NAME_WORDS])
{
	words_r[0] = atomic_load_explicit(&name[0], memory_order_acquire);
	for (unsigned i = 1; i < SHM_NAME_WORDS; i++)
		words_r[i] = atomic_load_explicit(&name[i],
			memory_order_relaxed);
	return (struct str){ (const char *)words_r,
		words_r[0] == 0 ? 0 :
		strnlen((const char *)words_r, TALLY_NAME) };
}

/* The place of the hash, claimed when nobody had it; OTHER: full. */
static uint32_t
claim(struct shm_tally *t, uint64_t hash)
{
	for (uint32_t i = 0; i < TALLY_SERIES; i++) {
		uint64_t have = atomic_load_explicit(&t->hashes[i],
			memory_order_acquire);

		if (have == 0)
			atomic_compare_exchange_strong(&t->hashes[i], &have,
				hash);
		if (have == 0 || have == hash)
			return i;
	}
	return OTHER;
}

static uint32_t
enter(struct segment *s, struct str text, uint64_t hash)
{
	struct shm_tally *t = &s->file->tally;
	uint32_t i = claim(t, hash);

	if (atomic_load(&t->hashes[i]) == hash &&
	    atomic_load(&t->names[i][0]) == 0)
		write_name(t->names[i], text);
	return i;
}

/* ---- this process ----------------------------------------------------------------- */

struct tally *
tally_new(struct segment *s, uint32_t shard, struct arena *a)
{
	struct tally *t = ARENA_NEW(a, struct tally);

	t->arena = a;
	if (s == NULL || s->read_only)
		return t;
	t->segment = s;
	t->counts = s->file->tally.counts[shard % SHM_SHARDS];
	enter(s, STR("other"), hash_of(s, STR("other")));
	return t;
}

uint32_t
tally_series(struct tally *t, struct str text)
{
	const struct shm_tally *shared;
	uint64_t hash;
	uint32_t i, at;

	if (t->segment == NULL || text.n == 0 || text.n > TALLY_NAME ||
	    text.p[0] == '\0')
		return OTHER;
	shared = &t->segment->file->tally;
	hash = hash_of(t->segment, text);
	for (at = hash % TABLE; t->table[at] != 0; at = (at + 1) % TABLE) {
		i = t->table[at] - 1u;
		if (atomic_load_explicit(&shared->hashes[i],
		    memory_order_relaxed) == hash)
			return i;
	}
	i = enter(t->segment, text, hash);
	if (i != OTHER)			/* at most TALLY_SERIES of TABLE */
		t->table[at] = (uint16_t)(i + 1);
	return i;
}

void
tally_bump(struct tally *t, uint32_t series, uint64_t n)
{
	if (t->counts != NULL && series < TALLY_SERIES)
		atomic_fetch_add_explicit(&t->counts[series], n,
			memory_order_relaxed);
}

/* In one shard, whoever does it: the sum over all is the value. */
void
tally_raise(struct tally *t, uint32_t series, uint64_t value)
{
	_Atomic uint64_t *word;
	uint64_t was;

	if (t->segment == NULL || series >= TALLY_SERIES || series == OTHER)
		return;
	word = &t->segment->file->tally.counts[0][series];
	was = atomic_load_explicit(word, memory_order_relaxed);
	while (was < value && !atomic_compare_exchange_weak(word, &was, value))
		continue;
}

void
tally_add(struct tally *t, struct str text, uint64_t n)
{
	tally_bump(t, tally_series(t, text), n);
}

/* ---- histograms ---------------------------------------------------------------------- */

static uint16_t
part(struct tally *t, struct str name, const char *suffix, struct str labels,
	const char *le)
{
	const char *comma = labels.n > 0 && le != NULL ? "," : "";
	struct str text;

	if (le == NULL && labels.n == 0)
		text = str_fmt(t->arena, "%.*s%s", STR_ARG(name), suffix);
	else
		text = str_fmt(t->arena, "%.*s%s{%.*s%s%s%s%s}",
			STR_ARG(name), suffix, STR_ARG(labels), comma,
			le != NULL ? "le=\"" : "", le != NULL ? le : "",
			le != NULL ? "\"" : "");
	return (uint16_t)tally_series(t, text);
}

/* Asked twice: the same parts. */
static uint32_t
known_parts(const struct tally *t, uint16_t count)
{
	for (uint32_t i = 0; i + PARTS <= t->n_parts; i += PARTS)
		if (count != OTHER && t->parts[i + PARTS - 1] == count)
			return i;
	return t->n_parts;
}

struct tally_histogram
tally_histogram(struct tally *t, struct str name, struct str labels)
{
	uint16_t v[PARTS];
	uint32_t first;

	for (size_t i = 0; i < BOUNDS; i++)
		v[i] = part(t, name, "_bucket", labels, bounds[i].le);
	v[BOUNDS] = part(t, name, "_sum", labels, NULL);
	v[BOUNDS + 1] = part(t, name, "_count", labels, NULL);
	first = known_parts(t, v[PARTS - 1]);
	if (first == t->n_parts) {
		if (first + PARTS > TALLY_SERIES)
			return (struct tally_histogram){ UINT32_MAX };
		memcpy(&t->parts[first], v, sizeof(v));
		t->n_parts += PARTS;
	}
	return (struct tally_histogram){ first };
}

/* Buckets are kept as they are told: each holds all that is not above it. */
void
tally_observe(struct tally *t, struct tally_histogram h, uint64_t us)
{
	const uint16_t *v;

	if (h.first >= TALLY_SERIES || h.first + PARTS > t->n_parts) {
		tally_bump(t, OTHER, 1);
		return;
	}
	v = &t->parts[h.first];
	for (size_t i = BOUNDS; i > 0 && us <= bounds[i - 1].us; i--)
		tally_bump(t, v[i - 1], 1);
	tally_bump(t, v[BOUNDS], us);
	tally_bump(t, v[BOUNDS + 1], 1);
}

/* ---- reading --------------------------------------------------------------------------- */

/* By the name before the labels; of equal names the older first. */
static bool
before(const struct shm_tally *t, uint16_t x, uint16_t y)
{
	uint64_t a[SHM_NAME_WORDS], b[SHM_NAME_WORDS];
	struct str p = read_name(t->names[x], a);
	struct str q = read_name(t->names[y], b);
	size_t n;
	int order;

	p = str_head(p, str_find(p, '{'));
	q = str_head(q, str_find(q, '{'));
	n = p.n < q.n ? p.n : q.n;
	order = n == 0 ? 0 : memcmp(p.p, q.p, n);
	if (order != 0)
		return order < 0;
	return p.n != q.n ? p.n < q.n : x < y;
}

/* Shell's sort: no recursion, and no order of the bytes makes it stray. */
static void
sort(const struct shm_tally *t, uint16_t *v, uint32_t n)
{
	for (uint32_t gap = n / 2; gap > 0; gap /= 2)
		for (uint32_t i = gap; i < n; i++) {
			uint16_t one = v[i];
			uint32_t k = i;

			for (; k >= gap && before(t, one, v[k - gap]);
			    k -= gap)
				v[k] = v[k - gap];
			v[k] = one;
		}
}

static uint64_t
sum_of(const struct shm_tally *t, uint32_t series)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SHM_SHARDS; i++)
		sum += atomic_load_explicit(&t->counts[i][series],
			memory_order_relaxed);
	return sum;
}

static uint32_t
series_used(const struct shm_tally *t)
{
	uint32_t n = 0;

	while (n < TALLY_SERIES && atomic_load(&t->hashes[n]) != 0)
		n++;
	return n;
}

void
tally_each(const struct segment *s,
	void (*fn)(void *who, struct str text, uint64_t value), void *who)
{
	const struct shm_tally *t;
	uint64_t words[SHM_NAME_WORDS];
	uint16_t order[TALLY_SERIES];
	uint32_t n;

	if (s == NULL)
		return;
	t = &s->file->tally;
	n = series_used(t);
	for (uint32_t i = 0; i < n; i++)
		order[i] = (uint16_t)i;
	sort(t, order, n);
	for (uint32_t i = 0; i < n; i++) {
		struct str text = read_name(t->names[order[i]], words);
		uint64_t sum = sum_of(t, order[i]);

		if (text.n > 0 && (order[i] != OTHER || sum > 0))
			fn(who, text, sum);
	}
}

bool
tally_valid(const struct segment *s, const char **why_r)
{
	const struct shm_tally *t = &s->file->tally;
	uint64_t words[SHM_NAME_WORDS];
	uint32_t n = series_used(t);

	for (uint32_t i = 0; i < TALLY_SERIES; i++) {
		struct str text = read_name(t->names[i], words);

		if (i >= n && atomic_load(&t->hashes[i]) != 0) {
			*why_r = "tally: a gap between series";
			return false;
		}
		if (text.n > 0 && hash_of(s, text) !=
		    atomic_load(&t->hashes[i])) {
			*why_r = "tally: a text that is not its hash's";
			return false;
		}
	}
	return true;
}
