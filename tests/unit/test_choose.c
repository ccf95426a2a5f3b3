/* SPDX-License-Identifier: MIT */
/*
 * choose -- the order of each mode: weights, disabled tokens, chance, callers
 */
#include "config.h"
#include "cred/rotator.h"

#include "base/clock.h"
#include "base/digest.h"
#include "kit/tap.h"
#include "kit/tokens.h"

#define RR ROTATION_ROUND_ROBIN
#define FF ROTATION_ON_FIRST_FAILED

/* ---- weights and disabled tokens ---------------------------------------------------- */

static const struct {
	const char *name;
	enum rotation mode;
	const char *tokens;
	const char *weights;		/* a digit each; 0: disabled */
	const char *answers;
	int requests;
	const char *used;
} cases[] = {
	{ "equal weights are plain", RR, "abc", "444", "", 4, "a|b|c|a|" },
	{ "two to one", RR, "ab", "21", "", 6, "a|b|a|a|b|a|" },
	{ "five, one, one, smoothly", RR, "abc", "511", "", 7,
		"a|a|b|a|c|a|a|" },
	{ "a common divisor changes nothing", RR, "ab", "84", "", 6,
		"a|b|a|a|b|a|" },
	{ "disabled in the middle", RR, "abc", "101", "", 4, "a|c|a|c|" },
	{ "disabled at the front", RR, "abc", "011", "", 4, "b|c|b|c|" },
	{ "disabled at the front, by failure", FF, "abc", "011", "", 2,
		"b|b|" },
	{ "disabled does not count as an attempt", FF, "abc", "101", "a4c4",
		1, "ac|" },
	{ "weights do not matter by failure", FF, "ab", "19", "", 2, "a|a|" },
	{ "a cooling one is passed over along the order", RR, "abc", "211",
		"b4", 8, "a|b|c|a|a|c|c|a|" },
	{ "all but one disabled", RR, "abc", "010", "", 3, "b|b|b|" },
	{ "all disabled", RR, "abc", "000", "", 1, "|" },
};

static void
check_case(size_t i)
{
	struct desk d;

	desk_open(&d, cases[i].tokens, cases[i].mode);
	for (uint32_t k = 0; k < d.server.options.pool.n; k++) {
		d.tokens[k].weight = (uint32_t)(cases[i].weights[k] - '0');
		d.tokens[k].disabled = cases[i].weights[k] == '0';
		if (d.tokens[k].disabled)
			d.tokens[k].weight = 1;
	}
	desk_load(&d);
	desk_answers(&d, cases[i].answers);
	for (int k = 0; k < cases[i].requests; k++)
		desk_ask(&d);
	if (!tap_ok(strcmp(d.used, cases[i].used) == 0, "%s", cases[i].name))
		printf("# used %s\n", d.used);
	if (strcmp(cases[i].used, "|") == 0)
		OK(d.fault != NULL &&
			d.fault->kind == FAULT_CREDENTIAL_WITHDRAWN);
	desk_end(&d);
}

static void
by_hand(void)
{
	struct desk d;

	desk_open(&d, "abc", RR);
	rotor_disable(desk_cells(&d), 1, true);
	for (int i = 0; i < 3; i++)
		desk_ask(&d);
	tap_ok(strchr(d.used, 'b') == NULL, "disabled by hand: %s", d.used);
	rotor_disable(desk_cells(&d), 0, true);
	rotor_disable(desk_cells(&d), 2, true);
	desk_ask(&d);
	tap_ok(d.fault != NULL &&
		d.fault->kind == FAULT_CREDENTIAL_WITHDRAWN, "all by hand");
	rotor_disable(desk_cells(&d), 2, false);
	rotor_failed(desk_cells(&d), 2, 401, d.now_boot_ms, 60000, 60000);
	desk_ask(&d);
	tap_ok(d.fault == NULL && d.letters[d.try.index] == 'c',
		"the last resort is never a disabled one");
	desk_end(&d);
}

/* ---- 1000 requests -------------------------------------------------------------------- */

static void
count(struct desk *d, int requests, int got_r[3])
{
	memset(got_r, 0, 3 * sizeof(got_r[0]));
	for (int i = 0; i < requests; i++) {
		d->used[0] = '\0';
		desk_ask(d);
		got_r[d->try.index]++;
	}
}

static void
thousand(void)
{
	struct desk d;
	int n[3];

	desk_open(&d, "abc", RR);
	count(&d, 1000, n);
	tap_ok(n[0] == 334 && n[1] == 333 && n[2] == 333,
		"1000 requests: %d %d %d", n[0], n[1], n[2]);
	desk_end(&d);
}

static void
chance(void)
{
	struct desk d;
	int n[3];

	desk_open(&d, "abc", ROTATION_RANDOM);
	d.tokens[0].weight = 2;
	count(&d, 4000, n);
	tap_ok(n[0] > 1800 && n[0] < 2200 && n[1] > 800 && n[1] < 1200,
		"random by weight: %d %d %d", n[0], n[1], n[2]);
	d.used[0] = '\0';
	desk_answers(&d, "a4b4");
	for (int i = 0; i < 20; i++)
		desk_ask(&d);
	tap_ok(strchr(d.used, 'a') == strrchr(d.used, 'a') &&
		strchr(d.used, 'b') == strrchr(d.used, 'b'),
		"random passes over cooling ones: %s", d.used);
	desk_end(&d);
}

/* ---- least used ------------------------------------------------------------------------ */

static void
load(void)
{
	struct desk d;
	struct rotator_try t[4];
	char got[5] = "";

	desk_open(&d, "ab", ROTATION_LEAST_USED);
	d.tokens[0].weight = 3;
	memset(t, 0, sizeof(t));
	for (int i = 0; i < 4; i++) {
		desk_pick(&d, &t[i]);
		got[i] = d.letters[t[i].index];
	}
	tap_ok(strcmp(got, "abaa") == 0, "in flight per weight: %s", got);
	rotator_release(d.rotator, &t[1]);
	desk_ask(&d);
	tap_ok(strcmp(d.used, "b|") == 0, "a free one first");
	desk_end(&d);
}

/* ---- callers ---------------------------------------------------------------------------- */

static uint32_t
token_of(struct desk *d, unsigned caller)
{
	uint8_t who[32];

	digest_sha256((struct str){ (const char *)&caller, sizeof(caller) },
		who);
	d->principal = who;
	d->used[0] = '\0';
	desk_ask(d);
	d->principal = NULL;
	return (uint32_t)d->letters[d->try.indexes[0]];
}

static void
callers(void)
{
	enum { CALLERS = 300 };
	uint32_t before[CALLERS], n[128] = { 0 };
	unsigned moved = 0, strange = 0;
	struct desk d;

	desk_open(&d, "abc", RR);
	d.server.options.pool.sticky = STICKY_PRINCIPAL;
	for (unsigned i = 0; i < CALLERS; i++) {
		before[i] = token_of(&d, i);
		n[before[i] & 127]++;
		moved += token_of(&d, i) != before[i];
	}
	tap_ok(moved == 0, "one caller, one token");
	tap_ok(n['a'] > 60 && n['b'] > 60 && n['c'] > 60, "%u %u %u", n['a'],
		n['b'], n['c']);
	IS_INT(rotor_peek(rotator_cells(d.rotator)), 0);
	desk_tokens(&d, "cb");
	desk_load(&d);
	for (unsigned i = 0; i < CALLERS; i++)
		strange += before[i] != 'a' && token_of(&d, i) != before[i];
	tap_ok(strange == 0, "a removed token moves only its own callers");
	d.used[0] = '\0';
	desk_ask(&d);
	tap_ok(strcmp(d.used, "c|") == 0, "nobody's caller goes by turn");
	desk_end(&d);
}

/* ---- the largest pool --------------------------------------------------------------------- */

static void
largest(void)
{
	struct desk d;
	bool in_order = true;
	char letters[MAX_POOL_TOKENS + 1];
	uint64_t began;

	memset(letters, 'x', MAX_POOL_TOKENS);
	letters[MAX_POOL_TOKENS] = '\0';
	desk_open(&d, letters, RR);
	for (uint32_t i = 0; i < MAX_POOL_TOKENS + 1; i++) {
		d.used[0] = '\0';
		desk_ask(&d);
		in_order = in_order && d.try.index == i % MAX_POOL_TOKENS;
	}
	tap_ok(in_order, "256 tokens of one value, each in turn");
	for (uint32_t i = 0; i < MAX_POOL_TOKENS; i++)
		d.tokens[i].weight = i < 100 ? 100 - i : 97;
	began = clock_mono_us();
	desk_load(&d);
	tap_ok(clock_mono_us() - began < 2000000,
		"their weighted order is found in time");
	d.used[0] = '\0';
	desk_ask(&d);
	OK(d.fault == NULL);
	desk_end(&d);
}

int
main(void)
{
	log_open(&(struct log_plan){ .target = LOG_FILE,
		.path = "/dev/null", .format = LOG_JSON });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(i);
	by_hand();
	thousand();
	chance();
	load();
	callers();
	largest();
	return tap_done();
}
