/* SPDX-License-Identifier: MIT */
/*
 * params -- one request's variables, by the rule for names that come twice
 */
#include "config.h"
#include "http/params.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "http/headers.h"

#define FIRST_ROOM	48	/* variables; web servers send about 30 */

/* What a byte of a name is in environment form; 0: not a name. */
static const char forms[256] = {
#define SAME(c)		[c] = (c)
#define UPPER(c)	[c] = (c) - 'a' + 'A'
#define LINE(x)		[x] = '_', [(x) + 1] = '_', [(x) + 2] = '_', \
	[(x) + 3] = '_', [(x) + 4] = '_', [(x) + 5] = '_', [(x) + 6] = '_'
	['\t'] = '_', [' '] = '_', LINE('!'), LINE('('), ['/'] = '_',
	SAME('0'), SAME('1'), SAME('2'), SAME('3'), SAME('4'), SAME('5'),
	SAME('6'), SAME('7'), SAME('8'), SAME('9'), LINE(':'),
	SAME('A'), SAME('B'), SAME('C'), SAME('D'), SAME('E'), SAME('F'),
	SAME('G'), SAME('H'), SAME('I'), SAME('J'), SAME('K'), SAME('L'),
	SAME('M'), SAME('N'), SAME('O'), SAME('P'), SAME('Q'), SAME('R'),
	SAME('S'), SAME('T'), SAME('U'), SAME('V'), SAME('W'), SAME('X'),
	SAME('Y'), SAME('Z'), ['['] = '_', ['\\'] = '_', [']'] = '_',
	['^'] = '_', ['_'] = '_', ['`'] = '_',
	UPPER('a'), UPPER('b'), UPPER('c'), UPPER('d'), UPPER('e'),
	UPPER('f'), UPPER('g'), UPPER('h'), UPPER('i'), UPPER('j'),
	UPPER('k'), UPPER('l'), UPPER('m'), UPPER('n'), UPPER('o'),
	UPPER('p'), UPPER('q'), UPPER('r'), UPPER('s'), UPPER('t'),
	UPPER('u'), UPPER('v'), UPPER('w'), UPPER('x'), UPPER('y'),
	UPPER('z'), ['{'] = '_', ['|'] = '_', ['}'] = '_', ['~'] = '_',
#undef SAME
#undef UPPER
#undef LINE
};

/* Bytes of a name that is in environment form already: most are. */
static const bool formed[256] = {
#define FOUR(c) [c] = true, [(c) + 1] = true, [(c) + 2] = true, \
	[(c) + 3] = true
	FOUR('0'), FOUR('4'), ['8'] = true, ['9'] = true,
	FOUR('A'), FOUR('E'), FOUR('I'), FOUR('M'), FOUR('Q'), FOUR('U'),
	['Y'] = true, ['Z'] = true, ['_'] = true,
#undef FOUR
};

static bool
is_formed(struct str name)
{
	bool all = true;

	for (size_t i = 0; i < name.n; i++)
		all &= formed[(unsigned char)name.p[i]];
	return all;
}

/* The name in environment form; false: bytes that no name has. */
static bool
form(struct arena *a, struct str name, struct str *name_r)
{
	char *p;

	if (is_formed(name)) {
		*name_r = name;
		return true;
	}
	p = arena_alloc(a, name.n + 1);
	for (size_t i = 0; i < name.n; i++) {
		p[i] = forms[(unsigned char)name.p[i]];
		if (p[i] == '\0')
			return false;
	}
	*name_r = (struct str){ p, name.n };
	return true;
}

enum origin { OF_SERVER, OF_CLIENT, OF_NOBODY };

static enum origin
origin_of(struct str name)
{
	if (str_starts(name, STR("HTTP_")))
		return str_eq(name, STR("HTTP_PROXY")) ? OF_NOBODY : OF_CLIENT;
	if (!str_starts(name, STR("REDIRECT_")))
		return OF_SERVER;
	if (str_eq(name, STR("REDIRECT_HTTP_AUTHORIZATION")))
		return OF_CLIENT;
	return OF_NOBODY;
}

/* Names of one chain follow each other, the newest first.  Who sends many that
 * share one makes it as slow as a list, not slower. */
static size_t
chain_of(struct str name)
{
	unsigned last = (unsigned char)name.p[name.n - 1];
	unsigned middle = (unsigned char)name.p[name.n / 2];

	return (name.n + 3 * last + 7 * middle) % PARAMS_CHAINS;
}

static void
append(struct params *t, struct str name, struct str value)
{
	uint32_t *chain = &t->chains[chain_of(name)];

	if (t->n == t->room) {
		uint32_t room = t->room * 2;
		struct param *v = ARENA_ARRAY(t->arena, struct param, room);

		memcpy(v, t->v, t->n * sizeof(*v));
		t->v = v;
		t->room = room;
	}
	t->v[t->n++] = (struct param){ name, value, *chain };
	*chain = t->n;
}

void
params_init(struct params *t, struct arena *a, uint32_t expected)
{
	*t = (struct params){ .arena = a };
	t->room = expected > 0 ? expected : FIRST_ROOM;
	t->v = ARENA_ARRAY(a, struct param, t->room);
}

void
params_add(struct params *t, struct str name, struct str value)
{
	enum origin origin;

	value = str_trim(value);
	if (value.n == 0 || name.n == 0 || !form(t->arena, name, &name))
		return;
	origin = origin_of(name);
	if (origin == OF_NOBODY)
		return;
	if (!header_value_ok(value))
		t->bad_value = true;
	if (origin == OF_CLIENT) {
		if (value.n > t->longest)
			t->longest = value.n;
		if (++t->n_http > MAX_HTTP_HEADERS)
			t->too_many = true;
	}
	append(t, name, value);
}

struct str
params_last(const struct params *t, struct str name)
{
	uint32_t i = name.n > 0 ? t->chains[chain_of(name)] : 0;

	for (; i > 0; i = t->v[i - 1].next) {
		if (str_eq(t->v[i - 1].name, name))
			return t->v[i - 1].value;
	}
	return STR_NONE;
}

/* A chain begins with the newest: the first one comes last. */
struct str
params_first(const struct params *t, struct str name, uint32_t *count_r)
{
	uint32_t i = name.n > 0 ? t->chains[chain_of(name)] : 0, count = 0;
	struct str first = STR_NONE;

	for (; i > 0; i = t->v[i - 1].next) {
		if (!str_eq(t->v[i - 1].name, name))
			continue;
		first = t->v[i - 1].value;
		count++;
	}
	*count_r = count;
	return first;
}

struct str
params_header_name(struct arena *a, struct str header)
{
	char *p = arena_alloc(a, header.n + sizeof("HTTP_"));

	memcpy(p, "HTTP_", 5);
	for (size_t i = 0; i < header.n; i++) {
		char c = forms[(unsigned char)header.p[i]];

		p[5 + i] = c != '\0' ? c : '_';
	}
	return (struct str){ p, header.n + 5 };
}
