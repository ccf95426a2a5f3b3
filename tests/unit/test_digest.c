/* SPDX-License-Identifier: MIT */
/*
 * digest -- known answers (FIPS 180-2, RFC 4231, the SipHash paper, RFC 4648),
 * and texts that a strict decoder refuses; secret_eq() stands on it
 */
#include "config.h"
#include "base/digest.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/secret.h"
#include "kit/tap.h"

static struct arena *a;

static struct str
hex(const uint8_t *p, size_t n)
{
	char *text = arena_alloc(a, 2 * n + 1);

	digest_hex(p, n, text);
	return str_of(text);
}

/* n bytes c. */
static struct str
filled(char c, size_t n)
{
	char *p = arena_alloc(a, n);

	memset(p, c, n);
	return (struct str){ p, n };
}

static void
test_sha256(void)
{
	uint8_t d[SHA256_SIZE];

	digest_sha256(STR_NONE, d);
	IS_STR(hex(d, sizeof(d)), "e3b0c44298fc1c149afbf4c8996fb924"
		"27ae41e4649b934ca495991b7852b855");
	digest_sha256(STR("abc"), d);
	IS_STR(hex(d, sizeof(d)), "ba7816bf8f01cfea414140de5dae2223"
		"b00361a396177a9cb410ff61f20015ad");
	digest_sha256(filled('a', 1000000), d);
	IS_STR(hex(d, sizeof(d)), "cdc76e5c9914fb9281a1c7e284d73e67"
		"f1809a48a497200e046d39ccc7112cd0");
}

static void
test_parts(void)
{
	const struct str ab_c[] = { STR("ab"), STR("c") };
	const struct str a_bc[] = { STR("a"), STR("bc") };
	const struct str a_bc_[] = { STR("a"), STR("bc"), STR_NONE };
	uint8_t d[4][SHA256_SIZE];

	digest_parts(ab_c, 2, d[0]);
	digest_parts(a_bc, 2, d[1]);
	digest_parts(a_bc_, 3, d[2]);
	digest_parts(ab_c, 2, d[3]);
	OK(!digest_same(d[0], d[1], SHA256_SIZE));
	OK(!digest_same(d[1], d[2], SHA256_SIZE));
	OK(digest_same(d[0], d[3], SHA256_SIZE));
}

static void
test_mix(void)
{
	uint8_t d[SHA256_SIZE] = { 7 }, wanted[SHA256_SIZE];
	const struct str parts[] = { { (const char *)d, sizeof(d) },
		STR("a") };

	digest_parts(parts, 2, wanted);
	digest_mix(d, STR("a"));
	OK(digest_same(d, wanted, sizeof(d)));
	digest_mix(d, STR_NONE);
	tap_ok(!digest_same(d, wanted, sizeof(d)), "an empty text counts");
}

static void
test_hmac(void)
{
	uint8_t d[SHA256_SIZE];

	digest_hmac(filled('\x0b', 20), STR("Hi There"), d);
	IS_STR(hex(d, sizeof(d)), "b0344c61d8db38535ca8afceaf0bf12b"
		"881dc200c9833da726e9376c2e32cff7");
	digest_hmac(STR("Jefe"), STR("what do ya want for nothing?"), d);
	IS_STR(hex(d, sizeof(d)), "5bdcc146bf60754e6a042426089575c7"
		"5a003f089d2739839dec58b964ec3843");
	digest_hmac(filled('\xaa', 131), STR("Test Using Larger Than "
		"Block-Size Key - Hash Key First"), d);
	IS_STR(hex(d, sizeof(d)), "60e431591ee0b67f0d8a26aacbf5b77f"
		"8e0bc6213728c5140546040f0ee37f54");
}

static void
test_sip(void)
{
	static const struct {
		size_t n;
		uint64_t sip;
	} rows[] = {
		{ 0, 0x726fdb47dd0e0e31ULL }, { 1, 0x74f839c593dc67fdULL },
		{ 7, 0xab0200f58b01d137ULL }, { 8, 0x93f5f5799a932462ULL },
		{ 15, 0xa129ca6149be45e5ULL }, { 63, 0x958a324ceb064572ULL },
	};
	uint8_t key[SIPHASH_KEY], text[64];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	memcpy(key, text, sizeof(key));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		tap_ok(digest_sip(key, (struct str){ (char *)text,
			rows[i].n }) == rows[i].sip, "sip of %zu bytes",
			rows[i].n);
}

static void
test_hex(void)
{
	uint8_t bytes[4] = { 9, 9, 9, 9 };

	OK(digest_unhex(STR("00fFa1"), bytes, 3));
	IS_STR(hex(bytes, 4), "00ffa109");
	OK(!digest_unhex(STR("00f"), bytes, 1));
	OK(!digest_unhex(STR("00ff"), bytes, 3));
	OK(!digest_unhex(STR("00fg"), bytes, 2));
	OK(!digest_unhex(STR("0x00"), bytes, 2));
	OK(digest_unhex(STR(""), bytes, 0));
	IS_STR(hex(bytes, 4), "00ffa109");
}

static const struct {
	const char *bytes, *padded, *url;
} good64[] = {
	{ "", "", "" }, { "f", "Zg==", "Zg" }, { "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" }, { "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xFB\xEF\xFF", "++//", "--__" },
};

static void
test_base64(void)
{
	for (size_t i = 0; i < sizeof(good64) / sizeof(good64[0]); i++) {
		struct str from = str_of(good64[i].bytes);
		uint8_t bytes[16];
		size_t n = 99;

		IS_STR(digest_base64(a, from.p, from.n), good64[i].padded);
		IS_STR(digest_base64url(a, from.p, from.n), good64[i].url);
		OK(digest_unbase64(str_of(good64[i].padded), bytes, &n));
		IS_STR(((struct str){ (char *)bytes, n }), from.p);
		OK(digest_unbase64url(str_of(good64[i].url), bytes, &n));
		IS_STR(((struct str){ (char *)bytes, n }), from.p);
	}
}

static void
test_base64_refused(void)
{
	static const struct str url[] = { STR("Z"), STR("Zg=="), STR("Zm9vY"),
		STR("Zh"), STR("Zm9"), STR("Z g"), STR("Zg\n"), STR("++//"),
		STR("Z\0"), STR("Zm9v.") };
	static const struct str padded[] = { STR("Zg"), STR("Zg="), STR("="),
		STR("===="), STR("Z==="), STR("Zh=="), STR("Zm9="),
		STR("Zg==Zg=="), STR("--__"), STR("Zm9v\n"), STR("Zg= ") };
	uint8_t bytes[16];
	size_t n = 99;

	for (size_t i = 0; i < sizeof(url) / sizeof(url[0]); i++)
		tap_ok(!digest_unbase64url(url[i], bytes, &n),
			"'%.*s' is not base64url", STR_ARG(url[i]));
	for (size_t i = 0; i < sizeof(padded) / sizeof(padded[0]); i++)
		tap_ok(!digest_unbase64(padded[i], bytes, &n),
			"'%.*s' is not base64", STR_ARG(padded[i]));
	IS_INT(n, 99);
}

/* Every length there and back again. */
static void
test_base64_lengths(void)
{
	uint8_t bytes[200], back[210];
	bool same = true;
	size_t n = 0;

	digest_random(bytes, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct str url = digest_base64url(a, bytes, len);
		struct str padded = digest_base64(a, bytes, len);

		same = same && digest_unbase64url(url, back, &n) &&
			n == len && memcmp(bytes, back, n) == 0;
		same = same && digest_unbase64(padded, back, &n) &&
			n == len && memcmp(bytes, back, n) == 0;
	}
	OK(same);
}

static void
test_same(void)
{
	uint8_t x[32] = { 0 }, y[32] = { 0 };

	OK(digest_same(x, y, 32));
	y[31] = 1;
	OK(!digest_same(x, y, 32));
	OK(digest_same(x, y, 31));
	digest_random(x, sizeof(x));
	digest_random(y, sizeof(y));
	OK(!digest_same(x, y, 32));
	digest_wipe(x, sizeof(x));
	IS_STR(hex(x, 4), "00000000");
}

static void
test_secret(void)
{
	struct secret s = secret_of(STR("tok\0en"));

	OK(secret_eq(s, secret_of(STR("tok\0en"))));
	OK(!secret_eq(s, secret_of(STR("tok\0eN"))));
	OK(!secret_eq(s, secret_of(STR("tok"))));
	OK(str_eq(secret_reveal(s), STR("tok\0en")));
	OK(secret_empty(secret_of(STR_NONE)) && !secret_empty(s));
}

static void
test_clock(void)
{
	char text[CLOCK_STAMP];
	uint64_t was = clock_mono_us();

	clock_stamp(0, text);
	IS_STR(str_of(text), "1970-01-01T00:00:00.000Z");
	clock_stamp(951782399999, text);
	IS_STR(str_of(text), "2000-02-28T23:59:59.999Z");
	clock_stamp(951782400007, text);
	IS_STR(str_of(text), "2000-02-29T00:00:00.007Z");
	OK(clock_mono_us() >= was);
	OK(clock_unix_ms() / 1000 - clock_unix_s() <= 0);
	OK(clock_boot_ms() >= was / 1000);
}

int
main(void)
{
	a = arena_new(MIB(16));
	test_sha256();
	test_parts();
	test_mix();
	test_hmac();
	test_sip();
	test_hex();
	test_base64();
	test_base64_refused();
	test_base64_lengths();
	test_same();
	test_secret();
	test_clock();
	arena_free(a);
	return tap_done();
}
