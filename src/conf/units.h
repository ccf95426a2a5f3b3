/* SPDX-License-Identifier: MIT */
/*
 * units -- durations, sizes and dates as people write them
 */
#ifndef CONF_UNITS_H
#define CONF_UNITS_H

#include "base/str.h"

bool value_duration(struct str text, int64_t *ms_r);	/* "250ms", "1m30s", "0" */
bool value_size(struct str text, int64_t *bytes_r);	/* "64KiB", "10" */
bool value_date(struct str text, int64_t *unix_s_r);	/* RFC 3339 */

#endif
