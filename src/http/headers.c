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

#define ONES	0x0101010101010101u
#define TOPS	0x8080808080808080u

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
	if (name.n == 0 || name.n > MAX_HEADER_NAME)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (!tchars[(unsigned char)name.p[i]])
			return false;
	}
	return true;
}

/* Some byte of the word is below 0x20, or is 0x7F. */
static bool
word_suspect(uint64_t w)
{
	uint64_t del = w ^ (ONES * 0x7f);
	uint64_t low = (w - ONES * 0x20) & ~w;

	return ((low | ((del - ONES) & ~del)) & TOPS) != 0;
}

static bool
bytes_ok(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* Eight bytes at a time: every value of every request passes here. */
bool
header_value_ok(struct str value)
{
	size_t i = 0;
	uint64_t w;

	for (; i + sizeof(w) <= value.n; i += sizeof(w)) {
		memcpy(&w, value.p + i, sizeof(w));
		if (word_suspect(w) && !bytes_ok(value.p + i, sizeof(w)))
			return false;
	}
	return value.n == i || bytes_ok(value.p + i, value.n - i);
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
