/* SPDX-License-Identifier: MIT */
/*
 * fuzz_rpc -- no body and no headers break the envelope; what is repeated is
 * JSON again
 *
 * The first three lines are the headers (version, method, name), the rest is
 * the body.
 */
#include "config.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "mcp/rpc.h"

static const struct rpc_limits limits = { .depth = 32, .batch = 5 };

static void
check_json(struct arena *a, struct str text)
{
	static const struct jdoc_limits l = { 64, 10000, 50 };
	struct jdoc_report report;

	if (jdoc_check(a, text, JDOC_STRICT, &l, &report) != JDOC_OK &&
	    jdoc_check(a, text, JDOC_MESSAGE, &l, &report) != JDOC_OK)
		abort();
}

static void
check_good(const struct rpc *r)
{
	if (r->n == 0 || (!r->batch && r->n != 1))
		abort();
	for (uint32_t i = 0; i < r->n; i++) {
		const struct rpc_message *m = &r->messages[i];

		if (m->kind == RPC_RESPONSE ? m->id.n == 0 : m->method.n == 0)
			abort();
		if (m->kind == RPC_NOTIFICATION && m->id.n != 0)
			abort();
		if (m->id.n > MAX_RPC_ID)
			abort();
	}
}

/* Encoded and decoded, a text is what it was. */
static void
check_header(struct arena *a, struct str text)
{
	struct str back;

	if (!rpc_header_decode(a, rpc_header_encode(a, text), &back) ||
	    !str_eq(back, text))
		abort();
	rpc_header_decode(a, text, &back);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str body = { (const char *)p, n };
	struct arena *a = arena_new(16 << 20);
	struct rpc_headers h = { .check = true };
	struct rpc rpc = { .n = 0 };
	const struct fault *f;
	struct str id;

	h.version = str_cut(&body, '\n');
	h.method = str_cut(&body, '\n');
	h.name = str_cut(&body, '\n');
	f = rpc_read(a, body, &limits, &h, &rpc);
	if (f == NULL)
		check_good(&rpc);
	else if (rpc.n > 0)
		check_json(a, rpc_error(a, rpc.messages[0].id, f, h.name));
	if (f == NULL && rpc.messages[0].id.n > 0) {
		id = rpc.messages[0].id;
		check_json(a, id);
	}
	check_header(a, h.name);
	arena_free(a);
	return 0;
}
