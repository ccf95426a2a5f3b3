/* SPDX-License-Identifier: MIT */
/*
 * inherit -- which blocks count for a server
 *
 * A block of the server replaces the gateway's block as a whole; null goes
 * back to the default.  The shorthands and authTokens are turned into the
 * blocks they stand for, so that nobody later knows of them.
 */
#include "config.h"
#include "conf/load.h"

#include <string.h>

/* ---- strategies ----------------------------------------------------------------- */
static void
add_strategy(enum strategy *list, uint32_t *n, int64_t s)
{
	for (uint32_t i = 0; i < *n; i++) {
		if ((int64_t)list[i] == s)
			return;
	}
	list[(*n)++] = (enum strategy)s;
}

/* The block that stands for a strategy, in the order they count. */
static const struct {
	const char *block;
	enum strategy strategy;
} blocks[] = {
	{ "token", STRATEGY_TOKEN }, { "jwt", STRATEGY_JWT },
	{ "introspection", STRATEGY_INTROSPECTION },
	{ "apikey", STRATEGY_APIKEY }, { "proxy", STRATEGY_PROXY },
	{ "lua", STRATEGY_LUA }, { "js", STRATEGY_JS },
};
#define N_BLOCKS (sizeof(blocks) / sizeof(blocks[0]))

uint32_t
inherit_strategies(const struct node *inbound, enum strategy list_r[STRATEGIES])
{
	const struct node *list = node_get(inbound, "strategy");
	uint32_t n = 0;

	if (list != NULL && list->type == JDOC_ARRAY) {
		for (uint32_t i = 0; i < list->n; i++) {
			if (!list->kids[i]->bad)
				add_strategy(list_r, &n, list->kids[i]->number);
		}
	} else if (list == NULL) {
		for (size_t i = 0; i < N_BLOCKS; i++) {
			if (node_get(inbound, blocks[i].block) != NULL)
				add_strategy(list_r, &n,
				    (int64_t)blocks[i].strategy);
		}
	}
	if (n == 0)
		list_r[n++] = STRATEGY_LOCAL;
	return n;
}

static struct node *
strategy_node(struct loading *l, const struct node *at,
	const enum strategy *list, uint32_t n)
{
	struct node *node = node_new(l->arena, at, JDOC_ARRAY, "strategy");

	node->row = schema_key("options.inboundAuth.strategy");
	for (uint32_t i = 0; i < n; i++) {
		struct node *kid = node_text(l->arena, at, NULL,
		    row_word_text(node->row, (int64_t)list[i]));

		kid->row = node->row;
		kid->number = (int64_t)list[i];
		node_add(l->arena, node, kid);
	}
	return node;
}

/* ---- changing a block ---------------------------------------------------------- */
static struct node *
copy_of(struct loading *l, const struct node *n)
{
	struct node *c = ARENA_NEW(l->arena, struct node);

	*c = *n;
	return c;
}

/* block with block.inner.name = value */
static struct node *
with_inner(struct loading *l, struct node *block, const struct node *at,
	const char *inner, const char *name, struct node *value)
{
	struct node *in = node_with(l->arena, node_get(block, inner), at, name,
	    value);

	return node_with(l->arena, block, at, inner, in);
}

static struct node *
with_values(struct loading *l, struct node *inbound, struct node *list)
{
	struct node *token = node_with(l->arena, node_get(inbound, "token"),
	    list, "values", copy_of(l, list));

	token = node_with(l->arena, token, list, "sha256", NULL);
	return node_with(l->arena, inbound, list, "token", token);
}

/* The strategy token with these values before all others; with no values the
 * others alone, or the door is open. */
static struct node *
with_tokens(struct loading *l, struct node *inbound, struct node *list)
{
	enum strategy old[STRATEGIES], now[STRATEGIES + 1];
	uint32_t n_old = inherit_strategies(inbound, old), n = 0;
	bool written = node_get(inbound, "strategy") != NULL;

	if (list->n > 0)
		now[n++] = STRATEGY_TOKEN;
	for (uint32_t i = 0; i < n_old; i++) {
		if (old[i] != STRATEGY_TOKEN &&
		    (old[i] != STRATEGY_LOCAL || written))
			now[n++] = old[i];
	}
	if (n == 0)
		now[n++] = STRATEGY_NONE;
	return node_with(l->arena, with_values(l, inbound, list), list,
	    "strategy", strategy_node(l, list, now, n));
}

static void
both(struct loading *l, const struct node *at, const char *k, const char *other)
{
	report_add(l->report, "E09", at, "\"%s\" and \"%s\" exclude each other",
	    k, other);
}

/* ---- shorthands ------------------------------------------------------------------ */
/* dual: proxy is added, which the environment may want, too. */
static uint32_t
mode_strategies(int64_t mode, bool add_proxy, enum strategy *list)
{
	static const enum strategy one[] = {
		STRATEGY_JWT, STRATEGY_PROXY, STRATEGY_JWT, STRATEGY_TOKEN,
		STRATEGY_NONE
	};
	uint32_t n = 0;

	add_proxy = add_proxy || mode == 2;
	if (!add_proxy || one[mode] != STRATEGY_NONE)
		add_strategy(list, &n, (int64_t)one[mode]);
	if (add_proxy)
		add_strategy(list, &n, STRATEGY_PROXY);
	return n;
}

/* The strategies that authMode stands for, and the environment's word. */
static struct node *
with_mode(struct loading *l, struct node *inbound, const struct node *mine,
	struct node *mode)
{
	const struct node *written = node_get(mine, "strategy");
	bool env = written != NULL && written->from_env;
	enum strategy list[2];
	uint32_t n;

	if (written != NULL && !written->added)
		both(l, mode, "authMode", "inboundAuth.strategy");
	if (env && l->proxy_alone)
		return inbound;
	n = mode_strategies(mode->number, env, list);
	return node_with(l->arena, inbound, mode, "strategy",
	    strategy_node(l, mode, list, n));
}

/* A shorthand for block.name, unless the environment says it.  mine: the
 * block that is written beside it. */
static struct node *
with_short(struct loading *l, struct node *inbound, const struct node *mine,
	struct node *value, const char *path)
{
	const struct node *written = node_at(mine, path);
	struct str name = str_of(path), block = str_cut(&name, '.');

	if (written != NULL && !written->added)
		both(l, value, str_copy(l->arena, value->name).p,
		    str_fmt(l->arena, "inboundAuth.%s", path).p);
	if (written != NULL && written->from_env)
		return inbound;
	return with_inner(l, inbound, value, str_copy(l->arena, block).p,
	    name.p, copy_of(l, value));
}

/* authMode, proxyHeader, jwtAudience of `own` on top of the block. */
static struct node *
with_shorthands(struct loading *l, struct node *inbound,
	const struct node *own)
{
	const struct node *mine = node_get(own, "inboundAuth");
	struct node *mode = node_get(own, "authMode");
	struct node *header = node_get(own, "proxyHeader");
	struct node *audience = node_get(own, "jwtAudience");

	if (mode != NULL && !mode->bad)
		inbound = with_mode(l, inbound, mine, mode);
	if (header != NULL)
		inbound = with_short(l, inbound, mine, header,
		    "proxy.userHeader");
	if (audience != NULL)
		inbound = with_short(l, inbound, mine, audience,
		    "jwt.audience");
	return inbound;
}

/* ---- authTokens ------------------------------------------------------------------- */
static void
tell_inbound(struct loading *l, const struct node *own, const struct node *list,
	struct str name)
{
	if (node_at(own, "inboundAuth.token") != NULL)
		both(l, list, "authTokens", "inboundAuth.token");
	report_add(l->report, "W04", list, "authTokens of \"%.*s\" is the list "
	    "of tokens that clients send; write inboundAuth.token.values",
	    STR_ARG(name));
}

static void
tell_outbound(struct loading *l, const struct node *own,
	const struct node *list, struct str name, bool settled)
{
	if (node_get(own, "auth") != NULL)
		both(l, list, "authTokens", "auth");
	if (node_get(own, "outboundAuth") != NULL)
		both(l, list, "authTokens", "outboundAuth");
	if (settled)
		return;
	report_add(l->report, "W03", list, "authTokens of \"%.*s\" is mapped to "
	    "auth.tokens with rotationMode round-robin; write auth.tokens, or "
	    "legacyAuthTokens if clients send these tokens", STR_ARG(name));
}

/* ---- the gateway -------------------------------------------------------------------- */
static bool
is_shorthand(struct str name)
{
	return str_is(name, "authTokens") || str_is(name, "authMode") ||
	    str_is(name, "proxyHeader") || str_is(name, "jwtAudience") ||
	    str_is(name, "legacyAuthTokens");
}

static struct node *
without_shorthands(struct loading *l, struct node *written)
{
	struct node *base = node_with(l->arena, written, l->root, "", NULL);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < base->n; i++) {
		if (!is_shorthand(base->kids[i]->name))
			base->kids[kept++] = base->kids[i];
	}
	base->n = kept;
	return base;
}

struct node *
inherit_base(struct loading *l, struct node *written)
{
	struct node *list = node_get(written, "authTokens");
	struct node *legacy = node_get(written, "legacyAuthTokens");
	struct node *base = without_shorthands(l, written), *inbound;
	bool out = legacy != NULL && legacy->number == 1;

	if (list == NULL || list->type != JDOC_ARRAY)
		return base;
	if (out) {
		tell_outbound(l, written, list, STR("mcpProxy"), true);
		return node_with(l->arena, base, list, "auth",
		    pool_of_tokens(l, list));
	}
	tell_inbound(l, written, list, STR("mcpProxy"));
	inbound = node_get(base, "inboundAuth");
	inbound = l->proxy_alone ? with_values(l, inbound, list) :
	    with_tokens(l, inbound, list);
	return node_with(l->arena, base, list, "inboundAuth", inbound);
}

struct node *
inherit_gate(struct loading *l, struct node *written, struct node *base)
{
	struct node *inbound = with_shorthands(l,
	    node_get(base, "inboundAuth"), written);
	struct node *gate = node_with(l->arena, base, l->root, "inboundAuth",
	    NULL);

	if (inbound != NULL)
		gate = node_with(l->arena, base, l->root, "inboundAuth",
		    inbound);
	return gate;
}

/* ---- a server ------------------------------------------------------------------------- */
/* True when the gateway's block of that name counts for servers. */
static bool
inherited(const struct row *r, const struct node *base, const struct node *own)
{
	const char *name = r->key + strlen("options.");
	const struct node *n;

	if (strcmp(name, "toolFilter") == 0) {
		n = node_at(base, "toolFilter.inherit");
		return n != NULL && n->number == 1;
	}
	if (strcmp(name, "auth") == 0)
		return node_get(own, "outboundAuth") == NULL;
	if (strcmp(name, "outboundAuth") == 0)
		return node_get(own, "auth") == NULL;
	return (r->flags & ROW_ALONE) == 0 && !is_shorthand(row_name(r));
}

static struct node *
pick(const struct row *r, const struct node *base, const struct node *own)
{
	struct node *mine = node_member(own, row_name(r));

	if (mine != NULL)
		return mine->type == JDOC_NULL ||
		    is_shorthand(row_name(r)) ? NULL : mine;
	if (!inherited(r, base, own))
		return NULL;
	return node_member(base, row_name(r));
}

static void
add_all(struct loading *l, struct node *to, const struct node *list)
{
	for (uint32_t i = 0; list != NULL && i < list->n; i++)
		node_add(l->arena, to, copy_of(l, list->kids[i]));
}

/* The gateway's banned addresses stay banned. */
static struct node *
with_bans(struct loading *l, struct node *merged, const struct node *base)
{
	struct node *security = node_get(merged, "security");
	struct node *theirs = node_at(base, "security.ipDeny");
	struct node *mine = node_get(security, "ipDeny"), *all;

	if (theirs == NULL || mine == theirs || theirs->type != JDOC_ARRAY)
		return merged;
	all = node_new(l->arena, theirs, JDOC_ARRAY, "ipDeny");
	all->row = theirs->row;
	add_all(l, all, theirs);
	if (mine != NULL && mine->type == JDOC_ARRAY)
		add_all(l, all, mine);
	return with_inner(l, merged, theirs, "security", "ipDeny", all);
}

/* options.security.tls is another name of options.tls. */
static struct node *
with_tls(struct loading *l, struct node *merged, const struct node *own)
{
	struct node *other = node_at(merged, "security.tls");

	if (other == NULL)
		return merged;
	if (node_get(own, "tls") != NULL && node_at(own, "security.tls") != NULL)
		both(l, other, "tls", "security.tls");
	merged = with_inner(l, merged, other, "security", "tls", NULL);
	if (node_get(own, "tls") != NULL)
		return merged;
	return node_with(l->arena, merged, other, "tls", copy_of(l, other));
}

/* Both places of publicTools; the gateway's list never counts. */
static struct node *
with_public_tools(struct loading *l, struct node *merged,
	const struct node *own)
{
	struct node *here = node_get(own, "publicTools");
	struct node *there = node_at(own, "inboundAuth.publicTools");
	struct node *inbound = node_get(merged, "inboundAuth");

	if (here != NULL && there != NULL)
		both(l, here, "publicTools", "inboundAuth.publicTools");
	if (node_get(inbound, "publicTools") != NULL)
		merged = node_with(l->arena, merged, inbound, "inboundAuth",
		    node_with(l->arena, inbound, inbound, "publicTools", NULL));
	if (there != NULL && here == NULL)
		merged = node_with(l->arena, merged, there, "publicTools",
		    copy_of(l, there));
	return merged;
}

/* token.merge: append */
static struct node *
with_merge(struct loading *l, struct node *inbound, const struct node *base)
{
	const struct node *merge = node_at(inbound, "token.merge");
	struct node *theirs = node_at(base, "inboundAuth.token");

	if (merge == NULL || merge->number != 1 || theirs == NULL ||
	    theirs == node_get(inbound, "token"))
		return inbound;
	return with_inner(l, inbound, inbound, "token", "inherited",
	    copy_of(l, theirs));
}

static struct node *
inbound_of(struct loading *l, struct node *merged, struct node *base,
	const struct node *own)
{
	struct node *inbound = node_get(merged, "inboundAuth");

	inbound = with_merge(l, inbound, base);
	return with_shorthands(l, inbound, own);
}

struct node *
inherit_options(struct loading *l, struct node *written, struct node *base,
	struct node *server)
{
	struct node *own = node_get(server, "options"), *inbound;
	struct node *m = node_new(l->arena, own != NULL ? own : server,
	    JDOC_OBJECT, "options");
	struct node *list = node_get(own, "authTokens");
	enum direction way = pool_direction(written, server);

	m->parent = server;
	for (size_t i = 0; i < schema_count(); i++) {
		const struct row *r = schema_row(i);
		struct node *n = NULL;

		if (row_within(r, "options"))
			n = pick(r, base, own);
		if (n != NULL && n->type != JDOC_NULL)
			node_add(l->arena, m, n);
	}
	m = with_bans(l, m, base);
	m = with_tls(l, m, own);
	m = with_public_tools(l, m, own);
	inbound = inbound_of(l, m, base, own);
	if (list != NULL && way == DIRECTION_INBOUND) {
		tell_inbound(l, own, list, server->name);
		inbound = with_tokens(l, inbound, list);
	}
	if (inbound != NULL)
		m = node_with(l->arena, m, server, "inboundAuth", inbound);
	if (list != NULL && way == DIRECTION_OUTBOUND) {
		tell_outbound(l, own, list, server->name,
		    node_get(own, "legacyAuthTokens") != NULL ||
		    node_get(written, "legacyAuthTokens") != NULL);
		m = node_with(l->arena, m, list, "auth",
		    pool_of_tokens(l, list));
	}
	return m;
}
