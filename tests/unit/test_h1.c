/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "http/h1_write.h"
#include "kit/outline.h"
#include "kit/tap.h"

static struct arena *arena;

/* ---- replies, and what is understood ------------------------- */

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_SAID "200 [Transfer-Encoding: chunked] "

static const struct {
	const char *name, *reply, *said;
} cases[] = {
	/* bodies */
	{ "a length", OK_HEAD "Content-Length: 2\r\n\r\nok",
		"200 [Content-Length: 2] {ok} end+0 keeps" },
	{ "a length of none", OK_HEAD "content-length:0\r\n\r\n",
		"200 [content-length:0] end+0 keeps" },
	{ "a body that is cut", OK_HEAD "Content-Length: 3\r\n\r\nok",
		"200 [Content-Length: 3] {ok} cut" },
	{ "until the end", OK_HEAD "\r\nall of it", "200 {all of it} end+0" },
	{ "nothing until the end", OK_HEAD "\r\n", "200 end+0" },
	{ "204 has no body", "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n",
		"204 [Content-Length: 5] end+0 keeps" },
	{ "304 has none", "HTTP/1.1 304 N\r\n\r\n", "304 end+0 keeps" },
	{ "chunks", CHUNKED "3\r\none\r\nA\r\n0123456789\r\n0\r\n\r\n",
		CHUNKED_SAID "{one0123456789} end+0 keeps" },
	{ "no chunk", CHUNKED "0\r\n\r\n", CHUNKED_SAID "end+0 keeps" },
	{ "zeros before a size", CHUNKED "000\r\n\r\n",
		CHUNKED_SAID "end+0 keeps" },
	{ "extensions", CHUNKED "3;a=b\r\none\r\n0 \r\n\r\n",
		CHUNKED_SAID "{one} end+0 keeps" },
	{ "trailers", CHUNKED "1\r\nx\r\n0\r\nA: 1\r\nB: 2\r\n\r\n",
		CHUNKED_SAID "{x} end+0 keeps" },
	{ "coding in capitals", OK_HEAD "TRANSFER-ENCODING:CHUNKED\r\n\r\n"
		"0\r\n\r\n", "200 [TRANSFER-ENCODING:CHUNKED] end+0 keeps" },
	{ "chunks that are cut", CHUNKED "3\r\non", CHUNKED_SAID "{on} cut" },
	{ "no last chunk", CHUNKED "1\r\nx\r\n", CHUNKED_SAID "{x} cut" },
	{ "no end of trailers", CHUNKED "0\r\nA: 1\r\n", CHUNKED_SAID "cut" },

	/* what follows is not of this reply */
	{ "bytes behind a length", OK_HEAD "Content-Length: 1\r\n\r\nxHTTP",
		"200 [Content-Length: 1] {x} end+4 keeps" },
	{ "bytes behind chunks", CHUNKED "0\r\n\r\nHTTP/1.1 200",
		CHUNKED_SAID "end+12 keeps" },
	{ "bytes behind 204", "HTTP/1.1 204 N\r\n\r\nx", "204 end+1 keeps" },

	/* what is kept */
	{ "close", OK_HEAD "Connection: close\r\nContent-Length: 0\r\n\r\n",
		"200 [Connection: close] [Content-Length: 0] end+0" },
	{ "close in a list", OK_HEAD "Content-Length: 0\r\nconnection: a, "
		"Close ,b\r\n\r\n", "200 [Content-Length: 0] [connection: a, "
		"Close ,b] end+0" },
	{ "not close", OK_HEAD "Connection: closed\r\nContent-Length: 0\r\n"
		"\r\n", "200 [Connection: closed] [Content-Length: 0] end+0 "
		"keeps" },
	{ "a proxy's close", OK_HEAD "Proxy-Connection: close\r\n"
		"Content-Length: 0\r\n\r\n", "200 [Proxy-Connection: close] "
		"[Content-Length: 0] end+0" },
	{ "HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n"
		"Connection: keep-alive\r\n\r\n", "200 [Content-Length: 0] "
		"[Connection: keep-alive] end+0" },

	/* heads */
	{ "no reason", "HTTP/1.1 204\r\n\r\n", "204 end+0 keeps" },
	{ "an empty reason", "HTTP/1.1 204 \r\n\r\n", "204 end+0 keeps" },
	{ "a later 1.x", "HTTP/1.2 204 N\r\n\r\n", "204 end+0 keeps" },
	{ "line feeds alone", "HTTP/1.1 200 OK\nContent-Length: 1\n\nx",
		"200 [Content-Length: 1] {x} end+0 keeps" },
	{ "early heads", "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\n"
		"Content-Length: 7\r\n\r\nHTTP/1.1 204 N\r\n\r\n",
		"100 early 103 [Link: a] [Content-Length: 7] early 204 end+0 "
		"keeps" },
	{ "nor of the length of what follows", "HTTP/1.1 103 E\r\n"
		"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n"
		OK_HEAD "Content-Length: 2\r\n\r\nxy", "103 "
		"[Content-Length: 7] [Transfer-Encoding: chunked] early 200 "
		"[Content-Length: 2] {xy} end+0 keeps" },
	{ "an early head says nothing of the end", "HTTP/1.1 100 C\r\n"
		"Connection: close\r\n\r\n" OK_HEAD "Content-Length: 0\r\n\r\n",
		"100 [Connection: close] early 200 [Content-Length: 0] end+0 "
		"keeps" },
	{ "odd lines go on", OK_HEAD "no colon\r\nX Y: 1\r\nZ: \x01\r\n"
		"Content-Length: 0\r\n\r\n", "200 [no colon] [X Y: 1] [Z: "
		"\x01] [Content-Length: 0] end+0 keeps" },
	{ "nothing", "", "cut" },
	{ "a part of the first line", "HTTP/1.1 2", "cut" },
	{ "a part of the head", OK_HEAD "A: b\r\n", "200 [A: b] cut" },
	{ "only an early head", "HTTP/1.1 100 C\r\n\r\n", "100 early cut" },

	/* no HTTP */
	{ "another protocol", "SSH-2.0-x\r\n", "bad" },
	{ "its first byte", "S", "bad" },
	{ "another version", "HTTP/2 200\r\n\r\n", "bad" },
	{ "a version of letters", "HTTP/1.x 200 OK\r\n\r\n", "bad" },
	{ "a small name", "http/1.1 200 OK\r\n\r\n", "bad" },
	{ "two digits", "HTTP/1.1 20 OK\r\n\r\n", "bad" },
	{ "four digits", "HTTP/1.1 2000 OK\r\n\r\n", "bad" },
	{ "a status below 100", "HTTP/1.1 099 OK\r\n\r\n", "bad" },
	{ "two blanks", "HTTP/1.1  200 OK\r\n\r\n", "bad" },
	{ "no status", "HTTP/1.1\r\n\r\n", "bad" },
	{ "an empty line first", "\r\n" OK_HEAD "\r\n", "bad" },
	{ "an upgrade nobody asked for", "HTTP/1.1 101 S\r\n\r\n", "bad" },
	{ "CR in a line", OK_HEAD "A: b\rc\r\n\r\n", "200 bad" },
	{ "CR before the end of a line", OK_HEAD "A: b\r\r\n\r\n", "200 bad" },

	/* doubtful lengths */
	{ "length and chunks", OK_HEAD "Content-Length: 2\r\n"
		"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"200 [Content-Length: 2] [Transfer-Encoding: chunked] bad" },
	{ "chunks and length", OK_HEAD "Transfer-Encoding: chunked\r\n"
		"Content-Length: 2\r\n\r\n0\r\n\r\n",
		"200 [Transfer-Encoding: chunked] [Content-Length: 2] bad" },
	{ "two lengths", OK_HEAD "Content-Length: 2\r\nContent-Length: 3\r\n"
		"\r\nok", "200 [Content-Length: 2] bad" },
	{ "two lengths in a line", OK_HEAD "Content-Length: 2, 3\r\n\r\nok",
		"200 bad" },
	{ "the same length twice", OK_HEAD "Content-Length: 2\r\n"
		"Content-Length: 2, 2\r\n\r\nok", "200 [Content-Length: 2] "
		"[Content-Length: 2, 2] {ok} end+0 keeps" },
	{ "a negative length", OK_HEAD "Content-Length: -1\r\n\r\n",
		"200 bad" },
	{ "a plus", OK_HEAD "Content-Length: +1\r\n\r\nx", "200 bad" },
	{ "a hex length", OK_HEAD "Content-Length: 0x1\r\n\r\nx", "200 bad" },
	{ "an empty length", OK_HEAD "Content-Length:\r\n\r\n", "200 bad" },
	{ "an empty length in a list", OK_HEAD "Content-Length: 1,\r\n\r\nx",
		"200 bad" },
	{ "19 digits", OK_HEAD "Content-Length: 9999999999999999999\r\n\r\nx",
		"200 [Content-Length: 9999999999999999999] {x} cut" },
	{ "20 digits", OK_HEAD "Content-Length: 00000000000000000001\r\n\r\n",
		"200 bad" },
	{ "a blank before the colon", OK_HEAD "Content-Length : 2\r\n\r\nok",
		"200 bad" },
	{ "one before another colon", OK_HEAD "Transfer-Encoding\t: chunked"
		"\r\n\r\n", "200 bad" },
	{ "a folded line", OK_HEAD "A: 1\r\n b\r\nContent-Length: 0\r\n\r\n",
		"200 [A: 1] bad" },
	{ "one folded by a tab", OK_HEAD "A: 1\r\n\tb\r\n\r\n",
		"200 [A: 1] bad" },
	{ "a fold of nothing", OK_HEAD " b\r\n\r\n", "200 bad" },
	{ "a folded length", OK_HEAD "Content-Length: 2\r\n 3\r\n\r\n",
		"200 [Content-Length: 2] bad" },
	{ "a folded coding", OK_HEAD "Transfer-Encoding: chunked\r\n\t, x\r\n"
		"\r\n", "200 [Transfer-Encoding: chunked] bad" },
	{ "another coding", OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n",
		"200 bad" },
	{ "a coding twice", OK_HEAD "Transfer-Encoding: chunked\r\n"
		"Transfer-Encoding: chunked\r\n\r\n",
		"200 [Transfer-Encoding: chunked] bad" },
	{ "an odd coding", OK_HEAD "Transfer-Encoding: xchunked\r\n\r\n",
		"200 bad" },
	{ "an empty coding", OK_HEAD "Transfer-Encoding:\r\n\r\n", "200 bad" },
	{ "chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: "
		"chunked\r\n\r\n", "200 [Transfer-Encoding: chunked] bad" },

	/* chunks */
	{ "no size", CHUNKED "\r\n", CHUNKED_SAID "bad chunk" },
	{ "no digits", CHUNKED "zz\r\n", CHUNKED_SAID "bad chunk" },
	{ "a sign", CHUNKED "+1\r\nx\r\n", CHUNKED_SAID "bad chunk" },
	{ "a blank first", CHUNKED " 1\r\nx\r\n", CHUNKED_SAID "bad chunk" },
	{ "a prefix", CHUNKED "0x1\r\nx\r\n", CHUNKED_SAID "bad chunk" },
	{ "15 digits", CHUNKED "00000000000000f\r\nx", CHUNKED_SAID "{x} cut" },
	{ "16 digits", CHUNKED "000000000000000f\r\nx",
		CHUNKED_SAID "bad chunk" },
	{ "a size that ends with a line feed", CHUNKED "1\nx\r\n0\r\n\r\n",
		CHUNKED_SAID "bad chunk" },
	{ "an extension that does", CHUNKED "1;a\nx\r\n0\r\n\r\n",
		CHUNKED_SAID "bad chunk" },
	{ "CR alone behind a size", CHUNKED "1\rx", CHUNKED_SAID "bad chunk" },
	{ "longer than it says", CHUNKED "1\r\nxy\r\n0\r\n\r\n",
		CHUNKED_SAID "{x} bad chunk" },
	{ "a line feed behind data", CHUNKED "1\r\nx\n0\r\n\r\n",
		CHUNKED_SAID "{x} bad chunk" },
	{ "CR in a trailer", CHUNKED "0\r\nA: b\rc\r\n\r\n",
		CHUNKED_SAID "bad" },
};

/* Whole, byte by byte, and cut in two at each place. */
static void
check(const char *name, struct str reply, const char *said)
{
	struct str got = outline(arena, reply, 0, reply.n + 1);

	if (!tap_ok(str_is(got, said), "%s", name))
		printf("# got  '%.*s'\n# want '%s'\n", STR_ARG(got), said);
	tap_ok(str_eq(outline(arena, reply, 0, 1), got),
		"%s, byte by byte", name);
	for (size_t i = 1; i < reply.n; i++) {
		if (!str_eq(outline(arena, reply, i, reply.n), got)) {
			tap_ok(false, "%s, cut at %zu", name, i);
			return;
		}
	}
}

static void
test_nul(void)
{
	check("NUL in a line", STR("HTTP/1.1 200 OK\r\nA: \0b\r\n\r\n"),
		"200 bad");
	check("NUL in the first line", STR("HTTP/1.1 200 \0\r\n\r\n"), "bad");
	check("NUL behind a size", STR("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
		"chunked\r\n\r\n1;\0\r\n"), CHUNKED_SAID "bad chunk");
}

/* ---- limits ------------------------- */

/* A head of n bytes, or n lines, with an end like that. */
static struct str
head_of(size_t n, size_t lines, const char *tail)
{
	struct buf b = buf_new(arena, MIB(1));
	struct str text = STR("");

	buf_add_c(&b, OK_HEAD);
	for (size_t i = 0; i < lines; i++)
		buf_add_c(&b, "A: b\r\n");
	if (n > 0)
		buf_add_c(&b, "X: ");
	while (n > 0 && b.n + strlen(tail) < n)
		buf_char(&b, 'x');
	buf_add_c(&b, tail);
	buf_take(&b, &text);
	return text;
}

static bool
ends_as(struct str reply, const char *tail)
{
	struct str one = outline(arena, reply, 0, reply.n);

	return str_eq(one, outline(arena, reply, 0, 1)) &&
		str_eq(one, outline(arena, reply, 0, 1000)) &&
		str_ends(one, str_of(tail));
}

static void
test_limits(void)
{
	static const char end[] = "\r\nContent-Length: 0\r\n\r\n";
	static const char trailed[] = "\r\nTransfer-Encoding: chunked\r\n"
		"\r\n0\r\nTrailer: 1\r\n\r\n";
	struct buf b = buf_new(arena, MIB(1));
	struct str text;

	OK(ends_as(head_of(MAX_REPLY_HEADERS, 0, end), "end+0 keeps"));
	OK(ends_as(head_of(MAX_REPLY_HEADERS + 1, 0, end), "large"));
	OK(ends_as(head_of(0, MAX_REPLY_LINES - 1, end + 2), "end+0 keeps"));
	OK(ends_as(head_of(0, MAX_REPLY_LINES, end + 2), "large"));
	OK(ends_as(head_of(MAX_REPLY_HEADERS + 1, 0, ""), "large"));

	/* Trailers count with the head; a size line of 3 bytes does not. */
	OK(ends_as(head_of(MAX_REPLY_HEADERS + 3, 0, trailed), "end+0 keeps"));
	OK(ends_as(head_of(MAX_REPLY_HEADERS + 4, 0, trailed), "large"));

	/* Early heads cannot go on for ever. */
	for (int i = 0; i < 1000; i++)
		buf_add_c(&b, "HTTP/1.1 100 Continue\r\n\r\n");
	OK(buf_take(&b, &text) && ends_as(text, "large"));

	/* Nor extensions. */
	b = buf_new(arena, MIB(1));
	buf_add_c(&b, CHUNKED "1;");
	for (int i = 0; i < 300; i++)
		buf_char(&b, 'x');
	OK(buf_take(&b, &text) && ends_as(text, "bad chunk"));
}

static const struct {
	const char *line;
	bool has;
	uint64_t s;
} keeps[] = {
	{ "Keep-Alive: timeout=5", true, 5 },
	{ "Keep-Alive: max=100, timeout=60", true, 60 },
	{ "keep-alive: Timeout = 7 , max=1", true, 7 },
	{ "Keep-Alive: timeout=x", false, 0 },
	{ "Keep-Alive: 5", false, 0 },
	{ "Keep-Alive:", false, 0 },
};

static void
test_keep_alive(void)
{
	for (size_t i = 0; i < sizeof(keeps) / sizeof(keeps[0]); i++) {
		struct str in = str_fmt(arena, OK_HEAD "%s\r\n\r\n",
			keeps[i].line), piece;
		struct h1 h;

		h1_init(&h, arena);
		while (in.n > 0 && h1_next(&h, &in, &piece) < H1_BODY)
			continue;
		tap_ok(h.has_keep == keeps[i].has && (!h.has_keep ||
			h.keep_s == keeps[i].s), "%s", keeps[i].line);
	}
}

/* ---- requests ------------------------- */

static void
test_write(void)
{
	struct headers h;
	struct h1_request q = { .method = "POST", .path = STR("/a?b"),
		.host = STR("h:81"), .headers = &h, .has_body = true,
		.joined = true, .body = STR("{}") };

	headers_init(&h, arena);
	headers_add(&h, STR("A"), STR("b"));
	headers_add(&h, STR("Empty"), STR(""));
	headers_add(&h, STR("content-length"), STR("99"));
	headers_add(&h, STR("Transfer-Encoding"), STR("chunked"));
	headers_add(&h, STR("Connection"), STR("close"));
	IS_STR(h1_write(arena, &q), "POST /a?b HTTP/1.1\r\nHost: h:81\r\n"
		"A: b\r\nEmpty:\r\nContent-Length: 2\r\n\r\n{}");
	q.joined = false;
	q.body = (struct str){ NULL, 1234567890 };
	IS_STR(h1_write(arena, &q), "POST /a?b HTTP/1.1\r\nHost: h:81\r\n"
		"A: b\r\nEmpty:\r\nContent-Length: 1234567890\r\n\r\n");

	headers_init(&h, arena);
	headers_add(&h, STR("host"), STR("other"));
	q = (struct h1_request){ .method = "GET", .origin = STR("http://h"),
		.path = STR("?q"), .host = STR("h"), .headers = &h,
		.proxy_auth = STR("Basic eA==") };
	IS_STR(h1_write(arena, &q), "GET http://h/?q HTTP/1.1\r\n"
		"Proxy-Authorization: Basic eA==\r\nhost: other\r\n\r\n");
	q = (struct h1_request){ .method = "DELETE", .host = STR("h") };
	IS_STR(h1_write(arena, &q), "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n");
}

int
main(void)
{
	arena = arena_new(64 << 20);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(cases[i].name, str_of(cases[i].reply), cases[i].said);
	test_nul();
	test_limits();
	test_keep_alive();
	test_write();
	arena_free(arena);
	return tap_done();
}
