/* SPDX-License-Identifier: MIT */
/*
 * listed -- tokens of the gateway's own pages
 */
#include "config.h"
#include "auth/auth.h"

#include "auth/keys.h"

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

static struct str
bearer(const struct params *p)
{
	struct str v = authorization(p), scheme = str_cut(&v, ' ');

	if (v.p == NULL || !str_is_nocase(scheme, "Bearer"))
		return STR_NONE;
	while (v.n > 0 && v.p[0] == ' ')
		v = str_from(v, 1);
	return v;
}

bool
auth_listed(const struct conf_keys *keys, const struct params *p,
	int64_t now_unix_s)
{
	uint32_t i;

	return keys_find(keys, bearer(p), now_unix_s, &i) == KEYS_MATCH;
}
