/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl ip: addresses that are banned, or let in, while it runs
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "main/ctl.h"
#include "shm/bans.h"

#define MAX_TEXT MIB(1)

static const char usage[] = "ip ban ADDRESS [--for TIME], ip allow ADDRESS "
	"[--for TIME], ip clear ADDRESS, or ip list";

/* ---- the list ---------------------------------------------------------------- */
static struct str
address_of(const struct ban *b, char room[CONF_ADDR_TEXT])
{
	struct conf_cidr c = { .bits = b->span.bits, .v6 = b->span.v6 };

	memcpy(c.addr, b->span.addr, sizeof c.addr);
	return conf_addr_text(&c, room);
}

static void
put_row(struct buf *b, const struct ban *ban)
{
	char room[CONF_ADDR_TEXT], until[CLOCK_STAMP] = "-";

	if (ban->span.until_unix_s != SPANS_FOREVER)
		clock_stamp(ban->span.until_unix_s * 1000, until);
	buf_fmt(b, "%-44.*s %-6s %s\n", STR_ARG(address_of(ban, room)),
		ban->allow ? "allow" : "ban", until);
}

static void
put_json(struct buf *b, const struct ban *ban, int64_t now)
{
	char room[CONF_ADDR_TEXT], until[CLOCK_STAMP];

	buf_fmt(b, "{\"address\":\"%.*s\",\"kind\":\"%s\",",
		STR_ARG(address_of(ban, room)), ban->allow ? "allow" : "ban");
	if (ban->span.until_unix_s == SPANS_FOREVER) {
		buf_add_c(b, "\"until\":null,\"secondsLeft\":null}");
		return;
	}
	clock_stamp(ban->span.until_unix_s * 1000, until);
	buf_fmt(b, "\"until\":\"%s\",\"secondsLeft\":%" PRId64 "}", until,
		ban->span.until_unix_s - now);
}

static int
list(struct ctl *c)
{
	struct buf b = buf_new(c->arena, MAX_TEXT);
	struct ban *v = ARENA_ARRAY(c->arena, struct ban, BANS_PLACES);
	int64_t now = clock_unix_s();
	int rc = ctl_open(c, SEGMENT_READ_ONLY);
	uint32_t n;

	if (rc != EX_OK)
		return rc;
	n = bans_list(c->segment, now, v, BANS_PLACES);
	if (c->json)
		buf_char(&b, '[');
	else if (n > 0)
		buf_fmt(&b, "%-44s %-6s %s\n", "address", "kind", "until");
	for (uint32_t i = 0; i < n; i++) {
		if (c->json && i > 0)
			buf_char(&b, ',');
		if (c->json)
			put_json(&b, &v[i], now);
		else
			put_row(&b, &v[i]);
	}
	if (c->json)
		buf_add_c(&b, "]\n");
	return ctl_print(c, &b);
}

/* ---- changes ------------------------------------------------------------------- */
static int
tell(const struct ctl *c, enum bans_word said)
{
	switch (said) {
	case BANS_NONE:
		return ctl_fail(EX_DATAERR, "there is no entry '%s'",
			c->words[2]);
	case BANS_FULL:
		return ctl_fail(EX_TEMPFAIL, "no room: %d entries",
			BANS_MOST);
	case BANS_BUSY:
		return ctl_fail(EX_TEMPFAIL, "the shared state is busy");
	default:
		return EX_OK;
	}
}

/* What is larger than it looks is told. */
static int
read_block(const struct ctl *c, const char *text, struct span *block_r)
{
	struct conf_cidr address;
	char room[CONF_ADDR_TEXT];

	if (!conf_cidr_parse(str_of(text), &address) || address.unix_peer)
		return ctl_fail(EX_DATAERR, "'%s' is not an address or CIDR "
			"block", text);
	if (!c->quiet && conf_cidr_masked(str_of(text), &address))
		ctl_fail(EX_OK, "'%s' has bits behind its prefix: read as "
			"%.*s", text, STR_ARG(conf_addr_text(&address, room)));
	memcpy(block_r->addr, address.addr, sizeof block_r->addr);
	block_r->bits = address.bits;
	block_r->v6 = address.v6;
	return EX_OK;
}

static int
change(struct ctl *c, const char *deed)
{
	struct ban b = { .allow = strcmp(deed, "allow") == 0 };
	bool clear = strcmp(deed, "ban") != 0 && !b.allow;
	int rc = ctl_until(c, &b.span.until_unix_s);

	if (rc == EX_OK)
		rc = read_block(c, c->words[2], &b.span);
	if (rc != EX_OK)
		return rc;
	rc = ctl_open(c, 0);
	if (rc != EX_OK)
		return rc;
	return tell(c, clear ? bans_drop(c->segment, &b.span) :
		bans_put(c->segment, &b, clock_unix_s()));
}

int
ctl_ip(struct ctl *c)
{
	static const char *const deeds[] = { "ban", "allow", "clear",
		"remove" };
	bool timed = c->given[CTL_FOR] != NULL || c->given[CTL_UNTIL] != NULL;

	if (strcmp(c->words[1], "list") == 0 && c->n_words == 2 && !timed)
		return list(c);
	for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
		if (strcmp(c->words[1], deeds[i]) == 0 && c->n_words == 3 &&
		    !(timed && i >= 2))
			return change(c, deeds[i]);
	}
	return ctl_fail(EX_USAGE, "usage: %s", usage);
}
