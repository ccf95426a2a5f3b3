/* SPDX-License-Identifier: MIT */
/*
 * keyop -- one attempt to fetch a key set, from its place to a document
 */
#include "config.h"
#include "auth/keyop.h"

#include "auth/discovery.h"
#include "auth/jwks.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"

#define FIRST_RETRY_S 15	/* doubled at each failure of a refresh */
#define LAST_RETRY_S 300

struct keyop {
	struct arena *arena;
	struct keyop_plan plan;
	struct key_place place;
	uint64_t until_ms;
	struct fetch *fetch;		/* one of both, or none */
	struct discovery *discovery;
	struct str kids[JWKS_PEM_KEYS];	/* KEY_PEM: still to be fetched */
	uint32_t n_kids;
	uint32_t n_got;			/* of them, so far */
	bool wanted;			/* they are new, and may not be there */
	struct str list;
	struct keyop_result result;
};

/* ---- places --------------------------------------------------------------- */

static const struct conf_texts *
copy_texts(struct arena *a, const struct conf_texts *t)
{
	struct conf_texts *copy = ARENA_NEW(a, struct conf_texts);
	struct str *v;

	if (t == NULL)
		return NULL;
	v = ARENA_ARRAY(a, struct str, t->n);
	for (uint32_t i = 0; i < t->n; i++)
		v[i] = str_copy(a, t->v[i]);
	*copy = (struct conf_texts){ v, t->n, t->set };
	return copy;
}

static const struct conf_outproxy *
copy_proxy(struct arena *a, const struct conf_outproxy *p)
{
	struct conf_outproxy *copy = ARENA_NEW(a, struct conf_outproxy);

	if (p == NULL)
		return NULL;
	*copy = *p;
	copy->url = str_copy(a, p->url);
	copy->username = str_copy(a, p->username);
	copy->noproxy = str_copy(a, p->noproxy);
	copy->password = secret_copy(a, p->password);
	return copy;
}

struct key_place
key_place_copy(struct arena *a, const struct key_place *p)
{
	struct key_place copy = *p;

	copy.url = str_copy(a, p->url);
	copy.ca_file = str_copy(a, p->ca_file);
	copy.proxy = copy_proxy(a, p->proxy);
	copy.hosts = copy_texts(a, p->hosts);
	return copy;
}

/* ---- the end -------------------------------------------------------------- */

static void
finish(struct keyop *o)
{
	o->plan.done(o->plan.who, &o->result);
	arena_free(o->arena);
}

static void
fail(struct keyop *o, const char *why, bool lasting)
{
	o->result.why = str_copy(o->arena, str_of(why)).p;
	o->result.lasting = lasting;
}

/* What is no document with status 200. True: it is one. */
static bool
is_document(struct keyop *o, const struct fetch_reply *r)
{
	if (r->end != FETCH_REPLY) {
		fail(o, r->detail, r->end == FETCH_BLOCKED ||
			r->end == FETCH_LARGE);
		return false;
	}
	if (r->status != 200) {
		fail(o, str_fmt(o->arena, "status %d", r->status).p,
			r->status < 500);
		return false;
	}
	return true;
}

static struct fetch *
fetch(struct keyop *o, struct str url, struct str given_by,
	void (*done)(void *, const struct fetch_reply *), const char **why_r)
{
	uint64_t now = loop_now_ms(wire_loop(o->plan.wire));
	struct headers h;

	headers_init(&h, o->arena);
	headers_add(&h, STR("Accept"), o->place.kind == KEY_PEM ?
		STR("*/*") : STR("application/jwk-set+json, application/json"));
	return fetch_start(&(struct fetch_plan){
		.wire = o->plan.wire, .url = url, .given_by = given_by,
		.hosts = o->place.hosts, .proxy = o->place.proxy,
		.ca_file = o->place.ca_file,
		.headers = &h, .connect_ms = KEYOP_CONNECT_MS,
		.total_ms = now < o->until_ms ?
			(int64_t)(o->until_ms - now) : 1,
		.max_bytes = MAX_KEY_SET, .done = done, .who = o,
	}, why_r);
}

/* ---- a set ---------------------------------------------------------------- */

static void
took_set(void *who, const struct fetch_reply *r)
{
	struct keyop *o = who;
	struct keyop_result *s = &o->result;

	o->fetch = NULL;
	if (is_document(o, r)) {
		s->why = jwks_trim(o->arena, r->body, &s->document, &s->keys);
		s->lasting = true;
		s->refresh_s = jwks_refresh_s(headers_get(r->headers,
			STR("Cache-Control")));
	}
	finish(o);
}

/* Where the metadata say that it lies. */
static const char *
fetch_found(struct keyop *o, struct str uri)
{
	const char *why = NULL;

	o->result.jwks_uri = uri;
	o->fetch = fetch(o, uri, o->place.url, took_set, &why);
	return o->fetch == NULL ? why : NULL;
}

static void
discovered(void *who, const struct discovery_result *r)
{
	struct keyop *o = who;
	const char *why = r->why;

	o->discovery = NULL;
	if (why == NULL && r->found.jwks_uri.n == 0)
		why = "metadata names no jwks_uri";
	if (why != NULL) {
		fail(o, why, r->lasting);
		finish(o);
		return;
	}
	why = fetch_found(o, str_copy(o->arena, r->found.jwks_uri));
	if (why == NULL)
		return;
	fail(o, str_fmt(o->arena, "jwks_uri of the metadata: %s", why).p,
		true);
	finish(o);
}

static const char *
begin_discovery(struct keyop *o)
{
	if (o->plan.jwks_uri.n > 0)
		return fetch_found(o, str_copy(o->arena, o->plan.jwks_uri));
	o->discovery = discovery_start(&(struct discovery_plan){
		.wire = o->plan.wire, .issuer = o->place.url,
		.proxy = o->place.proxy, .ca_file = o->place.ca_file,
		.connect_ms = KEYOP_CONNECT_MS,
		.total_ms = KEYOP_TOTAL_MS, .done = discovered, .who = o,
	});
	return o->discovery == NULL ? "issuer is not a URL" : NULL;
}

/* ---- keys one by one ------------------------------------------------------ */

static const char *next_key(struct keyop *o);	/* a circle */

static void
take_list(struct keyop *o)
{
	struct str kids[JWKS_PEM_KEYS];

	o->result.why = NULL;
	o->result.document = o->list;
	o->result.keys = jwks_pem_kids(o->list, kids);
	o->result.refresh_s = jwks_refresh_s(STR(""));
}

/* What was wanted and got stays, whatever became of the others. */
static void
finish_keys(struct keyop *o)
{
	if (o->wanted && o->n_got == 0 && o->result.why == NULL) {
		o->result.no_such_key = true;
		fail(o, "no such key", true);
	} else if (o->result.why == NULL || (o->wanted && o->n_got > 0)) {
		take_list(o);
	}
	finish(o);
}

/* A key that is not there is left out. */
static void
took_key(void *who, const struct fetch_reply *r)
{
	struct keyop *o = who;
	struct keyop_result *s = &o->result;
	bool gone = r->end == FETCH_REPLY && r->status / 100 == 4;

	o->fetch = NULL;
	if (!gone && is_document(o, r)) {
		s->why = jwks_pem_add(o->arena, o->list,
			o->kids[o->n_kids], r->body, &o->list);
		s->lasting = true;
		o->n_got += s->why == NULL;
	}
	if (s->why == NULL && o->n_kids > 0)
		s->why = next_key(o);
	if (o->fetch == NULL)
		finish_keys(o);
}

/* The last first: of a list the oldest, which goes to its front; of those
 * that are wanted who came last. */
static const char *
next_key(struct keyop *o)
{
	const char *why = NULL;

	o->n_kids--;
	o->fetch = fetch(o, str_fmt(o->arena, "%.*s%.*s",
		STR_ARG(o->place.url), STR_ARG(o->kids[o->n_kids])),
		STR(""), took_key, &why);
	return why;
}

static const char *
begin_keys(struct keyop *o)
{
	o->list = str_copy(o->arena, o->plan.list);
	o->wanted = o->plan.kids != NULL;
	if (o->wanted) {
		for (; o->n_kids < o->plan.kids->n; o->n_kids++)
			o->kids[o->n_kids] = str_copy(o->arena, str_of(
				o->plan.kids->v[o->n_kids]));
	} else {
		o->n_kids = jwks_pem_kids(o->list, o->kids);
		o->list = STR("");
	}
	o->plan.kids = NULL;		/* the caller's */
	if (o->n_kids == 0)
		return "no key to fetch";
	return next_key(o);
}

/* ---- the next attempt ----------------------------------------------------- */

/* Up to a fifth more, so that many gateways do not come at once. */
static uint64_t
with_jitter(uint64_t seconds)
{
	uint32_t random;

	digest_random(&random, sizeof(random));
	return seconds * 1000000 + random % (seconds * 200000);
}

uint64_t
keyop_retry_us(uint32_t failures)
{
	uint64_t seconds = FIRST_RETRY_S;

	for (uint32_t i = 0; i < failures && seconds < LAST_RETRY_S; i++)
		seconds *= 2;
	return with_jitter(seconds < LAST_RETRY_S ? seconds : LAST_RETRY_S);
}

/* ---- life ----------------------------------------------------------------- */

static const char *
begin(struct keyop *o)
{
	const char *why = NULL;

	switch (o->place.kind) {
	case KEY_SET:
		o->fetch = fetch(o, o->place.url, STR(""), took_set, &why);
		break;
	case KEY_DISCOVERED:
		why = begin_discovery(o);
		break;
	case KEY_PEM:
		why = begin_keys(o);
		break;
	}
	return why;
}

struct keyop *
keyop_start(const struct keyop_plan *p, const char **why_r)
{
	struct arena *a = arena_new(8 * MAX_KEY_SET);
	struct keyop *o = ARENA_NEW(a, struct keyop);

	o->arena = a;
	o->plan = *p;
	o->place = key_place_copy(a, p->place);
	o->until_ms = loop_now_ms(wire_loop(p->wire)) + KEYOP_TOTAL_MS;
	*why_r = begin(o);
	if (*why_r == NULL)
		return o;
	arena_free(a);
	return NULL;
}

void
keyop_stop(struct keyop *o)
{
	if (o->fetch != NULL)
		fetch_stop(o->fetch);
	if (o->discovery != NULL)
		discovery_stop(o->discovery);
	arena_free(o->arena);
}
