/* SPDX-License-Identifier: MIT */
/*
 * fill_access -- what rows alone cannot fill of the access rules
 *
 * Address lists, rates by tool, tool filters, policy rules, audit sinks.
 * Nothing is complained about here; check.c has done that.
 */
#include "config.h"
#include "conf/load.h"

#include <syslog.h>

/* ---- rates ----------------------------------------------------------------- */
void
rate_fill(struct conf_rate *r)
{
	if (r->burst == 0)
		r->burst = r->per_minute;
}

static uint32_t
number_of(const struct node *block, const char *name)
{
	const struct node *n = node_get(block, name);

	return n != NULL && !n->bad && n->type != JDOC_NULL ?
		(uint32_t)n->number : 0;
}

static struct conf_tool_rate
tool_rate(struct loading *l, const struct node *n)
{
	const struct node *key = node_get(n, "key");
	struct conf_tool_rate t = {
		.tools = str_copy(l->arena, n->name),
		.rate.per_minute = number_of(n, "requestsPerMinute"),
		.rate.per_hour = number_of(n, "requestsPerHour"),
		.rate.per_day = number_of(n, "requestsPerDay"),
		.rate.burst = number_of(n, "burstSize"),
	};

	if (key != NULL && !key->bad)
		t.key = (enum rate_key)key->number;
	rate_fill(&t.rate);
	return t;
}

static void
fill_rates(struct loading *l, struct conf_rates *r,
	const struct node *options)
{
	const struct node *map = node_at(options, "security.rateLimit.tools");
	struct conf_tool_rate *v;

	rate_fill(&r->server);
	rate_fill(&r->ip);
	rate_fill(&r->caller);
	if (map == NULL || map->type != JDOC_OBJECT)
		return;
	v = ARENA_ARRAY(l->arena, struct conf_tool_rate, map->n);
	for (uint32_t i = 0; i < map->n; i++) {
		if (map->kids[i]->type == JDOC_OBJECT)
			v[r->n_tools++] = tool_rate(l, map->kids[i]);
	}
	r->tools = v;
}

/* ---- filter, policy -------------------------------------------------------- */
static struct conf_filter
filter_of(struct loading *l, const struct node *block)
{
	const struct node *mode = node_get(block, "mode");
	struct conf_filter f = { .list = fill_texts(l,
		node_get(block, "list")) };

	f.set = block != NULL && block->type == JDOC_OBJECT &&
		(mode != NULL || f.list.set);
	f.allow = mode == NULL || mode->bad || mode->number == 0;
	return f;
}

/* null: as if it were not there. */
static struct conf_texts
texts_of(struct loading *l, const struct node *rule, const char *name)
{
	const struct node *n = node_get(rule, name);

	return fill_texts(l, n != NULL && n->type != JDOC_NULL ? n : NULL);
}

static struct conf_rule
rule_of(struct loading *l, const struct node *n)
{
	const struct node *effect = node_get(n, "effect");

	return (struct conf_rule){
		.allow = effect != NULL && !effect->bad && effect->number == 0,
		.tools = texts_of(l, n, "tools"),
		.prompts = texts_of(l, n, "prompts"),
		.resources = texts_of(l, n, "resources"),
		.methods = texts_of(l, n, "methods"),
		.users = texts_of(l, n, "users"),
		.groups = texts_of(l, n, "groups"),
		.scopes = texts_of(l, n, "scopes"),
		.claims = fill_pairs(l, node_get(n, "claims")),
	};
}

static void
fill_policy(struct loading *l, struct conf_policy *p, const struct node *list)
{
	struct conf_rule *v;

	if (list == NULL || list->type != JDOC_ARRAY)
		return;
	v = ARENA_ARRAY(l->arena, struct conf_rule, list->n);
	for (uint32_t i = 0; i < list->n; i++)
		v[p->n++] = rule_of(l, list->kids[i]);
	p->v = v;
	p->set = p->n > 0;
}

static bool
is_among(const struct conf_pair *v, uint32_t n, const struct conf_pair *p)
{
	for (uint32_t i = 0; i < n; i++) {
		if (str_eq(v[i].name, p->name) &&
		    secret_eq(v[i].value, p->value))
			return true;
	}
	return false;
}

/* What a token's claims are looked through for: each pair once. */
static struct conf_pairs
asked_claims(struct loading *l, const struct conf_policy *policy)
{
	struct conf_pair *v;
	size_t room = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < policy->n; i++)
		room += policy->v[i].claims.n;
	v = ARENA_ARRAY(l->arena, struct conf_pair, room);
	for (uint32_t i = 0; i < policy->n; i++) {
		const struct conf_pairs *p = &policy->v[i].claims;

		for (uint32_t k = 0; k < p->n; k++) {
			if (!p->v[k].removed && !is_among(v, n, &p->v[k]))
				v[n++] = p->v[k];
		}
	}
	return (struct conf_pairs){ v, n };
}

void
access_fill(struct loading *l, struct conf_options *o,
	const struct node *options)
{
	const struct node *base = node_get(l->gate_options, "toolFilter");
	const struct node *inherit = node_get(base, "inherit");
	struct conf_security *s = &o->security;

	s->ip_deny = fill_cidrs(l, node_at(options, "security.ipDeny"));
	s->ip_allow = fill_cidrs(l, node_at(options, "security.ipAllow"));
	s->headers = fill_pairs(l, node_at(options, "security.headers.set"));
	fill_rates(l, &s->rates, options);
	o->filter = filter_of(l, node_get(options, "toolFilter"));
	if (inherit != NULL && !inherit->bad && inherit->number == 1)
		o->filter_base = filter_of(l, base);
	if (o->filter_base.allow)	/* only a block list stands beside */
		o->filter_base = (struct conf_filter){ .set = false };
	fill_policy(l, &o->policy, node_get(options, "policy"));
	o->inbound.jwt.asked = asked_claims(l, &o->policy);
}

/* ---- audit ----------------------------------------------------------------- */
static int
facility_of(const struct node *n)
{
	static const int facilities[] = { LOG_AUTH, LOG_AUTHPRIV, LOG_DAEMON,
		LOG_USER, LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2, LOG_LOCAL3,
		LOG_LOCAL4, LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7 };

	return n == NULL || n->bad ? LOG_AUTHPRIV : facilities[n->number];
}

void
audit_fill(struct loading *l, struct conf_audit *a)
{
	const struct node *audit = node_at(l->root, "mcpProxy.audit");
	const struct node *events = node_get(audit, "events");
	const struct node *sinks = node_get(audit, "sinks");
	struct conf_sink *v;

	if (events == NULL || events->type != JDOC_ARRAY)
		a->events = AUDIT_AUTH | AUDIT_CALL | AUDIT_ADMIN |
			AUDIT_SECURITY;
	else
		for (uint32_t i = 0; i < events->n; i++)
			if (!events->kids[i]->bad)
				a->events |= 1u << events->kids[i]->number;
	if (sinks == NULL || sinks->type != JDOC_ARRAY)
		return;
	v = ARENA_ARRAY(l->arena, struct conf_sink, sinks->n);
	for (uint32_t i = 0; i < sinks->n; i++) {
		const struct node *n = sinks->kids[i];
		const struct node *type = node_get(n, "type");
		const struct node *path = node_get(n, "path");
		const struct node *ident = node_get(n, "ident");

		if (type == NULL || type->bad)
			continue;
		v[a->n].kind = (enum audit_kind)type->number;
		v[a->n].path = path != NULL ?
			str_copy(l->arena, path->text) : STR("");
		v[a->n].facility = facility_of(node_get(n, "facility"));
		v[a->n].ident = ident != NULL ?
			str_copy(l->arena, ident->text) : STR("mcpgate");
		a->n++;
	}
	a->v = v;
}
