/* SPDX-License-Identifier: MIT */
/*
 * tally -- series, shards, histograms, and what is read
 */
#include "config.h"
#include "shm/tally.h"
#include "shm/layout.h"

#include "base/buf.h"
#include "kit/place.h"
#include "kit/tap.h"

static void
write_line(void *who, struct str text, uint64_t value)
{
	buf_fmt(who, "%.*s %llu\n", STR_ARG(text), (unsigned long long)value);
}

static struct str
all(const struct segment *s, struct arena *a)
{
	struct buf b = buf_new(a, 1 << 20);
	struct str text = STR_NONE;

	tally_each(s, write_line, &b);
	buf_take(&b, &text);
	return text;
}

static void
series(struct place *p)
{
	struct segment *s = place_open(p);
	struct tally *one = tally_new(s, 0, p->arena);
	struct tally *two = tally_new(s, 9, p->arena);
	struct str x = STR("x_total{server=\"s\"}");
	struct str seen = all(s, p->arena);
	uint32_t i = tally_series(one, x);

	IS_STR(seen, "");
	IS_INT(tally_series(one, x), i);
	tap_ok(tally_series(two, x) == i, "all processes meet at one place");
	OK(i != UINT32_MAX && i != 0);
	tally_bump(one, i, 2);
	tally_bump(two, i, 3);
	tally_add(one, STR("x_total_more"), 1);
	tally_add(two, STR("a_total"), 1);
	tally_add(one, STR("x_total{server=\"a\"}"), 7);
	tally_bump(one, UINT32_MAX, 5);
	seen = all(s, p->arena);
	tap_str(seen, "a_total 1\nx_total{server=\"s\"} 5\n"
		"x_total{server=\"a\"} 7\nx_total_more 1\n",
		"in order of name", __LINE__);
	segment_close(s);
	unlink(p->file);
}

static void
histograms(struct place *p)
{
	static const uint64_t us[] = { 0, 100, 101, 5000, 10000001 };
	struct segment *s = place_open(p);
	struct tally *t = tally_new(s, 1, p->arena);
	struct tally_histogram h = tally_histogram(t, STR("d_seconds"),
		STR("server=\"s\""));
	struct tally_histogram again = tally_histogram(t, STR("d_seconds"),
		STR("server=\"s\""));
	struct tally_histogram bare = tally_histogram(t, STR("e_seconds"),
		STR_NONE);
	struct str text;

	IS_INT(again.first, h.first);
	OK(bare.first != h.first);
	for (size_t i = 0; i < sizeof(us) / sizeof(us[0]); i++)
		tally_observe(t, h, us[i]);
	tally_observe(t, bare, 42);
	text = all(s, p->arena);
#define HAS(line) OK(str_search(text, STR(line "\n")) < text.n)
	HAS("d_seconds_bucket{server=\"s\",le=\"0.0001\"} 2");
	HAS("d_seconds_bucket{server=\"s\",le=\"0.0005\"} 3");
	HAS("d_seconds_bucket{server=\"s\",le=\"0.0025\"} 3");
	HAS("d_seconds_bucket{server=\"s\",le=\"0.005\"} 4");
	HAS("d_seconds_bucket{server=\"s\",le=\"10\"} 4");
	HAS("d_seconds_bucket{server=\"s\",le=\"+Inf\"} 5");
	HAS("d_seconds_sum{server=\"s\"} 10005202");
	HAS("d_seconds_count{server=\"s\"} 5");
	HAS("e_seconds_bucket{le=\"0.0001\"} 1");
	HAS("e_seconds_count 1");
	tally_observe(t, (struct tally_histogram){ UINT32_MAX }, 1);
	text = all(s, p->arena);
	HAS("other 1");
	segment_close(s);
	unlink(p->file);
}

static void
limits(struct place *p)
{
	struct segment *s = place_open(p);
	struct tally *t = tally_new(s, 2, p->arena);
	char text[TALLY_NAME + 2];
	struct tally_histogram h;
	const char *why = "";
	uint32_t i;

	memset(text, 'a', sizeof(text));
	OK(tally_series(t, (struct str){ text, TALLY_NAME }) != 0);
	OK(tally_series(t, (struct str){ text, TALLY_NAME + 1 }) == 0);
	OK(tally_series(t, STR_NONE) == 0);
	for (i = 0; i < TALLY_SERIES; i++) {
		int n = snprintf(text, sizeof(text), "s%u_total", i);

		if (tally_series(t, (struct str){ text, (size_t)n }) == 0)
			break;
	}
	IS_INT(i, TALLY_SERIES - 2);
	tap_ok(tally_series(t, STR("s9_total")) != 0, "old ones are found");
	tally_add(t, STR("one_too_many"), 4);
	h = tally_histogram(t, STR("late"), STR_NONE);
	tally_observe(t, h, 5);
	OK(str_search(all(s, p->arena), STR("other ")) <
		all(s, p->arena).n);
	OK(segment_valid(s, &why));
	atomic_store(&s->file->tally.names[5][0], 77);
	OK(!segment_valid(s, &why));
	segment_close(s);
	unlink(p->file);
}

/* Who claimed a series died before he wrote its text. */
static void
half_made(struct place *p)
{
	struct segment *s = place_open(p);
	struct tally *t = tally_new(s, 0, p->arena);
	uint32_t i = tally_series(t, STR("half_total"));
	const char *why = "";

	for (unsigned k = 0; k < SHM_NAME_WORDS; k++)
		atomic_store(&s->file->tally.names[i][k], 0);
	tap_ok(segment_valid(s, &why), "a series without a text is valid");
	IS_STR(all(s, p->arena), "");
	t = tally_new(s, 1, p->arena);
	tally_add(t, STR("half_total"), 2);
	IS_STR(all(s, p->arena), "half_total 2\n");
	segment_close(s);
	unlink(p->file);
}

static void
without_segment(struct place *p)
{
	struct tally *t = tally_new(NULL, 0, p->arena);
	struct tally_histogram h = tally_histogram(t, STR("h"), STR_NONE);

	tally_add(t, STR("x"), 1);
	tally_observe(t, h, 1);
	tap_ok(tally_series(t, STR("x")) == 0, "nothing without a segment");
}

/* A time is noted in one shard, whoever does it; it never goes back. */
static void
raises(struct place *p)
{
	struct segment *s = place_open(p);
	struct tally *a = tally_new(s, 1, p->arena);
	struct tally *b = tally_new(s, 6, p->arena);

	tally_raise(a, tally_series(a, STR("at")), 100);
	tally_raise(b, tally_series(b, STR("at")), 300);
	tally_raise(a, tally_series(a, STR("at")), 200);
	OK(str_search(all(s, p->arena), STR("at 300\n")) <
		all(s, p->arena).n);
	tally_raise(a, 0, 7);			/* "other" is a count */
	tally_raise(a, TALLY_SERIES, 7);
	OK(str_search(all(s, p->arena), STR("other 7")) ==
		all(s, p->arena).n);
	segment_close(s);
	unlink(p->file);
}

int
main(void)
{
	struct place p = place_new();

	raises(&p);

	series(&p);
	histograms(&p);
	limits(&p);
	half_made(&p);
	without_segment(&p);
	place_end(&p);
	return tap_done();
}
