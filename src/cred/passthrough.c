/* SPDX-License-Identifier: MIT */
#include "config.h"
#include "cred/passthrough.h"

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "cred/presented.h"

#define MAX_PASSED MAX_CREDENTIAL	/* bytes of one value that travels */

enum state { ABSENT, GOOD, TWICE, TOO_LONG, BAD_BYTES };

static const char *
why(enum state s)
{
	static const char *const words[] = { "absent", "good", "sent twice",
		"too long", "bytes that a header cannot carry" };

	return words[s];
}

/* ---- one value ------------------------------------------------------------------ */
static enum state
judge(struct str value, uint32_t count)
{
	size_t i;

	if (count == 0)
		return ABSENT;
	if (count > 1)
		return TWICE;
	if (value.n > MAX_PASSED)
		return TOO_LONG;
	for (i = 0; i < value.n; i++) {
		if (value.p[i] < 0x20 || value.p[i] > 0x7e)
			return BAD_BYTES;
	}
	return GOOD;
}

static enum state
find(const struct passthrough_ask *ask, struct str name, struct str *value_r)
{
	uint32_t count;

	*value_r = params_client(ask->params,
		params_header_name(ask->arena, name).p, &count);
	return judge(*value_r, count);
}

/* It stays here. */
static void
tell_dropped(const struct passthrough_ask *ask, struct str name,
	const char *reason)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_WARN, "header");
	log_str(&l, "request_id", ask->request_id);
	log_str(&l, "msg", str_fmt(ask->arena, "header \"%.*s\" dropped: %s",
		STR_ARG(name), reason));
	log_end(&l);
}

/* NULL: dropped, and told. */
static const struct fault *
refuse(const struct passthrough_ask *ask, struct str name, enum state s)
{
	if (ask->options->passthrough.reject_bad)
		return fault_new(ask->arena, s == TOO_LONG ?
			FAULT_HEADERS_TOO_LARGE : FAULT_BAD_REQUEST,
			"header \"%.*s\": %s", STR_ARG(name), why(s));
	tell_dropped(ask, name, why(s));
	return NULL;
}

/* ---- listed headers ----------------------------------------------------------------- */
/* The proxy's own headers go out with the verified value, or not at all,
 * whatever a client has sent under the name or under one made to it. */
static bool
is_identity(const struct passthrough_ask *ask, struct str name,
	struct str *value_r)
{
	const struct conf_proxy_identity *p = &ask->options->inbound.proxy;

	if (str_eq_nocase(name, p->user_header))
		*value_r = ask->user;
	else if (p->groups_header.n > 0 &&
	    str_eq_nocase(name, p->groups_header))
		*value_r = ask->groups;
	else if (p->email_header.n > 0 && str_eq_nocase(name, p->email_header))
		*value_r = STR_NONE;
	else
		return false;
	return true;
}

/* Headers for what callers come in with, also when they are listed, and
 * whatever else holds the same value. */
static bool
is_inbound(const struct passthrough_ask *ask, struct str name,
	struct str value)
{
	struct presented in;

	if (presented_place(ask->options, name))
		return true;
	presented_read(ask->options, ask->params, ask->query, ask->arena, &in);
	return presented_in(&in, value);
}

/* True: it stays here, and that is told. */
static bool
stays(const struct passthrough_ask *ask, struct str name, struct str value)
{
	if (!is_inbound(ask, name, value))
		return false;
	tell_dropped(ask, name, "it holds the caller's own credential");
	return true;
}

static bool
is_named(struct str names, struct str name)
{
	while (names.n > 0) {
		if (str_eq_nocase(str_trim(str_cut(&names, ',')), name))
			return true;
	}
	return false;
}

/* Connection names it: it was for the web server (RFC 9110 section 7.6.1).
 * True: that is told. */
static bool
ends_here(const struct passthrough_ask *ask, struct str name)
{
	const struct params *p = ask->params;

	for (uint32_t i = 0; i < p->n; i++) {
		if (!str_is(p->v[i].name, "HTTP_CONNECTION") ||
		    !is_named(p->v[i].value, name))
			continue;
		tell_dropped(ask, name, "Connection names it");
		return true;
	}
	return false;
}

static const struct fault *
pass(const struct passthrough_ask *ask, struct headers *h, struct str from,
	struct str to)
{
	bool verified;
	struct str value;
	enum state s;

	if (headers_count(h, to) > 0)
		return NULL;
	verified = is_identity(ask, from, &value) ||
		is_identity(ask, to, &value);
	s = verified ? judge(value, value.n > 0) : find(ask, from, &value);
	if (s == ABSENT || (!verified && (ends_here(ask, from) ||
	    stays(ask, from, value))))
		return NULL;
	if (s != GOOD)
		return refuse(ask, from, s);
	headers_add(h, to, value);
	return NULL;
}

const struct fault *
passthrough_headers(const struct passthrough_ask *ask, struct headers *h)
{
	const struct conf_passthrough *p = &ask->options->passthrough;
	const struct fault *f = NULL;
	uint32_t i;

	if (!p->enabled)
		return NULL;
	for (i = 0; i < p->headers.n && f == NULL; i++)
		f = pass(ask, h, p->headers.v[i], p->headers.v[i]);
	for (i = 0; i < p->rename.n && f == NULL; i++)
		f = pass(ask, h, p->rename.v[i].name,
			secret_reveal(p->rename.v[i].value));
	return f;
}

/* ---- the caller's own credential -------------------------------------------------------- */
const struct fault *
passthrough_credential(const struct passthrough_ask *ask, struct headers *h,
	enum passthrough_own *own_r)
{
	static const struct str name = { "X-Upstream-Authorization", 24 };
	const struct fault *f;
	struct str value;
	enum state s;

	*own_r = PASSTHROUGH_NONE;
	if (ask->options->passthrough.upstream_authorization == 0 ||
	    !ask->authenticated)
		return NULL;
	s = find(ask, name, &value);
	if (s == ABSENT)
		return NULL;
	if (stays(ask, name, value)) {
		*own_r = PASSTHROUGH_BLOCKED;
		return NULL;
	}
	*own_r = s == GOOD ? PASSTHROUGH_GIVEN : PASSTHROUGH_BLOCKED;
	f = s == GOOD ? NULL : refuse(ask, name, s);
	if (s == GOOD)
		headers_set(h, STR("Authorization"), value);
	return f;
}
