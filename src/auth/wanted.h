/* SPDX-License-Identifier: MIT */
/*
 * wanted -- names of keys that somebody lacks, the latest last
 *
 * Promise: each stands there once; who comes again goes to the end, and of too
 * many the one goes that was not asked for the longest.
 */
#ifndef AUTH_WANTED_H
#define AUTH_WANTED_H

#include "auth/jwks.h"

#define WANTED_KID 36		/* bytes; others are not kept */

struct wanted {
	char v[JWKS_PEM_KEYS][WANTED_KID + 1];
	uint32_t n;
};

void wanted_add(struct wanted *w, struct str kid);
void wanted_drop(struct wanted *w, struct str kid);

#endif
