/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "base/limits.h"
#include "base/origin.h"
#include "kit/tap.h"

/* What an Origin header may say. host NULL: it is no origin. */
static const struct {
	const char *text, *host, *port;
} values[] = {
	{ "https://app.example.com", "app.example.com", "" },
	{ "HTTPS://App.Example.COM", "App.Example.COM", "" },
	{ "https://app.example.com:8443", "app.example.com", "8443" },
	{ "http://127.0.0.1:6274", "127.0.0.1", "6274" },
	{ "http://[::1]", "[::1]", "" },
	{ "http://[2001:db8::1]:80", "[2001:db8::1]", "80" },
	{ "chrome-extension://abcdef", "abcdef", "" },
	{ "a+b-c.d9://h", "h", "" },
	{ "https://h:0", "h", "0" },
	{ "https://h:65535", "h", "65535" },
	{ "https://xn--bcher-kva.example", "xn--bcher-kva.example", "" },
	{ "null", NULL, "" }, { "NULL", NULL, "" }, { "", NULL, "" },
	{ "*", NULL, "" }, { "https", NULL, "" }, { "https:", NULL, "" },
	{ "https:/h", NULL, "" }, { "https:h", NULL, "" },
	{ "//h", NULL, "" }, { "://h", NULL, "" }, { "h", NULL, "" },
	{ "https://", NULL, "" }, { "https://:80", NULL, "" },
	{ "https://h:", NULL, "" }, { "https://h:65536", NULL, "" },
	{ "https://h:000080", NULL, "" }, { "https://h:+80", NULL, "" },
	{ "https://h:-1", NULL, "" }, { "https://h:8o", NULL, "" },
	{ "https://h:80:80", NULL, "" }, { "https://h:80/", NULL, "" },
	{ "https://h/", NULL, "" }, { "https://h/x", NULL, "" },
	{ "https://h?x", NULL, "" }, { "https://h#x", NULL, "" },
	{ "https://u@h", NULL, "" }, { "https://u:p@h", NULL, "" },
	{ "https://h@", NULL, "" }, { "https://h\\x", NULL, "" },
	{ "https:\\\\h", NULL, "" }, { "https://h%2e", NULL, "" },
	{ "https://h_x", NULL, "" }, { "https://h,https://i", NULL, "" },
	{ "https://h, https://i", NULL, "" }, { "https://h https://i", NULL,
		"" }, { " https://h", NULL, "" }, { "https://h ", NULL, "" },
	{ "https://h\t", NULL, "" }, { "https://h\r\nX: y", NULL, "" },
	{ "https://h\x7f", NULL, "" }, { "https://h\x01", NULL, "" },
	{ "https://b\xc3\xbc" "cher", NULL, "" },
	{ "https://h;x", NULL, "" }, { "https://\"h\"", NULL, "" },
	{ "https://<h>", NULL, "" }, { "https://*.h", NULL, "" },
	{ "https://[::1", NULL, "" }, { "https://::1", NULL, "" },
	{ "https://[::1]x", NULL, "" }, { "https://[]", NULL, "" },
	{ "https://[1.2.3.4]", NULL, "" }, { "https://[::1%25lo]", NULL, "" },
	{ "https://[::g]", NULL, "" }, { "https://[h]", NULL, "" },
	{ "https://x[::1]", NULL, "" }, { "9a://h", NULL, "" },
	{ "h_t://h", NULL, "" }, { "https://https://h", NULL, "" },
	{ "file://", NULL, "" },
};

/* Which origins an entry lets in. */
static const struct {
	const char *entry, *origin;
	bool has;
} matches[] = {
	{ "https://app.example.com", "https://app.example.com", true },
	{ "https://app.example.com", "HTTPS://APP.EXAMPLE.COM", true },
	{ "https://App.Example.com", "https://app.example.com", true },
	{ "https://app.example.com", "http://app.example.com", false },
	{ "https://app.example.com", "https://app.example.com:443", false },
	{ "https://app.example.com:443", "https://app.example.com", false },
	{ "https://app.example.com:443", "https://app.example.com:443", true },
	{ "https://app.example.com:8443", "https://app.example.com:844",
		false },
	{ "https://app.example.com", "https://app.example.com.", false },
	{ "https://app.example.com", "https://app.example.com.evil.test",
		false },
	{ "https://app.example.com", "https://evil-app.example.com", false },
	{ "https://app.example.com", "https://evilapp.example.com", false },
	{ "https://app.example.com", "https://app.example.co", false },
	{ "https://app.example.com", "https://appxexample.com", false },
	{ "https://app.example.com", "https://x.app.example.com", false },
	{ "https://*.example.com", "https://a.example.com", true },
	{ "https://*.example.com", "https://a.b.example.com", true },
	{ "https://*.example.com", "https://A.EXAMPLE.com", true },
	{ "https://*.example.com", "https://example.com", false },
	{ "https://*.example.com", "https://.example.com", false },
	{ "https://*.example.com", "https://..example.com", false },
	{ "https://*.example.com", "https://a..example.com", false },
	{ "https://*.example.com", "https://.a.example.com", false },
	{ "https://*.example.com", "https://evilexample.com", false },
	{ "https://*.example.com", "https://evil-example.com", false },
	{ "https://*.example.com", "https://a.example.com.evil.test", false },
	{ "https://*.example.com", "https://a.example.com.", false },
	{ "https://*.example.com", "http://a.example.com", false },
	{ "https://*.example.com", "https://a.example.com:443", false },
	{ "https://*.example.com:8443", "https://a.example.com:8443", true },
	{ "https://*.example.com:8443", "https://a.example.com", false },
	{ "https://*.com", "https://example.com", true },
	{ "*.example.com", "https://a.example.com", true },
	{ "*.example.com", "http://a.example.com", false },
	{ "app.example.com", "https://app.example.com", true },
	{ "app.example.com:8443", "https://app.example.com:8443", true },
	{ "app.example.com", "https://b.example.com", false },
	{ "http://[::1]:80", "http://[::1]:80", true },
	{ "http://[2001:DB8::1]", "http://[2001:db8::1]", true },
	{ "http://[2001:db8::1]", "http://[2001:db8::2]", false },
	{ "*", "https://anything.test", true }, { "*", "x://y:1", true },
};

/* What may not stand in a list. */
static const char *const bad_entries[] = {
	"", "null", "NULL", "https://", "https://*", "https://*.",
	"https://*.*.com", "https://a.*.com", "https://a*.com", "**", "*.",
	"*.*", "https://h/", "https://h/x", "https://u@h", "https://h?x",
	"https://h#x", "https://h:", "https://h:65536", "https://h.",
	"https://.h", "https://a..b", "https://h h", "https://h,i",
	"https://[::1", "https://*.[::1]", "://h", "h:x", "https://b\xc3\xbc",
	"https://h_x", "https://h%41", "https://h\\",
};

static const struct {
	const char *origin;
	bool loopback;
} loopbacks[] = {
	{ "http://localhost", true }, { "http://LOCALHOST:6274", true },
	{ "https://localhost:1", true }, { "http://127.0.0.1:3000", true },
	{ "http://127.255.0.9", true }, { "http://[::1]:80", true },
	{ "http://[0:0::1]", true }, { "http://128.0.0.1", false },
	{ "http://localhost.evil.test", false },
	{ "http://127.0.0.1.evil.test", false },
	{ "http://notlocalhost", false }, { "http://x.localhost", false },
	{ "http://127.1", false }, { "http://2130706433", false },
	{ "http://0.0.0.0", false }, { "http://[::2]", false },
	{ "http://[::ffff:127.0.0.1]", false }, { "ws://localhost", false },
	{ "app://localhost", false }, { "http://127.0.0.01", false },
	{ "http://localhost.", false },
};

/* The host part of a Host header; NULL: malformed. */
static const struct {
	const char *value, *host;
} hosts[] = {
	{ "gate.test", "gate.test" }, { "Gate.Test:8443", "Gate.Test" },
	{ "127.0.0.1:80", "127.0.0.1" }, { "[::1]:80", "[::1]" },
	{ "[::1]", "[::1]" }, { "", NULL }, { ":80", NULL },
	{ "gate.test:", NULL }, { "gate.test:x", NULL },
	{ "gate.test:80@evil.test", NULL }, { "gate.test@evil.test", NULL },
	{ "gate.test/evil", NULL }, { "gate.test,evil.test", NULL },
	{ "gate.test evil.test", NULL }, { "[::1", NULL }, { "::1", NULL },
	{ "gate.test:80:80", NULL }, { "gate.test:99999", NULL },
	{ "a_gate:80", "a_gate" }, { "_", "_" }, { "a_gate@evil", NULL },
};

static void
check_values(void)
{
	struct origin o;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		bool good = origin_parse(str_of(values[i].text), &o);

		tap_ok(good == (values[i].host != NULL) && (!good ||
			(str_is(o.host, values[i].host) &&
			str_is(o.port, values[i].port))), "value %zu", i);
	}
	tap_ok(!origin_parse((struct str){ "https://h\0x", 11 }, &o),
		"a NUL inside");
}

static void
check_matches(void)
{
	struct origin_entry e;
	struct origin o;

	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++)
		tap_ok(origin_entry_parse(str_of(matches[i].entry), &e) &&
			origin_parse(str_of(matches[i].origin), &o) &&
			origin_entry_has(&e, &o) == matches[i].has,
			"'%s' and '%s'", matches[i].entry, matches[i].origin);
	for (size_t i = 0; i < sizeof(bad_entries) / sizeof(bad_entries[0]);
	    i++)
		tap_ok(!origin_entry_parse(str_of(bad_entries[i]), &e),
			"entry '%s' is none", bad_entries[i]);
	OK(origin_entry_parse(STR("*.example.com"), &e) && e.bare);
	OK(origin_entry_parse(STR("https://*.example.com"), &e) && !e.bare);
	OK(origin_entry_parse(STR("*"), &e) && !e.bare);
}

static void
check_lengths(void)
{
	char text[MAX_ORIGIN + 2];
	struct origin_entry e;
	struct origin o;

	memset(text, 'h', sizeof(text));
	memcpy(text, "https://", 8);
	OK(origin_parse((struct str){ text, MAX_ORIGIN }, &o));
	OK(!origin_parse((struct str){ text, MAX_ORIGIN + 1 }, &o));
	OK(origin_entry_parse((struct str){ text, MAX_ORIGIN }, &e));
	OK(!origin_entry_parse((struct str){ text, MAX_ORIGIN + 1 }, &e));
}

int
main(void)
{
	struct origin o;

	check_values();
	check_matches();
	check_lengths();
	for (size_t i = 0; i < sizeof(loopbacks) / sizeof(loopbacks[0]); i++)
		tap_ok(origin_parse(str_of(loopbacks[i].origin), &o) &&
			origin_loopback(&o) == loopbacks[i].loopback,
			"'%s' is %sloopback", loopbacks[i].origin,
			loopbacks[i].loopback ? "" : "not ");
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct str host = origin_host(str_of(hosts[i].value));

		tap_ok((host.p != NULL) == (hosts[i].host != NULL) &&
			(host.p == NULL || str_is(host, hosts[i].host)),
			"Host '%s'", hosts[i].value);
	}
	return tap_done();
}
