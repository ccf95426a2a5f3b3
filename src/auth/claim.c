/* SPDX-License-Identifier: MIT */
/*
 * claim -- what one claim of a token holds
 */
#include "config.h"
#include "auth/claim.h"

#include "base/arena.h"
#include "base/limits.h"

/* ---- a value that is wanted ---------------------------------------- */

static bool
value_is(const struct jdoc *d, struct str wanted, struct arena *a)
{
	struct str text;
	bool yes;
	int64_t number;

	if (jdoc_string(d, &text))
		return str_eq(text, wanted);
	if (jdoc_bool(d, &yes))
		return str_is(wanted, yes ? "true" : "false");
	if (jdoc_int(d, &number))
		return str_eq(wanted, str_fmt(a, "%lld", (long long)number));
	return false;
}

bool
claim_has_value(const struct jdoc *d, struct str wanted, struct arena *a)
{
	if (d == NULL || jdoc_type(d) != JDOC_ARRAY)
		return d != NULL && value_is(d, wanted, a);
	for (size_t i = 0; i < jdoc_length(d); i++) {
		const struct jdoc *element = jdoc_at(d, i);

		if (element != NULL && value_is(element, wanted, a))
			return true;
	}
	return false;
}

void
claim_note_pairs(const struct conf_pairs *asked, const struct jdoc *token,
	struct arena *a, struct identity_draft *who_r)
{
	struct str *v = ARENA_ARRAY(a, struct str, 2 * asked->n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < asked->n; i++) {
		struct str name = asked->v[i].name;
		struct str value = secret_reveal(asked->v[i].value);

		if (!claim_has_value(jdoc_get(token, str_copy(a, name).p),
		    value, a))
			continue;
		v[n++] = name;
		v[n++] = value;
	}
	who_r->claims = v;
	who_r->n_claims = n;
}

/* ---- a list of words ----------------------------------------------- */

/* One string, cut at blanks when `cut` says so.  False: too many. */
static bool
words_of_text(struct str text, bool cut, struct str *words, uint32_t *n_r)
{
	while (text.p != NULL) {
		struct str word = cut ? str_cut(&text, ' ') : text;

		if (!cut)
			text = STR_NONE;
		if (word.n > 0 && *n_r == MAX_GROUPS)
			return false;
		if (word.n > 0)
			words[(*n_r)++] = word;
	}
	return true;
}

/* An array of strings; anything else in it makes it an empty one. */
static bool
words_of_array(const struct jdoc *d, struct str *words, uint32_t *n_r)
{
	if (jdoc_length(d) > MAX_GROUPS)
		return false;
	for (size_t i = 0; i < jdoc_length(d); i++) {
		if (!jdoc_string(jdoc_at(d, i), &words[*n_r])) {
			*n_r = 0;
			return true;
		}
		*n_r += words[*n_r].n > 0;
	}
	return true;
}

bool
claim_words(const struct jdoc *d, bool cut, struct str *words, uint32_t *n_r)
{
	struct str text;

	*n_r = 0;
	if (jdoc_string(d, &text))
		return words_of_text(text, cut, words, n_r);
	if (jdoc_type(d) == JDOC_ARRAY)
		return words_of_array(d, words, n_r);
	return true;
}
