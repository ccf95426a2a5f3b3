/* SPDX-License-Identifier: MIT */
/*
 * front -- what a server shows to browsers, made ready once
 */
#include "config.h"
#include "gate/front.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "http/headers.h"

#define METHODS "GET, POST, DELETE, OPTIONS"
#define HEADERS "Authorization, Content-Type, Accept, Mcp-Session-Id, " \
	"Mcp-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID, X-API-Key"
#define EXPOSED "Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, " \
	"Retry-After"

static const struct preset {
	struct str name, value;
} standard[] = {
	{ STR("X-Content-Type-Options"), STR("nosniff") },
	{ STR("X-Frame-Options"), STR("DENY") },
	{ STR("Referrer-Policy"), STR("strict-origin-when-cross-origin") },
	{ STR("Content-Security-Policy"), STR("default-src 'none'") },
	{ STR("Permissions-Policy"),
		STR("camera=(), microphone=(), geolocation=()") },
	{ STR("X-XSS-Protection"), STR("1; mode=block") },
	{ STR("X-DNS-Prefetch-Control"), STR("off") },
	{ STR("X-Download-Options"), STR("noopen") },
	{ STR("X-Permitted-Cross-Domain-Policies"), STR("none") },
	/* the last one only where baseURL is https */
	{ STR("Strict-Transport-Security"),
		STR("max-age=31536000; includeSubDomains") },
};

#define STANDARDS (sizeof(standard) / sizeof(standard[0]))

/* ---- security headers -------------------------------------------------------- */
static size_t
preset_count(const struct conf *c, enum header_preset preset)
{
	if (preset == HEADERS_OFF)
		return 0;
	if (preset == HEADERS_MINIMAL)
		return 1;
	return str_is_nocase(str_head(c->base_url, 6), "https:") ? STANDARDS :
		STANDARDS - 1;
}

static void
add_security(const struct conf *c, const struct conf_security *s,
	struct headers *h)
{
	size_t n = preset_count(c, s->preset);

	for (size_t i = 0; i < n; i++)
		headers_add(h, standard[i].name, standard[i].value);
	for (uint32_t i = 0; i < s->headers.n; i++) {
		const struct conf_pair *p = &s->headers.v[i];

		headers_drop(h, p->name);
		if (!p->removed)
			headers_add(h, p->name,
				secret_reveal(p->value));
	}
}

/* What open pages say of caching; everything else is no-store anyway. */
static struct str
take_cache(const struct conf_security *s, struct headers *h)
{
	struct str set = headers_get(h, STR("Cache-Control"));

	for (uint32_t i = 0; i < s->headers.n; i++) {
		if (!str_is_nocase(s->headers.v[i].name, "Cache-Control"))
			continue;
		headers_drop(h, STR("Cache-Control"));
		return set.p != NULL ? set : STR("");
	}
	return s->preset == HEADERS_OFF ? STR("") : STR("no-store");
}

/* ---- cross-origin answers ---------------------------------------------------- */
/* The fixed names, and those of the operator. */
static struct str
names(struct arena *a, struct str fixed, const struct conf_texts *more)
{
	struct buf b = buf_new(a, MIB(1));
	struct str text;

	buf_add(&b, fixed);
	for (uint32_t i = 0; i < more->n; i++) {
		buf_add(&b, STR(", "));
		buf_add(&b, more->v[i]);
	}
	if (!buf_take(&b, &text))
		abort();		/* a configuration has 4 MiB in all */
	return text;
}

static struct str
lines_of(struct arena *a, const struct headers *h)
{
	struct buf b = buf_new(a, MIB(16));
	struct str text;

	for (uint32_t i = 0; i < h->n; i++) {
		buf_add(&b, h->v[i].name);
		buf_add(&b, STR(": "));
		buf_add(&b, h->v[i].value);
		buf_add(&b, STR("\r\n"));
	}
	if (!buf_take(&b, &text))
		abort();
	return text;
}

static void
add_cors(struct front *f, const struct conf_cors *c, const struct headers *h)
{
	struct headers crossed, asked;
	struct arena *a = h->arena;

	headers_init(&crossed, a);
	headers_add(&crossed, STR("Access-Control-Expose-Headers"),
		names(a, STR(EXPOSED), &c->exposed));
	headers_init(&asked, a);
	headers_add(&asked, STR("Access-Control-Allow-Methods"),
		names(a, STR(METHODS), &c->methods));
	headers_add(&asked, STR("Access-Control-Max-Age"), str_fmt(a, "%lld",
		(long long)c->max_age_s));
	if (c->credentials) {
		headers_add(&crossed, STR("Access-Control-Allow-Credentials"),
			STR("true"));
		headers_add(&asked, STR("Access-Control-Allow-Credentials"),
			STR("true"));
	}
	f->crossed = str_join(a, (struct str[]){ f->plain,
		lines_of(a, &crossed) }, 2);
	f->asked = str_join(a, (struct str[]){ f->plain,
		lines_of(a, &asked) }, 2);
}

/* A document that any page may read, whatever its origin. */
static void
add_open(struct front *f, struct arena *a)
{
	static const struct str all = STR("Access-Control-Allow-Origin: *\r\n");
	static const struct str asked = STR(
		"Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"
		"Access-Control-Max-Age: 600\r\n");

	f->open = str_join(a, (struct str[]){ f->plain, all }, 2);
	f->open_asked = str_join(a, (struct str[]){ f->open, asked }, 2);
}

static void
add_origins(struct front *f, const struct conf_cors *c, struct arena *a)
{
	struct origin_entry *v = ARENA_ARRAY(a, struct origin_entry,
		c->origins.n);

	for (uint32_t i = 0; i < c->origins.n; i++) {
		if (!origin_entry_parse(c->origins.v[i], &v[f->n_origins]))
			continue;	/* "null": told at load */
		f->any |= v[f->n_origins].kind == ORIGIN_ANY &&
			!c->credentials;
		f->n_origins++;
	}
	f->origins = v;
}

struct front *
front_new(const struct conf *c, const struct conf_security *s, struct arena *a)
{
	struct front *f = ARENA_NEW(a, struct front);
	struct headers h;

	f->check = s->origin_check;
	f->cors = s->cors.enabled;
	headers_init(&h, a);
	add_security(c, s, &h);
	f->cache = take_cache(s, &h);
	if (f->cors)
		headers_add(&h, STR("Vary"), STR("Origin"));
	f->plain = lines_of(a, &h);
	f->headers = names(a, STR(HEADERS), &s->cors.headers);
	add_origins(f, &s->cors, a);
	add_cors(f, &s->cors, &h);
	add_open(f, a);
	return f;
}
