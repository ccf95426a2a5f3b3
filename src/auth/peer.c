/* SPDX-License-Identifier: MIT */
/*
 * peer -- who is at the other end of the web server's connection
 */
#include "config.h"
#include "auth/peer.h"

#include "auth/auth.h"

/* What a proxy on the way adds. */
static const char *const passed_on[] = { "HTTP_X_FORWARDED_FOR",
	"HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA" };

/* A name of the web server's own; what clients send is none. */
static struct str
variable_or_preset(struct str variable)
{
	return variable.n > 0 ? variable : STR("REMOTE_ADDR");
}

/* The one distinct value of the variable. False: contradicting values. */
static bool
one_value(const struct params *p, struct str variable, struct str *value_r)
{
	struct str name = variable_or_preset(variable), value = STR_NONE;

	if (str_starts(name, STR("HTTP_")))
		return false;
	for (uint32_t i = 0; i < p->n; i++) {
		if (!str_eq(p->v[i].name, name))
			continue;
		if (value.p != NULL && !str_eq(value, p->v[i].value))
			return false;
		value = p->v[i].value;
	}
	*value_r = value;
	return true;
}

static bool
has_unix_peer(const struct conf_cidrs *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		if (list->v[i].unix_peer)
			return true;
	}
	return false;
}

bool
peer_trusted(const struct params *p, struct str variable,
	const struct conf_cidrs *list, int64_t now_unix_s)
{
	struct conf_cidr addr;
	struct str value;

	if (!one_value(p, variable, &value))
		return false;
	if (value.n == 0 || str_starts(value, STR("unix:")))
		return has_unix_peer(list);
	return conf_addr_parse(value, &addr) &&
		conf_cidr_has(list, &addr, now_unix_s);
}

bool
auth_local_client(const struct conf *c, const struct params *p)
{
	struct conf_cidr addr;
	struct str value;
	uint32_t count;

	for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
		params_client(p, passed_on[i], &count);
		if (count > 0)
			return false;
	}
	return one_value(p, c->peer_param, &value) &&
		conf_addr_parse(value, &addr) && conf_addr_loopback(&addr);
}
