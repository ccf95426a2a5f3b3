/* SPDX-License-Identifier: MIT */
/*
 * jws_evp -- signatures by OpenSSL 3, with keys that are kept
 */
#include "config.h"
#include "auth/jws_evp.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/arena.h"

#define POINT_MAX 133			/* 0x04, X, Y of P-521 */
#define DER_MAX 160			/* ECDSA signature of P-521 */

/* One of the two: a public key, or MAC contexts that know the secret. */
struct evp_key {
	EVP_PKEY *pkey;
	EVP_MAC_CTX *mac[3];		/* SHA-256, 384, 512 */
};

static const char *const hash_names[] = { "SHA256", "SHA384", "SHA512" };

static const char *
hash_name(enum jose_alg alg)
{
	return hash_names[jose_alg_hash(alg) / 16 - 2];
}

static void
put_pkey(void *what)
{
	EVP_PKEY_free(what);
}

static void
put_mac(void *what)
{
	EVP_MAC_CTX_free(what);
}

static struct evp_key *
keep(struct arena *a, EVP_PKEY *pkey)
{
	struct evp_key *e;

	ERR_clear_error();
	if (pkey == NULL)
		return NULL;
	e = ARENA_NEW(a, struct evp_key);
	e->pkey = pkey;
	arena_defer(a, put_pkey, pkey);
	return e;
}

/* ---- members -> key ----------------------------------------------- */

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *b)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (params == NULL || c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_free(params);
	return pkey;
}

static BIGNUM *
number(struct str s)
{
	return BN_bin2bn((const unsigned char *)s.p, (int)s.n, NULL);
}

static EVP_PKEY *
make_rsa(const struct jwk *k)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	BIGNUM *n = number(k->n), *e = number(k->e);
	EVP_PKEY *pkey = NULL;

	if (b != NULL && n != NULL && e != NULL &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		pkey = from_params("RSA", b);
	OSSL_PARAM_BLD_free(b);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static const char *
curve_name(uint32_t bits)
{
	return bits == 256 ? "P-256" : bits == 384 ? "P-384" : "P-521";
}

static EVP_PKEY *
make_ec(const struct jwk *k)
{
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	unsigned char point[POINT_MAX];
	EVP_PKEY *pkey = NULL;

	point[0] = 4;			/* uncompressed */
	memcpy(point + 1, k->x.p, k->x.n);
	memcpy(point + 1 + k->x.n, k->y.p, k->y.n);
	if (b != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(b, OSSL_PKEY_PARAM_GROUP_NAME,
		    curve_name(k->bits), 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY,
		    point, 1 + k->x.n + k->y.n) == 1)
		pkey = from_params("EC", b);
	OSSL_PARAM_BLD_free(b);
	return pkey;
}

/* A context that knows the secret; copies of it do the work. */
static EVP_MAC_CTX *
make_mac(struct arena *a, EVP_MAC *mac, const char *hash, struct str secret)
{
	EVP_MAC_CTX *c = EVP_MAC_CTX_new(mac);
	char name[8];
	OSSL_PARAM params[2];

	if (c == NULL)
		return NULL;
	arena_defer(a, put_mac, c);
	memcpy(name, hash, strlen(hash) + 1);
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
		name, 0);
	params[1] = OSSL_PARAM_construct_end();
	if (EVP_MAC_init(c, (const unsigned char *)secret.p, secret.n,
		params) != 1)
		return NULL;
	return c;
}

static struct evp_key *
make_hmac(struct arena *a, const struct jwk *k)
{
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	struct evp_key *e = ARENA_NEW(a, struct evp_key);
	bool good = mac != NULL;

	for (int i = 0; i < 3 && good; i++) {
		e->mac[i] = make_mac(a, mac, hash_names[i],
			secret_reveal(k->secret));
		good = e->mac[i] != NULL;
	}
	EVP_MAC_free(mac);
	ERR_clear_error();
	return good ? e : NULL;
}

struct evp_key *
evp_key_new(struct arena *a, const struct jwk *k)
{
	if (k->kind == JWK_HMAC)
		return make_hmac(a, k);
	if (k->kind == JWK_RSA)
		return keep(a, make_rsa(k));
	if (k->kind == JWK_EC)
		return keep(a, make_ec(k));
	if (k->kind != JWK_OKP)
		return NULL;
	return keep(a, EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		(const unsigned char *)k->x.p, k->x.n));
}

/* ---- PEM -> members ----------------------------------------------- */

/* n bytes of the number, or as many as it has when n is 0. */
static bool
get_number(struct arena *a, const EVP_PKEY *pkey, const char *name, size_t n,
	struct str *bytes_r)
{
	BIGNUM *bn = NULL;
	unsigned char *p;
	bool good;

	if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1)
		return false;
	if (n == 0)
		n = (size_t)BN_num_bytes(bn);
	p = arena_alloc(a, n + 1);
	good = n <= INT32_MAX && BN_bn2binpad(bn, p, (int)n) == (int)n;
	*bytes_r = (struct str){ (const char *)p, n };
	BN_free(bn);
	return good;
}

static const char *
read_rsa(struct arena *a, const EVP_PKEY *pkey, struct jwk *k)
{
	k->kind = JWK_RSA;
	if (!get_number(a, pkey, OSSL_PKEY_PARAM_RSA_N, 0, &k->n) ||
	    !get_number(a, pkey, OSSL_PKEY_PARAM_RSA_E, 0, &k->e))
		return "RSA numbers";
	return NULL;
}

static const char *
read_ec(struct arena *a, const EVP_PKEY *pkey, struct jwk *k)
{
	char group[32] = "";
	size_t n = 0;

	if (EVP_PKEY_get_group_name(pkey, group, sizeof(group), &n) != 1)
		return "curve";
	if (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0)
		k->bits = 256;
	else if (strcmp(group, "secp384r1") == 0 || strcmp(group, "P-384") == 0)
		k->bits = 384;
	else if (strcmp(group, "secp521r1") == 0 || strcmp(group, "P-521") == 0)
		k->bits = 521;
	else
		return "curve";
	k->kind = JWK_EC;
	n = (k->bits + 7) / 8;
	if (!get_number(a, pkey, OSSL_PKEY_PARAM_EC_PUB_X, n, &k->x) ||
	    !get_number(a, pkey, OSSL_PKEY_PARAM_EC_PUB_Y, n, &k->y))
		return "point";
	return NULL;
}

static const char *
read_okp(struct arena *a, const EVP_PKEY *pkey, struct jwk *k)
{
	size_t n = 32;
	unsigned char *p = arena_alloc(a, n);

	k->kind = JWK_OKP;
	if (EVP_PKEY_get_raw_public_key(pkey, p, &n) != 1)
		return "point";
	k->x = (struct str){ (const char *)p, n };
	return NULL;
}

static const char *
read_members(struct arena *a, const EVP_PKEY *pkey, struct jwk *k)
{
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return read_rsa(a, pkey, k);
	if (EVP_PKEY_is_a(pkey, "EC"))
		return read_ec(a, pkey, k);
	if (EVP_PKEY_is_a(pkey, "ED25519"))
		return read_okp(a, pkey, k);
	return "kind of key";
}

static EVP_PKEY *
pkey_of_certificate(BIO *in)
{
	X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
	EVP_PKEY *pkey = cert != NULL ? X509_get_pubkey(cert) : NULL;

	X509_free(cert);
	return pkey;
}

const char *
evp_read_pem(struct arena *a, struct jwk *k)
{
	struct str label = STR("-----BEGIN CERTIFICATE-----");
	BIO *in = BIO_new_mem_buf(k->pem.p, (int)k->pem.n);
	const char *why = "not readable";
	EVP_PKEY *pkey;

	if (in == NULL)
		return why;
	pkey = str_search(k->pem, label) < k->pem.n ? pkey_of_certificate(in) :
		PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
	if (pkey != NULL)
		why = read_members(a, pkey, k);
	EVP_PKEY_free(pkey);
	BIO_free(in);
	ERR_clear_error();
	return why;
}

struct str
evp_key_pem(struct arena *a, const struct evp_key *e)
{
	BIO *out = BIO_new(BIO_s_mem());
	struct str pem = STR_NONE;
	char *p = NULL;
	long n;

	if (out != NULL && e->pkey != NULL &&
	    PEM_write_bio_PUBKEY(out, e->pkey) == 1) {
		n = BIO_get_mem_data(out, &p);
		pem = str_copy(a, (struct str){ p, (size_t)n });
	}
	BIO_free(out);
	ERR_clear_error();
	return pem;
}

void
evp_forget_errors(void)
{
	ERR_clear_error();
}

/* ---- verifying ---------------------------------------------------- */

uint32_t
evp_signature_size(const struct jwk *k, enum jose_alg alg)
{
	switch (k->kind) {
	case JWK_HMAC:
		return jose_alg_hash(alg);
	case JWK_RSA:
		return (k->bits + 7) / 8;
	case JWK_EC:
		return 2 * ((k->bits + 7) / 8);
	case JWK_OKP:
		return 64;
	case JWK_PEM:
		break;
	}
	return 0;
}

static bool
verify_hmac(const struct evp_key *e, enum jose_alg alg, struct str input,
	struct str signature)
{
	EVP_MAC_CTX *c = EVP_MAC_CTX_dup(e->mac[jose_alg_hash(alg) / 16 - 2]);
	unsigned char mac[64];
	size_t n = 0;
	bool good;

	good = c != NULL &&
		EVP_MAC_update(c, (const unsigned char *)input.p,
			input.n) == 1 &&
		EVP_MAC_final(c, mac, &n, sizeof(mac)) == 1 &&
		n == signature.n && CRYPTO_memcmp(mac, signature.p, n) == 0;
	EVP_MAC_CTX_free(c);
	OPENSSL_cleanse(mac, sizeof(mac));
	return good;
}

/* R and S side by side become the DER that OpenSSL wants. 0: it failed. */
static size_t
der_of(struct str raw, unsigned char der[DER_MAX])
{
	const unsigned char *p = (const unsigned char *)raw.p;
	int half = (int)(raw.n / 2), n = -1;
	BIGNUM *r = BN_bin2bn(p, half, NULL), *s = BN_bin2bn(p + half, half,
		NULL);
	ECDSA_SIG *sig = ECDSA_SIG_new();

	if (r == NULL || s == NULL || sig == NULL ||
	    ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else if (i2d_ECDSA_SIG(sig, NULL) <= DER_MAX) {
		n = i2d_ECDSA_SIG(sig, &der);
	}
	ECDSA_SIG_free(sig);
	return n > 0 ? (size_t)n : 0;
}

static bool
set_pss(EVP_PKEY_CTX *c)
{
	return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(c,
			RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool
verify_public(const struct jwk *k, enum jose_alg alg, struct str input,
	struct str signature)
{
	const char *hash = alg == JOSE_EDDSA ? NULL : hash_name(alg);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pc = NULL;
	bool good;

	/* MGF1 uses the same hash unless it is told otherwise. */
	good = c != NULL && EVP_DigestVerifyInit_ex(c, &pc, hash, NULL, NULL,
		k->evp->pkey, NULL) == 1;
	if (good && (JOSE_BIT(alg) & JOSE_PS) != 0)
		good = set_pss(pc);
	good = good && EVP_DigestVerify(c, (const unsigned char *)signature.p,
		signature.n, (const unsigned char *)input.p, input.n) == 1;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return good;
}

bool
evp_verify(const struct jwk *k, enum jose_alg alg, struct str input,
	struct str signature)
{
	unsigned char der[DER_MAX];
	size_t n;

	if (signature.n == 0 || signature.n != evp_signature_size(k, alg))
		return false;
	if (k->kind == JWK_HMAC)
		return verify_hmac(k->evp, alg, input, signature);
	if (k->kind != JWK_EC)
		return verify_public(k, alg, input, signature);
	n = der_of(signature, der);
	return n > 0 && verify_public(k, alg, input,
		(struct str){ (const char *)der, n });
}
