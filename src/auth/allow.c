/* SPDX-License-Identifier: MIT */
/*
 * allow -- may this caller do that? toolFilter, policy, publicTools
 */
#include "config.h"
#include "auth/allow.h"

static bool
is_among(struct str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(s, words[i]))
			return true;
	}
	return false;
}

#define AMONG(s, words) is_among((s), (words), sizeof(words) / sizeof((words)[0]))

/* What nobody needs a credential for, once there are public tools. */
static bool
is_opening(struct str method)
{
	static const char *const methods[] = { "initialize",
		"notifications/initialized", "server/discover", "ping",
		"tools/list", "prompts/list", "resources/list",
		"resources/templates/list" };

	return AMONG(method, methods);
}

/* Lists, notifications and more of what every session needs. */
static bool
makes_session(struct str method)
{
	static const char *const methods[] = { "logging/setLevel",
		"subscriptions/listen", "" };

	return is_opening(method) || AMONG(method, methods) ||
		str_starts(method, STR("notifications/"));
}

bool
allow_governs(const struct allow_rules *r, enum allow_kind kind)
{
	const struct conf_options *o = r->options;

	return r->anonymous || o->policy.set || (kind == ALLOW_TOOL &&
		(o->filter.set || o->filter_base.set));
}

/* ---- toolFilter ----------------------------------------------------------- */
static bool
passes(const struct conf_filter *f, struct str name)
{
	return !f->set || conf_has_match(&f->list, name) == f->allow;
}

/* ---- one rule: what it is about -------------------------------------------- */
struct question {
	const struct allow_ask *ask;
	const struct identity *who;
	struct str other;		/* another spelling of the name, or "" */
};

static const struct conf_texts *
list_of(const struct conf_rule *r, enum allow_kind kind)
{
	static const struct conf_texts none = { .n = 0 };

	switch (kind) {
	case ALLOW_TOOL:
		return &r->tools;
	case ALLOW_PROMPT:
		return &r->prompts;
	case ALLOW_RESOURCE:
		return &r->resources;
	case ALLOW_METHOD:
		break;
	}
	return &none;
}

static bool
is_plain(const struct allow_ask *ask)
{
	return ask->kind == ALLOW_METHOD && makes_session(ask->method);
}

static bool
is_about(const struct conf_rule *r, const struct question *k)
{
	const struct conf_texts *list = list_of(r, k->ask->kind);

	if (list->set)
		return conf_has_match(list, k->ask->name) || (!r->allow &&
			k->other.n > 0 && conf_has_match(list, k->other));
	if (r->methods.set)
		return conf_has_match(&r->methods, k->ask->method);
	return !r->tools.set && !r->prompts.set && !r->resources.set &&
		!is_plain(k->ask);
}

/* ---- one rule: whom it is about ---------------------------------------------- */
/* A name that stands there several times: any of its values will do. */
static bool
has_claim(const struct conf_pairs *pairs, struct str name,
	const struct identity *w)
{
	for (uint32_t i = 0; i < pairs->n; i++) {
		const struct conf_pair *p = &pairs->v[i];

		if (str_eq(p->name, name) && !p->removed &&
		    identity_has_claim(w, name, secret_reveal(p->value)))
			return true;
	}
	return false;
}

static bool
has_claims(const struct conf_pairs *pairs, const struct identity *w)
{
	for (uint32_t i = 0; i < pairs->n; i++) {
		if (!has_claim(pairs, pairs->v[i].name, w))
			return false;
	}
	return true;
}

static bool
has_user(const struct conf_rule *r, const struct identity *w)
{
	if (!r->users.set)
		return true;
	return r->allow ? identity_named(&r->users, w->how, w->user) :
		conf_has_match(&r->users, w->user);
}

static bool
is_for(const struct conf_rule *r, const struct identity *w)
{
	return has_user(r, w) &&
		(!r->groups.set || conf_has_match_among(&r->groups, w->groups,
			w->n_groups)) &&
		has_claims(&r->claims, w);
}

static bool
has_scopes(const struct conf_rule *r, const struct identity *w)
{
	for (uint32_t i = 0; i < r->scopes.n; i++) {
		if (!identity_has_scope(w, r->scopes.v[i]))
			return false;
	}
	return true;
}

/* ---- all rules ------------------------------------------------------------------ */
static enum allow
judge_rules(const struct conf_policy *p, const struct question *k,
	const struct conf_rule **rule_r)
{
	const struct conf_rule *wanted = NULL;
	bool allowed = is_plain(k->ask);

	for (uint32_t i = 0; i < p->n; i++) {
		const struct conf_rule *r = &p->v[i];

		if (!is_about(r, k) || !is_for(r, k->who))
			continue;
		if (has_scopes(r, k->who)) {
			allowed = r->allow;
			wanted = r->allow ? NULL : wanted;
			break;
		}
		if (wanted == NULL && r->allow)
			wanted = r;
	}
	if (wanted != NULL)
		*rule_r = wanted;
	return wanted != NULL ? ALLOW_SCOPES : allowed ? ALLOW_YES : ALLOW_NO;
}

/* ---- spellings of a URI ------------------------------------------------------------ */
#define MAX_URI_READ 8192	/* bytes; a longer one has no second reading */

/* Where the part begins in which case matters. */
static size_t
path_of(struct str uri)
{
	size_t scheme = str_find(uri, ':');

	if (!str_starts(str_from(uri, scheme), STR("://")))
		return scheme;
	return scheme + 3 + str_find(str_from(uri, scheme + 3), '/');
}

/* As an upstream may read it: scheme and host in lower case, "%41" an A. */
static struct str
other_reading(struct str uri, char room[MAX_URI_READ])
{
	size_t path = path_of(uri), n = 0;

	for (size_t i = 0; i < uri.n; i++) {
		int c = (unsigned char)uri.p[i];

		if (c == '%' && i + 2 < uri.n && str_hex(uri.p[i + 1]) >= 0 &&
		    str_hex(uri.p[i + 2]) >= 0) {
			c = str_hex(uri.p[i + 1]) * 16 + str_hex(uri.p[i + 2]);
			i += 2;
		} else if (i < path && c >= 'A' && c <= 'Z') {
			c += 'a' - 'A';
		}
		room[n++] = (char)(c == '\\' ? '/' : c);
	}
	return (struct str){ room, n };
}

/* "." or ".." among the segments: where it leads only the upstream knows. */
static bool
has_dots(struct str path)
{
	while (path.p != NULL) {
		struct str segment = str_cut(&path, '/');

		segment = str_head(segment, str_find(segment, '?'));
		segment = str_head(segment, str_find(segment, '#'));
		if (str_is(segment, ".") || str_is(segment, ".."))
			return true;
	}
	return false;
}

/* What is allowed is written as it is asked for; what is denied, however. */
static enum allow
judge_resource(const struct conf_policy *p, const struct identity *w,
	const struct allow_ask *ask, const struct conf_rule **rule_r)
{
	struct question k = { .ask = ask, .who = w };
	char room[MAX_URI_READ];

	if (ask->name.n > sizeof(room))
		return ALLOW_NO;
	k.other = other_reading(ask->name, room);
	return has_dots(k.other) ? ALLOW_NO : judge_rules(p, &k, rule_r);
}

/* ---- the verdict --------------------------------------------------------------------- */
static enum allow
judge_policy(const struct allow_rules *r, const struct identity *w,
	const struct allow_ask *ask, const struct conf_rule **rule_r)
{
	const struct conf_policy *p = &r->options->policy;

	if (!p->set)
		return ALLOW_YES;
	if (ask->kind == ALLOW_RESOURCE)
		return judge_resource(p, w, ask, rule_r);
	return judge_rules(p, &(struct question){ .ask = ask, .who = w },
		rule_r);
}

static bool
is_public(const struct allow_rules *r, const struct allow_ask *ask)
{
	switch (ask->kind) {
	case ALLOW_TOOL:
		return conf_has_match(&r->options->inbound.public_tools,
			ask->name);
	case ALLOW_METHOD:
		return is_opening(ask->method);
	case ALLOW_PROMPT:
	case ALLOW_RESOURCE:
		break;
	}
	return false;
}

enum allow
allow_judge(const struct allow_rules *r, const struct identity *w,
	const struct allow_ask *ask, const struct conf_rule **rule_r)
{
	const struct conf_options *o = r->options;
	bool unnamed = ask->kind != ALLOW_METHOD && !ask->named;
	enum allow verdict;

	if (!allow_governs(r, ask->kind))
		return ALLOW_YES;
	if (r->anonymous && (unnamed || !is_public(r, ask)))
		return ALLOW_LOGIN;
	if (unnamed || (ask->kind == ALLOW_TOOL &&
	    !(passes(&o->filter, ask->name) &&
	    passes(&o->filter_base, ask->name))))
		return ALLOW_NO;
	verdict = judge_policy(r, w, ask, rule_r);
	return verdict != ALLOW_YES && r->anonymous ? ALLOW_LOGIN : verdict;
}
