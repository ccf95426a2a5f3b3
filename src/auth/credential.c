/* SPDX-License-Identifier: MIT */
/*
 * credential -- what the caller presents: reads the one bearer value or key
 */
#include "config.h"
#include "auth/credential.h"

#include "http/url.h"

#define AUTHORIZATION "HTTP_AUTHORIZATION"
#define REDIRECTED "REDIRECT_HTTP_AUTHORIZATION"

static bool
is_authorization(const struct credential_place *place)
{
	return str_is(place->variable, AUTHORIZATION);
}

/* ---- characters --------------------------------------------------- */

/* Sixteen bytes for the vector unit; a comparison gives 0 or all bits. */
typedef uint8_t sixteen __attribute__((vector_size(16)));

/* All bits of each byte that no token has. */
static sixteen
strange(const char *p)
{
	sixteen v, low;

	memcpy(&v, p, sizeof(v));
	low = (v | 0x20) - 'a';
	return (sixteen)((low > 'z' - 'a') & (v - '-' > '9' - '-') &
		(v != '+') & (v != '_') & (v != '~'));
}

/* Sixteen bytes or more: the last may overlap those before. */
static bool
is_clean(struct str s)
{
	sixteen bad = strange(s.p + s.n - sizeof(bad));
	uint64_t half[2];

	for (size_t i = 0; s.n - i > sizeof(bad); i += sizeof(bad))
		bad |= strange(s.p + i);
	/* cppcheck-suppress bufferAccessOutOfBounds ; takes it for one byte */
	memcpy(half, &bad, sizeof(half));
	return (half[0] | half[1]) == 0;
}

/* b64token of RFC 6750: the characters, then any number of '='. */
static bool
is_b64token(struct str s)
{
	char room[sizeof(sixteen)];

	while (s.n > 0 && s.p[s.n - 1] == '=')
		s.n--;
	if (s.n == 0)
		return false;
	if (s.n < sizeof(room)) {
		memset(room, 'A', sizeof(room));
		memcpy(room, s.p, s.n);
		s = (struct str){ room, sizeof(room) };
	}
	return is_clean(s);
}

/* Headers of our own may carry any visible character but those with which
 * lists and parameters are written. */
static bool
is_single(struct str s)
{
	return str_visible(s) && str_find(s, ',') == s.n &&
		str_find(s, '"') == s.n;
}

/* ---- one value ---------------------------------------------------- */

static struct str
skip_blanks(struct str s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s = str_from(s, 1);
	return s;
}

/* Takes the scheme off. GOOD: value_r is what follows it. */
static enum credential_state
strip_scheme(const struct credential_place *place, struct str value,
	struct str *value_r)
{
	size_t blank = str_find(value, ' ');
	bool own = !is_authorization(place);

	*value_r = value;
	if (blank == value.n) {
		if (place->prefix.n == 0)
			return CREDENTIAL_GOOD;
		if (str_eq_nocase(value, place->prefix))
			return CREDENTIAL_BAD;
		return place->bare ? CREDENTIAL_GOOD : CREDENTIAL_NONE;
	}
	if (place->prefix.n == 0 ||
	    !str_eq_nocase(str_head(value, blank), place->prefix))
		return own ? CREDENTIAL_BAD : CREDENTIAL_NONE;
	*value_r = skip_blanks(str_from(value, blank));
	return CREDENTIAL_GOOD;
}

static enum credential_state
judge(const struct credential_place *place, size_t max_bytes, struct str value,
	struct str *value_r)
{
	enum credential_state state = strip_scheme(place, value, value_r);
	bool clean;

	if (state != CREDENTIAL_GOOD)
		return state;
	clean = is_authorization(place) ? is_b64token(*value_r) :
		is_single(*value_r);
	if (!clean || value_r->n > max_bytes)
		return CREDENTIAL_BAD;
	return CREDENTIAL_GOOD;
}

/* ---- one place ---------------------------------------------------- */

/* The header's value.  Apache's rewriting moves Authorization under another
 * name; two names with one value are one value. */
static enum credential_state
collect(const struct credential_place *place, const struct params *p,
	struct str *value_r)
{
	uint32_t n, n_other = 0;
	struct str value = params_client(p, place->variable.p, &n);
	struct str other = STR_NONE;

	if (is_authorization(place))
		other = params_client(p, REDIRECTED, &n_other);
	*value_r = n > 0 ? value : other;
	if (n + n_other == 0)
		return CREDENTIAL_NONE;
	if (n > 1 || n_other > 1)
		return CREDENTIAL_BAD;
	if (n == 1 && n_other == 1 && !str_eq(value, other))
		return CREDENTIAL_BAD;
	return CREDENTIAL_GOOD;
}

static struct credential
read_place(const struct credential_rules *r,
	const struct credential_place *place, const struct params *p)
{
	struct credential c = { .serves = place->serves };
	struct str value;

	c.state = collect(place, p, &value);
	c.value = value;
	if (c.state == CREDENTIAL_GOOD)
		c.state = judge(place, r->max_bytes, value, &c.value);
	if (c.state == CREDENTIAL_NONE)
		c.value = STR_NONE;
	return c;
}

/* ---- the query ---------------------------------------------------- */

static struct credential
read_query(const struct credential_rules *r, struct str query,
	struct arena *a)
{
	struct credential c = { .serves = r->query };

	while (query.p != NULL && query.n > 0) {
		struct str value = str_cut(&query, '&'), name, text;

		name = str_cut(&value, '=');
		if (!url_form_text(a, name, &name) ||
		    !str_is(name, "access_token") || value.n == 0)
			continue;
		if (c.state != CREDENTIAL_NONE) {
			c.state = CREDENTIAL_TWICE;
			return c;
		}
		c.state = CREDENTIAL_BAD;
		c.value = value;
		if (!url_form_text(a, value, &text))
			continue;
		c.value = text;
		if (is_b64token(text) && text.n <= r->max_bytes)
			c.state = CREDENTIAL_GOOD;
	}
	return c;
}

/* ---- all places --------------------------------------------------- */

/* Two readings of one header: with two schemes at most one is good. */
static struct credential
merge(struct credential a, struct credential b)
{
	if (a.state == b.state && str_eq(a.value, b.value))
		a.serves |= b.serves;
	if (a.state == CREDENTIAL_NONE || (a.state == CREDENTIAL_BAD &&
	    b.state == CREDENTIAL_GOOD))
		return b;
	return a;
}

/* Is there an earlier place of the same header? */
static bool
seen_before(const struct credential_rules *r, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++) {
		if (str_eq(r->places[k].variable, r->places[i].variable))
			return true;
	}
	return false;
}

static struct credential
read_header(const struct credential_rules *r, uint32_t first,
	const struct params *p)
{
	struct credential c = read_place(r, &r->places[first], p);

	for (uint32_t k = first + 1; k < r->n; k++) {
		if (str_eq(r->places[k].variable, r->places[first].variable))
			c = merge(c, read_place(r, &r->places[k], p));
	}
	return c;
}

/* Two places that both hold something are ambiguous. */
static struct credential
join(struct credential a, struct credential b)
{
	if (a.state == CREDENTIAL_NONE)
		return b;
	if (b.state != CREDENTIAL_NONE)
		a.state = CREDENTIAL_TWICE;
	return a;
}

struct credential
credential_read(const struct credential_rules *r, const struct params *p,
	struct str query, struct arena *a)
{
	struct credential c = { .state = CREDENTIAL_NONE };

	for (uint32_t i = 0; i < r->n; i++) {
		if (!seen_before(r, i))
			c = join(c, read_header(r, i, p));
	}
	if (r->query != 0)
		c = join(c, read_query(r, query, a));
	return c;
}
