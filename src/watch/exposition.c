/* SPDX-License-Identifier: MIT */
/*
 * exposition -- all counts as Prometheus text format 0.0.4
 */
#include "config.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "shm/loads.h"
#include "watch/family.h"
#include "watch/metrics.h"

#define MAX_TEXT MIB(4)		/* 4096 series of 160 bytes, gauges, headings */

struct page {
	struct buf text;
	const struct family_row *heading;	/* written last */
};

static void
put_heading(struct page *p, const struct family_row *row)
{
	static const char *const kinds[] = { "counter", "gauge",
		"histogram" };

	if (p->heading == row)
		return;
	p->heading = row;
	buf_fmt(&p->text, "# HELP %s %s\n# TYPE %s %s\n", row->name,
		row->help, row->name, kinds[row->kind]);
}

/* Sums of histograms are microseconds inside. */
static bool
is_sum(const struct family_row *row, struct str series)
{
	struct str name = str_head(series, str_find(series, '{'));

	return row->kind == FAMILY_HISTOGRAM && str_ends(name, STR("_sum"));
}

static void
put_series(void *who, struct str text, uint64_t value)
{
	struct page *p = who;
	const struct family_row *row = family_find(text);

	if (str_is(text, "other")) {
		row = family_row(OVERFLOW);
		text = str_of(row->name);
	}
	if (row == NULL)
		return;
	put_heading(p, row);
	buf_add(&p->text, text);
	if (is_sum(row, text))
		buf_fmt(&p->text, " %" PRIu64 ".%06" PRIu64 "\n",
			value / 1000000, value % 1000000);
	else
		buf_fmt(&p->text, " %" PRIu64 "\n", value);
}

/* ---- gauges: what is so now ------------------------------------------------------- */
static void
put_gauge(struct page *p, enum family f, uint64_t value)
{
	put_heading(p, family_row(f));
	buf_fmt(&p->text, "%s %" PRIu64 "\n", family_row(f)->name, value);
}

/* Disabled by the configuration, or by hand. */
static unsigned
state_of(const struct metrics_pool *pool, uint32_t i, uint64_t now)
{
	struct rotor_token t;

	rotor_look(pool->rotor, i, &t);
	if (pool->tokens[i].disabled || t.disabled)
		return 2;
	return t.cooling_until_ms > now ? 1 : 0;
}

static void
put_states(struct page *p, const struct metrics_pool *pool, uint64_t now)
{
	static const char *const states[] = { "usable", "cooling",
		"disabled" };

	for (uint32_t i = 0; i < pool->n; i++) {
		unsigned is = state_of(pool, i, now);

		for (unsigned k = 0; k < 3; k++)
			buf_fmt(&p->text, "%s{server=\"%.*s\",token=\"%u\","
				"state=\"%s\"} %d\n",
				family_row(TOKEN_STATE)->name,
				STR_ARG(pool->server), i, states[k], is == k);
	}
}

static void
put_cooldowns(struct page *p, const struct metrics_pool *pool, uint64_t now)
{
	for (uint32_t i = 0; i < pool->n; i++) {
		struct rotor_token t;
		uint64_t left;

		rotor_look(pool->rotor, i, &t);
		left = t.cooling_until_ms > now ? t.cooling_until_ms - now : 0;
		buf_fmt(&p->text, "%s{server=\"%.*s\",token=\"%u\"} %" PRIu64
			".%03" PRIu64 "\n", family_row(TOKEN_COOLDOWN)->name,
			STR_ARG(pool->server), i, left / 1000, left % 1000);
	}
}

static void
put_pools(struct page *p, const struct metrics_pool *pools, uint32_t n)
{
	uint64_t now = clock_boot_ms();

	if (n == 0)
		return;
	put_heading(p, family_row(TOKEN_STATE));
	for (uint32_t i = 0; i < n; i++)
		put_states(p, &pools[i], now);
	put_heading(p, family_row(TOKEN_COOLDOWN));
	for (uint32_t i = 0; i < n; i++)
		put_cooldowns(p, &pools[i], now);
	put_heading(p, family_row(SESSIONS));
	for (uint32_t i = 0; i < n; i++)
		buf_fmt(&p->text, "%s{server=\"%.*s\"} %u\n",
			family_row(SESSIONS)->name, STR_ARG(pools[i].server),
			pools[i].sessions);
}

/* What all workers carry together: loads[n] is of no server of these. */
struct shares {
	const struct metrics_pool *pools;
	uint32_t n;
	struct load *loads;
};

static void
share(void *who, const struct load *l)
{
	struct shares *h = who;
	uint32_t i = 0;

	while (i < h->n && h->pools[i].route != l->server)
		i++;
	h->loads[i].calls += l->calls;
	h->loads[i].streams += l->streams;
}

static void
put_share(struct page *p, enum family f, struct str server, uint32_t n)
{
	buf_fmt(&p->text, "%s{server=\"%.*s\"} %u\n", family_row(f)->name,
		STR_ARG(server), n);
}

static uint32_t
count_of(const struct load *l, enum family f)
{
	return f == STREAMS ? l->streams : l->calls;
}

/* A page, or a server that is configured no more, has the label "". */
static void
put_shares(struct page *p, enum family f, const struct shares *h,
	const struct load *all)
{
	uint32_t total = count_of(all, f), n = 0, i;

	for (i = 0; i < h->n; i++)
		n += count_of(&h->loads[i], f);
	put_heading(p, family_row(f));
	put_share(p, f, STR(""), total > n ? total - n : 0);
	for (i = 0; i < h->n; i++)
		put_share(p, f, h->pools[i].server,
			count_of(&h->loads[i], f));
}

static void
put_workers(struct page *p, const struct segment *s, const struct shares *h,
	struct arena *a)
{
	struct worker_view *v = ARENA_ARRAY(a, struct worker_view,
		MAX_WORKERS);
	uint32_t n = worker_list(s, v, MAX_WORKERS);
	struct load all = { 0 };
	uint64_t alive = 0;
	uint32_t generation = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (!v[i].alive)
			continue;
		alive++;
		all.calls += v[i].in_flight;
		all.streams += v[i].streams;
		if (v[i].generation > generation)
			generation = v[i].generation;
	}
	put_shares(p, IN_FLIGHT, h, &all);
	put_shares(p, STREAMS, h, &all);
	put_gauge(p, WORKERS_ALIVE, alive);
	put_gauge(p, GENERATION, generation);
}

static void
put_process(struct page *p, const struct segment *s)
{
	struct segment_reload r = { 0 };

	segment_last_reload(s, &r);
	put_gauge(p, RELOAD_OK, r.at_unix_s == 0 || r.ok == 1);
	put_heading(p, family_row(BUILD_INFO));
	buf_fmt(&p->text, "%s{version=\"%s\"} 1\n",
		family_row(BUILD_INFO)->name, PACKAGE_VERSION);
}

struct str
metrics_text(const struct segment *s, const struct metrics_pool *pools,
	uint32_t n_pools, struct arena *a)
{
	struct page p = { .text = buf_new(a, MAX_TEXT) };
	struct shares h = { pools, n_pools,
		ARENA_ARRAY(a, struct load, n_pools + 1) };
	struct str text = STR_NONE;

	tally_each(s, put_series, &p);
	put_pools(&p, pools, n_pools);
	loads_each(s, share, &h);
	put_workers(&p, s, &h, a);
	put_process(&p, s);
	if (!buf_take(&p.text, &text))
		return STR("# too much to tell\n");
	return text;
}
