/* SPDX-License-Identifier: MIT */
/*
 * seal -- small texts that only we can make and read: AES-256-GCM
 *
 * Lifetime: keys lie with whoever derived them; wipe them with digest_wipe().
 * Errors: a text that does not open gives false and nothing else.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/str.h"

#define SEAL_KEY 32
#define SEAL_NONCE 12
#define SEAL_TAG 16
#define SEAL_MORE (SEAL_NONCE + SEAL_TAG)	/* bytes a sealed text is longer */

/* HKDF-SHA-256 (RFC 5869) without salt; info names what the key is for. */
void seal_derive(struct str secret, struct str info, uint8_t key_r[SEAL_KEY]);

/* nonce, ciphertext, tag: plain.n + SEAL_MORE bytes.  The nonce is random:
 * one key serves 2^32 texts.  open: bytes that are bound to it in clear. */
bool seal_close(const uint8_t key[SEAL_KEY], struct str open,
	struct str plain, uint8_t *sealed_r);

/* sealed.n - SEAL_MORE bytes. */
bool seal_open(const uint8_t key[SEAL_KEY], struct str open,
	struct str sealed, uint8_t *plain_r);

#endif
