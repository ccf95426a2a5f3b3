/* SPDX-License-Identifier: MIT */
/*
 * listed -- tokens of the gateway's own pages
 */
#include "config.h"
#include "auth/auth.h"

#include "base/digest.h"

static struct str
bearer(const struct params *p)
{
	static const struct str scheme = STR("bearer");
	uint32_t n;
	struct str v = params_client(p, "HTTP_AUTHORIZATION", &n);

	if (n != 1 || v.n <= scheme.n || v.p[scheme.n] != ' ' ||
	    !str_eq_nocase(str_head(v, scheme.n), scheme))
		return STR_NONE;
	return str_trim(str_from(v, scheme.n));
}

bool
auth_listed(const struct conf_keys *keys, const struct params *p,
	int64_t now_unix_s)
{
	struct str token = bearer(p);
	uint8_t digest[SHA256_SIZE];
	bool found = false;
	uint32_t i;

	if (token.n == 0)
		return false;
	digest_sha256(token, digest);
	for (i = 0; i < keys->n; i++) {
		const struct conf_key *k = &keys->v[i];
		bool same = digest_same(k->sha256, digest, sizeof(digest));

		if (same && (k->expires_unix_s == 0 ||
		    k->expires_unix_s > now_unix_s))
			found = true;
	}
	return found;
}
