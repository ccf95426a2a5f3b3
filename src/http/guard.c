/* SPDX-License-Identifier: MIT */
/*
 * guard -- blocks of addresses as rows
 */
#include "config.h"
#include "http/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct block {
	uint8_t net[16];
	uint8_t bits;
	uint8_t inside;		/* an IPv4 address at this byte decides */
};

#define NOTHING_INSIDE	0xff

static const struct block blocks4[] = {
	{ { 0 },			8, NOTHING_INSIDE },
	{ { 10 },			8, NOTHING_INSIDE },
	{ { 100, 64 },			10, NOTHING_INSIDE },
	{ { 127 },			8, NOTHING_INSIDE },
	{ { 169, 254 },			16, NOTHING_INSIDE },
	{ { 172, 16 },			12, NOTHING_INSIDE },
	{ { 192, 0, 0 },		24, NOTHING_INSIDE },
	{ { 192, 168 },			16, NOTHING_INSIDE },
	{ { 198, 18 },			15, NOTHING_INSIDE },
	{ { 224 },			4, NOTHING_INSIDE },
	{ { 240 },			4, NOTHING_INSIDE },
};

static const struct block blocks6[] = {
	{ { 0 },				96, NOTHING_INSIDE },
	{ { [10] = 0xff, [11] = 0xff },		96, 12 },
	{ { 0x00, 0x64, 0xff, 0x9b },		96, 12 },
	{ { 0x20, 0x02 },			16, 2 },
	{ { 0x00, 0x64, 0xff, 0x9b, 0, 1 },	48, NOTHING_INSIDE },
	{ { 0x20, 0x01, 0, 0 },			32, NOTHING_INSIDE },
	{ { 0xfc },				7, NOTHING_INSIDE },
	{ { 0xfe, 0x80 },			10, NOTHING_INSIDE },
	{ { 0xfe, 0xc0 },			10, NOTHING_INSIDE },
	{ { 0xff },				8, NOTHING_INSIDE },
};

/* The first bits are the same. */
static bool
agree(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool
refused4(const uint8_t addr[4])
{
	for (size_t i = 0; i < sizeof(blocks4) / sizeof(blocks4[0]); i++) {
		if (agree(addr, blocks4[i].net, blocks4[i].bits))
			return true;
	}
	return false;
}

static bool
refused6(const uint8_t addr[16])
{
	for (size_t i = 0; i < sizeof(blocks6) / sizeof(blocks6[0]); i++) {
		const struct block *b = &blocks6[i];

		if (!agree(addr, b->net, b->bits))
			continue;
		if (b->inside == NOTHING_INSIDE)
			return true;
		return refused4(addr + b->inside);
	}
	return false;
}

bool
guard_address(const struct sockaddr *sa)
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (sa->sa_family == AF_INET) {
		memcpy(&four, sa, sizeof(four));
		return refused4((const uint8_t *)&four.sin_addr);
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&six, sa, sizeof(six));
		return refused6(six.sin6_addr.s6_addr);
	}
	return true;
}

/* ---- texts ------------------------- */

struct address {
	int family;		/* AF_UNSPEC: a name */
	uint8_t bytes[16];
};

static struct str
bare(struct str host)
{
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		return str_head(str_from(host, 1), host.n - 2);
	return host;
}

static struct address
address_of(struct str host)
{
	struct address a = { .family = AF_UNSPEC };
	char text[INET6_ADDRSTRLEN];

	host = bare(host);
	if (host.n == 0 || host.n >= sizeof(text))
		return a;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = AF_INET6;
	return a;
}

/* host is domain, or below it; case and one final dot do not matter. */
static bool
under(struct str host, struct str domain)
{
	struct str tail;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n < domain.n || domain.n == 0)
		return false;
	tail = str_from(host, host.n - domain.n);
	if (!str_eq_nocase(tail, domain))
		return false;
	return host.n == domain.n || host.p[host.n - domain.n - 1] == '.';
}

bool
guard_host(struct str host)
{
	struct address a = address_of(host);

	if (a.family == AF_INET)
		return refused4(a.bytes);
	if (a.family == AF_INET6)
		return refused6(a.bytes);
	return under(host, STR("localhost"));
}

static bool
in_block(const struct address *a, struct str block)
{
	size_t slash = str_find(block, '/');
	struct address net = address_of(str_head(block, slash));
	uint64_t bits = a->family == AF_INET ? 32 : 128, most = bits;

	if (net.family != a->family)
		return false;
	if (slash < block.n && !str_number(str_from(block, slash + 1), &bits))
		return false;
	return bits <= most && agree(a->bytes, net.bytes, (unsigned)bits);
}

bool
guard_direct(struct str list, struct str host)
{
	struct address a = address_of(host);

	while (list.n > 0) {
		struct str entry = str_trim(str_cut(&list, ','));

		if (str_is(entry, "*"))
			return true;
		if (a.family != AF_UNSPEC) {
			if (in_block(&a, entry))
				return true;
			continue;
		}
		if (entry.n > 1 && entry.p[0] == '.')
			entry = str_from(entry, 1);
		if (under(host, entry))
			return true;
	}
	return false;
}
