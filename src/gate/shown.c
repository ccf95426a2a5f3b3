/* SPDX-License-Identifier: MIT */
/*
 * shown -- what of a reply the caller is shown, and what we add to it
 *
 * Lists lose the entries that the caller may not use (src/mcp/listing.h); a
 * batch gets the answers that we gave ourselves.  Everything else is relayed
 * as it comes.
 */
#include "config.h"

#include "auth/allow.h"
#include "base/arena.h"
#include "gate/pipeline.h"

/* ---- which entries ---------------------------------------------------------- */
static const struct {
	enum allow_kind kind;
	const char *method;		/* what an entry is there for */
} uses[LISTING_KINDS] = {
	[LISTING_TOOLS] = { ALLOW_TOOL, "tools/call" },
	[LISTING_PROMPTS] = { ALLOW_PROMPT, "prompts/get" },
	[LISTING_RESOURCES] = { ALLOW_RESOURCE, "resources/read" },
	[LISTING_TEMPLATES] = { ALLOW_RESOURCE, "resources/read" },
};

static bool
is_shown(void *who, enum listing_kind kind, struct str name)
{
	const struct req *q = who;
	const struct allow_rules rules = policy_rules(q);
	const struct conf_rule *rule;

	return allow_judge(&rules, q->who, &(struct allow_ask){
		.method = str_of(uses[kind].method),
		.kind = uses[kind].kind,
		.name = name,
		.named = true,
	}, &rule) == ALLOW_YES;
}

static uint32_t
governed(const struct req *q)
{
	const struct allow_rules rules = policy_rules(q);
	uint32_t kinds = 0;

	for (int k = 0; k < LISTING_KINDS; k++) {
		if (allow_governs(&rules, uses[k].kind))
			kinds |= LISTING_BIT(k);
	}
	return kinds;
}

/* ---- which replies ------------------------------------------------------------- */
#define EXACT_DIGITS 15	/* of a number that every upstream reads alike */

static struct str
magnitude(struct str id)
{
	return str_starts(id, STR("-")) ? str_from(id, 1) : id;
}

/* An upstream may take two ids for one: large numbers, 0 and -0. */
static bool
same_number(struct str a, struct str b)
{
	uint64_t x = 0, y = 0;

	if (!str_number(magnitude(a), &x) || !str_number(magnitude(b), &y) ||
	    a.n > EXACT_DIGITS || b.n > EXACT_DIGITS)
		return true;
	return x == y && (x == 0 || a.p[0] == b.p[0]);
}

/* Read once: a batch has many, and each is held against each. */
struct id {
	struct str raw, text;
	bool quoted, read;
};

static struct id
read_id(struct arena *a, struct str raw)
{
	struct id id = { .raw = raw, .quoted = raw.p[0] == '"' };

	id.read = jdoc_unquote(a, (struct jdoc_span){ raw, JDOC_STRING },
		&id.text);
	return id;
}

static bool
same_id(const struct id *one, const struct id *two)
{
	if (one->quoted != two->quoted)
		return false;
	if (!one->quoted)
		return same_number(one->raw, two->raw);
	return !one->read || !two->read || str_eq(one->text, two->text);
}

static struct id *
list_ids(struct req *q, uint32_t *n_r)
{
	struct id *v = ARENA_ARRAY(q->arena, struct id, q->rpc.n);

	*n_r = 0;
	for (uint32_t i = 0; q->rpc.n > 1 && i < q->rpc.n; i++) {
		const struct rpc_message *m = &q->rpc.messages[i];

		if (m->kind == RPC_REQUEST &&
		    listing_of(m->method) != LISTING_KINDS)
			v[(*n_r)++] = read_id(q->arena, m->id);
	}
	return v;
}

/* No list of the batch can be the reply with this id. */
static bool
is_another(struct req *q, const struct id *lists, uint32_t n, struct str raw)
{
	struct id id;

	if (n == 0)
		return true;
	id = read_id(q->arena, raw);
	for (uint32_t i = 0; i < n; i++) {
		if (same_id(&lists[i], &id))
			return false;
	}
	return true;
}

/* The lists that are asked for; other requests are told by their ids. */
static uint32_t
asked_for(struct req *q, struct listing_rules *r)
{
	struct str *others = ARENA_ARRAY(q->arena, struct str, q->rpc.n);
	uint32_t kinds = 0, n;
	struct id *lists = list_ids(q, &n);

	for (uint32_t i = 0; i < q->rpc.n; i++) {
		const struct rpc_message *m = &q->rpc.messages[i];
		enum listing_kind kind = listing_of(m->method);

		if (kind != LISTING_KINDS)
			kinds |= LISTING_BIT(kind);
		else if (m->kind == RPC_REQUEST &&
		    is_another(q, lists, n, m->id))
			others[r->n_others++] = m->id;
	}
	r->others = others;
	return kinds;
}

/* A stream of a session may repeat any reply. */
void
shown_plan(struct req *q)
{
	const struct conf_options *o = &q->server->conf->options;
	struct listing_rules *r = ARENA_NEW(q->arena, struct listing_rules);

	r->kinds = q->method == METHOD_GET ? LISTING_ALL : asked_for(q, r);
	r->kinds &= governed(q);
	r->personal = o->policy.set || o->inbound.public_tools.n > 0;
	r->max = q->conf->limits.reply_body;
	r->shows = is_shown;
	r->who = q;
	if (r->kinds != 0 || q->n_answers > 0)
		q->listing = r;
}

/* ---- whole replies ---------------------------------------------------------------- */
static struct str
joined_answers(struct req *q, struct str head)
{
	struct str *pieces = ARENA_ARRAY(q->arena, struct str,
		2 * q->n_answers + 2);
	uint32_t n = 0;

	pieces[n++] = head;
	for (uint32_t i = 0; i < q->n_answers; i++) {
		if (i > 0)
			pieces[n++] = STR(",");
		pieces[n++] = q->answers[i];
	}
	pieces[n++] = STR("]");
	return str_join(q->arena, pieces, n);
}

void
shown_answers(struct req *q)
{
	if (q->n_answers == 0)
		reply_whole(q, 202, STR_NONE, STR_NONE);
	else
		reply_whole(q, 200, STR("application/json"),
			joined_answers(q, STR("[")));
}

static struct str
trimmed(struct str s)
{
	while (s.n > 0 && (str_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\n' ||
	    s.p[s.n - 1] == '\r'))
		s.n--;
	while (s.n > 0 && (str_blank(s.p[0]) || s.p[0] == '\n' ||
	    s.p[0] == '\r'))
		s = str_from(s, 1);
	return s;
}

/* text: checked; an array of replies, or one. */
static struct str
with_answers(struct req *q, struct str text)
{
	struct str list = trimmed(text), inside;

	if (!str_starts(list, STR("[")))
		return joined_answers(q, str_fmt(q->arena, "[%.*s,",
			STR_ARG(list)));
	inside = trimmed(str_head(list, list.n - 1));
	return joined_answers(q, inside.n == 1 ? inside : str_fmt(q->arena,
		"%.*s,", STR_ARG(inside)));
}

const struct fault *
shown_document(struct req *q, struct str text, struct str *text_r)
{
	const char *why = "";

	*text_r = text;
	if (q->listing == NULL)
		return NULL;
	if (text.n > q->listing->max)
		return fault_new(q->arena, FAULT_UPSTREAM_PROTOCOL,
			"a reply that must be read is too long");
	if (!listing_document(q->arena, q->listing, text, text_r, &why))
		return fault_new(q->arena, FAULT_UPSTREAM_PROTOCOL,
			"a reply that must be read: %s", why);
	if (q->n_answers > 0 && q->status < 300)
		*text_r = with_answers(q, *text_r);
	return NULL;
}

/* ---- streams ------------------------------------------------------------------------ */
static void
write_event(void *who, struct str bytes)
{
	stream_write(who, bytes);
}

void
shown_stream(struct req *q)
{
	if (q->listing == NULL)
		return;
	q->events = listing_events_new(q->arena, q->listing, write_event, q);
	for (uint32_t i = 0; i < q->n_answers; i++)
		stream_write(q, str_fmt(q->arena, "data: %.*s\n\n",
			STR_ARG(q->answers[i])));
}

static void
spoil(struct req *q, const char *why)
{
	q->spoilt = fault_new(q->arena, FAULT_UPSTREAM_PROTOCOL,
		"an event that must be read: %s", why);
}

static bool
pass(struct req *q, struct str bytes)
{
	const char *why = "";

	if (q->events == NULL) {
		stream_write(q, bytes);
		return true;
	}
	if (q->spoilt == NULL && !listing_events_feed(q->events, bytes, &why))
		spoil(q, why);
	return q->spoilt == NULL;
}

/* A mark does not begin the stream any more: our comment is there. */
bool
shown_write(struct req *q, struct str bytes)
{
	struct str held = sse_unmark(&q->head, &bytes);

	if (held.n > 0 && !pass(q, held))
		return false;
	return bytes.n == 0 || pass(q, bytes);
}

const struct fault *
shown_end(struct req *q)
{
	const char *why = "";

	if (q->events != NULL && q->spoilt == NULL &&
	    !listing_events_end(q->events, &why))
		spoil(q, why);
	return q->spoilt;
}
