/* SPDX-License-Identifier: MIT */
/*
 * url -- scheme, authority, path: strict, and before any library
 */
#include "config.h"
#include "http/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/arena.h"

#define MAX_HOST	253	/* bytes; what DNS can hold */

static bool
bytes_ok(struct str text)
{
	return (text.n == 0 || str_visible(text)) &&
		str_find(text, '\\') == text.n &&
		str_find(text, '#') == text.n;
}

static bool
cut_scheme(struct str *text, struct url *u)
{
	size_t n = str_search(*text, STR("://"));
	struct str scheme = str_head(*text, n);

	if (n == text->n)
		return false;
	*text = str_from(*text, n + 3);
	if (str_is_nocase(scheme, "https")) {
		u->scheme = STR("https");
		u->port = 443;
		return true;
	}
	u->scheme = STR("http");
	u->port = 80;
	return str_is_nocase(scheme, "http");
}

static bool
name_ok(struct str host)
{
	bool all = true;

	for (size_t i = 0; i < host.n; i++) {
		unsigned char c = (unsigned char)host.p[i];
		unsigned letter = (c | 0x20u) - 'a', digit = c - '0';

		all &= letter < 26 || digit < 10 || c == '-' || c == '.' ||
			c == '_';
	}
	return all && host.n > 0 && host.n <= MAX_HOST && host.p[0] != '.';
}

/* host without brackets, as an address of the family. */
static bool
addressed(struct str host, int family, void *addr_r)
{
	char text[INET6_ADDRSTRLEN];

	if (host.n == 0 || host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return inet_pton(family, text, addr_r) == 1;
}

static bool
take_host(struct str host, struct url *u)
{
	struct in6_addr six;
	uint8_t four[4];

	u->host = host;
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host = str_head(str_from(host, 1), host.n - 2);
		if (!addressed(host, AF_INET6, &six))
			return false;
		u->loopback = IN6_IS_ADDR_LOOPBACK(&six);
		return true;
	}
	if (!name_ok(host))
		return false;
	if (addressed(host, AF_INET, four))
		u->loopback = four[0] == 127;
	else
		u->loopback = str_is_nocase(host, "localhost");
	return true;
}

static bool
take_port(struct str text, struct url *u)
{
	uint64_t port;

	if (text.n > 5 || !str_number(text, &port))
		return false;
	if (port < 1 || port > 65535)
		return false;
	u->port = (uint16_t)port;
	return true;
}

/* Where the port's colon is, or n: a colon inside brackets does not count. */
static size_t
colon_of(struct str authority)
{
	size_t from = 0;

	if (authority.n > 0 && authority.p[0] == '[')
		from = str_find(authority, ']');
	return from + str_find(str_from(authority, from), ':');
}

static size_t
authority_end(struct str text)
{
	size_t i = 0;

	while (i < text.n && text.p[i] != '/' && text.p[i] != '?' &&
	    text.p[i] != '#')
		i++;
	return i;
}

bool
url_parse(struct str text, struct url *u_r)
{
	struct str authority;
	struct url u = { .loopback = false };
	size_t n;

	if (!bytes_ok(text) || !cut_scheme(&text, &u))
		return false;
	n = authority_end(text);
	authority = str_head(text, n);
	u.path = n < text.n ? str_from(text, n) : STR("/");
	n = colon_of(authority);
	if (n < authority.n && !take_port(str_from(authority, n + 1), &u))
		return false;
	if (!take_host(str_head(authority, n), &u))
		return false;
	*u_r = u;
	return true;
}

static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
		c == '~';
}

struct str
url_escape(struct arena *a, struct str text)
{
	static const char digits[] = "0123456789ABCDEF";
	char *p = arena_alloc(a, 3 * text.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (is_unreserved(text.p[i])) {
			p[n++] = text.p[i];
			continue;
		}
		p[n++] = '%';
		p[n++] = digits[c >> 4];
		p[n++] = digits[c & 15];
	}
	return (struct str){ p, n };
}

bool
url_form_text(struct arena *a, struct str s, struct str *text_r)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i] == '+' ? ' ' : s.p[i];

		if (c == '%') {
			int high = i + 2 < s.n ? str_hex(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? str_hex(s.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		p[n++] = c;
	}
	*text_r = (struct str){ p, n };
	return true;
}

/* The last '@' ends the user part, as in every browser. */
static struct str
without_user(struct str authority)
{
	size_t i = authority.n;

	while (i > 0 && authority.p[i - 1] != '@')
		i--;
	return str_from(authority, i);
}

struct str
url_for_log(struct arena *a, struct str text)
{
	struct str authority, path, clean;
	size_t n = str_search(text, STR("://"));
	struct url u;

	if (n == text.n)
		return STR("<redacted-url>");
	path = str_from(text, n + 3);
	authority = str_head(path, authority_end(path));
	path = str_from(path, authority.n);
	path = str_head(path, str_find(path, '#'));
	path = str_head(path, str_find(path, '?'));
	authority = without_user(authority);
	clean = str_fmt(a, "%.*s://%.*s%.*s", STR_ARG(str_head(text, n)),
		STR_ARG(authority), STR_ARG(path));
	return url_parse(clean, &u) ? clean : STR("<redacted-url>");
}
