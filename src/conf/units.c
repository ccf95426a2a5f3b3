/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "conf/units.h"

/* Digits, perhaps with a fraction of at most nine: value in billionths. */
static bool
take_number(struct str *s, uint64_t *whole_r, uint64_t *billionths_r)
{
	uint64_t whole = 0, part = 0, scale = 100000000;
	size_t i = 0, digits;

	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		if (whole > 100000000000000)
			return false;
		whole = whole * 10 + (uint64_t)(s->p[i] - '0');
	}
	if (i == 0)
		return false;
	if (i < s->n && s->p[i] == '.') {
		digits = ++i;
		for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
			part += scale * (uint64_t)(s->p[i] - '0');
			scale /= 10;
		}
		if (i == digits)
			return false;
	}
	*s = str_from(*s, i);
	*whole_r = whole;
	*billionths_r = part;
	return true;
}

struct unit {
	const char *name;
	int64_t nanos;
};

static const struct unit times[] = {
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 },
	{ "s", 1000000000 }, { "m", (int64_t)60 * 1000000000 },
	{ "h", (int64_t)3600 * 1000000000 },
	{ "d", (int64_t)86400 * 1000000000 },
};

static int64_t
take_unit(struct str *s)
{
	size_t n = 0;
	struct str name;

	while (n < s->n && s->p[n] >= 'a' && s->p[n] <= 'z')
		n++;
	name = str_head(*s, n);
	*s = str_from(*s, n);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (str_is(name, times[i].name))
			return times[i].nanos;
	}
	return 0;
}

#define MOST_NANOS ((uint64_t)INT64_MAX)	/* 292 years */

bool
value_duration(struct str text, int64_t *ms_r)
{
	uint64_t sum = 0;

	if (text.n == 0)
		return false;
	if (str_is(text, "0")) {
		*ms_r = 0;
		return true;
	}
	while (text.n > 0) {
		uint64_t whole, part, unit;

		if (!take_number(&text, &whole, &part))
			return false;
		unit = (uint64_t)take_unit(&text);
		if (unit == 0 || whole > MOST_NANOS / unit)
			return false;
		sum += whole * unit;
		if (unit >= 1000000000)
			sum += part * (unit / 1000000000);
		else
			sum += part * unit / 1000000000;
		if (sum > MOST_NANOS)
			return false;
	}
	*ms_r = (int64_t)((sum + 999999) / 1000000);
	return true;
}

bool
value_size(struct str text, int64_t *bytes_r)
{
	static const struct unit sizes[] = {
		{ "", 1 }, { "B", 1 }, { "KiB", 1024 },
		{ "MiB", 1024 * 1024 }, { "GiB", 1024 * 1024 * 1024 },
		{ "KB", 1000 }, { "MB", 1000000 }, { "GB", 1000000000 },
	};
	uint64_t whole, part;

	if (!take_number(&text, &whole, &part) || part != 0 ||
	    whole > (uint64_t)1 << 40)
		return false;
	text = str_trim(text);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (!str_is(text, sizes[i].name))
			continue;
		if (whole > (uint64_t)INT64_MAX / (uint64_t)sizes[i].nanos)
			return false;
		*bytes_r = (int64_t)whole * sizes[i].nanos;
		return true;
	}
	return false;
}

/* ---- RFC 3339 ----------------------------------------------------------------- */
static bool
digits(struct str s, size_t at, size_t n, int64_t least, int64_t most,
	int64_t *value_r)
{
	uint64_t v;

	if (at + n > s.n || !str_number((struct str){ s.p + at, n }, &v) ||
	    (int64_t)v < least || (int64_t)v > most)
		return false;
	*value_r = (int64_t)v;
	return true;
}

/* Days from 1970-01-01, proleptic Gregorian. */
static int64_t
days_of(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool
offset_of(struct str zone, int64_t *seconds_r)
{
	int64_t h, m;

	if (str_is_nocase(zone, "Z")) {
		*seconds_r = 0;
		return true;
	}
	if (zone.n != 6 || (zone.p[0] != '+' && zone.p[0] != '-') ||
	    zone.p[3] != ':' || !digits(zone, 1, 2, 0, 23, &h) ||
	    !digits(zone, 4, 2, 0, 59, &m))
		return false;
	*seconds_r = (h * 3600 + m * 60) * (zone.p[0] == '-' ? -1 : 1);
	return true;
}

static int64_t
month_days(int64_t y, int64_t m)
{
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	if (m == 2)
		return leap ? 29 : 28;
	return m == 4 || m == 6 || m == 9 || m == 11 ? 30 : 31;
}

bool
value_date(struct str s, int64_t *unix_s_r)
{
	int64_t y, mo, d, h, mi, sec, off;
	size_t at = 19;

	if (s.n < 20 || s.p[4] != '-' || s.p[7] != '-' ||
	    (s.p[10] != 'T' && s.p[10] != 't') || s.p[13] != ':' ||
	    s.p[16] != ':')
		return false;
	if (!digits(s, 0, 4, 1970, 9999, &y) ||
	    !digits(s, 5, 2, 1, 12, &mo) ||
	    !digits(s, 8, 2, 1, month_days(y, mo), &d) ||
	    !digits(s, 11, 2, 0, 23, &h) || !digits(s, 14, 2, 0, 59, &mi) ||
	    !digits(s, 17, 2, 0, 60, &sec))
		return false;
	if (s.p[at] == '.') {
		for (at++; at < s.n && s.p[at] >= '0' && s.p[at] <= '9'; at++)
			continue;
		if (at == 20)
			return false;
	}
	if (!offset_of(str_from(s, at), &off))
		return false;
	*unix_s_r = days_of(y, mo, d) * 86400 + h * 3600 + mi * 60 + sec - off;
	return true;
}
