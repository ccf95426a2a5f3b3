/* SPDX-License-Identifier: MIT */
/*
 * bench_records -- what one request costs in front of the gate
 *
 * Lines: nanoseconds of the screen alone, and of screen, staging file and
 * decode, for a small request, one with 64 KiB of body, and one of 2 MB.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "door/fcgi.h"
#include "kit/fcgi_peer.h"

static struct bytes_pool pool;
static const struct screen_limits limits = {
	MAX_PARAMS, MAX_PAIRS, BODY_CEILING, MAX_DROPPED,
};

/* 27 variables, as nginx sends them. */
static void
add_variables(struct peer_text *t)
{
	char name[32], value[64];

	for (int i = 0; i < 26; i++) {
		snprintf(name, sizeof(name), "SOME_VARIABLE_%d", i);
		snprintf(value, sizeof(value), "a value of usual length %d", i);
		peer_pair(t, str_of(name), str_of(value), false);
	}
	peer_pair(t, STR("HTTP_AUTHORIZATION"), STR("Bearer eyJhbGciOiJSUzI1Ni"
		"IsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2V4YW1wbGUub3JnIn0."
		"c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl"), false);
}

static void
once(struct decoder *d, const struct peer_text *t)
{
	struct screen s;
	enum screen_verdict v = SCREEN_MORE;
	struct params params;
	struct str body;
	struct arena *a;

	screen_init(&s, &pool, &limits);
	screen_eat(&s, t->p, t->n, &v);
	if (v != SCREEN_COMPLETE)
		abort();
	if (d != NULL) {
		a = arena_new(MAX_ARENA);
		params_init(&params, a, s.pairs);
		if (decoder_run(d, &s, &params, &body) != NULL)
			abort();
		arena_free(a);
	}
	screen_reset(&s, &limits);
}

static double
measure(struct decoder *d, const struct peer_text *t, int times)
{
	uint64_t best = UINT64_MAX;

	for (int round = 0; round < 5; round++) {
		uint64_t began = clock_mono_us(), took;

		for (int i = 0; i < times; i++)
			once(d, t);
		took = clock_mono_us() - began;
		best = took < best ? took : best;
	}
	return (double)best * 1000 / times;
}

int
main(void)
{
	static const size_t bodies[] = { 400, 65536, 2000000 };
	static const int times[] = { 20000, 2000, 50 };
	struct decoder *d = decoder_new(NULL);
	struct peer_text variables = { 0 };

	bytes_pool_init(&pool, SIZE_MAX);
	add_variables(&variables);
	for (int i = 0; i < 3; i++) {
		struct peer_text t = { 0 };
		struct peer_call c = { .chunk = 32768 };

		c.params = (struct str){ (char *)variables.p, variables.n };
		c.body = (struct str){ calloc(1, bodies[i]), bodies[i] };
		peer_call(&t, &c);
		printf("body %zu: screen %.0f ns, with decode %.0f ns\n",
			bodies[i], measure(NULL, &t, times[i]),
			measure(d, &t, times[i]));
		free((void *)(uintptr_t)c.body.p);
		peer_clear(&t);
	}
	peer_clear(&variables);
	decoder_free(d);
	bytes_pool_clear(&pool);
	return 0;
}
