/* SPDX-License-Identifier: MIT */
/*
 * jwks -- what was fetched, as it is kept for all workers
 *
 * Of a key set the usable keys are kept, as many as count, and of them what
 * verifies: neither certificates nor a secret that somebody has published.
 * Keys that are fetched one by one, as PEM, are a list, the newest first.
 * Promise: what jwks_trim() lets through can be read by jwk_table_parse(),
 * what jwks_pem_add() makes by jwks_pem_table().
 */
#ifndef AUTH_JWKS_H
#define AUTH_JWKS_H

#include "auth/jwk.h"

#define JWKS_PEM_KEYS 16	/* of one load balancer */

/* NULL: *text_r is the document to keep, keys_r how many of its keys are
 * usable; else why it is none. */
const char *jwks_trim(struct arena *a, struct str body, struct str *text_r,
	uint32_t *keys_r);

/* Seconds until the next fetch, by Cache-Control: 300 to 86400. */
int64_t jwks_refresh_s(struct str cache_control);

/* One more key in front of the list; the oldest go. NULL: done. */
const char *jwks_pem_add(struct arena *a, struct str list, struct str kid,
	struct str pem, struct str *list_r);

/* The kids of a list, the newest first; how many. */
uint32_t jwks_pem_kids(struct str list, struct str kids_r[JWKS_PEM_KEYS]);

const struct fault *jwks_pem_table(struct arena *a, struct str list,
	uint32_t algs, struct jwk_table *t_r);

/* 36 of 0-9, a-f and '-': it goes into a URL. */
bool jwks_pem_kid(struct str kid);

#endif
