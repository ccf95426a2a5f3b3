/* SPDX-License-Identifier: MIT */
/*
 * mcpgatectl: deeds are counted, and on record like those of callers
 *
 * The sinks are those of the configuration; a file has to be there already,
 * since one that root makes is none the workers can write.
 */
#include "config.h"

#include <pwd.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "main/ctl.h"
#include "watch/access_log.h"
#include "watch/audit.h"
#include "watch/metrics.h"

/* NULL: any second word but "list". */
static const char *const deeds[][2] = {
	{ "pool", "clear" }, { "pool", "disable" }, { "pool", "enable" },
	{ "pool", "rewind" }, { "sessions", "end" }, { "ip", NULL },
	{ "revoke", NULL }, { "reload", NULL }, { "token", "mint" },
};

static bool
is_deed(const struct ctl *c)
{
	const char *second = c->n_words > 1 ? c->words[1] : "";

	for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
		if (strcmp(c->words[0], deeds[i][0]) != 0)
			continue;
		if (deeds[i][1] != NULL ? strcmp(second, deeds[i][1]) == 0 :
		    strcmp(second, "list") != 0)
			return true;
	}
	return false;
}

/* ---- what it says --------------------------------------------------------------- */
/* "ip ban", "pool disable", "revoke". */
static struct str
action_of(const struct ctl *c)
{
	if (c->n_words > 1)
		return str_fmt(c->arena, "%s %s", c->words[0], c->words[1]);
	return str_of(c->words[0]);
}

/* log.principals: hash.  The key of the log and of the records lies in the
 * state; where there is none, the name is left out. */
static struct str
hashed_user(const struct ctl *c, struct str name)
{
	const char *why = "";
	struct segment *s = c->segment, *own = NULL;
	char hex[ACCESS_LOG_HASH] = "";

	if (s == NULL)
		s = own = segment_open(ctl_state(c), SEGMENT_READ_ONLY,
			c->arena, &why);
	if (s != NULL)
		access_log_hash(segment_secret(s), name, hex);
	if (own != NULL)
		segment_close(own);
	return s == NULL ? STR("user") : str_fmt(c->arena, "user %s", hex);
}

static struct str
user_of(const struct ctl *c, const char *name)
{
	if (conf_tree(c->gen)->log_hash_principals)
		return hashed_user(c, str_of(name));
	return str_fmt(c->arena, "user %s", name);
}

/* What it is done to. */
static struct str
resource_of(const struct ctl *c)
{
	if (c->n_words > 3)
		return str_fmt(c->arena, "%s %s", c->words[2], c->words[3]);
	if (c->n_words > 2)
		return str_of(c->words[2]);
	if (c->given[CTL_JTI] != NULL && c->given[CTL_SUB] == NULL)
		return str_fmt(c->arena, "jti %s", c->given[CTL_JTI]);
	if (c->given[CTL_USER] != NULL)
		return user_of(c, c->given[CTL_USER]);
	if (c->given[CTL_SUB] != NULL)
		return user_of(c, c->given[CTL_SUB]);
	return c->given[CTL_TOKEN] != NULL ? STR("a token") : STR("");
}

static struct str
error_of(int rc)
{
	switch (rc) {
	case EX_OK:
	case -1:
		return STR("");
	case EX_DATAERR:
		return STR("bad_data");
	case EX_NOINPUT:
		return STR("no_input");
	case EX_NOPERM:
		return STR("no_permission");
	case EX_TEMPFAIL:
		return STR("busy");
	case EX_CONFIG:
		return STR("configuration");
	default:
		return STR("failed");
	}
}

static struct str
operator_of(const struct ctl *c)
{
	const struct passwd *p = getpwuid(getuid());

	return p != NULL ? str_copy(c->arena, str_of(p->pw_name)) :
		str_fmt(c->arena, "uid %lu", (unsigned long)getuid());
}

static bool
put(const struct ctl *c, const struct conf_audit *conf, int rc)
{
	struct audit *au = audit_new(&(struct audit_plan){ .conf = conf,
		.guest = true }, c->arena);

	return !audit_wants(au, AUDIT_ADMIN_DEED) || audit_write(au,
		&(struct audit_record){
		.type = AUDIT_ADMIN_DEED, .user = operator_of(c),
		.action = action_of(c), .resource = resource_of(c),
		.strategy = STR("mcpgatectl"), .error = error_of(rc),
		.success = rc == EX_OK || rc < 0, .pending = true,
		.token = -1 });
}

int
ctl_audit(struct ctl *c, int rc)
{
	const struct conf_audit *conf;

	if (!is_deed(c) || rc == EX_USAGE)
		return EX_OK;
	if (!ctl_load(c))
		return ctl_fail(EX_CONFIG, "not done: cannot load the "
			"configuration, which may ask for an audit record: "
			"%.*s", STR_ARG(c->why_no_conf));
	if (c->gen == NULL)
		return EX_OK;		/* nobody asks for it */
	conf = &conf_tree(c->gen)->audit;
	if (!conf->enabled || (rc < 0 && !conf->required) ||
	    put(c, conf, rc))
		return EX_OK;
	return ctl_fail(EX_IOERR, rc < 0 ?
		"not done: the audit record cannot be written" :
		"the audit record cannot be written");
}

/* ---- counting -------------------------------------------------------------------- */
void
ctl_count(struct ctl *c, uint32_t generated, uint32_t revoked)
{
	struct segment *s = c->segment, *own = NULL;
	const char *why = "";
	bool known = ctl_load(c) || c->state != NULL;

	if (s == NULL && known)
		s = own = segment_open(ctl_state(c), 0, c->arena, &why);
	if (s != NULL)
		metrics_tokens(metrics_new(s, 0, false, false, c->arena),
			generated, revoked);
	if (own != NULL)
		segment_close(own);
}
