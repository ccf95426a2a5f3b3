/* SPDX-License-Identifier: MIT */
/*
 * verdict -- tokens found good, remembered by all workers for a while
 */
#include "config.h"
#include "auth/verdict.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "shm/shelf.h"

#define FORMAT 4		/* first byte of an entry */

struct verdict_key
verdict_key_of(const struct segment *s, struct str policy_name,
	const uint8_t policy_digest[SHA256_SIZE], struct str token)
{
	const struct str parts[] = {
		STR("verdict"),
		{ (const char *)segment_secret(s), 32 },
		policy_name,
		{ (const char *)policy_digest, SHA256_SIZE },
		token,
	};
	struct verdict_key key;

	digest_parts(parts, sizeof(parts) / sizeof(parts[0]), key.digest);
	return key;
}

/* ---- packing ------------------------------------------------------ */

struct packer {
	char bytes[MAX_SHELF];
	size_t n;
	bool full;
};

static void
put_bytes(struct packer *p, const void *bytes, size_t n)
{
	if (p->full || n > sizeof(p->bytes) - p->n) {
		p->full = true;
		return;
	}
	if (n > 0)
		memcpy(p->bytes + p->n, bytes, n);
	p->n += n;
}

static void
put_text(struct packer *p, struct str s)
{
	uint16_t n = (uint16_t)s.n;

	if (s.n > UINT16_MAX) {
		p->full = true;
		return;
	}
	put_bytes(p, &n, sizeof(n));
	put_bytes(p, s.p, s.n);
}

static void
put_list(struct packer *p, const struct str *v, uint32_t n)
{
	p->full = p->full || n > MAX_GROUPS;
	put_bytes(p, &n, sizeof(n));
	for (uint32_t i = 0; i < n && !p->full; i++)
		put_text(p, v[i]);
}

static void
pack(struct packer *p, const struct claims *c)
{
	const uint8_t format = FORMAT, has_jti = c->has_jti;

	put_bytes(p, &format, sizeof(format));
	put_bytes(p, &c->not_before_s, sizeof(c->not_before_s));
	put_bytes(p, &c->expires_s, sizeof(c->expires_s));
	put_bytes(p, &c->issued_s, sizeof(c->issued_s));
	put_bytes(p, &c->signed_part, sizeof(c->signed_part));
	put_bytes(p, &c->jti, sizeof(c->jti));
	put_bytes(p, &c->jti_any, sizeof(c->jti_any));
	put_bytes(p, &has_jti, sizeof(has_jti));
	put_text(p, c->who.user);
	put_text(p, c->who.issuer);
	put_text(p, c->who.email);
	put_list(p, c->who.groups, c->who.n_groups);
	put_list(p, c->who.scopes, c->who.n_scopes);
	put_list(p, c->who.claims, c->who.n_claims);
}

/* ---- unpacking ---------------------------------------------------- */

static bool
get_bytes(struct str *s, void *bytes_r, size_t n)
{
	if (s->n < n)
		return false;
	memcpy(bytes_r, s->p, n);
	*s = str_from(*s, n);
	return true;
}

static bool
get_text(struct str *s, struct str *text_r)
{
	uint16_t n;

	if (!get_bytes(s, &n, sizeof(n)) || s->n < n)
		return false;
	*text_r = str_head(*s, n);
	*s = str_from(*s, n);
	return true;
}

static bool
get_list(struct str *s, struct arena *a, const struct str **v_r,
	uint32_t *n_r)
{
	struct str *v;
	uint32_t n;

	if (!get_bytes(s, &n, sizeof(n)) || n > MAX_GROUPS)
		return false;
	v = ARENA_ARRAY(a, struct str, n);
	for (uint32_t i = 0; i < n; i++) {
		if (!get_text(s, &v[i]))
			return false;
	}
	*v_r = v;
	*n_r = n;
	return true;
}

bool
verdict_unpack(struct str bytes, struct arena *a, struct claims *c_r)
{
	struct claims c = { .who = { .how = STR("jwt"),
		.authenticated = true } };
	uint8_t format, has_jti;

	if (!get_bytes(&bytes, &format, sizeof(format)) || format != FORMAT ||
	    !get_bytes(&bytes, &c.not_before_s, sizeof(c.not_before_s)) ||
	    !get_bytes(&bytes, &c.expires_s, sizeof(c.expires_s)) ||
	    !get_bytes(&bytes, &c.issued_s, sizeof(c.issued_s)) ||
	    !get_bytes(&bytes, &c.signed_part, sizeof(c.signed_part)) ||
	    !get_bytes(&bytes, &c.jti, sizeof(c.jti)) ||
	    !get_bytes(&bytes, &c.jti_any, sizeof(c.jti_any)) ||
	    !get_bytes(&bytes, &has_jti, sizeof(has_jti)) ||
	    !get_text(&bytes, &c.who.user) ||
	    !get_text(&bytes, &c.who.issuer) ||
	    !get_text(&bytes, &c.who.email) ||
	    !get_list(&bytes, a, &c.who.groups, &c.who.n_groups) ||
	    !get_list(&bytes, a, &c.who.scopes, &c.who.n_scopes) ||
	    !get_list(&bytes, a, &c.who.claims, &c.who.n_claims))
		return false;
	if (bytes.n > 0 || c.who.user.n == 0)
		return false;
	c.has_jti = has_jti != 0;
	*c_r = c;
	return true;
}

/* ---- the shelf ---------------------------------------------------- */

bool
verdict_get(struct segment *s, const struct verdict_key *key,
	int64_t now_unix_s, struct arena *a, struct claims *c_r)
{
	struct str bytes;

	if (!shelf_get(s, key->digest, now_unix_s, a, &bytes))
		return false;
	return verdict_unpack(bytes, a, c_r);
}

void
verdict_put(struct segment *s, const struct verdict_key *key,
	const struct claims *c, int64_t now_unix_s, int64_t ttl_s)
{
	int64_t until = now_unix_s + ttl_s;
	struct packer p = { .n = 0 };

	if (c->expires_s < until)
		until = c->expires_s;
	pack(&p, c);
	if (!p.full && until > now_unix_s)
		shelf_put(s, key->digest, (struct str){ p.bytes, p.n }, until);
	digest_wipe(&p, sizeof(p));
}
