/* SPDX-License-Identifier: MIT */
/*
 * journal -- a record is words, a number, and a checksum over both
 */
#include "config.h"
#include "shm/journal.h"

#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "shm/layout.h"

#define LONG_WORD 32		/* so long is no word of ours */

/* What the words of a record are. */
struct form {
	int64_t at_unix_ms;
	uint64_t status;
	char request_id[64], server[48], step[16], reason[32];
	char detail[JOURNAL_DETAIL];
};

_Static_assert(sizeof(struct form) == SHM_FAULT_WORDS * 8, "no holes");

/* A record taken out of the ring. */
struct copy {
	uint64_t number;
	uint64_t words[SHM_FAULT_WORDS];
};

static uint64_t
check_of(const struct segment *s, const struct copy *c)
{
	uint64_t h = digest_sip(segment_key(s), (struct str){
		(const char *)c, sizeof(*c) });

	return h == 0 ? 1 : h;
}

/* ---- writing ----------------------------------------------------------------- */
/* In one line, not cut inside a character; room has zeros. */
static void
put_text(char *to, size_t room, struct str s)
{
	size_t n = 0;

	while (s.n > 0) {
		size_t took = str_utf8_char(s.p, s.n);
		unsigned char c = (unsigned char)s.p[0];
		bool bad = took == 0 || c < 0x20 || c == 0x7F ||
			(c == 0xC2 && (unsigned char)s.p[1] < 0xA0);
		size_t puts = bad ? 1 : took;

		if (n + puts >= room)
			break;
		if (bad)
			to[n] = '?';
		else
			memcpy(to + n, s.p, took);
		n += puts;
		s = str_from(s, took > 0 ? took : 1);
	}
}

static bool
is_token_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		(c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '+' ||
		c == '=' || c == '~';
}

/* A segment of a JWT, or something as long as a key. */
static bool
looks_secret(struct str word)
{
	return word.n >= LONG_WORD || (word.n > 8 &&
		str_starts(word, STR("eyJ")));
}

static void
put_detail(char to[JOURNAL_DETAIL], struct str s)
{
	char text[4 * JOURNAL_DETAIL];
	size_t n = 0, i = 0;

	while (i < s.n && n + 3 < sizeof(text)) {
		struct str word = { s.p + i, 0 };

		while (i < s.n && is_token_byte(s.p[i]))
			i++;
		word.n = (size_t)(s.p + i - word.p);
		if (looks_secret(word))
			word = STR("***");
		word = str_head(word, sizeof(text) - 1 - n);
		memcpy(text + n, word.p, word.n);
		n += word.n;
		if (i < s.n)
			text[n++] = s.p[i++];
	}
	put_text(to, JOURNAL_DETAIL, (struct str){ text, n });
}

void
journal_add(struct segment *s, const struct journal_fault *f)
{
	struct form form = { .at_unix_ms = f->at_unix_ms,
		.status = (uint64_t)f->status };
	struct shm_journal *j;
	struct shm_fault *to;
	struct copy c;

	if (s == NULL || s->read_only)
		return;
	put_text(form.request_id, sizeof(form.request_id), f->request_id);
	put_text(form.server, sizeof(form.server), f->server);
	put_text(form.step, sizeof(form.step), f->step);
	put_text(form.reason, sizeof(form.reason), f->reason);
	put_detail(form.detail, f->detail);
	memcpy(c.words, &form, sizeof(form));
	j = &s->file->journal;
	c.number = atomic_fetch_add(&j->taken, 1) + 1;
	to = &j->v[c.number % JOURNAL_RECORDS];
	atomic_store(&to->check, 0);
	atomic_store(&to->number, c.number);
	for (unsigned i = 0; i < SHM_FAULT_WORDS; i++)
		atomic_store_explicit(&to->words[i], c.words[i],
			memory_order_relaxed);
	atomic_store_explicit(&to->check, check_of(s, &c),
		memory_order_release);
}

/* ---- reading ------------------------------------------------------------------ */
/* False: nothing there, or not all of it. */
static bool
take(const struct segment *s, const struct shm_fault *from, struct copy *c_r)
{
	uint64_t check = atomic_load_explicit(&from->check,
		memory_order_acquire);

	if (check == 0)
		return false;
	c_r->number = atomic_load(&from->number);
	for (unsigned i = 0; i < SHM_FAULT_WORDS; i++)
		c_r->words[i] = atomic_load_explicit(&from->words[i],
			memory_order_relaxed);
	return check == check_of(s, c_r);
}

static struct str
text_of(struct arena *a, const char *p, size_t room)
{
	return str_copy(a, (struct str){ p, strnlen(p, room) });
}

static struct journal_fault
fault_of(struct arena *a, const struct copy *c)
{
	struct form f;

	memcpy(&f, c->words, sizeof(f));
	return (struct journal_fault){
		.at_unix_ms = f.at_unix_ms,
		.status = (int)f.status,
		.request_id = text_of(a, f.request_id, sizeof(f.request_id)),
		.server = text_of(a, f.server, sizeof(f.server)),
		.step = text_of(a, f.step, sizeof(f.step)),
		.reason = text_of(a, f.reason, sizeof(f.reason)),
		.detail = text_of(a, f.detail, sizeof(f.detail)),
	};
}

/* Into its place among those with greater numbers. */
static void
sort_in(struct copy **v, uint32_t n, struct copy *c)
{
	uint32_t i = n;

	for (; i > 0 && v[i - 1]->number < c->number; i--)
		v[i] = v[i - 1];
	v[i] = c;
}

uint32_t
journal_list(const struct segment *s, struct journal_fault *v_r,
	uint32_t room, struct arena *a)
{
	struct copy *copies, *order[JOURNAL_RECORDS];
	uint32_t n = 0;

	if (s == NULL)
		return 0;
	copies = ARENA_ARRAY(a, struct copy, JOURNAL_RECORDS);
	for (uint32_t i = 0; i < JOURNAL_RECORDS; i++) {
		if (!take(s, &s->file->journal.v[i], &copies[i]))
			continue;
		sort_in(order, n, &copies[i]);
		n++;
	}
	if (n > room)
		n = room;
	for (uint32_t i = 0; i < n; i++)
		v_r[i] = fault_of(a, order[i]);
	return n;
}

bool
journal_valid(const struct segment *s, const char **why_r)
{
	const struct shm_journal *j = &s->file->journal;
	struct copy c;

	for (uint32_t i = 0; i < JOURNAL_RECORDS; i++) {
		if (!take(s, &j->v[i], &c) ||
		    (c.number % JOURNAL_RECORDS == i &&
		    c.number <= atomic_load(&j->taken)))
			continue;
		*why_r = "journal: a record in a foreign place";
		return false;
	}
	return true;
}
