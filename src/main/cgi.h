/* SPDX-License-Identifier: MIT */
/*
 * cgi -- one request by the rules of plain CGI, then the end
 *
 * The environment is the request; no setting is taken from it (httpoxy).
 */
#ifndef MAIN_CGI_H
#define MAIN_CGI_H

#include "main/settings.h"

/* Loads the configuration, answers, returns an exit code. */
int cgi_run(struct settings *s);

/* Web servers give the words of a query without "=" as arguments (RFC 3875,
 * 4.4). True: one of them reads as an option, so that nobody knows whose
 * the arguments are. */
bool cgi_query_has_options(const char *query);

/* Answers such a request. */
int cgi_refuse_options(void);

#endif
