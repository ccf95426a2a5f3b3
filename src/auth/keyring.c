/* SPDX-License-Identifier: MIT */
/*
 * keyring -- the fetched keys of one policy, ready to verify
 */
#include "config.h"
#include "auth/keyring.h"

#include <string.h>

#include "auth/claims.h"
#include "auth/jwks.h"
#include "auth/keyfetch.h"
#include "base/arena.h"
#include "base/limits.h"
#include "http/url.h"

#define ACCESS_CERTS "/cdn-cgi/access/certs"
#define ALB_KEYS "https://public-keys.auth.elb.%.*s.amazonaws.com/"
#define MAX_REGION 32		/* bytes */
#define MAX_RETRY_S 30		/* what Retry-After says at most */

/* One set, and the table this worker has made of it. */
struct source {
	struct key_place place;
	struct str issuer;		/* whose tokens; "" : all */
	struct arena *arena;		/* of the table; NULL: none yet */
	struct jwk_table table;
	uint64_t epoch;
};

struct keyring {
	const struct conf_inbound *in;
	uint32_t algs;
	enum jws_backend backend;
	struct source *v;
	uint32_t n;
};

/* ---- where the keys are --------------------------------------------------- */

static void
name_place(struct key_place *p)
{
	static const struct str kinds[] = { [KEY_SET] = { "set", 3 },
		[KEY_DISCOVERED] = { "discovered", 10 },
		[KEY_PEM] = { "pem", 3 } };
	uint8_t d[SHA256_SIZE] = { 0 };

	digest_mix(d, kinds[p->kind]);
	digest_mix(d, p->url);
	digest_mix(d, p->ca_file);
	digest_mix(d, p->proxy != NULL ? p->proxy->url : STR(""));
	digest_mix(d, p->proxy != NULL ? p->proxy->username : STR(""));
	digest_mix(d, p->proxy != NULL ? p->proxy->noproxy : STR(""));
	for (uint32_t i = 0; p->hosts != NULL && i < p->hosts->n; i++)
		digest_mix(d, p->hosts->v[i]);
	memcpy(p->name, d, sizeof(p->name));
}

/* That of the server whose rules these are. */
const struct conf_outproxy *
keyring_outproxy(const struct conf *c, const struct conf_inbound *in)
{
	for (uint32_t i = 0; i < c->n_servers; i++) {
		if (&c->servers[i].options.inbound == in)
			return &c->servers[i].options.proxy;
	}
	return &c->options.proxy;
}

static struct str
shorn(struct str url)
{
	while (url.n > 0 && url.p[url.n - 1] == '/')
		url.n--;
	return url;
}

static bool
is_region(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return s.n > 0 && s.n <= MAX_REGION;
}

static const struct fault *
invalid(struct arena *a, const char *why)
{
	return fault_new(a, FAULT_SERVER_INVALID, "inboundAuth: %s", why);
}

static void
add(struct keyring *r, const struct key_place *p, struct str issuer)
{
	struct source *s = &r->v[r->n++];

	s->place = *p;
	s->issuer = issuer;
	name_place(&s->place);
}

/* The keys of a load balancer lie below one URL, each by its kid. */
static const struct fault *
add_balancer(struct keyring *r, struct key_place p, struct arena *a)
{
	const struct conf_jwt *jwt = &r->in->jwt;

	p.kind = KEY_PEM;
	if (jwt->jwks_url.n > 0)
		p.url = str_fmt(a, "%.*s/", STR_ARG(shorn(jwt->jwks_url)));
	else if (is_region(jwt->region))
		p.url = str_fmt(a, ALB_KEYS, STR_ARG(jwt->region));
	else
		return invalid(a, "jwt.region is not a region");
	add(r, &p, STR(""));
	return NULL;
}

static const struct fault *
add_issuers(struct keyring *r, struct key_place p, struct arena *a)
{
	const struct conf_jwt *jwt = &r->in->jwt;
	bool access = str_is(jwt->profile, "cloudflare");
	struct url u;

	for (uint32_t i = 0; i < jwt->issuer.n; i++) {
		struct str issuer = jwt->issuer.v[i];

		if (!url_parse(issuer, &u) ||
		    (!str_is(u.scheme, "https") && !u.loopback &&
		    !jwt->allow_insecure))
			return invalid(a, "jwt.issuer is not an https URL");
		p.kind = access ? KEY_SET : KEY_DISCOVERED;
		p.url = access ? str_fmt(a, "%.*s" ACCESS_CERTS,
			STR_ARG(shorn(issuer))) : issuer;
		add(r, &p, issuer);
	}
	return r->n > 0 ? NULL : invalid(a, "no source of keys");
}

static void
free_tables(void *who)
{
	struct keyring *r = who;

	for (uint32_t i = 0; i < r->n; i++)
		arena_free(r->v[i].arena);
}

const struct fault *
keyring_new(const struct keyring_plan *p, struct arena *a,
	struct keyring **r_r)
{
	struct keyring *r = ARENA_NEW(a, struct keyring);
	const struct conf_jwt *jwt = &p->in->jwt;
	struct key_place place = { .kind = KEY_SET, .url = jwt->jwks_url,
		.proxy = keyring_outproxy(p->conf, p->in),
		.ca_file = p->conf->ca_file, .hosts = &jwt->jwks_hosts,
		.stale_us = (uint64_t)jwt->max_stale_s * 1000000 };
	const struct fault *f = NULL;

	*r = (struct keyring){ .in = p->in, .algs = p->algs,
		.backend = p->backend };
	r->v = ARENA_ARRAY(a, struct source, jwt->issuer.n + 1);
	arena_defer(a, free_tables, r);
	if (str_is(jwt->profile, "aws-alb"))
		f = add_balancer(r, place, a);
	else if (jwt->jwks_url.n > 0)
		add(r, &place, STR(""));
	else
		f = add_issuers(r, place, a);
	*r_r = r;
	return f;
}

/* ---- the table of this worker --------------------------------------------- */

/* The shared set; false: nobody can have one. */
static bool
open_set(const struct source *s, const struct auth_ask *ask,
	struct keyset *k_r)
{
	if (ask->remote != NULL)
		return keyfetch_set(auth_remote_keys(ask->remote), &s->place,
			k_r);
	if (ask->segment == NULL || !keyset_open(ask->segment,
	    s->place.name, s->place.url, keyset_now_us(), k_r))
		return false;
	k_r->stale_us = s->place.stale_us;
	return true;
}

/* A new table for a new document, unless that is being written just now. */
static void
rebuild(const struct keyring *r, struct source *s, const struct keyset *k)
{
	struct arena *a = arena_new(MIB(4));
	const struct fault *f = NULL;
	struct jwk_table t;
	struct str document;
	uint64_t epoch;
	bool read = keyset_read(k, a, &document, &epoch);

	if (read && s->place.kind == KEY_PEM)
		f = jwks_pem_table(a, document, r->algs, &t);
	else if (read)
		f = jwk_table_parse(a, document, r->algs, &t);
	if (!read || f != NULL) {
		arena_free(a);
		return;
	}
	arena_free(s->arena);
	s->arena = a;
	s->table = t;
	s->epoch = epoch;
}

/* What there is now.  usable: the table may be used. */
static struct keyset_state
look(const struct keyring *r, struct source *s, const struct auth_ask *ask)
{
	struct keyset_state state = { 0 };
	struct keyset k;

	if (!open_set(s, ask, &k) ||
	    !keyset_look(&k, keyset_now_us(), &state))
		return state;
	if (state.usable && state.epoch != s->epoch)
		rebuild(r, s, &k);
	state.usable = state.usable && state.epoch == s->epoch;
	return state;
}

void
keyring_digest(const struct keyring *r, const struct auth_ask *ask,
	const uint8_t digest[SHA256_SIZE], uint8_t digest_r[SHA256_SIZE])
{
	memmove(digest_r, digest, SHA256_SIZE);
	for (uint32_t i = 0; i < r->n; i++) {
		struct keyset_state s = { 0 };
		struct keyset k;

		digest_mix(digest_r, (struct str){
			(const char *)r->v[i].place.name, KEYSET_NAME });
		if (!open_set(&r->v[i], ask, &k) ||
		    !keyset_look(&k, keyset_now_us(), &s) || !s.usable)
			s.epoch = 0;
		digest_mix(digest_r, (struct str){ (const char *)&s.epoch,
			sizeof(s.epoch) });
	}
}

/* ---- verifying ------------------------------------------------------------ */

static struct source *
source_of(const struct keyring *r, const struct jose *j)
{
	struct str iss;

	if (r->n == 1 && r->v[0].issuer.n == 0)
		return &r->v[0];
	if (!jdoc_string(jdoc_get(j->claims, "iss"), &iss))
		return NULL;
	for (uint32_t i = 0; i < r->n; i++) {
		if (str_eq(r->v[i].issuer, iss))
			return &r->v[i];
	}
	return NULL;
}

static const struct fault *
refuse(const struct auth_ask *ask, const char *why)
{
	return fault_new(ask->arena, FAULT_TOKEN_SIGNATURE, "%s", why);
}

/* Would it be refused even if the signature were good?  Then nobody need
 * know who has signed it. */
static const struct fault *
check_worth(const struct keyring *r, const struct auth_ask *ask,
	const struct jose *j)
{
	struct claims c;
	const struct fault *f = claims_check(&r->in->jwt, j, ask->now_unix_s,
		ask->arena, &c);

	return f != NULL ? fault_new(ask->arena, FAULT_TOKEN_SIGNATURE,
		"unverified: %s", f->detail) : NULL;
}

static const struct fault *
unavailable(const struct auth_ask *ask, const struct source *s,
	const struct keyset_state *state)
{
	uint64_t now_us = keyset_now_us(), left_s = 0;
	struct fault *f = fault_new(ask->arena, FAULT_AUTH_UNAVAILABLE,
		"no keys of %.*s", STR_ARG(url_for_log(ask->arena,
		s->place.url)));

	if (state->rest_us > now_us)
		left_s = (state->rest_us - now_us + 999999) / 1000000;
	f->retry_after_s = left_s == 0 ? 1 : left_s > MAX_RETRY_S ?
		MAX_RETRY_S : (uint32_t)left_s;
	return f;
}

static const struct fault *
want(const struct source *s, const struct auth_ask *ask,
	const struct jose *j, bool missing, struct auth_need *need_r)
{
	struct key_wish *w = ARENA_NEW(ask->arena, struct key_wish);

	*w = (struct key_wish){ &s->place, j->kid, missing };
	*need_r = (struct auth_need){ .kind = AUTH_NEED_KEYS,
		.policy = ask->policy, .keys = w };
	return NULL;
}

const struct fault *
keyring_verify(struct keyring *r, const struct auth_ask *ask,
	const struct jose *j, struct auth_need *need_r)
{
	struct source *s = source_of(r, j);
	bool may_wait = ask->remote != NULL && !ask->waited, lacks;
	struct keyset_state state;
	const struct fault *f;

	if (s == NULL)
		return refuse(ask, "iss");
	if (s->place.kind == KEY_PEM && !jwks_pem_kid(j->kid))
		return refuse(ask, "malformed: kid");
	state = look(r, s, ask);
	lacks = state.usable && jws_lacks(&s->table, j);
	if (!state.usable || lacks) {
		f = check_worth(r, ask, j);
		if (f != NULL)
			return f;
		if (may_wait)
			return want(s, ask, j, lacks, need_r);
		return lacks ? refuse(ask, "kid_unknown") :
			unavailable(ask, s, &state);
	}
	if (state.overdue && may_wait && keyset_now_us() >= state.rest_us)
		return want(s, ask, j, false, need_r);
	return jws_verify(&s->table, r->backend, j, ask->arena);
}
