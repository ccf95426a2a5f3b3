/* SPDX-License-Identifier: MIT */
/*
 * jose -- takes a compact JWS apart, strictly, before any library sees it
 */
#include "config.h"
#include "auth/jose.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"

#define LONG_DIGITS 19		/* so many may pass 2^63 */

static const struct {
	const char *name;
	uint32_t hash;			/* bytes */
} algs[JOSE_ALGS] = {
	[JOSE_HS256] = { "HS256", 32 }, [JOSE_HS384] = { "HS384", 48 },
	[JOSE_HS512] = { "HS512", 64 }, [JOSE_RS256] = { "RS256", 32 },
	[JOSE_RS384] = { "RS384", 48 }, [JOSE_RS512] = { "RS512", 64 },
	[JOSE_PS256] = { "PS256", 32 }, [JOSE_PS384] = { "PS384", 48 },
	[JOSE_PS512] = { "PS512", 64 }, [JOSE_ES256] = { "ES256", 32 },
	[JOSE_ES384] = { "ES384", 48 }, [JOSE_ES512] = { "ES512", 64 },
	[JOSE_EDDSA] = { "EdDSA", 0 },
};

static const struct jdoc_limits header_limits = { .depth = 8, .values = 64 };
static const struct jdoc_limits claims_limits = { .depth = 16,
	.values = 2000 };

bool
jose_alg_of(struct str name, enum jose_alg *alg_r)
{
	for (int i = 0; i < JOSE_ALGS; i++) {
		if (str_is(name, algs[i].name)) {
			*alg_r = (enum jose_alg)i;
			return true;
		}
	}
	return false;
}

const char *
jose_alg_name(enum jose_alg alg)
{
	return algs[alg].name;
}

uint32_t
jose_alg_hash(enum jose_alg alg)
{
	return algs[alg].hash;
}

bool
jose_kid_clean(struct str kid)
{
	if (kid.n == 0 || kid.n > MAX_KID)
		return false;
	for (size_t i = 0; i < kid.n; i++) {
		if (kid.p[i] < 0x20 || kid.p[i] > 0x7E)
			return false;
	}
	return true;
}

bool
jose_text_clean(struct str s, size_t max)
{
	if (s.n == 0 || s.n > max || !str_utf8(s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7F)
			return false;
		if (c == 0xC2 && (unsigned char)s.p[i + 1] < 0xA0)
			return false;	/* U+0080..U+009F */
	}
	return true;
}

static const struct fault *
malformed(struct arena *a, const char *what)
{
	return fault_new(a, FAULT_INVALID_TOKEN, "malformed: %s", what);
}

/* Without '=' that fills the last group of four. */
static struct str
without_padding(struct str s)
{
	for (int i = 0; i < 2 && s.n > 0 && s.p[s.n - 1] == '='; i++)
		s.n--;
	return s;
}

/* One segment decoded, 1..max bytes. */
static bool
decode(struct arena *a, struct str segment, size_t max, struct str *bytes_r)
{
	uint8_t *p;
	size_t n = 0;

	if (segment.n == 0 || segment.n > max / 3 * 4 + 4)
		return false;
	p = arena_alloc(a, 3 * (segment.n / 4) + 3);
	if (!digest_unbase64url(segment, p, &n) || n == 0 || n > max)
		return false;
	*bytes_r = (struct str){ (const char *)p, n };
	return true;
}

/* Numbers of so many digits are judged by our reader alone: it keeps what
 * others refuse or wrap. */
static bool
has_long_number(struct str text)
{
	size_t run = 0;

	for (size_t i = 0; i < text.n; i++) {
		run = text.p[i] >= '0' && text.p[i] <= '9' ? run + 1 : 0;
		if (run >= LONG_DIGITS)
			return true;
	}
	return false;
}

static const struct fault *
parse_object(struct arena *a, struct str text, const struct jdoc_limits *l,
	struct jose *j, struct jdoc **d_r)
{
	struct jdoc_report report = { 0 };
	struct jdoc *d = jdoc_parse(a, text, JDOC_STRICT, l, &report);

	if (d == NULL)
		return malformed(a, report.why != NULL ? report.why : "JSON");
	if (jdoc_type(d) != JDOC_OBJECT)
		return malformed(a, "not an object");
	j->odd_number = j->odd_number || report.has_non_finite ||
		has_long_number(text);
	*d_r = d;
	return NULL;
}

/* The name without "application/", which RFC 7515 lets one leave out. */
static struct str
short_type(struct str typ)
{
	struct str head = STR("application/");

	if (str_eq_nocase(str_head(typ, head.n), head))
		return str_from(typ, head.n);
	return typ;
}

static const struct fault *
read_typ(struct arena *a, const struct jdoc *header, struct str required,
	enum jose_typ *typ_r)
{
	const struct jdoc *d = jdoc_get(header, "typ");
	struct str typ = STR_NONE, full = STR_NONE;

	*typ_r = JOSE_TYP_NONE;
	if (d != NULL) {
		if (!jdoc_string(d, &full))
			return fault_new(a, FAULT_INVALID_TOKEN, "typ");
		typ = short_type(full);
		if (str_is_nocase(typ, "JWT"))
			*typ_r = typ.n == full.n ? JOSE_TYP_JWT :
				JOSE_TYP_FULL;
		else if (str_is_nocase(typ, "at+jwt"))
			*typ_r = JOSE_TYP_ACCESS;
		else
			return fault_new(a, FAULT_INVALID_TOKEN, "typ");
	}
	if (required.n > 0 && !str_eq_nocase(typ, short_type(required)))
		return fault_new(a, FAULT_INVALID_TOKEN, "typ");
	return NULL;
}

/* Members that change what the signature means, and a token in a token. */
static const struct fault *
check_extensions(struct arena *a, const struct jdoc *header)
{
	const struct jdoc *cty = jdoc_get(header, "cty");
	struct str text;

	if (jdoc_get(header, "crit") != NULL)
		return fault_new(a, FAULT_INVALID_TOKEN, "crit");
	if (jdoc_get(header, "b64") != NULL)
		return fault_new(a, FAULT_INVALID_TOKEN, "crit: b64");
	if (cty == NULL)
		return NULL;
	if (jdoc_string(cty, &text) && str_is_nocase(short_type(text), "JWT"))
		return malformed(a, "nested token");
	return NULL;
}

static const struct fault *
read_kid(struct arena *a, const struct jdoc *header, struct str *kid_r)
{
	const struct jdoc *d = jdoc_get(header, "kid");

	*kid_r = STR_NONE;
	if (d == NULL)
		return NULL;
	if (!jdoc_string(d, kid_r) || !jose_kid_clean(*kid_r))
		return malformed(a, "kid");
	return NULL;
}

static const struct fault *
read_header(struct arena *a, const struct jdoc *header,
	const struct jose_rules *rules, struct jose *j)
{
	const struct fault *f;
	struct str name;

	if (!jdoc_string(jdoc_get(header, "alg"), &name))
		return malformed(a, "alg");
	if (!jose_alg_of(name, &j->alg) ||
	    (rules->algs & JOSE_BIT(j->alg)) == 0)
		return fault_new(a, FAULT_TOKEN_SIGNATURE, "alg");
	f = check_extensions(a, header);
	if (f == NULL)
		f = read_kid(a, header, &j->kid);
	if (f == NULL)
		f = read_typ(a, header, rules->require_typ, &j->typ);
	return f;
}

/* Three segments, found in the received bytes. */
static bool
split(struct str token, struct str segment_r[3])
{
	struct str rest = token;

	segment_r[0] = str_cut(&rest, '.');
	if (rest.p == NULL)
		return false;
	segment_r[1] = str_cut(&rest, '.');
	if (rest.p == NULL || str_find(rest, '.') < rest.n)
		return false;
	segment_r[2] = rest;
	return true;
}

const struct fault *
jose_parse(struct arena *a, struct str token, const struct jose_rules *rules,
	struct jose *j_r)
{
	struct jose j = { .token = token };
	struct str segment[3], header, payload;
	const struct fault *f;
	size_t n;

	if (token.n == 0 || token.n > rules->max_token ||
	    token.n > MAX_TOKEN)
		return malformed(a, "length");
	if (!split(token, segment))
		return malformed(a, "not three segments");
	n = segment[2].n;
	for (int i = 0; rules->padded && i < 3; i++) {
		if (segment[i].n % 4 == 0)
			segment[i] = without_padding(segment[i]);
	}
	if (!decode(a, segment[0], MAX_JOSE_HEADER, &header) ||
	    !decode(a, segment[1], MAX_CLAIMS, &payload) ||
	    !decode(a, segment[2], MAX_JOSE_HEADER, &j.signature))
		return malformed(a, "base64url");
	j.signing = str_head(token, token.n - n - 1);
	f = parse_object(a, header, &header_limits, &j, &j.header);
	if (f == NULL)
		f = read_header(a, j.header, rules, &j);
	if (f == NULL)
		f = parse_object(a, payload, &claims_limits, &j,
			&j.claims);
	if (f != NULL)
		return f;
	*j_r = j;
	return NULL;
}
