/* SPDX-License-Identifier: MIT */
/*
 * listing -- what one caller is shown of the lists in a reply
 */
#include "config.h"
#include "mcp/listing.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "mcp/walk.h"

static const struct {
	const char *method, *member, *name;
} lists[LISTING_KINDS] = {
	[LISTING_TOOLS] = { "tools/list", "tools", "name" },
	[LISTING_PROMPTS] = { "prompts/list", "prompts", "name" },
	[LISTING_RESOURCES] = { "resources/list", "resources", "uri" },
	[LISTING_TEMPLATES] = { "resources/templates/list",
		"resourceTemplates", "uriTemplate" },
};

/* Bytes `from` of the text have `with` in their place. */
struct edit {
	struct str from, with;
};

struct filter {
	struct arena *arena;
	const struct listing_rules *rules;
	struct edit *edits;		/* in the order of the text */
	uint32_t n, room;
	struct str *texts;		/* of rules->others; NULL: not yet */
	const char *why;
};

enum listing_kind
listing_of(struct str method)
{
	int k = 0;

	while (k < LISTING_KINDS && !str_is(method, lists[k].method))
		k++;
	return (enum listing_kind)k;
}

static void
edit(struct filter *f, struct str from, struct str with)
{
	size_t each = sizeof(*f->edits);

	if (f->n == f->room) {
		uint32_t room = f->room > 0 ? 2 * f->room : 8;

		f->edits = arena_larger(f->arena, f->edits, f->n * each,
			room * each);
		f->room = room;
	}
	f->edits[f->n++] = (struct edit){ from, with };
}

/* ---- one list ---------------------------------------------------------------- */
static bool
is_shown(struct filter *f, enum listing_kind kind, struct jdoc_span entry)
{
	struct str name;

	return walk_text(f->arena, entry, lists[kind].name, &name) &&
		f->rules->shows(f->rules->who, kind, name);
}

static bool
filter_list(struct filter *f, enum listing_kind kind, struct jdoc_span list)
{
	struct walk w = walk_into(list.raw);
	struct buf kept = buf_new(f->arena, list.raw.n);
	struct jdoc_span entry;
	struct str name, text;
	bool cut = false;

	if (list.type == JDOC_NULL)
		return true;		/* there is nothing in it */
	if (list.type != JDOC_ARRAY) {
		f->why = "a list that is no array";
		return false;
	}
	buf_char(&kept, '[');
	while (walk_next(&w, &name, &entry)) {
		if (!is_shown(f, kind, entry)) {
			cut = true;
			continue;
		}
		if (kept.n > 1)
			buf_char(&kept, ',');
		buf_add(&kept, entry.raw);
	}
	buf_char(&kept, ']');
	if (cut && buf_take(&kept, &text))
		edit(f, list.raw, text);
	return true;
}

/* ---- one message --------------------------------------------------------------- */
/* The kind of list that a member holds, of those that are looked at. */
static enum listing_kind
kind_of(struct filter *f, struct str member)
{
	int k;

	for (k = 0; k < LISTING_KINDS; k++) {
		if ((f->rules->kinds & LISTING_BIT(k)) != 0 &&
		    walk_named(f->arena, member, lists[k].member))
			break;
	}
	return (enum listing_kind)k;
}

static bool
has_list(struct filter *f, struct jdoc_span result)
{
	struct walk w = walk_into(result.raw);
	struct jdoc_span value;
	struct str name;

	while (walk_next(&w, &name, &value)) {
		if (kind_of(f, name) != LISTING_KINDS)
			return true;
	}
	return false;
}

static bool
filter_result(struct filter *f, struct jdoc_span result)
{
	struct walk w = walk_into(result.raw);
	bool listing = result.type == JDOC_OBJECT && has_list(f, result);
	struct jdoc_span value;
	struct str name;

	while (listing && walk_next(&w, &name, &value)) {
		enum listing_kind kind = kind_of(f, name);

		if (kind != LISTING_KINDS && !filter_list(f, kind, value))
			return false;
		if (f->rules->personal &&
		    walk_named(f->arena, name, "cacheScope"))
			edit(f, value.raw, STR("\"private\""));
	}
	return true;
}

/* What the ids of others say, however they are escaped: read once. */
static const struct str *
other_texts(struct filter *f)
{
	uint32_t n = f->rules->n_others;
	struct str *v = f->texts;

	if (v != NULL)
		return v;
	v = f->texts = ARENA_ARRAY(f->arena, struct str, n);
	for (uint32_t i = 0; i < n; i++) {
		struct jdoc_span id = { f->rules->others[i], JDOC_STRING };

		if (!jdoc_unquote(f->arena, id, &v[i]))
			v[i] = STR_NONE;
	}
	return v;
}

static bool
is_other(struct filter *f, const struct jdoc_message *m)
{
	const struct listing_rules *r = f->rules;
	const struct str *texts;
	struct str its;

	if (str_among(m->id.raw, r->others, r->n_others))
		return true;
	if (r->n_others == 0 || !jdoc_unquote(f->arena, m->id, &its))
		return false;
	texts = other_texts(f);
	for (uint32_t i = 0; i < r->n_others; i++) {
		if (texts[i].p != NULL && str_eq(texts[i], its))
			return true;
	}
	return false;
}

/* ---- the document ---------------------------------------------------------------- */
static struct str
joined(struct filter *f, struct str text)
{
	struct str *pieces = ARENA_ARRAY(f->arena, struct str, 2 * f->n + 1);
	const char *at = text.p;
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->n; i++) {
		const struct edit *e = &f->edits[i];

		pieces[n++] = (struct str){ at, (size_t)(e->from.p - at) };
		pieces[n++] = e->with;
		at = e->from.p + e->from.n;
	}
	pieces[n++] = (struct str){ at, (size_t)(text.p + text.n - at) };
	return str_join(f->arena, pieces, n);
}

bool
listing_document(struct arena *a, const struct listing_rules *r,
	struct str text, struct str *text_r, const char **why_r)
{
	static const struct jdoc_limits limits = { .depth = MAX_JSON_DEPTH,
		.values = MAX_REPLY_VALUES, .batch = MAX_REPLY_VALUES };
	struct filter f = { .arena = a, .rules = r };
	struct jdoc_report report;
	uint32_t i;

	if (jdoc_check(a, text, JDOC_MESSAGE, &limits, &report) != JDOC_OK) {
		*why_r = report.why;
		return false;
	}
	for (i = 0; i < report.n_messages; i++) {
		const struct jdoc_message *m = &report.messages[i];

		if (!is_other(&f, m) && !filter_result(&f, m->result)) {
			*why_r = f.why;
			return false;
		}
	}
	*text_r = f.n > 0 ? joined(&f, text) : text;
	return true;
}
