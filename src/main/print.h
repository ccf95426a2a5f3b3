/* SPDX-License-Identifier: MIT */
/*
 * print -- what the program tells about itself on standard output
 */
#ifndef MAIN_PRINT_H
#define MAIN_PRINT_H

#include <stdbool.h>

/* Made by embed.awk from the snippet files of this build. */
struct snippet {
	const char *file;		/* "apache/mcpgate-proxy.conf" */
	const char *const *lines;	/* NULL ends */
};

extern const struct snippet snippets[];

/* family: "apache", "nginx", "lighttpd", "systemd"; which: NULL for the
 * recommended one, else a word such as "fcgid". False: there is none. */
bool print_snippet(const char *family, const char *which);
void print_version(const char *program);

#endif
