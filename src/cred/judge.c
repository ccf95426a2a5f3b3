/* SPDX-License-Identifier: MIT */
/*
 * judge -- what an answer does to the token, the request and the client
 *
 * One function per kind of answer.  Refusals by the upstream end here as
 * 502, never as 401: its challenge would send our client to the wrong door.
 */
#include "config.h"
#include "cred/rotation.h"

#include "base/arena.h"
#include "base/buf.h"

#define MAX_STATUSES 2048	/* bytes of text */

/* ---- what the client reads ----------------------------------------------------------- */

/* What the upstream said of this token in this request. */
static uint64_t
said_ms(const struct rotator_try *t, uint32_t token)
{
	for (uint32_t k = 0; k < t->attempts; k++)
		if (t->indexes[k] == token)
			return (uint64_t)t->waits[k] * 1000;
	return 0;
}

/* Until the first token of the pool is usable, rounded up.  in_full: by what
 * the upstream said, however short a token may rest. */
static uint32_t
shortest_wait_s(const struct rotator *r, const struct rotator_try *t,
	bool in_full)
{
	uint64_t shortest = UINT64_MAX, now = t->now_boot_ms;

	for (uint32_t i = 0; i < r->pool->n; i++) {
		struct rotor_token token;
		uint64_t left;

		rotor_look(r->rotor, i, &token);
		if (r->pool->v[i].disabled || token.disabled)
			continue;
		left = token.cooling_until_ms > now ?
			token.cooling_until_ms - now : 0;
		if (in_full && left < said_ms(t, i))
			left = said_ms(t, i);
		if (left < shortest)
			shortest = left;
	}
	if (shortest == UINT64_MAX)
		return 0;
	shortest = (shortest + 999) / 1000;
	return shortest < UINT32_MAX ? (uint32_t)shortest : UINT32_MAX;
}

static struct str
statuses(const struct rotator_try *t, char sep)
{
	struct buf b = buf_new(t->arena, MAX_STATUSES);
	struct str text = STR_NONE;

	for (uint32_t i = 0; i < t->attempts; i++) {
		if (i > 0)
			buf_char(&b, sep);
		buf_fmt(&b, "%u", t->statuses[i]);
	}
	buf_take(&b, &text);
	return text;
}

static bool
all_said(const struct rotator_try *t, int status)
{
	for (uint32_t i = 0; i < t->attempts; i++)
		if (t->statuses[i] != status)
			return false;
	return true;
}

/* The upstream's limit: for all tokens, or for the only one asked.  Where
 * nobody knows a time, a second is told, as without a pool. */
static const struct fault *
limited(struct rotator_try *t, uint32_t retry_after_s)
{
	struct fault *f = fault_new(t->arena, FAULT_UPSTREAM_LIMITED,
		"upstream answered 429");

	f->retry_after_s = retry_after_s > 0 ? retry_after_s : 1;
	f->data = str_fmt(t->arena, "\"retryAfterSeconds\":%u",
		f->retry_after_s);
	return f;
}

const struct fault *
judge_exhausted(struct rotator *r, struct rotator_try *t,
	uint32_t retry_after_s)
{
	bool in_full = all_said(t, 429);
	uint32_t shortest = shortest_wait_s(r, t, in_full);
	bool retries = r->pool->retry_in_request && !t->pinned;
	struct str list = statuses(t, ' ');
	struct fault *f;

	if (in_full)
		return limited(t, shortest > 0 ? shortest : retry_after_s);
	f = fault_new(t->arena, retries && t->scopes < t->attempts ?
		FAULT_TOKENS_EXHAUSTED : FAULT_UPSTREAM_AUTH,
		"attempts: %u, statuses: [%.*s]", t->attempts, STR_ARG(list));
	f->data = str_fmt(t->arena, "\"statuses\":[%.*s],\"attempts\":%u,"
		"\"retryAfterSeconds\":%u", STR_ARG(statuses(t, ',')),
		t->attempts, shortest);
	if (f->kind != FAULT_TOKENS_EXHAUSTED)
		return f;
	f->said = str_fmt(t->arena, "%s after %u attempts",
		fault_said(FAULT_TOKENS_EXHAUSTED), t->attempts).p;
	rotator_say(r, t, LOG_LEVEL_ERROR, str_fmt(t->arena,
		"%s (statuses: [%.*s])", f->said, STR_ARG(list)));
	return f;
}

static enum rotator_next
fail(struct rotator_try *t, const struct fault *f)
{
	t->fault = f;
	return ROTATOR_FAIL;
}

static enum rotator_next
fail_with_status(struct rotator_try *t, int status)
{
	struct fault *f = fault_new(t->arena, FAULT_UPSTREAM_ERROR,
		"upstream answered %d", status);

	f->said = str_fmt(t->arena, "%s with status %d",
		fault_said(FAULT_UPSTREAM_ERROR), status).p;
	return fail(t, f);
}

/* ---- what happens to the token --------------------------------------------------------- */

static bool
is_quota(const struct rotator_answer *answer)
{
	return answer->status == 402 || answer->status == 429 ||
		(answer->status == 403 && (answer->retry_after_s > 0 ||
		answer->limit_used_up));
}

/* Retry-After within its bound. */
static uint64_t
retry_after_ms(const struct rotator *r, const struct rotator_answer *answer)
{
	uint64_t ms = (uint64_t)answer->retry_after_s * 1000;
	uint64_t max = (uint64_t)r->pool->retry_after_max_ms;

	return r->pool->retry_after_max_ms > 0 && ms > max ? max : ms;
}

static void
cool(struct rotator *r, uint32_t i, const struct rotator_answer *answer)
{
	const struct conf_pool *p = r->pool;
	uint32_t status = (uint32_t)answer->status;
	uint64_t now = answer->now_boot_ms;

	if (is_quota(answer) && answer->retry_after_s > 0)
		rotor_cool(r->rotor, i, status,
			now + retry_after_ms(r, answer));
	else if (is_quota(answer) && status == 403)
		rotor_cool(r->rotor, i, status,
			now + (uint64_t)p->cooldown_ms);
	else
		rotor_failed(r->rotor, i, status, now, p->cooldown_ms,
			p->cooldown_max_ms);
}

static struct str
duration(struct arena *a, uint64_t ms)
{
	if (ms % 1000 == 0)
		return str_fmt(a, "%llus", (unsigned long long)ms / 1000);
	return str_fmt(a, "%llums", (unsigned long long)ms);
}

/* One line for one failure, however many requests report it. */
static void
mark(struct rotator *r, struct rotator_try *t,
	const struct rotator_answer *answer)
{
	uint64_t now = answer->now_boot_ms;
	bool cooling = rotor_cooling(r->rotor, t->index, now);
	struct rotor_token token;

	cool(r, t->index, answer);
	t->marked = true;
	if (r->pool->mode == ROTATION_ON_FIRST_FAILED)
		choose_step_off(r, t->index, now);
	rotor_look(r->rotor, t->index, &token);
	if (cooling)
		return;
	rotator_say(r, t, LOG_LEVEL_WARN,
		str_fmt(t->arena, "token index %u %s (%d), cooling for %s",
		t->index, is_quota(answer) ? "is out of quota" : "refused",
		answer->status, duration(t->arena,
		token.cooling_until_ms > now ?
		token.cooling_until_ms - now : 0).p));
}

/* ---- the rows ----------------------------------------------------------------------------- */

static enum rotator_next
went_well(struct rotator *r, struct rotator_try *t,
	const struct rotator_answer *answer)
{
	if (rotor_succeeded(r->rotor, t->index, (uint32_t)answer->status))
		rotator_say(r, t, LOG_LEVEL_INFO, str_fmt(t->arena,
			"token index %u is usable again", t->index));
	if (!t->pinned && !t->own_call && t->session.n > 0)
		rotator_learn_session(r, t, t->session);
	return ROTATOR_DONE;
}

/* A status that marks no token here: told to the client, each in its way. */
static enum rotator_next
refused_unlisted(struct rotator_try *t, const struct rotator_answer *answer)
{
	if (answer->status == 429)
		return fail(t, limited(t, answer->retry_after_s));
	if (answer->status == 402)
		return fail_with_status(t, 402);
	return fail(t, fault_new(t->arena, FAULT_UPSTREAM_AUTH,
		"upstream answered %d", answer->status));
}

/* The session is bound to this token.  Where another would be tried, the
 * client has to begin anew; in round-robin it learns of the refusal. */
static enum rotator_next
refused_pinned(struct rotator *r, struct rotator_try *t,
	const struct rotator_answer *answer)
{
	if (answer->insufficient_scope)
		return fail(t, judge_exhausted(r, t, 0));
	rotator_forget_session(r, t->session);
	if (r->pool->mode == ROTATION_NONE ||
	    r->pool->mode == ROTATION_ROUND_ROBIN)
		return fail(t, judge_exhausted(r, t, answer->retry_after_s));
	return fail(t, fault_new(t->arena, FAULT_SESSION_NOT_FOUND,
		"its token was refused (%d)", answer->status));
}

static enum rotator_next
refused(struct rotator *r, struct rotator_try *t,
	const struct rotator_answer *answer)
{
	if (answer->status == 403 && answer->insufficient_scope)
		t->scopes++;
	else
		mark(r, t, answer);
	if (t->pinned)
		return refused_pinned(r, t, answer);
	if (r->pool->retry_in_request &&
	    choose_more(r, t, answer->now_boot_ms))
		return ROTATOR_AGAIN;
	return fail(t, judge_exhausted(r, t, answer->retry_after_s));
}

static bool
listed(const struct conf_pool *pool, int status)
{
	for (unsigned i = 0; i < 4 && pool->rotate_on[i] != 0; i++)
		if (pool->rotate_on[i] == status)
			return true;
	return false;
}

static enum rotator_next
other_status(struct rotator *r, struct rotator_try *t,
	const struct rotator_answer *answer)
{
	int status = answer->status;

	if (status == 404 && answer->session.n > 0) {
		rotator_forget_session(r, answer->session);
		return fail(t, fault_new(t->arena, FAULT_SESSION_NOT_FOUND,
			"upstream answered 404"));
	}
	if (status == 407)
		return fail(t, fault_new(t->arena, FAULT_PROXY_AUTH,
			"proxy answered 407"));
	if (status >= 500 && status != 503 && status != 504)
		return fail_with_status(t, status);
	return ROTATOR_DONE;
}

enum rotator_next
rotator_judge(struct rotator *r, struct rotator_try *t,
	const struct rotator_answer *answer)
{
	int status = answer->status;

	t->marked = false;
	rotator_release(r, t);
	if (t->attempts == 0)
		return ROTATOR_DONE;
	t->now_boot_ms = answer->now_boot_ms;
	t->statuses[t->attempts - 1] = (uint16_t)status;
	t->waits[t->attempts - 1] = answer->retry_after_s;
	if (status >= 200 && status <= 299)
		return went_well(r, t, answer);
	if (status != 401 && status != 402 && status != 403 && status != 429)
		return other_status(r, t, answer);
	if (!listed(r->pool, status))
		return refused_unlisted(t, answer);
	return refused(r, t, answer);
}
