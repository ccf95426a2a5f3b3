/* SPDX-License-Identifier: MIT */
/*
 * fault -- every row of the table, and copies that stand alone
 */
#include "config.h"
#include "base/fault.h"

#include "base/arena.h"
#include "base/limits.h"
#include "kit/tap.h"

static bool
only_of(const char *c, const char *allowed)
{
	return c[0] != '\0' && c[strspn(c, allowed)] == '\0';
}

/* -32768..-32000 is the protocol's; what stands there must be its own. */
static bool
code_is_known(int code)
{
	static const int known[] = { -32700, -32600, -32601, -32602, -32603,
		-32002, -32020, -32021, -32022 };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (code == known[i])
			return true;
	}
	return code < -32768 || code > -32000;
}

static void
test_rows(void)
{
	struct arena *a = arena_new(KIB(256));

	for (int i = 0; i < FAULT_KINDS; i++) {
		enum fault_kind kind = (enum fault_kind)i;
		struct fault *f = fault_new(a, kind, "row %d", i);
		const char *name = fault_name(kind);

		tap_ok(f->kind == kind && f->http == fault_http(kind) &&
			f->said == fault_said(kind), "%s is itself", name);
		tap_ok(f->http >= 200 && f->http <= 599, "%s: http %d", name,
			f->http);
		tap_ok(code_is_known(fault_rpc(f)), "%s: rpc %d", name,
			fault_rpc(f));
		tap_ok(only_of(fault_reason(kind),
			"abcdefghijklmnopqrstuvwxyz_"), "%s: reason %s", name,
			fault_reason(kind));
		tap_ok(strpbrk(fault_said(kind), "\"\\%\n") == NULL,
			"%s: '%s' is safe", name, fault_said(kind));
		tap_ok(only_of(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
			"%s: name", name);
	}
	arena_free(a);
}

static void
test_new(void)
{
	struct arena *a = arena_new(KIB(64));
	struct fault *f = fault_new(a, FAULT_NOT_FOUND, "%s of %d", "one", 2);

	IS_STR(str_of(f->detail), "one of 2");
	IS_STR(str_of(f->said), "no such endpoint");
	IS_INT(f->http, 404);
	IS_INT(fault_rpc(f), 404);		/* 0 in the table */
	f->http = 418;
	IS_INT(fault_rpc(f), 418);
	IS_INT(fault_rpc(fault_new(a, FAULT_PARSE_ERROR, "x")), -32700);
	IS_INT(f->retry_after_s, 0);
	OK(f->data.n == 0);
	arena_free(a);
}

static void
test_copy(void)
{
	struct arena *a = arena_new(KIB(64)), *b = arena_new(KIB(64));
	struct fault *f = fault_new(a, FAULT_RATE_LIMITED, "too %s", "fast");
	const struct fault *copy;

	f->said = str_fmt(a, "slow %s", "down").p;
	f->data = str_fmt(a, "\"limit\":%d", 5);
	f->retry_after_s = 7;
	f->http = 430;
	copy = fault_copy(b, f);
	arena_free(a);
	OK(copy->kind == FAULT_RATE_LIMITED);
	IS_STR(str_of(copy->detail), "too fast");
	IS_STR(str_of(copy->said), "slow down");
	IS_STR(copy->data, "\"limit\":5");
	IS_INT(copy->retry_after_s, 7);
	IS_INT(copy->http, 430);
	OK(fault_copy(b, NULL) == NULL);
	arena_free(b);
}

static void
test_markdown(void)
{
	struct arena *a = arena_new(KIB(256));
	struct str text = fault_markdown(a), rest;
	int lines = 0;

	OK(str_search(text, STR("| `PARSE_ERROR` | 400 | -32700 | "
		"`parse_error` | request is not valid JSON |\n")) < text.n);
	rest = str_from(text, str_search(text, STR("\n\n")));
	OK(str_starts(rest, STR("\n\n`INPUT_TIMEOUT` is answered as plain CGI "
		"only.")));
	text = str_head(text, text.n - rest.n);
	while (text.n > 0) {
		(void)str_cut(&text, '\n');
		lines++;
	}
	IS_INT(lines, FAULT_KINDS + 2);
	arena_free(a);
}

int
main(void)
{
	test_rows();
	test_new();
	test_copy();
	test_markdown();
	return tap_done();
}
