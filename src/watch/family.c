/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "watch/family.h"

static const struct family_row rows[FAMILY_COUNT] = {
#define FAMILY_ROW(id, kind, name, help) [id] = { name, FAMILY_##kind, help },
	FAMILIES(FAMILY_ROW)
#undef FAMILY_ROW
};

const struct family_row *
family_row(enum family f)
{
	return &rows[f];
}

static bool
is_part(struct str suffix)
{
	return str_is(suffix, "_bucket") || str_is(suffix, "_sum")
		|| str_is(suffix, "_count");
}

const struct family_row *
family_find(struct str series)
{
	struct str name = str_head(series, str_find(series, '{'));

	for (size_t i = 0; i < FAMILY_COUNT; i++) {
		struct str row = str_of(rows[i].name);

		if (str_eq(name, row))
			return &rows[i];
		if (rows[i].kind == FAMILY_HISTOGRAM && str_starts(name, row)
		    && is_part(str_from(name, row.n)))
			return &rows[i];
	}
	return NULL;
}
