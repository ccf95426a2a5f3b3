/* SPDX-License-Identifier: MIT */
/*
 * keyring -- tokens judged by a set that lies in the shared file: it comes,
 * changes, grows old and goes
 */
#include "config.h"
#include "auth/keyring.h"

#include <malloc.h>

#include "auth/auth.h"
#include "base/limits.h"
#include "kit/place.h"
#include "kit/sign.h"
#include "kit/tap.h"
#include "shm/layout.h"

#define NOW 1700000000
#define S ((uint64_t)1000000)
#define DAY (86400 * S)
#define ROTATIONS 1500
#define LEAK KIB(512)		/* bytes; a table that stays is 10 KiB */
#define CLAIMS "{\"iss\":\"https://i.test\",\"sub\":\"alice\"," \
	"\"aud\":\"gate\",\"exp\":1700003600%s}"

static struct place place;
static struct segment *segment;
static struct signer one, two;
static struct auth_policy *policy;
static const struct str algs[] = { { "ES256", 5 } };
static const struct str issuers[] = { { "https://i.test", 14 } };
static const struct str audiences[] = { { "gate", 4 } };
static const struct conf conf = { .limits = { .token = TOKEN_DEFAULT } };
static struct conf_inbound in = { .strategies = { STRATEGY_JWT },
	.n_strategies = 1, .prefix = { "Bearer", 6 },
	.verdict_ttl_ms = 60000,
	.jwt = { .leeway_s = 60, .max_stale_s = 86400, .require_exp = true,
	.algorithms = { algs, 1, true }, .issuer = { issuers, 1, true },
	.audience = { audiences, 1, true },
	.jwks_url = { "https://keys.test/set", 21 } } };

/* The one set there is, as another process would see it. */
static struct keyset
the_set(void)
{
	struct keyset k = { .file = segment->file,
		.slot = &segment->file->keysets[0] };

	memcpy(k.secret, segment_secret(segment), sizeof(k.secret));
	k.name[0] = k.slot->name[0];
	k.name[1] = k.slot->name[1];
	return k;
}

static void
publish(struct str document)
{
	struct keyset k = the_set();
	struct keyset_claim c = { KEYSET_FORCED,
		k.slot->as_of_us + 1 };

	keyset_keep(&k, &c, &(struct keyset_news){ document, 1, 900 * S },
		keyset_now_us());
}

static struct str
set_of(struct arena *a, const struct signer *s, const char *kid)
{
	struct str jwk = sign_jwk(a, s, str_fmt(a, "\"kid\":\"%s\"",
		kid).p);

	return str_fmt(a, "{\"keys\":[%.*s]}", STR_ARG(jwk));
}

static struct str
token_of(struct arena *a, const struct signer *s, const char *kid,
	const char *more)
{
	return sign_token(a, s, JOSE_ES256, str_fmt(a,
		"{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid).p,
		str_fmt(a, CLAIMS, more).p);
}

/* -1: somebody; else what kind of fault. */
static int
judge(struct arena *a, struct str token, uint32_t *retry_r)
{
	struct auth_answer an = { 0 };
	const struct fault *f;
	struct params p;

	params_init(&p, a, 4);
	params_add(&p, STR("HTTP_AUTHORIZATION"), str_fmt(a, "Bearer %.*s",
		STR_ARG(token)));
	f = auth_judge(&(struct auth_ask){ .policy = policy, .params = &p,
		.segment = segment, .arena = a, .now_unix_s = NOW }, &an);
	if (retry_r != NULL)
		*retry_r = f != NULL ? f->retry_after_s : 0;
	OK(an.need.kind == AUTH_NEED_NOTHING);
	return f != NULL ? (int)f->kind : -1;
}

static void
test_life(struct arena *a)
{
	struct str first = token_of(a, &one, "k1", "");
	struct str second = token_of(a, &two, "k2", "");
	uint32_t retry;

	IS_INT(judge(a, first, &retry), FAULT_AUTH_UNAVAILABLE);
	tap_ok(retry > 0, "which says when to come again");
	IS_INT(judge(a, token_of(a, &one, "k1", ",\"nbf\":1800000000"), NULL),
		FAULT_TOKEN_SIGNATURE);
	publish(set_of(a, &one, "k1"));
	IS_INT(judge(a, first, NULL), -1);
	IS_INT(judge(a, first, NULL), -1);
	IS_INT(judge(a, second, NULL), FAULT_TOKEN_SIGNATURE);
	IS_INT(judge(a, token_of(a, &two, "k1", ""), NULL),
		FAULT_TOKEN_SIGNATURE);
	publish(set_of(a, &two, "k2"));
	IS_INT(judge(a, second, NULL), -1);
	tap_int(judge(a, first, NULL), FAULT_TOKEN_SIGNATURE,
		"a kept verdict ends with its key", __LINE__);
	publish(STR("{\"keys\":[]}"));
	IS_INT(judge(a, second, NULL), FAULT_TOKEN_SIGNATURE);
	publish(set_of(a, &one, "k1"));
	IS_INT(judge(a, first, NULL), -1);
}

/* A set serves a day after its last good fetch, with kept verdicts, too. */
static void
test_age(struct arena *a)
{
	struct shm_keyset *slot = the_set().slot;
	struct str token = token_of(a, &one, "k1", "");
	uint64_t now = keyset_now_us();

	IS_INT(judge(a, token, NULL), -1);
	if (now < DAY + 10 * S) {	/* the machine has not run so long */
		OK(true);
		return;
	}
	slot->good_us = now - DAY + 5 * S;
	IS_INT(judge(a, token, NULL), -1);
	slot->good_us = now - DAY;
	IS_INT(judge(a, token, NULL), FAULT_AUTH_UNAVAILABLE);
	slot->good_us = now;
	IS_INT(judge(a, token, NULL), -1);
}

/* What is being written just now is no set; the next look finds one. */
static void
test_torn(struct arena *a)
{
	struct shm_keyset *slot = the_set().slot;
	uint64_t check = slot->check;

	slot->epoch = slot->epoch + 1;
	slot->check = 0;
	IS_INT(judge(a, token_of(a, &one, "k1", ",\"a\":1"), NULL),
		FAULT_AUTH_UNAVAILABLE);
	slot->epoch = slot->epoch - 1;
	slot->check = check;
	IS_INT(judge(a, token_of(a, &one, "k1", ",\"a\":1"), NULL), -1);
}

static size_t
used_bytes(void)
{
	return mallinfo2().uordblks;
}

/* Tables of sets that are gone go, too. */
static void
test_rotations(struct arena *a)
{
	struct str sets[2] = { set_of(a, &one, "k1"), set_of(a, &two, "k2") };
	struct str tokens[2] = { token_of(a, &one, "k1", ""),
		token_of(a, &two, "k2", "") };
	size_t before = 0;
	unsigned good = 0;

	for (unsigned i = 0; i < ROTATIONS; i++) {
		struct arena *scratch = arena_new(MIB(1));
		struct auth_answer an = { 0 };
		struct params p;

		if (i == 100)
			before = used_bytes();
		publish(sets[i % 2]);
		params_init(&p, scratch, 4);
		params_add(&p, STR("HTTP_AUTHORIZATION"), str_fmt(scratch,
			"Bearer %.*s", STR_ARG(tokens[i % 2])));
		good += auth_judge(&(struct auth_ask){ .policy = policy,
			.params = &p, .segment = segment, .arena = scratch,
			.now_unix_s = NOW }, &an) == NULL;
		arena_free(scratch);
	}
	IS_INT(good, ROTATIONS);
	tap_ok(used_bytes() < before + LEAK, "%zu bytes more after %d "
		"rotations", used_bytes() > before ? used_bytes() - before :
		0, ROTATIONS);
}

/* ---- policies that cannot be ------------------------------------- */

static const struct {
	const char *name;
	const char *issuer, *profile, *region, *url, *alg;
	bool good, insecure;
} policies[] = {
	{ "a URL", "x", "default", "", "https://k.test/", "RS256", true,
		false },
	{ "an issuer", "https://i.test", "default", "", "", "RS256", true,
		false },
	{ "an issuer by http", "http://i.test", "default", "", "", "RS256",
		false, false },
	{ "which is allowed", "http://i.test", "default", "", "", "RS256",
		true, true },
	{ "on loopback", "http://127.0.0.1:80", "default", "", "", "RS256",
		true, false },
	{ "an issuer that is no URL", "i.test", "default", "", "", "RS256",
		false, false },
	{ "cloudflare", "https://t.cloudflareaccess.com", "cloudflare", "",
		"", "RS256", true, false },
	{ "aws-alb", "x", "aws-alb", "eu-west-1", "", "ES256", true, false },
	{ "aws-alb elsewhere", "x", "aws-alb", "", "https://k.test/a",
		"ES256", true, false },
	{ "aws-alb without a region", "x", "aws-alb", "", "", "ES256", false,
		false },
	{ "aws-alb with a strange one", "x", "aws-alb", "evil.test/x", "",
		"ES256", false, false },
	{ "aws-alb, RS256", "x", "aws-alb", "eu-west-1", "", "RS256", false,
		false },
	{ "HS256 with fetched keys", "x", "default", "", "https://k.test/",
		"HS256", false, false },
};

static void
test_policy(struct arena *a, size_t i)
{
	struct str issuer = str_of(policies[i].issuer),
		alg = str_of(policies[i].alg);
	struct conf_inbound rules = in;
	struct auth_policy *p;

	rules.jwt.issuer = (struct conf_texts){ &issuer, 1, true };
	rules.jwt.algorithms = (struct conf_texts){ &alg, 1, true };
	rules.jwt.profile = str_of(policies[i].profile);
	rules.jwt.region = str_of(policies[i].region);
	rules.jwt.jwks_url = str_of(policies[i].url);
	rules.jwt.allow_insecure = policies[i].insecure;
	tap_ok((auth_policy_new(&conf, &rules, STR("s"), a, &p) == NULL) ==
		policies[i].good, "%s", policies[i].name);
}

int
main(void)
{
	struct arena *a = arena_new(MIB(16));

	place = place_new();
	segment = place_open(&place);
	one = signer_ec(a, "P-256");
	two = signer_ec(a, "P-256");
	OK(auth_policy_new(&conf, &in, STR("s"), a, &policy) == NULL);
	test_life(a);
	test_age(a);
	test_torn(a);
	test_rotations(a);
	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
		test_policy(a, i);
	arena_free(a);
	segment_close(segment);
	place_end(&place);
	return tap_done();
}
