/* SPDX-License-Identifier: MIT */
/*
 * digest -- SHA-256 of OpenSSL's low level, and what we build on it
 */
#include "config.h"
#define OPENSSL_API_COMPAT 0x10100000L	/* low-level SHA-256, no provider */
#include "base/digest.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"

#define HMAC_BLOCK 64

static void
sha_add(SHA256_CTX *c, struct str s)
{
	if (s.n > 0)
		SHA256_Update(c, s.p, s.n);
}

static void
sha_end(SHA256_CTX *c, uint8_t digest_r[SHA256_SIZE])
{
	SHA256_Final(digest_r, c);
	digest_wipe(c, sizeof(*c));
}

void
digest_parts(const struct str *parts, size_t n, uint8_t digest_r[SHA256_SIZE])
{
	SHA256_CTX c;

	SHA256_Init(&c);
	for (size_t i = 0; i < n; i++) {
		uint64_t len = parts[i].n;
		unsigned char head[8];

		for (int k = 7; k >= 0; k--) {
			head[k] = (unsigned char)(len & 0xFF);
			len >>= 8;
		}
		SHA256_Update(&c, head, sizeof(head));
		sha_add(&c, parts[i]);
	}
	sha_end(&c, digest_r);
}

void
digest_mix(uint8_t digest[SHA256_SIZE], struct str text)
{
	const struct str parts[] = { { (const char *)digest, SHA256_SIZE },
		text };

	digest_parts(parts, 2, digest);
}

void
digest_sha256(struct str s, uint8_t digest_r[SHA256_SIZE])
{
	SHA256_CTX c;

	SHA256_Init(&c);
	sha_add(&c, s);
	sha_end(&c, digest_r);
}

/* One of the two passes: digest of the padded key and s. */
static void
hmac_pass(const uint8_t block[HMAC_BLOCK], uint8_t pad, struct str s,
	uint8_t digest_r[SHA256_SIZE])
{
	uint8_t padded[HMAC_BLOCK];
	SHA256_CTX c;

	for (size_t i = 0; i < HMAC_BLOCK; i++)
		padded[i] = block[i] ^ pad;
	SHA256_Init(&c);
	SHA256_Update(&c, padded, HMAC_BLOCK);
	sha_add(&c, s);
	sha_end(&c, digest_r);
	digest_wipe(padded, sizeof(padded));
}

void
digest_hmac(struct str key, struct str s, uint8_t digest_r[SHA256_SIZE])
{
	uint8_t block[HMAC_BLOCK] = { 0 }, inner[SHA256_SIZE];

	if (key.n > HMAC_BLOCK)
		digest_sha256(key, block);
	else if (key.n > 0)
		memcpy(block, key.p, key.n);
	hmac_pass(block, 0x36, s, inner);
	hmac_pass(block, 0x5C, (struct str){ (const char *)inner,
		sizeof(inner) }, digest_r);
	digest_wipe(block, sizeof(block));
	digest_wipe(inner, sizeof(inner));
}

/* ---- SipHash-2-4 (Aumasson, Bernstein 2012) ------------------------------ */

/* Compilers make one load of this. */
static inline uint64_t
little64(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
		(uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
		(uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
		(uint64_t)p[7] << 56;
}

static uint64_t
little_rest(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline uint64_t
turned(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = turned(v[1], 13) ^ v[0];
	v[3] = turned(v[3], 16) ^ v[2];
	v[0] = turned(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = turned(v[1], 17) ^ v[2];
	v[3] = turned(v[3], 21) ^ v[0];
	v[2] = turned(v[2], 32);
}

static inline void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t
digest_sip(const uint8_t key[SIPHASH_KEY], struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint64_t k0 = little64(key), k1 = little64(key + 8);
	uint64_t v[4] = {
		k0 ^ 0x736F6D6570736575ULL, k1 ^ 0x646F72616E646F6DULL,
		k0 ^ 0x6C7967656E657261ULL, k1 ^ 0x7465646279746573ULL,
	};
	size_t left = s.n;

	for (; left >= 8; left -= 8, p += 8)
		sip_word(v, little64(p));
	sip_word(v, little_rest(p, left) | (uint64_t)s.n << 56);
	v[2] ^= 0xFF;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* ---- compare, random, wipe ---------------------------------------------- */

bool
digest_same(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= x[i] ^ y[i];
	return differ == 0;
}

void
digest_random(void *p, size_t n)
{
	unsigned char *to = p;

	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();
		to += got;
		n -= (size_t)got;
	}
}

void
digest_wipe(void *p, size_t n)
{
	explicit_bzero(p, n);
}

/* ---- hex ----------------------------------------------------------------- */

void
digest_hex(const void *p, size_t n, char *text_r)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = p;

	for (size_t i = 0; i < n; i++) {
		text_r[2 * i] = digits[from[i] >> 4];
		text_r[2 * i + 1] = digits[from[i] & 15];
	}
	text_r[2 * n] = '\0';
}

bool
digest_unhex(struct str s, uint8_t *bytes_r, size_t n)
{
	if (s.n % 2 != 0 || s.n / 2 != n)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (str_hex(s.p[i]) < 0)
			return false;
	}
	for (size_t i = 0; i < n; i++)
		bytes_r[i] = (uint8_t)(str_hex(s.p[2 * i]) << 4 |
			str_hex(s.p[2 * i + 1]));
	return true;
}

/* ---- base64 --------------------------------------------------------------- */

static const char plain64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Value of c in the alphabet whose last two letters are given; -1: none. */
static int
sextet(char c, const char last[2])
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == last[0])
		return 62;
	return c == last[1] ? 63 : -1;
}

static bool
decode64(struct str s, const char *alphabet, uint8_t *bytes_r, size_t *n_r)
{
	uint32_t bits = 0;		/* only the lowest `have` count */
	unsigned have = 0;
	size_t n = 0;

	if (s.n % 4 == 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int v = sextet(s.p[i], alphabet + 62);

		if (v < 0)
			return false;
		bits = (bits << 6 | (uint32_t)v) & 0xFFFF;
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes_r[n++] = (uint8_t)(bits >> have & 0xFF);
		}
	}
	if ((bits & ((1u << have) - 1)) != 0)
		return false;		/* two texts for the same bytes */
	*n_r = n;
	return true;
}

static struct str
encode64(struct arena *a, const void *p, size_t n, const char *alphabet,
	bool padded)
{
	const unsigned char *from = p;
	char *text = arena_alloc(a, n / 3 * 4 + 5);
	size_t k = 0;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i < 3 ? n - i : 3;
		uint32_t v = (uint32_t)from[i] << 16;

		if (left > 1)
			v |= (uint32_t)from[i + 1] << 8;
		if (left > 2)
			v |= from[i + 2];
		for (size_t c = 0; c <= left; c++)
			text[k++] = alphabet[v >> (18 - 6 * c) & 63];
		for (size_t c = left; padded && c < 3; c++)
			text[k++] = '=';
	}
	return (struct str){ text, k };
}

bool
digest_unbase64url(struct str s, uint8_t *bytes_r, size_t *n_r)
{
	return decode64(s, url64, bytes_r, n_r);
}

struct str
digest_base64url(struct arena *a, const void *p, size_t n)
{
	return encode64(a, p, n, url64, false);
}

bool
digest_unbase64(struct str s, uint8_t *bytes_r, size_t *n_r)
{
	if (s.n % 4 != 0)
		return false;
	for (int i = 0; i < 2 && s.n > 0 && s.p[s.n - 1] == '='; i++)
		s.n--;
	return decode64(s, plain64, bytes_r, n_r);
}

struct str
digest_base64(struct arena *a, const void *p, size_t n)
{
	return encode64(a, p, n, plain64, true);
}
