/* SPDX-License-Identifier: MIT */
/*
 * health -- bodies of the pages, and when the gateway is ready
 */
#include "config.h"
#include "watch/health.h"

#include "kit/place.h"
#include "kit/tap.h"
#include "shm/keysets.h"

static void
reload(struct segment *s, uint32_t ok)
{
	struct segment_reload r = { .generation = 2, .ok = ok,
		.at_unix_s = 1700000000, .message = "f.json:1:1: no" };

	segment_say_reload(s, &r);
}

static void
fail_keys(struct segment *s)
{
	static const uint8_t name[KEYSET_NAME] = { 1 };
	uint64_t now_us = keyset_now_us();
	struct keyset_claim c;
	struct keyset k;

	OK(keyset_open(s, name, STR("https://keys.test"), now_us, &k));
	OK(keyset_claim(&k, KEYSET_SCHED, now_us, &c) == KEYSET_WON);
	keyset_fail(&k, &c, now_us, 0);
}

/* Nobody but an administrator is told which. */
static void
judge_strictly(const struct conf *c, const struct segment *s,
	struct arena *a)
{
	static const struct str names[] = { STR("one"), STR("t\"wo") };
	struct ready_strict strict = { .unhealthy = names, .tell = true };
	struct str text;

	IS_INT(ready_text(c, s, &strict, a, &text), 200);
	IS_STR(text, "{\"status\":\"ok\"}");
	strict.n = 2;
	IS_INT(ready_text(c, s, &strict, a, &text), 503);
	IS_STR(text, "{\"status\":\"degraded\",\"unhealthy\":[\"one\","
		"\"t\\\"wo\"]}");
	strict.tell = false;
	IS_INT(ready_text(c, s, &strict, a, &text), 503);
	IS_STR(text, "{\"status\":\"degraded\"}");
	IS_INT(ready_text(c, NULL, &strict, a, &text), 503);
	IS_STR(text, "{\"status\":\"unavailable\"}");
}

int
main(void)
{
	struct place p = place_new();
	struct segment *s = place_open(&p);
	struct conf_server *servers = ARENA_ARRAY(p.arena, struct conf_server,
		2);
	struct conf c = { .name = STR("a \"b\""), .servers = servers,
		.n_servers = 2 };
	const struct ready_strict none = { .tell = false };
	struct str text;

	servers[1].options.disabled = true;
	IS_STR(health_text(&c, p.arena), "{\"status\":\"ok\",\"name\":"
		"\"a \\\"b\\\"\",\"version\":\"" PACKAGE_VERSION
		"\",\"serverCount\":1}");
	c.version = STR("7.8");
	IS_STR(version_text(&c, p.arena), "{\"name\":\"a \\\"b\\\"\","
		"\"version\":\"7.8\"}");
	IS_INT(ready_text(&c, s, NULL, p.arena, &text), 200);
	IS_STR(text, "{\"status\":\"ok\"}");
	reload(s, 0);
	tap_int(ready_text(&c, s, NULL, p.arena, &text), 200,
		"a refused reload changes nothing", __LINE__);
	IS_STR(text, "{\"status\":\"ok\",\"lastReload\":\"refused\"}");
	reload(s, 1);
	IS_INT(ready_text(&c, s, NULL, p.arena, &text), 200);
	IS_STR(text, "{\"status\":\"ok\"}");
	judge_strictly(&c, s, p.arena);
	fail_keys(s);
	tap_int(ready_text(&c, s, &none, p.arena, &text), 503,
		"strictly, stale keys count", __LINE__);
	IS_STR(text, "{\"status\":\"degraded\",\"staleKeySets\":1}");
	IS_INT(ready_text(&c, s, NULL, p.arena, &text), 200);
	IS_STR(text, "{\"status\":\"ok\",\"staleKeySets\":1}");
	IS_INT(ready_text(&c, NULL, NULL, p.arena, &text), 503);
	IS_STR(text, "{\"status\":\"unavailable\"}");
	IS_INT(ready_text(NULL, s, NULL, p.arena, &text), 503);
	segment_close(s);
	place_end(&p);
	return tap_done();
}
