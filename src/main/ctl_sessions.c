/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl sessions: which are alive, and an end to one of them
 *
 * A session is named SLOT.TURN here; the id that the client holds is
 * known to nobody else.
 */
#include "config.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/limits.h"
#include "gate/session.h"
#include "main/ctl.h"
#include "shm/sessions.h"

struct listing {
	const struct ctl *c;
	struct buf *b;
	unsigned n;
};

/* The server's name when the configuration knows it, else "-". */
static struct str
server_of(const struct ctl *c, uint64_t route)
{
	const struct conf *conf = c->gen != NULL ? conf_tree(c->gen) : NULL;

	for (uint32_t i = 0; conf != NULL && i < conf->n_servers; i++) {
		if (session_route(conf->servers[i].name) == route)
			return conf->servers[i].name;
	}
	return STR("-");
}

static void
put(void *who, const struct session_view *v)
{
	struct listing *l = who;
	struct str server = server_of(l->c, v->route);
	char caller[17];

	digest_hex(v->caller, 8, caller);
	if (!l->c->json) {
		buf_fmt(l->b, "%u.%u  %-16.*s %s %8" PRIu64 " %8" PRIu64 "\n",
			v->at.slot, v->at.turn, STR_ARG(server),
			v->known ? caller : "-               ",
			v->age_ms / 1000, v->idle_ms / 1000);
		return;
	}
	buf_fmt(l->b, "%s{\"id\":\"%u.%u\",\"server\":\"", l->n++ > 0 ? "," : "",
		v->at.slot, v->at.turn);
	buf_json(l->b, server);
	buf_fmt(l->b, "\",\"caller\":\"%s\",\"ageSeconds\":%" PRIu64
		",\"idleSeconds\":%" PRIu64 "}", v->known ? caller : "",
		v->age_ms / 1000, v->idle_ms / 1000);
}

static int
list(struct ctl *c)
{
	struct buf b = buf_new(c->arena, MIB(8));
	struct listing l = { .c = c, .b = &b };

	if (c->json)
		buf_add_c(&b, "{\"sessions\":[");
	else
		buf_add_c(&b, "id   server           caller                "
			"age s   idle s\n");
	sessions_each(c->segment, clock_boot_ms(), put, &l);
	if (c->json)
		buf_add_c(&b, "]}\n");
	return ctl_print(c, &b);
}

struct search {
	struct session_place at;
	bool found;
};

static void
compare(void *who, const struct session_view *v)
{
	struct search *s = who;

	s->found |= v->at.slot == s->at.slot && v->at.turn == s->at.turn;
}

static int
end(struct ctl *c, const char *id)
{
	struct str rest = str_of(id), slot = str_cut(&rest, '.');
	struct search s = { .found = false };
	uint64_t n, turn;

	if (rest.p == NULL || !str_number(slot, &n) ||
	    !str_number(rest, &turn) || n > UINT32_MAX || turn > UINT32_MAX)
		return ctl_fail(EX_USAGE, "'%s' is not a session like 12.3", id);
	s.at = (struct session_place){ (uint32_t)n, (uint32_t)turn };
	sessions_each(c->segment, clock_boot_ms(), compare, &s);
	if (!s.found)
		return ctl_fail(EX_DATAERR, "there is no session %s", id);
	sessions_end(c->segment, s.at);
	return EX_OK;
}

int
ctl_sessions(struct ctl *c)
{
	int rc;

	if (c->n_words != 1 && (c->n_words != 3 ||
	    strcmp(c->words[1], "end") != 0))
		return ctl_fail(EX_USAGE, "usage: sessions, or sessions end ID");
	rc = ctl_open(c, c->n_words == 1 ? SEGMENT_READ_ONLY : 0);
	if (rc != EX_OK)
		return rc;
	return c->n_words == 1 ? list(c) : end(c, c->words[2]);
}
