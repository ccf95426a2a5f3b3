/* SPDX-License-Identifier: MIT */
/*
 * fuzz_credential -- no header and no query breaks the reader of credentials
 * or of proxy identities; what they take is clean and stands there once
 *
 * The input is a query in the first line, then variables as NAME=VALUE, one a
 * line.
 */
#include "config.h"

#include <stdlib.h>

#include "auth/credential.h"
#include "auth/jose.h"
#include "auth/proxyhdr.h"
#include "base/arena.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

#define S(lit) { lit, sizeof(lit) - 1 }
#define MAX 4096

static const struct credential_rules rules[] = {
	{ .max_bytes = MAX, .n = 2, .query = CREDENTIAL_TOKEN, .places = {
		{ S("HTTP_AUTHORIZATION"), S("Bearer"), false,
			CREDENTIAL_TOKEN | CREDENTIAL_JWT },
		{ S("HTTP_X_API_KEY"), S(""), true, CREDENTIAL_APIKEY } } },
	{ .max_bytes = MAX, .n = 2, .places = {
		{ S("HTTP_AUTHORIZATION"), S("Token"), true,
			CREDENTIAL_TOKEN },
		{ S("HTTP_X_JWT"), S("Bearer"), true, CREDENTIAL_JWT } } },
};

static const struct conf_cidr anybody = { .unix_peer = true };
static const struct conf_proxy_identity plans[] = {
	{ .user_header = S("X-User"), .email_header = S("X-Email"),
		.groups_header = S("X-Groups"),
		.trusted_peers = { .v = &anybody, .n = 1,
			.set = true, .has_unix = true } },
	{ .user_header = S("X-User"), .format = S("jwt-payload"),
		.trusted_peers = { .v = &anybody, .n = 1,
			.set = true, .has_unix = true } },
	{ .user_header = S("X-User"), .format = S("list"),
		.groups_header = S("X-Groups"), .groups_separator = S("; "),
		.trusted_peers = { .v = &anybody, .n = 1,
			.set = true, .has_unix = true } },
	{ .param = S("REMOTE_USER") },
};
static const struct conf conf;

static void
must(bool cond)
{
	if (!cond)
		abort();
}

static uint32_t
occurrences(const struct params *p, struct str variable)
{
	uint32_t n;

	params_client(p, variable.p, &n);
	return n;
}

static void
check_credential(struct arena *a, const struct params *p, struct str query,
	const struct credential_rules *r)
{
	struct credential c = credential_read(r, p, query, a);
	uint32_t present = 0;

	if (c.state != CREDENTIAL_GOOD)
		return;
	must(c.value.n > 0 && c.value.n <= MAX && c.serves != 0);
	for (size_t i = 0; i < c.value.n; i++)
		must(c.value.p[i] > 0x20 && c.value.p[i] < 0x7F &&
			c.value.p[i] != ',' && c.value.p[i] != '"');
	for (uint32_t i = 0; i < r->n; i++)
		present += occurrences(p, r->places[i].variable);
	must(present <= r->n);
}

static void
check_identity(struct arena *a, const struct params *p,
	const struct conf_proxy_identity *plan)
{
	struct proxy_answer an;
	struct proxy_rules r;

	must(proxyhdr_rules(&conf, plan, a, &r) == NULL);
	if (proxyhdr_read(&r, p, 0, a, &an) != NULL || !an.present)
		return;
	must(jose_text_clean(an.who.user, MAX_IDENTITY));
	must(an.who.n_groups <= MAX_GROUPS);
	for (uint32_t i = 0; i < an.who.n_groups; i++)
		must(jose_text_clean(an.who.groups[i], MAX_IDENTITY));
	must(!r.client || occurrences(p, r.user) == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str rest = { (const char *)bytes, n }, query;
	struct arena *a = arena_new(MIB(16));
	struct params p;

	query = str_cut(&rest, '\n');
	params_init(&p, a, 8);
	while (rest.p != NULL) {
		struct str value = str_cut(&rest, '\n');
		struct str name = str_cut(&value, '=');

		params_add(&p, name, value);
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		check_credential(a, &p, query, &rules[i]);
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++)
		check_identity(a, &p, &plans[i]);
	arena_free(a);
	return 0;
}
