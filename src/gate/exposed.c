/* SPDX-License-Identifier: MIT */
/*
 * exposed -- do files of ours lie where the web server hands them out?
 *
 * Only requests tell where that is: the first one of a process that does is
 * looked at.  Each worker tells what it finds.  A process of plain CGI has one
 * request: what the last one found is in the shared file, only news are told.
 */
#include "config.h"

#include <limits.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "gate/pipeline.h"

static bool
real_below(const char *path, struct str root)
{
	char real[PATH_MAX];
	struct str name;

	if (realpath(path, real) == NULL)
		return false;
	name = str_of(real);
	return str_starts(name, root) && (root.n == 1 || name.n == root.n ||
		name.p[root.n] == '/');
}

/* The file, or a link to it. */
static bool
is_below(struct arena *a, const char *path, struct str root)
{
	struct str dir = str_of(path);

	while (dir.n > 0 && dir.p[dir.n - 1] != '/')
		dir.n--;
	return real_below(path, root) || real_below(str_fmt(a, "%.*s.",
		STR_ARG(dir)).p, root);
}

static void
tell(const char *what, const char *path, struct str root)
{
	log_say(LOG_LEVEL_WARN, "exposed", "\"%s\" lies below the document "
		"root \"%.*s\": the web server may hand the %s to anybody; "
		"move it, now", path, STR_ARG(root), what);
}

/* Where the web server has its root on this machine; "": nowhere. */
static struct str
find_root(struct req *q)
{
	struct str said = params_server(&q->in.params, "DOCUMENT_ROOT");
	char real[PATH_MAX];

	if (said.n == 0 ||
	    realpath(str_copy(q->arena, said).p, real) == NULL)
		return STR("");
	return str_copy(q->arena, str_of(real));
}

void
exposed_look(struct req *q)
{
	struct gate *g = q->gate;
	const char *state = g->segment != NULL ? segment_path(g->segment) :
		NULL;
	struct str root = find_root(q);
	uint32_t found = EXPOSED_LOOKED;

	g->exposed_looks++;
	if (root.n == 0)
		return;
	g->exposed_looks = EXPOSED_LOOKS;
	if (g->conf_path != NULL && is_below(q->arena, g->conf_path, root))
		found |= EXPOSED_CONF;
	if (state != NULL && is_below(q->arena, state, root))
		found |= EXPOSED_STATE;
	if (!segment_say_exposed(g->segment, found) && q->in.cgi)
		return;
	if ((found & EXPOSED_CONF) != 0)
		tell("configuration", g->conf_path, root);
	if ((found & EXPOSED_STATE) != 0)
		tell("state", state, root);
}
