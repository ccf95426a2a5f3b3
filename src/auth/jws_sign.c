/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "auth/jws_sign.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include "base/arena.h"

static const char *
hash_name(enum jose_alg alg)
{
	static const char *const names[] = { "SHA256", "SHA384", "SHA512" };

	return names[jose_alg_hash(alg) / 16 - 2];
}

static const char *
sign_hmac(enum jose_alg alg, struct str key, struct str input,
	struct arena *a, struct str *signature_r)
{
	unsigned char *mac = arena_alloc(a, EVP_MAX_MD_SIZE);
	size_t n = 0;

	if (key.n < jose_alg_hash(alg))
		return "the secret is too short for this algorithm";
	if (EVP_Q_mac(NULL, "HMAC", NULL, hash_name(alg), NULL, key.p, key.n,
	    (const unsigned char *)input.p, input.n, mac, EVP_MAX_MD_SIZE,
	    &n) == NULL)
		return "OpenSSL cannot sign";
	*signature_r = (struct str){ (const char *)mac, n };
	return NULL;
}

/* ---- private keys ------------------------------------------------------------ */
/* Nobody is asked for a passphrase. */
static int
no_passphrase(char *text, int size, int writing, void *who)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)who;
	return 0;
}

static EVP_PKEY *
read_key(struct str pem)
{
	BIO *in = BIO_new_mem_buf(pem.p, (int)pem.n);
	EVP_PKEY *key = in == NULL ? NULL :
		PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);

	BIO_free(in);
	return key;
}

static bool
is_curve(const EVP_PKEY *key, enum jose_alg alg)
{
	static const char *const names[][2] = {
		{ "prime256v1", "P-256" }, { "secp384r1", "P-384" },
		{ "secp521r1", "P-521" },
	};
	const char *const *fit = names[alg - JOSE_ES256];
	char group[32] = "";
	size_t n = 0;

	return EVP_PKEY_is_a(key, "EC") &&
		EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1 &&
		(strcmp(group, fit[0]) == 0 || strcmp(group, fit[1]) == 0);
}

static bool
is_ec(enum jose_alg alg)
{
	return alg >= JOSE_ES256 && alg <= JOSE_ES512;
}

static bool
fits(const EVP_PKEY *key, enum jose_alg alg)
{
	int bits = EVP_PKEY_get_bits(key);

	if (is_ec(alg))
		return is_curve(key, alg);
	if (alg == JOSE_EDDSA)
		return EVP_PKEY_is_a(key, "ED25519");
	return EVP_PKEY_is_a(key, "RSA") && bits >= 2048 && bits <= 8192;
}

/* R and S side by side, each as long as the curve; false: no signature. */
static bool
raw_of(const unsigned char *der, size_t n, enum jose_alg alg,
	unsigned char *raw, size_t *n_r)
{
	int half = alg == JOSE_ES256 ? 32 : alg == JOSE_ES384 ? 48 : 66;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	bool good = sig != NULL &&
		BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, half) == half &&
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, half) == half;

	ECDSA_SIG_free(sig);
	*n_r = 2 * (size_t)half;
	return good;
}

static bool
set_pss(EVP_PKEY_CTX *c)
{
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(c,
			RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool
sign_private(EVP_PKEY *key, enum jose_alg alg, struct str input,
	unsigned char *to, size_t *n_r)
{
	const char *hash = alg == JOSE_EDDSA ? NULL : hash_name(alg);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	bool good = c != NULL && EVP_DigestSignInit_ex(c, &pc, hash, NULL,
		NULL, key, NULL) == 1;

	if (good && (JOSE_BIT(alg) & JOSE_PS) != 0)
		good = set_pss(pc);
	good = good && EVP_DigestSign(c, to, n_r,
		(const unsigned char *)input.p, input.n) == 1;
	EVP_MD_CTX_free(c);
	return good;
}

static const char *
sign_pem(enum jose_alg alg, EVP_PKEY *key, struct str input, struct arena *a,
	struct str *signature_r)
{
	size_t n = (size_t)EVP_PKEY_get_size(key);
	unsigned char *made = arena_alloc(a, n + 1);
	unsigned char *raw = arena_alloc(a, 2 * 66);

	if (!fits(key, alg))
		return "the key does not fit the algorithm";
	if (!sign_private(key, alg, input, made, &n))
		return "OpenSSL cannot sign";
	*signature_r = (struct str){ (const char *)made, n };
	if (!is_ec(alg))
		return NULL;
	if (!raw_of(made, n, alg, raw, &n))
		return "OpenSSL cannot sign";
	*signature_r = (struct str){ (const char *)raw, n };
	return NULL;
}

const char *
jws_sign(enum jose_alg alg, struct secret key, struct str input,
	struct arena *a, struct str *signature_r)
{
	const char *why = "no private key that can be read";
	EVP_PKEY *pkey;

	if ((JOSE_BIT(alg) & JOSE_HS) != 0)
		return sign_hmac(alg, secret_reveal(key), input, a,
			signature_r);
	pkey = read_key(secret_reveal(key));
	if (pkey != NULL)
		why = sign_pem(alg, pkey, input, a, signature_r);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return why;
}
