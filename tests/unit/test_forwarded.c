/* SPDX-License-Identifier: MIT */
/*
 * forwarded -- the walk from the right, and what no address is
 */
#include "config.h"
#include "http/forwarded.h"

#include <stdio.h>

#include "base/limits.h"
#include "kit/tap.h"

static struct conf_cidr blocks[2];	/* 10.0.0.0/8, 2001:db8:a::/48 */
static struct conf_cidrs trusted = { .v = blocks, .n = 2, .set = true };

/* What a text comes to with the peer 10.0.0.1, or with a unix peer. */
struct row {
	const char *text, *want;	/* want NULL: nothing is found */
	bool bad;
};

static const struct row lists[] = {
	{ "", "10.0.0.1", false },
	{ "192.0.2.7", "192.0.2.7", false },
	{ "1.1.1.1,192.0.2.7", "192.0.2.7", false },
	{ "1.1.1.1, 10.1.1.1", "1.1.1.1", false },
	{ "10.2.2.2, 10.1.1.1", "10.2.2.2", false },
	{ ",", "10.0.0.1", true },
	{ "192.0.2.7,", "10.0.0.1", true },
	{ ",192.0.2.7", "192.0.2.7", false },
	{ ",10.1.1.1", "10.1.1.1", true },
	{ "x, 10.1.1.1", "10.1.1.1", true },
	{ "192.0.2.7:0", "192.0.2.7", false },
	{ "192.0.2.7:65535", "192.0.2.7", false },
	{ "192.0.2.7:65536", "10.0.0.1", true },
	{ "192.0.2.7:000080", "10.0.0.1", true },
	{ "192.0.2.7:", "10.0.0.1", true },
	{ "192.0.2.7:80:80", "10.0.0.1", true },
	{ "192.0.2.7:8o", "10.0.0.1", true },
	{ ":80", "10.0.0.1", true },
	{ "[2001:db8::1]", "2001:db8::1", false },
	{ "[2001:db8::1]:80", "2001:db8::1", false },
	{ "[2001:db8::1]80", "10.0.0.1", true },
	{ "[2001:db8::1", "10.0.0.1", true },
	{ "2001:db8::1]", "10.0.0.1", true },
	{ "[]", "10.0.0.1", true },
	{ "[", "10.0.0.1", true },
	{ "2001:db8::1:80", "2001:db8::1:80", false },
	{ "::ffff:192.0.2.7", "192.0.2.7", false },
	{ "::ffff:10.9.9.9", "10.9.9.9", false },
	{ "[::ffff:192.0.2.7]:9", "192.0.2.7", false },
	{ "2001:db8:a::9", "2001:db8:a::9", false },
	{ "1.1.1.1, 2001:db8:a::9", "1.1.1.1", false },
	{ "fe80::1%1", "10.0.0.1", true },
	{ "192.0.2.7/32", "10.0.0.1", true },
	{ "192.0.2", "10.0.0.1", true },
	{ "0xc0.0.2.7", "10.0.0.1", true },
	{ "3221225991", "10.0.0.1", true },
	{ "\"192.0.2.7\"", "10.0.0.1", true },
	{ "unix:", "10.0.0.1", true },
	{ "for=192.0.2.7", "10.0.0.1", true },
	{ "192.0.2.7 10.1.1.1", "10.0.0.1", true },
};

static const struct row elements[] = {
	{ "for=192.0.2.7", "192.0.2.7", false },
	{ "For=192.0.2.7", "192.0.2.7", false },
	{ "for=192.0.2.7;proto=http;by=203.0.113.43", "192.0.2.7", false },
	{ "proto=http ; for=192.0.2.7 ; by=_x", "192.0.2.7", false },
	{ "for=1.1.1.1, for=10.1.1.1", "1.1.1.1", false },
	{ "for=\"[2001:db8::1]\"", "2001:db8::1", false },
	{ "for=\"[2001:db8::1]:4711\"", "2001:db8::1", false },
	{ "for=\"[2001:db8::1]:_p.q-r\"", "2001:db8::1", false },
	{ "for=\"[2001:db8::1]:_\"", "10.0.0.1", true },
	{ "for=\"[2001:db8::1]:_a!\"", "10.0.0.1", true },
	{ "for=\"192.0.2.7:80\"", "192.0.2.7", false },
	{ "for=\"192.0.2.7:\"", "10.0.0.1", true },
	{ "for=192.0.2.7:80", "10.0.0.1", true },
	{ "for=[2001:db8::1]", "10.0.0.1", true },
	{ "for=\"2001:db8::1\"", "10.0.0.1", true },
	{ "for=\"[192.0.2.7]\"", "10.0.0.1", true },
	{ "for=\"192.0.2.7", "10.0.0.1", true },
	{ "for=192.0.2.7\"", "10.0.0.1", true },
	{ "for=\"192.0.2.7\"x", "10.0.0.1", true },
	{ "for=\"\\192.0.2.7\"", "10.0.0.1", true },
	{ "for = 192.0.2.7", "10.0.0.1", true },
	{ "for=", "10.0.0.1", true },
	{ "for=\"\"", "10.0.0.1", true },
	{ "for", "10.0.0.1", true },
	{ "=192.0.2.7", "10.0.0.1", true },
	{ "for=192.0.2.7;", "10.0.0.1", true },
	{ ";for=192.0.2.7", "10.0.0.1", true },
	{ "for=192.0.2.7;for=192.0.2.8", "10.0.0.1", true },
	{ "by=192.0.2.7", "10.0.0.1", true },
	{ "xfor=192.0.2.7", "10.0.0.1", true },
	{ "for=unknown", "10.0.0.1", true },
	{ "for=_hidden", "10.0.0.1", true },
	{ "for=_hidden, for=10.1.1.1", "10.1.1.1", true },
	{ "for=1.1.1.1;host=\"a,b\", for=10.1.1.1", "1.1.1.1", false },
	{ "for=\"x, for=192.0.2.7", "192.0.2.7", false },
	{ "x\"y, for=\"[2001:db8::1]\"", "2001:db8::1", false },
	{ "for=192.0.2.7;host=\"\\\", for=1.1.1.1, \\\"\"", "192.0.2.7",
		false },
	{ "for=192.0.2.7;host=\"\\\\\"", "192.0.2.7", false },
	{ "for=192.0.2.7;host=\"\\\"", "10.0.0.1", true },
	{ "192.0.2.7", "10.0.0.1", true },
	{ "", "10.0.0.1", false },
	{ ",for=192.0.2.7", "192.0.2.7", false },
	{ "for=192.0.2.7,", "10.0.0.1", true },
};

static void
check(enum forwarded_form form, const struct row *r)
{
	char room[CONF_ADDR_TEXT];
	struct conf_cidr peer;
	struct forwarded f;
	struct str got;

	OK(conf_addr_parse(STR("10.0.0.1"), &peer));
	f = forwarded_walk(form, str_of(r->text), &peer, &trusted, 0);
	got = conf_addr_text(&f.from, room);
	if (!tap_ok(f.found && !f.too_many && f.bad == r->bad &&
	    str_is(got, r->want), "'%s' is %s", r->text, r->want))
		printf("# got '%.*s'%s\n", STR_ARG(got), f.bad ? " bad" : "");
}

static void
check_unix(void)
{
	struct forwarded f;

	f = forwarded_walk(FORWARDED_LIST, STR(""), NULL, &trusted, 0);
	OK(!f.found);
	f = forwarded_walk(FORWARDED_LIST, STR("1.1.1.1, x"), NULL, &trusted,
		0);
	OK(!f.found && f.bad);
	f = forwarded_walk(FORWARDED_LIST, STR("1.1.1.1, 10.1.1.1"), NULL,
		&trusted, 0);
	OK(f.found && f.from.addr[0] == 1);
	f = forwarded_walk(FORWARDED_LIST, STR("x, 10.1.1.1"), NULL, &trusted,
		0);
	tap_ok(f.found && f.from.addr[0] == 10, "a proxy, when no more is "
		"known");
}

/* Whatever the elements are. */
static void
check_limit(enum forwarded_form form, const char *one)
{
	char text[4096] = "";
	size_t n = 0;

	for (int i = 0; i < MAX_FORWARDED; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
			i > 0 ? "," : "", one);
	OK(!forwarded_walk(form, (struct str){ text, n }, &blocks[0],
		&trusted, 0).too_many);
	n += (size_t)snprintf(text + n, sizeof(text) - n, ",%s", one);
	tap_ok(forwarded_walk(form, (struct str){ text, n }, &blocks[0],
		&trusted, 0).too_many, "%d of '%s' are too many",
		MAX_FORWARDED + 1, one);
}

static void
check_texts(void)
{
	static const char *const texts[] = { "1.2.3.4", "10.0.0.0/8",
		"2001:db8::1", "2001:db8::/32", "::/0", "0.0.0.0/0", "::",
		"::1.2.3.4", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
	char room[CONF_ADDR_TEXT];
	struct conf_cidr c;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		OK(conf_cidr_parse(str_of(texts[i]), &c));
		IS_STR(conf_addr_text(&c, room), texts[i]);
	}
	OK(conf_cidr_parse(STR("::ffff:1.2.3.4"), &c));
	IS_STR(conf_addr_text(&c, room), "1.2.3.4");
}

int
main(void)
{
	OK(conf_cidr_parse(STR("10.0.0.0/8"), &blocks[0]));
	OK(conf_cidr_parse(STR("2001:db8:a::/48"), &blocks[1]));
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		check(FORWARDED_LIST, &lists[i]);
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		check(FORWARDED_RFC7239, &elements[i]);
	check_unix();
	check_limit(FORWARDED_LIST, "1.1.1.1");
	check_limit(FORWARDED_LIST, "");
	check_limit(FORWARDED_RFC7239, "for=1.1.1.1");
	check_limit(FORWARDED_RFC7239, "for=\"a,b\"");
	check_texts();
	return tap_done();
}
