/* SPDX-License-Identifier: MIT */
/*
 * jdoc_scan -- what jdoc.c needs from the scanner beside jdoc_check()
 */
#ifndef BASE_JDOC_SCAN_H
#define BASE_JDOC_SCAN_H

#include "base/jdoc.h"

/* jdoc_check() that also blanks comments and trailing commas in `clean`, a
 * copy of text.n bytes which the caller made; NULL: it does not. */
enum jdoc_verdict jdoc_scan(struct arena *a, struct str text,
	enum jdoc_profile profile, const struct jdoc_limits *limits,
	struct jdoc_report *report_r, char *clean);

#endif
