/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl token verify: what the gateway would say to a token
 *
 * Judged by the same code, with the keys of the configuration and those that
 * the workers have fetched; nothing is fetched here.
 * Secrets: the token comes from standard input and is not shown.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "auth/auth.h"
#include "auth/keys.h"
#include "auth/policy.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "main/ctl.h"

#define MAX_TEXT KIB(64)
#define NEGATIVE 1		/* exit status of a token that is refused */

struct finding {
	struct auth_answer answer;
	struct jose jose;		/* is_jwt */
	bool is_jwt;
	int key;			/* index; -1: fetched */
	int64_t expires_s;		/* INT64_MAX: never, or not known */
};

/* ---- asking ------------------------------------------------------------------- */
/* A request with the token in one of the places where this server looks. */
static const struct fault *
ask(struct ctl *c, const struct auth_ask *how,
	const struct credential_place *place, struct str token,
	struct auth_answer *answer_r)
{
	struct auth_ask it = *how;
	struct params t;

	params_init(&t, c->arena, 1);
	if (place->prefix.n > 0)
		token = str_fmt(c->arena, "%.*s %.*s", STR_ARG(place->prefix),
			STR_ARG(token));
	params_add(&t, place->variable, token);
	it.params = &t;
	return auth_judge(&it, answer_r);
}

/* Who cannot say knows less than who knows why not, and both know more than
 * who has never seen it. */
static int
worth(const struct fault *f)
{
	if (f == NULL)
		return 0;
	if (f->kind == FAULT_AUTH_UNAVAILABLE)
		return 2;
	return f->kind == FAULT_INVALID_TOKEN ? 1 : 3;
}

/* The places one after the other: the first that lets it in, or who knows
 * best why not. */
static const struct fault *
ask_all(struct ctl *c, const struct auth_ask *how, struct str token,
	struct auth_answer *answer_r)
{
	const struct credential_rules *r = &how->policy->rules;
	const struct fault *refused = NULL;

	for (uint32_t i = 0; i < r->n; i++) {
		const struct fault *f = ask(c, how, &r->places[i], token,
			answer_r);

		if (f == NULL)
			return NULL;
		if (worth(f) > worth(refused))
			refused = f;
	}
	return refused;
}

/* Which key of the configuration it was. */
static int
find_key(const struct auth_policy *p, const struct jose *j, struct arena *a)
{
	for (uint32_t i = 0; p->keys != NULL && i < p->keys->n; i++) {
		struct jwk_table one = { .arena = a, .v = &p->keys->v[i],
			.n = 1, .has_kids = p->keys->has_kids };

		if (jws_verify(&one, JWS_OPENSSL, j, a) == NULL)
			return (int)i;
	}
	return -1;
}

static void
look_up(const struct conf_keys *keys, struct str token, struct finding *f)
{
	uint32_t i;

	if (keys_find(keys, token, clock_unix_s(), &i) != KEYS_MATCH)
		return;
	f->key = (int)i;
	if (keys->v[i].expires_unix_s > 0)
		f->expires_s = keys->v[i].expires_unix_s;
}

/* More about a token that is good. */
static void
look_closer(struct ctl *c, const struct auth_policy *p, struct str token,
	struct finding *f)
{
	const char *how = f->answer.strategy;
	double when;

	if (strcmp(how, "token") == 0)
		look_up(&p->in->tokens, token, f);
	else if (strcmp(how, "apikey") == 0)
		look_up(&p->in->apikeys, token, f);
	if (strcmp(how, "jwt") != 0)
		return;
	f->is_jwt = jose_parse(c->arena, token, &p->jose, &f->jose) == NULL;
	if (!f->is_jwt)
		return;
	f->key = find_key(p, &f->jose, c->arena);
	if (jdoc_number(jdoc_get(f->jose.claims, "exp"), &when) && when < 4e15)
		f->expires_s = (int64_t)when;
}

/* Who was sent away is told, too. */
static struct revoked *
open_revoked(struct ctl *c)
{
	const char *why = "";

	return revoked_open(c->segment, ctl_journal(c), c->arena, &why);
}

/* ---- telling ------------------------------------------------------------------ */
static int
say_no(struct ctl *c, const struct fault *f)
{
	struct buf b = buf_new(c->arena, MAX_TEXT);
	int rc;

	if (c->json) {
		buf_fmt(&b, "{\"valid\":false,\"reason\":\"%s\",\"detail\":\"",
			fault_reason(f->kind));
		buf_json(&b, str_of(f->detail));
		buf_add_c(&b, "\"}\n");
	} else {
		buf_fmt(&b, "not valid: %s (%s)\n", fault_reason(f->kind),
			f->detail);
	}
	rc = ctl_print(c, &b);
	if (rc != EX_OK)
		return rc;
	return f->kind == FAULT_AUTH_UNAVAILABLE ? EX_UNAVAILABLE : NEGATIVE;
}

static void
put_list(struct buf *b, const char *key, const struct str *v, uint32_t n,
	bool json)
{
	buf_fmt(b, json ? ",\"%s\":[" : "%-9s", key);
	for (uint32_t i = 0; i < n; i++) {
		if (json)
			buf_add_c(b, i > 0 ? ",\"" : "\"");
		else if (i > 0)
			buf_char(b, ' ');
		if (json)
			buf_json(b, v[i]);
		else
			buf_add(b, v[i]);
		if (json)
			buf_char(b, '"');
	}
	buf_add_c(b, json ? "]" : n > 0 ? "\n" : "-\n");
}

static void
put_json(struct buf *b, const struct finding *f)
{
	const struct identity *w = &f->answer.who;

	buf_add_c(b, "{\"valid\":true");
	buf_member(b, "user", w->user);
	buf_member(b, "strategy", str_of(f->answer.strategy));
	buf_member(b, "issuer", w->issuer);
	if (f->is_jwt) {
		buf_member(b, "alg", str_of(jose_alg_name(f->jose.alg)));
		buf_member(b, "kid", f->jose.kid);
	}
	if (f->key >= 0)
		buf_fmt(b, ",\"key\":%d", f->key);
	put_list(b, "groups", w->groups, w->n_groups, true);
	put_list(b, "scopes", w->scopes, w->n_scopes, true);
	if (f->expires_s != INT64_MAX)
		buf_fmt(b, ",\"expiresAt\":%" PRId64 "}\n", f->expires_s);
	else
		buf_add_c(b, ",\"expiresAt\":null}\n");
}

static void
put_key(struct buf *b, const struct finding *f)
{
	if (!f->is_jwt && f->key < 0)
		return;
	buf_add_c(b, "key     ");
	if (f->key >= 0)
		buf_fmt(b, " number %d", f->key);
	if (f->is_jwt)
		buf_fmt(b, " %s", jose_alg_name(f->jose.alg));
	if (f->is_jwt && f->jose.kid.n > 0)
		buf_fmt(b, " kid %.*s", STR_ARG(f->jose.kid));
	buf_char(b, '\n');
}

static void
put_text(struct buf *b, const struct finding *f)
{
	const struct identity *w = &f->answer.who;
	char stamp[CLOCK_STAMP];

	buf_fmt(b, "valid\nuser     %.*s\nstrategy %s\n", STR_ARG(w->user),
		f->answer.strategy);
	put_key(b, f);
	if (w->issuer.n > 0)
		buf_fmt(b, "issuer   %.*s\n", STR_ARG(w->issuer));
	put_list(b, "groups", w->groups, w->n_groups, false);
	put_list(b, "scopes", w->scopes, w->n_scopes, false);
	if (f->expires_s == INT64_MAX)
		return;
	clock_stamp(f->expires_s * 1000, stamp);
	buf_fmt(b, "expires  %.19sZ, in %" PRId64 " s\n", stamp,
		f->expires_s - clock_unix_s());
}

/* ---- the verb ------------------------------------------------------------------ */
static int
judge(struct ctl *c, struct auth_policy *p, struct str token)
{
	struct finding f = { .key = -1, .expires_s = INT64_MAX };
	struct buf b = buf_new(c->arena, MAX_TEXT);
	struct revoked *gone = open_revoked(c);
	const struct fault *fault;

	p->verdict_ttl_s = 0;		/* the token itself is looked at */
	fault = ask_all(c, &(struct auth_ask){ .policy = p, .waited = true,
		.segment = c->segment, .revoked = gone, .arena = c->arena,
		.now_unix_s = clock_unix_s() }, token, &f.answer);
	revoked_close(gone);
	if (fault != NULL)
		return say_no(c, fault);
	look_closer(c, p, token, &f);
	if (c->json)
		put_json(&b, &f);
	else
		put_text(&b, &f);
	return ctl_print(c, &b);
}

/* A state file is only needed for keys that workers have fetched. */
static void
open_state(struct ctl *c)
{
	const char *why = "";

	c->segment = segment_open(ctl_state(c), SEGMENT_READ_ONLY, c->arena,
		&why);
}

int
ctl_verify(struct ctl *c)
{
	const char *name = c->given[CTL_SERVER], *text;
	const struct conf_server *s = NULL;
	const struct conf_inbound *in;
	struct auth_policy *p = NULL;
	const struct fault *f;
	int rc;

	if (c->n_words == 3 && strcmp(c->words[2], "-") != 0)
		return ctl_fail(EX_USAGE, "usage: token verify [-], with the "
			"token on standard input");
	ctl_load(c);
	if (c->gen == NULL)
		return ctl_fail(EX_CONFIG, "the rules are not known without "
			"the configuration: %.*s", STR_ARG(c->why_no_conf));
	if (name != NULL)
		s = ctl_server(c, name);
	if (name != NULL && s == NULL)
		return ctl_fail(EX_DATAERR, "there is no server '%s'", name);
	rc = ctl_read_secret(c, "-", &text);
	if (rc != EX_OK)
		return rc;
	in = s != NULL ? &s->options.inbound :
		&conf_tree(c->gen)->options.inbound;
	f = auth_policy_new(conf_tree(c->gen), in, s != NULL ? s->name :
		STR("gateway"), c->arena, &p);
	if (f != NULL)
		return ctl_fail(EX_CONFIG, "%s", f->detail);
	if (p->rules.n == 0)
		return ctl_fail(EX_CONFIG, "no token is asked for here");
	open_state(c);
	return judge(c, p, str_of(text));
}
