/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl pool: the states of tokens, by index and name, and changes
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cred/credential.h"
#include "main/ctl.h"

#define MAX_TEXT MIB(1)

/* The configuration knows the tokens, the state only their digests. */
struct rotor *
ctl_bind(struct ctl *c, const struct conf_server *s)
{
	const struct conf_pool *pool = &s->options.pool;
	uint8_t (*digests)[ROTOR_DIGEST];
	struct rotor_plan plan = { .server = s->name, .n = pool->n };

	if (pool->n == 0)
		return NULL;
	digests = arena_alloc(c->arena, ROTOR_DIGEST * (size_t)pool->n);
	for (uint32_t i = 0; i < pool->n; i++)
		credential_digest(c->segment, &pool->v[i], digests[i]);
	plan.digests = (const uint8_t (*)[ROTOR_DIGEST])digests;
	return rotor_bind(c->segment, &plan, c->arena);
}

static const char *
state_of(const struct conf_token *k, const struct rotor_token *t, uint64_t now)
{
	if (k->disabled || t->disabled)
		return "disabled";
	return t->cooling_until_ms > now ? "cooling" : "usable";
}

static uint64_t
left_s(const struct rotor_token *t, uint64_t now)
{
	return t->cooling_until_ms > now
		? (t->cooling_until_ms - now + 999) / 1000 : 0;
}

/* ---- text ------------------------------------------------------------------------ */
static void
put_row(struct buf *b, const struct conf_server *s, uint32_t i,
	const struct rotor_token *t)
{
	const struct conf_token *k = &s->options.pool.v[i];
	uint64_t now = clock_boot_ms();

	buf_fmt(b, "%-16.*s %5u  %-12.*s %-9s %8u %6u %10" PRIu64 " %9u"
		" %8" PRIu64 "\n", STR_ARG(s->name), i,
		k->name.n > 0 ? (int)k->name.n : 1,
		k->name.n > 0 ? k->name.p : "-", state_of(k, t, now),
		t->failures, t->last_status, t->uses, t->in_flight,
		left_s(t, now));
}

static void
put_table(struct buf *b, const struct conf_server *s, const struct rotor *r)
{
	struct rotor_token t;

	for (uint32_t i = 0; i < s->options.pool.n; i++) {
		rotor_look(r, i, &t);
		put_row(b, s, i, &t);
	}
}

/* ---- JSON ------------------------------------------------------------------------- */
static void
put_token_json(struct buf *b, const struct conf_server *s, uint32_t i,
	const struct rotor_token *t)
{
	const struct conf_token *k = &s->options.pool.v[i];
	uint64_t now = clock_boot_ms();

	buf_fmt(b, "%s{\"index\":%u,\"name\":\"", i > 0 ? "," : "", i);
	buf_json(b, k->name);
	buf_fmt(b, "\",\"state\":\"%s\",\"failures\":%u,\"lastStatus\":%u,"
		"\"uses\":%" PRIu64 ",\"inFlight\":%u,\"coolingSeconds\":%"
		PRIu64 "}", state_of(k, t, now), t->failures, t->last_status,
		t->uses, t->in_flight, left_s(t, now));
}

static void
put_json(struct buf *b, const struct conf_server *s, const struct rotor *r,
	bool withdrawn)
{
	struct rotor_token t;

	buf_add_c(b, "{\"server\":\"");
	buf_json(b, s->name);
	buf_fmt(b, "\",\"next\":%" PRIu64 ",\"current\":%u,\"withdrawn\":%s,"
		"\"tokens\":[", rotor_peek(r), rotor_current(r),
		withdrawn ? "true" : "false");
	for (uint32_t i = 0; i < s->options.pool.n; i++) {
		rotor_look(r, i, &t);
		put_token_json(b, s, i, &t);
	}
	buf_add_c(b, "]}");
}

void
ctl_put_pools(struct ctl *c, struct buf *b, const char *only)
{
	const struct conf *conf = conf_tree(c->gen);
	bool first = true;

	if (!c->json)
		buf_add_c(b, "server           token  name         state     "
			"failures   last       uses in flight   rest s\n");
	for (uint32_t i = 0; i < conf->n_servers; i++) {
		const struct conf_server *s = &conf->servers[i];
		struct rotor *r;

		if (only != NULL && !str_is(s->name, only))
			continue;
		r = ctl_bind(c, s);
		if (r == NULL)
			continue;
		if (c->json && !first)
			buf_char(b, ',');
		first = false;
		if (c->json)
			put_json(b, s, r, rotor_withdrawn(r,
				conf->fingerprint));
		else
			put_table(b, s, r);
	}
}

/* ---- the verb ----------------------------------------------------------------------- */
static int
need_conf(const struct ctl *c)
{
	if (c->gen != NULL)
		return EX_OK;
	return ctl_fail(EX_CONFIG, "the tokens are not known without the "
		"configuration: %.*s", STR_ARG(c->why_no_conf));
}

static int
list(struct ctl *c, const char *only)
{
	struct buf b = buf_new(c->arena, MAX_TEXT);
	int rc = ctl_open(c, SEGMENT_READ_ONLY);

	if (rc == EX_OK)
		rc = need_conf(c);
	if (rc != EX_OK)
		return rc;
	if (only != NULL && ctl_server(c, only) == NULL)
		return ctl_fail(EX_DATAERR, "there is no server '%s'", only);
	if (c->json)
		buf_char(&b, '[');
	ctl_put_pools(c, &b, only);
	if (c->json)
		buf_add_c(&b, "]\n");
	return ctl_print(c, &b);
}

enum deed { CLEAR, DISABLE, ENABLE, REWIND, DEEDS };

static const char *const deeds[DEEDS] = {
	[CLEAR] = "clear", [DISABLE] = "disable", [ENABLE] = "enable",
	[REWIND] = "rewind",
};

static enum deed
find_deed(const char *word)
{
	int i = 0;

	while (i < DEEDS && strcmp(deeds[i], word) != 0)
		i++;
	return (enum deed)i;
}

static void
change(struct rotor *r, enum deed deed, uint32_t i)
{
	switch (deed) {
	case CLEAR:
		rotor_clear(r, i);
		break;
	case DISABLE:
		rotor_disable(r, i, true);
		break;
	case ENABLE:
		rotor_disable(r, i, false);
		break;
	default:
		break;
	}
}

/* One token, or all of the pool. */
static int
change_some(struct ctl *c, struct rotor *r, enum deed deed, uint32_t n)
{
	uint64_t one;

	if (c->n_words == 4) {
		if (!str_number(str_of(c->words[3]), &one) || one >= n)
			return ctl_fail(EX_DATAERR, "'%s' is not within 0..%u",
				c->words[3], n - 1);
		change(r, deed, (uint32_t)one);
		return EX_OK;
	}
	for (uint32_t i = 0; i < n; i++)
		change(r, deed, i);
	return EX_OK;
}

static int
steer(struct ctl *c, enum deed deed)
{
	const struct conf_server *s;
	struct rotor *r;
	int rc;

	if ((deed == DISABLE && c->n_words != 4)
	    || (deed == REWIND && c->n_words != 3))
		return ctl_fail(EX_USAGE, "usage: pool %s SERVER%s",
			deeds[deed], deed == DISABLE ? " N" : "");
	rc = ctl_open(c, 0);
	if (rc == EX_OK)
		rc = need_conf(c);
	if (rc != EX_OK)
		return rc;
	s = ctl_server(c, c->words[2]);
	if (s == NULL || s->options.pool.n == 0)
		return ctl_fail(EX_DATAERR, "%s '%s'", s == NULL
			? "there is no server" : "no tokens for server",
			c->words[2]);
	r = ctl_bind(c, s);
	if (r == NULL)
		return ctl_fail(EX_TEMPFAIL, "the pool's cells are not free");
	if (deed != REWIND)
		return change_some(c, r, deed, s->options.pool.n);
	rotor_rewind(r);
	return EX_OK;
}

int
ctl_pool(struct ctl *c)
{
	enum deed deed = c->n_words > 1 ? find_deed(c->words[1]) : DEEDS;

	if (deed != DEEDS && c->n_words > 2)
		return steer(c, deed);
	if (c->n_words > 2)
		return ctl_fail(EX_USAGE, "unknown word '%s': clear, disable, "
			"enable or rewind", c->words[1]);
	return list(c, c->n_words > 1 ? c->words[1] : NULL);
}
