/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/jwk.h"

#include "auth/jws.h"
#include "base/limits.h"
#include "kit/sign.h"
#include "kit/tap.h"

#define ALL (((1u << JOSE_ALGS) - 1) & ~JOSE_HS)
#define RS_PS (JOSE_RS | JOSE_PS)
#define X32 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

/* Keys of the test, made once: @R RSA, @E P-256, @F P-384, @G P-521,
 * @O Ed25519, each without its closing brace. */
static struct str texts[5];
static const char marks[] = "REFGO";

/* A key alone in a set: what it may do, 0: it is skipped. */
static const struct {
	const char *name, *jwk;
	uint32_t algs, can;
} cases[] = {
	{ "RSA", "@R}", ALL, RS_PS },
	{ "RSA, RS256 listed", "@R}", JOSE_BIT(JOSE_RS256),
		JOSE_BIT(JOSE_RS256) },
	{ "RSA for PS384 alone", "@R,\"alg\":\"PS384\"}", ALL,
		JOSE_BIT(JOSE_PS384) },
	{ "P-256", "@E}", ALL, JOSE_BIT(JOSE_ES256) },
	{ "P-384", "@F}", ALL, JOSE_BIT(JOSE_ES384) },
	{ "P-521", "@G}", ALL, JOSE_BIT(JOSE_ES512) },
	{ "Ed25519", "@O}", ALL, JOSE_BIT(JOSE_EDDSA) },
	{ "kid", "@R,\"kid\":\"a b\"}", ALL, RS_PS },
	{ "use sig", "@R,\"use\":\"sig\"}", ALL, RS_PS },
	{ "verify among key_ops", "@R,\"key_ops\":[\"x\",\"verify\"]}", ALL,
		RS_PS },
	{ "unknown members, x5c, a private one", "@R,\"x5c\":[\"!\"],"
		"\"d\":\"AA\",\"foo\":{}}", ALL, RS_PS },

	{ "no object", "17", ALL, 0 },
	{ "null", "null", ALL, 0 },
	{ "no kty", "{\"n\":\"AQAB\",\"e\":\"AQAB\"}", ALL, 0 },
	{ "kty in other letters", "{\"kty\":\"rsa\",\"n\":\"AQ\",\"e\":"
		"\"AQAB\"}", ALL, 0 },
	{ "unknown kty", "{\"kty\":\"XYZ\"}", ALL, 0 },
	{ "oct", "{\"kty\":\"oct\",\"k\":\"" X32 "\"}", ALL | JOSE_HS, 0 },
	{ "kid empty", "@R,\"kid\":\"\"}", ALL, 0 },
	{ "kid a number", "@R,\"kid\":1}", ALL, 0 },
	{ "kid null", "@R,\"kid\":null}", ALL, 0 },
	{ "kid with a control", "@R,\"kid\":\"a\\u0001\"}", ALL, 0 },
	{ "use enc", "@R,\"use\":\"enc\"}", ALL, 0 },
	{ "use null", "@R,\"use\":null}", ALL, 0 },
	{ "use a list", "@R,\"use\":[\"sig\"]}", ALL, 0 },
	{ "key_ops without verify", "@R,\"key_ops\":[\"sign\"]}", ALL, 0 },
	{ "key_ops empty", "@R,\"key_ops\":[]}", ALL, 0 },
	{ "key_ops text", "@R,\"key_ops\":\"verify\"}", ALL, 0 },
	{ "key_ops mixed", "@R,\"key_ops\":[\"verify\",1]}", ALL, 0 },
	{ "alg of another kind", "@R,\"alg\":\"ES256\"}", ALL, 0 },
	{ "alg of another curve", "@E,\"alg\":\"ES384\"}", ALL, 0 },
	{ "alg for encryption", "@R,\"alg\":\"RSA-OAEP\"}", ALL, 0 },
	{ "alg none", "@R,\"alg\":\"none\"}", ALL, 0 },
	{ "alg HS256 on RSA", "@R,\"alg\":\"HS256\"}", ALL, 0 },
	{ "alg null", "@R,\"alg\":null}", ALL, 0 },
	{ "members of an EC key at RSA", "{\"kty\":\"RSA\",\"x\":\"AQ\"}",
		ALL, 0 },
	{ "RSA without e", "{\"kty\":\"RSA\",\"n\":\"AQAB\"}", ALL, 0 },
	{ "n with padding", "{\"kty\":\"RSA\",\"n\":\"AQ==\",\"e\":"
		"\"AQAB\"}", ALL, 0 },
	{ "EC of an unknown curve", "{\"kty\":\"EC\",\"crv\":\"P-192\","
		"\"x\":\"AQ\",\"y\":\"AQ\"}", ALL, 0 },
	{ "EC of secp256k1", "{\"kty\":\"EC\",\"crv\":\"secp256k1\","
		"\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", ALL, 0 },
	{ "EC with a short x", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
		"\"AQ\",\"y\":\"" X32 "\"}", ALL, 0 },
	{ "EC with a long x", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
		"\"AAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\",\"y\":\""
		X32 "\"}", ALL, 0 },
	{ "OKP of X25519", "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\""
		X32 "\"}", ALL, 0 },
	{ "OKP with a short x", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
		"\"x\":\"AQ\"}", ALL, 0 },
};

/* Replaces @X by the text of a key. */
static struct str
expand(struct arena *a, const char *jwk)
{
	const char *mark;

	if (jwk[0] != '@')
		return str_of(jwk);
	mark = strchr(marks, jwk[1]);
	return str_fmt(a, "%.*s%s", STR_ARG(texts[mark - marks]), jwk + 2);
}

static void
run_row(size_t i)
{
	struct arena *a = arena_new(1 << 24);
	struct str set = str_fmt(a, "{\"keys\":[%.*s]}",
		STR_ARG(expand(a, cases[i].jwk)));
	struct jwk_table t;

	if (!tap_ok(jwk_table_parse(a, set, cases[i].algs, &t) == NULL,
	    "%s: the set is read", cases[i].name))
		return;
	if (cases[i].can == 0)
		tap_ok(t.n == 0 && t.skipped == 1, "%s: skipped",
			cases[i].name);
	else
		tap_ok(t.n == 1 && t.v[0].algs == cases[i].can, "%s: can %x",
			cases[i].name, cases[i].can);
	arena_free(a);
}

/* ---- numbers ---- */

/* A modulus of so many bits with this last byte, after `zeros` zero bytes. */
static bool
rsa_is_taken(unsigned bits, unsigned char last, unsigned zeros, const char *e)
{
	struct arena *a = arena_new(1 << 24);
	size_t n = (bits + 7) / 8;
	unsigned char *p = arena_alloc(a, n + zeros);
	struct jwk_table t;
	struct str set;
	bool taken;

	memset(p + zeros, 0xA5, n);
	p[zeros] = (unsigned char)(1u << ((bits - 1) % 8));
	p[zeros + n - 1] = last;
	set = str_fmt(a, "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"%.*s\","
		"\"e\":\"%s\"}]}", STR_ARG(sign_b64(a, (struct str){
		(const char *)p, n + zeros })), e);
	taken = jwk_table_parse(a, set, ALL, &t) == NULL && t.n == 1;
	arena_free(a);
	return taken;
}

static void
check_rsa_numbers(void)
{
	OK(rsa_is_taken(2048, 0xA5, 0, "AQAB"));
	OK(!rsa_is_taken(2047, 0xA5, 0, "AQAB"));
	OK(!rsa_is_taken(1024, 0xA5, 0, "AQAB"));
	OK(rsa_is_taken(8192, 0xA5, 0, "AQAB"));
	OK(!rsa_is_taken(8193, 0xA5, 0, "AQAB"));
	OK(rsa_is_taken(2048, 0xA5, 3, "AQAB"));	/* leading zeros */
	OK(!rsa_is_taken(1024, 0xA5, 128, "AQAB"));
	OK(!rsa_is_taken(2048, 0xA4, 0, "AQAB"));	/* even */
	OK(rsa_is_taken(2048, 0xA5, 0, "Aw"));		/* 3 */
	OK(rsa_is_taken(2048, 0xA5, 0, "gw"));		/* 131 */
	OK(rsa_is_taken(2048, 0xA5, 0, "_w"));		/* 255 */
	OK(!rsa_is_taken(2048, 0xA5, 0, "AQ"));		/* e = 1 */
	OK(!rsa_is_taken(2048, 0xA5, 0, "Ag"));		/* e = 2 */
	OK(rsa_is_taken(2048, 0xA5, 0, "Aw"));		/* e = 3 */
	OK(!rsa_is_taken(2048, 0xA5, 0, "AA"));		/* e = 0 */
	OK(!rsa_is_taken(2048, 0xA5, 0, "AQAA"));	/* e = 65536 */
	OK(rsa_is_taken(2048, 0xA5, 0, "_____w"));	/* 2^32 - 1 */
	OK(!rsa_is_taken(2048, 0xA5, 0, "AQAAAAE"));	/* 2^32 + 1 */
	OK(rsa_is_taken(2048, 0xA5, 0, "AAEAAQ"));	/* leading zero */
}

static void
check_small_order(void)
{
	static const char *const hex[] = {
		"00000000000000000000000000000000"
		"00000000000000000000000000000000",
		"01000000000000000000000000000000"
		"00000000000000000000000000000000",
		"01000000000000000000000000000000"
		"00000000000000000000000000000080",	/* top bit set */
		"26e8958fc2b227b045c3f489f2ef98f0"
		"d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0"
		"d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f"
		"2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffff"
		"ffffffffffffffffffffffffffffff7f",
	};
	struct arena *a = arena_new(1 << 20);
	uint8_t point[32];
	struct jwk k;

	for (size_t i = 0; i < sizeof(hex) / sizeof(hex[0]); i++) {
		digest_unhex(str_of(hex[i]), point, sizeof(point));
		k = (struct jwk){ .kind = JWK_OKP,
			.x = { (const char *)point, sizeof(point) } };
		tap_ok(jwk_check(&k, ALL) != NULL, "small order %zu", i);
	}
	arena_free(a);
}

/* ---- sets ---- */

static const struct {
	const char *name, *text;
	bool good;
} sets[] = {
	{ "an empty set", "{\"keys\":[]}", true },
	{ "more members", "{\"keys\":[],\"x\":1}", true },
	{ "no keys", "{}", false },
	{ "keys an object", "{\"keys\":{}}", false },
	{ "keys null", "{\"keys\":null}", false },
	{ "an array", "[]", false },
	{ "no JSON", "hello", false },
	{ "nothing", "", false },
	{ "two keys members", "{\"keys\":[],\"keys\":[]}", false },
	{ "bytes behind it", "{\"keys\":[]}x", false },
	{ "a byte order mark", "\xEF\xBB\xBF{\"keys\":[]}", false },
};

static void
check_sets(void)
{
	struct arena *a = arena_new(1 << 24);
	const struct fault *f;
	struct jwk_table t;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		f = jwk_table_parse(a, str_of(sets[i].text), ALL, &t);
		tap_ok((f == NULL) == sets[i].good, "%s", sets[i].name);
		if (f != NULL)
			IS_INT(f->kind, FAULT_SERVER_INVALID);
	}
	arena_free(a);
}

/* n good keys, a bad one between each two. */
static void
check_count(uint32_t n)
{
	struct arena *a = arena_new(1 << 26);
	struct str set = STR("{\"keys\":[");
	struct jwk_table t;

	for (uint32_t i = 0; i < n; i++)
		set = str_fmt(a, "%.*s%s{\"kty\":\"x\"},%.*s,\"kid\":\"%u\"}",
			STR_ARG(set), i > 0 ? "," : "", STR_ARG(texts[1]), i);
	set = str_fmt(a, "%.*s]}", STR_ARG(set));
	OK(jwk_table_parse(a, set, ALL, &t) == NULL);
	IS_INT(t.n, n > MAX_KEYS ? MAX_KEYS : n);
	OK(t.has_kids);
	IS_STR(t.v[t.n - 1].kid, str_fmt(a, "%u", t.n - 1).p);
	arena_free(a);
}

/* ---- PEM ---- */

/* want: what it can do when it is ready; 0: it cannot be used. */
static void
check_pem(const char *name, struct str pem, bool taken, uint32_t want)
{
	struct arena *a = arena_new(1 << 24);
	struct jwk_table t;
	const struct fault *f = jwk_table_pem(a, pem, ALL, &t);

	tap_ok((f == NULL) == taken, "PEM, %s: taken", name);
	if (f != NULL) {
		IS_INT(f->kind, FAULT_SERVER_INVALID);
		arena_free(a);
		return;
	}
	tap_ok(t.v[0].evp == NULL, "PEM, %s: not touched before need", name);
	f = jws_ready(&t, a);
	tap_ok((f == NULL) == (want != 0), "PEM, %s: usable", name);
	if (f == NULL)
		IS_INT(t.v[0].algs, want);
	arena_free(a);
}

static void
check_pems(struct arena *a, const struct signer *s)
{
	struct signer weak = signer_rsa(a, 1024),
		koblitz = signer_ec(a, "secp256k1");
	struct str pem = sign_pem(a, &s[0]);

	check_pem("RSA", pem, true, RS_PS);
	check_pem("P-256", sign_pem(a, &s[1]), true, JOSE_BIT(JOSE_ES256));
	check_pem("P-384", sign_pem(a, &s[2]), true, JOSE_BIT(JOSE_ES384));
	check_pem("P-521", sign_pem(a, &s[3]), true, JOSE_BIT(JOSE_ES512));
	check_pem("Ed25519", sign_pem(a, &s[4]), true, JOSE_BIT(JOSE_EDDSA));
	check_pem("a certificate", sign_certificate(a, &s[0]), true, RS_PS);
	check_pem("a certificate of P-384", sign_certificate(a, &s[2]), true,
		JOSE_BIT(JOSE_ES384));
	check_pem("text in front", str_fmt(a, "subject=x\n%.*s",
		STR_ARG(pem)), true, RS_PS);
	check_pem("a private key", sign_private_pem(a, &s[0]), false, 0);
	check_pem("a private key behind", str_fmt(a, "%.*s%.*s", STR_ARG(pem),
		STR_ARG(sign_private_pem(a, &s[0]))), false, 0);
	check_pem("two keys", str_fmt(a, "%.*s%.*s", STR_ARG(pem),
		STR_ARG(pem)), false, 0);
	check_pem("nothing", STR(""), false, 0);
	check_pem("no PEM", STR("hello"), false, 0);
	check_pem("cut off", str_head(pem, pem.n - 30), false, 0);
	check_pem("garbage inside", STR("-----BEGIN PUBLIC KEY-----\nAAAA\n"
		"-----END PUBLIC KEY-----\n"), true, 0);
	check_pem("1024 bits", sign_pem(a, &weak), true, 0);
	check_pem("secp256k1", sign_pem(a, &koblitz), true, 0);
}

/* A point beside its curve is found when the key is needed; a set without
 * a key that can be used is a set. */
static void
check_off_curve(void)
{
	struct arena *a = arena_new(1 << 20);
	struct jwk_table t;

	OK(jwk_table_parse(a, STR("{\"keys\":[{\"kty\":\"EC\",\"crv\":"
		"\"P-256\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}]}"), ALL,
		&t) == NULL);
	IS_INT(t.n, 1);
	OK(jws_ready(&t, a) == NULL);
	IS_INT(t.v[0].state, JWK_BROKEN);
	arena_free(a);
}

int
main(void)
{
	struct arena *a = arena_new(1 << 24);
	const struct signer s[] = { signer_rsa(a, 2048),
		signer_ec(a, "P-256"), signer_ec(a, "P-384"),
		signer_ec(a, "P-521"), signer_ed25519(a) };

	for (size_t i = 0; i < 5; i++) {
		texts[i] = sign_jwk(a, &s[i], "");
		texts[i].n--;		/* without the brace */
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(i);
	check_rsa_numbers();
	check_small_order();
	check_sets();
	check_count(1);
	check_count(MAX_KEYS);
	check_count(MAX_KEYS + 1);
	check_pems(a, s);
	check_off_curve();
	arena_free(a);
	return tap_done();
}
