/* SPDX-License-Identifier: MIT */
/*
 * credential -- where an outbound token ends up, and what cannot be sent
 */
#include "config.h"
#include "cred/credential.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "kit/tap.h"

static const struct {
	const char *name;
	const char *header, *prefix, *query, *token, *url;
	const char *line;		/* value of the header; NULL: none */
	const char *want_url;		/* NULL: refused */
} cases[] = {
	{ "a bearer token", "Authorization", "Bearer", "", "tok", "http://u/m",
		"Bearer tok", "http://u/m" },
	{ "another scheme", "Authorization", "Token", "", "tok", "http://u/m",
		"Token tok", "http://u/m" },
	{ "a scheme with a blank behind it", "Authorization", "Token ", "",
		"tok", "http://u/m", "Token tok", "http://u/m" },
	{ "an API key", "X-API-Key", "", "", "k-1", "http://u/m", "k-1",
		"http://u/m" },
	{ "a query parameter", "Authorization", "Bearer", "key", "tok",
		"http://u/m", NULL, "http://u/m?key=tok" },
	{ "behind others", "Authorization", "Bearer", "key", "tok",
		"http://u/m?a=b", NULL, "http://u/m?a=b&key=tok" },
	{ "an empty query", "Authorization", "Bearer", "key", "tok",
		"http://u/m?", NULL, "http://u/m?key=tok" },
	{ "before the fragment", "Authorization", "Bearer", "key", "tok",
		"http://u/m#?x", NULL, "http://u/m?key=tok#?x" },
	{ "percent-encoded", "Authorization", "Bearer", "a key", "a&b=c/%~-._",
		"http://u/m", NULL,
		"http://u/m?a%20key=a%26b%3Dc%2F%25~-._" },
	{ "a line break in it", "Authorization", "Bearer", "", "a\nb: c",
		"http://u/m", NULL, NULL },
	{ "a line break in a query", "Authorization", "Bearer", "key",
		"a\r\n\xff", "http://u/m", NULL, "http://u/m?key=a%0D%0A%FF" },
};

static void
check_case(struct arena *a, size_t i)
{
	struct conf_token token = { .value =
		secret_of(str_of(cases[i].token)), .weight = 1 };
	struct conf_pool pool = { .v = &token, .n = 1,
		.header = str_of(cases[i].header),
		.prefix = str_of(cases[i].prefix),
		.query = str_of(cases[i].query) };
	struct str url = str_of(cases[i].url), line;
	const struct fault *f;
	struct headers h;

	headers_init(&h, a);
	headers_add(&h, STR("Accept"), STR("*/*"));
	f = credential_put(&pool, 0, &h, &url);
	line = headers_get(&h, pool.header);
	tap_ok((f == NULL) == (cases[i].want_url != NULL) &&
		headers_count(&h, STR("Accept")) == 1, "%s", cases[i].name);
	tap_str(line, cases[i].line != NULL ? cases[i].line : "",
		cases[i].name, __LINE__);
	tap_str(url, cases[i].want_url != NULL ? cases[i].want_url :
		cases[i].url, cases[i].name, __LINE__);
}

/* The next attempt's token takes the place of the first one's. */
static void
replaced(struct arena *a)
{
	struct conf_token tokens[2] = {
		{ .value = secret_of(STR("one")), .weight = 1 },
		{ .value = secret_of(STR("two")), .weight = 1 },
	};
	struct conf_pool pool = { .v = tokens, .n = 2,
		.header = STR("Authorization"), .prefix = STR("Bearer") };
	struct str url = STR("http://u/");
	struct headers h;

	headers_init(&h, a);
	headers_add(&h, STR("authorization"), STR("Bearer client"));
	OK(credential_put(&pool, 0, &h, &url) == NULL);
	OK(credential_put(&pool, 1, &h, &url) == NULL);
	IS_INT(headers_count(&h, STR("Authorization")), 1);
	IS_STR(headers_get(&h, STR("Authorization")), "Bearer two");
	OK(credential_put(&pool, 2, &h, &url) != NULL);
}

static void
longest(struct arena *a)
{
	static char bytes[MAX_CREDENTIAL];
	struct conf_token token = { .weight = 1 };
	struct conf_pool pool = { .v = &token, .n = 1, .header = STR("A"),
		.prefix = STR("Bearer") };
	struct str url = STR("http://u/");
	struct headers h;

	memset(bytes, '/', sizeof(bytes));
	token.value = secret_of((struct str){ bytes, sizeof(bytes) });
	headers_init(&h, a);
	tap_ok(credential_put(&pool, 0, &h, &url) == NULL,
		"the longest token in a header");
	IS_INT(headers_get(&h, STR("A")).n, sizeof(bytes) + 7);
	pool.query = STR("k");
	tap_ok(credential_put(&pool, 0, &h, &url) == NULL,
		"the longest token in a query");
	IS_INT(url.n, strlen("http://u/?k=") + 3 * sizeof(bytes));
}

static void
fixed(struct arena *a)
{
	struct conf_pair good = { .name = STR("X-Key"),
		.value = secret_of(STR("v")) };
	struct conf_pair bad = { .name = STR("X-Bad"),
		.value = secret_of(STR("v\r\n")) };
	struct headers h;

	headers_init(&h, a);
	OK(credential_static(&h, &good));
	OK(!credential_static(&h, &bad));
	IS_STR(headers_get(&h, STR("x-key")), "v");
	IS_INT(headers_count(&h, STR("X-Bad")), 0);
}

static void
digests(void)
{
	struct conf_token t = { .value = secret_of(STR("abc")) };
	uint8_t one[ROTOR_DIGEST], two[ROTOR_DIGEST], sha[32], want[32];

	credential_digest(NULL, &t, one);
	rotor_digest(NULL, STR("abc"), two);
	OK(memcmp(one, two, sizeof(one)) == 0);
	credential_sha256(&t, sha);
	digest_sha256(STR("abc"), want);
	OK(memcmp(sha, want, sizeof(sha)) == 0);
}

/* The rotator gives none such; it would be our own mistake. */
static void
no_such_index(struct arena *a)
{
	struct conf_pool pool = { .n = 0 };
	struct str url = STR("http://u/");
	const struct fault *f;
	struct headers h;

	headers_init(&h, a);
	f = credential_put(&pool, 0, &h, &url);
	OK(f != NULL && f->kind == FAULT_INTERNAL);
}

int
main(void)
{
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(a, i);
	replaced(a);
	longest(a);
	no_such_index(a);
	fixed(a);
	digests();
	arena_free(a);
	return tap_done();
}
