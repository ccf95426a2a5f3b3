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

#endif
