/* SPDX-License-Identifier: MIT */
/* cidr -- which texts are addresses and blocks, and what they cover */
#include "config.h"
#include "conf/conf.h"

#include "kit/tap.h"

static const struct {
	const char *text;
	int bits;			/* -1: refused */
	bool v6;
} blocks[] = {
	{ "127.0.0.1", 32, false }, { "0.0.0.0/0", 0, false },
	{ "10.0.0.0/8", 8, false }, { "10.1.2.3/8", 8, false },
	{ "255.255.255.255/32", 32, false }, { "1.2.3.4/33", -1, false },
	{ "256.1.1.1", -1, false }, { "1.2.3", -1, false },
	{ "1.2.3.4.5", -1, false }, { "01.2.3.4", -1, false },
	{ "1.2.3.4/", -1, false }, { "1.2.3.4/08", -1, false },
	{ "1.2.3.4/+8", -1, false }, { "1.2.3.4/ 8", -1, false },
	{ " 1.2.3.4", -1, false }, { "1.2.3.4 ", -1, false },
	{ "1.2.3.*", -1, false }, { "1.2.3.4-9", -1, false },
	{ "1.2.3.4/255.0.0.0", -1, false }, { "", -1, false },
	{ "localhost", -1, false }, { "1..2.3", -1, false },
	{ "::", 128, true }, { "::1", 128, true }, { "::/0", 0, true },
	{ "2001:db8::/32", 32, true }, { "fe80::1", 128, true },
	{ "1:2:3:4:5:6:7:8", 128, true }, { "1:2:3:4:5:6:7", -1, true },
	{ "1:2:3:4:5:6:7:8:9", -1, true }, { "1::2::3", -1, true },
	{ "1:2:3:4:5:6:7::", 128, true }, { "::2:3:4:5:6:7:8", 128, true },
	{ "1:2:3:4::5:6:7:8", -1, true }, { ":::", -1, true },
	{ ":1:2", -1, true }, { "12345::", -1, true }, { "g::", -1, true },
	{ "::1/129", -1, true }, { "::1/128", 128, true },
	{ "fe80::1%eth0", -1, true }, { "[::1]", -1, true },
	{ "::1.2.3.4", 128, true }, { "::1.2.3", -1, true },
	{ "1.2.3.4::", -1, true }, { "::1.2.3.4:5", -1, true },
	{ "::ffff:1.2.3.4", 32, false }, { "::ffff:102:304", 32, false },
	{ "::ffff:1.2.3.4/104", 8, false }, { "::ffff:1.2.3.4/96", 0, false },
	{ "::ffff:1.2.3.4/95", -1, false }, { "::ffff:1.2.3.4/32", -1, false },
	{ "unix:", 0, false }, { "unix:/x", -1, false },
};

static const struct {
	const char *block, *addr;
	bool in;
} matches[] = {
	{ "10.0.0.0/8", "10.255.0.1", true },
	{ "10.0.0.0/8", "11.0.0.0", false },
	{ "192.168.1.128/25", "192.168.1.127", false },
	{ "192.168.1.128/25", "192.168.1.128", true },
	{ "10.9.9.9/8", "10.0.0.1", true },
	{ "1.2.3.4", "1.2.3.4", true }, { "1.2.3.4", "1.2.3.5", false },
	{ "1.2.3.4/31", "1.2.3.5", true }, { "1.2.3.4/31", "1.2.3.6", false },
	{ "0.0.0.0/0", "::1", false }, { "::/0", "1.2.3.4", false },
	{ "0.0.0.0/0", "::ffff:1.2.3.4", true },
	{ "::/0", "::ffff:1.2.3.4", false },
	{ "::ffff:10.0.0.0/104", "10.1.1.1", true },
	{ "1.2.3.4", "::ffff:1.2.3.4", true },
	{ "1.2.3.4", "::1.2.3.4", false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "::1", "0:0:0:0:0:0:0:1", true },
};

static void
test_blocks(void)
{
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct conf_cidr c;
		bool good = conf_cidr_parse(str_of(blocks[i].text), &c);

		tap_ok(good == (blocks[i].bits >= 0) && (!good ||
			(c.bits == blocks[i].bits && c.v6 == blocks[i].v6)),
			"block '%s'", blocks[i].text);
	}
}

static void
test_matches(void)
{
	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		struct conf_cidr block, addr;
		struct conf_cidrs list = { .v = &block, .n = 1, .set = true };

		OK(conf_cidr_parse(str_of(matches[i].block), &block));
		OK(conf_addr_parse(str_of(matches[i].addr), &addr));
		tap_ok(conf_cidr_has(&list, &addr, 0) == matches[i].in,
			"%s in %s", matches[i].addr, matches[i].block);
	}
}

static void
test_others(void)
{
	struct conf_cidr c, addr, unix_peer = { .unix_peer = true };
	struct conf_cidrs list = { .v = &c, .n = 1, .set = true };

	OK(conf_addr_parse(STR("127.8.8.8"), &addr));
	OK(conf_addr_loopback(&addr));
	OK(conf_addr_parse(STR("::1"), &addr));
	OK(conf_addr_loopback(&addr));
	OK(conf_addr_parse(STR("::2"), &addr));
	OK(!conf_addr_loopback(&addr));
	OK(!conf_addr_loopback(&unix_peer));
	OK(!conf_addr_parse(STR("10.0.0.0/8"), &addr));
	OK(conf_cidr_parse(STR("unix:"), &c));
	OK(conf_cidr_has(&list, &unix_peer, 0));
	OK(!conf_cidr_has(&list, &addr, 0));
	OK(conf_cidr_parse(STR("::2"), &c));
	c.until_unix_s = 100;
	OK(conf_cidr_has(&list, &addr, 99));
	OK(!conf_cidr_has(&list, &addr, 100));
	OK(conf_cidr_parse(STR("0.0.0.0/0"), &c));
	OK(!conf_cidr_has(&list, &unix_peer, 0));
}

static void
test_texts(void)
{
	static const char *const texts[] = { "0.0.0.0", "1.22.133.9",
		"255.255.255.255", "100.10.1.99", "::1", "2001:db8::7",
		"10.0.0.0/8", "2001:db8::/32", "unix:" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char room[CONF_ADDR_TEXT];
		struct conf_cidr c;

		OK(conf_cidr_parse(str_of(texts[i]), &c));
		tap_ok(str_is(conf_addr_text(&c, room), texts[i]),
			"text of %s", texts[i]);
	}
}

int
main(void)
{
	test_blocks();
	test_texts();
	test_matches();
	test_others();
	return tap_done();
}
