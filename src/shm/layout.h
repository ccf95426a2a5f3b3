/* SPDX-License-Identifier: MIT */
/*
 * layout -- what lies where in the shared file; for this room only
 *
 * Sharing: a word that changes is an atomic.  What is written once (before
 * the file gets its name) is plain.  No pointer, size_t, bool or enum.
 * Promise: the sizes are asserted here and stand in the file (`shape`), so
 * that another build of the program makes a new file instead of guessing.
 * Pages nobody touches cost nothing: tables are filled from their front.
 */
#ifndef SHM_LAYOUT_H
#define SHM_LAYOUT_H

#include <stdatomic.h>

#include "shm/bans.h"
#include "shm/journal.h"
#include "shm/keysets.h"
#include "shm/loads.h"
#include "shm/rotor.h"
#include "shm/segment.h"
#include "shm/shelf.h"
#include "shm/tally.h"

#define SHM_MAGIC "mcpgate"	/* with its NUL: 8 bytes */
#define SHM_VERSION 2u

#define SHM_POOLS 512		/* two configurations of MAX_SERVERS */
#define SHM_CELLS 4096		/* tokens of all servers together */
#define SHM_PIN_BUCKETS 4096
#define SHM_PINS 8		/* of one bucket: one cache line */
#define SHM_STREAM_BUCKETS 512
#define SHM_STREAM_WORDS 8	/* of one bucket: one cache line */
#define SHM_GONE_BUCKETS 16384	/* revocations: twice what may be there */
#define SHM_GONE 8		/* of one bucket */
#define SHM_QUESTIONS 4096	/* tokens that are asked about right now */
#define SHM_REFUSALS 2048
#define SHM_RESTS 64		/* endpoints */
#define SHM_RATE_BUCKETS 8192	/* minutes: 65536 subjects */
#define SHM_WINDOW_BUCKETS 4096	/* hours, and days */
#define SHM_OWN_BUCKETS 512	/* of servers, which no client can fill */
#define SHM_RATES 8		/* of one bucket: one cache line */
#define SHM_SESSION_ROWS 256
#define SHM_SESSIONS 64		/* of one row */
#define SHM_FAULT_WORDS 47	/* of one record of the journal */
#define SHM_SHELVES 608		/* buckets: 2432 values */
#define SHM_SLOTS 4		/* of one shelf */
#define SHM_SHARDS 8
#define SHM_NAME_WORDS (TALLY_NAME / 8)
#define SHM_MESSAGE_WORDS 32	/* struct segment_reload.message in words */

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "32-bit atomics take a lock");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics take a lock");

/* What the last reload came to.  seq is odd while it is being written. */
struct shm_reload {
	_Atomic uint32_t seq;
	_Atomic uint32_t generation;
	_Atomic uint32_t ok;
	uint32_t unused;
	_Atomic int64_t at_unix_s;
	_Atomic uint64_t message[SHM_MESSAGE_WORDS];
};

struct shm_head {
	char magic[8];
	uint32_t version;
	uint32_t size;			/* of the whole file */
	uint64_t shape;			/* of all sizes here: see segment.c */
	char boot[40];			/* boot id as text, zeros behind it */
	uint8_t key[16];
	uint8_t secret[32];
	_Atomic uint32_t reload_wanted;
	_Atomic uint32_t deaths;	/* dead workers noticed; see rotor.c */
	_Atomic uint32_t n_pools, n_cells;	/* handed out so far */
	struct shm_reload reload;
	_Atomic uint64_t starting;	/* an owner, as of a worker; 0: none */
	_Atomic uint32_t exposed;	/* EXPOSED_* */
	_Alignas(64) uint64_t lock[8];	/* a pthread_mutex_t; lock.c only */
};

struct shm_worker {
	_Atomic uint64_t owner;		/* pid << 32 | start ticks; 0: free */
	_Atomic uint32_t generation;
	_Atomic int32_t in_flight, streams, connections;
	_Atomic uint64_t started_unix_s, requests, longest_us, beat_boot_ms;
	_Atomic uint64_t violation_unix_s;	/* the last one; not taken back */
};

/* One pool. name[0] == 0: free; it is written last. */
struct shm_pool {
	_Atomic uint64_t name[2];
	_Atomic uint64_t next;
	_Atomic uint64_t current;	/* name[0] of a cell; 0: the first */
	_Atomic uint64_t withdrawn;	/* fingerprint of a configuration */
	_Atomic uint64_t used_boot_s;
	uint64_t unused[2];
};

/* One token of one pool. name as above. */
struct shm_cell {
	_Atomic uint64_t name[2];
	_Atomic uint64_t state;		/* packed; see rotor.c */
	_Atomic uint64_t uses;
	_Atomic uint64_t flight;	/* deaths << 32 | requests in flight */
	_Atomic uint64_t used_boot_s;
	uint64_t unused[2];
};

/* A shelf slot is read and written as words; this is their order. */
struct shm_slot {
	_Atomic uint64_t check;		/* over all below; 0: empty */
	_Atomic uint64_t key[4];
	_Atomic uint64_t expires_unix_s;
	_Atomic uint64_t length;
	_Atomic uint64_t value[MAX_SHELF / 8];
	uint64_t unused;
};

struct shm_tally {
	_Atomic uint64_t hashes[TALLY_SERIES];	/* 0: free; dense from 0 */
	_Atomic uint64_t counts[SHM_SHARDS][TALLY_SERIES];
	_Atomic uint64_t names[TALLY_SERIES][SHM_NAME_WORDS];
};

/* One revocation.  name[0] == 0: never used; it is written last. */
struct shm_gone {
	_Atomic uint64_t name[2];
	_Atomic int64_t before, until;	/* seconds since 1970 */
};

struct shm_revoked {
	_Atomic uint32_t used;		/* slots that were ever used */
	uint32_t unused;
	_Atomic uint64_t inode, taken;	/* of the journal: bytes taken in */
	_Atomic uint64_t place;		/* digest of its name; 0: not known */
	uint64_t more[4];
	struct shm_gone slots[SHM_GONE_BUCKETS][SHM_GONE];
};

/* A token that was refused: true while the three fit together. */
struct shm_refusal {
	_Atomic uint64_t until, tag, seal;
	uint64_t unused;
};

struct shm_asked {
	_Atomic uint64_t questions[SHM_QUESTIONS];
	_Atomic uint64_t rests[SHM_RESTS];
	struct shm_refusal refusals[SHM_REFUSALS];
};

/* One fetched document. name[0] == 0: free; it is written last.  Times are
 * microseconds since boot; those of two: scheduled, forced. */
struct shm_keyset {
	_Atomic uint64_t name[2];
	_Atomic uint64_t stamp_us[KEYSET_WHYS], done_us[KEYSET_WHYS];
	_Atomic uint64_t epoch;
	_Atomic uint64_t good_us, due_us, rest_us, used_us;
	_Atomic uint64_t failures;
	_Atomic uint64_t as_of_us;	/* stamp of what is kept */
	_Atomic uint64_t check;		/* over name, epoch, text; 0: none */
	_Atomic uint64_t length, keys;
	_Atomic uint64_t url[KEYSET_URL / 8];	/* with its NUL */
	_Atomic uint64_t text[MAX_KEYSET / 8];
};

/* See rate.c. */
struct shm_windows {
	_Atomic uint64_t any[SHM_WINDOW_BUCKETS][SHM_RATES];
	_Atomic uint64_t own[SHM_OWN_BUCKETS][SHM_RATES];
};

struct shm_rates {
	_Alignas(64) _Atomic uint64_t minutes[SHM_RATE_BUCKETS][SHM_RATES];
	_Atomic uint64_t own_minutes[SHM_OWN_BUCKETS][SHM_RATES];
	struct shm_windows hours, days;
};

/* check: over the text; 0: none. See bans.c. */
struct shm_ban {
	_Atomic uint64_t check;
	_Atomic uint64_t text[3];
};

struct shm_bans {
	_Alignas(64) _Atomic uint32_t seq;	/* odd: one is changing */
	_Atomic uint32_t n;		/* places used so far */
	_Atomic uint32_t moves;		/* entries that got another place */
	struct shm_ban v[BANS_PLACES];
};

/* One session of a client; see sessions.c. */
struct shm_session {
	_Atomic uint32_t turn, known;
	_Atomic uint64_t caller[2], route;
	_Atomic uint64_t began_ms, used_ms, idle_ms, ends_ms;	/* since boot */
};

/* One fault; see journal.c. */
struct shm_fault {
	_Atomic uint64_t check;		/* over the rest; 0: none */
	_Atomic uint64_t number;
	_Atomic uint64_t words[SHM_FAULT_WORDS];
};

struct shm_journal {
	_Alignas(64) _Atomic uint64_t taken;	/* numbers given out */
	uint64_t more[7];
	struct shm_fault v[JOURNAL_RECORDS];
};

/* What a worker carries for one server; server == 0: free. See loads.c. */
struct shm_load {
	_Atomic uint64_t server;
	_Atomic uint32_t calls, streams;
};

struct shm_file {
	struct shm_head head;
	struct shm_worker workers[MAX_WORKERS];
	struct shm_pool pools[SHM_POOLS];
	struct shm_cell cells[SHM_CELLS];
	_Atomic uint64_t pins[SHM_PIN_BUCKETS][SHM_PINS];
	_Atomic uint64_t streams[SHM_STREAM_BUCKETS][SHM_STREAM_WORDS];
	struct shm_slot shelves[SHM_SHELVES][SHM_SLOTS];
	struct shm_tally tally;
	struct shm_revoked revoked;
	struct shm_asked asked;
	struct shm_keyset keysets[KEYSETS];
	struct shm_rates rates;
	struct shm_bans bans;
	struct shm_session sessions[SHM_SESSION_ROWS][SHM_SESSIONS];
	struct shm_journal journal;
	_Alignas(64) struct shm_load loads[MAX_WORKERS][LOADS];
};

_Static_assert(sizeof(struct shm_reload) == 280, "layout");
_Static_assert(sizeof(struct shm_head) == 512, "layout");
_Static_assert(sizeof(struct shm_worker) == 64, "layout");
_Static_assert(sizeof(struct shm_pool) == 64, "layout");
_Static_assert(sizeof(struct shm_cell) == 64, "layout");
_Static_assert(sizeof(struct shm_slot) == 1024, "layout");
_Static_assert(sizeof(struct shm_session) == 64, "layout");
_Static_assert(TALLY_NAME % 8 == 0 && MAX_SHELF % 8 == 0, "layout");
_Static_assert(sizeof(struct shm_file) <= 16u * 1024 * 1024, "layout");

/* This process's view of the file. */
struct segment {
	struct shm_file *file;
	struct arena *arena;
	const char *path;
	dev_t dev;			/* which file is mapped */
	ino_t ino;
	bool read_only;
};

/* ---- lock.c ----------------------------------------------------------------- */
void shm_lock_init(struct shm_head *h);

/* False: the bytes are not a lock of ours; it must not be taken. */
bool shm_lock_usable(const struct shm_head *h);

/* While serving a request.  False: busy or broken; treat it as a miss. */
bool shm_try(struct shm_file *f);

/* At start and reload.  False: broken, or busy for two seconds. */
bool shm_lock(struct shm_file *f);
void shm_unlock(struct shm_file *f);

/* ---- after a death, and for tests -------------------------------------------- */
void reload_repair_locked(struct shm_file *f);
void rotor_repair_locked(struct shm_file *f);
void bans_repair_locked(struct shm_file *f);
void shm_repair_locked(struct shm_file *f);	/* all of them */

bool journal_valid(const struct segment *s, const char **why_r);
bool keysets_valid(const struct segment *s, const char **why_r);
bool loads_valid(const struct segment *s, const char **why_r);
bool bans_valid(const struct segment *s, const char **why_r);
bool rates_valid(const struct segment *s, const char **why_r);
bool rotor_valid(const struct segment *s, const char **why_r);
bool pins_valid(const struct segment *s, const char **why_r);
bool shelf_valid(const struct segment *s, const char **why_r);
bool sessions_valid(const struct segment *s, const char **why_r);
bool streams_valid(const struct segment *s, const char **why_r);
bool tally_valid(const struct segment *s, const char **why_r);
bool asked_valid(const struct segment *s, const char **why_r);
bool revoked_valid(const struct segment *s, const char **why_r);
bool workers_valid(const struct segment *s, const char **why_r);

#endif
