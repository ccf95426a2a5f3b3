/* SPDX-License-Identifier: MIT */
/*
 * keys -- lists of credentials that callers present
 *
 * An entry is a text, or a block with name, value, scopes and expires.  Its
 * number, from 0, counts where it has no name.
 */
#include "config.h"
#include "conf/load.h"

#include <string.h>

#include "base/digest.h"
#include "base/limits.h"

static struct str
value_of(const struct node *n)
{
	const struct node *v = n;

	if (n->type == JDOC_OBJECT)
		v = node_get(n, "value");
	return v == NULL || v->type != JDOC_STRING ? STR("") : v->text;
}

static bool
is_bad(const struct node *n)
{
	const struct node *v = n->type == JDOC_OBJECT ? node_get(n, "value") : n;

	return n->bad || (v != NULL && v->bad);
}

/* "sha256:" and 64 digits: the digest instead of the value. */
static bool
digest_given(struct str text, uint8_t digest[32])
{
	return str_starts(text, STR("sha256:")) &&
	    digest_unhex(str_from(text, 7), digest, 32);
}

static struct conf_key
key_of(struct loading *l, const struct node *n)
{
	const struct node *name = node_get(n, "name");
	const struct node *expires = node_get(n, "expires");
	struct conf_key k = { .name = STR("") };
	struct str value = value_of(n);

	if (name != NULL)
		k.name = str_copy(l->arena, name->text);
	if (expires != NULL && !expires->bad)
		k.expires_unix_s = expires->number > 0 ? expires->number : 1;
	k.scopes = fill_texts(l, node_get(n, "scopes"));
	if (!digest_given(value, k.sha256)) {
		digest_sha256(value, k.sha256);
		k.value = secret_of(str_copy(l->arena, value));
	}
	return k;
}

struct conf_keys
keys_read(struct loading *l, const struct node *list)
{
	struct conf_keys k = { .set = list != NULL };
	struct conf_key *v;

	if (list == NULL || list->type != JDOC_ARRAY)
		return k;
	v = ARENA_ARRAY(l->arena, struct conf_key, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *n = list->kids[i];

		if (!is_bad(n) && value_of(n).n > 0)
			v[k.n++] = key_of(l, n);
	}
	k.v = v;
	return k;
}

static bool
has_digest(const struct conf_key *v, uint32_t n, const uint8_t digest[32])
{
	for (uint32_t i = 0; i < n; i++) {
		if (digest_same(v[i].sha256, digest, 32))
			return true;
	}
	return false;
}

static void
add_keys(struct conf_key *v, uint32_t *n, const struct conf_keys *more,
	bool once)
{
	for (uint32_t i = 0; i < more->n; i++) {
		if (!once || !has_digest(v, *n, more->v[i].sha256))
			v[(*n)++] = more->v[i];
	}
}

static struct conf_keys
keys_hashed(struct loading *l, const struct node *list)
{
	struct conf_keys k = { .set = list != NULL };
	struct conf_key *v;

	if (list == NULL || list->type != JDOC_ARRAY)
		return k;
	v = ARENA_ARRAY(l->arena, struct conf_key, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		v[k.n].name = STR("");
		if (digest_unhex(list->kids[i]->text, v[k.n].sha256, 32))
			k.n++;
	}
	k.v = v;
	return k;
}

/* All credentials of a token or apikey block: values, value, sha256, and
 * what inherit.c put into "inherited" by merge. */
struct conf_keys
keys_of_rule(struct loading *l, const struct node *block)
{
	struct conf_keys parts[4], all = { .n = 0 };
	struct conf_key *v;
	uint32_t room = 0;

	parts[0] = keys_read(l, node_get(block, "values"));
	parts[1] = keys_read(l, node_get(block, "value"));
	parts[2] = keys_hashed(l, node_get(block, "sha256"));
	parts[3] = (struct conf_keys){ .n = 0 };
	if (node_get(block, "inherited") != NULL)
		parts[3] = keys_of_rule(l, node_get(block, "inherited"));
	for (int i = 0; i < 4; i++)
		room += parts[i].n;
	v = ARENA_ARRAY(l->arena, struct conf_key, room);
	for (int i = 0; i < 4; i++) {
		add_keys(v, &all.n, &parts[i], i == 3);
		all.set |= parts[i].set;
	}
	all.v = v;
	return all;
}

/* ---- what is wrong with a list -------------------------------------------------- */
bool
keys_published(struct str value)
{
	static const char *const heads[] = {
		"change_me", "changeme", "change-me"
	};
	static const char *const samples[] = {
		"your-256-bit-secret", "your-384-bit-secret",
		"your-512-bit-secret", "your-secret-key", "your-secret-token",
		"my-test-key", "my-test-key-but-now-longer-than-32-bytes",
		"my-secret-token", "supersecret", "secret", "password",
		"a-string-secret-at-least-256-bits-long",
		"a-valid-string-secret-that-is-at-least-384-bits-long",
		("a-valid-string-secret-that-is-at-least-512-bits-long-which-"
		"is-very-long"),
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct str h = str_of(heads[i]);

		if (str_eq_nocase(str_head(value, h.n), h))
			return true;
	}
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		if (str_is_nocase(value, samples[i]))
			return true;
	}
	return false;
}

static void
check_one(struct loading *l, const struct node *n, uint32_t i)
{
	struct str value = value_of(n);
	uint8_t digest[32];

	if (is_bad(n))
		return;
	if (value.n == 0) {
		report_add(l->report, "E21", n,
		    "empty string in a list of inbound tokens");
		return;
	}
	if (digest_given(value, digest))
		return;
	if (str_starts(value, STR("sha256:"))) {
		report_add(l->report, "E02", n, "expected sha256: and 64 "
		    "hexadecimal digits, found other text");
		return;
	}
	if (!value_visible(value) || value.n > MAX_TOKEN)
		report_add(l->report, "E22", n,
		    "token %u holds characters that a header cannot carry", i);
	else if (keys_published(value) && !l->weak)
		report_add(l->report, "E45", n,
		    "secret is shorter than 16 bytes or a published sample");
	else if (value.n < 16)
		report_add(l->report, "W19", n,
		    "inbound token %u is shorter than 16 bytes", i);
}

void
keys_check(struct loading *l, const struct node *list)
{
	if (list == NULL || list->type != JDOC_ARRAY)
		return;
	if (list->n > MAX_STATIC_TOKENS)
		report_add(l->report, "E03", list,
		    "%u is not within 0..%u", list->n, MAX_STATIC_TOKENS);
	for (uint32_t i = 0; i < list->n; i++)
		check_one(l, list->kids[i], i);
}
