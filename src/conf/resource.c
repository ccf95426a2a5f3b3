/* SPDX-License-Identifier: MIT */
/*
 * resource -- for whom a token must be issued when nothing else is said
 *
 * Behind baseURL every server is a resource of its own: its URLs are the
 * identifier that its metadata tells, and the audience that its tokens need.
 */
#include "config.h"
#include "conf/load.h"

/* baseURL without slashes at its end. */
struct str
conf_base(const struct conf *c)
{
	struct str s = c->base_url;

	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	return s;
}

/* An access token by its usual rules and in its usual place; assertions of a
 * proxy name another audience. */
bool
resource_default(const struct conf *c, const struct conf_inbound *in)
{
	const struct conf_jwt *j = &in->jwt;

	return c->base_url.n > 0 && j->audience.n == 0 &&
	    conf_has_strategy(in, STRATEGY_JWT) &&
	    (j->header.n == 0 || str_is_nocase(j->header, "Authorization")) &&
	    (str_is(j->profile, "default") || str_is(j->profile, "rfc9068"));
}

static void
add(struct loading *l, struct conf_texts *t, struct str *v, struct str name,
	const char *end)
{
	struct str base = conf_base(l->conf);

	v[t->n++] = str_fmt(l->arena, "%.*s%s%.*s%s", STR_ARG(base),
	    name.n > 0 ? "/" : "", STR_ARG(name), end);
}

/* name "": the mount itself, where one server alone answers too. */
static void
default_audience(struct loading *l, struct conf_inbound *in, struct str name,
	bool alone)
{
	struct conf_texts t = { .set = true };
	struct str *v = ARENA_ARRAY(l->arena, struct str, 4);

	if (!resource_default(l->conf, in))
		return;
	if (name.n > 0) {
		add(l, &t, v, name, "/mcp");
		add(l, &t, v, name, "");
	}
	if (alone) {
		add(l, &t, v, STR(""), "");
		add(l, &t, v, STR(""), "/mcp");
	}
	t.v = v;
	in->jwt.audience = t;
}

void
resource_fill(struct loading *l)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->conf->n_servers; i++)
		n += !l->servers[i].options.disabled;
	for (uint32_t i = 0; i < l->conf->n_servers; i++) {
		struct conf_server *s = &l->servers[i];

		if (!s->options.disabled)
			default_audience(l, &s->options.inbound, s->name,
			    n == 1);
	}
	default_audience(l, &l->conf->options.inbound, STR(""), true);
}
