/* SPDX-License-Identifier: MIT */
/*
 * identity -- who is calling, once it is known
 *
 * Kind and issuer are part of the principal: the user "alice" of a proxy
 * header and the subject "alice" of a token are two principals.
 * Only auth/ writes (IDENTITY_WRITER).
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include "conf/conf.h"

/* Of an active token that names nobody. */
#define IDENTITY_NAMELESS "introspection:nameless"

#ifndef IDENTITY_WRITER
# define IDENTITY_WRITER const
#endif

struct identity {
	IDENTITY_WRITER struct str user;	/* "anonymous" when nobody */
	IDENTITY_WRITER struct str how;		/* "none" "local" "token" … */
	/* JWT iss; for a proxy "header:NAME" or "param:NAME"; or "" */
	IDENTITY_WRITER struct str issuer;
	IDENTITY_WRITER struct str email;
	const struct str * IDENTITY_WRITER groups;
	IDENTITY_WRITER uint32_t n_groups;
	const struct str * IDENTITY_WRITER scopes;
	IDENTITY_WRITER uint32_t n_scopes;
	/* name, value, name, value …: those that rules of a policy name */
	const struct str * IDENTITY_WRITER claims;
	IDENTITY_WRITER uint32_t n_claims;	/* texts: two for each */
	IDENTITY_WRITER bool authenticated;	/* not none, not local */
	/* keyed nothing: SHA-256 of how, issuer, and user or mark; first 16
	 * bytes */
	IDENTITY_WRITER uint8_t digest[16];
};

bool identity_has_scope(const struct identity *w, struct str scope);

/* The token's claim is or holds that value, one of those asked for. */
bool identity_has_claim(const struct identity *w, struct str name,
	struct str value);

/* Does a list of names that let in mean this caller?  "anonymous", "token:…",
 * "apikey:…" are callers of that kind: who is called so by a token, an
 * endpoint or a proxy comes under "*" alone.  Lists that keep out mean him, too:
 * those need conf_has_match() and no more. */
bool identity_named(const struct conf_texts *names, struct str how,
	struct str user);

/* What is known so far about a caller, while it is being judged. */
struct identity_draft {
	struct str user, how, issuer, email;
	struct str mark;	/* who it is where the name may change; or "" */
	const struct str *groups, *scopes, *claims;
	uint32_t n_groups, n_scopes, n_claims;
	bool authenticated;
};

/* The one place where an identity comes into being.  Texts are borrowed. */
void identity_settle(const struct identity_draft *d, struct identity *w_r);

#endif
