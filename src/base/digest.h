/* SPDX-License-Identifier: MIT */
/*
 * digest -- hashes, keyed hashes, base64 and hex, random bytes
 *
 * SHA-256 here is the low-level one: it starts no OpenSSL provider, which
 * saves a CGI process a millisecond.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/str.h"

#define SHA256_SIZE 32
#define SIPHASH_KEY 16

/* Several parts are hashed as one text; each part is preceded by its length
 * (8 bytes), so that no two lists of parts give the same digest. */
void digest_parts(const struct str *parts, size_t n,
	uint8_t digest_r[SHA256_SIZE]);

/* One digest for a row of texts, taken in one after the other: each call puts
 * the digest of (digest, text) in the place of digest. */
void digest_mix(uint8_t digest[SHA256_SIZE], struct str text);

/* Plain SHA-256 of one text. */
void digest_sha256(struct str s, uint8_t digest_r[SHA256_SIZE]);

/* HMAC-SHA-256. */
void digest_hmac(struct str key, struct str s, uint8_t digest_r[SHA256_SIZE]);

/* SipHash-2-4 of s. */
uint64_t digest_sip(const uint8_t key[SIPHASH_KEY], struct str s);

/* Constant time for equal lengths. */
bool digest_same(const void *a, const void *b, size_t n);

/* From the kernel, never blocks after boot; aborts when there is none. */
void digest_random(void *p, size_t n);

/* Lower case hex; text_r has room for 2 * n + 1. */
void digest_hex(const void *p, size_t n, char *text_r);
bool digest_unhex(struct str s, uint8_t *bytes_r, size_t n);

/* base64url by RFC 4648 section 5, strict: alphabet only, no padding, no
 * white space, unused bits zero. Out has room for 3 * (n / 4) + 3 bytes. */
bool digest_unbase64url(struct str s, uint8_t *bytes_r, size_t *n_r);
struct str digest_base64url(struct arena *a, const void *p, size_t n);

/* base64 with padding (RFC 4648 section 4), strict both ways. */
bool digest_unbase64(struct str s, uint8_t *bytes_r, size_t *n_r);
struct str digest_base64(struct arena *a, const void *p, size_t n);

/* Overwrites, and is not optimised away. */
void digest_wipe(void *p, size_t n);

#endif
