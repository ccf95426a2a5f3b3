/* SPDX-License-Identifier: MIT */
/*
 * keys -- static credentials: bearer tokens and API keys out of a list
 */
#include "config.h"
#include "auth/keys.h"

#include "base/arena.h"
#include "base/digest.h"

static bool
has_expired(const struct conf_key *k, int64_t now_unix_s)
{
	return k->expires_unix_s != 0 && now_unix_s >= k->expires_unix_s;
}

/* The first equal entry, or list->n; every entry is looked at and no branch
 * depends on what was found.  A value that stands there twice counts as long
 * as one of them does. */
static uint32_t
find(const struct conf_keys *list, const uint8_t digest[SHA256_SIZE],
	int64_t now_unix_s, bool expired)
{
	uint32_t found = list->n;

	for (uint32_t i = list->n; i > 0; i--) {
		uint32_t same = digest_same(list->v[i - 1].sha256, digest,
			SHA256_SIZE);

		same &= has_expired(&list->v[i - 1], now_unix_s) == expired;
		found = (found & (same - 1)) | ((i - 1) & (0 - same));
	}
	return found;
}

enum keys_match
keys_find(const struct conf_keys *list, struct str presented,
	int64_t now_unix_s, uint32_t *index_r)
{
	uint8_t digest[SHA256_SIZE];
	uint32_t living, dead;

	if (presented.n == 0)
		return KEYS_NONE;
	digest_sha256(presented, digest);
	living = find(list, digest, now_unix_s, false);
	dead = find(list, digest, now_unix_s, true);
	digest_wipe(digest, sizeof(digest));
	if (living == list->n && dead == list->n)
		return KEYS_NONE;
	*index_r = living < list->n ? living : dead;
	return living < list->n ? KEYS_MATCH : KEYS_EXPIRED;
}

/* A number is another credential's after the list has changed: what belongs
 * to this one, a session say, is bound to its value, too. */
static struct str
mark_of(const struct conf_key *k, const struct segment *s, struct arena *a)
{
	const struct str parts[] = { STR("mark"),
		{ (const char *)k->sha256, SHA256_SIZE },
		{ s != NULL ? (const char *)segment_secret(s) : NULL,
			s != NULL ? 32 : 0 } };
	uint8_t *digest = arena_alloc(a, SHA256_SIZE);

	digest_parts(parts, sizeof(parts) / sizeof(parts[0]), digest);
	return (struct str){ (const char *)digest, SHA256_SIZE };
}

struct identity_draft
keys_identity(const struct conf_keys *list, uint32_t index, const char *how,
	const struct segment *s, struct arena *a)
{
	const struct conf_key *k = &list->v[index];
	struct identity_draft w = {
		.how = str_of(how), .authenticated = true,
		.scopes = k->scopes.v, .n_scopes = k->scopes.n,
	};

	if (k->name.n > 0) {
		w.user = str_fmt(a, "%s:%.*s", how, STR_ARG(k->name));
		return w;
	}
	w.user = str_fmt(a, "%s:%u", how, index);
	w.mark = mark_of(k, s, a);
	return w;
}
