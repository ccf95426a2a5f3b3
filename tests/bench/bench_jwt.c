/* SPDX-License-Identifier: MIT */
/*
 * bench_jwt -- what a signed token costs: signature by backend, the whole
 * judgement with a key that must be made (cold) or is kept (warm), and a
 * verdict that some worker has kept
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
	const struct jose_rules rules = { .max_token = MAX_TOKEN,
		.algs = EVERY, .require_typ = STR("") };
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

struct signers {
	struct signer mac, rsa, p256, p384, p521, ed;
};

static struct signers
make_signers(struct arena *a)
{
	return (struct signers){ .mac = signer_secret(STR(SECRET)),
		.rsa = signer_rsa(a, 2048), .p256 = signer_ec(a, "P-256"),
		.p384 = signer_ec(a, "P-384"), .p521 = signer_ec(a, "P-521"),
		.ed = signer_ed25519(a) };
}

static void
bench_signatures(struct arena *a, const struct signers *by)
{
	const struct {
		enum jose_alg alg;
		const struct signer *s;
		bool libjwt;		/* every version of it can */
	} rows[] = {
		{ JOSE_HS256, &by->mac, true }, { JOSE_HS512, &by->mac, true },
		{ JOSE_RS256, &by->rsa, true }, { JOSE_PS256, &by->rsa, false },
		{ JOSE_ES256, &by->p256, true },
		{ JOSE_ES384, &by->p384, true },
		{ JOSE_ES512, &by->p521, true },
		{ JOSE_EDDSA, &by->ed, false },
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
	const struct conf_inbound *in;
	struct auth_policy *policy;
	struct segment *segment;
	struct str header;
};

static const struct conf conf = { .limits = { .token = TOKEN_DEFAULT } };

static void
judge_by(const struct asked *q, const struct auth_policy *policy,
	struct arena *a)
{
	struct auth_answer an = { 0 };
	struct params p;

	params_init(&p, a, 4);
	params_add(&p, STR("HTTP_AUTHORIZATION"), q->header);
	SIGN_MUST(auth_judge(&(struct auth_ask){ .policy = policy,
		.params = &p, .segment = q->segment, .arena = a,
		.now_unix_s = NOW }, &an) == NULL);
}

static void
judge(void *who)
{
	struct asked *q = who;
	struct arena *a = arena_new(MIB(1));

	judge_by(q, q->policy, a);
	arena_free(a);
}

/* As after a rotation, or in a process that has just started: the key set is
 * read and the key object made. */
static void
judge_cold(void *who)
{
	struct asked *q = who;
	struct arena *a = arena_new(MIB(4));
	struct auth_policy *policy;

	SIGN_MUST(auth_policy_new(&conf, q->in, STR("s"), a, &policy) ==
		NULL);
	judge_by(q, policy, a);
	arena_free(a);
}

static void
bench_judgement(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct segment *segment)
{
	const struct str algs[] = { str_of(jose_alg_name(alg)) };
	struct str token = sign_token(a, s, alg, str_fmt(a,
		"{\"alg\":\"%s\",\"typ\":\"JWT\"}", jose_alg_name(alg)).p,
		CLAIMS);
	struct conf_inbound in = { .strategies = { STRATEGY_JWT },
		.n_strategies = 1, .prefix = STR("Bearer"),
		.verdict_ttl_ms = 300000, .jwt = { .leeway_s = 60,
		.algorithms = { algs, 1, true } } };
	struct asked q = { .in = &in, .header = str_fmt(a, "Bearer %.*s",
		STR_ARG(token)) };
	double cold, warm;

	if (s->pkey == NULL) {
		in.jwt.secret = secret_of(s->secret);
	} else {
		in.jwt.jwks_file = STR("set");
		in.jwt.keys_text = str_fmt(a, "{\"keys\":[%.*s]}",
			STR_ARG(sign_jwk(a, s, "")));
	}
	SIGN_MUST(auth_policy_new(&conf, &in, STR("s"), a, &q.policy) ==
		NULL);
	cold = measure(judge_cold, &q);
	warm = measure(judge, &q);
	q.segment = segment;
	printf("jwt: %-6s judgement cold %7.0f ns, warm %7.0f ns, kept "
		"verdict %5.0f ns (%zu bytes)\n", jose_alg_name(alg), cold,
		warm, measure(judge, &q), token.n);
	fflush(stdout);
}

static void
bench_judgements(struct arena *a, const struct signers *by)
{
	const struct {
		enum jose_alg alg;
		const struct signer *s;
	} rows[] = {
		{ JOSE_HS256, &by->mac }, { JOSE_HS384, &by->mac },
		{ JOSE_HS512, &by->mac }, { JOSE_RS256, &by->rsa },
		{ JOSE_RS384, &by->rsa }, { JOSE_RS512, &by->rsa },
		{ JOSE_PS256, &by->rsa }, { JOSE_PS384, &by->rsa },
		{ JOSE_PS512, &by->rsa }, { JOSE_ES256, &by->p256 },
		{ JOSE_ES384, &by->p384 }, { JOSE_ES512, &by->p521 },
		{ JOSE_EDDSA, &by->ed },
	};
	struct place place = place_new();
	struct segment *segment = place_open(&place);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_judgement(a, rows[i].s, rows[i].alg, segment);
	segment_close(segment);
	place_end(&place);
}

int
main(void)
{
	struct arena *a = arena_new(MIB(16));
	const struct signers by = make_signers(a);

	bench_signatures(a, &by);
	bench_judgements(a, &by);
	arena_free(a);
	return 0;
}
