/* SPDX-License-Identifier: MIT */
/*
 * headers -- lists of header lines, and what may stand in one
 */
#include "config.h"
#include "http/headers.h"

#include <string.h>

#include "base/arena.h"

#define MAX_HEADER_NAME	64	/* bytes */
#define FIRST_ROOM	16	/* lines; most messages have fewer */

/* RFC 9110 tchar. */
static const bool tchars[256] = {
	['!'] = true, ['#'] = true, ['$'] = true, ['%'] = true, ['&'] = true,
	['\''] = true, ['*'] = true, ['+'] = true, ['-'] = true, ['.'] = true,
	['^'] = true, ['_'] = true, ['`'] = true, ['|'] = true, ['~'] = true,
	['0'] = true, ['1'] = true, ['2'] = true, ['3'] = true, ['4'] = true,
	['5'] = true, ['6'] = true, ['7'] = true, ['8'] = true, ['9'] = true,
	['A'] = true, ['B'] = true, ['C'] = true, ['D'] = true, ['E'] = true,
	['F'] = true, ['G'] = true, ['H'] = true, ['I'] = true, ['J'] = true,
	['K'] = true, ['L'] = true, ['M'] = true, ['N'] = true, ['O'] = true,
	['P'] = true, ['Q'] = true, ['R'] = true, ['S'] = true, ['T'] = true,
	['U'] = true, ['V'] = true, ['W'] = true, ['X'] = true, ['Y'] = true,
	['Z'] = true, ['a'] = true, ['b'] = true, ['c'] = true, ['d'] = true,
	['e'] = true, ['f'] = true, ['g'] = true, ['h'] = true, ['i'] = true,
	['j'] = true, ['k'] = true, ['l'] = true, ['m'] = true, ['n'] = true,
	['o'] = true, ['p'] = true, ['q'] = true, ['r'] = true, ['s'] = true,
	['t'] = true, ['u'] = true, ['v'] = true, ['w'] = true, ['x'] = true,
	['y'] = true, ['z'] = true,
};

bool
header_name_ok(struct str name)
{
	bool ok = true;

	if (name.n == 0 || name.n > MAX_HEADER_NAME)
		return false;
	for (size_t i = 0; i < name.n; i++)
		ok &= tchars[(unsigned char)name.p[i]];
	return ok;
}

/* All is well when nothing is odd but TAB. */
static bool
only_tabs(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Every value of every request passes here; hardly one has a TAB. */
bool
header_value_ok(struct str value)
{
	return !str_has_control(value, 0x20) || only_tabs(value);
}

void
headers_init(struct headers *h, struct arena *a)
{
	*h = (struct headers){ .arena = a };
}

static void
grow(struct headers *h)
{
	uint32_t room = h->room == 0 ? FIRST_ROOM : h->room * 2;
	struct header *v = ARENA_ARRAY(h->arena, struct header, room);

	if (h->n > 0)
		memcpy(v, h->v, h->n * sizeof(*v));
	h->v = v;
	h->room = room;
}

bool
headers_add(struct headers *h, struct str name, struct str value)
{
	if (!header_name_ok(name) || !header_value_ok(value))
		return false;
	if (h->n == h->room)
		grow(h);
	h->v[h->n++] = (struct header){ name, value };
	return true;
}

void
headers_drop(struct headers *h, struct str name)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		if (!str_eq_nocase(h->v[i].name, name))
			h->v[kept++] = h->v[i];
	}
	h->n = kept;
}

bool
headers_set(struct headers *h, struct str name, struct str value)
{
	if (!header_name_ok(name) || !header_value_ok(value))
		return false;
	headers_drop(h, name);
	return headers_add(h, name, value);
}

struct str
headers_get(const struct headers *h, struct str name)
{
	for (uint32_t i = 0; i < h->n; i++) {
		if (str_eq_nocase(h->v[i].name, name))
			return h->v[i].value;
	}
	return STR_NONE;
}

uint32_t
headers_count(const struct headers *h, struct str name)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n; i++) {
		if (str_eq_nocase(h->v[i].name, name))
			n++;
	}
	return n;
}

static const struct {
	int status;
	const char *said;
} reasons[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 202, "Accepted" },
	{ 204, "No Content" },
	{ 301, "Moved Permanently" },
	{ 302, "Found" },
	{ 303, "See Other" },
	{ 304, "Not Modified" },
	{ 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 402, "Payment Required" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 407, "Proxy Authentication Required" },
	{ 408, "Request Timeout" },
	{ 409, "Conflict" },
	{ 410, "Gone" },
	{ 411, "Length Required" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" },
	{ 421, "Misdirected Request" },
	{ 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 502, "Bad Gateway" },
	{ 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

const char *
http_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].status == status)
			return reasons[i].said;
	}
	return "Status";
}
