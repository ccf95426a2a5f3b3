/* SPDX-License-Identifier: MIT */
/*
 * policy -- what a configuration makes of inboundAuth, ready to judge
 */
#include "config.h"
#include "auth/policy.h"

#include "auth/auth.h"
#include "auth/challenge.h"
#include "base/arena.h"
#include "base/limits.h"

#define MAX_VERDICT_TTL_S 300

static const struct fault *
invalid(struct arena *a, const char *why)
{
	return fault_new(a, FAULT_SERVER_INVALID, "inboundAuth: %s", why);
}

/* ---- where credentials lie ---------------------------------------- */

static void
add_place(struct arena *a, struct credential_rules *r, struct str header,
	const struct credential_place *place)
{
	struct credential_place p = *place;

	if (header.n == 0)
		header = STR("Authorization");
	p.variable = str_copy(a, params_header_name(a, header));
	if (!str_is(p.variable, "HTTP_AUTHORIZATION"))
		p.bare = true;
	r->places[r->n++] = p;
}

static void
add_bearer(struct auth_policy *p, struct arena *a, struct str header,
	const struct credential_place *place)
{
	struct credential_place bearer = *place;

	bearer.bare = p->in->allow_bare_token;
	add_place(a, &p->rules, header, &bearer);
	if (p->in->allow_query_token)
		p->rules.query |= place->serves;
}

/* Where the profile's issuer puts it, unless the configuration says. */
static void
add_jwt(struct auth_policy *p, struct arena *a)
{
	const struct conf_inbound *in = p->in;
	struct str own = conf_jwt_header(&in->jwt);
	bool prefixed = in->jwt.prefix_set || own.n == 0 ||
		in->jwt.header.n > 0;

	add_bearer(p, a, own.n > 0 ? own : in->header,
		&(struct credential_place){
		.prefix = in->jwt.prefix_set ? in->jwt.prefix :
			prefixed ? in->prefix : STR(""),
		.serves = CREDENTIAL_JWT });
}

static void
find_places(struct auth_policy *p, struct arena *a)
{
	const struct conf_inbound *in = p->in;

	if (conf_has_strategy(in, STRATEGY_TOKEN))
		add_bearer(p, a, in->token_header.n > 0 ? in->token_header :
			in->header, &(struct credential_place){
			.prefix = in->token_prefix_set ? in->token_prefix :
				in->prefix,
			.serves = CREDENTIAL_TOKEN });
	if (conf_has_strategy(in, STRATEGY_JWT))
		add_jwt(p, a);
	if (conf_has_strategy(in, STRATEGY_INTROSPECTION))
		add_bearer(p, a, in->header, &(struct credential_place){
			.prefix = in->prefix, .serves = CREDENTIAL_OPAQUE });
	if (conf_has_strategy(in, STRATEGY_APIKEY))
		add_place(a, &p->rules, in->apikey_header.n > 0 ?
			in->apikey_header : STR("X-API-Key"),
			&(struct credential_place){
			.serves = CREDENTIAL_APIKEY });
	add_place(a, &p->guard, STR("Authorization"),
		&(struct credential_place){ .prefix = STR("Bearer"),
		.bare = true });
}

/* ---- jwt: algorithms and keys ------------------------------------- */

/* A load balancer of AWS: keys by kid, padding that libjwt refuses. */
static bool
is_balancer(const struct conf_jwt *jwt)
{
	return str_is(jwt->profile, "aws-alb");
}

static const struct fault *
read_algorithms(const struct conf_jwt *jwt, struct arena *a, uint32_t *algs_r)
{
	bool shared = !secret_empty(jwt->secret);
	uint32_t algs = 0;

	for (uint32_t i = 0; i < jwt->algorithms.n; i++) {
		enum jose_alg alg;

		if (!jose_alg_of(jwt->algorithms.v[i], &alg))
			return invalid(a, "unknown algorithm");
		algs |= JOSE_BIT(alg);
	}
	if (algs == 0)
		algs = JOSE_BIT(shared ? JOSE_HS256 : JOSE_RS256);
	if (shared && (algs & ~(uint32_t)JOSE_HS) != 0)
		return invalid(a, "a secret is for HS algorithms alone");
	if (!shared && (algs & JOSE_HS) != 0)
		return invalid(a, "HS algorithms need jwt.secret");
	if (is_balancer(jwt) && algs != JOSE_BIT(JOSE_ES256))
		return invalid(a, "profile aws-alb signs with ES256 alone");
	*algs_r = algs;
	return NULL;
}

static const struct fault *
read_keys(const struct conf_jwt *jwt, uint32_t algs, struct arena *a,
	struct jwk_table *t_r)
{
	int sources = !secret_empty(jwt->secret);

	sources += jwt->jwks_file.n > 0;
	sources += jwt->public_key_file.n > 0;
	sources += jwt->jwks_url.n > 0;
	if (sources > 1)
		return invalid(a, "more than one source of keys");
	if (!secret_empty(jwt->secret))
		return jwk_table_secret(a, jwt->secret, algs, t_r);
	if (jwt->jwks_file.n > 0)
		return jwk_table_parse(a, jwt->keys_text, algs, t_r);
	return jwk_table_pem(a, jwt->keys_text, algs, t_r);
}

static bool
has_local_keys(const struct conf_jwt *jwt)
{
	return !secret_empty(jwt->secret) || jwt->jwks_file.n > 0 ||
		jwt->public_key_file.n > 0;
}

static const struct fault *
read_words(const struct conf_jwt *jwt, struct arena *a,
	enum jws_backend *backend_r)
{
	if (jwt->profile.n > 0 && !str_is(jwt->profile, "default") &&
	    !str_is(jwt->profile, "rfc9068") &&
	    !str_is(jwt->profile, "cloudflare") &&
	    !str_is(jwt->profile, "aws-alb"))
		return invalid(a, "jwt.profile is not available");
	if (is_balancer(jwt))
		*backend_r = JWS_OPENSSL;
	else if (jwt->backend.n == 0 || str_is(jwt->backend, "auto") ||
	    str_is(jwt->backend, "libjwt"))
		*backend_r = JWS_LIBJWT;
	else if (str_is(jwt->backend, "openssl"))
		*backend_r = JWS_OPENSSL;
	else
		return invalid(a, "jwt.backend is not available");
	return NULL;
}

/* ---- jwt: the digest of all a verdict depends on ------------------ */

static void
mix_number(uint8_t d[SHA256_SIZE], int64_t number)
{
	digest_mix(d, (struct str){ (const char *)&number, sizeof(number) });
}

static void
mix_texts(uint8_t d[SHA256_SIZE], const struct conf_texts *t)
{
	mix_number(d, t->n);
	for (uint32_t i = 0; i < t->n; i++)
		digest_mix(d, t->v[i]);
}

static void
mix_jwt(uint8_t d[SHA256_SIZE], const struct conf_jwt *jwt)
{
	const struct conf_texts *const lists[] = { &jwt->issuer,
		&jwt->audience, &jwt->algorithms, &jwt->identity_claim,
		&jwt->groups_claim, &jwt->scope_claim };
	const int64_t numbers[] = { jwt->leeway_s, jwt->max_age_s,
		jwt->require_exp, jwt->require_jti, jwt->allow_nonce };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		mix_texts(d, lists[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		mix_number(d, numbers[i]);
	digest_mix(d, jwt->require_typ);
	digest_mix(d, jwt->profile);
	digest_mix(d, jwt->signer);
	digest_mix(d, jwt->keys_text);
	digest_mix(d, secret_reveal(jwt->secret));
	mix_number(d, jwt->asked.n);
	for (uint32_t i = 0; i < jwt->asked.n; i++) {
		digest_mix(d, jwt->asked.v[i].name);
		digest_mix(d, secret_reveal(jwt->asked.v[i].value));
	}
	mix_number(d, jwt->claims.n);
	for (uint32_t i = 0; i < jwt->claims.n; i++) {
		digest_mix(d, jwt->claims.v[i].name);
		digest_mix(d, secret_reveal(jwt->claims.v[i].value));
	}
}

static const struct fault *
read_source(struct auth_policy *p, const struct conf *c, struct arena *a)
{
	const struct conf_jwt *jwt = &p->in->jwt;

	if (!has_local_keys(jwt))
		return keyring_new(&(struct keyring_plan){ .conf = c,
			.in = p->in, .algs = p->jose.algs,
			.backend = p->backend }, a, &p->ring);
	p->keys = ARENA_NEW(a, struct jwk_table);
	return read_keys(jwt, p->jose.algs, a, p->keys);
}

static const struct fault *
read_jwt(struct auth_policy *p, const struct conf *c, struct arena *a)
{
	const struct conf_jwt *jwt = &p->in->jwt;
	const struct fault *f = read_algorithms(jwt, a, &p->jose.algs);

	if (f == NULL)
		f = read_words(jwt, a, &p->backend);
	if (f == NULL)
		f = read_source(p, c, a);
	p->jose.require_typ = jwt->require_typ;
	p->jose.padded = is_balancer(jwt);
	mix_number(p->digest, (int64_t)p->jose.max_token);
	mix_jwt(p->digest, jwt);
	return f;
}

/* ---- introspection ------------------------------------------------ */

/* The names of claims are those of the jwt block. */
static void
read_introspection(struct auth_policy *p, const struct conf *c)
{
	const struct conf_introspection *i = &p->in->introspection;
	const struct conf_jwt *jwt = &p->in->jwt;
	struct conf_jwt rules = {
		.leeway_s = jwt->leeway_s, .audience = i->audience,
		.issuer = { &i->issuer, i->issuer.n > 0, true },
		.identity_claim = jwt->identity_claim,
		.groups_claim = jwt->groups_claim,
		.scope_claim = jwt->scope_claim, .asked = jwt->asked,
	};

	p->answers = rules;
	p->out = keyring_outproxy(c, p->in);
	p->ca_file = c->ca_file;
	mix_jwt(p->digest, &rules);
	digest_mix(p->digest, i->endpoint);
	digest_mix(p->digest, i->client_id);
	digest_mix(p->digest, secret_reveal(i->client_secret));
	mix_number(p->digest, (int64_t)i->login);
}

/* ---- the policy --------------------------------------------------- */

/* Strategies of other builds have their place here. */
static const struct fault *
check_strategies(const struct conf_inbound *in, struct arena *a)
{
	if (in->n_strategies == 0)
		return invalid(a, "no strategy");
	for (uint32_t i = 0; i < in->n_strategies; i++) {
		switch (in->strategies[i]) {
		case STRATEGY_NONE:
		case STRATEGY_LOCAL:
		case STRATEGY_TOKEN:
		case STRATEGY_APIKEY:
		case STRATEGY_JWT:
		case STRATEGY_INTROSPECTION:
		case STRATEGY_PROXY:
			break;
		default:
			return invalid(a, "a strategy is not available");
		}
	}
	return NULL;
}

static int64_t
ttl_of(const struct conf_inbound *in)
{
	int64_t ttl_s = (in->verdict_ttl_ms + 999) / 1000;

	return ttl_s > MAX_VERDICT_TTL_S ? MAX_VERDICT_TTL_S : ttl_s;
}

const struct fault *
auth_policy_new(const struct conf *c, const struct conf_inbound *in,
	struct str policy_name, struct arena *a, struct auth_policy **p_r)
{
	struct auth_policy *p = ARENA_NEW(a, struct auth_policy);
	const struct fault *f = check_strategies(in, a);
	uint64_t max_token = c->limits.token > 0 ? c->limits.token :
		TOKEN_DEFAULT;

	if (f != NULL)
		return f;
	p->in = in;
	p->name = policy_name;
	p->verdict_ttl_s = ttl_of(in);
	p->jose.max_token = max_token < MAX_TOKEN ? max_token : MAX_TOKEN;
	p->rules.max_bytes = p->guard.max_bytes = p->jose.max_token;
	find_places(p, a);
	p->has_proxy = conf_has_strategy(in, STRATEGY_PROXY);
	p->wants_credential = p->has_proxy || p->rules.n > 0;
	if (p->has_proxy)
		f = proxyhdr_rules(c, &in->proxy, a, &p->proxy);
	if (f == NULL && (conf_has_strategy(in, STRATEGY_JWT) ||
	    (p->has_proxy && p->proxy.format == PROXY_JWT)))
		f = read_jwt(p, c, a);
	if (f == NULL && conf_has_strategy(in, STRATEGY_INTROSPECTION))
		read_introspection(p, c);
	if (f == NULL)
		*p_r = p;
	return f;
}

const struct fault *
auth_policy_ready(const struct auth_policy *p, struct arena *a)
{
	return p->keys != NULL ? jws_ready(p->keys, a) : NULL;
}

struct str
auth_policy_judge(const struct conf *c, const struct conf_inbound *in,
	struct arena *a)
{
	struct auth_policy *p;
	const struct fault *f = auth_policy_new(c, in, STR(""), a, &p);

	if (f == NULL)
		f = auth_policy_ready(p, a);
	return f != NULL ? str_of(f->detail) : STR("");
}

struct str
auth_challenge(const struct auth_policy *p, enum fault_kind kind,
	struct arena *a)
{
	return challenge_of(p->in, kind, a);
}

struct str
auth_challenge_scopes(const struct auth_policy *p, enum fault_kind kind,
	const struct conf_texts *more, struct arena *a)
{
	return challenge_scopes(p->in, kind, more, a);
}
