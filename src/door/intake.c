/* SPDX-License-Identifier: MIT */
/* intake -- decode, and check what the two sides say about the length */
#include "config.h"
#include "door/intake.h"

#include "base/arena.h"

/* A CONTENT_LENGTH that is there is right. */
static const struct fault *
check_length(const struct inbound *in)
{
	struct str said = params_server(&in->params, "CONTENT_LENGTH");
	uint64_t n;

	if (said.n == 0 || (str_number(said, &n) && n == in->body.n))
		return NULL;
	return fault_new(in->arena, FAULT_BAD_REQUEST,
		"CONTENT_LENGTH is not the length of the body");
}

static const char *
limit_passed(enum fault_kind kind)
{
	if (kind == FAULT_TOO_LARGE)
		return "body";
	return kind == FAULT_OVERLOADED ?
		"worker reads too many bytes at once" : "variables";
}

static const struct fault *
refusal(struct arena *a, enum fault_kind kind)
{
	struct fault *f = fault_new(a, kind, "%s", limit_passed(kind));

	if (kind == FAULT_OVERLOADED)
		f->retry_after_s = 1;
	return f;
}

const char *
intake(struct desk *d, struct screen *s, struct inbound *in)
{
	const char *why = NULL;

	in->arena = arena_new(MAX_ARENA + (size_t)s->body_n);
	in->body = STR("");
	params_init(&in->params, in->arena, s->pairs);
	if (!s->no_params)
		why = decoder_run(d->decoder, s, &in->params, &in->body);
	if (why != NULL) {
		arena_free(in->arena);
		return why;
	}
	in->refused = s->refusing ? refusal(in->arena, s->refused) :
		check_length(in);
	return NULL;
}
