/* SPDX-License-Identifier: MIT */
/*
 * fuzz_forwarded -- what a client writes does not change what proxies add
 *
 * The text is what the client sent; a trusted proxy appends whom it saw.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "http/forwarded.h"

static const char *const seen_by[] = {
	[FORWARDED_LIST] = ", 192.0.2.7, 10.1.1.1",
	[FORWARDED_RFC7239] = ", for=192.0.2.7;host=\"a, for=1.1.1.1\", "
		"for=\"10.1.1.1:80\"",
};

static void
check(enum forwarded_form form, struct str text, struct arena *a,
	const struct conf_cidrs *trusted)
{
	struct str whole = str_fmt(a, "%.*s%s", STR_ARG(text), seen_by[form]);
	struct conf_cidr want, unixes;
	struct forwarded f;

	if (!conf_addr_parse(STR("192.0.2.7"), &want))
		abort();
	f = forwarded_walk(form, whole, &trusted->v[0], trusted, 0);
	if (!f.too_many && (f.bad || !f.found ||
	    memcmp(f.from.addr, want.addr, 16) != 0))
		abort();
	if (f.too_many && text.n + 3 <= MAX_FORWARDED)
		abort();
	f = forwarded_walk(form, text, NULL, trusted, 0);
	if (f.found && f.from.bits != 32 && f.from.bits != 128)
		abort();
	unixes = f.from;
	if (f.found && !f.bad && conf_cidr_has(trusted, &unixes, 0) &&
	    unixes.addr[0] != 10)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };
	struct arena *a = arena_new(1 << 20);
	struct conf_cidr block;
	struct conf_cidrs trusted = { .v = &block, .n = 1 };

	if (n > 8192 || memchr(p, 0, n) != NULL ||
	    !conf_cidr_parse(STR("10.0.0.0/8"), &block)) {
		arena_free(a);
		return 0;
	}
	check(FORWARDED_LIST, text, a, &trusted);
	check(FORWARDED_RFC7239, text, a, &trusted);
	arena_free(a);
	return 0;
}
