/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl revoke: who is refused from the next request on
 *
 * The journal is on disk before this says done; the workers look at the
 * table it enters with each request.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "conf/units.h"
#include "main/ctl.h"
#include "shm/revoked.h"

#define MAX_TEXT MIB(16)

static struct revoked *
open_revoked(struct ctl *c, int *rc_r)
{
	const char *why = "", *configured = c->state;
	struct revoked *r;

	*rc_r = ctl_open(c, 0);
	if (*rc_r != EX_OK)
		return NULL;
	if (configured == NULL && c->gen != NULL &&
	    conf_tree(c->gen)->store_path.n > 0)
		configured = conf_tree(c->gen)->store_path.p;
	r = revoked_open(c->segment, revoked_journal(configured, c->segment,
		c->arena), c->arena, &why);
	if (r == NULL)
		*rc_r = ctl_fail(EX_IOERR, "%s", why);
	return r;
}

static int
add(struct ctl *c, struct revoked *r, const struct revoked_entry *e)
{
	const char *why = "";

	if (revoked_add(r, e, clock_unix_s(), &why)) {
		ctl_count(c, 0, 1);
		return EX_OK;
	}
	return ctl_fail(EX_CANTCREAT, "not revoked: %s", why);
}

/* ---- what is meant ----------------------------------------------------------------- */
static int
revoke_token(struct ctl *c, struct revoked *r, struct revoked_entry *e)
{
	const char *text = ctl_read_secret(c, c->given[CTL_TOKEN]);
	struct str token, rest, part;

	if (text == NULL)
		return EX_DATAERR;
	token = rest = str_of(text);
	part = str_cut(&rest, '.');
	part.n += 1 + str_cut(&rest, '.').n;
	/* header.payload of a JWT; anything else counts as a whole */
	if (rest.p != NULL && str_find(rest, '.') == rest.n)
		token = (struct str){ text, part.n };
	e->name = revoked_token(token);
	e->kind = 't';
	e->what = STR("a token");
	return add(c, r, e);
}

static int
revoke_jti(struct ctl *c, struct revoked *r, struct revoked_entry *e,
	struct str issuer)
{
	e->name = revoked_jti(issuer, str_of(c->given[CTL_JTI]));
	e->kind = 'j';
	e->what = str_fmt(c->arena, "jti %s of %.*s", c->given[CTL_JTI],
		STR_ARG(issuer));
	return add(c, r, e);
}

/* The issuers of a server, or at last of the gateway. */
static const struct conf_texts *
issuers_of(const struct conf *conf, uint32_t i)
{
	return i < conf->n_servers ?
		&conf->servers[i].options.inbound.jwt.issuer :
		&conf->options.inbound.jwt.issuer;
}

/* The same one as that of a server before. */
static bool
is_again(const struct conf *conf, uint32_t server, struct str issuer)
{
	for (uint32_t i = 0; i < server; i++) {
		const struct conf_texts *t = issuers_of(conf, i);

		for (uint32_t k = 0; k < t->n; k++) {
			if (str_eq(t->v[k], issuer))
				return true;
		}
	}
	return false;
}

/* The issuers that any server believes. */
static int
revoke_jti_everywhere(struct ctl *c, struct revoked *r,
	struct revoked_entry *e)
{
	const struct conf *conf = c->gen != NULL ? conf_tree(c->gen) : NULL;
	uint32_t n = 0;
	int rc = EX_OK;

	if (c->given[CTL_ISS] != NULL)
		return revoke_jti(c, r, e, str_of(c->given[CTL_ISS]));
	for (uint32_t i = 0; conf != NULL && i <= conf->n_servers; i++) {
		const struct conf_texts *t = issuers_of(conf, i);

		for (uint32_t k = 0; rc == EX_OK && k < t->n; k++, n++) {
			if (!is_again(conf, i, t->v[k]))
				rc = revoke_jti(c, r, e, t->v[k]);
		}
	}
	if (rc == EX_OK && n == 0)
		return ctl_fail(EX_USAGE, "no issuer is configured; say --iss");
	return rc;
}

static int
revoke_user(struct ctl *c, struct revoked *r, struct revoked_entry *e)
{
	const char *before = c->given[CTL_BEFORE];

	e->name = revoked_user(str_of(c->given[CTL_USER]));
	e->kind = 'u';
	e->before = clock_unix_s() + 1;
	if (before != NULL && !value_date(str_of(before), &e->before))
		return ctl_fail(EX_USAGE, "--before: '%s' is not a time like "
			"2027-01-31T00:00:00Z", before);
	e->what = str_fmt(c->arena, "user %s", c->given[CTL_USER]);
	return add(c, r, e);
}

/* ---- listing ------------------------------------------------------------------------ */
struct listing {
	const struct ctl *c;
	struct buf *b;
	unsigned n;
};

static void
put_time(struct buf *b, int64_t unix_s)
{
	char stamp[CLOCK_STAMP];

	if (unix_s == INT64_MAX) {
		buf_add_c(b, "-");
		return;
	}
	clock_stamp(unix_s * 1000, stamp);
	buf_fmt(b, "%.19sZ", stamp);
}

static void
put_entry(void *who, const struct revoked_entry *e)
{
	struct listing *l = who;
	struct buf *b = l->b;

	if (!l->c->json) {
		put_time(b, e->until);
		buf_add_c(b, e->until == INT64_MAX ?
			"                    " : " ");
		buf_fmt(b, "%.*s", STR_ARG(e->what));
		if (e->before != REVOKED_ALWAYS) {
			buf_add_c(b, ", issued before ");
			put_time(b, e->before);
		}
		buf_add_c(b, "\n");
		return;
	}
	buf_add_c(b, l->n++ > 0 ? ",{\"what\":\"" : "{\"what\":\"");
	buf_json(b, e->what);
	buf_fmt(b, "\",\"kind\":\"%s\",\"until\":\"", e->kind == 'u' ? "user" :
		e->kind == 'j' ? "jti" : "token");
	put_time(b, e->until);
	buf_add_c(b, "\",\"before\":\"");
	put_time(b, e->before);
	buf_add_c(b, "\"}");
}

static int
list(struct ctl *c, struct revoked *r)
{
	struct buf b = buf_new(c->arena, MAX_TEXT);
	struct listing l = { .c = c, .b = &b };
	struct arena *a = arena_new(MAX_JOURNAL + MIB(1));
	int rc;

	if (c->json)
		buf_add_c(&b, "{\"revoked\":[");
	else
		buf_add_c(&b, "until                what\n");
	revoked_each(r, clock_unix_s(), a, put_entry, &l);
	if (c->json)
		buf_add_c(&b, "]}\n");
	rc = ctl_print(c, &b);
	arena_free(a);
	return rc;
}

/* ---- the verb ------------------------------------------------------------------------ */
static int
act(struct ctl *c, struct revoked *r)
{
	struct revoked_entry e = { .before = REVOKED_ALWAYS };
	unsigned n = (c->given[CTL_JTI] != NULL) + (c->given[CTL_USER] != NULL)
		+ (c->given[CTL_TOKEN] != NULL);
	int rc = ctl_until(c, &e.until);

	if (rc != EX_OK)
		return rc;
	if (n != 1)
		return ctl_fail(EX_USAGE,
			"revoke needs one of --jti, --user, --token");
	if (c->given[CTL_TOKEN] != NULL)
		return revoke_token(c, r, &e);
	if (c->given[CTL_USER] != NULL)
		return revoke_user(c, r, &e);
	return revoke_jti_everywhere(c, r, &e);
}

int
ctl_revoke(struct ctl *c)
{
	struct revoked *r;
	int rc;

	if (c->n_words > 1 && strcmp(c->words[1], "list") != 0)
		return ctl_fail(EX_USAGE, "usage: revoke --jti J, --user U, "
			"--token FILE, or revoke list");
	r = open_revoked(c, &rc);
	if (r == NULL)
		return rc;
	rc = c->n_words > 1 ? list(c, r) : act(c, r);
	revoked_close(r);
	return rc;
}
