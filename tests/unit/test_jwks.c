/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/jwks.h"

#include "auth/discovery.h"
#include "auth/wanted.h"
#include "base/limits.h"
#include "kit/sign.h"
#include "kit/tap.h"
#include "shm/keysets.h"

/* ---- what is kept -------------------------------------------------------- */

static struct str
padded_set(struct arena *a, const struct signer *s, size_t pad, size_t keys)
{
	struct str jwk = sign_jwk(a, s, "\"kid\":\"k\",\"x5c\":[\"");
	char *fill = arena_alloc(a, pad + 1);
	struct str text = STR("{\"keys\":[");

	memset(fill, 'A', pad);
	jwk = str_fmt(a, "%.*s%s\"]}", (int)jwk.n - 1, jwk.p, fill);
	for (size_t i = 0; i < keys; i++)
		text = str_fmt(a, "%.*s%s%.*s", STR_ARG(text), i > 0 ? "," :
			"", STR_ARG(jwk));
	return str_fmt(a, "%.*s]}", STR_ARG(text));
}

/* What nobody may use takes no place from what somebody may. */
static void
test_crowd(struct arena *a)
{
	struct signer s = signer_rsa(a, 2048);
	struct str jwk = sign_jwk(a, &s, "\"kid\":\"g\",\"d\":\"hush\"");
	struct str text = STR("{\"keys\":[7"), kept;
	struct jwk_table t;
	uint32_t n;

	for (int i = 0; i < 300; i++)
		text = str_fmt(a, "%.*s,{\"kty\":\"RSA\",\"use\":\"enc\","
			"\"n\":\"%0400d\"}", STR_ARG(text), i);
	for (int i = 0; i < 200; i++)
		text = str_fmt(a, "%.*s,%.*s", STR_ARG(text), STR_ARG(jwk));
	text = str_fmt(a, "%.*s]}", STR_ARG(text));
	OK(text.n > MAX_KEYSET && text.n <= MAX_KEY_SET);
	OK(jwks_trim(a, text, &kept, &n) == NULL && n == MAX_KEYS);
	OK(jwk_table_parse(a, kept, JOSE_RS, &t) == NULL && t.n == MAX_KEYS);
	tap_ok(str_search(kept, STR("hush")) == kept.n,
		"no private member is kept");
}

static void
test_trim(struct arena *a)
{
	struct signer s = signer_rsa(a, 2048);
	struct str small = padded_set(a, &s, 100, 3), text;
	struct jwk_table t;
	uint32_t n;

	OK(jwks_trim(a, small, &text, &n) == NULL && n == 3);
	tap_ok(str_search(text, STR("x5c")) == text.n,
		"a small one loses its certificates, too");
	OK(jwks_trim(a, padded_set(a, &s, 30000, 4), &text, &n) == NULL);
	IS_INT(n, 4);
	tap_ok(text.n < 4000, "a large one loses its certificates");
	OK(jwk_table_parse(a, text, JOSE_RS, &t) == NULL && t.n == 4);
	IS_STR(t.v[3].kid, "k");
	OK(jwks_trim(a, STR("{\"keys\":[7,{}]}"), &text, &n) == NULL &&
		n == 0);
	OK(jwks_trim(a, STR("{\"keys\":[]}"), &text, &n) == NULL);
	OK(jwks_trim(a, STR("{}"), &text, &n) != NULL);
	OK(jwks_trim(a, STR("[]"), &text, &n) != NULL);
	OK(jwks_trim(a, STR("{\"keys\":{}}"), &text, &n) != NULL);
	OK(jwks_trim(a, STR(""), &text, &n) != NULL);
}

/* ---- when it is fetched again -------------------------------------------- */

static const struct {
	const char *rules;
	int64_t seconds;
} ages[] = {
	{ "", 900 }, { "public", 900 }, { "max-age=299", 300 },
	{ "max-age=301", 301 }, { "max-age=86400", 86400 },
	{ "max-age=86401", 86400 }, { "max-age=99999999999999999", 86400 },
	{ "max-age=0", 300 }, { "public, MAX-AGE=600", 600 },
	{ "max-age=x", 900 }, { "max-age=", 900 }, { "max-age", 900 },
	{ "no-store", 300 }, { "no-cache, max-age=600", 300 },
	{ "s-maxage=600", 900 }, { "max-age=-1", 900 },
	{ "max-age=999999999999999999999999", 900 }, { ",,,", 900 },
};

/* ---- lists --------------------------------------------------------------- */

static struct str
kid_of(struct arena *a, unsigned i)
{
	return str_fmt(a, "%08x-0000-0000-0000-000000000000", i);
}

static void
test_list(struct arena *a)
{
	struct signer s = signer_ec(a, "P-256");
	struct str list = STR(""), kids[JWKS_PEM_KEYS], pem = sign_pem(a, &s);
	struct jwk_table t;

	for (unsigned i = 0; i < JWKS_PEM_KEYS + 3; i++)
		OK(jwks_pem_add(a, list, kid_of(a, i), pem, &list) == NULL);
	IS_INT(jwks_pem_kids(list, kids), JWKS_PEM_KEYS);
	tap_ok(str_eq(kids[0], kid_of(a, JWKS_PEM_KEYS + 2)),
		"the newest first");
	tap_ok(str_eq(kids[JWKS_PEM_KEYS - 1], kid_of(a, 3)),
		"the oldest have gone");
	OK(jwks_pem_add(a, list, kid_of(a, 7), pem, &list) == NULL);
	IS_INT(jwks_pem_kids(list, kids), JWKS_PEM_KEYS);
	tap_ok(str_eq(kids[0], kid_of(a, 7)) && !str_eq(kids[1],
		kid_of(a, 7)), "one that is there moves to the front");
	tap_ok(str_eq(kids[JWKS_PEM_KEYS - 1], kid_of(a, 3)),
		"and pushes nobody out");
	OK(jwks_pem_table(a, list, JOSE_BIT(JOSE_ES256), &t) == NULL);
	OK(t.n == JWKS_PEM_KEYS && t.has_kids);
	OK(str_eq(t.v[0].kid, kid_of(a, 7)));
	OK(jwks_pem_add(a, STR(""), kid_of(a, 1), STR("no PEM"), &list) !=
		NULL);
	OK(jwks_pem_add(a, STR(""), STR("short"), pem, &list) != NULL);
	OK(jwks_pem_add(a, STR(""), kid_of(a, 1), sign_private_pem(a, &s),
		&list) != NULL);
	IS_INT(jwks_pem_kids(STR("rubbish"), kids), 0);
	IS_INT(jwks_pem_kids(str_fmt(a, "%.*s 99999\nx\n",
		STR_ARG(kid_of(a, 1))), kids), 0);
}

/* ---- discovery ----------------------------------------------------------- */

#define OAUTH "/.well-known/oauth-authorization-server"
#define OPENID "/.well-known/openid-configuration"

static const struct {
	const char *issuer;
	uint32_t n;
	const char *urls[DISCOVERY_TRIES];
} issuers[] = {
	{ "https://i.test", 2, { "https://i.test" OAUTH,
		"https://i.test" OPENID } },
	{ "https://i.test/", 2, { "https://i.test" OAUTH,
		"https://i.test" OPENID } },
	{ "https://i.test:8443/a/b", 3, { "https://i.test:8443" OAUTH "/a/b",
		"https://i.test:8443" OPENID "/a/b",
		"https://i.test:8443/a/b" OPENID } },
	{ "https://i.test/a/", 3, { "https://i.test" OAUTH "/a",
		"https://i.test" OPENID "/a", "https://i.test/a" OPENID } },
	{ "https://i.test/?x", 0, { NULL } },
	{ "https://i.test/#x", 0, { NULL } },
	{ "i.test", 0, { NULL } },
	{ "", 0, { NULL } },
};

static void
test_issuer(struct arena *a, size_t i)
{
	struct str urls[DISCOVERY_TRIES];
	uint32_t n = discovery_urls(a, str_of(issuers[i].issuer), urls);

	tap_ok(n == issuers[i].n, "'%s' has %u URLs", issuers[i].issuer,
		issuers[i].n);
	for (uint32_t j = 0; j < n; j++)
		IS_STR(urls[j], issuers[i].urls[j]);
}

static const struct {
	const char *document;
	const char *uri;		/* NULL: refused */
} documents[] = {
	{ "{\"issuer\":\"https://i.test\",\"jwks_uri\":\"u\"}", "u" },
	{ "{\"issuer\":\"https://i.test\"}", "" },
	{ "{\"issuer\":\"https://i.test/\",\"jwks_uri\":\"u\"}", NULL },
	{ "{\"issuer\":\"HTTPS://i.test\",\"jwks_uri\":\"u\"}", NULL },
	{ "{\"issuer\":\"https://i.test\",\"jwks_uri\":7}", NULL },
	{ "{\"issuer\":\"https://i.test\",\"jwks_uri\":null}", NULL },
	{ "{\"issuer\":[\"https://i.test\"],\"jwks_uri\":\"u\"}", NULL },
	{ "{\"issuer\":\"https://i.test\",\"issuer\":\"https://i.test\"}",
		NULL },
	{ "{\"jwks_uri\":\"u\"}", NULL },
	{ "[\"https://i.test\"]", NULL },
	{ "", NULL },
	{ "{\"issuer\":\"https://i.test\"} x", NULL },
};

static void
test_document(struct arena *a, size_t i)
{
	struct discovery_found f;
	const char *why = discovery_read(a, str_of(documents[i].document),
		STR("https://i.test"), &f);

	tap_ok((why == NULL) == (documents[i].uri != NULL), "%s",
		documents[i].document);
	if (why == NULL && documents[i].uri != NULL)
		IS_STR(f.jwks_uri, documents[i].uri);
}

/* The latest are asked for, each once. */
static void
test_wanted(struct arena *a)
{
	static struct wanted w;
	struct str all = STR("");

	wanted_add(&w, STR("not-a-kid"));
	OK(w.n == 0);
	for (unsigned i = 0; i < JWKS_PEM_KEYS + 2; i++)
		wanted_add(&w, str_fmt(a, "%08x-0000-0000-0000-000000000000",
			i));
	OK(w.n == JWKS_PEM_KEYS);
	wanted_add(&w, STR("00000005-0000-0000-0000-000000000000"));
	OK(w.n == JWKS_PEM_KEYS);
	for (uint32_t i = 0; i < w.n; i++)
		all = str_fmt(a, "%.*s%.*s", STR_ARG(all), 8, w.v[i]);
	IS_STR(all, "00000002000000030000000400000006"
		"000000070000000800000009" "0000000a0000000b0000000c"
		"0000000d0000000e0000000f" "000000100000001100000005");
}

int
main(void)
{
	struct arena *a = arena_new(MIB(64));

	test_crowd(a);
	test_trim(a);
	for (size_t i = 0; i < sizeof(ages) / sizeof(ages[0]); i++)
		tap_ok(jwks_refresh_s(str_of(ages[i].rules)) ==
			ages[i].seconds, "'%s' is %lld s", ages[i].rules,
			(long long)ages[i].seconds);
	test_list(a);
	test_wanted(a);
	for (size_t i = 0; i < sizeof(issuers) / sizeof(issuers[0]); i++)
		test_issuer(a, i);
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		test_document(a, i);
	arena_free(a);
	return tap_done();
}
