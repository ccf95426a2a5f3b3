/* SPDX-License-Identifier: MIT */
/*
 * session -- sealing and opening; what is alive stands in shm/sessions
 */
#include "config.h"
#include "gate/session.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "gate/pipeline.h"
#include "gate/record.h"
#include "shm/sessions.h"

#define FORM "v1."

_Static_assert(sizeof(struct session_inside) == 40, "no holes");

/* ---- keys -------------------------------------------------------------------- */
static void
make_key(struct session_key *k, struct str secret)
{
	uint8_t digest[SHA256_SIZE];
	const struct str parts[] = { STR("kid"), secret };
	struct str info;
	char text[64];

	digest_parts(parts, 2, digest);
	(void)snprintf(k->kid, sizeof(k->kid), "k%02x%02x%02x", digest[0],
		digest[1], digest[2]);
	info.p = text;
	info.n = (size_t)snprintf(text, sizeof(text), "mcpgate session v1 %s",
		k->kid);
	seal_derive(secret, info, k->key);
}

static void
wipe(void *what)
{
	struct session_keys *k = what;

	digest_wipe(k->v, k->n * sizeof(*k->v));
}

struct session_keys
session_keys_new(const struct conf *c, const struct segment *s,
	struct arena *a)
{
	struct session_keys *kept = ARENA_NEW(a, struct session_keys);
	uint8_t random[32];
	struct str own = { (const char *)random, sizeof(random) };

	kept->n = c->n_secret_keys > 0 ? c->n_secret_keys : 1;
	kept->v = ARENA_ARRAY(a, struct session_key, kept->n);
	arena_defer(a, wipe, kept);
	for (uint32_t i = 0; i < c->n_secret_keys; i++)
		make_key(&kept->v[i], secret_reveal(c->secret_keys[i]));
	if (c->n_secret_keys > 0)
		return *kept;
	if (s != NULL)
		memcpy(random, segment_secret(s), sizeof(random));
	else
		digest_random(random, sizeof(random));
	make_key(&kept->v[0], own);
	digest_wipe(random, sizeof(random));
	return *kept;
}

uint64_t
session_route(struct str server)
{
	uint8_t digest[SHA256_SIZE];
	uint64_t route;

	digest_sha256(server, digest);
	memcpy(&route, digest, sizeof(route));
	return route;
}

/* ---- reading ------------------------------------------------------------------- */
static const struct fault *
refuse(const struct req *q, const char *why)
{
	return fault_new(q->arena, FAULT_SESSION_NOT_FOUND, "session id: %s",
		why);
}

const struct fault *
session_read(struct req *q)
{
	uint32_t n;

	q->sealed = params_client(&q->in.params, "HTTP_MCP_SESSION_ID", &n);
	if (n > 1 || str_find(q->sealed, ',') < q->sealed.n)
		return fault_new(q->arena, FAULT_BAD_REQUEST,
			"session id: sent twice");	/* servers join lines */
	if (n == 0 || (n == 1 && q->sealed.n <= MAX_SEALED_ID &&
	    str_visible(q->sealed)))
		return NULL;
	return refuse(q, "malformed");
}

static const struct session_key *
key_named(const struct session_keys *keys, struct str kid)
{
	for (uint32_t i = 0; i < keys->n; i++) {
		if (str_is(kid, keys->v[i].kid))
			return &keys->v[i];
	}
	return NULL;
}

const char *
session_unseal(const struct session_keys *keys, struct str sealed,
	struct arena *a, struct str *upstream_r)
{
	const struct session_key *k;
	struct str text = sealed, open, kid;
	uint8_t *bytes, *plain;
	size_t n;

	if (!str_starts(text, STR(FORM)))
		return NULL;
	text = str_from(text, sizeof(FORM) - 1);
	kid = str_cut(&text, '.');
	k = key_named(keys, kid);
	if (k == NULL || text.p == NULL)
		return NULL;
	bytes = arena_alloc(a, text.n + 3);
	plain = arena_alloc(a, text.n + 3);
	open = str_head(sealed, sizeof(FORM) - 1 + kid.n);
	if (!digest_unbase64url(text, bytes, &n) ||
	    n < sizeof(struct session_inside) + 1 + SEAL_MORE ||
	    !seal_open(k->key, open, (struct str){ (char *)bytes, n }, plain))
		return NULL;
	n -= SEAL_MORE + sizeof(struct session_inside);
	*upstream_r = (struct str){ (char *)plain +
		sizeof(struct session_inside), n };
	return (char *)plain;
}

/* Somebody comes with the session of another caller or server. */
static const struct fault *
foreign(struct req *q, const char *why)
{
	record_violation(q, "session_foreign");
	return refuse(q, why);
}

static const struct fault *
check_inside(struct req *q, const struct session_inside *in)
{
	const struct conf_options *o = &q->server->conf->options;

	if (in->ends_unix_s <= clock_unix_s())
		return refuse(q, "too old");
	if (in->route != q->server->route)
		return foreign(q, "of another server");
	if (!digest_same(in->caller, q->who->digest, sizeof(in->caller)))
		return foreign(q, "of another caller");
	if (q->gate->segment != NULL && !sessions_use(q->gate->segment,
	    in->place, (uint64_t)o->session_idle_ms, clock_boot_ms()))
		return refuse(q, "ended or idle too long");
	return NULL;
}

const struct fault *
session_open(struct req *q)
{
	const struct fault *f;
	struct session_inside in;
	struct str upstream;
	const char *plain;

	if (q->sealed.n == 0)
		return NULL;
	plain = session_unseal(&q->site->sessions, q->sealed, q->arena,
		&upstream);
	if (plain == NULL)
		return refuse(q, "not one of ours");
	memcpy(&in, plain, sizeof(in));
	f = check_inside(q, &in);
	if (f != NULL)
		return f;
	q->session = upstream;
	q->session_place = in.place;
	return NULL;
}

/* ---- making --------------------------------------------------------------------- */
static struct session_place
begin(struct req *q, uint64_t route)
{
	const struct conf_options *o = &q->server->conf->options;
	struct sessions_plan p = {
		.route = route,
		.known = q->who->authenticated,
		.most = o->sessions_per_caller,
		.idle_ms = (uint64_t)o->session_idle_ms,
		.life_ms = (uint64_t)o->session_life_ms,
	};
	struct session_place at;

	memcpy(p.caller, q->who->digest, sizeof(p.caller));
	at = sessions_begin(q->gate->segment, &p, clock_boot_ms());
	if (at.slot == SESSIONS_NONE && q->site->metrics != NULL)
		metrics_store_error(q->site->metrics);
	return at;
}

struct str
session_seal(const struct session_keys *keys, const struct session_inside *in,
	struct str upstream, struct arena *a)
{
	const struct session_key *k = &keys->v[0];
	size_t n = sizeof(*in) + upstream.n;
	char *plain = arena_alloc(a, n);
	uint8_t *sealed = arena_alloc(a, n + SEAL_MORE);
	struct str open = str_fmt(a, FORM "%s", k->kid), text;

	memcpy(plain, in, sizeof(*in));
	memcpy(plain + sizeof(*in), upstream.p, upstream.n);
	if (!seal_close(k->key, open, (struct str){ plain, n }, sealed))
		return STR("");
	text = digest_base64url(a, sealed, n + SEAL_MORE);
	return str_fmt(a, "%.*s.%.*s", STR_ARG(open), STR_ARG(text));
}

static struct str
mint(struct req *q, struct str upstream)
{
	int64_t life_s = (q->server->conf->options.session_life_ms + 999)
		/ 1000;
	struct session_inside in = {
		.route = q->server->route,
		.ends_unix_s = clock_unix_s() + life_s,
	};

	memcpy(in.caller, q->who->digest, sizeof(in.caller));
	in.place = q->session_place = begin(q, in.route);
	return session_seal(&q->site->sessions, &in, upstream, q->arena);
}

void
session_tell(struct req *q, struct str upstream, struct headers *h)
{
	bool same = q->session.n > 0 && str_eq(upstream, q->session);

	if (upstream.n == 0 || upstream.n > MAX_SESSION_ID ||
	    !str_visible(upstream) || q->who == NULL)
		return;
	if (!same && (q->session.n > 0 || !req_initializes(q)))
		return;			/* sessions begin with initialize */
	if (!same)
		q->sealed = mint(q, upstream);
	q->session = upstream;
	if (q->sealed.n > 0)
		headers_add(h, STR("Mcp-Session-Id"), q->sealed);
}

void
session_over(struct req *q)
{
	if (q->session.n > 0 && q->gate->segment != NULL)
		sessions_end(q->gate->segment, q->session_place);
}

/* ---- counting --------------------------------------------------------------------- */
struct count {
	struct metrics_pool *pools;
	uint32_t n;
};

static void
count_one(void *who, const struct session_view *v)
{
	struct count *c = who;
	uint32_t i = 0;

	while (i < c->n && c->pools[i].route != v->route)
		i++;
	if (i < c->n)
		c->pools[i].sessions++;
}

void
session_count(const struct segment *s, struct metrics_pool *pools, uint32_t n)
{
	struct count c = { pools, n };

	sessions_each(s, clock_boot_ms(), count_one, &c);
}
