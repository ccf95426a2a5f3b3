/* SPDX-License-Identifier: MIT */
/* screen_rig -- the same bytes, whole and in pieces */
#include "config.h"
#include "kit/screen_rig.h"

#include <stdlib.h>
#include <string.h>

const struct screen_limits limits = {
	RIG_PARAMS, RIG_PAIRS, RIG_BODY, RIG_DROPPED,
};
struct bytes_pool pool;

struct said
screen(const struct peer_text *t, size_t cut, size_t step, uint8_t **stage_r)
{
	struct screen s;
	struct said r = { .verdict = SCREEN_MORE };

	screen_init(&s, &pool, &limits);
	while (r.eaten < t->n && r.verdict == SCREEN_MORE) {
		size_t n = r.eaten == 0 && cut > 0 ? cut : step;

		if (n > t->n - r.eaten)
			n = t->n - r.eaten;
		r.eaten += screen_eat(&s, t->p + r.eaten, n, &r.verdict);
	}
	r.id = s.id;
	r.flags = s.flags;
	r.type = s.type;
	r.refusing = s.refusing;
	r.no_params = s.no_params;
	r.refused = s.refusing ? s.refused : FAULT_KINDS;
	r.pairs = s.pairs;
	r.text_n = s.text_n;
	r.body_n = s.body_n;
	r.stage_n = s.stage.n;
	if (stage_r != NULL) {
		*stage_r = malloc(s.stage.n + 1);
		memcpy(*stage_r, s.stage.p, s.stage.n);
	}
	screen_reset(&s, &limits);
	return r;
}

static bool
same(const struct said *a, const struct said *b)
{
	if (a->verdict != b->verdict)
		return false;
	if (a->verdict == SCREEN_VIOLATION)
		return true;		/* the rest does not matter then */
	return a->eaten == b->eaten && a->id == b->id &&
		a->flags == b->flags && a->refused == b->refused &&
		a->no_params == b->no_params && a->pairs == b->pairs &&
		a->text_n == b->text_n && a->body_n == b->body_n &&
		a->stage_n == b->stage_n;
}

bool
chunking_is_nothing(const struct peer_text *t)
{
	struct said whole = screen(t, 0, t->n, NULL), r;
	size_t stride = t->n > 3000 ? t->n / 100 : 1;
	bool good = true;

	r = screen(t, 0, 1, NULL);
	good = same(&whole, &r);
	for (size_t cut = 1; cut < t->n && good; cut += stride) {
		r = screen(t, cut, t->n, NULL);
		good = same(&whole, &r);
	}
	return good && pool.held == 0;
}
