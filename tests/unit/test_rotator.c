/* SPDX-License-Identifier: MIT */
/*
 * rotator -- over time, at once, after a reload, in several workers
 */
#include "config.h"
#include "cred/rotator.h"

#include "kit/tap.h"
#include "kit/tokens.h"

#define RR ROTATION_ROUND_ROBIN
#define FF ROTATION_ON_FIRST_FAILED

/* ---- over time ---- */

/* Token a is refused whenever it is asked; when does it cool how long? */
static void
growth(void)
{
	static const uint64_t waits_s[] = { 60, 120, 240, 480, 600, 600 };
	struct desk d;

	desk_open(&d, "a", ROTATION_NONE);
	desk_answers(&d, "a4");
	for (size_t i = 0; i < sizeof(waits_s) / sizeof(waits_s[0]); i++) {
		desk_ask(&d);
		IS_INT(desk_look(&d, 0).cooling_until_ms - d.now_boot_ms,
			waits_s[i] * 1000);
		d.now_boot_ms += waits_s[i] * 1000;
	}
	desk_answers(&d, "aw");
	desk_ask(&d);
	IS_INT(desk_look(&d, 0).failures, 0);
	desk_answers(&d, "a4");
	desk_ask(&d);
	IS_INT(desk_look(&d, 0).cooling_until_ms - d.now_boot_ms, 60000);
	desk_end(&d);
}

static void
revival(bool primary, const char *want, const char *name)
{
	struct desk d;

	desk_open(&d, "abc", FF);
	d.server.options.pool.prefer_primary = primary;
	desk_answers(&d, "a4");
	desk_ask(&d);
	desk_answers(&d, "aw");
	d.now_boot_ms += 59999;
	desk_ask(&d);
	d.now_boot_ms += 1;
	desk_ask(&d);
	tap_ok(strcmp(d.used, want) == 0, "%s: %s", name, d.used);
	desk_end(&d);
}

static void
retry_after_bound(void)
{
	struct desk d;

	desk_open(&d, "ab", FF);
	d.server.options.pool.retry_after_max_ms = 5000;
	desk_answers(&d, "aq");
	desk_ask(&d);
	tap_ok(desk_look(&d, 0).cooling_until_ms == d.now_boot_ms + 5000,
		"Retry-After is bounded");
	desk_end(&d);
}

/* ---- at once ---- */

static void
twenty_at_once(void)
{
	struct rotator_try t[20];
	struct desk d;
	unsigned again = 0, b = 0;

	desk_open(&d, "abc", FF);
	desk_answers(&d, "a4");
	memset(t, 0, sizeof(t));
	for (int i = 0; i < 20; i++)
		desk_pick(&d, &t[i]);
	IS_INT(desk_look(&d, 0).in_flight, 20);
	for (int i = 0; i < 20; i++) {
		again += desk_judge(&d, &t[i]) == ROTATOR_AGAIN;
		desk_pick(&d, &t[i]);
		b += d.letters[t[i].index] == 'b';
	}
	IS_INT(again, 20);
	IS_INT(b, 20);
	IS_INT(rotor_current(rotator_cells(d.rotator)), 1);
	IS_INT(desk_look(&d, 0).failures, 1);
	IS_INT(desk_look(&d, 0).in_flight, 0);
	IS_INT(desk_look(&d, 1).in_flight, 20);
	for (int i = 0; i < 20; i++) {
		rotator_release(d.rotator, &t[i]);
		rotator_release(d.rotator, &t[i]);
	}
	tap_ok(desk_look(&d, 1).in_flight == 0, "released once");
	desk_end(&d);
}

/* Who has no worker's slot may die at any time, and nobody takes his count
 * back. */
static void
not_in_flight(void)
{
	struct rotator_try t = { 0 };
	struct desk d;

	desk_open(&d, "ab", ROTATION_LEAST_USED);
	d.unnoticed = true;
	OK(desk_pick(&d, &t));
	IS_INT(desk_look(&d, 0).in_flight, 0);
	IS_INT(desk_look(&d, 0).uses, 1);
	rotator_release(d.rotator, &t);
	IS_INT(desk_look(&d, 0).in_flight, 0);
	desk_ask(&d);
	desk_ask(&d);
	tap_ok(strcmp(d.used, "b|a|") == 0, "the fewest uses decide");
	desk_end(&d);
}

/* What was left cools between the verdict and the next pick. */
static void
too_late(void)
{
	struct desk d;
	struct rotator_try t = { 0 };

	desk_open(&d, "ab", FF);
	desk_answers(&d, "a4");
	desk_pick(&d, &t);
	IS_INT(desk_judge(&d, &t), ROTATOR_AGAIN);
	rotor_failed(desk_cells(&d), 1, 401, d.now_boot_ms, 60000, 60000);
	OK(!desk_pick(&d, &t));
	OK(d.fault != NULL && d.fault->kind == FAULT_TOKENS_EXHAUSTED);
	IS_INT(t.attempts, 1);
	desk_end(&d);
}

/* ---- after a reload ---------------------------------------------------------------------- */

static void
reload(void)
{
	struct desk d;

	desk_open(&d, "ab", FF);
	desk_answers(&d, "a4");
	desk_ask(&d);
	desk_answers(&d, "aw");
	desk_tokens(&d, "cab");
	desk_load(&d);
	desk_ask(&d);
	tap_ok(strcmp(d.used, "ab|b|") == 0 &&
		desk_look(&d, 1).failures == 1, "found by value, not by place");
	desk_tokens(&d, "ca");
	desk_load(&d);
	desk_ask(&d);
	tap_ok(strcmp(d.used, "ab|b|c|") == 0,
		"the current one was removed: the first counts: %s", d.used);
	desk_tokens(&d, "cab");
	desk_load(&d);
	desk_ask(&d);
	tap_ok(strcmp(d.used, "ab|b|c|c|") == 0 ||
		strcmp(d.used, "ab|b|c|b|") == 0, "added again: %s", d.used);
	desk_end(&d);
}

static void
two_workers(void)
{
	struct desk d;
	struct rotator *one, *two;

	desk_open(&d, "abc", RR);
	one = d.rotator;
	two = rotator_new(d.segment, &d.server, d.fingerprint, d.arena);
	for (int i = 0; i < 6; i++) {
		d.rotator = i % 2 == 0 ? one : two;
		desk_ask(&d);
	}
	tap_ok(strcmp(d.used, "a|b|c|a|b|c|") == 0, "two workers, one turn");
	d.server.name = STR("t");
	desk_load(&d);
	desk_ask(&d);
	tap_ok(strcmp(d.used, "a|b|c|a|b|c|a|") == 0,
		"two servers never share");
	desk_end(&d);
}

static void
without_segment(void)
{
	struct segment *kept;
	struct desk d;

	desk_open(&d, "ab", RR);
	kept = d.segment;
	d.segment = NULL;
	d.session = STR("sid");
	desk_load(&d);
	desk_ask(&d);
	desk_ask(&d);
	tap_ok(strcmp(d.used, "a|b|") == 0, "without a segment it works alone");
	d.segment = kept;
	desk_end(&d);
}

int
main(void)
{
	log_open(&(struct log_plan){ .target = LOG_FILE,
		.path = "/dev/null", .format = LOG_JSON });
	growth();
	revival(false, "ab|b|b|", "on-first-failed stays where it is");
	revival(true, "ab|b|a|", "preferPrimary goes back");
	retry_after_bound();
	twenty_at_once();
	not_in_flight();
	too_late();
	reload();
	two_workers();
	without_segment();
	return tap_done();
}
