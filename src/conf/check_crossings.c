/* SPDX-License-Identifier: MIT */
/* A value in both directions: a token of a pool that callers show, too. */
#include "config.h"
#include "conf/load.h"

#include <stdlib.h>
#include <string.h>

struct known_key {
	uint8_t sha256[32];
	struct str owner;
};

static int
by_digest(const void *a, const void *b)
{
	const struct known_key *x = a, *y = b;

	return memcmp(x->sha256, y->sha256, sizeof(x->sha256));
}

static uint32_t
gather(struct known_key *v, uint32_t n, const struct conf_keys *keys,
	struct str owner)
{
	for (uint32_t i = 0; i < keys->n; i++) {
		memcpy(v[n].sha256, keys->v[i].sha256, 32);
		v[n++].owner = owner;
	}
	return n;
}

static uint32_t
gather_all(struct loading *l, struct known_key *v)
{
	const struct conf *c = l->conf;
	uint32_t n = 0;

	n = gather(v, n, &c->options.inbound.tokens, STR("mcpProxy"));
	n = gather(v, n, &c->options.inbound.apikeys, STR("mcpProxy"));
	n = gather(v, n, &c->metrics_tokens, STR("mcpProxy.metrics"));
	n = gather(v, n, &c->admin_tokens, STR("mcpProxy.admin"));
	for (uint32_t i = 0; i < c->n_servers; i++) {
		const struct conf_inbound *in = &c->servers[i].options.inbound;

		n = gather(v, n, &in->tokens, c->servers[i].name);
		n = gather(v, n, &in->apikeys, c->servers[i].name);
	}
	qsort(v, n, sizeof(*v), by_digest);
	return n;
}

static uint32_t
room_for(const struct conf *c)
{
	uint32_t n = c->options.inbound.tokens.n +
	    c->options.inbound.apikeys.n + c->metrics_tokens.n +
	    c->admin_tokens.n;

	for (uint32_t i = 0; i < c->n_servers; i++)
		n += c->servers[i].options.inbound.tokens.n +
		    c->servers[i].options.inbound.apikeys.n;
	return n;
}

static const struct node *
pool_place(const struct loading *l, uint32_t server)
{
	const struct node *o = l->server_options[server];
	const struct node *n = node_at(o, "auth.tokens");

	if (n == NULL)
		n = node_get(o, "outboundAuth");
	return n != NULL ? n : l->server_nodes[server];
}

void
check_crossings(struct loading *l)
{
	struct known_key *v = ARENA_ARRAY(l->arena, struct known_key,
	    room_for(l->conf)), want, *hit;
	uint32_t n = gather_all(l, v);

	for (uint32_t i = 0; i < l->conf->n_servers && n > 0; i++) {
		const struct conf_pool *p = &l->servers[i].options.pool;

		for (uint32_t t = 0; t < p->n; t++) {
			memcpy(want.sha256, p->v[t].sha256, 32);
			hit = bsearch(&want, v, n, sizeof(*v), by_digest);
			if (hit != NULL)
				report_add(l->report, "E23", pool_place(l, i),
				    "token %u is also an inbound credential of "
				    "\"%.*s\"", t, STR_ARG(hit->owner));
		}
	}
}
