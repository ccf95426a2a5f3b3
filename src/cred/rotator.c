/* SPDX-License-Identifier: MIT */
/*
 * rotator -- a server's pool: made, drawn from, guarded
 */
#include "config.h"
#include "cred/rotator.h"

#include "base/arena.h"
#include "base/digest.h"
#include "cred/credential.h"
#include "cred/rotation.h"
#include "shm/pins.h"

/* What is said of an attempt comes behind the attempt itself; attempts of
 * which nothing is said are told where the request ends. */
static void
tell_attempts(const struct rotator *r, struct rotator_try *t)
{
	struct log_line l;

	if (!r->server->options.log_enabled || t->own_call ||
	    !log_wants(LOG_LEVEL_INFO))
		return;
	for (; t->told < t->attempts; t->told++) {
		log_begin(&l, LOG_LEVEL_INFO, "token");
		log_str(&l, "msg", str_fmt(t->arena, "using token index %u",
			t->indexes[t->told]));
		log_opt(&l, "request_id", t->request_id);
		log_str(&l, "server", r->server->name);
		log_num(&l, "token", t->indexes[t->told]);
		log_end(&l);
	}
}

void
rotator_say(const struct rotator *r, struct rotator_try *t,
	enum log_level level, struct str text)
{
	struct log_line l;

	if (!log_wants(level))
		return;
	if (t != NULL && level <= LOG_LEVEL_WARN)
		tell_attempts(r, t);
	log_begin(&l, level, "token");
	if (t != NULL)
		log_opt(&l, "request_id", t->request_id);
	log_str(&l, "server", r->server->name);
	if (t != NULL && t->attempts > 0) {
		log_num(&l, "token", t->index);
		if (t->statuses[t->attempts - 1] != 0)
			log_num(&l, "status", t->statuses[t->attempts - 1]);
	}
	log_str(&l, "msg", text);
	log_end(&l);
}

/* ---- making one -------------------------------------------------------------------- */

static void
digest_tokens(struct rotator *r, struct arena *a)
{
	const struct conf_pool *pool = r->pool;
	uint8_t (*digests)[ROTOR_DIGEST] = arena_alloc(a,
		(size_t)pool->n * ROTOR_DIGEST);

	if (pool->from_auth_tokens)
		r->guards = arena_alloc(a, (size_t)pool->n * SHA256_SIZE);
	for (uint32_t i = 0; i < pool->n; i++) {
		credential_digest(r->segment, &pool->v[i], digests[i]);
		if (r->guards != NULL)
			credential_sha256(&pool->v[i], r->guards[i]);
	}
	r->plan.server = r->server->name;
	r->plan.digests = (const uint8_t (*)[ROTOR_DIGEST])digests;
	r->plan.n = pool->n;
}

static void
bind(struct rotator *r, struct arena *a)
{
	if (r->segment != NULL)
		r->rotor = rotor_bind(r->segment, &r->plan, a);
	if (r->rotor != NULL)
		return;
	r->rotor = rotor_alone(&r->plan, a);
	rotator_say(r, NULL, LOG_LEVEL_WARN,
		STR("no room in the shared state: this worker rotates alone"));
}

struct rotator *
rotator_new(struct segment *s, const struct conf_server *c,
	uint64_t fingerprint, struct arena *a)
{
	struct rotator *r = ARENA_NEW(a, struct rotator);

	r->server = c;
	r->pool = &c->options.pool;
	r->segment = s;
	r->fingerprint = fingerprint;
	r->max_attempts = r->pool->max_retries < r->pool->n_enabled ?
		r->pool->max_retries : r->pool->n_enabled;
	if (r->max_attempts == 0)
		r->max_attempts = 1;
	digest_tokens(r, a);
	bind(r, a);
	choose_prepare(r, a);
	return r;
}

const struct rotor *
rotator_cells(const struct rotator *r)
{
	return r->rotor;
}

/* ---- one request -------------------------------------------------------------------- */

void
rotator_release(struct rotator *r, struct rotator_try *t)
{
	if (t->in_use)
		rotor_used(r->rotor, t->index, -1);
	t->in_use = false;
}

/* The first attempt: a session's token, else whose turn it is, else who is
 * usable first; a request is never refused without a call. */
static uint32_t
first(struct rotator *r, struct rotator_try *t, const struct rotator_ask *ask)
{
	uint32_t i = ROTOR_NONE;

	if (r->pool->sticky == STICKY_SESSION && ask->session.n > 0) {
		t->session = ask->session;
		i = pins_get(r->segment, r->server->name, ask->session,
			&r->plan, ask->now_boot_ms);
	}
	if (i != ROTOR_NONE && choose_enabled(r, i)) {
		t->pinned = true;
		return i;
	}
	i = choose_token(r, t, ask);
	return i != ROTOR_NONE ? i : choose_last_resort(r);
}

static void
take(struct rotator *r, struct rotator_try *t, uint32_t i)
{
	if (t->attempts == 0) {
		t->statuses = ARENA_ARRAY(t->arena, uint16_t,
			r->max_attempts);
		t->waits = ARENA_ARRAY(t->arena, uint32_t, r->max_attempts);
		t->indexes = ARENA_ARRAY(t->arena, uint8_t, r->max_attempts);
	}
	t->indexes[t->attempts++] = (uint8_t)i;
	t->tried[i / 64] |= UINT64_C(1) << (i % 64);
	t->index = i;
	t->in_use = !t->own_call && !t->unnoticed;
	if (t->in_use)
		rotor_used(r->rotor, i, 1);
	else if (!t->own_call)
		rotor_drawn(r->rotor, i);
}

static const struct fault *
none(struct rotator_try *t, const struct fault *f)
{
	if (t->attempts == 0)
		t->index = ROTOR_NONE;
	t->fault = f;
	return f;
}

const struct fault *
rotator_pick(struct rotator *r, struct rotator_try *t,
	const struct rotator_ask *ask)
{
	uint32_t i = ROTOR_NONE;

	rotator_release(r, t);
	t->arena = ask->arena;
	t->request_id = ask->request_id;
	t->now_boot_ms = ask->now_boot_ms;
	t->own_call = ask->own_call;
	t->unnoticed = ask->unnoticed;
	if (rotor_withdrawn(r->rotor, r->fingerprint))
		return none(t, fault_new(t->arena, FAULT_CREDENTIAL_WITHDRAWN,
			"a client presented one of the authTokens"));
	if (ask->own_call && r->pool->from_auth_tokens)
		return none(t, NULL);
	if (t->attempts == 0)
		i = first(r, t, ask);
	else if (t->attempts < r->max_attempts)
		i = choose_token(r, t, ask);
	if (i == ROTOR_NONE && t->attempts == 0)
		return none(t, fault_new(t->arena, FAULT_CREDENTIAL_WITHDRAWN,
			"every token is disabled"));
	if (i == ROTOR_NONE)		/* others used up what was left */
		return none(t, judge_exhausted(r, t, 0));
	take(r, t, i);
	return NULL;
}

/* ---- sessions -------------------------------------------------------------------------- */

void
rotator_learn_session(struct rotator *r, struct rotator_try *t,
	struct str session)
{
	uint32_t old;

	if (r->pool->sticky != STICKY_SESSION || t->attempts == 0 ||
	    session.n == 0)
		return;
	old = pins_get(r->segment, r->server->name, session, &r->plan,
		t->now_boot_ms);
	if (old == t->index)
		return;
	if (old != ROTOR_NONE)
		rotator_say(r, t, LOG_LEVEL_WARN, str_fmt(t->arena,
			"session moved from token index %u to %u", old,
			t->index));
	pins_put(r->segment, r->server->name, session,
		r->plan.digests[t->index], t->now_boot_ms);
}

void
rotator_forget_session(struct rotator *r, struct str session)
{
	if (session.n > 0)
		pins_drop(r->segment, r->server->name, session);
}

/* ---- a list that was evidently meant inbound -------------------------------------------- */

/* Every digest is compared, in constant time each. */
bool
rotator_holds(const struct rotator *r, struct str presented)
{
	uint8_t digest[SHA256_SIZE];
	bool held = false;

	if (r->guards == NULL || presented.n == 0)
		return false;
	digest_sha256(presented, digest);
	for (uint32_t i = 0; i < r->pool->n; i++)
		held |= digest_same(digest, r->guards[i], SHA256_SIZE);
	return held;
}

void
rotator_withdraw(struct rotator *r)
{
	rotor_withdraw(r->rotor, r->fingerprint);
}

bool
rotator_usable(const struct rotator *r, uint64_t now_boot_ms)
{
	struct rotor_token token;

	if (rotor_withdrawn(r->rotor, r->fingerprint))
		return false;
	for (uint32_t i = 0; i < r->pool->n; i++) {
		rotor_look(r->rotor, i, &token);
		if (!r->pool->v[i].disabled && !token.disabled &&
		    token.cooling_until_ms <= now_boot_ms)
			return true;
	}
	return false;
}
