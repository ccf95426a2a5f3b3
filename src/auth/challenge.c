/* SPDX-License-Identifier: MIT */
/*
 * challenge -- the value of WWW-Authenticate that belongs to a refusal
 */
#include "config.h"
#include "auth/challenge.h"

#include "base/buf.h"

#define MAX_CHALLENGE 4096	/* bytes; a proxy takes 4 KiB of headers */

enum part { PART_NONE, PART_BARE, PART_INVALID, PART_EXPIRED, PART_REQUEST,
	PART_SCOPE };

static enum part
part_of(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_UNAUTHENTICATED:
	case FAULT_NO_IDENTITY:
		return PART_BARE;
	case FAULT_INVALID_TOKEN:
	case FAULT_TOKEN_SIGNATURE:
	case FAULT_TOKEN_CLAIMS:
	case FAULT_TOKEN_REVOKED:
		return PART_INVALID;
	case FAULT_TOKEN_EXPIRED:
		return PART_EXPIRED;
	case FAULT_TWO_CREDENTIALS:
		return PART_REQUEST;
	case FAULT_INSUFFICIENT_SCOPE:
		return PART_SCOPE;
	default:
		return PART_NONE;
	}
}

/* The inside of a quoted string: what cannot stand there is left out. */
static void
add_quoted(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7E)
			continue;
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_char(b, '\\');
		buf_char(b, s.p[i]);
	}
}

/* What the whole server asks for, and what this operation does. */
struct scopes {
	const struct conf_texts *all, *more;
};

/* Whether it wants a refresh token only the client knows. */
static void
add_scope(struct buf *b, struct str scope, uint32_t *n)
{
	if (str_is(scope, "offline_access"))
		return;
	buf_add(b, (*n)++ > 0 ? STR(" ") : STR(", scope=\""));
	add_quoted(b, scope);
}

static void
add_scopes(struct buf *b, const struct scopes *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->all->n; i++)
		add_scope(b, s->all->v[i], &n);
	for (uint32_t i = 0; i < s->more->n; i++) {
		if (!conf_has_text(s->all, s->more->v[i]))
			add_scope(b, s->more->v[i], &n);
	}
	if (n > 0)
		buf_char(b, '"');
}

static void
add_error(struct buf *b, const char *error, const char *description)
{
	buf_fmt(b, ", error=\"%s\"", error);
	if (description != NULL)
		buf_fmt(b, ", error_description=\"%s\"", description);
}

static void
add_part(struct buf *b, enum part part, const struct scopes *scopes)
{
	if (part == PART_INVALID)
		add_error(b, "invalid_token", "The access token is not valid");
	else if (part == PART_EXPIRED)
		add_error(b, "invalid_token", "The access token expired");
	else if (part == PART_REQUEST)
		add_error(b, "invalid_request", NULL);
	else if (part == PART_SCOPE)
		add_error(b, "insufficient_scope", NULL);
	if (part == PART_BARE || part == PART_SCOPE)
		add_scopes(b, scopes);
}

static void
add_realm(struct buf *b, const char *scheme, const struct conf_inbound *in)
{
	buf_fmt(b, "%s realm=\"", scheme);
	add_quoted(b, in->realm.n > 0 ? in->realm : STR("mcpgate"));
	buf_char(b, '"');
}

struct str
challenge_of(const struct conf_inbound *in, enum fault_kind kind,
	struct arena *a)
{
	static const struct conf_texts none = { .n = 0 };

	return challenge_scopes(in, kind, &none, a);
}

struct str
challenge_scopes(const struct conf_inbound *in, enum fault_kind kind,
	const struct conf_texts *more, struct arena *a)
{
	const struct scopes scopes = { &in->required_scopes, more };
	enum part part = part_of(kind);
	struct buf b = buf_new(a, MAX_CHALLENGE);
	struct str text;

	if (part == PART_NONE)
		return STR_NONE;
	add_realm(&b, "Bearer", in);
	add_part(&b, part, &scopes);
	if (!buf_take(&b, &text))
		return STR("Bearer realm=\"mcpgate\"");
	return text;
}

struct str
challenge_basic(const struct conf_inbound *in, struct arena *a)
{
	struct buf b = buf_new(a, MAX_CHALLENGE);
	struct str text;

	add_realm(&b, "Basic", in);
	buf_add(&b, STR(", charset=\"UTF-8\""));
	return buf_take(&b, &text) ? text : STR("Basic realm=\"mcpgate\"");
}
