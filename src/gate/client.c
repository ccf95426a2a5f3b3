/* SPDX-License-Identifier: MIT */
/*
 * client -- at which address is the caller, and may that address come in?
 *
 * Before: route_run() has found the server or page.
 * After:  q->client and q->address are the caller's, through the proxies that
 *         are trusted; no list refuses it.
 */
#include "config.h"
#include "gate/client.h"
#include "gate/record.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "http/forwarded.h"

const struct conf_security *
client_security(const struct req *q)
{
	if (q->server != NULL)
		return &q->server->conf->options.security;
	return q->page == PAGE_VERSION ? &q->conf->options.security : NULL;
}

struct str
client_server(const struct req *q)
{
	return q->server != NULL ? q->server->conf->name : STR("gateway");
}

/* ---- the address ------------------------------------------------------------ */

/* The first header of the list that is there. twice: more than one value, so
 * that nobody knows which of them the proxy has written. */
static struct str
forwarded_value(const struct req *q, enum forwarded_form *form_r,
	bool *twice_r)
{
	const struct conf_texts *names = &q->conf->client_ip_headers;

	for (uint32_t i = 0; i < names->n; i++) {
		struct str name = params_header_name(q->arena, names->v[i]);
		uint32_t count;
		struct str value = params_client(&q->in.params, name.p,
			&count);

		if (count == 0)
			continue;
		*form_r = str_is(name, "HTTP_FORWARDED") ?
			FORWARDED_RFC7239 : FORWARDED_LIST;
		*twice_r = count > 1;
		return value;
	}
	return STR_NONE;
}

static void
note(struct req *q, const struct conf_cidr *from)
{
	char *room = arena_alloc(q->arena, CONF_ADDR_TEXT);

	q->address = *from;
	q->client = conf_addr_text(from, room);
	q->address.text = q->client;
}

static void
tell_bad(const struct req *q)
{
	struct log_line l;

	log_begin(&l, LOG_LEVEL_DEBUG, "client");
	log_str(&l, "request_id", q->request_id);
	log_str(&l, "client", q->client);
	log_str(&l, "detail", STR("a forwarded address is none"));
	log_end(&l);
}

/* peer NULL: trusted, but without an address. */
static const struct fault *
ask_proxies(struct req *q, const struct conf_cidr *peer)
{
	enum forwarded_form form = FORWARDED_LIST;
	struct forwarded f;
	bool twice = false;
	struct str value = forwarded_value(q, &form, &twice);

	if (twice)
		return fault_new(q->arena, FAULT_BAD_REQUEST,
			"the client's address is told twice");
	f = forwarded_walk(form, value, peer, &q->conf->trusted_proxies,
		clock_unix_s());
	if (f.too_many)
		return fault_new(q->arena, FAULT_BAD_REQUEST,
			"more than %d forwarded addresses", MAX_FORWARDED);
	if (!f.found)
		return fault_new(q->arena, FAULT_NO_CLIENT_ADDRESS,
			"a unix peer, and no forwarded address");
	note(q, &f.from);
	if (f.bad)
		tell_bad(q);
	return NULL;
}

const struct fault *
client_find(struct req *q)
{
	const struct conf_cidrs *trusted = &q->conf->trusted_proxies;
	struct str text = params_server(&q->in.params, q->conf->peer_param.p);
	struct conf_cidr peer;

	q->client = text;
	q->address = (struct conf_cidr){ .unix_peer = true };
	if (text.n == 0 || str_starts(text, STR("unix:"))) {
		if (trusted->has_unix)
			return ask_proxies(q, NULL);
		return fault_new(q->arena, FAULT_NO_CLIENT_ADDRESS,
			"a peer without an address is not in trustedProxies");
	}
	if (!conf_addr_parse(text, &peer))
		return fault_new(q->arena, FAULT_NO_CLIENT_ADDRESS,
			"peer \"%.*s\" is not an address",
			STR_ARG(str_head(text, 64)));
	note(q, &peer);
	if (!conf_cidr_has(trusted, &peer, clock_unix_s()))
		return NULL;
	return ask_proxies(q, &peer);
}

/* ---- lists -------------------------------------------------------------------- */

const struct fault *
client_deny(struct req *q, const char *why)
{
	record_violation(q, "address_denied");
	if (q->site->metrics != NULL)
		metrics_blocked(q->site->metrics, client_server(q));
	return fault_new(q->arena, FAULT_ADDRESS_DENIED, "%.*s %s",
		STR_ARG(q->client), why);
}

/* What is denied stays denied, whatever allows it. */
static const struct fault *
check_lists(struct req *q, const struct conf_security *s)
{
	const struct conf_cidr *c = &q->address;
	struct bans_view v = bans_look(q->gate->bans);
	int64_t now = clock_unix_s();

	if (spans_has(v.banned, c->addr, c->v6, now))
		return client_deny(q, "is banned");
	if (conf_cidr_has(&s->ip_deny, c, now))
		return client_deny(q, "is in ipDeny");
	if (s->ip_allow.set && !conf_cidr_has(&s->ip_allow, c, now) &&
	    !spans_has(v.allowed, c->addr, c->v6, now))
		return client_deny(q, "is not in ipAllow");
	return NULL;
}

/* Some rule asks where a caller is. */
static bool
asks_where(const struct conf_security *s)
{
	const struct conf_rate *r = &s->rates.ip;

	return s->ip_deny.n > 0 || s->ip_allow.set ||
		(r->per_minute | r->per_hour | r->per_day) != 0;
}

/* A web server behind a unix socket has no address to tell.  That is nothing
 * where addresses play no part, or where it vouches for its users itself. */
static bool
needs_none(const struct req *q, const struct conf_security *s)
{
	const struct conf_inbound *in = q->server != NULL ?
		&q->server->conf->options.inbound : &q->conf->options.inbound;

	if (q->client.n > 0 && !str_starts(q->client, STR("unix:")))
		return false;
	return !asks_where(s) && (q->conf->trusted_proxies.n == 0 ||
		(conf_has_strategy(in, STRATEGY_PROXY) &&
		in->proxy.trusted_peers.has_unix));
}

/* Pages that answer everybody, wherever he is. */
static bool
is_open(enum page p)
{
	switch (p) {
	case PAGE_NONE: case PAGE_HEALTH: case PAGE_READY:
	case PAGE_WEBSOCKET: case PAGE_RESOURCE:
		return true;
	default:
		return false;
	}
}

const struct fault *
client_check(struct req *q)
{
	const struct conf_security *s = client_security(q);
	const struct fault *f = client_find(q);

	if (s == NULL)		/* the log; some pages look at it themselves */
		return f != NULL && f->kind == FAULT_BAD_REQUEST &&
			!is_open(q->page) ? f : NULL;
	if (f != NULL)
		return f->kind == FAULT_NO_CLIENT_ADDRESS &&
			needs_none(q, s) ? NULL : f;
	return check_lists(q, s);
}
