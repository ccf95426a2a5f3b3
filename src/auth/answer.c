/* SPDX-License-Identifier: MIT */
/*
 * answer -- what an introspection endpoint says about a token
 */
#include "config.h"
#include "auth/answer.h"

#include "base/arena.h"
#include "base/limits.h"

#define MAX_ISSUER 1024			/* bytes */

static const struct jdoc_limits limits = { .depth = 16, .values = 5000 };

static bool
has(const struct jdoc *d, const char *name)
{
	return jdoc_get(d, name) != NULL;
}

static const struct fault *
refuse(struct arena *a, const char *word)
{
	return fault_new(a, FAULT_TOKEN_CLAIMS, "%s", word);
}

/* The text is an object, or there is no answer; then it may be a bad one. */
static const struct fault *
parse(struct str body, struct arena *a, const struct jdoc **d_r)
{
	struct jdoc_report report = { 0 };
	enum jdoc_verdict v = jdoc_check(a, body, JDOC_STRICT, &limits,
		&report);

	if (v == JDOC_SYNTAX)
		return fault_new(a, FAULT_AUTH_UNAVAILABLE,
			"introspection: not JSON");
	if (report.top != JDOC_OBJECT)
		return fault_new(a, FAULT_AUTH_UNAVAILABLE,
			"introspection: not an object");
	if (v == JDOC_UNSAFE)
		return fault_new(a, FAULT_INVALID_TOKEN, "answer: %s",
			report.why != NULL ? report.why : "unsafe");
	*d_r = jdoc_parse(a, body, JDOC_STRICT, &limits, &report);
	if (*d_r == NULL)
		return fault_new(a, FAULT_AUTH_UNAVAILABLE,
			"introspection: not JSON");
	return NULL;
}

static const struct fault *
check_issuer(const struct conf_jwt *rules, const struct jdoc *d,
	struct arena *a, struct claims *c)
{
	const struct jdoc *iss = jdoc_get(d, "iss");
	struct str text;

	if (!has(d, "iss"))
		return NULL;
	if (!jdoc_string(iss, &text) || !jose_text_clean(text, MAX_ISSUER))
		return refuse(a, "iss");
	if (rules->issuer.n > 0 && !str_eq(rules->issuer.v[0], text))
		return refuse(a, "iss");
	c->who.issuer = text;
	return NULL;
}

/* For bearers, and not bound to a key of somebody. */
static const struct fault *
check_kind(const struct jdoc *d, struct arena *a)
{
	struct str type;

	if (has(d, "token_type") &&
	    (!jdoc_string(jdoc_get(d, "token_type"), &type) ||
	     !str_is_nocase(type, "Bearer")))
		return refuse(a, "token_type");
	return has(d, "cnf") ? refuse(a, "cnf") : NULL;
}

/* The first that is there counts, and must be a name. */
static const struct fault *
read_user(const struct conf_jwt *rules, const struct jdoc *d,
	struct arena *a, struct claims *c)
{
	static const char *const more[] = { "username", "client_id" };
	uint32_t own = rules->identity_claim.n;

	c->who.user = STR(ANSWER_NAMELESS);
	for (uint32_t i = 0; i < own + 2; i++) {
		const char *name = i >= own ? more[i - own] :
			str_copy(a, rules->identity_claim.v[i]).p;

		if (!has(d, name))
			continue;
		if (!jdoc_string(jdoc_get(d, name), &c->who.user) ||
		    !jose_text_clean(c->who.user, MAX_IDENTITY) ||
		    str_is(c->who.user, ANSWER_NAMELESS))
			return refuse(a, "sub");
		return NULL;
	}
	return NULL;
}

const struct fault *
answer_read(const struct conf_jwt *rules, struct str body,
	int64_t now_unix_s, struct arena *a, struct claims *c_r)
{
	struct claims c = { .who = { .how = STR("introspection"),
		.authenticated = true } };
	const struct jdoc *d = NULL;
	const struct fault *f = parse(body, a, &d);
	bool active = false;

	if (f != NULL)
		return f;
	if (!jdoc_bool(jdoc_get(d, "active"), &active) || !active)
		return fault_new(a, FAULT_INVALID_TOKEN, "inactive");
	f = check_issuer(rules, d, a, &c);
	if (f == NULL)
		f = check_kind(d, a);
	if (f == NULL)
		f = read_user(rules, d, a, &c);
	if (f == NULL)
		f = claims_shared(rules, d, now_unix_s, a, &c);
	if (f == NULL)
		*c_r = c;
	return f;
}

static const struct str *
copy_list(struct arena *a, const struct str *v, uint32_t n)
{
	struct str *copy = ARENA_ARRAY(a, struct str, n);

	for (uint32_t i = 0; i < n; i++)
		copy[i] = str_copy(a, v[i]);
	return copy;
}

void
answer_copy(struct arena *a, const struct claims *c, struct claims *c_r)
{
	struct identity_draft *w = &c_r->who;

	*c_r = *c;
	w->how = str_copy(a, w->how);
	w->user = str_copy(a, w->user);
	w->issuer = str_copy(a, w->issuer);
	w->email = str_copy(a, w->email);
	w->groups = copy_list(a, w->groups, w->n_groups);
	w->scopes = copy_list(a, w->scopes, w->n_scopes);
	w->claims = copy_list(a, w->claims, w->n_claims);
}
