/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/wire.h"
#include "kit/probe.h"
#include "kit/tap.h"

/* ---- proxies, blocks, TLS ------------------------- */

enum via { VIA_FAKE, VIA_CLOSED, VIA_NOWHERE, VIA_SOCKS, VIA_SOCKS_CLOSED };

static const struct {
	const char *name;
	const char *url;		/* %d: the fake's port */
	enum via via;
	bool auth;
	const char *noproxy;
	enum transfer_end end;
	const char *detail, *body;
} proxied[] = {
	{ "a request through a proxy", "http://a.test/x", VIA_FAKE, false, "",
		TRANSFER_OK, "", "GET http://a.test/x HTTP/1.1\r\n" },
	{ "its password", "http://auth.test/x", VIA_FAKE, true, "",
		TRANSFER_OK, "", "Proxy-Authorization: Basic dTpw\r\n" },
	{ "no password", "http://auth.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY_AUTH, "status 407", NULL },
	{ "no password for a tunnel", "https://auth.test/x", VIA_FAKE, false,
		"", TRANSFER_PROXY_AUTH, "status 407", NULL },
	{ "a tunnel that is denied", "https://deny.test/x", VIA_FAKE, false,
		"", TRANSFER_PROXY, "refused", NULL },
	{ "a tunnel to nowhere", "https://late.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY, "timeout", NULL },
	{ "a proxy that is none", "https://bad.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY, "handshake", NULL },
	{ "a proxy that closes", "https://shut.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY, "handshake", NULL },
	{ "a proxy that is mute", "https://mute.test/x", VIA_FAKE, false, "",
		TRANSFER_PROXY, "timeout", NULL },
	{ "TLS behind the tunnel", "https://127.0.0.1:%d/x", VIA_FAKE, false,
		"", TRANSFER_TLS, "handshake failed", NULL },
	{ "a proxy that refuses", "http://a.test/x", VIA_CLOSED, false, "",
		TRANSFER_PROXY, "refused", NULL },
	{ "a proxy without address", "http://a.test/x", VIA_NOWHERE, false,
		"", TRANSFER_PROXY, "host not found", NULL },
	{ "a host that goes direct", "http://127.0.0.1:%d/ok", VIA_CLOSED,
		false, "x.test,127.0.0.0/8", TRANSFER_OK, "", "{\"ok\":true}" },
	{ "SOCKS that refuses us", "http://127.0.0.1:%d/ok", VIA_SOCKS, false,
		"", TRANSFER_PROXY, "handshake", NULL },
	{ "no SOCKS there", "http://127.0.0.1:%d/ok", VIA_SOCKS_CLOSED, false,
		"", TRANSFER_PROXY, "refused", NULL },
};

static struct str
proxy_url(enum via via)
{
	switch (via) {
	case VIA_FAKE:
		return str_fmt(arena, "http://127.0.0.1:%d", fake.port);
	case VIA_CLOSED:
		return str_fmt(arena, "http://127.0.0.1:%d",
			fake_closed_port());
	case VIA_NOWHERE:
		return STR("http://nowhere.invalid:3128");
	case VIA_SOCKS:
		return str_fmt(arena, "socks5h://127.0.0.1:%d", fake.port);
	default:
		return str_fmt(arena, "socks5h://127.0.0.1:%d",
			fake_closed_port());
	}
}

static struct str
with_port(const char *text)
{
	struct str s = str_of(text);
	size_t n = str_search(s, STR("%d"));

	if (n == s.n)
		return s;
	return str_fmt(arena, "%.*s%d%.*s", STR_ARG(str_head(s, n)),
		fake.port, STR_ARG(str_from(s, n + 2)));
}

static void
run_proxied(size_t i)
{
	struct conf_server s = { .index = 1 };
	struct probe p;
	struct transfer_plan plan = plan_for(&p, with_port(proxied[i].url));
	bool good;

	s.options.proxy.url = proxy_url(proxied[i].via);
	s.options.proxy.noproxy = str_of(proxied[i].noproxy);
	s.options.proxy.has_auth = proxied[i].auth;
	s.options.proxy.username = STR("u");
	s.options.proxy.password = secret_of(STR("p"));
	plan.server = &s;
	plan.connect_ms = 1000 * (int)tap_slow();
	start(&p, &plan);
	run_for(5000);
	good = p.ends == 1 && p.end == proxied[i].end &&
		strcmp(p.detail, proxied[i].detail) == 0 &&
		(proxied[i].body == NULL || body_has(&p, proxied[i].body));
	tap_ok(good, "%s", proxied[i].name);
	if (!good)
		printf("# end %d detail '%s' body '%s'\n", p.end, p.detail,
			p.body);
}

static void
test_environment(void)
{
	struct probe p;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("HTTP_PROXY", "http://127.0.0.1:1", 1);
	setenv("all_proxy", "http://127.0.0.1:1", 1);
	wire_free(wire);
	wire = wire_new(loop);
	get(&p, "/ok");
	IS_INT(p.end, TRANSFER_OK);
	unsetenv("http_proxy");
	unsetenv("HTTP_PROXY");
	unsetenv("all_proxy");
}

static const struct {
	const char *url;
	bool proxy, blocked;
} blocks[] = {
	{ "http://127.0.0.1:%d/ok", false, true },
	{ "http://0x7f000001:%d/ok", false, true },
	{ "http://localhost:%d/ok", false, true },
	{ "http://[::ffff:127.0.0.1]:%d/ok", false, true },
	{ "http://a.test/ok", true, false },
	{ "http://127.0.0.1:%d/ok", true, true },
	{ "http://0x7f000001/ok", true, true },
	{ "http://2130706433/ok", true, true },
	{ "http://127.1/ok", true, true },
	{ "http://[::1]/ok", true, true },
	{ "http://x.localhost/ok", true, true },
};

static void
test_blocks(void)
{
	struct probe p;

	get(&p, "/ok");		/* leaves a connection that fits */
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		struct conf_server s = { .index = 300 };
		struct transfer_plan plan = plan_for(&p,
			with_port(blocks[i].url));

		s.options.block_private = true;
		if (blocks[i].proxy)
			s.options.proxy.url = proxy_url(VIA_FAKE);
		plan.server = &s;
		start(&p, &plan);
		run_for(5000);
		tap_ok(p.ends == 1 && p.end == (blocks[i].blocked ?
			TRANSFER_BLOCKED : TRANSFER_OK), "block %s%s",
			blocks[i].url, blocks[i].proxy ? " by proxy" : "");
	}
}

/* A server of the openssl program, with a certificate it has just made. */
struct tls_server {
	char dir[64], cert[96];
	FILE *out;
	pid_t pid;
	int port;
};

static bool
tls_start(struct tls_server *s)
{
	char cmd[1024], line[256];

	snprintf(s->dir, sizeof(s->dir), "/tmp/transfer.XXXXXX");
	if (mkdtemp(s->dir) == NULL)
		return false;
	snprintf(s->cert, sizeof(s->cert), "%s/cert.pem", s->dir);
	snprintf(cmd, sizeof(cmd), "cd %s && openssl req -x509 -newkey "
		"ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
		"/CN=mcp.test -addext subjectAltName=DNS:mcp.test -keyout "
		"key.pem -out cert.pem 2>/dev/null && echo $$ && exec openssl "
		"s_server -www -accept 127.0.0.1:0 -cert cert.pem -key "
		"key.pem 2>/dev/null </dev/null", s->dir);
	s->out = popen(cmd, "r");
	if (s->out == NULL || fgets(line, sizeof(line), s->out) == NULL)
		return false;
	s->pid = (pid_t)atol(line);
	while (fgets(line, sizeof(line), s->out) != NULL) {
		char *colon = strrchr(line, ':');

		if (strncmp(line, "ACCEPT", 6) == 0 && colon != NULL) {
			s->port = atoi(colon + 1);
			return true;
		}
	}
	return false;
}

static void
tls_stop(struct tls_server *s)
{
	char cmd[128];

	if (s->pid > 0)
		kill(s->pid, SIGKILL);
	if (s->out != NULL)
		pclose(s->out);
	snprintf(cmd, sizeof(cmd), "rm -r %s", s->dir);
	if (system(cmd) != 0)
		printf("# cannot remove %s\n", s->dir);
}

static const struct {
	const char *name, *server_name, *ca;	/* ca "own": the right one */
	bool insecure;
	int max_version;
	bool proxy;
	enum transfer_end end;
	const char *detail;
} tls_cases[] = {
	{ "own CA, own name", "mcp.test", "own", false, 0, false, TRANSFER_OK,
		"" },
	{ "the same through a tunnel", "mcp.test", "own", false, 0, true,
		TRANSFER_OK, "" },
	{ "another name", "other.test", "own", false, 0, false, TRANSFER_TLS,
		"certificate is not trusted" },
	{ "the address is no name", "", "own", false, 0, false, TRANSFER_TLS,
		"certificate is not trusted" },
	{ "not trusted", "mcp.test", "", false, 0, false, TRANSFER_TLS,
		"certificate is not trusted" },
	{ "not trusted, through a tunnel", "mcp.test", "", false, 0, true,
		TRANSFER_TLS, "certificate is not trusted" },
	{ "not looked at", "", "", true, 0, false, TRANSFER_OK, "" },
	{ "TLS 1.2 at most", "", "", true, 12, false, TRANSFER_OK, "" },
	{ "no such CA file", "mcp.test", "/nonexistent.pem", false, 0, false,
		TRANSFER_TLS, "CA file is not usable" },
};

static void
run_tls(const struct tls_server *srv, size_t i)
{
	struct conf_server s = { .index = 2 };
	struct probe p;
	struct transfer_plan plan = plan_for(&p, str_fmt(arena,
		"https://127.0.0.1:%d/x", srv->port));

	if (strcmp(tls_cases[i].ca, "own") == 0)
		s.options.tls.ca_file = str_of(srv->cert);
	else
		s.options.tls.ca_file = str_of(tls_cases[i].ca);
	s.options.tls.server_name = str_of(tls_cases[i].server_name);
	s.options.tls.insecure_skip_verify = tls_cases[i].insecure;
	s.options.tls.max_version = tls_cases[i].max_version;
	if (tls_cases[i].proxy)
		s.options.proxy.url = proxy_url(VIA_FAKE);
	plan.server = &s;
	start(&p, &plan);
	run_for(5000);
	tap_ok(p.ends == 1 && p.end == tls_cases[i].end &&
		strcmp(p.detail, tls_cases[i].detail) == 0, "TLS: %s",
		tls_cases[i].name);
	if (p.end != tls_cases[i].end)
		printf("# end %d detail '%s'\n", p.end, p.detail);
}

static void
test_tls(void)
{
	struct tls_server s = { .pid = 0 };

	if (!tls_start(&s)) {
		printf("# no openssl program: TLS is not tested\n");
		tls_stop(&s);
		return;
	}
	for (size_t i = 0; i < sizeof(tls_cases) / sizeof(tls_cases[0]); i++)
		run_tls(&s, i);
	tls_stop(&s);
}

/* Leaving while a name is looked up must not wait for it.  libcurl calls this
 * one instead of libc's, so it must be seen from outside. */
__attribute__((visibility("default"))) int
getaddrinfo(const char *node, const char *service,
	const struct addrinfo *hints, struct addrinfo **res)
{
	(void)service;
	(void)hints;
	*res = NULL;
	if (strcmp(node, "slow.test") == 0)
		usleep(1500000);
	return EAI_NONAME;
}

static void
test_slow_name(void)
{
	struct probe p;
	struct transfer_plan plan = plan_for(&p, STR("http://slow.test/"));
	uint64_t before;

	plan.connect_ms = 100;
	start(&p, &plan);
	before = loop_now_ms(loop);
	run_for(3000);
	IS_INT(p.end, TRANSFER_TIMEOUT);
	tap_ok(loop_now_ms(loop) - before < 1000, "after %d ms",
		(int)(loop_now_ms(loop) - before));
	plan = plan_for(&p, STR("http://slow.test/"));
	start(&p, &plan);
	pass(20);
	before = loop_now_ms(loop);
	transfer_stop(p.t);
	waiting = 0;
	pass(1);
	OK(loop_now_ms(loop) - before < 500);
	pass(1600);		/* let the threads end */
}

/* One setting that differs is another way; the same again is the same. */
static const struct {
	const char *name;
	struct conf_options options;
} ways[] = {
	{ "no more", { .disabled = false } },
	{ "certificates not looked at", { .tls = {
		.insecure_skip_verify = true } } },
	{ "TLS at least", { .tls = { .min_version = 13 } } },
	{ "TLS at most", { .tls = { .max_version = 12 } } },
	{ "a CA file", { .tls = { .ca_file = STR("/a.pem") } } },
	{ "another CA file", { .tls = { .ca_file = STR("/b.pem") } } },
	{ "a certificate", { .tls = { .cert_file = STR("/a.pem") } } },
	{ "a key", { .tls = { .key_file = STR("/a.pem") } } },
	{ "ciphers", { .tls = { .ciphers12 = STR("A") } } },
	{ "ciphers of 1.3", { .tls = { .ciphers13 = STR("A") } } },
	{ "no private addresses", { .block_private = true } },
	{ "a proxy", { .proxy = { .url = STR("http://p.test:1") } } },
	{ "another proxy", { .proxy = { .url = STR("http://p.test:2") } } },
	{ "a password", { .proxy = { .url = STR("http://p.test:1"),
		.has_auth = true, .username = STR("u") } } },
};

#define WAYS (sizeof(ways) / sizeof(ways[0]))

static struct way *
way_of(size_t i)
{
	struct conf_server s = { .index = 3, .options = ways[i].options };
	struct url u;

	OK(url_parse(STR("https://mcp.test/x"), &u));
	return place_for(wire, &s, &u)->way;
}

static void
test_ways(void)
{
	struct way *seen[WAYS];

	for (size_t i = 0; i < WAYS; i++) {
		size_t same = 0;

		seen[i] = way_of(i);
		for (size_t j = 0; j < i; j++)
			same += seen[j] == seen[i];
		tap_ok(same == 0, "a way of its own: %s", ways[i].name);
	}
	for (size_t i = 0; i < WAYS; i++)
		tap_ok(way_of(i) == seen[i], "again: %s", ways[i].name);
}

int
main(void)
{
	if (!probe_begin())
		return tap_skip("no socket on 127.0.0.1");
	for (size_t i = 0; i < sizeof(proxied) / sizeof(proxied[0]); i++)
		run_proxied(i);
	test_environment();
	test_blocks();
	test_tls();
	test_slow_name();
	test_ways();
	probe_end();
	return tap_done();
}
