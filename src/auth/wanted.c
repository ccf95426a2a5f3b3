/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/wanted.h"

#include <string.h>

static void
take_out(struct wanted *w, uint32_t i)
{
	memmove(w->v[i], w->v[i + 1], (w->n - i - 1) * sizeof(w->v[0]));
	w->n--;
}

void
wanted_drop(struct wanted *w, struct str kid)
{
	for (uint32_t i = 0; i < w->n; i++) {
		if (str_is(kid, w->v[i])) {
			take_out(w, i);
			return;
		}
	}
}

void
wanted_add(struct wanted *w, struct str kid)
{
	if (!jwks_pem_kid(kid))
		return;
	wanted_drop(w, kid);
	if (w->n == JWKS_PEM_KEYS)
		take_out(w, 0);
	memcpy(w->v[w->n], kid.p, WANTED_KID);
	w->v[w->n++][WANTED_KID] = '\0';
}
