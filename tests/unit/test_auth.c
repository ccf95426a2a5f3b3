/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/auth.h"

#include "auth/policy.h"
#include "base/limits.h"
#include "kit/place.h"
#include "kit/sign.h"
#include "kit/tap.h"

#define NOW 1700000000
#define S(lit) { lit, sizeof(lit) - 1 }
#define SECRET "0123456789abcdef0123456789abcdef"
#define REALM "Bearer realm=\"mcpgate\""
#define INVALID REALM ", error=\"invalid_token\", " \
	"error_description=\"The access token is not valid\""
#define EXPIRED REALM ", error=\"invalid_token\", " \
	"error_description=\"The access token expired\""
#define SCOPED REALM ", error=\"insufficient_scope\", scope=\"mcp x\""

static const struct str two_scopes[] = { S("mcp"), S("x") };
static const struct str no_alice[] = { S("al?ce"), S("token:old*") };
static const struct str some[] = { S("a*"), S("token:ci") };
static const struct str ops[] = { S("ops-*") };
static const struct str gate_audience[] = { S("gate") };
static const struct str other_audience[] = { S("other") };
static struct conf_key tokens[3], keys[1];
static struct conf_cidr peer;

#define LIST(v) { v, sizeof(v) / sizeof((v)[0]), true }
#define COMMON SHARED, .proxy = { .user_header = S("X-User"), \
		.groups_header = S("X-Groups"), \
		.trusted_peers = { .v = &peer, .n = 1, .set = true } }
#define SHARED .prefix = S("Bearer"), .realm = S("mcpgate"), \
	.tokens = { tokens, 3, true }, .apikeys = { keys, 1, true }, \
	.verdict_ttl_ms = 60000, \
	.jwt = { .secret = { SECRET, 32 }, .leeway_s = 60 }
#define BY(...) .strategies = { __VA_ARGS__ }, .n_strategies = \
	sizeof((enum strategy[]){ __VA_ARGS__ }) / sizeof(enum strategy)

enum plan { NONE, LOCAL, TOKEN, APIKEY, JWT, PROXY, DUAL, REVERSED, BEARERS,
	OPTIONAL, LOCAL_FIRST, KEY_OR_TOKEN, SCOPES, DENY, ALLOW, NOBODY,
	GROUPS, SCOPES_OPTIONAL, QUERY, PROXY_OPTIONAL, OPAQUE, JWT_OPAQUE,
	TOKEN_OPAQUE, ALL_BEARERS, OPAQUE_PROXY, SIGNED, SIGNED_DUAL,
	NO_GROUP, OPEN_ALLOW, PLANS };

static const struct conf_inbound plans[PLANS] = {
	[NONE] = { COMMON, BY(STRATEGY_NONE) },
	[LOCAL] = { COMMON, BY(STRATEGY_LOCAL) },
	[TOKEN] = { COMMON, BY(STRATEGY_TOKEN) },
	[APIKEY] = { COMMON, BY(STRATEGY_APIKEY) },
	[JWT] = { COMMON, BY(STRATEGY_JWT) },
	[PROXY] = { COMMON, BY(STRATEGY_PROXY) },
	[DUAL] = { COMMON, BY(STRATEGY_JWT, STRATEGY_PROXY) },
	[REVERSED] = { COMMON, BY(STRATEGY_PROXY, STRATEGY_JWT) },
	[BEARERS] = { COMMON, BY(STRATEGY_JWT, STRATEGY_TOKEN) },
	[OPTIONAL] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_NONE) },
	[LOCAL_FIRST] = { COMMON, BY(STRATEGY_LOCAL, STRATEGY_TOKEN) },
	[KEY_OR_TOKEN] = { COMMON, BY(STRATEGY_APIKEY, STRATEGY_TOKEN) },
	[SCOPES] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_PROXY),
		.required_scopes = LIST(two_scopes) },
	[DENY] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_PROXY),
		.deny_users = LIST(no_alice), .allow_users = LIST(some) },
	[ALLOW] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_PROXY),
		.allow_users = LIST(some) },
	[NOBODY] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_PROXY),
		.allow_users = { NULL, 0, true } },
	[GROUPS] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_PROXY),
		.allow_groups = LIST(ops) },
	[NO_GROUP] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_PROXY),
		.allow_groups = { NULL, 0, true } },
	[OPEN_ALLOW] = { COMMON, BY(STRATEGY_NONE),
		.allow_users = LIST(ops) },
	[SCOPES_OPTIONAL] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_NONE),
		.required_scopes = LIST(two_scopes) },
	[QUERY] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_JWT),
		.allow_query_token = true },
	[PROXY_OPTIONAL] = { COMMON, BY(STRATEGY_PROXY, STRATEGY_NONE) },
	[OPAQUE] = { COMMON, BY(STRATEGY_INTROSPECTION) },
	[JWT_OPAQUE] = { COMMON, BY(STRATEGY_INTROSPECTION, STRATEGY_JWT) },
	[TOKEN_OPAQUE] = { COMMON, BY(STRATEGY_INTROSPECTION,
		STRATEGY_TOKEN) },
	[ALL_BEARERS] = { COMMON, BY(STRATEGY_TOKEN, STRATEGY_JWT,
		STRATEGY_INTROSPECTION, STRATEGY_PROXY) },
	[OPAQUE_PROXY] = { COMMON, BY(STRATEGY_INTROSPECTION,
		STRATEGY_PROXY) },
	[SIGNED] = { SHARED, BY(STRATEGY_PROXY), .proxy = {
		.user_header = S("X-User"), .format = S("jwt") } },
	[SIGNED_DUAL] = { SHARED, BY(STRATEGY_TOKEN, STRATEGY_PROXY),
		.proxy = { .user_header = S("X-User"), .format = S("jwt") } },
};

/* What the request carries, in letters: B good static token, C token "ci",
 * O expired token, W wrong token, M malformed bearer, J good JWT, E expired
 * JWT, F forged JWT, D dotted nonsense, K good key, L wrong key, U trusted
 * user, H trusted user carol, V user of a stranger, R two users, G group
 * ops-1 (with U), Q good token in the query, A Basic, l local client; as user
 * of a proxy: j good JWT, e expired, f forged, n "-". */
static const struct {
	const char *name;
	enum plan plan;
	const char *what;
	enum fault_kind kind;		/* FAULT_KINDS: somebody comes in */
	const char *user, *how;
	const char *challenge;
} cases[] = {
	{ "none", NONE, "", FAULT_KINDS, "anonymous", "none", NULL },
	{ "none, a token nobody asks for", NONE, "W", FAULT_KINDS,
		"anonymous", "none", NULL },
	{ "local", LOCAL, "l", FAULT_KINDS, "anonymous", "local", NULL },
	{ "local, from elsewhere", LOCAL, "", FAULT_UNAUTHENTICATED, NULL,
		NULL, REALM },
	{ "token", TOKEN, "B", FAULT_KINDS, "token:0", "token", NULL },
	{ "token with a name", TOKEN, "C", FAULT_KINDS, "token:ci", "token",
		NULL },
	{ "expired token", TOKEN, "O", FAULT_TOKEN_EXPIRED, NULL, NULL,
		EXPIRED },
	{ "wrong token", TOKEN, "W", FAULT_INVALID_TOKEN, NULL, NULL,
		INVALID },
	{ "malformed token", TOKEN, "M", FAULT_INVALID_TOKEN, NULL, NULL,
		INVALID },
	{ "no token", TOKEN, "", FAULT_UNAUTHENTICATED, NULL, NULL, REALM },
	{ "Basic", TOKEN, "A", FAULT_UNAUTHENTICATED, NULL, NULL, REALM },
	{ "no token, local", TOKEN, "l", FAULT_UNAUTHENTICATED, NULL, NULL,
		REALM },
	{ "key", APIKEY, "K", FAULT_KINDS, "apikey:0", "apikey", NULL },
	{ "wrong key", APIKEY, "L", FAULT_INVALID_TOKEN, NULL, NULL,
		INVALID },
	{ "key as bearer", APIKEY, "B", FAULT_UNAUTHENTICATED, NULL, NULL,
		REALM },
	{ "jwt", JWT, "J", FAULT_KINDS, "carol", "jwt", NULL },
	{ "expired jwt", JWT, "E", FAULT_TOKEN_EXPIRED, NULL, NULL,
		EXPIRED },
	{ "forged jwt", JWT, "F", FAULT_TOKEN_SIGNATURE, NULL, NULL,
		INVALID },
	{ "no jwt", JWT, "D", FAULT_INVALID_TOKEN, NULL, NULL, INVALID },
	{ "a token for jwt", JWT, "B", FAULT_INVALID_TOKEN, NULL, NULL,
		INVALID },
	{ "proxy", PROXY, "U", FAULT_KINDS, "alice", "proxy", NULL },
	{ "proxy, nobody", PROXY, "", FAULT_NO_IDENTITY, NULL, NULL, REALM },
	{ "proxy, a stranger", PROXY, "V", FAULT_NO_IDENTITY, NULL, NULL,
		REALM },
	{ "proxy, two users", PROXY, "R", FAULT_NO_IDENTITY, NULL, NULL,
		REALM },
	{ "proxy, a bearer nobody asks for", PROXY, "UW", FAULT_KINDS,
		"alice", "proxy", NULL },

	/* ---- several ---- */
	{ "dual, jwt", DUAL, "J", FAULT_KINDS, "carol", "jwt", NULL },
	{ "dual, proxy", DUAL, "U", FAULT_KINDS, "alice", "proxy", NULL },
	{ "dual, both", DUAL, "JU", FAULT_KINDS, "carol", "jwt", NULL },
	{ "dual, forged jwt and proxy", DUAL, "FU", FAULT_TOKEN_SIGNATURE,
		NULL, NULL, INVALID },
	{ "dual, expired jwt and proxy", DUAL, "EU", FAULT_TOKEN_EXPIRED,
		NULL, NULL, EXPIRED },
	{ "dual, malformed bearer and proxy", DUAL, "MU",
		FAULT_INVALID_TOKEN, NULL, NULL, INVALID },
	{ "dual, Basic and proxy", DUAL, "AU", FAULT_KINDS, "alice", "proxy",
		NULL },
	{ "dual, jwt and a stranger", DUAL, "JV", FAULT_KINDS, "carol",
		"jwt", NULL },
	{ "dual, nothing", DUAL, "", FAULT_NO_IDENTITY, NULL, NULL, REALM },
	{ "proxy first, both", REVERSED, "JU", FAULT_KINDS, "alice", "proxy",
		NULL },
	{ "proxy first, a stranger and jwt", REVERSED, "JV", FAULT_KINDS,
		"carol", "jwt", NULL },
	{ "proxy first, two users and jwt", REVERSED, "JR",
		FAULT_NO_IDENTITY, NULL, NULL, REALM },
	{ "two bearers, token", BEARERS, "C", FAULT_KINDS, "token:ci",
		"token", NULL },
	{ "two bearers, jwt", BEARERS, "J", FAULT_KINDS, "carol", "jwt",
		NULL },
	{ "two bearers, neither", BEARERS, "W", FAULT_INVALID_TOKEN, NULL,
		NULL, INVALID },
	{ "two bearers, an expired token", BEARERS, "O",
		FAULT_TOKEN_EXPIRED, NULL, NULL, EXPIRED },
	{ "optional, nothing", OPTIONAL, "", FAULT_KINDS, "anonymous",
		"none", NULL },
	{ "optional, good", OPTIONAL, "B", FAULT_KINDS, "token:0", "token",
		NULL },
	{ "optional, wrong", OPTIONAL, "W", FAULT_INVALID_TOKEN, NULL, NULL,
		INVALID },
	{ "optional, malformed", OPTIONAL, "M", FAULT_INVALID_TOKEN, NULL,
		NULL, INVALID },
	{ "optional proxy, two users", PROXY_OPTIONAL, "R",
		FAULT_NO_IDENTITY, NULL, NULL, REALM },
	{ "optional proxy, a stranger", PROXY_OPTIONAL, "V", FAULT_KINDS,
		"anonymous", "none", NULL },
	{ "local first, local", LOCAL_FIRST, "l", FAULT_KINDS, "anonymous",
		"local", NULL },
	{ "local first, local and a token", LOCAL_FIRST, "lC", FAULT_KINDS,
		"token:ci", "token", NULL },
	{ "local first, local and a wrong token", LOCAL_FIRST, "lW",
		FAULT_INVALID_TOKEN, NULL, NULL, INVALID },
	{ "local first, elsewhere", LOCAL_FIRST, "", FAULT_UNAUTHENTICATED,
		NULL, NULL, REALM },
	{ "key or token: key", KEY_OR_TOKEN, "K", FAULT_KINDS, "apikey:0",
		"apikey", NULL },
	{ "key or token: both", KEY_OR_TOKEN, "KB", FAULT_TWO_CREDENTIALS,
		NULL, NULL, REALM ", error=\"invalid_request\"" },
	{ "query", QUERY, "Q", FAULT_KINDS, "token:0", "token", NULL },
	{ "query and header", QUERY, "QB", FAULT_TWO_CREDENTIALS, NULL, NULL,
		REALM ", error=\"invalid_request\"" },
	{ "query, not told to", TOKEN, "Q", FAULT_UNAUTHENTICATED, NULL,
		NULL, REALM },

	/* ---- to be asked about: nobody can be asked here ---- */
	{ "opaque", OPAQUE, "W", FAULT_AUTH_UNAVAILABLE, NULL, NULL, NULL },
	{ "opaque, with two dots", OPAQUE, "J", FAULT_AUTH_UNAVAILABLE, NULL,
		NULL, NULL },
	{ "opaque, malformed", OPAQUE, "M", FAULT_INVALID_TOKEN, NULL, NULL,
		INVALID },
	{ "opaque, nothing", OPAQUE, "", FAULT_UNAUTHENTICATED, NULL, NULL,
		REALM },
	{ "jwt or opaque: two dots", JWT_OPAQUE, "J", FAULT_KINDS, "carol",
		"jwt", NULL },
	{ "jwt or opaque: two dots, forged", JWT_OPAQUE, "F",
		FAULT_TOKEN_SIGNATURE, NULL, NULL, INVALID },
	{ "jwt or opaque: nonsense with two dots", JWT_OPAQUE, "D",
		FAULT_INVALID_TOKEN, NULL, NULL, INVALID },
	{ "jwt or opaque: no dots", JWT_OPAQUE, "W", FAULT_AUTH_UNAVAILABLE,
		NULL, NULL, NULL },
	{ "a static token is never asked about", TOKEN_OPAQUE, "B",
		FAULT_KINDS, "token:0", "token", NULL },
	{ "nor one that has expired", TOKEN_OPAQUE, "O",
		FAULT_TOKEN_EXPIRED, NULL, NULL, EXPIRED },
	{ "another one is", TOKEN_OPAQUE, "W", FAULT_AUTH_UNAVAILABLE, NULL,
		NULL, NULL },
	{ "all: token", ALL_BEARERS, "C", FAULT_KINDS, "token:ci", "token",
		NULL },
	{ "all: jwt", ALL_BEARERS, "J", FAULT_KINDS, "carol", "jwt", NULL },
	{ "all: opaque, no proxy instead", ALL_BEARERS, "WU",
		FAULT_AUTH_UNAVAILABLE, NULL, NULL, NULL },
	{ "all: proxy", ALL_BEARERS, "U", FAULT_KINDS, "alice", "proxy",
		NULL },
	{ "opaque or proxy: both", OPAQUE_PROXY, "WU",
		FAULT_AUTH_UNAVAILABLE, NULL, NULL, NULL },

	/* ---- what a proxy has signed ---- */
	{ "signed", SIGNED, "j", FAULT_KINDS, "carol", "proxy", NULL },
	{ "signed, expired", SIGNED, "e", FAULT_TOKEN_EXPIRED, NULL, NULL,
		EXPIRED },
	{ "signed by somebody else", SIGNED, "f", FAULT_TOKEN_SIGNATURE,
		NULL, NULL, INVALID },
	{ "signed: a plain name", SIGNED, "U", FAULT_INVALID_TOKEN, NULL,
		NULL, INVALID },
	{ "signed: nobody", SIGNED, "n", FAULT_NO_IDENTITY, NULL, NULL,
		REALM },
	{ "signed: twice", SIGNED, "jj", FAULT_NO_IDENTITY, NULL, NULL,
		REALM },
	{ "signed, as a bearer", SIGNED, "J", FAULT_NO_IDENTITY, NULL, NULL,
		REALM },
	{ "signed or token: token", SIGNED_DUAL, "Bj", FAULT_KINDS,
		"token:0", "token", NULL },
	{ "signed or token: wrong token", SIGNED_DUAL, "Wj",
		FAULT_INVALID_TOKEN, NULL, NULL, INVALID },

	/* ---- rules ---- */
	{ "all scopes", SCOPES, "C", FAULT_KINDS, "token:ci", "token",
		NULL },
	{ "no scope", SCOPES, "B", FAULT_INSUFFICIENT_SCOPE, NULL, NULL,
		SCOPED },
	{ "a user without scopes", SCOPES, "U", FAULT_INSUFFICIENT_SCOPE,
		NULL, NULL, SCOPED },
	{ "no credential where scopes are needed", SCOPES, "",
		FAULT_NO_IDENTITY, NULL, NULL, REALM ", scope=\"mcp x\"" },
	{ "anonymous where scopes are needed", SCOPES_OPTIONAL, "",
		FAULT_UNAUTHENTICATED, NULL, NULL,
		REALM ", scope=\"mcp x\"" },
	{ "denied and allowed", DENY, "U", FAULT_FORBIDDEN, NULL, NULL,
		NULL },
	{ "allowed, not denied", DENY, "C", FAULT_KINDS, "token:ci",
		"token", NULL },
	{ "allowed by a pattern", ALLOW, "U", FAULT_KINDS, "alice", "proxy",
		NULL },
	{ "not allowed", ALLOW, "B", FAULT_FORBIDDEN, NULL, NULL, NULL },
	{ "an empty list of users", NOBODY, "C", FAULT_FORBIDDEN, NULL, NULL,
		NULL },
	{ "a group", GROUPS, "UG", FAULT_KINDS, "alice", "proxy", NULL },
	{ "no group", GROUPS, "U", FAULT_FORBIDDEN, NULL, NULL, NULL },
	{ "an empty list of groups", NO_GROUP, "UG", FAULT_FORBIDDEN, NULL,
		NULL, NULL },
	{ "not allowed, and no credential would help", OPEN_ALLOW, "",
		FAULT_FORBIDDEN, NULL, NULL, NULL },
	{ "a token has no group", GROUPS, "C", FAULT_FORBIDDEN, NULL, NULL,
		NULL },
};

static const struct conf conf = { .limits = { .token = 16384 } };

static struct str
jwt(struct arena *a, const char *secret, const char *claims)
{
	struct signer s = signer_secret(str_of(secret));

	return sign_token(a, &s, JOSE_HS256, "{\"alg\":\"HS256\"}", claims);
}

static void
add_bearer(struct params *p, struct str value)
{
	params_add(p, STR("HTTP_AUTHORIZATION"), str_fmt(p->arena,
		"Bearer %.*s", STR_ARG(value)));
}

static void
add_user(struct params *p, const char *user, const char *from)
{
	params_add(p, STR("HTTP_X_USER"), str_of(user));
	params_add(p, STR("REMOTE_ADDR"), str_of(from));
}

static void
add(struct params *p, char what)
{
	struct arena *a = p->arena;

	switch (what) {
	case 'B': add_bearer(p, STR("alpha-token")); break;
	case 'C': add_bearer(p, STR("ci-token")); break;
	case 'O': add_bearer(p, STR("old-token")); break;
	case 'W': add_bearer(p, STR("wrong")); break;
	case 'M': add_bearer(p, STR("a,b")); break;
	case 'J': add_bearer(p, jwt(a, SECRET, "{\"sub\":\"carol\"}")); break;
	case 'E': add_bearer(p, jwt(a, SECRET, "{\"sub\":\"carol\","
		"\"exp\":1600000000}")); break;
	case 'F': add_bearer(p, jwt(a, "another secret",
		"{\"sub\":\"carol\"}")); break;
	case 'D': add_bearer(p, STR("a.b.c")); break;
	case 'j': add_user(p, jwt(a, SECRET, "{\"sub\":\"carol\"}").p,
		"192.0.2.9"); break;
	case 'e': add_user(p, jwt(a, SECRET, "{\"sub\":\"carol\","
		"\"exp\":1600000000}").p, "192.0.2.9"); break;
	case 'f': add_user(p, jwt(a, "another secret",
		"{\"sub\":\"carol\"}").p, "192.0.2.9"); break;
	case 'n': add_user(p, "-", "192.0.2.9"); break;
	case 'A': params_add(p, STR("HTTP_AUTHORIZATION"), STR("Basic x"));
		break;
	case 'K': params_add(p, STR("HTTP_X_API_KEY"), STR("key")); break;
	case 'L': params_add(p, STR("HTTP_X_API_KEY"), STR("kex")); break;
	case 'U': add_user(p, "alice", "10.0.0.5"); break;
	case 'H': add_user(p, "carol", "10.0.0.5"); break;
	case 'V': add_user(p, "alice", "10.0.0.6"); break;
	case 'R': add_user(p, "alice", "10.0.0.5");
		add_user(p, "bob", "10.0.0.5"); break;
	case 'G': params_add(p, STR("HTTP_X_GROUPS"), STR("x,ops-1")); break;
	default: break;
	}
}

static const struct fault *
judge(struct arena *a, const struct conf_inbound *in, const char *what,
	struct segment *s, struct auth_answer *an)
{
	struct auth_policy *policy;
	struct params p;

	if (!OK(auth_policy_new(&conf, in, STR("s"), a, &policy) == NULL))
		exit(1);
	params_init(&p, a, 8);
	for (const char *w = what; *w != '\0'; w++)
		add(&p, *w);
	return auth_judge(&(struct auth_ask){
		.policy = policy, .params = &p, .segment = s, .arena = a,
		.query = strchr(what, 'Q') != NULL ?
			STR("access_token=alpha-token") : STR(""),
		.now_unix_s = NOW, .local = strchr(what, 'l') != NULL,
	}, an);
}

static void
run_row(size_t i)
{
	struct arena *a = arena_new(1 << 22);
	struct auth_answer an = { 0 };
	const struct fault *f = judge(a, &plans[cases[i].plan],
		cases[i].what, NULL, &an);
	enum fault_kind kind = f != NULL ? f->kind : FAULT_KINDS;

	if (!tap_ok(kind == cases[i].kind, "%s", cases[i].name))
		printf("# %s\n", f != NULL ? f->detail : "no fault");
	if (kind == FAULT_KINDS && cases[i].user != NULL) {
		IS_STR(an.who.user, cases[i].user);
		IS_STR(an.who.how, cases[i].how);
		IS_STR(str_of(an.strategy), cases[i].how);
		OK(an.who.authenticated == !str_is(an.who.user,
			"anonymous"));
	}
	IS_STR(an.challenge, cases[i].challenge != NULL ?
		cases[i].challenge : "");
	OK(an.proxy_header_missing == (kind == FAULT_NO_IDENTITY));
	arena_free(a);
}

/* ---- what the guard of outbound tokens sees -------------------------- */

static void
check_presented(void)
{
	static const struct {
		enum plan plan;
		const char *what, *seen;
	} rows[] = {
		{ NONE, "W", "wrong" }, { LOCAL, "W", "wrong" },
		{ PROXY, "UW", "wrong" }, { TOKEN, "W", "wrong" },
		{ TOKEN, "M", "a,b" }, { APIKEY, "B", "alpha-token" },
		{ APIKEY, "K", "key" }, { TOKEN, "A", "" }, { NONE, "", "" },
		{ QUERY, "Q", "alpha-token" },
	};
	struct arena *a = arena_new(1 << 22);
	struct auth_answer an = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)judge(a, &plans[rows[i].plan], rows[i].what, NULL, &an);
		IS_STR(an.presented, rows[i].seen);
	}
	arena_free(a);
}

/* ---- what is told beside the verdict ---------------------------------- */

/* A proxy that says the same as the credential says nothing new. */
static void
check_other(void)
{
	struct arena *a = arena_new(1 << 22);
	struct auth_answer an = { 0 };

	(void)judge(a, &plans[DUAL], "JU", NULL, &an);
	IS_STR(an.other, "alice");
	(void)judge(a, &plans[DUAL], "JH", NULL, &an);
	IS_STR(an.other, "");
	(void)judge(a, &plans[DUAL], "JV", NULL, &an);
	IS_STR(an.other, "");
	arena_free(a);
}

/* Who is refused, and still may use what is public. */
static void
check_nobody(void)
{
	static const struct {
		enum plan plan;
		const char *what;
		bool anonymous;
	} rows[] = {
		{ TOKEN, "", true }, { TOKEN, "A", true },
		{ TOKEN, "W", false }, { TOKEN, "M", false },
		{ TOKEN, "O", false }, { PROXY, "", true },
		{ PROXY, "V", false }, { PROXY, "R", false },
		{ APIKEY, "B", false }, { SCOPES, "U", false },
	};
	struct arena *a = arena_new(1 << 22);
	struct auth_answer an = { 0 };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OK(judge(a, &plans[rows[i].plan], rows[i].what, NULL, &an) !=
			NULL);
		tap_ok(an.anonymous == rows[i].anonymous, "plan %d, '%s': %s",
			rows[i].plan, rows[i].what, rows[i].anonymous ?
			"nobody" : "refused");
	}
	arena_free(a);
}

/* ---- principals --------------------------------------------------------- */

static void
check_digests(void)
{
	struct arena *a = arena_new(1 << 22);
	struct auth_answer one = { 0 }, two = { 0 }, three = { 0 };

	(void)judge(a, &plans[TOKEN], "C", NULL, &one);
	(void)judge(a, &plans[BEARERS], "C", NULL, &two);
	(void)judge(a, &plans[PROXY], "U", NULL, &three);
	OK(memcmp(one.who.digest, two.who.digest, 16) == 0);
	OK(memcmp(one.who.digest, three.who.digest, 16) != 0);
	OK(identity_has_scope(&one.who, STR("x")));
	OK(!identity_has_scope(&one.who, STR("y")));
	IS_STR(three.who.issuer, "header:X-User");
	OK(!three.untrusted_header);
	(void)judge(a, &plans[PROXY], "V", NULL, &three);
	OK(three.untrusted_header);
	(void)judge(a, &plans[SIGNED], "j", NULL, &three);
	tap_ok(str_is(three.who.issuer, "header:X-User"),
		"a signed name without an issuer is the header's");
	arena_free(a);
}

/* Names that we give belong to whom we give them; a list that lets everybody
 * in means everybody. */
static void
check_names(void)
{
	static const struct str given[] = { S("token:*"), S("anonymous") };
	static const struct str all[] = { S("*") };
	const struct conf_texts ours = LIST(given), any = LIST(all);

	OK(identity_named(&ours, STR("token"), STR("token:ci")));
	OK(!identity_named(&ours, STR("proxy"), STR("token:ci")));
	OK(!identity_named(&ours, STR("jwt"), STR("anonymous")));
	OK(identity_named(&ours, STR("local"), STR("anonymous")));
	OK(identity_named(&any, STR("proxy"), STR("token:ci")));
	OK(!identity_named(&ours, STR("token"), STR("apikey:ci")));
}

/* What cannot stand in a quoted string is escaped, or left out. */
static void
check_realm(void)
{
	struct arena *a = arena_new(1 << 22);
	struct conf_inbound in = plans[TOKEN];
	struct auth_answer an = { 0 };

	in.realm = STR("a\"b\\c\r\nX-D: \x7f\xc3\xa4");
	(void)judge(a, &in, "", NULL, &an);
	IS_STR(an.challenge, "Bearer realm=\"a\\\"b\\\\cX-D: \"");
	arena_free(a);
}

/* ---- verdicts -------------------------------------------------------------- */

/* Judges a token at a time, under a policy of its own. */
static bool
passes(struct segment *s, const struct conf_inbound *in, const char *name,
	struct str token, int64_t now_s, bool *cached_r)
{
	struct arena *a = arena_new(1 << 22);
	struct auth_policy *policy;
	struct auth_answer an = { 0 };
	struct params p;
	bool good;

	OK(auth_policy_new(&conf, in, str_of(name), a, &policy) == NULL);
	params_init(&p, a, 8);
	add_bearer(&p, token);
	good = auth_judge(&(struct auth_ask){ .policy = policy, .params = &p,
		.segment = s, .arena = a, .now_unix_s = now_s }, &an) == NULL;
	*cached_r = an.cached;
	/* a plain CGI starts no OpenSSL for a verdict that is there */
	OK(!an.cached || policy->keys->v[0].state == JWK_RAW);
	if (good)
		IS_STR(an.who.user, "carol");
	arena_free(a);
	return good;
}

static void
check_verdicts(void)
{
	struct place place = place_new();
	struct segment *s = place_open(&place);
	struct conf_inbound in = plans[JWT];
	struct str token = jwt(place.arena, SECRET, "{\"sub\":\"carol\","
		"\"exp\":1700000030,\"nbf\":1699999990,\"aud\":\"gate\","
		"\"scope\":\"mcp\"}");
	bool cached;

	OK(passes(s, &in, "s", token, NOW, &cached) && !cached);
	OK(passes(s, &in, "s", token, NOW, &cached) && cached);
	OK(passes(s, &in, "s", token, NOW + 29, &cached) && cached);
	/* past exp but within the leeway: judged anew, and good */
	OK(passes(s, &in, "s", token, NOW + 31, &cached) && !cached);
	OK(passes(s, &in, "s", token, NOW + 89, &cached) && !cached);
	OK(!passes(s, &in, "s", token, NOW + 90, &cached) && !cached);
	/* a clock that went back */
	OK(!passes(s, &in, "s", token, NOW - 71, &cached) && !cached);
	OK(passes(s, &in, "s", token, NOW - 70, &cached) && cached);
	/* another policy, by name or by what it says */
	OK(passes(s, &in, "t", token, NOW, &cached) && !cached);
	in.jwt.audience = (struct conf_texts)LIST(gate_audience);
	OK(passes(s, &in, "s", token, NOW, &cached) && !cached);
	OK(passes(s, &in, "s", token, NOW, &cached) && cached);
	in.jwt.audience = (struct conf_texts)LIST(other_audience);
	OK(!passes(s, &in, "s", token, NOW, &cached) && !cached);
	in = plans[JWT];
	in.jwt.leeway_s = 0;
	OK(passes(s, &in, "s", token, NOW, &cached) && !cached);
	OK(passes(s, &in, "s", token, NOW, &cached) && cached);
	OK(!passes(s, &in, "s", token, NOW + 30, &cached) && !cached);
	in = plans[JWT];
	in.jwt.secret.hidden = "another secret of thirty-two byt";
	OK(!passes(s, &in, "s", token, NOW, &cached) && !cached);
	/* scopes and users are looked at with every hit */
	in = plans[JWT];
	in.required_scopes = (struct conf_texts)LIST(two_scopes);
	OK(!passes(s, &in, "s", token, NOW, &cached) && cached);
	in = plans[JWT];
	in.allow_users = (struct conf_texts)LIST(other_audience);
	OK(!passes(s, &in, "s", token, NOW, &cached) && cached);
	in = plans[JWT];
	in.verdict_ttl_ms = 0;
	OK(passes(s, &in, "s", token, NOW, &cached) && !cached);
	/* what is refused is not kept */
	token = jwt(place.arena, "another secret", "{\"sub\":\"carol\"}");
	OK(!passes(s, &plans[JWT], "s", token, NOW, &cached) && !cached);
	OK(!passes(s, &plans[JWT], "s", token, NOW, &cached) && !cached);
	segment_close(s);
	place_end(&place);
}

/* ---- policies that cannot be ------------------------------------------------ */

static const struct str bad_algs[][2] = { { S("none"), S("RS256") },
	{ S("HS256"), S("RS256") }, { S("RS256"), S("rs256") } };

static void
refused(const char *name, const struct conf_inbound *in)
{
	struct arena *a = arena_new(1 << 20);
	struct auth_policy *p = NULL;
	const struct fault *f = auth_policy_new(&conf, in, STR("s"), a, &p);

	tap_ok(f != NULL && f->kind == FAULT_SERVER_INVALID && p == NULL,
		"cannot be: %s", name);
	arena_free(a);
}

static void
check_policies(void)
{
	struct conf_inbound in = plans[JWT];

	for (size_t i = 0; i < 3; i++) {
		in.jwt.algorithms = (struct conf_texts){ bad_algs[i], 2,
			true };
		refused("algorithms", &in);
	}
	in = plans[JWT];
	in.jwt.secret.n = 0;
	refused("no key", &in);
	in.jwt.jwks_url = STR("https://issuer.test/keys");
	in.jwt.secret.n = 32;
	refused("remote keys and a secret", &in);
	in.jwt.jwks_url = STR_NONE;
	in.jwt.jwks_file = STR("keys.json");
	in.jwt.keys_text = STR("{}");
	refused("a bad key set", &in);
	in.jwt.keys_text = STR("{\"keys\":[]}");
	in.jwt.algorithms = (struct conf_texts){ &bad_algs[1][0], 1, true };
	refused("HS256 with a key set", &in);
	in = plans[JWT];
	in.jwt.public_key_file = STR("key.pem");
	in.jwt.keys_text = STR("x");
	refused("secret and key file", &in);
	in = plans[JWT];
	in.jwt.profile = STR("azure");
	refused("an unknown profile", &in);
	in = plans[JWT];
	in.jwt.backend = STR("gnutls");
	refused("an unknown backend", &in);
	in = plans[PROXY];
	in.proxy.trusted_peers = (struct conf_cidrs){ .n = 0 };
	refused("proxy without trust", &in);
	in.strategies[0] = STRATEGY_LUA;
	refused("lua", &in);
	in.n_strategies = 0;
	refused("no strategy", &in);
}

int
main(void)
{
	digest_sha256(STR("alpha-token"), tokens[0].sha256);
	digest_sha256(STR("ci-token"), tokens[1].sha256);
	tokens[1].name = STR("ci");
	tokens[1].scopes = (struct conf_texts)LIST(two_scopes);
	digest_sha256(STR("old-token"), tokens[2].sha256);
	tokens[2].expires_unix_s = NOW - 1;
	digest_sha256(STR("key"), keys[0].sha256);
	if (!conf_cidr_parse(STR("10.0.0.5"), &peer))
		return 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		run_row(i);
	check_presented();
	check_other();
	check_nobody();
	check_digests();
	check_names();
	check_realm();
	check_verdicts();
	check_policies();
	return tap_done();
}
