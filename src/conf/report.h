/* SPDX-License-Identifier: MIT */
/*
 * report -- what a load has to say: FILE:LINE:COL: PATH: text
 *
 * Lifetime: the texts lie in the arena of who asked for the load; they
 * outlive a generation that did not come about.
 * Promise: the same sentence about the same place is said once, and at most
 * REPORT_MOST of each level are kept; all errors are counted.
 * Secrets: callers show what the file says (node raw), never what came out
 * of an expansion.
 */
#ifndef CONF_REPORT_H
#define CONF_REPORT_H

#include "conf/conf.h"
#include "conf/tree.h"

#define REPORT_MOST 50		/* messages of one level; a wall helps nobody */

struct report {
	struct arena *arena;
	struct conf_message *v;
	uint32_t n;
	uint32_t kept[CONF_NOTE + 1];
	uint32_t errors;
};

struct report *report_new(struct arena *a);

/* id is "E01" or "W03"; at NULL: about the file as a whole. */
void report_add(struct report *r, const char *id, const struct node *at,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* About the name of a member instead of its value. */
void report_name(struct report *r, const char *id, const struct node *at,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* About a place in a file that has no tree. */
void report_file(struct report *r, const char *id, struct str file,
	uint32_t line, uint32_t column, struct str text);

struct conf_messages report_take(const struct report *r);

#endif
