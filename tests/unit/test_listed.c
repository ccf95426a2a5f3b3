/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/auth.h"

#include "base/arena.h"
#include "base/digest.h"
#include "kit/tap.h"

#define NOW 1700000000
#define A "HTTP_AUTHORIZATION="
#define R "REDIRECT_HTTP_AUTHORIZATION="

#define N AUTH_BASIC_NONE
#define M AUTH_BASIC_MATCH
#define W AUTH_BASIC_WRONG

/* Variables as NAME=VALUE, one a line; @ is the base64 of what is presented,
 * by default that of "ann:pass:words", which is right. */
static const struct {
	const char *name, *variables, *presented;
	enum auth_basic basic;
} cases[] = {
	{ "nothing", "", NULL, N },
	{ "right", A "Basic @", NULL, M },
	{ "another case of the scheme", A "bASIC @", NULL, M },
	{ "three blanks", A "Basic   @", NULL, M },
	{ "blanks at the ends", A "  Basic @  ", NULL, M },
	{ "a tab", A "Basic\t@", NULL, N },
	{ "a blank and a tab", A "Basic \t@", NULL, W },
	{ "another scheme", A "Digest @", NULL, N },
	{ "a longer scheme", A "Basics @", NULL, N },
	{ "a shorter one", A "Basi @", NULL, N },
	{ "no scheme", A "@", NULL, N },
	{ "the scheme alone", A "Basic", NULL, W },
	{ "no blank", A "Basic@", NULL, N },
	{ "a bearer", A "Bearer @", NULL, N },

	{ "another word", A "Basic @", "ann:pass:word", W },
	{ "a longer one", A "Basic @", "ann:pass:wordss", W },
	{ "one that begins so", A "Basic @", "ann:pass", W },
	{ "another case", A "Basic @", "ann:Pass:words", W },
	{ "another user", A "Basic @", "bob:pass:words", W },
	{ "the user in capitals", A "Basic @", "ANN:pass:words", W },
	{ "no user", A "Basic @", ":pass:words", W },
	{ "no word", A "Basic @", "ann:", W },
	{ "no colon", A "Basic @", "ann", W },
	{ "a colon alone", A "Basic @", ":", W },
	{ "two colons", A "Basic @", "ann::pass:words", W },
	{ "a blank in front", A "Basic @", " ann:pass:words", W },
	{ "a line feed behind", A "Basic @", "ann:pass:words\n", W },
	{ "a byte order mark", A "Basic @", "\xEF\xBB\xBF" "ann:pass:words", W },

	{ "twice", A "Basic @\n" A "Basic @", NULL, N },
	{ "twice, one empty", A "\n" A "Basic @", NULL, M },
	{ "two schemes", A "Basic @\n" A "Bearer x", NULL, N },
	{ "joined", A "Basic @, Basic @", NULL, W },
	{ "joined without a blank", A "Basic @,Basic @", NULL, W },
	{ "a word behind", A "Basic @ x", NULL, W },
	{ "a parameter behind", A "Basic @;a=b", NULL, W },
	{ "quoted", A "Basic \"@\"", NULL, W },
	{ "moved", R "Basic @", NULL, M },
	{ "moved twice", R "Basic @\n" R "Basic @", NULL, N },
	{ "both names, the same", A "Basic @\n" R "Basic @", NULL, M },
	{ "both names, different", A "Basic @\n" R "Basic x", NULL, N },
	{ "moved more than once", "REDIRECT_" R "Basic @", NULL, N },
	{ "of another header", "HTTP_PROXY_AUTHORIZATION=Basic @", NULL, N },
	{ "of the web server", "AUTHORIZATION=Basic @", NULL, N },

	/* "ann:pass:words" has two bytes in its last group: one '=' */
	{ "no padding", A "Basic YW5uOnBhc3M6d29yZHM", NULL, W },
	{ "too much padding", A "Basic YW5uOnBhc3M6d29yZHM==", NULL, W },
	{ "a group of padding", A "Basic YW5uOnBhc3M6d29yZHM=====", NULL, W },
	{ "padding in front", A "Basic =YW5uOnBhc3M6d29yZHM", NULL, W },
	{ "padding within", A "Basic YW5u=OnBhc3M6d29yZHM", NULL, W },
	{ "bits that mean nothing", A "Basic YW5uOnBhc3M6d29yZHN=", NULL, W },
	{ "a blank within", A "Basic YW5uOnBhc3M6 d29yZHM=", NULL, W },
	{ "the alphabet of URLs", A "Basic YW5uOnBhc3M6d29yZH-_", NULL, W },
	{ "not base64", A "Basic ann:pass:words", NULL, W },
	{ "not ASCII", A "Basic \xE9\xE9\xE9\xE9", NULL, W },
	{ "padding alone", A "Basic ====", NULL, W },
	{ "one letter", A "Basic A", NULL, W },
};

static struct str
encoded(struct arena *a, const char *presented)
{
	struct str s = str_of(presented != NULL ? presented :
		"ann:pass:words");

	return digest_base64(a, s.p, s.n);
}

static void
fill(struct params *p, struct arena *a, struct str lines, struct str text)
{
	params_init(p, a, 8);
	while (lines.p != NULL && lines.n > 0) {
		struct str value = str_cut(&lines, '\n'), out = STR("");
		struct str name = str_cut(&value, '=');

		while (value.p != NULL) {
			struct str part = str_cut(&value, '@');

			out = str_fmt(a, "%.*s%.*s%.*s", STR_ARG(out),
				STR_ARG(part), STR_ARG(value.p != NULL ?
				text : STR("")));
		}
		params_add(p, name, out);
	}
}

static enum auth_basic
ask(const char *variables, const char *presented, const char *user,
	const char *word)
{
	struct arena *a = arena_new(1 << 20);
	const struct conf c = { .admin_user = str_of(user),
		.admin_password = secret_of(str_of(word)) };
	struct params p;
	enum auth_basic said;

	fill(&p, a, str_of(variables), encoded(a, presented));
	said = auth_basic(&c, &p, a);
	arena_free(a);
	return said;
}

/* Pairs that are none, and some that are unusual. */
static void
run_pairs(void)
{
	OK(ask(A "Basic @", ":", "", "") == N);
	OK(ask(A "Basic @", "ann:", "ann", "") == N);
	OK(ask(A "Basic @", ":word", "", "word") == N);
	OK(ask(A "Basic @", "a:b", "a", "b") == M);
	OK(ask(A "Basic @", "a:::", "a", "::") == M);
	/* nobody can present that user, whoever wrote him down */
	OK(ask(A "Basic @", "a:b:c", "a:b", "c") == W);
	OK(ask(A "Basic @", "a:b:c", "a", "b:c") == M);
	OK(ask(A "Basic @", "\xC3\xA4:\xE2\x82\xAC", "\xC3\xA4",
		"\xE2\x82\xAC") == M);
	OK(ask(A "Basic @", "\xE4:x", "\xC3\xA4", "x") == W);
}

/* A byte of zero is one like any other. */
static void
run_zero(void)
{
	struct arena *a = arena_new(1 << 20);
	const struct conf c = { .admin_user = STR("ann"),
		.admin_password = secret_of(STR("word")) };
	static const char *const texts[] = {
		"QmFzaWMgYW5uOndvcmQA",		/* not even the scheme */
		"Basic YW5uOndvcmQA",		/* ann:word, zero */
		"Basic YW5uAHg6d29yZA==",	/* ann, zero, x:word */
	};
	struct params p;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		params_init(&p, a, 8);
		params_add(&p, STR("HTTP_AUTHORIZATION"), str_of(texts[i]));
		OK(auth_basic(&c, &p, a) == (i == 0 ? N : W));
	}
	arena_free(a);
}

static const struct {
	const char *name, *variables;
	bool listed;
} tokens[] = {
	{ "no token", "", false },
	{ "the token", A "Bearer tok", true },
	{ "another case of its scheme", A "bearer  tok", true },
	{ "the other one", A "Bearer kot", true },
	{ "one that has expired", A "Bearer old", false },
	{ "another case", A "Bearer TOK", false },
	{ "a longer token", A "Bearer tokk", false },
	{ "two tokens", A "Bearer tok kot", false },
	{ "joined tokens", A "Bearer tok, Bearer tok", false },
	{ "no scheme for a token", A "tok", false },
	{ "a scheme and no token", A "Bearer", false },
	{ "a tab for a token", A "Bearer\ttok", false },
	{ "twice the token", A "Bearer tok\n" A "Bearer tok", false },
	{ "a moved token", R "Bearer tok", true },
	{ "a moved token beside another", A "Bearer tok\n" R "Bearer kot",
		false },
	{ "a token as Basic", A "Basic tok", false },
};

static void
run_tokens(void)
{
	static const char *const values[] = { "tok", "kot", "old" };
	struct arena *a = arena_new(1 << 20);
	struct conf_key v[3] = { { .expires_unix_s = 0 } };
	const struct conf_keys list = { v, 3, true };
	struct params p;

	for (size_t i = 0; i < 3; i++)
		digest_sha256(str_of(values[i]), v[i].sha256);
	v[2].expires_unix_s = NOW;
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
		fill(&p, a, str_of(tokens[i].variables), STR(""));
		tap_ok(auth_listed(&list, &p, NOW) == tokens[i].listed, "%s",
			tokens[i].name);
	}
	arena_free(a);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tap_ok(ask(cases[i].variables, cases[i].presented, "ann",
			"pass:words") == cases[i].basic, "%s", cases[i].name);
	run_pairs();
	run_zero();
	run_tokens();
	return tap_done();
}
