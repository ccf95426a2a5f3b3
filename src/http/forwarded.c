/* SPDX-License-Identifier: MIT */
/*
 * forwarded -- who a request came from, as proxies in front tell it
 *
 * A list is cut at its right end, quotes included: whatever a client has
 * written further left, an open quote say, cannot swallow what the proxies
 * have added.  Each piece is then read strictly.
 */
#include "config.h"
#include "http/forwarded.h"

#include "base/limits.h"

/* ---- pieces, from the right ------------------------------------------------- */

static bool
is_escaped(struct str s, size_t at)
{
	size_t n = 0;

	while (n < at && s.p[at - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

/* Where the last piece begins; 0: it is the only one. quotes: a comma
 * between two of them is none. */
static size_t
last_piece(struct str s, bool quotes)
{
	bool inside = false;

	for (size_t i = s.n; i > 0; i--) {
		char c = s.p[i - 1];

		if (c == '"' && quotes && !is_escaped(s, i - 1))
			inside = !inside;
		if (c == ',' && !inside)
			return i;
	}
	return 0;
}

/* Cuts the last piece off; s becomes STR_NONE with the first. */
static struct str
cut_last(struct str *s, bool quotes)
{
	size_t at = last_piece(*s, quotes);
	struct str piece = str_from(*s, at);

	*s = at > 0 ? str_head(*s, at - 1) : STR_NONE;
	return str_trim(piece);
}

static bool
is_too_long(struct str s, bool quotes)
{
	uint32_t n = 0;

	while (s.p != NULL && n <= MAX_FORWARDED) {
		cut_last(&s, quotes);
		n++;
	}
	return n > MAX_FORWARDED;
}

/* ---- addresses with ports ------------------------------------------------------- */

static bool
is_port(struct str s)
{
	uint64_t n;

	return s.n >= 1 && s.n <= 5 && str_number(s, &n) && n <= 65535;
}

/* "[addr]" and what follows the bracket. */
static bool
split_brackets(struct str s, struct str *addr_r, struct str *rest_r)
{
	size_t close = str_find(s, ']');

	if (s.n < 2 || s.p[0] != '[' || close == s.n)
		return false;
	*addr_r = str_from(str_head(s, close), 1);
	*rest_r = str_from(s, close + 1);
	return true;
}

static bool
port_or_nothing(struct str rest)
{
	return rest.n == 0 || (rest.p[0] == ':' && is_port(str_from(rest, 1)));
}

/* An address as X-Forwarded-For has it, with or without a port. */
static bool
read_plain(struct str s, struct conf_cidr *c_r)
{
	struct str addr, rest;
	size_t colon;

	if (split_brackets(s, &addr, &rest))
		return port_or_nothing(rest) && conf_addr_parse(addr, c_r);
	colon = str_find(s, ':');
	if (colon < s.n && str_find(str_head(s, colon), '.') < colon)
		return is_port(str_from(s, colon + 1)) &&
			conf_addr_parse(str_head(s, colon), c_r);
	return conf_addr_parse(s, c_r);
}

/* ---- RFC 7239 ---------------------------------------------------------------------- */

static bool
is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		(c >= 'a' && c <= 'z') ||
		(c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static size_t
token_length(struct str s)
{
	size_t n = 0;

	while (n < s.n && is_token_char(s.p[n]))
		n++;
	return n;
}

/* The length of a quoted string with its quotes; 0: it is none. */
static size_t
quoted_length(struct str s)
{
	size_t i = 1;

	if (s.n == 0 || s.p[0] != '"')
		return 0;
	for (; i < s.n && s.p[i] != '"'; i++) {
		if (s.p[i] == '\\')
			i++;
	}
	return i < s.n ? i + 1 : 0;
}

/* "_name" of RFC 7239: letters, digits, '.', '_', '-'. */
static bool
is_obfuscated(struct str s)
{
	if (s.n < 2 || s.p[0] != '_')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];

		if (!is_token_char(c) || (c != '.' && c != '_' && c != '-' &&
		    strchr("!#$%&'*+^`|~", c) != NULL))
			return false;
	}
	return true;
}

/* Node and port: an IPv6 address stands in brackets, IPv4 does not. */
static bool
read_node(struct str s, struct conf_cidr *c_r)
{
	struct str addr, rest;
	bool six = split_brackets(s, &addr, &rest);
	size_t colon = str_find(s, ':');

	if (!six) {
		addr = str_head(s, colon);
		rest = str_from(s, colon);
	}
	if (rest.n > 0 && !port_or_nothing(rest) &&
	    !(rest.p[0] == ':' && is_obfuscated(str_from(rest, 1))))
		return false;
	return (str_find(addr, ':') < addr.n) == six &&
		conf_addr_parse(addr, c_r);
}

/* One pair at the head of s: its name and its value without quotes. */
static bool
read_pair(struct str *s, struct str *name_r, struct str *value_r)
{
	size_t n = token_length(*s);

	*name_r = str_head(*s, n);
	if (n == 0 || n == s->n || s->p[n] != '=')
		return false;
	*s = str_from(*s, n + 1);
	n = quoted_length(*s);
	if (n > 0) {
		*value_r = str_from(str_head(*s, n - 1), 1);
	} else {
		n = token_length(*s);
		*value_r = str_head(*s, n);
	}
	*s = str_from(*s, n);
	return n > 0;
}

/* One element: pairs between semicolons, "for" exactly once among them. */
static bool
read_element(struct str s, struct conf_cidr *c_r)
{
	struct str node = STR_NONE, name, value;

	for (;;) {
		s = str_trim(s);
		if (!read_pair(&s, &name, &value))
			return false;
		if (str_is_nocase(name, "for")) {
			if (node.p != NULL)
				return false;
			node = value;
		}
		s = str_trim(s);
		if (s.n == 0)
			return node.p != NULL && read_node(node, c_r);
		if (s.p[0] != ';')
			return false;
		s = str_from(s, 1);
	}
}

/* ---- the walk ------------------------------------------------------------------------- */

struct forwarded
forwarded_walk(enum forwarded_form form, struct str value,
	const struct conf_cidr *peer, const struct conf_cidrs *trusted,
	int64_t now_unix_s)
{
	bool quotes = form == FORWARDED_RFC7239;
	struct forwarded f = { .found = peer != NULL };
	struct conf_cidr c;

	if (peer != NULL)
		f.from = *peer;
	if (value.n == 0)
		return f;
	f.too_many = is_too_long(value, quotes);
	while (value.p != NULL && !f.too_many) {
		struct str piece = cut_last(&value, quotes);

		f.bad = !(quotes ? read_element(piece, &c) :
			read_plain(piece, &c));
		if (f.bad)
			return f;
		f.from = c;
		f.found = true;
		if (!conf_cidr_has(trusted, &c, now_unix_s))
			return f;
	}
	return f;
}
