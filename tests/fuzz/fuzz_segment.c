/* SPDX-License-Identifier: MIT */
/*
 * fuzz_segment -- no bytes in the file make its readers stray
 *
 * The first byte says what the others are: 0 a whole file, 1 a pattern that
 * fills all tables of a good file, 2 changes to a good file (three bytes
 * where, one how many, so many bytes), 3 the same for the words of the lock.
 */
#include "config.h"

#include <fcntl.h>

#include "fuzz/fuzz.h"
#include "kit/place.h"
#include "shm/layout.h"
#include "shm/pins.h"

#define SIZE sizeof(struct shm_file)
#define TABLES offsetof(struct shm_file, workers)
#define LOCK offsetof(struct shm_file, head.lock)

static struct place place;
static uint8_t *good, *bytes;

static void
clean_up(void)
{
	place_end(&place);
	free(good);
	free(bytes);
}

static void
remember_good(void)
{
	struct segment *s;

	place = place_new();
	atexit(clean_up);
	s = place_open(&place);
	good = malloc(SIZE);
	bytes = malloc(SIZE);
	if (good == NULL || bytes == NULL)
		abort();
	memcpy(good, s->file, SIZE);
	segment_close(s);
}

/* Patches from offset `from` on, folded into `room` bytes. */
static void
patch(const uint8_t *p, size_t n, size_t from, size_t room)
{
	while (n > 4) {
		size_t at = ((size_t)p[0] | (size_t)p[1] << 8 |
			(size_t)p[2] << 16) % room;
		size_t len = p[3];

		p += 4;
		n -= 4;
		len = len < n ? len : n;
		for (size_t i = 0; i < len && at + i < room; i++)
			bytes[from + at + i] = p[i];
		p += len;
		n -= len;
	}
}

static size_t
compose(const uint8_t *p, size_t n)
{
	uint8_t mode = n > 0 ? p[0] % 4 : 0;

	if (mode == 0) {
		n = n > 0 ? n - 1 : 0;
		memcpy(bytes, p + (n > 0), n < SIZE ? n : SIZE);
		return n < SIZE ? n : SIZE;
	}
	memcpy(bytes, good, SIZE);
	if (mode == 1)
		for (size_t i = TABLES; i < SIZE && n > 1; i++)
			bytes[i] = p[1 + (i - TABLES) % (n - 1)];
	else if (mode == 2)
		patch(p + 1, n - 1, offsetof(struct shm_file,
			head.reload_wanted), LOCK - offsetof(struct shm_file,
			head.reload_wanted));
	else
		patch(p + 1, n - 1, LOCK, SIZE - LOCK);
	return SIZE;
}

static void
read_text(void *who, struct str text, uint64_t value)
{
	volatile char c = text.n > 0 ? text.p[text.n - 1] : '\0';

	(void)who;
	(void)value;
	(void)c;
}

static void
use_rotor(struct segment *s, struct arena *a)
{
	uint8_t digests[3][ROTOR_DIGEST] = { { 1 }, { 2 }, { 1 } };
	struct rotor_plan plan = { { "s", 1 },
		(const uint8_t (*)[ROTOR_DIGEST])digests, 3 };
	struct rotor *r = rotor_bind(s, &plan, a);
	struct rotor_token t;

	pins_put(s, plan.server, STR("sid"), digests[1], 5);
	if (pins_get(s, plan.server, STR("sid"), &plan, 5) > 3 &&
	    pins_get(s, plan.server, STR("sid"), &plan, 5) != ROTOR_NONE)
		abort();
	pins_drop(s, plan.server, STR("other"));
	pins_count(s, 5);
	for (uint32_t i = 0; r != NULL && i < 3; i++) {
		rotor_next(r);
		rotor_used(r, i, 1);
		rotor_failed(r, i, 401, 10, 60, 600);
		rotor_look(r, i, &t);
		if (rotor_current(r) >= 3)
			abort();
		rotor_move(r, rotor_current(r), i);
		rotor_used(r, i, -1);
		rotor_succeeded(r, i, 200);
	}
}

static void
use_rest(struct segment *s, struct arena *a)
{
	struct worker_view *v = ARENA_ARRAY(a, struct worker_view, 256);
	struct worker_slot *w = worker_claim(s);
	struct tally *t = tally_new(s, 1, a);
	struct segment_reload said;
	uint8_t key[32] = { 1 };
	struct str text;

	worker_list(s, v, 256);
	worker_leave(w);
	segment_last_reload(s, &said);
	if (memchr(said.message, '\0', sizeof(said.message)) == NULL)
		abort();
	shelf_get(s, key, 5, a, &text);
	shelf_put(s, key, STR("value"), 10);
	tally_add(t, STR("x_total"), 1);
	tally_each(s, read_text, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new(1 << 20);
	const char *why = "";
	struct segment *s;
	int fd;

	if (good == NULL)
		remember_good();
	unlink(place.file);
	n = compose(p, n);
	fd = open(place.file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		abort();
	close(fd);
	s = segment_open(place.file, 0, a, &why);
	if (s != NULL) {
		segment_valid(s, &why);
		use_rotor(s, a);
		use_rest(s, a);
		segment_valid(s, &why);
		segment_close(s);
	}
	arena_free(a);
	return 0;
}
