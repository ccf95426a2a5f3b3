/* SPDX-License-Identifier: MIT */
/*
 * crew -- processes that do the same thing at once, some of them killed
 *
 *	struct crew c = crew_start(8, work, &what);	work(number, what)
 *	crew_kill(&c, 3, 50);		three of them, 50 ms apart
 *	IS_INT(crew_wait(&c), 0);	how many failed otherwise
 *
 *	crew_halved(8, work, &what, 50);	the same three lines
 *
 *	pid_t pid = crew_one(begin, &what);	one that has begun, and waits
 *	crew_bury(pid);				killed
 */
#ifndef KIT_CREW_H
#define KIT_CREW_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "kit/tap.h"

#define CREW_MAX 32

struct crew {
	pid_t pids[CREW_MAX];
	bool killed[CREW_MAX];
	unsigned n;
};

/* Memory all of them see, zeroed. */
static inline void *
crew_shared(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

/* They start together, when all are there. work() true: it went well. */
static inline struct crew
crew_start(unsigned n, bool (*work)(unsigned number, void *who), void *who)
{
	struct crew c = { .n = n };
	int gate[2];
	char byte;

	if (pipe(gate) != 0)
		abort();
	for (unsigned i = 0; i < n; i++) {
		c.pids[i] = fork();
		if (c.pids[i] != 0)
			continue;
		close(gate[1]);
		while (read(gate[0], &byte, 1) > 0)
			continue;
		_exit(work(i, who) ? 0 : 1);
	}
	close(gate[0]);
	close(gate[1]);
	return c;
}

static inline void
crew_kill(struct crew *c, unsigned n, int apart_ms)
{
	for (unsigned i = 0; i < n && i < c->n; i++) {
		poll(NULL, 0, apart_ms);
		kill(c->pids[i], SIGKILL);
		c->killed[i] = true;
	}
}

/* Those that failed without being killed by us. */
static inline unsigned
crew_wait(struct crew *c)
{
	unsigned failed = 0;
	int rc;

	for (unsigned i = 0; i < c->n; i++) {
		waitpid(c->pids[i], &rc, 0);
		if (rc != 0 && !(c->killed[i] && WIFSIGNALED(rc) &&
		    WTERMSIG(rc) == SIGKILL))
			failed++;
	}
	return failed;
}

/* Half of them are killed on the way; the others must do well. */
static inline void
crew_halved(unsigned n, bool (*work)(unsigned number, void *who), void *who,
	int apart_ms)
{
	struct crew c = crew_start(n, work, who);

	crew_kill(&c, n / 2, apart_ms);
	tap_ok(crew_wait(&c) == 0, "nobody failed but the killed");
}

/* A process that has done begin(), and nothing since. */
static inline pid_t
crew_one(void (*begin)(void *who), void *who)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		begin(who);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		abort();
	close(ready[0]);
	return pid;
}

static inline void
crew_bury(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
