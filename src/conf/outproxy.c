/* SPDX-License-Identifier: MIT */
/* The proxy on the way to an upstream: from its block or the environment. */
#include "config.h"
#include "conf/load.h"

#include <stdlib.h>

#include "base/buf.h"
#include "conf/uri.h"

#define SCHEMES "http, https, socks5, socks5h, socks4, socks4a"

static bool
known_scheme(struct str s)
{
	struct str rest = STR(SCHEMES);

	while (rest.p != NULL) {
		if (str_eq(str_trim(str_cut(&rest, ',')), s))
			return true;
	}
	return false;
}

static void
tell_bad(struct loading *l, const struct node *at, struct str text,
	const char *variable)
{
	struct str scheme = str_head(text, str_search(text, STR("://")));

	if (scheme.n == text.n || scheme.n > 16)
		scheme = STR("");
	report_add(l->report, "E31", at, "%s%s%sscheme \"%.*s\" is not %s",
	    variable != NULL ? "environment " : "",
	    variable != NULL ? variable : "", variable != NULL ? ": " : "",
	    STR_ARG(scheme), known_scheme(scheme) ?
	    "followed by a host and a port" : "one of " SCHEMES);
}

/* The URL apart: userinfo decoded, the rest without it.  variable: where it
 * comes from; NULL: the file. */
static bool
take_url(struct loading *l, const struct node *at, struct str text,
	const char *variable, struct conf_outproxy *p)
{
	struct str password;
	struct uri u;

	if (!uri_parse(l->arena, text, &u) || !known_scheme(u.scheme)) {
		tell_bad(l, at, text, variable);
		return false;
	}
	if (u.port == 0)
		p->url = str_fmt(l->arena, "%.*s://%.*s", STR_ARG(u.scheme),
		    STR_ARG(u.host));
	else
		p->url = str_fmt(l->arena, "%.*s://%.*s:%u",
		    STR_ARG(u.scheme), STR_ARG(u.host), u.port);
	if (!u.has_user)
		return true;
	if (!uri_decode(l->arena, u.user, &p->username) ||
	    !uri_decode(l->arena, u.password, &password)) {
		report_add(l->report, "E31", at,
		    "scheme \"%.*s\" is followed by a bad escape",
		    STR_ARG(u.scheme));
		return false;
	}
	p->password = secret_of(password);
	p->has_auth = true;
	return true;
}

static struct str
joined(struct loading *l, const struct node *list)
{
	struct buf b = buf_new(l->arena, 65536);
	struct str text = STR("");

	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		if (i > 0)
			buf_char(&b, ',');
		buf_add(&b, list->kids[i]->text);
	}
	return buf_take(&b, &text) ? text : STR("");
}

/* ---- the environment --------------------------------------------------------------- */
static bool
is_set(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && *v != '\0';
}

/* The name of the first one that is set, or NULL. */
static const char *
first_set(const char *a, const char *b)
{
	return is_set(a) ? a : is_set(b) ? b : NULL;
}

static void
take_environment(struct loading *l, const struct conf_server *s,
	const struct node *at, struct conf_outproxy *p)
{
	const char *name, *no = first_set("no_proxy", "NO_PROXY");
	struct str text;

	p->use_env = true;
	if (!l->src->env_proxy)
		return;
	if (str_starts(s->origin, STR("https:")))
		name = first_set("https_proxy", "HTTPS_PROXY");
	else
		name = first_set("http_proxy", "HTTP_PROXY");
	if (name == NULL)
		name = first_set("all_proxy", "ALL_PROXY");
	if (no != NULL)
		p->noproxy = str_fmt(l->arena, "%.*s%s%s", STR_ARG(p->noproxy),
		    p->noproxy.n > 0 ? "," : "", getenv(no));
	if (name == NULL)
		return;
	text = str_copy(l->arena, str_of(getenv(name)));
	if (str_search(text, STR("://")) == text.n)
		text = str_fmt(l->arena, "http://%.*s", STR_ARG(text));
	if (text.n > 0 && text.p[text.n - 1] == '/')
		text.n--;
	take_url(l, at, text, name, p);
	file_mix(l, text);
}

/* ---- the block ------------------------------------------------------------------------- */
static void
check_block(struct loading *l, const struct node *b,
	const struct conf_outproxy *p)
{
	const struct node *type = node_get(b, "type");
	const struct node *env = node_get(b, "useEnv");
	struct str word, scheme = p->url;

	scheme = str_head(scheme, str_find(scheme, ':'));
	if (node_get(b, "auth") != NULL && node_get(b, "url") == NULL)
		report_add(l->report, "E30", node_get(b, "auth"),
		    "proxy.auth needs proxy.url");
	if (node_get(b, "auth") != NULL && p->has_auth)
		report_add(l->report, "E09", node_get(b, "auth"),
		    "\"auth\" and \"user in url\" exclude each other");
	if (env != NULL && env->number == 1 && node_get(b, "url") != NULL)
		report_add(l->report, "E09", env,
		    "\"useEnv\" and \"url\" exclude each other");
	if (type == NULL || type->bad || scheme.n == 0)
		return;
	word = row_word_text(type->row, type->number);
	if (!str_eq(word, scheme))
		report_add(l->report, "E32", type, "proxy.type \"%.*s\" "
		    "contradicts the scheme \"%.*s\" of proxy.url",
		    STR_ARG(word), STR_ARG(scheme));
}

static void
take_login(struct loading *l, const struct node *auth, struct conf_outproxy *p)
{
	const struct node *name = node_get(auth, "username");
	const struct node *word = node_get(auth, "password");

	if (auth == NULL || p->has_auth)
		return;
	if (name == NULL) {
		report_add(l->report, "E42", auth,
		    "proxy.auth needs proxy.auth.username");
		return;
	}
	p->username = str_copy(l->arena, name->text);
	if (word != NULL)
		p->password = secret_of(str_copy(l->arena, word->text));
	p->has_auth = true;
}

void
outproxy_fill(struct loading *l, struct conf_server *s,
	const struct node *options)
{
	struct conf_outproxy *p = &s->options.proxy;
	const struct node *b = node_get(options, "proxy");
	const struct node *url = node_get(b, "url");
	const struct node *env = node_get(b, "useEnv");

	p->url = p->username = STR("");
	p->noproxy = joined(l, node_get(b, "noProxy"));
	if (url != NULL && !url->bad && !take_url(l, url, url->text, NULL, p))
		return;
	check_block(l, b, p);
	take_login(l, node_get(b, "auth"), p);
	if (url == NULL && (env == NULL || env->number == 1))
		take_environment(l, s, b != NULL ? b : options, p);
}
