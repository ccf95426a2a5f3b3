/* SPDX-License-Identifier: MIT */
/* A body of known length: which bytes wait for the rest of the turn. */
#include "config.h"
#include "kit/out_rig.h"

#define HEAD	18u		/* "Status: 200 OK", two line ends */

/* One body of known length: which writes wait for the end. */
static void
test_held(void)
{
	static const struct {
		const char *length;	/* of the body, as promised */
		size_t first, then;	/* writes */
		unsigned held, sends;	/* before the end */
		unsigned all;		/* sends after it */
	} rows[] = {
		{ "0", 0, 0, 0, 0, 1 },
		{ "1", 1, 0, 1, 0, 1 },
		{ "2", 1, 1, 0, 2, 3 },
		{ "2", 1, 0, 0, 1, 2 },		/* less than promised */
		{ "1", 2, 0, 1, 0, 1 },		/* more */
		{ "1", 1, 1, 2, 0, 1 },
		{ "1", 2, 2, 2, 0, 1 },
		{ "65487", 65487, 0, 1, 0, 1 },	/* just one record */
		{ "65488", 65488, 0, 0, 1, 2 },
		{ "65486", 65486, 1, 2, 0, 1 },
		{ "65487", 65487, 1, 1, 1, 2 },
		{ NULL, 1, 0, 0, 1, 2 },
		{ NULL, 0, 0, 0, 0, 1 },
		{ "", 1, 0, 0, 1, 2 },
		{ "x", 1, 0, 0, 1, 2 },
		{ "-1", 1, 0, 0, 1, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t head = HEAD;
		struct seen s;

		if (rows[i].length != NULL)
			head += strlen("Content-Length: \r\n") +
				strlen(rows[i].length);
		rig_start(false);
		rig_begin_reply(rows[i].length);
		rig_write(rows[i].first);
		rig_write(rows[i].then);
		tap_ok(peer.news[OUT_HELD] == rows[i].held &&
			peer.sends == rows[i].sends, "row %zu: %u held, "
			"%u sent", i, rows[i].held, rows[i].sends);
		rig_end_reply();
		IS_INT(peer.news[OUT_ENDED], 1);
		IS_INT(out.owed, rows[i].sends == 0);
		IS_INT(peer.sends, rows[i].all - out.owed);
		OK(out_flush(&out) && out_flush(&out));
		IS_INT(peer.sends, rows[i].all);
		s = see();
		OK(s.good && s.closed && s.ended);
		IS_INT(s.sum, head + rows[i].first + rows[i].then);
		OK(rig_stop());
	}
}

/* A flush before the end sends a body that is whole, and nothing else. */
static void
test_flush_before_end(void)
{
	static const struct {
		const char *length;
		size_t body;
		unsigned sends;
	} rows[] = {
		{ "3", 3, 1 }, { "0", 0, 1 }, { "3", 0, 0 }, { NULL, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct seen s;

		rig_start(false);
		OK(out_flush(&out));
		IS_INT(peer.sends, 0);
		rig_begin_reply(rows[i].length);
		rig_write(rows[i].body);
		OK(out_flush(&out) && out_flush(&out));
		IS_INT(peer.sends, rows[i].sends);
		s = see();
		OK(s.good && !s.closed && !s.ended);
		rig_end_reply();
		OK(out_flush(&out));
		IS_INT(peer.sends, rows[i].sends + 1);
		s = see();
		OK(s.good && s.closed && s.ended);
		OK(rig_stop());
	}
}

/* CGI: the same bytes without records; nothing is owed after the end. */
static void
test_plain(void)
{
	static const char whole[] = "Status: 200 OK\r\n"
		"Content-Length: 3\r\n\r\nabc";

	for (int i = 0; i < 2; i++) {
		rig_start(true);
		rig_begin_reply("3");
		rig_write(3);
		IS_INT(peer.sends, 0);
		if (i == 1)
			OK(out_flush(&out) && peer.sends == 1);
		rig_end_reply();
		OK(!out.owed);
		IS_INT(peer.sends, 1);
		OK(out_flush(&out));
		IS_STR(((struct str){ peer.got, peer.got_n }), whole);
		OK(rig_stop());
	}
}

/* Broken off: what was held is not sent any more. */
static void
test_cut_while_held(void)
{
	rig_start(false);
	rig_begin_reply("3");
	rig_write(3);
	out.outlet.ops->cut(&out.outlet);
	OK(out_flush(&out));
	IS_INT(peer.news[OUT_CUT], 1);
	IS_INT(peer.news[OUT_ENDED], 0);
	IS_INT(peer.sends, 0);
	OK(rig_stop());
}

int
main(void)
{
	test_held();
	test_flush_before_end();
	test_plain();
	test_cut_while_held();
	return tap_done();
}
