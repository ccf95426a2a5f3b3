/* SPDX-License-Identifier: MIT */
/* Addresses and address blocks: one strict parser for all lists. */
#include "config.h"
#include "conf/conf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* One part of a dotted address: no leading zero, at most 255. */
static bool
octet(struct str s, uint8_t *value_r)
{
	uint64_t v;

	if (s.n == 0 || s.n > 3 || (s.n > 1 && s.p[0] == '0') ||
	    !str_number(s, &v) || v > 255)
		return false;
	*value_r = (uint8_t)v;
	return true;
}

static bool
parse_v4(struct str s, uint8_t addr[4])
{
	for (int i = 0; i < 4; i++) {
		struct str part = str_cut(&s, '.');

		if (!octet(part, &addr[i]) || (s.p == NULL) != (i == 3))
			return false;
	}
	return true;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
group(struct str s, uint8_t two[2])
{
	unsigned v = 0;

	if (s.n == 0 || s.n > 4)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (hex(s.p[i]) < 0)
			return false;
		v = v * 16 + (unsigned)hex(s.p[i]);
	}
	two[0] = (uint8_t)(v >> 8);
	two[1] = (uint8_t)v;
	return true;
}

/* Groups between colons into at most `room` bytes; the last may be dotted. */
static bool
groups(struct str s, bool last_part, uint8_t *addr, size_t room, size_t *n_r)
{
	size_t n = 0;

	if (s.n == 0) {
		*n_r = 0;
		return true;
	}
	while (s.p != NULL) {
		struct str part = str_cut(&s, ':');
		bool dotted = str_find(part, '.') < part.n;
		size_t take = dotted ? 4 : 2;

		if (n + take > room)
			return false;
		if (dotted && (s.p != NULL || !last_part ||
		    !parse_v4(part, addr + n)))
			return false;
		if (!dotted && !group(part, addr + n))
			return false;
		n += take;
	}
	*n_r = n;
	return true;
}

static bool
parse_v6(struct str s, uint8_t addr[16])
{
	size_t gap = str_search(s, STR("::"));
	uint8_t head[16] = { 0 }, tail[16] = { 0 };
	size_t n_head = 0, n_tail = 0;

	if (gap == s.n) {
		if (!groups(s, true, head, 16, &n_head) || n_head != 16)
			return false;
		memcpy(addr, head, 16);
		return true;
	}
	if (!groups(str_head(s, gap), false, head, 14, &n_head) ||
	    !groups(str_from(s, gap + 2), true, tail, 14, &n_tail) ||
	    n_head + n_tail > 14)
		return false;
	memset(addr, 0, 16);
	memcpy(addr, head, n_head);
	memcpy(addr + 16 - n_tail, tail, n_tail);
	return true;
}

static bool
is_mapped(const uint8_t addr[16])
{
	static const uint8_t head[12] = { [10] = 255, [11] = 255 };

	return memcmp(addr, head, sizeof(head)) == 0;
}

bool
conf_addr_parse(struct str text, struct conf_cidr *c_r)
{
	struct conf_cidr c = { .text = text };

	if (text.n == 0 || text.n > 45)
		return false;
	if (str_find(text, ':') == text.n) {
		if (!parse_v4(text, c.addr))
			return false;
		c.bits = 32;
	} else {
		if (!parse_v6(text, c.addr))
			return false;
		c.v6 = !is_mapped(c.addr);
		c.bits = c.v6 ? 128 : 32;
		if (!c.v6) {
			memcpy(c.addr, c.addr + 12, 4);
			memset(c.addr + 4, 0, 12);
		}
	}
	*c_r = c;
	return true;
}

static void
mask(struct conf_cidr *c)
{
	unsigned whole = c->bits / 8;

	if (c->bits % 8 != 0)
		c->addr[whole++] &= (uint8_t)(0xff00u >> (c->bits % 8));
	memset(c->addr + whole, 0, sizeof(c->addr) - whole);
}

/* The number behind the slash, for an address written as v6 or v4. */
static bool
prefix(struct str s, bool written_v6, struct conf_cidr *c)
{
	uint64_t n;

	if (s.n == 0 || s.n > 3 || (s.n > 1 && s.p[0] == '0') ||
	    !str_number(s, &n) || n > (written_v6 ? 128 : 32))
		return false;
	if (written_v6 && !c->v6) {	/* mapped: only what stays IPv4 */
		if (n < 96)
			return false;
		n -= 96;
	}
	c->bits = (uint8_t)n;
	return true;
}

bool
conf_cidr_parse(struct str text, struct conf_cidr *c_r)
{
	size_t slash = str_find(text, '/');
	struct str address = str_head(text, slash);
	struct conf_cidr c;

	if (str_is(text, "unix:")) {
		*c_r = (struct conf_cidr){ .unix_peer = true, .text = text };
		return true;
	}
	if (!conf_addr_parse(address, &c))
		return false;
	if (slash < text.n && !prefix(str_from(text, slash + 1),
	    str_find(address, ':') < address.n, &c))
		return false;
	c.text = text;
	mask(&c);
	*c_r = c;
	return true;
}

bool
conf_cidr_masked(struct str text, const struct conf_cidr *c)
{
	struct conf_cidr whole;

	return conf_addr_parse(str_head(text, str_find(text, '/')), &whole) &&
		memcmp(whole.addr, c->addr, sizeof(whole.addr)) != 0;
}

static bool
covers(const struct conf_cidr *block, const struct conf_cidr *addr)
{
	unsigned whole = block->bits / 8, rest = block->bits % 8;
	uint8_t bits;

	if (block->unix_peer || addr->unix_peer)
		return block->unix_peer && addr->unix_peer;
	if (block->v6 != addr->v6 || addr->bits < block->bits ||
	    memcmp(block->addr, addr->addr, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	bits = (uint8_t)(0xff00u >> rest);
	return ((block->addr[whole] ^ addr->addr[whole]) & bits) == 0;
}

/* Each request has one: printf() would be half the cost of finding it. */
static size_t
v4_text(const uint8_t addr[4], char *p)
{
	char *at = p;

	for (unsigned i = 0; i < 4; i++) {
		unsigned v = addr[i];

		if (i > 0)
			*at++ = '.';
		if (v >= 100)
			*at++ = (char)('0' + v / 100);
		if (v >= 10)
			*at++ = (char)('0' + v / 10 % 10);
		*at++ = (char)('0' + v % 10);
	}
	*at = '\0';
	return (size_t)(at - p);
}

struct str
conf_addr_text(const struct conf_cidr *c, char room_r[CONF_ADDR_TEXT])
{
	size_t n;

	if (c->unix_peer)
		return STR("unix:");
	if (!c->v6) {
		n = v4_text(c->addr, room_r);
	} else {
		if (inet_ntop(AF_INET6, c->addr, room_r,
		    CONF_ADDR_TEXT) == NULL)
			return STR_NONE;
		n = strlen(room_r);
	}
	if (c->bits < (c->v6 ? 128 : 32))
		n += (size_t)snprintf(room_r + n, CONF_ADDR_TEXT - n, "/%u",
			c->bits);
	return (struct str){ room_r, n };
}

bool
conf_cidr_has(const struct conf_cidrs *list, const struct conf_cidr *addr,
	int64_t now_unix_s)
{
	if (list->spans != NULL && !addr->unix_peer)
		return spans_has(list->spans, addr->addr, addr->v6,
			now_unix_s);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct conf_cidr *c = &list->v[i];

		if (c->until_unix_s != 0 && c->until_unix_s <= now_unix_s)
			continue;
		if (covers(c, addr))
			return true;
	}
	return false;
}

bool
conf_addr_loopback(const struct conf_cidr *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (addr->unix_peer)
		return false;
	return addr->v6 ? memcmp(addr->addr, one, 16) == 0 :
	    addr->addr[0] == 127;
}
