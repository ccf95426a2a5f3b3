/* SPDX-License-Identifier: MIT */
/*
 * manage -- answers to FastCGI management records
 *
 * No web server is known to send one; the protocol wants them answered.
 */
#ifndef DOOR_MANAGE_H
#define DOOR_MANAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANAGE_REPLY	128	/* bytes; three short pairs and a header */

/* The answer to GET_VALUES with this content; each value at most once.
 * False: the content is malformed. */
bool manage_values(const uint8_t *p, size_t n, uint32_t connections,
	uint8_t reply_r[MANAGE_REPLY], size_t *n_r);

/* The answer to any other type. */
void manage_unknown(uint8_t type, uint8_t reply_r[MANAGE_REPLY], size_t *n_r);

#endif
