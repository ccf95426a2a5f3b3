/* SPDX-License-Identifier: MIT */
/*
 * jwks -- what was fetched, as it is kept for all workers
 *
 * A list of PEM keys is lines: "KID LENGTH", LENGTH bytes and a line feed.
 */
#include "config.h"
#include "auth/jwks.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/jdoc.h"
#include "base/limits.h"
#include "shm/keysets.h"

#define PEM_KID 36		/* bytes */
#define MAX_PEM 8192		/* bytes of one */
#define REFRESH_S 900
#define MIN_REFRESH_S 300
#define MAX_REFRESH_S 86400
#define ALL_ALGS (((1u << JOSE_ALGS) - 1) & ~JOSE_HS)

static const struct jdoc_limits limits = { .depth = 8, .values = 20000 };

/* ---- key sets ------------------------------------------------------------- */

static const char *const members[] = { "kty", "kid", "use", "key_ops", "alg",
	"crv", "n", "e", "x", "y" };

#define N_MEMBERS (sizeof(members) / sizeof(members[0]))

static void
put_key(struct buf *b, struct arena *a, const struct jdoc *key)
{
	bool object = key != NULL && jdoc_type(key) == JDOC_OBJECT;
	char before = '{';

	for (size_t i = 0; object && i < N_MEMBERS; i++) {
		const struct jdoc *d = jdoc_get(key, members[i]);

		if (d == NULL)
			continue;
		buf_fmt(b, "%c\"%s\":", before, members[i]);
		buf_add(b, jdoc_text(a, d));
		before = ',';
	}
	buf_add_c(b, before == '{' ? "{}" : "}");
}

static struct str
without_rest(struct arena *a, struct str body)
{
	struct jdoc_report report = { 0 };
	const struct jdoc *d = jdoc_parse(a, body, JDOC_STRICT, &limits,
		&report);
	const struct jdoc *keys = d != NULL ? jdoc_get(d, "keys") : NULL;
	struct buf b = buf_new(a, MAX_KEYSET);
	struct str text = body;
	uint32_t n = 0;

	if (keys == NULL)
		return body;
	buf_add_c(&b, "{\"keys\":[");
	for (size_t i = 0; i < jdoc_length(keys) && n < MAX_KEYS; i++) {
		if (!jwk_usable(a, jdoc_at(keys, i)))
			continue;
		if (n++ > 0)
			buf_char(&b, ',');
		put_key(&b, a, jdoc_at(keys, i));
	}
	buf_add_c(&b, "]}");
	return buf_take(&b, &text) ? text : body;
}

const char *
jwks_trim(struct arena *a, struct str body, struct str *text_r,
	uint32_t *keys_r)
{
	struct jwk_table t;

	if (jwk_table_parse(a, body, ALL_ALGS, &t) != NULL)
		return "not a key set";
	body = without_rest(a, body);
	if (body.n > MAX_KEYSET)
		return "too large";
	*text_r = body;
	*keys_r = t.n;
	return NULL;
}

/* The number behind max-age=; -1: none. */
static int64_t
max_age(struct str rules)
{
	uint64_t seconds;

	while (rules.p != NULL) {
		struct str rule = str_trim(str_cut(&rules, ','));
		struct str name = str_head(rule, str_find(rule, '='));

		if (str_is_nocase(name, "no-store") ||
		    str_is_nocase(name, "no-cache"))
			return 0;
		if (str_is_nocase(name, "max-age") && name.n < rule.n &&
		    str_number(str_from(rule, name.n + 1), &seconds))
			return seconds < MAX_REFRESH_S ? (int64_t)seconds :
				MAX_REFRESH_S;
	}
	return -1;
}

int64_t
jwks_refresh_s(struct str cache_control)
{
	int64_t seconds = max_age(cache_control);

	if (seconds < 0)
		return REFRESH_S;
	return seconds < MIN_REFRESH_S ? MIN_REFRESH_S : seconds;
}

/* ---- lists of PEM keys ---------------------------------------------------- */

bool
jwks_pem_kid(struct str kid)
{
	for (size_t i = 0; i < kid.n; i++) {
		char c = kid.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') &&
		    c != '-')
			return false;
	}
	return kid.n == PEM_KID;
}

/* The entry at the head of the list, which moves on. */
static bool
next_entry(struct str *list, struct str *kid_r, struct str *pem_r)
{
	struct str line = str_cut(list, '\n'), kid = str_cut(&line, ' ');
	uint64_t n;

	if (!jwks_pem_kid(kid) || !str_number(line, &n) || n > MAX_PEM ||
	    list->n <= n)
		return false;
	*kid_r = kid;
	*pem_r = str_head(*list, (size_t)n);
	*list = str_from(*list, (size_t)n + 1);
	return true;
}

static void
put_entry(struct buf *b, struct str kid, struct str pem)
{
	buf_fmt(b, "%.*s %zu\n", STR_ARG(kid), pem.n);
	buf_add(b, pem);
	buf_char(b, '\n');
}

const char *
jwks_pem_add(struct arena *a, struct str list, struct str kid, struct str pem,
	struct str *list_r)
{
	struct buf b = buf_new(a, MAX_KEYSET);
	struct str old_kid, old_pem, text;
	struct jwk_table t;
	unsigned n = 1;

	if (pem.n > MAX_PEM || !jwks_pem_kid(kid) ||
	    jwk_table_pem(a, pem, ALL_ALGS, &t) != NULL)
		return "not a public key";
	put_entry(&b, kid, pem);
	while (n < JWKS_PEM_KEYS && next_entry(&list, &old_kid, &old_pem)) {
		if (str_eq(old_kid, kid) || b.n + old_pem.n + 64 > MAX_KEYSET)
			continue;
		put_entry(&b, old_kid, old_pem);
		n++;
	}
	if (!buf_take(&b, &text))
		return "too large";
	*list_r = text;
	return NULL;
}

uint32_t
jwks_pem_kids(struct str list, struct str kids_r[JWKS_PEM_KEYS])
{
	struct str pem;
	uint32_t n = 0;

	while (n < JWKS_PEM_KEYS && next_entry(&list, &kids_r[n], &pem))
		n++;
	return n;
}

const struct fault *
jwks_pem_table(struct arena *a, struct str list, uint32_t algs,
	struct jwk_table *t_r)
{
	struct jwk_table t = { .arena = a, .has_kids = true }, one;
	struct str kid, pem;
	const struct fault *f;

	t.v = ARENA_ARRAY(a, struct jwk, JWKS_PEM_KEYS);
	while (t.n < JWKS_PEM_KEYS && next_entry(&list, &kid, &pem)) {
		f = jwk_table_pem(a, pem, algs, &one);
		if (f != NULL)
			return f;
		t.v[t.n] = one.v[0];
		t.v[t.n++].kid = kid;
	}
	*t_r = t;
	return NULL;
}
