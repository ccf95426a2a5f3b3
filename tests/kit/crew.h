/* SPDX-License-Identifier: MIT */
/*
 * crew -- processes that do the same thing at once, some of them killed
 *
 *	struct crew c = crew_start(8, work, &what);	work(number, what)
 *	crew_kill(&c, 3, 50);		three of them, 50 ms apart
 *	IS_INT(crew_wait(&c), 0);	how many failed otherwise
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

#endif
