/* SPDX-License-Identifier: MIT */
/* The web server takes a request back by ABORT, in every state. */
#include "config.h"
#include "kit/door_rig.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/tap.h"

static void
test_abort(void)
{
	struct peer_reply r = { 0 };
	struct peer_text t = { 0 };
	int fd;

	open_door(SOCK_STREAM);
	for (int i = 0; i < 8; i++) {
		bool keep = i % 2 == 0, reading = i < 4;
		struct peer_call c = { .id = 9,
			.flags = (uint8_t)(keep | (i & 2)) };

		peer_call(&t, &c);
		if (reading)
			t.n -= 8;
		peer_record(&t, 2, 9, STR(""), (uint8_t)i);
		gate.way = i < 6 ? LATER : STREAM;
		gate.left = gate.begun = 0;
		fd = peer_connect(rig_path);
		OK(send_pumping(fd, &t, i == 2 || i == 5 ? 1 : t.n));
		finish(fd, &r);
		OK(r.ended && r.id == 9 && r.protocol_status == 0);
		OK(r.out_closed == (i >= 6));
		IS_INT(gate.begun, reading ? 0 : 1);
		IS_INT(gate.left, reading ? 0 : 1);
		OK(closed(fd) == !keep);
		if (keep) {
			gate.way = AT_ONCE;
			peer_next(&r);
			call_on(fd, &c);
			finish(fd, &r);
			OK(r.ended && peer_status(&r) == 200);
		}
		peer_reply_clear(&r);
		peer_clear(&t);
		close(fd);
		pump(1);
	}
	OK(close_door());
}

/* Its padding belongs to it: heard when all of it is there, and no byte of it
 * is left for the next request. */
static void
test_abort_in_pieces(void)
{
	struct peer_reply r = { 0 };
	struct peer_text t = { 0 };
	struct peer_call c = { .id = 9, .flags = 1 };
	int fd;

	open_door(SOCK_STREAM);
	gate.way = LATER;
	fd = call(&c);
	pump(1);
	IS_INT(gate.begun, 1);
	peer_record(&t, 2, 9, STR(""), 200);
	OK(send(fd, t.p, 8, MSG_NOSIGNAL) == 8);
	pump(2);
	OK(send(fd, t.p + 8, 199, MSG_NOSIGNAL) == 199);
	pump(2);
	tap_ok(gate.left == 0, "not yet");
	OK(send(fd, t.p + 207, 1, MSG_NOSIGNAL) == 1);
	finish(fd, &r);
	IS_INT(gate.left, 1);
	OK(r.ended && r.protocol_status == 0);
	gate.way = AT_ONCE;
	peer_next(&r);
	call_on(fd, &c);
	finish(fd, &r);
	OK(r.ended && peer_status(&r) == 200);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	OK(close_door());
}

/* What comes early and is no ABORT of this request: it goes on. */
static void
test_no_abort(void)
{
	static const struct {
		uint8_t head[8];
		unsigned left;
	} rows[] = {
		{ { 1, 2, 1, 9, 0, 0, 0, 0 }, 1 },	/* the ABORT */
		{ { 2, 2, 1, 9, 0, 0, 0, 0 }, 0 },
		{ { 1, 1, 1, 9, 0, 0, 0, 0 }, 0 },
		{ { 1, 3, 1, 9, 0, 0, 0, 0 }, 0 },
		{ { 1, 5, 1, 9, 0, 0, 0, 0 }, 0 },
		{ { 1, 2, 0, 9, 0, 0, 0, 0 }, 0 },
		{ { 1, 2, 2, 9, 0, 0, 0, 0 }, 0 },
		{ { 1, 2, 1, 8, 0, 0, 0, 0 }, 0 },
		{ { 1, 2, 9, 1, 0, 0, 0, 0 }, 0 },
		{ { 1, 2, 1, 9, 1, 0, 0, 0 }, 0 },
		{ { 1, 2, 1, 9, 0, 1, 0, 0 }, 0 },
		{ { 1, 2, 1, 9, 0, 0, 1, 0 }, 0 },
	};
	struct peer_call c = { .id = 0x109, .flags = 1 };

	open_door(SOCK_STREAM);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer_reply r = { 0 };
		int fd;

		gate.way = LATER;
		gate.left = 0;
		fd = call(&c);
		pump(1);
		OK(send(fd, rows[i].head, 8, MSG_NOSIGNAL) == 8);
		pump(1);
		tap_ok(gate.left == rows[i].left, "row %zu", i);
		if (gate.req != NULL)
			answer_req();
		finish(fd, &r);
		OK(r.ended && r.out_closed == !rows[i].left);
		peer_reply_clear(&r);
		close(fd);
		pump(1);
	}
	OK(close_door());
}

/* The ABORT meets a reply that is complete and on its way: too late. */
static void
test_late_abort(void)
{
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	struct peer_call c = { .id = 9, .flags = 1 };
	int fd;

	open_door(SOCK_STREAM);
	gate.reply = NULL;
	gate.reply_n = MIB(2);
	fd = call(&c);
	pump(1);
	peer_record(&t, 2, 9, STR(""), 0);
	OK(send(fd, t.p, t.n, MSG_NOSIGNAL) == (ssize_t)t.n);
	pump(1);
	finish(fd, &r);
	OK(r.ended && r.out_closed && !r.broken);
	IS_INT(peer_body(&r).n, MIB(2));
	IS_INT(gate.left, 0);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	pump(1);
	OK(close_door());
}

/* ABORT of another id is not heard, and closes when its turn comes. */
static void
test_abort_of_another(void)
{
	struct peer_text t = { 0 };
	struct peer_reply r = { 0 };
	struct peer_call c = { .id = 9, .flags = 1 };
	int fd;

	open_door(SOCK_STREAM);
	peer_call(&t, &c);
	peer_record(&t, 2, 8, STR(""), 0);
	gate.way = LATER;
	fd = peer_connect(rig_path);
	peer_send(fd, &t, 0);
	pump(2);
	IS_INT(gate.left, 0);
	answer_req();
	finish(fd, &r);
	OK(r.ended && closed(fd));
	IS_INT(door_counts(door).violations, 1);
	peer_reply_clear(&r);
	peer_clear(&t);
	close(fd);
	OK(close_door());
}

int
main(void)
{
	if (!rig_begin())
		return tap_skip("no directory for a socket");
	test_abort();
	test_abort_in_pieces();
	test_no_abort();
	test_late_abort();
	test_abort_of_another();
	rig_end();
	return tap_done();
}
