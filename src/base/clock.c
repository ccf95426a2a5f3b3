/* SPDX-License-Identifier: MIT */
/*
 * clock -- the kernel's clocks as plain numbers
 */
#include "config.h"
#include "base/clock.h"

#include <stdlib.h>
#include <time.h>

static struct timespec
read_clock(clockid_t id)
{
	struct timespec t;

	if (clock_gettime(id, &t) != 0)
		abort();		/* there is no world without time */
	return t;
}

static uint64_t
read_us(clockid_t id)
{
	struct timespec t = read_clock(id);

	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t
clock_boot_ms(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000;
}

uint64_t
clock_boot_us(void)
{
	return read_us(CLOCK_BOOTTIME);
}

int64_t
clock_unix_ms(void)
{
	return (int64_t)(read_us(CLOCK_REALTIME) / 1000);
}

int64_t
clock_unix_s(void)
{
	return (int64_t)read_clock(CLOCK_REALTIME).tv_sec;
}

/* value as exactly n digits, then the byte `after`; returns what follows. */
static char *
put_digits(char *p, int64_t value, int n, char after)
{
	for (int i = n - 1; i >= 0; i--) {
		p[i] = (char)('0' + value % 10);
		value /= 10;
	}
	p[n] = after;
	return p + n + 1;
}

void
clock_stamp(int64_t unix_ms, char text_r[CLOCK_STAMP])
{
	int64_t ms = unix_ms > 0 ? unix_ms : 0;
	time_t s = (time_t)(ms / 1000);
	struct tm tm = { 0 };
	char *p = text_r;

	gmtime_r(&s, &tm);
	p = put_digits(p, tm.tm_year + 1900, 4, '-');
	p = put_digits(p, tm.tm_mon + 1, 2, '-');
	p = put_digits(p, tm.tm_mday, 2, 'T');
	p = put_digits(p, tm.tm_hour, 2, ':');
	p = put_digits(p, tm.tm_min, 2, ':');
	p = put_digits(p, tm.tm_sec, 2, '.');
	p = put_digits(p, ms % 1000, 3, 'Z');
	*p = '\0';
}
