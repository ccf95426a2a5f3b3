/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/answer.h"

#include "base/arena.h"
#include "base/limits.h"
#include "kit/tap.h"

#define NOW 1700000000
#define S(lit) { lit, sizeof(lit) - 1 }
#define ISS "https://issuer.test"
#define ON "\"active\":true"
#define NAME64 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"
#define NAME256 NAME64 NAME64 NAME64 NAME64

static const struct str audiences[] = { S("gate"), S("gate2") };
static const struct str issuer[] = { S(ISS) };
static const struct str mail[] = { S("mail") };

enum rules { OPEN, AUD, ISSUER, MAIL, EXACT, RULES };

static const struct conf_jwt rules[RULES] = {
	[OPEN] = { .leeway_s = 60 },
	[AUD] = { .leeway_s = 60, .audience = { audiences, 2, true } },
	[ISSUER] = { .leeway_s = 60, .issuer = { issuer, 1, true } },
	[MAIL] = { .leeway_s = 60, .identity_claim = { mail, 1, true } },
	[EXACT] = { .leeway_s = 0 },
};

enum end { GOOD, NO_ANSWER, INVALID, CLAIMS, EXPIRED };

static const struct {
	const char *name;
	enum rules rules;
	const char *body;
	enum end end;
	const char *user;	/* when good; NULL: any */
} cases[] = {
	/* ---- no answer at all: 503 ---- */
	{ "nothing", OPEN, "", NO_ANSWER, NULL },
	{ "blanks", OPEN, "  \n", NO_ANSWER, NULL },
	{ "a page", OPEN, "<html>busy</html>", NO_ANSWER, NULL },
	{ "cut short", OPEN, "{\"active\":tru", NO_ANSWER, NULL },
	{ "bytes behind", OPEN, "{\"active\":true}x", NO_ANSWER, NULL },
	{ "two documents", OPEN, "{\"active\":true}{}", NO_ANSWER, NULL },
	{ "a comment", OPEN, "{\"active\":true/**/}", NO_ANSWER, NULL },
	{ "single quotes", OPEN, "{'active':true}", NO_ANSWER, NULL },
	{ "a byte order mark", OPEN, "\xEF\xBB\xBF{\"active\":true}",
		NO_ANSWER, NULL },
	{ "not UTF-8", OPEN, "{\"active\":true,\"sub\":\"\xFF\"}", NO_ANSWER,
		NULL },
	{ "NaN", OPEN, "{\"active\":true,\"exp\":NaN}", NO_ANSWER, NULL },
	{ "an array", OPEN, "[{\"active\":true}]", NO_ANSWER, NULL },
	{ "true alone", OPEN, "true", NO_ANSWER, NULL },
	{ "text", OPEN, "\"active\"", NO_ANSWER, NULL },
	{ "null", OPEN, "null", NO_ANSWER, NULL },
	{ "an array with a repeated name", OPEN, "[{\"a\":1,\"a\":2}]",
		NO_ANSWER, NULL },
	{ "a repeated name and cut short", OPEN,
		"{\"active\":true,\"active\":true", NO_ANSWER, NULL },
	{ "deeper than 16", OPEN, "{\"active\":true,\"x\":[[[[[[[[[[[[[[[["
		"1]]]]]]]]]]]]]]]]}", NO_ANSWER, NULL },

	/* ---- unsafe: 401 ---- */
	{ "active twice", OPEN, "{\"active\":true,\"active\":true}", INVALID,
		NULL },
	{ "active twice, one escaped", OPEN,
		"{\"active\":true,\"\\u0061ctive\":false}", INVALID, NULL },
	{ "sub twice", OPEN, "{" ON ",\"sub\":\"a\",\"sub\":\"root\"}",
		INVALID, NULL },
	{ "a NUL in a name", OPEN, "{" ON ",\"sub\":\"a\",\"sub\\u0000\":"
		"\"root\"}", INVALID, NULL },
	{ "a NUL in a value", OPEN, "{" ON ",\"sub\":\"root\\u0000x\"}",
		INVALID, NULL },
	{ "a lone surrogate", OPEN, "{" ON ",\"sub\":\"a\\ud800\"}", INVALID,
		NULL },
	{ "a repeated name further down", OPEN,
		"{" ON ",\"x\":{\"a\":1,\"a\":2}}", INVALID, NULL },

	/* ---- active ---- */
	{ "active alone", OPEN, "{\"active\":true}", GOOD, ANSWER_NAMELESS },
	{ "inactive", OPEN, "{\"active\":false}", INVALID, NULL },
	{ "inactive with a name", OPEN, "{\"active\":false,\"sub\":\"a\"}",
		INVALID, NULL },
	{ "nothing in it", OPEN, "{}", INVALID, NULL },
	{ "no active", OPEN, "{\"sub\":\"alice\"}", INVALID, NULL },
	{ "active null", OPEN, "{\"active\":null}", INVALID, NULL },
	{ "active as text", OPEN, "{\"active\":\"true\"}", INVALID, NULL },
	{ "active 1", OPEN, "{\"active\":1}", INVALID, NULL },
	{ "active an array", OPEN, "{\"active\":[true]}", INVALID, NULL },
	{ "active an object", OPEN, "{\"active\":{}}", INVALID, NULL },
	{ "Active", OPEN, "{\"Active\":true}", INVALID, NULL },
	{ "an error with 200", OPEN, "{\"error\":\"invalid_client\"}",
		INVALID, NULL },

	/* ---- times ---- */
	{ "exp to come", OPEN, "{" ON ",\"exp\":1700000100}", GOOD, NULL },
	{ "exp past", OPEN, "{" ON ",\"exp\":1699999900}", EXPIRED, NULL },
	{ "exp at the end of the leeway", OPEN, "{" ON ",\"exp\":1699999941}",
		GOOD, NULL },
	{ "exp a second after it", OPEN, "{" ON ",\"exp\":1699999940}",
		EXPIRED, NULL },
	{ "exp now", EXACT, "{" ON ",\"exp\":1700000000}", EXPIRED, NULL },
	{ "exp in half a second", EXACT, "{" ON ",\"exp\":1700000000.5}",
		GOOD, NULL },
	{ "exp as text", OPEN, "{" ON ",\"exp\":\"1700000100\"}", CLAIMS,
		NULL },
	{ "exp null", OPEN, "{" ON ",\"exp\":null}", CLAIMS, NULL },
	{ "exp true", OPEN, "{" ON ",\"exp\":true}", CLAIMS, NULL },
	{ "exp zero", OPEN, "{" ON ",\"exp\":0}", CLAIMS, NULL },
	{ "exp below zero", OPEN, "{" ON ",\"exp\":-5}", CLAIMS, NULL },
	{ "exp huge", OPEN, "{" ON ",\"exp\":1e300}", CLAIMS, NULL },
	{ "exp after the year 9999", OPEN, "{" ON ",\"exp\":253402300800}",
		CLAIMS, NULL },
	{ "nbf to come", OPEN, "{" ON ",\"nbf\":1700000100}", CLAIMS, NULL },
	{ "nbf past", OPEN, "{" ON ",\"nbf\":1699999000}", GOOD, NULL },
	{ "nbf as text", OPEN, "{" ON ",\"nbf\":\"1\"}", CLAIMS, NULL },
	{ "iat to come", OPEN, "{" ON ",\"iat\":1700000100}", CLAIMS, NULL },
	{ "iat past", OPEN, "{" ON ",\"iat\":1699999000}", GOOD, NULL },
	{ "iat as text", OPEN, "{" ON ",\"iat\":\"1699999000\"}", CLAIMS,
		NULL },

	/* ---- iss ---- */
	{ "no iss where one is configured", ISSUER, "{" ON "}", GOOD, NULL },
	{ "iss", ISSUER, "{" ON ",\"iss\":\"" ISS "\"}", GOOD, NULL },
	{ "iss with a slash", ISSUER, "{" ON ",\"iss\":\"" ISS "/\"}", CLAIMS,
		NULL },
	{ "iss in capitals", ISSUER, "{" ON
		",\"iss\":\"HTTPS://ISSUER.TEST\"}", CLAIMS, NULL },
	{ "another iss", ISSUER, "{" ON ",\"iss\":\"https://evil.test\"}",
		CLAIMS, NULL },
	{ "iss an array", ISSUER, "{" ON ",\"iss\":[\"" ISS "\"]}", CLAIMS,
		NULL },
	{ "iss null", ISSUER, "{" ON ",\"iss\":null}", CLAIMS, NULL },
	{ "any iss, none wanted", OPEN, "{" ON ",\"iss\":\"x\"}", GOOD,
		NULL },
	{ "iss a number, none wanted", OPEN, "{" ON ",\"iss\":5}", CLAIMS,
		NULL },

	/* ---- aud ---- */
	{ "aud", AUD, "{" ON ",\"aud\":\"gate\"}", GOOD, NULL },
	{ "one of several", AUD, "{" ON ",\"aud\":[\"x\",\"gate2\"]}", GOOD,
		NULL },
	{ "another aud", AUD, "{" ON ",\"aud\":\"other\"}", CLAIMS, NULL },
	{ "no aud where one is wanted", AUD, "{" ON "}", CLAIMS, NULL },
	{ "aud with a number in it", AUD, "{" ON ",\"aud\":[\"gate\",5]}",
		CLAIMS, NULL },
	{ "aud empty", AUD, "{" ON ",\"aud\":[]}", CLAIMS, NULL },
	{ "two in one text", AUD, "{" ON ",\"aud\":\"gate other\"}", CLAIMS,
		NULL },
	{ "any aud, none wanted", OPEN, "{" ON ",\"aud\":\"other\"}", GOOD,
		NULL },

	/* ---- token_type, cnf ---- */
	{ "Bearer", OPEN, "{" ON ",\"token_type\":\"Bearer\"}", GOOD, NULL },
	{ "bearer", OPEN, "{" ON ",\"token_type\":\"bEARER\"}", GOOD, NULL },
	{ "DPoP", OPEN, "{" ON ",\"token_type\":\"DPoP\"}", CLAIMS, NULL },
	{ "access_token", OPEN, "{" ON ",\"token_type\":\"access_token\"}",
		CLAIMS, NULL },
	{ "token_type null", OPEN, "{" ON ",\"token_type\":null}", CLAIMS,
		NULL },
	{ "token_type empty", OPEN, "{" ON ",\"token_type\":\"\"}", CLAIMS,
		NULL },
	{ "cnf", OPEN, "{" ON ",\"cnf\":{\"x5t#S256\":\"x\"}}", CLAIMS,
		NULL },
	{ "cnf empty", OPEN, "{" ON ",\"cnf\":{}}", CLAIMS, NULL },
	{ "cnf null", OPEN, "{" ON ",\"cnf\":null}", CLAIMS, NULL },

	/* ---- whom it names ---- */
	{ "our name for nobody", OPEN, "{" ON ",\"username\":\""
		ANSWER_NAMELESS "\"}", CLAIMS, NULL },
	{ "sub", OPEN, "{" ON ",\"sub\":\"alice\"}", GOOD, ANSWER_NAMELESS },
	{ "username", OPEN, "{" ON ",\"username\":\"al\"}", GOOD, "al" },
	{ "client_id", OPEN, "{" ON ",\"client_id\":\"app\"}", GOOD, "app" },
	{ "username before client_id", OPEN, "{" ON ",\"client_id\":\"app\","
		"\"username\":\"al\"}", GOOD, "al" },
	{ "the configured one", MAIL, "{" ON ",\"mail\":\"a@x\","
		"\"username\":\"al\"}", GOOD, "a@x" },
	{ "the configured one is absent", MAIL, "{" ON
		",\"username\":\"al\"}", GOOD, "al" },
	{ "the configured one is a number", MAIL, "{" ON ",\"mail\":5,"
		"\"username\":\"al\"}", CLAIMS, NULL },
	{ "the configured one is empty", MAIL, "{" ON ",\"mail\":\"\","
		"\"username\":\"al\"}", CLAIMS, NULL },
	{ "username null", OPEN, "{" ON ",\"username\":null}", CLAIMS, NULL },
	{ "username with a control", OPEN, "{" ON
		",\"username\":\"a\\n\"}", CLAIMS, NULL },
	{ "username with a C1 control", OPEN, "{" ON
		",\"username\":\"a\\u0085\"}", CLAIMS, NULL },
	{ "256 bytes", OPEN, "{" ON ",\"username\":\"" NAME256 "\"}", GOOD,
		NAME256 },
	{ "257 bytes", OPEN, "{" ON ",\"username\":\"" NAME256 "x\"}", CLAIMS,
		NULL },

	/* ---- what is no matter ---- */
	{ "nonce, jti, at_hash", OPEN, "{" ON ",\"nonce\":\"n\",\"jti\":5,"
		"\"at_hash\":\"h\",\"unknown\":{}}", GOOD, NULL },
	{ "scope of a wrong type", OPEN, "{" ON ",\"scope\":5}", GOOD, NULL },
};

static enum end
end_of(const struct fault *f)
{
	if (f == NULL)
		return GOOD;
	switch (f->kind) {
	case FAULT_AUTH_UNAVAILABLE:
		return NO_ANSWER;
	case FAULT_INVALID_TOKEN:
		return INVALID;
	case FAULT_TOKEN_EXPIRED:
		return EXPIRED;
	default:
		return CLAIMS;
	}
}

static void
run_row(size_t i)
{
	struct arena *a = arena_new(MIB(1));
	struct claims c = { .has_jti = false };
	const struct fault *f = answer_read(&rules[cases[i].rules],
		str_of(cases[i].body), NOW, a, &c);

	if (!tap_ok(end_of(f) == cases[i].end, "%s", cases[i].name))
		printf("# %s\n", f != NULL ? f->detail : "good");
	if (f == NULL) {
		IS_STR(c.who.how, "introspection");
		OK(c.who.authenticated);
		if (cases[i].user != NULL)
			IS_STR(c.who.user, cases[i].user);
	}
	arena_free(a);
}

/* What a good answer leaves behind, and that a copy stands for itself. */
static void
check_members(void)
{
	static const struct str sub[] = { S("sub") };
	struct conf_jwt r = rules[OPEN];
	struct arena *a = arena_new(MIB(1)), *b = arena_new(MIB(1));
	struct claims c, copy;

	r.identity_claim = (struct conf_texts){ sub, 1, true };
	OK(answer_read(&r, STR("{" ON ",\"sub\":\"alice\",\"iss\":\"i\","
		"\"scope\":\"mcp x\",\"groups\":[\"ops\"],\"email\":\"a@x\","
		"\"exp\":1700000300.5,\"nbf\":1699999000,\"jti\":\"j\"}"), NOW,
		a, &c) == NULL);
	answer_copy(b, &c, &copy);
	arena_free(a);
	IS_STR(copy.who.user, "alice");
	IS_STR(copy.who.issuer, "i");
	IS_STR(copy.who.email, "a@x");
	IS_INT(copy.who.n_scopes, 2);
	IS_STR(copy.who.scopes[1], "x");
	IS_INT(copy.who.n_groups, 1);
	IS_STR(copy.who.groups[0], "ops");
	IS_INT(copy.expires_s, 1700000301);
	IS_INT(copy.not_before_s, 1699999000);
	OK(copy.has_jti);
	IS_INT(copy.signed_part.v[0], 0);
	arena_free(b);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(i);
	check_members();
	return tap_done();
}
