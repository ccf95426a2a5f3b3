/* SPDX-License-Identifier: MIT */
/*
 * gen -- a loaded configuration as a generation with holders
 *
 * All of it lies in an arena of its own, which is wiped at the end of the
 * last holder.  The count is a plain integer: a generation belongs to one
 * process.
 */
#include "config.h"
#include "conf/gen.h"

#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/jdoc.h"
#include "base/limits.h"

/* ---- reading the files ------------------------------------------------------------ */
static void
tell_syntax(struct loading *l, struct str name, const struct jdoc_report *r)
{
	const char *why = r->why != NULL ? r->why : "something else";
	bool whole = strncmp(why, "expected ", 9) == 0;

	report_file(l->report, "E02", name, r->line, r->column,
	    str_fmt(l->report->arena, "file: %s%s",
	    whole ? "" : "expected JSON, found ", why));
}

/* The text is well formed, but for that name. */
static void
tell_repeated(struct loading *l, struct node *root,
	const struct jdoc_report *r)
{
	const struct node *n = node_named_at(root, r->line, r->column);

	report_name(l->report, "E07", n != NULL ? n : root,
	    "\"%.*s\" stands here twice (first in line %u)",
	    STR_ARG(str_head(r->name, 64)), r->first_line);
}

/* NULL: told. */
static struct node *
judge_tree(struct loading *l, struct node *root, const struct jdoc_report *r,
	enum jdoc_verdict verdict)
{
	if (verdict == JDOC_UNSAFE)
		tell_repeated(l, root, r);
	else if (root->type != JDOC_OBJECT)
		report_add(l->report, "E02", root,
		    "expected a block, found %s", node_type_name(root));
	else
		return root;
	return NULL;
}

static struct str
dir_of(struct arena *a, struct str path)
{
	size_t n = path.n;

	while (n > 0 && path.p[n - 1] != '/')
		n--;
	if (n == 0)
		return STR(".");
	return str_copy(a, str_head(path, n > 1 ? n - 1 : 1));
}

/* NULL: told. */
static struct node *
read_tree(struct loading *l, const char *path, struct tree_file *file)
{
	struct jdoc_limits limits = {
		.depth = MAX_CONFIG_DEPTH, .values = MAX_CONFIG_VALUES,
		.batch = MAX_CONFIG_VALUES,
	};
	struct jdoc_report report;
	enum jdoc_verdict verdict;
	struct file_text t;
	const char *why;

	file->name = str_copy(l->arena, str_of(path));
	file->dir = dir_of(l->arena, file->name);
	if (!file_read(l, path, MAX_CONFIG, FILE_CONFIG, &t, &why)) {
		report_file(l->report, "E08", file->name, 1, 1,
		    str_fmt(l->report->arena, "file: cannot read \"%s\": %s",
		    path, why));
		return NULL;
	}
	file->mode = t.mode;
	memset(&report, 0, sizeof(report));
	verdict = jdoc_check(l->arena, t.text, JDOC_CONFIG, &limits, &report);
	if (verdict == JDOC_OK || (verdict == JDOC_UNSAFE &&
	    report.name.n > 0 && report.first_line > 0))
		return judge_tree(l, tree_parse(l->arena, t.text, file),
		    &report, verdict);
	tell_syntax(l, file->name, &report);
	return NULL;
}

/* ---- include ------------------------------------------------------------------------ */
/* Moves the members of one map of an included file to ours. */
static void
adopt(struct loading *l, struct node *part, const char *name)
{
	struct node *from = node_get(part, name), *to;

	if (from == NULL || from->type != JDOC_OBJECT)
		return;
	to = node_get(l->root, name);
	if (to == NULL) {
		to = node_new(l->arena, l->root, JDOC_OBJECT, name);
		to->row = from->row;
		node_add(l->arena, l->root, to);
	}
	for (uint32_t i = 0; i < from->n; i++) {
		struct node *kid = from->kids[i];
		const struct node *first = node_member(to, kid->name);

		if (first != NULL) {
			report_name(l->report, "E07", kid,
			    "\"%.*s\" stands here twice (first in line %u)",
			    STR_ARG(str_head(kid->written, 64)),
			    first->name_line);
			continue;
		}
		kid->parent = to;
		node_add(l->arena, to, kid);
	}
}

static void
include_one(struct loading *l, const char *path)
{
	struct tree_file *file = ARENA_NEW(l->arena, struct tree_file);
	struct tree_file *before = l->file;
	struct node *part = read_tree(l, path, file);

	if (part == NULL)
		return;
	for (uint32_t i = 0; i < part->n; i++) {
		struct str name = part->kids[i]->name;

		if (schema_same(STR("mcpProxy"), name) ||
		    str_is(name, "include"))
			report_name(l->report, "E01", part->kids[i],
			    "unknown key \"%.*s\"; only mcpServers and groups "
			    "stand in an included file", STR_ARG(name));
	}
	l->file = file;
	load_block(l, part, "top");
	l->file = before;
	adopt(l, part, "mcpServers");
	adopt(l, part, "groups");
}

static bool
is_pattern(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (memchr("*?[", s.p[i], 3) != NULL)
			return true;
	}
	return false;
}

/* A directory that is not there is none with nothing in it. */
static int
hinders(const char *path, int why)
{
	(void)path;
	return why != ENOENT && why != ENOTDIR;
}

/* A pattern may match nothing; a name that is not there is a mistake. */
static void
include_matches(struct loading *l, const struct node *n)
{
	struct str pattern = n->text;
	glob_t found;
	int rc;

	if (pattern.p[0] != '/')
		pattern = str_fmt(l->arena, "%.*s/%.*s",
		    STR_ARG(l->file->dir), STR_ARG(pattern));
	else
		pattern = str_copy(l->arena, pattern);
	rc = glob(pattern.p, 0, hinders, &found);
	if (rc == GLOB_NOMATCH && is_pattern(pattern))
		return;
	if (rc != 0) {
		report_add(l->report, "E08", n, "cannot read \"%.*s\": %s",
		    STR_ARG(n->raw), strerror(rc == GLOB_NOMATCH ? ENOENT :
		    rc == GLOB_ABORTED && errno != 0 ? errno : ENOMEM));
		return;
	}
	for (size_t k = 0; k < found.gl_pathc; k++)
		include_one(l, found.gl_pathv[k]);
	globfree(&found);
}

static void
include_all(struct loading *l)
{
	const struct node *list = node_get(l->root, "include");

	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		if (!list->kids[i]->bad && list->kids[i]->text.n > 0)
			include_matches(l, list->kids[i]);
	}
}

/* ---- filling ------------------------------------------------------------------------- */
static bool
server_disabled(const struct node *server)
{
	const struct node *d = node_get(server, "disabled");
	const struct node *e = node_get(server, "enabled");
	const struct node *o = node_at(server, "options.disabled");

	return (d != NULL && d->number == 1) || (o != NULL && o->number == 1) ||
	    (e != NULL && !e->bad && e->number == 0);
}

/* Both could be read, and are the same; of variables only the number says
 * what they are. */
static bool
agree(const struct node *a, const struct node *b, bool same)
{
	return a == NULL || b == NULL || a->bad || b->bad ||
	    (a->number == b->number) == same;
}

static void
check_switches(struct loading *l, const struct node *server)
{
	const struct node *d = node_get(server, "disabled");
	const struct node *e = node_get(server, "enabled");
	const struct node *o = node_at(server, "options.disabled");

	if (!agree(d, e, false))
		report_add(l->report, "E09", e,
		    "\"enabled\" and \"disabled\" exclude each other");
	if (!agree(d, o, true))
		report_add(l->report, "E09", o, "\"options.disabled\" and "
		    "\"disabled\" exclude each other");
	if (!agree(e, o, false))
		report_add(l->report, "E09", o, "\"options.disabled\" and "
		    "\"enabled\" exclude each other");
}

static void
fill_server(struct loading *l, uint32_t i, struct node *written,
	struct node *base)
{
	struct conf_server *s = &l->servers[i];
	struct node *server = l->server_nodes[i];

	s->name = str_copy(l->arena, server->name);
	s->index = i;
	s->invalid = s->url = s->origin = STR("");
	check_switches(l, server);
	if (server->type != JDOC_OBJECT || server_disabled(server)) {
		fill_rows(l, "options", NULL, &s->options);
		inherit_strategies(NULL, s->options.inbound.strategies);
		s->options.inbound.n_strategies = 1;
		s->options.disabled = true;
		return;
	}
	l->server_options[i] = inherit_options(l, written, base, server);
	fill_rows(l, "server", server, s);
	fill_rows(l, "options", l->server_options[i], &s->options);
	access_fill(l, &s->options, l->server_options[i]);
	check_server(l, i);
	lacks_check(l, i);
}

static void
fill_servers(struct loading *l, struct node *written, struct node *base)
{
	const struct node *map = node_get(l->root, "mcpServers");
	uint32_t n = map != NULL && map->type == JDOC_OBJECT ? map->n : 0;

	if (n > MAX_SERVERS) {
		report_add(l->report, "E03", map, "%u is not within 0..%u", n,
		    MAX_SERVERS);
		n = MAX_SERVERS;
	}
	l->servers = ARENA_ARRAY(l->arena, struct conf_server, n);
	l->server_nodes = ARENA_ARRAY(l->arena, struct node *, n);
	l->server_options = ARENA_ARRAY(l->arena, struct node *, n);
	for (uint32_t i = 0; i < n; i++)
		l->server_nodes[i] = map->kids[i];
	l->conf->servers = l->servers;
	l->conf->n_servers = n;
	for (uint32_t i = 0; i < n; i++)
		fill_server(l, i, written, base);
}

static void
fill_gate(struct loading *l)
{
	struct node *gate = node_get(l->root, "mcpProxy");
	struct node *written = node_get(gate, "options"), *base;
	const struct node *weak = node_get(gate, "allowWeakSecrets");
	struct conf *c = l->conf;

	l->weak = weak != NULL && weak->number == 1;
	c->file = l->file->name;
	c->base_url = c->listen = c->addr = c->store_path = STR("");
	fill_rows(l, "mcpProxy", gate, c);
	check_gate(l);
	lacks_gate(l);
	base = inherit_base(l, written);
	l->gate_options = inherit_gate(l, written, base);
	fill_rows(l, "options", l->gate_options, &c->options);
	access_fill(l, &c->options, l->gate_options);
	audit_fill(l, &c->audit);
	rate_fill(&c->rate);
	check_inbound(l, &c->options.inbound, l->gate_options, NULL,
	    gate != NULL ? gate : l->root);
	check_security(l, l->gate_options);
	fill_servers(l, written, base);
	resource_fill(l);
	check_crossings(l);
}

/* ---- what others know of a rule ------------------------------------------------------- */
static void
judge(struct loading *l, const struct conf_inbound *in, struct conf_server *s,
	const struct node *at)
{
	struct arena *a = arena_new(MIB(16));
	struct str name = s != NULL ? s->name : STR("mcpProxy");
	struct str why = l->src->judge(l->conf, in, a);

	if (why.n > 0)
		server_unusable(l, s, "E67", at, "failed to initialize "
		    "clients: %.*s: %.*s", STR_ARG(name), STR_ARG(why));
	arena_free(a);
}

/* A rule that servers inherit is judged once. */
static void
judge_rules(struct loading *l)
{
	const struct node *rule = node_get(l->gate_options, "inboundAuth");

	if (l->src->judge == NULL || l->report->errors > 0)
		return;
	if (rule != NULL)
		judge(l, &l->conf->options.inbound, NULL, rule);
	for (uint32_t i = 0; i < l->conf->n_servers; i++) {
		struct conf_server *s = &l->servers[i];

		rule = node_get(l->server_options[i], "inboundAuth");
		if (rule != NULL && !s->options.disabled && s->invalid.n == 0 &&
		    !from_gateway(rule))
			judge(l, &s->options.inbound, s, rule);
	}
}

/* ---- the generation --------------------------------------------------------------------- */
static struct conf_gen *
gen_new(const struct conf_source *src, struct arena *a)
{
	struct arena *own = arena_new(MIB(512));
	struct conf_gen *g = ARENA_NEW(own, struct conf_gen);
	struct loading *l = &g->loading;

	g->arena = own;
	g->holders = 1;
	l->arena = own;
	l->report = report_new(a);
	l->src = src;
	l->file = ARENA_NEW(own, struct tree_file);
	l->seen = ARENA_ARRAY(own, struct seen_file, MAX_SEEN);
	l->conf = &g->conf;
	return g;
}

static void
note_file(struct loading *l)
{
	static uint32_t generations;	/* of this process; numbers log lines */

	l->conf->generation = ++generations;
	l->conf->fingerprint = l->fingerprint;
}

struct conf_gen *
conf_load(const struct conf_source *src, struct arena *a,
	struct conf_messages *messages_r)
{
	struct conf_gen *g = gen_new(src, a);
	struct loading *l = &g->loading;

	l->root = read_tree(l, src->file, l->file);
	if (l->root != NULL) {
		load_block(l, l->root, "top");
		include_all(l);
		env_apply(l);
		fill_gate(l);
		note_file(l);
		judge_rules(l);
	}
	*messages_r = report_take(l->report);
	l->report = NULL;		/* lies in the caller's arena */
	l->src = NULL;
	if (messages_r->errors > 0) {
		arena_free(g->arena);
		return NULL;
	}
	return g;
}

const struct conf *
conf_tree(const struct conf_gen *g)
{
	return &g->conf;
}

static void
let_go(void *what)
{
	conf_release(what);
}

const struct conf *
conf_hold(struct conf_gen *g, struct arena *until)
{
	g->holders++;
	arena_defer(until, let_go, g);
	return &g->conf;
}

void
conf_release(struct conf_gen *g)
{
	if (g == NULL)
		return;
	g->holders--;
	if (g->holders == 0)
		arena_free(g->arena);
}

bool
conf_changed(const struct conf_gen *g)
{
	for (uint32_t i = 0; i < g->loading.n_seen; i++) {
		const struct seen_file *s = &g->loading.seen[i];
		struct stat st;

		if (stat(s->path, &st) != 0)
			continue;	/* being replaced; looked at again */
		if (s->inode != (uint64_t)st.st_ino || s->size != st.st_size ||
		    s->mtime_ns != (int64_t)st.st_mtim.tv_sec * 1000000000 +
		    st.st_mtim.tv_nsec)
			return true;
	}
	return false;
}

uint64_t
conf_stamp(const char *path)
{
	static const uint8_t no_key[SIPHASH_KEY];
	struct stat st;
	uint64_t parts[4];

	if (stat(path, &st) != 0)
		return 0;
	parts[0] = (uint64_t)st.st_ino;
	parts[1] = (uint64_t)st.st_size;
	parts[2] = (uint64_t)st.st_mtim.tv_sec;
	parts[3] = (uint64_t)st.st_mtim.tv_nsec;
	return digest_sip(no_key, (struct str){ (const char *)parts,
		sizeof(parts) });
}
