/* SPDX-License-Identifier: MIT */
/*
 * lock -- the one lock of the segment, which survives whoever holds it
 *
 * A robust process-shared mutex: the kernel marks it when its owner dies, and
 * the next taker repairs.  It guards what is more than a word: binding pools
 * to cells, and the text of the last reload.  No I/O under it.
 */
#include "config.h"
#include "shm/layout.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#define TRIES 2000		/* of a millisecond each */

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(((struct shm_head *)0)->lock),
	"mutex is larger than its place");

static pthread_mutex_t *
mutex(struct shm_file *f)
{
	return (pthread_mutex_t *)(void *)f->head.lock;
}

static void
make_mutex(uint64_t place[8])
{
	pthread_mutexattr_t how;

	pthread_mutexattr_init(&how);
	pthread_mutexattr_setpshared(&how, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&how, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init((pthread_mutex_t *)(void *)place, &how);
	pthread_mutexattr_destroy(&how);
}

void
shm_lock_init(struct shm_head *h)
{
	memset(h->lock, 0, sizeof(h->lock));
	make_mutex(h->lock);
}

/*
 * What a fresh mutex has in it says its kind and never changes; the C library
 * chooses its code by it.  Words that are zero at first hold the state.
 */
bool
shm_lock_usable(const struct shm_head *h)
{
	uint64_t fresh[8] = { 0 };
	uint32_t want[16], have[16];

	make_mutex(fresh);
	memcpy(want, fresh, sizeof(want));
	memcpy(have, h->lock, sizeof(have));
	for (unsigned i = 0; i < 16; i++)
		if (want[i] != 0 && want[i] != have[i])
			return false;
	return true;
}

/* 0: taken, and repaired when its owner had died. */
static int
take(struct shm_file *f)
{
	int rc = pthread_mutex_trylock(mutex(f));

	if (rc == EOWNERDEAD) {		/* a process was killed in here */
		shm_repair_locked(f);
		rc = pthread_mutex_consistent(mutex(f));
	}
	return rc;
}

bool
shm_try(struct shm_file *f)
{
	return take(f) == 0;
}

bool
shm_lock(struct shm_file *f)
{
	int rc = take(f);

	for (int i = 0; i < TRIES && rc == EBUSY; i++) {
		poll(NULL, 0, 1);
		rc = take(f);
	}
	return rc == 0;
}

void
shm_unlock(struct shm_file *f)
{
	pthread_mutex_unlock(mutex(f));
}

void
shm_repair_locked(struct shm_file *f)
{
	reload_repair_locked(f);
	rotor_repair_locked(f);
	bans_repair_locked(f);
}
