/* SPDX-License-Identifier: MIT */
/*
 * rates -- how often we, a server, an address, a caller, a tool may be asked
 *
 * Before: client_check() knows the address; for callers auth_run() knows who
 *         asks; for tools the policy has let them through.
 * After:  what was asked for is counted, over all workers.
 */
#include "config.h"
#include "gate/rates.h"

#include <string.h>

#include "base/arena.h"
#include "gate/client.h"
#include "shm/rate.h"

#define FAILURES_WORD "failures"

/* What a limit is counted by; also the word in the message. */
enum scope { OF_ALL, OF_SERVER, OF_IP, OF_CALLER, OF_TOOL, OF_FAILURES };

static const char *const scope_words[] = {
	[OF_ALL] = "global", [OF_SERVER] = "server", [OF_IP] = "ip",
	[OF_CALLER] = "token",
	[OF_TOOL] = "tool", [OF_FAILURES] = FAILURES_WORD,
};

/* Limits that are taken together. */
struct basket {
	struct req *q;
	struct rate *v;
	enum scope *scopes;		/* same index */
	uint32_t n;
};

/* What an earlier step has taken for this request. */
struct rates_taken {
	const struct rate *v;
	uint32_t n;
	struct rate_now at;
	struct rates_taken *before;
};

/* Fixed length, so that no two subjects are written alike. */
struct subject {
	uint64_t scope, key, rule, server;
	uint32_t rate[4];
	uint8_t who[16];
};

static struct basket
basket_new(struct req *q, uint32_t rules)
{
	uint32_t room = rules * RATE_SPANS;

	return (struct basket){ .q = q,
		.v = ARENA_ARRAY(q->arena, struct rate, room),
		.scopes = ARENA_ARRAY(q->arena, enum scope, room) };
}

/* ---- whom a limit counts for -------------------------------------------------- */

/* An IPv6 client has a network of 64 bits for himself. */
static void
put_address(const struct req *q, uint8_t who[16])
{
	const struct conf_cidr *c = &q->address;

	who[15] = c->v6 ? 6 : c->unix_peer ? 0 : 4;
	memcpy(who, c->addr, c->v6 ? 8 : 4);
}

static void
put_who(const struct req *q, enum rate_key key, uint8_t who[16])
{
	if (key == RATE_IP)
		put_address(q, who);
	else if (key == RATE_CALLER && q->who != NULL)
		memcpy(who, q->who->digest, sizeof(q->who->digest));
}

/* rule: more of its name; "" for the limits of a server itself. */
static uint64_t
subject_of(const struct req *q, enum scope scope, enum rate_key key,
	const struct conf_rate *r, struct str rule)
{
	const struct rates *t = q->gate->rates;
	struct subject s = { .scope = scope, .key = key,
		.rate = { r->per_minute, r->burst, r->per_hour,
			r->per_day } };

	put_who(q, key, s.who);
	if (rule.n > 0)
		s.rule = rate_subject(t, rule);
	if (scope != OF_FAILURES && scope != OF_ALL)	/* of all servers */
		s.server = rate_subject(t, client_server(q));
	return rate_subject(t, (struct str){ (const char *)&s, sizeof(s) });
}

static void
put(struct basket *b, enum scope scope, struct rate r)
{
	if (r.limit == 0)
		return;
	b->scopes[b->n] = scope;
	b->v[b->n++] = r;
}

struct rule {
	enum scope scope;
	enum rate_key key;
	const struct conf_rate *rate;
	struct str name;		/* tools: the pattern */
	uint32_t n;			/* requests */
};

/* The finest first. */
static void
add(struct basket *b, const struct rule *rule)
{
	const struct conf_rate *c = rule->rate;
	struct rate r = { .n = rule->n, .own = rule->key == RATE_SERVER };

	if ((c->per_minute | c->per_hour | c->per_day) == 0)
		return;
	r.subject = subject_of(b->q, rule->scope, rule->key, c, rule->name);
	r.span = RATE_MINUTE;
	r.limit = c->per_minute;
	r.burst = c->burst > 0 ? c->burst : 1;
	put(b, rule->scope, r);
	r.span = RATE_HOUR;
	r.limit = c->per_hour;
	put(b, rule->scope, r);
	r.span = RATE_DAY;
	r.limit = c->per_day;
	put(b, rule->scope, r);
}

/* ---- refusing ------------------------------------------------------------------- */

static uint32_t
seconds(uint64_t us)
{
	uint64_t s = (us + 999999) / 1000000;

	return s < 1 ? 1 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

static void
count(struct req *q, enum scope scope)
{
	if (q->site->metrics != NULL)
		metrics_limited(q->site->metrics, client_server(q),
			scope_words[scope]);
}

/* A client that only asks what we speak takes 429 for an old server's. */
static bool
is_probe(const struct req *q)
{
	uint32_t n;

	return str_is(params_client(&q->in.params, "HTTP_MCP_METHOD", &n),
		"server/discover");
}

static const struct fault *
refuse(struct req *q, enum scope scope, const struct rate *r, uint64_t wait_us)
{
	static const uint32_t lengths[] = { [RATE_MINUTE] = 60,
		[RATE_HOUR] = 3600, [RATE_DAY] = 86400 };
	struct fault *f = fault_new(q->arena, FAULT_RATE_LIMITED,
		"%s: %u in %u s", scope_words[scope], r->limit,
		lengths[r->span]);

	f->said = str_fmt(q->arena, "rate limit exceeded (%s)",
		scope == OF_FAILURES ? "ip" : scope_words[scope]).p;
	f->retry_after_s = seconds(wait_us);
	if (is_probe(q))
		f->http = 503;
	q->limit = r->limit;
	q->limit_window_s = lengths[r->span];
	count(q, scope);
	return f;
}

static void
keep_in_mind(const struct basket *b, struct rate_now now)
{
	struct rates_taken *t = ARENA_NEW(b->q->arena, struct rates_taken);

	*t = (struct rates_taken){ b->v, b->n, now, b->q->taken };
	b->q->taken = t;
}

/* Who is refused takes nothing from others: one caller who asks too often
 * does not use up what the server, or his address, has for all. */
static void
give_back(struct req *q, struct rate_now now)
{
	for (; q->taken != NULL; q->taken = q->taken->before)
		rate_give_all(q->gate->rates, q->taken->v, q->taken->n,
			q->taken->at, now);
}

static const struct fault *
take(struct basket *b)
{
	struct req *q = b->q;
	struct rate_now now;
	struct rate_no no;
	bool good;

	if (b->n == 0)
		return NULL;
	now = rate_now();
	good = rate_take_all(q->gate->rates, b->v, b->n, now, &no);
	if (good)
		keep_in_mind(b, now);
	else
		give_back(q, now);
	if (no.full > 0 && q->site->metrics != NULL)
		metrics_table_full(q->site->metrics, no.full);
	return good ? NULL : refuse(q, b->scopes[no.index], &b->v[no.index],
		no.wait_us);
}

/* ---- the steps -------------------------------------------------------------------- */

/* Nobody has to say who he is here. */
static bool
is_open(const struct req *q)
{
	const struct conf_inbound *in = &q->server->conf->options.inbound;

	return in->n_strategies == 1 && (in->strategies[0] == STRATEGY_NONE ||
		(in->strategies[0] == STRATEGY_LOCAL &&
		auth_local_client(q->conf, &q->in.params)));
}

/* For the id: of those who have shown who they are, or need not. */
static void
peek(struct req *q)
{
	if (q->server != NULL && q->method == METHOD_POST && !q->has_rpc &&
	    (q->who != NULL || is_open(q)))
		rpc_peek(q);
}

/* Addresses first: one that asks too often takes nothing from the server. */
const struct fault *
rates_enter(struct req *q)
{
	const struct conf_security *s = client_security(q);
	const struct fault *f;
	struct basket b;

	if (s == NULL)
		return NULL;
	b = basket_new(q, 3);
	add(&b, &(struct rule){ .scope = OF_IP, .key = RATE_IP,
		.rate = &s->rates.ip, .n = 1 });
	add(&b, &(struct rule){ .scope = OF_SERVER, .key = RATE_SERVER,
		.rate = &s->rates.server, .n = 1 });
	add(&b, &(struct rule){ .scope = OF_ALL, .key = RATE_SERVER,
		.rate = &q->conf->rate, .n = 1 });
	f = take(&b);
	if (f != NULL)
		peek(q);
	return f;
}

enum turn
rates_caller(struct req *q)
{
	const struct conf_security *s = client_security(q);
	const struct fault *f;
	struct basket b;

	if (s == NULL || q->who == NULL)
		return NEXT;
	b = basket_new(q, 1);
	add(&b, &(struct rule){ .scope = OF_CALLER, .key = RATE_CALLER,
		.rate = &s->rates.caller, .n = 1 });
	f = take(&b);
	if (f == NULL)
		return NEXT;
	peek(q);
	return req_fail(q, f);
}

/* How many calls of such tools there are: in a batch perhaps several. */
static uint32_t
calls_of(const struct req *q, struct str pattern)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < q->rpc.n; i++) {
		const struct rpc_message *m = &q->rpc.messages[i];

		n += str_is(m->method, "tools/call") && m->has_name &&
			str_glob(pattern, m->name);
	}
	return n;
}

enum turn
rates_tools(struct req *q)
{
	static const enum rate_key narrow_first[] = { RATE_CALLER, RATE_IP,
		RATE_SERVER };
	const struct conf_rates *c;
	const struct fault *f;
	struct basket b;

	if (q->server == NULL || !q->has_rpc)
		return NEXT;
	c = &q->server->conf->options.security.rates;
	if (c->n_tools == 0)
		return NEXT;
	b = basket_new(q, c->n_tools);
	for (int k = 0; k < 3; k++) {
		for (uint32_t i = 0; i < c->n_tools; i++) {
			const struct conf_tool_rate *t = &c->tools[i];
			uint32_t n = t->key == narrow_first[k] ?
				calls_of(q, t->tools) : 0;

			if (n > 0)
				add(&b, &(struct rule){ OF_TOOL, t->key,
					&t->rate, t->tools, n });
		}
	}
	f = take(&b);
	return f == NULL ? NEXT : req_fail(q, f);
}

/* ---- headers of a 429 ---------------------------------------------------------------- */

static void
add_number(struct headers *h, struct str name, uint32_t n)
{
	headers_add(h, name, str_fmt(h->arena, "%u", n));
}

static void
add_draft(const struct req *q, struct headers *h)
{
	headers_add(h, STR("RateLimit-Policy"), str_fmt(h->arena,
		"\"default\";q=%u;w=%u", q->limit, q->limit_window_s));
	headers_add(h, STR("RateLimit"), str_fmt(h->arena,
		"\"default\";r=0;t=%u", q->fault->retry_after_s));
}

static void
add_legacy(const struct req *q, struct headers *h)
{
	add_number(h, STR("X-RateLimit-Limit"), q->limit);
	add_number(h, STR("X-RateLimit-Remaining"), 0);
	add_number(h, STR("X-RateLimit-Reset"), q->fault->retry_after_s);
	add_number(h, STR("X-Rate-Limit-Remaining"), 0);
}

void
rates_headers(const struct req *q, struct headers *h)
{
	const struct conf_security *s = client_security(q);

	if (q->limit == 0 || s == NULL)
		return;
	if (s->rates.headers == RATE_HEADERS_BOTH ||
	    s->rates.headers == RATE_HEADERS_DRAFT)
		add_draft(q, h);
	if (s->rates.headers == RATE_HEADERS_BOTH ||
	    s->rates.headers == RATE_HEADERS_LEGACY)
		add_legacy(q, h);
}

/* ---- callers that fail ---------------------------------------------------------------- */

static const struct conf_inbound *
inbound(const struct req *q)
{
	return q->server != NULL ? &q->server->conf->options.inbound :
		&q->conf->options.inbound;
}

/* False: failures are not counted here. */
static bool
failure_rate(const struct req *q, struct rate *r_r)
{
	const struct conf_inbound *in = inbound(q);
	struct conf_rate c = { .per_minute = in->failures_per_minute,
		.burst = in->failures_burst };

	if (c.per_minute == 0 || c.burst == 0 || q->address.unix_peer)
		return false;
	*r_r = (struct rate){ .span = RATE_MINUTE, .limit = c.per_minute,
		.burst = c.burst, .n = 1,
		.subject = subject_of(q, OF_FAILURES, RATE_IP, &c, STR_NONE) };
	return true;
}

bool
rates_tired(struct req *q)
{
	struct rate r;
	uint64_t wait_us;

	return failure_rate(q, &r) && rate_look(q->gate->rates, &r,
		rate_now(), &wait_us) == RATE_OVER;
}

void
rates_failed(struct req *q)
{
	struct rate r;
	uint64_t wait_us;

	if (!auth_local_client(q->conf, &q->in.params) &&
	    failure_rate(q, &r))
		rate_take(q->gate->rates, &r, rate_now(), &wait_us);
}

const struct fault *
rates_tired_fault(struct req *q)
{
	struct rate r = { .limit = 1 };
	uint64_t wait_us = 0;

	if (failure_rate(q, &r))
		(void)rate_look(q->gate->rates, &r, rate_now(), &wait_us);
	return refuse(q, OF_FAILURES, &r, wait_us);
}
