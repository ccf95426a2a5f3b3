/* SPDX-License-Identifier: MIT */
/* What a reply is cut into: records, their padding, how many in one send. */
#include "config.h"
#include "kit/out_rig.h"

#define MOST	65528u		/* content of our largest record */
#define HEAD	18u		/* "Status: 200 OK", two line ends */

/* A stream's writes, at the edges of a record and of a send. */
static void
test_sizes(void)
{
	static const struct {
		size_t n;
		unsigned records, sends;
		size_t last;
	} rows[] = {
		{ 1, 1, 1, 1 }, { 2, 1, 1, 2 }, { 3, 1, 1, 3 }, { 4, 1, 1, 4 },
		{ 5, 1, 1, 5 }, { 6, 1, 1, 6 }, { 7, 1, 1, 7 }, { 8, 1, 1, 8 },
		{ MOST - 1, 1, 1, MOST - 1 },
		{ MOST, 1, 1, MOST },
		{ MOST + 1, 2, 1, 1 },
		{ 2 * MOST, 2, 1, MOST },
		{ 8 * MOST - 1, 8, 1, MOST - 1 },
		{ 8 * MOST, 8, 1, MOST },
		{ 8 * MOST + 1, 9, 2, 1 },
		{ 16 * MOST, 16, 2, MOST },
	};

	for (size_t i = 0; i < 2 * (sizeof(rows) / sizeof(rows[0])); i++) {
		size_t n = rows[i / 2].n;
		bool head = i % 2 != 0 && n > HEAD;
		struct seen s;

		rig_start(false);
		if (head)
			rig_begin_reply(NULL);
		rig_write(head ? n - HEAD : n);
		s = see();
		tap_ok(s.good && s.sum == n && s.n == rows[i / 2].records &&
			s.content[s.n - 1] == rows[i / 2].last &&
			s.content[0] == (n < MOST ? n : MOST) && !s.closed,
			"%zu bytes%s", n, head ? ", a head before" : "");
		IS_INT(peer.sends, rows[i / 2].sends);
		OK(peer.got[8] == (head ? 'S' : 'a'));
		rig_end_reply();
		s = see();
		OK(s.good && s.sum == n && s.closed && s.ended &&
			s.status == PROTO_COMPLETE);
		IS_INT(peer.sends, rows[i / 2].sends + 1);
		IS_INT(peer.news[OUT_QUEUED], 0);
		OK(rig_stop());
	}
}

/* A head that fits into no record, even into no send. */
static void
test_long_head(void)
{
	static const size_t sizes[] = { MOST, 9 * MOST };

	for (size_t i = 0; i < 2; i++) {
		struct header line = { STR("Long"), rig_text(sizes[i]) };
		struct headers h = { .v = &line, .n = 1 };
		struct seen s;

		rig_start(false);
		out.outlet.ops->begin(&out.outlet, 200, &h);
		rig_end_reply();
		OK(out_flush(&out));
		s = see();
		OK(s.good && s.closed && s.ended && s.content[0] == MOST);
		IS_INT(s.sum, HEAD + 8 + sizes[i]);
		IS_INT(peer.sends, i + 1);
		OK(rig_stop());
	}
}

/* A peer that goes in the middle of many sends gets no more of them. */
static void
test_gone_between(void)
{
	rig_start(false);
	rig_next(8 * (8 + MOST));
	rig_next(-EPIPE);
	rig_write(16 * MOST);
	IS_INT(peer.sends, 2);
	IS_INT(peer.got_n, 8 * (8 + MOST));
	IS_INT(peer.news[OUT_GONE], 1);
	OK(rig_stop());
}

/* The end of a request without a reply, or with one that was left. */
static void
test_finish(void)
{
	for (int i = 0; i < 4; i++) {
		struct seen s;

		rig_start(false);
		if (i >= 2)
			rig_begin_reply("3");
		if (i == 3)
			rig_write(3);
		if (i == 1)	/* the reply before this one had begun */
			rig_begin_reply("3");
		if (i == 1)
			out_start(&out, RIG_ID, false);
		out_finish(&out, RIG_ID, PROTO_UNKNOWN_ROLE);
		s = see();
		OK(s.good && s.ended && s.status == PROTO_UNKNOWN_ROLE);
		IS_INT(s.closed, i >= 2);
		IS_INT(s.sum, 0);
		IS_INT(pool.held, 0);
		OK(out_flush(&out));
		IS_INT(peer.sends, 1);
		OK(rig_stop());
	}
}

/* Nothing of a reply that was thrown away comes with the next one. */
static void
test_clear(void)
{
	rig_start(false);
	rig_begin_reply("3");
	rig_end_reply();
	rig_next(-EAGAIN);
	out_record(&out, "abcdefgh", 8);
	rig_next(3);
	OK(out.owed && out_flush(&out));
	IS_INT(out_waiting(&out), 5);
	out_clear(&out);
	OK(out_waiting(&out) == 0 && pool.held == 0 && out.sent == 0);
	out_start(&out, RIG_ID, false);
	OK(out_flush(&out));
	IS_INT(peer.sends, 2);
	OK(rig_stop());
}

int
main(void)
{
	test_sizes();
	test_long_head();
	test_gone_between();
	test_finish();
	test_clear();
	return tap_done();
}
