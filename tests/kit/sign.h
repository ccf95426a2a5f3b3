/* SPDX-License-Identifier: MIT */
/*
 * sign -- keys and signed tokens that a test makes for itself
 *
 * Everything is made at run time and lies in the test's arena; nothing here
 * is used by the program.  A thing that cannot be made ends the test.
 */
#ifndef KIT_SIGN_H
#define KIT_SIGN_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/jose.h"
#include "base/arena.h"
#include "base/digest.h"
#include "kit/tap.h"

/* A private key, or a shared secret. */
struct signer {
	EVP_PKEY *pkey;
	struct str secret;
};

#define SIGN_MUST(cond) \
	((cond) ? (void)0 : sign_give_up(#cond, __LINE__))

static inline void
sign_give_up(const char *what, int line)
{
	printf("Bail out! sign.h:%d: %s\n", line, what);
	exit(1);
}

static inline void
sign_put(void *pkey)
{
	EVP_PKEY_free(pkey);
}

static inline struct signer
signer_of(struct arena *a, EVP_PKEY *pkey)
{
	SIGN_MUST(pkey != NULL);
	arena_defer(a, sign_put, pkey);
	return (struct signer){ .pkey = pkey };
}

/* In valgrind the search for primes lasts minutes: another process does it.
 * NULL: there is no such program. */
static inline EVP_PKEY *
sign_rsa_elsewhere(unsigned bits)
{
	EVP_PKEY *pkey = NULL;
	char command[64];
	FILE *f;

	if (tap_slow() < 10)
		return NULL;
	snprintf(command, sizeof(command), "openssl genrsa %u 2>&-", bits);
	f = popen(command, "r");
	if (f != NULL) {
		pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		pclose(f);
	}
	return pkey;
}

static inline struct signer
signer_rsa(struct arena *a, unsigned bits)
{
	EVP_PKEY *pkey = sign_rsa_elsewhere(bits);

	return signer_of(a, pkey != NULL ? pkey :
		EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits));
}

/* "P-256", "P-384", "P-521", "secp256k1" */
static inline struct signer
signer_ec(struct arena *a, const char *curve)
{
	return signer_of(a, EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve));
}

static inline struct signer
signer_ed25519(struct arena *a)
{
	return signer_of(a, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

static inline struct signer
signer_secret(struct str secret)
{
	return (struct signer){ .secret = secret };
}

static inline struct str
sign_b64(struct arena *a, struct str s)
{
	return digest_base64url(a, s.p, s.n);
}

/* ---- signatures --------------------------------------------------- */

static inline const char *
sign_hash(enum jose_alg alg)
{
	uint32_t n = jose_alg_hash(alg);

	return n == 32 ? "SHA256" : n == 48 ? "SHA384" : n == 64 ? "SHA512" :
		NULL;
}

static inline struct str
sign_mac(struct arena *a, struct str secret, enum jose_alg alg,
	struct str input)
{
	unsigned char *mac = arena_alloc(a, 64);
	size_t n = 0;

	SIGN_MUST(EVP_Q_mac(NULL, "HMAC", NULL, sign_hash(alg), NULL,
		secret.p, secret.n, (const unsigned char *)input.p, input.n,
		mac, 64, &n) != NULL);
	return (struct str){ (const char *)mac, n };
}

/* DER of an ECDSA signature as R and S side by side. */
static inline struct str
sign_raw_of(struct arena *a, struct str der, size_t half)
{
	const unsigned char *p = (const unsigned char *)der.p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	unsigned char *raw = arena_alloc(a, 2 * half);

	SIGN_MUST(sig != NULL);
	SIGN_MUST(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, (int)half) > 0);
	SIGN_MUST(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half,
		(int)half) > 0);
	ECDSA_SIG_free(sig);
	return (struct str){ (const char *)raw, 2 * half };
}

/* As OpenSSL gives it: DER for ECDSA. */
static inline struct str
sign_plain(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	unsigned char *sig = arena_alloc(a, 2048);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	size_t n = 2048;

	SIGN_MUST(EVP_DigestSignInit_ex(c, &pc, sign_hash(alg), NULL, NULL,
		s->pkey, NULL) == 1);
	if (JOSE_BIT(alg) & JOSE_PS) {
		SIGN_MUST(EVP_PKEY_CTX_set_rsa_padding(pc,
			RSA_PKCS1_PSS_PADDING) == 1);
		SIGN_MUST(EVP_PKEY_CTX_set_rsa_pss_saltlen(pc,
			RSA_PSS_SALTLEN_DIGEST) == 1);
	}
	SIGN_MUST(EVP_DigestSign(c, sig, &n, (const unsigned char *)input.p,
		input.n) == 1);
	EVP_MD_CTX_free(c);
	return (struct str){ (const char *)sig, n };
}

static inline struct str
sign_raw(struct arena *a, const struct signer *s, enum jose_alg alg,
	struct str input)
{
	struct str sig;

	if (s->pkey == NULL)
		return sign_mac(a, s->secret, alg, input);
	sig = sign_plain(a, s, alg, input);
	if (EVP_PKEY_is_a(s->pkey, "EC"))
		return sign_raw_of(a, sig,
			(size_t)(EVP_PKEY_get_bits(s->pkey) + 7) / 8);
	return sig;
}

/* Any texts, signed with `alg` whatever the header says. */
static inline struct str
sign_token(struct arena *a, const struct signer *s, enum jose_alg alg,
	const char *header, const char *claims)
{
	struct str h = sign_b64(a, str_of(header)),
		p = sign_b64(a, str_of(claims)), sig, input;

	input = str_fmt(a, "%.*s.%.*s", STR_ARG(h), STR_ARG(p));
	sig = sign_b64(a, sign_raw(a, s, alg, input));
	return str_fmt(a, "%.*s.%.*s", STR_ARG(input), STR_ARG(sig));
}

/* ---- public keys ---------------------------------------------------- */

static inline struct str
sign_member(struct arena *a, const struct signer *s, const char *name,
	size_t size)
{
	BIGNUM *bn = NULL;
	unsigned char *p = arena_alloc(a, 2048);

	SIGN_MUST(EVP_PKEY_get_bn_param(s->pkey, name, &bn) == 1);
	if (size == 0)
		size = (size_t)BN_num_bytes(bn);
	SIGN_MUST(BN_bn2binpad(bn, p, (int)size) > 0);
	BN_free(bn);
	return sign_b64(a, (struct str){ (const char *)p, size });
}

/* {"kty":…,MORE}; more: `"kid":"x"`, or "". */
static inline struct str
sign_jwk(struct arena *a, const struct signer *s, const char *more)
{
	const char *comma = more[0] != '\0' ? "," : "";
	int bits = EVP_PKEY_get_bits(s->pkey);
	size_t size = (size_t)(bits + 7) / 8;

	if (EVP_PKEY_is_a(s->pkey, "RSA"))
		return str_fmt(a, "{\"kty\":\"RSA\",\"n\":\"%.*s\","
			"\"e\":\"%.*s\"%s%s}",
			STR_ARG(sign_member(a, s, "n", 0)),
			STR_ARG(sign_member(a, s, "e", 0)), comma, more);
	if (EVP_PKEY_is_a(s->pkey, "EC"))
		return str_fmt(a, "{\"kty\":\"EC\",\"crv\":\"P-%d\","
			"\"x\":\"%.*s\",\"y\":\"%.*s\"%s%s}", bits,
			STR_ARG(sign_member(a, s, "qx", size)),
			STR_ARG(sign_member(a, s, "qy", size)), comma, more);
	unsigned char *x = arena_alloc(a, 32);
	size = 32;
	SIGN_MUST(EVP_PKEY_get_raw_public_key(s->pkey, x, &size) == 1);
	return str_fmt(a, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
		"\"x\":\"%.*s\"%s%s}",
		STR_ARG(sign_b64(a, (struct str){ (const char *)x, size })),
		comma, more);
}

static inline struct str
sign_bio_text(struct arena *a, BIO *b)
{
	char *p = NULL;
	long n = BIO_get_mem_data(b, &p);
	struct str text = str_copy(a, (struct str){ p, (size_t)n });

	BIO_free(b);
	return text;
}

static inline struct str
sign_pem(struct arena *a, const struct signer *s)
{
	BIO *b = BIO_new(BIO_s_mem());

	SIGN_MUST(PEM_write_bio_PUBKEY(b, s->pkey) == 1);
	return sign_bio_text(a, b);
}

static inline struct str
sign_private_pem(struct arena *a, const struct signer *s)
{
	BIO *b = BIO_new(BIO_s_mem());

	SIGN_MUST(PEM_write_bio_PrivateKey(b, s->pkey, NULL, NULL, 0, NULL,
		NULL) == 1);
	return sign_bio_text(a, b);
}

/* A certificate of the key, signed by itself. */
static inline struct str
sign_certificate(struct arena *a, const struct signer *s)
{
	BIO *b = BIO_new(BIO_s_mem());
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_set_pubkey(x, s->pkey);
	SIGN_MUST(X509_sign(x, s->pkey, EVP_PKEY_is_a(s->pkey, "ED25519") ?
		NULL : EVP_sha256()) > 0);
	SIGN_MUST(PEM_write_bio_X509(b, x) == 1);
	X509_free(x);
	return sign_bio_text(a, b);
}

#endif
