/* SPDX-License-Identifier: MIT */
/*
 * bench_jwt -- what a signed token costs: signature by backend, the whole
 * judgement, and a verdict that some worker has kept
 *
 * One line for each algorithm: nanoseconds per verification, the median of
 * several rounds.
 */
#include "config.h"

#include "auth/auth.h"
#include "auth/jws.h"
#include "base/clock.h"
#include "base/limits.h"
#include "kit/place.h"
#include "kit/sign.h"

#define ROUNDS 5
#define ROUND_US 40000		/* of one round */
#define NOW 1700000000
#define EVERY ((1u << JOSE_ALGS) - 1)
#define SECRET "0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789ABCDEF"
#define CLAIMS "{\"iss\":\"https://issuer.example\",\"sub\":\"alice\"," \
	"\"aud\":\"https://gate.example/mcp\",\"exp\":1700003600," \
	"\"iat\":1699999000,\"scope\":\"mcp read write\"}"

static int
by_number(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Nanoseconds of one call of work(who). */
static double
measure(void (*work)(void *who), void *who)
{
	double v[ROUNDS];

	work(who);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t began = clock_mono_us(), us = 0;
		unsigned n = 0;

		for (; us < ROUND_US; us = clock_mono_us() - began, n++)
			work(who);
		v[i] = (double)us * 1000 / n;
	}
	qsort(v, ROUNDS, sizeof(v[0]), by_number);
	return v[ROUNDS / 2];
}

/* ---- signatures -------------------------------------------------------- */

struct run {
	struct jwk_table keys;
	struct jose jose;
	enum jws_backend backend;
};

static void
verify(void *who)
{
	struct run *r = who;
	struct arena *a = arena_new(MIB(1));

	SIGN_MUST(jws_verify(&r->keys, r->backend, &r->jose, a) == NULL);
	arena_free(a);
}

static struct run
prepare(struct arena *a, const struct signer *s, enum jose_alg alg)
{
	const struct jose_rules rules = { MAX_TOKEN, EVERY, { "", 0 } };
	struct str token = sign_token(a, s, alg, str_fmt(a,
		"{\"alg\":\"%s\",\"typ\":\"JWT\"}", jose_alg_name(alg)).p,
		CLAIMS), jwk;
	struct run r;

	if (s->pkey == NULL) {
		SIGN_MUST(jwk_table_secret(a, secret_of(s->secret), EVERY,
			&r.keys) == NULL);
	} else {
		jwk = sign_jwk(a, s, "");
		SIGN_MUST(jwk_table_parse(a, str_fmt(a, "{\"keys\":[%.*s]}",
			STR_ARG(jwk)), EVERY, &r.keys) == NULL);
	}
	SIGN_MUST(jose_parse(a, token, &rules, &r.jose) == NULL);
	return r;
}

static void
bench_signatures(struct arena *a)
{
	const struct signer mac = signer_secret(STR(SECRET)),
		rsa = signer_rsa(a, 2048), p256 = signer_ec(a, "P-256"),
		p384 = signer_ec(a, "P-384"), p521 = signer_ec(a, "P-521"),
		ed = signer_ed25519(a);
	const struct {
		enum jose_alg alg;
		const struct signer *s;
		bool libjwt;		/* every version of it can */
	} rows[] = {
		{ JOSE_HS256, &mac, true }, { JOSE_HS512, &mac, true },
		{ JOSE_RS256, &rsa, true }, { JOSE_PS256, &rsa, false },
		{ JOSE_ES256, &p256, true }, { JOSE_ES384, &p384, true },
		{ JOSE_ES512, &p521, true }, { JOSE_EDDSA, &ed, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run r = prepare(a, rows[i].s, rows[i].alg);

		r.backend = JWS_OPENSSL;
		printf("jwt: %-6s openssl %8.0f ns",
			jose_alg_name(rows[i].alg), measure(verify, &r));
		r.backend = JWS_LIBJWT;
		if (rows[i].libjwt)
			printf(", libjwt %8.0f ns", measure(verify, &r));
		printf("\n");
		fflush(stdout);
	}
}

/* ---- judgements ----------------------------------------------------------- */

struct asked {
	struct auth_policy *policy;
	struct segment *segment;
	struct str header;
};

static void
judge(void *who)
{
	struct asked *q = who;
	struct arena *a = arena_new(MIB(1));
	struct auth_answer an;
	struct params p;

	params_init(&p, a, 4);
	params_add(&p, STR("HTTP_AUTHORIZATION"), q->header);
	SIGN_MUST(auth_judge(&(struct auth_ask){ .policy = q->policy,
		.params = &p, .segment = q->segment, .arena = a,
		.now_unix_s = NOW }, &an) == NULL);
	arena_free(a);
}

static void
bench_judgements(struct arena *a)
{
	const struct signer rsa = signer_rsa(a, 2048);
	const struct str algs[] = { STR("RS256") };
	const struct conf conf = { .limits = { .token = TOKEN_DEFAULT } };
	struct str token = sign_token(a, &rsa, JOSE_RS256,
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}", CLAIMS);
	struct conf_inbound in = { .strategies = { STRATEGY_JWT },
		.n_strategies = 1, .prefix = STR("Bearer"),
		.verdict_ttl_ms = 300000, .jwt = { .leeway_s = 60,
		.algorithms = { algs, 1, true },
		.public_key_file = STR("pem"), .keys_text = sign_pem(a,
		&rsa) } };
	struct asked q = { .header = str_fmt(a, "Bearer %.*s",
		STR_ARG(token)) };
	struct place place = place_new();
	double whole;

	SIGN_MUST(auth_policy_new(&conf, &in, STR("s"), a, &q.policy) ==
		NULL);
	whole = measure(judge, &q);
	q.segment = place_open(&place);
	printf("jwt: RS256, whole judgement %.0f ns, kept verdict %.0f ns "
		"(%zu bytes)\n", whole, measure(judge, &q), token.n);
	segment_close(q.segment);
	place_end(&place);
}

int
main(void)
{
	struct arena *a = arena_new(MIB(16));

	bench_signatures(a);
	bench_judgements(a);
	arena_free(a);
	return 0;
}
