/* SPDX-License-Identifier: MIT */
/*
 * worker -- slots are taken once, and those of the dead again
 */
#include "config.h"
#include "shm/layout.h"

#include <signal.h>
#include <sys/wait.h>

#include "kit/place.h"
#include "kit/tap.h"

static void
one_slot(struct segment *s)
{
	struct worker_slot *w = worker_claim(s);
	struct worker_view v[2];

	if (!tap_ok(w != NULL, "a slot is free"))
		return;
	IS_INT(worker_number(w), 0);
	worker_count(w, 2, 1, 3, 5);
	worker_count(w, -1, 0, -1, 0);
	worker_beat(w, 9, 1234);
	IS_INT(worker_list(s, v, 2), 1);
	OK(v[0].alive && v[0].pid == getpid());
	IS_INT(v[0].in_flight, 1);
	IS_INT(v[0].streams, 1);
	IS_INT(v[0].connections, 2);
	IS_INT(v[0].requests, 5);
	IS_INT(v[0].generation, 9);
	IS_INT(v[0].longest_us, 1234);
	OK(v[0].beat_boot_ms > 0 && v[0].started_unix_s > 0);
	worker_count(w, -9, 0, 0, 0);
	worker_list(s, v, 2);
	IS_INT(v[0].in_flight, 0);
	worker_leave(w);
	IS_INT(worker_list(s, v, 2), 0);
}

/* A child claims and is killed; unwaited it is dead all the same. */
static void
a_dead_one(struct segment *s)
{
	struct worker_view v[2];
	struct worker_slot *w;
	int gate[2];
	char c;
	pid_t pid;

	if (pipe(gate) != 0)
		return;
	pid = fork();
	if (pid == 0) {
		if (worker_claim(s) != NULL && write(gate[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	OK(read(gate[0], &c, 1) == 1);
	IS_INT(worker_list(s, v, 2), 1);
	OK(v[0].alive && v[0].pid == pid);
	kill(pid, SIGKILL);
	waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	worker_list(s, v, 2);
	tap_ok(!v[0].alive, "a killed worker is seen dead before it is waited "
		"for");
	w = worker_claim(s);
	tap_ok(w != NULL && worker_number(w) == 0, "its slot is taken");
	IS_INT(atomic_load(&s->file->head.deaths), 1);
	waitpid(pid, NULL, 0);
	worker_leave(w);
	close(gate[0]);
	close(gate[1]);
}

/* A place that somebody gave back lies before that of the dead. */
static void
a_dead_one_behind(struct segment *s)
{
	struct worker_slot *w = worker_claim(s);
	struct worker_view v[2];
	uint32_t deaths = atomic_load(&s->file->head.deaths);

	atomic_store(&s->file->workers[1].owner,
		(uint64_t)(uint32_t)getpid() << 32 | 1);
	worker_leave(w);
	w = worker_claim(s);
	OK(w != NULL && worker_number(w) == 0);
	tap_ok(atomic_load(&s->file->head.deaths) == deaths + 1,
		"its death is noticed");
	IS_INT(worker_list(s, v, 2), 1);
	worker_leave(w);
	w = worker_claim(s);
	tap_ok(atomic_load(&s->file->head.deaths) == deaths + 1, "once");
	worker_leave(w);
}

/* The pid is alive, but it is another process than it was. */
static void
a_pid_used_again(struct segment *s)
{
	uint64_t owner = (uint64_t)(uint32_t)getpid() << 32 | 1;
	struct worker_slot *w;
	struct worker_view v;

	atomic_store(&s->file->workers[0].owner, owner);
	IS_INT(worker_list(s, &v, 1), 1);
	OK(!v.alive);
	w = worker_claim(s);
	OK(w != NULL && worker_number(w) == 0);
	worker_leave(w);
}

static void
all_taken(struct segment *s)
{
	const char *why;
	uint32_t n = 0;

	while (n <= MAX_WORKERS && worker_claim(s) != NULL)
		n++;
	IS_INT(n, MAX_WORKERS);
	OK(worker_claim(s) == NULL);
	OK(segment_valid(s, &why));
	atomic_store(&s->file->workers[3].owner, UINT64_C(1) << 63);
	OK(!segment_valid(s, &why));
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);

	one_slot(s);
	a_dead_one(s);
	a_dead_one_behind(s);
	a_pid_used_again(s);
	all_taken(s);
	segment_close(s);
	place_end(&p);
	return tap_done();
}
