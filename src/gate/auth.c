/* SPDX-License-Identifier: MIT */
/*
 * auth -- who is calling?
 *
 * Before: access_run() has let the request in.
 * After:  q->who is the caller, checked; pages know theirs too.
 * Waits:  for keys that are fetched, for an endpoint that is asked.
 */
#include "config.h"

#include "auth/policy.h"
#include "auth/remote.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "cred/presented.h"
#include "gate/client.h"
#include "gate/pipeline.h"
#include "gate/rates.h"
#include "gate/record.h"

/* C1: a client presents a value that stands in an outbound authTokens list:
 * evidently it was meant inbound.  The list is closed for all workers. */
/* Whatever the place and the scheme, the header for the upstream included. */
static bool
presents_anywhere(struct req *q, const struct rotator *r)
{
	struct presented in;
	bool held;
	uint32_t n;

	presented_read(&q->server->conf->options, &q->in.params, q->query,
		q->arena, &in);
	held = rotator_holds(r, presented_bare(params_client(&q->in.params,
		"HTTP_X_UPSTREAM_AUTHORIZATION", &n)));
	for (n = 0; n < in.n && !held; n++)
		held = rotator_holds(r, in.v[n]);
	return held;
}

static bool
withdraw_presented(struct req *q, struct str presented)
{
	struct rotator *r = q->server->rotator;
	struct log_line l;

	if (r == NULL || !q->server->conf->options.pool.from_auth_tokens ||
	    (!rotator_holds(r, presented) && !presents_anywhere(q, r)))
		return false;
	rotator_withdraw(r);
	log_begin(&l, LOG_LEVEL_ERROR, "token");
	log_str(&l, "msg", str_fmt(q->arena,
		"a client presented an authTokens value of \"%.*s\": "
		"list withdrawn; set legacyAuthTokens",
		STR_ARG(q->server->conf->name)));
	log_str(&l, "server", q->server->conf->name);
	log_str(&l, "request_id", q->request_id);
	log_end(&l);
	record_violation(q, "credential_withdrawn");
	return true;
}

static void
count(struct req *q, const struct auth_answer *an, const struct fault *f,
	uint64_t us)
{
	struct metrics *m = q->site->metrics;
	struct str name = q->server != NULL ? q->server->conf->name :
		STR("gateway");

	if (m == NULL)
		return;
	metrics_auth(m, name, an->strategy != NULL ? an->strategy : "none",
		f != NULL ? fault_reason(f->kind) : NULL, us);
	if (an->proxy_header_missing)
		metrics_proxy_header_missing(m, name);
	if (an->cached || an->costly)
		metrics_cache(m, name, str_is(str_of(an->strategy),
			"introspection") ? "introspection" : "verdict",
			an->cached);
}

/* What somebody should look at, whether the caller is let in or not. */
static void
note_violations(struct req *q, const struct auth_answer *an)
{
	q->strategy = an->strategy;
	if (an->violation != NULL)
		record_violation(q, an->violation);
	if (an->untrusted_header)
		record_violation(q, "untrusted_header");
}

/* What a proxy says beside, or instead of, a user that counts. */
static void
tell_proxy(const struct req *q, enum log_level level, struct str other,
	const char *detail)
{
	struct log_line l;

	log_begin(&l, level, "proxy");
	log_opt(&l, "server", q->server != NULL ? q->server->conf->name :
		STR_NONE);
	log_str(&l, "request_id", q->request_id);
	log_opt(&l, "other", other);
	log_str(&l, "detail", str_of(detail));
	log_end(&l);
}

static void
note_proxy(const struct req *q, const struct auth_answer *an)
{
	if (an->nobody)
		tell_proxy(q, LOG_LEVEL_WARN, STR_NONE, "identity header says "
			"\"-\" or \"(null)\": nobody");
	if (an->other.n > 0)
		tell_proxy(q, LOG_LEVEL_INFO, q->conf->log_hash_principals ?
			STR_NONE : an->other,
			"the proxy names another user than the credential, "
			"which counts");
}

/* Who makes us work for nothing, again and again, has to wait. */
static const struct fault *
note_failure(struct req *q, const struct auth_answer *an,
	const struct fault *f)
{
	if (f->kind == FAULT_RATE_LIMITED)
		return rates_tired_fault(q);
	if (an->costly && f->http == 401)
		rates_failed(q);
	return f;
}

/* Nothing was presented, and there are tools for which that will do: the
 * policy decides, and counts. */
static bool
is_public(struct req *q, const struct auth_answer *an, const struct fault *f)
{
	if (f == NULL || !an->anonymous || q->server == NULL ||
	    q->server->conf->options.inbound.public_tools.n == 0)
		return false;
	q->public_only = true;
	q->login = f;
	q->who = &an->who;
	return true;
}

static bool
is_local(const struct req *q)
{
	return auth_local_client(q->conf, &q->in.params);
}

/* waited: this is the second time, what was needed has come or not. */
static enum turn
judge(struct req *q, const struct auth_policy *policy, bool waited)
{
	struct auth_answer *an = ARENA_NEW(q->arena, struct auth_answer);
	const struct fault *f = auth_judge(&(struct auth_ask){
		.policy = policy,
		.remote = q->gate->remote,
		.waited = waited,
		.params = &q->in.params,
		.query = q->query,
		.segment = q->gate->segment,
		.revoked = q->gate->revoked,
		.arena = q->arena,
		.generation = q->conf->generation,
		.now_unix_s = clock_unix_s(),
		.local = conf_has_strategy(policy->in, STRATEGY_LOCAL) &&
			is_local(q),
		.tired = rates_tired(q) && !is_local(q),
	}, an);

	q->challenge = an->challenge;
	note_proxy(q, an);
	if (q->server != NULL && withdraw_presented(q, an->presented)) {
		f = fault_new(q->arena, FAULT_INVALID_TOKEN,
			"an outbound token was presented");
		q->challenge = auth_challenge(policy, f->kind, q->arena);
	}
	if (f == NULL && an->need.kind != AUTH_NEED_NOTHING) {
		f = auth_remote_wait(q->gate->remote, &an->need, &q->wait);
		if (f == NULL)
			return WAIT;
	}
	if (f != NULL && f->kind == FAULT_AUTH_UNAVAILABLE &&
	    q->wait.fault != NULL)
		f = q->wait.fault;	/* it knows more */
	note_violations(q, an);
	if (is_public(q, an, f))
		return NEXT;
	count(q, an, f, clock_mono_us() - q->auth_began_us);
	if (f != NULL) {
		q->refused = an->refused.user.n > 0 ? &an->refused : NULL;
		return req_fail(q, note_failure(q, an, f));
	}
	q->who = &an->who;
	return NEXT;
}

/* Local clients, listed addresses, or a metrics token. */
static enum turn
judge_metrics(struct req *q)
{
	const struct conf *c = q->conf;
	struct conf_cidr peer;

	if (is_local(q))
		return NEXT;
	if (conf_addr_parse(q->client, &peer) &&
	    !conf_addr_loopback(&peer) &&
	    conf_cidr_has(&c->metrics_ips, &peer, clock_unix_s()))
		return NEXT;
	if (auth_listed(&c->metrics_tokens, &q->in.params, clock_unix_s()))
		return NEXT;
	return req_fail(q, fault_new(q->arena, FAULT_FORBIDDEN,
		"metrics are for local clients and listed tokens"));
}

/* A wrong pair is final, as a wrong token is.  Passwords can be guessed: who
 * tries has to wait. */
static enum turn
judge_basic(struct req *q, enum auth_basic said)
{
	struct auth_answer *an = ARENA_NEW(q->arena, struct auth_answer);
	const struct fault *f = NULL;

	an->strategy = q->strategy = "basic";
	if (rates_tired(q) && !is_local(q)) {
		f = rates_tired_fault(q);
	} else if (said == AUTH_BASIC_WRONG) {
		f = fault_new(q->arena, FAULT_INVALID_TOKEN,
			"not the user and password of admin.basic");
		rates_failed(q);
	}
	count(q, an, f, clock_mono_us() - q->auth_began_us);
	if (f == NULL)
		return NEXT;
	if (q->site->policy != NULL)
		q->challenge = auth_challenge(q->site->policy,
			FAULT_UNAUTHENTICATED, q->arena);
	return req_fail(q, f);
}

static bool
is_admin_address(const struct req *q)
{
	struct conf_cidr peer;

	return conf_addr_parse(q->client, &peer) &&
		conf_cidr_has(&q->conf->admin_ips, &peer, clock_unix_s());
}

static bool
has_admin_token(const struct req *q)
{
	const struct conf *c = q->conf;

	return auth_listed(&c->admin_tokens, &q->in.params, clock_unix_s()) ||
		(!c->admin_auth_required && is_local(q));
}

/* Pages for administrators: from some addresses only, and not without a
 * credential; selftest_run() looks at the scope of others. */
static enum turn
judge_admin(struct req *q)
{
	const struct conf *c = q->conf;
	enum auth_basic said;

	if (!c->admin_enabled)
		return req_fail(q, fault_new(q->arena, FAULT_NOT_FOUND,
			"admin is not enabled"));
	if (!is_admin_address(q))
		return req_fail(q, client_deny(q,
			"is not in admin.allowIps"));
	if (has_admin_token(q))
		return NEXT;
	q->takes_basic = auth_has_basic(c);
	said = auth_basic(c, &q->in.params, q->arena);
	if (said != AUTH_BASIC_NONE)
		return judge_basic(q, said);
	if (q->site->policy == NULL)
		return req_fail(q, fault_new(q->arena, FAULT_SERVER_INVALID,
			"no usable authentication"));
	return judge(q, q->site->policy, false);
}

bool
auth_is_admin(struct req *q)
{
	return q->conf->admin_enabled && client_find(q) == NULL &&
		is_admin_address(q) && has_admin_token(q);
}

/* The rules that count for the server, or for pages of our own. */
static const struct auth_policy *
policy_of(const struct req *q)
{
	return q->server != NULL ? q->server->policy : q->site->policy;
}

enum turn
auth_back(struct req *q)
{
	return judge(q, policy_of(q), true);
}

enum turn
auth_run(struct req *q)
{
	q->auth_began_us = clock_mono_us();
	if (q->server != NULL && q->server->policy != NULL)
		return judge(q, q->server->policy, false);
	switch (q->page) {
	case PAGE_HEALTH:
	case PAGE_READY:
	case PAGE_WEBSOCKET:
	case PAGE_RESOURCE:
		return NEXT;
	case PAGE_METRICS:
		return judge_metrics(q);
	case PAGE_SELF_HEADERS:
	case PAGE_SELF_STREAM:
		return judge_admin(q);
	case PAGE_VERSION:
	case PAGE_NONE:
		break;
	}
	if (q->server == NULL && q->site->policy != NULL)
		return judge(q, q->site->policy, false);
	return req_fail(q, fault_new(q->arena, FAULT_SERVER_INVALID,
		"no usable authentication"));
}
