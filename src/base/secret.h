/* SPDX-License-Identifier: MIT */
/*
 * secret -- a value that no log, reply or dump may show
 *
 * There is no conversion to text but secret_reveal(); the lint "secrets"
 * lists the files that may say it.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include "base/str.h"

struct secret {
	const char *hidden;
	size_t n;
};

struct secret secret_of(struct str s);		/* borrows the bytes of s */
struct str secret_reveal(struct secret s);
bool secret_empty(struct secret s);

/* In an arena of its own, which wipes it. */
struct secret secret_copy(struct arena *a, struct secret s);

/* Compares SHA-256 digests in constant time. */
bool secret_eq(struct secret a, struct secret b);

/* What every text shows instead of a secret. */
#define SECRET_MASK "***"

#endif
