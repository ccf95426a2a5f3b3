/* SPDX-License-Identifier: MIT */
/*
 * preflight -- which headers a page may send, of those that it asks for
 */
#include "config.h"
#include "http/preflight.h"

#include "base/buf.h"
#include "base/limits.h"
#include "http/headers.h"

static const struct str tool = STR("Mcp-Param-");

static bool
of_tool(struct str name)
{
	return name.n > tool.n && header_name_ok(name) &&
		str_eq_nocase(str_head(name, tool.n), tool);
}

struct str
preflight_headers(struct arena *a, struct str always, struct str asked)
{
	struct buf b = buf_new(a, MIB(1));
	uint32_t taken = 0;
	struct str text;

	buf_add(&b, always);
	while (asked.p != NULL && taken < MAX_ASKED_HEADERS) {
		struct str name = str_trim(str_cut(&asked, ','));

		if (!of_tool(name))
			continue;
		buf_add(&b, STR(", "));
		buf_add(&b, name);
		taken++;
	}
	return taken > 0 && buf_take(&b, &text) ? text : always;
}
