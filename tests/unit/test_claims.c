/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/claims.h"

#include "kit/token.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define ISS "https://issuer.test"

/* The whole policy of a row in one word each. */
#define TEXTS(...) { (const struct str[]){ __VA_ARGS__ }, \
	sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str), true }
#define S(lit) { lit, sizeof(lit) - 1 }

enum policy { OPEN, STRICT, AGED, ISSUER, TWO_ISSUERS, AUD, JTI, NONCE, PROFILE,
	CLAIMS, NAMES, NO_LEEWAY, WIDE, POLICIES };

static const struct conf_pair wanted[] = {
	{ S("tenant"), { "t1", 2 }, false },
	{ S("tenant"), { "t2", 2 }, false },
	{ S("ok"), { "true", 4 }, false },
	{ S("level"), { "3", 1 }, false },
};

static const struct conf_jwt policies[POLICIES] = {
	[OPEN] = { .leeway_s = 60 },
	[STRICT] = { .leeway_s = 60, .require_exp = true },
	[AGED] = { .leeway_s = 60, .max_age_s = 3600 },
	[ISSUER] = { .leeway_s = 60, .issuer = TEXTS(S(ISS)) },
	[TWO_ISSUERS] = { .leeway_s = 60,
		.issuer = TEXTS(S(ISS), S(ISS "/")) },
	[AUD] = { .leeway_s = 60, .audience = TEXTS(S("gate"), S("gate2")) },
	[JTI] = { .leeway_s = 60, .require_jti = true },
	[NONCE] = { .leeway_s = 60, .allow_nonce = true },
	[PROFILE] = { .leeway_s = 60, .profile = S("rfc9068") },
	[CLAIMS] = { .leeway_s = 60, .claims = { wanted, 4 } },
	[NAMES] = { .leeway_s = 60,
		.identity_claim = TEXTS(S("mail"), S("sub")),
		.groups_claim = TEXTS(S("roles")),
		.scope_claim = TEXTS(S("perm")) },
	[NO_LEEWAY] = { .leeway_s = 0 },
	[WIDE] = { .leeway_s = 300 },
};

/* now is 1700000000; `more` are the claims besides "sub":"alice". */
static const struct {
	const char *name;
	enum policy policy;
	const char *more, *want;
} cases[] = {
	/* ---- exp ---- */
	{ "no exp where none is needed", OPEN, "\"x\":1", NULL },
	{ "no exp", STRICT, "\"x\":1", "exp" },
	{ "exp to come", STRICT, "\"exp\":1700000100", NULL },
	{ "exp a second after the leeway", STRICT, "\"exp\":1699999940",
		"expired" },
	{ "exp at the end of the leeway", STRICT, "\"exp\":1699999941",
		NULL },
	{ "exp now", NO_LEEWAY, "\"exp\":1700000000", "expired" },
	{ "exp in a second", NO_LEEWAY, "\"exp\":1700000001", NULL },
	{ "exp in half a second", NO_LEEWAY, "\"exp\":1700000000.5", NULL },
	{ "exp half a second ago", NO_LEEWAY, "\"exp\":1699999999.5",
		"expired" },
	{ "exp within a wide leeway", WIDE, "\"exp\":1699999701", NULL },
	{ "exp past a wide leeway", WIDE, "\"exp\":1699999700", "expired" },
	{ "exp as text", OPEN, "\"exp\":\"1800000000\"", "exp" },
	{ "exp true", OPEN, "\"exp\":true", "exp" },
	{ "exp null", OPEN, "\"exp\":null", "exp" },
	{ "exp an array", OPEN, "\"exp\":[1800000000]", "exp" },
	{ "exp zero", OPEN, "\"exp\":0", "exp" },
	{ "exp below zero", OPEN, "\"exp\":-1", "exp" },
	{ "exp at the end of the year 9999", OPEN, "\"exp\":253402300799",
		NULL },
	{ "exp after the year 9999", OPEN, "\"exp\":253402300800", "exp" },
	{ "exp of 20 digits", OPEN, "\"exp\":99999999999999999999", "exp" },
	{ "exp below int64", OPEN, "\"exp\":-99999999999999999999", "exp" },
	{ "exp beyond doubles", OPEN, "\"exp\":1e400", "exp" },
	{ "exp with an exponent", OPEN, "\"exp\":1.8e9", NULL },
	{ "exp with a small exponent", OPEN, "\"exp\":1e9", "expired" },

	/* ---- nbf, iat ---- */
	{ "nbf past", OPEN, "\"nbf\":1699999000", NULL },
	{ "nbf at the end of the leeway", OPEN, "\"nbf\":1700000060", NULL },
	{ "nbf a second after it", OPEN, "\"nbf\":1700000061", "not_yet" },
	{ "nbf in half a second", NO_LEEWAY, "\"nbf\":1700000000.5",
		"not_yet" },
	{ "nbf now", NO_LEEWAY, "\"nbf\":1700000000", NULL },
	{ "nbf as text", OPEN, "\"nbf\":\"1\"", "nbf" },
	{ "nbf zero", OPEN, "\"nbf\":0", "nbf" },
	{ "nbf huge", OPEN, "\"nbf\":1e300", "nbf" },
	{ "iat past", OPEN, "\"iat\":1600000000", NULL },
	{ "iat at the end of the leeway", OPEN, "\"iat\":1700000060", NULL },
	{ "iat to come", OPEN, "\"iat\":1700000061", "not_yet" },
	{ "iat as text", OPEN, "\"iat\":\"1600000000\"", "iat" },
	{ "iat null", OPEN, "\"iat\":null", "iat" },
	{ "no iat with an age", AGED, "\"x\":1", "iat" },
	{ "as old as allowed", AGED, "\"iat\":1699996340", NULL },
	{ "a second older", AGED, "\"iat\":1699996339", "expired" },
	{ "half a second older", AGED, "\"iat\":1699996339.5", "expired" },

	/* ---- iss ---- */
	{ "issuer", ISSUER, "\"iss\":\"" ISS "\"", NULL },
	{ "no issuer", ISSUER, "\"x\":1", "iss" },
	{ "issuer with a slash", ISSUER, "\"iss\":\"" ISS "/\"", "iss" },
	{ "both spellings are listed", TWO_ISSUERS, "\"iss\":\"" ISS "/\"",
		NULL },
	{ "issuer in capitals", ISSUER, "\"iss\":\"HTTPS://issuer.test\"",
		"iss" },
	{ "issuer cut short", ISSUER, "\"iss\":\"https://issuer.tes\"",
		"iss" },
	{ "issuer longer", ISSUER, "\"iss\":\"" ISS ".evil\"", "iss" },
	{ "issuer an array", ISSUER, "\"iss\":[\"" ISS "\"]", "iss" },
	{ "issuer null", ISSUER, "\"iss\":null", "iss" },
	{ "issuer a number, none wanted", OPEN, "\"iss\":1", "iss" },
	{ "any issuer, none wanted", OPEN, "\"iss\":\"x\"", NULL },

	/* ---- aud ---- */
	{ "audience", AUD, "\"aud\":\"gate\"", NULL },
	{ "the second audience", AUD, "\"aud\":\"gate2\"", NULL },
	{ "audience in an array", AUD, "\"aud\":[\"x\",\"gate\"]", NULL },
	{ "no audience", AUD, "\"x\":1", "aud" },
	{ "another audience", AUD, "\"aud\":\"gat\"", "aud" },
	{ "audiences in one text", AUD, "\"aud\":\"gate other\"", "aud" },
	{ "audience in capitals", AUD, "\"aud\":\"GATE\"", "aud" },
	{ "an empty array", AUD, "\"aud\":[]", "aud" },
	{ "an array of others", AUD, "\"aud\":[\"a\",\"b\"]", "aud" },
	{ "a mixed array", AUD, "\"aud\":[\"gate\",1]", "aud" },
	{ "a mixed array, ours last", AUD, "\"aud\":[null,\"gate\"]", "aud" },
	{ "a nested array", AUD, "\"aud\":[[\"gate\"]]", "aud" },
	{ "audience a number", AUD, "\"aud\":1", "aud" },
	{ "audience null", AUD, "\"aud\":null", "aud" },
	{ "audience an object", AUD, "\"aud\":{\"gate\":true}", "aud" },
	{ "any audience, none wanted", OPEN, "\"aud\":\"other\"", NULL },

	/* ---- what kind of token ---- */
	{ "at_hash", OPEN, "\"at_hash\":\"x\"", "id_token" },
	{ "c_hash", OPEN, "\"c_hash\":null", "id_token" },
	{ "nonce", OPEN, "\"nonce\":\"n\"", "nonce" },
	{ "nonce null", OPEN, "\"nonce\":null", "nonce" },
	{ "nonce where allowed", NONCE, "\"nonce\":\"n\"", NULL },
	{ "at_hash where nonce is allowed", NONCE, "\"at_hash\":\"x\"",
		"id_token" },
	{ "cnf", OPEN, "\"cnf\":{\"jkt\":\"x\"}", "cnf" },
	{ "cnf null", OPEN, "\"cnf\":null", "cnf" },
	{ "a logout", OPEN, "\"events\":{\"http://schemas.openid.net/event/"
		"backchannel-logout\":{}},\"sid\":\"s\"", "events" },
	{ "an event of any kind", NONCE, "\"events\":{}", "events" },
	{ "events of another kind", OPEN, "\"events\":[\"a\"]", NULL },
	{ "no jti", JTI, "\"x\":1", "jti" },
	{ "jti", JTI, "\"jti\":\"j\"", NULL },
	{ "jti empty", JTI, "\"jti\":\"\"", "jti" },
	{ "jti a number", OPEN, "\"jti\":1", "jti" },

	/* ---- configured claims ---- */
	{ "the first value", CLAIMS, "\"tenant\":\"t1\",\"ok\":true,"
		"\"level\":3", NULL },
	{ "the second value", CLAIMS, "\"tenant\":\"t2\",\"ok\":\"true\","
		"\"level\":\"3\"", NULL },
	{ "an array that contains one", CLAIMS, "\"tenant\":[\"x\",\"t2\"],"
		"\"ok\":[true],\"level\":[1,3]", NULL },
	{ "another value", CLAIMS, "\"tenant\":\"t3\",\"ok\":true,"
		"\"level\":3", "claim tenant" },
	{ "a part of the value", CLAIMS, "\"tenant\":\"t\",\"ok\":true,"
		"\"level\":3", "claim tenant" },
	{ "one claim lacks", CLAIMS, "\"tenant\":\"t1\",\"level\":3",
		"claim ok" },
	{ "false", CLAIMS, "\"tenant\":\"t1\",\"ok\":false,\"level\":3",
		"claim ok" },
	{ "null", CLAIMS, "\"tenant\":\"t1\",\"ok\":null,\"level\":3",
		"claim ok" },
	{ "another number", CLAIMS, "\"tenant\":\"t1\",\"ok\":true,"
		"\"level\":30", "claim level" },
	{ "a fraction", CLAIMS, "\"tenant\":\"t1\",\"ok\":true,"
		"\"level\":3.5", "claim level" },
	{ "an empty array", CLAIMS, "\"tenant\":[],\"ok\":true,\"level\":3",
		"claim tenant" },
	{ "an object", CLAIMS, "\"tenant\":{\"t1\":1},\"ok\":true,"
		"\"level\":3", "claim tenant" },
};

static struct jwk_table keys;

static struct str
make(struct arena *a, const char *typ, const char *claims)
{
	struct signer s = signer_secret(STR(SECRET));

	return sign_token(a, &s, JOSE_HS256, str_fmt(a,
		"{\"alg\":\"HS256\",\"typ\":\"%s\"}", typ).p, claims);
}

static const struct fault *
judge(struct arena *a, enum policy policy, const char *typ,
	const char *claims, struct claims *c_r)
{
	const struct token_policy p = { .keys = &keys,
		.jwt = &policies[policy], .algs = JOSE_HS,
		.require_typ = "" };

	memset(c_r, 0, sizeof(*c_r));
	return token_judge(a, &p, make(a, typ, claims), c_r);
}

static void
run_row(size_t i)
{
	struct arena *a = arena_new(1 << 22);
	struct claims c;
	const struct fault *f = judge(a, cases[i].policy, "JWT", str_fmt(a,
		"{\"sub\":\"alice\",%s}", cases[i].more).p, &c);

	if (token_row(f, cases[i].want, cases[i].name) && f != NULL)
		IS_INT(f->kind, strcmp(f->detail, "expired") == 0 ?
			FAULT_TOKEN_EXPIRED : FAULT_TOKEN_CLAIMS);
	arena_free(a);
}

/* ---- RFC 9068 ------------------------------------------------------- */

static const char *const profile_claims[] = { "\"iss\":\"i\"",
	"\"exp\":1800000000", "\"aud\":\"a\"", "\"sub\":\"alice\"",
	"\"client_id\":\"c\"", "\"iat\":1600000000", "\"jti\":\"j\"" };

#define REST "\"iss\":\"i\",\"exp\":1800000000,\"aud\":\"a\"," \
	"\"iat\":1600000000,\"jti\":\"j\""

static const char *const profile_empty[] = {
	"{" REST ",\"sub\":\"s\",\"client_id\":\"\"}",
	"{" REST ",\"sub\":\"s\",\"client_id\":[\"c\"]}",
	"{" REST ",\"sub\":\"\",\"client_id\":\"c\"}",
};

static void
check_profile(void)
{
	const size_t n = sizeof(profile_claims) / sizeof(profile_claims[0]);
	struct arena *a = arena_new(1 << 22);
	struct claims c;

	for (size_t without = 0; without <= n; without++) {
		struct str text = STR("\"x\":1");

		for (size_t i = 0; i < n; i++)
			if (i != without)
				text = str_fmt(a, "%.*s,%s", STR_ARG(text),
					profile_claims[i]);
		text = str_fmt(a, "{%.*s}", STR_ARG(text));
		tap_ok((judge(a, PROFILE, "at+jwt", text.p, &c) == NULL) ==
			(without == n), "rfc9068 without %s", without < n ?
			profile_claims[without] : "nothing");
		if (without == n)
			OK(judge(a, PROFILE, "JWT", text.p, &c) != NULL);
	}
	for (size_t i = 0; i < sizeof(profile_empty) /
	    sizeof(profile_empty[0]); i++)
		tap_ok(judge(a, PROFILE, "at+jwt", profile_empty[i], &c) !=
			NULL, "rfc9068 with %s", profile_empty[i]);
	arena_free(a);
}

/* ---- whom it names ----------------------------------------------------- */

static const struct {
	const char *name;
	enum policy policy;
	const char *claims, *want, *user;
} users[] = {
	{ "sub", OPEN, "{\"sub\":\"alice\"}", NULL, "alice" },
	{ "UTF-8", OPEN, "{\"sub\":\"j\\u00f6rg\"}", NULL, "j\xC3\xB6rg" },
	{ "no sub", OPEN, "{}", "sub", NULL },
	{ "sub empty", OPEN, "{\"sub\":\"\"}", "sub", NULL },
	{ "sub a number", OPEN, "{\"sub\":1}", "sub", NULL },
	{ "sub null", OPEN, "{\"sub\":null}", "sub", NULL },
	{ "sub an array", OPEN, "{\"sub\":[\"alice\"]}", "sub", NULL },
	{ "sub with a line end", OPEN, "{\"sub\":\"a\\r\\nX: y\"}", "sub",
		NULL },
	{ "sub with DEL", OPEN, "{\"sub\":\"a\\u007f\"}", "sub", NULL },
	{ "sub with C1", OPEN, "{\"sub\":\"a\\u0085\"}", "sub", NULL },
	{ "the first name", NAMES, "{\"sub\":\"s\",\"mail\":\"m\"}", NULL,
		"m" },
	{ "the second name", NAMES, "{\"sub\":\"s\"}", NULL, "s" },
	{ "an empty first name", NAMES, "{\"sub\":\"s\",\"mail\":\"\"}", NULL,
		"s" },
	{ "a number as first name", NAMES, "{\"sub\":\"s\",\"mail\":1}", NULL,
		"s" },
	{ "a bad first name", NAMES, "{\"sub\":\"s\",\"mail\":\"\\n\"}",
		"sub", NULL },
};

static void
run_user(size_t i)
{
	struct arena *a = arena_new(1 << 22);
	struct claims c;
	const struct fault *f = judge(a, users[i].policy, "JWT",
		users[i].claims, &c);

	if (token_row(f, users[i].want, users[i].name) && f == NULL) {
		IS_STR(c.who.user, users[i].user);
		IS_STR(c.who.how, "jwt");
		OK(c.who.authenticated);
	}
	arena_free(a);
}

static void
check_user_length(size_t n, const char *want)
{
	struct arena *a = arena_new(1 << 22);
	char *text = arena_alloc(a, n + 1);
	struct claims c;

	memset(text, 'a', n);
	token_row(judge(a, OPEN, "JWT", str_fmt(a, "{\"sub\":\"%s\"}",
		text).p, &c), want, str_fmt(a, "sub of %zu bytes", n).p);
	arena_free(a);
}

/* ---- scopes and groups ------------------------------------------------------ */

/* Lists as "a|b". */
static const struct {
	const char *name;
	enum policy policy;
	const char *more, *want, *scopes, *groups;
} lists[] = {
	{ "none", OPEN, "\"x\":1", NULL, "", "" },
	{ "scope text", OPEN, "\"scope\":\"a b\"", NULL, "a|b", "" },
	{ "scope with blanks", OPEN, "\"scope\":\" a   b \"", NULL, "a|b",
		"" },
	{ "scope array", OPEN, "\"scope\":[\"a\",\"b\"]", NULL, "a|b", "" },
	{ "scp text", OPEN, "\"scp\":\"a b\"", NULL, "a|b", "" },
	{ "scp array", OPEN, "\"scp\":[\"a\"]", NULL, "a", "" },
	{ "both: the first", OPEN, "\"scp\":\"b\",\"scope\":\"a\"", NULL, "a",
		"" },
	{ "scope of a wrong type hides scp", OPEN, "\"scope\":1,\"scp\":"
		"\"b\"", NULL, "", "" },
	{ "scope a number", OPEN, "\"scope\":7", NULL, "", "" },
	{ "scope null", OPEN, "\"scope\":null", NULL, "", "" },
	{ "scope an object", OPEN, "\"scope\":{\"a\":1}", NULL, "", "" },
	{ "scope a mixed array", OPEN, "\"scope\":[\"a\",\"b\",1]", NULL, "",
		"" },
	{ "scope with a tab", OPEN, "\"scope\":\"a\\tb\"", "scope", NULL,
		NULL },
	{ "scope empty", OPEN, "\"scope\":\"\"", NULL, "", "" },
	{ "groups array", OPEN, "\"groups\":[\"a b\",\"c\"]", NULL, "",
		"a b|c" },
	{ "groups text", OPEN, "\"groups\":\"a b\"", NULL, "", "a b" },
	{ "groups a mixed array", OPEN, "\"groups\":[\"a\",{}]", NULL, "",
		"" },
	{ "groups with an empty one", OPEN, "\"groups\":[\"\",\"a\"]", NULL,
		"", "a" },
	{ "groups with a control", OPEN, "\"groups\":[\"a\\n\"]", "groups",
		NULL, NULL },
	{ "other names", NAMES, "\"perm\":\"p\",\"roles\":[\"r\"],"
		"\"scope\":\"a\",\"groups\":[\"g\"]", NULL, "p", "r" },
};

static struct str
join(struct arena *a, const struct str *v, uint32_t n)
{
	struct str s = STR("");

	for (uint32_t i = 0; i < n; i++)
		s = str_fmt(a, "%.*s%s%.*s", STR_ARG(s), i > 0 ? "|" : "",
			STR_ARG(v[i]));
	return s;
}

static void
run_list(size_t i)
{
	struct arena *a = arena_new(1 << 22);
	struct claims c;
	const struct fault *f = judge(a, lists[i].policy, "JWT", str_fmt(a,
		"{\"sub\":\"alice\",%s}", lists[i].more).p, &c);

	if (token_row(f, lists[i].want, lists[i].name) && f == NULL) {
		IS_STR(join(a, c.who.scopes, c.who.n_scopes),
			lists[i].scopes);
		IS_STR(join(a, c.who.groups, c.who.n_groups),
			lists[i].groups);
	}
	arena_free(a);
}

/* n words in an array or in one text; n elements of aud. */
static void
check_count(const char *name, bool text, unsigned n, const char *want)
{
	struct arena *a = arena_new(1 << 22);
	struct str s = text ? STR("w0") : STR("\"gate\"");
	struct claims c;

	for (unsigned i = 1; i < n; i++)
		s = str_fmt(a, text ? "%.*s w%u" : "%.*s,\"w%u\"",
			STR_ARG(s), i);
	s = str_fmt(a, text ? "{\"sub\":\"a\",\"%s\":\"%.*s\"}" :
		"{\"sub\":\"a\",\"%s\":[%.*s]}", name, STR_ARG(s));
	token_row(judge(a, strcmp(name, "aud") == 0 ? AUD : OPEN, "JWT", s.p,
		&c), want, str_fmt(a, "%u in %s", n, name).p);
	arena_free(a);
}

/* ---- what is kept ------------------------------------------------------------- */

static void
check_times(void)
{
	struct arena *a = arena_new(1 << 22);
	struct claims c;

	OK(judge(a, OPEN, "JWT", "{\"sub\":\"a\"}", &c) == NULL);
	OK(c.expires_s == INT64_MAX && c.not_before_s == INT64_MIN);
	OK(c.issued_s == REVOKED_NO_DATE);
	OK(judge(a, OPEN, "JWT", "{\"sub\":\"a\",\"iat\":1699999990.9}",
		&c) == NULL);
	tap_ok(c.issued_s == 1699999990, "issued within that second");
	OK(judge(a, OPEN, "JWT", "{\"sub\":\"a\",\"exp\":1700000010.2,"
		"\"nbf\":1700000001.5,\"iat\":1700000003}", &c) == NULL);
	IS_INT(c.expires_s, 1700000011);
	IS_INT(c.not_before_s, 1700000003);
	IS_INT(c.issued_s, 1700000003);
	OK(!claims_begun(&c, 0, 1700000002));
	OK(claims_begun(&c, 0, 1700000003));
	OK(claims_begun(&c, 60, 1699999943));
	OK(!claims_begun(&c, 60, 1699999942));
	OK(!claims_expired(&c, 0, 1700000010));
	OK(claims_expired(&c, 0, 1700000011));
	OK(!claims_expired(&c, 60, 1700000070));
	OK(claims_expired(&c, 60, 1700000071));
	OK(judge(a, AGED, "JWT", "{\"sub\":\"a\",\"exp\":1800000000,"
		"\"iat\":1700000000}", &c) == NULL);
	IS_INT(c.expires_s, 1700003601);
	OK(judge(a, OPEN, "JWT", "{\"sub\":\"a\",\"iss\":\"i\",\"email\":"
		"\"a@x\"}", &c) == NULL);
	IS_STR(c.who.issuer, "i");
	IS_STR(c.who.email, "a@x");
	OK(judge(a, OPEN, "JWT", "{\"sub\":\"a\",\"email\":\"a@x\","
		"\"email_verified\":false}", &c) == NULL);
	IS_STR(c.who.email, "");
	OK(judge(a, OPEN, "JWT", "{\"sub\":\"a\",\"email\":\"a\\n\"}", &c) ==
		NULL);
	IS_STR(c.who.email, "");
	arena_free(a);
}

int
main(void)
{
	struct arena *a = arena_new(1 << 20);

	if (jwk_table_secret(a, secret_of(STR(SECRET)), JOSE_HS, &keys) !=
	    NULL)
		return 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(i);
	check_profile();
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
		run_user(i);
	check_user_length(256, NULL);
	check_user_length(257, "sub");
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		run_list(i);
	check_count("scope", true, 64, NULL);
	check_count("scope", true, 65, "scope");
	check_count("scope", false, 64, NULL);
	check_count("scope", false, 65, "scope");
	check_count("groups", false, 64, NULL);
	check_count("groups", false, 65, "groups");
	check_count("aud", false, 64, NULL);
	check_count("aud", false, 65, "aud");
	check_times();
	arena_free(a);
	return tap_done();
}
