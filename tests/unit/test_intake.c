/* SPDX-License-Identifier: MIT */
/* What the gate is handed: the refusal, the variables, the body's length. */
#include "config.h"
#include "door/intake.h"

#include <string.h>

#include "base/arena.h"
#include "kit/fcgi_peer.h"
#include "kit/tap.h"

static struct desk desk;

static const struct {
	const char *name;
	const char *length;		/* CONTENT_LENGTH, or NULL */
	size_t body;
	int refused;			/* or -1 */
	uint32_t params;
} rows[] = {
	{ "no length", NULL, 5, -1, 1 },
	{ "an empty length", "", 5, -1, 1 },
	{ "the right length", "5", 5, -1, 2 },
	{ "the right length of nothing", "0", 0, -1, 2 },
	{ "one less", "4", 5, FAULT_BAD_REQUEST, 2 },
	{ "one more", "6", 5, FAULT_BAD_REQUEST, 2 },
	{ "a sign", "+5", 5, FAULT_BAD_REQUEST, 2 },
	{ "19 digits", "0000000000000000005", 5, -1, 2 },
	{ "20 digits", "00000000000000000005", 5, FAULT_BAD_REQUEST, 2 },
	{ "the limit", "9000", 9000, -1, 2 },
	{ "over the limit", "9001", 9001, FAULT_TOO_LARGE, 2 },
	{ "over it, and another length", "7", 9001, FAULT_TOO_LARGE, 2 },
};

static void
take(const struct peer_call *c, struct inbound *in)
{
	struct peer_text t = { 0 };
	enum screen_verdict v = SCREEN_MORE;
	struct screen s;

	memset(in, 0, sizeof(*in));
	peer_call(&t, c);
	screen_init(&s, &desk.reading, &desk.limits);
	OK(screen_eat(&s, t.p, t.n, &v) == t.n && v == SCREEN_COMPLETE);
	OK(intake(&desk, &s, in) == NULL);
	IS_INT(desk.reading.held, 0);
	peer_clear(&t);
}

static void
test_rows(void)
{
	static const char body[9001];
	struct inbound in;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *pairs[] = { "REQUEST_METHOD", "POST",
			"CONTENT_LENGTH", rows[i].length, NULL };
		struct peer_call c = { .pairs = pairs, .chunk = 3000,
			.body = { body, rows[i].body } };
		int refused;

		if (rows[i].length == NULL)
			pairs[2] = NULL;
		take(&c, &in);
		refused = in.refused != NULL ? (int)in.refused->kind : -1;
		tap_ok(refused == rows[i].refused &&
			in.params.n == rows[i].params, "%s", rows[i].name);
		IS_INT(in.body.n, refused == FAULT_TOO_LARGE ? 0 :
			rows[i].body);
		arena_free(in.arena);
	}
}

/* All reading buffers are full: 503, and when to come again. */
static void
test_overloaded(void)
{
	static const char body[8200];
	struct peer_call c = { .body = { body, sizeof(body) } };
	struct inbound in;

	for (int i = 0; i < 2; i++) {
		desk.reading.most = i == 0 ? BYTES_FIRST : 0;
		take(&c, &in);
		OK(in.refused != NULL &&
			in.refused->kind == FAULT_OVERLOADED);
		IS_INT(in.refused->retry_after_s, 1);
		IS_INT(in.params.n, i == 0 ? 15 : 0);
		arena_free(in.arena);
	}
	desk.reading.most = SIZE_MAX;
}

static void
test_too_many(void)
{
	struct peer_text p = { 0 };
	struct peer_call c = { .flags = 1 };
	struct inbound in;

	for (int i = 0; i <= MAX_PAIRS; i++)
		peer_pair(&p, STR("N"), STR("v"), false);
	c.params = (struct str){ (char *)p.p, p.n };
	take(&c, &in);
	OK(in.refused != NULL && in.refused->kind == FAULT_HEADERS_TOO_LARGE);
	IS_INT(in.params.n, 0);
	IS_STR(in.body, "");
	arena_free(in.arena);
	peer_clear(&p);
}

int
main(void)
{
	desk.decoder = decoder_new(NULL);
	desk.limits = (struct screen_limits){ MAX_PARAMS, MAX_PAIRS, 9000,
		MAX_DROPPED };
	bytes_pool_init(&desk.reading, SIZE_MAX);
	test_rows();
	test_overloaded();
	test_too_many();
	decoder_free(desk.decoder);
	bytes_pool_clear(&desk.reading);
	return tap_done();
}
