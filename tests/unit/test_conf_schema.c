/* SPDX-License-Identifier: MIT */
/* conf_schema -- the rows themselves, and what is printed from them */
#include "config.h"
#include "conf/conf.h"

#include "base/jdoc.h"
#include "conf/load.h"
#include "kit/conf_rig.h"
#include "kit/tap.h"

static const struct jdoc_limits limits = { 64, 100000, 1 };

static bool
is_json(struct conf_rig *r, struct str text)
{
	struct jdoc_report report;

	return jdoc_check(r->arena, text, JDOC_STRICT, &limits, &report) ==
		JDOC_OK && report.top == JDOC_OBJECT;
}

static void
test_rows(struct conf_rig *r)
{
	struct tree_file file = { .name = STR("rows"), .dir = STR("/") };
	struct node at = { .type = JDOC_OBJECT, .file = &file };

	for (size_t i = 0; i < schema_count(); i++) {
		const struct row *row = schema_row(i);
		struct report *report = report_new(r->arena);
		struct loading l = { .arena = r->arena, .report = report };
		struct node *n;

		n = value_preset(&l, row, &at);
		tap_ok(report->n == 0 && (n == NULL || !n->bad),
			"default of %s", row->key);
		tap_ok(row->help != NULL && row->help[0] != '\0' &&
			row->help[strlen(row->help) - 1] == '.',
			"help of %s", row->key);
		tap_ok(schema_key(row->key) == row, "%s is there once",
			row->key);
		if ((row->kind == ROW_WORD || row->kind == ROW_WORDS ||
		    row->kind == ROW_SWITCH) && row->choices == NULL)
			tap_ok(false, "%s has no words", row->key);
		if ((row->kind == ROW_BLOCKS || row->kind == ROW_KEYS) &&
		    row->refer == NULL)
			tap_ok(false, "%s has no shape", row->key);
	}
}

static const struct {
	const char *known, *written;
	bool same;
} names[] = {
	{ "baseURL", "baseURL", true }, { "baseURL", "base_url", true },
	{ "baseURL", "baseurl", false }, { "baseURL", "baseUrl", false },
	{ "rotateOn", "rotate_on", true }, { "rotateOn", "rotate_On", false },
	{ "rotateOn", "_rotate_on", false }, { "rotateOn", "rotateon_", false },
	{ "sha256", "sha_256", true }, { "tokens", "token", false },
	{ "perIpRequestsPerMinute", "per_ip_requests_per_minute", true },
};

static void
test_names(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		tap_ok(schema_same(str_of(names[i].known),
			str_of(names[i].written)) == names[i].same,
			"%s as %s", names[i].known, names[i].written);
	IS_STR(schema_nearest("options.auth", STR("token")), "tokens");
	IS_STR(schema_nearest("options.auth", STR("zzzzzzzzzz")), "");
}

static const struct {
	const char *text;
	int64_t ms;			/* -1: refused */
} times[] = {
	{ "250ms", 250 }, { "30s", 30000 }, { "1m30s", 90000 },
	{ "7d", 604800000 }, { "1.5s", 1500 }, { "0", 0 }, { "0s", 0 },
	{ "1h", 3600000 }, { "1us", 1 }, { "", -1 }, { "30", -1 },
	{ "s", -1 }, { "30 s", -1 }, { "30S", -1 }, { "1.s", -1 },
	{ "-1s", -1 }, { "1y", -1 }, { "9223372036s", 9223372036000 },
	{ "9223372037s", -1 }, { "99999999999999999999s", -1 },
	{ "106751d", 9223286400000 }, { "106752d", -1 },
};

static const struct {
	const char *text;
	int64_t bytes;			/* -1: refused */
} sizes[] = {
	{ "1", 1 }, { "1B", 1 }, { "4KiB", 4096 }, { "1MiB", 1048576 },
	{ "2GiB", 2147483648 }, { "1KB", 1000 }, { "1 MiB", 1048576 },
	{ "", -1 }, { "MiB", -1 }, { "1.5MiB", -1 }, { "1mib", -1 },
	{ "-1", -1 }, { "1TiB", -1 },
};

static const struct {
	const char *text;
	int64_t unix_s;			/* -1: refused */
} dates[] = {
	{ "1970-01-01T00:00:00Z", 0 }, { "2027-01-31T00:00:00Z", 1801353600 },
	{ "2000-02-29T12:00:00.5Z", 951825600 },
	{ "2024-12-31T23:59:60Z", 1735689600 },
	{ "2027-01-31T00:00:00+01:30", 1801348200 },
	{ "2027-01-31T00:00:00", -1 }, { "2027-02-29T00:00:00Z", -1 },
	{ "2027-13-01T00:00:00Z", -1 }, { "2027-01-31 00:00:00Z", -1 },
	{ "2027-01-31T24:00:00Z", -1 }, { "2027-01-31T00:00:00.Z", -1 },
	{ "2027-01-31T00:00:00+1:30", -1 }, { "2027-1-31T00:00:00Z", -1 },
};

static void
test_units(void)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t v = -1;
		bool good = value_duration(str_of(times[i].text), &v);

		tap_ok(good == (times[i].ms >= 0) && v == times[i].ms,
			"duration '%s'", times[i].text);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int64_t v = -1;
		bool good = value_size(str_of(sizes[i].text), &v);

		tap_ok(good == (sizes[i].bytes >= 0) && v == sizes[i].bytes,
			"size '%s'", sizes[i].text);
	}
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		int64_t v = -1;
		bool good = value_date(str_of(dates[i].text), &v);

		tap_ok(good == (dates[i].unix_s >= 0) && v == dates[i].unix_s,
			"date '%s'", dates[i].text);
	}
}

/* ---- the complete example ---------------------------------------------------------- */
static const char *const variables[] = {
	"MCPGATE_SECRET_KEY", "MCP_ADMIN_TOKEN", "MCP_AUTH_TOKEN", "CI_TOKEN",
	"GATE_SECRET", "TOK_A", "TOK_B", "TOK_C", "TOKEN_PRIMARY",
	"TOKEN_BACKUP", "PROXY_USER", "PROXY_PASS", "CLIENT_ID",
	"CLIENT_SECRET", "INTROSPECTION_CLIENT_ID",
	"INTROSPECTION_CLIENT_SECRET",
};

/* The files of the example are made where a test may make them. */
static const struct {
	const char *old, *new;
} edits[] = {
	{ "/etc/mcpgate/ca.pem", "ca.pem" },
	{ "/etc/mcpgate/cert.pem", "cert.pem" },
	{ "/etc/mcpgate/key.pem", "key.pem" },
	{ "/var/log/mcpgate/audit.jsonl", "audit.jsonl" },
};

static const char *
edited(struct conf_rig *r, struct str text)
{
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		size_t at = str_search(text, str_of(edits[i].old));

		tap_ok(at < text.n, "the example holds %s", edits[i].old);
		text = str_fmt(r->arena, "%.*s%s%.*s",
			STR_ARG(str_head(text, at)), edits[i].new,
			STR_ARG(str_from(text, at + strlen(edits[i].old))));
	}
	return text.p;
}

static bool
serves(const struct conf_server *s)
{
	return str_is(s->name, "search") || str_is(s->name, "github") ||
		str_is(s->name, "internal");
}

/* mcpgate --check-config takes it as it is shipped. */
static void
test_example(struct conf_rig *r)
{
	struct str text = conf_rig_sample(r, "conf/mcpgate.full.json"), dump;
	const struct conf *c;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		setenv(variables[i], str_fmt(r->arena, "canary-%zu-0123456789"
			"abcdef0123456789", i).p, 1);
	conf_rig_write(r, "ca.pem", "x", 0644);
	conf_rig_write(r, "cert.pem", "x", 0644);
	conf_rig_write(r, "key.pem", "x", 0600);
	r->source.check_only = true;
	c = conf_rig_load(r, edited(r, text));
	r->source.check_only = false;
	if (!OK(c != NULL)) {
		conf_rig_show(r);
		return;
	}
	IS_INT(c->n_servers, 7);
	dump = conf_dump(r->gen, r->arena);
	OK(is_json(r, dump));
	OK(str_search(dump, STR("canary")) == dump.n);
	OK(str_search(dump, STR("\"***\"")) < dump.n);
	OK(str_search(dump, STR("\"requestsPerMinute\": 600")) < dump.n);
	OK(str_search(dump, STR("${PROXY_USER}")) < dump.n);
	for (uint32_t i = 0; i < r->messages.n; i++)
		OK(str_search(r->messages.v[i].text, STR("canary")) ==
			r->messages.v[i].text.n);
	for (uint32_t i = 0; i < c->n_servers; i++)
		tap_ok(c->servers[i].options.disabled ||
			(c->servers[i].invalid.n == 0) ==
			serves(&c->servers[i]),
			"server %u serves if this build can do all it asks",
			i);
}

/* A dump with literal secrets everywhere shows none of them. */
static void
test_masks(struct conf_rig *r)
{
	const struct conf *c = conf_rig_load(r, "{\"mcpProxy\":{"
		"\"admin\":{\"tokens\":[\"canary-0123456789\"],\"basic\":{"
		"\"user\":\"u\",\"password\":\"canary-0123456789\"}},"
		"\"metrics\":{\"tokens\":\"canary-a-0123456789\"}},"
		"\"mcpServers\":{\"s\":{\"url\":\"http://u/?canary=1\","
		"\"headers\":{\"X-Key\":\"canary\"},\"options\":{"
		"\"auth\":{\"tokens\":[{\"value\":\"canary-b\"},\"canary-c\"]},"
		"\"proxy\":{\"url\":\"http://u:canary@h:1\"},"
		"\"inboundAuth\":{\"apikey\":{\"value\":\"canary-d-0123456789,"
		"canary-e-0123456789\"},\"lua\":{\"source\":\"canary\"}}}},"
		"\"t\":{\"command\":\"x\",\"args\":[\"canary\"],\"env\":{\"K\":"
		"\"canary\"}}}}");
	struct str dump;

	if (!OK(c != NULL)) {
		conf_rig_show(r);
		return;
	}
	dump = conf_dump(r->gen, r->arena);
	OK(is_json(r, dump));
	if (!OK(str_search(dump, STR("canary")) == dump.n))
		printf("# %.*s\n", 80, dump.p + str_search(dump,
			STR("canary")) - 40);
}

/* A dump is a configuration, once its secrets are filled in. */
static const char *const dumped[] = {
	"{}",
	"{\"mcpServers\":{\"s\":{\"url\":\"http://u/\"}}}",
	"{\"mcpServers\":{\"s\":{\"url\":\"http://u/\",\"options\":{\"auth\":{"
	"\"tokens\":[\"a\",{\"value\":\"b\",\"weight\":2}],\"rotateOn\":[429]}"
	",\"security\":{\"tls\":{\"minVersion\":\"1.3\"}}}}}}",
	"{\"mcpProxy\":{\"options\":{\"authTokens\":[\"0123456789abcdef\"],"
	"\"jwtAudience\":\"x\"}},\"mcpServers\":{\"s\":{\"url\":\"http://u/\","
	"\"options\":{\"timeouts\":{\"tools\":{\"x\":\"1s\"}}}},"
	"\"off\":{\"disabled\":true}}}",
	"{\"mcpProxy\":{\"trustedProxies\":\"unix:,10.0.0.0/8\"},"
	"\"mcpServers\":{\"s\":{\"url\":\"http://u/\",\"options\":{"
	"\"authMode\":\"proxy\",\"proxyHeader\":\"X-U\",\"outboundAuth\":{"
	"\"strategy\":\"apiKey\",\"apiKey\":{\"query\":\"k\",\"value\":\"v\"}}"
	"}}}}",
};

static const char *
filled_in(struct conf_rig *r, struct str dump)
{
	char *p = arena_alloc(r->arena, dump.n * 2 + 1);
	struct str rest = dump;
	size_t n = 0;

	while (rest.n > 0) {
		size_t at = str_search(rest, STR("\"***\""));

		memcpy(p + n, rest.p, at);
		n += at;
		if (at < rest.n) {
			memcpy(p + n, "\"0123456789abcdef\"", 18);
			n += 18;
		}
		rest = str_from(rest, at + 5);
	}
	return p;
}

static void
test_again(struct conf_rig *r)
{
	for (size_t i = 0; i < sizeof(dumped) / sizeof(dumped[0]); i++) {
		struct str first, second;

		if (!tap_ok(conf_rig_load(r, dumped[i]) != NULL,
		    "row %zu loads", i)) {
			conf_rig_show(r);
			continue;
		}
		first = conf_dump(r->gen, r->arena);
		r->source.check_only = true;
		if (!tap_ok(conf_rig_load(r, filled_in(r, first)) != NULL,
		    "row %zu loads again", i)) {
			conf_rig_show(r);
			printf("%.*s\n", STR_ARG(first));
		} else {
			second = conf_dump(r->gen, r->arena);
			tap_ok(str_eq(first, second), "row %zu is the same",
				i);
		}
		r->source.check_only = false;
	}
}

static void
test_printed(struct conf_rig *r)
{
	struct str schema = conf_schema(r->arena);
	struct str papers = conf_options_markdown(r->arena);

	OK(is_json(r, schema));
	OK(str_search(schema, STR("\"rotationMode\"")) < schema.n);
	OK(str_eq(schema, conf_rig_sample(r, "conf/mcpgate.schema.json")));
	OK(str_eq(papers, conf_rig_sample(r, "docs/options.md")));
	for (size_t i = 0; i < schema_count(); i++) {
		struct str name = str_fmt(r->arena, "\"%.*s\"",
			STR_ARG(row_name(schema_row(i))));

		if (!str_is(name, "\"*\""))
			tap_ok(str_search(schema, name) < schema.n,
				"%s is in the schema", name.p);
	}
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	test_rows(&r);
	test_names();
	test_units();
	test_example(&r);
	test_masks(&r);
	test_again(&r);
	test_printed(&r);
	conf_rig_end(&r);
	return tap_done();
}
