/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "main/options.h"

#include <string.h>

void
options_init(struct options *o, const struct option_row *rows, int argc,
	char **argv)
{
	*o = (struct options){ .rows = rows, .argv = argv, .argc = argc,
		.at = 1 };
}

static int
bad(struct options *o, const char *what, const char *word, size_t n)
{
	(void)snprintf(o->why, sizeof o->why, "%s '%.*s'", what, (int)n, word);
	return OPTIONS_BAD;
}

static int
find_long(const struct options *o, const char *name, size_t n)
{
	for (int i = 0; o->rows[i].name != NULL; i++) {
		if (strlen(o->rows[i].name) == n
		    && memcmp(o->rows[i].name, name, n) == 0)
			return i;
	}
	return OPTIONS_END;
}

static int
find_letter(const struct options *o, char c)
{
	for (int i = 0; o->rows[i].name != NULL; i++) {
		if (o->rows[i].letter == c)
			return i;
	}
	return OPTIONS_END;
}

/* The value of row i: `inside` the word itself, or the next word. */
static int
give_value(struct options *o, int i, const char *inside)
{
	const struct option_row *row = &o->rows[i];
	const char *word = o->argv[o->at];

	o->at++;
	o->value = inside;
	if (row->arg == NULL && inside != NULL)
		return bad(o, "no value is taken by", word, strlen(word));
	if (row->arg == NULL || row->maybe || inside != NULL)
		return i;
	if (o->at >= o->argc)
		return bad(o, "a value is missing after", word, strlen(word));
	o->value = o->argv[o->at];
	o->at++;
	return i;
}

static int
take_long(struct options *o, const char *word)
{
	const char *name = word + (word[1] == '-' ? 2 : 1);
	const char *eq = strchr(name, '=');
	size_t n = eq != NULL ? (size_t)(eq - name) : strlen(name);
	int i = find_long(o, name, n);

	if (i < 0)
		return bad(o, "unknown option", word,
			(size_t)(name - word) + n);
	return give_value(o, i, eq != NULL ? eq + 1 : NULL);
}

int
options_next(struct options *o)
{
	const char *word = o->at < o->argc ? o->argv[o->at] : NULL;
	int i;

	o->value = NULL;
	if (word == NULL || word[0] != '-' || word[1] == '\0')
		return OPTIONS_END;
	if (strcmp(word, "--") == 0) {
		o->at++;
		return OPTIONS_END;
	}
	if (word[1] == '-' || word[2] != '\0')
		return take_long(o, word);
	i = find_letter(o, word[1]);
	if (i < 0)
		return bad(o, "unknown option", word, strlen(word));
	return give_value(o, i, NULL);
}

void
options_help(const struct option_row *rows, FILE *out)
{
	for (; rows->name != NULL; rows++) {
		char left[64], letter[5] = "    ";

		if (rows->letter != 0)
			(void)snprintf(letter, sizeof letter, "-%c, ",
				rows->letter);
		(void)snprintf(left, sizeof left, "%s--%s%s%s", letter,
			rows->name, rows->arg == NULL ? "" :
			rows->maybe ? "[=" : " ",
			rows->arg != NULL ? rows->arg : "");
		(void)fprintf(out, "  %s%-*s %s\n", left,
			(int)(28 - (int)strlen(left)),
			rows->arg != NULL && rows->maybe ? "]" : "",
			rows->help);
	}
}
