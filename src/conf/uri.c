/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "conf/uri.h"

#include <string.h>

#include "base/arena.h"
#include "conf/conf.h"

static struct str
lower(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		p[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return (struct str){ p, s.n };
}

static bool
scheme_good(struct str s)
{
	if (s.n == 0 || s.n > 16)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return true;
}

static bool
host_good(struct str h)
{
	struct conf_cidr c;

	if (h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']')
		return conf_addr_parse((struct str){ h.p + 1, h.n - 2 }, &c) &&
		    memchr(h.p, ':', h.n) != NULL;
	if (h.n == 0 || h.n > 253)
		return false;
	for (size_t i = 0; i < h.n; i++) {
		char c1 = h.p[i];

		if (!(c1 >= 'a' && c1 <= 'z') && !(c1 >= 'A' && c1 <= 'Z') &&
		    !(c1 >= '0' && c1 <= '9') && strchr("-._~", c1) == NULL)
			return false;
	}
	return true;
}

/* host[:port] */
static bool
take_host(struct str authority, struct uri *u)
{
	size_t end = authority.n;
	uint64_t port;

	if (end > 0 && authority.p[0] == '[')
		end = str_find(authority, ']') + 1;
	else
		end = str_find(authority, ':');
	if (end > authority.n)
		return false;
	u->host = str_head(authority, end);
	authority = str_from(authority, end);
	if (!host_good(u->host))
		return false;
	if (authority.n == 0)
		return true;
	if (authority.p[0] != ':' ||
	    !str_number(str_from(authority, 1), &port) || port < 1 ||
	    port > 65535)
		return false;
	u->port = (uint32_t)port;
	return true;
}

static size_t
last_at(struct str s)
{
	for (size_t i = s.n; i > 0; i--) {
		if (s.p[i - 1] == '@')
			return i - 1;
	}
	return s.n;
}

static bool
bytes_good(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x21 || c > 0x7e || c == '\\')
			return false;
	}
	return true;
}

bool
uri_parse(struct arena *a, struct str text, struct uri *u_r)
{
	struct uri u = { .port = 0 };
	size_t colon = str_search(text, STR("://")), end = 0, at;
	struct str rest;

	if (!bytes_good(text) || colon == text.n ||
	    !scheme_good(str_head(text, colon)))
		return false;
	u.scheme = lower(a, str_head(text, colon));
	rest = str_from(text, colon + 3);
	while (end < rest.n && strchr("/?#", rest.p[end]) == NULL)
		end++;
	u.path = str_from(rest, end);
	u.has_query = str_find(u.path, '?') < u.path.n;
	u.has_fragment = str_find(u.path, '#') < u.path.n;
	rest = str_head(rest, end);
	at = last_at(rest);
	u.has_user = at < rest.n;
	if (u.has_user) {
		u.password = str_head(rest, at);
		u.user = str_cut(&u.password, ':');
		rest = str_from(rest, at + 1);
	}
	if (!take_host(rest, &u))
		return false;
	*u_r = u;
	return true;
}

bool
uri_is_http(const struct uri *u)
{
	return str_is(u->scheme, "http") || str_is(u->scheme, "https");
}

bool
uri_loopback(const struct uri *u)
{
	struct str host = u->host;
	struct conf_cidr c;

	if (str_is_nocase(host, "localhost"))
		return true;
	if (host.n > 2 && host.p[0] == '[')
		host = (struct str){ host.p + 1, host.n - 2 };
	return conf_addr_parse(host, &c) && conf_addr_loopback(&c);
}

struct str
uri_origin(struct arena *a, const struct uri *u)
{
	uint32_t port = u->port;

	if (port == 0)
		port = str_is(u->scheme, "http") ? 80 : 443;
	return str_fmt(a, "%.*s://%.*s:%u", STR_ARG(u->scheme),
	    STR_ARG(lower(a, u->host)), port);
}

struct str
uri_logged(struct arena *a, struct str text)
{
	struct uri u;
	size_t end = 0;

	if (!uri_parse(a, text, &u))
		return STR("<redacted-url>");
	while (end < u.path.n && strchr("?#", u.path.p[end]) == NULL)
		end++;
	if (u.port == 0)
		return str_fmt(a, "%.*s://%.*s%.*s", STR_ARG(u.scheme),
		    STR_ARG(u.host), STR_ARG(str_head(u.path, end)));
	return str_fmt(a, "%.*s://%.*s:%u%.*s", STR_ARG(u.scheme),
	    STR_ARG(u.host), u.port, STR_ARG(str_head(u.path, end)));
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
uri_decode(struct arena *a, struct str s, struct str *text_r)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int c = (unsigned char)s.p[i];

		if (c == '%') {
			if (i + 2 >= s.n || hex(s.p[i + 1]) < 0 ||
			    hex(s.p[i + 2]) < 0)
				return false;
			c = hex(s.p[i + 1]) * 16 + hex(s.p[i + 2]);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		p[n++] = (char)c;
	}
	*text_r = (struct str){ p, n };
	return true;
}
