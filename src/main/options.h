/* SPDX-License-Identifier: MIT */
/*
 * options -- the words of a command line by a table of rows
 *
 * `--name`, `--name=value`, `--name value`, `-n value`, and the one-dash
 * long form that other gateways use (`-config FILE`).
 */
#ifndef MAIN_OPTIONS_H
#define MAIN_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct option_row {
	const char *name;		/* "config"; NULL ends the table */
	char letter;			/* 'c', or 0 */
	const char *arg;		/* what follows, for the help; NULL: nothing */
	bool maybe;			/* only as --name=value, may be absent */
	const char *help;
};

struct options {
	const struct option_row *rows;
	char **argv;
	int argc;
	int at;				/* next word to look at */
	const char *value;		/* of the row just found, or NULL */
	char why[160];			/* after OPTIONS_BAD */
};

enum { OPTIONS_END = -1, OPTIONS_BAD = -2 };

void options_init(struct options *o, const struct option_row *rows, int argc,
	char **argv);

/* Index of the next row, OPTIONS_END at the first word that is no option. */
int options_next(struct options *o);

/* The rows as they stand in --help. */
void options_help(const struct option_row *rows, FILE *out);

#endif
