/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/fetch.h"
#include "http/guard.h"
#include "kit/probe.h"
#include "kit/tap.h"

/* What one fetch brought. */
struct catch {
	unsigned done;
	enum fetch_end end;
	int status;
	char body[512], detail[64];
	size_t n;
};

static void
done(void *who, const struct fetch_reply *r)
{
	struct catch *c = who;
	size_t n = r->body.n < sizeof(c->body) - 1 ? r->body.n :
		sizeof(c->body) - 1;

	c->done++;
	c->end = r->end;
	c->status = r->status;
	c->n = r->body.n;
	if (n > 0)
		memcpy(c->body, r->body.p, n);
	c->body[n] = '\0';
	snprintf(c->detail, sizeof(c->detail), "%s", r->detail);
	waiting--;
	loop_stop(loop);
}

static struct fetch_plan
plan_of(struct catch *c, struct str url)
{
	memset(c, 0, sizeof(*c));
	return (struct fetch_plan){
		.wire = wire, .url = url, .connect_ms = 1000,
		.total_ms = 2000, .max_bytes = 1000, .done = done, .who = c,
	};
}

static struct fetch *
go(const struct fetch_plan *p)
{
	const char *why = NULL;
	struct fetch *f = fetch_start(p, &why);

	if (f == NULL) {
		printf("# refused: %s\n", why);
		return NULL;
	}
	waiting++;
	run_for(4000);
	return f;
}

/* ---- how it ends ------------------------- */

static const struct {
	const char *name, *path;
	enum fetch_end end;
	int status;
	int64_t total_ms;		/* 0: 2000 */
	bool block;
} cases[] = {
	{ "a document", "/ok", FETCH_REPLY, 200, 0, false },
	{ "chunks", "/chunked", FETCH_REPLY, 200, 0, false },
	{ "a redirect is a status", "/status/302", FETCH_REPLY, 302, 0, false },
	{ "not found", "/status/404", FETCH_REPLY, 404, 0, false },
	{ "without a length", "/until", FETCH_REPLY, 200, 0, false },
	{ "at the limit", "/big/1000", FETCH_REPLY, 200, 0, false },
	{ "above it", "/big/1001", FETCH_LARGE, 200, 0, false },
	{ "far above it", "/big/3000000", FETCH_LARGE, 200, 0, false },
	{ "never", "/never", FETCH_TIMEOUT, 0, 60, false },
	{ "not to the end", "/half", FETCH_TIMEOUT, 200, 60, false },
	{ "cut", "/drop", FETCH_DOWN, 200, 0, false },
	{ "closed", "/close", FETCH_DOWN, 0, 0, false },
	{ "not HTTP", "/garbage", FETCH_BROKEN, 0, 0, false },
	{ "a private address", "/ok", FETCH_BLOCKED, 0, 0, true },
};

static void
run(size_t i)
{
	struct catch c;
	struct fetch_plan p = plan_of(&c, at(cases[i].path));

	if (cases[i].total_ms > 0)
		p.total_ms = cases[i].total_ms;
	p.block_private = cases[i].block;
	go(&p);
	tap_ok(c.done == 1 && c.end == cases[i].end &&
		c.status == cases[i].status, "%s", cases[i].name);
	if (c.end != cases[i].end || c.status != cases[i].status)
		printf("# end %d status %d detail '%s'\n", c.end, c.status,
			c.detail);
}

/* ---- which URLs of peers ------------------------- */

static struct str own_host = { "keys.example", 12 };

static const struct {
	const char *own, *url;
	const char *why;		/* NULL: may be asked */
	bool pinned, proxied;
} given[] = {
	{ "https://keys.example/x", "https://keys.example/y", NULL, false,
		false },
	{ "https://keys.example", "https://other.example/y", NULL, false,
		false },
	{ "https://keys.example", "http://other.example/y", "not https",
		false, false },
	{ "https://keys.example", "http://keys.example/y", "not https", false,
		false },
	{ "https://keys.example", "https://other.example:8443/y", "port",
		false, false },
	{ "https://keys.example:8443", "https://other.example:8443/y", NULL,
		false, false },
	{ "https://keys.example", "https://localhost/", "private address",
		false, false },
	{ "https://keys.example", "https://a.localhost./", "private address",
		false, false },
	{ "https://keys.example", "https://10.0.0.1/", "private address",
		false, false },
	{ "https://keys.example", "https://169.254.169.254/",
		"private address", false, false },
	{ "https://keys.example", "https://[::1]/", "private address", false,
		false },
	{ "https://keys.example", "https://[::ffff:127.0.0.1]/",
		"private address", false, false },
	{ "https://10.0.0.1/x", "https://10.0.0.1/y", NULL, false, false },
	{ "https://10.0.0.1/x", "https://10.0.0.2/y", "private address",
		false, false },
	{ "http://127.0.0.1:81/x", "http://127.0.0.1:81/y", NULL, false,
		false },
	{ "http://127.0.0.1:81/x", "http://127.0.0.1:82/y", "port", false,
		false },
	{ "https://keys.example", "https://user@keys.example/", "not a URL",
		false, false },
	{ "https://keys.example", "ftp://keys.example/", "not a URL", false,
		false },
	{ "https://keys.example", "https://keys.example/a b", "not a URL",
		false, false },
	{ "https://issuer.example", "https://keys.example/", NULL, true,
		false },
	{ "https://issuer.example", "https://issuer.example/",
		"host is not listed", true, false },
	{ "https://issuer.example", "https://keys.example/",
		"another host through a proxy", false, true },
	{ "https://issuer.example", "https://keys.example/", NULL, true,
		true },
	{ "https://keys.example", "https://keys.example/", NULL, false, true },
};

static void
test_given(size_t i)
{
	const struct conf_texts pins = { &own_host, 1, true };
	const struct conf_outproxy proxy = {
		.url = STR("http://proxy.example:3128"), .noproxy = STR("") };
	const char *why = fetch_refused(&(struct fetch_plan){
		.url = str_of(given[i].url), .given_by = str_of(given[i].own),
		.hosts = given[i].pinned ? &pins : NULL,
		.proxy = given[i].proxied ? &proxy : NULL,
	});

	if (given[i].why == NULL)
		tap_ok(why == NULL, "%s allows %s", given[i].own,
			given[i].url);
	else
		tap_ok(why != NULL && strcmp(why, given[i].why) == 0,
			"%s refuses %s", given[i].own, given[i].url);
}

/* ---- what goes out ------------------------- */

/* A name of this machine's own, as a peer may give it: only where it leads
 * shows that nobody may be sent there. */
static bool
private_name(char name[256])
{
	struct addrinfo want = { .ai_family = AF_INET }, *found = NULL;
	bool is_private = false;

	if (gethostname(name, 255) != 0)
		return false;
	name[255] = '\0';
	if (getaddrinfo(name, NULL, &want, &found) == 0)
		is_private = guard_address(found->ai_addr) &&
			!guard_host(str_of(name));
	if (found != NULL)
		freeaddrinfo(found);
	return is_private;
}

static void
test_given_name(void)
{
	char name[256];
	struct catch c;
	struct fetch_plan plan;

	if (!private_name(name)) {
		printf("# this machine has no name with a private address\n");
		return;
	}
	plan = plan_of(&c, str_fmt(arena, "http://%s:%d/ok", name,
		fake.port));
	OK(go(&plan) != NULL);
	/* 127.0.1.1, or that of a container: nobody listens there */
	tap_ok(c.done == 1 && c.end != FETCH_BLOCKED, "the operator may");
	plan = plan_of(&c, plan.url);
	plan.given_by = at("/");
	OK(go(&plan) != NULL);
	tap_ok(c.done == 1 && c.end == FETCH_BLOCKED, "a peer may not");
}

static void
test_request(void)
{
	struct catch c;
	struct fetch_plan p = plan_of(&c, at("/echo?a=b"));
	struct headers h;

	headers_init(&h, arena);
	headers_add(&h, STR("Accept"), STR("application/json"));
	p.headers = &h;
	go(&p);
	OK(c.end == FETCH_REPLY);
	OK(strncmp(c.body, "GET /echo?a=b HTTP/1.1\r\n", 24) == 0);
	OK(strstr(c.body, "\r\nAccept: application/json\r\n") != NULL);
	OK(strstr(c.body, "\r\nUser-Agent: mcpgate\r\n") != NULL);
	OK(strstr(c.body, "Cookie") == NULL);
	p.form = STR("token=a%20b");
	go(&p);
	OK(strncmp(c.body, "POST /echo?a=b HTTP/1.1\r\n", 25) == 0);
	OK(strstr(c.body, "x-www-form-urlencoded\r\n") != NULL);
	OK(strstr(c.body, "\r\n\r\ntoken=a%20b") != NULL);
}

static void
test_stop(void)
{
	struct catch c;
	struct fetch_plan p = plan_of(&c, at("/never"));
	const char *why;
	struct fetch *f = fetch_start(&p, &why);

	OK(f != NULL);
	fetch_stop(f);
	pass(30);
	IS_INT(c.done, 0);
	p.url = STR("gopher://x/");
	OK(fetch_start(&p, &why) == NULL);
	IS_STR(str_of(why), "not a URL");
}

int
main(void)
{
	probe_begin();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run(i);
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		test_given(i);
	test_given_name();
	test_request();
	test_stop();
	probe_end();
	return tap_done();
}
