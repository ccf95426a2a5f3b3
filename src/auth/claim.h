/* SPDX-License-Identifier: MIT */
/*
 * claim -- what one claim of a token holds
 *
 * Lifetime: texts point into the token; lists lie in the caller's arena.
 * Promise: a value is read with its own type; nothing is coerced.
 */
#ifndef AUTH_CLAIM_H
#define AUTH_CLAIM_H

#include "auth/identity.h"
#include "base/jdoc.h"
#include "conf/conf.h"

/* d, or an element of it, is the value that the configuration writes as
 * `wanted`: a word, "true", a number.  NULL has none. */
bool claim_has_value(const struct jdoc *d, struct str wanted, struct arena *a);

/* The words of a text, cut at blanks when `cut` says so, or of an array of
 * texts; anything else in it makes it an empty one, as NULL is.  words has
 * room for MAX_GROUPS + 1.  False: more than MAX_GROUPS. */
bool claim_words(const struct jdoc *d, bool cut, struct str *words,
	uint32_t *n_r);

/* Which of the pairs that rules of a policy name a token has: into who_r. */
void claim_note_pairs(const struct conf_pairs *asked, const struct jdoc *token,
	struct arena *a, struct identity_draft *who_r);

#endif
