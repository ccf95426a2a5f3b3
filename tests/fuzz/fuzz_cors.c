/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cors -- whatever a preflight asks for, the answer is one clean line
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "http/headers.h"
#include "http/preflight.h"

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str asked = { (const char *)p, n }, text, name;
	struct arena *a = arena_new(1 << 20);
	uint32_t count = 0;

	text = preflight_headers(a, STR("Accept"), asked);
	if (!header_value_ok(text))
		abort();
	while (text.p != NULL) {
		name = str_cut(&text, ',');
		if (count > 0)
			name = str_from(name, 1);
		if (!header_name_ok(name))
			abort();
		if (count++ > 0 && !str_eq_nocase(str_head(name, 10),
		    STR("mcp-param-")))
			abort();
	}
	if (count > 1 + MAX_ASKED_HEADERS)
		abort();
	arena_free(a);
	return 0;
}
