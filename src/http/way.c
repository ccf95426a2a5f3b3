/* SPDX-License-Identifier: MIT */
/*
 * way -- easy handles that are dressed once: proxy, TLS, checks
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

#include "base/digest.h"
#include "base/limits.h"
#include "http/guard.h"

#define MAX_IDLE	128	/* handles kept per way and lane, 20 KiB each */
#define MAX_WAYS	(2 * MAX_SERVERS) /* then those without use go */
#define STREAM_BUFFER	1024L	/* bytes; 3 KiB less for each stream */

enum { PROXY_URL, PROXY_USER, PROXY_PASSWORD, CA_FILE, CERT_FILE, KEY_FILE,
	CIPHERS12, CIPHERS13, TEXTS };

_Static_assert(TEXTS <= sizeof(((struct way *)0)->keys) / sizeof(char *),
	"room for all texts");

/* What of a server's settings makes the way. */
struct wish {
	struct str texts[TEXTS];
	const struct conf_tls *tls;
	bool proxied, has_auth, block_private;
};

static struct wish
wish_of(const struct conf_server *server, struct str host)
{
	const struct conf_outproxy *p = &server->options.proxy;
	const struct conf_tls *tls = &server->options.tls;
	struct wish m = { .tls = tls,
		.block_private = server->options.block_private };

	m.texts[CA_FILE] = tls->ca_file;
	m.texts[CERT_FILE] = tls->cert_file;
	m.texts[KEY_FILE] = tls->key_file;
	m.texts[CIPHERS12] = tls->ciphers12;
	m.texts[CIPHERS13] = tls->ciphers13;
	m.proxied = p->url.n > 0 && !guard_direct(p->noproxy, host);
	if (!m.proxied)
		return m;
	m.texts[PROXY_URL] = p->url;
	m.has_auth = p->has_auth;
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
fits(const struct way *y, const struct wish *m)
{
	if (y->proxied != m->proxied || y->has_auth != m->has_auth ||
	    y->block_private != m->block_private ||
	    y->insecure != m->tls->insecure_skip_verify ||
	    y->min_version != m->tls->min_version ||
	    y->max_version != m->tls->max_version)
		return false;
	for (int i = 0; i < TEXTS; i++) {
		if (!same_text(y->keys[i], m->texts[i]))
			return false;
	}
	return true;
}

static struct way *
way_new(struct wire *w, const struct wish *m)
{
	struct way *y = calloc(1, sizeof(*y));

	if (y == NULL)
		abort();
	y->wire = w;
	for (int i = 0; i < LANES; i++)
		list_init(&y->idle[i]);
	for (int i = 0; i < TEXTS; i++) {
		if (m->texts[i].n == 0)
			continue;
		y->keys[i] = strndup(m->texts[i].p, m->texts[i].n);
		if (y->keys[i] == NULL)
			abort();
	}
	y->proxied = m->proxied;
	y->has_auth = m->has_auth;
	y->block_private = m->block_private;
	y->insecure = m->tls->insecure_skip_verify;
	y->min_version = m->tls->min_version;
	y->max_version = m->tls->max_version;
	list_append(&w->ways, &y->link);
	w->n_ways++;
	return y;
}

static void
handle_free(struct transfer *t)
{
	list_drop(&t->link);
	curl_easy_cleanup(t->easy);
	free(t->url);
	free(t);
}

static void
way_free(struct way *y)
{
	struct wire *w = y->wire;

	for (uint32_t i = 0; i < w->n_hints; i++) {
		if (w->hints[i] == y)
			w->hints[i] = NULL;
	}
	for (int i = 0; i < LANES; i++) {
		while (!list_empty(&y->idle[i]))
			handle_free(LIST_ENTRY(y->idle[i].next,
				struct transfer, link));
	}
	for (int i = 0; i < TEXTS; i++) {
		if (y->keys[i] != NULL)
			digest_wipe(y->keys[i], strlen(y->keys[i]));
		free(y->keys[i]);
	}
	list_drop(&y->link);
	w->n_ways--;
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

static struct way **
hint_of(struct wire *w, uint32_t index)
{
	struct way **hints;
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

static struct way *
way_for(struct wire *w, const struct conf_server *server, struct str host)
{
	struct wish m = wish_of(server, host);
	struct way **hint = hint_of(w, server->index);

	if (*hint == NULL || !fits(*hint, &m))
		*hint = search(w, &m);
	return *hint;
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
	long check = y->insecure ? 0 : 1;

	curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, check);
	curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, check * 2);
	curl_easy_setopt(e, CURLOPT_SSLVERSION,
		version_of(y->min_version, y->max_version));
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
	curl_easy_setopt(e, CURLOPT_PROXY, y->proxied ? y->keys[PROXY_URL] :
		"");
	curl_easy_setopt(e, CURLOPT_NOPROXY, "");
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (!y->has_auth)
		return;
	curl_easy_setopt(e, CURLOPT_PROXYAUTH, CURLAUTH_BASIC);
	set_text(e, CURLOPT_PROXYUSERNAME, y->keys[PROXY_USER]);
	set_text(e, CURLOPT_PROXYPASSWORD, y->keys[PROXY_PASSWORD]);
}

/* A connection that is used again is not judged again, and it may have been
 * made for somebody without blockPrivate: so no use again, there and here. */
static void
dress_lane(CURL *e, const struct way *y, int lane)
{
	bool alone = lane == LANE_STREAMS || y->block_private;

	curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, alone ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_FORBID_REUSE, alone ? 1L : 0L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, lane == LANE_STREAMS ?
		CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS);
	if (lane == LANE_STREAMS)
		curl_easy_setopt(e, CURLOPT_BUFFERSIZE, STREAM_BUFFER);
}

static void
dress(struct transfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, reply_line);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, reply_bytes);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, request_begins);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, wire_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, wire_close);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, t->way->wire);
	/* Else removing a handle waits for its resolver thread. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	dress_proxy(e, t->way);
	dress_tls(e, t->way);
	dress_lane(e, t->way, (int)(t->lane - t->way->wire->lanes));
}

static struct transfer *
handle_new(struct way *y, int lane)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		abort();
	t->way = y;
	t->lane = &y->wire->lanes[lane];
	t->easy = curl_easy_init();
	if (t->easy == NULL)
		abort();
	list_init(&t->link);
	dress(t);
	return t;
}

struct transfer *
way_take(struct wire *w, const struct conf_server *server, struct str host,
	int lane)
{
	struct way *y = way_for(w, server, host);
	struct transfer *t;

	y->n_used++;
	if (list_empty(&y->idle[lane])) {
		t = handle_new(y, lane);
	} else {
		t = LIST_ENTRY(y->idle[lane].prev, struct transfer, link);
		list_drop(&t->link);
		y->n_idle[lane]--;
	}
	list_append(&w->active, &t->link);
	return t;
}

void
way_give(struct transfer *t)
{
	struct way *y = t->way;
	int lane = (int)(t->lane - y->wire->lanes);

	list_drop(&t->link);
	y->n_used--;
	if (y->n_idle[lane] >= MAX_IDLE) {
		handle_free(t);
		return;
	}
	request_clear(t);
	list_append(&y->idle[lane], &t->link);
	y->n_idle[lane]++;
}
