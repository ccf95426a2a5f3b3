/* SPDX-License-Identifier: MIT */
/*
 * revoked -- who was sent away stays away, as long as it was said
 */
#include "config.h"
#include "shm/revoked.h"
#include "shm/layout.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "kit/place.h"
#include "kit/tap.h"

static char journal[96];

static struct revoked *
reopen(struct place *p, struct segment *s)
{
	const char *why = "";
	struct revoked *r = revoked_open(s, journal, p->arena, &why);

	if (r == NULL)
		printf("# %s\n", why);
	return r;
}

static bool
add(struct revoked *r, struct revoked_name name, int64_t before, int64_t until)
{
	struct revoked_entry e = { .name = name, .kind = 't',
		.before = before, .until = until, .what = STR("a token") };
	const char *why = "";
	bool good = revoked_add(r, &e, clock_unix_s(), &why);

	if (!good)
		printf("# %s\n", why);
	return good;
}

static const struct {
	const char *name;
	int64_t before, until;		/* of the entry; until: from now */
	int64_t issued, later;		/* of the question */
	bool refused;
} cases[] = {
	{ "always", REVOKED_ALWAYS, 100, 5, 0, true },
	{ "without a date", REVOKED_ALWAYS, 100, REVOKED_NO_DATE, 0, true },
	{ "the last second", REVOKED_ALWAYS, 100, 5, 99, true },
	{ "its end", REVOKED_ALWAYS, 100, 5, 100, false },
	{ "issued before", 1000, 100, 999, 0, true },
	{ "issued at that second", 1000, 100, 1000, 0, false },
	{ "issued later", 1000, 100, 1001, 0, false },
	{ "no date counts as earlier", 1000, 100, REVOKED_NO_DATE, 0, true },
};

static struct revoked_name
numbered(unsigned i)
{
	return revoked_token((struct str){ (const char *)&i, sizeof(i) });
}

static void
check_cases(struct revoked *r)
{
	int64_t now = clock_unix_s();

	OK(!revoked_any(r));
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		add(r, numbered(i), cases[i].before, now + cases[i].until);
		tap_ok(revoked_has(r, numbered(i), cases[i].issued,
			now + cases[i].later) == cases[i].refused, "%s",
			cases[i].name);
	}
	OK(revoked_any(r));
	OK(!revoked_has(r, numbered(1000), 0, now));
}

static void
names_differ(void)
{
	struct revoked_name a = revoked_jti(STR("ab"), STR("c"));
	struct revoked_name b = revoked_jti(STR("a"), STR("bc"));
	struct revoked_name c = revoked_user(STR("abc"));
	struct revoked_name d = revoked_token(STR("abc"));

	struct revoked_name e = revoked_jti_any(STR("c"));
	struct revoked_name f = revoked_jti(STR(""), STR("c"));

	OK(memcmp(&e, &f, sizeof(e)) != 0);
	OK(memcmp(&a, &b, sizeof(a)) != 0);
	OK(memcmp(&c, &d, sizeof(c)) != 0);
}

/* Another process, another state file: the journal knows. */
static void
survives(struct place *p, struct revoked *r)
{
	int64_t now = clock_unix_s();
	struct revoked *alone;

	OK(add(r, revoked_user(STR("mallory")), now, REVOKED_ALWAYS));
	alone = reopen(p, NULL);
	OK(alone != NULL);
	OK(revoked_has(alone, revoked_user(STR("mallory")), now - 1, now));
	OK(!revoked_has(alone, revoked_user(STR("mallory")), now, now));
	OK(revoked_has(alone, numbered(0), 0, now));
	OK(add(r, numbered(77), REVOKED_ALWAYS, REVOKED_ALWAYS));
	OK(!revoked_has(alone, numbered(77), 0, now));
	OK(revoked_tick(alone, &(const char *){ NULL }));
	OK(revoked_has(alone, numbered(77), 0, now));
	revoked_close(alone);
}

static void
write_tail(const char *text)
{
	int fd = open(journal, O_WRONLY | O_APPEND);

	OK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* A writer killed in the middle of its line has revoked nothing. */
static void
torn_line_is_cut(struct place *p, struct segment *s)
{
	struct revoked *r;

	write_tail("t 0123");
	r = reopen(p, s);
	OK(r != NULL);
	OK(add(r, numbered(78), REVOKED_ALWAYS, REVOKED_ALWAYS));
	r = reopen(p, NULL);
	OK(r != NULL && revoked_has(r, numbered(78), 0, clock_unix_s()));
	revoked_close(r);
}

struct count {
	unsigned n;
	char last[32];
};

static void
count_one(void *who, const struct revoked_entry *e)
{
	struct count *c = who;

	c->n++;
	snprintf(c->last, sizeof(c->last), "%.*s", STR_ARG(e->what));
}

static void
lists(struct place *p, struct revoked *r)
{
	struct revoked_entry e = { .name = numbered(500), .kind = 'j',
		.before = REVOKED_ALWAYS, .until = clock_unix_s() + 50,
		.what = STR("two\nlines") };
	struct count c = { 0 };
	const char *why;

	OK(revoked_add(r, &e, clock_unix_s(), &why));
	revoked_each(r, clock_unix_s(), p->arena, count_one, &c);
	OK(c.n > 8);
	IS_STR(str_of(c.last), "two?lines");
	revoked_each(r, clock_unix_s() + 51, p->arena, count_one, &c);
	OK(strcmp(c.last, "two?lines") != 0);
}

/* Nobody may come in because the journal cannot be read. */
static void
refuses_odd_journals(struct place *p, struct segment *s)
{
	static const char *const lines[] = {
		"x 00112233445566778899aabbccddeeff - - what\n",
		"t 0011 - - what\n", "t - - -\n", "\n",
		"t 00112233445566778899aabbccddeeff 1e3 - what\n",
		"t 00112233445566778899aabbccddeefg - - what\n",
		"t 00112233445566778899aabbccddeeff\n",
	};
	struct revoked *r;
	off_t size;
	struct stat st;

	stat(journal, &st);
	size = st.st_size;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		write_tail(lines[i]);
		r = reopen(p, NULL);
		tap_ok(r == NULL, "refuses line %zu", i);
		OK(truncate(journal, size) == 0);
	}
	OK(chmod(journal, 0666) == 0);
	OK(reopen(p, NULL) == NULL);
	OK(chmod(journal, 0600) == 0);
	(void)s;
}

/* The last one that has room, and the first that has none; what has ended
 * makes room again. */
static void
full(void)
{
	struct place p = place_new();
	struct segment *other = place_open(&p);
	struct revoked *r;
	int64_t now = clock_unix_s();
	const char *why = "";
	FILE *f;
	char name[40];

	snprintf(journal, sizeof(journal), "%s.revoked", p.file);
	f = fopen(journal, "w");
	for (unsigned i = 0; i < REVOKED_ENTRIES - 1; i++) {
		struct revoked_name n = numbered(i);

		for (unsigned k = 0; k < 16; k++)
			snprintf(name + 2 * k, 3, "%02x",
				((unsigned char *)&n)[k]);
		fprintf(f, "t %s - %lld x\n", name, (long long)now + 3 * (long long)tap_slow());
	}
	fclose(f);
	chmod(journal, 0600);
	r = revoked_open(other, journal, p.arena, &why);
	OK(r != NULL);
	OK(add(r, numbered(900000), REVOKED_ALWAYS, now + 1000));
	OK(!add(r, numbered(900001), REVOKED_ALWAYS, now + 1000));
	OK(!revoked_has(r, numbered(900001), 0, now));
	OK(revoked_has(r, numbered(5), 0, now));
	OK(segment_valid(other, &why));
	while (clock_unix_s() <= now + 3 * (long long)tap_slow())
		usleep(50000);
	OK(add(r, numbered(900001), REVOKED_ALWAYS, now + 1000));
	OK(revoked_has(r, numbered(900001), 0, now));
	place_end(&p);
}

/* A journal of so many bytes, all of which has ended but its last line. */
static void
write_long(size_t n)
{
	static char text[64 << 10];
	static const char line[] = "t 00112233445566778899aabbccddeeff - 1 "
		"xxxxxxxxxxxxxxxxxxxxxxxx\n";		/* 64 bytes */
	static const char last[] = "t ffeeddccbbaa99887766554433221100 - - "
		"xxxxxxxxxxxxxxxxxxxxxxxx\n";
	FILE *f = fopen(journal, "w");

	for (size_t i = 0; i < sizeof(text); i += 64)
		memcpy(text + i, line, 64);
	for (size_t left = n - 64; left > 0;) {
		size_t part = left < sizeof(text) ? left : sizeof(text);

		fwrite(text, 1, part, f);
		left -= part;
	}
	fwrite(last, 1, 64, f);
	fclose(f);
	chmod(journal, 0600);
}

/* As long as it may be: read, and written anew when one more comes.  One
 * line longer: it is not read, and nobody is let in. */
static void
long_journal(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct revoked_name kept;
	struct revoked *r;
	struct stat st;

	snprintf(journal, sizeof(journal), "%s.revoked", p.file);
	digest_unhex(STR("ffeeddccbbaa99887766554433221100"),
		(uint8_t *)&kept, sizeof(kept));
	write_long(MAX_JOURNAL);
	r = reopen(&p, s);
	OK(r != NULL && revoked_has(r, kept, 0, clock_unix_s()));
	OK(add(r, numbered(1), REVOKED_ALWAYS, REVOKED_ALWAYS));
	stat(journal, &st);
	tap_ok(st.st_size < 200, "%lld bytes", (long long)st.st_size);
	OK((st.st_mode & 0777) == 0600);
	r = reopen(&p, NULL);
	OK(r != NULL && revoked_has(r, kept, 0, clock_unix_s()));
	OK(revoked_has(r, numbered(1), 0, clock_unix_s()));
	revoked_close(r);
	write_long(MAX_JOURNAL + 64);
	OK(reopen(&p, NULL) == NULL);
	segment_close(s);
	unlink(journal);
	place_end(&p);
}

/* Where the journal lies does not hang on the shared file being there. */
static void
places(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	const char *dir = p.dir, *none = "/nonexistent/state";
	struct str beside = str_fmt(p.arena, "%s.revoked", p.file);
	struct str in_dir = str_fmt(p.arena, "%s/revoked", dir);

	IS_STR(str_of(revoked_journal_in(dir, "/x/state", s, p.arena)),
		"/x/state.revoked");
	OK(str_eq(str_of(revoked_journal_in(dir, NULL, s, p.arena)), in_dir));
	OK(str_eq(str_of(revoked_journal_in(dir, "", NULL, p.arena)),
		in_dir));
	OK(str_eq(str_of(revoked_journal_in(none, NULL, s, p.arena)),
		beside));
	OK(str_eq(str_of(revoked_journal_in(p.file, NULL, s, p.arena)),
		beside));
	OK(str_eq(str_of(revoked_journal_in(none, NULL, NULL, p.arena)),
		str_fmt(p.arena, "%s.revoked", segment_place(p.arena))));
	segment_close(s);
	place_end(&p);
}

/* What is added elsewhere would be forgotten with the table. */
static void
one_journal(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	const char *slash = strrchr(p.file, '/'), *why = "";
	const char *name = str_fmt(p.arena, "%s.other", p.file).p;
	struct revoked *serves, *other;

	snprintf(journal, sizeof(journal), "%s.revoked", p.file);
	OK(revoked_served(s, journal) == REVOKED_NOT_KNOWN);
	OK(revoked_served(NULL, journal) == REVOKED_NOT_KNOWN);
	serves = reopen(&p, s);
	revoked_serve(serves);
	OK(revoked_served(s, journal) == REVOKED_SERVED);
	OK(revoked_served(s, str_fmt(p.arena, "%.*s/.%s.revoked",
		(int)(slash - p.file), p.file, slash).p) == REVOKED_SERVED);
	OK(revoked_served(s, "/x/state.revoked") == REVOKED_ELSEWHERE);
	other = revoked_open(s, name, p.arena, &why);
	OK(other != NULL);
	OK(!add(other, numbered(1), REVOKED_ALWAYS, REVOKED_ALWAYS));
	OK(access(name, F_OK) != 0);
	OK(add(serves, numbered(1), REVOKED_ALWAYS, REVOKED_ALWAYS));
	segment_close(s);
	place_end(&p);
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct revoked *r;

	snprintf(journal, sizeof(journal), "%s.revoked", p.file);
	r = reopen(&p, s);
	check_cases(r);
	names_differ();
	survives(&p, r);
	torn_line_is_cut(&p, s);
	lists(&p, r);
	refuses_odd_journals(&p, s);
	full();
	long_journal();
	places();
	one_journal();
	place_end(&p);
	return tap_done();
}
