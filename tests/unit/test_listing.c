/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "kit/tap.h"
#include "mcp/listing.h"
#include "mcp/walk.h"

#define RESULT(inside) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{" inside "}}"
#define A	"{\"name\":\"a\",\"x\":[1,{\"name\":\"b\"}]}"
#define B	"{\"name\":\"b\"}"
#define MORE	"\"nextCursor\":\"c==\""

static struct arena *arena;

/* Shown is whatever begins with an "a". */
static bool
shows(void *who, enum listing_kind kind, struct str name)
{
	(void)kind;
	if (who != NULL)
		*(struct str *)who = name;
	return str_starts(name, STR("a"));
}

/* ---- documents ----------------------------------------------------------------- */
static const struct {
	const char *name, *text, *want;		/* want NULL: as it came */
} documents[] = {
	{ "nothing to cut", RESULT("\"tools\":[" A "]"), NULL },
	{ "the second", RESULT("\"tools\":[" A "," B "]," MORE),
		RESULT("\"tools\":[" A "]," MORE) },
	{ "the first", RESULT("\"tools\":[" B "," A "]," MORE),
		RESULT("\"tools\":[" A "]," MORE) },
	{ "all", RESULT(MORE ",\"tools\":[" B "," B "]"),
		RESULT(MORE ",\"tools\":[]") },
	{ "an empty list", RESULT("\"tools\":[]"), NULL },
	{ "white space goes with what is cut",
		RESULT(" \"tools\" : [ " A " ,\n " B " , " A " ] "),
		RESULT(" \"tools\" : [" A "," A "] ") },
	{ "prompts", RESULT("\"prompts\":[" B "]"),
		RESULT("\"prompts\":[]") },
	{ "resources", RESULT("\"resources\":[{\"uri\":\"b:\",\"name\":"
		"\"a\"},{\"uri\":\"a:\",\"name\":\"b\"}]"),
		RESULT("\"resources\":[{\"uri\":\"a:\",\"name\":\"b\"}]") },
	{ "templates", RESULT("\"resourceTemplates\":[{\"uriTemplate\":"
		"\"b{x}\"},{\"uriTemplate\":\"a{x}\"}]"),
		RESULT("\"resourceTemplates\":[{\"uriTemplate\":\"a{x}\"}]") },
	{ "an escaped member", RESULT("\"t\\u006fols\":[" B "]"),
		RESULT("\"t\\u006fols\":[]") },
	{ "an escaped name member", RESULT("\"tools\":[{\"n\\u0061me\":"
		"\"b\"},{\"n\\u0061me\":\"a\"}]"),
		RESULT("\"tools\":[{\"n\\u0061me\":\"a\"}]") },
	{ "an escaped name", RESULT("\"tools\":[{\"name\":\"\\u0061\"},"
		"{\"name\":\"\\u0062\"}]"),
		RESULT("\"tools\":[{\"name\":\"\\u0061\"}]") },
	{ "no name", RESULT("\"tools\":[{\"title\":\"a\"},1,null,\"a\",[],"
		"{\"name\":1}," A "]"), RESULT("\"tools\":[" A "]") },
	{ "brackets in strings", RESULT("\"tools\":[{\"name\":\"a]}\\\\\\\"\","
		"\"d\":\"],[{\"},{\"name\":\"b]}\"}]"),
		RESULT("\"tools\":[{\"name\":\"a]}\\\\\\\"\",\"d\":\"],[{\"}]") },
	{ "not below the result", RESULT("\"x\":{\"tools\":[" B "]}"), NULL },
	{ "not above the result", "{\"jsonrpc\":\"2.0\",\"id\":1,\"tools\":["
		B "],\"result\":{}}", NULL },
	{ "an error", "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,"
		"\"message\":\"x\",\"data\":{\"tools\":[" B "]}}}", NULL },
	{ "another id than was asked", "{\"jsonrpc\":\"2.0\",\"id\":1.0,"
		"\"result\":{\"tools\":[" B "]}}", "{\"jsonrpc\":\"2.0\","
		"\"id\":1.0,\"result\":{\"tools\":[]}}" },
	{ "no id", "{\"result\":{\"tools\":[" B "]}}",
		"{\"result\":{\"tools\":[]}}" },
	{ "the id of another request", "{\"jsonrpc\":\"2.0\",\"id\":7,"
		"\"result\":{\"tools\":[" B "]}}", NULL },
	{ "the same, escaped", "{\"jsonrpc\":\"2.0\",\"id\":\"\\u0065\","
		"\"result\":{\"tools\":[" B "]}}", NULL },
	{ "a number is no text", "{\"jsonrpc\":\"2.0\",\"id\":\"7\","
		"\"result\":{\"tools\":[" B "]}}", "{\"jsonrpc\":\"2.0\","
		"\"id\":\"7\",\"result\":{\"tools\":[]}}" },
	{ "a batch", "[" RESULT("\"tools\":[" B "]") ",{\"id\":7,\"result\":{"
		"\"tools\":[" B "]}}, " RESULT("\"prompts\":[" B "," A "]")
		"]", "[" RESULT("\"tools\":[]") ",{\"id\":7,\"result\":{"
		"\"tools\":[" B "]}}, " RESULT("\"prompts\":[" A "]") "]" },
	{ "two lists in one result", RESULT("\"tools\":[" B "],\"prompts\":["
		B "]"), RESULT("\"tools\":[],\"prompts\":[]") },
	{ "a public page", RESULT("\"cacheScope\":\"public\",\"tools\":[" A
		"]"), RESULT("\"cacheScope\":\"private\",\"tools\":[" A "]") },
	{ "a public page, behind", RESULT("\"tools\":[" B "],\"cacheScope\":"
		"\"public\""), RESULT("\"tools\":[],\"cacheScope\":"
		"\"private\"") },
	{ "a public result of something else", RESULT("\"cacheScope\":"
		"\"public\""), NULL },
	{ "a notification", "{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":"
		"{\"tools\":[" B "]}}", NULL },
	{ "no list at all", RESULT("\"tools\":null,\"prompts\": null ,"
		"\"resources\":null,\"resourceTemplates\":null"), NULL },
	{ "one of two lists is none", RESULT("\"tools\":null,\"prompts\":["
		B "]"), RESULT("\"tools\":null,\"prompts\":[]") },
	{ "a number", "1", NULL },
	{ "a result that is text", "{\"id\":1,\"result\":\"tools\"}", NULL },
};

static const struct {
	const char *name, *text;
} refused[] = {
	{ "empty", "" }, { "words", "hello" }, { "cut", "{\"result\":{" },
	{ "a repeated name", "{\"id\":1,\"result\":{},\"result\":{}}" },
	{ "a repeated list", RESULT("\"tools\":[],\"tools\":[]") },
	{ "the same, escaped", RESULT("\"tools\":[],\"t\\u006fols\":[]") },
	{ "two documents", RESULT("") RESULT("") },
	{ "bad UTF-8", RESULT("\"tools\":[{\"name\":\"\xff\"}]") },
	{ "tools that are an object", RESULT("\"tools\":{}") },
	{ "tools that are text", RESULT("\"tools\":\"a\"") },
	{ "a NUL in a name", RESULT("\"to\\u0000ols\":[]") },
};

static struct listing_rules
rules_with(uint32_t kinds, bool personal)
{
	static const struct str others[] = { { "7", 1 }, { "\"e\"", 3 } };

	return (struct listing_rules){ .kinds = kinds, .others = others,
		.n_others = 2, .personal = personal, .max = 600,
		.shows = shows };
}

static void
test_documents(void)
{
	struct listing_rules r = rules_with(LISTING_ALL, true);
	const char *why = NULL;
	struct str text;
	size_t i;

	for (i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
		struct str given = str_of(documents[i].text);
		const char *want = documents[i].want;
		bool good = listing_document(arena, &r, given, &text, &why);

		tap_ok(good && (want != NULL ? str_is(text, want) :
			text.p == given.p && text.n == given.n), "%s",
			documents[i].name);
		if (good && want != NULL && !str_is(text, want))
			printf("# %.*s\n", STR_ARG(text));
	}
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		why = NULL;
		tap_ok(!listing_document(arena, &r, str_of(refused[i].text),
			&text, &why) && why != NULL, "refused: %s",
			refused[i].name);
	}
}

static void
test_kinds(void)
{
	struct listing_rules r = rules_with(LISTING_BIT(LISTING_PROMPTS),
		false);
	struct str text, seen = STR_NONE;
	const char *why;

	OK(listing_document(arena, &r, STR(RESULT("\"tools\":[" B "],"
		"\"cacheScope\":\"public\",\"prompts\":[" B "]")), &text,
		&why));
	IS_STR(text, RESULT("\"tools\":[" B "],\"cacheScope\":\"public\","
		"\"prompts\":[]"));
	r.who = &seen;
	OK(listing_document(arena, &r, STR(RESULT("\"prompts\":[{\"name\":"
		"\"\\u00e9\\n\"}]")), &text, &why));
	IS_STR(seen, "\xc3\xa9\n");
	IS_INT(listing_of(STR("tools/list")), LISTING_TOOLS);
	IS_INT(listing_of(STR("resources/templates/list")),
		LISTING_TEMPLATES);
	IS_INT(listing_of(STR("tools/call")), LISTING_KINDS);
}

/* A reply with exactly so many values. */
static struct str
many_values(uint32_t n)
{
	struct buf b = buf_new(arena, 4 * (size_t)n + 100);
	struct str text = STR_NONE;

	buf_add(&b, STR("{\"result\":{\"x\":["));	/* three values */
	for (uint32_t i = 3; i < n; i++)
		buf_add(&b, i > 3 ? STR(",1") : STR("1"));
	buf_add(&b, STR("]}}"));
	buf_take(&b, &text);
	return text;
}

static void
test_limit(void)
{
	struct listing_rules r = rules_with(LISTING_ALL, true);
	const char *why;
	struct str text;

	OK(listing_document(arena, &r, many_values(MAX_REPLY_VALUES), &text,
		&why));
	OK(!listing_document(arena, &r, many_values(MAX_REPLY_VALUES + 1),
		&text, &why));
}

/* ---- events ----------------------------------------------------------------------- */
static struct buf out;

static void
took(void *who, struct str bytes)
{
	(void)who;
	buf_add(&out, bytes);
}

#define LIST	RESULT("\"tools\":[" A "," B "]")
#define SHORT	RESULT("\"tools\":[" A "]")

static const struct {
	const char *name, *bytes, *want;	/* want NULL: as it came */
} streams[] = {
	{ "comments", ":\n\n: hello\n\n:\r\n\r\n", NULL },
	{ "priming", "id: 1\ndata:\n\nretry: 10\ndata\n\n", NULL },
	{ "a notification", "event: message\r\ndata: {\"method\":\"x\"}\r\n"
		"\r\n", NULL },
	{ "a list", "data: " LIST "\n\n", "data: " SHORT "\n\n" },
	{ "a list with its fields", "id: 7\nevent: message\ndata:" LIST
		"\nretry: 3\n\n", "id: 7\nevent: message\ndata: " SHORT
		"\nretry: 3\n\n" },
	{ "a list that stays", "id:7\ndata:" SHORT "\nx\n\n", NULL },
	{ "CR", "data: " LIST "\r\r: x\r\r", "data: " SHORT "\n\r: x\r\r" },
	{ "CRLF", "data: " LIST "\r\n\r\n:\r\n\r\n", "data: " SHORT
		"\n\r\n:\r\n\r\n" },
	{ "two data lines", "data: {\"id\":1,\"result\":\ndata:{\"tools\":["
		"\n: c\ndata: " B "]}}\n\n", "data: {\"id\":1,\"result\":\n"
		"data: {\"tools\":[]}}\n: c\n\n" },
	{ "a mark makes another field", "\xef\xbb\xbf" "data: x\n\n",
		NULL },
	{ "Data is no data", "Data: " LIST "\n\n", NULL },
	{ "datas is no data", "datas: " LIST "\n\n", NULL },
	{ "words of another event", "event: ping\ndata: hello {}\n\n"
		"event:x\ndata:  hello\n\n", NULL },
	{ "another event that has lists", "event: x\ndata: " LIST "\n\n",
		"event: x\ndata: " SHORT "\n\n" },
	{ "another event that is nearly a message", "id: 3\nevent: x\n"
		"data: {\"id\":1\nretry: 5\ndata: }}\n\ndata: " LIST "\n\n",
		"id: 3\nevent: x\nretry: 5\n\ndata: " SHORT "\n\n" },
	{ "nearly a batch", "event: x\ndata:\ndata:\t\xef\xbb\xbf [,\n\n",
		"event: x\n\n" },
	{ "the last name counts", "event: message\nevent: x\ndata: hello"
		"\n\n", NULL },
	{ "several events", "data: {\"method\":\"x\"}\n\ndata: " LIST "\n\n"
		"data: " LIST "\n\n", "data: {\"method\":\"x\"}\n\ndata: "
		SHORT "\n\ndata: " SHORT "\n\n" },
	{ "an event that does not end", "data: " LIST "\n",
		"data: " SHORT "\n" },
	{ "a line that does not end", "data: " LIST, "data: " SHORT "\n" },
};

static bool
feed(const char *bytes, size_t piece, const char **why_r)
{
	struct listing_rules r = rules_with(LISTING_ALL, false);
	struct listing_events *s = listing_events_new(arena, &r, took, NULL);
	struct str rest = str_of(bytes);

	out = buf_new(arena, 65536);
	while (rest.n > 0) {
		struct str part = str_copy(arena, str_head(rest, piece));

		rest = str_from(rest, part.n);
		if (!listing_events_feed(s, part, why_r))
			return false;
	}
	return listing_events_end(s, why_r);
}

static void
test_streams(void)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 1000 };
	const char *why;
	struct str text;

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		const char *want = streams[i].want;
		bool good = true;

		for (size_t k = 0; k < 5; k++) {
			good = good && feed(streams[i].bytes, pieces[k],
				&why) && buf_take(&out, &text) &&
				str_is(text, want != NULL ? want :
				streams[i].bytes);
		}
		if (!tap_ok(good, "stream: %s", streams[i].name))
			printf("# %.*s\n", STR_ARG(text));
	}
	OK(!feed("data: hello\n\n", 3, &why));
	OK(!feed("data: {\"result\":{},\"result\":{}}\n\n", 100, &why));
	OK(!feed("data: {\"result\":{\"tools\":1}}\n\n", 100, &why));
	OK(!feed("event: message\ndata: hello\n\n", 100, &why));
	OK(!feed("event: x\nevent: message\ndata: hello\n\n", 100, &why));
	OK(!feed("event: x\r\nevent\r\ndata: hello\r\n\r\n", 3, &why));
	OK(!feed("event: x\n\ndata: hello\n\n", 3, &why));
	OK(!feed("events: x\nEvent: x\ndata: hello\n\n", 3, &why));
}

/* One event of the largest size, and one byte more. */
static void
test_event_size(void)
{
	struct str line = str_fmt(arena, ":%0597d\n", 0);
	const char *why;

	IS_INT(line.n, 599);
	OK(feed(str_fmt(arena, "%s\n", line.p).p, 1000, &why));
	OK(feed(str_fmt(arena, "%s\n%s\n", line.p, line.p).p, 1, &why));
	OK(!feed(str_fmt(arena, ":%s\n", line.p).p, 1000, &why));
	OK(!feed(str_fmt(arena, ":%s\n", line.p).p, 1, &why));
}

/* ---- walking ------------------------------------------------------------------------ */
static void
test_walk(void)
{
	static const char *const broken[] = { "", "[", "{", "{\"a", "{\"a\"",
		"{\"a\":", "{\"a\":[", "[1", "[\"\\", "{1", "x", "[,", "[1,,",
		"{\"a\":}", "  ", "  x", "  {\"a\"" };
	static const char *const blank[] = { " [1,[2]]", "\r\n\t [1,[2]] ",
		"\n{\"a\":1,\"b\":[2]}" };
	struct jdoc_span v, object = { STR("{ \"a\" : [1 , 2] , \"b\":\"x\","
		"\"\\u0063\":true,\"d\":-1e5}"), JDOC_OBJECT };
	struct str name, text;

	IS_STR(walk_member(arena, object, "a").raw, "[1 , 2]");
	IS_INT(walk_member(arena, object, "a").type, JDOC_ARRAY);
	IS_STR(walk_member(arena, object, "c").raw, "true");
	IS_STR(walk_member(arena, object, "d").raw, "-1e5");
	IS_INT(walk_member(arena, object, "e").type, JDOC_ABSENT);
	OK(walk_text(arena, object, "b", &text) && str_is(text, "x"));
	OK(!walk_text(arena, object, "d", &text));
	for (size_t i = 0; i < sizeof(blank) / sizeof(blank[0]); i++) {
		struct walk w = walk_into(str_of(blank[i]));
		bool good = walk_next(&w, &name, &v) && str_is(v.raw, "1") &&
			walk_next(&w, &name, &v) && str_is(v.raw, "[2]");

		tap_ok(good && !walk_next(&w, &name, &v),
			"blanks before container %zu", i);
	}
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct walk w = walk_into(str_copy(arena,
			str_of(broken[i])));
		int n = 0;

		while (n < 9 && walk_next(&w, &name, &v))
			n++;
		tap_ok(n < 3, "ends: %s", broken[i]);
	}
}

int
main(void)
{
	arena = arena_new(256u << 20);
	test_documents();
	test_kinds();
	test_limit();
	test_streams();
	test_event_size();
	test_walk();
	arena_free(arena);
	return tap_done();
}
