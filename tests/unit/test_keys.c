/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/keys.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "kit/tap.h"

#define NOW 1700000000

static const struct str scopes[] = { { "read", 4 }, { "write", 5 } };

/* What is configured; the same value may stand there twice. */
static const struct {
	const char *name, *value;
	int64_t expires_unix_s;
	uint32_t n_scopes;
} entries[] = {
	{ "", "alpha", 0, 0 },
	{ "ci", "beta", 0, 2 },
	{ "old", "gamma", NOW - 1, 0 },
	{ "now", "delta", NOW, 0 },
	{ "soon", "epsilon", NOW + 1, 1 },
	{ "again", "alpha", 0, 2 },
	{ "first", "eta", NOW - 5, 0 },
	{ "second", "eta", 0, 0 },
	{ "third", "eta", NOW - 1, 0 },
};

#define N (sizeof(entries) / sizeof(entries[0]))

static const struct {
	const char *name, *presented;
	enum keys_match match;
	const char *user;
	uint32_t n_scopes;
} cases[] = {
	{ "without a name", "alpha", KEYS_MATCH, "token:0", 0 },
	{ "with a name", "beta", KEYS_MATCH, "token:ci", 2 },
	{ "ended a second ago", "gamma", KEYS_EXPIRED, "token:old", 0 },
	{ "ends now", "delta", KEYS_EXPIRED, "token:now", 0 },
	{ "ends in a second", "epsilon", KEYS_MATCH, "token:soon", 1 },
	{ "once more, and that has not ended", "eta", KEYS_MATCH,
		"token:second", 0 },
	{ "unknown", "zeta", KEYS_NONE, NULL, 0 },
	{ "empty", "", KEYS_NONE, NULL, 0 },
	{ "a prefix", "alph", KEYS_NONE, NULL, 0 },
	{ "longer", "alphab", KEYS_NONE, NULL, 0 },
	{ "in capitals", "ALPHA", KEYS_NONE, NULL, 0 },
};

static struct conf_keys
make(struct arena *a)
{
	struct conf_key *v = ARENA_ARRAY(a, struct conf_key, N);

	for (size_t i = 0; i < N; i++) {
		v[i].name = str_of(entries[i].name);
		digest_sha256(str_of(entries[i].value), v[i].sha256);
		v[i].expires_unix_s = entries[i].expires_unix_s;
		v[i].scopes = (struct conf_texts){ scopes,
			entries[i].n_scopes, true };
	}
	return (struct conf_keys){ v, N, true };
}

static void
run_row(const struct conf_keys *list, size_t i, struct arena *a)
{
	uint32_t index = N;
	struct identity_draft w;

	tap_ok(keys_find(list, str_of(cases[i].presented), NOW, &index) ==
		cases[i].match, "%s", cases[i].name);
	if (cases[i].match == KEYS_NONE) {
		IS_INT(index, N);	/* not written */
		return;
	}
	w = keys_identity(list, index, "token", NULL, a);
	IS_STR(w.user, cases[i].user);
	IS_STR(w.how, "token");
	IS_INT(w.n_scopes, cases[i].n_scopes);
	OK(w.authenticated);
	OK((w.mark.n == 0) == (entries[index].name[0] != '\0'));
}

/* Two entries without a name are two callers, wherever they stand. */
static void
check_marks(struct arena *a)
{
	struct conf_key v[2] = { { .name = STR("") }, { .name = STR("") } };
	const struct conf_keys both = { v, 2, true }, one = { v + 1, 1, true };
	struct str first, second, alone;

	digest_sha256(STR("alpha"), v[0].sha256);
	digest_sha256(STR("beta"), v[1].sha256);
	first = keys_identity(&both, 0, "token", NULL, a).mark;
	second = keys_identity(&both, 1, "token", NULL, a).mark;
	alone = keys_identity(&one, 0, "token", NULL, a).mark;
	OK(!str_eq(first, alone));
	OK(str_eq(second, alone));
}

static void
check_many(struct arena *a)
{
	struct conf_key *v = ARENA_ARRAY(a, struct conf_key,
		MAX_STATIC_TOKENS);
	const struct conf_keys list = { v, MAX_STATIC_TOKENS, true };
	const uint32_t at[] = { 0, 1, 511, MAX_STATIC_TOKENS - 1 };
	uint32_t index;

	for (uint32_t i = 0; i < MAX_STATIC_TOKENS; i++)
		digest_sha256(str_fmt(a, "key %u", i), v[i].sha256);
	for (size_t i = 0; i < 4; i++) {
		OK(keys_find(&list, str_fmt(a, "key %u", at[i]), NOW,
			&index) == KEYS_MATCH);
		IS_INT(index, at[i]);
	}
	OK(keys_find(&list, STR("key 1024"), NOW, &index) == KEYS_NONE);
	IS_STR(keys_identity(&list, 1023, "apikey", NULL, a).user,
		"apikey:1023");
}

int
main(void)
{
	struct arena *a = arena_new(1 << 22);
	const struct conf_keys list = make(a), none = { NULL, 0, true };
	uint32_t index = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(&list, i, a);
	OK(keys_find(&none, STR("alpha"), NOW, &index) == KEYS_NONE);
	check_marks(a);
	check_many(a);
	arena_free(a);
	return tap_done();
}
