/* SPDX-License-Identifier: MIT */
/*
 * settings -- what the command line and the environment ask for, and the
 * configuration that goes with it
 *
 * Lifetime: the texts are those of argv and of the environment.
 * Secrets: none here; the loaded generation holds them.
 */
#ifndef MAIN_SETTINGS_H
#define MAIN_SETTINGS_H

#include "base/arena.h"
#include "conf/conf.h"

struct settings {
	const char *config;		/* --config, or NULL */
	const char *listen;		/* --listen, or NULL */
	const char *log_level;		/* --log-level, or NULL */
	const char *pidfile, *user, *group;
	uint32_t workers;		/* --workers; 0: not given */
	int env_overrides;		/* -1: not given */
	bool debug;
	bool cgi;			/* one request by CGI rules */

	/* found by settings_load() */
	const char *file;
	bool env_override, env_proxy;
};

/* "error", "warn", "info", "debug". */
bool settings_level(const char *word, enum log_level *level_r);

/* Finds and loads the file; messages go to stderr.  0 or an exit code.
 * check_only: as --check-config asks for. */
int settings_load(struct settings *s, bool check_only, struct arena *a,
	struct conf_gen **gen_r);

/* --check-config: loads everything, says what is wrong. An exit code. */
enum settings_tell { SETTINGS_TEXT, SETTINGS_JSON, SETTINGS_NOTHING };
int settings_check(struct settings *s, enum settings_tell tell);

/* Loads the file again; NULL: it was refused. aloud: the log says why. */
struct conf_gen *settings_reload(const struct settings *s, bool aloud);

/* The log as the configuration and --log-level want it. */
void settings_log(const struct settings *s, const struct conf *c);

/* The first generation is in force; later ones are told by the gate. */
void settings_say_loaded(const struct conf *c);

/* Are we a CGI program?  REQUEST_METHOD or GATEWAY_INTERFACE is set. */
bool settings_is_cgi(void);

#endif
