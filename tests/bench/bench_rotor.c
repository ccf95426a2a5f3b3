/* SPDX-License-Identifier: MIT */
/*
 * bench_rotor -- what a pick costs: the turn alone, and the whole policy
 *
 * One line: nanoseconds of one process, and per pick of eight at once.
 */
#include "config.h"
#include "shm/rotor.h"

#include "kit/crew.h"
#include "kit/tokens.h"

#define PICKS 2000000
#define CREW 8

static bool
turns(unsigned number, void *who)
{
	struct rotor *r = desk_cells(who);
	volatile uint64_t last;

	(void)number;
	for (int i = 0; i < PICKS; i++)
		last = rotor_next(r);
	(void)last;
	return true;
}

static bool
whole_picks(unsigned number, void *who)
{
	struct desk *d = who;
	struct rotator_try t;

	(void)number;
	for (int i = 0; i < PICKS / 100; i++) {
		memset(&t, 0, sizeof(t));
		desk_pick(d, &t);
		desk_judge(d, &t);
	}
	return true;
}

static double
alone(bool (*work)(unsigned, void *), struct desk *d, int picks)
{
	uint64_t began = clock_mono_us();

	work(0, d);
	return (double)(clock_mono_us() - began) * 1000 / picks;
}

int
main(void)
{
	struct desk d;
	struct crew c;
	double one, policy;
	uint64_t began;

	desk_open(&d, "abc", ROTATION_ROUND_ROBIN);
	one = alone(turns, &d, PICKS);
	policy = alone(whole_picks, &d, PICKS / 100);
	began = clock_mono_us();
	c = crew_start(CREW, turns, &d);
	crew_wait(&c);
	printf("rotor: %.1f ns a turn, %.1f ns with 8 processes; "
		"pick and verdict %.0f ns\n", one,
		(double)(clock_mono_us() - began) * 1000 / PICKS / CREW,
		policy);
	desk_end(&d);
	return 0;
}
