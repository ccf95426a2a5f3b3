/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/buf.h"
#include "base/limits.h"
#include "kit/conf_rig.h"
#include "kit/tap.h"

#define KEY "0123456789abcdefghijklmnopqrstuvwxyzAB"
#define JWT(more) "\"inboundAuth\":{\"strategy\":\"jwt\",\"jwt\":{" \
	"\"secret\":\"" KEY "\"" more "}}"
#define SIGNED(strategy, more) "\"inboundAuth\":{\"strategy\":" strategy \
	",\"proxy\":{\"userHeader\":\"X-Id\",\"format\":\"jwt\"}," \
	"\"jwt\":{\"secret\":\"" KEY "\"" more "}}"
#define FILE_OF(base, options, servers) "{\"mcpProxy\":{" base \
	"\"options\":{" options "}},\"mcpServers\":{" servers "}}"
#define BASE "\"baseURL\":\"https://gate.test/p/\","
#define S "\"s\":{\"url\":\"http://u.test/\"}"
#define T ",\"t\":{\"url\":\"http://u.test/\"}"
#define OFF ",\"t\":{\"url\":\"http://u.test/\",\"disabled\":true}"

/* The audience of the first server, joined by blanks. */
static const struct {
	const char *name, *text, *audience;
	bool warned;			/* W09 */
} cases[] = {
	{ "one server: its URLs and the mount's",
		FILE_OF(BASE, JWT(""), S),
		"https://gate.test/p/s/mcp https://gate.test/p/s "
		"https://gate.test/p https://gate.test/p/mcp", false },
	{ "two servers: its URLs alone", FILE_OF(BASE, JWT(""), S T),
		"https://gate.test/p/s/mcp https://gate.test/p/s", false },
	{ "a disabled one does not count", FILE_OF(BASE, JWT(""), S OFF),
		"https://gate.test/p/s/mcp https://gate.test/p/s "
		"https://gate.test/p https://gate.test/p/mcp", false },
	{ "a configured audience stays",
		FILE_OF(BASE, JWT(",\"audience\":\"a\""), S), "a", false },
	{ "no baseURL: not checked, and told", FILE_OF("", JWT(""), S), "",
		true },
	{ "an assertion in a header of its own", FILE_OF(BASE,
		JWT(",\"header\":\"X-Jwt-Assertion\",\"prefix\":\"\""), S),
		"", true },
	{ "a header that is the usual one", FILE_OF(BASE,
		JWT(",\"header\":\"authorization\""), S T),
		"https://gate.test/p/s/mcp https://gate.test/p/s", false },
	{ "a profile with a header of its own", FILE_OF(BASE,
		JWT(",\"profile\":\"cloudflare\""), S), "", true },
	{ "a proxy's signed header", FILE_OF(BASE, SIGNED("\"proxy\"", ""),
		S), "", true },
	{ "a proxy's signed header, for whom is said", FILE_OF(BASE,
		SIGNED("\"proxy\"", ",\"audience\":\"a\""), S), "a", false },
	{ "bearers and a proxy's signed header", FILE_OF(BASE,
		SIGNED("[\"jwt\",\"proxy\"]", ""), S T),
		"https://gate.test/p/s/mcp https://gate.test/p/s", false },
	{ "a preset with a signed header", FILE_OF(BASE, "\"inboundAuth\":{"
		"\"strategy\":\"proxy\",\"proxy\":{\"preset\":\"cloudflare\"},"
		"\"jwt\":{\"issuer\":\"https://team.test\"}}", S), "", true },
	{ "another strategy", FILE_OF(BASE, "\"inboundAuth\":{\"strategy\":"
		"\"none\",\"jwt\":{\"secret\":\"" KEY "\"}}", S), "", false },
};

static struct str
joined(struct arena *a, const struct conf_texts *t)
{
	struct str all = STR("");

	for (uint32_t i = 0; i < t->n; i++)
		all = str_fmt(a, "%.*s%s%.*s", STR_ARG(all), i > 0 ? " " : "",
			STR_ARG(t->v[i]));
	return all;
}

static bool
warned(const struct conf_rig *r)
{
	for (uint32_t i = 0; i < r->messages.n; i++) {
		if (strcmp(r->messages.v[i].id, "W09") == 0)
			return true;
	}
	return false;
}

/* A list of n origins. */
static bool
takes_origins(struct conf_rig *r, uint32_t n)
{
	struct buf b = buf_new(r->arena, 1 << 16);
	struct str text;

	buf_add_c(&b, "{\"mcpProxy\":{\"options\":{\"security\":{\"cors\":{"
		"\"allowedOrigins\":[");
	for (uint32_t i = 0; i < n; i++)
		buf_fmt(&b, "%s\"https://h%u.test\"", i > 0 ? "," : "", i);
	buf_add_c(&b, "]}}}}}");
	return buf_take(&b, &text) && conf_rig_load(r, text.p) != NULL;
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct conf *c = conf_rig_load(&r, cases[i].text);
		struct str got;

		if (!tap_ok(c != NULL, "%s: loads", cases[i].name)) {
			conf_rig_show(&r);
			continue;
		}
		got = joined(r.arena,
			&c->servers[0].options.inbound.jwt.audience);
		tap_ok(str_is(got, cases[i].audience), "%s: %.*s",
			cases[i].name, STR_ARG(got));
		tap_ok(warned(&r) == cases[i].warned, "%s: W09",
			cases[i].name);
	}
	OK(takes_origins(&r, MAX_ORIGINS));
	OK(!takes_origins(&r, MAX_ORIGINS + 1));
	conf_rig_end(&r);
	return tap_done();
}
