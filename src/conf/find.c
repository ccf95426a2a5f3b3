/* SPDX-License-Identifier: MIT */
/* Which files: of the configuration, of the state. */
#include "config.h"
#include "conf/conf.h"

#include <stdlib.h>
#include <unistd.h>


static const char *
if_there(struct str path)
{
	return access(path.p, F_OK) == 0 ? path.p : NULL;
}

const char *
conf_find(const char *option, struct arena *a)
{
	const char *named = getenv("MCPGATE_CONFIG"), *home = getenv("HOME");
	const char *xdg = getenv("XDG_CONFIG_HOME"), *found = NULL;

	if (option != NULL)
		return option;
	if (named != NULL && *named != '\0')
		return str_copy(a, str_of(named)).p;
	if (xdg != NULL && *xdg == '/')
		found = if_there(str_fmt(a, "%s/mcpgate/config.json", xdg));
	else if (home != NULL && *home == '/')
		found = if_there(str_fmt(a, "%s/.config/mcpgate/config.json",
		    home));
	if (found != NULL)
		return found;
	return if_there(str_fmt(a, "%s/mcpgate/mcpgate.json",
	    GATE_SYSCONFDIR));
}

const char *
conf_state(const struct conf *c)
{
	return c->store_path.n > 0 ? c->store_path.p : NULL;
}
