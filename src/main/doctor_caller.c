/* SPDX-License-Identifier: MIT */
/*
 * doctor: do credentials arrive
 */
#include "config.h"

#include "base/arena.h"
#include "main/doctor.h"

#define NOBODY "mcpgate-doctor-holds-no-token"	/* valid nowhere */

/* What no public tool and no list of them is: who is nobody hears so. */
#define CALL "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"mcpgate/doctor\"}"

static const char *const beside_login[FRONT_SERVERS] = {
	"the web server's own login takes Authorization: take the mount out "
		"of it,\nor ask for the login as docs/auth/dual.md shows"
};

static const char *const no_authorization[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "let the web server pass the header Authorization "
		"on",
	[FRONT_NGINX] = "remove fastcgi_param HTTP_AUTHORIZATION \"\" and "
		"fastcgi_pass_request_headers off",
	[FRONT_APACHE] = "CGIPassAuth On\nin the <Location>, <Directory> or "
		".htaccess of the mount; where that is refused:\n"
		"SetEnvIf Authorization \"(.*)\" HTTP_AUTHORIZATION=$1",
	[FRONT_LIGHTTPD] = "auth.backend or a rule removes Authorization: "
		"take the mount out of it",
};

/* ---- which server to ask --------------------------------------------------------- */
static bool
takes_bearer(const struct conf_inbound *in)
{
	return str_is_nocase(in->header, "Authorization") &&
		((conf_has_strategy(in, STRATEGY_TOKEN) &&
		in->token_header.n == 0) ||
		(conf_has_strategy(in, STRATEGY_JWT) &&
		in->jwt.header.n == 0) ||
		conf_has_strategy(in, STRATEGY_INTROSPECTION));
}

void
doctor_call(struct doctor *d, struct str name, struct str token,
	const struct doctor_headers *h, struct ask_reply *r_r)
{
	ask(d, &(struct ask){ .method = "POST", .url = str_fmt(d->arena,
		"%.*s/%.*s/mcp", STR_ARG(d->base), STR_ARG(name)),
		.body = STR(CALL), .token = token,
		.headers = h != NULL ? h->v : NULL,
		.n_headers = h != NULL ? h->n : 0 }, r_r);
}

/* Who says nothing may have let somebody in, or not. */
bool
doctor_silent(struct doctor *d, const char *check, struct str name,
	const struct ask_reply *r)
{
	if (r->status == 0)
		doctor_find(d, FINDING_WARN, check, str_fmt(d->arena,
			"\"%.*s\": no answer: %s", STR_ARG(name), r->why),
			NULL);
	return r->status == 0;
}

/* What an upstream refuses as JSON comes as it is; ours names the request.
 * 401 and 403 are never those of an upstream. */
static bool
is_passed_on(const struct ask_reply *r)
{
	struct str id = headers_get(&r->headers, STR("X-Request-Id"));
	struct str type = headers_get(&r->headers, STR("Content-Type"));

	return r->status >= 400 && r->status < 500 && r->status != 401 &&
		r->status != 403 && id.n > 0 &&
		str_starts(type, STR("application/json")) &&
		str_search(r->body, id) == r->body.n;
}

bool
doctor_came_in(const struct ask_reply *r)
{
	return (r->status >= 200 && r->status < 300) || is_passed_on(r) ||
		ask_says(r, "\"reason\":\"upstream_") ||
		ask_says(r, "\"reason\":\"tokens_exhausted\"");
}

/* ---- Authorization ------------------------------------------------------------------ */
/* A wrong token is never as good as none: where nobody comes in, too, it has
 * not arrived. */
static void
judge_bearer(struct doctor *d, struct str name, const struct ask_reply *r)
{
	static const char check[] = "authorization";

	if (doctor_silent(d, check, name, r))
		return;
	if (r->status == 401 && ask_says(r, "\"invalid_token\""))
		doctor_find(d, FINDING_OK, check, str_fmt(d->arena,
			"arrives (a wrong token at \"%.*s\" is told from "
			"none)", STR_ARG(name)), NULL);
	else if (r->status == 401 || doctor_came_in(r))
		doctor_find(d, FINDING_FAIL, check, str_fmt(d->arena,
			"a Bearer token sent to \"%.*s\" does not arrive",
			STR_ARG(name)), d->login ? beside_login :
			no_authorization);
	else
		doctor_find(d, FINDING_WARN, check, str_fmt(d->arena,
			"\"%.*s\" answers %d: %.*s", STR_ARG(name), r->status,
			STR_ARG(str_head(r->body, 200))), NULL);
}

void
doctor_bearer(struct doctor *d)
{
	for (uint32_t i = 0; i < d->conf->n_servers; i++) {
		const struct conf_server *s = &d->conf->servers[i];
		struct ask_reply r;

		if (s->options.disabled || s->invalid.n > 0 ||
		    !takes_bearer(&s->options.inbound))
			continue;
		doctor_call(d, s->name, STR(NOBODY), NULL, &r);
		judge_bearer(d, s->name, &r);
		return;
	}
	doctor_find(d, FINDING_SKIP, "authorization",
		STR("no server takes Bearer tokens"), NULL);
}
