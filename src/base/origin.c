/* SPDX-License-Identifier: MIT */
/*
 * origin -- what a browser says of a page, and what it is compared with
 */
#include "config.h"
#include "base/origin.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/limits.h"

#define MAX_PORT_DIGITS 5

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
scheme_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!letter(c) && (i == 0 || (!digit(c) && c != '+' &&
		    c != '-' && c != '.')))
			return false;
	}
	return s.n > 0;
}

static bool
port_ok(struct str s)
{
	uint64_t port;

	return s.n <= MAX_PORT_DIGITS && str_number(s, &port) && port <= 65535;
}

static bool
name_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!letter(c) && !digit(c) && c != '-' && c != '.')
			return false;
	}
	return s.n > 0;
}

/* An address of the family, without brackets. */
static bool
address(struct str s, int family, void *addr_r)
{
	char text[INET6_ADDRSTRLEN];

	if (s.n == 0 || s.n >= sizeof(text) || str_find(s, '\0') < s.n)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return inet_pton(family, text, addr_r) == 1;
}

/* The IPv6 address inside of brackets. */
static bool
bracketed(struct str host, struct in6_addr *addr_r)
{
	return host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']' &&
		address(str_head(str_from(host, 1), host.n - 2), AF_INET6,
		addr_r);
}

static bool
host_ok(struct str host)
{
	struct in6_addr six;

	return name_ok(host) || bracketed(host, &six);
}

/* Where the colon of the port is; n: there is none. */
static size_t
port_colon(struct str s)
{
	size_t from = s.n > 0 && s.p[0] == '[' ? str_find(s, ']') : 0;

	return from + str_find(str_from(s, from), ':');
}

static bool
cut(struct str text, struct origin *o_r)
{
	size_t n = str_search(text, STR("://")), colon;
	struct origin o = { .scheme = str_head(text, n), .port = STR("") };
	struct str rest = str_from(text, n + 3);

	if (n == text.n)
		return false;
	colon = port_colon(rest);
	o.host = str_head(rest, colon);
	if (colon < rest.n) {
		o.port = str_from(rest, colon + 1);
		if (!port_ok(o.port))
			return false;
	}
	*o_r = o;
	return scheme_ok(o.scheme);
}

bool
origin_parse(struct str text, struct origin *o_r)
{
	struct origin o;

	if (text.n > MAX_ORIGIN || !cut(text, &o) || !host_ok(o.host))
		return false;
	*o_r = o;
	return true;
}

/* No default port: browsers never write it, so a written one differs. */
static bool
same_door(const struct origin *a, const struct origin *b)
{
	return str_eq_nocase(a->scheme, b->scheme) && str_eq(a->port, b->port);
}

bool
origin_same(const struct origin *a, const struct origin *b)
{
	return same_door(a, b) && str_eq_nocase(a->host, b->host);
}

bool
origin_host_loopback(struct str host)
{
	struct in6_addr six;
	uint8_t four[4];

	if (str_is_nocase(host, "localhost"))
		return true;
	if (address(host, AF_INET, four))
		return four[0] == 127;
	return bracketed(host, &six) && IN6_IS_ADDR_LOOPBACK(&six);
}

bool
origin_loopback(const struct origin *o)
{
	return (str_is_nocase(o->scheme, "http") ||
		str_is_nocase(o->scheme, "https")) &&
		origin_host_loopback(o->host);
}

/* ---- entries of a list ------------------------------------------------------- */
static bool
labels_ok(struct str s)
{
	struct str label;

	while (s.p != NULL) {
		label = str_cut(&s, '.');
		if (label.n == 0 || !name_ok(label))
			return false;
	}
	return true;
}

/* As an operator writes a host: no empty label. */
static bool
entry_host_ok(const struct origin_entry *e)
{
	struct in6_addr six;

	return labels_ok(e->origin.host) || (e->kind == ORIGIN_EXACT &&
		bracketed(e->origin.host, &six));
}

static bool
cut_bare(struct str text, struct origin *o_r)
{
	size_t colon = port_colon(text);
	struct origin o = { STR("https"), str_head(text, colon), STR("") };

	if (colon < text.n) {
		o.port = str_from(text, colon + 1);
		if (!port_ok(o.port))
			return false;
	}
	*o_r = o;
	return true;
}

bool
origin_entry_parse(struct str text, struct origin_entry *e_r)
{
	struct origin_entry e = { .kind = ORIGIN_EXACT };

	if (str_is(text, "*")) {
		*e_r = (struct origin_entry){ .kind = ORIGIN_ANY };
		return true;
	}
	e.bare = str_search(text, STR("://")) == text.n;
	if (text.n > MAX_ORIGIN || str_is_nocase(text, "null") ||
	    !(e.bare ? cut_bare(text, &e.origin) : cut(text, &e.origin)))
		return false;
	if (str_starts(e.origin.host, STR("*."))) {
		e.kind = ORIGIN_BELOW;
		e.origin.host = str_from(e.origin.host, 2);
	}
	if (!entry_host_ok(&e))
		return false;
	*e_r = e;
	return true;
}

/* host is LABELS.domain, with at least one label and none empty. */
static bool
below(struct str host, struct str domain)
{
	size_t dot;

	if (host.n < domain.n + 2)
		return false;
	dot = host.n - domain.n - 1;
	return host.p[dot] == '.' &&
		str_eq_nocase(str_from(host, dot + 1), domain) &&
		labels_ok(str_head(host, dot));
}

bool
origin_entry_has(const struct origin_entry *e, const struct origin *o)
{
	switch (e->kind) {
	case ORIGIN_ANY:
		return true;
	case ORIGIN_BELOW:
		return same_door(&e->origin, o) &&
			below(o->host, e->origin.host);
	case ORIGIN_EXACT:
		break;
	}
	return origin_same(&e->origin, o);
}

/* ---- Host --------------------------------------------------------------------- */
/* Machines and containers have names with '_', too.  Of pages there we take
 * no origin. */
static bool
machine_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '_' && !name_ok((struct str){ s.p + i, 1 }))
			return false;
	}
	return s.n > 0;
}

struct str
origin_host(struct str value)
{
	size_t colon = port_colon(value);
	struct str host = str_head(value, colon);

	if (value.n > MAX_ORIGIN || (!host_ok(host) && !machine_ok(host)))
		return STR_NONE;
	if (colon < value.n && !port_ok(str_from(value, colon + 1)))
		return STR_NONE;
	return host;
}
