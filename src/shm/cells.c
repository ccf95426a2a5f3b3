/* SPDX-License-Identifier: MIT */
/*
 * cells -- the tables of pools and tokens, and binding a pool to its cells
 *
 * Cells are found by name, a keyed digest.  When a table is full, a cell that
 * nobody used for a day is given to another token; who still holds it sees
 * the other name and takes the spare cell of his own process.
 */
#include "config.h"
#include "shm/cells.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"

#define IDLE_S (24u * 3600)	/* a cell unused for so long may be taken */

/* ---- names --------------------------------------------------------------------- */

static void
keyed(const struct segment *s, struct str text, uint8_t digest_r[ROTOR_DIGEST])
{
	static const uint8_t none[16];
	struct str key = {
		(const char *)(s != NULL ? segment_key(s) : none), 16
	};
	uint8_t digest[SHA256_SIZE];

	digest_hmac(key, text, digest);
	memcpy(digest_r, digest, ROTOR_DIGEST);
}

void
rotor_digest(const struct segment *s, struct str token,
	uint8_t digest_r[ROTOR_DIGEST])
{
	keyed(s, token, digest_r);
}

static void
name_pool(const struct segment *s, struct str server, uint64_t name_r[2])
{
	uint8_t digest[ROTOR_DIGEST];

	keyed(s, server, digest);
	memcpy(name_r, digest, sizeof(digest));
	if (name_r[0] == 0)
		name_r[0] = 1;
}

/* Of the token at index i: the pool, the token, which of its equals it is. */
static void
name_cell(const struct segment *s, const struct rotor_plan *plan, uint32_t i,
	const uint64_t pool[2], uint64_t name_r[2])
{
	struct {
		uint64_t pool[2];
		uint8_t token[ROTOR_DIGEST];
		uint64_t before;
	} text = { { pool[0], pool[1] }, { 0 }, 0 };
	uint8_t digest[ROTOR_DIGEST];

	memcpy(text.token, plan->digests[i], ROTOR_DIGEST);
	for (uint32_t k = 0; k < i; k++)
		if (memcmp(plan->digests[k], text.token, ROTOR_DIGEST) == 0)
			text.before++;
	keyed(s, (struct str){ (const char *)&text, sizeof(text) }, digest);
	memcpy(name_r, digest, sizeof(digest));
	if (name_r[0] == 0)
		name_r[0] = 1;
}

static bool
named(_Atomic uint64_t have[2], const uint64_t name[2])
{
	return atomic_load(&have[0]) == name[0] &&
		atomic_load(&have[1]) == name[1];
}

/* ---- the tables: dense from the front, so that few pages are touched ------------- */

static uint32_t
count_within(const _Atomic uint32_t *word, uint32_t max)
{
	uint32_t n = atomic_load(word);

	return n < max ? n : max;
}

static struct shm_pool *
find_pool(struct shm_file *f, const uint64_t name[2])
{
	uint32_t n = count_within(&f->head.n_pools, SHM_POOLS);

	for (uint32_t i = 0; i < n; i++)
		if (named(f->pools[i].name, name))
			return &f->pools[i];
	return NULL;
}

/* from: where to look first; the tokens of a pool mostly lie in a row. */
static struct shm_cell *
find_cell(struct shm_file *f, const uint64_t name[2], uint32_t from)
{
	uint32_t n = count_within(&f->head.n_cells, SHM_CELLS);

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (from + k) % n;

		if (named(f->cells[i].name, name))
			return &f->cells[i];
	}
	return NULL;
}

static bool
idle(uint64_t used_boot_s)
{
	return used_boot_s + IDLE_S < clock_boot_ms() / 1000;
}

static void
wipe_pool(struct shm_pool *p)
{
	atomic_store(&p->name[0], 0);
	atomic_store(&p->name[1], 0);
	atomic_store(&p->next, 0);
	atomic_store(&p->current, 0);
	atomic_store(&p->withdrawn, 0);
	atomic_store(&p->used_boot_s, clock_boot_ms() / 1000);
}

static void
wipe_cell(struct shm_cell *c)
{
	atomic_store(&c->name[0], 0);
	atomic_store(&c->name[1], 0);
	atomic_store(&c->state, 0);
	atomic_store(&c->uses, 0);
	atomic_store(&c->flight, 0);
	atomic_store(&c->used_boot_s, clock_boot_ms() / 1000);
}

static void
put_name(_Atomic uint64_t have[2], const uint64_t name[2])
{
	atomic_store(&have[1], name[1]);
	atomic_store(&have[0], name[0]);	/* from now on it counts */
}

/* Where a new one may lie: behind the last; else one with no name, which
 * somebody died over; else one nobody used for a day.  The counter moves
 * first, so whoever is killed in between leaves an unnamed place. */
static struct shm_pool *
room_for_pool(struct shm_file *f)
{
	uint32_t n = count_within(&f->head.n_pools, SHM_POOLS);

	if (n < SHM_POOLS) {
		atomic_store(&f->head.n_pools, n + 1);
		return &f->pools[n];
	}
	for (uint32_t i = 0; i < n; i++)
		if (atomic_load(&f->pools[i].name[0]) == 0 ||
		    idle(atomic_load(&f->pools[i].used_boot_s)))
			return &f->pools[i];
	return NULL;
}

static struct shm_cell *
room_for_cell(struct shm_file *f)
{
	uint32_t n = count_within(&f->head.n_cells, SHM_CELLS);

	if (n < SHM_CELLS) {
		atomic_store(&f->head.n_cells, n + 1);
		return &f->cells[n];
	}
	for (uint32_t i = 0; i < n; i++)
		if (atomic_load(&f->cells[i].name[0]) == 0 ||
		    idle(atomic_load(&f->cells[i].used_boot_s)))
			return &f->cells[i];
	return NULL;
}

static struct shm_pool *
pool_locked(struct shm_file *f, const uint64_t name[2])
{
	struct shm_pool *p = find_pool(f, name);

	if (p == NULL) {
		p = room_for_pool(f);
		if (p == NULL)
			return NULL;
		wipe_pool(p);
		put_name(p->name, name);
	}
	atomic_store(&p->used_boot_s, clock_boot_ms() / 1000);
	return p;
}

static struct shm_cell *
cell_locked(struct shm_file *f, const uint64_t name[2], uint32_t from)
{
	struct shm_cell *c = find_cell(f, name, from);

	if (c == NULL) {
		c = room_for_cell(f);
		if (c == NULL)
			return NULL;
		wipe_cell(c);
		put_name(c->name, name);
	}
	atomic_store(&c->used_boot_s, clock_boot_ms() / 1000);
	return c;
}

/* ---- binding ---------------------------------------------------------------------- */

struct rotor *
rotor_alone(const struct rotor_plan *plan, struct arena *a)
{
	struct rotor *r = ARENA_NEW(a, struct rotor);
	struct shm_cell *cells = ARENA_ARRAY(a, struct shm_cell, plan->n + 1);
	uint64_t pool[2], name[2];

	r->n = plan->n;
	r->v = ARENA_ARRAY(a, struct place, plan->n);
	r->pool = ARENA_NEW(a, struct shm_pool);
	r->deaths = ARENA_NEW(a, _Atomic uint32_t);
	r->spare = &cells[plan->n];
	name_pool(NULL, plan->server, pool);
	put_name(r->pool->name, pool);
	for (uint32_t i = 0; i < plan->n; i++) {
		name_cell(NULL, plan, i, pool, name);
		put_name(cells[i].name, name);
		r->v[i].cell = &cells[i];
		r->v[i].name = name[0];
	}
	return r;
}

static bool
bind_locked(struct segment *s, const struct rotor_plan *plan, struct rotor *r)
{
	struct shm_file *f = s->file;
	uint64_t pool[2], name[2];
	uint32_t from = 0;

	name_pool(s, plan->server, pool);
	r->pool = pool_locked(f, pool);
	for (uint32_t i = 0; i < plan->n && r->pool != NULL; i++) {
		struct shm_cell *c;

		name_cell(s, plan, i, pool, name);
		c = cell_locked(f, name, from);
		if (c == NULL)
			return false;
		from = (uint32_t)(c - f->cells) + 1;
		r->v[i].cell = c;
		r->v[i].name = name[0];
	}
	return r->pool != NULL;
}

static void
copy_cell(const struct shm_cell *from, struct shm_cell *to)
{
	atomic_store(&to->state, atomic_load(&from->state));
	atomic_store(&to->uses, atomic_load(&from->uses));
	atomic_store(&to->flight, (uint32_t)atomic_load(&from->flight));
}

/* Names in the copy are those of the segment, for `current`. */
static struct rotor *
copy_of(struct segment *s, const struct rotor_plan *plan, struct arena *a)
{
	struct rotor *r = rotor_alone(plan, a);
	const struct shm_pool *p;
	uint64_t pool[2], name[2];

	name_pool(s, plan->server, pool);
	p = find_pool(s->file, pool);
	for (uint32_t i = 0; i < plan->n; i++) {
		const struct shm_cell *c;

		name_cell(s, plan, i, pool, name);
		put_name(r->v[i].cell->name, name);
		r->v[i].name = name[0];
		c = find_cell(s->file, name, 0);
		if (c != NULL)
			copy_cell(c, r->v[i].cell);
	}
	if (p == NULL)
		return r;
	atomic_store(&r->pool->next, atomic_load(&p->next));
	atomic_store(&r->pool->current, atomic_load(&p->current));
	atomic_store(&r->pool->withdrawn, atomic_load(&p->withdrawn));
	return r;
}

struct rotor *
rotor_bind(struct segment *s, const struct rotor_plan *plan, struct arena *a)
{
	struct rotor *r;
	bool bound;

	if (s->read_only)
		return copy_of(s, plan, a);
	if (plan->n > MAX_POOL_TOKENS)
		return NULL;
	r = ARENA_NEW(a, struct rotor);
	r->n = plan->n;
	r->v = ARENA_ARRAY(a, struct place, plan->n);
	r->spare = ARENA_NEW(a, struct shm_cell);
	r->deaths = &s->file->head.deaths;
	if (!shm_lock(s->file))
		return NULL;
	bound = bind_locked(s, plan, r);
	shm_unlock(s->file);
	return bound ? r : NULL;
}

/* ---- after a death, and for tests --------------------------------------------------------- */

/* A place without a name may hold half of something: empty it. */
void
rotor_repair_locked(struct shm_file *f)
{
	uint32_t pools = count_within(&f->head.n_pools, SHM_POOLS);
	uint32_t cells = count_within(&f->head.n_cells, SHM_CELLS);

	for (uint32_t i = 0; i < pools; i++)
		if (atomic_load(&f->pools[i].name[0]) == 0)
			wipe_pool(&f->pools[i]);
	for (uint32_t i = 0; i < cells; i++)
		if (atomic_load(&f->cells[i].name[0]) == 0)
			wipe_cell(&f->cells[i]);
	atomic_store(&f->head.n_pools, pools);
	atomic_store(&f->head.n_cells, cells);
}

static bool
two_alike(const struct shm_file *f, uint32_t pools, uint32_t cells)
{
	for (uint32_t i = 0; i < pools; i++)
		for (uint32_t k = i + 1; k < pools; k++)
			if (f->pools[i].name[0] != 0 &&
			    f->pools[i].name[0] == f->pools[k].name[0])
				return true;
	for (uint32_t i = 0; i < cells; i++)
		for (uint32_t k = i + 1; k < cells; k++)
			if (f->cells[i].name[0] != 0 &&
			    f->cells[i].name[0] == f->cells[k].name[0])
				return true;
	return false;
}

bool
rotor_valid(const struct segment *s, const char **why_r)
{
	const struct shm_file *f = s->file;
	uint32_t pools = atomic_load(&f->head.n_pools);
	uint32_t cells = atomic_load(&f->head.n_cells);

	if (pools > SHM_POOLS || cells > SHM_CELLS) {
		*why_r = "rotor: more places than there are";
		return false;
	}
	if (two_alike(f, pools, cells)) {
		*why_r = "rotor: two places with one name";
		return false;
	}
	return true;
}
