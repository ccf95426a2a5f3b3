/* SPDX-License-Identifier: MIT */
/*
 * worker -- who serves right now, and what each of them carries
 *
 * A slot belongs to the process whose pid and start time stand in it, in one
 * word: taken and given back by one exchange, and a pid used again by another
 * process is not mistaken for its first bearer.
 */
#include "config.h"
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "shm/layout.h"
#include "shm/loads.h"
#include "shm/streams.h"

struct worker_slot {
	struct shm_worker *place;
	uint32_t number;
};

/* ---- processes ------------------------------------------------------------- */

/* Start time in ticks, its low half; 0: no such process, or a dead one that
 * nobody waited for, or no /proc. */
static uint32_t
started_ticks(pid_t pid)
{
	char path[40], text[1024];
	const char *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	p = strrchr(text, ')');		/* the name may hold anything */
	if (p != NULL && strncmp(p, ") Z", 3) == 0)
		return 0;
	for (int field = 2; p != NULL && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p == NULL ? 0 : (uint32_t)strtoull(p + 1, NULL, 10);
}

static uint64_t
owner_of(pid_t pid)
{
	return (uint64_t)(uint32_t)pid << 32 | started_ticks(pid);
}

static pid_t
owner_pid(uint64_t owner)
{
	return (pid_t)(owner >> 32);
}

static bool
owner_lives(uint64_t owner)
{
	pid_t pid = owner_pid(owner);

	if (pid <= 0 || (kill(pid, 0) != 0 && errno == ESRCH))
		return false;
	return started_ticks(pid) == (uint32_t)owner;
}

void
segment_starting(struct segment *s, pid_t pid)
{
	if (s != NULL && !s->read_only)
		atomic_store(&s->file->head.starting,
			pid > 0 ? owner_of(pid) : 0);
}

bool
segment_starts(const struct segment *s)
{
	uint64_t owner = atomic_load(&s->file->head.starting);

	return owner != 0 && owner_lives(owner);
}

/* ---- the own slot ------------------------------------------------------------ */

static void
reset(struct shm_worker *p)
{
	atomic_store(&p->generation, 0);
	atomic_store(&p->in_flight, 0);
	atomic_store(&p->streams, 0);
	atomic_store(&p->connections, 0);
	atomic_store(&p->requests, 0);
	atomic_store(&p->longest_us, 0);
	atomic_store(&p->beat_boot_ms, clock_boot_ms());
	atomic_store(&p->started_unix_s, (uint64_t)clock_unix_s());
}

/* The requests in flight of the dead are void from now on (rotor.c). */
static void
bury(struct segment *s)
{
	for (uint32_t i = 0; i < MAX_WORKERS; i++) {
		_Atomic uint64_t *place = &s->file->workers[i].owner;
		uint64_t owner = atomic_load(place);

		if (owner != 0 && !owner_lives(owner) &&
		    atomic_compare_exchange_strong(place, &owner, 0))
			atomic_fetch_add(&s->file->head.deaths, 1);
	}
}

static bool
take(struct shm_worker *p, uint64_t me)
{
	uint64_t nobody = 0;

	if (!atomic_compare_exchange_strong(&p->owner, &nobody, me))
		return false;
	reset(p);
	return true;
}

struct worker_slot *
worker_claim(struct segment *s)
{
	uint64_t me = owner_of(getpid());
	struct worker_slot *w;

	if (s == NULL || s->read_only)
		return NULL;
	bury(s);
	for (uint32_t i = 0; i < MAX_WORKERS; i++) {
		if (!take(&s->file->workers[i], me))
			continue;
		w = ARENA_NEW(s->arena, struct worker_slot);
		w->place = &s->file->workers[i];
		streams_forget(s, i);
		loads_forget(s, i);
		w->number = i;
		return w;
	}
	return NULL;
}

void
worker_leave(struct worker_slot *w)
{
	if (w == NULL)
		return;
	reset(w->place);
	atomic_store(&w->place->owner, 0);
}

void
worker_beat(struct worker_slot *w, uint32_t generation, uint64_t longest_us)
{
	atomic_store_explicit(&w->place->generation, generation,
		memory_order_relaxed);
	atomic_store_explicit(&w->place->longest_us, longest_us,
		memory_order_relaxed);
	atomic_store_explicit(&w->place->beat_boot_ms, clock_boot_ms(),
		memory_order_relaxed);
}

static void
add(_Atomic int32_t *word, int delta)
{
	if (delta != 0)
		atomic_fetch_add_explicit(word, delta, memory_order_relaxed);
}

void
worker_count(struct worker_slot *w, int in_flight, int streams,
	int connections, int requests)
{
	add(&w->place->in_flight, in_flight);
	add(&w->place->streams, streams);
	add(&w->place->connections, connections);
	if (requests > 0)
		atomic_fetch_add_explicit(&w->place->requests,
			(uint64_t)requests, memory_order_relaxed);
}

void
worker_violation(struct segment *s, uint32_t number, uint64_t unix_s)
{
	if (s != NULL && !s->read_only && number < MAX_WORKERS)
		atomic_store_explicit(
			&s->file->workers[number].violation_unix_s, unix_s,
			memory_order_relaxed);
}

uint64_t
worker_last_violation(const struct segment *s)
{
	uint64_t last = 0;

	for (uint32_t i = 0; s != NULL && i < MAX_WORKERS; i++) {
		uint64_t at = atomic_load_explicit(
			&s->file->workers[i].violation_unix_s,
			memory_order_relaxed);

		if (at > last)
			last = at;
	}
	return last;
}

uint32_t
worker_number(const struct worker_slot *w)
{
	return w->number;
}

bool
worker_lives(const struct segment *s, uint32_t number)
{
	if (number >= MAX_WORKERS)
		return false;
	return owner_lives(atomic_load(&s->file->workers[number].owner));
}

/* ---- all of them ---------------------------------------------------------------- */

static uint32_t
not_below_zero(int32_t n)
{
	return n < 0 ? 0 : (uint32_t)n;
}

static void
look(const struct shm_worker *p, uint64_t owner, struct worker_view *v_r)
{
	v_r->pid = (int32_t)owner_pid(owner);
	v_r->alive = owner_lives(owner);
	v_r->generation = atomic_load(&p->generation);
	v_r->in_flight = not_below_zero(atomic_load(&p->in_flight));
	v_r->streams = not_below_zero(atomic_load(&p->streams));
	v_r->connections = not_below_zero(atomic_load(&p->connections));
	v_r->started_unix_s = atomic_load(&p->started_unix_s);
	v_r->requests = atomic_load(&p->requests);
	v_r->longest_us = atomic_load(&p->longest_us);
	v_r->beat_boot_ms = atomic_load(&p->beat_boot_ms);
}

uint32_t
worker_list(const struct segment *s, struct worker_view *v_r, uint32_t room)
{
	uint32_t n = 0;

	for (uint32_t i = 0; s != NULL && i < MAX_WORKERS && n < room; i++) {
		const struct shm_worker *p = &s->file->workers[i];
		uint64_t owner = atomic_load(&p->owner);

		if (owner != 0)
			look(p, owner, &v_r[n++]);
	}
	return n;
}

/* A word that names no process is a slot nobody could ever take back. */
bool
workers_valid(const struct segment *s, const char **why_r)
{
	for (uint32_t i = 0; i < MAX_WORKERS; i++) {
		uint64_t owner = atomic_load(&s->file->workers[i].owner);

		if (owner != 0 && owner_pid(owner) <= 0) {
			*why_r = "workers: an owner without a process";
			return false;
		}
	}
	return true;
}
