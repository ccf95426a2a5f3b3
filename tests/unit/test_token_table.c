/* SPDX-License-Identifier: MIT */
/* token table -- tokens of every class, judged by each backend in turn */
#include "config.h"
#include "auth/jws.h"

#include "kit/token.h"
#include "kit/token_table.h"

#define EVERY ((1u << JOSE_ALGS) - 1)
#define S(lit) { lit, sizeof(lit) - 1 }
#define SECRET64 "0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789ABCDEF"

static struct signer signers[WHO];
static struct jwk_table sets[SETS];

static const struct str issuers[] = { S(ISS) };
static const struct str audiences[] = { S("gate"), S("https://gate.test/mcp") };
static const struct conf_jwt rules[RULES] = {
	[FREE] = { .leeway_s = 60 },
	[FULL] = { .leeway_s = 60, .require_exp = true,
		.issuer = { issuers, 1, true },
		.audience = { audiences, 2, true } },
	[SHARP] = { .leeway_s = 0, .require_exp = true },
	[AGED] = { .leeway_s = 60, .max_age_s = 3600 },
	[JTI] = { .leeway_s = 60, .require_jti = true },
	[TYP] = { .leeway_s = 60, .require_typ = S("at+jwt") },
	[PROFILE] = { .leeway_s = 60, .profile = S("rfc9068") },
	[NONCE] = { .leeway_s = 60, .allow_nonce = true },
};

/* ---- making tokens -------------------------------------------------------- */

static struct str
negate_s(struct arena *a, struct str raw)
{
	static const char order[] = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7"
		"179E84F3B9CAC2FC632551";
	unsigned char *p = arena_alloc(a, raw.n);
	BIGNUM *n = NULL, *s = BN_bin2bn((const unsigned char *)raw.p + 32, 32,
		NULL);

	SIGN_MUST(BN_hex2bn(&n, order) == 64);
	SIGN_MUST(BN_sub(s, n, s) == 1);
	memcpy(p, raw.p, 32);
	SIGN_MUST(BN_bn2binpad(s, p + 32, 32) == 32);
	BN_free(n);
	BN_free(s);
	return (struct str){ (const char *)p, raw.n };
}

/* Another signature than the right one. */
static struct str
twisted_signature(struct arena *a, const struct row *r, struct str input)
{
	const struct signer *s = &signers[r->who];
	struct str sig = sign_raw(a, s, r->alg, input);
	char *p = arena_alloc(a, sig.n + 1);

	if (r->twist == DER)
		return sign_plain(a, s, r->alg, input);
	if (r->twist == HIGH_S)
		return negate_s(a, sig);
	if (r->twist == EMPTY_RS)
		return str_head(sig, 2);
	if (r->twist == SHORT_BY_1)
		return str_head(sig, sig.n - 1);
	if (r->twist == ZEROS)
		return (struct str){ p, sig.n };
	memcpy(p, sig.p, sig.n);
	if (r->twist == LAST_BIT)
		p[sig.n - 1] ^= 1;
	return (struct str){ p, sig.n + (r->twist == LONG_BY_1) };
}

/* The last character of the signature with a bit that means nothing. */
static struct str
with_spare_bit(struct arena *a, struct str token)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
		"pqrstuvwxyz0123456789-_";
	struct str copy = str_copy(a, token);
	char *last = (char *)(uintptr_t)copy.p + copy.n - 1;

	*last = set[(strchr(set, *last) - set) | 1];
	return copy;
}

static struct str
standard(struct arena *a, struct str token)
{
	struct str copy = str_copy(a, token);

	for (char *p = (char *)(uintptr_t)copy.p; *p != '\0'; p++)
		*p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
	return copy;
}

static struct str
twist(struct arena *a, enum twist how, struct str h, struct str c,
	struct str s)
{
	struct str token = str_fmt(a, "%.*s.%.*s.%.*s", STR_ARG(h),
		STR_ARG(c), STR_ARG(s));

	switch (how) {
	case PAD_HEADER: return str_fmt(a, "%.*s=.%.*s.%.*s", STR_ARG(h),
		STR_ARG(c), STR_ARG(s));
	case PAD_CLAIMS: return str_fmt(a, "%.*s.%.*s==.%.*s", STR_ARG(h),
		STR_ARG(c), STR_ARG(s));
	case PAD_SIGNATURE: return str_fmt(a, "%.*s==", STR_ARG(token));
	case PLUS: return str_fmt(a, "%.*s+", STR_ARG(token));
	case SLASH: return str_fmt(a, "%.*s/", STR_ARG(token));
	case SPARE: return with_spare_bit(a, token);
	case STANDARD: return standard(a, token);
	case BLANK: return str_fmt(a, "%.*s ", STR_ARG(token));
	case BLANK_FRONT: return str_fmt(a, " %.*s", STR_ARG(token));
	case NEWLINE: return str_fmt(a, "%.*s\n", STR_ARG(token));
	case TAB: return str_fmt(a, "%.*s\t.%.*s.%.*s", STR_ARG(h),
		STR_ARG(c), STR_ARG(s));
	case NUL: return (struct str){ str_copy(a, token).p, token.n + 1 };
	case DOT_FRONT: return str_fmt(a, ".%.*s", STR_ARG(token));
	case DOT_END: return str_fmt(a, "%.*s.", STR_ARG(token));
	case DOUBLE_DOT: return str_fmt(a, "%.*s..%.*s.%.*s", STR_ARG(h),
		STR_ARG(c), STR_ARG(s));
	case FOUR: return str_fmt(a, "%.*s.e30", STR_ARG(token));
	case FIVE: return str_fmt(a, "%.*s.e30.e30", STR_ARG(token));
	case NO_SIGNATURE: return str_fmt(a, "%.*s.%.*s.", STR_ARG(h),
		STR_ARG(c));
	case NO_CLAIMS: return str_fmt(a, "%.*s..%.*s", STR_ARG(h),
		STR_ARG(s));
	case NO_HEADER: return str_fmt(a, ".%.*s.%.*s", STR_ARG(c),
		STR_ARG(s));
	case NO_DOTS: return str_fmt(a, "%.*s%.*s%.*s", STR_ARG(h),
		STR_ARG(c), STR_ARG(s));
	case TWO_PARTS: return str_fmt(a, "%.*s.%.*s", STR_ARG(h),
		STR_ARG(c));
	case FLAT_JSON: return str_fmt(a, "{\"protected\":\"%.*s\","
		"\"payload\":\"%.*s\",\"signature\":\"%.*s\"}", STR_ARG(h),
		STR_ARG(c), STR_ARG(s));
	case GENERAL_JSON: return str_fmt(a, "{\"payload\":\"%.*s\","
		"\"signatures\":[{\"protected\":\"%.*s\",\"signature\":"
		"\"%.*s\"}]}", STR_ARG(c), STR_ARG(h), STR_ARG(s));
	case TWICE: return str_fmt(a, "%.*s%.*s", STR_ARG(token),
		STR_ARG(token));
	default: return token;
	}
}

static struct str
make(struct arena *a, const struct row *r)
{
	struct str h = sign_b64(a, str_of(r->header)),
		c = sign_b64(a, str_of(r->claims)), s;

	s = sign_b64(a, twisted_signature(a, r, str_fmt(a, "%.*s.%.*s",
		STR_ARG(h), STR_ARG(c))));
	return twist(a, r->twist, h, c, s);
}

static void
run_row(const struct row *r)
{
	struct arena *a = arena_new(1 << 24);
	const struct token_policy p = { .keys = &sets[r->set],
		.jwt = &rules[r->rules], .algs = EVERY,
		.require_typ = r->rules == TYP ? "at+jwt" : "" };
	struct claims c;

	token_row(token_judge(a, &p, make(a, r), &c), r->want,
		str_fmt(a, "%s: %s", r->class, r->name).p);
	arena_free(a);
}

/* ---- keys that must not verify anything ------------------------------------- */

/* A set of one JWK; who signs with the real key of it, if there is one. */
static const struct fault *
judge_with(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str jwk, struct str *token_r)
{
	struct jwk_table t;
	const struct token_policy p = { .keys = &t, .jwt = &rules[FREE],
		.algs = EVERY, .require_typ = "" };
	struct claims c;

	if (!OK(jwk_table_parse(a, str_fmt(a, "{\"keys\":[%.*s]}",
		STR_ARG(jwk)), EVERY, &t) == NULL))
		return NULL;
	*token_r = sign_token(a, s, alg, str_fmt(a, "{\"alg\":\"%s\"}",
		jose_alg_name(alg)).p, BASE);
	return token_judge(a, &p, *token_r, &c);
}

static void
check_members(void)
{
	static const struct {
		const char *name, *more, *want;
	} rows[] = {
		{ "nothing more", "", NULL },
		{ "private members", "\"d\":\"AQAB\",\"p\":\"AQAB\"", NULL },
		{ "use sig", "\"use\":\"sig\"", NULL },
		{ "use enc", "\"use\":\"enc\"", "alg" },
		{ "key_ops verify", "\"key_ops\":[\"verify\"]", NULL },
		{ "key_ops sign", "\"key_ops\":[\"sign\"]", "alg" },
		{ "alg RS256", "\"alg\":\"RS256\"", NULL },
		{ "alg RS512", "\"alg\":\"RS512\"", "alg" },
		{ "alg PS256", "\"alg\":\"PS256\"", "alg" },
		{ "alg RSA-OAEP", "\"alg\":\"RSA-OAEP\"", "alg" },
		{ "alg rs256", "\"alg\":\"rs256\"", "alg" },
		{ "alg none", "\"alg\":\"none\"", "alg" },
		{ "kid a number", "\"kid\":5", "alg" },
		{ "x5c", "\"x5c\":[\"MII\"],\"x5u\":\"https://evil\"", NULL },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new(1 << 24);
		struct str token;

		token_row(judge_with(a, &signers[RSA_A], JOSE_RS256,
			sign_jwk(a, &signers[RSA_A], rows[i].more), &token),
			rows[i].want, str_fmt(a, "jwk: %s", rows[i].name).p);
		arena_free(a);
	}
}

static void
check_rsa(void)
{
	static const struct {
		const char *name, *e, *want;
	} rows[] = {
		{ "e = 65537", "AQAB", NULL }, { "e with zeros", "AAEAAQ",
			NULL },
		{ "e = 1", "AQ", "alg" }, { "e = 2", "Ag", "alg" },
		{ "e = 0", "AA", "alg" }, { "e even", "AQAA", "alg" },
		{ "e = 3, not its own", "Aw", "signature" },
		{ "e of 33 bits", "AQAAAAE", "alg" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new(1 << 24);
		struct str token, n = sign_member(a, &signers[RSA_A], "n", 0);

		token_row(judge_with(a, &signers[RSA_A], JOSE_RS256, str_fmt(a,
			"{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"%s\"}",
			STR_ARG(n), rows[i].e), &token), rows[i].want,
			str_fmt(a, "rsa: %s", rows[i].name).p);
		arena_free(a);
	}
}

/* Moduli by their size alone; nothing is signed with them. */
static void
check_moduli(void)
{
	static const struct {
		size_t bytes;
		unsigned char first;
		const char *want;
	} rows[] = { { 128, 0xC1, "alg" }, { 255, 0xFF, "alg" },
		{ 256, 0x7F, "alg" }, { 256, 0x80, "signature" },
		{ 1024, 0xFF, "signature" }, { 1025, 0x01, "alg" },
		{ 2060, 0x81, "alg" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new(1 << 24);
		unsigned char *n = arena_alloc(a, rows[i].bytes);
		struct str token, text;

		memset(n, 0x5B, rows[i].bytes);
		n[0] = rows[i].first;
		text = sign_b64(a, (struct str){ (const char *)n,
			rows[i].bytes });
		token_row(judge_with(a, &signers[RSA_A], JOSE_RS256, str_fmt(a,
			"{\"kty\":\"RSA\",\"n\":\"%.*s\",\"e\":\"AQAB\"}",
			STR_ARG(text)), &token), rows[i].want, str_fmt(a,
			"rsa: %zu bytes from %02x", rows[i].bytes,
			rows[i].first).p);
		arena_free(a);
	}
}

static void
check_points(void)
{
	struct arena *a = arena_new(1 << 24);
	struct str x = sign_member(a, &signers[P256], "qx", 32);
	struct str y = sign_member(a, &signers[P256], "qy", 32), token, twist;
	char *bad = (char *)(uintptr_t)str_copy(a, y).p;

	bad[20] = bad[20] == 'A' ? 'B' : 'A';
	token_row(judge_with(a, &signers[P256], JOSE_ES256, str_fmt(a,
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%.*s\",\"y\":\"%s\"}",
		STR_ARG(x), bad), &token), "alg", "ec: off the curve");
	token_row(judge_with(a, &signers[P256], JOSE_ES256, str_fmt(a,
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%.*s\",\"y\":"
		"\"%.*s\"}", STR_ARG(y), STR_ARG(x)), &token), "alg",
		"ec: x and y exchanged");
	twist = str_fmt(a, "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"%.*s\","
		"\"y\":\"%.*s\"}", STR_ARG(x), STR_ARG(y));
	token_row(judge_with(a, &signers[P256], JOSE_ES256, twist, &token),
		"alg", "ec: another curve");
	token_row(judge_with(a, &signers[P256], JOSE_ES256, str_fmt(a,
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &token),
		"alg", "ec: zeros");
	arena_free(a);
}

/* With such a key anybody can sign: R = A, S = 0 fits many messages. */
static void
check_small_order(void)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};

	for (size_t i = 0; i < 2 * sizeof(points) / sizeof(points[0]); i++) {
		struct arena *a = arena_new(1 << 24);
		uint8_t point[32];
		struct str token, x;

		SIGN_MUST(digest_unhex(str_of(points[i / 2]), point, 32));
		if (i % 2 != 0)
			point[31] |= 0x80;
		x = sign_b64(a, (struct str){ (const char *)point, 32 });
		token_row(judge_with(a, &signers[ED], JOSE_EDDSA, str_fmt(a,
			"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%.*s\"}",
			STR_ARG(x)), &token), "alg", str_fmt(a,
			"ed25519: small order %zu", i).p);
		arena_free(a);
	}
}

/* ---- sizes ---------------------------------------------------------------- */

/* Claims of n bytes altogether. */
static struct str
sized(struct arena *a, size_t n)
{
	struct str head = STR("{" SUB ",\"pad\":\"");
	char *p = arena_alloc(a, n + 1);

	memset(p, 'x', n);
	memcpy(p, head.p, head.n);
	memcpy(p + n - 2, "\"}", 2);
	return (struct str){ p, n };
}

static void
check_sizes(void)
{
	static const struct {
		size_t claims;
		const char *want;
	} rows[] = { { 4096, NULL }, { MAX_CLAIMS, NULL },
		{ MAX_CLAIMS + 1, "malformed" } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new(1 << 24);
		struct str text = sized(a, rows[i].claims);
		const struct row r = { "size", str_fmt(a, "claims of %zu",
			text.n).p, RSA_A, JOSE_RS256, H("RS256"), text.p,
			AS_IS, ONE_RSA, FREE, rows[i].want };

		run_row(&r);
		arena_free(a);
	}
}

/* ---- one signature, many spellings: what revocation goes by ------------------ */

static void
check_names(void)
{
	const struct row plain = { "name", "", P256, JOSE_ES256, H("ES256"),
		BASE, AS_IS, ONE_EC, FREE, NULL };
	const struct token_policy p = { .keys = &sets[ONE_EC],
		.jwt = &rules[FREE], .algs = EVERY, .require_typ = "" };
	struct arena *a = arena_new(1 << 24);
	struct row other = plain;
	struct str one = make(a, &plain), two;
	struct claims c, d;

	other.twist = HIGH_S;
	two = make(a, &other);
	tap_ok(!str_eq(one, two), "two signatures of one token");
	OK(token_judge(a, &p, one, &c) == NULL);
	OK(token_judge(a, &p, two, &d) == NULL);
	tap_ok(memcmp(&c.signed_part, &d.signed_part,
		sizeof(c.signed_part)) == 0, "are refused by one name");
	arena_free(a);
}

/* ---- keys and sets -------------------------------------------------------------- */

static void
parse_set(struct arena *a, enum set set, struct str keys)
{
	SIGN_MUST(jwk_table_parse(a, str_fmt(a, "{\"keys\":[%.*s]}",
		STR_ARG(keys)), EVERY, &sets[set]) == NULL);
}

static struct str
jwk(struct arena *a, enum who who, const char *more)
{
	return sign_jwk(a, &signers[who], more);
}

static void
make_sets(struct arena *a)
{
	struct str r = jwk(a, RSA_A, "\"kid\":\"r\""),
		r2 = jwk(a, RSA_B, "\"kid\":\"R\""),
		e = jwk(a, P256, "\"kid\":\"e\""),
		f = jwk(a, P384, "\"kid\":\"f\""),
		g = jwk(a, P521, "\"kid\":\"g\""),
		d = jwk(a, ED, "\"kid\":\"d\"");

	parse_set(a, ALL, str_fmt(a, "%.*s,%.*s,%.*s,%.*s,%.*s,%.*s",
		STR_ARG(r), STR_ARG(r2), STR_ARG(e), STR_ARG(f), STR_ARG(g),
		STR_ARG(d)));
	parse_set(a, BARE, str_fmt(a, "%.*s,%.*s", STR_ARG(jwk(a, RSA_A, "")),
		STR_ARG(jwk(a, RSA_B, ""))));
	parse_set(a, TWIN, str_fmt(a, "%.*s,%.*s",
		STR_ARG(jwk(a, RSA_A, "\"kid\":\"t\"")),
		STR_ARG(jwk(a, RSA_B, "\"kid\":\"t\""))));
	parse_set(a, ONE_RSA, jwk(a, RSA_A, ""));
	parse_set(a, ONE_EC, jwk(a, P256, ""));
	parse_set(a, ONE_ED, jwk(a, ED, ""));
	parse_set(a, ONLY_PS, jwk(a, RSA_A, "\"alg\":\"PS256\""));
	parse_set(a, EMPTY, STR(""));
	SIGN_MUST(jwk_table_secret(a, secret_of(STR(SECRET64)), EVERY,
		&sets[HMAC]) == NULL);
	SIGN_MUST(jwk_table_secret(a, secret_of(STR(SECRET64)),
		JOSE_BIT(JOSE_HS256), &sets[HMAC256]) == NULL);
	SIGN_MUST(jwk_table_pem(a, sign_pem(a, &signers[RSA_A]), EVERY,
		&sets[PEM]) == NULL);
}

static void
make_signers(struct arena *a)
{
	signers[RSA_A] = signer_rsa(a, 2048);
	signers[RSA_B] = signer_rsa(a, 2048);
	signers[RSA_WEAK] = signer_rsa(a, 1024);
	signers[P256] = signer_ec(a, "P-256");
	signers[P256_B] = signer_ec(a, "P-256");
	signers[P384] = signer_ec(a, "P-384");
	signers[P521] = signer_ec(a, "P-521");
	signers[K256] = signer_ec(a, "secp256k1");
	signers[ED] = signer_ed25519(a);
	signers[ED_B] = signer_ed25519(a);
	signers[MAC] = signer_secret(STR(SECRET64));
	signers[MAC_EMPTY] = signer_secret(STR(""));
	signers[MAC_PEM] = signer_secret(sign_pem(a, &signers[RSA_A]));
	signers[MAC_JWK] = signer_secret(jwk(a, RSA_A, ""));
	signers[MAC_N] = signer_secret(sign_member(a, &signers[RSA_A], "n",
		0));
}

int
main(void)
{
	struct arena *a = arena_new(1 << 24);

	make_signers(a);
	make_sets(a);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		run_row(&table[i]);
	check_members();
	check_rsa();
	check_moduli();
	check_points();
	check_small_order();
	check_sizes();
	check_names();
	arena_free(a);
	return tap_done();
}
