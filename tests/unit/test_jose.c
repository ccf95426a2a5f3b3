/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/jose.h"

#include "kit/token.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define GOOD "{\"sub\":\"alice\"}"
#define HEAD "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

/* Other spellings of a good token. */
enum respell { AS_IS, PADDED, PAD_SIG, SPACE, NEWLINE, NUL_BYTE, PLUS, SLASH,
	SPARE_BITS, NO_SIG, NO_DOT, FOUR, FIVE, EMPTY_HEAD, EMPTY_BODY,
	JUNK_IN_SIG, JUNK_FIRST, DOT_FIRST, BOM };

static const struct {
	const char *name, *header, *claims;
	enum respell how;
	const char *require_typ, *want;
} cases[] = {
	{ "as it should be", HEAD, GOOD, AS_IS, "", NULL },
	{ "no typ", "{\"alg\":\"HS256\"}", GOOD, AS_IS, "", NULL },

	/* ---- the bytes ---- */
	{ "padding behind the header", HEAD, GOOD, PADDED, "", "malformed" },
	{ "padding at the end", HEAD, GOOD, PAD_SIG, "", "malformed" },
	{ "a blank", HEAD, GOOD, SPACE, "", "malformed" },
	{ "a line end", HEAD, GOOD, NEWLINE, "", "malformed" },
	{ "a NUL", HEAD, GOOD, NUL_BYTE, "", "malformed" },
	{ "plus of the other alphabet", HEAD, GOOD, PLUS, "", "malformed" },
	{ "slash of the other alphabet", HEAD, GOOD, SLASH, "", "malformed" },
	{ "spare bits set", HEAD, GOOD, SPARE_BITS, "", "malformed" },
	{ "empty signature", HEAD, GOOD, NO_SIG, "", "malformed" },
	{ "two segments", HEAD, GOOD, NO_DOT, "", "malformed" },
	{ "four segments", HEAD, GOOD, FOUR, "", "malformed" },
	{ "five segments", HEAD, GOOD, FIVE, "", "malformed" },
	{ "empty header", HEAD, GOOD, EMPTY_HEAD, "", "malformed" },
	{ "empty payload", HEAD, GOOD, EMPTY_BODY, "", "malformed" },
	{ "junk in the signature", HEAD, GOOD, JUNK_IN_SIG, "", "malformed" },
	{ "junk in front", HEAD, GOOD, JUNK_FIRST, "", "malformed" },
	{ "a dot in front", HEAD, GOOD, DOT_FIRST, "", "malformed" },
	{ "a byte order mark", HEAD, GOOD, BOM, "", "malformed" },

	/* ---- alg ---- */
	{ "alg none", "{\"alg\":\"none\"}", GOOD, AS_IS, "", "alg" },
	{ "alg None", "{\"alg\":\"None\"}", GOOD, AS_IS, "", "alg" },
	{ "alg hs256", "{\"alg\":\"hs256\"}", GOOD, AS_IS, "", "alg" },
	{ "alg Hs256", "{\"alg\":\"Hs256\"}", GOOD, AS_IS, "", "alg" },
	{ "alg with a blank", "{\"alg\":\"HS256 \"}", GOOD, AS_IS, "", "alg" },
	{ "alg not listed", "{\"alg\":\"HS384\"}", GOOD, AS_IS, "", "alg" },
	{ "alg unknown", "{\"alg\":\"ES256K\"}", GOOD, AS_IS, "", "alg" },
	{ "alg empty", "{\"alg\":\"\"}", GOOD, AS_IS, "", "alg" },
	{ "no alg", "{\"typ\":\"JWT\"}", GOOD, AS_IS, "", "malformed" },
	{ "alg null", "{\"alg\":null}", GOOD, AS_IS, "", "malformed" },
	{ "alg a number", "{\"alg\":256}", GOOD, AS_IS, "", "malformed" },
	{ "alg an array", "{\"alg\":[\"HS256\"]}", GOOD, AS_IS, "",
		"malformed" },
	{ "two algs", "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", GOOD, AS_IS,
		"", "malformed" },
	{ "two algs, one escaped", "{\"alg\":\"HS256\",\"\\u0061lg\":"
		"\"none\"}", GOOD, AS_IS, "", "malformed" },

	/* ---- extensions ---- */
	{ "crit", "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", GOOD, AS_IS, "",
		"crit" },
	{ "crit empty", "{\"alg\":\"HS256\",\"crit\":[]}", GOOD, AS_IS, "",
		"crit" },
	{ "crit null", "{\"alg\":\"HS256\",\"crit\":null}", GOOD, AS_IS, "",
		"crit" },
	{ "b64 false", "{\"alg\":\"HS256\",\"b64\":false}", GOOD, AS_IS, "",
		"crit" },
	{ "b64 true", "{\"alg\":\"HS256\",\"b64\":true}", GOOD, AS_IS, "",
		"crit" },
	{ "cty JWT", "{\"alg\":\"HS256\",\"cty\":\"JWT\"}", GOOD, AS_IS, "",
		"malformed" },
	{ "cty jwt", "{\"alg\":\"HS256\",\"cty\":\"jwt\"}", GOOD, AS_IS, "",
		"malformed" },
	{ "cty of something else", "{\"alg\":\"HS256\",\"cty\":\"json\"}",
		GOOD, AS_IS, "", NULL },
	{ "jku, jwk, x5u, x5c, zip", "{\"alg\":\"HS256\",\"jku\":\"https://"
		"evil.test\",\"jwk\":{},\"x5u\":\"u\",\"x5c\":[],\"zip\":"
		"\"DEF\"}", GOOD, AS_IS, "", NULL },

	/* ---- kid ---- */
	{ "kid", "{\"alg\":\"HS256\",\"kid\":\"a\"}", GOOD, AS_IS, "", NULL },
	{ "kid empty", "{\"alg\":\"HS256\",\"kid\":\"\"}", GOOD, AS_IS, "",
		"malformed" },
	{ "kid null", "{\"alg\":\"HS256\",\"kid\":null}", GOOD, AS_IS, "",
		"malformed" },
	{ "kid a number", "{\"alg\":\"HS256\",\"kid\":1}", GOOD, AS_IS, "",
		"malformed" },
	{ "kid with a control", "{\"alg\":\"HS256\",\"kid\":\"a\\n\"}", GOOD,
		AS_IS, "", "malformed" },
	{ "kid not ASCII", "{\"alg\":\"HS256\",\"kid\":\"\xC3\xA4\"}", GOOD,
		AS_IS, "", "malformed" },
	{ "kid of a path", "{\"alg\":\"HS256\",\"kid\":\"../../dev/null\"}",
		GOOD, AS_IS, "", NULL },

	/* ---- typ ---- */
	{ "typ jwt", "{\"alg\":\"HS256\",\"typ\":\"jwt\"}", GOOD, AS_IS, "",
		NULL },
	{ "typ at+jwt", "{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", GOOD, AS_IS,
		"", NULL },
	{ "typ in full", "{\"alg\":\"HS256\",\"typ\":\"application/at+jwt\"}",
		GOOD, AS_IS, "", NULL },
	{ "typ application/jwt", "{\"alg\":\"HS256\",\"typ\":"
		"\"application/jwt\"}", GOOD, AS_IS, "", NULL },
	{ "typ of a proof", "{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}", GOOD,
		AS_IS, "", "typ" },
	{ "typ of a logout", "{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}",
		GOOD, AS_IS, "", "typ" },
	{ "typ empty", "{\"alg\":\"HS256\",\"typ\":\"\"}", GOOD, AS_IS, "",
		"typ" },
	{ "typ a number", "{\"alg\":\"HS256\",\"typ\":1}", GOOD, AS_IS, "",
		"typ" },
	{ "typ null", "{\"alg\":\"HS256\",\"typ\":null}", GOOD, AS_IS, "",
		"typ" },
	{ "typ required, there", "{\"alg\":\"HS256\",\"typ\":\"AT+JWT\"}",
		GOOD, AS_IS, "at+jwt", NULL },
	{ "typ required, in full", "{\"alg\":\"HS256\",\"typ\":"
		"\"application/at+jwt\"}", GOOD, AS_IS, "at+jwt", NULL },
	{ "typ required, another", HEAD, GOOD, AS_IS, "at+jwt", "typ" },
	{ "typ required, none", "{\"alg\":\"HS256\"}", GOOD, AS_IS, "at+jwt",
		"typ" },

	/* ---- JSON ---- */
	{ "header an array", "[\"alg\"]", GOOD, AS_IS, "", "malformed" },
	{ "header text", "\"alg\"", GOOD, AS_IS, "", "malformed" },
	{ "header with a comment", "{\"alg\":\"HS256\"/**/}", GOOD, AS_IS, "",
		"malformed" },
	{ "bytes behind the header", HEAD "x", GOOD, AS_IS, "", "malformed" },
	{ "payload an array", HEAD, "[1]", AS_IS, "", "malformed" },
	{ "payload a number", HEAD, "17", AS_IS, "", "malformed" },
	{ "payload null", HEAD, "null", AS_IS, "", "malformed" },
	{ "payload no JSON", HEAD, "hello", AS_IS, "", "malformed" },
	{ "bytes behind the payload", HEAD, GOOD "{}", AS_IS, "",
		"malformed" },
	{ "single quotes", HEAD, "{'sub':'alice'}", AS_IS, "", "malformed" },
	{ "NaN", HEAD, "{\"sub\":\"a\",\"exp\":NaN}", AS_IS, "",
		"malformed" },
	{ "two subs", HEAD, "{\"sub\":\"alice\",\"sub\":\"admin\"}", AS_IS,
		"", "malformed" },
	{ "two subs deep inside", HEAD, "{\"sub\":\"alice\",\"x\":{\"a\":1,"
		"\"a\":2}}", AS_IS, "", "malformed" },
	{ "a NUL in a name", HEAD, "{\"sub\":\"alice\",\"sub\\u0000x\":"
		"\"admin\"}", AS_IS, "", "malformed" },
	{ "a NUL in a value", HEAD, "{\"sub\":\"alice\\u0000\"}", AS_IS, "",
		"malformed" },
	{ "a lone surrogate", HEAD, "{\"sub\":\"\\uD800\"}", AS_IS, "",
		"malformed" },
	{ "overlong UTF-8", HEAD, "{\"sub\":\"\xC0\xAF\"}", AS_IS, "",
		"malformed" },
	{ "15 levels in the payload", HEAD, "{\"sub\":\"a\",\"x\":"
		"[[[[[[[[[[[[[[1]]]]]]]]]]]]]]}", AS_IS, "", NULL },
	{ "too deep a payload", HEAD, "{\"sub\":\"a\",\"x\":"
		"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", AS_IS, "",
		"malformed" },
	{ "too deep a header", "{\"alg\":\"HS256\",\"x\":[[[[[[[[[1]]]]]]]]]}",
		GOOD, AS_IS, "", "malformed" },
	{ "a number of 20 digits", HEAD, "{\"sub\":\"a\",\"n\":"
		"18446744073709551616}", AS_IS, "", NULL },
	{ "a number beyond doubles", HEAD, "{\"sub\":\"a\",\"n\":1e400}",
		AS_IS, "", NULL },
};

static struct str
insert(struct arena *a, struct str token, size_t at, const char *what,
	size_t n)
{
	char *p = arena_alloc(a, token.n + n + 1);

	memcpy(p, token.p, at);
	memcpy(p + at, what, n);
	memcpy(p + at + n, token.p + at, token.n - at);
	return (struct str){ p, token.n + n };
}

static struct str
replace_last(struct arena *a, struct str token, char c)
{
	char *p = arena_alloc(a, token.n + 1);

	memcpy(p, token.p, token.n);
	p[token.n - 1] = c;
	return (struct str){ p, token.n };
}

/* 32 bytes end in a character whose last two bits are spare. */
static struct str
set_spare_bits(struct arena *a, struct str token)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl"
		"mnopqrstuvwxyz0123456789-_";
	const char *d = strchr(digits, token.p[token.n - 1]);

	return replace_last(a, token, d[1]);
}

static struct str
respell(struct arena *a, struct str t, enum respell how)
{
	size_t dot = str_find(t, '.');
	size_t dot2 = dot + 1 + str_find(str_from(t, dot + 1), '.');

	switch (how) {
	case AS_IS:
		return t;
	case PADDED:
		return insert(a, t, dot, "=", 1);
	case PAD_SIG:
		return insert(a, t, t.n, "=", 1);
	case SPACE:
		return insert(a, t, dot2 + 3, " ", 1);
	case NEWLINE:
		return insert(a, t, t.n, "\n", 1);
	case NUL_BYTE:
		return insert(a, t, t.n, "\0", 1);
	case PLUS:
		return replace_last(a, t, '+');
	case SLASH:
		return replace_last(a, t, '/');
	case SPARE_BITS:
		return set_spare_bits(a, t);
	case NO_SIG:
		return str_head(t, dot2 + 1);
	case NO_DOT:
		return str_head(t, dot2);
	case FOUR:
		return insert(a, t, t.n, ".AA", 3);
	case FIVE:
		return insert(a, t, t.n, ".AA.AA", 6);
	case EMPTY_HEAD:
		return str_from(t, dot);
	case EMPTY_BODY:
		return str_fmt(a, "%.*s.%.*s", STR_ARG(str_head(t, dot)),
			STR_ARG(str_from(t, dot2)));
	case JUNK_IN_SIG:
		return insert(a, t, dot2 + 5, "!", 1);
	case JUNK_FIRST:
		return insert(a, t, 0, "*", 1);
	case DOT_FIRST:
		return insert(a, t, 0, ".", 1);
	case BOM:
		return insert(a, t, 0, "\xEF\xBB\xBF", 3);
	}
	return STR_NONE;
}

static const struct conf_jwt open_policy = { .leeway_s = 60 };

static struct jwk_table
table_of_secret(struct arena *a)
{
	struct jwk_table t;

	if (jwk_table_secret(a, secret_of(STR(SECRET)), JOSE_HS, &t) != NULL)
		sign_give_up("secret", __LINE__);
	return t;
}

static void
run_row(size_t i)
{
	struct arena *a = arena_new(1 << 24);
	struct signer s = signer_secret(STR(SECRET));
	struct jwk_table keys = table_of_secret(a);
	const struct token_policy p = { .keys = &keys, .jwt = &open_policy,
		.algs = JOSE_BIT(JOSE_HS256),
		.require_typ = cases[i].require_typ };
	struct str t = sign_token(a, &s, JOSE_HS256, cases[i].header,
		cases[i].claims);
	struct claims c;

	token_row(token_judge(a, &p, respell(a, t, cases[i].how), &c),
		cases[i].want, cases[i].name);
	arena_free(a);
}

/* A member `name` of n bytes in the header or the payload. */
static void
run_size(const char *where, size_t n, size_t max_token, const char *want)
{
	struct arena *a = arena_new(1 << 24);
	struct signer s = signer_secret(STR(SECRET));
	struct jwk_table keys = table_of_secret(a);
	struct token_policy p = { .keys = &keys, .jwt = &open_policy,
		.algs = JOSE_BIT(JOSE_HS256), .require_typ = "",
		.max_token = max_token };
	bool in_header = strcmp(where, "payload") != 0;
	char *fill = arena_alloc(a, n + 1);
	struct str header = STR(HEAD), claims = STR(GOOD);
	struct claims c;

	memset(fill, 'x', n);
	if (strcmp(where, "kid") == 0)
		header = str_fmt(a, "{\"alg\":\"HS256\",\"kid\":\"%s\"}",
			fill);
	else if (in_header)
		header = str_fmt(a, "{\"alg\":\"HS256\",\"x\":\"%s\"}",
			fill + 22);
	else
		claims = str_fmt(a, "{\"sub\":\"a\",\"x\":\"%s\"}",
			fill + 18);
	token_row(token_judge(a, &p, sign_token(a, &s, JOSE_HS256, header.p,
		claims.p), &c), want, str_fmt(a, "%s of %zu bytes", where,
		n).p);
	arena_free(a);
}

static void
run_length(int more, const char *want)
{
	struct arena *a = arena_new(1 << 24);
	struct signer s = signer_secret(STR(SECRET));
	struct jwk_table keys = table_of_secret(a);
	struct str t = sign_token(a, &s, JOSE_HS256, HEAD, GOOD);
	const struct token_policy p = { .keys = &keys, .jwt = &open_policy,
		.algs = JOSE_BIT(JOSE_HS256), .require_typ = "",
		.max_token = t.n - more };
	struct claims c;

	token_row(token_judge(a, &p, t, &c), want, more == 0 ?
		"a token as long as allowed" : "a token one byte longer");
	arena_free(a);
}

static void
check_names(void)
{
	enum jose_alg alg;

	for (int i = 0; i < JOSE_ALGS; i++)
		tap_ok(jose_alg_of(str_of(jose_alg_name((enum jose_alg)i)),
			&alg) && (int)alg == i, "%s is found by its name",
			jose_alg_name((enum jose_alg)i));
	OK(jose_text_clean(STR("j\xC3\xB6rg"), 5));
	OK(!jose_text_clean(STR("j\xC3\xB6rg"), 4));
	OK(!jose_text_clean(STR(""), 4));
	OK(!jose_text_clean(STR("a\x7F"), 4));
	OK(!jose_text_clean(STR("a\xC2\x80"), 4));
	OK(!jose_text_clean(STR("a\xC2\x9F"), 4));
	OK(jose_text_clean(STR("a\xC2\xA0"), 4));
	OK(!jose_text_clean(STR("a\xF6"), 4));
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(i);
	run_size("kid", MAX_KID, 0, NULL);
	run_size("kid", MAX_KID + 1, 0, "malformed");
	run_size("header", MAX_JOSE_HEADER, 0, NULL);
	run_size("header", MAX_JOSE_HEADER + 1, 0, "malformed");
	run_size("payload", MAX_CLAIMS, 0, NULL);
	run_size("payload", MAX_CLAIMS + 1, 0, "malformed");
	run_length(0, NULL);
	run_length(1, "malformed");
	check_names();
	return tap_done();
}
