/* SPDX-License-Identifier: MIT */
/* Rules of the gateway itself, and of names. */
#include "config.h"
#include "conf/load.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/uri.h"

static const struct node *
gate_node(const struct loading *l, const char *path)
{
	const struct node *gate = node_get(l->root, "mcpProxy"), *n;

	n = node_at(gate, path);
	if (n != NULL)
		return n;
	return gate != NULL ? gate : l->root;
}

/* ---- addresses we listen on ---------------------------------------------------- */
static bool
tcp_good(struct str s, bool *loopback_r)
{
	size_t colon = s.n;
	struct conf_cidr c;
	struct str host;
	uint64_t port;

	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || !str_number(str_from(s, colon), &port) ||
	    port < 1 || port > 65535)
		return false;
	host = str_head(s, colon - 1);
	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct str){ host.p + 1, host.n - 2 };
	*loopback_r = str_is_nocase(host, "localhost") ||
	    (conf_addr_parse(host, &c) && conf_addr_loopback(&c));
	return true;
}

/* "unix:" and a name that does not depend on where we are started. */
static void
check_socket_name(struct loading *l, const struct node *at, struct str path)
{
	const size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (path.n > most)
		report_add(l->report, "E03", at, "%zu is not within 1..%zu "
		    "bytes", path.n, most);
	else if (path.n == 0 || path.p[0] != '/')
		report_add(l->report, "E02", at, "expected unix:/path, "
		    "tcp:127.0.0.1:PORT or fd:0, found text");
}

static void
check_listen(struct loading *l)
{
	struct str s = l->conf->listen;
	const struct node *at = gate_node(l, "listen");
	bool loopback = false;
	uint64_t fd;

	if (s.n == 0)
		return;
	if (str_starts(s, STR("unix:"))) {
		check_socket_name(l, at, str_from(s, 5));
		return;
	}
	if (str_starts(s, STR("fd:")) && str_number(str_from(s, 3), &fd))
		return;
	if (!str_starts(s, STR("tcp:")) ||
	    !tcp_good(str_from(s, 4), &loopback))
		report_add(l->report, "E02", at, "expected unix:/path, "
		    "tcp:127.0.0.1:PORT or fd:0, found text");
	else if (!loopback)
		report_add(l->report, "E66", at,
		    "TCP is only opened on loopback");
}

static void
fill_addr(struct loading *l)
{
	struct conf *c = l->conf;

	if (c->addr.n == 0)
		return;
	if (!str_starts(c->addr, STR("unix:"))) {
		report_add(l->report, "W14", gate_node(l, "addr"), "addr is an "
		    "HTTP address and is not opened; use listen");
		return;
	}
	if (c->listen.n > 0)
		report_add(l->report, "E09", gate_node(l, "addr"),
		    "\"addr\" and \"listen\" exclude each other");
	else
		c->listen = c->addr;
}

static void
fill_socket_mode(struct loading *l)
{
	const struct node *n = node_at(l->root, "mcpProxy.socketMode");
	struct str s = n != NULL && !n->bad ? n->text : STR("0660");
	bool good = s.n > 0 && s.n <= 4;
	uint32_t mode = 0;

	for (size_t i = 0; good && i < s.n; i++) {
		good = s.p[i] >= '0' && s.p[i] <= '7';
		mode = mode * 8 + (uint32_t)(s.p[i] - '0');
	}
	if (good && mode <= 0777)
		l->conf->socket_mode = mode;
	else
		report_add(l->report, "E02", n,
		    "expected a mode like 0660, found text");
}

static void
fill_workers(struct loading *l)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (l->conf->workers != 0)
		return;
	l->conf->workers = cores < 1 ? 1 : cores > 64 ? 64 : (uint32_t)cores;
}

/* ---- the mount prefix ------------------------------------------------------------ */
static bool
segment_good(struct str s)
{
	if (s.n == 0 || str_is(s, ".") || str_is(s, ".."))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '.' && c != '_' &&
		    c != '-')
			return false;
	}
	return true;
}

static bool
path_good(struct str s)
{
	while (s.p != NULL) {
		if (!segment_good(str_cut(&s, '/')))
			return false;
	}
	return true;
}

static void
set_mount(struct loading *l, struct str path, const struct node *at)
{
	while (path.n > 0 && path.p[path.n - 1] == '/')
		path.n--;
	l->conf->mount_known = true;
	l->conf->mount = str_copy(l->arena, path);
	if (path.n > 0 &&
	    (path.p[0] != '/' || !path_good(str_from(path, 1))))
		report_add(l->report, "E61", at,
		    "name \"%.*s\" cannot be a path",
		    STR_ARG(str_head(at->raw, 128)));
}

static void
fill_mount(struct loading *l)
{
	const struct node *base = node_at(l->root, "mcpProxy.baseURL");
	const struct node *mount = node_at(l->root, "mcpProxy.mountPath");
	struct uri u;

	l->conf->mount = STR("");
	if (base == NULL) {
		report_add(l->report, "W12", gate_node(l, "baseURL"), "baseURL "
		    "is not set: no OAuth metadata is advertised");
		if (mount != NULL && !mount->bad)
			set_mount(l, mount->text, mount);
		return;
	}
	if (base->bad || !uri_parse(l->arena, base->text, &u))
		return;
	if (u.has_query) {
		report_add(l->report, "E62", base,
		    "must be an absolute http(s) URL");
		return;
	}
	set_mount(l, u.path, base);
	if (mount != NULL)
		report_add(l->report, "E09", mount,
		    "\"mountPath\" and \"baseURL\" exclude each other");
}

/* ---- secrets of the gateway ------------------------------------------------------- */
static void
fill_secret_keys(struct loading *l)
{
	const struct node *list = node_at(l->root, "mcpProxy.secretKey");
	struct secret *v;
	uint32_t n = 0;

	if (list == NULL || list->type != JDOC_ARRAY)
		return;
	v = ARENA_ARRAY(l->arena, struct secret, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *k = list->kids[i];

		if (k->bad || k->text.n == 0)
			continue;
		if ((k->text.n < 32 || keys_published(k->text)) && !l->weak)
			report_add(l->report, "E45", k, "secret is shorter "
			    "than 32 bytes or a published sample");
		v[n++] = secret_of(str_copy(l->arena, k->text));
	}
	l->conf->secret_keys = v;
	l->conf->n_secret_keys = n;
}

static void
check_admin_value(struct loading *l, const struct node *n)
{
	const struct node *v = n;

	if (n->type == JDOC_OBJECT)
		v = node_get(n, "value");
	if (l->weak || n->bad || v == NULL || v->bad)
		return;
	if (v->text.n < 16 || keys_published(v->text))
		report_add(l->report, "E50", v, "admin credential is shorter "
		    "than 16 bytes or a published sample");
}

/* Half a pair would let nobody in, and say nothing. */
static void
check_basic(struct loading *l)
{
	const struct node *pair = node_at(l->root, "mcpProxy.admin.basic");
	const struct node *user = node_get(pair, "user");
	const struct node *word = node_get(pair, "password");

	if (user == NULL && word == NULL)
		return;
	if (user == NULL || (!user->bad && user->text.n == 0))
		report_add(l->report, "E42", pair, "admin.basic needs user");
	else if (str_find(user->text, ':') < user->text.n)
		report_add(l->report, "E02", user,
		    "expected a name without a colon, found text");
	if (word == NULL)
		report_add(l->report, "E42", pair, "admin.basic needs "
		    "password");
	else
		check_admin_value(l, word);
}

static void
check_admin(struct loading *l)
{
	const struct node *list = node_at(l->root, "mcpProxy.admin.tokens");

	for (uint32_t i = 0; list != NULL && i < list->n; i++)
		check_admin_value(l, list->kids[i]);
	check_basic(l);
	keys_check(l, node_at(l->root, "mcpProxy.metrics.tokens"));
}

static void
check_store(struct loading *l)
{
	const struct node *type = node_at(l->root, "mcpProxy.store.type");
	const struct node *url = node_at(l->root, "mcpProxy.store.url");
	size_t end;

	if (url != NULL && !url->bad) {
		end = str_find(url->text, ':');
		if (!str_starts(url->text, STR("redis://")) &&
		    !str_starts(url->text, STR("rediss://")) &&
		    !str_starts(url->text, STR("unix:")))
			report_add(l->report, "E31", url, "scheme \"%.*s\" is "
			    "not one of redis, rediss, unix",
			    end < 17 ? (int)end : 0, url->text.p);
	}
	if (type == NULL || type->bad || type->number != 1)
		return;
	if (url == NULL)
		report_add(l->report, "E42", type, "redis needs store.url");
	if (node_at(l->root, "mcpProxy.secretKey") == NULL)
		report_add(l->report, "E68", type, "secretKey is required when "
		    "several hosts share a store");
}

/* It need not be there yet; then its directory must take it. */
static void
check_log_file(struct loading *l, const struct node *path)
{
	const char *name = str_copy(l->arena, path->text).p;
	struct str dir = path->text;

	if (access(name, W_OK) == 0)
		return;
	if (errno == ENOENT) {
		while (dir.n > 1 && dir.p[dir.n - 1] != '/')
			dir.n--;
		if (access(str_copy(l->arena, dir).p, W_OK | X_OK) == 0)
			return;
	}
	report_add(l->report, "E08", path, "cannot write \"%.*s\": %s",
	    STR_ARG(path->text), strerror(errno));
}

static void
check_log(struct loading *l)
{
	const struct node *path = node_at(l->root, "mcpProxy.log.path");

	if (path != NULL && !path->bad && l->conf->log.target == LOG_FILE)
		check_log_file(l, path);
	if (path != NULL && !path->bad)
		l->conf->log.path = str_copy(l->arena, path->text).p;
	if (l->conf->log.target == LOG_FILE && path == NULL)
		report_add(l->report, "E42", gate_node(l, "log.target"),
		    "log.target needs log.path");
}

static void
check_audit(struct loading *l)
{
	const struct node *list = node_at(l->root, "mcpProxy.audit.sinks");
	const struct node *on = node_at(l->root, "mcpProxy.audit.enabled");

	if (on != NULL && on->number == 1 && (list == NULL || list->n == 0))
		report_add(l->report, "E42", on, "audit needs audit.sinks");
	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		const struct node *s = list->kids[i];
		const struct node *type = node_get(s, "type");
		const struct node *url = node_get(s, "url");
		const struct node *path = node_get(s, "path");

		if (type == NULL) {
			report_add(l->report, "E42", s, "sink needs type");
			continue;
		}
		if (type->number == 0 && path == NULL)
			report_add(l->report, "E42", s, "json needs path");
		else if (type->number == 0 && !path->bad && on != NULL &&
		    on->number == 1 && !str_is(path->text, "stderr"))
			check_log_file(l, path);
		if (type->number != 2)
			continue;
		if (url == NULL || !str_starts(url->text, STR("sqlite:")))
			report_add(l->report, "E31", url != NULL ? url : s,
			    "scheme \"%.*s\" is not one of sqlite",
			    0, "");
	}
}

/* ---- names --------------------------------------------------------------------------- */
static bool
reserved(struct str name)
{
	static const char *const firsts[] = {
		"v1", "tools", "api", "version", ".well-known", "health",
		"healthz", "_healthz", "ready", "readyz", "_readyz", "metrics",
		"status", "admin", "selftest", "ws",
	};
	struct str first = str_cut(&name, '/');

	for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
		if (str_is(first, firsts[i]))
			return true;
	}
	return false;
}

static void
check_names(struct loading *l, const struct node *map)
{
	for (uint32_t i = 0; map != NULL && i < map->n; i++) {
		const struct node *n = map->kids[i];

		if (!path_good(n->name) || reserved(n->name) ||
		    n->name.n > 128)
			report_name(l->report, "E61", n,
			    "name \"%.*s\" cannot be a path",
			    STR_ARG(str_head(n->written, 128)));
	}
}

static void
check_members(struct loading *l, const struct node *group)
{
	const struct node *servers = node_get(l->root, "mcpServers");
	const struct node *list = node_get(group, "servers");

	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		const struct node *n = list->kids[i];

		if (node_member(servers, n->text) == NULL)
			report_add(l->report, "E01", n,
			    "unknown key \"%.*s\"; no server has this name",
			    STR_ARG(str_head(n->raw, 64)));
	}
}

static void
check_groups(struct loading *l)
{
	const struct node *groups = node_get(l->root, "groups");
	const struct node *servers = node_get(l->root, "mcpServers");

	check_names(l, servers);
	check_names(l, groups);
	for (uint32_t i = 0; groups != NULL && i < groups->n; i++) {
		const struct node *g = groups->kids[i];
		const struct node *e = node_get(g, "endpoint");

		check_members(l, g);
		if (e == NULL || e->bad)
			continue;
		if (e->text.n < 2 || e->text.p[0] != '/' ||
		    !path_good(str_from(e->text, 1)) ||
		    node_member(servers, str_from(e->text, 1)) != NULL)
			report_add(l->report, "E61", e,
			    "name \"%.*s\" cannot be a path",
			    STR_ARG(str_head(e->raw, 128)));
	}
}

/* One that a trusted proxy passes on as it came is a client's own word. */
static void
check_client_headers(struct loading *l)
{
	const struct node *at = node_at(l->root, "mcpProxy.clientIp.headers");
	const struct conf_texts *v = &l->conf->client_ip_headers;
	struct str list = STR("");

	if (at == NULL || l->conf->trusted_proxies.n == 0 || v->n == 0 ||
	    (v->n == 1 && str_is_nocase(v->v[0], "X-Forwarded-For")))
		return;
	for (uint32_t i = 0; i < v->n; i++)
		list = str_fmt(l->arena, "%.*s%s%.*s", STR_ARG(list),
		    i > 0 ? ", " : "", STR_ARG(str_head(v->v[i], 64)));
	report_add(l->report, "W22", at, "the trusted proxies have to write "
	    "or append to each of %.*s", STR_ARG(str_head(list, 400)));
}

void
check_gate(struct loading *l)
{
	check_client_headers(l);
	fill_addr(l);
	check_listen(l);
	fill_socket_mode(l);
	fill_workers(l);
	fill_mount(l);
	check_hosts(l);
	fill_secret_keys(l);
	check_admin(l);
	check_store(l);
	check_log(l);
	check_audit(l);
	check_groups(l);
}
