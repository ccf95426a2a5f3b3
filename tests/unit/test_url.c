/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "http/url.h"
#include "kit/tap.h"

static const struct {
	const char *text;
	const char *scheme, *host, *path;	/* scheme NULL: refused */
	int port;
	bool loopback;
} cases[] = {
	{ "http://h", "http", "h", "/", 80, false },
	{ "https://h", "https", "h", "/", 443, false },
	{ "HTTPS://Host.Example/Path?q=1", "https", "Host.Example",
		"/Path?q=1", 443, false },
	{ "http://h:1/", "http", "h", "/", 1, false },
	{ "http://h:65535/", "http", "h", "/", 65535, false },
	{ "http://h:65536/", NULL, "", "", 0, false },
	{ "http://h:0/", NULL, "", "", 0, false },
	{ "http://h:/", NULL, "", "", 0, false },
	{ "http://h:+1/", NULL, "", "", 0, false },
	{ "http://h:000080/", NULL, "", "", 0, false },
	{ "http://h:1:2/", NULL, "", "", 0, false },
	{ "http://h?x=1", "http", "h", "?x=1", 80, false },
	{ "http://127.0.0.1:8080/mcp", "http", "127.0.0.1", "/mcp", 8080,
		true },
	{ "http://127.255.0.9/", "http", "127.255.0.9", "/", 80, true },
	{ "http://128.0.0.1/", "http", "128.0.0.1", "/", 80, false },
	{ "http://localhost/", "http", "localhost", "/", 80, true },
	{ "http://LOCALHOST/", "http", "LOCALHOST", "/", 80, true },
	{ "http://localhost.example/", "http", "localhost.example", "/", 80,
		false },
	{ "http://[::1]:9/", "http", "[::1]", "/", 9, true },
	{ "http://[::2]/", "http", "[::2]", "/", 80, false },
	{ "http://[2001:db8::1]/x", "http", "[2001:db8::1]", "/x", 80, false },
	{ "http://[::1", NULL, "", "", 0, false },
	{ "http://[::1]x/", NULL, "", "", 0, false },
	{ "http://[::1%25lo]/", NULL, "", "", 0, false },
	{ "http://[]/", NULL, "", "", 0, false },
	{ "http://[v1.x]/", NULL, "", "", 0, false },
	{ "http://::1/", NULL, "", "", 0, false },
	{ "http:///h", NULL, "", "", 0, false },
	{ "http://", NULL, "", "", 0, false },
	{ "http://?x", NULL, "", "", 0, false },
	{ "http:/h", NULL, "", "", 0, false },
	{ "//h/", NULL, "", "", 0, false },
	{ "h/", NULL, "", "", 0, false },
	{ "", NULL, "", "", 0, false },
	{ "ftp://h/", NULL, "", "", 0, false },
	{ "file:///etc/passwd", NULL, "", "", 0, false },
	{ "gopher://h/", NULL, "", "", 0, false },
	{ "http://u@h/", NULL, "", "", 0, false },
	{ "http://u:p@h/", NULL, "", "", 0, false },
	{ "http://@h/", NULL, "", "", 0, false },
	{ "http://h/a@b", "http", "h", "/a@b", 80, false },
	{ "http://h/#f", NULL, "", "", 0, false },
	{ "http://h#f", NULL, "", "", 0, false },
	{ "http://h\\@x/", NULL, "", "", 0, false },
	{ "http://h%41/", NULL, "", "", 0, false },
	{ "http://h/%41", "http", "h", "/%41", 80, false },
	{ "http://h /", NULL, "", "", 0, false },
	{ "http://h/a b", NULL, "", "", 0, false },
	{ "http://h/\r\nX", NULL, "", "", 0, false },
	{ "http://h/\x7f", NULL, "", "", 0, false },
	{ "http://h\xc3\xa4/", NULL, "", "", 0, false },
	{ "http://.h/", NULL, "", "", 0, false },
	{ "http://h_1-2.x/", "http", "h_1-2.x", "/", 80, false },
	{ " http://h/", NULL, "", "", 0, false },
};

static const struct {
	const char *text, *logged;
} logs[] = {
	{ "http://h/a?b=c#d", "http://h/a" },
	{ "http://user:secret@h:80/a?b", "http://h:80/a" },
	{ "http://user@evil@h/a", "http://h/a" },
	{ "http://h?token=1", "http://h" },
	{ "http://h/x@y", "http://h/x@y" },
	{ "socks5://u:p@h:1/", "<redacted-url>" },
	{ "u:p@h", "<redacted-url>" },
	{ "http://u:p@/", "<redacted-url>" },
	{ "http://h\n/", "<redacted-url>" },
	{ "", "<redacted-url>" },
};

static const struct {
	const char *text;
	const char *decoded;			/* NULL: refused */
} forms[] = {
	{ "", "" },
	{ "a-b_c.~", "a-b_c.~" },
	{ "a+b%2B%20", "a b+ " },
	{ "%61%4a%4A", "aJJ" },
	{ "%", NULL },
	{ "%6", NULL },
	{ "a%6g", NULL },
	{ "%g6", NULL },
	{ "%%61", NULL },
};

static void
check_forms(struct arena *a)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct str text;
		bool good = url_form_text(a, str_of(forms[i].text), &text);

		tap_ok(good == (forms[i].decoded != NULL) && (!good ||
			str_is(text, forms[i].decoded)), "form %s",
			forms[i].text);
	}
}

static void
check_escapes(struct arena *a)
{
	IS_STR(url_escape(a, STR("aZ09-._~")), "aZ09-._~");
	IS_STR(url_escape(a, STR("a b+c&d=%\xff")), "a%20b%2Bc%26d%3D%25%FF");
	IS_STR(url_escape(a, STR("")), "");
}

int
main(void)
{
	struct arena *a = arena_new(1 << 20);
	char host[300];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct url u;
		bool good = url_parse(str_of(cases[i].text), &u);

		tap_ok(good == (cases[i].scheme != NULL) && (!good ||
			(str_is(u.scheme, cases[i].scheme) &&
			str_is(u.host, cases[i].host) &&
			str_is(u.path, cases[i].path) &&
			u.port == cases[i].port &&
			u.loopback == cases[i].loopback)),
			"row %zu", i);
	}
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
		IS_STR(url_for_log(a, str_of(logs[i].text)), logs[i].logged);
	for (size_t n = 253; n <= 254; n++) {
		struct url u;

		memset(host, 'h', sizeof(host));
		memcpy(host, "http://", 7);
		tap_ok(url_parse((struct str){ host, 7 + n }, &u) ==
			(n == 253), "a host of %zu bytes", n);
	}
	check_forms(a);
	check_escapes(a);
	arena_free(a);
	return tap_done();
}
