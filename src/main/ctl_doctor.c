/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl doctor: what is wrong between a client and the gateway
 *
 * The checks stand in doctor_*.c; here is their order, and what is printed.
 */
#include "config.h"

#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/limits.h"
#include "main/doctor.h"

#define MAX_TEXT MIB(1)
#define NEGATIVE 1		/* exit: something has to be changed */

static const char *const words[] = {
	[FINDING_OK] = "ok", [FINDING_WARN] = "warn", [FINDING_FAIL] = "fail",
	[FINDING_SKIP] = "skip",
};

void
doctor_find(struct doctor *d, enum finding f, const char *check,
	struct str said, const char *const change[FRONT_SERVERS])
{
	struct finding_row *r;

	if (d->n == d->room) {
		d->rows = arena_larger(d->arena, d->rows,
			d->room * sizeof(*d->rows),
			(d->room + 32) * sizeof(*d->rows));
		d->room += 32;
	}
	r = &d->rows[d->n++];
	*r = (struct finding_row){ f, check, said, STR("") };
	if (change == NULL)
		return;
	r->change = str_of(change[d->front] != NULL ? change[d->front] :
		change[FRONT_UNKNOWN]);
}

/* ---- what is printed --------------------------------------------------------------- */
static void
put_member(struct buf *b, const char *key, struct str value)
{
	buf_fmt(b, "\"%s\":\"", key);
	buf_json(b, value);
	buf_char(b, '"');
}

static void
put_json(const struct doctor *d, struct buf *b, bool good)
{
	buf_char(b, '{');
	put_member(b, "url", d->base);
	buf_char(b, ',');
	put_member(b, "server", d->front_name);
	buf_fmt(b, ",\"ok\":%s,\"checks\":[", good ? "true" : "false");
	for (uint32_t i = 0; i < d->n; i++) {
		const struct finding_row *r = &d->rows[i];

		buf_add(b, i > 0 ? STR(",{") : STR("{"));
		put_member(b, "check", str_of(r->check));
		buf_char(b, ',');
		put_member(b, "result", str_of(words[r->finding]));
		buf_char(b, ',');
		put_member(b, "said", r->said);
		if (r->change.n > 0) {
			buf_char(b, ',');
			put_member(b, "change", r->change);
		}
		buf_char(b, '}');
	}
	buf_add(b, STR("]}\n"));
}

static void
put_lines(struct buf *b, struct str text)
{
	while (text.p != NULL) {
		struct str line = str_cut(&text, '\n');

		buf_fmt(b, "%22s%.*s\n", "", STR_ARG(line));
	}
}

static void
put_table(const struct doctor *d, struct buf *b)
{
	for (uint32_t i = 0; i < d->n; i++) {
		const struct finding_row *r = &d->rows[i];

		buf_fmt(b, "%-5s %-15s %.*s\n", words[r->finding], r->check,
			STR_ARG(r->said));
		if (r->change.n > 0)
			put_lines(b, r->change);
	}
}

/* ---- the order --------------------------------------------------------------------- */
static bool
find_base(struct doctor *d)
{
	struct url u;
	size_t at;

	if (d->ctl->n_words > 1)
		d->base = str_of(d->ctl->words[1]);
	else if (d->conf != NULL)
		d->base = conf_base(d->conf);
	while (d->base.n > 0 && d->base.p[d->base.n - 1] == '/')
		d->base.n--;
	if (!url_parse(d->base, &u))
		return false;
	at = str_search(d->base, STR("://")) + 3;
	d->origin = str_head(d->base, at +
		str_find(str_from(d->base, at), '/'));
	return true;
}

static void
examine(struct doctor *d)
{
	if (d->conf == NULL)
		doctor_find(d, FINDING_WARN, "configuration", str_fmt(d->arena,
			"is not known here: %.*s; some checks are left out",
			STR_ARG(d->ctl->why_no_conf)), NULL);
	if (doctor_health(d)) {
		if (d->conf != NULL) {
			doctor_bearer(d);
			doctor_forged(d);
		}
		if (!d->login)
			doctor_browser(d);
	}
	doctor_files(d);
}

int
ctl_doctor(struct ctl *c)
{
	struct buf b = buf_new(c->arena, MAX_TEXT);
	struct doctor d = { .ctl = c, .arena = c->arena, .base = STR("") };
	bool good = true;

	ctl_load(c);
	if (c->gen != NULL)
		d.conf = conf_tree(c->gen);
	if (!find_base(&d))
		return ctl_fail(EX_USAGE, "usage: doctor URL, where baseURL is "
			"not configured; the URL is that of the mount");
	d.loop = loop_new();
	d.wire = wire_new(d.loop);
	examine(&d);
	wire_free(d.wire);
	loop_free(d.loop);
	for (uint32_t i = 0; i < d.n; i++)
		good = good && d.rows[i].finding != FINDING_FAIL;
	if (c->json)
		put_json(&d, &b, good);
	else
		put_table(&d, &b);
	if (ctl_print(c, &b) != EX_OK)
		return EX_IOERR;
	return good ? EX_OK : NEGATIVE;
}
