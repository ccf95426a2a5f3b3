/* SPDX-License-Identifier: MIT */
/*
 * rpc_header -- a text as the value of a mirrored header (2026-07-28)
 *
 * As it is when it can stand in a header, else =?base64?...?=.  The empty
 * text is encoded too: some web servers drop empty headers.
 */
#include "config.h"
#include "mcp/rpc.h"

#include "base/arena.h"
#include "base/digest.h"

static const struct str head = { "=?base64?", 9 };
static const struct str tail = { "?=", 2 };

static bool
is_coded(struct str s)
{
	return s.n >= head.n + tail.n && str_starts(s, head) &&
		str_ends(s, tail);
}

/* Visible ASCII, blanks and tabs inside, and no look of the coded form. */
static bool
is_plain(struct str s)
{
	size_t i;

	if (s.n == 0 || is_coded(s) || str_trim(s).n != s.n)
		return false;
	for (i = 0; i < s.n; i++) {
		if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] > 0x7e)
			return false;
	}
	return true;
}

struct str
rpc_header_encode(struct arena *a, struct str value)
{
	struct str coded;

	if (is_plain(value))
		return value;
	coded = digest_base64(a, value.p, value.n);
	return str_fmt(a, "=?base64?%.*s?=", STR_ARG(coded));
}

bool
rpc_header_decode(struct arena *a, struct str header, struct str *value_r)
{
	struct str coded;
	uint8_t *bytes;
	size_t n;

	if (!is_coded(header)) {
		*value_r = header;
		return true;
	}
	coded = str_head(str_from(header, head.n),
		header.n - head.n - tail.n);
	bytes = arena_alloc(a, 3 * (coded.n / 4) + 3);
	if (!digest_unbase64(coded, bytes, &n))
		return false;
	*value_r = (struct str){ (const char *)bytes, n };
	return true;
}
