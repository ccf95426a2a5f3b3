/* SPDX-License-Identifier: MIT */
/*
 * claim -- values that are wanted, and lists of words
 */
#include "config.h"
#include "auth/claim.h"

#include "base/arena.h"
#include "base/limits.h"
#include "kit/tap.h"

static struct arena *a;

static struct jdoc *
parse(struct str text)
{
	static const struct jdoc_limits limits = { .depth = 4, .values = 4096 };
	struct jdoc_report report;

	return jdoc_parse(a, text, JDOC_STRICT, &limits, &report);
}

static const struct {
	const char *json, *wanted;
	bool has;
} values[] = {
	{ "\"ops\"", "ops", true },
	{ "\"ops\"", "op", false },
	{ "true", "true", true },
	{ "false", "true", false },
	{ "3", "3", true },
	{ "3.0", "3", false },
	{ "\"3\"", "3", true },
	{ "null", "null", false },
	{ "{\"ops\":1}", "ops", false },
	{ "[\"dev\",\"ops\"]", "ops", true },
	{ "[[\"ops\"]]", "ops", false },
	{ "[null,3]", "3", true },
	{ "[]", "", false },
};

static void
test_values(void)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		tap_ok(claim_has_value(parse(str_of(values[i].json)),
			str_of(values[i].wanted), a) == values[i].has,
			"%s in %s", values[i].wanted, values[i].json);
	OK(!claim_has_value(NULL, STR(""), a));
}

static const struct {
	const char *json;
	bool cut;
	const char *words;		/* with a comma between them */
} lists[] = {
	{ "\"a b  c\"", true, "a,b,c" },
	{ "\"a b  c\"", false, "a b  c" },
	{ "\"\"", true, "" },
	{ "[\"a b\",\"\",\"c\"]", true, "a b,c" },
	{ "[\"a\",1]", true, "" },
	{ "{\"a\":\"b\"}", true, "" },
	{ "7", false, "" },
};

static void
test_words(void)
{
	struct str words[MAX_GROUPS + 1];
	uint32_t n = 9;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct str text = STR("");

		OK(claim_words(parse(str_of(lists[i].json)), lists[i].cut,
			words, &n));
		for (uint32_t k = 0; k < n; k++)
			text = str_fmt(a, "%.*s%s%.*s", STR_ARG(text),
				k > 0 ? "," : "", STR_ARG(words[k]));
		IS_STR(text, lists[i].words);
	}
	OK(claim_words(NULL, true, words, &n) && n == 0);
}

/* n words; as one text or as an array. */
static struct str
many(uint32_t n, bool array)
{
	struct str text = STR("");

	for (uint32_t i = 0; i < n; i++)
		text = str_fmt(a, "%.*s%sw", STR_ARG(text), i == 0 ? "" :
			array ? "\",\"" : " ");
	return str_fmt(a, array ? "[\"%.*s\"]" : "\"%.*s\"", STR_ARG(text));
}

static void
test_most(void)
{
	struct str words[MAX_GROUPS + 1];
	uint32_t n;

	for (int array = 0; array < 2; array++) {
		OK(claim_words(parse(many(MAX_GROUPS, array != 0)), true,
			words, &n) && n == MAX_GROUPS);
		OK(!claim_words(parse(many(MAX_GROUPS + 1, array != 0)), true,
			words, &n));
	}
}

int
main(void)
{
	a = arena_new(MIB(16));
	test_values();
	test_words();
	test_most();
	arena_free(a);
	return tap_done();
}
