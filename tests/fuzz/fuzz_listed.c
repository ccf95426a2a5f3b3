/* SPDX-License-Identifier: MIT */
/*
 * fuzz_listed -- whatever Authorization holds, the one pair and the one token
 * of an administrator come in, in the one way each can be written
 *
 * The input is the user in the first line, the password (and token) in the
 * second, then variables as NAME=VALUE, one a line.
 */
#include "config.h"

#include <stdlib.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"

static void
must(bool cond)
{
	if (!cond)
		abort();
}

/* The value that counts, or STR_NONE: there is none, or there are two. */
static struct str
only_value(const struct params *p)
{
	struct str v = STR_NONE;

	for (uint32_t i = 0; i < p->n; i++) {
		struct str name = p->v[i].name;
		uint32_t n;

		if (!str_is(name, "HTTP_AUTHORIZATION") &&
		    !str_is(name, "REDIRECT_HTTP_AUTHORIZATION"))
			continue;
		params_first(p, name, &n);
		if (n > 1 || (v.p != NULL && !str_eq(v, p->v[i].value)))
			return STR_NONE;
		v = p->v[i].value;
	}
	return v;
}

/* The scheme, blanks, and then just this? */
static bool
says(struct str v, const char *scheme, struct str wanted)
{
	size_t n = str_of(scheme).n;

	if (v.p == NULL || !str_is_nocase(str_head(v, n), scheme) ||
	    v.n == n || v.p[n] != ' ')
		return false;
	while (n < v.n && v.p[n] == ' ')
		n++;
	return str_eq(str_from(v, n), wanted);
}

/* There is one base64 text of a pair; a user with a colon has none. */
static void
check_basic(struct arena *a, const struct params *p, const struct conf *c)
{
	struct str user = c->admin_user, pair;
	struct buf b = buf_new(a, MIB(1));
	bool same;

	buf_add(&b, user);
	buf_char(&b, ':');
	buf_add(&b, secret_reveal(c->admin_password));
	if (!buf_take(&b, &pair))
		return;
	same = says(only_value(p), "Basic", digest_base64(a, pair.p, pair.n)) &&
		str_find(user, ':') == user.n && auth_has_basic(c);
	must((auth_basic(c, p, a) == AUTH_BASIC_MATCH) == same);
	must(auth_has_basic(c) || auth_basic(c, p, a) == AUTH_BASIC_NONE);
}

static void
check_token(const struct params *p, struct str token)
{
	struct conf_key key = { .expires_unix_s = 0 };
	const struct conf_keys keys = { &key, 1, true };

	digest_sha256(token, key.sha256);
	must(auth_listed(&keys, p, 0) == (token.n > 0 &&
		says(only_value(p), "Bearer", token)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str rest = { (const char *)bytes, n }, user, word;
	struct arena *a = arena_new(MIB(16));
	struct params p;

	user = str_cut(&rest, '\n');
	word = str_cut(&rest, '\n');
	params_init(&p, a, 8);
	while (rest.p != NULL) {
		struct str value = str_cut(&rest, '\n');
		struct str name = str_cut(&value, '=');

		params_add(&p, name, value);
	}
	check_basic(a, &p, &(struct conf){ .admin_user = user,
		.admin_password = secret_of(word) });
	check_token(&p, word);
	arena_free(a);
	return 0;
}
