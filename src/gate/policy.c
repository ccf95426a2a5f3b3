/* SPDX-License-Identifier: MIT */
/*
 * policy -- may this caller do that?
 *
 * Before: the caller and the envelope are known.
 * After:  every message that goes on is allowed; q->listing says what has to
 *         be looked at in the reply, q->answers what we say ourselves.
 *
 * What is denied looks as if it did not exist.  In a batch each denied request
 * gets its own answer and the rest goes on; where a credential or a scope is
 * missing for one element, the whole batch is refused, because only a status
 * can say so.  A denied notification is accepted and goes nowhere.
 */
#include "config.h"

#include "auth/allow.h"
#include "auth/policy.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "gate/pipeline.h"
#include "gate/record.h"
#include "mcp/walk.h"

/* What came out for one message. */
struct ruling {
	enum allow verdict;
	struct allow_ask ask;		/* what the verdict is about */
	const struct conf_rule *rule;	/* ALLOW_SCOPES: whose */
};

struct allow_rules
policy_rules(const struct req *q)
{
	return (struct allow_rules){ &q->server->conf->options,
		q->public_only };
}

/* ---- what a message is about ------------------------------------------------ */
static enum allow_kind
kind_of(struct str method)
{
	if (str_is(method, "tools/call"))
		return ALLOW_TOOL;
	if (str_is(method, "prompts/get"))
		return ALLOW_PROMPT;
	if (str_is(method, "resources/read") ||
	    str_is(method, "resources/subscribe") ||
	    str_is(method, "resources/unsubscribe"))
		return ALLOW_RESOURCE;
	return ALLOW_METHOD;
}

/* completion/complete: its reference names a prompt or a resource. */
static void
read_reference(struct arena *a, struct jdoc_span params,
	struct allow_ask *ask)
{
	struct jdoc_span ref = walk_member(a, params, "ref");
	struct str type;

	if (!walk_text(a, ref, "type", &type))
		return;
	if (str_is(type, "ref/prompt")) {
		ask->kind = ALLOW_PROMPT;
		ask->named = walk_text(a, ref, "name", &ask->name);
	} else if (str_is(type, "ref/resource")) {
		ask->kind = ALLOW_RESOURCE;
		ask->named = walk_text(a, ref, "uri", &ask->name);
	}
}

static struct allow_ask
ask_of(struct arena *a, const struct rpc_message *m)
{
	struct allow_ask ask = { .method = m->method,
		.kind = kind_of(m->method), .name = m->name,
		.named = m->has_name };

	if (str_is(m->method, "completion/complete"))
		read_reference(a, m->params, &ask);
	return ask;
}

static void
judge_ask(const struct req *q, const struct allow_ask *ask, struct ruling *r)
{
	const struct allow_rules rules = policy_rules(q);
	const struct conf_rule *rule = NULL;
	enum allow verdict = allow_judge(&rules, q->who, ask, &rule);

	if (verdict > r->verdict)
		*r = (struct ruling){ verdict, *ask, rule };
}

static bool
is_or_nothing(struct jdoc_span s, enum jdoc_type type)
{
	return s.type == type || s.type == JDOC_ABSENT || s.type == JDOC_NULL;
}

/* subscriptions/listen: each of the resources that are to be watched.  Of
 * another form only the upstream knows what it would make of it: denied. */
static void
judge_watched(const struct req *q, const struct rpc_message *m,
	struct ruling *r)
{
	struct jdoc_span what = walk_member(q->arena, m->params,
		"notifications");
	struct jdoc_span list = walk_member(q->arena, what,
		"resourceSubscriptions");
	struct allow_ask ask = { .method = STR("resources/subscribe"),
		.kind = ALLOW_RESOURCE };
	struct walk w = walk_into(list.raw);
	struct jdoc_span uri;
	struct str none;

	if (!is_or_nothing(m->params, JDOC_OBJECT) ||
	    !is_or_nothing(what, JDOC_OBJECT) ||
	    !is_or_nothing(list, JDOC_ARRAY))
		judge_ask(q, &ask, r);
	while (walk_next(&w, &none, &uri)) {
		ask.named = jdoc_unquote(q->arena, uri, &ask.name);
		judge_ask(q, &ask, r);
	}
}

static struct ruling
judge_message(const struct req *q, const struct rpc_message *m)
{
	struct ruling r = { .verdict = ALLOW_YES };
	struct allow_ask ask = ask_of(q->arena, m);

	judge_ask(q, &ask, &r);
	if (str_is(m->method, "subscriptions/listen"))
		judge_watched(q, m, &r);
	return r;
}

/* ---- how it is said ------------------------------------------------------------ */
static const struct fault *
unknown_resource(struct req *q, struct str uri)
{
	struct buf b = buf_new(q->arena, MAX_ERROR_REPLY / 2);
	struct str text;
	struct fault *f = fault_new(q->arena, q->rpc.era == ERA_MODERN ?
		FAULT_UNKNOWN_RESOURCE : FAULT_RESOURCE_NOT_FOUND,
		"resource \"%.*s\" is denied", STR_ARG(str_head(uri, 200)));

	buf_add(&b, STR("\"uri\":\""));
	buf_json(&b, uri);
	buf_char(&b, '"');
	if (buf_take(&b, &text))
		f->data = text;
	return f;
}

static const struct fault *
unknown_name(struct req *q, const struct allow_ask *ask)
{
	bool tool = ask->kind == ALLOW_TOOL;
	const char *kind = tool ? "tool" : "prompt";
	struct fault *f = fault_new(q->arena, tool ? FAULT_UNKNOWN_TOOL :
		FAULT_UNKNOWN_PROMPT, "%s \"%.*s\" is denied", kind,
		STR_ARG(str_head(ask->name, 200)));

	f->said = str_fmt(q->arena, "Unknown %s: %.*s", kind,
		STR_ARG(ask->name)).p;
	return f;
}

static const struct fault *
unknown_method(struct req *q, struct str method)
{
	struct fault *f;

	if (!q->has_rpc)
		return fault_new(q->arena, FAULT_FORBIDDEN,
			"the policy denies it");
	f = fault_new(q->arena, FAULT_UNKNOWN_METHOD,
		"method \"%.*s\" is denied", STR_ARG(str_head(method, 200)));
	if (q->rpc.era == ERA_LEGACY)
		f->http = 200;
	return f;
}

static const struct fault *
unknown(struct req *q, const struct allow_ask *ask)
{
	switch (ask->kind) {
	case ALLOW_TOOL:
	case ALLOW_PROMPT:
		return unknown_name(q, ask);
	case ALLOW_RESOURCE:
		return unknown_resource(q, ask->name);
	case ALLOW_METHOD:
		break;
	}
	return unknown_method(q, ask->method);
}

/* Who could still say who he is hears 401, not 403. */
static const struct fault *
more_scopes(struct req *q, const struct ruling *r)
{
	const struct auth_policy *p = q->server->policy;
	enum fault_kind kind = !q->who->authenticated && p->wants_credential ?
		FAULT_UNAUTHENTICATED : FAULT_INSUFFICIENT_SCOPE;
	const struct fault *f = fault_new(q->arena, kind,
		"a rule of the policy wants more scopes");

	q->challenge = auth_challenge_scopes(p, kind, &r->rule->scopes,
		q->arena);
	if (q->site->metrics != NULL)
		metrics_auth_refused(q->site->metrics, q->server->conf->name,
			q->who->how, fault_reason(kind));
	return f;
}

/* What answers instead of the upstream; never for ALLOW_YES. */
static const struct fault *
refusal(struct req *q, const struct ruling *r)
{
	switch (r->verdict) {
	case ALLOW_LOGIN:
		return q->login;	/* its challenge is there already */
	case ALLOW_SCOPES:
		return more_scopes(q, r);
	case ALLOW_NO:
	case ALLOW_YES:
		break;
	}
	return unknown(q, &r->ask);
}

/* ---- one message ------------------------------------------------------------------- */
static enum turn
judge_single(struct req *q)
{
	const struct rpc_message *m = q->rpc.messages;
	struct ruling r = judge_message(q, m);
	const struct fault *f;

	if (r.verdict == ALLOW_YES)
		return NEXT;
	f = refusal(q, &r);
	q->fault = f;			/* for the record, before it leaves */
	if (r.verdict == ALLOW_NO && m->kind == RPC_NOTIFICATION)
		reply_whole(q, 202, STR_NONE, STR_NONE);
	return DONE;
}

/* GET and DELETE carry no message.  Whoever has opened a session (its id is
 * known to be his) may end it, with or without a credential. */
static enum turn
judge_bare(struct req *q)
{
	const struct allow_ask ask = { .method = STR("") };
	struct ruling r = { .verdict = ALLOW_YES };

	if (q->method == METHOD_DELETE && q->session.n > 0)
		return NEXT;
	judge_ask(q, &ask, &r);
	return r.verdict == ALLOW_YES ? NEXT : req_fail(q, refusal(q, &r));
}

/* ---- a batch ------------------------------------------------------------------------ */
static void
tell_denied(const struct req *q, const struct fault *f)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_INFO, "policy");
	log_str(&l, "server", q->server->conf->name);
	log_str(&l, "request_id", q->request_id);
	log_str(&l, "user", q->conf->log_hash_principals ? STR("") :
		q->who->user);
	log_str(&l, "detail", str_of(f->detail));
	log_end(&l);
}

/* The worst of them, when it is one that only a status can say. */
static const struct ruling *
worst_of(const struct ruling *v, uint32_t n)
{
	const struct ruling *worst = NULL;

	for (uint32_t i = 0; i < n; i++) {
		if (v[i].verdict > ALLOW_NO &&
		    (worst == NULL || v[i].verdict > worst->verdict))
			worst = &v[i];
	}
	return worst;
}

static void
answer_denied(struct req *q, const struct rpc_message *m,
	const struct ruling *r, struct str *answers)
{
	const struct fault *f = unknown(q, &r->ask);

	tell_denied(q, f);
	record_denied(q, m, f);
	if (q->site->metrics != NULL && m->has_name &&
	    str_is(m->method, "tools/call"))
		metrics_tool(q->site->metrics, q->server->conf->name, m->name,
			true);
	if (m->kind == RPC_REQUEST)
		answers[q->n_answers++] = rpc_error(q->arena, m->id, f,
			q->request_id);
}

/* The body anew, of the elements that go on; their bytes stay. */
static void
take_out(struct req *q, const struct ruling *rulings)
{
	struct walk w = walk_into(q->in.body);
	struct buf b = buf_new(q->arena, q->in.body.n);
	struct str *answers = ARENA_ARRAY(q->arena, struct str, q->rpc.n);
	struct rpc_message *m = q->rpc.messages;
	uint32_t n = 0, i = 0;
	struct jdoc_span element;
	struct str none;

	buf_char(&b, '[');
	for (; i < q->rpc.n && walk_next(&w, &none, &element); i++) {
		if (rulings[i].verdict != ALLOW_YES) {
			answer_denied(q, &m[i], &rulings[i], answers);
			continue;
		}
		if (n > 0)
			buf_char(&b, ',');
		buf_add(&b, element.raw);
		m[n++] = m[i];
	}
	buf_char(&b, ']');
	buf_take(&b, &q->in.body);
	if (n > 0)
		q->rpc.n = n;
	q->answers = answers;
}

static enum turn
judge_batch(struct req *q)
{
	uint32_t n = q->rpc.n, denied = 0;
	struct ruling *v = ARENA_ARRAY(q->arena, struct ruling, n);
	const struct ruling *worst;

	for (uint32_t i = 0; i < n; i++) {
		v[i] = judge_message(q, &q->rpc.messages[i]);
		denied += v[i].verdict != ALLOW_YES;
	}
	worst = worst_of(v, n);
	if (worst != NULL)
		return req_fail(q, refusal(q, worst));
	if (denied == 0)
		return NEXT;
	take_out(q, v);
	if (denied < n)
		return NEXT;
	q->none_left = true;
	q->recorded = !q->unrecorded;	/* each of them is */
	shown_answers(q);
	return DONE;
}

/* ---- the step ------------------------------------------------------------------------- */
static enum turn
judge(struct req *q)
{
	if (!q->has_rpc)
		return judge_bare(q);
	return q->rpc.batch ? judge_batch(q) : judge_single(q);
}

/* One count for callers who have shown nothing: here, not where they came. */
static void
count_public(const struct req *q, enum turn turn)
{
	bool refused = turn == DONE && q->fault == q->login;

	if (!q->public_only || q->site->metrics == NULL)
		return;
	metrics_auth(q->site->metrics, q->server->conf->name, "none",
		refused ? fault_reason(q->login->kind) : NULL,
		clock_mono_us() - q->auth_began_us);
	if (refused && q->login->kind == FAULT_NO_IDENTITY)
		metrics_proxy_header_missing(q->site->metrics,
			q->server->conf->name);
}

enum turn
policy_run(struct req *q)
{
	const struct allow_rules rules = q->server == NULL ?
		(struct allow_rules){ NULL, false } : policy_rules(q);
	enum turn turn;

	if (q->server == NULL || !allow_governs(&rules, ALLOW_TOOL))
		return NEXT;
	turn = judge(q);
	count_public(q, turn);
	if (turn == NEXT)
		shown_plan(q);
	return turn;
}
