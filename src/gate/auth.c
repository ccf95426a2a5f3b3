/* SPDX-License-Identifier: MIT */
/*
 * auth -- who is calling?
 *
 * Before: access_run() has let the request in.
 * After:  q->who is the caller, checked; pages know theirs too.
 * Waits:  not yet: signing keys are local.
 */
#include "config.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "gate/pipeline.h"

/* C1: a client presents a value that stands in an outbound authTokens list:
 * evidently it was meant inbound.  The list is closed for all workers. */
static bool
withdraw_presented(struct req *q, struct str presented)
{
	struct rotator *r = q->server->rotator;
	struct log_line l;

	if (r == NULL || presented.n == 0 ||
	    !q->server->conf->options.pool.from_auth_tokens ||
	    !rotator_holds(r, presented))
		return false;
	rotator_withdraw(r);
	log_begin(&l, LOG_LEVEL_ERROR, "token");
	log_str(&l, "server", q->server->conf->name);
	log_str(&l, "request_id", q->request_id);
	log_str(&l, "detail", str_fmt(q->arena,
		"a client presented an authTokens value of \"%.*s\": "
		"list withdrawn; set legacyAuthTokens",
		STR_ARG(q->server->conf->name)));
	log_end(&l);
	if (q->site->metrics != NULL)
		metrics_violation(q->site->metrics, "credential_withdrawn");
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
	if (an->untrusted_header)
		metrics_violation(m, "untrusted_header");
	if (f != NULL && f->kind == FAULT_BAD_IDENTITY)
		metrics_violation(m, "bad_identity");
}

static enum turn
judge(struct req *q, const struct auth_policy *policy)
{
	struct auth_answer *an = ARENA_NEW(q->arena, struct auth_answer);
	uint64_t began = clock_mono_us();
	const struct fault *f = auth_judge(&(struct auth_ask){
		.policy = policy,
		.params = &q->in.params,
		.query = q->query,
		.segment = q->gate->segment,
		.revoked = q->gate->revoked,
		.arena = q->arena,
		.generation = q->conf->generation,
		.now_unix_s = clock_unix_s(),
		.local = auth_local_client(q->conf, &q->in.params),
	}, an);

	q->challenge = an->challenge;
	if (q->server != NULL && withdraw_presented(q, an->presented)) {
		f = fault_new(q->arena, FAULT_INVALID_TOKEN,
			"an outbound token was presented");
		q->challenge = auth_challenge(policy, f->kind, q->arena);
	}
	count(q, an, f, clock_mono_us() - began);
	if (f != NULL)
		return req_fail(q, f);
	q->who = &an->who;
	return NEXT;
}

/* Local clients, listed addresses, or a metrics token. */
static enum turn
judge_metrics(struct req *q)
{
	const struct conf *c = q->conf;
	struct conf_cidr peer;

	if (auth_local_client(c, &q->in.params))
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

enum turn
auth_run(struct req *q)
{
	if (q->server != NULL && q->server->policy != NULL)
		return judge(q, q->server->policy);
	switch (q->page) {
	case PAGE_HEALTH:
	case PAGE_READY:
	case PAGE_WEBSOCKET:
		return NEXT;
	case PAGE_METRICS:
		return judge_metrics(q);
	case PAGE_VERSION:
	case PAGE_NONE:
		break;
	}
	if (q->server == NULL && q->site->policy != NULL)
		return judge(q, q->site->policy);
	return req_fail(q, fault_new(q->arena, FAULT_SERVER_INVALID,
		"no usable authentication"));
}
