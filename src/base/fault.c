/* SPDX-License-Identifier: MIT */
/*
 * fault -- the table, and what is read from it
 */
#include "config.h"
#include "base/fault.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"

#define MAX_MARKDOWN 65536	/* bytes; the table is much shorter */

static const struct row {
	const char *name, *reason, *said;
	int http, rpc;
} rows[FAULT_KINDS] = {
#define FAULT_ROW(kind, http, rpc, reason, said) \
	{ #kind, reason, said, http, rpc },
	FAULTS(FAULT_ROW)
#undef FAULT_ROW
};

static const struct row *
row_of(enum fault_kind kind)
{
	assert((unsigned)kind < FAULT_KINDS);
	return &rows[kind];
}

struct fault *
fault_new(struct arena *a, enum fault_kind kind, const char *detail, ...)
{
	struct fault *f = ARENA_NEW(a, struct fault);
	va_list ap;

	va_start(ap, detail);
	f->detail = str_vfmt(a, detail, ap).p;
	va_end(ap);
	f->kind = kind;
	f->said = row_of(kind)->said;
	f->http = row_of(kind)->http;
	return f;
}

const struct fault *
fault_copy(struct arena *a, const struct fault *f)
{
	struct fault *copy;

	if (f == NULL)
		return NULL;
	copy = ARENA_NEW(a, struct fault);
	*copy = *f;
	copy->detail = str_copy(a, str_of(f->detail)).p;
	if (f->said != row_of(f->kind)->said)
		copy->said = str_copy(a, str_of(f->said)).p;
	if (f->data.n > 0)
		copy->data = str_copy(a, f->data);
	return copy;
}

int
fault_http(enum fault_kind kind)
{
	return row_of(kind)->http;
}

int
fault_rpc(const struct fault *f)
{
	int rpc = row_of(f->kind)->rpc;

	return rpc != 0 ? rpc : f->http;
}

const char *
fault_reason(enum fault_kind kind)
{
	return row_of(kind)->reason;
}

const char *
fault_said(enum fault_kind kind)
{
	return row_of(kind)->said;
}

const char *
fault_name(enum fault_kind kind)
{
	return row_of(kind)->name;
}

struct str
fault_markdown(struct arena *a)
{
	struct buf b = buf_new(a, MAX_MARKDOWN);
	struct str text = STR_NONE;

	buf_add(&b, STR("| fault | HTTP | JSON-RPC | reason | message |\n"
		"|---|---|---|---|---|\n"));
	for (int i = 0; i < FAULT_KINDS; i++) {
		const struct row *r = &rows[i];

		buf_fmt(&b, "| `%s` | %d | %d | `%s` | %s |\n", r->name,
			r->http, r->rpc != 0 ? r->rpc : r->http, r->reason,
			r->said);
	}
	buf_add(&b, STR("\n`INPUT_TIMEOUT` is answered as plain CGI only. Over "
		"FastCGI nothing can be said\nbefore the end of a request: the "
		"connection is closed, and the web server answers\nas it does "
		"when a program dies, with 502 or 500.\n"));
	if (!buf_take(&b, &text))
		abort();
	return text;
}
