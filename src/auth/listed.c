/* SPDX-License-Identifier: MIT */
/*
 * listed -- tokens, user and password of the gateway's own pages
 */
#include "config.h"
#include "auth/auth.h"

#include "auth/keys.h"
#include "base/arena.h"
#include "base/digest.h"

/* As Apache's rewriting leaves it, too; two that differ are none. */
static struct str
authorization(const struct params *p)
{
	uint32_t n, n_other;
	struct str v = params_client(p, "HTTP_AUTHORIZATION", &n);
	struct str other = params_client(p, "REDIRECT_HTTP_AUTHORIZATION",
		&n_other);

	if (n > 1 || n_other > 1 || (n + n_other == 2 && !str_eq(v, other)))
		return STR_NONE;
	return n > 0 ? v : other;
}

/* What follows the scheme; p NULL: another one, or none. */
static struct str
credential_of(const struct params *p, const char *wanted)
{
	struct str v = authorization(p), scheme = str_cut(&v, ' ');

	if (!str_is_nocase(scheme, wanted))
		return STR_NONE;
	if (v.p == NULL)
		return STR("");
	while (v.n > 0 && v.p[0] == ' ')
		v = str_from(v, 1);
	return v;
}

bool
auth_listed(const struct conf_keys *keys, const struct params *p,
	int64_t now_unix_s)
{
	uint32_t i;

	return keys_find(keys, credential_of(p, "Bearer"), now_unix_s, &i) ==
		KEYS_MATCH;
}

bool
auth_has_basic(const struct conf *c)
{
	return c->admin_user.n > 0 && !secret_empty(c->admin_password);
}

/* Both halves are always looked at: which one is wrong takes no time to see. */
static bool
is_pair(const struct conf *c, struct str user, struct str word)
{
	uint32_t same = secret_eq(secret_of(c->admin_user), secret_of(user));

	same &= secret_eq(c->admin_password, secret_of(word));
	return same != 0;
}

enum auth_basic
auth_basic(const struct conf *c, const struct params *p, struct arena *a)
{
	struct str v = credential_of(p, "Basic"), user, word;
	uint8_t *bytes;
	size_t n = 0;
	bool same;

	if (v.p == NULL || !auth_has_basic(c))
		return AUTH_BASIC_NONE;
	bytes = arena_alloc(a, 3 * (v.n / 4) + 3);
	if (!digest_unbase64(v, bytes, &n))
		return AUTH_BASIC_WRONG;
	word = (struct str){ (const char *)bytes, n };
	user = str_cut(&word, ':');
	same = is_pair(c, user, word);
	digest_wipe(bytes, n);
	return same ? AUTH_BASIC_MATCH : AUTH_BASIC_WRONG;
}
