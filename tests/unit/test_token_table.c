/* SPDX-License-Identifier: MIT */
/*
 * token table -- tokens of every class, judged by each backend in turn
 *
 * A row: what signs with what, the header and the claims as text, how the
 * bytes are changed afterwards, which keys and which rules the verifier has,
 * and the word that the refusal begins with (NULL: it passes).
 */
#include "config.h"
#include "auth/jws.h"

#include "kit/token.h"

#define EVERY ((1u << JOSE_ALGS) - 1)
#define S(lit) { lit, sizeof(lit) - 1 }
#define SECRET64 "0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789ABCDEF"
#define ISS "https://issuer.test/a"
#define SUB "\"sub\":\"alice\""
#define LATER "\"exp\":1700000600"
#define BASE "{" SUB "," LATER ",\"iss\":\"" ISS "\",\"aud\":\"gate\"}"
#define NAME64 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"
#define NAME256 NAME64 NAME64 NAME64 NAME64

/* ---- who signs, and what the verifier knows ---------------------------- */

enum who { RSA_A, RSA_B, RSA_WEAK, P256, P256_B, P384, P521, K256, ED, ED_B,
	MAC, MAC_EMPTY, MAC_PEM, MAC_JWK, MAC_N, WHO };
static struct signer signers[WHO];

/* Key sets; kids are r, R (RSA), e, E (P-256), f, g (384, 521), d (Ed25519).
 * BARE: without kids. TWIN: two keys with one kid. */
enum set { ALL, BARE, TWIN, ONE_RSA, ONE_EC, ONE_ED, ONLY_PS, HMAC, HMAC256,
	PEM, EMPTY, SETS };
static struct jwk_table sets[SETS];

enum rules { FREE, FULL, SHARP, AGED, JTI, TYP, PROFILE, NONCE, RULES };

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

/* ---- what is done to the finished token ----------------------------------- */

enum twist { AS_IS, PAD_HEADER, PAD_CLAIMS, PAD_SIGNATURE, PLUS, SLASH, SPARE,
	BLANK, BLANK_FRONT, NEWLINE, TAB, NUL, DOT_FRONT, DOT_END, DOUBLE_DOT,
	FOUR, FIVE, NO_SIGNATURE, NO_CLAIMS, NO_HEADER, NO_DOTS, TWO_PARTS,
	FLAT_JSON, GENERAL_JSON, SHORT_BY_1, LONG_BY_1, ZEROS, EMPTY_RS, DER,
	HIGH_S, LAST_BIT, TWICE, STANDARD };

struct row {
	const char *class, *name;
	enum who who;
	enum jose_alg alg;		/* that really signs */
	const char *header, *claims;
	enum twist twist;
	enum set set;
	enum rules rules;
	const char *want;
};

#define H(alg) "{\"alg\":\"" alg "\"}"
#define HK(alg, kid) "{\"alg\":\"" alg "\",\"kid\":\"" kid "\"}"
#define RS(name, header, want) \
	{ "header", name, RSA_A, JOSE_RS256, header, BASE, AS_IS, ONE_RSA, \
		FREE, want }
#define CL(name, claims, rules, want) \
	{ "claims", name, RSA_A, JOSE_RS256, H("RS256"), claims, AS_IS, \
		ONE_RSA, rules, want }
#define TW(name, twist, want) \
	{ "bytes", name, RSA_A, JOSE_RS256, H("RS256"), BASE, twist, ONE_RSA, \
		FREE, want }
#define EX(name, members, want) \
	CL(name, "{" SUB "," members "}", SHARP, want)

static const struct row table[] = {
	/* ---- every algorithm passes with its own key ---- */
	{ "good", "RS256", RSA_A, JOSE_RS256, HK("RS256", "r"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "RS384", RSA_A, JOSE_RS384, HK("RS384", "r"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "RS512", RSA_A, JOSE_RS512, HK("RS512", "r"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "PS256", RSA_A, JOSE_PS256, HK("PS256", "r"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "PS384", RSA_A, JOSE_PS384, HK("PS384", "r"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "PS512", RSA_A, JOSE_PS512, HK("PS512", "r"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "ES256", P256, JOSE_ES256, HK("ES256", "e"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "ES384", P384, JOSE_ES384, HK("ES384", "f"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "ES512", P521, JOSE_ES512, HK("ES512", "g"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "EdDSA", ED, JOSE_EDDSA, HK("EdDSA", "d"), BASE, AS_IS,
		ALL, FULL, NULL },
	{ "good", "HS256", MAC, JOSE_HS256, H("HS256"), BASE, AS_IS, HMAC,
		FULL, NULL },
	{ "good", "HS384", MAC, JOSE_HS384, H("HS384"), BASE, AS_IS, HMAC,
		FULL, NULL },
	{ "good", "HS512", MAC, JOSE_HS512, H("HS512"), BASE, AS_IS, HMAC,
		FULL, NULL },
	{ "good", "RS256 by PEM", RSA_A, JOSE_RS256, H("RS256"), BASE, AS_IS,
		PEM, FULL, NULL },
	{ "good", "typ JWT", RSA_A, JOSE_RS256,
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}", BASE, AS_IS, ONE_RSA,
		FULL, NULL },
	{ "good", "typ at+jwt", RSA_A, JOSE_RS256,
		"{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", BASE, AS_IS, ONE_RSA,
		FULL, NULL },
	{ "good", "typ at+jwt with ES256", P256, JOSE_ES256,
		"{\"typ\":\"at+JWT\",\"alg\":\"ES256\"}", BASE, AS_IS, ONE_EC,
		TYP, NULL },

	/* ---- confusion of keys ---- */
	{ "confusion", "HS256 keyed with the PEM", MAC_PEM, JOSE_HS256,
		H("HS256"), BASE, AS_IS, PEM, FREE, "alg" },
	{ "confusion", "HS256 keyed with the PEM, a set", MAC_PEM, JOSE_HS256,
		H("HS256"), BASE, AS_IS, ONE_RSA, FREE, "alg" },
	{ "confusion", "HS256 keyed with the JWK", MAC_JWK, JOSE_HS256,
		H("HS256"), BASE, AS_IS, ONE_RSA, FREE, "alg" },
	{ "confusion", "HS256 keyed with the modulus", MAC_N, JOSE_HS256,
		H("HS256"), BASE, AS_IS, ONE_RSA, FREE, "alg" },
	{ "confusion", "HS256 keyed with nothing", MAC_EMPTY, JOSE_HS256,
		H("HS256"), BASE, AS_IS, ONE_RSA, FREE, "alg" },
	{ "confusion", "HS256 keyed with nothing, a secret", MAC_EMPTY,
		JOSE_HS256, H("HS256"), BASE, AS_IS, HMAC, FREE,
		"signature" },
	{ "confusion", "HS256 keyed with nothing, no keys", MAC_EMPTY,
		JOSE_HS256, H("HS256"), BASE, AS_IS, EMPTY, FREE, "alg" },
	{ "confusion", "HS512 said RS512", MAC, JOSE_HS512, H("RS512"), BASE,
		AS_IS, HMAC, FREE, "alg" },
	{ "confusion", "HS384 where HS256 is listed", MAC, JOSE_HS384,
		H("HS384"), BASE, AS_IS, HMAC256, FREE, "alg" },
	{ "confusion", "RS256 said HS256", RSA_A, JOSE_RS256, H("HS256"),
		BASE, AS_IS, HMAC, FREE, "signature" },
	{ "confusion", "another RSA key", RSA_B, JOSE_RS256, H("RS256"),
		BASE, AS_IS, ONE_RSA, FREE, "signature" },
	{ "confusion", "another EC key", P256_B, JOSE_ES256, H("ES256"),
		BASE, AS_IS, ONE_EC, FREE, "signature" },
	{ "confusion", "another Ed25519 key", ED_B, JOSE_EDDSA, H("EdDSA"),
		BASE, AS_IS, ONE_ED, FREE, "signature" },
	{ "confusion", "RS256 said PS256", RSA_A, JOSE_RS256, H("PS256"),
		BASE, AS_IS, ONE_RSA, FREE, "signature" },
	{ "confusion", "PS256 said RS256", RSA_A, JOSE_PS256, H("RS256"),
		BASE, AS_IS, ONE_RSA, FREE, "signature" },
	{ "confusion", "RS256 said RS384", RSA_A, JOSE_RS256, H("RS384"),
		BASE, AS_IS, ONE_RSA, FREE, "signature" },
	{ "confusion", "PS256 said PS512", RSA_A, JOSE_PS256, H("PS512"),
		BASE, AS_IS, ONE_RSA, FREE, "signature" },
	{ "confusion", "RS256 where the key is for PS256", RSA_A, JOSE_RS256,
		H("RS256"), BASE, AS_IS, ONLY_PS, FREE, "alg" },
	{ "confusion", "PS256 where the key is for PS256", RSA_A, JOSE_PS256,
		H("PS256"), BASE, AS_IS, ONLY_PS, FREE, NULL },
	{ "confusion", "P-384 said ES256", P384, JOSE_ES384, H("ES256"), BASE,
		AS_IS, ONE_EC, FREE, "signature" },
	{ "confusion", "P-256 said ES384", P256, JOSE_ES256, H("ES384"), BASE,
		AS_IS, ONE_EC, FREE, "alg" },
	{ "confusion", "P-256 with SHA-512 said ES256", P256, JOSE_ES512,
		H("ES256"), BASE, AS_IS, ONE_EC, FREE, "signature" },
	{ "confusion", "secp256k1 said ES256", K256, JOSE_ES256, H("ES256"),
		BASE, AS_IS, ONE_EC, FREE, "signature" },
	{ "confusion", "EdDSA for an EC key", ED, JOSE_EDDSA, H("EdDSA"),
		BASE, AS_IS, ONE_EC, FREE, "alg" },
	{ "confusion", "ES256 for an Ed25519 key", P256, JOSE_ES256,
		H("ES256"), BASE, AS_IS, ONE_ED, FREE, "alg" },
	{ "confusion", "RS256 for an Ed25519 key", RSA_A, JOSE_RS256,
		H("RS256"), BASE, AS_IS, ONE_ED, FREE, "alg" },
	{ "confusion", "1024 bits", RSA_WEAK, JOSE_RS256, H("RS256"), BASE,
		AS_IS, ONE_RSA, FREE, "signature" },

	/* ---- none, and how alg may be spelled ---- */
	RS("none", H("none"), "alg"), RS("None", H("None"), "alg"),
	RS("NONE", H("NONE"), "alg"), RS("nOnE", H("nOnE"), "alg"),
	RS("none with a blank", H("none "), "alg"),
	RS("none with a NUL", H("none\\u0000"), "malformed"),
	RS("n\\u006fne", H("n\\u006fne"), "alg"),
	{ "header", "none and no signature", RSA_A, JOSE_RS256, H("none"),
		BASE, NO_SIGNATURE, ONE_RSA, FREE, "malformed" },
	{ "header", "None, two parts", RSA_A, JOSE_RS256, H("None"), BASE,
		TWO_PARTS, ONE_RSA, FREE, "malformed" },
	{ "header", "RS256 and no signature", RSA_A, JOSE_RS256, H("RS256"),
		BASE, NO_SIGNATURE, ONE_RSA, FREE, "malformed" },
	RS("rs256", H("rs256"), "alg"), RS("Rs256", H("Rs256"), "alg"),
	RS("RS256 and a blank", H("RS256 "), "alg"),
	RS("a blank and RS256", H(" RS256"), "alg"),
	RS("RS256 escaped", H("\\u0052S256"), NULL),
	RS("RS-256", H("RS-256"), "alg"), RS("SHA256withRSA",
		H("SHA256withRSA"), "alg"),
	RS("RS1", H("RS1"), "alg"), RS("ES256K", H("ES256K"), "alg"),
	RS("RSA1_5", H("RSA1_5"), "alg"), RS("dir", H("dir"), "alg"),
	RS("an empty alg", H(""), "alg"),
	RS("no alg", "{\"typ\":\"JWT\"}", "malformed"),
	RS("alg null", "{\"alg\":null}", "malformed"),
	RS("alg a number", "{\"alg\":256}", "malformed"),
	RS("alg true", "{\"alg\":true}", "malformed"),
	RS("alg a list", "{\"alg\":[\"RS256\"]}", "malformed"),
	RS("alg an object", "{\"alg\":{\"alg\":\"RS256\"}}", "malformed"),
	RS("Alg", "{\"Alg\":\"RS256\"}", "malformed"),
	RS("alg twice", "{\"alg\":\"RS256\",\"alg\":\"RS256\"}", "malformed"),
	RS("none, then RS256", "{\"alg\":\"none\",\"alg\":\"RS256\"}",
		"malformed"),
	RS("RS256, then none escaped",
		"{\"alg\":\"RS256\",\"\\u0061lg\":\"none\"}", "malformed"),
	RS("a NUL in a name", "{\"alg\":\"RS256\",\"alg\\u0000\":\"none\"}",
		"malformed"),

	/* ---- kid ---- */
	RS("kid where the set has none", HK("RS256", "zzz"), NULL),
	RS("kid null", "{\"alg\":\"RS256\",\"kid\":null}", "malformed"),
	RS("kid a number", "{\"alg\":\"RS256\",\"kid\":1}", "malformed"),
	RS("kid a list", "{\"alg\":\"RS256\",\"kid\":[\"r\"]}", "malformed"),
	RS("kid an object", "{\"alg\":\"RS256\",\"kid\":{}}", "malformed"),
	RS("kid empty", HK("RS256", ""), "malformed"),
	RS("kid with a line end", HK("RS256", "r\\n"), "malformed"),
	RS("kid with a NUL", HK("RS256", "r\\u0000"), "malformed"),
	RS("kid not ASCII", HK("RS256", "\xC3\xBC"), "malformed"),
	RS("kid with DEL", HK("RS256", "a\x7F"), "malformed"),
	RS("kid of 256 bytes", HK("RS256", NAME256), NULL),
	RS("kid of 257 bytes", HK("RS256", NAME256 "x"), "malformed"),
	RS("kid of a query", HK("RS256", "' OR 1=1 --"), NULL),
	RS("kid of a file", HK("RS256", "../../../dev/null"), NULL),
	RS("kid of an address", HK("RS256", "http://127.0.0.1/k"), NULL),
	RS("kid twice", "{\"alg\":\"RS256\",\"kid\":\"r\",\"kid\":\"R\"}",
		"malformed"),
	{ "kid", "right", RSA_B, JOSE_RS256, HK("RS256", "R"), BASE, AS_IS,
		ALL, FREE, NULL },
	{ "kid", "of another key", RSA_A, JOSE_RS256, HK("RS256", "R"), BASE,
		AS_IS, ALL, FREE, "signature" },
	{ "kid", "of another kind", RSA_A, JOSE_RS256, HK("RS256", "e"), BASE,
		AS_IS, ALL, FREE, "alg" },
	{ "kid", "unknown", RSA_A, JOSE_RS256, HK("RS256", "q"), BASE, AS_IS,
		ALL, FREE, "kid_unknown" },
	{ "kid", "with a blank behind", RSA_A, JOSE_RS256, HK("RS256", "r "),
		BASE, AS_IS, ALL, FREE, "kid_unknown" },
	{ "kid", "longer", RSA_A, JOSE_RS256, HK("RS256", "rr"), BASE, AS_IS,
		ALL, FREE, "kid_unknown" },
	{ "kid", "none: each that fits is tried", RSA_B, JOSE_RS256,
		H("RS256"), BASE, AS_IS, ALL, FREE, NULL },
	{ "kid", "none in the set", RSA_B, JOSE_RS256, HK("RS256", "any"),
		BASE, AS_IS, BARE, FREE, NULL },
	{ "kid", "one for two keys, the first", RSA_A, JOSE_RS256,
		HK("RS256", "t"), BASE, AS_IS, TWIN, FREE, NULL },
	{ "kid", "one for two keys, the second", RSA_B, JOSE_RS256,
		HK("RS256", "t"), BASE, AS_IS, TWIN, FREE, NULL },
	{ "kid", "one for two keys, a third kind", P256, JOSE_ES256,
		HK("ES256", "t"), BASE, AS_IS, TWIN, FREE, "alg" },

	/* ---- other members of the header ---- */
	RS("crit", "{\"alg\":\"RS256\",\"crit\":[\"exp\"],\"exp\":1}", "crit"),
	RS("crit empty", "{\"alg\":\"RS256\",\"crit\":[]}", "crit"),
	RS("crit null", "{\"alg\":\"RS256\",\"crit\":null}", "crit"),
	RS("crit text", "{\"alg\":\"RS256\",\"crit\":\"exp\"}", "crit"),
	RS("crit false", "{\"alg\":\"RS256\",\"crit\":false}", "crit"),
	RS("b64 false", "{\"alg\":\"RS256\",\"b64\":false}", "crit"),
	RS("b64 true", "{\"alg\":\"RS256\",\"b64\":true}", "crit"),
	RS("b64 null", "{\"alg\":\"RS256\",\"b64\":null}", "crit"),
	RS("b64 in crit", "{\"alg\":\"RS256\",\"b64\":false,\"crit\":[\"b64\"]}",
		"crit"),
	RS("cty JWT", "{\"alg\":\"RS256\",\"cty\":\"JWT\"}", "malformed"),
	RS("cty jWt", "{\"alg\":\"RS256\",\"cty\":\"jWt\"}", "malformed"),
	RS("cty application/jwt", "{\"alg\":\"RS256\",\"cty\":"
		"\"application/jwt\"}", "malformed"),
	RS("cty json", "{\"alg\":\"RS256\",\"cty\":\"json\"}", NULL),
	RS("zip", "{\"alg\":\"RS256\",\"zip\":\"DEF\"}", NULL),
	RS("jku", "{\"alg\":\"RS256\",\"jku\":\"https://evil.test/k\"}", NULL),
	RS("x5u", "{\"alg\":\"RS256\",\"x5u\":\"https://evil.test/k\"}", NULL),
	RS("jwk", "{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"eA\"}}",
		NULL),
	RS("x5c", "{\"alg\":\"RS256\",\"x5c\":[\"MII\"]}", NULL),
	RS("x5t", "{\"alg\":\"RS256\",\"x5t\":\"a\",\"x5t#S256\":\"b\"}", NULL),
	RS("enc", "{\"alg\":\"RS256\",\"enc\":\"A256GCM\"}", NULL),
	RS("epk of somebody", "{\"alg\":\"RS256\",\"epk\":{},\"x\":[1,{}]}",
		NULL),
	{ "header", "jwk with the key that signed", RSA_B, JOSE_RS256,
		"{\"alg\":\"RS256\",\"jwk\":{\"kty\":\"RSA\"}}", BASE, AS_IS,
		ONE_RSA, FREE, "signature" },
	RS("typ dpop+jwt", "{\"alg\":\"RS256\",\"typ\":\"dpop+jwt\"}", "typ"),
	RS("typ logout+jwt", "{\"alg\":\"RS256\",\"typ\":\"logout+jwt\"}",
		"typ"),
	RS("typ secevent+jwt", "{\"alg\":\"RS256\",\"typ\":\"secevent+jwt\"}",
		"typ"),
	RS("typ JOSE", "{\"alg\":\"RS256\",\"typ\":\"JOSE\"}", "typ"),
	RS("typ a number", "{\"alg\":\"RS256\",\"typ\":1}", "typ"),
	RS("typ null", "{\"alg\":\"RS256\",\"typ\":null}", "typ"),
	RS("typ empty", "{\"alg\":\"RS256\",\"typ\":\"\"}", "typ"),
	RS("typ with a blank", "{\"alg\":\"RS256\",\"typ\":\"JWT \"}", "typ"),
	RS("typ jwt", "{\"alg\":\"RS256\",\"typ\":\"jwt\"}", NULL),
	RS("typ application/at+jwt", "{\"alg\":\"RS256\",\"typ\":"
		"\"application/at+jwt\"}", NULL),
	{ "header", "typ JWT where at+jwt is needed", RSA_A, JOSE_RS256,
		"{\"alg\":\"RS256\",\"typ\":\"JWT\"}", BASE, AS_IS, ONE_RSA,
		TYP, "typ" },
	{ "header", "no typ where at+jwt is needed", RSA_A, JOSE_RS256,
		H("RS256"), BASE, AS_IS, ONE_RSA, TYP, "typ" },
	RS("an array", "[\"alg\",\"RS256\"]", "malformed"),
	RS("text", "\"RS256\"", "malformed"), RS("null", "null", "malformed"),
	RS("trailing bytes", H("RS256") "x", "malformed"),
	RS("two objects", H("RS256") H("none"), "malformed"),
	RS("white space around", " \n" H("RS256") "\t", NULL),
	RS("a byte order mark", "\xEF\xBB\xBF" H("RS256"), "malformed"),
	RS("a comma too many", "{\"alg\":\"RS256\",}", "malformed"),
	RS("single quotes", "{'alg':'RS256'}", "malformed"),
	RS("deep", "{\"alg\":\"RS256\",\"x\":[[[[[[[[1]]]]]]]]}", "malformed"),

	/* ---- the bytes of the token ---- */
	TW("as it is", AS_IS, NULL), TW("padding behind the header",
		PAD_HEADER, "malformed"),
	TW("padding behind the claims", PAD_CLAIMS, "malformed"),
	TW("padding at the end", PAD_SIGNATURE, "malformed"),
	TW("a plus", PLUS, "malformed"), TW("a slash", SLASH, "malformed"),
	TW("the standard alphabet", STANDARD, "malformed"),
	TW("spare bits", SPARE, "malformed"),
	TW("a blank at the end", BLANK, "malformed"),
	TW("a blank in front", BLANK_FRONT, "malformed"),
	TW("a line end", NEWLINE, "malformed"), TW("a tab", TAB, "malformed"),
	TW("a NUL at the end", NUL, "malformed"),
	TW("a dot in front", DOT_FRONT, "malformed"),
	TW("a dot at the end", DOT_END, "malformed"),
	TW("two dots in a row", DOUBLE_DOT, "malformed"),
	TW("four parts", FOUR, "malformed"),
	TW("five parts, as JWE", FIVE, "malformed"),
	TW("no signature", NO_SIGNATURE, "malformed"),
	TW("no claims", NO_CLAIMS, "malformed"),
	TW("no header", NO_HEADER, "malformed"),
	TW("no dots", NO_DOTS, "malformed"),
	TW("two parts", TWO_PARTS, "malformed"),
	TW("flattened JSON", FLAT_JSON, "malformed"),
	TW("general JSON", GENERAL_JSON, "malformed"),
	TW("the token twice", TWICE, "malformed"),
	TW("the signature a byte shorter", SHORT_BY_1, "signature"),
	TW("the signature a byte longer", LONG_BY_1, "signature"),
	TW("a signature of zeros", ZEROS, "signature"),
	TW("the last bit turned", LAST_BIT, "signature"),
	{ "bytes", "ES256 in DER", P256, JOSE_ES256, H("ES256"), BASE, DER,
		ONE_EC, FREE, "signature" },
	{ "bytes", "ES256, a byte shorter", P256, JOSE_ES256, H("ES256"),
		BASE, SHORT_BY_1, ONE_EC, FREE, "signature" },
	{ "bytes", "ES256, a byte longer", P256, JOSE_ES256, H("ES256"), BASE,
		LONG_BY_1, ONE_EC, FREE, "signature" },
	{ "bytes", "ES256, zeros", P256, JOSE_ES256, H("ES256"), BASE, ZEROS,
		ONE_EC, FREE, "signature" },
	{ "bytes", "ES256, two bytes", P256, JOSE_ES256, H("ES256"), BASE,
		EMPTY_RS, ONE_EC, FREE, "signature" },
	{ "bytes", "ES256, n - s is a signature too", P256, JOSE_ES256,
		H("ES256"), BASE, HIGH_S, ONE_EC, FREE, NULL },
	{ "bytes", "EdDSA, a byte shorter", ED, JOSE_EDDSA, H("EdDSA"), BASE,
		SHORT_BY_1, ONE_ED, FREE, "signature" },
	{ "bytes", "EdDSA, zeros", ED, JOSE_EDDSA, H("EdDSA"), BASE, ZEROS,
		ONE_ED, FREE, "signature" },
	{ "bytes", "HS256, a byte shorter", MAC, JOSE_HS256, H("HS256"), BASE,
		SHORT_BY_1, HMAC, FREE, "signature" },
	{ "bytes", "HS256, a byte longer", MAC, JOSE_HS256, H("HS256"), BASE,
		LONG_BY_1, HMAC, FREE, "signature" },
	{ "bytes", "HS256, two bytes", MAC, JOSE_HS256, H("HS256"), BASE,
		EMPTY_RS, HMAC, FREE, "signature" },
	{ "bytes", "HS512 cut to 32 bytes said HS256", MAC, JOSE_HS512,
		H("HS256"), BASE, AS_IS, HMAC, FREE, "signature" },

	/* ---- the payload as JSON ---- */
	CL("an array", "[" BASE "]", FREE, "malformed"),
	CL("a number", "17", FREE, "malformed"),
	CL("text", "\"alice\"", FREE, "malformed"),
	CL("null", "null", FREE, "malformed"),
	CL("no JSON", "hello", FREE, "malformed"),
	CL("two objects", BASE BASE, FREE, "malformed"),
	CL("bytes behind", BASE "\\", FREE, "malformed"),
	CL("a comment", "{" SUB "/**/}", FREE, "malformed"),
	CL("sub twice", "{" SUB ",\"sub\":\"root\"}", FREE, "malformed"),
	CL("sub twice, escaped", "{" SUB ",\"s\\u0075b\":\"root\"}", FREE,
		"malformed"),
	CL("a name twice inside", "{" SUB ",\"x\":{\"a\":1,\"a\":1}}", FREE,
		"malformed"),
	CL("a NUL in a name", "{" SUB ",\"sub\\u0000x\":\"root\"}", FREE,
		"malformed"),
	CL("a NUL in sub", "{\"sub\":\"alice\\u0000root\"}", FREE,
		"malformed"),
	CL("a lone surrogate", "{\"sub\":\"a\\ud800\"}", FREE, "malformed"),
	CL("surrogates the wrong way", "{\"sub\":\"a\\udc00\\ud800\"}", FREE,
		"malformed"),
	CL("a pair of surrogates", "{\"sub\":\"a\\ud83d\\ude00\"}", FREE,
		NULL),
	CL("overlong UTF-8", "{\"sub\":\"a\xC0\xAF\"}", FREE, "malformed"),
	CL("an encoded surrogate", "{\"sub\":\"a\xED\xA0\x80\"}", FREE,
		"malformed"),
	CL("NaN", "{" SUB ",\"x\":NaN}", FREE, "malformed"),
	CL("Infinity", "{" SUB ",\"exp\":Infinity}", FREE, "malformed"),
	CL("a leading zero", "{" SUB ",\"exp\":01700000600}", FREE,
		"malformed"),
	CL("a plus sign", "{" SUB ",\"exp\":+1700000600}", FREE, "malformed"),
	CL("a number with no end", "{" SUB ",\"exp\":1700000600.}", FREE,
		"malformed"),
	CL("hexadecimal", "{" SUB ",\"exp\":0x65}", FREE, "malformed"),
	CL("True", "{" SUB ",\"x\":True}", FREE, "malformed"),
	CL("a big integer nobody reads", "{" SUB ",\"x\":"
		"123456789012345678901234567890}", FREE, NULL),
	CL("a number beyond doubles", "{" SUB ",\"x\":1e999}", FREE, NULL),
	CL("16 deep", "{" SUB ",\"x\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}", FREE,
		NULL),
	CL("17 deep", "{" SUB ",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
		FREE, "malformed"),
	CL("a raw control", "{\"sub\":\"a\nb\"}", FREE, "malformed"),
	CL("empty", "{}", FREE, "sub"),

	/* ---- times ---- */
	EX("exp in a second", "\"exp\":1700000001", NULL),
	EX("exp now", "\"exp\":1700000000", "expired"),
	EX("exp half a second ago", "\"exp\":1699999999.5", "expired"),
	EX("exp in half a second", "\"exp\":1700000000.5", NULL),
	EX("exp with an exponent", "\"exp\":1.7000000010e9", NULL),
	EX("exp E", "\"exp\":17000000010E-1", NULL),
	EX("exp below zero", "\"exp\":-1", "exp"),
	EX("exp zero", "\"exp\":0", "exp"),
	EX("exp minus zero", "\"exp\":-0", "exp"),
	EX("exp text", "\"exp\":\"1700000600\"", "exp"),
	EX("exp null", "\"exp\":null", "exp"),
	EX("exp true", "\"exp\":true", "exp"),
	EX("exp a list", "\"exp\":[1700000600]", "exp"),
	EX("exp an object", "\"exp\":{}", "exp"),
	EX("exp in milliseconds", "\"exp\":1700000600000", "exp"),
	EX("exp of 2^63", "\"exp\":9223372036854775808", "exp"),
	EX("exp of 2^64", "\"exp\":18446744073709551616", "exp"),
	EX("exp 1e308", "\"exp\":1e308", "exp"),
	EX("exp 1e400", "\"exp\":1e400", "exp"),
	EX("exp of the year 9999", "\"exp\":253402300799", NULL),
	EX("exp a second later", "\"exp\":253402300800", "exp"),
	EX("no exp", "\"x\":1", "exp"),
	EX("Exp", "\"Exp\":1700000600", "exp"),
	EX("nbf now", LATER ",\"nbf\":1700000000", NULL),
	EX("nbf in a second", LATER ",\"nbf\":1700000001", "not_yet"),
	EX("nbf text", LATER ",\"nbf\":\"1\"", "nbf"),
	EX("nbf null", LATER ",\"nbf\":null", "nbf"),
	EX("nbf below zero", LATER ",\"nbf\":-1", "nbf"),
	EX("nbf huge", LATER ",\"nbf\":1e300", "nbf"),
	EX("iat now", LATER ",\"iat\":1700000000", NULL),
	EX("iat in a second", LATER ",\"iat\":1700000001", "not_yet"),
	EX("iat text", LATER ",\"iat\":\"1\"", "iat"),
	EX("iat false", LATER ",\"iat\":false", "iat"),
	CL("exp at the edge of the leeway", "{" SUB ",\"exp\":1699999941}",
		FREE, NULL),
	CL("exp past it", "{" SUB ",\"exp\":1699999940}", FREE, "expired"),
	CL("nbf at the edge", "{" SUB ",\"nbf\":1700000060}", FREE, NULL),
	CL("nbf past it", "{" SUB ",\"nbf\":1700000061}", FREE, "not_yet"),
	CL("iat at the edge", "{" SUB ",\"iat\":1700000060}", FREE, NULL),
	CL("iat past it", "{" SUB ",\"iat\":1700000061}", FREE, "not_yet"),
	CL("as old as it may be", "{" SUB ",\"iat\":1699996340}", AGED, NULL),
	CL("older", "{" SUB ",\"iat\":1699996339}", AGED, "expired"),
	CL("no iat with an age", "{" SUB "}", AGED, "iat"),

	/* ---- iss, aud ---- */
	CL("all of it", BASE, FULL, NULL),
	CL("iss with a slash", "{" SUB "," LATER ",\"iss\":\"" ISS "/\","
		"\"aud\":\"gate\"}", FULL, "iss"),
	CL("iss cut", "{" SUB "," LATER ",\"iss\":\"https://issuer.test\","
		"\"aud\":\"gate\"}", FULL, "iss"),
	CL("iss in capitals", "{" SUB "," LATER ",\"iss\":"
		"\"HTTPS://ISSUER.TEST/a\",\"aud\":\"gate\"}", FULL, "iss"),
	CL("iss with a blank", "{" SUB "," LATER ",\"iss\":\"" ISS " \","
		"\"aud\":\"gate\"}", FULL, "iss"),
	CL("iss a list", "{" SUB "," LATER ",\"iss\":[\"" ISS "\"],"
		"\"aud\":\"gate\"}", FULL, "iss"),
	CL("iss null", "{" SUB "," LATER ",\"iss\":null,\"aud\":\"gate\"}",
		FULL, "iss"),
	CL("no iss", "{" SUB "," LATER ",\"aud\":\"gate\"}", FULL, "iss"),
	CL("iss with an escaped slash", "{" SUB "," LATER ",\"iss\":"
		"\"https:\\/\\/issuer.test\\/a\",\"aud\":\"gate\"}", FULL,
		NULL),
#define AUD(name, aud, want) CL(name, "{" SUB "," LATER ",\"iss\":\"" ISS \
	"\",\"aud\":" aud "}", FULL, want)
	AUD("aud a list of one", "[\"gate\"]", NULL),
	AUD("aud the second of two", "[\"x\",\"https://gate.test/mcp\"]", NULL),
	AUD("aud another", "\"other\"", "aud"),
	AUD("aud longer", "\"gates\"", "aud"),
	AUD("aud shorter", "\"gat\"", "aud"),
	AUD("aud in capitals", "\"Gate\"", "aud"),
	AUD("aud with a slash", "\"https://gate.test/mcp/\"", "aud"),
	AUD("aud with a port", "\"https://gate.test:443/mcp\"", "aud"),
	AUD("aud two in one", "\"gate other\"", "aud"),
	AUD("aud with a blank", "\"gate \"", "aud"),
	AUD("aud empty text", "\"\"", "aud"),
	AUD("aud empty list", "[]", "aud"),
	AUD("aud with a number", "[\"gate\",1]", "aud"),
	AUD("aud with null", "[null,\"gate\"]", "aud"),
	AUD("aud a list in a list", "[[\"gate\"]]", "aud"),
	AUD("aud null", "null", "aud"), AUD("aud a number", "1", "aud"),
	AUD("aud an object", "{\"gate\":true}", "aud"),
	AUD("aud true", "true", "aud"),
	CL("no aud", "{" SUB "," LATER ",\"iss\":\"" ISS "\"}", FULL, "aud"),

	/* ---- sub and the rest ---- */
	CL("no sub", "{\"x\":1}", FREE, "sub"),
	CL("sub empty", "{\"sub\":\"\"}", FREE, "sub"),
	CL("sub null", "{\"sub\":null}", FREE, "sub"),
	CL("sub a number", "{\"sub\":1}", FREE, "sub"),
	CL("sub a list", "{\"sub\":[\"alice\"]}", FREE, "sub"),
	CL("sub of 256 bytes", "{\"sub\":\"" NAME256 "\"}", FREE, NULL),
	CL("sub of 257 bytes", "{\"sub\":\"" NAME256 "x\"}", FREE, "sub"),
	CL("sub with a line end", "{\"sub\":\"a\\r\\nX: y\"}", FREE, "sub"),
	CL("sub with a C1 control", "{\"sub\":\"a\\u009b\"}", FREE, "sub"),
	CL("sub with DEL", "{\"sub\":\"a\\u007f\"}", FREE, "sub"),
	CL("sub UTF-8", "{\"sub\":\"j\\u00f6rg\"}", FREE, NULL),
	CL("cnf", "{" SUB ",\"cnf\":{\"jkt\":\"x\"}}", FREE, "cnf"),
	CL("cnf null", "{" SUB ",\"cnf\":null}", FREE, "cnf"),
	CL("nonce", "{" SUB ",\"nonce\":\"n\"}", FREE, "nonce"),
	CL("nonce null", "{" SUB ",\"nonce\":null}", FREE, "nonce"),
	CL("nonce allowed", "{" SUB ",\"nonce\":\"n\"}", NONCE, NULL),
	CL("at_hash", "{" SUB ",\"at_hash\":\"h\"}", FREE, "id_token"),
	CL("at_hash where nonce is allowed", "{" SUB ",\"at_hash\":\"h\"}",
		NONCE, "id_token"),
	CL("c_hash", "{" SUB ",\"c_hash\":\"h\"}", FREE, "id_token"),
	CL("jti needed, there", "{" SUB ",\"jti\":\"1\"}", JTI, NULL),
	CL("jti needed", "{" SUB "}", JTI, "jti"),
	CL("jti needed, empty", "{" SUB ",\"jti\":\"\"}", JTI, "jti"),
	CL("jti a number", "{" SUB ",\"jti\":1}", FREE, "jti"),
	CL("scope text", "{" SUB ",\"scope\":\"a b\"}", FREE, NULL),
	CL("scope a number is none", "{" SUB ",\"scope\":5}", FREE, NULL),
	CL("scope an object is none", "{" SUB ",\"scope\":{}}", FREE, NULL),
	CL("scp mixed is none", "{" SUB ",\"scp\":[\"a\",1]}", FREE, NULL),
	CL("rfc9068 without typ", BASE, PROFILE, "typ"),
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
