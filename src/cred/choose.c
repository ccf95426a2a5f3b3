/* SPDX-License-Identifier: MIT */
/*
 * choose -- whose turn it is, by each rotation mode
 *
 * Usable is a token that is enabled and does not cool.  A request never gets
 * the same index twice.  What moves for all (the turn, the current token)
 * moves by one atomic operation; who loses reads again.
 */
#include "config.h"
#include "cred/rotation.h"

#include "base/arena.h"
#include "base/digest.h"

bool
choose_enabled(const struct rotator *r, uint32_t i)
{
	struct rotor_token token;

	if (r->pool->v[i].disabled)
		return false;
	rotor_look(r->rotor, i, &token);
	return !token.disabled;
}

static bool
usable(const struct rotator *r, uint32_t i, uint64_t now)
{
	struct rotor_token token;

	if (r->pool->v[i].disabled)
		return false;
	rotor_look(r->rotor, i, &token);
	return !token.disabled && token.cooling_until_ms <= now;
}

static bool
was_tried(const struct rotator_try *t, uint32_t i)
{
	return (t->tried[i / 64] >> (i % 64) & 1) != 0;
}

/* Round-robin without skipFailed takes a cooling one too. */
static bool
strict(const struct rotator *r)
{
	return !r->pool->skip_failed && (r->pool->mode == ROTATION_NONE ||
		r->pool->mode == ROTATION_ROUND_ROBIN);
}

static bool
eligible(const struct rotator *r, const struct rotator_try *t, uint32_t i,
	uint64_t now)
{
	if (was_tried(t, i))
		return false;
	return strict(r) ? choose_enabled(r, i) : usable(r, i, now);
}

bool
choose_more(const struct rotator *r, const struct rotator_try *t,
	uint64_t now_boot_ms)
{
	for (uint32_t i = 0; i < r->pool->n; i++)
		if (eligible(r, t, i, now_boot_ms))
			return t->attempts < r->max_attempts;
	return false;
}

/* ---- the modes ------------------------------------------------------------------- */

/* One turn a request, whatever is passed over; further attempts go on along
 * the order from there. */
static uint32_t
by_turn(struct rotator *r, struct rotator_try *t, uint64_t now)
{
	if (!t->drawn)
		t->turn = t->own_call ? rotor_peek(r->rotor) :
			rotor_next(r->rotor);
	t->drawn = true;
	for (uint32_t k = 0; k < r->n_order; k++) {
		uint32_t i = r->order[(t->turn + k) % r->n_order];

		if (eligible(r, t, i, now))
			return i;
	}
	return ROTOR_NONE;
}

/* From `from` on around the ring; from itself included. */
static uint32_t
usable_from(const struct rotator *r, uint32_t from, uint64_t now)
{
	for (uint32_t k = 0; k < r->pool->n; k++) {
		uint32_t i = (from + k) % r->pool->n;

		if (usable(r, i, now))
			return i;
	}
	return ROTOR_NONE;
}

void
choose_step_off(struct rotator *r, uint32_t failed, uint64_t now_boot_ms)
{
	uint32_t to = usable_from(r, failed + 1, now_boot_ms);

	if (to != ROTOR_NONE && to != failed)
		rotor_move(r->rotor, failed, to);
}

/* The token that counts now, after others may have moved it. */
static uint32_t
settle_current(struct rotator *r, bool own_call, uint64_t now)
{
	uint32_t current = rotor_current(r->rotor);
	uint32_t to = current;

	if (r->pool->prefer_primary)
		to = usable_from(r, 0, now);
	else if (!usable(r, current, now))
		to = usable_from(r, current + 1, now);
	if (to == ROTOR_NONE || to == current)
		return current;
	if (own_call)
		return to;
	rotor_move(r->rotor, current, to);
	return rotor_current(r->rotor);
}

static uint32_t
by_current(struct rotator *r, struct rotator_try *t, uint64_t now)
{
	uint32_t current = settle_current(r, t->own_call, now);

	for (uint32_t k = 0; k < r->pool->n; k++) {
		uint32_t i = (current + k) % r->pool->n;

		if (eligible(r, t, i, now))
			return i;
	}
	return ROTOR_NONE;
}

/* Fewest in flight per weight, then fewest uses, then the first. */
static uint32_t
by_load(const struct rotator *r, const struct rotator_try *t, uint64_t now)
{
	uint32_t best = ROTOR_NONE;
	struct rotor_token least = { 0 }, token;

	for (uint32_t i = 0; i < r->pool->n; i++) {
		uint64_t mine, its;

		if (!eligible(r, t, i, now))
			continue;
		rotor_look(r->rotor, i, &token);
		if (best != ROTOR_NONE) {
			mine = (uint64_t)token.in_flight *
				r->pool->v[best].weight;
			its = (uint64_t)least.in_flight *
				r->pool->v[i].weight;
			if (mine > its ||
			    (mine == its && token.uses >= least.uses))
				continue;
		}
		best = i;
		least = token;
	}
	return best;
}

/* xorshift64*; seeded from the kernel. */
static uint64_t
throw_dice(struct rotator *r)
{
	uint64_t x = r->dice;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	r->dice = x;
	return (x * UINT64_C(0x2545F4914F6CDD1D)) >> 32;
}

static uint32_t
by_chance(struct rotator *r, const struct rotator_try *t, uint64_t now)
{
	uint64_t sum = 0, at;
	uint32_t last = ROTOR_NONE;

	for (uint32_t i = 0; i < r->pool->n; i++)
		if (eligible(r, t, i, now))
			sum += r->pool->v[i].weight;
	if (sum == 0)
		return ROTOR_NONE;
	at = throw_dice(r) % sum;
	for (uint32_t i = 0; i < r->pool->n; i++) {
		if (!eligible(r, t, i, now))
			continue;
		last = i;
		if (at < r->pool->v[i].weight)
			return i;
		at -= r->pool->v[i].weight;
	}
	return last;			/* somebody began to cool meanwhile */
}

/* Rendezvous: each token has a score for the caller, the highest usable one
 * wins.  A token that comes or goes moves only its own callers. */
static uint32_t
by_principal(const struct rotator *r, const struct rotator_try *t,
	const uint8_t principal[16], uint64_t now)
{
	struct str who = { (const char *)principal, 16 };
	uint32_t best = ROTOR_NONE;
	uint64_t highest = 0;

	for (uint32_t i = 0; i < r->pool->n; i++) {
		uint64_t score;

		if (!eligible(r, t, i, now))
			continue;
		score = digest_sip(r->plan.digests[i], who);
		if (best == ROTOR_NONE || score > highest) {
			best = i;
			highest = score;
		}
	}
	return best;
}

uint32_t
choose_token(struct rotator *r, struct rotator_try *t,
	const struct rotator_ask *ask)
{
	uint64_t now = ask->now_boot_ms;

	if (r->pool->sticky == STICKY_PRINCIPAL && ask->principal != NULL)
		return by_principal(r, t, ask->principal, now);
	switch (r->pool->mode) {
	case ROTATION_ON_FIRST_FAILED:
		return by_current(r, t, now);
	case ROTATION_LEAST_USED:
		return by_load(r, t, now);
	case ROTATION_RANDOM:
		return by_chance(r, t, now);
	case ROTATION_NONE:
	case ROTATION_ROUND_ROBIN:
		break;
	}
	return by_turn(r, t, now);
}

uint32_t
choose_last_resort(const struct rotator *r)
{
	uint32_t best = ROTOR_NONE;
	uint64_t soonest = 0;

	for (uint32_t i = 0; i < r->pool->n; i++) {
		struct rotor_token token;

		rotor_look(r->rotor, i, &token);
		if (r->pool->v[i].disabled || token.disabled)
			continue;
		if (best == ROTOR_NONE || token.cooling_until_ms < soonest) {
			best = i;
			soonest = token.cooling_until_ms;
		}
	}
	return best;
}

/* ---- the smooth weighted order ------------------------------------------------------ */

static uint32_t
weight_of(const struct rotator *r, uint32_t i)
{
	return r->pool->v[i].disabled ? 0 : r->pool->v[i].weight;
}

static uint32_t
common_divisor(const struct rotator *r)
{
	uint32_t d = 0;

	for (uint32_t i = 0; i < r->pool->n; i++) {
		uint32_t w = weight_of(r, i);

		while (w != 0) {
			uint32_t rest = d % w;

			d = w;
			w = rest;
		}
	}
	return d == 0 ? 1 : d;
}

/* Everybody gains his weight; the richest goes, and pays for all. */
static uint32_t
richest(const struct rotator *r, int64_t *purse, uint32_t divisor)
{
	uint32_t best = 0;
	int64_t all = 0;

	for (uint32_t i = 0; i < r->pool->n; i++) {
		uint32_t w = weight_of(r, i) / divisor;

		purse[i] += w;
		all += w;
		if (w > 0 && (purse[i] > purse[best] ||
		    weight_of(r, best) == 0))
			best = i;
	}
	purse[best] -= all;
	return best;
}

void
choose_prepare(struct rotator *r, struct arena *a)
{
	uint32_t divisor = common_divisor(r);
	int64_t *purse = ARENA_ARRAY(a, int64_t, r->pool->n);

	for (uint32_t i = 0; i < r->pool->n; i++)
		r->n_order += weight_of(r, i) / divisor;
	r->order = ARENA_ARRAY(a, uint8_t, r->n_order);
	for (uint32_t k = 0; k < r->n_order; k++)
		r->order[k] = (uint8_t)richest(r, purse, divisor);
	digest_random(&r->dice, sizeof(r->dice));
	r->dice |= 1;			/* 0 would stay 0 */
}
