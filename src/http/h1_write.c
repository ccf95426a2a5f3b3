/* SPDX-License-Identifier: MIT */
/*
 * h1_write -- an upper bound of the size first, then one pass
 */
#include "config.h"
#include "http/h1_write.h"

#include <string.h>

#include "base/arena.h"

static char *
put(char *p, struct str s)
{
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return p + s.n;
}

static char *
put_line(char *p, struct str name, struct str value)
{
	p = put(p, name);
	*p++ = ':';
	if (value.n > 0)
		*p++ = ' ';
	p = put(p, value);
	return put(p, STR("\r\n"));
}

static char *
put_length(char *p, size_t n)
{
	char room[STR_DIGITS];

	return put_line(p, STR("Content-Length"), str_digits(room, n));
}

static bool
ours(struct str name)
{
	return str_eq_nocase(name, STR("Content-Length")) ||
		str_eq_nocase(name, STR("Transfer-Encoding")) ||
		str_eq_nocase(name, STR("Connection"));
}

static size_t
most(const struct h1_request *q)
{
	size_t n = strlen(q->method) + q->origin.n + q->path.n + q->host.n +
		q->proxy_auth.n + 128;

	for (uint32_t i = 0; q->headers != NULL && i < q->headers->n; i++)
		n += q->headers->v[i].name.n + q->headers->v[i].value.n + 4;
	return n + (q->joined ? q->body.n : 0);
}

/* "GET /path HTTP/1.1"; a query may stand without a path before it. */
static char *
put_first(char *p, const struct h1_request *q)
{
	p = put(p, str_of(q->method));
	*p++ = ' ';
	p = put(p, q->origin);
	if (q->path.n == 0 || q->path.p[0] != '/')
		*p++ = '/';
	p = put(p, q->path);
	return put(p, STR(" HTTP/1.1\r\n"));
}

struct str
h1_write(struct arena *a, const struct h1_request *q)
{
	char *text = arena_alloc(a, most(q));
	char *p = put_first(text, q);

	if (q->headers == NULL ||
	    headers_count(q->headers, STR("Host")) == 0)
		p = put_line(p, STR("Host"), q->host);
	if (q->proxy_auth.n > 0)
		p = put_line(p, STR("Proxy-Authorization"), q->proxy_auth);
	for (uint32_t i = 0; q->headers != NULL && i < q->headers->n; i++) {
		const struct header *h = &q->headers->v[i];

		if (!ours(h->name))
			p = put_line(p, h->name, h->value);
	}
	if (q->has_body)
		p = put_length(p, q->body.n);
	p = put(p, STR("\r\n"));
	if (q->joined)
		p = put(p, q->body);
	return (struct str){ text, (size_t)(p - text) };
}
