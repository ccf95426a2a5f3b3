/* SPDX-License-Identifier: MIT */
/*
 * rotation -- what rotator.c, choose.c and judge.c share
 *
 * choose.c knows whose turn it is, judge.c what an answer does; rotator.c is
 * the rest.
 */
#ifndef CRED_ROTATION_H
#define CRED_ROTATION_H

#include "cred/rotator.h"

struct rotator {
	const struct conf_server *server;
	const struct conf_pool *pool;
	struct segment *segment;	/* for pins; NULL: none */
	struct rotor *rotor;
	struct rotor_plan plan;		/* digests, by list index */
	uint64_t fingerprint;
	uint8_t (*guards)[32];		/* SHA-256 of each; NULL: no guard */
	uint8_t *order;			/* smooth weighted order */
	uint32_t n_order;
	uint32_t max_attempts;
	uint64_t dice;
};

/* ---- choose.c ------------------------------------------------------------------ */
/* The order round-robin walks, and the dice of `random`. */
void choose_prepare(struct rotator *r, struct arena *a);

/* By the pool's rules among those not tried yet; ROTOR_NONE: nobody. */
uint32_t choose_token(struct rotator *r, struct rotator_try *t,
	const struct rotator_ask *ask);

/* Who is usable first, when nobody is; ROTOR_NONE: all are disabled. */
uint32_t choose_last_resort(const struct rotator *r);

/* Enabled by the configuration and by hand. */
bool choose_enabled(const struct rotator *r, uint32_t i);

/* Is there anybody to go on with? */
bool choose_more(const struct rotator *r, const struct rotator_try *t,
	uint64_t now_boot_ms);

/* on-first-failed: from a token that failed to the next usable one. */
void choose_step_off(struct rotator *r, uint32_t failed, uint64_t now_boot_ms);

/* ---- judge.c ------------------------------------------------------------------- */
/* What the client gets when no other attempt is made. */
const struct fault *judge_exhausted(struct rotator *r, struct rotator_try *t,
	uint32_t retry_after_s);

/* ---- rotator.c ----------------------------------------------------------------- */
/* A log line about the attempt; t NULL: about the pool. */
void rotator_say(const struct rotator *r, struct rotator_try *t,
	enum log_level level, struct str text);

#endif
