/* SPDX-License-Identifier: MIT */
/*
 * check_security -- origins, cross-origin lists, headers of our replies,
 * lists of addresses
 */
#include "config.h"
#include "conf/load.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/origin.h"

#define MAX_SET_VALUE 1024	/* bytes; servers take 4 KiB of headers */
#define MAX_METHOD 16		/* letters */

/* ---- allowedOrigins -------------------------------------------------------------- */
static void
check_origin(struct loading *l, const struct node *n)
{
	struct str shown = str_head(n->raw, 80);
	struct origin_entry e;

	if (str_is_nocase(n->text, "null")) {
		report_add(l->report, "W15", n, "\"null\" is ignored: it is "
		    "never an allowed origin");
		return;
	}
	if (!origin_entry_parse(n->text, &e))
		report_add(l->report, "E02", n, "expected an origin like "
		    "https://app.example.com, found text");
	else if (e.bare)
		report_add(l->report, "W20", n, "\"%.*s\" has no scheme: read "
		    "as https", STR_ARG(shown));
}

static void
check_origins(struct loading *l, const struct node *cors)
{
	const struct node *list = node_get(cors, "allowedOrigins");
	const struct node *with = node_get(cors, "allowCredentials");

	if (list != NULL && list->n > MAX_ORIGINS)
		report_add(l->report, "E03", list, "%u is not within 0..%u",
		    list->n, MAX_ORIGINS);
	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		const struct node *n = list->kids[i];

		if (n->bad)
			continue;
		check_origin(l, n);
		if (str_is(n->text, "*") && with != NULL && with->number == 1)
			report_add(l->report, "E48", n, "allowedOrigins "
			    "\"*\" and allowCredentials exclude each other");
	}
}

/* ---- allowedMethods -------------------------------------------------------------- */
static bool
method_good(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 'A' || s.p[i] > 'Z')
			return false;
	}
	return s.n > 0 && s.n <= MAX_METHOD;
}

static void
cannot_be(struct loading *l, const struct node *n, struct str name)
{
	report_add(l->report, "E63", n, "\"%.*s\" cannot be a header here",
	    STR_ARG(str_head(name, 80)));
}

static void
check_methods(struct loading *l, const struct node *cors)
{
	const struct node *list = node_get(cors, "allowedMethods");

	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		if (!list->kids[i]->bad && !method_good(list->kids[i]->text))
			cannot_be(l, list->kids[i], list->kids[i]->raw);
	}
}

/* ---- headers.set ------------------------------------------------------------------- */
/* What frames a reply, steers a web server, or says something of ours. */
static const char *const ours[] = {
	"Allow", "Connection", "Content-Encoding", "Content-Length",
	"Content-Range", "Content-Type", "Keep-Alive", "Location",
	"MCP-Protocol-Version", "Mcp-Session-Id", "Retry-After", "Set-Cookie",
	"Status", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Vary",
	"WWW-Authenticate", "X-Request-Id", "X-Sendfile",
	"X-LIGHTTPD-send-file", "X-LIGHTTPD-send-tempfile",
};

static bool
name_taken(struct str name)
{
	static const struct str heads[] = {
		{ "access-control-", 15 }, { "proxy-", 6 }, { "x-accel-", 8 },
	};

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		if (str_eq_nocase(str_head(name, heads[i].n), heads[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (str_is_nocase(name, ours[i]))
			return true;
	}
	return false;
}

static void
check_set(struct loading *l, const struct node *map)
{
	for (uint32_t i = 0; map != NULL && map->type == JDOC_OBJECT &&
	    i < map->n; i++) {
		const struct node *n = map->kids[i];

		if (n->bad)
			continue;
		if (name_taken(n->name) || (n->type != JDOC_NULL &&
		    (n->text.n > MAX_SET_VALUE || !str_printable(n->text))))
			cannot_be(l, n, n->written);
	}
}

/* ---- address lists ---------------------------------------------------------------- */
static void
check_addresses(struct loading *l, const struct node *list)
{
	struct conf_cidr c;

	if (list == NULL || !fill_first_look(l, list))
		return;
	if (list->n > MAX_ADDRESSES)
		report_add(l->report, "E03", list,
		    "%u is not within 0..%u entries", list->n, MAX_ADDRESSES);
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *n = list->kids[i];

		if (n->type == JDOC_OBJECT)
			n = node_get(n, "address");
		if (n != NULL && (n->bad ||
		    (conf_cidr_parse(n->text, &c) && !c.unix_peer))) {
			if (!n->bad)
				value_tell_masked(l, n, &c);
			continue;
		}
		report_add(l->report, "E49", list->kids[i],
		    "\"%.*s\" is not an address or CIDR block",
		    n != NULL ? (int)str_head(n->raw, 80).n : 0,
		    n != NULL ? n->raw.p : "");
	}
}

/* What has run out allows nobody. */
static void
check_allow(struct loading *l, const struct node *list)
{
	int64_t now = clock_unix_s();

	if (list == NULL || list->type != JDOC_ARRAY)
		return;
	for (uint32_t i = 0; i < list->n; i++) {
		const struct node *until = node_get(list->kids[i], "until");

		if (until == NULL || until->bad || until->number > now)
			return;
	}
	report_add(l->report, "W11", list,
	    "empty allow list: nothing is allowed");
}

void
check_security(struct loading *l, const struct node *options)
{
	const struct node *cors = node_at(options, "security.cors");

	check_origins(l, cors);
	check_methods(l, cors);
	check_set(l, node_at(options, "security.headers.set"));
	check_addresses(l, node_at(options, "security.ipAllow"));
	check_addresses(l, node_at(options, "security.ipDeny"));
	check_allow(l, node_at(options, "security.ipAllow"));
}

/* ---- mcpProxy.allowedHosts ------------------------------------------------------- */
void
check_hosts(struct loading *l)
{
	const struct node *list = node_at(l->root, "mcpProxy.allowedHosts");

	for (uint32_t i = 0; list != NULL && i < list->n; i++) {
		const struct node *n = list->kids[i];

		if (n->bad || str_is(n->text, "*") ||
		    str_eq(origin_host(n->text), n->text))
			continue;
		report_add(l->report, "E02", n, "expected a host without a "
		    "port, or *, found text");
	}
}
