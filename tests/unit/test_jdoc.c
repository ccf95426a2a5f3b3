/* SPDX-License-Identifier: MIT */
/*
 * jdoc -- what the scanner lets through, what it reports, what a tree says
 */
#include "config.h"
#include "base/jdoc.h"

#include "base/arena.h"
#include "base/limits.h"
#include "kit/tap.h"

static const struct jdoc_limits limits = { 8, 40, 3 };

static struct arena *a;
static struct jdoc_report report;

static const char *const verdicts[] = { "OK", "SYNTAX", "UNSAFE" };

static enum jdoc_verdict
check(struct str text, enum jdoc_profile profile,
	const struct jdoc_limits *by)
{
	return jdoc_check(a, text, profile, by, &report);
}

static const struct verdict_row {
	struct str text;
	enum jdoc_verdict strict, message, config;
} verdict_rows[] = {
#define SAME(t, v) { { t, sizeof(t) - 1 }, v, v, v }
#define ROW(t, s, m, c) { { t, sizeof(t) - 1 }, s, m, c }
	/* values */
	SAME("{}", JDOC_OK), SAME("[]", JDOC_OK), SAME(" 1 ", JDOC_OK),
	SAME("true", JDOC_OK), SAME("false", JDOC_OK), SAME("null", JDOC_OK),
	SAME("\"\"", JDOC_OK), SAME("\t\r\n [ 1 , 2 ] \n", JDOC_OK),
	SAME("", JDOC_SYNTAX), SAME(" ", JDOC_SYNTAX),
	SAME("nul", JDOC_SYNTAX), SAME("True", JDOC_SYNTAX),
	SAME("truex", JDOC_SYNTAX), SAME("NaN", JDOC_SYNTAX),
	SAME("Infinity", JDOC_SYNTAX), SAME("-Infinity", JDOC_SYNTAX),
	SAME("{} {}", JDOC_SYNTAX), SAME("{}x", JDOC_SYNTAX),
	SAME("{}\0", JDOC_SYNTAX), SAME("\0{}", JDOC_SYNTAX),
	SAME("\xEF\xBB\xBF{}", JDOC_SYNTAX), SAME("{}\v", JDOC_SYNTAX),
	SAME("\xC2\xA0{}", JDOC_SYNTAX), SAME("'a'", JDOC_SYNTAX),
	/* structure */
	SAME("[1", JDOC_SYNTAX), SAME("[1,", JDOC_SYNTAX),
	SAME("[1 2]", JDOC_SYNTAX), SAME("[,1]", JDOC_SYNTAX),
	SAME("[1,,2]", JDOC_SYNTAX), SAME("[1}", JDOC_SYNTAX),
	SAME("{\"a\":1]", JDOC_SYNTAX), SAME("{\"a\"}", JDOC_SYNTAX),
	SAME("{\"a\" 1}", JDOC_SYNTAX), SAME("{\"a\":}", JDOC_SYNTAX),
	SAME("{1:2}", JDOC_SYNTAX), SAME("{a:2}", JDOC_SYNTAX),
	SAME("{,}", JDOC_SYNTAX), SAME("]", JDOC_SYNTAX),
	SAME("{\"a\":1,\"b\":[{},[]]}", JDOC_OK),
	SAME("{\"a\":{\"a\":1},\"b\":{\"a\":2}}", JDOC_OK),
	/* numbers */
	SAME("-0", JDOC_OK), SAME("0.5e+10", JDOC_OK),
	SAME("1E-2", JDOC_OK), SAME("-", JDOC_SYNTAX),
	SAME("01", JDOC_SYNTAX), SAME("-01", JDOC_SYNTAX),
	SAME("00", JDOC_SYNTAX), SAME(".5", JDOC_SYNTAX),
	SAME("-.5", JDOC_SYNTAX), SAME("1.", JDOC_SYNTAX),
	SAME("1.e3", JDOC_SYNTAX), SAME("1e", JDOC_SYNTAX),
	SAME("1e+", JDOC_SYNTAX), SAME("+1", JDOC_SYNTAX),
	SAME("0x10", JDOC_SYNTAX), SAME("1_0", JDOC_SYNTAX),
	/* strings */
	SAME("\"a\\\"b\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", JDOC_OK),
	SAME("\"0123456789abcdef\"", JDOC_OK),
	SAME("\"0123456\n\"", JDOC_SYNTAX), SAME("\"a\tb\"", JDOC_SYNTAX),
	SAME("\"a\0b\"", JDOC_SYNTAX), SAME("\"\x1F\"", JDOC_SYNTAX),
	SAME("\"\x7F\"", JDOC_OK), SAME("\"\\x41\"", JDOC_SYNTAX),
	SAME("\"\\u12\"", JDOC_SYNTAX), SAME("\"\\u12G4\"", JDOC_SYNTAX),
	SAME("\"\\\"", JDOC_SYNTAX), SAME("\"\\", JDOC_SYNTAX),
	SAME("\"\\\0\"", JDOC_SYNTAX), SAME("\"abc", JDOC_SYNTAX),
	/* UTF-8, at the limits of the table and beyond */
	SAME("\"\xC2\x80\xDF\xBF\"", JDOC_OK),
	SAME("\"\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\"", JDOC_OK),
	SAME("\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"", JDOC_OK),
	SAME("\"\xC0\x80\"", JDOC_SYNTAX), SAME("\"\xC1\xBF\"", JDOC_SYNTAX),
	SAME("\"\xE0\x9F\xBF\"", JDOC_SYNTAX),
	SAME("\"\xED\xA0\x80\"", JDOC_SYNTAX),
	SAME("\"\xF0\x8F\xBF\xBF\"", JDOC_SYNTAX),
	SAME("\"\xF4\x90\x80\x80\"", JDOC_SYNTAX),
	SAME("\"\xF5\x80\x80\x80\"", JDOC_SYNTAX),
	SAME("\"\xC3\"", JDOC_SYNTAX), SAME("\"\xC3", JDOC_SYNTAX),
	SAME("\"\x80\"", JDOC_SYNTAX), SAME("\"\xE2\x82\"", JDOC_SYNTAX),
	SAME("{\"\xFF\":1}", JDOC_SYNTAX),
	/* repeated names */
	SAME("{\"a\":1,\"a\":2}", JDOC_UNSAFE),
	SAME("{\"a\":1,\"\\u0061\":2}", JDOC_UNSAFE),
	SAME("{\"\":1,\"\":2}", JDOC_UNSAFE),
	SAME("[{\"x\":{\"a\":1,\"b\":1,\"a\":2}}]", JDOC_UNSAFE),
	SAME("{\"a\":1,\"A\":2}", JDOC_OK),
	SAME("{\"a\":1,\"a\":2", JDOC_SYNTAX),
	/* NUL and lone surrogates */
	SAME("{\"a\\u0000b\":1}", JDOC_UNSAFE),
	SAME("{\"\\ud800\":1}", JDOC_UNSAFE),
	ROW("{\"a\":\"\\u0000\"}", JDOC_UNSAFE, JDOC_OK, JDOC_UNSAFE),
	ROW("{\"a\":\"\\udc00\"}", JDOC_UNSAFE, JDOC_OK, JDOC_UNSAFE),
	ROW("{\"a\":\"\\ud800\\ud800\"}", JDOC_UNSAFE, JDOC_OK, JDOC_UNSAFE),
	ROW("{\"a\":\"\\ud800x\"}", JDOC_UNSAFE, JDOC_OK, JDOC_UNSAFE),
	ROW("\"\\ud800\"", JDOC_UNSAFE, JDOC_OK, JDOC_UNSAFE),
	SAME("\"\\ud83d\\ude00\"", JDOC_OK),
	/* values that steer */
	ROW("{\"method\":\"\\u0000\"}", JDOC_UNSAFE, JDOC_UNSAFE, JDOC_UNSAFE),
	ROW("{\"m\\u0065thod\":\"a\\ud800\"}", JDOC_UNSAFE, JDOC_UNSAFE,
		JDOC_UNSAFE),
	ROW("{\"id\":\"\\u0000\"}", JDOC_UNSAFE, JDOC_UNSAFE, JDOC_UNSAFE),
	ROW("{\"name\":\"\\u0000\"}", JDOC_UNSAFE, JDOC_OK, JDOC_UNSAFE),
	ROW("{\"params\":{\"name\":\"\\u0000\"}}", JDOC_UNSAFE, JDOC_UNSAFE,
		JDOC_UNSAFE),
	ROW("{\"params\":{\"uri\":\"\\udfff\"}}", JDOC_UNSAFE, JDOC_UNSAFE,
		JDOC_UNSAFE),
	ROW("{\"params\":{\"x\":{\"name\":\"\\u0000\"}}}", JDOC_UNSAFE, JDOC_OK,
		JDOC_UNSAFE),
	ROW("{\"params\":[{\"name\":\"\\u0000\"}]}", JDOC_UNSAFE, JDOC_OK,
		JDOC_UNSAFE),
	ROW("[{},{\"method\":\"\\u0000\"}]", JDOC_UNSAFE, JDOC_UNSAFE,
		JDOC_UNSAFE),
	ROW("{\"params\":{\"_meta\":{\"progressToken\":\"\\u0000\"}}}",
		JDOC_UNSAFE, JDOC_UNSAFE, JDOC_UNSAFE),
	ROW("{\"params\":{\"arguments\":{\"t\":\"\\u0000\"}}}", JDOC_UNSAFE,
		JDOC_OK, JDOC_UNSAFE),
	/* what a configuration may have */
#define CONFIG_ONLY(t) ROW(t, JDOC_SYNTAX, JDOC_SYNTAX, JDOC_OK)
	CONFIG_ONLY("[1,]"), CONFIG_ONLY("{\"a\":1,}"),
	CONFIG_ONLY("// x\n{}"), CONFIG_ONLY("{/* x */}"),
	CONFIG_ONLY("{} // x"), CONFIG_ONLY("{} //"),
	CONFIG_ONLY("[1/**/,/***/2/**/]/* */ // \n//\n"),
	CONFIG_ONLY("{\"a\"/*,*/:/*:*/1,//}\n}"),
	SAME("[1,,]", JDOC_SYNTAX), SAME("[,]", JDOC_SYNTAX),
	SAME("{} /", JDOC_SYNTAX), SAME("{} /*", JDOC_SYNTAX),
	SAME("{} /*/", JDOC_SYNTAX), SAME("{} # x", JDOC_SYNTAX),
	SAME("/* \0 */{}", JDOC_SYNTAX), SAME("/* \xFF */{}", JDOC_SYNTAX),
	SAME("// only", JDOC_SYNTAX), SAME("{'a':1}", JDOC_SYNTAX),
	/* limits: depth 8, values 40, batch 3 */
	SAME("[[[[[[[[]]]]]]]]", JDOC_OK),
	SAME("[[[[[[[[[]]]]]]]]]", JDOC_SYNTAX),
	SAME("[[[[[[[[1]]]]]]]]", JDOC_OK),
	ROW("[1,2,3]", JDOC_OK, JDOC_OK, JDOC_OK),
	ROW("[1,2,3,4]", JDOC_OK, JDOC_SYNTAX, JDOC_OK),
	ROW("{\"a\":[1,2,3,4]}", JDOC_OK, JDOC_OK, JDOC_OK),
};

static void
test_verdicts(void)
{
	size_t n = sizeof(verdict_rows) / sizeof(verdict_rows[0]);

	for (size_t i = 0; i < n; i++) {
		const struct verdict_row *r = &verdict_rows[i];
		const enum jdoc_verdict want[] = { r->strict, r->message,
			r->config };

		for (int p = JDOC_STRICT; p <= JDOC_CONFIG; p++) {
			enum jdoc_verdict got = check(r->text,
				(enum jdoc_profile)p, &limits);

			tap_ok(got == want[p] &&
				(got == JDOC_OK) == (report.why == NULL),
				"row %zu profile %d: %s (%s)", i, p,
				verdicts[got], report.why != NULL ?
				report.why : "");
		}
	}
}

/* Every text that is good is bad when any tail is cut off. */
static void
test_cuts(void)
{
	struct str text = STR("{\"a\":[1.5e1,\"\\u00e9\xC3\xA9\",null,{}]}");

	for (size_t n = 0; n < text.n; n++)
		tap_ok(check(str_copy(a, str_head(text, n)), JDOC_STRICT,
			&limits) == JDOC_SYNTAX, "cut after %zu", n);
}

static void
test_places(void)
{
	OK(check(STR("{\n  \"\xC3\xA9\": x\n}"), JDOC_STRICT, &limits) ==
		JDOC_SYNTAX);
	IS_INT(report.line, 2);
	IS_INT(report.column, 8);
	IS_INT(report.at, 10);
	IS_STR(str_of(report.why), "unexpected character");

	OK(check(STR("{\"a\":1,\n\n \"b\":2,\n  \"\\u0061\":3}"), JDOC_STRICT,
		&limits) == JDOC_UNSAFE);
	IS_STR(report.name, "a");
	IS_INT(report.line, 4);
	IS_INT(report.column, 3);
	IS_INT(report.first_line, 1);
	IS_STR(str_of(report.why), "repeated name");

	OK(check(STR("[1,2,3,4]"), JDOC_MESSAGE, &limits) == JDOC_SYNTAX);
	IS_STR(str_of(report.why), "batch too long");
	OK(check(STR_NONE, JDOC_STRICT, &limits) == JDOC_SYNTAX);
	IS_INT(report.line, 1);
	IS_INT(report.column, 1);
}

/* n values in one array, itself counted. */
static struct str
many_values(uint32_t n)
{
	char *p = arena_alloc(a, 2 * n + 2);

	p[0] = '[';
	for (uint32_t i = 1; i < n; i++) {
		p[2 * i - 1] = '0';
		p[2 * i] = i + 1 < n ? ',' : ']';
	}
	return (struct str){ p, 2 * n - 1 };
}

static void
test_values(void)
{
	OK(check(many_values(40), JDOC_STRICT, &limits) == JDOC_OK);
	IS_INT(report.values, 40);
	OK(report.top == JDOC_ARRAY);
	OK(check(many_values(41), JDOC_STRICT, &limits) == JDOC_SYNTAX);
	IS_STR(str_of(report.why), "too many values");
}

/* An object of n names; when twin < n, the last one repeats that. */
static struct str
many_names(size_t n, size_t twin)
{
	char *p = arena_alloc(a, 16 * n + 16);
	size_t k = 0;

	p[k++] = '{';
	for (size_t i = 0; i < n; i++)
		k += (size_t)snprintf(p + k, 16, "%s\"n%zu\":0",
			i > 0 ? "," : "",
			i == n - 1 && twin < n ? twin : i);
	p[k++] = '}';
	return (struct str){ p, k };
}

static void
test_names(void)
{
	static const size_t sizes[] = { 2, 15, 16, 17, 18, 31, 32, 33, 34, 64,
		65, 200, 1000, 10000 };
	struct jdoc_limits wide = { 8, 50000, 3 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t n = sizes[i];

		tap_ok(check(many_names(n, n), JDOC_MESSAGE, &wide) ==
			JDOC_OK, "%zu names", n);
		tap_ok(check(many_names(n, 0), JDOC_MESSAGE, &wide) ==
			JDOC_UNSAFE, "%zu names, the first again", n);
		tap_ok(check(many_names(n, n - 2), JDOC_STRICT, &wide) ==
			JDOC_UNSAFE, "%zu names, the last again", n);
	}
	OK(check(many_names(MAX_JSON_NAMES + 1, MAX_JSON_NAMES + 1),
		JDOC_MESSAGE, &wide) == JDOC_SYNTAX);
	IS_STR(str_of(report.why), "too many names");
}

static void
test_numbers(void)
{
	static const struct {
		const char *text;
		bool big, infinite;
	} rows[] = {
		{ "18446744073709551615", false, false },
		{ "18446744073709551616", true, false },
		{ "-9223372036854775808", false, false },
		{ "-9223372036854775809", true, false },
		{ "9999999999999999999999", true, false },
		{ "1e308", false, false }, { "1e309", false, true },
		{ "-1e309", false, true }, { "1.8e308", false, true },
		{ "1e0000000010", false, false }, { "0e999", false, false },
		{ "1e-999", false, false }, { "123456789012345678901e1",
			false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OK(check(str_of(rows[i].text), JDOC_STRICT, &limits) ==
			JDOC_OK);
		tap_ok(report.has_big_int == rows[i].big &&
			report.has_non_finite == rows[i].infinite,
			"%s: big %d, infinite %d", rows[i].text,
			rows[i].big, rows[i].infinite);
	}
}

static void
test_message(void)
{
	const struct jdoc_message *m;

	OK(check(STR("{\"jsonrpc\":\"2.0\", \"id\" : 7 ,"
		"\"method\":\"tools/call\",\"params\":{\"name\":\"a\\u0062\","
		"\"arguments\":{\"name\":\"no\",\"id\":1},\"uri\":\"u\","
		"\"taskId\":\"t\",\"protocolVersion\":\"v\","
		"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
		"\"w\",\"name\":2}}}"), JDOC_MESSAGE, &limits) == JDOC_OK);
	if (!OK(report.n_messages == 1))
		return;
	m = &report.messages[0];
	OK(report.top == JDOC_OBJECT);
	IS_STR(m->jsonrpc.raw, "\"2.0\"");
	IS_STR(m->id.raw, "7");
	OK(m->id.type == JDOC_NUMBER);
	IS_STR(m->method.raw, "\"tools/call\"");
	OK(m->params.type == JDOC_OBJECT);
	OK(str_starts(m->params.raw, STR("{\"name\"")));
	OK(str_ends(m->params.raw, STR("2}}")));
	IS_STR(m->name.raw, "\"a\\u0062\"");
	IS_STR(m->uri.raw, "\"u\"");
	IS_STR(m->task_id.raw, "\"t\"");
	IS_STR(m->protocol_version.raw, "\"v\"");
	IS_STR(m->meta_version.raw, "\"w\"");
	OK(m->meta.type == JDOC_OBJECT);
	OK(str_ends(m->meta.raw, STR("\"name\":2}")));
	OK(m->result.type == JDOC_ABSENT && m->result.raw.p == NULL);
	OK(m->error.type == JDOC_ABSENT);
}

static void
test_batch(void)
{
	OK(check(STR("[{\"id\":1,\"result\":[]},5,{\"id\":null,"
		"\"error\":{\"id\":9}}]"), JDOC_MESSAGE, &limits) == JDOC_OK);
	OK(report.top == JDOC_ARRAY);
	if (!OK(report.n_messages == 3))
		return;
	IS_STR(report.messages[0].id.raw, "1");
	OK(report.messages[0].result.type == JDOC_ARRAY);
	IS_STR(report.messages[0].result.raw, "[]");
	OK(report.messages[1].id.type == JDOC_ABSENT);
	OK(report.messages[1].result.type == JDOC_ABSENT);
	OK(report.messages[2].id.type == JDOC_NULL);
	IS_STR(report.messages[2].error.raw, "{\"id\":9}");
	OK(check(STR("[]"), JDOC_MESSAGE, &limits) == JDOC_OK);
	IS_INT(report.n_messages, 0);
	OK(check(STR("[[{\"id\":1}]]"), JDOC_MESSAGE, &limits) == JDOC_OK);
	IS_INT(report.n_messages, 1);
	OK(report.messages[0].id.type == JDOC_ABSENT);
	OK(check(STR("5"), JDOC_MESSAGE, &limits) == JDOC_OK);
	IS_INT(report.n_messages, 0);
}

static struct jdoc_span
span(const char *text)
{
	return (struct jdoc_span){ str_of(text), JDOC_STRING };
}

static void
test_unquote(void)
{
	struct jdoc_span number = { STR("12"), JDOC_NUMBER };
	struct jdoc_span none = { STR_NONE, JDOC_ABSENT };
	struct str text = STR_NONE;

	OK(jdoc_unquote(a, span("\"\""), &text));
	IS_STR(text, "");
	OK(jdoc_unquote(a, span("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\""), &text));
	IS_STR(text, "a\"\\/\b\f\n\r\tz");
	OK(jdoc_unquote(a, span("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\""),
		&text));
	IS_STR(text, "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
	OK(jdoc_unquote(a, span("\"\\ud800\\u0041\\udc00\""), &text));
	IS_STR(text, "\xEF\xBF\xBD" "A\xEF\xBF\xBD");
	OK(jdoc_unquote(a, span("\"a\\u0000b\""), &text));
	OK(str_eq(text, STR("a\0b")) && text.p[text.n] == '\0');
	OK(!jdoc_unquote(a, number, &text));
	OK(!jdoc_unquote(a, none, &text));
	OK(!jdoc_unquote(a, span("\""), &text));
	OK(!jdoc_unquote(a, span("\"a\"b\""), &text));
	OK(!jdoc_unquote(a, span("\"\\\""), &text));
}

static struct jdoc *
parse(const char *text, enum jdoc_profile profile)
{
	return jdoc_parse(a, str_of(text), profile, &limits, &report);
}

static void
test_tree(void)
{
	struct jdoc *d = parse(" {\"s\":\"a\\u0000b\",\"i\":-5,\"d\":1.50,"
		"\"t\":true,\"z\":null,\"l\":[1,null],\"u\":\"/\"} ",
		JDOC_MESSAGE);
	struct str text = STR_NONE;
	double number = 0;
	int64_t i = 0;
	bool yes = false;

	if (!OK(d != NULL))
		return;
	OK(jdoc_type(d) == JDOC_OBJECT);
	OK(jdoc_string(jdoc_get(d, "s"), &text) && str_eq(text, STR("a\0b")));
	OK(jdoc_int(jdoc_get(d, "i"), &i) && i == -5);
	OK(jdoc_number(jdoc_get(d, "i"), &number) && number < -4.9);
	OK(!jdoc_int(jdoc_get(d, "d"), &i));
	OK(jdoc_number(jdoc_get(d, "d"), &number) && number > 1.4);
	OK(jdoc_bool(jdoc_get(d, "t"), &yes) && yes);
	OK(jdoc_type(jdoc_get(d, "z")) == JDOC_NULL);
	OK(jdoc_get(d, "none") == NULL);
	OK(jdoc_type(NULL) == JDOC_ABSENT);
	IS_INT(jdoc_length(jdoc_get(d, "l")), 2);
	OK(jdoc_type(jdoc_at(jdoc_get(d, "l"), 1)) == JDOC_NULL);
	OK(jdoc_at(jdoc_get(d, "l"), 2) == NULL);
	OK(!jdoc_string(jdoc_get(d, "i"), &text));
	OK(!jdoc_bool(jdoc_get(d, "s"), &yes));
	OK(!jdoc_number(jdoc_get(d, "z"), &number));
	OK(!jdoc_int(NULL, &i) && jdoc_length(d) == 0);
	OK(jdoc_get(jdoc_get(d, "z"), "x") == NULL);
	IS_STR(jdoc_text(a, d), "{\"s\":\"a\\u0000b\",\"i\":-5,\"d\":1.50,"
		"\"t\":true,\"z\":null,\"l\":[1,null],\"u\":\"/\"}");
}

static void
test_parse(void)
{
	int64_t i = 0;

	OK(jdoc_int(parse("12", JDOC_STRICT), &i) && i == 12);
	OK(jdoc_int(parse("9223372036854775807", JDOC_STRICT), &i) &&
		i == INT64_MAX);
	OK(!jdoc_int(parse("9223372036854775808", JDOC_STRICT), &i));
	OK(!jdoc_int(parse("99999999999999999999", JDOC_STRICT), &i));
	OK(!jdoc_int(parse("-99999999999999999999", JDOC_STRICT), &i));
	OK(jdoc_type(parse("null", JDOC_STRICT)) == JDOC_NULL);
	IS_STR(jdoc_text(a, parse("null", JDOC_STRICT)), "null");
	IS_STR(jdoc_text(a, parse("\"x\"", JDOC_STRICT)), "\"x\"");
	OK(parse("{\"a\":1,\"a\":2}", JDOC_STRICT) == NULL);
	OK(report.why != NULL);
	OK(parse("", JDOC_STRICT) == NULL);
	IS_STR(jdoc_text(a, parse("[[[[[[[[1]]]]]]]]", JDOC_STRICT)),
		"[[[[[[[[1]]]]]]]]");
	IS_STR(jdoc_text(a, parse("// a\n{\"u\":\"http://x/*y*/,}\", /* , */"
		"\"l\":[1,2, // b\n],}\n// end", JDOC_CONFIG)),
		"{\"u\":\"http://x/*y*/,}\",\"l\":[1,2]}");
}

int
main(void)
{
	a = arena_new(MIB(64));
	test_verdicts();
	test_cuts();
	test_places();
	test_values();
	test_names();
	test_numbers();
	test_message();
	test_batch();
	test_unquote();
	test_tree();
	test_parse();
	arena_free(a);
	return tap_done();
}
