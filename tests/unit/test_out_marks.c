/* SPDX-License-Identifier: MIT */
/*
 * A peer that takes a part, or nothing, or goes: what waits, when the gate
 * has to pause and may go on, and what is told.
 */
#include "config.h"
#include "kit/out_rig.h"

/* At both marks, and one byte beside them. */
static void
test_marks(void)
{
	static const struct {
		size_t first, then;	/* writes */
		bool more;		/* what the last of them says */
	} rows[] = {
		{ MAX_QUEUED - 1, 0, true },
		{ MAX_QUEUED, 0, true },
		{ MAX_QUEUED + 1, 0, false },
		{ 1, MAX_QUEUED - 1, true },
		{ 1, MAX_QUEUED, false },
		{ MAX_QUEUED, 1, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t all = rows[i].first + rows[i].then;
		bool more;

		rig_start(true);
		rig_next(-EAGAIN);
		more = rig_write(rows[i].first);
		if (rows[i].then > 0)
			more = rig_write(rows[i].then);
		tap_ok(more == rows[i].more && rig_full() == !more &&
			out_waiting(&out) == all, "%zu bytes wait", all);
		rig_next((long)(all - LOW_QUEUED));
		OK(out_flush(&out));
		IS_INT(out_waiting(&out), LOW_QUEUED);
		OK(!out_drained(&out) && !rig_full());
		rig_next(1);
		OK(out_flush(&out));
		tap_ok(out_drained(&out) == !more, "told to go on if paused");
		OK(!out_drained(&out));
		OK(out_flush(&out) && !out_drained(&out));
		IS_INT(peer.got_n, all);
		OK(rig_stop());
	}
}

/* The next reply of the connection knows nothing of the last one's pause. */
static void
test_paused_before(void)
{
	rig_start(false);
	rig_next(-EAGAIN);
	OK(!rig_write(MAX_QUEUED + 1));
	OK(out_flush(&out));
	IS_INT(out_waiting(&out), 0);
	out_start(&out, RIG_ID, false);
	OK(!out_drained(&out));
	OK(rig_stop());
}

/* While a byte waits nothing is sent past it, and that it waits is told
 * once. */
static void
test_order(void)
{
	rig_start(true);
	rig_next(99);
	OK(rig_write(100));
	IS_INT(out_waiting(&out), 1);
	IS_INT(peer.news[OUT_QUEUED], 1);
	OK(rig_write(100));
	out_record(&out, "x", 1);
	OK(rig_write(0));
	IS_INT(out_waiting(&out), 102);
	IS_INT(peer.sends, 1);
	rig_next(101);
	OK(out_flush(&out));
	IS_INT(out_waiting(&out), 1);
	OK(out_flush(&out));
	IS_INT(peer.sends, 3);
	OK(memcmp(peer.got, rig_text(100).p, 100) == 0);
	OK(memcmp(peer.got + 100, rig_text(100).p, 100) == 0);
	OK(peer.got_n == 201 && peer.got[200] == 'x');
	IS_INT(pool.held, 0);
	OK(out_flush(&out));
	IS_INT(peer.sends, 3);
	rig_next(-EAGAIN);
	rig_write(1);
	tap_ok(peer.news[OUT_QUEUED] == 2, "told when it waits again");
	OK(rig_stop());
}

/* However a send is cut, the same bytes arrive. */
static void
test_every_cut(void)
{
	static char whole[512];
	size_t first = 1, n = 0, good = 0;

	for (size_t cut = 0; cut < first; cut++) {
		rig_start(false);
		if (cut > 0)
			rig_next((long)cut);
		rig_begin_reply(NULL);
		rig_write(3);
		if (cut == 0)
			first = peer.got_n;
		rig_end_reply();
		out_flush(&out);
		if (cut == 0) {
			n = peer.got_n;
			OK(first > 20 && n == first + 24 && n < sizeof(whole));
			IS_INT(peer.pieces, 4);
			memcpy(whole, peer.got, n);
		}
		good += peer.got_n == n && memcmp(peer.got, whole, n) == 0 &&
			peer.sends == 2 && rig_stop();
	}
	IS_INT(good, first);
}

/* A queue that never empties: what has left is given back. */
static void
test_never_empty(void)
{
	size_t sent = 0, most = 0, good = 0;

	rig_start(true);
	rig_next(-EAGAIN);
	rig_write(4096);
	for (int i = 0; i < 300; i++) {
		rig_write(4096);
		rig_next(4095);
		out_flush(&out);
		sent += 4095;
		most = pool.held > most ? pool.held : most;
		good += out_waiting(&out) == 4096u * (unsigned)(i + 2) - sent;
	}
	IS_INT(good, 300);
	tap_ok(most <= 2 * MAX_QUEUED, "%zu bytes held at most", most);
	OK(out_flush(&out));
	IS_INT(peer.got_n, 301 * 4096);
	good = 0;
	for (size_t i = 0; i < 301; i++)
		good += memcmp(peer.got + i * 4096, rig_text(4096).p,
			4096) == 0;
	IS_INT(good, 301);
	OK(rig_stop());
}

/* Bytes that have left are moved away once in MAX_QUEUED bytes, not with
 * each send. */
static void
test_moved_away(void)
{
	rig_start(true);
	rig_next(-EAGAIN);
	rig_write(3 * MAX_QUEUED);
	rig_next(MAX_QUEUED);
	OK(out_flush(&out));
	IS_INT(out.sent, MAX_QUEUED);
	rig_next(1);
	OK(out_flush(&out));
	IS_INT(out.sent, 0);
	IS_INT(out_waiting(&out), 2 * MAX_QUEUED - 1);
	OK(out_flush(&out));
	OK(peer.got_n == 3 * MAX_QUEUED && memcmp(peer.got,
		rig_text(3 * MAX_QUEUED).p, 3 * MAX_QUEUED) == 0);
	OK(rig_stop());
}

/* What an error of a send means. */
static void
test_errors(void)
{
	static const struct {
		long takes;
		unsigned sends;
		bool gone;
	} rows[] = {
		{ 0, 1, false },
		{ -EAGAIN, 1, false },
		{ -EWOULDBLOCK, 1, false },
		{ -EINTR, 2, false },
		{ -EPIPE, 1, true },
		{ -ECONNRESET, 1, true },
		{ -EIO, 1, true },
	};

	for (size_t i = 0; i < 2 * (sizeof(rows) / sizeof(rows[0])); i++) {
		rig_start(i % 2 != 0);
		rig_next(rows[i / 2].takes);
		rig_write(50);
		tap_ok(peer.news[OUT_GONE] == rows[i / 2].gone &&
			out.gone == rows[i / 2].gone &&
			peer.sends == rows[i / 2].sends &&
			peer.plain == (i % 2 != 0), "error %ld",
			-rows[i / 2].takes);
		IS_INT(out_flush(&out), !rows[i / 2].gone);
		IS_INT(pool.held, 0);
		if (!rows[i / 2].gone)
			OK(peer.got_n >= 50);
		if (i % 2 == 0)
			IS_INT(peer.flags, MSG_NOSIGNAL | MSG_DONTWAIT);
		OK(rig_stop());
	}
}

/* After the peer has gone all is taken, nothing is sent or kept. */
static void
test_gone(void)
{
	for (int i = 0; i < 2; i++) {
		rig_start(i == 1);
		rig_next(-EAGAIN);
		rig_write(MAX_QUEUED + 50);
		rig_begin_reply("3");
		rig_next(70);
		rig_next(-EPIPE);
		OK(out_flush(&out));
		OK(!out_flush(&out));
		IS_INT(pool.held, 0);
		OK(out_waiting(&out) == 0 && !rig_full());
		OK(!out_drained(&out));
		rig_begin_reply("3");
		OK(rig_write(3) && rig_write(0) && rig_write(2 * MAX_QUEUED));
		IS_INT(pool.held, 0);
		rig_end_reply();
		OK(!out.owed);
		OK(!out_flush(&out));
		out_finish(&out, RIG_ID, PROTO_COMPLETE);
		out_record(&out, "x", 1);
		OK(!out_flush(&out) && !out_drained(&out));
		IS_INT(peer.sends, 3);
		IS_INT(peer.got_n, 70);
		IS_INT(peer.news[OUT_GONE], 1);
		IS_INT(peer.news[OUT_ENDED], 1);
		IS_INT(peer.news[OUT_HELD], 0);
		OK(rig_stop());
	}
}

int
main(void)
{
	test_marks();
	test_paused_before();
	test_order();
	test_every_cut();
	test_never_empty();
	test_moved_away();
	test_errors();
	test_gone();
	return tap_done();
}
