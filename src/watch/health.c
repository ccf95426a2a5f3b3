/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "watch/health.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "shm/keysets.h"

#define MAX_TEXT KIB(2)		/* a name, a version, a refused reload */

static struct str
take(struct buf *b)
{
	struct str text = STR("{\"status\":\"ok\"}");

	(void)buf_take(b, &text);
	return text;
}

/* `version` of the configuration, else that of the program. */
static struct str
version_of(const struct conf *c)
{
	return c->version.n > 0 ? c->version : STR(PACKAGE_VERSION);
}

static uint32_t
count_servers(const struct conf *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n_servers; i++)
		n += !c->servers[i].options.disabled;
	return n;
}

struct str
health_text(const struct conf *c, struct arena *a)
{
	struct buf b = buf_new(a, MAX_TEXT);

	buf_add_c(&b, "{\"status\":\"ok\"");
	buf_member(&b, "name", c->name);
	buf_member(&b, "version", version_of(c));
	buf_fmt(&b, ",\"serverCount\":%u}", count_servers(c));
	return take(&b);
}

/* A refused reload leaves the old configuration at work: still ready. */
static void
put_reload(struct buf *b, const struct segment *s)
{
	struct segment_reload r = { 0 };

	segment_last_reload(s, &r);
	if (r.at_unix_s != 0 && r.ok == 0)
		buf_add_c(b, ",\"lastReload\":\"refused\"");
}

/* Key sets that could not be fetched anew serve on for a day: still ready,
 * but somebody should look.  Which ones, status says. */
static uint32_t
failing_keys(const struct segment *s, struct arena *a)
{
	struct keyset_view v[KEYSETS];
	uint32_t n = keyset_list(s, v, KEYSETS, a), failing = 0;

	for (uint32_t i = 0; i < n; i++)
		failing += v[i].failing;
	return failing;
}

static void
put_unhealthy(struct buf *b, const struct ready_strict *strict)
{
	buf_add_c(b, ",\"unhealthy\":[");
	for (uint32_t i = 0; i < strict->n; i++) {
		buf_add_c(b, i > 0 ? ",\"" : "\"");
		buf_json(b, strict->unhealthy[i]);
		buf_char(b, '"');
	}
	buf_char(b, ']');
}

/* As many names as there are, with every byte escaped. */
static size_t
room_for(const struct ready_strict *strict)
{
	size_t n = MAX_TEXT;

	for (uint32_t i = 0; strict != NULL && i < strict->n; i++)
		n += 6 * strict->unhealthy[i].n + 3;
	return n;
}

int
ready_text(const struct conf *c, const struct segment *s,
	const struct ready_strict *strict, struct arena *a,
	struct str *text_r)
{
	struct buf b = buf_new(a, room_for(strict));
	bool starts = s != NULL && segment_starts(s);
	bool ready = c != NULL && s != NULL && !starts;
	uint32_t failing = s != NULL ? failing_keys(s, a) : 0;
	bool degraded = ready && strict != NULL &&
		(strict->n > 0 || failing > 0);

	buf_fmt(&b, "{\"status\":\"%s\"", degraded ? "degraded" :
		ready ? "ok" : starts ? "initializing" : "unavailable");
	if (s != NULL)
		put_reload(&b, s);
	if (failing > 0)
		buf_fmt(&b, ",\"staleKeySets\":%u", failing);
	if (degraded && strict->tell)
		put_unhealthy(&b, strict);
	buf_char(&b, '}');
	*text_r = take(&b);
	return ready && !degraded ? 200 : 503;
}

struct str
version_text(const struct conf *c, struct arena *a)
{
	struct buf b = buf_new(a, MAX_TEXT);

	buf_add_c(&b, "{\"name\":\"");
	buf_json(&b, c->name);
	buf_char(&b, '"');
	buf_member(&b, "version", version_of(c));
	buf_char(&b, '}');
	return take(&b);
}
