/* SPDX-License-Identifier: MIT */
/*
 * pool -- the outbound tokens of a server, and what authTokens means
 *
 * Secrets: a token is named by its index, from 0.
 */
#include "config.h"
#include "conf/load.h"

#include "base/digest.h"
#include "base/limits.h"

/* ---- authTokens: one direction, decided at load ---------------------------------- */
static bool
has_authorization(const struct node *server)
{
	const struct node *h = node_get(server, "headers");

	for (uint32_t i = 0; h != NULL && i < h->n; i++) {
		if (str_is_nocase(h->kids[i]->name, "Authorization") &&
		    h->kids[i]->type != JDOC_NULL)
			return true;
	}
	return false;
}

/* A block that counts for the server: its own, else the gateway's. */
static bool
has_block(const struct node *gate_options, const struct node *own,
	const char *name)
{
	const struct node *n = node_member(own, str_of(name));

	if (n != NULL)
		return n->type != JDOC_NULL;
	return node_get(gate_options, name) != NULL;
}

enum direction
pool_direction(const struct node *gate_options, const struct node *server)
{
	const struct node *own = node_get(server, "options");
	const struct node *legacy = node_get(own, "legacyAuthTokens");

	if (node_get(own, "authTokens") == NULL)
		return DIRECTION_NONE;
	if (legacy == NULL)
		legacy = node_get(gate_options, "legacyAuthTokens");
	if (legacy != NULL)
		return legacy->number == 0 ? DIRECTION_INBOUND :
		    DIRECTION_OUTBOUND;
	if (node_get(server, "url") == NULL)
		return DIRECTION_INBOUND;
	if (has_block(gate_options, own, "auth") ||
	    has_block(gate_options, own, "outboundAuth") ||
	    has_authorization(server))
		return DIRECTION_INBOUND;
	if (node_get(gate_options, "authTokens") != NULL)
		return DIRECTION_INBOUND;
	return DIRECTION_OUTBOUND;
}

static struct node *
entry_value(struct node *entry)
{
	struct node *v = entry;

	if (entry->type == JDOC_OBJECT)
		v = node_get(entry, "value");
	return v == NULL || v->type != JDOC_STRING ? NULL : v;
}

static bool
any_value(const struct node *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *v = entry_value(list->kids[i]);

		if (v != NULL && v->text.n > 0)
			return true;
	}
	return false;
}

struct node *
pool_of_tokens(struct loading *l, struct node *list)
{
	struct node *auth = node_new(l->arena, list, JDOC_OBJECT, "auth");
	struct node *tokens = ARENA_NEW(l->arena, struct node);
	struct node *mark = node_new(l->arena, list, JDOC_BOOL,
	    "fromAuthTokens");
	struct node *mode;

	*tokens = *list;
	tokens->name = STR("tokens");
	auth->parent = list->parent;
	mark->number = 1;
	node_add(l->arena, auth, tokens);
	node_add(l->arena, auth, mark);
	if (any_value(list)) {
		mode = node_text(l->arena, list, "rotationMode",
		    STR("round-robin"));
		mode->row = schema_key("options.auth.rotationMode");
		mode->number = ROTATION_ROUND_ROBIN;
		node_add(l->arena, auth, mode);
	}
	return auth;
}

/* ---- tokens ------------------------------------------------------------------------- */
static uint32_t
number_at(const struct node *entry, const char *path, uint32_t otherwise)
{
	const struct node *n = node_at(entry, path);

	return n == NULL || n->bad ? otherwise : (uint32_t)n->number;
}

static struct conf_token
token_of(struct loading *l, struct node *entry)
{
	const struct node *name = node_get(entry, "name");
	struct conf_token t = { .name = STR(""), .weight = 1 };
	const struct node *v = entry_value(entry);
	struct str value = v != NULL ? v->text : STR("");

	t.value = secret_of(str_copy(l->arena, value));
	digest_sha256(value, t.sha256);
	if (name != NULL)
		t.name = str_copy(l->arena, name->text);
	t.weight = number_at(entry, "weight", 1);
	t.disabled = number_at(entry, "disabled", 0) != 0;
	t.per_minute = number_at(entry, "limits.requestsPerMinute", 0);
	t.per_day = number_at(entry, "limits.requestsPerDay", 0);
	return t;
}

static void
tell_repeat(struct loading *l, const struct node *list, uint32_t i)
{
	const struct node *v = entry_value(list->kids[i]);

	for (uint32_t j = 0; j < i; j++) {
		const struct node *w = entry_value(list->kids[j]);

		if (w == NULL || w->bad || !str_eq(v->text, w->text))
			continue;
		report_add(l->report, "W06", list->kids[i],
		    "token %u repeats token %u", i, j);
		return;
	}
}

/* True when the entry goes into the pool. */
static bool
token_good(struct loading *l, const struct node *list, uint32_t i)
{
	const struct node *v = entry_value(list->kids[i]);

	if (list->kids[i]->bad || (v != NULL && v->bad))
		return false;
	if (v == NULL || v->text.n == 0) {
		report_add(l->report, "W05", list->kids[i],
		    "token %u is empty and skipped", i);
		return false;
	}
	if (!value_visible(v->text) || v->text.n > MAX_CREDENTIAL) {
		report_add(l->report, "E22", list->kids[i],
		    "token %u holds characters that a header cannot carry", i);
		return false;
	}
	tell_repeat(l, list, i);
	return true;
}

static void
add_token(struct conf_pool *p, struct conf_token *v, struct conf_token t)
{
	v[p->n++] = t;
	p->n_enabled += !t.disabled;
	p->v = v;
}

static void
read_tokens(struct loading *l, const struct node *list, struct conf_pool *p)
{
	struct conf_token *v;

	if (list == NULL || list->type != JDOC_ARRAY)
		return;
	if (list->n > MAX_POOL_TOKENS) {
		report_add(l->report, "E03", list, "%u is not within 0..%u",
		    list->n, MAX_POOL_TOKENS);
		return;
	}
	v = ARENA_ARRAY(l->arena, struct conf_token, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		if (token_good(l, list, i))
			add_token(p, v, token_of(l, list->kids[i]));
	}
}

/* ---- the rest of the block ------------------------------------------------------------- */
static void
read_rotate_on(struct loading *l, const struct node *list, struct conf_pool *p)
{
	uint32_t n = 0;

	if (list == NULL || list->type != JDOC_ARRAY) {
		p->rotate_on[0] = 401;
		p->rotate_on[1] = 403;
		return;
	}
	for (uint32_t i = 0; i < list->n; i++) {
		struct node *s = list->kids[i];
		bool again = false;

		if (s->bad)
			continue;
		if (s->number != 401 && s->number != 402 && s->number != 403 &&
		    s->number != 429) {
			report_add(l->report, "E03", s,
			    "%.*s is not within 401..403, 429",
			    STR_ARG(str_head(s->raw, 32)));
			continue;
		}
		for (uint32_t j = 0; j < n; j++)
			again |= p->rotate_on[j] == s->number;
		if (!again && n < 4)
			p->rotate_on[n++] = (uint16_t)s->number;
	}
}

static bool
any_bad(const struct node *list)
{
	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		const struct node *v = entry_value(list->kids[i]);

		if (list->kids[i]->bad || (v != NULL && v->bad))
			return true;
	}
	return list != NULL && list->bad;
}

/* C12 and C13: what goes without a mode, and what a mode needs. */
static void
choose_mode(struct loading *l, const struct node *auth, struct conf_pool *p)
{
	const struct node *mode = node_get(auth, "rotationMode");
	const struct node *list = node_get(auth, "tokens");

	p->mode = ROTATION_NONE;
	if (mode != NULL && !mode->bad)
		p->mode = (enum rotation)mode->number;
	if (p->n == 0 && any_bad(list))
		return;			/* told already */
	if (p->n == 0 && mode != NULL) {
		report_add(l->report, "E20", mode,
		    "rotationMode is set but tokens is empty");
		return;
	}
	if (p->n == 0) {
		report_add(l->report, "W05", list != NULL ? list : auth,
		    "no token: no credential is added");
		return;
	}
	if (p->n > 1 && mode == NULL) {
		p->mode = ROTATION_ROUND_ROBIN;
		report_add(l->report, "W02", list,
		    "several tokens and no rotationMode: round-robin");
	}
}

static void
finish(struct conf_pool *p, const struct node *retry)
{
	uint32_t most = p->n_enabled > 0 ? p->n_enabled : 1;

	if (p->max_retries == 0 || p->max_retries > most)
		p->max_retries = most;
	p->retry_in_request = p->mode != ROTATION_ROUND_ROBIN;
	if (retry != NULL && !retry->bad && retry->number >= 0)
		p->retry_in_request = retry->number == 1;
}

/* Of the message itself: a token there would break it, or get lost. */
static bool
of_message(struct str name)
{
	static const char *const exact[] = { "Host", "Connection",
		"Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
		"Expect", "Accept", "Accept-Encoding", "Mcp-Session-Id",
		"Mcp-Method", "Mcp-Name", "MCP-Protocol-Version" };

	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
		if (str_is_nocase(name, exact[i]))
			return true;
	}
	return str_is_nocase(str_head(name, 8), "Content-") ||
	    str_is_nocase(str_head(name, 10), "Mcp-Param-");
}

/* Either one; a header by default. */
static void
check_place(struct loading *l, const struct node *header,
	const struct node *query)
{
	if (header != NULL && query != NULL)
		report_add(l->report, "E09", query,
		    "\"header\" and \"query\" exclude each other");
	if (header != NULL && !header->bad && of_message(header->text))
		report_add(l->report, "E63", header,
		    "\"%.*s\" cannot be a header here",
		    STR_ARG(header->text));
}

static void
check_prefix(struct loading *l, const struct node *prefix)
{
	if (prefix != NULL && !prefix->bad && !str_printable(prefix->text))
		report_add(l->report, "E63", prefix,
		    "\"%.*s\" cannot be a header here",
		    STR_ARG(str_head(prefix->raw, 80)));
}

static void
fill_auth(struct loading *l, const struct node *auth, struct conf_pool *p)
{
	check_place(l, node_get(auth, "header"), node_get(auth, "query"));
	check_prefix(l, node_get(auth, "prefix"));
	read_tokens(l, node_get(auth, "tokens"), p);
	read_rotate_on(l, node_get(auth, "rotateOn"), p);
	choose_mode(l, auth, p);
	finish(p, node_get(auth, "retryInRequest"));
	p->from_auth_tokens = node_get(auth, "fromAuthTokens") != NULL;
}

/* ---- outboundAuth ------------------------------------------------------------------------- */
static void
one_token(struct loading *l, const struct node *value, struct conf_pool *p)
{
	struct conf_token *t;

	if (value->bad)
		return;
	if (!value_visible(value->text) || value->text.n > MAX_CREDENTIAL) {
		report_add(l->report, "E22", value,
		    "token 0 holds characters that a header cannot carry");
		return;
	}
	t = ARENA_NEW(l->arena, struct conf_token);
	t->value = secret_of(str_copy(l->arena, value->text));
	digest_sha256(value->text, t->sha256);
	t->name = STR("");
	t->weight = 1;
	p->v = t;
	p->rotate_on[0] = 401;
	p->rotate_on[1] = 403;
	p->mode = ROTATION_NONE;
	p->max_retries = 1;
	p->n = p->n_enabled = 1;
}

static void
fill_api_key(struct loading *l, const struct node *k, struct conf_pool *p)
{
	const struct node *header = node_get(k, "header");
	const struct node *query = node_get(k, "query");
	const struct node *prefix = node_get(k, "prefix");
	const struct node *value = node_get(k, "value");

	check_place(l, header, query);
	check_prefix(l, prefix);
	if (value == NULL || (header == NULL &&
	    (query == NULL || query->text.n == 0))) {
		report_add(l->report, "E42", k, "apiKey needs %s",
		    value == NULL ? "value" : "header or query");
		return;
	}
	p->prefix = prefix != NULL ? str_copy(l->arena, prefix->text) : STR("");
	if (header != NULL)
		p->header = str_copy(l->arena, header->text);
	else
		p->query = str_copy(l->arena, query->text);
	one_token(l, value, p);
}

static void
fill_outbound(struct loading *l, const struct node *out, struct conf_pool *p)
{
	const struct node *kind = node_get(out, "strategy");
	const struct node *part;

	if (kind == NULL || kind->bad || kind->number == 0)
		return;
	if (kind->number == 1) {
		part = node_at(out, "bearer.token");
		if (part != NULL)
			one_token(l, part, p);
		else
			report_add(l->report, "E42", out,
			    "bearer needs bearer.token");
	} else if (kind->number == 2) {
		part = node_get(out, "apiKey");
		if (part != NULL)
			fill_api_key(l, part, p);
		else
			report_add(l->report, "E42", out,
			    "apiKey needs apiKey.value");
	}
}

void
pool_fill(struct loading *l, struct conf_server *s, const struct node *options)
{
	const struct node *auth = node_get(options, "auth");
	const struct node *out = node_get(options, "outboundAuth");

	if (auth != NULL && out != NULL)
		report_add(l->report, "E09", out,
		    "\"auth\" and \"outboundAuth\" exclude each other");
	if (auth != NULL)
		fill_auth(l, auth, &s->options.pool);
	else if (out != NULL)
		fill_outbound(l, out, &s->options.pool);
}
