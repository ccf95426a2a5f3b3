/* SPDX-License-Identifier: MIT */
/*
 * h1_parse -- one state per kind of byte that may come next
 */
#include "config.h"
#include "http/h1_parse.h"

#include <string.h>

#include "base/arena.h"
#include "base/limits.h"

#define CARRY_FIRST	256	/* bytes */
#define MAX_SIZE_LINE	200	/* bytes of a chunk's size and extensions */
#define MAX_SIZE_DIGITS	15	/* hex; 2^60 bytes are enough */

enum { AT_STATUS, AT_LINE, AT_LENGTH, AT_SIZE, AT_EXTENSION, AT_SIZE_LF,
	AT_DATA, AT_DATA_CR, AT_DATA_LF, AT_TRAILER, AT_CLOSE, AT_END };

void
h1_init(struct h1 *h, struct arena *a)
{
	*h = (struct h1){ .arena = a, .state = AT_STATUS };
}

/* ---- lines ------------------------- */

static void
carry(struct h1 *h, struct str part)
{
	size_t room = h->carry_room > 0 ? h->carry_room : CARRY_FIRST;
	char *p;

	while (room < h->carry_n + part.n)
		room *= 2;
	if (room > h->carry_room) {
		p = arena_alloc(h->arena, room);
		if (h->carry_n > 0)
			memcpy(p, h->carry, h->carry_n);
		h->carry = p;
		h->carry_room = room;
	}
	if (part.n > 0)
		memcpy(h->carry + h->carry_n, part.p, part.n);
	h->carry_n += part.n;
}

/* Without LF, or CR LF. */
static struct str
without_end(struct str line)
{
	line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

enum got { GOT_LINE, GOT_PART, GOT_TOO_MUCH, GOT_ODD };

/* A complete line off the input, without its end. */
static enum got
take_line(struct h1 *h, struct str *in, struct str *line_r)
{
	size_t end = str_find(*in, '\n');
	struct str part = str_head(*in, end < in->n ? end + 1 : end);
	struct str line = part;

	if (part.n > MAX_REPLY_HEADERS - h->head_bytes)
		return GOT_TOO_MUCH;
	h->head_bytes += part.n;
	if (end == in->n || h->carry_n > 0)
		carry(h, part);
	*in = str_from(*in, part.n);
	if (part.n == end)
		return GOT_PART;
	/* The status line and the empty one are no header lines. */
	if (++h->head_lines > MAX_REPLY_LINES + 2)
		return GOT_TOO_MUCH;
	if (h->carry_n > 0) {
		line = (struct str){ h->carry, h->carry_n };
		h->carry = NULL;	/* the line may be kept */
		h->carry_n = h->carry_room = 0;
	}
	*line_r = without_end(line);
	if (str_find(*line_r, '\r') < line_r->n ||
	    str_find(*line_r, '\0') < line_r->n)
		return GOT_ODD;
	return GOT_LINE;
}

static enum h1_said
no_line(enum got got)
{
	switch (got) {
	case GOT_PART:
		return H1_MORE;
	case GOT_TOO_MUCH:
		return H1_LARGE;
	default:
		return H1_BAD;
	}
}

/* ---- what the head says ------------------------- */

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200", then nothing or a blank and any reason. */
static bool
take_status(struct h1 *h, struct str line)
{
	static const struct str name = { "HTTP/1.", 7 };
	const char *p = line.p;

	if (line.n < 12 || !str_starts(line, name) || !digit(p[7]) ||
	    p[8] != ' ' || !digit(p[9]) || !digit(p[10]) || !digit(p[11]) ||
	    (line.n > 12 && p[12] != ' '))
		return false;
	h->old = p[7] == '0';
	h->status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + p[11] - '0';
	h->has_length = h->chunked = h->has_keep = false;
	h->close = h->old;
	return h->status >= 100 && h->status != 101;
}

/* A number, or the same number several times: 5, 5. */
static bool
note_length(struct h1 *h, struct str value)
{
	do {
		struct str one = str_trim(str_cut(&value, ','));
		uint64_t length;

		if (!str_number(one, &length))
			return false;
		if (h->has_length && length != h->length)
			return false;
		h->length = length;
		h->has_length = true;
	} while (value.p != NULL);
	return true;
}

/* We never ask for another coding. */
static bool
note_coding(struct h1 *h, struct str value)
{
	if (h->chunked)
		return false;
	h->chunked = true;
	return str_is_nocase(value, "chunked");
}

static bool
note_connection(struct h1 *h, struct str value)
{
	while (value.n > 0) {
		if (str_is_nocase(str_trim(str_cut(&value, ',')), "close"))
			h->close = true;
	}
	return true;
}

static bool
note_keep(struct h1 *h, struct str value)
{
	while (value.n > 0) {
		struct str item = str_trim(str_cut(&value, ','));
		struct str name = str_trim(str_cut(&item, '='));

		if (str_is_nocase(name, "timeout"))
			h->has_keep = str_number(str_trim(item), &h->keep_s);
	}
	return true;
}

static const struct {
	struct str name;
	bool framing;
	bool (*note)(struct h1 *h, struct str value);
} noted[] = {
	{ { "Content-Length", 14 }, true, note_length },
	{ { "Transfer-Encoding", 17 }, true, note_coding },
	{ { "Connection", 10 }, false, note_connection },
	{ { "Proxy-Connection", 16 }, false, note_connection },
	{ { "Keep-Alive", 10 }, false, note_keep },
};

/* False: it says something about the length that is not sure. */
static bool
note_line(struct h1 *h, struct str line)
{
	struct str value = line, name = str_cut(&value, ':');
	struct str bare = str_trim(name);

	if (value.p == NULL || bare.n < 10 || bare.n > 17)
		return true;
	for (size_t i = 0; i < sizeof(noted) / sizeof(noted[0]); i++) {
		if (!str_eq_nocase(bare, noted[i].name))
			continue;
		if (name.n != bare.n)
			return !noted[i].framing;
		return noted[i].note(h, str_trim(value));
	}
	return true;
}

/* The head is complete: what follows it? */
static enum h1_said
end_head(struct h1 *h)
{
	if (h->status < 200) {
		h->state = AT_STATUS;
		h->head_lines = 0;	/* but the bytes count on */
		return H1_EARLY;
	}
	if (h->chunked && (h->has_length || h->old))
		return H1_BAD;
	if (h->status == 204 || h->status == 304) {
		h->state = AT_END;
	} else if (h->chunked) {
		h->state = AT_SIZE;
	} else if (h->has_length) {
		h->left = h->length;
		h->state = h->left > 0 ? AT_LENGTH : AT_END;
	} else {
		h->state = AT_CLOSE;
		h->close = true;
	}
	return H1_HEAD;
}

/* What is there of a first line can become one of ours. */
static bool
hopeful(const struct h1 *h, struct str in)
{
	static const struct str name = { "HTTP/1.", 7 };
	struct str rest = str_from(name, h->carry_n);

	return str_starts(in, str_head(rest, in.n));
}

static enum h1_said
next_status(struct h1 *h, struct str *in)
{
	struct str line;
	enum got got;

	if (!hopeful(h, *in))
		return H1_BAD;
	got = take_line(h, in, &line);
	if (got != GOT_LINE)
		return no_line(got);
	if (!take_status(h, line))
		return H1_BAD;
	h->state = AT_LINE;
	return H1_STATUS;
}

/* A line that goes on in the next one is not put together: RFC 9112 section
 * 5.2 leaves a gateway that or a refusal. */
static bool
folded(struct str line)
{
	return line.p[0] == ' ' || line.p[0] == '\t';
}

static enum h1_said
next_line(struct h1 *h, struct str *in, struct str *piece_r)
{
	enum got got = take_line(h, in, piece_r);

	if (got != GOT_LINE)
		return no_line(got);
	if (piece_r->n == 0)
		return end_head(h);
	return !folded(*piece_r) && note_line(h, *piece_r) ? H1_LINE : H1_BAD;
}

static enum h1_said
next_trailer(struct h1 *h, struct str *in)
{
	struct str line;
	enum got got;

	do {
		got = take_line(h, in, &line);
		if (got != GOT_LINE)
			return no_line(got);
	} while (line.n > 0);
	h->state = AT_END;
	return H1_END;
}

/* ---- bodies ------------------------- */

static enum h1_said
next_bytes(struct h1 *h, struct str *in, struct str *piece_r)
{
	size_t n = in->n < h->left ? in->n : (size_t)h->left;

	*piece_r = str_head(*in, n);
	*in = str_from(*in, n);
	h->left -= n;
	if (h->left == 0)
		h->state = h->state == AT_LENGTH ? AT_END : AT_DATA_CR;
	return H1_BODY;
}

/* A byte in or behind the digits of a size. */
static bool
size_byte(struct h1 *h, char c)
{
	int value = str_hex(c);

	if (++h->size_n > MAX_SIZE_LINE)
		return false;
	if (h->state == AT_SIZE && value >= 0) {
		h->left = h->left * 16 + (uint64_t)value;
		return h->size_n <= MAX_SIZE_DIGITS;
	}
	if (h->size_n == 1)
		return false;		/* no digit */
	if (c == '\r')
		h->state = AT_SIZE_LF;
	else if (c == ';' || c == ' ' || c == '\t')
		h->state = AT_EXTENSION;
	else
		return h->state == AT_EXTENSION && c != '\n' && c != '\0';
	return true;
}

/* One byte of what stands between the data of two chunks. */
static bool
chunk_byte(struct h1 *h, char c)
{
	switch (h->state) {
	case AT_SIZE:
	case AT_EXTENSION:
		return size_byte(h, c);
	case AT_SIZE_LF:
		h->state = h->left > 0 ? AT_DATA : AT_TRAILER;
		h->head_lines = 0;
		h->size_n = 0;
		return c == '\n';
	case AT_DATA_CR:
		h->state = AT_DATA_LF;
		return c == '\r';
	default:
		h->state = AT_SIZE;
		return c == '\n';
	}
}

static enum h1_said
next_close(struct str *in, struct str *piece_r)
{
	*piece_r = *in;
	*in = str_from(*in, in->n);
	return H1_BODY;
}

static bool
between_chunks(const struct h1 *h)
{
	return h->state >= AT_SIZE && h->state <= AT_DATA_LF &&
		h->state != AT_DATA;
}

/* ---- for all ------------------------- */

enum h1_said
h1_next(struct h1 *h, struct str *in, struct str *piece_r)
{
	if (h->state == AT_END)
		return H1_END;
	while (in->n > 0 && between_chunks(h)) {
		if (!chunk_byte(h, in->p[0]))
			return H1_BAD_CHUNK;
		*in = str_from(*in, 1);
	}
	if (in->n == 0)
		return H1_MORE;
	switch (h->state) {
	case AT_STATUS:
		return next_status(h, in);
	case AT_LINE:
		return next_line(h, in, piece_r);
	case AT_TRAILER:
		return next_trailer(h, in);
	case AT_CLOSE:
		return next_close(in, piece_r);
	default:
		return next_bytes(h, in, piece_r);
	}
}

enum h1_said
h1_eof(const struct h1 *h)
{
	return h->state == AT_CLOSE || h->state == AT_END ? H1_END : H1_CUT;
}

bool
h1_begun(const struct h1 *h)
{
	return h->head_bytes > 0;
}

bool
h1_keeps(const struct h1 *h)
{
	return h->state == AT_END && !h->close;
}
