/* SPDX-License-Identifier: MIT */
/*
 * access_log -- which line a request leaves, at which level
 */
#include "config.h"
#include "watch/access_log.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "kit/tap.h"

static char path[] = "/tmp/gate-test-XXXXXX";

static const struct {
	const char *name;
	int fault;			/* kind, or -1 */
	int status;
	bool enabled, hash;
	uint32_t attempts;
	const char *with, *without;	/* NULL: there is no line */
} cases[] = {
	{ "a call", -1, 200, true, false, 1, "\"level\":\"info\"",
		"\"reason\"" },
	{ "its token", -1, 200, true, false, 1,
		"\"msg\":\"using token index 7\"", "tokens" },
	{ "two attempts", -1, 200, true, false, 2,
		"\"msg\":\"using token index 4\"", NULL },
	{ "both by index", -1, 200, true, false, 2,
		"\"attempts\":2,\"tokens\":\"4 7\"", NULL },
	{ "a refusal", FAULT_TOKEN_EXPIRED, 401, true, false, 0,
		"\"level\":\"warn\"", "using token" },
	{ "its reason", FAULT_TOKEN_EXPIRED, 401, true, false, 0,
		"\"reason\":\"token_expired\",\"detail\":\"why 5\"", NULL },
	{ "its sentence", FAULT_TOKEN_EXPIRED, 401, true, false, 0,
		"request refused: token_expired", NULL },
	{ "broken", FAULT_UPSTREAM_DOWN, 502, true, false, 1,
		"\"level\":\"error\"", "request refused" },
	{ "what the client reads", FAULT_PROXY_AUTH, 502, true, false, 1,
		"\"msg\":\"proxy authentication required (407)\"", NULL },
	{ "and which token it was", FAULT_PROXY_AUTH, 502, true, false, 1,
		"\"msg\":\"using token index 4\"", NULL },
	{ "an error inside of a 200", FAULT_UPSTREAM_DOWN, 200, true, false,
		0, "\"level\":\"error\"", NULL },
	{ "client gone", FAULT_CLIENT_GONE, 499, true, false, 1,
		"\"level\":\"info\"", NULL },
	{ "switched off", -1, 200, false, false, 2, NULL, "request" },
	{ "a refusal is written always", FAULT_FORBIDDEN, 403, false, false,
		0, "forbidden", NULL },
	{ "user in clear", -1, 200, true, false, 1, "\"user\":\"alice\"",
		NULL },
	{ "user hashed", -1, 200, true, true, 1, "\"user\":\"", "alice" },
};

static struct str
written(char *room, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n = f != NULL ? fread(room, 1, size, f) : 0;

	if (f != NULL)
		fclose(f);
	if (truncate(path, 0) != 0)
		return STR_NONE;
	return (struct str){ room, n };
}

static void
check(size_t i)
{
	static const uint8_t tokens[2] = { 4, 7 }, key[ACCESS_LOG_KEY];
	struct arena *a = arena_new(4096);
	char room[8192];
	struct str text;
	struct access r = {
		.request_id = STR("rid"), .server = STR("s"),
		.method = STR("tools/call"), .tool = STR("echo"),
		.user = STR("alice"), .how = STR("token"),
		.client = STR("127.0.0.1"), .step = "auth", .page = "",
		.status = cases[i].status, .token = -1, .tokens = tokens,
		.attempts = cases[i].attempts, .us = 1234, .bytes = 99,
		.enabled = cases[i].enabled,
		.hash_key = cases[i].hash ? key : NULL,
	};

	if (cases[i].fault >= 0)
		r.fault = fault_new(a, (enum fault_kind)cases[i].fault,
			"why %d", 5);
	if (r.attempts > 0)
		r.token = 7;
	access_log(&r);
	log_flush();
	text = written(room, sizeof room);
	if (cases[i].with != NULL && !tap_ok(str_search(text,
	    str_of(cases[i].with)) < text.n, "%s", cases[i].name))
		printf("# %.*s\n", STR_ARG(text));
	if (cases[i].without != NULL)
		tap_ok(str_search(text, str_of(cases[i].without)) == text.n,
			"%s: nothing else", cases[i].name);
	arena_free(a);
}

int
main(void)
{
	int fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	if (!log_open(&(struct log_plan){ .target = LOG_FILE, .path = path,
	    .format = LOG_JSON, .level = LOG_LEVEL_INFO }))
		return 1;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check(i);
	unlink(path);
	return tap_done();
}
