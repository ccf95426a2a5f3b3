/* SPDX-License-Identifier: MIT */
/*
 * options -- words of a command line
 */
#include "config.h"
#include "main/options.h"

#include "kit/tap.h"

#define MAX_ARGS 6

static const struct option_row rows[] = {
	{ "config", 'c', "FILE", false, "" },
	{ "check-config", 't', NULL, false, "" },
	{ "print", 0, "WAY", true, "" },
	{ NULL, 0, NULL, false, NULL }
};

static const struct {
	const char *name;
	const char *args[MAX_ARGS];
	int found;			/* row, or OPTIONS_END, OPTIONS_BAD */
	const char *value;		/* or NULL */
	int next;			/* index of the next word */
} cases[] = {
	{ "two dashes", { "--config", "f" }, 0, "f", 3 },
	{ "with equals", { "--config=f" }, 0, "f", 2 },
	{ "an empty value", { "--config=" }, 0, "", 2 },
	{ "a value with equals", { "--config=a=b" }, 0, "a=b", 2 },
	{ "one dash, long", { "-config", "f" }, 0, "f", 3 },
	{ "one dash with equals", { "-config=f" }, 0, "f", 2 },
	{ "a letter", { "-c", "f" }, 0, "f", 3 },
	{ "a flag", { "--check-config", "x" }, 1, NULL, 2 },
	{ "a flag's letter", { "-t", "x" }, 1, NULL, 2 },
	{ "a value that looks like an option", { "-c", "-t" }, 0, "-t", 3 },
	{ "a value that may be absent", { "--print", "x" }, 2, NULL, 2 },
	{ "and is there", { "--print=x" }, 2, "x", 2 },
	{ "no option", { "x" }, OPTIONS_END, NULL, 1 },
	{ "a dash alone", { "-" }, OPTIONS_END, NULL, 1 },
	{ "the end of options", { "--", "-t" }, OPTIONS_END, NULL, 2 },
	{ "nothing", { NULL }, OPTIONS_END, NULL, 1 },
	{ "an empty word", { "" }, OPTIONS_END, NULL, 1 },
	{ "unknown", { "--con" }, OPTIONS_BAD, NULL, 0 },
	{ "longer than known", { "--configs" }, OPTIONS_BAD, NULL, 0 },
	{ "unknown letter", { "-x" }, OPTIONS_BAD, NULL, 0 },
	{ "letters together", { "-tc" }, OPTIONS_BAD, NULL, 0 },
	{ "no value", { "--config" }, OPTIONS_BAD, NULL, 0 },
	{ "a letter without value", { "-c" }, OPTIONS_BAD, NULL, 0 },
	{ "a flag with a value", { "--check-config=1" }, OPTIONS_BAD, NULL,
		0 },
};

static void
check(size_t i)
{
	char *argv[MAX_ARGS + 1] = { (char *)(uintptr_t)"program" };
	int argc = 1;
	struct options o;

	while (argc <= MAX_ARGS && cases[i].args[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)cases[i].args[argc - 1];
		argc++;
	}
	options_init(&o, rows, argc, argv);
	tap_int(options_next(&o), cases[i].found, cases[i].name, __LINE__);
	if (cases[i].found == OPTIONS_BAD) {
		tap_ok(o.why[0] != '\0', "%s: says why", cases[i].name);
		return;
	}
	tap_int(o.at, cases[i].next, "next word", __LINE__);
	tap_ok((o.value == NULL) == (cases[i].value == NULL)
		&& (o.value == NULL || strcmp(o.value, cases[i].value) == 0),
		"%s: value", cases[i].name);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		check(i);
	return tap_done();
}
