/* SPDX-License-Identifier: MIT */
/*
 * fuzz_session -- a session id of ours opens as what was sealed; anything
 * else, and anything that differs in one byte, does not open at all
 *
 * The input is an id; and a place and a byte for one of ours.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "fuzz/fuzz.h"
#include "gate/session.h"

#define MUST(cond) do { if (!(cond)) abort(); } while (0)

/* The upstream's id is the input, the rest is always the same. */
static struct str
sealed_of(const struct session_keys *keys, struct str upstream,
	struct arena *a)
{
	struct session_inside in = { .route = 1, .ends_unix_s = 2,
		.place = { 3, 5 } }, again;
	struct str sealed = session_seal(keys, &in, upstream, a), back;
	const char *plain = session_unseal(keys, sealed, a, &back);

	MUST(sealed.n > 0 && sealed.n <= MAX_SEALED_ID && plain != NULL);
	memcpy(&again, plain, sizeof(again));
	MUST(memcmp(&in, &again, sizeof(in)) == 0 && str_eq(back, upstream));
	return sealed;
}

static void
change(const struct session_keys *keys, struct str sealed, size_t at,
	char byte, struct arena *a)
{
	char *other = arena_alloc(a, sealed.n);
	struct str back;

	memcpy(other, sealed.p, sealed.n);
	at %= sealed.n;
	if (other[at] == byte)
		return;
	other[at] = byte;
	MUST(session_unseal(keys, (struct str){ other, sealed.n }, a,
		&back) == NULL);
	MUST(session_unseal(keys, str_head(sealed, at), a, &back) == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n }, back = STR_NONE;
	struct secret secrets[2] = {
		secret_of(STR("the first key, of more than 32 bytes")),
		secret_of(STR("the second key, of more than 32 bytes")),
	};
	struct conf c = { .secret_keys = secrets, .n_secret_keys = 2 };
	struct arena *a = arena_new(1 << 20);
	struct session_keys keys = session_keys_new(&c, NULL, a);

	/* Nobody finds one by chance. */
	MUST(session_unseal(&keys, text, a, &back) == NULL);
	if (n > 3)
		change(&keys, sealed_of(&keys, str_head(str_from(text, 3),
			MAX_SESSION_ID), a), (size_t)(p[0] << 8 | p[1]),
			(char)p[2], a);
	arena_free(a);
	return 0;
}
