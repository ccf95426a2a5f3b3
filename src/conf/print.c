/* SPDX-License-Identifier: MIT */
/* The rows as a JSON Schema (draft-07) and as Markdown. */
#include "config.h"
#include "conf/conf.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "conf/schema.h"

static void
put_text(struct buf *b, struct str s)
{
	buf_char(b, '"');
	buf_json(b, s);
	buf_char(b, '"');
}

/* ---- schema -------------------------------------------------------------------------- */
static void
put_choices(struct buf *b, const struct row *r, bool bools)
{
	struct str rest = str_of(r->choices);

	buf_add_c(b, "{ \"enum\": [");
	for (bool first = true; rest.p != NULL; ) {
		struct str words = str_cut(&rest, ' ');

		while (words.p != NULL) {
			if (!first)
				buf_add_c(b, ", ");
			first = false;
			put_text(b, str_cut(&words, '|'));
		}
	}
	if (bools)
		buf_add_c(b, ", true, false");
	buf_add_c(b, "] }");
}

static void
put_number_type(struct buf *b, const struct row *r)
{
	buf_add_c(b, "{ \"type\": \"integer\"");
	if (r->min != 0 || r->max != 0)
		buf_fmt(b, ", \"minimum\": %lld", (long long)r->min);
	if (r->max != 0)
		buf_fmt(b, ", \"maximum\": %lld", (long long)r->max);
	buf_add_c(b, " }");
}

static void
put_element(struct buf *b, const struct row *r)
{
	switch (r->kind) {
	case ROW_WORDS:
		put_choices(b, r, false);
		break;
	case ROW_INTS:
		buf_add_c(b, "{ \"type\": \"integer\" }");
		break;
	case ROW_BLOCKS:
		buf_fmt(b, "{ \"$ref\": \"#/definitions/%s\" }", r->refer);
		break;
	case ROW_KEYS:
		buf_fmt(b, "{ \"anyOf\": [{ \"type\": \"string\" }, "
		    "{ \"$ref\": \"#/definitions/%s\" }] }", r->refer);
		break;
	default:
		buf_add_c(b, "{ \"type\": \"string\" }");
	}
}

static void
put_list_type(struct buf *b, const struct row *r)
{
	buf_add_c(b, "{ \"anyOf\": [{ \"type\": \"array\", \"items\": ");
	put_element(b, r);
	buf_add_c(b, " }");
	if (r->kind != ROW_BLOCKS && r->kind != ROW_INTS)
		buf_add_c(b, ", { \"type\": \"string\" }");
	buf_add_c(b, ", { \"type\": \"null\" }] }");
}

static void put_object(struct buf *b, const char *scope,
	const char *indent);	/* a circle */

static void
put_type(struct buf *b, const struct row *r, const char *indent)
{
	bool text = true;

	if (row_is_list(r)) {
		put_list_type(b, r);
		return;
	}
	if ((r->kind == ROW_BLOCK || r->kind == ROW_MAP) && r->refer == NULL) {
		put_object(b, r->key, indent);
		return;
	}
	if (r->kind == ROW_BLOCK || r->kind == ROW_MAP) {
		buf_fmt(b, "{ \"$ref\": \"#/definitions/%s\" }", r->refer);
		return;
	}
	if (r->kind == ROW_ANY) {
		buf_add_c(b, "{}");
		return;
	}
	buf_add_c(b, "{ \"anyOf\": [");
	switch (r->kind) {
	case ROW_BOOL:
		buf_add_c(b, "{ \"type\": \"boolean\" }");
		break;
	case ROW_INT:
		put_number_type(b, r);
		break;
	case ROW_RATIO:
		buf_add_c(b, "{ \"type\": \"number\", \"minimum\": 0, "
		    "\"maximum\": 1 }");
		text = false;
		break;
	case ROW_WORD: case ROW_SWITCH:
		put_choices(b, r, r->kind == ROW_SWITCH ||
		    (r->flags & ROW_BOOL_TOO) != 0);
		text = false;
		break;
	case ROW_MS: case ROW_SIZE:
		buf_add_c(b, "{ \"type\": \"integer\" }");
		break;
	default:
		break;
	}
	if (text)
		buf_fmt(b, "%s{ \"type\": \"string\" }",
		    b->p[b->n - 1] == '[' ? "" : ", ");
	buf_add_c(b, ", { \"type\": \"null\" }] }");
}

static void
put_property(struct buf *b, const struct row *r, struct str name,
	const char *indent)
{
	struct str said = str_of(r->help);
	const char *deeper = str_fmt(b->arena, "%s  ", indent).p;

	buf_fmt(b, "\n%s", deeper);
	put_text(b, name);
	buf_add_c(b, ": { \"description\": ");
	put_text(b, said);
	if (r->preset != NULL && r->preset[0] != '\0' && !row_is_list(r) &&
	    strcmp(r->preset, PACKAGE_VERSION) != 0) {
		buf_add_c(b, ", \"default\": ");
		if (r->kind == ROW_BOOL || r->kind == ROW_INT ||
		    r->kind == ROW_RATIO)
			buf_add_c(b, r->preset);
		else
			put_text(b, str_of(r->preset));
	}
	buf_add_c(b, ", \"allOf\": [");
	put_type(b, r, deeper);
	buf_add_c(b, "] }");
}

static void
put_properties(struct buf *b, const char *scope, const char *indent)
{
	bool first = true;

	for (size_t i = 0; i < schema_count(); i++) {
		const struct row *r = schema_row(i);
		struct str rest = str_of(r->aliases);

		if (!row_within(r, scope) || str_is(row_name(r), "*"))
			continue;
		if (!first)
			buf_char(b, ',');
		first = false;
		put_property(b, r, row_name(r), indent);
		while (rest.p != NULL) {
			buf_char(b, ',');
			put_property(b, r, str_cut(&rest, ' '), indent);
		}
	}
}

static void
put_object(struct buf *b, const char *scope, const char *indent)
{
	const struct row *any = schema_find(scope, STR("*"));

	buf_add_c(b, "{ \"type\": [\"object\", \"null\"], ");
	if (any != NULL) {
		buf_add_c(b, "\"additionalProperties\": ");
		put_type(b, any, indent);
		buf_add_c(b, " }");
		return;
	}
	buf_add_c(b, "\"additionalProperties\": false, "
	    "\"patternProperties\": { \"^(_|x-|[a-z0-9]+_)\": {} }, "
	    "\"properties\": {");
	put_properties(b, scope, indent);
	buf_fmt(b, "\n%s} }", indent);
}

static const char *const shapes[] = {
	"mcpProxy", "servers", "server", "groups", "group", "options",
	"options.tls", "key", "token", "ban", "rates", "rate", "rule", "sink",
	"judge", "maker",
};

struct str
conf_schema(struct arena *a)
{
	struct buf b = buf_new(a, MIB(4));
	struct str text = STR("");

	buf_add_c(&b, "{\n  \"$schema\": "
	    "\"http://json-schema.org/draft-07/schema#\",\n"
	    "  \"title\": \"mcpgate configuration\",\n  \"definitions\": {");
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		buf_fmt(&b, "%s\n    \"%s\": ", i > 0 ? "," : "", shapes[i]);
		put_object(&b, shapes[i], "    ");
	}
	buf_add_c(&b, "\n  },\n  \"type\": \"object\",\n"
	    "  \"additionalProperties\": false,\n"
	    "  \"patternProperties\": { \"^(_|x-)\": {} },\n"
	    "  \"properties\": {");
	put_properties(&b, "top", "  ");
	buf_add_c(&b, "\n  }\n}\n");
	buf_take(&b, &text);
	return text;
}

/* ---- Markdown -------------------------------------------------------------------------- */
static void
put_cell(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '|')
			buf_add_c(b, "\\|");
		else
			buf_char(b, s.p[i]);
	}
}

static struct str
spoken(struct arena *a, const struct row *r, int64_t v)
{
	if (r->kind == ROW_MS && v != 0 && v % 3600000 == 0)
		return str_fmt(a, "%lldh", (long long)(v / 3600000));
	if (r->kind == ROW_MS && v != 0 && v % 1000 == 0)
		return str_fmt(a, "%llds", (long long)(v / 1000));
	if (r->kind == ROW_MS && v != 0)
		return str_fmt(a, "%lldms", (long long)v);
	if (r->kind == ROW_SIZE && v != 0 && v % (1024 * 1024) == 0)
		return str_fmt(a, "%lldMiB", (long long)(v / 1024 / 1024));
	if (r->kind == ROW_SIZE && v != 0 && v % 1024 == 0)
		return str_fmt(a, "%lldKiB", (long long)(v / 1024));
	return str_fmt(a, "%lld", (long long)v);
}

static void
put_range(struct buf *b, const struct row *r)
{
	struct str rest = str_of(r->choices);
	const char *between = "";

	while (rest.p != NULL) {
		struct str words = str_cut(&rest, ' ');
		struct str word = str_cut(&words, '|');

		buf_fmt(b, "%s`%.*s`", between, STR_ARG(word));
		between = ", ";
	}
	if (r->min == 0 && r->max == 0)
		return;
	buf_add(b, spoken(b->arena, r, r->min));
	buf_add_c(b, "..");
	buf_add(b, spoken(b->arena, r, r->max));
}

static const char *
state(const struct row *r)
{
	if ((r->flags & ROW_IGNORED) != 0)
		return " *Ignored.*";
	if ((r->flags & ROW_CLOSES) != 0)
		return " *Not in this build: the server answers 503.*";
	return (r->flags & ROW_LATER) != 0 ? " *Not in this build.*" : "";
}

static void
put_row(struct buf *b, const struct row *r, const char *scope)
{
	const char *type = row_type(r);
	struct str aliases = str_of(r->aliases);

	if (strncmp(type, "a ", 2) == 0)
		type += 2;
	buf_fmt(b, "| `%s`", r->key + strlen(scope) + 1);
	while (aliases.p != NULL) {
		struct str alias = str_cut(&aliases, ' ');

		buf_fmt(b, ", `%.*s`", STR_ARG(alias));
	}
	buf_fmt(b, " | %s%s | ", row_is_secret(r) ? "secret " : "", type);
	if (r->preset != NULL && r->preset[0] != '\0')
		buf_fmt(b, "`%s`", strcmp(r->preset, PACKAGE_VERSION) == 0 ?
		    "version of the program" : r->preset);
	buf_add_c(b, " | ");
	put_range(b, r);
	buf_add_c(b, " | ");
	put_cell(b, str_of(r->help));
	buf_fmt(b, "%s |\n", state(r));
}

static const struct {
	const char *scope, *title;
} chapters[] = {
	{ "top", "The file" }, { "mcpProxy", "mcpProxy" },
	{ "server", "mcpServers.NAME" }, { "options", "options" },
	{ "group", "groups.NAME" },
	{ "key", "An inbound credential as a block" },
	{ "token", "A token of auth.tokens as a block" },
	{ "ban", "An address as a block" },
	{ "rate", "A limit of rateLimit.tools" },
	{ "rule", "A rule of policy" }, { "sink", "A sink of audit" },
	{ "judge", "inboundAuth.lua and inboundAuth.js" },
	{ "maker", "outboundAuth.lua and outboundAuth.js" },
};

struct str
conf_options_markdown(struct arena *a)
{
	struct buf b = buf_new(a, MIB(1));
	struct str text = STR("");

	buf_add_c(&b, "# Keys of the configuration\n\nPrinted by `mcpgate "
	    "--options`; do not edit. The snake_case form of every key is "
	    "accepted.\nDurations carry a unit (`30s`), sizes may (`4MiB`), a "
	    "list may be one text with commas.\n");
	for (size_t c = 0; c < sizeof(chapters) / sizeof(chapters[0]); c++) {
		const char *scope = chapters[c].scope;
		size_t n = strlen(scope);

		buf_fmt(&b, "\n## %s\n\n| Key | Type | Default | Range | Meaning "
		    "|\n|---|---|---|---|---|\n", chapters[c].title);
		for (size_t i = 0; i < schema_count(); i++) {
			const struct row *r = schema_row(i);

			if (strncmp(r->key, scope, n) == 0 &&
			    r->key[n] == '.')
				put_row(&b, r, scope);
		}
	}
	buf_take(&b, &text);
	return text;
}
