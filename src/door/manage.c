/* SPDX-License-Identifier: MIT */
/* manage -- the three values a web server may ask for */
#include "config.h"
#include "door/manage.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "door/proto.h"

static const char *const names[] = {
	"FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS",
};

#define NAMES (sizeof(names) / sizeof(names[0]))

/* Takes one length from the front of s. */
static bool
take_length(struct str *s, size_t *length_r)
{
	const uint8_t *p = (const uint8_t *)s->p;
	size_t k = s->n > 0 && p[0] >> 7 != 0 ? 4 : 1;

	if (s->n < k)
		return false;
	*length_r = k == 1 ? p[0] : (size_t)(p[0] & 0x7f) << 24 |
		(size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	*s = str_from(*s, k);
	return true;
}

/* Takes one pair and remembers which of our names it asks for. */
static bool
take_pair(struct str *s, bool asked[NAMES])
{
	size_t name_n, value_n;
	struct str name;

	if (!take_length(s, &name_n) || !take_length(s, &value_n))
		return false;
	if (name_n > s->n || value_n > s->n - name_n)
		return false;
	name = str_head(*s, name_n);
	for (size_t i = 0; i < NAMES; i++)
		asked[i] = asked[i] || str_is(name, names[i]);
	*s = str_from(*s, name_n + value_n);
	return true;
}

static size_t
put_pair(uint8_t *p, const char *name, uint32_t value)
{
	char digits[16];
	size_t name_n = strlen(name);
	size_t value_n = (size_t)snprintf(digits, sizeof(digits), "%u",
		(unsigned)value);

	p[0] = (uint8_t)name_n;
	p[1] = (uint8_t)value_n;
	memcpy(p + 2, name, name_n);
	memcpy(p + 2 + name_n, digits, value_n);
	return 2 + name_n + value_n;
}

bool
manage_values(const uint8_t *p, size_t n, uint32_t connections,
	uint8_t reply_r[MANAGE_REPLY], size_t *n_r)
{
	struct str s = { (const char *)p, n };
	bool asked[NAMES] = { false };
	uint32_t values[NAMES] = { connections, connections, 0 };
	size_t used = PROTO_HEAD;

	while (s.n > 0)
		if (!take_pair(&s, asked))
			return false;
	for (size_t i = 0; i < NAMES; i++)
		if (asked[i])
			used += put_pair(reply_r + used, names[i], values[i]);
	proto_head(reply_r, PROTO_GET_VALUES_RESULT, 0,
		(uint32_t)(used - PROTO_HEAD), 0);
	*n_r = used;
	return true;
}

void
manage_unknown(uint8_t type, uint8_t reply_r[MANAGE_REPLY], size_t *n_r)
{
	memset(reply_r, 0, PROTO_HEAD + PROTO_BEGIN);
	proto_head(reply_r, PROTO_UNKNOWN_TYPE, 0, PROTO_BEGIN, 0);
	reply_r[PROTO_HEAD] = type;
	*n_r = PROTO_HEAD + PROTO_BEGIN;
}
