/* SPDX-License-Identifier: MIT */
/*
 * expand -- ${NAME}, ${env:NAME}, ${NAME:-default}, ${file:/path},
 * ${cred:name}, $$ inside a string value
 *
 * What comes out is not looked at again.
 */
#include "config.h"
#include "conf/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"

/* One expansion under way. */
struct expansion {
	struct loading *l;
	struct node *n;
	bool secret;
	struct buf out;
};

static bool
name_good(struct str s)
{
	if (s.n == 0 || s.n > 128 || (s.p[0] >= '0' && s.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '_')
			return false;
	}
	return true;
}

static bool
fail(struct expansion *x, const char *id, const char *before, struct str name,
	const char *after)
{
	report_add(x->l->report, id, x->n, "%s\"%.*s\"%s", before,
	    STR_ARG(str_head(name, 200)), after);
	return false;
}

static bool
add_variable(struct expansion *x, struct str name, struct str fallback)
{
	const char *value;

	if (!name_good(name))
		return fail(x, "E05", "environment variable ", name,
		    " is not set");
	value = getenv(str_copy(x->l->arena, name).p);
	if (value != NULL && (*value != '\0' || fallback.p == NULL)) {
		if (!str_utf8(str_of(value)))
			return fail(x, "E02", "expected UTF-8 in ", name,
			    ", found other bytes");
		buf_add_c(&x->out, value);
		file_mix(x->l, str_of(value));
		return true;
	}
	if (fallback.p == NULL)
		return fail(x, "E05", "environment variable ", name,
		    " is not set");
	buf_add(&x->out, fallback);
	return true;
}

/* Others may read a file whose content is used as a secret. */
static bool
told_public(struct expansion *x, struct str path, uint32_t mode)
{
	if (!x->secret || (mode & 04) == 0)
		return false;
	report_add(x->l->report, "E10", x->n, "\"%.*s\" holds secrets and "
	    "others may read it (mode %04o); chmod 600 or 640",
	    STR_ARG(path), mode);
	return true;
}

static bool
add_file(struct expansion *x, struct str path, bool from_systemd)
{
	struct file_text t;
	const char *why = "it is not an absolute name";
	enum file_rules rules = x->secret && !from_systemd ? FILE_SECRET :
	    FILE_PUBLIC;

	if (path.n == 0 || path.p[0] != '/' ||
	    memchr(path.p, '\0', path.n) != NULL ||
	    !file_read(x->l, str_copy(x->l->arena, path).p, MAX_KEY_SET,
	    rules, &t, &why)) {
		report_add(x->l->report, "E08", x->n,
		    "cannot read \"%.*s\": %s", STR_ARG(path), why);
		return false;
	}
	if (told_public(x, path, t.mode))
		return false;
	if (t.text.n > 0 && t.text.p[t.text.n - 1] == '\n')
		t.text.n--;
	if (t.text.n > 0 && t.text.p[t.text.n - 1] == '\r')
		t.text.n--;
	if (!str_utf8(t.text))
		return fail(x, "E02", "expected UTF-8 in ", path,
		    ", found other bytes");
	buf_add(&x->out, t.text);
	return true;
}

static bool
add_credential(struct expansion *x, struct str name)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	if (name.n == 0 || str_find(name, '/') < name.n ||
	    name.p[0] == '.') {
		report_add(x->l->report, "E08", x->n,
		    "cannot read \"%.*s\": it is not a plain name",
		    STR_ARG(name));
		return false;
	}
	if (dir == NULL)
		return fail(x, "E05", "environment variable ",
		    STR("CREDENTIALS_DIRECTORY"), " is not set");
	return add_file(x, str_fmt(x->l->arena, "%s/%.*s", dir, STR_ARG(name)),
	    true);
}

/* What stands between the braces. */
static bool
add_reference(struct expansion *x, struct str inside)
{
	size_t dash;

	if (str_starts(inside, STR("file:")))
		return add_file(x, str_from(inside, 5), false);
	if (str_starts(inside, STR("cred:")))
		return add_credential(x, str_from(inside, 5));
	if (str_starts(inside, STR("env:")))
		inside = str_from(inside, 4);
	dash = str_search(inside, STR(":-"));
	if (dash == inside.n)
		return add_variable(x, inside, STR_NONE);
	return add_variable(x, str_head(inside, dash),
	    (struct str){ inside.p + dash + 2, inside.n - dash - 2 });
}

static bool
walk(struct expansion *x, struct str s)
{
	bool good = true;

	for (size_t i = 0; i < s.n; i++) {
		struct str rest = str_from(s, i);
		size_t end;

		if (str_starts(rest, STR("$$"))) {
			buf_char(&x->out, '$');
			i++;
			continue;
		}
		if (!str_starts(rest, STR("${"))) {
			buf_char(&x->out, s.p[i]);
			continue;
		}
		end = str_find(rest, '}');
		if (end == rest.n) {
			report_add(x->l->report, "E02", x->n,
			    "expected \"}\" after \"${\", found the end");
			return false;
		}
		good &= add_reference(x, (struct str){ rest.p + 2, end - 2 });
		i += end;
	}
	return good;
}

bool
expand_node(struct loading *l, struct node *n, bool secret)
{
	struct expansion x = { .l = l, .n = n, .secret = secret };

	if (n->expanded || str_find(n->text, '$') == n->text.n)
		return true;
	x.out = buf_new(l->arena, MIB(2));
	n->expanded = str_search(n->text, STR("${")) < n->text.n;
	if (!walk(&x, n->raw)) {
		n->bad = true;
		n->text = STR("");
		return false;
	}
	if (!buf_take(&x.out, &n->text)) {
		report_add(l->report, "E02", n, "expected text, found too much");
		n->bad = true;
		n->text = STR("");
		return false;
	}
	return true;
}

bool
expand_literal(struct str raw)
{
	while (str_starts(raw, STR("${")) && str_find(raw, '}') < raw.n) {
		struct str inside = str_head(raw, str_find(raw, '}'));

		if (str_search(inside, STR(":-")) + 2 < inside.n)
			return true;
		raw = str_trim(str_from(raw, inside.n + 1));
		while (raw.n > 0 && (raw.p[0] == ',' || raw.p[0] == ' '))
			raw = str_from(raw, 1);
	}
	return raw.n > 0;
}
