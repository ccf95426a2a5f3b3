/* SPDX-License-Identifier: MIT */
/*
 * journal -- the last 256 faults, newest first, in one line each
 */
#include "config.h"
#include "shm/journal.h"
#include "shm/layout.h"

#include "kit/place.h"
#include "kit/tap.h"

static struct journal_fault found[JOURNAL_RECORDS + 1];

static void
add(struct segment *s, int status, struct str detail)
{
	journal_add(s, &(struct journal_fault){ .at_unix_ms = 1000 + status,
		.status = status, .request_id = STR("rid"),
		.server = STR("s"), .step = STR("auth"),
		.reason = STR("forbidden"), .detail = detail });
}

static const struct {
	const char *name;
	struct str in;
	const char *out;
} details[] = {
	{ "as it is", { "no route for \"/x\"", 17 }, "no route for \"/x\"" },
	{ "controls", { "a\nb\x1b[1m\x7f", 8 }, "a?b?[1m?" },
	{ "no UTF-8", { "a\xff" "b", 3 }, "a?b" },
	{ "C1", { "a\xc2\x9b" "b", 4 }, "a?b" },
	{ "a segment of a JWT", { "got eyJhbGciOiJIUzI1NiJ9.x", 26 },
		"got ***.x" },
	{ "31 characters", { "0123456789abcdef0123456789abcde", 31 },
		"0123456789abcdef0123456789abcde" },
	{ "32 characters", { "0123456789abcdef0123456789abcdef!", 33 },
		"***!" },
	{ "a path", { "/a/b.c/d", 8 }, "/a/b.c/d" },
	{ "nothing", { "", 0 }, "" },
};

static void
check_details(struct segment *s, struct arena *a)
{
	for (size_t i = 0; i < sizeof details / sizeof details[0]; i++) {
		add(s, 400, details[i].in);
		journal_list(s, found, 1, a);
		if (!tap_ok(str_is(found[0].detail, details[i].out), "%s",
		    details[i].name))
			printf("# %.*s\n", STR_ARG(found[0].detail));
	}
}

/* 199 bytes and one more; not in the middle of a character. */
static void
cuts(struct segment *s, struct arena *a)
{
	char text[400];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = i % 8 == 7 ? ' ' : 'x';
	add(s, 400, (struct str){ text, JOURNAL_DETAIL - 1 });
	journal_list(s, found, 1, a);
	IS_INT(found[0].detail.n, JOURNAL_DETAIL - 1);
	add(s, 400, (struct str){ text, JOURNAL_DETAIL });
	journal_list(s, found, 1, a);
	IS_INT(found[0].detail.n, JOURNAL_DETAIL - 1);
	memcpy(text + JOURNAL_DETAIL - 2, "\xc3\xa4", 2);
	add(s, 400, (struct str){ text, sizeof text });
	journal_list(s, found, 1, a);
	IS_INT(found[0].detail.n, JOURNAL_DETAIL - 2);
}

static void
newest_first(struct segment *s, struct arena *a)
{
	uint32_t n, good = 0;

	for (int i = 0; i < 3 * JOURNAL_RECORDS + 5; i++)
		add(s, i, STR("why"));
	n = journal_list(s, found, JOURNAL_RECORDS + 1, a);
	IS_INT(n, JOURNAL_RECORDS);
	for (uint32_t i = 0; i < n; i++)
		good += found[i].status == 3 * JOURNAL_RECORDS + 4 - (int)i &&
			found[i].at_unix_ms == 1000 + found[i].status;
	IS_INT(good, n);
	IS_INT(journal_list(s, found, 3, a), 3);
	IS_STR(found[0].reason, "forbidden");
	IS_STR(found[0].request_id, "rid");
	IS_STR(found[0].step, "auth");
	IS_STR(found[0].server, "s");
}

/* What a killed writer leaves is none; the others are there. */
static void
torn(struct segment *s, struct arena *a)
{
	struct shm_journal *j = &s->file->journal;
	const char *why = "";

	j->v[7].words[9]++;
	atomic_store(&j->v[8].check, 0);
	IS_INT(journal_list(s, found, JOURNAL_RECORDS, a),
		JOURNAL_RECORDS - 2);
	OK(segment_valid(s, &why));
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);

	IS_INT(journal_list(s, found, JOURNAL_RECORDS, p.arena), 0);
	IS_INT(journal_list(NULL, found, JOURNAL_RECORDS, p.arena), 0);
	journal_add(NULL, &(struct journal_fault){ .status = 1 });
	check_details(s, p.arena);
	cuts(s, p.arena);
	newest_first(s, p.arena);
	torn(s, p.arena);
	segment_close(s);
	place_end(&p);
	return tap_done();
}
