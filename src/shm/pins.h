/* SPDX-License-Identifier: MIT */
/*
 * pins -- which token an upstream session is bound to
 *
 * Sharing: one 64-bit word per pin, lock-free; 8 words a bucket.
 * Promise: a lookup never gives the token of another session but with the
 * probability of a 40-bit tag collision; a full bucket drops its oldest pin
 * (that session then draws a new token, and the upstream says 404).  Two
 * tokens of one pool are mistaken for each other in 1 of 65536 sessions.
 * s may be NULL: nothing is kept then.
 */
#ifndef SHM_PINS_H
#define SHM_PINS_H

#include "shm/rotor.h"

/* session: the upstream's session id; server: its name. */
void pins_put(struct segment *s, struct str server, struct str session,
	const uint8_t token[ROTOR_DIGEST], uint64_t now_boot_ms);

/* The pinned token's digest tag compared with those of the pool: list index
 * or ROTOR_NONE. A hit renews the pin. */
uint32_t pins_get(struct segment *s, struct str server, struct str session,
	const struct rotor_plan *pool, uint64_t now_boot_ms);
void pins_drop(struct segment *s, struct str server, struct str session);

/* Pins used within the last PINS_RECENT quarters of an hour. */
#define PINS_RECENT 96		/* a day */
uint32_t pins_count(const struct segment *s, uint64_t now_boot_ms);

#endif
