/* SPDX-License-Identifier: MIT */
/*
 * outline -- what http/h1_parse says of a reply, as one line of text
 *
 *	200 [Name: value] {body} end+3 keeps
 *
 * The status, header lines in brackets, "early" behind a 1xx head, the body
 * in one piece however it came, then how it ended, with the number of bytes
 * behind the end.
 */
#ifndef KIT_OUTLINE_H
#define KIT_OUTLINE_H

#include "base/buf.h"
#include "http/h1_parse.h"

struct outline {
	struct buf text;
	bool body;			/* its brace is open */
	bool over;
};

static inline void
outline_body(struct outline *o, bool open)
{
	if (o->body != open)
		buf_add_c(&o->text, open ? "{" : "} ");
	o->body = open;
}

static inline void
outline_end(struct outline *o, const struct h1 *h, enum h1_said said,
	size_t rest)
{
	outline_body(o, false);
	o->over = true;
	if (said == H1_END)
		buf_fmt(&o->text, "end+%zu%s", rest, h1_keeps(h) ? " keeps" :
			"");
	else
		buf_add_c(&o->text, said == H1_CUT ? "cut" :
			said == H1_LARGE ? "large" :
			said == H1_BAD ? "bad" : "bad chunk");
}

/* after: bytes that have not been fed yet. */
static inline void
outline_feed(struct outline *o, struct h1 *h, struct str in, size_t after)
{
	while (!o->over) {
		struct str piece = STR("");
		enum h1_said said = h1_next(h, &in, &piece);

		if (said == H1_MORE)
			return;
		outline_body(o, said == H1_BODY);
		if (said == H1_STATUS)
			buf_fmt(&o->text, "%d ", h->status);
		else if (said == H1_LINE)
			buf_fmt(&o->text, "[%.*s] ", STR_ARG(piece));
		else if (said == H1_EARLY)
			buf_add_c(&o->text, "early ");
		else if (said == H1_BODY)
			buf_add(&o->text, piece);
		else if (said != H1_HEAD)
			outline_end(o, h, said, in.n + after);
	}
}

/* The reply fed in pieces: one of `first` bytes, then of `each` bytes (at
 * least 1).  Each piece lies in an allocation of its own. */
static inline struct str
outline(struct arena *a, struct str bytes, size_t first, size_t each)
{
	struct outline o = { .text = buf_new(a, 4 * bytes.n + 1024) };
	struct str text = STR("");
	struct h1 h;

	h1_init(&h, a);
	while (bytes.n > 0 && !o.over) {
		struct str piece = str_copy(a, str_head(bytes, first > 0 ?
			first : each));

		bytes = str_from(bytes, piece.n);
		first = 0;
		outline_feed(&o, &h, piece, bytes.n);
	}
	outline_feed(&o, &h, STR(""), bytes.n);
	if (!o.over)
		outline_end(&o, &h, h1_eof(&h), 0);
	buf_take(&o.text, &text);
	return text;
}

#endif
