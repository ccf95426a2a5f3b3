/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/print.h"

#include <stdio.h>
#include <string.h>

/* Which file is meant by a word; the first of a family is recommended. */
static const struct {
	const char *family, *which, *file;
} shelf[] = {
	{ "apache", "proxy", "apache/mcpgate-proxy.conf" },
	{ "apache", "fcgid", "apache/mcpgate-fcgid.conf" },
	{ "apache", "cgi", "apache/mcpgate-cgi.conf" },
	{ "apache", "htaccess-proxy", "apache/htaccess-proxy" },
	{ "apache", "htaccess-fcgid", "apache/htaccess-fcgid" },
	{ "apache", "htaccess-cgi", "apache/htaccess-cgi" },
	{ "nginx", "fastcgi", "nginx/mcpgate.conf" },
	{ "lighttpd", "socket", "lighttpd/mcpgate.conf" },
	{ "lighttpd", "spawn", "lighttpd/mcpgate-spawn.conf" },
	{ "lighttpd", "cgi", "lighttpd/mcpgate-cgi.conf" },
	{ "systemd", "service", "conf/mcpgate.service" },
	{ "systemd", "socket", "conf/mcpgate.socket" },
	{ "systemd", "tmpfiles", "conf/mcpgate.tmpfiles" },
	{ "systemd", "logrotate", "conf/mcpgate.logrotate" },
};

#define SHELF (sizeof shelf / sizeof shelf[0])

static void
print_file(const char *file)
{
	for (const struct snippet *s = snippets; s->file != NULL; s++) {
		if (strcmp(s->file, file) != 0)
			continue;
		for (size_t i = 0; s->lines[i] != NULL; i++)
			(void)puts(s->lines[i]);
	}
}

/* The other ways, as a comment behind the recommended one. */
static void
print_others(const char *family)
{
	(void)printf("\n# other ways: mcpgate --print-%s=WAY, WAY one of",
		family);
	for (size_t i = 0; i < SHELF; i++) {
		if (strcmp(shelf[i].family, family) == 0)
			(void)printf(" %s", shelf[i].which);
	}
	(void)printf("\n");
}

static bool
has_others(const char *family)
{
	size_t n = 0;

	for (size_t i = 0; i < SHELF; i++)
		n += strcmp(shelf[i].family, family) == 0;
	return n > 1;
}

bool
print_snippet(const char *family, const char *which)
{
	for (size_t i = 0; i < SHELF; i++) {
		if (strcmp(shelf[i].family, family) != 0
		    || (which != NULL && strcmp(shelf[i].which, which) != 0))
			continue;
		print_file(shelf[i].file);
		if (which == NULL && has_others(family))
			print_others(family);
		return true;
	}
	return false;
}

void
print_version(const char *program)
{
	(void)printf("%s %s\n", program, PACKAGE_VERSION);
	(void)printf("libraries: %s\n", GATE_BUILT_WITH);
	(void)printf("engines: none (Lua, JavaScript, YAML, Redis, SQLite: "
		"no)\n");
	(void)printf("configuration: %s/mcpgate/mcpgate.json\n",
		GATE_SYSCONFDIR);
	(void)printf("run directory: %s\nstate directory: %s\n", GATE_RUNDIR,
		GATE_STATEDIR);
}
