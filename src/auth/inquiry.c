/* SPDX-License-Identifier: MIT */
/*
 * inquiry -- one question about a token, as texts that need no policy
 */
#include "config.h"
#include "auth/inquiry.h"

#include "base/arena.h"
#include "http/url.h"

#define MAX_GOOD_S 300	/* whatever the configuration says */
#define MAX_BAD_S 10

/* ---- names ---------------------------------------------------------- */

void
inquiry_key(const struct auth_policy *p, const struct segment *s,
	struct str token, uint8_t key_r[SHA256_SIZE])
{
	const struct str parts[] = {
		STR("introspection"),
		{ s != NULL ? (const char *)segment_secret(s) : NULL,
			s != NULL ? 32 : 0 },
		p->name,
		{ (const char *)p->digest, SHA256_SIZE },
		token,
	};

	digest_parts(parts, sizeof(parts) / sizeof(parts[0]), key_r);
}

static void
name_place(const struct conf_introspection *c, uint8_t place_r[SHA256_SIZE])
{
	const struct str parts[] = { STR("endpoint"), c->endpoint, c->issuer,
		c->client_id };

	digest_parts(parts, sizeof(parts) / sizeof(parts[0]), place_r);
}

/* ---- the request ------------------------------------------------------ */

/* Id and secret are each written as a form writes them (RFC 6749 2.3.1). */
static struct str
basic(struct arena *a, const struct conf_introspection *c)
{
	struct str id = url_escape(a, c->client_id);
	struct str secret = url_escape(a, secret_reveal(c->client_secret));
	struct str both = str_fmt(a, "%.*s:%.*s", STR_ARG(id),
		STR_ARG(secret));

	both = digest_base64(a, both.p, both.n);
	return str_fmt(a, "Basic %.*s", STR_ARG(both));
}

static void
fill_headers(struct inquiry *q, const struct conf_introspection *c,
	struct arena *a)
{
	headers_init(&q->headers, a);
	headers_add(&q->headers, STR("Accept"), STR("application/json"));
	if (c->login == LOGIN_BASIC)
		headers_add(&q->headers, STR("Authorization"), basic(a, c));
	else if (c->login == LOGIN_BEARER)
		headers_add(&q->headers, STR("Authorization"),
			str_fmt(a, "Bearer %.*s",
			STR_ARG(secret_reveal(c->client_secret))));
}

static void
fill_form(struct inquiry *q, const struct conf_introspection *c,
	struct str token, struct arena *a)
{
	q->form = str_fmt(a, "token=%.*s&token_type_hint=access_token",
		STR_ARG(url_escape(a, token)));
	if (c->login == LOGIN_POST)
		q->form = str_fmt(a, "%.*s&client_id=%.*s&client_secret=%.*s",
			STR_ARG(q->form),
			STR_ARG(url_escape(a, c->client_id)),
			STR_ARG(url_escape(a,
			secret_reveal(c->client_secret))));
}

/* ---- what is borrowed from a configuration ------------------------------ */

static struct conf_texts
copy_texts(struct arena *a, const struct conf_texts *t)
{
	struct str *v = ARENA_ARRAY(a, struct str, t->n);

	for (uint32_t i = 0; i < t->n; i++)
		v[i] = str_copy(a, t->v[i]);
	return (struct conf_texts){ v, t->n, t->set };
}

static struct conf_pairs
copy_pairs(struct arena *a, const struct conf_pairs *p)
{
	struct conf_pair *v = ARENA_ARRAY(a, struct conf_pair, p->n);

	for (uint32_t i = 0; i < p->n; i++) {
		v[i].name = str_copy(a, p->v[i].name);
		v[i].value = secret_of(str_copy(a,
			secret_reveal(p->v[i].value)));
	}
	return (struct conf_pairs){ v, p->n };
}

static void
fill_rules(struct inquiry *q, const struct conf_jwt *rules, struct arena *a)
{
	q->rules.leeway_s = rules->leeway_s;
	q->rules.issuer = copy_texts(a, &rules->issuer);
	q->rules.audience = copy_texts(a, &rules->audience);
	q->rules.identity_claim = copy_texts(a, &rules->identity_claim);
	q->rules.groups_claim = copy_texts(a, &rules->groups_claim);
	q->rules.scope_claim = copy_texts(a, &rules->scope_claim);
	q->rules.asked = copy_pairs(a, &rules->asked);
}

static void
fill_proxy(struct inquiry *q, const struct conf_outproxy *p, struct arena *a)
{
	if (p == NULL)
		return;
	q->proxy = *p;
	q->proxy.url = str_copy(a, p->url);
	q->proxy.username = str_copy(a, p->username);
	q->proxy.password = secret_of(str_copy(a, secret_reveal(p->password)));
	q->proxy.noproxy = str_copy(a, p->noproxy);
}

void
inquiry_fill(const struct auth_policy *p, const struct segment *s,
	struct str token, struct arena *a, struct inquiry *q_r)
{
	const struct conf_introspection *c = &p->in->introspection;
	struct inquiry q = {
		.endpoint = str_copy(a, c->endpoint),
		.issuer = str_copy(a, c->issuer),
		.ca_file = str_copy(a, p->ca_file),
		.timeout_ms = c->timeout_ms,
		.good_s = c->cache_s < MAX_GOOD_S ? c->cache_s : MAX_GOOD_S,
		.bad_s = c->negative_s < MAX_BAD_S ? c->negative_s :
			MAX_BAD_S,
	};

	inquiry_key(p, s, token, q.key);
	name_place(c, q.place);
	fill_headers(&q, c, a);
	fill_form(&q, c, token, a);
	fill_rules(&q, &p->answers, a);
	fill_proxy(&q, p->out, a);
	*q_r = q;
}
