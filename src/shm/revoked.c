/* SPDX-License-Identifier: MIT */
/*
 * revoked -- buckets of eight slots
 *
 * A slot that was used once is never empty again, only ended: so a reader
 * may stop at the first bucket with an empty slot.  name[0] is written last.
 */
#include "config.h"
#include "shm/revoked_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"

#define PROBES 32		/* buckets that are looked at */

/* ---- names --------------------------------------------------------------- */
static struct revoked_name
name_of(const char *kind, struct str a, struct str b)
{
	const struct str parts[] = { str_of(kind), a, b };
	uint8_t digest[SHA256_SIZE];
	struct revoked_name n;

	digest_parts(parts, 3, digest);
	memcpy(&n, digest, sizeof(n));
	if (n.v[0] == 0)
		n.v[0] = 1;
	return n;
}

struct revoked_name
revoked_token(struct str signed_part)
{
	return name_of("token", signed_part, STR_NONE);
}

struct revoked_name
revoked_jti(struct str issuer, struct str jti)
{
	return name_of("jti", issuer, jti);
}

struct revoked_name
revoked_jti_any(struct str jti)
{
	return name_of("jti of any issuer", jti, STR_NONE);
}

struct revoked_name
revoked_user(struct str user)
{
	return name_of("user", user, STR_NONE);
}

/* ---- the table ------------------------------------------------------------- */
static struct shm_gone *
bucket_of(const struct revoked *r, struct revoked_name name, unsigned probe)
{
	uint64_t h = name.v[0] ^ name.v[1] * UINT64_C(0x9E3779B97F4A7C15);

	return r->table->slots[(h + probe) % SHM_GONE_BUCKETS];
}

static bool
is_name(const struct shm_gone *g, struct revoked_name name)
{
	return atomic_load_explicit(&g->name[0], memory_order_acquire) ==
		name.v[0] && atomic_load(&g->name[1]) == name.v[1];
}

static bool
is_live(const struct shm_gone *g, int64_t now)
{
	return atomic_load(&g->name[0]) != 0 && atomic_load(&g->until) > now;
}

bool
revoked_any(const struct revoked *r)
{
	return r != NULL && atomic_load_explicit(&r->table->used,
		memory_order_acquire) != 0;
}

bool
revoked_has(const struct revoked *r, struct revoked_name name, int64_t issued,
	int64_t now)
{
	if (!revoked_any(r))
		return false;
	for (unsigned p = 0; p < PROBES; p++) {
		const struct shm_gone *b = bucket_of(r, name, p);
		bool room = false;

		for (unsigned i = 0; i < SHM_GONE; i++) {
			if (is_name(&b[i], name) &&
			    atomic_load(&b[i].until) > now)
				return issued < atomic_load(&b[i].before);
			room |= atomic_load(&b[i].name[0]) == 0;
		}
		if (room)
			return false;
	}
	return false;
}

/* Its own slot, else one that was never used or has ended; NULL: none. */
static struct shm_gone *
slot_for(const struct revoked *r, struct revoked_name name, int64_t now)
{
	struct shm_gone *free_one = NULL;

	for (unsigned p = 0; p < PROBES; p++) {
		struct shm_gone *b = bucket_of(r, name, p);
		bool room = false;

		for (unsigned i = 0; i < SHM_GONE; i++) {
			if (is_name(&b[i], name))
				return &b[i];
			if (free_one == NULL && !is_live(&b[i], now))
				free_one = &b[i];
			room |= atomic_load(&b[i].name[0]) == 0;
		}
		if (room)
			break;
	}
	return free_one;
}

static uint32_t
count_live(const struct revoked *r, int64_t now)
{
	uint32_t n = 0;

	for (unsigned b = 0; b < SHM_GONE_BUCKETS; b++)
		for (unsigned i = 0; i < SHM_GONE; i++)
			n += is_live(&r->table->slots[b][i], now);
	return n;
}

static bool
has_room(const struct revoked *r, int64_t now)
{
	return atomic_load(&r->table->used) < REVOKED_ENTRIES ||
		count_live(r, now) < REVOKED_ENTRIES;
}

static void
raise_to(_Atomic int64_t *word, int64_t value)
{
	if (atomic_load(word) < value)
		atomic_store(word, value);
}

/* Under the lock.  An entry that is there already only grows. */
static bool
insert(struct revoked *r, const struct revoked_entry *e, int64_t now)
{
	struct shm_gone *g = slot_for(r, e->name, now);
	uint64_t was;

	if (g == NULL)
		return false;
	was = atomic_load(&g->name[0]);
	if (is_name(g, e->name) && is_live(g, now)) {
		raise_to(&g->before, e->before);
		raise_to(&g->until, e->until);
		return true;
	}
	if (!has_room(r, now))
		return false;
	atomic_store(&g->until, 0);	/* nobody reads half of it */
	atomic_store(&g->name[1], e->name.v[1]);
	atomic_store(&g->before, e->before);
	atomic_store_explicit(&g->name[0], e->name.v[0], memory_order_release);
	atomic_store_explicit(&g->until, e->until, memory_order_release);
	if (was == 0)
		atomic_fetch_add(&r->table->used, 1);
	return true;
}

/* ---- taking in ------------------------------------------------------------- */
struct taking {
	struct revoked *r;
	int64_t now;
};

static bool
take(void *who, const struct revoked_entry *e)
{
	struct taking *t = who;

	return e->until <= t->now || insert(t->r, e, t->now);
}

static bool
lock(struct revoked *r)
{
	return r->file == NULL || shm_lock(r->file);
}

static void
unlock(struct revoked *r)
{
	if (r->file != NULL)
		shm_unlock(r->file);
}

/* Nothing new: the same file, as long as it was. */
static bool
is_known(const struct revoked *r, const struct stat *st)
{
	return atomic_load(&r->table->inode) == (uint64_t)st->st_ino &&
		atomic_load(&r->table->taken) == (uint64_t)st->st_size;
}

static bool
take_in(struct revoked *r, const char **why_r)
{
	struct arena *a = arena_new(MAX_JOURNAL + KIB(64));
	struct taking t = { .r = r, .now = clock_unix_s() };
	struct stat st = { .st_size = 0 };
	struct str text;
	bool good = revoked_read(r, a, &text, &st, why_r);

	if (good && !lock(r)) {
		*why_r = "the shared state is busy";
		good = false;
	} else if (good) {
		good = revoked_lines(r, text, why_r, take, &t);
		if (good) {
			atomic_store(&r->table->inode, (uint64_t)st.st_ino);
			atomic_store(&r->table->taken, text.n);
		}
		unlock(r);
	}
	arena_free(a);
	return good;
}

bool
revoked_tick(struct revoked *r, const char **why_r)
{
	struct stat st;

	*why_r = "";
	if (r->nowhere)
		return true;
	if (lstat(r->journal, &st) != 0) {
		if (errno == ENOENT)
			return true;
		*why_r = revoked_say(r, "cannot look at '%s': %s",
			r->journal, strerror(errno));
		return false;
	}
	return is_known(r, &st) || take_in(r, why_r);
}

/* ---- adding --------------------------------------------------------------- */
static bool
is_room(struct revoked *r, const struct revoked_entry *e, int64_t now,
	const char **why_r)
{
	bool room;

	if (!lock(r)) {
		*why_r = "the shared state is busy";
		return false;
	}
	room = slot_for(r, e->name, now) != NULL && has_room(r, now);
	unlock(r);
	if (!room)
		*why_r = "the table of revocations is full";
	return room;
}

/* Of the name, however it is written. */
static uint64_t
place_of(const struct shm_file *file, const char *journal)
{
	const char *slash = strrchr(journal, '/');
	const char *name = slash == NULL ? journal : slash + 1;
	char path[PATH_MAX], dir[PATH_MAX];
	struct str parts[3] = { STR_NONE, STR("/"), str_of(name) };
	uint8_t digest[SHA256_SIZE];
	uint64_t place;

	(void)snprintf(path, sizeof(path), "%.*s/.",
		slash == NULL ? 1 : (int)(slash - journal),
		slash == NULL ? "." : journal);
	parts[0] = str_of(realpath(path, dir) != NULL ? dir : path);
	digest_parts(parts, 3, digest);
	place = digest_sip(file->head.key, (struct str){
		(const char *)digest, sizeof(digest) });
	return place != 0 ? place : 1;
}

void
revoked_serve(struct revoked *r)
{
	if (r->file != NULL)
		atomic_store(&r->table->place, place_of(r->file, r->journal));
}

enum revoked_served
revoked_served(const struct segment *s, const char *journal)
{
	uint64_t place = s == NULL ? 0 : atomic_load(&s->file->revoked.place);

	if (place == 0)
		return REVOKED_NOT_KNOWN;
	return place == place_of(s->file, journal) ? REVOKED_SERVED :
		REVOKED_ELSEWHERE;
}

static bool
is_read(const struct revoked *r)
{
	uint64_t place = atomic_load(&r->table->place);

	return place == 0 || place == place_of(r->file, r->journal);
}

/* One writer at a time from the look at the room to the line in the journal:
 * two would both take the last place, and nobody could start any more. */
bool
revoked_add(struct revoked *r, const struct revoked_entry *e, int64_t now,
	const char **why_r)
{
	struct stat st;
	bool good;
	int fd;

	*why_r = "";
	if (r->file != NULL && !is_read(r)) {
		*why_r = revoked_say(r, "the gateway reads another journal "
			"than '%s'; name its configuration", r->journal);
		return false;
	}
	fd = revoked_alone(r, &st, why_r);
	if (fd < 0)
		return false;
	good = revoked_tick(r, why_r) && is_room(r, e, now, why_r) &&
		revoked_space(r, &fd, now, why_r) &&
		revoked_append(r, fd, e, why_r);
	close(fd);
	return good && revoked_tick(r, why_r);
}

/* ---- listing ------------------------------------------------------------------- */
struct listing {
	int64_t now;
	void (*fn)(void *who, const struct revoked_entry *e);
	void *who;
};

static bool
list_one(void *who, const struct revoked_entry *e)
{
	struct listing *l = who;

	if (e->until > l->now)
		l->fn(l->who, e);
	return true;
}

void
revoked_each(struct revoked *r, int64_t now, struct arena *a,
	void (*fn)(void *who, const struct revoked_entry *e), void *who)
{
	struct listing l = { .now = now, .fn = fn, .who = who };
	const char *why;
	struct stat st;
	struct str text;

	if (revoked_read(r, a, &text, &st, &why))
		(void)revoked_lines(r, text, &why, list_one, &l);
}

/* ---- opening ------------------------------------------------------------------- */
/* Who serves: root may look at another user's file. */
static uid_t
owner_of(const struct segment *s)
{
	struct stat st;

	return s != NULL && stat(segment_path(s), &st) == 0 ? st.st_uid :
		geteuid();
}

const char *
revoked_journal_in(const char *directory, const char *configured,
	const struct segment *s, struct arena *a)
{
	uid_t owner = owner_of(s);
	struct stat st;

	if (configured != NULL && configured[0] != '\0')
		return str_fmt(a, "%s.revoked", configured).p;
	if (lstat(directory, &st) == 0 && S_ISDIR(st.st_mode) &&
	    (st.st_uid == owner || owner == 0))
		return str_fmt(a, "%s/revoked", directory).p;
	return str_fmt(a, "%s.revoked", s != NULL ? segment_path(s) :
		segment_place(a)).p;
}

const char *
revoked_journal(const char *configured, const struct segment *s,
	struct arena *a)
{
	return revoked_journal_in(GATE_STATEDIR, configured, s, a);
}

/* Anybody may make a directory of that name in /dev/shm, once; nothing of
 * ours lies in it then, and whoever made it shall not stop us. */
static bool
is_anothers(const char *journal, struct arena *a)
{
	struct str place = str_of(segment_place(a));
	struct str dir = str_head(place, place.n - strlen("/state"));
	struct stat st;

	return str_eq(str_of(journal), str_fmt(a, "%.*s.revoked",
		STR_ARG(place))) && lstat(str_copy(a, dir).p, &st) == 0 &&
		(!S_ISDIR(st.st_mode) || st.st_uid != geteuid());
}

struct revoked *
revoked_open(struct segment *s, const char *journal, struct arena *a,
	const char **why_r)
{
	struct revoked *r = ARENA_NEW(a, struct revoked);
	void *own = NULL;

	r->arena = a;
	r->journal = journal;
	r->nowhere = s == NULL && is_anothers(journal, a);
	if (s != NULL && !s->read_only) {
		r->file = s->file;
		r->table = &s->file->revoked;
	} else {
		own = mmap(NULL, sizeof(*r->table), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (own == MAP_FAILED) {
			*why_r = "no memory for revocations";
			return NULL;
		}
		r->table = own;
	}
	if (revoked_tick(r, why_r))
		return r;
	revoked_close(r);
	return NULL;
}

void
revoked_close(struct revoked *r)
{
	if (r != NULL && r->file == NULL && r->table != NULL)
		munmap(r->table, sizeof(*r->table));
	if (r != NULL)
		r->table = NULL;
}

bool
revoked_valid(const struct segment *s, const char **why_r)
{
	uint32_t used = 0;

	for (unsigned b = 0; b < SHM_GONE_BUCKETS; b++)
		for (unsigned i = 0; i < SHM_GONE; i++)
			used += atomic_load(&s->file->revoked.slots[b][i]
				.name[0]) != 0;
	if (used >= atomic_load(&s->file->revoked.used))
		return true;
	*why_r = "revoked: counts more than there is";
	return false;
}
