/* SPDX-License-Identifier: MIT */
/*
 * fuzz_url -- what passes has no odd byte, and logs show no user part
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "fuzz/fuzz.h"
#include "http/guard.h"
#include "http/url.h"

static void
check_good(struct str text, const struct url *u)
{
	if (u->host.n == 0 || u->port == 0 || u->path.n == 0)
		abort();
	if (str_find(u->host, '@') < u->host.n ||
	    str_find(u->host, '/') < u->host.n ||
	    str_find(text, '#') < text.n || str_find(text, '\\') < text.n)
		abort();
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < 0x21 || text.p[i] > 0x7e)
			abort();
	}
}

static void
check_logged(struct str text)
{
	struct url u;

	if (str_is(text, "<redacted-url>"))
		return;
	if (!url_parse(text, &u) || str_find(text, '?') < text.n)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n }, list;
	struct arena *a = arena_new(1 << 20);
	struct url u;

	if (url_parse(text, &u)) {
		check_good(text, &u);
		guard_host(u.host);
	}
	check_logged(url_for_log(a, text));
	list = text;
	guard_direct(list, str_cut(&text, ','));
	arena_free(a);
	return 0;
}
