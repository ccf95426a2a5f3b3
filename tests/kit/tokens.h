/* SPDX-License-Identifier: MIT */
/*
 * tokens -- a server with a pool of one-letter tokens, and requests through it
 *
 *	struct desk d = desk_new("abc", ROTATION_ROUND_ROBIN);
 *	desk_answers(&d, "aw.b4.cw");	token, answer
 *	desk_ask(&d);			one client request, all its attempts
 *	... d.used is "a|" now ...
 *	desk_end(&d);
 */
#ifndef KIT_TOKENS_H
#define KIT_TOKENS_H

#include "cred/rotator.h"
#include "kit/place.h"

/* What an upstream may say; the letter stands in a script. */
static const struct {
	char letter;
	int status;
	uint32_t retry_after_s;
	bool scope, used_up;
} desk_says[] = {
	{ 'w', 200, 0, false, false }, { 'v', 202, 0, false, false },
	{ '4', 401, 0, false, false }, { '3', 403, 0, false, false },
	{ 's', 403, 0, true, false }, { 'q', 403, 7, false, false },
	{ 'z', 403, 0, false, true }, { '2', 402, 0, false, false },
	{ 'p', 402, 7, false, false }, { '9', 429, 0, false, false },
	{ 'r', 429, 9, false, false }, { 'l', 429, 7200, false, false },
	{ 'm', 429, 9000, false, false }, { 'n', 404, 0, false, false },
	{ 'x', 407, 0, false, false }, { 'b', 400, 0, false, false },
	{ 'c', 422, 0, false, false }, { '5', 500, 0, false, false },
	{ '6', 502, 0, false, false }, { 'o', 503, 5, false, false },
	{ 'g', 504, 0, false, false }, { 'u', 401, 30, false, false },
	{ 't', 0, 0, false, false },	/* nothing came */
};

struct desk {
	struct place place;
	struct segment *segment;
	struct arena *arena;		/* of the generation */
	struct conf_server server;
	struct conf_token tokens[MAX_POOL_TOKENS];
	struct rotator *rotator;
	uint64_t now_boot_ms, fingerprint;
	char letters[MAX_POOL_TOKENS + 1];
	char says[128];			/* answer of each letter */
	char used[256];			/* letters used, a | after each */
	struct rotator_try try;		/* of the last request */
	enum rotator_next last;
	const struct fault *fault;
	struct str session;
	const uint8_t *principal;
	bool own_call, unnoticed;
};

static inline void
desk_load(struct desk *d)
{
	struct conf_pool *p = &d->server.options.pool;

	p->n_enabled = 0;
	for (uint32_t i = 0; i < p->n; i++)
		p->n_enabled += !d->tokens[i].disabled;
	d->rotator = rotator_new(d->segment, &d->server, d->fingerprint,
		d->arena);
}

/* Another list, in the same segment. */
static inline void
desk_tokens(struct desk *d, const char *letters)
{
	struct conf_pool *p = &d->server.options.pool;

	snprintf(d->letters, sizeof(d->letters), "%s", letters);
	memset(d->tokens, 0, sizeof(d->tokens));
	p->v = d->tokens;
	p->n = (uint32_t)strlen(d->letters);
	p->max_retries = p->n;
	for (uint32_t i = 0; i < p->n; i++) {
		d->tokens[i].value = secret_of((struct str){
			&d->letters[i], 1 });
		d->tokens[i].weight = 1;
	}
}

/* The defaults of options.auth. */
static inline void
desk_open(struct desk *d, const char *letters, enum rotation mode)
{
	struct conf_pool *p = &d->server.options.pool;

	memset(d, 0, sizeof(*d));
	d->place = place_new();
	d->segment = place_open(&d->place);
	d->arena = arena_new(1 << 22);
	d->now_boot_ms = 1000000;
	d->fingerprint = 77;
	d->server.name = STR("s");
	memset(d->says, 'w', sizeof(d->says));
	p->mode = mode;
	p->retry_in_request = mode != ROTATION_ROUND_ROBIN &&
		mode != ROTATION_NONE;
	p->skip_failed = true;
	p->rotate_on[0] = 401;
	p->rotate_on[1] = 403;
	p->cooldown_ms = 60000;
	p->cooldown_max_ms = 600000;
	p->retry_after_max_ms = 3600000;
	p->sticky = STICKY_SESSION;
	p->header = STR("Authorization");
	p->prefix = STR("Bearer");
	desk_tokens(d, letters);
	desk_load(d);
}

static inline void
desk_end(struct desk *d)
{
	arena_free(d->arena);
	segment_close(d->segment);
	place_end(&d->place);
}

/* "a4b3": a is refused with 401, b with 403; the others stay. */
static inline void
desk_answers(struct desk *d, const char *script)
{
	for (; script[0] != '\0' && script[1] != '\0'; script += 2)
		d->says[(unsigned char)script[0] & 127] = script[1];
}

static inline bool
desk_pick(struct desk *d, struct rotator_try *t)
{
	const struct fault *f = rotator_pick(d->rotator, t,
		&(struct rotator_ask){
		.arena = d->arena, .session = d->session,
		.principal = d->principal, .now_boot_ms = d->now_boot_ms,
		.own_call = d->own_call, .unnoticed = d->unnoticed,
		.request_id = STR("r1") });

	d->fault = f;
	return f == NULL && t->index != ROTOR_NONE;
}

static inline enum rotator_next
desk_judge(struct desk *d, struct rotator_try *t)
{
	char letter = d->says[(unsigned char)d->letters[t->index] & 127];

	for (size_t i = 0; i < sizeof(desk_says) / sizeof(desk_says[0]); i++)
		if (desk_says[i].letter == letter && letter != 't')
			return rotator_judge(d->rotator, t,
				&(struct rotator_answer){ .arena = d->arena,
				.status = desk_says[i].status,
				.retry_after_s = desk_says[i].retry_after_s,
				.insufficient_scope = desk_says[i].scope,
				.limit_used_up = desk_says[i].used_up,
				.session = d->session,
				.now_boot_ms = d->now_boot_ms });
	return ROTATOR_DONE;
}

/* One client request from the first attempt to its end. */
static inline void
desk_ask(struct desk *d)
{
	size_t n = strlen(d->used);

	memset(&d->try, 0, sizeof(d->try));
	d->last = ROTATOR_AGAIN;
	while (d->last == ROTATOR_AGAIN && desk_pick(d, &d->try)) {
		d->used[n++] = d->letters[d->try.index];
		d->last = desk_judge(d, &d->try);
	}
	if (d->fault == NULL)
		d->fault = d->last == ROTATOR_FAIL ? d->try.fault : NULL;
	rotator_release(d->rotator, &d->try);
	d->used[n++] = '|';
	d->used[n] = '\0';
}

static inline struct rotor_token
desk_look(const struct desk *d, uint32_t i)
{
	struct rotor_token t;

	rotor_look(rotator_cells(d->rotator), i, &t);
	return t;
}

/* For tests that steer a token as mcpgatectl does. */
static inline struct rotor *
desk_cells(struct desk *d)
{
	uint8_t (*digests)[ROTOR_DIGEST] = arena_alloc(d->arena,
		MAX_POOL_TOKENS * ROTOR_DIGEST);
	struct rotor_plan plan = { .server = d->server.name,
		.digests = (const uint8_t (*)[ROTOR_DIGEST])digests,
		.n = d->server.options.pool.n };

	for (uint32_t i = 0; i < plan.n; i++)
		rotor_digest(d->segment, (struct str){ &d->letters[i], 1 },
			digests[i]);
	return rotor_bind(d->segment, &plan, d->arena);
}

#endif
