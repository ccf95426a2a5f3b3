/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/settings.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/auth.h"
#include "base/limits.h"

bool
settings_is_cgi(void)
{
	return getenv("REQUEST_METHOD") != NULL
		|| getenv("GATEWAY_INTERFACE") != NULL;
}

bool
settings_level(const char *word, enum log_level *level_r)
{
	static const char *const words[] = { "error", "warn", "info",
		"debug" };

	for (int i = 0; i < 4; i++) {
		if (strcmp(word, words[i]) == 0) {
			*level_r = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* What the command line says stands for the variable, which beats the file
 * and is read again at each reload. */
static bool
may_override(const struct settings *s)
{
	if (s->cgi || s->env_overrides == 0)
		return false;
	if (s->env_overrides == 1)
		(void)setenv("MCPGATE_ENV_OVERRIDES", "true", 1);
	return true;
}

/* Would a line to standard error be taken at once?  With CGI each request has
 * lines to say, and who does not read them still waits for the reply. */
static bool
is_read(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) > 0;
}

static void
print_messages(const struct settings *s, const struct conf_messages *m)
{
	for (uint32_t i = 0; i < m->n; i++) {
		if (!s->cgi || is_read())
			(void)fprintf(stderr, "%.*s\n",
				STR_ARG(m->v[i].text));
	}
}

int
settings_load(struct settings *s, bool check_only, struct arena *a,
	struct conf_gen **gen_r)
{
	struct conf_messages said = { 0 };
	struct conf_source src = { .check_only = check_only };

	s->file = conf_find(s->config, a);
	if (s->file == NULL) {
		(void)fprintf(stderr, "mcpgate: no configuration file: say "
			"--config FILE, or make %s/mcpgate/mcpgate.json\n",
			GATE_SYSCONFDIR);
		return EX_NOINPUT;
	}
	if (access(s->file, F_OK) != 0) {
		(void)fprintf(stderr, "mcpgate: cannot open '%s': %s\n",
			s->file, strerror(errno));
		return EX_NOINPUT;
	}
	s->env_override = may_override(s);
	s->env_proxy = !s->cgi;
	src.file = s->file;
	src.env_overrides = s->env_override;
	src.env_proxy = s->env_proxy;
	if (!s->cgi)		/* OpenSSL takes a millisecond to start */
		src.judge = auth_policy_judge;
	*gen_r = conf_load(&src, a, &said);
	print_messages(s, &said);
	return *gen_r != NULL ? 0 : EX_CONFIG;
}

int
settings_check(struct settings *s, enum settings_tell tell)
{
	struct arena *a = arena_new(MAX_CONFIG);
	struct conf_gen *g = NULL;
	int rc = settings_load(s, true, a, &g);

	if (tell == SETTINGS_JSON)
		(void)printf("{\"result\":\"%s\",\"servers\":%u}\n",
			rc == 0 ? "ok" : "refused",
			rc == 0 ? conf_tree(g)->n_servers : 0);
	else if (rc == 0 && tell == SETTINGS_TEXT)
		(void)printf("Config OK: %u MCP server(s) configured\n",
			conf_tree(g)->n_servers);
	if (rc == 0)
		conf_release(g);
	arena_free(a);
	return rc;
}

struct conf_gen *
settings_reload(const struct settings *s, bool aloud)
{
	struct arena *a = arena_new(MAX_CONFIG);
	struct conf_messages said = { 0 };
	struct conf_source src = { .file = s->file,
		.env_overrides = s->env_override, .env_proxy = s->env_proxy,
		.judge = auth_policy_judge };
	struct conf_gen *g = conf_load(&src, a, &said);

	for (uint32_t i = 0; g == NULL && aloud && i < said.n; i++) {
		if (said.v[i].level == CONF_ERROR)
			log_say(LOG_LEVEL_ERROR, "reload", "reload refused: "
				"%s %.*s", said.v[i].id,
				STR_ARG(said.v[i].text));
	}
	arena_free(a);
	return g;
}

void
settings_log(const struct settings *s, const struct conf *c)
{
	struct log_plan plan = c->log;

	if (s->log_level != NULL)
		(void)settings_level(s->log_level, &plan.level);
	if (!log_open(&plan))
		log_say(LOG_LEVEL_ERROR, "log", "cannot open '%s': %s",
			plan.path != NULL ? plan.path : "", strerror(errno));
}

void
settings_say_loaded(const struct conf *c)
{
	log_say(LOG_LEVEL_INFO, "config",
		"configuration loaded: %u server(s), generation 1",
		c->n_servers);
}
