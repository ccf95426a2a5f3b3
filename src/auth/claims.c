/* SPDX-License-Identifier: MIT */
/*
 * claims -- does a token with a good signature mean this gateway, now, and
 * whom does it name
 */
#include "config.h"
#include "auth/claims.h"

#include <math.h>
#include <string.h>

#include "auth/claim.h"
#include "base/arena.h"
#include "base/limits.h"

#define MAX_NUMERIC_DATE 253402300799.0	/* s; the year 9999 ends */
#define MAX_TOKEN_AUDIENCES 64
#define MAX_ISSUER 1024			/* bytes, where none is configured */

/* What the checks of one token share. */
struct check {
	const struct conf_jwt *policy;
	const struct jose *j;
	struct arena *a;
	int64_t now_s;
	struct claims *c;
};

static const struct fault *
refuse(const struct check *k, const char *word)
{
	return fault_new(k->a, FAULT_TOKEN_CLAIMS, "%s", word);
}

/* A load balancer of AWS signs what the user's provider said; what it says
 * itself stands in the header. */
static bool
is_balancer(const struct check *k)
{
	return str_is(k->policy->profile, "aws-alb");
}

static const struct jdoc *
get(const struct check *k, const char *name)
{
	const struct jdoc *d = jdoc_get(k->j->claims, name);

	if (d == NULL && is_balancer(k) && (strcmp(name, "exp") == 0 ||
	    strcmp(name, "iss") == 0))
		d = jdoc_get(k->j->header, name);
	return d;
}

static bool
has(const struct check *k, const char *name)
{
	return get(k, name) != NULL;
}

/* ---- times -------------------------------------------------------- */

bool
claims_begun(const struct claims *c, int64_t leeway_s, int64_t now_s)
{
	return now_s + leeway_s >= c->not_before_s;
}

bool
claims_expired(const struct claims *c, int64_t leeway_s, int64_t now_s)
{
	return now_s - leeway_s >= c->expires_s;
}

/* A NumericDate: false when it is there and is none. */
static bool
read_date(const struct check *k, const char *name, bool *there_r,
	double *date_r)
{
	*there_r = has(k, name);
	if (!*there_r)
		return true;
	return jdoc_number(get(k, name), date_r) && isfinite(*date_r) &&
		*date_r > 0 && *date_r <= MAX_NUMERIC_DATE;
}

static const struct fault *
read_exp(const struct check *k)
{
	bool there;
	double exp = 0;

	if (!read_date(k, "exp", &there, &exp))
		return refuse(k, "exp");
	if (there)
		k->c->expires_s = (int64_t)ceil(exp);
	else if (k->policy->require_exp)
		return refuse(k, "exp");
	return NULL;
}

static const struct fault *
read_nbf(const struct check *k)
{
	bool there;
	double nbf = 0;

	if (!read_date(k, "nbf", &there, &nbf))
		return refuse(k, "nbf");
	if (there)
		k->c->not_before_s = (int64_t)ceil(nbf);
	return NULL;
}

/* With a maximum age the time of issue ends the token, too. */
static const struct fault *
read_iat(const struct check *k)
{
	bool there;
	double iat = 0;
	int64_t begins, ends;

	if (!read_date(k, "iat", &there, &iat))
		return refuse(k, "iat");
	if (!there)
		return k->policy->max_age_s > 0 ? refuse(k, "iat") : NULL;
	begins = (int64_t)ceil(iat);
	if (begins > k->c->not_before_s)
		k->c->not_before_s = begins;
	if (k->policy->max_age_s <= 0)
		return NULL;
	ends = (int64_t)floor(iat) + k->policy->max_age_s + 1;
	if (ends < k->c->expires_s)
		k->c->expires_s = ends;
	return NULL;
}

static const struct fault *
check_times(const struct check *k)
{
	const struct fault *f = read_exp(k);

	if (f == NULL)
		f = read_nbf(k);
	if (f == NULL)
		f = read_iat(k);
	if (f != NULL)
		return f;
	if (claims_expired(k->c, k->policy->leeway_s, k->now_s))
		return fault_new(k->a, FAULT_TOKEN_EXPIRED, "expired");
	if (!claims_begun(k->c, k->policy->leeway_s, k->now_s))
		return refuse(k, "not_yet");
	return NULL;
}

/* ---- from whom, for whom ------------------------------------------ */

static const struct fault *
check_issuer(const struct check *k)
{
	struct str iss;

	if (!has(k, "iss"))
		return k->policy->issuer.n > 0 ? refuse(k, "iss") : NULL;
	if (!jdoc_string(get(k, "iss"), &iss) ||
	    !jose_text_clean(iss, MAX_ISSUER))
		return refuse(k, "iss");
	if (k->policy->issuer.n > 0 && !conf_has_text(&k->policy->issuer, iss))
		return refuse(k, "iss");
	k->c->who.issuer = iss;
	return NULL;
}

/* Every element must be a string, one of them ours. */
static bool
audience_fits(const struct check *k, const struct jdoc *aud)
{
	struct str text;
	bool found = false;

	if (jdoc_string(aud, &text))
		return conf_has_text(&k->policy->audience, text);
	if (aud == NULL || jdoc_type(aud) != JDOC_ARRAY ||
	    jdoc_length(aud) > MAX_TOKEN_AUDIENCES)
		return false;
	for (size_t i = 0; i < jdoc_length(aud); i++) {
		if (!jdoc_string(jdoc_at(aud, i), &text))
			return false;
		found = found || conf_has_text(&k->policy->audience, text);
	}
	return found;
}

/* There is no aud: the client is whom the balancer logs users in for. */
static const struct fault *
check_balancer(const struct check *k)
{
	const struct jdoc *header = k->j->header;
	struct str text;
	double exp = 0;

	if (!jdoc_string(jdoc_get(header, "signer"), &text) ||
	    !str_eq(text, k->policy->signer))
		return refuse(k, "signer");
	if (k->policy->audience.n > 0 &&
	    !(jdoc_string(jdoc_get(header, "client"), &text) &&
	    conf_has_text(&k->policy->audience, text)))
		return refuse(k, "client");
	if (jdoc_get(header, "iss") != NULL && k->policy->issuer.n > 0 &&
	    !(jdoc_string(jdoc_get(header, "iss"), &text) &&
	    conf_has_text(&k->policy->issuer, text)))
		return refuse(k, "iss");
	if (jdoc_get(header, "exp") == NULL)
		return NULL;
	if (!jdoc_number(jdoc_get(header, "exp"), &exp) || !isfinite(exp) ||
	    exp <= 0 || exp > MAX_NUMERIC_DATE)
		return refuse(k, "exp");
	if ((int64_t)ceil(exp) < k->c->expires_s)
		k->c->expires_s = (int64_t)ceil(exp);
	if (claims_expired(k->c, k->policy->leeway_s, k->now_s))
		return fault_new(k->a, FAULT_TOKEN_EXPIRED, "expired");
	return NULL;
}

static const struct fault *
check_audience(const struct check *k)
{
	if (is_balancer(k))
		return check_balancer(k);
	if (k->policy->audience.n > 0 && !audience_fits(k, get(k, "aud")))
		return refuse(k, "aud");
	return NULL;
}

/* ---- what kind of token ------------------------------------------- */

/* An ID token is no access token, a bound token no bearer token; nor is what
 * tells of an event (RFC 8417), a logout for one, whose typ need not say so. */
static const struct fault *
check_kind(const struct check *k)
{
	if (jdoc_type(get(k, "events")) == JDOC_OBJECT)
		return refuse(k, "events");
	if (has(k, "at_hash") || has(k, "c_hash"))
		return refuse(k, "id_token");
	if (has(k, "nonce") && !k->policy->allow_nonce)
		return refuse(k, "nonce");
	if (has(k, "cnf"))
		return refuse(k, "cnf");
	return NULL;
}

static const struct fault *
check_jti(const struct check *k)
{
	struct str jti;

	if (!has(k, "jti"))
		return k->policy->require_jti ? refuse(k, "jti") : NULL;
	if (!jdoc_string(get(k, "jti"), &jti) ||
	    !jose_text_clean(jti, MAX_IDENTITY))
		return refuse(k, "jti");
	return NULL;
}

static const struct fault *
check_profile(const struct check *k)
{
	static const char *const needed[] = { "iss", "exp", "aud", "sub",
		"client_id", "iat", "jti" };
	struct str text;

	if (!str_is(k->policy->profile, "rfc9068"))
		return NULL;
	if (k->j->typ != JOSE_TYP_ACCESS)
		return refuse(k, "typ");
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!has(k, needed[i]))
			return refuse(k, needed[i]);
	}
	if (!jdoc_string(get(k, "sub"), &text) || text.n == 0)
		return refuse(k, "sub");
	if (!jdoc_string(get(k, "client_id"), &text) || text.n == 0)
		return refuse(k, "client_id");
	return NULL;
}

/* ---- configured claims -------------------------------------------- */

/* A name that stands there several times: any of its values will do. */
static bool
claim_fits(const struct check *k, struct str name)
{
	const struct conf_pairs *pairs = &k->policy->claims;
	const struct jdoc *d = get(k, str_copy(k->a, name).p);

	for (uint32_t i = 0; i < pairs->n; i++) {
		if (str_eq(pairs->v[i].name, name) &&
		    claim_has_value(d, secret_reveal(pairs->v[i].value),
		    k->a))
			return true;
	}
	return false;
}

static const struct fault *
check_configured(const struct check *k)
{
	for (uint32_t i = 0; i < k->policy->claims.n; i++) {
		struct str name = k->policy->claims.v[i].name;

		if (!claim_fits(k, name))
			return fault_new(k->a, FAULT_TOKEN_CLAIMS,
				"claim %.*s", STR_ARG(str_head(name, 64)));
	}
	return NULL;
}

/* ---- whom it names ------------------------------------------------ */

/* The first of the configured names that holds a string with something in
 * it; that one must be a good name, or nobody is named. */
static const struct fault *
read_user(const struct check *k)
{
	static const struct str preset[] = { { "sub", 3 } };
	const struct conf_texts *names = &k->policy->identity_claim;
	const struct str *v = names->n > 0 ? names->v : preset;
	uint32_t n = names->n > 0 ? names->n : 1;
	struct str user;

	for (uint32_t i = 0; i < n; i++) {
		if (!jdoc_string(get(k, str_copy(k->a, v[i]).p), &user) ||
		    user.n == 0)
			continue;
		if (!jose_text_clean(user, MAX_IDENTITY))
			return refuse(k, "sub");
		k->c->who.user = user;
		return NULL;
	}
	return refuse(k, "sub");
}

static const struct jdoc *
first_present(const struct check *k, const struct conf_texts *names,
	const char *const presets[2])
{
	for (uint32_t i = 0; i < names->n; i++) {
		const char *name = str_copy(k->a, names->v[i]).p;

		if (has(k, name))
			return get(k, name);
	}
	for (int i = 0; i < 2 && names->n == 0; i++) {
		if (presets[i] != NULL && has(k, presets[i]))
			return get(k, presets[i]);
	}
	return NULL;
}

static const struct fault *
read_list(const struct check *k, const struct jdoc *d, bool cut,
	struct str *words, uint32_t *n_r)
{
	if (!claim_words(d, cut, words, n_r))
		return refuse(k, cut ? "scope: too many" : "groups: too many");
	for (uint32_t i = 0; i < *n_r; i++) {
		if (!jose_text_clean(words[i], MAX_IDENTITY))
			return refuse(k, cut ? "scope" : "groups");
	}
	return NULL;
}

static const struct fault *
read_lists(const struct check *k)
{
	static const char *const scope_names[] = { "scope", "scp" };
	static const char *const group_names[] = { "groups", NULL };
	struct str *scopes = ARENA_ARRAY(k->a, struct str, MAX_GROUPS + 1);
	struct str *groups = ARENA_ARRAY(k->a, struct str, MAX_GROUPS + 1);
	struct identity_draft *w = &k->c->who;
	const struct fault *f;

	w->scopes = scopes;
	w->groups = groups;
	f = read_list(k, first_present(k, &k->policy->scope_claim,
		scope_names), true, scopes, &w->n_scopes);
	if (f == NULL)
		f = read_list(k, first_present(k, &k->policy->groups_claim,
			group_names), false, groups, &w->n_groups);
	return f;
}

/* Only for people to read; a bad one is none. */
static void
read_email(const struct check *k)
{
	struct str email;
	bool verified = true;

	if (has(k, "email_verified") &&
	    !jdoc_bool(get(k, "email_verified"), &verified))
		return;
	if (verified && jdoc_string(get(k, "email"), &email) &&
	    jose_text_clean(email, MAX_IDENTITY))
		k->c->who.email = email;
}

/* By what it can be revoked: never by the bytes of the token itself, which
 * may be spelled in many ways. */
static void
name_token(const struct check *k)
{
	struct claims *c = k->c;
	struct str jti;
	double iat;
	bool there;

	if (k->j->signing.n > 0)
		c->signed_part = revoked_token(k->j->signing);
	c->has_jti = jdoc_string(get(k, "jti"), &jti);
	if (c->has_jti) {
		c->jti = revoked_jti(c->who.issuer, jti);
		c->jti_any = revoked_jti_any(jti);
	}
	c->issued_s = REVOKED_NO_DATE;
	if (read_date(k, "iat", &there, &iat) && there)
		c->issued_s = (int64_t)floor(iat);
}

/* In this order; the first that says no decides. */
static const struct fault *(*const checks[])(const struct check *) = {
	check_times, check_issuer, check_audience, check_kind, check_jti,
	check_profile, check_configured, read_user, read_lists,
};

const struct fault *
claims_check(const struct conf_jwt *policy, const struct jose *j,
	int64_t now_unix_s, struct arena *a, struct claims *c_r)
{
	struct claims c = {
		.who = { .how = STR("jwt"), .authenticated = true },
		.not_before_s = INT64_MIN, .expires_s = INT64_MAX,
	};
	const struct check k = { policy, j, a, now_unix_s, &c };

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const struct fault *f = checks[i](&k);

		if (f != NULL)
			return f;
	}
	read_email(&k);
	claim_note_pairs(&policy->asked, j->claims, a, &c.who);
	name_token(&k);
	*c_r = c;
	return NULL;
}

const struct fault *
claims_shared(const struct conf_jwt *policy, const struct jdoc *answer,
	int64_t now_unix_s, struct arena *a, struct claims *c_r)
{
	const struct jose j = { .claims = (struct jdoc *)(uintptr_t)answer };
	const struct check k = { policy, &j, a, now_unix_s, c_r };
	const struct fault *f;

	c_r->not_before_s = INT64_MIN;
	c_r->expires_s = INT64_MAX;
	f = check_times(&k);
	if (f == NULL)
		f = check_audience(&k);
	if (f == NULL)
		f = read_lists(&k);
	if (f != NULL)
		return f;
	read_email(&k);
	claim_note_pairs(&policy->asked, answer, a, &c_r->who);
	name_token(&k);
	return NULL;
}
