/* SPDX-License-Identifier: MIT */
/*
 * listing -- what one caller is shown of the lists in a reply
 *
 * tools/list, prompts/list, resources/list, resources/templates/list: entries
 * that the caller may not use are cut out of the bytes, everything else stays
 * as it came, cursors too.  A page may become shorter, also empty.
 * Promise: a response that is not certainly one of another request is looked
 * through; an entry whose name cannot be read is cut out.
 * Errors: false with one word for the log; the reply is not to be passed on.
 */
#ifndef MCP_LISTING_H
#define MCP_LISTING_H

#include "base/str.h"

enum listing_kind { LISTING_TOOLS, LISTING_PROMPTS, LISTING_RESOURCES,
	LISTING_TEMPLATES, LISTING_KINDS };

#define LISTING_BIT(kind) (1u << (kind))
#define LISTING_ALL (LISTING_BIT(LISTING_KINDS) - 1)

/* The kind of list that a method asks for; LISTING_KINDS: none. */
enum listing_kind listing_of(struct str method);

struct listing_rules {
	uint32_t kinds;			/* bits of those that are looked at */
	const struct str *others;	/* raw ids: asked for something else */
	uint32_t n_others;
	bool personal;			/* never "cacheScope": "public" */
	size_t max;			/* bytes of one event */

	/* name: of a tool or prompt, a URI, or a URI template. */
	bool (*shows)(void *who, enum listing_kind kind, struct str name);
	void *who;
};

/* One JSON document; text_r is text itself when nothing had to go. */
bool listing_document(struct arena *a, const struct listing_rules *r,
	struct str text, struct str *text_r, const char **why_r);

/* ---- event streams (listing_events.c) ------------------------------------ */
/* Holds one event until it is complete; comments and other fields pass. */
struct listing_events;

struct listing_events *listing_events_new(struct arena *a,
	const struct listing_rules *r,
	void (*write)(void *who, struct str bytes), void *who);

/* In any chunking, without a byte order mark at the head. */
bool listing_events_feed(struct listing_events *s, struct str bytes,
	const char **why_r);

/* The stream is over: what is left of an event without its blank line. */
bool listing_events_end(struct listing_events *s, const char **why_r);

#endif
