/* SPDX-License-Identifier: MIT */
/*
 * bans -- what is entered counts at the next look, and is gone when it ends
 */
#include "config.h"
#include "shm/bans.h"

#include <stdlib.h>

#include "kit/place.h"
#include "kit/tap.h"
#include "shm/layout.h"

static struct ban
ban(uint8_t first, uint8_t last, uint8_t bits, bool allow, int64_t until)
{
	return (struct ban){ .span = { .addr = { first, 0, 0, last },
		.bits = bits, .until_unix_s = until }, .allow = allow };
}

static bool
is_banned(struct bans *b, uint8_t first, uint8_t last, int64_t now)
{
	uint8_t addr[16] = { first, 0, 0, last };

	return spans_has(bans_look(b).banned, addr, false, now);
}

static bool
is_allowed(struct bans *b, uint8_t first, uint8_t last, int64_t now)
{
	uint8_t addr[16] = { first, 0, 0, last };

	return spans_has(bans_look(b).allowed, addr, false, now);
}

static void
check_life(struct segment *s, struct bans *mine, struct bans *other)
{
	struct ban one = ban(10, 1, 32, false, SPANS_FOREVER);
	struct ban net = ban(11, 0, 8, false, 100), v[8];

	OK(!is_banned(mine, 10, 1, 50));
	IS_INT(bans_put(s, &one, 50), BANS_DONE);
	tap_ok(is_banned(mine, 10, 1, 50) && is_banned(other, 10, 1, 50),
		"everybody knows at once");
	OK(!is_banned(mine, 10, 2, 50));
	IS_INT(bans_put(s, &net, 50), BANS_DONE);
	OK(is_banned(other, 11, 77, 99));
	tap_ok(!is_banned(other, 11, 77, 100), "it ends by itself");
	IS_INT(bans_list(s, 99, v, 8), 2);
	IS_INT(v[0].span.addr[0], 10);
	IS_INT(v[1].span.bits, 8);
	IS_INT(bans_list(s, 100, v, 8), 1);
	IS_INT(bans_drop(s, &net.span), BANS_DONE);
	IS_INT(bans_drop(s, &net.span), BANS_NONE);
	one.allow = true;
	IS_INT(bans_put(s, &one, 50), BANS_DONE);
	tap_ok(!is_banned(mine, 10, 1, 50) && is_allowed(mine, 10, 1, 50),
		"the later word about a block counts");
	IS_INT(bans_drop(s, &one.span), BANS_DONE);
	OK(!is_allowed(other, 10, 1, 50));
	IS_INT(bans_list(s, 0, v, 8), 0);
}

static void
check_six(struct segment *s, struct bans *b)
{
	struct ban six = { .span = { .addr = { 0x20, 1 }, .bits = 64,
		.v6 = true, .until_unix_s = 77 } };
	uint8_t inside[16] = { 0x20, 1, [15] = 9 };

	IS_INT(bans_put(s, &six, 1), BANS_DONE);
	OK(spans_has(bans_look(b).banned, inside, true, 76));
	OK(!spans_has(bans_look(b).banned, inside, false, 76));
	inside[7] = 1;
	OK(!spans_has(bans_look(b).banned, inside, true, 76));
	IS_INT(bans_drop(s, &six.span), BANS_DONE);
}

static void
check_room(struct segment *s, struct bans *b)
{
	static struct ban v[BANS_MOST];
	struct ban one = ban(9, 0, 32, false, 10);
	uint32_t failed = 0;

	for (uint32_t i = 0; i < BANS_MOST; i++) {
		one.span.addr[1] = (uint8_t)(i >> 8);
		one.span.addr[2] = (uint8_t)i;
		one.span.until_unix_s = i == 5 ? 10 : 1000;
		failed += bans_put(s, &one, 1) != BANS_DONE;
	}
	IS_INT(failed, 0);
	IS_INT(bans_list(s, 1, v, BANS_MOST), BANS_MOST);
	one = ban(8, 8, 32, false, 1000);
	tap_ok(bans_put(s, &one, 9) == BANS_FULL, "one more has no room");
	OK(!is_banned(b, 8, 8, 9));
	one.span.addr[0] = 9;
	one.span.addr[1] = one.span.addr[3] = 0;
	one.span.addr[2] = 77;
	one.allow = true;
	tap_ok(bans_put(s, &one, 9) == BANS_DONE, "but for another word about "
		"a block that has an entry");
	IS_INT(bans_list(s, 9, v, BANS_MOST), BANS_MOST);
	one = ban(8, 8, 32, false, 1000);
	tap_ok(bans_put(s, &one, 9) == BANS_FULL, "still no room");
	tap_ok(bans_put(s, &one, 10) == BANS_DONE, "until another has ended");
	OK(is_banned(b, 8, 8, 9));
	IS_INT(bans_list(s, 10, v, BANS_MOST), BANS_MOST);
}

/* Killed between the words, before the end was said. */
static void
check_half(struct segment *s, struct bans *b)
{
	struct shm_bans *t = &s->file->bans;

	OK(is_banned(b, 8, 8, 9));
	atomic_store(&t->seq, atomic_load(&t->seq) | 1);
	atomic_fetch_add(&t->v[7].text[0], 1);
	OK(is_banned(b, 8, 8, 9));
	tap_ok((atomic_load(&t->seq) & 1) == 0, "the next look repairs");
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct bans *mine = bans_open(s, p.arena);
	struct bans *other = bans_open(s, p.arena);
	struct bans *none = bans_open(NULL, p.arena);
	const char *why = "";

	check_life(s, mine, other);
	check_six(s, mine);
	check_room(s, mine);
	check_half(s, mine);
	OK(!is_banned(none, 8, 8, 9));
	tap_ok(segment_valid(s, &why), "valid %s", why);
	bans_close(mine);
	bans_close(other);
	bans_close(none);
	segment_close(s);
	place_end(&p);
	return tap_done();
}
