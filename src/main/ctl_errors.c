/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl errors: the faults of late, newest first
 */
#include "config.h"

#include <sysexits.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "main/ctl.h"
#include "shm/journal.h"

#define MAX_TEXT MIB(1)

static struct str
or_dash(struct str s)
{
	return s.n > 0 ? s : STR("-");
}

static void
put_row(struct buf *b, const struct journal_fault *f)
{
	char stamp[CLOCK_STAMP];

	clock_stamp(f->at_unix_ms, stamp);
	buf_fmt(b, "%s %3d %-20.*s %-8.*s %-16.*s %-24.*s %.*s\n", stamp,
		f->status, STR_ARG(f->reason), STR_ARG(or_dash(f->step)),
		STR_ARG(or_dash(f->server)), STR_ARG(or_dash(f->request_id)),
		STR_ARG(f->detail));
}

static void
put_json(struct buf *b, const struct journal_fault *f)
{
	char stamp[CLOCK_STAMP];

	clock_stamp(f->at_unix_ms, stamp);
	buf_fmt(b, "{\"at\":\"%s\",\"status\":%d", stamp, f->status);
	buf_member(b, "requestId", f->request_id);
	buf_member(b, "server", f->server);
	buf_member(b, "step", f->step);
	buf_member(b, "reason", f->reason);
	buf_member(b, "detail", f->detail);
	buf_char(b, '}');
}

int
ctl_errors(struct ctl *c)
{
	struct buf b = buf_new(c->arena, MAX_TEXT);
	struct journal_fault v[JOURNAL_RECORDS];
	int rc = ctl_open(c, SEGMENT_READ_ONLY);
	uint32_t n;

	if (rc != EX_OK)
		return rc;
	n = journal_list(c->segment, v, JOURNAL_RECORDS, c->arena);
	if (c->json)
		buf_add_c(&b, "{\"errors\":[");
	for (uint32_t i = 0; i < n; i++) {
		if (c->json && i > 0)
			buf_char(&b, ',');
		if (c->json)
			put_json(&b, &v[i]);
		else
			put_row(&b, &v[i]);
	}
	if (c->json)
		buf_add_c(&b, "]}\n");
	return ctl_print(c, &b);
}
