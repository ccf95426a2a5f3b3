/* SPDX-License-Identifier: MIT */
/*
 * credential -- see the header
 */
#include "config.h"
#include "cred/credential.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/fault.h"
#include "base/limits.h"
#include "http/url.h"

#define MAX_URL_WITH_TOKEN (MAX_URI + 4 * MAX_CREDENTIAL)

static bool
put_query(const struct conf_pool *pool, struct str token, struct arena *a,
	struct str *url)
{
	struct buf b = buf_new(a, MAX_URL_WITH_TOKEN);
	size_t hash = str_find(*url, '#');
	struct str path = str_head(*url, hash);
	size_t mark = str_find(path, '?');
	struct str with_token;

	buf_add(&b, path);
	if (mark == path.n)
		buf_char(&b, '?');
	else if (mark + 1 < path.n)
		buf_char(&b, '&');
	buf_add(&b, url_escape(a, pool->query));
	buf_char(&b, '=');
	buf_add(&b, url_escape(a, token));
	buf_add(&b, str_from(*url, hash));
	if (!buf_take(&b, &with_token))
		return false;
	*url = with_token;
	return true;
}

static bool
put_header(const struct conf_pool *pool, struct str token, struct headers *h)
{
	struct buf b = buf_new(h->arena, 2 * MAX_CREDENTIAL);
	struct str scheme = str_trim(pool->prefix);
	struct str value;

	buf_add(&b, scheme);
	if (scheme.n > 0)
		buf_char(&b, ' ');
	buf_add(&b, token);
	return buf_take(&b, &value) && header_value_ok(value) &&
		headers_set(h, pool->header, value);
}

const struct fault *
credential_put(const struct conf_pool *pool, uint32_t index,
	struct headers *h, struct str *url)
{
	struct str token;
	bool put;

	if (index >= pool->n)
		return fault_new(h->arena, FAULT_INTERNAL,
			"no token with index %u", index);
	token = secret_reveal(pool->v[index].value);
	put = pool->query.n > 0 ? put_query(pool, token, h->arena, url) :
		put_header(pool, token, h);
	return put ? NULL : fault_new(h->arena, FAULT_CREDENTIAL_WITHDRAWN,
		"token index %u cannot be sent", index);
}

bool
credential_static(struct headers *h, const struct conf_pair *pair)
{
	struct str value = secret_reveal(pair->value);

	return header_value_ok(value) && headers_set(h, pair->name, value);
}

void
credential_digest(const struct segment *s, const struct conf_token *t,
	uint8_t digest_r[ROTOR_DIGEST])
{
	rotor_digest(s, secret_reveal(t->value), digest_r);
}

void
credential_sha256(const struct conf_token *t, uint8_t digest_r[32])
{
	digest_sha256(secret_reveal(t->value), digest_r);
}
