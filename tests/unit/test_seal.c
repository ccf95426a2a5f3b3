/* SPDX-License-Identifier: MIT */
/*
 * seal -- what was sealed opens unchanged, and nothing else does
 */
#include "config.h"
#include "base/seal.h"

#include "base/digest.h"
#include "kit/tap.h"

/* RFC 5869, A.3: no salt, no info. */
static void
derives(void)
{
	uint8_t ikm[22], key[SEAL_KEY], other[SEAL_KEY];
	char hex[2 * SEAL_KEY + 1];

	memset(ikm, 0x0b, sizeof(ikm));
	seal_derive((struct str){ (char *)ikm, sizeof(ikm) }, STR(""), key);
	digest_hex(key, sizeof(key), hex);
	IS_STR(str_of(hex), "8da4e775a563c18f715f802a063c5a31"
		"b8a11f5c5ee1879ec3454e5f3c738d2d");
	seal_derive((struct str){ (char *)ikm, sizeof(ikm) }, STR("a"), other);
	OK(memcmp(key, other, sizeof(key)) != 0);
}

static void
opens(size_t n)
{
	uint8_t key[SEAL_KEY] = { 1, 2, 3 }, sealed[300], plain[300];
	char text[256];
	struct str s = { (char *)sealed, n + SEAL_MORE };

	memset(text, 'x', sizeof(text));
	OK(seal_close(key, STR("v1.k"), (struct str){ text, n }, sealed));
	tap_ok(seal_open(key, STR("v1.k"), s, plain) &&
		memcmp(plain, text, n) == 0, "%zu bytes open", n);
	OK(!seal_open(key, STR("v1.j"), s, plain));
	key[0] ^= 1;
	OK(!seal_open(key, STR("v1.k"), s, plain));
}

static void
every_bit_counts(void)
{
	uint8_t key[SEAL_KEY] = { 9 }, sealed[4 + SEAL_MORE], plain[4];
	unsigned opened = 0;

	OK(seal_close(key, STR(""), STR("abcd"), sealed));
	for (size_t i = 0; i < 8 * sizeof(sealed); i++) {
		sealed[i / 8] ^= (uint8_t)(1u << i % 8);
		opened += seal_open(key, STR(""), (struct str){
			(char *)sealed, sizeof(sealed) }, plain);
		sealed[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	IS_INT(opened, 0);
	for (size_t n = 0; n < sizeof(sealed); n++)
		opened += seal_open(key, STR(""), (struct str){
			(char *)sealed, n }, plain);
	IS_INT(opened, 0);
}

int
main(void)
{
	derives();
	opens(0);
	opens(1);
	opens(44);
	opens(256);
	every_bit_counts();
	return tap_done();
}
