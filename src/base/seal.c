/* SPDX-License-Identifier: MIT */
/*
 * seal -- one context of OpenSSL per process, made at first need
 */
#include "config.h"
#include "base/seal.h"

#include <limits.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/digest.h"

struct machine {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *ctx;
};

/* NULL: OpenSSL has no AES-GCM, or no memory. */
static struct machine *
machine(void)
{
	static struct machine m;

	if (m.cipher == NULL)
		m.cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	if (m.ctx == NULL)
		m.ctx = EVP_CIPHER_CTX_new();
	return m.cipher != NULL && m.ctx != NULL ? &m : NULL;
}

void
seal_derive(struct str secret, struct str info, uint8_t key_r[SEAL_KEY])
{
	static const uint8_t salt[SHA256_SIZE];
	uint8_t prk[SHA256_SIZE];
	char text[128];
	size_t n = info.n < sizeof(text) - 1 ? info.n : sizeof(text) - 1;

	digest_hmac((struct str){ (const char *)salt, sizeof(salt) }, secret,
		prk);
	memcpy(text, info.p, n);
	text[n] = 1;
	digest_hmac((struct str){ (const char *)prk, sizeof(prk) },
		(struct str){ text, n + 1 }, key_r);
	digest_wipe(prk, sizeof(prk));
}

bool
seal_close(const uint8_t key[SEAL_KEY], struct str open, struct str plain,
	uint8_t *sealed_r)
{
	struct machine *m = machine();
	uint8_t *text = sealed_r + SEAL_NONCE;
	int n = 0;
	bool good;

	if (m == NULL || plain.n > INT_MAX || open.n > INT_MAX)
		return false;
	digest_random(sealed_r, SEAL_NONCE);
	good = EVP_EncryptInit_ex2(m->ctx, m->cipher, key, sealed_r, NULL) == 1
		&& EVP_EncryptUpdate(m->ctx, NULL, &n,
			(const uint8_t *)open.p, (int)open.n) == 1 &&
		EVP_EncryptUpdate(m->ctx, text, &n, (const uint8_t *)plain.p,
			(int)plain.n) == 1 &&
		EVP_EncryptFinal_ex(m->ctx, text + n, &n) == 1 &&
		EVP_CIPHER_CTX_ctrl(m->ctx, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG,
			text + plain.n) == 1;
	(void)EVP_CIPHER_CTX_reset(m->ctx);
	return good;
}

bool
seal_open(const uint8_t key[SEAL_KEY], struct str open, struct str sealed,
	uint8_t *plain_r)
{
	struct machine *m = machine();
	const uint8_t *nonce = (const uint8_t *)sealed.p;
	uint8_t tag[SEAL_TAG];
	int n = 0;
	bool good;

	if (m == NULL || sealed.n < SEAL_MORE || sealed.n > INT_MAX ||
	    open.n > INT_MAX)
		return false;
	memcpy(tag, sealed.p + sealed.n - SEAL_TAG, SEAL_TAG);
	good = EVP_DecryptInit_ex2(m->ctx, m->cipher, key, nonce, NULL) == 1 &&
		EVP_DecryptUpdate(m->ctx, NULL, &n,
			(const uint8_t *)open.p, (int)open.n) == 1 &&
		EVP_DecryptUpdate(m->ctx, plain_r, &n, nonce + SEAL_NONCE,
			(int)(sealed.n - SEAL_MORE)) == 1 &&
		EVP_CIPHER_CTX_ctrl(m->ctx, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG,
			tag) == 1 &&
		EVP_DecryptFinal_ex(m->ctx, plain_r + n, &n) == 1;
	(void)EVP_CIPHER_CTX_reset(m->ctx);
	return good;
}
