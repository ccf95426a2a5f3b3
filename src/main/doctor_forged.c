/* SPDX-License-Identifier: MIT */
/*
 * doctor: do forged identities stay out
 *
 * A request tries all names in one spelling: two spellings of a name that
 * arrive together contradict each other, and are refused for that alone.
 */
#include "config.h"

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "main/doctor.h"

#define FORGED "mcpgate-doctor"		/* a user whom nobody knows */
#define MOST_SERVERS 16

static const char check[] = "identity";

/* ---- what to do about it ---------------------------------------------------------- */
static const char *const name_passes[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "who connects from an address of trustedPeers is "
		"believed: take out those that clients have,\nor give the "
		"proxy a secret (proxy.secretHeader) and let it remove this "
		"header from clients,\nor use proxy.param",
	[FRONT_NGINX] = "take addresses that clients have out of trustedPeers, "
		"or give the proxy a secret (proxy.secretHeader);\nor let "
		"nginx log in: auth_basic, and proxy.param with fastcgi_param "
		"MCPGATE_USER $remote_user;",
	[FRONT_APACHE] = "RequestHeader unset NAME early, before it is set "
		"again, and no address of clients in trustedPeers;\nor let "
		"Apache log in, and REMOTE_USER as proxy.param",
	[FRONT_LIGHTTPD] = "take addresses that clients have out of "
		"trustedPeers, or give the proxy a secret "
		"(proxy.secretHeader);\nor let lighttpd log in, and "
		"REMOTE_USER as proxy.param",
};

static const char *const spelling_passes[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "the web server passes another spelling of a header "
		"on: let it remove that from clients, or use proxy.param",
	[FRONT_NGINX] = "underscores_in_headers off; and "
		"ignore_invalid_headers on; or proxy.param with\n"
		"fastcgi_param MCPGATE_USER $remote_user; and auth_basic, "
		"instead of a header",
	[FRONT_LIGHTTPD] = "lighttpd passes other spellings of a header on: "
		"let it authenticate,\nand use REMOTE_USER as proxy.param",
};

static const char *const login_passes[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "nobody looks at the password: the web server has "
		"to, or proxy.param is to be another variable",
	[FRONT_NGINX] = "auth_basic in the location of the mount, without "
		"\"satisfy any\": without it $remote_user is what\nthe client "
		"has written; or another proxy.param",
	[FRONT_APACHE] = "AuthType Basic and Require valid-user for the mount: "
		"nobody looks at the password;\nor another proxy.param",
	[FRONT_LIGHTTPD] = "auth.require for the mount: nobody looks at the "
		"password; or another proxy.param",
};

/* ---- what is forged ------------------------------------------------------------------ */

/* What products call the user. */
static const struct str users[] = {
	STR("X-Authenticated-User"), STR("Remote-User"), STR("X-Remote-User"),
	STR("X-Forwarded-User"), STR("X-Auth-Request-User"),
	STR("X-Consumer-Username"), STR("X-WebAuth-User"),
	STR("Cf-Access-Authenticated-User-Email"), STR("Mcpgate-User"),
	STR("X-Mcpgate-User"),
};

#define BASIC STR("Basic bWNwZ2F0ZTpkb2N0b3I=")
#define LOCAL STR("127.0.0.1")

static const struct header logins[] = {
	{ STR("Authorization"), BASIC }, { STR("Proxy-Authorization"), BASIC },
};

static const struct header places[] = {
	{ STR("X-Forwarded-For"), LOCAL }, { STR("X-Real-IP"), LOCAL },
	{ STR("Forwarded"), STR("for=127.0.0.1") },
};

#define COUNT(v) (sizeof(v) / sizeof((v)[0]))
#define MOST_FORGED (COUNT(users) + 1)

/* One after the other: a login may be looked at before all else. */
enum round { DASHES, LINES, DOTS, LOGINS, PLACES, ROUNDS };

static const char *const *const passes[ROUNDS] = {
	[DASHES] = name_passes, [LINES] = spelling_passes,
	[DOTS] = spelling_passes, [LOGINS] = login_passes,
	[PLACES] = name_passes,
};

/* The header, with '-' as the round spells it. */
static struct header
spelled(struct doctor *d, struct str name, enum round round, struct str value)
{
	static const char dashes[] = { [DASHES] = '-', [LINES] = '_',
		[DOTS] = '.' };
	char *p = arena_alloc(d->arena, name.n + 1);

	for (size_t i = 0; i < name.n; i++)
		p[i] = name.p[i] == '-' ? dashes[round] : name.p[i];
	return (struct header){ { p, name.n }, value };
}

/* As the header of the configuration has it: a mesh's is a payload. */
static struct str
forged_value(struct doctor *d, const struct conf_proxy_identity *p)
{
	struct buf b = buf_new(d->arena, KIB(4));

	if (!str_is(p->format, "jwt-payload"))
		return STR(FORGED);
	buf_add(&b, STR("{\""));
	buf_json(&b, p->claim.n > 0 ? p->claim : STR("sub"));
	buf_add(&b, STR("\":\"" FORGED "\"}"));
	return digest_base64url(d->arena, b.p, b.n);
}

static uint32_t
gather_users(struct doctor *d, const struct conf_proxy_identity *p,
	enum round round, struct header *v_r)
{
	struct str ours = p->user_header.n > 0 ? p->user_header : users[0];
	uint32_t n = 0;

	for (size_t i = 0; i < COUNT(users); i++) {
		if (!str_eq_nocase(users[i], ours))
			v_r[n++] = spelled(d, users[i], round, STR(FORGED));
	}
	v_r[n++] = spelled(d, ours, round, forged_value(d, p));
	return n;
}

static struct doctor_headers
gather(struct doctor *d, const struct conf_inbound *in, enum round round)
{
	struct header *v;

	if (round == LOGINS)
		return (struct doctor_headers){ logins, COUNT(logins) };
	if (round == PLACES)
		return (struct doctor_headers){ places, COUNT(places) };
	v = ARENA_ARRAY(d->arena, struct header, MOST_FORGED);
	return (struct doctor_headers){ v,
		gather_users(d, &in->proxy, round, v) };
}

/* ---- what comes of it ----------------------------------------------------------------- */

/* Who is nobody hears 401: what a list keeps out has a name already. */
static bool
is_believed(const struct ask_reply *r)
{
	return doctor_came_in(r) || ask_says(r, "\"reason\":\"forbidden\"") ||
		ask_says(r, "\"reason\":\"insufficient_scope\"") ||
		ask_says(r, "\"reason\":\"bad_identity\"");
}

static bool
is_refused(const struct ask_reply *r)
{
	return r->status == 400 || r->status == 401 || r->status == 403 ||
		r->status == 421 || r->status == 431;
}

/* Of no answer and of a busy one nobody knows what it means; nor of 403 where
 * nothing was forged: who is calling was not asked. */
static bool
is_unclear(struct doctor *d, struct str name, const struct ask_reply *r,
	bool plain)
{
	if (doctor_silent(d, check, name, r))
		return true;
	if (is_believed(r) || (is_refused(r) && !(plain && r->status == 403)))
		return false;
	doctor_find(d, FINDING_WARN, check, str_fmt(d->arena,
		"\"%.*s\" answers %d: %.*s", STR_ARG(name), r->status,
		STR_ARG(str_head(r->body, 200))), NULL);
	return true;
}

/* One of them came in: which one? */
static struct str
culprit(struct doctor *d, struct str name, const struct doctor_headers *h)
{
	for (uint32_t i = 0; i < h->n; i++) {
		struct ask_reply r;

		doctor_call(d, name, STR(""),
			&(struct doctor_headers){ &h->v[i], 1 }, &r);
		if (is_believed(&r))
			return h->v[i].name;
	}
	return STR("several headers together");
}

static bool
try_round(struct doctor *d, const struct conf_server *s, enum round round)
{
	struct doctor_headers h = gather(d, &s->options.inbound, round);
	struct ask_reply r;

	doctor_call(d, s->name, STR(""), &h, &r);
	if (is_unclear(d, s->name, &r, false))
		return false;
	if (!is_believed(&r))
		return true;
	doctor_find(d, FINDING_FAIL, check, str_fmt(d->arena,
		"\"%.*s\" believes a client's header: %.*s", STR_ARG(s->name),
		STR_ARG(culprit(d, s->name, &h))), passes[round]);
	return false;
}

static bool
forge(struct doctor *d, const struct conf_server *s)
{
	struct ask_reply plain;
	bool good = true;

	doctor_call(d, s->name, STR(""), NULL, &plain);
	if (is_unclear(d, s->name, &plain, true))
		return false;
	if (is_believed(&plain)) {
		doctor_find(d, FINDING_FAIL, check, str_fmt(d->arena,
			"\"%.*s\" answers %d without any credential",
			STR_ARG(s->name), plain.status), NULL);
		return false;
	}
	for (enum round k = DASHES; k < ROUNDS && good; k++)
		good = try_round(d, s, k);
	return good;
}

static bool
is_locked(const struct conf_inbound *in)
{
	return !conf_has_strategy(in, STRATEGY_NONE) &&
		!conf_has_strategy(in, STRATEGY_LOCAL);
}

void
doctor_forged(struct doctor *d)
{
	uint32_t asked = 0, good = 0;

	for (uint32_t i = 0; i < d->conf->n_servers &&
	    asked < MOST_SERVERS; i++) {
		const struct conf_server *s = &d->conf->servers[i];

		if (s->options.disabled || s->invalid.n > 0 ||
		    !is_locked(&s->options.inbound))
			continue;
		asked++;
		good += forge(d, s);
	}
	if (asked == 0)
		doctor_find(d, FINDING_SKIP, check,
			STR("no server asks who is calling"), NULL);
	else if (good == asked)
		doctor_find(d, FINDING_OK, check, str_fmt(d->arena,
			"forged headers change nothing at %u server(s)",
			asked), NULL);
}
