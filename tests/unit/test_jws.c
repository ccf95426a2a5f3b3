/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/jws.h"

#include "auth/jws_libjwt.h"
#include "kit/token.h"

#define SECRET64 "0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789ABCDEF"
#define EVERY ((1u << JOSE_ALGS) - 1)
#define CLAIMS "{\"sub\":\"alice\"}"
#define MUTATIONS 4000

static const struct conf_jwt open_policy = { .leeway_s = 60 };

/* Private keys, made once. */
enum who { RSA_A, RSA_B, RSA_WEAK, P256_A, P256_B, P384, P521, ED, MAC, WHO };
static struct signer signers[WHO];
static struct arena *keys_arena;

static void
make_signers(void)
{
	struct arena *a = keys_arena = arena_new(1 << 24);

	signers[RSA_A] = signer_rsa(a, 2048);
	signers[RSA_B] = signer_rsa(a, 2048);
	signers[RSA_WEAK] = signer_rsa(a, 1024);
	signers[P256_A] = signer_ec(a, "P-256");
	signers[P256_B] = signer_ec(a, "P-256");
	signers[P384] = signer_ec(a, "P-384");
	signers[P521] = signer_ec(a, "P-521");
	signers[ED] = signer_ed25519(a);
	signers[MAC] = signer_secret(STR(SECRET64));
}

/* ---- one key, one algorithm ---------------------------------------- */

/* In which form the verifier has the key. */
enum form { AS_JWK, AS_PEM, AS_CERT, AS_SECRET, PEM_AS_SECRET };

static const struct {
	const char *name;
	enum who signer;
	enum jose_alg alg;		/* that really signs */
	const char *said;		/* alg in the header; NULL: alg */
	enum who key;
	enum form form;
	const char *want;
} cases[] = {
	{ "HS256", MAC, JOSE_HS256, NULL, MAC, AS_SECRET, NULL },
	{ "HS384", MAC, JOSE_HS384, NULL, MAC, AS_SECRET, NULL },
	{ "HS512", MAC, JOSE_HS512, NULL, MAC, AS_SECRET, NULL },
	{ "RS256", RSA_A, JOSE_RS256, NULL, RSA_A, AS_JWK, NULL },
	{ "RS384", RSA_A, JOSE_RS384, NULL, RSA_A, AS_JWK, NULL },
	{ "RS512", RSA_A, JOSE_RS512, NULL, RSA_A, AS_JWK, NULL },
	{ "PS256", RSA_A, JOSE_PS256, NULL, RSA_A, AS_JWK, NULL },
	{ "PS384", RSA_A, JOSE_PS384, NULL, RSA_A, AS_JWK, NULL },
	{ "PS512", RSA_A, JOSE_PS512, NULL, RSA_A, AS_JWK, NULL },
	{ "ES256", P256_A, JOSE_ES256, NULL, P256_A, AS_JWK, NULL },
	{ "ES384", P384, JOSE_ES384, NULL, P384, AS_JWK, NULL },
	{ "ES512", P521, JOSE_ES512, NULL, P521, AS_JWK, NULL },
	{ "EdDSA", ED, JOSE_EDDSA, NULL, ED, AS_JWK, NULL },
	{ "RS256 by PEM", RSA_A, JOSE_RS256, NULL, RSA_A, AS_PEM, NULL },
	{ "RS256 by certificate", RSA_A, JOSE_RS256, NULL, RSA_A, AS_CERT,
		NULL },
	{ "PS256 by PEM", RSA_A, JOSE_PS256, NULL, RSA_A, AS_PEM, NULL },
	{ "ES256 by PEM", P256_A, JOSE_ES256, NULL, P256_A, AS_PEM, NULL },
	{ "ES384 by certificate", P384, JOSE_ES384, NULL, P384, AS_CERT,
		NULL },
	{ "ES512 by PEM", P521, JOSE_ES512, NULL, P521, AS_PEM, NULL },
	{ "EdDSA by PEM", ED, JOSE_EDDSA, NULL, ED, AS_PEM, NULL },

	{ "another RSA key", RSA_B, JOSE_RS256, NULL, RSA_A, AS_JWK,
		"signature" },
	{ "another EC key", P256_B, JOSE_ES256, NULL, P256_A, AS_PEM,
		"signature" },
	{ "PS256 said to be RS256", RSA_A, JOSE_PS256, "RS256", RSA_A, AS_JWK,
		"signature" },
	{ "RS256 said to be PS256", RSA_A, JOSE_RS256, "PS256", RSA_A, AS_JWK,
		"signature" },
	{ "RS256 said to be RS512", RSA_A, JOSE_RS256, "RS512", RSA_A, AS_JWK,
		"signature" },
	{ "HS256 said to be HS512", MAC, JOSE_HS256, "HS512", MAC, AS_SECRET,
		"signature" },
	{ "1024 bits in a set", RSA_WEAK, JOSE_RS256, NULL, RSA_WEAK, AS_JWK,
		"alg" },
	{ "1024 bits by PEM", RSA_WEAK, JOSE_RS256, NULL, RSA_WEAK, AS_PEM,
		"no usable key" },
	{ "P-384 said to be ES256", P384, JOSE_ES384, "ES256", P384, AS_JWK,
		"alg" },
	{ "P-256 with ES384", P256_A, JOSE_ES384, NULL, P256_A, AS_JWK,
		"alg" },
	{ "P-256 with ES384 by PEM", P256_A, JOSE_ES384, NULL, P256_A,
		AS_PEM, "alg" },
	{ "RS256 for an EC key", RSA_A, JOSE_RS256, NULL, P256_A, AS_JWK,
		"alg" },
	{ "RS256 for an EC key by PEM", RSA_A, JOSE_RS256, NULL, P256_A,
		AS_PEM, "alg" },
	{ "EdDSA for an RSA key", ED, JOSE_EDDSA, NULL, RSA_A, AS_PEM,
		"alg" },

	/* The text of a public key is no secret. */
	{ "HS256 keyed with the PEM", RSA_A, JOSE_HS256, NULL, RSA_A,
		PEM_AS_SECRET, "alg" },
	{ "HS256 keyed with the PEM of EC", P256_A, JOSE_HS256, NULL, P256_A,
		PEM_AS_SECRET, "alg" },
	{ "HS256 for an RSA key in a set", MAC, JOSE_HS256, NULL, RSA_A,
		AS_JWK, "alg" },
	{ "RS256 for a secret", RSA_A, JOSE_RS256, NULL, MAC, AS_SECRET,
		"alg" },
	{ "none for a secret", MAC, JOSE_HS256, "none", MAC, AS_SECRET,
		"alg" },
};

static struct jwk_table
table_of(struct arena *a, const struct signer *s, enum form form)
{
	const struct fault *f = NULL;
	struct jwk_table t;

	if (form == AS_SECRET)
		f = jwk_table_secret(a, secret_of(s->secret), EVERY, &t);
	else if (form == AS_CERT)
		f = jwk_table_pem(a, sign_certificate(a, s), EVERY, &t);
	else if (form == AS_JWK)
		f = jwk_table_parse(a, str_fmt(a, "{\"keys\":[%.*s]}",
			STR_ARG(sign_jwk(a, s, ""))), EVERY, &t);
	else
		f = jwk_table_pem(a, sign_pem(a, s), EVERY, &t);
	if (f != NULL)
		sign_give_up(f->detail, __LINE__);
	return t;
}

static void
run_row(size_t i)
{
	struct arena *a = arena_new(1 << 24);
	struct signer s = signers[cases[i].signer];
	struct jwk_table t = table_of(a, &signers[cases[i].key],
		cases[i].form);
	const struct token_policy p = { .keys = &t, .jwt = &open_policy,
		.algs = EVERY, .require_typ = "" };
	const char *said = cases[i].said != NULL ? cases[i].said :
		jose_alg_name(cases[i].alg);
	struct claims c;

	if (cases[i].form == PEM_AS_SECRET)
		s = signer_secret(sign_pem(a, &s));
	token_row(token_judge(a, &p, sign_token(a, &s, cases[i].alg,
		str_fmt(a, "{\"alg\":\"%s\"}", said).p, CLAIMS), &c),
		cases[i].want, cases[i].name);
	arena_free(a);
}

/* ---- signatures of the wrong shape ------------------------------------- */

static const struct fault *
judge_signature(struct arena *a, enum who who, enum jose_alg alg,
	struct str (*make)(struct arena *, const struct signer *,
	enum jose_alg, struct str input))
{
	struct jwk_table t = table_of(a, &signers[who], signers[who].pkey !=
		NULL ? AS_JWK : AS_SECRET);
	const struct token_policy p = { .keys = &t, .jwt = &open_policy,
		.algs = EVERY, .require_typ = "" };
	struct str head = sign_b64(a, str_fmt(a, "{\"alg\":\"%s\"}",
		jose_alg_name(alg))), body = sign_b64(a, STR(CLAIMS)), input,
		sig;
	struct claims c;

	input = str_fmt(a, "%.*s.%.*s", STR_ARG(head), STR_ARG(body));
	sig = sign_b64(a, make(a, &signers[who], alg, input));
	return token_judge(a, &p, str_fmt(a, "%.*s.%.*s", STR_ARG(input),
		STR_ARG(sig)), &c);
}

static struct str
zeros(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	struct str sig = sign_raw(a, s, alg, input);

	return (struct str){ arena_alloc(a, sig.n), sig.n };
}

static struct str
one_short(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	struct str sig = sign_raw(a, s, alg, input);

	return str_head(sig, sig.n - 1);
}

static struct str
one_long(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	struct str sig = sign_raw(a, s, alg, input);
	char *p = arena_alloc(a, sig.n + 1);

	memcpy(p, sig.p, sig.n);
	return (struct str){ p, sig.n + 1 };
}

static struct str
one_byte(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	return str_head(sign_raw(a, s, alg, input), 1);
}

static void
check_shapes(void)
{
	static const struct {
		enum who who;
		enum jose_alg alg;
	} ways[] = { { MAC, JOSE_HS256 }, { MAC, JOSE_HS512 },
		{ RSA_A, JOSE_RS256 }, { RSA_A, JOSE_PS256 },
		{ P256_A, JOSE_ES256 }, { P521, JOSE_ES512 },
		{ ED, JOSE_EDDSA } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct arena *a = arena_new(1 << 24);
		const char *name = jose_alg_name(ways[i].alg);

		token_row(judge_signature(a, ways[i].who, ways[i].alg,
			sign_raw), NULL, name);
		token_row(judge_signature(a, ways[i].who, ways[i].alg, zeros),
			"signature", str_fmt(a, "%s, zeros", name).p);
		token_row(judge_signature(a, ways[i].who, ways[i].alg,
			one_short), "signature",
			str_fmt(a, "%s, a byte less", name).p);
		token_row(judge_signature(a, ways[i].who, ways[i].alg,
			one_long), "signature",
			str_fmt(a, "%s, a byte more", name).p);
		token_row(judge_signature(a, ways[i].who, ways[i].alg,
			one_byte), "signature",
			str_fmt(a, "%s, one byte", name).p);
		arena_free(a);
	}
}

static void
check_der(void)
{
	struct arena *a = arena_new(1 << 24);

	token_row(judge_signature(a, P256_A, JOSE_ES256, sign_plain),
		"signature", "DER instead of R and S");
	arena_free(a);
}

/* Good for OpenSSL when it is not told how long a salt has to be. */
static struct str
salted(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input, int salt)
{
	unsigned char *sig = arena_alloc(a, 1024);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	size_t n = 1024;

	SIGN_MUST(EVP_DigestSignInit_ex(c, &pc, sign_hash(alg), NULL, NULL,
		s->pkey, NULL) == 1);
	SIGN_MUST(EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) ==
		1);
	SIGN_MUST(EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, salt) == 1);
	SIGN_MUST(EVP_DigestSign(c, sig, &n, (const unsigned char *)input.p,
		input.n) == 1);
	EVP_MD_CTX_free(c);
	return (struct str){ (const char *)sig, n };
}

static struct str
no_salt(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	return salted(a, s, alg, input, 0);
}

static struct str
salt_of_32(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	return salted(a, s, alg, input, 32);
}

static struct str
most_salt(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	return salted(a, s, alg, input, RSA_PSS_SALTLEN_MAX);
}

static void
check_salts(void)
{
	struct arena *a = arena_new(1 << 24);

	token_row(judge_signature(a, RSA_A, JOSE_PS256, salt_of_32), NULL,
		"PS256, a salt as long as the hash");
	token_row(judge_signature(a, RSA_A, JOSE_PS512, salt_of_32),
		"signature", "PS512, a shorter salt");
	token_row(judge_signature(a, RSA_A, JOSE_PS256, no_salt),
		"signature", "PS256, no salt");
	token_row(judge_signature(a, RSA_A, JOSE_PS256, most_salt),
		"signature", "PS256, the longest salt");
	arena_free(a);
}

/* ---- which library ------------------------------------------------------- */

#ifdef HAVE_JWT_CHECKER_NEW
#define NEWER true
#else
#define NEWER false
#endif

/* Without this, "libjwt" could stand for OpenSSL in every other row. */
static const struct {
	enum who who;
	enum jose_alg alg;
	const char *typ;
	bool libjwt;
} shares[] = {
	{ MAC, JOSE_HS256, "JWT", true }, { MAC, JOSE_HS384, "JWT", true },
	{ MAC, JOSE_HS512, "JWT", true }, { RSA_A, JOSE_RS256, "JWT", true },
	{ RSA_A, JOSE_RS384, "JWT", true }, { RSA_A, JOSE_RS512, "JWT", true },
	{ P256_A, JOSE_ES256, "JWT", true }, { P384, JOSE_ES384, "JWT", true },
	{ P521, JOSE_ES512, "JWT", true }, { ED, JOSE_EDDSA, "JWT", NEWER },
	{ RSA_A, JOSE_PS256, "JWT", false }, { RSA_A, JOSE_PS384, "JWT", false },
	{ RSA_A, JOSE_PS512, "JWT", false },
	{ RSA_A, JOSE_RS256, "at+jwt", NEWER },
};

static void
run_share(size_t i)
{
	const struct jose_rules rules = { .max_token = MAX_TOKEN,
		.algs = EVERY };
	struct arena *a = arena_new(1 << 24);
	const struct signer *s = &signers[shares[i].who];
	struct jwk_table t = table_of(a, s, s->pkey != NULL ? AS_JWK :
		AS_SECRET);
	const char *name = jose_alg_name(shares[i].alg);
	struct jose j;

	OK(jose_parse(a, sign_token(a, s, shares[i].alg, str_fmt(a,
		"{\"alg\":\"%s\",\"typ\":\"%s\"}", name, shares[i].typ).p,
		CLAIMS), &rules, &j) == NULL);
	OK(jws_verify(&t, JWS_LIBJWT, &j, a) == NULL);
	tap_ok(libjwt_can(&j, &t.v[0], t.arena) == shares[i].libjwt,
		"%s of %s is the work of %s", name, shares[i].typ,
		shares[i].libjwt ? "libjwt" : "OpenSSL");
	arena_free(a);
}

/* ---- which key ------------------------------------------------------------- */

/* Sets: "a" RSA_A, "b" RSA_B, "e" P256_A; a digit is the kid, '-' none. */
static const struct {
	const char *name, *set, *kid;	/* of the token; NULL: none */
	enum who signer;
	enum jose_alg alg;
	const char *want;
} choices[] = {
	{ "the first by kid", "a1b2", "1", RSA_A, JOSE_RS256, NULL },
	{ "the second by kid", "a1b2", "2", RSA_B, JOSE_RS256, NULL },
	{ "the kid of the other", "a1b2", "2", RSA_A, JOSE_RS256,
		"signature" },
	{ "an unknown kid", "a1b2", "3", RSA_A, JOSE_RS256, "kid_unknown" },
	{ "a kid in other letters", "a1b2", "1 ", RSA_A, JOSE_RS256,
		"kid_unknown" },
	{ "no kid in the token", "a1b2", NULL, RSA_B, JOSE_RS256, NULL },
	{ "no kid anywhere", "a-b-", NULL, RSA_B, JOSE_RS256, NULL },
	{ "no kid in the set", "a-b-", "9", RSA_B, JOSE_RS256, NULL },
	{ "one key has a kid", "a-b2", "9", RSA_A, JOSE_RS256,
		"kid_unknown" },
	{ "one kid, two keys", "a1b1", "1", RSA_B, JOSE_RS256, NULL },
	{ "one kid, two kinds", "a1e1", "1", P256_A, JOSE_ES256, NULL },
	{ "the kid of another kind", "a1e2", "1", P256_A, JOSE_ES256,
		"alg" },
	{ "an empty set", "", NULL, RSA_A, JOSE_RS256, "alg" },
	{ "an empty set and a kid", "", "1", RSA_A, JOSE_RS256, "alg" },
	{ "8 keys, no kid", "b1b2b3b4b5b6b7a8", NULL, RSA_A, JOSE_RS256,
		NULL },
	{ "9 keys, no kid", "a1b2b3b4b5b6b7b8b9", NULL, RSA_A, JOSE_RS256,
		"kid_unknown" },
	{ "8 that fit of 9", "e1b2b3b4b5b6b7b8a9", NULL, RSA_A, JOSE_RS256,
		NULL },
};

static struct str
set_of(struct arena *a, const char *keys)
{
	struct str set = STR("{\"keys\":[");

	for (const char *k = keys; *k != '\0'; k += 2) {
		enum who w = *k == 'a' ? RSA_A : *k == 'b' ? RSA_B : P256_A;
		const char *more = k[1] == '-' ? "" : str_fmt(a,
			"\"kid\":\"%c\"", k[1]).p;

		set = str_fmt(a, "%.*s%s%.*s", STR_ARG(set),
			k > keys ? "," : "",
			STR_ARG(sign_jwk(a, &signers[w], more)));
	}
	return str_fmt(a, "%.*s]}", STR_ARG(set));
}

static void
run_choice(size_t i)
{
	struct arena *a = arena_new(1 << 24);
	struct jwk_table t;
	const struct token_policy p = { .keys = &t, .jwt = &open_policy,
		.algs = EVERY, .require_typ = "" };
	const char *alg = jose_alg_name(choices[i].alg);
	struct str header = choices[i].kid == NULL ?
		str_fmt(a, "{\"alg\":\"%s\"}", alg) :
		str_fmt(a, "{\"alg\":\"%s\",\"kid\":\"%s\"}", alg,
			choices[i].kid);
	struct claims c;

	OK(jwk_table_parse(a, set_of(a, choices[i].set), EVERY, &t) == NULL);
	token_row(token_judge(a, &p, sign_token(a,
		&signers[choices[i].signer], choices[i].alg, header.p,
		CLAIMS), &c), choices[i].want, choices[i].name);
	arena_free(a);
}

/* ---- published examples -------------------------------------------------------- */

#define RFC7515_CLAIMS "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0" \
	"dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

#define RFC7520_PAYLOAD "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0" \
	"IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlv" \
	"dSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcg" \
	"d2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"

static const struct {
	const char *name, *key, *header, *payload, *signature;
	enum jose_alg alg;
} published[] = {
	{ "RFC 7515 A.1", "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZ"
		"H75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
		"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", RFC7515_CLAIMS,
		"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", JOSE_HS256 },
	{ "RFC 7515 A.2", "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSf"
		"b4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP"
		"1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47so"
		"MZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-"
		"UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5I"
		"hlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDT"
		"W9gb54h4FRWyuXpoQ\",\"e\":\"AQAB\"}",
		"eyJhbGciOiJSUzI1NiJ9", RFC7515_CLAIMS,
		"cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5R"
		"Zmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQ"
		"jbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQB"
		"MHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt"
		"FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq"
		"Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw", JOSE_RS256 },
	{ "RFC 7515 A.3", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2"
		"xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN"
		"_tue659LNpXW6pCyStikYjKIWI5a0\"}",
		"eyJhbGciOiJFUzI1NiJ9", RFC7515_CLAIMS,
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8I"
		"SlSApmWQxfKTUJqPP3-Kg6NU1Q", JOSE_ES256 },
	{ "RFC 7515 A.4", "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AekpBQ8S"
		"T8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1j"
		"SfS9tsz4qUxcWceqwQGk\",\"y\":\"ADSmRA43Z1DSNx_RvcLI87cdL07l6"
		"jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"
		"\"}", "eyJhbGciOiJFUzUxMiJ9", "UGF5bG9hZA",
		"AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-"
		"mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpR"
		"wcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn",
		JOSE_ES512 },
	{ "RFC 7520 4.1", "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\","
		"\"use\":\"sig\",\"n\":\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZd"
		"R8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMa"
		"JMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3R"
		"BordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bT"
		"wJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKw"
		"uCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHd"
		"rNP5zw\",\"e\":\"AQAB\"}",
		"eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24u"
		"ZXhhbXBsZSJ9",
		RFC7520_PAYLOAD,
		"MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoF"
		"mKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-"
		"Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5a"
		"AE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrD"
		"aLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJu"
		"shZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg", JOSE_RS256 },
	{ "RFC 7520 4.2", "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\","
		"\"use\":\"sig\",\"n\":\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZd"
		"R8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMa"
		"JMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3R"
		"BordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bT"
		"wJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKw"
		"uCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHd"
		"rNP5zw\",\"e\":\"AQAB\"}",
		"eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24u"
		"ZXhhbXBsZSJ9",
		RFC7520_PAYLOAD,
		"cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk"
		"2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMx"
		"bbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRm"
		"BqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8c"
		"BE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0"
		"uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw", JOSE_PS384 },
	{ "RFC 7520 4.3", "{\"kty\":\"EC\",\"kid\":\"bilbo.baggins@hobbiton.example\","
		"\"use\":\"sig\",\"crv\":\"P-521\",\"x\":\"AHKZLLOsCOzz5cY97e"
		"wNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRX"
		"YgCF5cj0Kt\",\"y\":\"AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kf"
		"mC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1\"}",
		"eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24u"
		"ZXhhbXBsZSJ9",
		RFC7520_PAYLOAD,
		"AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9q"
		"vbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0l"
		"w-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2", JOSE_ES512 },
	{ "RFC 7520 4.4", "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
		"eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2"
		"LWVlZjMxNGJjNzAzNyJ9",
		RFC7520_PAYLOAD,
		"s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0", JOSE_HS256 },
	{ "RFC 8037 A.4", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYA"
		"YKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
		"eyJhbGciOiJFZERTQSJ9",
		"RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylG"
		"jg5BhVsPt9g7sVvpAr_MuM0KAg", JOSE_EDDSA },
};

static struct str
unbase64(struct arena *a, const char *text)
{
	uint8_t *p = arena_alloc(a, strlen(text) + 3);
	size_t n = 0;

	if (!digest_unbase64url(str_of(text), p, &n))
		sign_give_up(text, __LINE__);
	return (struct str){ (const char *)p, n };
}

/* Most of the payloads are no JSON, which jose_parse() refuses; so the
 * signature is judged alone. */
static bool
published_holds(struct arena *a, size_t i, enum jws_backend backend,
	const char *payload)
{
	struct jose j = { .alg = published[i].alg,
		.signature = unbase64(a, published[i].signature) };
	struct jwk_table t;

	if (published[i].key[0] != '{')
		OK(jwk_table_secret(a, secret_of(unbase64(a,
			published[i].key)), EVERY, &t) == NULL);
	else
		OK(jwk_table_parse(a, str_fmt(a, "{\"keys\":[%s]}",
			published[i].key), EVERY, &t) == NULL);
	j.token = str_fmt(a, "%s.%s.%s", published[i].header, payload,
		published[i].signature);
	j.signing = str_fmt(a, "%s.%s", published[i].header, payload);
	return jws_verify(&t, backend, &j, a) == NULL;
}

static void
run_published(size_t i)
{
	bool is_json = strncmp(published[i].payload, "ey", 2) == 0;
	struct arena *a = arena_new(1 << 24);

	tap_ok(published_holds(a, i, JWS_OPENSSL, published[i].payload),
		"%s by OpenSSL", published[i].name);
	tap_ok(!published_holds(a, i, JWS_OPENSSL, "e30"),
		"%s, another payload", published[i].name);
	if (is_json)
		tap_ok(published_holds(a, i, JWS_LIBJWT,
			published[i].payload), "%s by libjwt",
			published[i].name);
	arena_free(a);
}

/* ---- bytes turned at random ------------------------------------------------------ */

/* One character of a good token is exchanged; no backend may take it, and
 * what they say must be the same. */
static void
check_mutations(enum who who, enum jose_alg alg, unsigned n)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
		"pqrstuvwxyz0123456789-_.=+/ ";
	struct arena *keys = arena_new(1 << 24);
	struct jwk_table t = table_of(keys, &signers[who],
		signers[who].pkey != NULL ? AS_JWK : AS_SECRET);
	const struct token_policy p = { .keys = &t, .jwt = &open_policy,
		.algs = EVERY, .require_typ = "" };
	struct str token = sign_token(keys, &signers[who], alg, str_fmt(keys,
		"{\"alg\":\"%s\"}", jose_alg_name(alg)).p, CLAIMS);
	unsigned taken = 0, seed = 1;

	for (unsigned i = 0; i < n; i++) {
		struct arena *a = arena_new(1 << 24);
		struct str copy = str_copy(a, token);
		char *c = (char *)(uintptr_t)copy.p;
		struct claims claims;
		size_t at;

		seed = seed * 1103515245 + 12345;
		at = (seed >> 8) % token.n;
		c[at] = set[(seed >> 3) % (sizeof(set) - 1)];
		taken += !str_eq(copy, token) &&
			token_judge(a, &p, copy, &claims) == NULL;
		arena_free(a);
	}
	tap_ok(taken == 0, "%s: %u changed tokens, none is taken",
		jose_alg_name(alg), n);
	arena_free(keys);
}

int
main(void)
{
	unsigned n = MUTATIONS / tap_slow();

	make_signers();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(i);
	check_shapes();
	check_der();
	check_salts();
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++)
		run_share(i);
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		run_choice(i);
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++)
		run_published(i);
	check_mutations(MAC, JOSE_HS256, n);
	check_mutations(RSA_A, JOSE_RS256, n / 10);
	check_mutations(P256_A, JOSE_ES256, n / 10);
	check_mutations(RSA_A, JOSE_PS256, n / 10);
	check_mutations(ED, JOSE_EDDSA, n / 10);
	arena_free(keys_arena);
	return tap_done();
}
