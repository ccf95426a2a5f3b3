/* SPDX-License-Identifier: MIT */
/*
 * route -- path -> server or page of our own
 *
 * After: q->server or q->page says where it goes; nothing from the query or
 * from headers (but the method) took part.
 */
#include "config.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"
#include "gate/pipeline.h"

static enum method
method_of(struct str name)
{
	static const struct {
		struct str name;
		enum method method;
	} known[] = {
		{ STR("POST"), METHOD_POST }, { STR("GET"), METHOD_GET },
		{ STR("DELETE"), METHOD_DELETE },
		{ STR("OPTIONS"), METHOD_OPTIONS },
		{ STR("HEAD"), METHOD_HEAD },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (str_eq(name, known[i].name))
			return known[i].method;
	}
	return METHOD_OTHER;
}

/* Sixteen capital letters at most: HTTP has no longer ones. */
static const struct fault *
check_method(struct req *q)
{
	struct str name = params_server(&q->in.params, "REQUEST_METHOD");
	bool good = name.n > 0 && name.n <= MAX_METHOD;

	for (size_t i = 0; i < name.n && good; i++)
		good = name.p[i] >= 'A' && name.p[i] <= 'Z';
	return good ? NULL : fault_new(q->arena, FAULT_BAD_REQUEST,
		"method \"%.*s\"", STR_ARG(str_head(name, MAX_METHOD)));
}

/* ---- request id ------------------------------------------------------------- */
/* The base of this worker and a number of at least six digits. */
static struct str
make_id(struct gate *g, struct arena *a)
{
	static const char digits[] = "0123456789abcdef";
	struct str base = str_of(g->id_base);
	uint64_t n = ++g->id_count;
	char *text = arena_alloc(a, base.n + 17);
	size_t end = base.n + 6;

	while (end < base.n + 16 && n >> 4 * (end - base.n) != 0)
		end++;
	memcpy(text, base.p, base.n);
	for (size_t i = end; i > base.n; i--, n >>= 4)
		text[i - 1] = digits[n & 15];
	return (struct str){ text, end };
}

static void
name_request(struct req *q)
{
	uint32_t n;
	struct str theirs = params_client(&q->in.params, "HTTP_X_REQUEST_ID",
		&n);

	if (n == 1 && theirs.n <= MAX_REQUEST_ID && str_visible(theirs))
		q->request_id = theirs;
	else
		q->request_id = make_id(q->gate, q->arena);
}

/* ---- the path --------------------------------------------------------------- */
/* What stands behind scheme and host; they end where the path begins, and a
 * URI without a path asks for the root. */
static struct str
without_host(struct str uri)
{
	static const struct str schemes[] = { STR("http://"),
		STR("https://") };
	struct str rest;
	size_t i;

	for (i = 0; i < 2; i++) {
		struct str scheme = schemes[i];

		if (!str_eq_nocase(str_head(uri, scheme.n), scheme))
			continue;
		rest = str_from(uri, scheme.n);
		uri = str_from(rest, str_find(rest, '/'));
		if (uri.n == rest.n || str_find(rest, '#') < rest.n)
			return STR_NONE;	/* no host; not of HTTP */
		return uri.n > 0 ? uri : STR("/");
	}
	return uri;
}

/* REQUEST_URI without query, scheme and host (W1 of the web servers).  The
 * query first: nothing in it is ever a path. */
static struct str
uri_path(struct req *q)
{
	struct str uri = params_server(&q->in.params, "REQUEST_URI");
	size_t at;

	if (uri.n == 0)
		uri = params_server(&q->in.params, "SCRIPT_NAME");
	at = str_find(uri, '?');
	q->query = str_from(uri, at + 1);
	return without_host(str_head(uri, at));
}

static bool
has_escape(struct str path, size_t i)
{
	static const char *const forbidden[] = { "2f", "5c", "2e", "00" };
	struct str code = str_head(str_from(path, i + 1), 2);
	size_t k;

	for (k = 0; k < sizeof(forbidden) / sizeof(*forbidden); k++) {
		if (str_is_nocase(code, forbidden[k]))
			return true;
	}
	return false;
}

static bool
bad_byte(struct str path, size_t i)
{
	char c = path.p[i];

	if (c < 0x21 || c > 0x7e || c == '\\')
		return true;
	if (c == '%' && has_escape(path, i))
		return true;
	return c == '/' && i + 1 < path.n && path.p[i + 1] == '/';
}

/* No empty, "." or ".." part, no hidden slash or dot, ASCII only. */
static bool
path_ok(struct str path)
{
	struct str rest = path, part;
	size_t i;

	if (path.n == 0 || path.p[0] != '/')
		return false;
	for (i = 0; i < path.n; i++) {
		if (bad_byte(path, i))
			return false;
	}
	while (rest.p != NULL) {
		part = str_cut(&rest, '/');
		if (str_is(part, ".") || str_is(part, ".."))
			return false;
	}
	return true;
}

/* path without prefix, when prefix ends at a part of it. */
static bool
below(struct str path, struct str prefix, struct str *rest_r)
{
	if (!str_starts(path, prefix))
		return false;
	if (path.n > prefix.n && path.p[prefix.n] != '/')
		return false;
	*rest_r = str_from(path, prefix.n);
	return true;
}

/* ---- what stands there ------------------------------------------------------- */
static const struct {
	struct str path;
	enum page page;
} pages[] = {
	{ STR("/health"), PAGE_HEALTH }, { STR("/healthz"), PAGE_HEALTH },
	{ STR("/_healthz"), PAGE_HEALTH },
	{ STR("/ready"), PAGE_READY }, { STR("/readyz"), PAGE_READY },
	{ STR("/_readyz"), PAGE_READY },
	{ STR("/version"), PAGE_VERSION }, { STR("/metrics"), PAGE_METRICS },
	{ STR("/ws"), PAGE_WEBSOCKET },
	{ STR("/selftest/headers"), PAGE_SELF_HEADERS },
	{ STR("/selftest/stream"), PAGE_SELF_STREAM },
};

static enum page
find_page(struct str path)
{
	size_t i;

	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		if (str_eq(path, pages[i].path))
			return pages[i].page;
	}
	return PAGE_NONE;
}

/* "/name", "/name/mcp", with or without a slash behind. */
static struct site_server *
find_server(const struct site *s, struct str path)
{
	struct site_server *found;

	path = str_from(path, 1);
	if (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	found = path.n > 0 ? site_find(s, path) : NULL;
	if (found == NULL && str_ends(path, STR("/mcp")))
		found = site_find(s, str_head(path, path.n - 4));
	return found;
}

static bool
is_default(struct str path)
{
	return str_is(path, "/") || str_is(path, "/mcp") ||
		str_is(path, "/mcp/");
}

struct site_server *
route_server(const struct site *s, struct str path)
{
	struct site_server *v = find_server(s, path);

	return v == NULL && (path.n == 0 || is_default(path)) ? s->only : v;
}

static bool
stands_here(struct req *q, struct str path)
{
	q->path = path;
	if (resource_route(q, path))
		return true;
	q->page = find_page(path);
	q->server = q->page == PAGE_NONE ? route_server(q->site, path) : NULL;
	return q->page != PAGE_NONE || q->server != NULL;
}

/* Some servers give the whole path as SCRIPT_NAME: the mount is then what
 * stands before the longest end of the path that we know by name. */
static bool
find_end(struct req *q, struct str path)
{
	struct str end;
	size_t i, parts = 0;

	for (i = 0; i < path.n; i++) {
		end = str_from(path, i);
		if (path.p[i] != '/')
			continue;
		parts++;
		if ((i == 0 || !is_default(end)) && stands_here(q, end))
			return true;
	}
	return parts == 1 && stands_here(q, STR("/"));
}

/* Apache's SetHandler calls the first part below the directory a file and
 * counts it as SCRIPT_NAME: the mount is then one part shorter. */
static bool
stands_above(struct req *q, struct str path, struct str script)
{
	size_t i = script.n;

	while (i > 0 && script.p[i - 1] != '/')
		i--;
	return i > 0 && stands_here(q, str_from(path, i - 1));
}

static bool
find_place(struct req *q, struct str path)
{
	struct str script = params_server(&q->in.params, "SCRIPT_NAME");
	struct str rest;

	if (q->conf->mount_known) {
		if (!below(path, q->conf->mount, &rest))
			return resource_route_root(q, path);
		return stands_here(q, rest.n > 0 ? rest : STR("/"));
	}
	if (script.n > 0 && script.p[script.n - 1] == '/')
		script.n--;
	if (str_eq(script, path))
		return find_end(q, path);
	if (script.n > 0 && below(path, script, &rest))
		return stands_here(q, rest) || stands_above(q, path, script);
	return stands_here(q, path);
}

/* The longest token must fit, too, with its scheme. */
static bool
has_long_header(const struct req *q)
{
	size_t longest = q->in.params.longest;

	return longest > MAX_HEADER_VALUE && longest > MAX_HEADER_VALUE -
		TOKEN_DEFAULT + q->conf->limits.token;
}

/* What was found while the request was read. */
static const struct fault *
check_input(struct req *q)
{
	const struct params *t = &q->in.params;
	bool long_header = has_long_header(q);

	if (q->in.refused != NULL)
		return q->in.refused;
	if (t->too_many || long_header)
		return fault_new(q->arena, FAULT_HEADERS_TOO_LARGE, "%s",
			t->too_many ? "too many headers" :
			"a header is too long");
	if (t->bad_value)
		return fault_new(q->arena, FAULT_BAD_REQUEST,
			"a control byte in a header");
	return NULL;
}

static const struct fault *
check_path(struct req *q, struct str path)
{
	bool clean = path.n <= MAX_URI && path_ok(path);
	bool found = clean && find_place(q, path);

	if (path.n + q->query.n > MAX_URI)
		return fault_new(q->arena, FAULT_URI_TOO_LARGE,
			"URI of %zu bytes", path.n + q->query.n);
	if (!clean)
		return fault_new(q->arena, FAULT_BAD_REQUEST,
			"path is not clean");
	if (!found)
		return fault_new(q->arena, FAULT_NOT_FOUND,
			"no route for \"%.*s\"", STR_ARG(str_head(path, 200)));
	return NULL;
}

enum turn
route_run(struct req *q)
{
	const struct fault *bad_input = check_input(q), *f;

	name_request(q);
	q->method = method_of(params_server(&q->in.params, "REQUEST_METHOD"));
	f = check_path(q, uri_path(q));
	q->mcp_route = q->server != NULL;
	if (q->server != NULL)
		loads_count(q->server->load, 1, 0);
	if (f != NULL && f->kind == FAULT_NOT_FOUND &&
	    q->method == METHOD_OPTIONS)
		f = NULL;		/* a page may ask, and then see a 404 */
	if (bad_input == NULL)
		bad_input = check_method(q);
	if (bad_input != NULL)
		f = bad_input;
	return f == NULL ? NEXT : req_fail(q, f);
}
