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
	const char *why = "", *journal;
	struct revoked *r;

	*rc_r = ctl_open(c, 0);
	if (*rc_r != EX_OK)
		return NULL;
	journal = ctl_journal(c);
	if (journal == NULL) {
		*rc_r = ctl_fail(EX_CONFIG, "which journal the gateway reads "
			"is not known: %.*s", STR_ARG(c->why_no_conf));
		return NULL;
	}
	r = revoked_open(c->segment, journal, c->arena, &why);
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
/* As it stands in a file, or as it was copied out of a request. */
static struct str
bare_token(struct str text)
{
	struct str head;

	while (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	text = str_trim(text);
	head = str_head(text, str_find(text, ' '));
	if (str_is_nocase(head, "Bearer"))
		text = str_trim(str_from(text, head.n));
	return text;
}

static int
revoke_token(struct ctl *c, struct revoked *r, struct revoked_entry *e)
{
	const char *text;
	struct str token, rest, part;
	int rc = ctl_read_secret(c, c->given[CTL_TOKEN], &text);

	if (rc != EX_OK)
		return rc;
	token = rest = bare_token(str_of(text));
	if (!str_visible(token))
		return ctl_fail(EX_DATAERR, "that is not a token");
	part = str_cut(&rest, '.');
	part.n += 1 + str_cut(&rest, '.').n;
	/* header.payload of a JWT; anything else counts as a whole */
	if (rest.p != NULL && str_find(rest, '.') == rest.n)
		token.n = part.n;
	e->name = revoked_token(token);
	e->kind = 't';
	e->what = STR("a token");
	return add(c, r, e);
}

/* Which issuers there are is not always known: a server may take the tokens
 * of any. */
static int
revoke_jti(struct ctl *c, struct revoked *r, struct revoked_entry *e)
{
	const char *jti = c->given[CTL_JTI], *issuer = c->given[CTL_ISS];

	e->kind = 'j';
	if (issuer != NULL) {
		e->name = revoked_jti(str_of(issuer), str_of(jti));
		e->what = str_fmt(c->arena, "jti %s of %s", jti, issuer);
	} else {
		e->name = revoked_jti_any(str_of(jti));
		e->what = str_fmt(c->arena, "jti %s", jti);
	}
	return add(c, r, e);
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
put_member(struct buf *b, const char *name, int64_t unix_s, int64_t none)
{
	if (unix_s == none) {
		buf_fmt(b, ",\"%s\":null", name);
		return;
	}
	buf_fmt(b, ",\"%s\":\"", name);
	put_time(b, unix_s);
	buf_char(b, '"');
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
	buf_fmt(b, "\",\"kind\":\"%s\"", e->kind == 'u' ? "user" :
		e->kind == 'j' ? "jti" : "token");
	put_member(b, "until", e->until, INT64_MAX);
	put_member(b, "before", e->before, REVOKED_ALWAYS);
	buf_char(b, '}');
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
void
ctl_revoke_words(struct ctl *c)
{
	static const struct {
		const char *word;
		int option;
	} words[] = {
		{ "jti", CTL_JTI }, { "subject", CTL_USER },
		{ "user", CTL_USER }, { "token-file", CTL_TOKEN },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (c->n_words == 3 && c->given[words[i].option] == NULL &&
		    strcmp(c->words[1], words[i].word) == 0) {
			c->given[words[i].option] = c->words[2];
			c->n_words = 1;
		}
	}
}

/* Who is meant has to be clear: an empty name is a variable of a script that
 * is not set, and nobody would be revoked. */
static int
check_words(const struct ctl *c)
{
	const char *const *given = c->given;
	const char *who = given[CTL_JTI] != NULL ? given[CTL_JTI] :
		given[CTL_USER] != NULL ? given[CTL_USER] : given[CTL_TOKEN];
	int n = (given[CTL_JTI] != NULL) + (given[CTL_USER] != NULL) +
		(given[CTL_TOKEN] != NULL);

	if (c->n_words > 1 && (c->n_words > 2 || n > 0 ||
	    strcmp(c->words[1], "list") != 0))
		return ctl_fail(EX_USAGE, "usage: revoke jti J, subject U, "
			"token-file FILE, or revoke list");
	if (c->n_words > 1)
		return EX_OK;
	if (n != 1 || who[0] == '\0')
		return ctl_fail(EX_USAGE,
			"revoke needs one of --jti, --user, --token");
	if (given[CTL_ISS] != NULL && given[CTL_JTI] == NULL)
		return ctl_fail(EX_USAGE, "--iss goes with --jti only");
	if (given[CTL_BEFORE] != NULL && given[CTL_USER] == NULL)
		return ctl_fail(EX_USAGE, "--before goes with --user only");
	return EX_OK;
}

static int
act(struct ctl *c, struct revoked *r)
{
	struct revoked_entry e = { .before = REVOKED_ALWAYS };
	int rc = ctl_until(c, &e.until);

	if (rc != EX_OK)
		return rc;
	if (c->given[CTL_TOKEN] != NULL)
		return revoke_token(c, r, &e);
	if (c->given[CTL_USER] != NULL)
		return revoke_user(c, r, &e);
	return revoke_jti(c, r, &e);
}

int
ctl_revoke(struct ctl *c)
{
	struct revoked *r;
	int rc = check_words(c);

	if (rc != EX_OK)
		return rc;
	r = open_revoked(c, &rc);
	if (r == NULL)
		return rc;
	rc = c->n_words > 1 ? list(c, r) : act(c, r);
	revoked_close(r);
	return rc;
}
