/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/credential.h"

#include <string.h>

#include "base/arena.h"
#include "kit/tap.h"

#define T CREDENTIAL_TOKEN
#define J CREDENTIAL_JWT
#define K CREDENTIAL_APIKEY
#define MAX 32			/* bytes of a token here */
#define LONG "0123456789abcdef0123456789abcdef"

#define AUTH { "HTTP_AUTHORIZATION", 18 }
#define BEARER { "Bearer", 6 }

enum rules { PLAIN, BARE, QUERY, OWN, OWN_BARE, KEY, BOTH, TWO_SCHEMES,
	TWO_HEADERS, RULES };

static const struct credential_rules rules[RULES] = {
	[PLAIN] = { .max_bytes = MAX, .n = 2, .places = {
		{ AUTH, BEARER, false, T }, { AUTH, BEARER, false, J } } },
	[BARE] = { .max_bytes = MAX, .n = 1, .places = {
		{ AUTH, BEARER, true, T } } },
	[QUERY] = { .max_bytes = MAX, .n = 1, .query = T, .places = {
		{ AUTH, BEARER, false, T } } },
	[OWN] = { .max_bytes = MAX, .n = 1, .places = {
		{ { "HTTP_X_TOKEN", 12 }, BEARER, true, T } } },
	[OWN_BARE] = { .max_bytes = MAX, .n = 1, .places = {
		{ { "HTTP_X_TOKEN", 12 }, { "", 0 }, true, J } } },
	[KEY] = { .max_bytes = MAX, .n = 1, .places = {
		{ { "HTTP_X_API_KEY", 14 }, { "", 0 }, true, K } } },
	[BOTH] = { .max_bytes = MAX, .n = 2, .query = T, .places = {
		{ AUTH, BEARER, false, T },
		{ { "HTTP_X_API_KEY", 14 }, { "", 0 }, true, K } } },
	[TWO_SCHEMES] = { .max_bytes = MAX, .n = 2, .places = {
		{ AUTH, { "Token", 5 }, false, T },
		{ AUTH, BEARER, false, J } } },
	[TWO_HEADERS] = { .max_bytes = MAX, .n = 2, .places = {
		{ AUTH, BEARER, false, J },
		{ { "HTTP_X_TOKEN", 12 }, { "", 0 }, true, T } } },
};

/* Variables as "NAME: value\n", in order. */
static const struct {
	const char *name;
	enum rules rules;
	const char *params, *query;
	enum credential_state state;
	const char *value;		/* when it is good */
	uint32_t serves;
} cases[] = {
	{ "nothing", PLAIN, "", "", CREDENTIAL_NONE, NULL, 0 },
	{ "bearer", PLAIN, "Authorization: Bearer abc", "", CREDENTIAL_GOOD,
		"abc", T | J },
	{ "lower case", PLAIN, "Authorization: bearer abc", "",
		CREDENTIAL_GOOD, "abc", T | J },
	{ "capitals", PLAIN, "Authorization: BEARER abc", "", CREDENTIAL_GOOD,
		"abc", T | J },
	{ "blanks", PLAIN, "Authorization: Bearer    abc", "",
		CREDENTIAL_GOOD, "abc", T | J },
	{ "blanks at the ends", PLAIN, "Authorization:   Bearer abc  ", "",
		CREDENTIAL_GOOD, "abc", T | J },
	{ "every character", PLAIN, "Authorization: Bearer aZ0.-_~+/9==", "",
		CREDENTIAL_GOOD, "aZ0.-_~+/9==", T | J },
	{ "as long as allowed", PLAIN, "Authorization: Bearer " LONG, "",
		CREDENTIAL_GOOD, LONG, T | J },
	{ "a byte longer", PLAIN, "Authorization: Bearer " LONG "x", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "empty header", PLAIN, "Authorization: ", "", CREDENTIAL_NONE, NULL,
		0 },
	{ "Basic", PLAIN, "Authorization: Basic abc", "", CREDENTIAL_NONE,
		NULL, 0 },
	{ "Digest", PLAIN, "Authorization: Digest a=b, c=d", "",
		CREDENTIAL_NONE, NULL, 0 },
	{ "Bearerx", PLAIN, "Authorization: Bearerx abc", "", CREDENTIAL_NONE,
		NULL, 0 },
	{ "bare", PLAIN, "Authorization: abc", "", CREDENTIAL_NONE, NULL, 0 },
	{ "the scheme alone", PLAIN, "Authorization: Bearer", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "the scheme alone, small", PLAIN, "Authorization: bearer ", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "a tab", PLAIN, "Authorization: Bearer\tabc", "", CREDENTIAL_NONE,
		NULL, 0 },
	{ "blank and tab", PLAIN, "Authorization: Bearer \tabc", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "a comma", PLAIN, "Authorization: Bearer a,b", "", CREDENTIAL_BAD,
		NULL, T | J },
	{ "two joined", PLAIN, "Authorization: Bearer a, Bearer b", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "two tokens", PLAIN, "Authorization: Bearer a b", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "quotes", PLAIN, "Authorization: Bearer \"a\"", "", CREDENTIAL_BAD,
		NULL, T | J },
	{ "key=value", PLAIN, "Authorization: Bearer token=abc", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "= in front", PLAIN, "Authorization: Bearer =abc", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "= alone", PLAIN, "Authorization: Bearer ==", "", CREDENTIAL_BAD,
		NULL, T | J },
	{ "not ASCII", PLAIN, "Authorization: Bearer a\xE9", "",
		CREDENTIAL_BAD, NULL, T | J },
	{ "twice", PLAIN, "Authorization: Bearer a\nAuthorization: Bearer b",
		"", CREDENTIAL_BAD, NULL, T | J },
	{ "the same twice", PLAIN, "Authorization: Bearer a\n"
		"Authorization: Bearer a", "", CREDENTIAL_BAD, NULL, T | J },
	{ "twice, one empty", PLAIN, "Authorization: \n"
		"Authorization: Bearer a", "", CREDENTIAL_GOOD, "a", T | J },
	{ "Basic and Bearer", PLAIN, "Authorization: Basic a\n"
		"Authorization: Bearer b", "", CREDENTIAL_BAD, NULL, T | J },

	/* ---- REDIRECT_ ---- */
	{ "redirected", PLAIN, "REDIRECT_HTTP_AUTHORIZATION: Bearer a", "",
		CREDENTIAL_GOOD, "a", T | J },
	{ "both, the same", PLAIN, "Authorization: Bearer a\n"
		"REDIRECT_HTTP_AUTHORIZATION: Bearer a", "", CREDENTIAL_GOOD,
		"a", T | J },
	{ "both, different", PLAIN, "Authorization: Bearer a\n"
		"REDIRECT_HTTP_AUTHORIZATION: Bearer b", "", CREDENTIAL_BAD,
		NULL, T | J },
	{ "redirected twice", PLAIN, "REDIRECT_HTTP_AUTHORIZATION: Bearer a\n"
		"REDIRECT_HTTP_AUTHORIZATION: Bearer a", "", CREDENTIAL_BAD,
		NULL, T | J },
	{ "redirected more than once", PLAIN,
		"REDIRECT_REDIRECT_HTTP_AUTHORIZATION: Bearer a", "",
		CREDENTIAL_NONE, NULL, 0 },
	{ "redirected, for an own header", OWN,
		"REDIRECT_HTTP_AUTHORIZATION: Bearer a", "", CREDENTIAL_NONE,
		NULL, 0 },
	{ "redirected own header", OWN, "REDIRECT_HTTP_X_TOKEN: a", "",
		CREDENTIAL_NONE, NULL, 0 },

	/* ---- bare, own header, key ---- */
	{ "bare where allowed", BARE, "Authorization: abc", "",
		CREDENTIAL_GOOD, "abc", T },
	{ "bare, the scheme alone", BARE, "Authorization: Bearer", "",
		CREDENTIAL_BAD, NULL, T },
	{ "bare, Basic", BARE, "Authorization: Basic abc", "",
		CREDENTIAL_NONE, NULL, 0 },
	{ "own header", OWN, "X-Token: abc", "", CREDENTIAL_GOOD, "abc", T },
	{ "own header, underscores", OWN, "X_Token: abc", "",
		CREDENTIAL_GOOD, "abc", T },
	{ "own header, scheme", OWN, "X-Token: Bearer abc", "",
		CREDENTIAL_GOOD, "abc", T },
	{ "own header, another scheme", OWN, "X-Token: Basic abc", "",
		CREDENTIAL_BAD, NULL, T },
	{ "own header, a colon", OWN, "X-Token: a:b", "", CREDENTIAL_GOOD,
		"a:b", T },
	{ "own header, a comma", OWN, "X-Token: a,b", "", CREDENTIAL_BAD,
		NULL, T },
	{ "own header, two spellings", OWN, "X-Token: a\nX_Token: b", "",
		CREDENTIAL_BAD, NULL, T },
	{ "own header, Authorization", OWN, "Authorization: Bearer a", "",
		CREDENTIAL_NONE, NULL, 0 },
	{ "own header without scheme", OWN_BARE, "X-Token: a.b.c", "",
		CREDENTIAL_GOOD, "a.b.c", J },
	{ "own header without scheme, one", OWN_BARE, "X-Token: Bearer a",
		"", CREDENTIAL_BAD, NULL, J },
	{ "key", KEY, "X-API-Key: k!$", "", CREDENTIAL_GOOD, "k!$", K },
	{ "key twice", KEY, "X-API-Key: k\nX-API-Key: k", "", CREDENTIAL_BAD,
		NULL, K },
	{ "key joined", KEY, "X-API-Key: k, k", "", CREDENTIAL_BAD, NULL,
		K },
	{ "key with a scheme", KEY, "X-API-Key: Bearer k", "",
		CREDENTIAL_BAD, NULL, K },

	/* ---- query ---- */
	{ "query, not told to", PLAIN, "", "access_token=a",
		CREDENTIAL_NONE, NULL, 0 },
	{ "query", QUERY, "", "x=1&access_token=a", CREDENTIAL_GOOD, "a", T },
	{ "query, escaped", QUERY, "", "access%5Ftoken=a%2Bb%3d",
		CREDENTIAL_GOOD, "a+b=", T },
	{ "query, a plus", QUERY, "", "access_token=a+b", CREDENTIAL_BAD,
		NULL, T },
	{ "query, a broken escape", QUERY, "", "access_token=a%2",
		CREDENTIAL_BAD, NULL, T },
	{ "query, empty", QUERY, "", "access_token=", CREDENTIAL_NONE, NULL,
		0 },
	{ "query, no value", QUERY, "", "access_token", CREDENTIAL_NONE,
		NULL, 0 },
	{ "query, another name", QUERY, "", "token=a&Access_Token=b",
		CREDENTIAL_NONE, NULL, 0 },
	{ "query twice", QUERY, "", "access_token=a&access_token=a",
		CREDENTIAL_TWICE, NULL, T },
	{ "query twice, one escaped", QUERY, "", "access_token=a&"
		"%61ccess_token=b", CREDENTIAL_TWICE, NULL, T },
	{ "query too long", QUERY, "", "access_token=" LONG "x",
		CREDENTIAL_BAD, NULL, T },
	{ "query and header", QUERY, "Authorization: Bearer a",
		"access_token=a", CREDENTIAL_TWICE, NULL, T },
	{ "query and Basic", QUERY, "Authorization: Basic a",
		"access_token=a", CREDENTIAL_GOOD, "a", T },

	/* ---- two places ---- */
	{ "the bearer of two", BOTH, "Authorization: Bearer a", "",
		CREDENTIAL_GOOD, "a", T },
	{ "the key of two", BOTH, "X-API-Key: k", "", CREDENTIAL_GOOD, "k",
		K },
	{ "bearer and key", BOTH, "Authorization: Bearer a\nX-API-Key: a",
		"", CREDENTIAL_TWICE, NULL, T },
	{ "bad bearer and key", BOTH, "Authorization: Bearer\nX-API-Key: a",
		"", CREDENTIAL_TWICE, NULL, T },
	{ "Basic and key", BOTH, "Authorization: Basic x\nX-API-Key: a", "",
		CREDENTIAL_GOOD, "a", K },
	{ "key and query", BOTH, "X-API-Key: a", "access_token=a",
		CREDENTIAL_TWICE, NULL, K },
	{ "the first scheme", TWO_SCHEMES, "Authorization: Token a", "",
		CREDENTIAL_GOOD, "a", T },
	{ "the second scheme", TWO_SCHEMES, "Authorization: Bearer a", "",
		CREDENTIAL_GOOD, "a", J },
	{ "two headers, the first", TWO_HEADERS, "Authorization: Bearer a",
		"", CREDENTIAL_GOOD, "a", J },
	{ "two headers, both", TWO_HEADERS, "Authorization: Bearer a\n"
		"X-Token: b", "", CREDENTIAL_TWICE, NULL, J },
};

static void
fill(struct params *p, struct arena *a, struct str lines)
{
	params_init(p, a, 8);
	while (lines.p != NULL && lines.n > 0) {
		struct str value = str_cut(&lines, '\n');
		struct str name = str_cut(&value, ':');

		if (!str_starts(name, STR("REDIRECT_")))
			name = params_header_name(a, name);
		params_add(p, name, value);
	}
}

static void
run_row(size_t i)
{
	struct arena *a = arena_new(1 << 20);
	struct credential c;
	struct params p;
	bool good;

	fill(&p, a, str_of(cases[i].params));
	c = credential_read(&rules[cases[i].rules], &p,
		str_of(cases[i].query), a);
	good = c.state == cases[i].state;
	if (good && c.state != CREDENTIAL_NONE)
		good = c.serves == cases[i].serves;
	if (good && c.state == CREDENTIAL_GOOD)
		good = str_is(c.value, cases[i].value);
	if (!tap_ok(good, "%s", cases[i].name))
		printf("# state %d, '%.*s', serves %u\n", c.state,
			STR_ARG(c.value), c.serves);
	arena_free(a);
}

/* RFC 6750, section 2.1, byte by byte. */
static bool
may_stand(unsigned char c)
{
	return c != '\0' && strchr("abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/", c) != NULL;
}

static bool
is_good(struct arena *a, struct str header)
{
	struct credential c;
	struct params p;

	params_init(&p, a, 8);
	params_add(&p, STR("HTTP_AUTHORIZATION"), header);
	c = credential_read(&rules[PLAIN], &p, STR(""), a);
	return c.state == CREDENTIAL_GOOD;
}

/* Every byte at every place but the last, where blanks and '=' have a
 * meaning of their own; tokens of every length are looked at as a whole. */
static void
run_bytes(void)
{
	unsigned wrong = 0;

	for (size_t n = 2; n <= MAX; n++)
		for (size_t at = 0; at + 1 < n; at++)
			for (unsigned c = at == 0 ? '!' : 1; c < 256; c++) {
				struct arena *a = arena_new(1 << 16);
				char text[] = "Bearer " LONG;

				text[7 + at] = (char)c;
				if (is_good(a, (struct str){ text, 7 + n }) !=
				    may_stand((unsigned char)c))
					wrong++;
				arena_free(a);
			}
	tap_ok(wrong == 0, "every byte in tokens of every length");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(i);
	run_bytes();
	return tap_done();
}
