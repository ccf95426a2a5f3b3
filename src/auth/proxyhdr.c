/* SPDX-License-Identifier: MIT */
/*
 * proxyhdr -- an identity that a web server or proxy vouches for
 */
#include "config.h"
#include "auth/proxyhdr.h"

#include "auth/jose.h"
#include "auth/peer.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"

static const struct jdoc_limits payload_limits = { .depth = 16,
	.values = 2000 };

/* ---- the rules ---------------------------------------------------- */

static struct str
variable_of(struct arena *a, struct str header)
{
	if (header.n == 0)
		return STR_NONE;
	return str_copy(a, params_header_name(a, header));
}

static const struct fault *
refuse_rules(struct arena *a, const char *why)
{
	return fault_new(a, FAULT_SERVER_INVALID, "proxy identity: %s", why);
}

static const struct fault *
read_format(struct arena *a, struct str word, enum proxy_format *format_r)
{
	if (word.n == 0 || str_is(word, "text"))
		*format_r = PROXY_TEXT;
	else if (str_is(word, "list"))
		*format_r = PROXY_LIST;
	else if (str_is(word, "jwt-payload"))
		*format_r = PROXY_PAYLOAD;
	else if (str_is(word, "jwt"))
		*format_r = PROXY_JWT;
	else
		return refuse_rules(a, "format is not available");
	return NULL;
}

/* trustedPeers as they stand, else the trusted proxies of the gateway; what
 * is signed may come from anywhere unless the list is written. */
static const struct conf_cidrs *
peers_of(const struct conf *c, const struct conf_proxy_identity *p)
{
	if (p->trusted_peers.set || p->trusted_peers.n > 0)
		return &p->trusted_peers;
	if (str_is(p->format, "jwt"))
		return NULL;
	return c->trusted_proxies.n > 0 ? &c->trusted_proxies : NULL;
}

static void
read_source(struct arena *a, const struct conf_proxy_identity *p,
	struct proxy_rules *r)
{
	struct str header = p->user_header.n > 0 ? p->user_header :
		STR("X-Authenticated-User");

	r->client = p->param.n == 0;
	if (r->client) {
		r->user = variable_of(a, header);
		r->source = str_fmt(a, "header:%.*s", STR_ARG(header));
		return;
	}
	r->user = str_copy(a, p->param);
	r->source = str_fmt(a, "param:%.*s", STR_ARG(p->param));
}

const struct fault *
proxyhdr_rules(const struct conf *c, const struct conf_proxy_identity *p,
	struct arena *a, struct proxy_rules *r_r)
{
	struct proxy_rules r = { .conf = p, .peers = peers_of(c, p),
		.listed = p->trusted_peers.set };
	bool has_secret = p->secret_header.n > 0 && !secret_empty(p->secret);
	const struct fault *f = read_format(a, p->format, &r.format);

	if (f != NULL)
		return f;
	if ((p->secret_header.n > 0) == secret_empty(p->secret))
		return refuse_rules(a, "a secret header needs a secret");
	read_source(a, p, &r);
	r.email = variable_of(a, p->email_header);
	r.groups = variable_of(a, p->groups_header);
	r.secret = variable_of(a, p->secret_header);
	r.conditions = has_secret || r.peers != NULL;
	if (r.client && !r.conditions && r.format != PROXY_JWT)
		return refuse_rules(a, "neither a trusted peer nor a secret");
	if (!r.client && (str_starts(r.user, STR("HTTP_")) ||
	    str_starts(r.user, STR("REDIRECT_"))))
		return refuse_rules(a, "param is what a client may send");
	*r_r = r;
	return NULL;
}

/* ---- trust -------------------------------------------------------- */

static bool
secret_holds(const struct proxy_rules *r, const struct params *p)
{
	uint32_t n;
	struct str value = params_client(p, r->secret.p, &n);

	return n == 1 && secret_eq(secret_of(value), r->conf->secret);
}

static bool
peer_holds(const struct proxy_rules *r, const struct params *p,
	int64_t now_unix_s)
{
	return peer_trusted(p, r->conf->peer_param, r->peers, now_unix_s);
}

/* All that is configured must hold, and something must be, unless the value
 * is signed. */
static bool
is_trusted(const struct proxy_rules *r, const struct params *p,
	int64_t now_unix_s)
{
	if (!r->conditions)
		return r->format == PROXY_JWT;
	if (r->peers != NULL && !peer_holds(r, p, now_unix_s))
		return false;
	return r->secret.n == 0 || secret_holds(r, p);
}

/* A variable needs no condition; those that are written beside it hold for
 * it, too.  The proxies that the gateway trusts are about headers. */
static bool
is_believed(const struct proxy_rules *r, const struct params *p,
	int64_t now_unix_s)
{
	if (r->client)
		return is_trusted(r, p, now_unix_s);
	if (r->listed && !peer_holds(r, p, now_unix_s))
		return false;
	return r->secret.n == 0 || secret_holds(r, p);
}

/* ---- one value ---------------------------------------------------- */

static const struct fault *
ambiguous(struct arena *a, struct str variable, const char *why)
{
	return fault_new(a, FAULT_NO_IDENTITY, "%.*s: %s", STR_ARG(variable),
		why);
}

static const struct fault *
bad_value(struct arena *a, struct str variable, const char *why)
{
	return fault_new(a, FAULT_BAD_IDENTITY, "%.*s: %s",
		STR_ARG(variable), why);
}

/* What servers put where there is no user. */
static bool
means_nobody(struct str value)
{
	return value.n == 0 || str_is(value, "(null)") || str_is(value, "-");
}

/* A variable of the web server's has one value by the rule of the table. */
static struct str
look_up(const struct params *p, struct str variable, uint32_t *n_r)
{
	struct str value;

	if (str_starts(variable, STR("HTTP_")))
		return params_client(p, variable.p, n_r);
	value = params_server(p, variable.p);
	*n_r = value.n > 0;
	return value;
}

/* The one value, or "" when there is none.  A list may have commas. */
static const struct fault *
collect(const struct params *p, struct str variable, bool list,
	struct arena *a, struct str *value_r)
{
	uint32_t n;
	struct str value = look_up(p, variable, &n);

	*value_r = STR_NONE;
	if (n == 0)
		return NULL;
	if (n > 1)
		return ambiguous(a, variable, "repeated");
	value = str_trim(value);
	if (!list && str_find(value, ',') < value.n)
		return ambiguous(a, variable, "several values");
	*value_r = value;
	return NULL;
}

static const struct fault *
check_text(struct arena *a, struct str variable, struct str value)
{
	if (jose_text_clean(value, MAX_IDENTITY))
		return NULL;
	return bad_value(a, variable, value.n > MAX_IDENTITY ? "too long" :
		"bytes that no name has");
}

/* The claim of an unsigned payload that a mesh passes on. */
static const struct fault *
claim_of(const struct proxy_rules *r, struct arena *a, struct str payload,
	struct str *value_r)
{
	struct str claim = r->conf->claim.n > 0 ? r->conf->claim : STR("sub");
	struct jdoc_report report = { 0 };
	const struct jdoc *d;
	uint8_t *bytes;
	size_t n = 0;

	if (payload.n > MAX_TOKEN)
		return bad_value(a, r->user, "too long");
	bytes = arena_alloc(a, 3 * (payload.n / 4) + 3);
	if (!digest_unbase64url(payload, bytes, &n) || n > MAX_CLAIMS)
		return bad_value(a, r->user, "not base64url");
	d = jdoc_parse(a, (struct str){ (const char *)bytes, n }, JDOC_STRICT,
		&payload_limits, &report);
	if (jdoc_type(d) != JDOC_OBJECT)
		return bad_value(a, r->user, "not a JSON object");
	d = jdoc_get(d, str_copy(a, claim).p);
	*value_r = STR_NONE;
	if (d != NULL && !jdoc_string(d, value_r))
		return bad_value(a, r->user, "the claim is not text");
	return NULL;
}

static const struct fault *
read_user(const struct proxy_rules *r, const struct params *p,
	struct arena *a, struct proxy_answer *an)
{
	bool commas = !r->client || r->format == PROXY_LIST;
	struct str value = STR_NONE, rest;
	const struct fault *f = collect(p, r->user, commas, a, &value);

	if (f == NULL && r->format == PROXY_LIST) {
		rest = value;
		value = str_trim(str_cut(&rest, ','));
	}
	an->nobody = f == NULL && value.n > 0 && means_nobody(value);
	if (f != NULL || means_nobody(value))
		return f;
	if (r->format == PROXY_JWT) {
		an->token = value;
		return NULL;
	}
	if (r->format == PROXY_PAYLOAD)
		f = claim_of(r, a, value, &value);
	an->nobody = f == NULL && value.n > 0 && means_nobody(value);
	if (f != NULL || means_nobody(value))
		return f;
	an->who.user = value;
	return check_text(a, r->user, value);
}

/* ---- what goes with the name -------------------------------------- */

static const struct fault *
read_email(const struct proxy_rules *r, const struct params *p,
	struct arena *a, struct identity_draft *w)
{
	const struct fault *f;
	struct str email;

	if (r->email.n == 0)
		return NULL;
	f = collect(p, r->email, false, a, &email);
	if (f != NULL || means_nobody(email))
		return f;
	f = check_text(a, r->email, email);
	if (f == NULL)
		w->email = email;
	return f;
}

static const struct fault *
split_groups(const struct proxy_rules *r, struct arena *a, struct str rest,
	struct identity_draft *w)
{
	struct str separator = r->conf->groups_separator.n > 0 ?
		r->conf->groups_separator : STR(",");
	struct str *v = ARENA_ARRAY(a, struct str, MAX_GROUPS);

	w->groups = v;
	while (rest.n > 0) {
		size_t at = str_search(rest, separator);
		struct str one = str_trim(str_head(rest, at));
		const struct fault *f;

		rest = str_from(rest, at + separator.n);
		if (means_nobody(one))
			continue;
		f = check_text(a, r->groups, one);
		if (f == NULL && w->n_groups == MAX_GROUPS)
			f = bad_value(a, r->groups, "too many");
		if (f != NULL)
			return f;
		v[w->n_groups++] = one;
	}
	return NULL;
}

static const struct fault *
read_groups(const struct proxy_rules *r, const struct params *p,
	struct arena *a, struct identity_draft *w)
{
	struct str separator = r->conf->groups_separator, text;
	bool commas = separator.n == 0 || str_find(separator, ',') <
		separator.n;
	const struct fault *f;

	if (r->groups.n == 0)
		return NULL;
	f = collect(p, r->groups, commas, a, &text);
	if (f == NULL)
		f = split_groups(r, a, text, w);
	return f;
}

static bool
is_there(const struct params *p, struct str variable)
{
	uint32_t n = 0;

	if (variable.n > 0)
		(void)look_up(p, variable, &n);
	return n > 0;
}

const struct fault *
proxyhdr_read(const struct proxy_rules *r, const struct params *p,
	int64_t now_unix_s, struct arena *a, struct proxy_answer *answer_r)
{
	struct proxy_answer an = { .who = { .how = STR("proxy"),
		.issuer = r->source, .authenticated = true } };
	bool trusted = is_trusted(r, p, now_unix_s);
	bool believed = is_believed(r, p, now_unix_s);
	const struct fault *f = NULL;

	an.untrusted = (!believed && is_there(p, r->user)) || (!trusted &&
		(is_there(p, r->email) || is_there(p, r->groups)));
	if (believed)
		f = read_user(r, p, a, &an);
	if (f == NULL && trusted && an.who.user.n > 0)
		f = read_email(r, p, a, &an.who);
	if (f == NULL && trusted && an.who.user.n > 0)
		f = read_groups(r, p, a, &an.who);
	an.present = f != NULL || an.who.user.n > 0 || an.token.n > 0;
	*answer_r = an;
	return f;
}
