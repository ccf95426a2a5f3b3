/* SPDX-License-Identifier: MIT */
/* One plain value, read by its row. */
#include "config.h"
#include "conf/load.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "conf/uri.h"

bool
value_wrong_type(struct loading *l, struct node *n, const struct row *r)
{
	report_add(l->report, "E02", n, "expected %s, found %s", row_type(r),
	    node_type_name(n));
	n->bad = true;
	return false;
}

static const char *
unit_of(const struct row *r)
{
	if (r->kind == ROW_MS)
		return " milliseconds";
	return r->kind == ROW_SIZE ? " bytes" : "";
}

static bool
in_range(struct loading *l, struct node *n, const struct row *r)
{
	if (r->min == 0 && r->max == 0)
		return true;
	if (n->number >= r->min && n->number <= r->max)
		return true;
	if (n->number == 0 && (r->flags & ROW_OFF) != 0)
		return true;
	report_add(l->report, "E03", n, "%.*s is not within %lld..%lld%s",
	    STR_ARG(str_head(n->raw, 64)), (long long)r->min,
	    (long long)r->max, unit_of(r));
	n->bad = true;
	return false;
}

/* The text of a number, or of a variable that holds one. */
static bool
number_text(const struct node *n, struct str *text_r)
{
	if (n->type != JDOC_NUMBER &&
	    !(n->type == JDOC_STRING && n->expanded))
		return false;
	*text_r = n->text;
	return true;
}

static bool
whole_number(struct str s, int64_t *value_r)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;

	if (!str_number(minus ? str_from(s, 1) : s, &v) || v > INT64_MAX)
		return false;
	*value_r = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

static bool
read_int(struct loading *l, struct node *n, const struct row *r)
{
	struct str text;

	if ((r->flags & ROW_STERN) != 0 && n->type == JDOC_STRING &&
	    (!n->expanded || !whole_number(n->text, &n->number))) {
		n->number = r->min - 1;
		return in_range(l, n, r);
	}
	if (!number_text(n, &text))
		return value_wrong_type(l, n, r);
	if (!whole_number(text, &n->number)) {
		report_add(l->report, "E02", n,
		    "expected a whole number, found %s", node_type_name(n));
		n->bad = true;
		return false;
	}
	return in_range(l, n, r);
}

static bool
read_bool(struct loading *l, struct node *n, const struct row *r)
{
	if (n->type == JDOC_BOOL) {
		n->number = n->flag;
		return true;
	}
	if (n->type == JDOC_STRING && n->expanded &&
	    (str_is(n->text, "true") || str_is(n->text, "false"))) {
		n->number = str_is(n->text, "true");
		return true;
	}
	return value_wrong_type(l, n, r);
}

/* "a, b, c" from "a|x b c". */
static struct str
words_list(struct arena *a, const struct row *r)
{
	struct str rest = str_of(r->choices), text = STR_NONE;
	struct buf b = buf_new(a, 1024);

	while (rest.p != NULL) {
		struct str word = str_cut(&rest, ' ');

		if (b.n > 0)
			buf_add_c(&b, ", ");
		buf_add(&b, str_cut(&word, '|'));
	}
	return buf_take(&b, &text) ? text : STR("...");
}

static bool
unknown_word(struct loading *l, struct node *n, const struct row *r)
{
	report_add(l->report, "E04", n, "\"%.*s\" is not a known word; one of %.*s",
	    STR_ARG(str_head(n->raw, 64)),
	    STR_ARG(words_list(l->report->arena, r)));
	n->bad = true;
	return false;
}

static bool
read_word(struct loading *l, struct node *n, const struct row *r)
{
	if (n->type == JDOC_BOOL && (r->flags & ROW_BOOL_TOO) != 0) {
		n->number = r->first + n->flag;
		return true;
	}
	if (r->kind == ROW_SWITCH && n->type == JDOC_BOOL) {
		n->number = n->flag;
		return true;
	}
	if (n->type == JDOC_NUMBER && row_word(r, n->text, &n->number))
		return true;		/* 404, 1.2 */
	if (n->type != JDOC_STRING)
		return value_wrong_type(l, n, r);
	if (!row_word(r, n->text, &n->number))
		return unknown_word(l, n, r);
	if (r->kind == ROW_SWITCH)
		n->number = -1;
	return true;
}

static bool
no_unit(struct loading *l, struct node *n)
{
	report_add(l->report, "E06", n,
	    "a number needs a unit here; write \"%.*ss\"",
	    STR_ARG(str_head(n->raw, 32)));
	n->bad = true;
	return false;
}

#define NANOS_FROM 1000000	/* a bare number from here on is of a Go file */

/* "30s" for 30000. */
static struct str
spoken_ms(struct arena *a, int64_t ms)
{
	if (ms % 1000 == 0)
		return str_fmt(a, "%llds", (long long)(ms / 1000));
	return str_fmt(a, "%lldms", (long long)ms);
}

static bool
read_bare_ms(struct loading *l, struct node *n, const struct row *r)
{
	struct str spoken;
	int64_t v;

	if (!whole_number(n->text, &v))
		return no_unit(l, n);
	if ((r->flags & ROW_BARE) != 0) {
		n->number = v > INT64_MAX / 1000 ? INT64_MAX : v * 1000;
		return in_range(l, n, r);
	}
	if (v != 0 && v < NANOS_FROM)
		return no_unit(l, n);
	n->number = v / 1000000;
	if (!in_range(l, n, r))
		return false;
	if (v == 0)
		return true;
	spoken = spoken_ms(l->report->arena, n->number);
	report_add(l->report, "W10", n,
	    "bare number read as nanoseconds (= %.*s); write \"%.*s\"",
	    STR_ARG(spoken), STR_ARG(spoken));
	return true;
}

static bool
read_ms(struct loading *l, struct node *n, const struct row *r)
{
	int64_t bare;

	if (n->type == JDOC_NUMBER)
		return read_bare_ms(l, n, r);
	if (n->type != JDOC_STRING)
		return value_wrong_type(l, n, r);
	if (value_duration(n->text, &n->number))
		return in_range(l, n, r);
	if (whole_number(n->text, &bare))
		return read_bare_ms(l, n, r);
	if (n->text.n > 1 && n->text.p[0] == '-' &&
	    value_duration(str_from(n->text, 1), &n->number)) {
		n->number = -1;
		return in_range(l, n, r);
	}
	return value_wrong_type(l, n, r);
}

static bool
read_size(struct loading *l, struct node *n, const struct row *r)
{
	if (n->type == JDOC_NUMBER && n->text.n > 0 && n->text.p[0] == '-') {
		n->number = -1;
		return in_range(l, n, r);
	}
	if ((n->type != JDOC_NUMBER && n->type != JDOC_STRING) ||
	    !value_size(n->text, &n->number))
		return value_wrong_type(l, n, r);
	return in_range(l, n, r);
}

static bool
read_ratio(struct loading *l, struct node *n, const struct row *r)
{
	double v;

	if (n->type != JDOC_NUMBER || n->text.n > 40)
		return value_wrong_type(l, n, r);
	v = strtod(str_copy(l->arena, n->text).p, NULL);
	if (v >= 0 && v <= 1)
		return true;
	report_add(l->report, "E03", n, "%.*s is not within 0..1",
	    STR_ARG(n->raw));
	n->bad = true;
	return false;
}

bool
value_visible(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c < 0x21 || c > 0x7e)
			return false;
	}
	return text.n > 0;
}

bool
value_header_name(struct str name)
{
	if (name.n == 0 || name.n > 64)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '-')
			return false;
	}
	return true;
}

/* Variables without HTTP_ that repeat what a client has written. */
static const struct str of_clients[] = {
	STR("CONTENT_TYPE"), STR("CONTENT_LENGTH"), STR("REQUEST_METHOD"),
	STR("REQUEST_URI"), STR("DOCUMENT_URI"), STR("QUERY_STRING"),
	STR("PATH_INFO"), STR("PATH_TRANSLATED"), STR("SCRIPT_NAME"),
	STR("SCRIPT_FILENAME"), STR("SERVER_NAME"), STR("SERVER_PROTOCOL"),
};

/* Of the web server itself: neither what clients send nor what is never
 * read. */
static bool
param_name(struct str name)
{
	if (name.n == 0 || name.n > 64 || str_starts(name, STR("HTTP_")) ||
	    str_starts(name, STR("REDIRECT_")) || str_among(name, of_clients,
	    sizeof(of_clients) / sizeof(of_clients[0])))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_')
			return false;
	}
	return true;
}

static bool
read_name(struct loading *l, struct node *n, bool good)
{
	if (good)
		return true;
	report_add(l->report, "E63", n, "\"%.*s\" cannot be a header here",
	    STR_ARG(str_head(n->raw, 80)));
	n->bad = true;
	return false;
}

static bool
read_url(struct loading *l, struct node *n)
{
	struct uri u;

	if (uri_parse(l->arena, n->text, &u) && uri_is_http(&u) &&
	    !u.has_user && !u.has_fragment)
		return true;
	report_add(l->report, "E62", n, "must be an absolute http(s) URL");
	n->bad = true;
	return false;
}

static bool
read_file_name(struct loading *l, struct node *n, const struct row *r)
{
	if (n->text.n == 0 || memchr(n->text.p, '\0', n->text.n) != NULL)
		return value_wrong_type(l, n, r);
	if (str_is(n->text, "stderr") && (r->flags & ROW_STDERR) != 0)
		return true;
	if (n->text.p[0] != '/' && n->file != NULL)
		n->text = str_fmt(l->arena, "%.*s/%.*s", STR_ARG(n->file->dir),
		    STR_ARG(n->text));
	else
		n->text = str_copy(l->arena, n->text);
	return true;
}

void
value_tell_masked(struct loading *l, const struct node *n,
	const struct conf_cidr *c)
{
	char room[CONF_ADDR_TEXT];

	if (l->report->kept[CONF_WARNING] < REPORT_MOST &&
	    conf_cidr_masked(n->text, c))
		report_add(l->report, "W21", n, "\"%.*s\" has bits behind its "
		    "prefix: read as %.*s", STR_ARG(str_head(n->raw, 80)),
		    STR_ARG(conf_addr_text(c, room)));
}

static bool
read_block(struct loading *l, struct node *n)
{
	struct conf_cidr c;

	if (conf_cidr_parse(n->text, &c)) {
		value_tell_masked(l, n, &c);
		return true;
	}
	report_add(l->report, "E49", n,
	    "\"%.*s\" is not an address or CIDR block",
	    STR_ARG(str_head(n->raw, 80)));
	n->bad = true;
	return false;
}

static bool
read_text(struct loading *l, struct node *n, const struct row *r)
{
	uint8_t digest[32];

	if (n->type != JDOC_STRING)
		return value_wrong_type(l, n, r);
	switch (r->kind) {
	case ROW_URL:
		return read_url(l, n);
	case ROW_FILE:
		return read_file_name(l, n, r);
	case ROW_HEADER: case ROW_HEADERS:
		return read_name(l, n, value_header_name(n->text));
	case ROW_PARAM:
		return read_name(l, n, param_name(n->text));
	case ROW_DATE:
		return value_date(n->text, &n->number) ||
		    value_wrong_type(l, n, r);
	case ROW_HEXES:
		return digest_unhex(n->text, digest, sizeof(digest)) ||
		    value_wrong_type(l, n, r);
	case ROW_CIDRS:
		return read_block(l, n);
	default:
		return true;
	}
}

bool
value_read(struct loading *l, struct node *n, const struct row *r)
{
	switch (r->kind) {
	case ROW_BOOL:
		return read_bool(l, n, r);
	case ROW_INT: case ROW_INTS:
		return read_int(l, n, r);
	case ROW_RATIO:
		return read_ratio(l, n, r);
	case ROW_WORD: case ROW_WORDS: case ROW_SWITCH:
		return read_word(l, n, r);
	case ROW_MS:
		return read_ms(l, n, r);
	case ROW_SIZE:
		return read_size(l, n, r);
	default:
		return read_text(l, n, r);
	}
}

struct node *
value_preset(struct loading *l, const struct row *r, const struct node *at)
{
	struct node *n;

	if (r->preset == NULL)
		return NULL;
	n = node_text(l->arena, at, NULL, str_of(r->preset));
	n->name = n->written = row_name(r);
	n->expanded = true;		/* a text may stand for a number */
	if (row_is_list(r)) {
		n->expanded = false;
		load_value(l, n, r);
	} else if (r->kind == ROW_RATIO) {
		n->type = JDOC_NUMBER;
		value_read(l, n, r);
	} else {
		value_read(l, n, r);
	}
	return n;
}
