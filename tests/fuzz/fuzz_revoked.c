/* SPDX-License-Identifier: MIT */
/*
 * fuzz_revoked -- a line of the journal that is read is written and read
 * again as the same; no line is longer than its room
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "shm/revoked.h"

#define MUST(cond) do { if (!(cond)) abort(); } while (0)

static bool
is_same(const struct revoked_entry *a, const struct revoked_entry *b)
{
	return memcmp(&a->name, &b->name, sizeof(a->name)) == 0 &&
		a->kind == b->kind && a->before == b->before &&
		a->until == b->until;
}

static void
check(struct str line)
{
	char room[REVOKED_LINE], twice[REVOKED_LINE];
	struct revoked_entry e, again;
	size_t n;

	if (!revoked_parse(line, &e))
		return;
	MUST(e.name.v[0] != 0 && e.before >= 0 && e.until >= 0);
	n = revoked_print(&e, room);
	MUST(n < sizeof(room) && room[n - 1] == '\n' &&
		memchr(room, '\n', n - 1) == NULL);
	MUST(revoked_parse((struct str){ room, n - 1 }, &again));
	MUST(is_same(&e, &again));
	MUST(revoked_print(&again, twice) == n && memcmp(room, twice, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };

	while (text.n > 0)
		check(str_cut(&text, '\n'));
	return 0;
}
