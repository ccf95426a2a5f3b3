/* SPDX-License-Identifier: MIT */
/*
 * fuzz_keys -- what identity providers say: metadata, key sets that are kept,
 * lists of PEM keys, Cache-Control
 *
 * The first byte says what follows: 'd' metadata, 'k' a key set, 'l' a list,
 * 'a' a PEM to be added, 'c' Cache-Control, 'u' an issuer.
 */
#include "config.h"

#include <stdlib.h>

#include "auth/discovery.h"
#include "auth/jwks.h"
#include "base/arena.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "http/url.h"
#include "shm/keysets.h"

#define KID "01234567-89ab-cdef-0123-456789abcdef"
#define PUBLIC (((1u << JOSE_ALGS) - 1) & ~JOSE_HS)

static void
must(bool cond)
{
	if (!cond)
		abort();
}

/* What is kept can be read again, and keeping it again changes nothing. */
static void
try_set(struct arena *a, struct str body)
{
	struct str text, again;
	struct jwk_table t;
	uint32_t n, m;

	if (jwks_trim(a, body, &text, &n) != NULL)
		return;
	must(text.n <= MAX_KEYSET && n <= MAX_KEYS);
	must(jwk_table_parse(a, text, PUBLIC, &t) == NULL && t.n == n);
	must(jwks_trim(a, text, &again, &m) == NULL && m == n);
	must(str_eq(again, text));
}

static void
try_list(struct arena *a, struct str list)
{
	struct str kids[JWKS_PEM_KEYS];
	uint32_t n = jwks_pem_kids(list, kids);
	struct jwk_table t;

	must(n <= JWKS_PEM_KEYS);
	for (uint32_t i = 0; i < n; i++)
		must(jwks_pem_kid(kids[i]));
	if (jwks_pem_table(a, list, PUBLIC, &t) == NULL)
		must(t.n == n);
}

static void
try_pem(struct arena *a, struct str pem)
{
	struct str list, kids[JWKS_PEM_KEYS];

	if (jwks_pem_add(a, STR(""), STR(KID), pem, &list) != NULL)
		return;
	must(jwks_pem_kids(list, kids) == 1 && str_is(kids[0], KID));
	try_list(a, list);
}

static void
try_issuer(struct arena *a, struct str issuer)
{
	struct str urls[DISCOVERY_TRIES];
	uint32_t n = discovery_urls(a, issuer, urls);
	struct url u, own;

	must(n <= DISCOVERY_TRIES);
	for (uint32_t i = 0; i < n; i++) {
		must(url_parse(urls[i], &u) && url_parse(issuer, &own));
		must(str_eq(u.host, own.host) && u.port == own.port);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = { (const char *)p + 1, n > 0 ? n - 1 : 0 };
	struct arena *a;
	struct discovery_found f;
	int64_t s;

	if (n == 0)
		return 0;
	a = arena_new(MIB(64));
	if (*p == 'd')
		discovery_read(a, rest, STR("https://i.test"), &f);
	else if (*p == 'k')
		try_set(a, rest);
	else if (*p == 'l')
		try_list(a, rest);
	else if (*p == 'a')
		try_pem(a, rest);
	else if (*p == 'u')
		try_issuer(a, rest);
	s = jwks_refresh_s(rest);
	must(s >= 300 && s <= 86400);
	arena_free(a);
	return 0;
}
