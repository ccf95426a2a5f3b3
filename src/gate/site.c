/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "gate/site.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "gate/req.h"
#include "http/url.h"

static void
tell_invalid(const struct site_server *s)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_WARN, "config");
	log_str(&l, "server", s->conf->name);
	log_str(&l, "detail", s->invalid);
	log_end(&l);
}

static const struct fault *
make_policy(struct site *s, const struct conf_inbound *in, struct str name,
	bool eager, const struct auth_policy **p_r)
{
	struct auth_policy *policy = NULL;
	const struct fault *f = auth_policy_new(s->conf, in, name, s->arena,
		&policy);

	if (f == NULL && eager)
		f = auth_policy_ready(policy, s->arena);
	*p_r = f == NULL ? policy : NULL;
	return f;
}

static void
ready_server(struct site *s, struct site_server *v, const struct site_plan *p)
{
	const struct conf_server *c = v->conf;
	const struct fault *f;

	v->invalid = c->invalid;
	f = make_policy(s, &c->options.inbound, c->name, p->eager,
		&v->policy);
	if (f != NULL && v->invalid.n == 0)
		v->invalid = str_of(f->detail);
	v->front = front_new(s->conf, &c->options.security, s->arena);
	resource_ready(s, v);
	if (c->options.pool.n_enabled > 0)
		v->rotator = rotator_new(p->segment, c, s->conf->fingerprint,
			s->arena);
	if (v->invalid.n > 0)
		tell_invalid(v);
}

/* As a browser says it: without the port that goes without saying. */
static void
find_own(struct site *s)
{
	struct url u;

	if (s->conf->base_url.n == 0 || !url_parse(s->conf->base_url, &u))
		return;
	s->own = (struct origin){ u.scheme, u.host, STR("") };
	if (u.port != (str_is(u.scheme, "https") ? 443 : 80))
		s->own.port = str_fmt(s->arena, "%u", u.port);
	s->has_own = true;
}

/* "/" and "/mcp" mean the one server when there is just one. */
static struct site_server *
find_only(const struct site *s)
{
	struct site_server *only = NULL;
	uint32_t i, n = 0;

	for (i = 0; i < s->conf->n_servers; i++) {
		if (s->servers[i].conf->options.disabled)
			continue;
		only = &s->servers[i];
		n++;
	}
	return n == 1 ? only : NULL;
}

struct site *
site_new(const struct site_plan *p)
{
	struct arena *a = arena_new(MAX_ARENA);
	struct site *s = ARENA_NEW(a, struct site);
	uint32_t i;

	s->arena = a;
	s->holders = 1;
	s->gen = p->conf;
	s->conf = conf_hold(p->conf, a);
	conf_release(p->conf);
	find_own(s);
	s->front = front_new(s->conf, &s->conf->options.security, a);
	s->servers = ARENA_ARRAY(a, struct site_server, s->conf->n_servers);
	loads_begin(p->loads);
	for (i = 0; i < s->conf->n_servers; i++) {
		s->servers[i].conf = &s->conf->servers[i];
		s->servers[i].route = session_route(s->conf->servers[i].name);
		if (s->conf->servers[i].options.disabled)
			continue;
		s->servers[i].load = loads_place(p->loads,
			s->servers[i].route);
		ready_server(s, &s->servers[i], p);
	}
	s->only = find_only(s);
	s->sessions = session_keys_new(s->conf, p->segment, a);
	make_policy(s, &s->conf->options.inbound, STR("gateway"), p->eager,
		&s->policy);
	s->audit = audit_new(&(struct audit_plan){ .conf = &s->conf->audit },
		a);
	if (p->segment != NULL)
		s->metrics = metrics_new(p->segment, p->shard,
			s->conf->metrics_user_label,
			s->conf->metrics_tool_label, a);
	return s;
}

static void
release(void *what)
{
	site_release(what);
}

struct site *
site_hold(struct site *s, struct arena *until)
{
	s->holders++;
	arena_defer(until, release, s);
	return s;
}

void
site_release(struct site *s)
{
	if (--s->holders == 0)
		arena_free(s->arena);
}

struct site_server *
site_find(const struct site *s, struct str name)
{
	uint32_t i;

	for (i = 0; i < s->conf->n_servers; i++) {
		const struct conf_server *c = &s->conf->servers[i];

		if (str_eq(c->name, name))
			return c->options.disabled ? NULL : &s->servers[i];
	}
	return NULL;
}

bool
site_file_changed(const struct site *s)
{
	return conf_changed(s->gen);
}
