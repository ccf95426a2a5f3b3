/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "shm/loads.h"

#include "base/arena.h"
#include "shm/layout.h"

struct loads {
	struct shm_load *row;
	uint32_t turn;			/* counts generations */
	uint32_t asked[LOADS];		/* the last turn that asked for it */
};

struct loads *
loads_open(struct segment *s, const struct worker_slot *w, struct arena *a)
{
	struct loads *l;

	if (s == NULL || w == NULL || s->read_only)
		return NULL;
	l = ARENA_NEW(a, struct loads);
	l->row = s->file->loads[worker_number(w)];
	return l;
}

void
loads_begin(struct loads *l)
{
	if (l != NULL)
		l->turn++;
}

/* Nothing is under way there, and no server of this turn has it. */
static bool
is_free(const struct loads *l, uint32_t i)
{
	const struct shm_load *p = &l->row[i];

	return l->asked[i] != l->turn && atomic_load(&p->calls) == 0 &&
		atomic_load(&p->streams) == 0;
}

static struct shm_load *
take(struct loads *l, uint32_t i, uint64_t server)
{
	l->asked[i] = l->turn;
	atomic_store(&l->row[i].server, server);
	return &l->row[i];
}

/* Its own place first: what is under way there goes on being counted. */
struct shm_load *
loads_place(struct loads *l, uint64_t server)
{
	uint32_t i, found = LOADS;

	for (i = 0; l != NULL && i < LOADS; i++) {
		if (atomic_load(&l->row[i].server) == server)
			return take(l, i, server);
		if (found == LOADS && is_free(l, i))
			found = i;
	}
	return found == LOADS || l == NULL ? NULL : take(l, found, server);
}

/* Nobody else writes it: no exchange is needed. */
static void
add(_Atomic uint32_t *word, int delta)
{
	uint32_t n = atomic_load_explicit(word, memory_order_relaxed);

	if (delta != 0)
		atomic_store_explicit(word, n + (uint32_t)delta,
			memory_order_relaxed);
}

void
loads_count(struct shm_load *p, int calls, int streams)
{
	if (p == NULL)
		return;
	add(&p->calls, calls);
	add(&p->streams, streams);
}

static void
look(const struct shm_load *row,
	void (*fn)(void *who, const struct load *l), void *who)
{
	for (uint32_t i = 0; i < LOADS; i++) {
		struct load l = {
			.server = atomic_load(&row[i].server),
			.calls = atomic_load(&row[i].calls),
			.streams = atomic_load(&row[i].streams),
		};

		if (l.server != 0 && (l.calls != 0 || l.streams != 0))
			fn(who, &l);
	}
}

void
loads_each(const struct segment *s,
	void (*fn)(void *who, const struct load *l), void *who)
{
	for (uint32_t i = 0; s != NULL && i < MAX_WORKERS; i++)
		if (worker_lives(s, i))
			look(s->file->loads[i], fn, who);
}

/* From the back: a row stays filled from its front if we die here. */
void
loads_forget(struct segment *s, uint32_t worker)
{
	struct shm_load *row = s->file->loads[worker];
	uint32_t n = 0;

	while (n < LOADS && atomic_load(&row[n].server) != 0)
		n++;
	while (n > 0) {
		n--;
		atomic_store(&row[n].calls, 0);
		atomic_store(&row[n].streams, 0);
		atomic_store(&row[n].server, 0);
	}
}

/* Is what stands at i still the same?  Rows of the living change. */
static bool
is_still(const struct shm_load *row, uint32_t i, uint64_t server)
{
	return atomic_load(&row[i].server) == server;
}

static bool
stands_twice(const struct shm_load *row, uint32_t at)
{
	uint64_t server = atomic_load(&row[at].server);

	for (uint32_t i = 0; server != 0 && i < at; i++)
		if (is_still(row, i, server) && is_still(row, at, server) &&
		    is_still(row, i, server))
			return true;
	return false;
}

/* Filled from its front, no server twice, nothing where no server is. */
static const char *
row_fault(const struct shm_load *row)
{
	uint32_t free = LOADS;

	for (uint32_t i = 0; i < LOADS; i++) {
		uint64_t server = atomic_load(&row[i].server);
		bool busy = (atomic_load(&row[i].calls) |
			atomic_load(&row[i].streams)) != 0;

		if (server == 0 && busy && is_still(row, i, 0))
			return "loads: something of no server";
		if (server != 0 && free < LOADS && is_still(row, free, 0))
			return "loads: a hole in a row";
		if (server == 0 && free == LOADS)
			free = i;
		if (stands_twice(row, i))
			return "loads: a server twice in a row";
	}
	return NULL;
}

bool
loads_valid(const struct segment *s, const char **why_r)
{
	const char *why = NULL;

	for (uint32_t i = 0; i < MAX_WORKERS && why == NULL; i++)
		why = row_fault(s->file->loads[i]);
	if (why != NULL)
		*why_r = why;
	return why == NULL;
}
