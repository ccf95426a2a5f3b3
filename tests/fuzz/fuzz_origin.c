/* SPDX-License-Identifier: MIT */
/*
 * fuzz_origin -- what passes is an origin byte for byte, and no entry of a
 * domain lets in a host outside of it
 */
#include "config.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/origin.h"
#include "fuzz/fuzz.h"

static void
check_good(struct str text, const struct origin *o)
{
	struct origin_entry e;
	size_t n = o->scheme.n + 3 + o->host.n;

	if (o->port.n > 0)
		n += 1 + o->port.n;
	if (n != text.n || text.n > MAX_ORIGIN || o->host.n == 0)
		abort();
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < 0x21 || text.p[i] > 0x7e ||
		    str_find(STR(",@?#\\%_\"*"), text.p[i]) < 9)
			abort();
	}
	if (!origin_same(o, o))
		abort();
	if (!origin_entry_parse(STR("*"), &e) || !origin_entry_has(&e, o))
		abort();
}

/* The text, split at its first line end, as entry and origin. */
static void
check_pair(struct str entry, struct str origin)
{
	struct origin_entry e;
	struct origin o;

	if (!origin_entry_parse(entry, &e) || !origin_parse(origin, &o) ||
	    e.kind == ORIGIN_ANY || !origin_entry_has(&e, &o))
		return;
	if (!str_eq(e.origin.port, o.port) || o.host.n < e.origin.host.n)
		abort();
	if (e.kind == ORIGIN_EXACT && o.host.n != e.origin.host.n)
		abort();
	if (e.kind == ORIGIN_BELOW && (o.host.n < e.origin.host.n + 2 ||
	    o.host.p[o.host.n - e.origin.host.n - 1] != '.'))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n }, rest = text, entry;
	struct origin o;

	if (origin_parse(text, &o)) {
		check_good(text, &o);
		(void)origin_loopback(&o);
	}
	(void)origin_host(text);
	(void)origin_host_loopback(text);
	entry = str_cut(&rest, '\n');
	check_pair(entry, rest);
	return 0;
}
