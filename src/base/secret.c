/* SPDX-License-Identifier: MIT */
/*
 * secret -- a value that no log, reply or dump may show
 */
#include "config.h"
#include "base/secret.h"

#include "base/digest.h"

struct secret
secret_of(struct str s)
{
	return (struct secret){ s.p, s.n };
}

struct str
secret_reveal(struct secret s)
{
	return (struct str){ s.hidden, s.n };
}

struct secret
secret_copy(struct arena *a, struct secret s)
{
	return secret_of(str_copy(a, secret_reveal(s)));
}

bool
secret_empty(struct secret s)
{
	return s.n == 0;
}

/* Digests have one length, so the time says nothing about either's. */
bool
secret_eq(struct secret a, struct secret b)
{
	uint8_t da[SHA256_SIZE], db[SHA256_SIZE];
	bool same;

	digest_sha256(secret_reveal(a), da);
	digest_sha256(secret_reveal(b), db);
	same = digest_same(da, db, SHA256_SIZE);
	digest_wipe(da, sizeof(da));
	digest_wipe(db, sizeof(db));
	return same;
}
