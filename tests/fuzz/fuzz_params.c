/* SPDX-License-Identifier: MIT */
/*
 * fuzz_params -- names are in one form, values clean or said to be bad
 *
 * Each line is NAME=value.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fuzz/fuzz.h"
#include "http/headers.h"
#include "http/params.h"

static bool
in_form(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_')
			return false;
	}
	return name.n > 0;
}

static void
check(const struct params *t)
{
	uint32_t clients = 0;
	bool bad = false;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct param *p = &t->v[i];

		if (!in_form(p->name) || p->value.n == 0 ||
		    str_trim(p->value).n != p->value.n ||
		    str_is(p->name, "HTTP_PROXY"))
			abort();
		bad = bad || !header_value_ok(p->value);
		if (str_starts(p->name, STR("HTTP_")) ||
		    str_starts(p->name, STR("REDIRECT_")))
			clients++;
	}
	if (bad != t->bad_value || clients != t->n_http)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };
	struct arena *a = arena_new(16 << 20);
	struct params t;
	uint32_t count;

	params_init(&t, a, 2);
	while (text.n > 0) {
		struct str value = str_cut(&text, '\n');
		struct str name = str_cut(&value, '=');

		params_add(&t, name, value);
	}
	check(&t);
	if (params_server(&t, "REMOTE_USER").n == 0 &&
	    params_server(&t, "REMOTE_USER").p != NULL)
		abort();
	params_client(&t, "HTTP_X", &count);
	arena_free(a);
	return 0;
}
