/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/verdict.h"

#include "base/limits.h"
#include "kit/place.h"
#include "kit/tap.h"
#include "shm/shelf.h"

#define NOW 1700000000

static const struct str groups[] = { { "ops", 3 }, { "a b", 3 } };
static const struct str scopes[] = { { "mcp", 3 } };
static const struct str claims[] = { { "dept", 4 }, { "ops", 3 } };
static const uint8_t policy[SHA256_SIZE] = { 1, 2, 3 };

static const struct claims full = {
	.who = { .user = { "alice", 5 }, .how = { "jwt", 3 },
		.issuer = { "https://i.test", 14 }, .email = { "a@x", 3 },
		.groups = groups, .n_groups = 2, .scopes = scopes,
		.n_scopes = 1, .claims = claims, .n_claims = 2,
		.authenticated = true },
	.not_before_s = NOW - 5, .expires_s = NOW + 1000,
};

static const struct claims bare = {
	.who = { .user = { "bob", 3 }, .how = { "jwt", 3 },
		.authenticated = true },
	.not_before_s = INT64_MIN, .expires_s = INT64_MAX,
};

static bool
same_texts(const struct str *a, uint32_t n, const struct str *b, uint32_t m)
{
	for (uint32_t i = 0; i < n && n == m; i++) {
		if (!str_eq(a[i], b[i]))
			return false;
	}
	return n == m;
}

static bool
same(const struct claims *a, const struct claims *b)
{
	return str_eq(a->who.user, b->who.user) &&
		str_eq(a->who.how, b->who.how) &&
		str_eq(a->who.issuer, b->who.issuer) &&
		str_eq(a->who.email, b->who.email) &&
		a->who.authenticated == b->who.authenticated &&
		a->not_before_s == b->not_before_s &&
		a->expires_s == b->expires_s &&
		same_texts(a->who.groups, a->who.n_groups, b->who.groups,
			b->who.n_groups) &&
		same_texts(a->who.scopes, a->who.n_scopes, b->who.scopes,
			b->who.n_scopes) &&
		same_texts(a->who.claims, a->who.n_claims, b->who.claims,
			b->who.n_claims);
}

static void
check_round(struct segment *s, struct arena *a)
{
	struct verdict_key k = verdict_key_of(s, STR("s"), policy, STR("t")),
		other = verdict_key_of(s, STR("s"), policy, STR("u"));
	struct claims c;

	OK(!verdict_get(s, &k, NOW, a, &c));
	verdict_put(s, &k, &full, NOW, 60);
	OK(verdict_get(s, &k, NOW, a, &c) && same(&c, &full));
	OK(verdict_get(s, &k, NOW + 59, a, &c));
	OK(!verdict_get(s, &k, NOW + 61, a, &c));
	verdict_put(s, &other, &bare, NOW, 300);
	OK(verdict_get(s, &other, NOW, a, &c) && same(&c, &bare));
	OK(!verdict_get(s, &other, NOW + 301, a, &c));
}

static void
check_ends_with_token(struct segment *s, struct arena *a)
{
	struct verdict_key k = verdict_key_of(s, STR("e"), policy, STR("t"));
	struct claims c = full, r;

	c.expires_s = NOW + 10;
	verdict_put(s, &k, &c, NOW, 60);
	OK(verdict_get(s, &k, NOW + 9, a, &r));
	OK(!verdict_get(s, &k, NOW + 11, a, &r));
	k = verdict_key_of(s, STR("e"), policy, STR("within the leeway"));
	c.expires_s = NOW;
	verdict_put(s, &k, &c, NOW, 60);
	OK(!verdict_get(s, &k, NOW, a, &r));
}

/* Every part of the key counts, and parts do not run into each other. */
static void
check_keys(struct segment *s)
{
	uint8_t changed[SHA256_SIZE] = { 1, 2, 4 };
	const struct verdict_key v[] = {
		verdict_key_of(s, STR("ab"), policy, STR("cd")),
		verdict_key_of(s, STR("a"), policy, STR("bcd")),
		verdict_key_of(s, STR("abc"), policy, STR("d")),
		verdict_key_of(s, STR("ab"), changed, STR("cd")),
		verdict_key_of(s, STR("ab"), policy, STR("cD")),
	};

	for (size_t i = 1; i < sizeof(v) / sizeof(v[0]); i++)
		tap_ok(memcmp(&v[0], &v[i], sizeof(v[0])) != 0,
			"another key: %zu", i);
}

/* An identity that fits exactly, and one that is a byte too large. */
static void
check_size(struct segment *s, struct arena *a, size_t email, bool kept)
{
	struct verdict_key k = verdict_key_of(s, STR("n"), policy, str_fmt(a,
		"%zu", email));
	struct claims c = bare, r;
	char *text = arena_alloc(a, email + 1);

	memset(text, 'e', email);
	c.who.email = (struct str){ text, email };
	verdict_put(s, &k, &c, NOW, 60);
	tap_ok(verdict_get(s, &k, NOW, a, &r) == kept, "%zu bytes", email);
}

/* More claims than an entry may hold are not cut short: nothing is kept. */
static void
check_many_claims(struct segment *s, struct arena *a)
{
	struct verdict_key k = verdict_key_of(s, STR("m"), policy, STR("t"));
	struct str *v = ARENA_ARRAY(a, struct str, MAX_GROUPS + 2);
	struct claims c = bare, r;

	for (uint32_t i = 0; i < MAX_GROUPS + 2; i++)
		v[i] = STR("c");
	c.who.claims = v;
	c.who.n_claims = MAX_GROUPS + 2;
	verdict_put(s, &k, &c, NOW, 60);
	OK(!verdict_get(s, &k, NOW, a, &r));
	c.who.n_claims = MAX_GROUPS;
	verdict_put(s, &k, &c, NOW, 60);
	OK(verdict_get(s, &k, NOW, a, &r) && same(&r, &c));
}

/* No part of an entry passes for a whole one. */
static void
check_cut(struct segment *s, struct arena *a)
{
	struct verdict_key k = verdict_key_of(s, STR("c"), policy, STR("t"));
	unsigned taken = 0, n;
	struct claims c;
	struct str bytes;

	verdict_put(s, &k, &full, NOW, 60);
	if (!OK(shelf_get(s, k.digest, NOW, a, &bytes)))
		return;
	for (n = 0; n < bytes.n; n++)
		taken += verdict_unpack(str_head(bytes, n), a, &c);
	IS_INT(taken, 0);
	OK(verdict_unpack(bytes, a, &c));
	OK(!verdict_unpack(str_fmt(a, "%.*s%s", STR_ARG(STR("")), "x"), a,
		&c));
}

int
main(void)
{
	struct place place = place_new();
	struct segment *s = place_open(&place);
	/* format, times, revocation, user, lengths of texts, three counts */
	const size_t overhead = 1 + 24 + 3 * sizeof(struct revoked_name) + 1 +
		3 + 3 * 2 + 3 * 4;

	check_round(s, place.arena);
	check_ends_with_token(s, place.arena);
	check_keys(s);
	check_size(s, place.arena, MAX_SHELF - overhead, true);
	check_size(s, place.arena, MAX_SHELF - overhead + 1, false);
	check_many_claims(s, place.arena);
	check_cut(s, place.arena);
	segment_close(s);
	place_end(&place);
	return tap_done();
}
