/* SPDX-License-Identifier: MIT */
/*
 * sessions -- rows of sixty-four slots; a caller's of one server lie in a few
 *
 * A slot is alive while its `ends` lies ahead and `turn` is odd.  Ending
 * makes `turn` even, beginning makes it odd again: an id names the turn it
 * was made in.
 */
#include "config.h"
#include "shm/sessions.h"

#include <sched.h>
#include <string.h>

#include "base/digest.h"
#include "shm/layout.h"

#define HALF (SHM_SESSION_ROWS / 2)
#define TRIES 100		/* a tenth of a millisecond at most */

static uint32_t
row_of(const struct segment *s, const struct sessions_plan *p, uint32_t k)
{
	uint8_t whose[sizeof(p->caller) + sizeof(p->route)];
	uint64_t h;

	if (!p->known) {
		digest_random(&h, sizeof(h));
		return HALF + (uint32_t)(h % HALF);
	}
	memcpy(whose, p->caller, sizeof(p->caller));
	memcpy(whose + sizeof(p->caller), &p->route, sizeof(p->route));
	h = digest_sip(segment_key(s), (struct str){
		(const char *)whose, sizeof(whose) });
	return (uint32_t)((h + k) % HALF);
}

static bool
is_alive(const struct shm_session *v, uint64_t now)
{
	return (atomic_load_explicit(&v->turn, memory_order_acquire) & 1) != 0
		&& atomic_load(&v->ends_ms) > now &&
		atomic_load(&v->used_ms) + atomic_load(&v->idle_ms) > now;
}

static bool
is_callers(const struct shm_session *v, const struct sessions_plan *p)
{
	uint64_t want[2];

	memcpy(want, p->caller, sizeof(want));
	return atomic_load(&v->route) == p->route &&
		atomic_load(&v->caller[0]) == want[0] &&
		atomic_load(&v->caller[1]) == want[1];
}

/* ---- beginning ------------------------------------------------------------- */
/* What the rows of a caller hold; his own are those at this server. */
struct survey {
	struct shm_session *free, *oldest, *own_oldest;
	uint32_t own;
};

static struct shm_session *
older(struct shm_session *a, struct shm_session *b)
{
	return a == NULL || atomic_load(&b->used_ms) <
		atomic_load(&a->used_ms) ? b : a;
}

static void
look_at(struct survey *w, struct shm_session *v, const struct sessions_plan *p,
	uint64_t now)
{
	if (!is_alive(v, now)) {
		if (w->free == NULL)
			w->free = v;
		return;
	}
	w->oldest = older(w->oldest, v);
	if (p->known && is_callers(v, p)) {
		w->own++;
		w->own_oldest = older(w->own_oldest, v);
	}
}

/* As many rows as the caller's sessions may need, one more for others. */
static struct survey
survey(const struct segment *s, const struct sessions_plan *p, uint64_t now)
{
	uint32_t rows = p->known ? p->most / SHM_SESSIONS + 2 : 1;
	struct survey w = { NULL, NULL, NULL, 0 };

	for (uint32_t k = 0; k < rows && k < HALF; k++) {
		struct shm_session *row =
			s->file->sessions[row_of(s, p, k)];

		for (uint32_t i = 0; i < SHM_SESSIONS; i++)
			look_at(&w, &row[i], p, now);
	}
	return w;
}

/* That very turn: the slot may belong to somebody else by now. */
static void
close_turn(struct shm_session *v, uint32_t turn)
{
	if ((turn & 1) != 0)
		atomic_compare_exchange_strong(&v->turn, &turn, turn + 1);
}

static struct session_place
fill(struct segment *s, struct shm_session *v, const struct sessions_plan *p,
	uint64_t now)
{
	uint64_t caller[2];
	uint32_t turn;

	close_turn(v, atomic_load(&v->turn));
	memcpy(caller, p->caller, sizeof(caller));
	atomic_store(&v->caller[0], caller[0]);
	atomic_store(&v->caller[1], caller[1]);
	atomic_store(&v->route, p->route);
	atomic_store(&v->known, p->known);
	atomic_store(&v->began_ms, now);
	atomic_store(&v->used_ms, now);
	atomic_store(&v->idle_ms, p->idle_ms);
	atomic_store(&v->ends_ms, now + p->life_ms);
	turn = atomic_load(&v->turn) + 1;
	atomic_store_explicit(&v->turn, turn, memory_order_release);
	return (struct session_place){
		(uint32_t)(v - &s->file->sessions[0][0]), turn };
}

/* The lock is held for a few microseconds: somebody has it, try again. */
static bool
lock_soon(struct shm_file *f)
{
	for (int i = 0; i < TRIES; i++) {
		if (shm_try(f))
			return true;
		(void)sched_yield();
	}
	return false;
}

struct session_place
sessions_begin(struct segment *s, const struct sessions_plan *p, uint64_t now)
{
	struct session_place at = { SESSIONS_NONE, 0 };
	struct survey w;

	if (s == NULL || s->read_only || !lock_soon(s->file))
		return at;
	w = survey(s, p, now);
	if (p->known && w.own >= p->most)
		at = fill(s, w.own_oldest, p, now);
	else if (w.free != NULL)
		at = fill(s, w.free, p, now);
	else if (w.oldest != NULL)
		at = fill(s, w.oldest, p, now);
	shm_unlock(s->file);
	return at;
}

/* ---- using, ending ----------------------------------------------------------- */
static struct shm_session *
slot_at(const struct segment *s, struct session_place at)
{
	if (s == NULL || at.slot >= SHM_SESSION_ROWS * SHM_SESSIONS)
		return NULL;
	return &s->file->sessions[0][0] + at.slot;
}

bool
sessions_use(struct segment *s, struct session_place at, uint64_t idle_ms,
	uint64_t now)
{
	struct shm_session *v = slot_at(s, at);

	if (v == NULL)
		return at.slot == SESSIONS_NONE;
	if (atomic_load_explicit(&v->turn, memory_order_acquire) != at.turn ||
	    (at.turn & 1) == 0 || atomic_load(&v->ends_ms) <= now ||
	    atomic_load(&v->used_ms) + idle_ms <= now)
		return false;
	if (!s->read_only && atomic_load(&v->used_ms) < now)
		atomic_store(&v->used_ms, now);
	return true;
}

void
sessions_end(struct segment *s, struct session_place at)
{
	struct shm_session *v = slot_at(s, at);

	if (v != NULL && !s->read_only)
		close_turn(v, at.turn);
}

/* ---- looking ----------------------------------------------------------------- */
static void
view(const struct segment *s, const struct shm_session *v, uint64_t now,
	struct session_view *w_r)
{
	uint64_t caller[2] = { atomic_load(&v->caller[0]),
		atomic_load(&v->caller[1]) };
	uint64_t used = atomic_load(&v->used_ms);
	uint64_t began = atomic_load(&v->began_ms);

	w_r->at.slot = (uint32_t)(v - &s->file->sessions[0][0]);
	w_r->at.turn = atomic_load(&v->turn);
	w_r->route = atomic_load(&v->route);
	memcpy(w_r->caller, caller, sizeof(caller));
	w_r->known = atomic_load(&v->known) != 0;
	w_r->age_ms = began < now ? now - began : 0;
	w_r->idle_ms = used < now ? now - used : 0;
}

void
sessions_each(const struct segment *s, uint64_t now,
	void (*fn)(void *who, const struct session_view *v), void *who)
{
	const struct shm_session *v = &s->file->sessions[0][0];
	struct session_view w;

	for (uint32_t i = 0; i < SHM_SESSION_ROWS * SHM_SESSIONS; i++) {
		if (!is_alive(&v[i], now))
			continue;
		view(s, &v[i], now, &w);
		fn(who, &w);
	}
}

/* Who is known lies in the first half, who is not in the other. */
bool
sessions_valid(const struct segment *s, const char **why_r)
{
	const struct shm_session *v = &s->file->sessions[0][0];

	for (uint32_t i = 0; i < SHM_SESSION_ROWS * SHM_SESSIONS; i++) {
		uint32_t turn = atomic_load(&v[i].turn);
		uint32_t known = atomic_load(&v[i].known);

		if ((turn & 1) == 0 || known == (i < HALF * SHM_SESSIONS) ||
		    atomic_load(&v[i].turn) != turn)
			continue;
		*why_r = "sessions: one in the wrong half";
		return false;
	}
	return true;
}
