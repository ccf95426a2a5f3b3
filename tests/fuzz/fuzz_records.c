/* SPDX-License-Identifier: MIT */
/*
 * fuzz_records -- no bytes of a web server break the screen; what it lets
 * pass, libfcgi decodes to the same id, flag, variables and length of body
 *
 * The first two bytes choose the sizes of the pieces that the others come in.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "door/fcgi.h"
#include "door/manage.h"
#include "fuzz/fuzz.h"

static const struct screen_limits limits = { 3000, 40, 20000, 40000 };
static struct bytes_pool pool;
static struct decoder *decoder;

/* Sizes of pieces: one byte, a few, some, or all that is left. */
static size_t
next_size(uint32_t *seed, size_t left)
{
	static const size_t sizes[] = { 1, 1, 2, 7, 8, 9, 100, SIZE_MAX };
	size_t n;

	*seed = *seed * 1103515245u + 12345u;
	n = sizes[*seed >> 16 & 7];
	return n < left ? n : left;
}

static void
must(bool good)
{
	if (!good)
		abort();
}

static void
decode(struct screen *s)
{
	struct arena *a = arena_new(MAX_ARENA);
	struct params params;
	struct str body = STR("");
	uint64_t body_n = s->body_n;

	params_init(&params, a, s->pairs);
	must(s->no_params == (s->stage.n == 0));
	if (!s->no_params)
		must(decoder_run(decoder, s, &params, &body) == NULL);
	must(s->stage.n == 0 && body.n == body_n && params.n <= s->pairs);
	must(body_n <= limits.max_body);
	arena_free(a);
}

static void
answer(const struct screen *s)
{
	uint8_t reply[MANAGE_REPLY];
	size_t n = 0;

	must(s->stage.n <= MAX_QUERY);
	if (manage_values(s->stage.p, s->stage.n, UINT32_MAX, reply, &n))
		must(n <= sizeof(reply));
}

/* The verdicts of all requests in the text, as one number. */
static uint32_t
screen_all(const uint8_t *p, size_t n, uint32_t seed)
{
	enum screen_verdict v = SCREEN_MORE;
	struct screen s;
	uint32_t sum = 0;

	screen_init(&s, &pool, &limits);
	while (n > 0 && v != SCREEN_VIOLATION && v != SCREEN_ROLE) {
		size_t k = seed == 0 ? n : next_size(&seed, n);

		k = screen_eat(&s, p, k, &v);
		p += k;
		n -= k;
		must(s.stage.n <= KIB(32));
		if (v == SCREEN_MORE)
			continue;
		sum = sum * 31 + (uint32_t)v + s.refusing;
		if (v == SCREEN_COMPLETE)
			decode(&s);
		else if (v == SCREEN_QUERY)
			answer(&s);
		screen_reset(&s, &limits);
	}
	screen_reset(&s, &limits);
	must(pool.held == 0);
	return sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint32_t seed;

	if (decoder == NULL) {
		bytes_pool_init(&pool, SIZE_MAX);
		decoder = decoder_new(NULL);
	}
	if (n < 2)
		return 0;
	seed = (uint32_t)p[0] << 8 | p[1];
	must(screen_all(p + 2, n - 2, seed) == screen_all(p + 2, n - 2, 0));
	return 0;
}
