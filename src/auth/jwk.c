/* SPDX-License-Identifier: MIT */
/*
 * jwk -- verification keys: read strictly, each with its own algorithms
 */
#include "config.h"
#include "auth/jwk.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "base/log.h"

#define RSA_MIN_BITS 2048
#define RSA_MAX_BITS 8192
#define ED25519_SIZE 32
#define PEM_BEGIN "-----BEGIN "
#define PEM_END "-----END "

static const struct jdoc_limits set_limits = { .depth = 8, .values = 20000 };

static const struct curve {
	const char *name;
	uint32_t bits, bytes;
} curves[] = {
	{ "P-256", 256, 32 },
	{ "P-384", 384, 48 },
	{ "P-521", 521, 66 },
};

#define N_CURVES (sizeof(curves) / sizeof(curves[0]))

/* Points of order dividing 8, bit 255 cleared: whoever knows none of the
 * secrets can sign for them. */
static const char *const small_order[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

#define N_SMALL (sizeof(small_order) / sizeof(small_order[0]))

/* ---- numbers and sizes -------------------------------------------- */

static struct str
strip_zeros(struct str s)
{
	while (s.n > 0 && s.p[0] == '\0')
		s = str_from(s, 1);
	return s;
}

static uint32_t
bits_of(struct str number)
{
	uint32_t bits = (uint32_t)number.n * 8;

	if (number.n == 0)
		return 0;
	for (unsigned top = (unsigned char)number.p[0]; top < 0x80; top <<= 1)
		bits--;
	return bits;
}

static bool
is_odd(struct str number)
{
	return number.n > 0 && (number.p[number.n - 1] & 1) != 0;
}

static const char *
check_rsa(struct jwk *k)
{
	k->n = strip_zeros(k->n);
	k->e = strip_zeros(k->e);
	if (k->n.n > RSA_MAX_BITS / 8)
		return "modulus over 8192 bits";
	k->bits = bits_of(k->n);
	if (k->bits < RSA_MIN_BITS)
		return "modulus under 2048 bits";
	if (!is_odd(k->n))
		return "even modulus";
	if (!is_odd(k->e) || k->e.n > 4 || (k->e.n == 1 && k->e.p[0] == 1))
		return "exponent";
	return NULL;
}

static const struct curve *
curve_of(uint32_t bits)
{
	for (size_t i = 0; i < N_CURVES; i++) {
		if (curves[i].bits == bits)
			return &curves[i];
	}
	return NULL;
}

static const char *
check_ec(const struct jwk *k)
{
	const struct curve *c = curve_of(k->bits);

	if (c == NULL)
		return "curve";
	if (k->x.n != c->bytes || k->y.n != c->bytes)
		return "size of the point";
	return NULL;
}

static const char *
check_okp(const struct jwk *k)
{
	uint8_t point[ED25519_SIZE], weak[ED25519_SIZE];

	if (k->x.n != ED25519_SIZE)
		return "size of the point";
	memcpy(point, k->x.p, ED25519_SIZE);
	point[ED25519_SIZE - 1] &= 0x7F;
	for (size_t i = 0; i < N_SMALL; i++) {
		if (digest_unhex(str_of(small_order[i]), weak, sizeof(weak)) &&
		    memcmp(point, weak, sizeof(weak)) == 0)
			return "point of small order";
	}
	return NULL;
}

/* What a key of this kind can do at all. */
static uint32_t
abilities(const struct jwk *k)
{
	switch (k->kind) {
	case JWK_HMAC:
		return JOSE_HS;
	case JWK_RSA:
		return JOSE_RS | JOSE_PS;
	case JWK_EC:
		return k->bits == 256 ? JOSE_BIT(JOSE_ES256) :
			k->bits == 384 ? JOSE_BIT(JOSE_ES384) :
			JOSE_BIT(JOSE_ES512);
	case JWK_OKP:
		return JOSE_BIT(JOSE_EDDSA);
	case JWK_PEM:
		break;
	}
	return 0;
}

const char *
jwk_check(struct jwk *k, uint32_t algs)
{
	const char *why = NULL;

	if (k->kind == JWK_RSA)
		why = check_rsa(k);
	else if (k->kind == JWK_EC)
		why = check_ec(k);
	else if (k->kind == JWK_OKP)
		why = check_okp(k);
	if (why != NULL)
		return why;
	k->algs = abilities(k) & algs;
	return NULL;
}

/* ---- one entry of a set ------------------------------------------- */

static bool
member(const struct jdoc *d, const char *name, struct str *text_r)
{
	return jdoc_string(jdoc_get(d, name), text_r);
}

static bool
decode(struct arena *a, const struct jdoc *d, const char *name,
	struct str *bytes_r)
{
	struct str text;
	uint8_t *p;
	size_t n = 0;

	if (!member(d, name, &text) || text.n == 0 || text.n > MAX_TOKEN)
		return false;
	p = arena_alloc(a, 3 * (text.n / 4) + 3);
	if (!digest_unbase64url(text, p, &n) || n == 0)
		return false;
	*bytes_r = (struct str){ (const char *)p, n };
	return true;
}

static const char *
read_kid(const struct jdoc *d, struct jwk *k)
{
	if (jdoc_get(d, "kid") == NULL)
		return NULL;
	if (!member(d, "kid", &k->kid) || !jose_kid_clean(k->kid))
		return "kid";
	return NULL;
}

/* May it be used to verify signatures? */
static const char *
check_use(const struct jdoc *d)
{
	const struct jdoc *ops = jdoc_get(d, "key_ops");
	struct str text;
	bool verify = false;

	if (jdoc_get(d, "use") != NULL &&
	    (!member(d, "use", &text) || !str_is(text, "sig")))
		return "use";
	if (jdoc_get(d, "key_ops") == NULL)
		return NULL;
	if (ops == NULL || jdoc_type(ops) != JDOC_ARRAY)
		return "key_ops";
	for (size_t i = 0; i < jdoc_length(ops); i++) {
		if (!jdoc_string(jdoc_at(ops, i), &text))
			return "key_ops";
		verify = verify || str_is(text, "verify");
	}
	return verify ? NULL : "key_ops";
}

static const char *
read_ec(struct arena *a, const struct jdoc *d, struct jwk *k)
{
	struct str crv;

	k->kind = JWK_EC;
	if (!member(d, "crv", &crv))
		return "crv";
	for (size_t i = 0; i < N_CURVES; i++) {
		if (str_is(crv, curves[i].name))
			k->bits = curves[i].bits;
	}
	if (k->bits == 0)
		return "crv";
	if (!decode(a, d, "x", &k->x) || !decode(a, d, "y", &k->y))
		return "x or y";
	return NULL;
}

static const char *
read_okp(struct arena *a, const struct jdoc *d, struct jwk *k)
{
	struct str crv;

	k->kind = JWK_OKP;
	if (!member(d, "crv", &crv) || !str_is(crv, "Ed25519"))
		return "crv";
	return decode(a, d, "x", &k->x) ? NULL : "x";
}

static const char *
read_material(struct arena *a, const struct jdoc *d, struct jwk *k)
{
	struct str kty;

	if (!member(d, "kty", &kty))
		return "kty";
	if (str_is(kty, "EC"))
		return read_ec(a, d, k);
	if (str_is(kty, "OKP"))
		return read_okp(a, d, k);
	if (str_is(kty, "oct"))
		return "a shared secret has no place in a key set";
	if (!str_is(kty, "RSA"))
		return "kty";
	k->kind = JWK_RSA;
	if (!decode(a, d, "n", &k->n) || !decode(a, d, "e", &k->e))
		return "n or e";
	return NULL;
}

/* A key that names its algorithm does only that one. */
static const char *
narrow(const struct jdoc *d, struct jwk *k)
{
	struct str name;
	enum jose_alg alg;

	if (jdoc_get(d, "alg") == NULL)
		return NULL;
	if (!member(d, "alg", &name) || !jose_alg_of(name, &alg) ||
	    (abilities(k) & JOSE_BIT(alg)) == 0)
		return "alg";
	k->algs &= JOSE_BIT(alg);
	return NULL;
}

static const char *
read_entry(struct arena *a, const struct jdoc *d, uint32_t algs,
	struct jwk *k_r)
{
	struct jwk k = { 0 };
	const char *why;

	if (d == NULL || jdoc_type(d) != JDOC_OBJECT)
		return "not an object";
	why = read_kid(d, &k);
	if (why == NULL)
		why = check_use(d);
	if (why == NULL)
		why = read_material(a, d, &k);
	if (why == NULL)
		why = jwk_check(&k, algs);
	if (why == NULL)
		why = narrow(d, &k);
	if (why == NULL)
		*k_r = k;
	return why;
}

bool
jwk_usable(struct arena *a, const struct jdoc *entry)
{
	struct jwk k;

	return read_entry(a, entry, ~0u, &k) == NULL;
}

/* Who has published a secret should learn of it; to verify we need none. */
static void
tell_private(const struct jdoc *d, size_t i)
{
	static const char *const names[] = { "d", "p", "q", "dp", "dq", "qi",
		"oth", "k" };

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		if (jdoc_get(d, names[n]) == NULL)
			continue;
		log_say(LOG_LEVEL_WARN, "jwk", "key %zu holds private "
			"members, which are ignored", i);
		return;
	}
}

/* ---- sets --------------------------------------------------------- */

static const struct fault *
unusable(struct arena *a, const char *what)
{
	return fault_new(a, FAULT_SERVER_INVALID, "jwt keys: %s", what);
}

const struct fault *
jwk_table_parse(struct arena *a, struct str document, uint32_t algs,
	struct jwk_table *s_r)
{
	struct jdoc_report report = { 0 };
	struct jwk_table s = { .arena = a };
	const struct jdoc *d, *keys;

	if (document.n > MAX_KEY_SET)
		return unusable(a, "the document is too large");
	d = jdoc_parse(a, document, JDOC_STRICT, &set_limits, &report);
	if (d == NULL)
		return unusable(a, report.why != NULL ? report.why : "JSON");
	keys = jdoc_get(d, "keys");
	if (keys == NULL || jdoc_type(keys) != JDOC_ARRAY)
		return unusable(a, "no array \"keys\"");
	s.v = ARENA_ARRAY(a, struct jwk, MAX_KEYS);
	for (size_t i = 0; i < jdoc_length(keys) && s.n < MAX_KEYS; i++) {
		const char *why = read_entry(a, jdoc_at(keys, i), algs,
			&s.v[s.n]);

		if (why != NULL) {
			s.skipped++;
			log_say(LOG_LEVEL_WARN, "jwk", "key %zu skipped: %s",
				i, why);
			continue;
		}
		tell_private(jdoc_at(keys, i), i);
		s.has_kids = s.has_kids || s.v[s.n].kid.p != NULL;
		s.n++;
	}
	*s_r = s;
	return NULL;
}

static struct jwk_table
set_of_one(struct arena *a)
{
	return (struct jwk_table){
		.arena = a, .v = ARENA_NEW(a, struct jwk), .n = 1,
	};
}

/* The label of the PEM block at s ("PUBLIC KEY"), s moves behind its end. */
static bool
next_block(struct str *s, struct str *label_r)
{
	size_t at = str_search(*s, STR(PEM_BEGIN));
	struct str rest = str_from(*s, at + sizeof(PEM_BEGIN) - 1);
	size_t end = str_search(rest, STR("-----"));

	if (at == s->n || end == rest.n)
		return false;
	*label_r = str_head(rest, end);
	at = str_search(rest, STR(PEM_END));
	*s = str_from(rest, at);
	return at < rest.n;
}

const struct fault *
jwk_table_pem(struct arena *a, struct str pem, uint32_t algs,
	struct jwk_table *s_r)
{
	struct str rest = pem, label;

	if (pem.n > MAX_KEY_SET)
		return unusable(a, "the file is too large");
	if (!next_block(&rest, &label))
		return unusable(a, "no PEM block");
	if (str_ends(label, STR("PRIVATE KEY")))
		return unusable(a, "a private key stands where a public one "
			"belongs");
	if (!str_is(label, "PUBLIC KEY") && !str_is(label, "CERTIFICATE"))
		return unusable(a, "neither PUBLIC KEY nor CERTIFICATE");
	if (next_block(&rest, &label))
		return unusable(a, "more than one PEM block");
	*s_r = set_of_one(a);
	s_r->v->kind = JWK_PEM;
	s_r->v->pem = pem;
	s_r->v->algs = algs & ~(uint32_t)JOSE_HS;
	return NULL;
}

const struct fault *
jwk_table_secret(struct arena *a, struct secret secret, uint32_t algs,
	struct jwk_table *s_r)
{
	if (secret_empty(secret))
		return unusable(a, "empty secret");
	*s_r = set_of_one(a);
	s_r->v->kind = JWK_HMAC;
	s_r->v->secret = secret;
	s_r->v->algs = algs & JOSE_HS;
	return NULL;
}
