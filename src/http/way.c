/* SPDX-License-Identifier: MIT */
/*
 * way -- where connections lead to, and easy handles that are dressed once
 *
 * A way is told apart by its content, not by the address of a configuration
 * that may have gone, so a reload finds its connections again, and settings
 * that changed never meet an old handle.
 * Secrets: the proxy's password is kept in a copy that is wiped.
 */
#include "config.h"
#include "http/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/limits.h"
#include "http/guard.h"

#define MAX_CONNECTORS	16	/* kept per way, 10 KiB each */
#define MAX_WAYS	(2 * MAX_SERVERS) /* then those without use go */
#define BUFFER		1024L	/* bytes; libcurl's smallest, it reads none */

enum { PROXY_URL, PROXY_USER, PROXY_PASSWORD, CA_FILE, CERT_FILE, KEY_FILE,
	CIPHERS12, CIPHERS13, TEXTS };

_Static_assert(TEXTS <= sizeof(((struct way *)0)->keys) / sizeof(char *),
	"room for all texts");

/* What of a server's settings makes the way. */
struct wish {
	struct str texts[TEXTS];
	struct traits traits;
};

static struct wish
wish_of(const struct conf_server *server, struct str host)
{
	const struct conf_outproxy *p = &server->options.proxy;
	const struct conf_tls *tls = &server->options.tls;
	struct wish m = { .traits = {
		.proxied = p->url.n > 0 && !guard_direct(p->noproxy, host),
		.insecure = tls->insecure_skip_verify,
		.block_private = server->options.block_private,
		.min_version = tls->min_version,
		.max_version = tls->max_version } };

	m.texts[CA_FILE] = tls->ca_file;
	m.texts[CERT_FILE] = tls->cert_file;
	m.texts[KEY_FILE] = tls->key_file;
	m.texts[CIPHERS12] = tls->ciphers12;
	m.texts[CIPHERS13] = tls->ciphers13;
	if (!m.traits.proxied)
		return m;
	m.texts[PROXY_URL] = p->url;
	m.traits.has_auth = p->has_auth;
	if (p->has_auth) {
		m.texts[PROXY_USER] = p->username;
		m.texts[PROXY_PASSWORD] = secret_reveal(p->password);
	}
	return m;
}

static bool
same_text(const char *key, struct str text)
{
	size_t n = text.n;

	if (key == NULL || n == 0)
		return key == NULL && n == 0;
	return strlen(key) == n && memcmp(key, text.p, n) == 0;
}

static bool
same_traits(const struct traits *a, const struct traits *b)
{
	return a->proxied == b->proxied && a->has_auth == b->has_auth &&
		a->insecure == b->insecure &&
		a->block_private == b->block_private &&
		a->min_version == b->min_version &&
		a->max_version == b->max_version;
}

static bool
fits(const struct way *y, const struct wish *m)
{
	if (!same_traits(&y->traits, &m->traits))
		return false;
	for (int i = 0; i < TEXTS; i++) {
		if (!same_text(y->keys[i], m->texts[i]))
			return false;
	}
	return true;
}

/* NULL when it is empty. */
static char *
text_of(struct str s)
{
	char *text = s.n > 0 ? strndup(s.p, s.n) : NULL;

	if (text == NULL && s.n > 0)
		abort();
	return text;
}

static void
wipe_text(char *text)
{
	if (text != NULL)
		digest_wipe(text, strlen(text));
	free(text);
}

/* "Basic ...", for requests that a proxy gets itself. */
static char *
basic_auth(const struct way *y)
{
	const char *user = y->keys[PROXY_USER];
	const char *password = y->keys[PROXY_PASSWORD];
	struct arena *a = arena_new(KIB(64));
	struct str text = str_fmt(a, "%s:%s", user != NULL ? user : "",
		password != NULL ? password : "");

	text = digest_base64(a, text.p, text.n);
	text = str_fmt(a, "Basic %.*s", STR_ARG(text));
	text.p = text_of(text);
	arena_free(a);
	return (char *)(uintptr_t)text.p;
}

static struct way *
way_new(struct wire *w, const struct wish *m)
{
	struct way *y = calloc(1, sizeof(*y));

	if (y == NULL)
		abort();
	wire_warm(w);
	y->wire = w;
	list_init(&y->places);
	list_init(&y->connectors);
	for (int i = 0; i < TEXTS; i++)
		y->keys[i] = text_of(m->texts[i]);
	y->traits = m->traits;
	if (y->traits.has_auth)
		y->proxy_auth = basic_auth(y);
	list_append(&w->ways, &y->link);
	w->n_ways++;
	return y;
}

static void
connector_free(struct connector *c)
{
	list_drop(&c->link);
	curl_easy_cleanup(c->easy);
	free(c);
}

static void
place_free(struct place *p)
{
	struct wire *w = p->way->wire;

	for (uint32_t i = 0; i < w->n_hints; i++) {
		if (w->hints[i] == p)
			w->hints[i] = NULL;
	}
	while (!list_empty(&p->idle))
		link_free(LIST_ENTRY(p->idle.next, struct link, link));
	list_drop(&p->link);
	free(p->host);
	free(p->name);
	free(p->url);
	free(p->to);
	free(p->host_line);
	free(p->origin);
	free(p);
}

static void
way_free(struct way *y)
{
	while (!list_empty(&y->places))
		place_free(LIST_ENTRY(y->places.next, struct place, link));
	while (!list_empty(&y->connectors))
		connector_free(LIST_ENTRY(y->connectors.next,
			struct connector, link));
	for (int i = 0; i < TEXTS; i++)
		wipe_text(y->keys[i]);
	wipe_text(y->proxy_auth);
	list_drop(&y->link);
	y->wire->n_ways--;
	free(y);
}

void
ways_free(struct wire *w)
{
	while (!list_empty(&w->ways))
		way_free(LIST_ENTRY(w->ways.next, struct way, link));
}

/* Reloads leave ways behind that nobody takes any more. */
static void
free_unused(struct wire *w)
{
	struct list *l, *next;

	for (l = w->ways.next; l != &w->ways; l = next) {
		struct way *y = LIST_ENTRY(l, struct way, link);

		next = l->next;
		if (y->n_used == 0)
			way_free(y);
	}
}

static struct way *
search(struct wire *w, const struct wish *m)
{
	struct list *l;

	for (l = w->ways.next; l != &w->ways; l = l->next) {
		struct way *y = LIST_ENTRY(l, struct way, link);

		if (fits(y, m))
			return y;
	}
	if (w->n_ways >= MAX_WAYS)
		free_unused(w);
	return way_new(w, m);
}

/* ---- places ------------------------- */

/* With a proxy only the text of the host can be judged; libcurl knows all
 * spellings of an address. */
static bool
text_refused(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	bool refused = true;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		refused = guard_host(str_of(host));
	curl_free(host);
	curl_url_cleanup(u);
	return refused;
}

static char *
formatted(struct arena *a, const char *host, uint16_t port, const char *scheme)
{
	return text_of(str_fmt(a, "%s%s:%u", scheme, host, port));
}

/* tls.serverName: libcurl takes the name for SNI and certificate from the
 * URL.  So the URL gets that name, and CURLOPT_CONNECT_TO leads it to the
 * real host (which is resolved as ever; CURLOPT_RESOLVE would need an
 * address). */
static void
lead_to(struct place *p, struct arena *a)
{
	const char *scheme = p->https ? "https://" : "http://";

	if (p->name == NULL) {
		p->url = formatted(a, p->host, p->port, scheme);
		return;
	}
	p->url = formatted(a, p->name, p->port, scheme);
	p->to = text_of(str_fmt(a, "%s:%u:%s:%u", p->name, p->port, p->host,
		p->port));
}

static struct place *
place_new(struct way *y, const struct url *u, struct str name)
{
	struct place *p = calloc(1, sizeof(*p));
	struct arena *a = arena_new(KIB(64));
	const char *proxy = y->traits.proxied ? y->keys[PROXY_URL] : "";

	if (p == NULL)
		abort();
	p->way = y;
	list_init(&p->idle);
	list_append(&y->places, &p->link);
	p->https = str_is(u->scheme, "https");
	p->tls = p->https || strncmp(proxy, "https:", 6) == 0;
	p->port = u->port;
	p->host = text_of(u->host);
	p->name = text_of(name);
	lead_to(p, a);
	p->host_line = u->port == (p->https ? 443 : 80) ? text_of(u->host) :
		formatted(a, p->host, p->port, "");
	if (!p->https && strncmp(proxy, "http", 4) == 0)
		p->origin = text_of(str_fmt(a, "http://%s", p->host_line));
	p->refused = y->traits.block_private && y->traits.proxied &&
		text_refused(p->url);
	arena_free(a);
	return p;
}

static bool
leads_to(const struct place *p, const struct url *u, struct str name)
{
	return p->port == u->port && same_text(p->host, u->host) &&
		p->https == str_is(u->scheme, "https") &&
		same_text(p->name, name);
}

static struct place *
search_place(struct way *y, const struct url *u, struct str name)
{
	struct list *l;

	for (l = y->places.next; l != &y->places; l = l->next) {
		struct place *p = LIST_ENTRY(l, struct place, link);

		if (leads_to(p, u, name))
			return p;
	}
	return place_new(y, u, name);
}

static struct place **
hint_of(struct wire *w, uint32_t index)
{
	struct place **hints;
	uint32_t n = index + 16;

	if (index < w->n_hints)
		return &w->hints[index];
	hints = realloc(w->hints, n * sizeof(*hints));
	if (hints == NULL)
		abort();
	memset(hints + w->n_hints, 0, (n - w->n_hints) * sizeof(*hints));
	w->hints = hints;
	w->n_hints = n;
	return &w->hints[index];
}

struct place *
place_for(struct wire *w, const struct conf_server *server,
	const struct url *u)
{
	struct wish m = wish_of(server, u->host);
	struct place **hint = hint_of(w, server->index), *p;
	struct str name = str_is(u->scheme, "https") ?
		server->options.tls.server_name : STR("");

	if (*hint != NULL && fits((*hint)->way, &m) &&
	    leads_to(*hint, u, name))
		return *hint;
	p = search_place(search(w, &m), u, name);
	*hint = p;
	return p;
}

/* ---- dressing ------------------------- */

static void
set_text(CURL *e, CURLoption option, const char *text)
{
	if (text != NULL)
		curl_easy_setopt(e, option, text);
}

static long
version_of(int min, int max)
{
	static const long mins[] = { CURL_SSLVERSION_TLSv1_0,
		CURL_SSLVERSION_TLSv1_1, CURL_SSLVERSION_TLSv1_2,
		CURL_SSLVERSION_TLSv1_3 };
	static const long maxs[] = { CURL_SSLVERSION_MAX_TLSv1_0,
		CURL_SSLVERSION_MAX_TLSv1_1, CURL_SSLVERSION_MAX_TLSv1_2,
		CURL_SSLVERSION_MAX_TLSv1_3 };
	long v = CURL_SSLVERSION_TLSv1_2;

	if (min >= 10 && min <= 13)
		v = mins[min - 10];
	if (max >= 10 && max <= 13)
		v |= maxs[max - 10];
	return v;
}

static void
dress_tls(CURL *e, const struct way *y)
{
	long check = y->traits.insecure ? 0 : 1;

	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, check);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, check * 2);
	curl_easy_setopt(e, CURLOPT_SSLVERSION,
		version_of(y->traits.min_version, y->traits.max_version));
	set_text(e, CURLOPT_CAINFO, y->keys[CA_FILE]);
	if (y->keys[CA_FILE] != NULL)
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	set_text(e, CURLOPT_SSLCERT, y->keys[CERT_FILE]);
	set_text(e, CURLOPT_SSLKEY, y->keys[KEY_FILE]);
	set_text(e, CURLOPT_SSL_CIPHER_LIST, y->keys[CIPHERS12]);
	set_text(e, CURLOPT_TLS13_CIPHERS, y->keys[CIPHERS13]);
}

/* Both always say something, or libcurl looks into the environment. */
static void
dress_proxy(CURL *e, const struct way *y)
{
	curl_easy_setopt(e, CURLOPT_PROXY,
		y->traits.proxied ? y->keys[PROXY_URL] : "");
	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (!y->traits.has_auth)
		return;
	curl_easy_setopt(e, CURLOPT_PROXYAUTH, CURLAUTH_BASIC);
	set_text(e, CURLOPT_PROXYUSERNAME, y->keys[PROXY_USER]);
	set_text(e, CURLOPT_PROXYPASSWORD, y->keys[PROXY_PASSWORD]);
}

/* Each connection is made for one link, which may keep it. */
static void
dress(struct connector *c)
{
	CURL *e = c->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, c);
	curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, BUFFER);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, wire_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, wire_close);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, c->way->wire);
	/* Else removing a handle waits for its resolver thread. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	dress_proxy(e, c->way);
	dress_tls(e, c->way);
}

static struct connector *
connector_new(struct way *y)
{
	struct connector *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->way = y;
	c->easy = curl_easy_init();
	if (c->easy == NULL)
		abort();
	list_init(&c->link);
	dress(c);
	return c;
}

struct connector *
connector_take(struct way *y)
{
	struct connector *c;

	if (list_empty(&y->connectors))
		return connector_new(y);
	c = LIST_ENTRY(y->connectors.prev, struct connector, link);
	list_drop(&c->link);
	y->n_connectors--;
	return c;
}

void
connector_give(struct connector *c)
{
	struct way *y = c->way;

	c->owner = NULL;
	if (y->n_connectors >= MAX_CONNECTORS) {
		connector_free(c);
		return;
	}
	list_append(&y->connectors, &c->link);
	y->n_connectors++;
}
