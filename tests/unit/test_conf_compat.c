/* SPDX-License-Identifier: MIT */
/* conf_compat -- files of other programs load as they are */
#include "config.h"
#include "conf/conf.h"

#include "kit/conf_rig.h"
#include "kit/tap.h"

static const struct conf *
load(struct conf_rig *r, const char *name)
{
	struct str text = conf_rig_sample(r, str_fmt(r->arena,
		"tests/data/conf/%s", name).p);
	const struct conf *c = conf_rig_load(r, str_copy(r->arena, text).p);

	if (!tap_ok(c != NULL && r->messages.errors == 0, "%s loads", name))
		conf_rig_show(r);
	return c;
}

static const struct conf_server *
server(const struct conf *c, const char *name)
{
	for (uint32_t i = 0; i < c->n_servers; i++) {
		if (str_is(c->servers[i].name, name))
			return &c->servers[i];
	}
	return NULL;
}

static void
test_gateway(struct conf_rig *r)
{
	const struct conf *c = load(r, "other_gateway.json");
	const struct conf_server *s;

	if (c == NULL)
		return;
	IS_INT(c->n_servers, 5);
	OK(conf_rig_said(r, "W14", "addr is an HTTP address"));
	OK(conf_rig_said(r, "W10", "(= 30s)"));
	OK(conf_rig_said(r, "W04", "authTokens of \"mcpProxy\""));
	OK(conf_rig_said(r, "W04", "authTokens of \"fetch\""));
	OK(!conf_rig_said(r, "W03", ""));
	s = server(c, "code");
	OK(s->transport == TRANSPORT_STDIO && s->invalid.n > 0);
	IS_INT(s->options.inbound.tokens.n, 1);
	s = server(c, "fetch");
	IS_STR(secret_reveal(s->options.inbound.tokens.v[0].value),
		"SpecificTokens-0123456789");
	s = server(c, "maps");
	IS_STR(s->invalid, "");
	IS_INT(s->timeout_ms, 30000);
	IS_INT(s->options.inbound.strategies[0], STRATEGY_TOKEN);
	OK(server(c, "events")->invalid.n > 0);
	OK(server(c, "parked")->options.disabled);
}

static void
test_clients(struct conf_rig *r)
{
	const struct conf *c = load(r, "desktop.json");

	if (c != NULL) {
		IS_INT(c->n_servers, 3);
		OK(conf_rig_said(r, "W15", "globalShortcut"));
		OK(conf_rig_said(r, "W15", "autoApprove"));
		OK(conf_rig_said(r, "W15", "description"));
		OK(conf_rig_said(r, "W18", "\"memory\": stdio"));
		OK(conf_rig_said(r, "W07", "\"remote\""));
		OK(server(c, "filesystem")->invalid.n > 0);
		IS_STR(server(c, "remote")->invalid, "");
		IS_INT(server(c, "remote")->headers.n, 1);
	}
	c = load(r, "editor.jsonc");
	if (c != NULL) {
		OK(conf_rig_said(r, "W15", "inputs"));
		IS_INT(server(c, "docs")->transport, TRANSPORT_STREAMABLE);
		IS_STR(secret_reveal(server(c, "docs")->headers.v[0].value),
			"none");
	}
}

static void
test_rotating(struct conf_rig *r)
{
	const struct conf *c = load(r, "rotating.json");

	if (c == NULL)
		return;
	OK(conf_rig_said(r, "W03", "authTokens of \"search\""));
	IS_INT(server(c, "search")->options.pool.n, 3);
	IS_INT(server(c, "search")->options.pool.mode, ROTATION_ROUND_ROBIN);
	IS_INT(server(c, "github")->options.pool.max_retries, 2);
	IS_STR(server(c, "github")->options.proxy.username, "pu");
	OK(server(c, "direct")->options.proxy.use_env);
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	unsetenv("DOCS_KEY");
	setenv("TOKEN_PRIMARY", "one", 1);
	setenv("TOKEN_BACKUP", "two", 1);
	setenv("PROXY_USER", "pu", 1);
	setenv("PROXY_PASS", "pp", 1);
	test_gateway(&r);
	test_clients(&r);
	test_rotating(&r);
	conf_rig_end(&r);
	return tap_done();
}
