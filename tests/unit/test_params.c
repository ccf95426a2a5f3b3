/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "http/params.h"
#include "kit/tap.h"

/* What is sent is "NAME=value" pieces; what must come out of `ask`. */
static const struct {
	const char *name;
	const char *sent[4];
	const char *ask, *value;	/* value NULL: absent */
	int count;			/* of a client's; -1: the server's */
} cases[] = {
	{ "the server's last one wins", { "REMOTE_USER=a", "REMOTE_USER=b" },
		"REMOTE_USER", "b", -1 },
	{ "an empty one is absent", { "REMOTE_USER=a", "REMOTE_USER=" },
		"REMOTE_USER", "a", -1 },
	{ "blanks are empty", { "REMOTE_USER= \t " }, "REMOTE_USER", NULL, -1 },
	{ "values are trimmed", { "HTTP_X=\t a b \t" }, "HTTP_X", "a b", 1 },
	{ "the client's first one is given", { "HTTP_X=1", "HTTP_X=2" },
		"HTTP_X", "1", 2 },
	{ "an empty one does not count", { "HTTP_X=", "HTTP_X=2" },
		"HTTP_X", "2", 1 },
	{ "a dash is an underscore", { "HTTP_X-USER=evil", "HTTP_X_USER=ok" },
		"HTTP_X_USER", "evil", 2 },
	{ "a dot is one, too", { "HTTP_X.USER=evil" }, "HTTP_X_USER", "evil",
		1 },
	{ "letters become large", { "http_x_user=a" }, "HTTP_X_USER", "a", 1 },
	{ "no proxy from a header", { "HTTP_PROXY=http://evil/" },
		"HTTP_PROXY", NULL, 0 },
	{ "nor by another spelling", { "http-proxy=http://evil/" },
		"HTTP_PROXY", NULL, 0 },
	{ "but longer names stay", { "HTTP_PROXY_X=1" }, "HTTP_PROXY_X", "1",
		1 },
	{ "a redirected credential", { "REDIRECT_HTTP_AUTHORIZATION=Bearer a" },
		"REDIRECT_HTTP_AUTHORIZATION", "Bearer a", 1 },
	{ "it is not the plain one", { "REDIRECT_HTTP_AUTHORIZATION=Bearer a" },
		"HTTP_AUTHORIZATION", NULL, 0 },
	{ "redirected twice is ignored",
		{ "REDIRECT_REDIRECT_HTTP_AUTHORIZATION=Bearer a" },
		"REDIRECT_REDIRECT_HTTP_AUTHORIZATION", NULL, 0 },
	{ "other redirected names are ignored", { "REDIRECT_REMOTE_USER=a" },
		"REDIRECT_REMOTE_USER", NULL, -1 },
	{ "a name with a high byte is ignored", { "HTTP_X\xc3=1" },
		"HTTP_X_", NULL, 0 },
	{ "a name with a control is ignored", { "HTTP_X\x01=1" },
		"HTTP_X_", NULL, 0 },
	{ "a prefix is another name", { "REMOTE_USERX=a" }, "REMOTE_USER",
		NULL, -1 },
	{ "a header cannot be the server's", { "HTTP_REMOTE_USER=a" },
		"REMOTE_USER", NULL, -1 },
};

static void
run(size_t i)
{
	struct arena *a = arena_new(1 << 20);
	struct params t;
	struct str value;
	uint32_t count = 0;

	params_init(&t, a, 1);
	for (int k = 0; k < 4 && cases[i].sent[k] != NULL; k++) {
		struct str s = str_of(cases[i].sent[k]);
		struct str name = str_cut(&s, '=');

		params_add(&t, name, s);
	}
	value = cases[i].count < 0 ? params_server(&t, cases[i].ask) :
		params_client(&t, cases[i].ask, &count);
	tap_ok(cases[i].value == NULL ? value.p == NULL :
		str_is(value, cases[i].value), "%s", cases[i].name);
	if (cases[i].count >= 0)
		tap_ok((int)count == cases[i].count, "%s: count",
			cases[i].name);
	arena_free(a);
}

static void
test_flags(struct arena *a)
{
	static char big[MAX_HEADER_VALUE + 1];
	struct params t;
	struct str name = STR("HTTP_X"), twice;
	uint32_t n;

	memset(big, 'x', sizeof(big));
	params_init(&t, a, 0);
	params_add(&t, name, (struct str){ big, MAX_HEADER_VALUE });
	OK(t.longest == MAX_HEADER_VALUE && !t.bad_value);
	params_add(&t, STR("QUERY_STRING"), (struct str){ big, sizeof(big) });
	OK(t.longest == MAX_HEADER_VALUE);
	params_add(&t, name, (struct str){ big, sizeof(big) });
	params_add(&t, name, STR("short"));
	OK(t.longest == MAX_HEADER_VALUE + 1);
	params_add(&t, STR("A"), STR("a\tb\xff"));
	OK(!t.bad_value);
	params_add(&t, STR("A"), STR("a\nb"));
	OK(t.bad_value);

	params_init(&t, a, 0);
	for (int i = 0; i < MAX_HTTP_HEADERS; i++)
		params_add(&t, name, STR("1"));
	for (int i = 0; i < 50; i++)
		params_add(&t, STR("A"), STR("1"));
	IS_INT(t.n_http, MAX_HTTP_HEADERS);
	OK(!t.too_many);
	params_add(&t, name, STR("last"));
	OK(t.too_many);
	params_client(&t, "HTTP_X", &n);
	IS_INT(n, MAX_HTTP_HEADERS + 1);

	twice = params_client(&t, "HTTP_X", &n);
	OK(twice.n == 1);
	OK(t.v[0].name.p == name.p);	/* not copied */
}

int
main(void)
{
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run(i);
	test_flags(a);
	IS_STR(params_header_name(a, STR("X-User")), "HTTP_X_USER");
	IS_STR(params_header_name(a, STR("")), "HTTP_");
	IS_STR(params_header_name(a, STR("a.b\x80")), "HTTP_A_B_");
	arena_free(a);
	return tap_done();
}
