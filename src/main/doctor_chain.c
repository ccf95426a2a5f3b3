/* SPDX-License-Identifier: MIT */
/*
 * doctor: does the chain that begins with our metadata lead on
 *
 * A client that is told of an authorization server asks that one next.
 */
#include "config.h"

#include "auth/discovery.h"
#include "base/arena.h"
#include "base/jdoc.h"
#include "main/doctor.h"

#define DEPTH 16
#define VALUES 1000

static const char *const its_own[FRONT_SERVERS] = {
	"jwt.issuer and authorizationServers are to be written as the "
		"authorization server\nwrites \"issuer\", byte for byte: "
		"clients have to compare them"
};

static const char *const reach[FRONT_SERVERS] = {
	"asked from this machine; clients have to reach it, too"
};

/* "": there is none. */
static struct str
first_server(struct doctor *d, struct str document)
{
	static const struct jdoc_limits limits = { DEPTH, VALUES, 0 };
	struct jdoc_report report = { 0 };
	struct jdoc *top = jdoc_parse(d->arena, document, JDOC_STRICT, &limits,
		&report);
	struct jdoc *list = top != NULL && jdoc_type(top) == JDOC_OBJECT ?
		jdoc_get(top, "authorization_servers") : NULL;
	struct str issuer;

	if (list == NULL || jdoc_type(list) != JDOC_ARRAY ||
	    jdoc_length(list) == 0 ||
	    !jdoc_string(jdoc_at(list, 0), &issuer))
		return STR("");
	return issuer;
}

/* NULL: it is the issuer's document; else why not, and *other_r when it is
 * somebody's. */
static const char *
try(struct doctor *d, struct str url, struct str issuer, bool *other_r)
{
	struct discovery_found found;
	struct ask_reply r;
	const char *why;

	ask(d, &(struct ask){ .method = "GET", .url = url }, &r);
	if (r.status == 0)
		return r.why;
	if (r.status != 200)
		return str_fmt(d->arena, "%d", r.status).p;
	why = discovery_read(d->arena, r.body, issuer, &found);
	*other_r = *other_r || why != NULL;
	return why;
}

void
doctor_chain(struct doctor *d, struct str document)
{
	struct str issuer = first_server(d, document);
	struct str urls[DISCOVERY_TRIES];
	uint32_t n = discovery_urls(d->arena, issuer, urls);
	const char *why = "it is not a URL";
	bool other = false;

	for (uint32_t i = 0; i < n && !other; i++) {
		why = try(d, urls[i], issuer, &other);
		if (why != NULL)
			continue;
		doctor_find(d, FINDING_OK, "issuer", str_fmt(d->arena,
			"\"%.*s\" says so at %.*s", STR_ARG(issuer),
			STR_ARG(urls[i])), NULL);
		return;
	}
	doctor_find(d, other ? FINDING_FAIL : FINDING_WARN, "issuer",
		str_fmt(d->arena, "the authorization server \"%.*s\" that we "
		"name does not tell its metadata: %s", STR_ARG(issuer), why),
		other ? its_own : reach);
}
