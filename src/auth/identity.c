/* SPDX-License-Identifier: MIT */
/*
 * identity -- who is calling, once it is known
 */
#define IDENTITY_WRITER
#include "config.h"
#include "auth/identity.h"

#include <string.h>

#include "base/digest.h"

bool
identity_has_scope(const struct identity *w, struct str scope)
{
	return str_among(scope, w->scopes, w->n_scopes);
}

bool
identity_has_claim(const struct identity *w, struct str name,
	struct str value)
{
	for (uint32_t i = 0; i + 1 < w->n_claims; i += 2) {
		if (str_eq(w->claims[i], name) &&
		    str_eq(w->claims[i + 1], value))
			return true;
	}
	return false;
}

/* Names that this gateway gives, and to whom. */
static const struct {
	const char *name, *how, *or_how;
} given[] = {
	{ "token:*", "token", "token" },
	{ "apikey:*", "apikey", "apikey" },
	{ "anonymous", "none", "local" },
	{ IDENTITY_NAMELESS, "introspection", "introspection" },
};

static bool
is_borrowed(struct str how, struct str user)
{
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		struct str name = str_of(given[i].name);

		if (conf_has_match(&(struct conf_texts){ &name, 1, true },
		    user))
			return !str_is(how, given[i].how) &&
				!str_is(how, given[i].or_how);
	}
	return false;
}

bool
identity_named(const struct conf_texts *names, struct str how,
	struct str user)
{
	if (!conf_has_match(names, user))
		return false;
	return !is_borrowed(how, user) || conf_has_text(names, STR("*"));
}

void
identity_settle(const struct identity_draft *d, struct identity *w_r)
{
	bool marked = d->mark.n > 0;
	const struct str parts[] = { d->how, d->issuer,
		marked ? STR_NONE : d->user, d->mark };
	uint8_t digest[SHA256_SIZE];

	memset(w_r, 0, sizeof(*w_r));
	w_r->user = d->user;
	w_r->how = d->how;
	w_r->issuer = d->issuer;
	w_r->email = d->email;
	w_r->groups = d->groups;
	w_r->n_groups = d->n_groups;
	w_r->scopes = d->scopes;
	w_r->n_scopes = d->n_scopes;
	w_r->claims = d->claims;
	w_r->n_claims = d->n_claims;
	w_r->authenticated = d->authenticated;
	digest_parts(parts, marked ? 4 : 3, digest);
	memcpy(w_r->digest, digest, sizeof(w_r->digest));
}
