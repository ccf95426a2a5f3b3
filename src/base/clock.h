/* SPDX-License-Identifier: MIT */
/*
 * clock -- which time is it, by which clock
 *
 * Waits and ages inside one process use monotonic milliseconds (loop_now_ms
 * where there is a loop).  What processes share uses milliseconds since
 * boot, suspend included.  Seconds since 1970 stand in claims and logs only.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_mono_us(void);
uint64_t clock_boot_ms(void);		/* CLOCK_BOOTTIME; same in all processes */
uint64_t clock_boot_us(void);
int64_t clock_unix_ms(void);
int64_t clock_unix_s(void);

/* "2026-01-31T23:59:59.123Z" with its NUL. */
#define CLOCK_STAMP 25
void clock_stamp(int64_t unix_ms, char text_r[CLOCK_STAMP]);

#endif
