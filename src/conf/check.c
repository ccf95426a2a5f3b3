/* SPDX-License-Identifier: MIT */
/* Rules between the fields of a server, one function each. */
#include "config.h"
#include "conf/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "conf/uri.h"

/* One server under review. */
struct review {
	struct loading *l;
	struct conf_server *s;
	const struct node *server, *options;
};

bool
from_gateway(const struct node *n)
{
	while (n != NULL && n->parent != NULL && n->parent->parent != NULL)
		n = n->parent;
	return n != NULL && str_is(n->name, "mcpProxy");
}

void
server_unusable(struct loading *l, struct conf_server *s, const char *id,
	const struct node *at, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s == NULL || s->options.panic_if_invalid || from_gateway(at) ||
	    l->src->check_only) {
		report_add(l->report, id, at, "%s", text);
		return;
	}
	report_add(l->report, "W15", at, "\"%.*s\" is ignored: %s",
	    STR_ARG(s->name), text);
	if (s->invalid.n == 0)
		s->invalid = str_fmt(l->arena, "%s", text);
}

static const struct node *
place(const struct review *r, const char *path)
{
	const struct node *n = node_at(r->options, path);

	return n != NULL ? n : r->server;
}

/* ---- E60 ------------------------------------------------------------------------------ */
static void
check_kind(struct review *r)
{
	const struct node *command = node_get(r->server, "command");
	const struct node *url = node_get(r->server, "url");
	const struct node *api = node_get(r->server, "openapi");
	int n = (command != NULL) + (url != NULL) + (api != NULL);
	enum transport *t = &r->s->transport;
	bool stdio = *t == TRANSPORT_STDIO;

	if (n == 1 && command != NULL && *t == TRANSPORT_AUTO)
		*t = TRANSPORT_STDIO;
	if (n == 1 && api != NULL && *t == TRANSPORT_AUTO)
		*t = TRANSPORT_OPENAPI;
	if (n != 1 || (stdio && command == NULL) ||
	    (command != NULL && *t != TRANSPORT_STDIO) ||
	    (api != NULL && *t != TRANSPORT_OPENAPI))
		report_add(r->l->report, "E60", r->server, "\"command\", "
		    "\"url\" and \"openapi\" exclude each other (or none is "
		    "there)");
}

static void
fill_url(struct review *r)
{
	struct uri u;

	r->s->origin = STR("");
	if (r->s->url.n == 0 || !uri_parse(r->l->arena, r->s->url, &u))
		return;
	r->s->origin = uri_origin(r->l->arena, &u);
}

/* ---- headers -------------------------------------------------------------------------- */
static bool
value_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static void
check_header_values(struct review *r, const struct node *headers)
{
	for (uint32_t i = 0; headers != NULL && i < headers->n; i++) {
		const struct node *h = headers->kids[i];

		if (!value_clean(h->text))
			report_add(r->l->report, "E63", h,
			    "\"%.*s\" cannot be a header here",
			    STR_ARG(h->written));
	}
}

/* W01: a static Authorization beside a pool is left out. */
static void
fill_headers(struct review *r)
{
	const struct node *headers = node_get(r->server, "headers");
	struct conf_pairs p = fill_pairs(r->l, headers);
	struct conf_pair *v = ARENA_ARRAY(r->l->arena, struct conf_pair, p.n);
	bool outbound = node_get(r->options, "auth") == NULL;
	uint32_t n = 0;

	check_header_values(r, headers);
	for (uint32_t i = 0; i < p.n; i++) {
		if (r->s->options.pool.n > 0 && !p.v[i].removed &&
		    str_is_nocase(p.v[i].name, "Authorization")) {
			report_add(r->l->report, "W01",
			    node_member(headers, p.v[i].name),
			    "headers.Authorization ignored because %s is set",
			    outbound ? "outboundAuth" : "auth.tokens");
			continue;
		}
		v[n++] = p.v[i];
	}
	r->s->headers = (struct conf_pairs){ v, n };
}

/* ---- passthrough ----------------------------------------------------------------------- */
static bool
starts_nocase(struct str s, const char *head)
{
	size_t n = strlen(head);

	return s.n >= n && str_is_nocase(str_head(s, n), head);
}

/* Names that never go from client to upstream. */
static bool
never_passed(struct str name)
{
	static const char *const exact[] = {
		"Host", "Cookie", "Set-Cookie", "Authorization", "Connection",
		"Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
		"Expect", "Forwarded", "X-Upstream-Authorization",
	};
	static const char *const heads[] = {
		"Content-", "Proxy", "X-Forwarded-", "Mcp-", "X-Mcpgate-"
	};

	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++) {
		if (str_is_nocase(name, exact[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (starts_nocase(name, heads[i]))
			return true;
	}
	return false;
}

static void
check_passthrough(struct review *r)
{
	const struct node *list = node_at(r->options, "passthrough.headers");
	struct conf_texts *t = &r->s->options.passthrough.headers;
	struct str secret = r->s->options.inbound.proxy.secret_header;
	struct str *v = ARENA_ARRAY(r->l->arena, struct str, t->n);
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++) {
		if (!never_passed(t->v[i]) &&
		    (secret.n == 0 || !str_eq_nocase(t->v[i], secret))) {
			v[n++] = t->v[i];
			continue;
		}
		report_add(r->l->report, "W15", list, "\"%.*s\" is ignored: it "
		    "is never passed on", STR_ARG(t->v[i]));
	}
	t->v = v;
	t->n = n;
}

static void
check_rename(struct review *r)
{
	const struct node *map = node_at(r->options, "passthrough.rename");

	for (uint32_t i = 0; map != NULL && i < map->n; i++) {
		const struct node *n = map->kids[i];

		if (n->type == JDOC_STRING && (never_passed(n->name) ||
		    never_passed(n->text)))
			report_add(r->l->report, "E63", n,
			    "\"%.*s\" cannot be a header here",
			    STR_ARG(str_head(never_passed(n->name) ?
			    n->written : n->raw, 80)));
	}
	r->s->options.passthrough.rename = fill_pairs(r->l, map);
}

/* ---- tls -------------------------------------------------------------------------------- */
static void
check_tls_file(struct review *r, const char *path, struct str name, bool secret)
{
	const struct node *at = node_at(r->options, path);
	struct file_text t;
	const char *why;

	if (name.n == 0 || at == NULL)
		return;
	if (!file_read(r->l, name.p, 1024 * 1024,
	    secret ? FILE_SECRET : FILE_PUBLIC, &t, &why))
		server_unusable(r->l, r->s, "E08", at,
		    "cannot read \"%.*s\": %s", STR_ARG(name), why);
	else if (secret && (t.mode & S_IROTH) != 0)
		report_add(r->l->report, "E10", at, "\"%.*s\" holds secrets and "
		    "others may read it (mode %04o); chmod 600 or 640",
		    STR_ARG(name), t.mode);
}

/* A name of TLS 1.3 must be one of these; others are of TLS 1.2, where the
 * library has the list. */
static bool
cipher_known(struct review *r, const struct node *n)
{
	static const char known[] = "TLS_AES_128_GCM_SHA256, "
		"TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256, "
		"TLS_AES_128_CCM_SHA256, TLS_AES_128_CCM_8_SHA256";
	struct str rest = str_of(known), name = n->text;
	const char *list = known;

	if (!str_starts(name, STR("TLS_"))) {
		list = "the names of openssl ciphers";
		if (value_visible(name) && str_find(name, ':') == name.n)
			return true;
		rest = STR_NONE;
	}
	while (rest.p != NULL) {
		if (str_eq(str_trim(str_cut(&rest, ',')), name))
			return true;
	}
	report_add(r->l->report, "E04", n, "\"%.*s\" is not a known word; one "
	    "of %s", STR_ARG(str_head(n->raw, 80)), list);
	return false;
}

static void
split_ciphers(struct review *r)
{
	const struct node *list = node_at(r->options, "tls.cipherSuites");
	struct buf old = buf_new(r->l->arena, 4096);
	struct buf new = buf_new(r->l->arena, 4096);

	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		struct str name = list->kids[i]->text;
		struct buf *b = str_starts(name, STR("TLS_")) ? &new : &old;

		if (!cipher_known(r, list->kids[i]))
			continue;
		if (b->n > 0)
			buf_char(b, ':');
		buf_add(b, name);
	}
	r->s->options.tls.ciphers12 = r->s->options.tls.ciphers13 = STR("");
	if (old.n > 0)
		buf_take(&old, &r->s->options.tls.ciphers12);
	if (new.n > 0)
		buf_take(&new, &r->s->options.tls.ciphers13);
}

static void
weak(struct review *r, const char *path, const char *why)
{
	report_add(r->l->report, "W16", place(r, path),
	    "TLS of \"%.*s\" is weakened: %s", STR_ARG(r->s->name), why);
}

static void
check_tls(struct review *r)
{
	const struct conf_tls *t = &r->s->options.tls;
	const struct node *on = node_at(r->options, "tls.enabled");
	bool https = str_starts(r->s->url, STR("https:"));

	if (on != NULL && !on->bad && r->s->url.n > 0 &&
	    (on->number == 1) != https)
		report_add(r->l->report, "E09", on, "\"tls.enabled\" and "
		    "\"the scheme of url\" exclude each other");
	if (t->insecure_skip_verify)
		weak(r, "tls.insecureSkipVerify", "insecureSkipVerify");
	if (t->min_version < 12)
		weak(r, "tls.minVersion", "minVersion");
	if (t->max_version < 12)
		weak(r, "tls.maxVersion", "maxVersion");
	if (t->min_version > t->max_version)
		report_add(r->l->report, "E09", place(r, "tls.minVersion"),
		    "\"minVersion\" and \"maxVersion\" exclude each other");
	if ((t->cert_file.n > 0) != (t->key_file.n > 0))
		report_add(r->l->report, "E42", place(r, "tls"), "tls needs "
		    "both certFile and keyFile");
	check_tls_file(r, "tls.caFile", t->ca_file, false);
	check_tls_file(r, "tls.certFile", t->cert_file, false);
	check_tls_file(r, "tls.keyFile", t->key_file, true);
	split_ciphers(r);
}

/* ---- filters ------------------------------------------------------------------------------ */
static void
check_filter(struct review *r)
{
	const struct node *mode = node_at(r->options, "toolFilter.mode");
	const struct node *tools = node_at(r->options, "toolFilter.list");

	if (mode != NULL && mode->number == 0 && !mode->bad &&
	    (tools == NULL || tools->n == 0))
		report_add(r->l->report, "W11", mode,
		    "empty allow list: nothing is allowed");
}

static void
fill_tool_times(struct review *r)
{
	const struct node *map = node_at(r->options, "timeouts.tools");
	struct conf_timeouts *t = &r->s->options.timeouts;
	int64_t *ms;
	struct conf_pair *v;

	if (map == NULL || map->type != JDOC_OBJECT)
		return;
	ms = ARENA_ARRAY(r->l->arena, int64_t, map->n);
	v = ARENA_ARRAY(r->l->arena, struct conf_pair, map->n);
	for (uint32_t i = 0; i < map->n; i++) {
		if (map->kids[i]->bad || map->kids[i]->type == JDOC_NULL)
			continue;
		v[t->tools.n].name = str_copy(r->l->arena, map->kids[i]->name);
		ms[t->tools.n++] = map->kids[i]->number;
	}
	t->tools.v = v;
	t->tools_ms = ms;
}

/* ---- names ---------------------------------------------------------------------------------- */
static bool
prefix_good(struct str s)
{
	if (s.n == 0 || s.n > 20 || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-')
			return false;
	}
	return true;
}

static void
check_prefix(struct review *r)
{
	const struct node *p = node_get(r->server, "toolPrefix");

	if (p == NULL || p->bad)
		return;
	if (!prefix_good(p->text))
		report_add(r->l->report, "E64", p, "names collide: \"%.*s\" and "
		    "\"[a-z][a-z0-9-]{0,19}\"", STR_ARG(str_head(p->raw, 64)));
	for (uint32_t i = 0; i < r->s->index; i++) {
		const struct node *other =
		    node_get(r->l->server_nodes[i], "toolPrefix");

		if (other != NULL && str_eq(other->text, p->text) &&
		    !r->l->servers[i].options.disabled)
			report_add(r->l->report, "E64", p,
			    "names collide: \"%.*s\" and \"%.*s\"",
			    STR_ARG(r->l->servers[i].name),
			    STR_ARG(r->s->name));
	}
}

static void
check_stdio(struct review *r)
{
	if (r->s->transport == TRANSPORT_STDIO)
		report_add(r->l->report, "W18", r->server, "\"%.*s\": stdio "
		    "needs our own worker pool; answers 503",
		    STR_ARG(r->s->name));
}

static void
check_oauth(struct review *r)
{
	const struct node *t = node_at(r->options,
	    "outboundAuth.oauth2ClientCredentials");
	const struct node *kind = node_at(r->options, "outboundAuth.strategy");
	static const char *const needed[] = {
		"tokenUrl", "clientId", "clientSecret"
	};

	if (kind == NULL || kind->bad || kind->number != 3)
		return;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (node_get(t, needed[i]) == NULL)
			report_add(r->l->report, "E42", t != NULL ? t : kind,
			    "oauth2ClientCredentials needs %s", needed[i]);
	}
}

void
check_server(struct loading *l, uint32_t i)
{
	struct review r = {
		.l = l, .s = &l->servers[i], .server = l->server_nodes[i],
		.options = l->server_options[i],
	};

	check_kind(&r);
	fill_url(&r);
	pool_fill(l, r.s, r.options);
	outproxy_fill(l, r.s, r.options);
	fill_headers(&r);
	fill_tool_times(&r);
	check_inbound(l, &r.s->options.inbound, r.options, r.s, r.server);
	check_passthrough(&r);
	check_rename(&r);
	check_tls(&r);
	check_security(l, r.options);
	check_filter(&r);
	check_policy(l, r.options);
	check_prefix(&r);
	check_stdio(&r);
	check_oauth(&r);
}
