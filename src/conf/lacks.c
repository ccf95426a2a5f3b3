/* SPDX-License-Identifier: MIT */
/*
 * lacks -- keys this build knows but cannot do
 *
 * Nothing that somebody relies on is dropped in silence: the server that uses
 * such a key answers 503, or the start is refused where it must not go on.
 */
#include "config.h"
#include "conf/load.h"

#include <string.h>

/* The engine a strategy or store would need; NULL: none. */
struct engine {
	const char *word, *name, *option;
};

static const struct engine engines[] = {
	{ "lua", "Lua", "lua" }, { "js", "JavaScript", "quickjs" },
	{ "redis", "Redis", "redis" }, { "database", "SQLite", "sqlite" },
};

static const struct engine *
engine_of(struct str word)
{
	for (size_t i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (str_is(word, engines[i].word))
			return &engines[i];
	}
	return NULL;
}

/* The server cannot do what `word` asks for.  With panicIfInvalid that stops
 * the start where another build would do: files of other programs ask for it
 * beside transports that no build has, and load all the same. */
static void
close_server(struct loading *l, struct conf_server *s, const struct node *at,
	struct str word)
{
	const struct engine *e = engine_of(word);
	struct str who = from_gateway(at) ? STR("mcpProxy") : s->name;
	bool stern = s->options.panic_if_invalid;

	if (s->invalid.n == 0)
		s->invalid = str_fmt(l->arena, "%.*s is not in this build",
		    STR_ARG(word));
	if (e != NULL && (stern || l->src->check_only))
		report_add(l->report, "E65", at,
		    "this build has no %s; configure --with-%s", e->name,
		    e->option);
	else
		report_add(l->report, "W15", at, "\"%.*s\" is ignored: not in "
		    "this build; %s%.*s%s answers 503", STR_ARG(word),
		    from_gateway(at) ? "every server that inherits it" : "\"",
		    from_gateway(at) ? 0 : (int)who.n, who.p,
		    from_gateway(at) ? "" : "\"");
}

/* ---- rows that say so ----------------------------------------------------------------- */
/* True when the value asks for something. */
static bool
asks(const struct row *r, const struct node *n)
{
	struct str preset = str_of(r->preset);

	if (n == NULL || n->type == JDOC_NULL || n->bad)
		return false;
	if (strcmp(r->key, "options.auth.sessionFailover") == 0)
		return n->number == 0;	/* reinitialize, in so many words */
	if (strcmp(r->key, "mcpProxy.type") == 0)
		return n->number == 1;	/* sse */
	if (strcmp(r->key, "options.protocol.upstream") == 0)
		return n->number == 1 || n->number == 2; /* sse: below */
	switch (r->kind) {
	case ROW_BOOL:
		return n->number == 1;
	case ROW_INT: case ROW_MS: case ROW_RATIO: case ROW_WORD:
		return !str_eq(n->text, preset);
	case ROW_BLOCK: case ROW_MAP: case ROW_BLOCKS: case ROW_KEYS:
	case ROW_TEXTS:
		return n->n > 0;
	default:
		return true;
	}
}

static bool
below(const struct row *r, const char *scope)
{
	size_t n = strlen(scope);

	return strncmp(r->key, scope, n) == 0 && r->key[n] == '.';
}

static void
ignore(struct loading *l, const struct row *r, const struct node *n)
{
	report_add(l->report, "W15", n, "\"%.*s\" is ignored: not in this build",
	    STR_ARG(row_name(r)));
}

static void
walk_rows(struct loading *l, struct conf_server *s, const char *scope,
	const struct node *block)
{
	for (size_t i = 0; i < schema_count(); i++) {
		const struct row *r = schema_row(i);
		const struct node *n;

		if ((r->flags & (ROW_LATER | ROW_CLOSES)) == 0 ||
		    !below(r, scope))
			continue;
		n = node_at(block, r->key + strlen(scope) + 1);
		if (!asks(r, n))
			continue;
		if ((r->flags & ROW_CLOSES) != 0 && s != NULL)
			close_server(l, s, n, str_of(r->key +
			    (below(r, "options") ? strlen("options.") :
			    strlen(scope) + 1)));
		else if ((r->flags & ROW_LATER) != 0)
			ignore(l, r, n);
	}
}

/* ---- what rows cannot say -------------------------------------------------------------- */
static const struct node *
or_server(const struct node *n, const struct node *server)
{
	return n != NULL ? n : server;
}

static void
check_transport(struct loading *l, struct conf_server *s,
	const struct node *server)
{
	static const char *const words[] = {
		[TRANSPORT_SSE] = "sse", [TRANSPORT_STDIO] = "stdio",
		[TRANSPORT_OPENAPI] = "openapi",
	};
	const struct node *at;

	if (s->transport < TRANSPORT_SSE)
		return;
	at = node_get(server, "transportType");
	if (at == NULL)
		at = node_get(server, "command");
	if (at == NULL)
		at = node_get(server, "openapi");
	close_server(l, s, or_server(at, server),
	    str_of(words[s->transport]));
}

static void
check_strategies(struct loading *l, struct conf_server *s,
	const struct node *options, const struct node *server)
{
	const struct conf_inbound *in = &s->options.inbound;
	const struct node *block = node_get(options, "inboundAuth");
	const struct node *at = or_server(block, server);

	for (uint32_t i = 0; i < in->n_strategies; i++) {
		switch (in->strategies[i]) {
		case STRATEGY_LUA:
			close_server(l, s, at, STR("lua"));
			break;
		case STRATEGY_JS:
			close_server(l, s, at, STR("js"));
			break;
		default:
			break;
		}
	}
}

static void
check_outbound(struct loading *l, struct conf_server *s,
	const struct node *options)
{
	const struct node *kind = node_at(options, "outboundAuth.strategy");
	const struct node *up = node_at(options, "protocol.upstream");
	const struct node *list = node_at(options, "auth.tokens");

	if (kind != NULL && !kind->bad && kind->number > 2)
		close_server(l, s, kind,
		    row_word_text(kind->row, kind->number));
	if (up != NULL && !up->bad && up->number == 3)
		close_server(l, s, up, STR("protocol.upstream"));
	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		const struct node *limits = node_get(list->kids[i], "limits");

		if (limits != NULL && limits->n > 0)
			close_server(l, s, limits, STR("limits"));
	}
}

void
lacks_check(struct loading *l, uint32_t i)
{
	struct conf_server *s = &l->servers[i];
	const struct node *server = l->server_nodes[i];
	const struct node *options = l->server_options[i];

	check_transport(l, s, server);
	check_strategies(l, s, options, server);
	check_outbound(l, s, options);
	walk_rows(l, s, "options", options);
	walk_rows(l, s, "server", server);
}

/* Of the gateway itself: a store that is not there cannot be done without. */
void
lacks_gate(struct loading *l)
{
	const struct node *gate = node_get(l->root, "mcpProxy");
	const struct node *store = node_at(gate, "store.type");
	const struct node *sinks = node_at(gate, "audit.sinks");
	const struct node *on = node_at(gate, "audit.enabled");
	const struct node *admin = node_at(gate, "admin.enabled");

	walk_rows(l, NULL, "mcpProxy", gate);
	walk_rows(l, NULL, "top", l->root);
	if (admin != NULL && !admin->bad && admin->number == 1)
		report_add(l->report, "W15", admin, "\"enabled\" is ignored: "
		    "not in this build, but for the self-tests");
	if (store != NULL && !store->bad && store->number == 1)
		report_add(l->report, "E65", store,
		    "this build has no Redis; configure --with-redis");
	for (uint32_t i = 0; sinks != NULL && i < sinks->n; i++) {
		const struct node *type = node_get(sinks->kids[i], "type");

		if (type != NULL && type->number == 2 && on != NULL &&
		    on->number == 1)
			report_add(l->report, "E65", type,
			    "this build has no SQLite; configure "
			    "--with-sqlite");
	}
}
