/* SPDX-License-Identifier: MIT */
/*
 * introspect -- who may wait, and that all of it can end at any moment; the
 * answers themselves are asked for in the flow of that name
 */
#include "config.h"
#include "auth/introspect.h"

#include "auth/inquiry.h"
#include "auth/policy.h"
#include "auth/verdict.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "kit/place.h"
#include "kit/tap.h"

#define S(lit) { lit, sizeof(lit) - 1 }
#define MANY (MAX_ASKERS + 1)

static const struct conf_inbound inbound = {
	.strategies = { STRATEGY_INTROSPECTION }, .n_strategies = 1,
	.prefix = S("Bearer"),
	.introspection = { .endpoint = S("http://127.0.0.1:9/ask"),
		.client_id = S("gate"), .client_secret = { "secret", 6 },
		.timeout_ms = 5000, .cache_s = 60, .negative_s = 10 },
};
static const struct conf conf = { .limits = { .token = 4096 } };
static struct waiter waiters[MANY];
static unsigned woken;

static void
wake(void *who)
{
	woken++;
	if (who != NULL && woken % MAX_QUESTIONS == 0)
		loop_stop(who);
}

struct world {
	struct loop *loop;
	struct wire *wire;
	struct arena *arena;
	struct auth_policy *policy;
	struct introspect *introspect;
};

static struct world
world_new(struct segment *s)
{
	struct world w = { .loop = loop_new(), .arena = arena_new(MIB(4)) };

	w.wire = wire_new(w.loop);
	OK(auth_policy_new(&conf, &inbound, STR("s"), w.arena, &w.policy) ==
		NULL);
	w.introspect = introspect_new(w.loop, w.wire, s);
	for (unsigned i = 0; i < MANY; i++)
		waiter_init(&waiters[i], w.loop, w.arena, wake, NULL);
	return w;
}

static void
world_end(struct world *w)
{
	for (unsigned i = 0; i < MANY; i++)
		waiter_leave(&waiters[i]);
	introspect_free(w->introspect);
	wire_free(w->wire);
	loop_free(w->loop);
	arena_free(w->arena);
}

static const struct fault *
ask(const struct world *w, unsigned i, const char *token)
{
	const struct auth_need need = { .kind = AUTH_NEED_ANSWER,
		.policy = w->policy, .token = str_of(token) };

	return introspect_wait(w->introspect, &need, &waiters[i]);
}

static bool
refused(const struct fault *f)
{
	return f != NULL && f->kind == FAULT_AUTH_UNAVAILABLE &&
		f->retry_after_s == 5;
}

/* As many as may wait for one token, and one more. */
static void
check_askers(struct segment *s)
{
	struct world w = world_new(s);
	unsigned let = 0;

	for (unsigned i = 0; i < MAX_ASKERS; i++)
		let += ask(&w, i, "one-token") == NULL;
	IS_INT(let, MAX_ASKERS);
	OK(refused(ask(&w, MAX_ASKERS, "one-token")));
	waiter_leave(&waiters[7]);
	tap_ok(ask(&w, MAX_ASKERS, "one-token") == NULL,
		"who leaves makes room");
	world_end(&w);
}

/* As many tokens as may be asked about at once, and one more. */
static void
check_questions(struct segment *s)
{
	struct world w = world_new(s);
	unsigned let = 0;

	for (unsigned i = 0; i < MAX_QUESTIONS; i++)
		let += ask(&w, i, str_fmt(w.arena, "token-%u", i).p) == NULL;
	IS_INT(let, MAX_QUESTIONS);
	OK(refused(ask(&w, MAX_QUESTIONS, "token-more")));
	OK(ask(&w, MAX_QUESTIONS, "token-0") == NULL);
	world_end(&w);
}

/* One that is over is not asked about any more: there is no endpoint here. */
static void
check_over(void)
{
	struct world w = world_new(NULL);
	unsigned let;

	for (unsigned round = 0; round < 3; round++) {
		let = woken = 0;
		for (unsigned i = 0; i < MAX_QUESTIONS; i++) {
			waiter_init(&waiters[i], w.loop, w.arena, wake, w.loop);
			let += ask(&w, i, str_fmt(w.arena, "token-%u-%u", round,
				i).p) == NULL;
		}
		IS_INT(let, MAX_QUESTIONS);
		if (let == MAX_QUESTIONS)
			loop_run(w.loop);
		IS_INT(woken, MAX_QUESTIONS);
	}
	woken = 0;
	world_end(&w);
}

/* Without an answer nothing is known, and nobody is let in. */
static void
check_look(struct segment *s)
{
	struct world w = world_new(s);
	struct auth_ask a = { .policy = w.policy, .segment = s,
		.arena = w.arena, .now_unix_s = 1700000000 };
	struct claims c;
	bool known = true;

	OK(introspect_look(&a, STR("never-asked"), &c, &known) == NULL);
	OK(!known);
	a.waited = true;
	OK(introspect_look(&a, STR("never-asked"), &c, &known) == NULL);
	OK(!known);
	world_end(&w);
}

/* ---- what is known already ---------------------------------------------- */

#define TOKEN "aa.bb.cc"	/* may be a JWT, for all we know */

/* As if the endpoint had named alice, whose token was issued 50 s ago. */
static void
know_alice(struct segment *s, const struct auth_policy *p, int64_t now_s)
{
	const struct claims c = { .who = { .user = STR("alice") },
		.not_before_s = INT64_MIN, .expires_s = now_s + 100,
		.issued_s = now_s - 50 };
	struct verdict_key k;

	inquiry_key(p, s, STR(TOKEN), k.digest);
	verdict_put(s, &k, &c, now_s, 1000);
}

static enum fault_kind
verdict(const struct world *w, struct segment *s, struct revoked *r,
	int64_t now_s, bool waited)
{
	struct auth_answer an = { 0 };
	struct params p;
	const struct fault *f;

	params_init(&p, w->arena, 8);
	params_add(&p, STR("HTTP_AUTHORIZATION"), STR("Bearer " TOKEN));
	f = auth_judge(&(struct auth_ask){ .policy = w->policy, .params = &p,
		.query = STR(""), .segment = s, .revoked = r, .waited = waited,
		.arena = w->arena, .now_unix_s = now_s }, &an);
	if (f == NULL)
		IS_STR(an.who.user, "alice");
	return f != NULL ? f->kind : FAULT_KINDS;
}

/* It ends between the answer and the verdict. */
static void
check_end(struct segment *s)
{
	struct world w = world_new(s);
	int64_t now = clock_unix_s();

	know_alice(s, w.policy, now);
	IS_INT(verdict(&w, s, NULL, now + 99, false), FAULT_KINDS);
	tap_ok(verdict(&w, s, NULL, now + 100, false) ==
		FAULT_AUTH_UNAVAILABLE, "what has ended is asked for anew");
	tap_ok(verdict(&w, s, NULL, now + 100, true) == FAULT_TOKEN_EXPIRED,
		"and when that has ended, too, it has expired");
	world_end(&w);
}

static void
withdraw(struct revoked *r, struct revoked_name name, int64_t before)
{
	const char *why = "";
	int64_t now = clock_unix_s();

	tap_ok(revoked_add(r, &(struct revoked_entry){ .name = name,
		.kind = 'u', .before = before, .until = now + 100,
		.what = STR("x") }, now, &why), "revoked %s", why);
}

/* By the time of issue that the endpoint tells, and by the signed part of
 * what may be a JWT. */
static void
check_revoked(struct place *p, struct segment *s)
{
	struct world w = world_new(s);
	int64_t now = clock_unix_s();
	const char *why = "";
	struct revoked *r = revoked_open(s, str_fmt(p->arena, "%s.revoked",
		p->file).p, p->arena, &why);

	if (!OK(r != NULL))
		return;
	know_alice(s, w.policy, now);
	IS_INT(verdict(&w, s, r, now, false), FAULT_KINDS);
	withdraw(r, revoked_user(STR("alice")), now - 50);
	tap_ok(verdict(&w, s, r, now, false) == FAULT_KINDS,
		"who was revoked until then, and has it since then");
	withdraw(r, revoked_user(STR("alice")), now - 49);
	tap_ok(verdict(&w, s, r, now, false) == FAULT_TOKEN_REVOKED,
		"who has it from before");
	revoked_close(r);
	world_end(&w);
}

static void
check_revoked_part(struct place *p, struct segment *s)
{
	struct world w = world_new(s);
	int64_t now = clock_unix_s();
	const char *why = "";
	struct revoked *r = revoked_open(s, str_fmt(p->arena, "%s.revoked",
		p->file).p, p->arena, &why);

	if (!OK(r != NULL))
		return;
	know_alice(s, w.policy, now);
	withdraw(r, revoked_token(STR("aa")), REVOKED_ALWAYS);
	IS_INT(verdict(&w, s, r, now, false), FAULT_KINDS);
	withdraw(r, revoked_token(STR("aa.bb")), REVOKED_ALWAYS);
	tap_ok(verdict(&w, s, r, now, false) == FAULT_TOKEN_REVOKED,
		"however its signature is spelled");
	revoked_close(r);
	world_end(&w);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);

	check_askers(NULL);
	check_askers(s);
	check_over();
	check_questions(NULL);
	check_look(NULL);
	check_look(s);
	check_end(s);
	check_revoked_part(&p, s);
	segment_close(s);
	place_end(&p);
	p = place_new();
	s = place_open(&p);
	check_revoked(&p, s);
	OK(woken == 0);
	return place_done(&p, s);
}
