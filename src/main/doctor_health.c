/* SPDX-License-Identifier: MIT */
/*
 * doctor: is the gateway there, and what lies on this machine
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "main/doctor.h"

/* ---- over the network ----------------------------------------------------------------- */
static const char *const not_routed[FRONT_SERVERS] = {
	[FRONT_UNKNOWN] = "is the URL that of the mount, and does the web "
		"server pass it on?\nmcpgate --print-nginx, --print-apache, "
		"--print-lighttpd show how",
	[FRONT_NGINX] = "location ^~ MOUNT { include fastcgi_params; fastcgi_pass "
		"...; } as in mcpgate --print-nginx",
	[FRONT_APACHE] = "<Location \"MOUNT\"> with ProxyPass or SetHandler as "
		"in mcpgate --print-apache",
	[FRONT_LIGHTTPD] = "fastcgi.server = ( \"MOUNT\" => ... ) with "
		"\"check-local\" => \"disable\",\nas in mcpgate "
		"--print-lighttpd",
};

static void
name_front(struct doctor *d, const struct ask_reply *r)
{
	static const struct {
		struct str word;
		enum front_server front;
	} known[] = {
		{ STR("nginx"), FRONT_NGINX }, { STR("Apache"), FRONT_APACHE },
		{ STR("lighttpd"), FRONT_LIGHTTPD },
	};

	d->front_name = headers_get(&r->headers, STR("Server"));
	if (d->front_name.n == 0)
		d->front_name = STR("unknown");
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (str_starts(d->front_name, known[i].word))
			d->front = known[i].front;
	}
}

static void
check_ready(struct doctor *d)
{
	struct ask_reply r;

	ask(d, &(struct ask){ .method = "GET", .url = str_fmt(d->arena,
		"%.*s/ready", STR_ARG(d->base)) }, &r);
	if (r.status != 200)
		doctor_find(d, FINDING_FAIL, "ready", str_fmt(d->arena,
			"/ready says %d: %.*s", r.status,
			STR_ARG(str_head(r.body, 200))), NULL);
	else if (ask_says(&r, "refused"))
		doctor_find(d, FINDING_WARN, "ready", STR("the last reload "
			"was refused, the older configuration is at work"),
			(const char *const[FRONT_SERVERS]){
			"mcpgatectl check says why" });
	else
		doctor_find(d, FINDING_OK, "ready", STR("ready"), NULL);
}

bool
doctor_health(struct doctor *d)
{
	struct ask_reply r;

	ask(d, &(struct ask){ .method = "GET", .url = str_fmt(d->arena,
		"%.*s/health", STR_ARG(d->base)) }, &r);
	d->front_name = STR("unknown");
	if (r.status == 0) {
		doctor_find(d, FINDING_FAIL, "health", str_fmt(d->arena,
			"no answer: %s", r.why), NULL);
		return false;
	}
	name_front(d, &r);
	if (r.status == 401) {
		d->login = true;
		doctor_find(d, FINDING_WARN, "health", str_fmt(d->arena,
			"%.*s asks for a login itself: what lies behind it "
			"is not seen", STR_ARG(d->front_name)), NULL);
		return true;
	}
	if (r.status != 200 || !ask_says(&r, "\"serverCount\"")) {
		doctor_find(d, FINDING_FAIL, "health", str_fmt(d->arena,
			"%.*s answers %d, and not by mcpgate",
			STR_ARG(d->front_name), r.status), not_routed);
		return false;
	}
	doctor_find(d, FINDING_OK, "health", str_fmt(d->arena,
		"answers through %.*s", STR_ARG(d->front_name)), NULL);
	check_ready(d);
	return true;
}

/* ---- on this machine ------------------------------------------------------------------- */
static void
check_mode(struct doctor *d, const char *check, const char *path,
	mode_t forbidden, enum finding f, const char *change)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		doctor_find(d, FINDING_SKIP, check, str_fmt(d->arena,
			"cannot look at \"%s\": %s", path, strerror(errno)),
			NULL);
		return;
	}
	if ((st.st_mode & forbidden) == 0) {
		doctor_find(d, FINDING_OK, check, str_fmt(d->arena,
			"\"%s\" has mode %04o", path, st.st_mode & 07777),
			NULL);
		return;
	}
	doctor_find(d, f, check, str_fmt(d->arena, "\"%s\" has mode %04o", path,
		st.st_mode & 07777), (const char *const[FRONT_SERVERS]){
		change });
}

static void
check_socket(struct doctor *d)
{
	struct str s = d->conf->listen;

	if (!str_starts(s, STR("unix:")))
		return;
	check_mode(d, "socket", str_copy(d->arena, str_from(s, 5)).p, 0007,
		FINDING_WARN, "every local user can speak for the web server; "
		"socketMode 0660,\nand the web server in the group of the "
		"socket");
}

/* As requests have told it to the gateway. */
static void
check_place(struct doctor *d)
{
	const char *why = "";
	struct segment *s = segment_open(ctl_state(d->ctl),
		SEGMENT_READ_ONLY, d->arena, &why);
	uint32_t found = s != NULL ? segment_exposed(s) : 0;

	if (s != NULL)
		segment_close(s);
	if (found == 0)
		doctor_find(d, FINDING_SKIP, "place", STR("no request has "
			"told the gateway where the document root is"), NULL);
	else if (found == EXPOSED_LOOKED)
		doctor_find(d, FINDING_OK, "place", STR("configuration and "
			"state lie outside the document root"), NULL);
	else
		doctor_find(d, FINDING_FAIL, "place", str_fmt(d->arena,
			"the %s below the document root", found ==
			(EXPOSED_LOOKED | EXPOSED_CONF) ? "configuration lies"
			: found == (EXPOSED_LOOKED | EXPOSED_STATE) ?
			"state file lies" : "configuration and the state "
			"file lie"), (const char *const[FRONT_SERVERS]){
			"the web server may hand them to anybody: move them "
			"out of it, now" });
}

static void
check_servers(struct doctor *d)
{
	uint32_t bad = 0;

	for (uint32_t i = 0; i < d->conf->n_servers; i++) {
		const struct conf_server *s = &d->conf->servers[i];

		if (s->options.disabled || s->invalid.n == 0)
			continue;
		bad++;
		doctor_find(d, FINDING_WARN, "server", str_fmt(d->arena,
			"\"%.*s\" answers 503: %.*s", STR_ARG(s->name),
			STR_ARG(s->invalid)), NULL);
	}
	if (bad == 0)
		doctor_find(d, FINDING_OK, "servers", str_fmt(d->arena,
			"%u configured, all can be used",
			d->conf->n_servers), NULL);
}

void
doctor_files(struct doctor *d)
{
	doctor_find(d, FINDING_OK, "engines", STR("built without Lua, "
		"JavaScript, Redis and SQLite"), NULL);
	if (d->conf == NULL)
		return;
	check_mode(d, "config file", str_copy(d->arena, d->conf->file).p, 0022,
		FINDING_FAIL, "others can change it: chmod 640, or 600");
	check_mode(d, "secrets", str_copy(d->arena, d->conf->file).p, 0007,
		FINDING_WARN, "others can read it: chmod 640, or 600");
	if (conf_state(d->conf) != NULL)
		check_mode(d, "state", conf_state(d->conf), 0077, FINDING_WARN,
			"it is for one user: chmod 600");
	check_socket(d);
	check_place(d);
	check_servers(d);
}
