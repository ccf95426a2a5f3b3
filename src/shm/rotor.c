/* SPDX-License-Identifier: MIT */
/*
 * rotor -- whose turn it is, and the condition of each token
 *
 * A token's whole condition is one word, changed by compare-and-swap:
 *
 *	63      24 23      16 15        6 5    1 0
 *	cooling    failures   last status        disabled
 *	until, ms  in a row
 *
 * The name of a cell is compared again at each use (see cells.c).
 */
#include "config.h"
#include "shm/rotor.h"

#include "base/clock.h"
#include "shm/cells.h"

#define STAMP_EVERY_S 60u
#define MAX_UNTIL ((UINT64_C(1) << 40) - 1)
#define MAX_FAILURES 255u
#define MAX_STATUS 1023u
#define DISABLED UINT64_C(1)

/* ---- whose turn --------------------------------------------------------------------- */

uint64_t
rotor_next(struct rotor *r)
{
	return atomic_fetch_add_explicit(&r->pool->next, 1,
		memory_order_relaxed);
}

uint64_t
rotor_peek(const struct rotor *r)
{
	return atomic_load_explicit(&r->pool->next, memory_order_relaxed);
}

void
rotor_rewind(struct rotor *r)
{
	atomic_store(&r->pool->next, 0);
	atomic_store(&r->pool->current, 0);
}

static uint32_t
index_of(const struct rotor *r, uint64_t name)
{
	if (r->hint < r->n && r->v[r->hint].name == name)
		return r->hint;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i].name == name)
			return i;
	return 0;			/* the first one counts instead */
}

uint32_t
rotor_current(const struct rotor *r)
{
	uint64_t name = atomic_load_explicit(&r->pool->current,
		memory_order_relaxed);

	return name == 0 ? 0 : index_of(r, name);
}

bool
rotor_move(struct rotor *r, uint32_t from, uint32_t to)
{
	uint64_t name = atomic_load(&r->pool->current);

	if (to >= r->n || (name == 0 ? 0 : index_of(r, name)) != from)
		return false;
	r->hint = to;
	return atomic_compare_exchange_strong(&r->pool->current, &name,
		r->v[to].name);
}

/* ---- one token ------------------------------------------------------------------------ */

static struct shm_cell *
cell(const struct rotor *r, uint32_t i)
{
	struct shm_cell *c = r->v[i].cell;

	return atomic_load_explicit(&c->name[0], memory_order_relaxed) ==
		r->v[i].name ? c : r->spare;
}

static uint64_t
until_of(uint64_t state)
{
	return state >> 24;
}

static uint32_t
failures_of(uint64_t state)
{
	return (uint32_t)(state >> 16) & MAX_FAILURES;
}

static uint32_t
status_of(uint64_t state)
{
	return (uint32_t)(state >> 6) & MAX_STATUS;
}

static uint64_t
pack(uint64_t until, uint32_t failures, uint32_t status, uint64_t disabled)
{
	if (until > MAX_UNTIL)
		until = MAX_UNTIL;
	if (failures > MAX_FAILURES)
		failures = MAX_FAILURES;
	return until << 24 | (uint64_t)failures << 16 |
		(uint64_t)(status & MAX_STATUS) << 6 | (disabled & DISABLED);
}

static uint64_t
state_of(const struct rotor *r, uint32_t i)
{
	return atomic_load_explicit(&cell(r, i)->state, memory_order_relaxed);
}

void
rotor_look(const struct rotor *r, uint32_t i, struct rotor_token *t_r)
{
	uint64_t state = state_of(r, i);
	uint64_t flight = atomic_load_explicit(&cell(r, i)->flight,
		memory_order_relaxed);
	int32_t in_flight = (int32_t)(uint32_t)flight;
	uint32_t deaths = atomic_load_explicit(r->deaths,
		memory_order_relaxed);

	if (in_flight < 0 || (uint32_t)(flight >> 32) != deaths)
		in_flight = 0;
	t_r->cooling_until_ms = until_of(state);
	t_r->failures = failures_of(state);
	t_r->last_status = status_of(state);
	t_r->uses = atomic_load_explicit(&cell(r, i)->uses,
		memory_order_relaxed);
	t_r->in_flight = (uint32_t)in_flight;
	t_r->disabled = (state & DISABLED) != 0;
}

bool
rotor_cooling(const struct rotor *r, uint32_t i, uint64_t now_boot_ms)
{
	return until_of(state_of(r, i)) > now_boot_ms;
}

/* first, doubled with every further failure, at most max. */
static uint64_t
wait_for(uint32_t failures, int64_t first, int64_t max)
{
	int64_t wait = first < 0 ? 0 : first;

	for (uint32_t k = 1; k < failures && wait < max; k++)
		wait = wait > INT64_MAX / 2 ? INT64_MAX : wait * 2;
	return (uint64_t)(wait > max && max >= 0 ? max : wait);
}

uint32_t
rotor_failed(struct rotor *r, uint32_t i, uint32_t status,
	uint64_t now_boot_ms, int64_t cooldown_ms, int64_t cooldown_max_ms)
{
	struct shm_cell *c = cell(r, i);
	uint64_t state = atomic_load(&c->state);
	uint64_t failed, until;
	uint32_t k;

	do {
		k = failures_of(state);
		if (until_of(state) > now_boot_ms && k > 0)
			return k;	/* somebody has said so already */
		k = k < MAX_FAILURES ? k + 1 : k;
		until = now_boot_ms + wait_for(k, cooldown_ms,
			cooldown_max_ms);
		if (until < until_of(state))
			until = until_of(state);
		failed = pack(until, k, status, state);
	} while (!atomic_compare_exchange_weak(&c->state, &state, failed));
	return k;
}

void
rotor_cool(struct rotor *r, uint32_t i, uint32_t status,
	uint64_t until_boot_ms)
{
	struct shm_cell *c = cell(r, i);
	uint64_t state = atomic_load(&c->state);
	uint64_t until, cooled;

	do {
		until = until_of(state) > until_boot_ms ? until_of(state) :
			until_boot_ms;
		cooled = pack(until, failures_of(state), status, state);
	} while (!atomic_compare_exchange_weak(&c->state, &state, cooled));
}

bool
rotor_succeeded(struct rotor *r, uint32_t i, uint32_t status)
{
	struct shm_cell *c = cell(r, i);
	uint64_t state = atomic_load_explicit(&c->state,
		memory_order_relaxed);
	uint64_t well;

	do {
		well = pack(0, 0, status, state);
		if (well == state)	/* nearly always: nothing to write */
			return false;
	} while (!atomic_compare_exchange_weak(&c->state, &state, well));
	return failures_of(state) > 0 || until_of(state) > 0;
}

/* The count of a cell stands for one number of deaths; at the first change
 * after another death it begins anew, and each brings all he has in flight. */
static void
count_flight(const struct rotor *r, struct place *p, struct shm_cell *c,
	int32_t delta)
{
	uint64_t word = atomic_load_explicit(&c->flight, memory_order_relaxed);
	uint64_t counted;
	uint32_t deaths, base;
	int32_t mine;

	do {
		deaths = atomic_load_explicit(r->deaths, memory_order_relaxed);
		base = (uint32_t)word;
		if ((uint32_t)(word >> 32) < deaths)
			base = 0;
		else
			deaths = (uint32_t)(word >> 32);
		mine = p->deaths == deaths ? delta : p->mine + delta;
		counted = (uint64_t)deaths << 32 | (base + (uint32_t)mine);
	} while (!atomic_compare_exchange_weak_explicit(&c->flight, &word,
		counted, memory_order_relaxed, memory_order_relaxed));
	p->mine += delta;
	p->deaths = deaths;
}

/* Cheap as long as the stamp is young. */
static void
stamp(_Atomic uint64_t *used_boot_s)
{
	uint64_t now = clock_boot_ms() / 1000;

	if (atomic_load_explicit(used_boot_s, memory_order_relaxed) +
	    STAMP_EVERY_S < now)
		atomic_store_explicit(used_boot_s, now, memory_order_relaxed);
}

void
rotor_used(struct rotor *r, uint32_t i, int in_flight_delta)
{
	count_flight(r, &r->v[i], cell(r, i), in_flight_delta);
	if (in_flight_delta > 0)
		rotor_drawn(r, i);
}

void
rotor_drawn(struct rotor *r, uint32_t i)
{
	struct shm_cell *c = cell(r, i);

	atomic_fetch_add_explicit(&c->uses, 1, memory_order_relaxed);
	stamp(&c->used_boot_s);
	stamp(&r->pool->used_boot_s);
}

void
rotor_clear(struct rotor *r, uint32_t i)
{
	atomic_fetch_and(&cell(r, i)->state, DISABLED);
}

void
rotor_disable(struct rotor *r, uint32_t i, bool disabled)
{
	if (disabled)
		atomic_fetch_or(&cell(r, i)->state, DISABLED);
	else
		atomic_fetch_and(&cell(r, i)->state, ~DISABLED);
}

/* ---- the whole pool ------------------------------------------------------------------- */

/* 0 stands for "not withdrawn". */
static uint64_t
mark_of(uint64_t fingerprint)
{
	return fingerprint == 0 ? 1 : fingerprint;
}

void
rotor_withdraw(struct rotor *r, uint64_t fingerprint)
{
	atomic_store(&r->pool->withdrawn, mark_of(fingerprint));
}

bool
rotor_withdrawn(const struct rotor *r, uint64_t fingerprint)
{
	return atomic_load_explicit(&r->pool->withdrawn,
		memory_order_acquire) == mark_of(fingerprint);
}
