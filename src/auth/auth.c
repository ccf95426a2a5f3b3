/* SPDX-License-Identifier: MIT */
/*
 * auth -- who is calling: judges what the caller presents
 *
 * The strategies in the order of the configuration: the first whose
 * credential is there decides.  Nobody is anonymous who has presented a
 * credential.  Then the rules for scopes, users and groups.
 */
#include "config.h"
#include "auth/auth.h"

#include <string.h>

#include "auth/challenge.h"
#include "auth/claims.h"
#include "auth/introspect.h"
#include "auth/keys.h"
#include "auth/policy.h"
#include "auth/verdict.h"

static const char *const names[STRATEGIES] = {
	[STRATEGY_NONE] = "none", [STRATEGY_LOCAL] = "local",
	[STRATEGY_TOKEN] = "token", [STRATEGY_APIKEY] = "apikey",
	[STRATEGY_JWT] = "jwt", [STRATEGY_INTROSPECTION] = "introspection",
	[STRATEGY_PROXY] = "proxy", [STRATEGY_LUA] = "lua",
	[STRATEGY_JS] = "js",
};

/* One judgement on its way. */
struct judgement {
	const struct auth_ask *ask;
	const struct auth_policy *policy;
	struct auth_answer *answer;
	struct credential credential;
	struct identity_draft who;	/* user set: somebody is known */
	struct claims claims;		/* of a JWT; signed_part set */
	bool decided;
};

static const struct fault *
refuse(const struct judgement *j, enum fault_kind kind, const char *why)
{
	return fault_new(j->ask->arena, kind, "%s", why);
}

/* ---- static credentials ------------------------------------------- */

static const struct fault *
judge_key(struct judgement *j, const struct conf_keys *list, const char *how,
	bool *known_r)
{
	uint32_t i = 0;

	*known_r = true;
	switch (keys_find(list, j->credential.value, j->ask->now_unix_s, &i)) {
	case KEYS_MATCH:
		j->who = keys_identity(list, i, how,
			j->ask->segment, j->ask->arena);
		return NULL;
	case KEYS_EXPIRED:
		return fault_new(j->ask->arena, FAULT_TOKEN_EXPIRED,
			"%s %u has expired", how, i);
	case KEYS_NONE:
		break;
	}
	*known_r = false;
	return NULL;
}

/* ---- jwt ---------------------------------------------------------- */

/* Up to the signature every refusal reads the same. */
static const struct fault *
as_signature(struct arena *a, const struct fault *f)
{
	struct fault *same = fault_new(a, f->kind, "%s", f->detail);

	same->said = fault_said(FAULT_TOKEN_SIGNATURE);
	return same;
}

/* For an address whose costly checks kept failing. */
static const struct fault *
too_costly(const struct judgement *j)
{
	return refuse(j, FAULT_RATE_LIMITED, "failed too often");
}

/* Signature, then claims: whom does the token name? */
static const struct fault *
verify(const struct judgement *j, struct str token, struct claims *c_r)
{
	const struct auth_policy *p = j->policy;
	struct arena *a = j->ask->arena;
	const struct fault *f;
	struct jose jose;

	f = jose_parse(a, token, &p->jose, &jose);
	if (f != NULL)
		return as_signature(a, f);
	if (j->ask->tired)
		return too_costly(j);
	j->answer->costly = true;
	if (p->ring != NULL)
		f = keyring_verify(p->ring, j->ask, &jose, &j->answer->need);
	else
		f = jws_verify(p->keys, p->backend, &jose, a);
	if (f == NULL && j->answer->need.kind == AUTH_NEED_NOTHING)
		f = claims_check(&p->in->jwt, &jose, j->ask->now_unix_s, a,
			c_r);
	return f;
}

static bool
is_current(const struct judgement *j, const struct claims *c)
{
	int64_t leeway_s = j->policy->in->jwt.leeway_s;

	return claims_begun(c, leeway_s, j->ask->now_unix_s) &&
		!claims_expired(c, leeway_s, j->ask->now_unix_s);
}

/* Of all a verdict depends on, the keys of this moment among it. */
static void
policy_digest(const struct auth_policy *p, const struct auth_ask *ask,
	uint8_t digest_r[SHA256_SIZE])
{
	if (p->ring != NULL)
		keyring_digest(p->ring, ask, p->digest, digest_r);
	else
		memcpy(digest_r, p->digest, SHA256_SIZE);
}

/* A verdict of some worker will do; what is no longer true is judged anew,
 * so that the reply says why. */
static const struct fault *
judge_jwt(struct judgement *j, struct str token)
{
	const struct auth_ask *ask = j->ask;
	const struct auth_policy *p = j->policy;
	bool keeps = ask->segment != NULL && p->verdict_ttl_s > 0;
	uint8_t digest[SHA256_SIZE];
	const struct fault *f;
	struct verdict_key key;
	struct claims c;

	if (keeps) {
		policy_digest(p, ask, digest);
		key = verdict_key_of(ask->segment, p->name, digest, token);
		j->answer->cached = verdict_get(ask->segment, &key,
			ask->now_unix_s, ask->arena, &c) && is_current(j, &c);
	}
	if (!j->answer->cached) {
		f = verify(j, token, &c);
		if (f != NULL || j->answer->need.kind != AUTH_NEED_NOTHING)
			return f;
		if (keeps)
			verdict_put(ask->segment, &key, &c, ask->now_unix_s,
				p->verdict_ttl_s);
	}
	j->who = c.who;
	j->claims = c;
	return NULL;
}

/* ---- introspection ------------------------------------------------ */

/* What the endpoint has said to some worker, or is to be asked. */
static const struct fault *
judge_opaque(struct judgement *j)
{
	const struct auth_ask *ask = j->ask;
	const struct fault *f;
	struct claims c;
	bool known;

	j->answer->strategy = "introspection";
	f = introspect_look(ask, j->credential.value, &c, &known);
	j->answer->costly = ask->waited;
	if (known && f != NULL)
		return f;
	if (known && is_current(j, &c)) {
		j->answer->cached = !ask->waited;
		j->who = c.who;
		j->claims = c;
		return NULL;
	}
	if (known && ask->waited)
		return refuse(j, FAULT_TOKEN_EXPIRED, "introspection: expired");
	if (ask->remote == NULL || ask->waited)
		return introspect_unavailable(ask->arena,
			"introspection: no answer");
	if (ask->tired)
		return too_costly(j);
	j->answer->need = (struct auth_need){ .kind = AUTH_NEED_ANSWER,
		.policy = j->policy, .token = j->credential.value };
	return NULL;
}

/* ---- bearer: token, then jwt, else introspection ------------------ */

static bool
has_two_dots(struct str s)
{
	(void)str_cut(&s, '.');
	(void)str_cut(&s, '.');
	return s.p != NULL && str_find(s, '.') == s.n;
}

static const struct fault *
judge_bearer(struct judgement *j)
{
	const struct fault *f;
	bool known;

	if (j->credential.serves & CREDENTIAL_TOKEN) {
		j->answer->strategy = "token";
		f = judge_key(j, &j->policy->in->tokens, "token", &known);
		if (known)
			return f;
	}
	if ((j->credential.serves & CREDENTIAL_JWT) != 0 &&
	    has_two_dots(j->credential.value)) {
		j->answer->strategy = "jwt";
		return judge_jwt(j, j->credential.value);
	}
	if ((j->credential.serves & CREDENTIAL_OPAQUE) != 0)
		return judge_opaque(j);
	if (j->answer->strategy != NULL)
		return refuse(j, FAULT_INVALID_TOKEN, "unknown token");
	j->answer->strategy = "jwt";
	return as_signature(j->ask->arena, refuse(j, FAULT_INVALID_TOKEN,
		"malformed: not three segments"));
}

static const struct fault *
judge_apikey(struct judgement *j)
{
	const struct fault *f;
	bool known;

	j->answer->strategy = "apikey";
	f = judge_key(j, &j->policy->in->apikeys, "apikey", &known);
	return known ? f : refuse(j, FAULT_INVALID_TOKEN, "unknown key");
}

/* Which of them the credential in the request belongs to. */
static const struct fault *
try_credential(struct judgement *j, uint32_t serves, const char *name)
{
	if (j->credential.state == CREDENTIAL_NONE ||
	    (j->credential.serves & serves) == 0)
		return NULL;
	j->decided = true;
	if (j->credential.state == CREDENTIAL_BAD) {
		j->answer->strategy = name;
		j->answer->violation = "malformed_credential";
		return refuse(j, FAULT_INVALID_TOKEN, "malformed: credential");
	}
	if (serves == CREDENTIAL_APIKEY)
		return judge_apikey(j);
	return judge_bearer(j);
}

/* ---- proxy, local, none ------------------------------------------- */

/* A signed value names the user; who else vouches does not matter.  It stays
 * another principal than the bearer of such a token. */
static const struct fault *
judge_signed(struct judgement *j, const struct proxy_answer *an)
{
	const struct fault *f = judge_jwt(j, an->token);

	j->who.how = an->who.how;
	if (j->who.issuer.n == 0)
		j->who.issuer = an->who.issuer;
	return f;
}

static const struct fault *
try_proxy(struct judgement *j)
{
	struct proxy_answer an;
	const struct fault *f = proxyhdr_read(&j->policy->proxy,
		j->ask->params, j->ask->now_unix_s, j->ask->arena, &an);

	j->answer->untrusted_header = an.untrusted;
	if (f != NULL)
		j->answer->violation = f->kind == FAULT_BAD_IDENTITY ?
			"bad_identity" : "repeated_identity";
	j->answer->nobody = an.nobody;
	if (!an.present)
		return NULL;
	j->answer->strategy = "proxy";
	j->decided = true;
	if (f == NULL && an.token.n > 0)
		return judge_signed(j, &an);
	if (f == NULL)
		j->who = an.who;
	return f;
}

/* The bearer counts; that a proxy says somebody else is worth a line. */
static void
compare_proxy(struct judgement *j)
{
	struct proxy_answer an;

	if (!j->policy->has_proxy || !j->who.authenticated ||
	    j->policy->proxy.format == PROXY_JWT ||
	    str_is(j->who.how, "proxy"))
		return;
	if (proxyhdr_read(&j->policy->proxy, j->ask->params,
		j->ask->now_unix_s, j->ask->arena, &an) == NULL &&
	    an.present && !str_eq(an.who.user, j->who.user))
		j->answer->other = an.who.user;
}

static void
try_anonymous(struct judgement *j, const char *how)
{
	if (j->credential.state != CREDENTIAL_NONE)
		return;
	j->answer->strategy = how;
	j->decided = true;
	j->who = (struct identity_draft){
		.user = STR("anonymous"), .how = str_of(how),
	};
}

static const struct fault *
try_strategy(struct judgement *j, enum strategy s)
{
	switch (s) {
	case STRATEGY_TOKEN:
		return try_credential(j, CREDENTIAL_TOKEN, "token");
	case STRATEGY_JWT:
		return try_credential(j, CREDENTIAL_JWT, "jwt");
	case STRATEGY_INTROSPECTION:
		return try_credential(j, CREDENTIAL_OPAQUE, "introspection");
	case STRATEGY_APIKEY:
		return try_credential(j, CREDENTIAL_APIKEY, "apikey");
	case STRATEGY_PROXY:
		return try_proxy(j);
	case STRATEGY_LOCAL:
		if (j->ask->local)
			try_anonymous(j, "local");
		return NULL;
	case STRATEGY_NONE:
		try_anonymous(j, "none");
		return NULL;
	default:
		return refuse(j, FAULT_SERVER_INVALID, "strategy");
	}
}

static const struct fault *
find_caller(struct judgement *j)
{
	const struct conf_inbound *in = j->policy->in;

	if (j->credential.state == CREDENTIAL_TWICE) {
		j->answer->violation = "repeated_credential";
		return refuse(j, FAULT_TWO_CREDENTIALS, "two places");
	}
	for (uint32_t i = 0; i < in->n_strategies; i++) {
		const struct fault *f = try_strategy(j, in->strategies[i]);

		if (f != NULL || j->decided)
			return f;
	}
	if (j->policy->has_proxy)
		return refuse(j, FAULT_NO_IDENTITY, "no proxy identity");
	return refuse(j, FAULT_UNAUTHENTICATED, "no credential");
}

/* ---- revoked? ----------------------------------------------------- */

/* What was revoked of a JWT that is asked about; any other token: all. */
static struct str
signed_part(struct str token)
{
	size_t n = token.n;

	while (has_two_dots(token) && token.p[n - 1] != '.')
		n--;
	return str_head(token, n > 0 && n < token.n ? n - 1 : n);
}

/* Looked at with each request, also when the verdict is an old one. */
static const struct fault *
check_revoked(const struct judgement *j)
{
	const struct revoked *r = j->ask->revoked;
	const struct claims *c = &j->claims;
	int64_t now = j->ask->now_unix_s;
	bool is_jwt = c->signed_part.v[0] != 0;
	int64_t issued = is_jwt || str_is(j->who.how, "introspection") ?
		c->issued_s : REVOKED_NO_DATE;

	if (!revoked_any(r) || !j->who.authenticated)
		return NULL;
	if (is_jwt && revoked_has(r, c->signed_part, issued, now))
		return refuse(j, FAULT_TOKEN_REVOKED, "revoked: token");
	if (c->has_jti && (revoked_has(r, c->jti, issued, now) ||
	    revoked_has(r, c->jti_any, issued, now)))
		return refuse(j, FAULT_TOKEN_REVOKED, "revoked: jti");
	if (!is_jwt && j->credential.state == CREDENTIAL_GOOD &&
	    (revoked_has(r, revoked_token(j->credential.value), issued, now) ||
	     revoked_has(r, revoked_token(signed_part(j->credential.value)),
	     issued, now)))
		return refuse(j, FAULT_TOKEN_REVOKED, "revoked: token");
	if (revoked_has(r, revoked_user(j->who.user), issued, now))
		return refuse(j, FAULT_TOKEN_REVOKED, "revoked: user");
	return NULL;
}

/* ---- may this caller come in? ------------------------------------- */

/* Deny first; then every list that is configured must admit. */
static bool
is_admitted(const struct conf_inbound *in, const struct identity_draft *w)
{
	if (conf_has_match(&in->deny_users, w->user))
		return false;
	if ((in->allow_users.set || in->allow_users.n > 0) &&
	    !identity_named(&in->allow_users, w->how, w->user))
		return false;
	return (!in->allow_groups.set && in->allow_groups.n == 0) ||
		conf_has_match_among(&in->allow_groups, w->groups,
			w->n_groups);
}

/* Who could still say who he is hears 401, not 403. */
static const struct fault *
check_rules(const struct judgement *j)
{
	const struct conf_inbound *in = j->policy->in;
	bool unknown = !j->who.authenticated && j->policy->wants_credential;

	if (!is_admitted(in, &j->who))
		return refuse(j, unknown ? FAULT_UNAUTHENTICATED :
			FAULT_FORBIDDEN, "user or group");
	for (uint32_t i = 0; i < in->required_scopes.n; i++) {
		if (!str_among(in->required_scopes.v[i], j->who.scopes,
		    j->who.n_scopes))
			return refuse(j, unknown ? FAULT_UNAUTHENTICATED :
				FAULT_INSUFFICIENT_SCOPE, "scope");
	}
	return NULL;
}

/* ---- the judgement ------------------------------------------------ */

/* Also where no strategy asks for it: the caller of this looks whether it is
 * a credential of ours for the upstream. */
static struct str
presented(const struct judgement *j)
{
	struct credential c = j->credential;

	if (c.state == CREDENTIAL_NONE)
		c = credential_read(&j->policy->guard, j->ask->params,
			j->ask->query, j->ask->arena);
	return c.value;
}

/* Nothing that could be wrong was there: who wants less than a credential
 * gives may go on as nobody (publicTools). */
static bool
is_nobody(const struct judgement *j, enum fault_kind kind)
{
	if (j->credential.state != CREDENTIAL_NONE ||
	    j->answer->presented.n > 0 || j->answer->untrusted_header ||
	    conf_has_match(&j->policy->in->deny_users, STR("anonymous")))
		return false;
	return kind == FAULT_UNAUTHENTICATED ||
		(kind == FAULT_NO_IDENTITY && !j->decided);
}

static void
settle_nobody(struct judgement *j)
{
	j->who = (struct identity_draft){ .user = STR("anonymous"),
		.how = STR("none") };
	identity_settle(&j->who, &j->answer->who);
	j->answer->anonymous = true;
}

const struct fault *
auth_judge(const struct auth_ask *ask, struct auth_answer *answer_r)
{
	struct judgement j = { .ask = ask, .policy = ask->policy,
		.answer = answer_r };
	const struct fault *f;

	memset(answer_r, 0, sizeof(*answer_r));
	j.credential = credential_read(&ask->policy->rules, ask->params,
		ask->query, ask->arena);
	answer_r->presented = presented(&j);
	f = find_caller(&j);
	if (answer_r->strategy == NULL)
		answer_r->strategy = names[ask->policy->in->strategies[0]];
	if (f == NULL && answer_r->need.kind != AUTH_NEED_NOTHING)
		return NULL;
	if (f == NULL)
		f = check_revoked(&j);
	if (f == NULL)
		f = check_rules(&j);
	if (f == NULL) {
		compare_proxy(&j);
		identity_settle(&j.who, &answer_r->who);
		return NULL;
	}
	answer_r->proxy_header_missing = f->kind == FAULT_NO_IDENTITY;
	answer_r->challenge = challenge_of(ask->policy->in, f->kind,
		ask->arena);
	if (is_nobody(&j, f->kind))
		settle_nobody(&j);
	else if (j.who.authenticated)
		identity_settle(&j.who, &answer_r->refused);
	return f;
}
