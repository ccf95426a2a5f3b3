/* SPDX-License-Identifier: MIT */
/*
 * rotator -- in sessions, for the gateway itself, against misuse; what it logs
 */
#include "config.h"
#include "cred/rotator.h"

#include <fcntl.h>

#include "kit/tap.h"
#include "kit/tokens.h"
#include "shm/pins.h"

#define RR ROTATION_ROUND_ROBIN
#define FF ROTATION_ON_FIRST_FAILED

/* ---- sessions ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	enum rotation mode;
	enum sticky sticky;
	const char *answers;		/* after the session was made with a */
	const char *used;		/* two requests of that session */
	enum fault_kind first;		/* FAULT_KINDS: none */
	bool pinned;			/* still, after the first */
} sessions[] = {
	{ "a session keeps its token", RR, STICKY_SESSION, "", "a|a|",
		FAULT_KINDS, true },
	{ "sticky none draws anew", RR, STICKY_NONE, "", "b|c|", FAULT_KINDS,
		false },
	{ "refused in round-robin: told, the pin goes", RR, STICKY_SESSION,
		"a4", "a|b|", FAULT_UPSTREAM_AUTH, false },
	{ "refused in on-first-failed: begin anew", FF, STICKY_SESSION, "a4",
		"a|b|", FAULT_SESSION_NOT_FOUND, false },
	{ "insufficient_scope keeps the session", FF, STICKY_SESSION, "as",
		"a|a|", FAULT_UPSTREAM_AUTH, true },
	{ "the upstream lost the session", FF, STICKY_SESSION, "an", "a|a|",
		FAULT_SESSION_NOT_FOUND, false },
	{ "500 keeps the session", FF, STICKY_SESSION, "a5", "a|a|",
		FAULT_UPSTREAM_ERROR, true },
	{ "no answer keeps the session", FF, STICKY_SESSION, "at", "a|a|",
		FAULT_KINDS, true },
};

static uint32_t
pin_of(struct desk *d)
{
	uint8_t digests[3][ROTOR_DIGEST];
	struct rotor_plan plan = { .server = d->server.name,
		.digests = (const uint8_t (*)[ROTOR_DIGEST])digests,
		.n = d->server.options.pool.n };

	for (uint32_t i = 0; i < plan.n; i++)
		rotor_digest(d->segment, (struct str){ &d->letters[i], 1 },
			digests[i]);
	return pins_get(d->segment, d->server.name, STR("sid"), &plan,
		d->now_boot_ms);
}

static void
check_session(size_t i)
{
	struct desk d;
	enum fault_kind first;
	bool pinned;

	desk_open(&d, "abc", sessions[i].mode);
	d.server.options.pool.sticky = sessions[i].sticky;
	desk_ask(&d);
	rotator_learn_session(d.rotator, &d.try, STR("sid"));
	d.session = STR("sid");
	d.used[0] = '\0';
	desk_answers(&d, sessions[i].answers);
	desk_ask(&d);
	first = d.fault == NULL ? FAULT_KINDS : d.fault->kind;
	pinned = pin_of(&d) == 0;
	desk_ask(&d);
	if (!tap_ok(strcmp(d.used, sessions[i].used) == 0 &&
	    first == sessions[i].first && pinned == sessions[i].pinned, "%s",
	    sessions[i].name))
		printf("# used %s, first %d, pinned %d\n", d.used, first,
			pinned);
	desk_end(&d);
}

static void
session_ends(void)
{
	struct desk d;
	uint32_t pin;

	desk_open(&d, "abc", RR);
	desk_ask(&d);
	rotator_learn_session(d.rotator, &d.try, STR("sid"));
	IS_INT(pin_of(&d), 0);
	rotator_forget_session(d.rotator, STR("sid"));
	IS_INT(pin_of(&d), ROTOR_NONE);
	d.session = STR("sid");
	desk_ask(&d);
	tap_ok(strcmp(d.used, "a|b|") == 0 && pin_of(&d) == 1,
		"an unpinned session is pinned where it works");
	desk_tokens(&d, "ac");
	desk_load(&d);
	desk_ask(&d);
	tap_ok(pin_of(&d) != ROTOR_NONE, "a removed token: pinned elsewhere");
	pin = pin_of(&d);
	rotor_disable(desk_cells(&d), pin, true);
	desk_ask(&d);
	tap_ok(d.fault == NULL && d.try.index != pin,
		"a disabled token leaves its sessions");
	tap_ok(pin_of(&d) == d.try.index, "they are pinned elsewhere");
	desk_end(&d);
}

/* ---- own calls, guard -------------------------------------------------------------------- */

static void
own_calls(void)
{
	struct desk d;

	desk_open(&d, "abc", RR);
	d.own_call = true;
	desk_ask(&d);
	desk_ask(&d);
	d.own_call = false;
	desk_ask(&d);
	tap_ok(strcmp(d.used, "a|a|a|") == 0 && desk_look(&d, 0).uses == 1,
		"the gateway's own calls move nothing");
	d.server.options.pool.mode = FF;
	desk_load(&d);
	rotor_failed(desk_cells(&d), 0, 401, d.now_boot_ms, 60000, 60000);
	d.own_call = true;
	d.session = STR("sid");
	desk_ask(&d);
	tap_ok(pin_of(&d) == ROTOR_NONE, "and pin no session");
	d.session = STR_NONE;
	d.used[strlen("a|a|a|")] = '\0';
	desk_ask(&d);
	tap_ok(strcmp(d.used, "a|a|a|b|") == 0 &&
		rotor_current(rotator_cells(d.rotator)) == 0,
		"not even a failed current");
	desk_end(&d);
}

static void
guard(void)
{
	struct desk d;
	struct rotator *other;

	desk_open(&d, "abc", RR);
	tap_ok(!rotator_holds(d.rotator, STR("b")),
		"only lists from authTokens are guarded");
	d.server.options.pool.from_auth_tokens = true;
	desk_load(&d);
	other = rotator_new(d.segment, &d.server, d.fingerprint, d.arena);
	OK(rotator_holds(d.rotator, STR("a")));
	OK(rotator_holds(d.rotator, STR("c")));
	OK(!rotator_holds(d.rotator, STR("d")));
	OK(!rotator_holds(d.rotator, STR("ab")));
	OK(!rotator_holds(d.rotator, STR_NONE));
	d.own_call = true;
	desk_ask(&d);
	tap_ok(strcmp(d.used, "|") == 0 && d.fault == NULL,
		"own calls go without");
	d.own_call = false;
	OK(rotator_usable(d.rotator, d.now_boot_ms));
	rotator_withdraw(other);
	tap_ok(!rotator_usable(d.rotator, d.now_boot_ms),
		"what is withdrawn is not said to be ready");
	desk_ask(&d);
	tap_ok(strcmp(d.used, "||") == 0 && d.fault != NULL &&
		d.fault->kind == FAULT_CREDENTIAL_WITHDRAWN &&
		d.fault->http == 502, "withdrawn for all workers");
	d.fingerprint++;
	desk_load(&d);
	desk_ask(&d);
	tap_ok(strcmp(d.used, "||a|") == 0, "until the configuration changes");
	desk_end(&d);
}

/* ---- log lines ------------------------------------------------------------------------------ */

static void
log_lines(void)
{
	static const char *const lines[] = {
		"token index 0 refused (401), cooling for 60s",
		"token index 1 refused (403), cooling for 1500ms",
		"token index 2 is out of quota (403), cooling for 7s",
		"all authentication tokens failed after 3 attempts (",
		"attempts (statuses: [401 403 403])",
		"token index 0 is usable again",
		"session moved from token index 0 to 1",
		"\"request_id\":\"r1\"", "\"server\":\"s\"",
		"\"token\":2", "\"status\":403", "\"event\":\"token\"",
	};
	static char text[65536];
	struct desk d;
	char path[96];
	ssize_t n;
	int fd;

	desk_open(&d, "abc", FF);
	snprintf(path, sizeof(path), "%s/other", d.place.dir);
	log_open(&(struct log_plan){ .target = LOG_FILE, .path = path,
		.format = LOG_JSON, .level = LOG_LEVEL_INFO });
	desk_answers(&d, "a4");
	desk_ask(&d);
	rotor_clear(desk_cells(&d), 0);
	rotor_rewind(desk_cells(&d));
	d.server.options.pool.cooldown_ms = 60000;
	desk_answers(&d, "awb4cq");
	rotor_failed(desk_cells(&d), 0, 401, d.now_boot_ms, 1, 1);
	rotor_clear(desk_cells(&d), 1);
	desk_answers(&d, "a4b3");
	rotor_clear(desk_cells(&d), 0);
	desk_ask(&d);
	d.now_boot_ms += 60000;
	desk_answers(&d, "awbwcw");
	rotor_clear(desk_cells(&d), 1);
	d.server.options.pool.cooldown_ms = 1500;
	desk_answers(&d, "b3");
	rotor_move(desk_cells(&d), rotor_current(rotator_cells(d.rotator)),
		1);
	desk_ask(&d);
	rotor_move(desk_cells(&d), rotor_current(rotator_cells(d.rotator)),
		0);
	desk_ask(&d);
	rotator_learn_session(d.rotator, &d.try, STR("sid"));
	rotor_move(desk_cells(&d), 0, 1);
	desk_answers(&d, "bw");
	rotor_clear(desk_cells(&d), 1);
	desk_ask(&d);
	rotator_learn_session(d.rotator, &d.try, STR("sid"));
	log_flush();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(fd);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!tap_ok(strstr(text, lines[i]) != NULL, "%s", lines[i]))
			printf("# %s\n", text);
	desk_end(&d);
}

int
main(void)
{
	log_open(&(struct log_plan){ .target = LOG_FILE,
		.path = "/dev/null", .format = LOG_JSON });
	for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++)
		check_session(i);
	session_ends();
	own_calls();
	guard();
	log_lines();
	return tap_done();
}
