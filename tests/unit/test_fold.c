/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "relay/fold.h"

#include "base/arena.h"
#include "base/buf.h"
#include "kit/tap.h"
#include "relay/answered.h"

#define REPLY "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}"
#define OTHER "{\"jsonrpc\":\"2.0\",\"id\":8,\"error\":{}}"
#define NOTE "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\"," \
	"\"params\":{}}"
#define ASK "{\"jsonrpc\":\"2.0\",\"id\":\"s1\",\"method\":\"ping\"}"

static const struct {
	const char *name, *id, *stream;
	enum fold_state state;
	const char *reply;
	uint32_t refused;
} cases[] = {
	{ "the answer alone", "7", "data: " REPLY "\n\n",
		FOLD_DONE, REPLY, 0 },
	{ "the answer behind a notification", "7",
		"data: " NOTE "\n\nevent: message\ndata: " REPLY "\n\n",
		FOLD_DONE, REPLY, 0 },
	{ "comments and empty events pass", "7",
		": hi\n\nid: 1\ndata:\n\ndata: " REPLY "\n\n",
		FOLD_DONE, REPLY, 0 },
	{ "a request of the upstream is noted", "7",
		"data: " ASK "\n\ndata: " REPLY "\n\n", FOLD_DONE, REPLY, 1 },
	{ "an id has its type", "\"7\"", "data: " REPLY "\n\n",
		FOLD_MORE, "", 0 },
	{ "an id may be escaped in another way", "\"\\u00e9\\/1\"",
		"data: {\"id\":\"\xc3\xa9/1\",\"result\":{}}\n\n",
		FOLD_DONE, "{\"id\":\"\xc3\xa9/1\",\"result\":{}}", 0 },
	{ "no answer yet", "7", "data: " NOTE "\n\n", FOLD_MORE, "", 0 },
	{ "half an event", "7", "data: " REPLY "\n", FOLD_MORE, "", 0 },
	{ "not JSON", "7", "data: hello\n\n", FOLD_BAD, "", 0 },
	{ "events of another name pass", "7", "event: ping\ndata: hello\n\n"
		"event: Message\ndata: " OTHER "\n\nevent: x\ndata: " ASK
		"\n\nevent: x\ndata: " REPLY "\n\n", FOLD_MORE, "", 0 },
	{ "the last name counts", "7", "event: x\nevent: message\ndata: "
		REPLY "\n\n", FOLD_DONE, REPLY, 0 },
	{ "an empty name is none", "7", "event: x\nevent\ndata: " REPLY
		"\n\n", FOLD_DONE, REPLY, 0 },
	{ "a name and not JSON", "7", "event: message\ndata: hello\n\n",
		FOLD_BAD, "", 0 },
	{ "an array is no message", "7", "data: []\n\n", FOLD_BAD, "", 0 },
	{ "an array for one request", "7", "data: [" REPLY "]\n\n",
		FOLD_BAD, "", 0 },
	{ "both of a batch", "7 8", "data: " OTHER "\n\ndata: " NOTE
		"\n\ndata: " REPLY "\n\n",
		FOLD_DONE, "[" OTHER "," REPLY "]", 0 },
	{ "one of a batch twice", "7 8", "data: " REPLY "\n\ndata: " REPLY
		"\n\n", FOLD_MORE, "", 0 },
	{ "a batch in an array", "7 8", "data:  [ " OTHER "," REPLY " ] \n\n",
		FOLD_DONE, "[ " OTHER "," REPLY " ]", 0 },
	{ "an array and one", "7 8", "data: [" OTHER "]\n\ndata: " REPLY
		"\n\n", FOLD_DONE, "[" OTHER "," REPLY "]", 0 },
	{ "a stranger in the array", "7 8", "data: [" OTHER "," NOTE "]\n\n",
		FOLD_BAD, "", 0 },
	{ "a repeated name is refused", "7",
		"data: {\"id\":7,\"id\":7,\"result\":{}}\n\n",
		FOLD_BAD, "", 0 },
};

/* "7", or "7 8": a batch. */
static bool
find_ids(struct str s, struct str ids[2], uint32_t *n_r)
{
	*n_r = 0;
	while (s.p != NULL)
		ids[(*n_r)++] = str_cut(&s, ' ');
	return *n_r > 1;
}

static void
fold(size_t i, size_t step)
{
	struct arena *a = arena_new(1 << 20);
	struct str s = str_of(cases[i].stream);
	struct str ids[2];
	struct fold_plan plan = { .ids = ids, .max = 4096 };
	struct fold f;
	size_t at;

	plan.batch = find_ids(str_of(cases[i].id), ids, &plan.n_ids);
	fold_init(&f, a, &plan);
	for (at = 0; at < s.n; at += step)
		fold_feed(&f, str_head(str_from(s, at), step));
	tap_ok(f.state == cases[i].state, "%s (%zu bytes a time)",
		cases[i].name, step);
	if (f.state == FOLD_DONE)
		tap_str(f.reply, cases[i].reply, cases[i].name, __LINE__);
	tap_ok(f.n_refused == cases[i].refused, "%s: refused",
		cases[i].name);
	arena_free(a);
}

static void
fold_seven(struct fold *f, struct arena *a, size_t max)
{
	static const struct str seven = { "7", 1 };

	fold_init(f, a, &(struct fold_plan){ .ids = &seven, .n_ids = 1,
		.max = max });
}

static void
too_large(size_t length, enum fold_state want)
{
	struct arena *a = arena_new(1 << 20);
	struct fold f;
	size_t i;

	fold_seven(&f, a, 64);
	fold_feed(&f, STR("data: "));
	for (i = 0; i < length; i++)
		fold_feed(&f, STR(" "));
	tap_ok(f.state == want, "an event of %zu bytes, 64 allowed", length + 6);
	arena_free(a);
}

/* However many come, and however often they are taken. */
static void
many_asks(void)
{
	struct arena *a = arena_new(1 << 20);
	uint32_t i, taken = 0;
	struct fold f;

	fold_seven(&f, a, 4096);
	for (i = 0; i < 10 * MAX_FOLD_REFUSED; i++) {
		fold_feed(&f, STR("data: " ASK "\n\n"));
		taken += f.n_refused;
		f.n_refused = 0;
	}
	IS_INT(taken, MAX_FOLD_REFUSED);
	arena_free(a);
}

static void
long_stream(void)
{
	struct arena *a = arena_new(1 << 20);
	struct fold f;
	size_t used;
	int i;

	fold_seven(&f, a, 4096);
	fold_feed(&f, STR("data: " NOTE "\n\n"));
	used = arena_used(a);
	for (i = 0; i < 1000; i++)
		fold_feed(&f, STR("data: " NOTE "\n\n"));
	tap_ok(arena_used(a) == used, "1000 events leave nothing behind");
	arena_free(a);
}

/* ---- where a stream is taken up again ---------------------------------------- */
static const struct {
	const char *stream, *last;
	int retry_ms;
} places[] = {
	{ "data: " NOTE "\n\n", "", -1 },
	{ "id: a\ndata:\n\n", "a", -1 },
	{ "id: a\nretry: 500\ndata:\n\n", "a", 500 },
	{ "retry: 7\n\nid: b\ndata: " NOTE "\n\n", "b", 7 },
	{ "id: a\ndata:\n\ndata: " NOTE "\n\n", "a", -1 },
	{ "id: a\ndata:\n\nid: b\n\n", "b", -1 },
	{ "id: a\ndata:\n\nid:\ndata:\n\n", "", -1 },
	{ "id: a\ndata:\n\nid: b\n", "a", -1 },	/* not complete */
	{ "id: a\n\nid: b\tc\x01\n\n", "", -1 },	/* not for a header */
};

static void
place(size_t i)
{
	struct arena *a = arena_new(1 << 20);
	struct fold f;

	fold_seven(&f, a, 4096);
	fold_feed(&f, str_of(places[i].stream));
	tap_str((struct str){ f.last, f.n_last }, places[i].last,
		places[i].stream, __LINE__);
	IS_INT(f.retry_ms, places[i].retry_ms);
	arena_free(a);
}

static void
long_id(size_t n, size_t want)
{
	struct arena *a = arena_new(1 << 20);
	struct fold f;

	fold_seven(&f, a, 4096);
	fold_feed(&f, STR("id: "));
	while (n-- > 0)
		fold_feed(&f, STR("x"));
	fold_feed(&f, STR("\n\n"));
	IS_INT(f.n_last, want);
	arena_free(a);
}

/* What the first stream left unfinished is not part of the second one. */
static void
second_stream(void)
{
	struct arena *a = arena_new(1 << 20);
	struct fold f;

	fold_seven(&f, a, 4096);
	fold_feed(&f, STR("id: a\n\ndata: {\"jsonrpc\""));
	fold_again(&f);
	fold_feed(&f, STR("data: {\"jsonrpc\":\"2.0\",\"id\":7,"
		"\"result\":{}}\n\n"));
	tap_ok(f.state == FOLD_DONE, "the answer is in the second stream");
	IS_STR(f.reply, "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}");
	arena_free(a);
}

/* ---- a stream that is handed on ------------------------------------------------ */
static const struct {
	const char *name, *ids, *stream, *missing;
} broken[] = {
	{ "nothing came", "7", "", "7 " },
	{ "the answer", "7", "data: " REPLY "\n\n", "" },
	{ "half of it", "7", "data: " REPLY "\n", "7 " },
	{ "that of another", "7", "data: " OTHER "\n\n", "7 " },
	{ "a request with the id", "\"s1\"", "data: " ASK "\n\n", "\"s1\" " },
	{ "one of two", "7 8", "data: " NOTE "\n\ndata: " OTHER "\n\n",
		"7 " },
	{ "both in an array", "7 8", "data: [" OTHER "," REPLY "]\n\n", "" },
	{ "one twice", "7 8", "data: " REPLY "\n\ndata: " REPLY "\n\n",
		"8 " },
	{ "the same id twice", "7 7", "data: " REPLY "\n\n", "7 " },
	{ "both of the same id", "7 7", "data: [" REPLY "," REPLY "]\n\n",
		"" },
	{ "another event", "7", "event: x\ndata: " REPLY "\n\n", "7 " },
	{ "escaped", "\"\\u00e9\" \"e\"", "data: {\"id\":\"\xc3\xa9\","
		"\"r\\u0065sult\":{}}\n\n", "\"e\" " },
};

static void
follow(size_t i, size_t step)
{
	struct arena *a = arena_new(1 << 20);
	struct str s = str_of(broken[i].stream), ids[2], id, said;
	struct buf b = buf_new(a, 100);
	struct answered *w;
	uint32_t n, at = 0;

	find_ids(str_of(broken[i].ids), ids, &n);
	w = answered_new(a, ids, n);
	for (size_t k = 0; k < s.n; k += step)
		answered_follow(w, str_head(str_from(s, k), step));
	while (answered_not(w, &at, &id)) {
		buf_add(&b, id);
		buf_char(&b, ' ');
	}
	tap_ok(buf_take(&b, &said) && str_is(said, broken[i].missing),
		"missing: %s (%zu bytes a time)", broken[i].name, step);
	arena_free(a);
}

/* An event that is too long to be looked at may be any answer. */
static void
follow_long(size_t n, bool missing)
{
	struct arena *a = arena_new(16u << 20);
	struct str id = STR("7");
	struct answered *w = answered_new(a, &id, 1);
	uint32_t at = 0;

	answered_follow(w, str_fmt(a, ":%0*d\n\n", (int)n - 1, 0));
	tap_ok(answered_not(w, &at, &id) == missing, "after %zu bytes", n);
	arena_free(a);
}

int
main(void)
{
	struct arena *a = arena_new(4096);
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fold(i, 1);
		fold(i, 4096);
	}
	for (i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		follow(i, 1);
		follow(i, 4096);
	}
	follow_long(MIB(1), true);
	follow_long(MIB(1) + 1, false);
	too_large(58, FOLD_MORE);
	too_large(59, FOLD_BAD);
	many_asks();
	long_stream();
	for (i = 0; i < sizeof(places) / sizeof(*places); i++)
		place(i);
	long_id(MAX_EVENT_ID, MAX_EVENT_ID);
	long_id(MAX_EVENT_ID + 1, 0);
	second_stream();
	IS_STR(fold_refusal(a, STR("\"s1\"")),
		"{\"jsonrpc\":\"2.0\",\"id\":\"s1\",\"error\":{\"code\":-32601,"
		"\"message\":\"the client cannot be asked\"}}");
	arena_free(a);
	return tap_done();
}
