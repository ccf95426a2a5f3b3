/* SPDX-License-Identifier: MIT */
/* conf_expand -- what a text of the file becomes, and what it may not be */
#include "config.h"
#include "conf/conf.h"

#include "kit/conf_rig.h"
#include "kit/tap.h"

static const struct {
	const char *text;		/* as it stands in the file */
	const char *becomes;		/* NULL: refused */
	const char *id, *said;
} cases[] = {
	{ "plain", "plain", NULL, NULL },
	{ "${T_A}", "alpha", NULL, NULL },
	{ "${env:T_A}", "alpha", NULL, NULL },
	{ "x${T_A}y${T_B}z", "xalphaybetaz", NULL, NULL },
	{ "${T_NONE:-other}", "other", NULL, NULL },
	{ "${env:T_NONE:-}", "", NULL, NULL },
	{ "${T_EMPTY:-other}", "other", NULL, NULL },
	{ "${T_EMPTY}", "", NULL, NULL },
	{ "${T_A:-other}", "alpha", NULL, NULL },
	{ "$$", "$", NULL, NULL },
	{ "$${T_A}", "${T_A}", NULL, NULL },
	{ "a $ b", "a $ b", NULL, NULL },
	{ "$T_A", "$T_A", NULL, NULL },
	{ "${T_DOLLAR}", "${T_A}", NULL, NULL },
	{ "${T_NONE}", NULL, "E05",
		"environment variable \"T_NONE\" is not set" },
	{ "${}", NULL, "E05", "environment variable \"\" is not set" },
	{ "${1X}", NULL, "E05", "\"1X\"" },
	{ "${T_A", NULL, "E02", "expected \"}\"" },
	{ "${file:/nowhere/at/all}", NULL, "E08",
		"cannot read \"/nowhere/at/all\": No such file" },
	{ "${file:relative}", NULL, "E08", "not an absolute name" },
	{ "${file:/dev/null}", NULL, "E08", "not a regular file" },
	{ "${cred:../x}", NULL, "E08", "not a plain name" },
	{ "${T_BYTES}", NULL, "E02", "expected UTF-8" },
};

static const char *
with_name(struct conf_rig *r, const char *text)
{
	return str_fmt(r->arena, "{\"mcpProxy\":{\"name\":\"%s\"}}", text).p;
}

static void
test_cases(struct conf_rig *r)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct conf *c = conf_rig_load(r,
			with_name(r, cases[i].text));
		bool good = cases[i].becomes != NULL ?
			c != NULL && str_is(c->name, cases[i].becomes) :
			c == NULL && conf_rig_said(r, cases[i].id,
			cases[i].said);

		if (!tap_ok(good, "%s", cases[i].text))
			conf_rig_show(r);
	}
}

static const char *
with_token(struct conf_rig *r, const char *ref)
{
	return str_fmt(r->arena, "{\"mcpServers\":{\"s\":{\"url\":"
		"\"http://127.0.0.1/\",\"options\":{\"auth\":{\"tokens\":"
		"[\"%s\"]}}}}}", ref).p;
}

static void
test_files(struct conf_rig *r)
{
	struct str path = conf_rig_write(r, "tok", "from-a-file\n", 0600);
	const char *text = with_token(r, str_fmt(r->arena, "${file:%s}",
		path.p).p);
	const struct conf *c = conf_rig_load(r, text);

	if (OK(c != NULL && c->servers[0].options.pool.n == 1)) {
		IS_STR(secret_reveal(c->servers[0].options.pool.v[0].value),
			"from-a-file");
		OK(!conf_changed(r->gen));
		conf_rig_write(r, "tok", "another\n", 0600);
		OK(conf_changed(r->gen));
	}
	chmod(path.p, 0644);
	OK(conf_rig_load(r, text) == NULL);
	OK(conf_rig_said(r, "E10", "holds secrets and others may read it "
		"(mode 0644); chmod 600 or 640"));
	chmod(path.p, 0602);
	OK(conf_rig_load(r, text) == NULL);
	OK(conf_rig_said(r, "E08", "others may write it"));
	chmod(path.p, 0660);
	OK(conf_rig_load(r, text) == NULL);
	OK(conf_rig_said(r, "E08", "its group may write it"));
	chmod(path.p, 0640);
	OK(conf_rig_load(r, text) != NULL);
	OK(conf_rig_load(r, with_name(r, "${cred:tok}")) == NULL);
	setenv("CREDENTIALS_DIRECTORY", r->dir, 1);
	c = conf_rig_load(r, with_name(r, "${cred:tok}"));
	OK(c != NULL && str_is(c->name, "another"));
}

/* A literal secret in a file that others may read. */
static void
test_readable(struct conf_rig *r)
{
	const char *literal = with_token(r, "literal-0123456789");
	const char *named = with_token(r, "${T_A}");

	conf_rig_load(r, literal);
	chmod(r->file, 0644);
	conf_release(r->gen);
	r->gen = conf_load(&r->source, r->arena, &r->messages);
	OK(r->gen == NULL);
	OK(conf_rig_said(r, "E10", "(mode 0644)"));
	conf_rig_load(r, named);
	chmod(r->file, 0644);
	conf_release(r->gen);
	r->gen = conf_load(&r->source, r->arena, &r->messages);
	OK(r->gen != NULL);
	chmod(r->file, 0666);
	conf_release(r->gen);
	r->gen = conf_load(&r->source, r->arena, &r->messages);
	OK(r->gen == NULL);
	OK(conf_rig_said(r, "E08", "others may write it"));
}

int
main(void)
{
	struct conf_rig r = conf_rig_new();

	setenv("T_A", "alpha", 1);
	setenv("T_B", "beta", 1);
	setenv("T_EMPTY", "", 1);
	setenv("T_DOLLAR", "${T_A}", 1);
	setenv("T_BYTES", "\xff\xfe", 1);
	unsetenv("T_NONE");
	unsetenv("CREDENTIALS_DIRECTORY");
	test_cases(&r);
	test_files(&r);
	test_readable(&r);
	conf_rig_end(&r);
	return tap_done();
}
