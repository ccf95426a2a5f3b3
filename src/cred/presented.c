/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "cred/presented.h"

#include "http/url.h"

#define INSIDE 8		/* bytes from which on a part of a value counts */

static const struct str usual[] = { { "Authorization", 13 },
	{ "X-API-Key", 9 } };

bool
presented_place(const struct conf_options *o, struct str name)
{
	const struct conf_inbound *in = &o->inbound;
	const struct str holds[] = { in->header, in->token_header,
		conf_jwt_header(&in->jwt), in->apikey_header,
		in->proxy.secret_header, usual[0],
		in->apikey_header.n > 0 ? STR_NONE : usual[1] };
	size_t i;

	for (i = 0; i < sizeof(holds) / sizeof(holds[0]); i++) {
		if (holds[i].n > 0 && str_eq_nocase(name, holds[i]))
			return true;
	}
	return false;
}

struct str
presented_bare(struct str value)
{
	size_t blank;

	value = str_trim(value);
	blank = str_find(value, ' ');
	return blank == value.n ? value : str_trim(str_from(value, blank));
}

static void
add_all(struct presented *r, const struct params *p, struct str variable)
{
	for (uint32_t i = 0; i < p->n && r->n < PRESENTED_MAX; i++) {
		if (str_eq(p->v[i].name, variable) && p->v[i].value.n > 0)
			r->v[r->n++] = presented_bare(p->v[i].value);
	}
}

static void
add_query(struct presented *r, struct str query, struct arena *a)
{
	while (query.p != NULL && query.n > 0 && r->n < PRESENTED_MAX) {
		struct str value = str_cut(&query, '&');
		struct str name = str_cut(&value, '='), text;

		if (url_form_text(a, name, &name) &&
		    str_is(name, "access_token") &&
		    url_form_text(a, value, &text) && text.n > 0)
			r->v[r->n++] = presented_bare(text);
	}
}

/* The header of a proxy is a credential when it is signed. */
static struct str
signed_header(const struct conf_proxy_identity *p)
{
	return str_is(p->format, "jwt") ? p->user_header : STR_NONE;
}

void
presented_read(const struct conf_options *o, const struct params *p,
	struct str query, struct arena *a, struct presented *r)
{
	const struct conf_inbound *in = &o->inbound;
	const struct str named[] = { in->header, in->token_header,
		conf_jwt_header(&in->jwt), in->apikey_header,
		in->proxy.secret_header, signed_header(&in->proxy) };
	size_t i;

	r->n = 0;
	add_all(r, p, STR("HTTP_AUTHORIZATION"));
	add_all(r, p, STR("REDIRECT_HTTP_AUTHORIZATION"));
	add_all(r, p, STR("HTTP_X_API_KEY"));
	add_query(r, query, a);
	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (named[i].n > 0 && !str_eq_nocase(named[i], usual[0]) &&
		    !str_eq_nocase(named[i], usual[1]))
			add_all(r, p, params_header_name(a, named[i]));
	}
}

bool
presented_in(const struct presented *r, struct str value)
{
	struct str bare = presented_bare(value);
	uint32_t i;

	if (r->n == PRESENTED_MAX)
		return true;
	for (i = 0; i < r->n; i++) {
		struct str v = r->v[i];

		if (v.n > 0 && (str_eq(bare, v) || (v.n >= INSIDE &&
		    str_search(value, v) < value.n)))
			return true;
	}
	return false;
}
