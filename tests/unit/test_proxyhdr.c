/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/proxyhdr.h"

#include "auth/auth.h"
#include "base/arena.h"
#include "base/digest.h"
#include "kit/tap.h"

#define S(lit) { lit, sizeof(lit) - 1 }
#define SECRET { "proxy-secret-of-24-bytes", 24 }
#define NAME64 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"
#define NAME256 NAME64 NAME64 NAME64 NAME64
#define PEER "REMOTE_ADDR=10.0.0.5\n"

/* {"sub":"alice","n":1,"bad":"a\n"} */
#define PAYLOAD "eyJzdWIiOiJhbGljZSIsIm4iOjEsImJhZCI6ImFcbiJ9"

static struct conf_cidr peers[2];	/* 10.0.0.0/24, and unix: */

#define NEAR { .v = peers, .n = 1, .set = true }
#define UNIX { .v = peers + 1, .n = 1, .set = true, .has_unix = true }

enum rules { HEADER, SECRETS, BOTH, LIST, PAY, PAY_N, PAY_BAD, PAY_NONE, PARAM,
	PARAM_MORE, PARAM_SECRET, PARAM_NEAR, PARAM_DEFAULT, PARAM_BOTH,
	PARAM_NOBODY, MORE, SEMI, BY_UNIX, NOBODY, OTHER_PEER, SIGNED,
	SIGNED_NEAR, SIGNED_SECRET, RULES };

static const struct conf_proxy_identity plans[RULES] = {
	[HEADER] = { .user_header = S("X-User"), .trusted_peers = NEAR },
	[SECRETS] = { .user_header = S("X-User"),
		.secret_header = S("X-Secret"), .secret = SECRET },
	[BOTH] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.secret_header = S("X-Secret"), .secret = SECRET },
	[LIST] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.format = S("list") },
	[PAY] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.format = S("jwt-payload") },
	[PAY_N] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.format = S("jwt-payload"), .claim = S("n") },
	[PAY_BAD] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.format = S("jwt-payload"), .claim = S("bad") },
	[PAY_NONE] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.format = S("jwt-payload"), .claim = S("none") },
	[PARAM] = { .param = S("REMOTE_USER") },
	[PARAM_MORE] = { .param = S("REMOTE_USER"),
		.groups_header = S("X-Groups") },
	[PARAM_SECRET] = { .param = S("REMOTE_USER"),
		.secret_header = S("X-Secret"), .secret = SECRET },
	[PARAM_NEAR] = { .param = S("REMOTE_USER"), .trusted_peers = NEAR },
	[PARAM_DEFAULT] = { .param = S("REMOTE_USER"),
		.groups_header = S("X-Groups"),
		.trusted_peers = { .v = peers, .n = 1 } },
	[PARAM_BOTH] = { .param = S("REMOTE_USER"), .trusted_peers = NEAR,
		.secret_header = S("X-Secret"), .secret = SECRET },
	[PARAM_NOBODY] = { .param = S("REMOTE_USER"),
		.trusted_peers = { .set = true } },
	[MORE] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.email_header = S("X-Email"), .groups_header = S("X-Groups") },
	[SEMI] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.groups_header = S("X-Groups"), .groups_separator = S(";") },
	[BY_UNIX] = { .user_header = S("X-User"), .trusted_peers = UNIX },
	[NOBODY] = { .user_header = S("X-User"),
		.trusted_peers = { .set = true } },
	[SIGNED] = { .user_header = S("X-Token"), .format = S("jwt") },
	[SIGNED_NEAR] = { .user_header = S("X-Token"), .format = S("jwt"),
		.trusted_peers = NEAR },
	[SIGNED_SECRET] = { .user_header = S("X-Token"), .format = S("jwt"),
		.secret_header = S("X-Secret"), .secret = SECRET },
	[OTHER_PEER] = { .user_header = S("X-User"), .trusted_peers = NEAR,
		.peer_param = S("GATE_PEER") },
};

enum end { NAMED, ABSENT, UNTRUSTED, REFUSED, BAD };

/* Variables as "NAME=value\n"; groups as "a|b". */
static const struct {
	const char *name;
	enum rules rules;
	const char *params;
	enum end end;
	const char *user, *email, *groups;
} cases[] = {
	{ "trusted", HEADER, PEER "HTTP_X_USER=alice", NAMED, "alice", "",
		"" },
	{ "trimmed", HEADER, PEER "HTTP_X_USER=  alice ", NAMED, "alice", "",
		"" },
	{ "absent", HEADER, PEER, ABSENT, NULL, NULL, NULL },
	{ "empty", HEADER, PEER "HTTP_X_USER=", ABSENT, NULL, NULL, NULL },
	{ "(null)", HEADER, PEER "HTTP_X_USER=(null)", ABSENT, NULL, NULL,
		NULL },
	{ "-", HEADER, PEER "HTTP_X_USER=-", ABSENT, NULL, NULL, NULL },
	{ "another peer", HEADER, "REMOTE_ADDR=10.0.1.5\nHTTP_X_USER=alice",
		UNTRUSTED, NULL, NULL, NULL },
	{ "the peer on version 6", HEADER, "REMOTE_ADDR=::1\n"
		"HTTP_X_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "no peer", HEADER, "HTTP_X_USER=alice", UNTRUSTED, NULL, NULL,
		NULL },
	{ "no address", HEADER, "REMOTE_ADDR=localhost\nHTTP_X_USER=alice",
		UNTRUSTED, NULL, NULL, NULL },
	{ "two peers", HEADER, PEER "REMOTE_ADDR=10.0.0.6\nHTTP_X_USER=alice",
		UNTRUSTED, NULL, NULL, NULL },
	{ "the same peer twice", HEADER, PEER PEER "HTTP_X_USER=alice", NAMED,
		"alice", "", "" },
	{ "a peer in a header", HEADER, "HTTP_REMOTE_ADDR=10.0.0.5\n"
		"HTTP_X_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "nobody is trusted", NOBODY, PEER "HTTP_X_USER=alice", UNTRUSTED,
		NULL, NULL, NULL },
	{ "another peer variable", OTHER_PEER, "GATE_PEER=10.0.0.5\n"
		"REMOTE_ADDR=1.2.3.4\nHTTP_X_USER=alice", NAMED, "alice", "",
		"" },
	{ "another peer variable lacks", OTHER_PEER, PEER
		"HTTP_X_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "unix, no address", BY_UNIX, "HTTP_X_USER=alice", NAMED, "alice",
		"", "" },
	{ "unix, named", BY_UNIX, "REMOTE_ADDR=unix:\nHTTP_X_USER=alice",
		NAMED, "alice", "", "" },
	{ "unix wanted, an address", BY_UNIX, PEER "HTTP_X_USER=alice",
		UNTRUSTED, NULL, NULL, NULL },
	{ "unix not wanted", HEADER, "REMOTE_ADDR=unix:/run/x\n"
		"HTTP_X_USER=alice", UNTRUSTED, NULL, NULL, NULL },

	/* ---- the value ---- */
	{ "repeated", HEADER, PEER "HTTP_X_USER=alice\nHTTP_X_USER=bob",
		REFUSED, NULL, NULL, NULL },
	{ "the same twice", HEADER, PEER "HTTP_X_USER=alice\n"
		"HTTP_X_USER=alice", REFUSED, NULL, NULL, NULL },
	{ "repeated by a stranger", HEADER, "REMOTE_ADDR=9.9.9.9\n"
		"HTTP_X_USER=alice\nHTTP_X_USER=bob", UNTRUSTED, NULL, NULL,
		NULL },
	{ "one of two is empty", HEADER, PEER "HTTP_X_USER=\n"
		"HTTP_X_USER=alice", NAMED, "alice", "", "" },
	{ "joined", HEADER, PEER "HTTP_X_USER=alice, bob", REFUSED, NULL,
		NULL, NULL },
	{ "a comma without a blank", HEADER, PEER "HTTP_X_USER=doe,john",
		REFUSED, NULL, NULL, NULL },
	{ "256 bytes", HEADER, PEER "HTTP_X_USER=" NAME256, NAMED, NAME256,
		"", "" },
	{ "257 bytes", HEADER, PEER "HTTP_X_USER=" NAME256 "x", BAD, NULL,
		NULL, NULL },
	{ "UTF-8", HEADER, PEER "HTTP_X_USER=j\xC3\xB6rg", NAMED,
		"j\xC3\xB6rg", "", "" },
	{ "not UTF-8", HEADER, PEER "HTTP_X_USER=j\xF6rg", BAD, NULL, NULL,
		NULL },
	{ "a tab", HEADER, PEER "HTTP_X_USER=a\tb", BAD, NULL, NULL, NULL },
	{ "C1", HEADER, PEER "HTTP_X_USER=a\xC2\x85", BAD, NULL, NULL, NULL },
	{ "DEL", HEADER, PEER "HTTP_X_USER=a\x7F", BAD, NULL, NULL, NULL },
	{ "nothing is decoded", HEADER, PEER "HTTP_X_USER=\"a%20B\"", NAMED,
		"\"a%20B\"", "", "" },

	/* ---- the secret ---- */
	{ "secret", SECRETS, "HTTP_X_SECRET=proxy-secret-of-24-bytes\n"
		"HTTP_X_USER=alice", NAMED, "alice", "", "" },
	{ "wrong secret", SECRETS, "HTTP_X_SECRET=proxy-secret-of-24-bytex\n"
		"HTTP_X_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "prefix of the secret", SECRETS, "HTTP_X_SECRET=proxy-secret\n"
		"HTTP_X_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "no secret", SECRETS, "HTTP_X_USER=alice", UNTRUSTED, NULL, NULL,
		NULL },
	{ "the secret twice", SECRETS, "HTTP_X_SECRET=proxy-secret-of-24-"
		"bytes\nHTTP_X_SECRET=proxy-secret-of-24-bytes\n"
		"HTTP_X_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "peer and secret", BOTH, PEER "HTTP_X_SECRET=proxy-secret-of-24-"
		"bytes\nHTTP_X_USER=alice", NAMED, "alice", "", "" },
	{ "peer without secret", BOTH, PEER "HTTP_X_USER=alice", UNTRUSTED,
		NULL, NULL, NULL },
	{ "secret without peer", BOTH, "HTTP_X_SECRET=proxy-secret-of-24-"
		"bytes\nHTTP_X_USER=alice", UNTRUSTED, NULL, NULL, NULL },

	/* ---- formats ---- */
	{ "the first of a list", LIST, PEER "HTTP_X_USER=alice, bob", NAMED,
		"alice", "", "" },
	{ "a list of one", LIST, PEER "HTTP_X_USER=alice", NAMED, "alice",
		"", "" },
	{ "a list that begins with nothing", LIST, PEER "HTTP_X_USER=,bob",
		ABSENT, NULL, NULL, NULL },
	{ "a list twice", LIST, PEER "HTTP_X_USER=a\nHTTP_X_USER=b", REFUSED,
		NULL, NULL, NULL },
	{ "payload", PAY, PEER "HTTP_X_USER=" PAYLOAD, NAMED, "alice", "",
		"" },
	{ "payload, padded", PAY, PEER "HTTP_X_USER=" PAYLOAD "=", BAD, NULL,
		NULL, NULL },
	{ "payload, no JSON", PAY, PEER "HTTP_X_USER=aGVsbG8", BAD, NULL,
		NULL, NULL },
	{ "payload, an array", PAY, PEER "HTTP_X_USER=WzFd", BAD, NULL, NULL,
		NULL },
	{ "payload, a whole token", PAY, PEER "HTTP_X_USER=e30." PAYLOAD
		".AA", BAD, NULL, NULL, NULL },
	{ "payload, a number", PAY_N, PEER "HTTP_X_USER=" PAYLOAD, BAD, NULL,
		NULL, NULL },
	{ "payload, a control", PAY_BAD, PEER "HTTP_X_USER=" PAYLOAD, BAD,
		NULL, NULL, NULL },
	{ "payload, no such claim", PAY_NONE, PEER "HTTP_X_USER=" PAYLOAD,
		ABSENT, NULL, NULL, NULL },

	/* ---- a variable of the web server ---- */
	{ "param", PARAM, "REMOTE_USER=alice", NAMED, "alice", "", "" },
	{ "param with a comma", PARAM, "REMOTE_USER=doe, john", NAMED,
		"doe, john", "", "" },
	{ "param empty", PARAM, "REMOTE_USER=", ABSENT, NULL, NULL, NULL },
	{ "param in a header", PARAM, "HTTP_REMOTE_USER=alice", ABSENT, NULL,
		NULL, NULL },
	{ "param redirected", PARAM, "REDIRECT_REMOTE_USER=alice", ABSENT,
		NULL, NULL, NULL },
	{ "param twice: the last", PARAM, "REMOTE_USER=a\nREMOTE_USER=b",
		NAMED, "b", "", "" },
	{ "param, bad bytes", PARAM, "REMOTE_USER=a\xFF", BAD, NULL, NULL,
		NULL },
	{ "param, and the secret", PARAM_SECRET, "REMOTE_USER=alice\n"
		"HTTP_X_SECRET=proxy-secret-of-24-bytes", NAMED, "alice", "",
		"" },
	{ "param without the secret", PARAM_SECRET, "REMOTE_USER=alice",
		UNTRUSTED, NULL, NULL, NULL },
	{ "param, another secret", PARAM_SECRET, "REMOTE_USER=alice\n"
		"HTTP_X_SECRET=proxy-secret-of-24-bytex", UNTRUSTED, NULL,
		NULL, NULL },
	{ "no param, no secret", PARAM_SECRET, "REMOTE_USER=", ABSENT, NULL,
		NULL, NULL },
	{ "param of a peer", PARAM_NEAR, PEER "REMOTE_USER=alice", NAMED,
		"alice", "", "" },
	{ "param of another peer", PARAM_NEAR, "REMOTE_ADDR=9.9.9.9\n"
		"REMOTE_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "param, peer without secret", PARAM_BOTH, PEER
		"REMOTE_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "param, secret without peer", PARAM_BOTH, "REMOTE_USER=alice\n"
		"HTTP_X_SECRET=proxy-secret-of-24-bytes", UNTRUSTED, NULL,
		NULL, NULL },
	{ "param, peer and secret", PARAM_BOTH, PEER "REMOTE_USER=alice\n"
		"HTTP_X_SECRET=proxy-secret-of-24-bytes", NAMED, "alice", "",
		"" },
	{ "param, peers written as none", PARAM_NOBODY, PEER
		"REMOTE_USER=alice", UNTRUSTED, NULL, NULL, NULL },
	{ "param beside the gateway's proxies", PARAM_DEFAULT,
		"REMOTE_ADDR=9.9.9.9\nREMOTE_USER=alice", NAMED, "alice", "",
		"" },
	{ "param, and groups of a proxy", PARAM_DEFAULT, PEER
		"REMOTE_USER=alice\nHTTP_X_GROUPS=ops", NAMED, "alice", "",
		"ops" },
	{ "groups of a client", PARAM_MORE, "REMOTE_USER=alice\n"
		"HTTP_X_GROUPS=admin", UNTRUSTED, "alice", "", "" },

	/* ---- what goes with the name ---- */
	{ "email and groups", MORE, PEER "HTTP_X_USER=alice\n"
		"HTTP_X_EMAIL=a@x\nHTTP_X_GROUPS=a, b ,c", NAMED, "alice",
		"a@x", "a|b|c" },
	{ "no email, no groups", MORE, PEER "HTTP_X_USER=alice", NAMED,
		"alice", "", "" },
	{ "empty groups", MORE, PEER "HTTP_X_USER=alice\nHTTP_X_GROUPS=,a,,",
		NAMED, "alice", "", "a" },
	{ "two emails", MORE, PEER "HTTP_X_USER=alice\nHTTP_X_EMAIL=a@x\n"
		"HTTP_X_EMAIL=b@x", REFUSED, NULL, NULL, NULL },
	{ "joined emails", MORE, PEER "HTTP_X_USER=alice\n"
		"HTTP_X_EMAIL=a@x, b@x", REFUSED, NULL, NULL, NULL },
	{ "bad email", MORE, PEER "HTTP_X_USER=alice\nHTTP_X_EMAIL=a\xFF",
		BAD, NULL, NULL, NULL },
	{ "groups twice", MORE, PEER "HTTP_X_USER=alice\nHTTP_X_GROUPS=a\n"
		"HTTP_X_GROUPS=b", REFUSED, NULL, NULL, NULL },
	{ "bad group", MORE, PEER "HTTP_X_USER=alice\nHTTP_X_GROUPS=a,\xFF",
		BAD, NULL, NULL, NULL },
	{ "groups without a user", MORE, PEER "HTTP_X_GROUPS=a", ABSENT,
		NULL, NULL, NULL },
	{ "another separator", SEMI, PEER "HTTP_X_USER=alice\n"
		"HTTP_X_GROUPS=a;b c", NAMED, "alice", "", "a|b c" },
	{ "a comma beside another separator", SEMI, PEER "HTTP_X_USER=alice\n"
		"HTTP_X_GROUPS=a;b, c", REFUSED, NULL, NULL, NULL },
};

static const struct conf conf;

static void
fill(struct params *p, struct arena *a, struct str lines)
{
	params_init(p, a, 8);
	while (lines.p != NULL && lines.n > 0) {
		struct str value = str_cut(&lines, '\n');
		struct str name = str_cut(&value, '=');

		params_add(p, name, value);
	}
}

static struct str
join(struct arena *a, const struct str *v, uint32_t n)
{
	struct str s = STR("");

	for (uint32_t i = 0; i < n; i++)
		s = str_fmt(a, "%.*s%s%.*s", STR_ARG(s), i > 0 ? "|" : "",
			STR_ARG(v[i]));
	return s;
}

static enum end
end_of(const struct fault *f, const struct proxy_answer *an)
{
	if (f != NULL)
		return f->kind == FAULT_NO_IDENTITY ? REFUSED : BAD;
	if (an->untrusted)
		return UNTRUSTED;
	return an->present ? NAMED : ABSENT;
}

static void
run_row(size_t i)
{
	struct arena *a = arena_new(1 << 20);
	struct proxy_rules r;
	struct proxy_answer an;
	const struct fault *f;
	struct params p;

	OK(proxyhdr_rules(&conf, &plans[cases[i].rules], a, &r) == NULL);
	fill(&p, a, str_of(cases[i].params));
	f = proxyhdr_read(&r, &p, 0, a, &an);
	if (!tap_ok(end_of(f, &an) == cases[i].end, "%s", cases[i].name))
		printf("# %s\n", f != NULL ? f->detail : "no fault");
	tap_ok(an.present == (f != NULL || cases[i].user != NULL),
		"%s: present", cases[i].name);
	if (f == NULL && cases[i].user != NULL) {
		IS_STR(an.who.user, cases[i].user);
		IS_STR(an.who.email, cases[i].email);
		IS_STR(join(a, an.who.groups, an.who.n_groups),
			cases[i].groups);
		IS_STR(an.who.how, "proxy");
	}
	arena_free(a);
}

static void
check_group_count(unsigned n, bool good)
{
	struct arena *a = arena_new(1 << 22);
	struct str groups = STR(PEER "HTTP_X_USER=u\nHTTP_X_GROUPS=g");
	struct proxy_rules r;
	struct proxy_answer an;
	struct params p;

	for (unsigned i = 1; i < n; i++)
		groups = str_fmt(a, "%.*s,g", STR_ARG(groups));
	OK(proxyhdr_rules(&conf, &plans[MORE], a, &r) == NULL);
	fill(&p, a, groups);
	tap_ok((proxyhdr_read(&r, &p, 0, a, &an) == NULL) == good,
		"%u groups", n);
	arena_free(a);
}

/* ---- signed values, and nobody -------------------------------------- */

static void
check_signed(void)
{
	static const struct {
		enum rules rules;
		const char *token, *second, *peer, *secret;
		const char *want;	/* the token; "" : nobody */
		bool refused, nobody;
	} rows[] = {
		{ SIGNED, "a.b.c", NULL, "192.0.2.1", NULL, "a.b.c", 0, 0 },
		{ SIGNED, "a.b.c", "a.b.c", "10.0.0.5", NULL, "", 1, 0 },
		{ SIGNED, "a.b.c, a.b.c", NULL, "10.0.0.5", NULL, "", 1, 0 },
		{ SIGNED, NULL, NULL, "10.0.0.5", NULL, "", 0, 0 },
		{ SIGNED, "-", NULL, "10.0.0.5", NULL, "", 0, 1 },
		{ SIGNED, "(null)", NULL, "10.0.0.5", NULL, "", 0, 1 },
		{ SIGNED_NEAR, "a.b.c", NULL, "10.0.0.5", NULL, "a.b.c", 0,
			0 },
		{ SIGNED_NEAR, "a.b.c", NULL, "192.0.2.1", NULL, "", 0, 0 },
		{ SIGNED_SECRET, "a.b.c", NULL, "10.0.0.5", NULL, "", 0, 0 },
		{ SIGNED_SECRET, "a.b.c", NULL, "10.0.0.5",
			"proxy-secret-of-24-bytes", "a.b.c", 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena *a = arena_new(1 << 20);
		struct proxy_answer an;
		struct proxy_rules r;
		struct params p;
		const struct fault *f;

		params_init(&p, a, 8);
		params_add(&p, STR("HTTP_X_TOKEN"), str_of(rows[i].token));
		params_add(&p, STR("HTTP_X_TOKEN"), str_of(rows[i].second));
		params_add(&p, STR("HTTP_X_SECRET"), str_of(rows[i].secret));
		params_add(&p, STR("REMOTE_ADDR"), str_of(rows[i].peer));
		OK(proxyhdr_rules(&conf, &plans[rows[i].rules], a, &r) ==
			NULL);
		f = proxyhdr_read(&r, &p, 0, a, &an);
		tap_ok((f != NULL) == rows[i].refused &&
			an.nobody == rows[i].nobody, "signed %zu", i);
		IS_STR(an.token, rows[i].want);
		OK(an.who.user.n == 0);
		arena_free(a);
	}
}

/* ---- what may not start -------------------------------------------- */

static void
check_rules(void)
{
	static const struct conf_proxy_identity bad[] = {
		{ .user_header = S("X-User") },
		{ .user_header = S("X-User"), .secret = SECRET },
		{ .user_header = S("X-User"), .trusted_peers = NEAR,
			.secret_header = S("X-Secret") },
		{ .param = S("HTTP_X_USER") },
		{ .param = S("REDIRECT_REMOTE_USER") },
		{ .param = S("REMOTE_USER"), .format = S("JSON") },
	};
	const struct conf with_proxies = { .trusted_proxies = NEAR };
	struct arena *a = arena_new(1 << 20);
	struct proxy_rules r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct fault *f = proxyhdr_rules(&conf, &bad[i], a, &r);

		tap_ok(f != NULL && f->kind == FAULT_SERVER_INVALID,
			"rules that may not start: %zu", i);
	}
	OK(proxyhdr_rules(&with_proxies, &bad[0], a, &r) == NULL);
	IS_STR(r.source, "header:X-User");
	OK(proxyhdr_rules(&conf, &plans[PARAM], a, &r) == NULL);
	IS_STR(r.source, "param:REMOTE_USER");
	OK(proxyhdr_rules(&conf, &plans[SIGNED], a, &r) == NULL);
	OK(!r.conditions);
	OK(proxyhdr_rules(&with_proxies, &plans[SIGNED], a, &r) == NULL);
	tap_ok(!r.conditions, "proxies of the gateway are none of a signed "
		"value's conditions");
	arena_free(a);
}

/* ---- local clients --------------------------------------------------- */

static const struct {
	const char *params;
	bool local;
} locals[] = {
	{ "REMOTE_ADDR=127.0.0.1", true }, { "REMOTE_ADDR=127.8.9.1", true },
	{ "REMOTE_ADDR=::1", true }, { "REMOTE_ADDR=192.0.2.1", false },
	{ "REMOTE_ADDR=", false }, { "", false },
	{ "REMOTE_ADDR=unix:", false }, { "REMOTE_ADDR=localhost", false },
	{ "HTTP_REMOTE_ADDR=127.0.0.1", false },
	{ "REMOTE_ADDR=127.0.0.1\nREMOTE_ADDR=192.0.2.1", false },
	{ "REMOTE_ADDR=127.0.0.1\nHTTP_X_FORWARDED_FOR=127.0.0.1", false },
	{ "REMOTE_ADDR=127.0.0.1\nHTTP_FORWARDED=for=x", false },
	{ "REMOTE_ADDR=127.0.0.1\nHTTP_X_REAL_IP=x", false },
	{ "REMOTE_ADDR=127.0.0.1\nHTTP_VIA=1.1 p", false },
	{ "REMOTE_ADDR=127.0.0.1\nHTTP_X_FORWARDED_FOR=", true },
};

static void
check_locals(void)
{
	struct arena *a = arena_new(1 << 20);

	for (size_t i = 0; i < sizeof(locals) / sizeof(locals[0]); i++) {
		struct params p;

		fill(&p, a, str_of(locals[i].params));
		tap_ok(auth_local_client(&conf, &p) == locals[i].local,
			"local client, row %zu", i);
	}
	arena_free(a);
}

int
main(void)
{
	if (!conf_cidr_parse(STR("10.0.0.0/24"), &peers[0]))
		return 1;
	peers[1].unix_peer = true;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(i);
	check_group_count(64, true);
	check_group_count(65, false);
	check_rules();
	check_signed();
	check_locals();
	return tap_done();
}
