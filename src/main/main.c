/* SPDX-License-Identifier: MIT */
/*
 * mcpgate -- the gateway's program: reads its command line and becomes a
 * master with workers, one worker, or a CGI program
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/limits.h"
#include "main/cgi.h"
#include "main/listen.h"
#include "main/options.h"
#include "main/pool.h"
#include "main/print.h"
#include "main/probe.h"
#include "main/secure.h"
#include "main/settings.h"
#include "main/worker.h"

enum word { CONFIG, LISTEN, WORKERS, CHECK, DUMP, SCHEMA, OPTIONS, FAULTS_MD,
	APACHE, NGINX, LIGHTTPD, SYSTEMD, LOG_LEVEL, PIDFILE, USER, GROUP,
	ENV_OVERRIDES, DEBUG, VERSION_WORD, HELP };

static const struct option_row rows[] = {
	[CONFIG] = { "config", 'c', "FILE", false,
		"configuration file" },
	[LISTEN] = { "listen", 0, "ADDR", false,
		"unix:/path, tcp:127.0.0.1:port or fd:0; own workers" },
	[WORKERS] = { "workers", 0, "N", false,
		"number of own workers, 1..64" },
	[CHECK] = { "check-config", 't', NULL, false,
		"load everything, say what is wrong, exit" },
	[DUMP] = { "dump-config", 'T', NULL, false,
		"print the effective configuration, secrets hidden" },
	[SCHEMA] = { "print-schema", 0, NULL, false,
		"print the JSON Schema of the configuration" },
	[OPTIONS] = { "options", 0, NULL, false,
		"print the key reference as Markdown" },
	[FAULTS_MD] = { "faults", 0, NULL, false,
		"print the error replies as Markdown" },
	[APACHE] = { "print-apache", 0, "WAY", true,
		"print a configuration block for Apache" },
	[NGINX] = { "print-nginx", 0, "WAY", true,
		"print a configuration block for nginx" },
	[LIGHTTPD] = { "print-lighttpd", 0, "WAY", true,
		"print a configuration block for lighttpd" },
	[SYSTEMD] = { "print-systemd", 0, "WAY", true,
		"print a systemd unit" },
	[LOG_LEVEL] = { "log-level", 0, "LEVEL", false,
		"error, warn, info or debug" },
	[PIDFILE] = { "pidfile", 0, "FILE", false,
		"write the master's process id there" },
	[USER] = { "user", 0, "NAME", false,
		"become this user after the socket is open" },
	[GROUP] = { "group", 0, "NAME", false,
		"become this group; the socket's group" },
	[ENV_OVERRIDES] = { "env-overrides", 0, "yes|no", false,
		"may environment variables override keys" },
	[DEBUG] = { "debug", 0, NULL, false,
		"allow core dumps and debuggers" },
	[VERSION_WORD] = { "version", 'V', NULL, false,
		"print version and libraries" },
	[HELP] = { "help", 'h', NULL, false, "print this" },
	{ NULL, 0, NULL, false, NULL }
};

static void
print_help(void)
{
	(void)printf("usage: mcpgate [options]\n\n"
		"Without --listen it serves the FastCGI socket on descriptor "
		"0, one request\nin a CGI environment, or the address "
		"\"listen\" of the configuration.\n\n");
	options_help(rows, stdout);
}

static int
usage(const char *why)
{
	(void)fprintf(stderr, "mcpgate: %s\nmcpgate: try --help\n", why);
	return EX_USAGE;
}

/* ---- the command line --------------------------------------------------------- */
static const char *
set_workers(struct settings *s, const char *value)
{
	uint64_t n;

	if (!str_number(str_of(value), &n) || n < 1 || n > 64)
		return "--workers is not within 1..64";
	s->workers = (uint32_t)n;
	return NULL;
}

static const char *
set_level(struct settings *s, const char *value)
{
	enum log_level level;

	if (!settings_level(value, &level))
		return "--log-level is not one of error, warn, info, debug";
	s->log_level = value;
	return NULL;
}

static const char *
set_overrides(struct settings *s, const char *value)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return "--env-overrides is not one of yes, no";
	s->env_overrides = strcmp(value, "yes") == 0;
	return NULL;
}

/* A word that changes how we serve. NULL, or what is wrong with it. */
static const char *
set(struct settings *s, enum word word, const char *value)
{
	switch (word) {
	case CONFIG:
		s->config = value;
		return NULL;
	case LISTEN:
		s->listen = value;
		return NULL;
	case WORKERS:
		return set_workers(s, value);
	case LOG_LEVEL:
		return set_level(s, value);
	case PIDFILE:
		s->pidfile = value;
		return NULL;
	case USER:
		s->user = value;
		return NULL;
	case GROUP:
		s->group = value;
		return NULL;
	case ENV_OVERRIDES:
		return set_overrides(s, value);
	default:
		s->debug = true;
		return NULL;
	}
}

/* A word that makes us do something else than serve: HELP, CHECK, ... */
static bool
is_deed(int word)
{
	return (word >= CHECK && word <= SYSTEMD) || word == VERSION_WORD
		|| word == HELP;
}

/* ---- deeds: print something and leave ----------------------------------------- */
static int
dump(struct settings *s)
{
	struct arena *a = arena_new(MAX_CONFIG);
	struct conf_gen *g = NULL;
	int rc = settings_load(s, false, a, &g);

	if (rc == 0) {
		(void)printf("%.*s\n", STR_ARG(conf_dump(g, a)));
		conf_release(g);
	}
	arena_free(a);
	return rc;
}

static int
print_paper(struct str (*paper)(struct arena *))
{
	struct arena *a = arena_new(MAX_CONFIG);
	struct str text = paper(a);

	(void)fwrite(text.p, 1, text.n, stdout);
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		(void)putchar('\n');
	arena_free(a);
	return EX_OK;
}

static int
snippet(const char *family, const char *which)
{
	if (print_snippet(family, which))
		return EX_OK;
	return usage("there is no such way to print");
}

static int
do_deed(struct settings *s, int deed, const char *which)
{
	switch (deed) {
	case CHECK:
		return settings_check(s, SETTINGS_TEXT);
	case DUMP:
		return dump(s);
	case SCHEMA:
		return print_paper(conf_schema);
	case OPTIONS:
		return print_paper(conf_options_markdown);
	case FAULTS_MD:
		return print_paper(fault_markdown);
	case APACHE:
		return snippet("apache", which);
	case NGINX:
		return snippet("nginx", which);
	case LIGHTTPD:
		return snippet("lighttpd", which);
	case SYSTEMD:
		return snippet("systemd", which);
	case VERSION_WORD:
		print_version("mcpgate");
		return EX_OK;
	default:
		print_help();
		return EX_OK;
	}
}

/* ---- serving -------------------------------------------------------------------- */
static int
fail(int code, const char *why)
{
	(void)fprintf(stderr, "mcpgate: %s\n", why);
	return code;
}

static bool
write_pid(const char *path)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
		| O_CLOEXEC, 0644);
	bool ok = fd >= 0 && write(fd, text, (size_t)n) == n;

	if (fd >= 0)
		(void)close(fd);
	return ok;
}

/* Which socket: handed over, asked for, found on descriptor 0, configured. */
static const char *
choose(const struct settings *s, const struct conf *c, bool inherited)
{
	if (inherited)
		return "fd:3";
	if (s->listen != NULL)
		return s->listen;
	if (listen_ready(STDIN_FILENO))
		return "fd:0";
	return c->listen.n > 0 ? c->listen.p : NULL;
}

/* From here on the rights of --user; the file must stay readable, or no
 * reload would ever work. */
static int
become(const struct settings *s, const struct secure_ids *ids)
{
	if (!secure_drop(ids, s->user)) {
		(void)fprintf(stderr, "mcpgate: cannot become user '%s' "
			"group '%s': %s\n", s->user != NULL ? s->user : "-",
			s->group != NULL ? s->group : "-", strerror(errno));
		return EX_NOPERM;
	}
	secure_process(s->debug);	/* a change of user undoes it */
	if (access(s->file, R_OK) == 0)
		return EX_OK;
	(void)fprintf(stderr, "mcpgate: cannot read '%s' as user '%s': %s\n",
		s->file, s->user != NULL ? s->user : "-", strerror(errno));
	return EX_NOPERM;
}

static void
clear_away(const struct settings *s, const struct listener *l)
{
	listen_unlink(l);
	if (s->pidfile != NULL)
		(void)unlink(s->pidfile);
}

/* Everything that may fail before the first worker. */
static int
prepare(const struct settings *s, struct listen_plan *p, struct listener *l_r)
{
	struct secure_ids ids;
	char why[128];
	int rc;

	if (!secure_find(s->user, s->group, &ids, why, sizeof why))
		return fail(EX_NOUSER, why);
	p->uid = ids.uid;
	p->gid = ids.gid;
	rc = listen_open(p, l_r);
	if (rc != 0)
		return fail(rc, l_r->why);
	if (s->pidfile != NULL && !write_pid(s->pidfile)) {
		listen_unlink(l_r);
		return fail(EX_CANTCREAT, "cannot write the pid file");
	}
	rc = become(s, &ids);
	if (rc != 0)
		clear_away(s, l_r);
	return rc;
}

/* Our own master and its workers. Takes the generation over. */
static int
serve_pool(struct settings *s, struct conf_gen *g, struct listen_plan *p)
{
	struct listener l;
	bool master = true;
	int rc = prepare(s, p, &l);

	if (rc != 0) {
		conf_release(g);
		return rc;
	}
	rc = pool_run(&(struct pool_plan){ .settings = s, .conf = g,
		.listener = &l }, &master);
	if (master)
		clear_away(s, &l);
	return rc;
}

/* A web server or spawner has put a listening socket on descriptor 0. */
static int
serve_spawned(struct settings *s, struct conf_gen *g)
{
	settings_log(s, conf_tree(g));
	settings_say_loaded(conf_tree(g));
	if (probe_wanted(conf_tree(g)) &&
	    probe_run(conf_tree(g), NULL) != EX_OK) {
		log_flush();
		conf_release(g);
		return EX_UNAVAILABLE;
	}
	return worker_run(&(struct worker_plan){ .settings = s, .conf = g,
		.state = conf_state(conf_tree(g)), .fd = STDIN_FILENO });
}

static int
serve_loaded(struct settings *s, struct conf_gen *g, bool inherited)
{
	struct listen_plan p = {
		.address = choose(s, conf_tree(g), inherited),
		.mode = (mode_t)conf_tree(g)->socket_mode,
	};

	if (p.address == NULL) {
		conf_release(g);
		return usage("nothing to serve: say --listen ADDR, or let a "
			"web server start it");
	}
	if (s->listen == NULL && s->workers == 0
	    && strcmp(p.address, "fd:0") == 0)
		return serve_spawned(s, g);
	return serve_pool(s, g, &p);
}

static int
serve(struct settings *s)
{
	struct arena *a = arena_new(MAX_ARENA);
	struct conf_gen *g = NULL;
	bool inherited = listen_inherited() >= 0;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);	/* nobody may read what we say */
	s->cgi = settings_is_cgi() && !inherited && s->listen == NULL
		&& !listen_ready(STDIN_FILENO);
	if (s->cgi) {
		arena_free(a);
		return cgi_run(s);
	}
	rc = settings_load(s, false, a, &g);
	if (rc == 0)
		rc = serve_loaded(s, g, inherited);
	arena_free(a);
	return rc;
}

int
main(int argc, char **argv)
{
	struct settings s = { .env_overrides = -1 };
	struct options o;
	const char *which = NULL, *why;
	int word, deed = OPTIONS_END;
	bool cgi = settings_is_cgi();

	if (cgi && argc > 1 && cgi_query_has_options(getenv("QUERY_STRING")))
		return cgi_refuse_options();
	options_init(&o, rows, argc, argv);
	for (word = options_next(&o); word >= 0; word = options_next(&o)) {
		if (is_deed(word)) {
			deed = word;
			which = o.value;
			continue;
		}
		why = set(&s, (enum word)word, o.value);
		if (why != NULL)
			return usage(why);
	}
	if (word == OPTIONS_BAD)
		return usage(o.why);
	if (o.at < argc && !cgi)
		return usage("unexpected argument");	/* else the query's */
	secure_process(s.debug);
	return deed != OPTIONS_END ? do_deed(&s, deed, which) : serve(&s);
}
