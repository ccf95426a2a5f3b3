/* SPDX-License-Identifier: MIT */
/*
 * records -- one small machine for records, a smaller one inside for pairs
 *
 * The rules, by the numbers that stand beside the code:
 *  S1  version 1, else close
 *  S2  first BEGIN, 8 bytes, a responder's; another role: say so, close
 *  S3  then PARAMS to an empty one, STDIN to an empty one, all of one id;
 *      ABORT takes the request back; anything else: close
 *  S4  bytes of PARAMS within the limit, else 431
 *  S5  a pair within what is left of it, told from its two lengths, else 431;
 *      no empty name, else close
 *  S6  number of pairs within the limit, else 431
 *  S7  no byte up to 0x20, no '=', no 0x7f in a name, no NUL in a value
 *  S8  the empty PARAMS record comes between two pairs, else close
 *  S9  bytes of STDIN within the limit, else 413
 *  S10 padding is skipped, the staged header says there is none
 *  S11 GET_VALUES between two requests only, 512 bytes at most
 *  S12 other management records between two requests only
 * (S13, what may come while a request is served, is told in conn.c.)
 */
#include "config.h"
#include "door/records.h"

#include <string.h>

enum { PART_HEAD, PART_CONTENT, PART_PADDING };
enum { ORDER_BEGIN, ORDER_PARAMS, ORDER_STDIN };
enum { WALK_LENGTHS, WALK_NAME, WALK_VALUE };

void
screen_init(struct screen *s, struct bytes_pool *l,
	const struct screen_limits *limits)
{
	memset(s, 0, sizeof(*s));
	s->pool = l;
	s->limits = *limits;
}

void
screen_reset(struct screen *s, const struct screen_limits *limits)
{
	uint8_t managed = s->managed;

	bytes_drop(&s->stage, s->pool);
	screen_init(s, s->pool, limits);
	s->managed = managed;
}

bool
screen_idle(const struct screen *s)
{
	return s->order == ORDER_BEGIN && s->part == PART_HEAD &&
		s->head_n == 0;
}

static enum screen_verdict
violation(struct screen *s, const char *why)
{
	s->why = why;
	return SCREEN_VIOLATION;
}

/* A limit was passed: drops up to the end.  Variables that are complete stay
 * in the stage, followed by an empty body. */
static void
refuse(struct screen *s, enum fault_kind kind)
{
	s->refusing = true;
	s->refused = kind;
	if (s->order == ORDER_STDIN) {
		bytes_trim(&s->stage, s->pool, s->params_end);
		proto_head(s->stage.p + s->stage.n, PROTO_STDIN, s->id, 0, 0);
		s->stage.n += PROTO_HEAD;
		s->body_n = 0;
		return;
	}
	bytes_drop(&s->stage, s->pool);
	s->no_params = true;
	s->pairs = s->text_n = s->params_end = 0;
}

/* Puts bytes on the stage. False: the worker reads too much at once. */
static bool
stage(struct screen *s, const void *p, size_t n)
{
	if (bytes_add(&s->stage, s->pool, p, n))
		return true;
	refuse(s, FAULT_OVERLOADED);
	return false;
}

/* The header of a record with n bytes to come, or room for them in the record
 * before: a peer that sends a byte per record shall not cost us nine. */
static void
stage_head(struct screen *s, uint32_t n)
{
	uint8_t head[PROTO_HEAD];
	uint8_t *last = s->last_head > 0 ? s->stage.p + s->last_head : NULL;
	uint32_t before;

	if (last != NULL && last[1] == s->type && n > 0) {
		before = (uint32_t)last[4] << 8 | last[5];
		if (before + n <= PROTO_MOST) {
			proto_head(last, s->type, s->id, before + n, 0);
			return;
		}
	}
	proto_head(head, s->type, s->id, n, 0);
	s->last_head = s->stage.n;
	stage(s, head, PROTO_HEAD);
}

/* ---- pairs ---- */

/* Bytes of a length that begins with this one. */
static uint32_t
length_size(uint8_t first)
{
	return first >> 7 != 0 ? 4 : 1;
}

static uint32_t
length_value(const uint8_t *p)
{
	if (p[0] >> 7 == 0)
		return p[0];
	return (uint32_t)(p[0] & 0x7f) << 24 | (uint32_t)p[1] << 16 |
		(uint32_t)p[2] << 8 | p[3];
}

/* Both lengths are known: is what they promise within the limits? */
static enum screen_verdict
open_pair(struct screen *s, uint64_t name_n, uint64_t value_n)
{
	if (name_n == 0)
		return violation(s, "empty variable name");	/* S5 */
	if (name_n + value_n > s->limits.max_params - s->params_n ||
	    s->pairs >= s->limits.max_pairs) {			/* S5, S6 */
		refuse(s, FAULT_HEADERS_TOO_LARGE);
		return SCREEN_MORE;
	}
	s->pairs++;
	s->text_n += (uint32_t)(name_n + value_n);
	s->name_left = (uint32_t)name_n;
	s->value_left = value_n;
	s->walk = WALK_NAME;
	return SCREEN_MORE;
}

/* One byte of the one to eight that hold both lengths. */
static enum screen_verdict
walk_lengths(struct screen *s, uint8_t byte)
{
	uint32_t first;

	s->length[s->length_n++] = byte;
	first = length_size(s->length[0]);
	if (s->length_n <= first ||
	    s->length_n < first + length_size(s->length[first]))
		return SCREEN_MORE;
	s->length_n = 0;
	return open_pair(s, length_value(s->length),
		length_value(s->length + first));
}

/* The name or the value, as much of it as is here. */
static enum screen_verdict
walk_text(struct screen *s, const uint8_t *p, size_t n)
{
	if (s->walk == WALK_NAME) {
		if (!str_is_token((struct str){ (const char *)p, n }, '='))
			return violation(s, "bad byte in a variable name");
		s->name_left -= (uint32_t)n;
		if (s->name_left == 0)
			s->walk = s->value_left > 0 ? WALK_VALUE : WALK_LENGTHS;
		return SCREEN_MORE;
	}
	if (memchr(p, 0, n) != NULL)
		return violation(s, "NUL in a variable");	/* S7 */
	s->value_left -= n;
	if (s->value_left == 0)
		s->walk = WALK_LENGTHS;
	return SCREEN_MORE;
}

/* A pair that is here wholly, as nearly all are; 0: it is not.  What is said
 * and counted is what the walk byte by byte says and counts. */
static size_t
walk_pair(struct screen *s, const uint8_t *p, size_t n,
	enum screen_verdict *verdict_r)
{
	size_t first = length_size(p[0]), head;
	uint64_t name_n, value_n;

	if (n < 8)
		return 0;
	head = first + length_size(p[first]);
	name_n = length_value(p);
	value_n = length_value(p + first);
	if (name_n + value_n > n - head)
		return 0;
	s->params_n += (uint32_t)head;
	*verdict_r = open_pair(s, name_n, value_n);
	if (*verdict_r != SCREEN_MORE || s->refusing)
		return head;
	s->params_n += (uint32_t)(name_n + value_n);
	*verdict_r = walk_text(s, p + head, name_n);
	if (*verdict_r == SCREEN_MORE && value_n > 0)
		*verdict_r = walk_text(s, p + head + name_n, value_n);
	return head + name_n + value_n;
}

/* Walks n bytes of PARAMS; stops when they are refused. */
static enum screen_verdict
walk_pairs(struct screen *s, const uint8_t *p, size_t n)
{
	enum screen_verdict v = SCREEN_MORE;
	size_t i = 0, k;

	while (i < n && v == SCREEN_MORE && !s->refusing) {
		if (s->walk == WALK_LENGTHS && s->length_n == 0) {
			k = walk_pair(s, p + i, n - i, &v);
			i += k;
			if (k > 0)
				continue;
		}
		if (s->walk == WALK_LENGTHS) {
			s->params_n++;
			v = walk_lengths(s, p[i++]);
			continue;
		}
		k = s->walk == WALK_NAME ? s->name_left :
			(size_t)s->value_left;
		if (k > n - i)
			k = n - i;
		s->params_n += (uint32_t)k;
		v = walk_text(s, p + i, k);
		i += k;
	}
	return v;
}

/* ---- a record begins ---- */

static enum screen_verdict
open_management(struct screen *s)
{
	if (s->order != ORDER_BEGIN)				/* S11, S12 */
		return violation(s, "management record within a request");
	if (s->managed >= MAX_MANAGEMENT)
		return violation(s, "too many management records");
	if (s->type == PROTO_GET_VALUES && s->left > MAX_QUERY)
		return violation(s, "management record too long");
	s->managed++;
	return SCREEN_MORE;
}

static enum screen_verdict
open_begin(struct screen *s)
{
	if (s->type != PROTO_BEGIN_REQUEST || s->left != PROTO_BEGIN)
		return violation(s, "no begin of a request");	/* S2 */
	return SCREEN_MORE;
}

static enum screen_verdict
open_params(struct screen *s)
{
	if (s->type != PROTO_PARAMS)
		return violation(s, "variables expected");	/* S3 */
	if (s->refusing)
		return SCREEN_MORE;
	if (s->left == 0 && (s->walk != WALK_LENGTHS || s->length_n > 0))
		return violation(s, "variables end within one"); /* S8 */
	if (s->left > s->limits.max_params - s->params_n) {	/* S4 */
		refuse(s, FAULT_HEADERS_TOO_LARGE);
		return SCREEN_MORE;
	}
	stage_head(s, s->left);
	return SCREEN_MORE;
}

static enum screen_verdict
open_stdin(struct screen *s)
{
	if (s->type != PROTO_STDIN)
		return violation(s, "body expected");		/* S3 */
	if (s->refusing)
		return SCREEN_MORE;
	if (s->left > s->limits.max_body - s->body_n) {		/* S9 */
		refuse(s, FAULT_TOO_LARGE);
		return SCREEN_MORE;
	}
	/* All of it at once, so that a record is staged whole or not at all. */
	if (!bytes_reserve(&s->stage, s->pool, s->left + PROTO_HEAD)) {
		refuse(s, FAULT_OVERLOADED);
		return SCREEN_MORE;
	}
	stage_head(s, s->left);
	s->body_n += s->left;
	return SCREEN_MORE;
}

static enum screen_verdict
open_record(struct screen *s)
{
	const uint8_t *h = s->head;
	uint16_t id = (uint16_t)(h[2] << 8 | h[3]);

	s->type = h[1];
	s->left = (uint16_t)(h[4] << 8 | h[5]);
	s->pad = h[6];
	s->part = s->left > 0 ? PART_CONTENT : PART_PADDING;
	s->management = id == 0;
	if (h[0] != 1)
		return violation(s, "not FastCGI version 1");	/* S1 */
	if (s->management)
		return open_management(s);
	if (s->order == ORDER_BEGIN) {
		s->id = id;
		return open_begin(s);
	}
	if (id != s->id)
		return violation(s, "record of another request");
	if (s->type == PROTO_ABORT_REQUEST)
		return s->left == 0 ? SCREEN_MORE :
			violation(s, "abort with content");
	return s->order == ORDER_PARAMS ? open_params(s) : open_stdin(s);
}

/* ---- its content ---- */

/* Content of a management record: a question is kept, the rest skipped. */
static enum screen_verdict
take_management(struct screen *s, const uint8_t *p, size_t n)
{
	if (s->type == PROTO_GET_VALUES && !bytes_add(&s->stage, s->pool, p, n))
		return violation(s, "no memory for a management record");
	return SCREEN_MORE;
}

static enum screen_verdict
take_content(struct screen *s, const uint8_t *p, size_t n)
{
	enum screen_verdict v;

	if (s->management)
		return take_management(s, p, n);
	if (s->order == ORDER_BEGIN) {
		memcpy(s->begin + s->begin_n, p, n);
		s->begin_n = (uint8_t)(s->begin_n + n);
		return SCREEN_MORE;
	}
	if (s->refusing)
		return SCREEN_MORE;
	if (s->order == ORDER_PARAMS) {
		v = walk_pairs(s, p, n);
		if (v != SCREEN_MORE || s->refusing)
			return v;
	}
	stage(s, p, n);
	return SCREEN_MORE;
}

/* ---- a record ends ---- */

static enum screen_verdict
close_begin(struct screen *s)
{
	if ((s->begin[0] << 8 | s->begin[1]) != PROTO_RESPONDER)
		return SCREEN_ROLE;				/* S2 */
	s->flags = s->begin[2];
	s->order = ORDER_PARAMS;
	stage_head(s, PROTO_BEGIN);
	if (!s->refusing)
		stage(s, s->begin, PROTO_BEGIN);
	return SCREEN_MORE;
}

/* The empty PARAMS record. Room for the end of an empty body is taken now, so
 * that refuse() never needs any. */
static enum screen_verdict
close_params(struct screen *s)
{
	if (!s->refusing && !bytes_reserve(&s->stage, s->pool, PROTO_HEAD))
		refuse(s, FAULT_OVERLOADED);
	s->order = ORDER_STDIN;
	s->params_end = (uint32_t)s->stage.n;
	return SCREEN_MORE;
}

static enum screen_verdict
close_record(struct screen *s)
{
	bool empty = s->head[4] + s->head[5] == 0;

	s->part = PART_HEAD;
	s->head_n = 0;
	if (s->management)
		return s->type == PROTO_GET_VALUES ? SCREEN_QUERY :
			SCREEN_UNKNOWN;
	if (s->order == ORDER_BEGIN)
		return close_begin(s);
	if (s->type == PROTO_ABORT_REQUEST)
		return SCREEN_ABORTED;
	if (!empty)
		return SCREEN_MORE;
	return s->order == ORDER_PARAMS ? close_params(s) : SCREEN_COMPLETE;
}

/* ---- all together ---- */

static size_t
at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

static size_t
eat_head(struct screen *s, const uint8_t *p, size_t n,
	enum screen_verdict *verdict_r)
{
	size_t k = at_most(n, (size_t)PROTO_HEAD - s->head_n);

	memcpy(s->head + s->head_n, p, k);
	s->head_n = (uint8_t)(s->head_n + k);
	if (s->head_n == PROTO_HEAD)
		*verdict_r = open_record(s);
	return k;
}

static size_t
eat_content(struct screen *s, const uint8_t *p, size_t n,
	enum screen_verdict *verdict_r)
{
	size_t k = at_most(n, s->left);

	*verdict_r = take_content(s, p, k);
	s->left = (uint16_t)(s->left - k);
	if (s->left == 0)
		s->part = PART_PADDING;
	return k;
}

static size_t
eat_padding(struct screen *s, size_t n)
{
	size_t k = at_most(n, s->pad);

	s->pad = (uint8_t)(s->pad - k);				/* S10 */
	return k;
}

size_t
screen_eat(struct screen *s, const void *p, size_t n,
	enum screen_verdict *verdict_r)
{
	const uint8_t *from = p;
	enum screen_verdict v = SCREEN_MORE;
	size_t i = 0, k;

	while (i < n && v == SCREEN_MORE) {
		if (s->part == PART_HEAD)
			k = eat_head(s, from + i, n - i, &v);
		else if (s->part == PART_CONTENT)
			k = eat_content(s, from + i, n - i, &v);
		else
			k = eat_padding(s, n - i);
		i += k;
		if (s->refusing)
			s->dropped += k;
		if (v == SCREEN_MORE && s->part == PART_PADDING && s->pad == 0)
			v = close_record(s);
		if (v == SCREEN_MORE && s->dropped > s->limits.max_dropped)
			v = violation(s, "too much after a refusal");
	}
	*verdict_r = v;
	return i;
}
