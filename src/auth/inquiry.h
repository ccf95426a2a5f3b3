/* SPDX-License-Identifier: MIT */
/*
 * inquiry -- one question about a token, as texts that need no policy
 *
 * Lifetime: everything is copied into the arena given, so that the question
 * outlives the configuration it came from.
 * Secrets: the token and our credentials there; the arena wipes them.
 */
#ifndef AUTH_INQUIRY_H
#define AUTH_INQUIRY_H

#include "auth/policy.h"
#include "http/headers.h"
#include "shm/segment.h"

struct inquiry {
	struct str endpoint;		/* "" : to be found from the issuer */
	struct str issuer;
	bool found;			/* the issuer has named the endpoint */
	struct str form;
	struct headers headers;
	struct conf_jwt rules;		/* by which the answer is judged */
	struct conf_outproxy proxy;
	struct str ca_file;
	int64_t timeout_ms, good_s, bad_s;	/* how long answers are kept */
	uint8_t key[SHA256_SIZE];	/* of token and policy */
	uint8_t place[SHA256_SIZE];	/* of the endpoint */
};

/* What names this token under this policy; segment NULL: only here. */
void inquiry_key(const struct auth_policy *p, const struct segment *s,
	struct str token, uint8_t key_r[SHA256_SIZE]);

void inquiry_fill(const struct auth_policy *p, const struct segment *s,
	struct str token, struct arena *a, struct inquiry *q_r);

#endif
