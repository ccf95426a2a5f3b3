/* SPDX-License-Identifier: MIT */
/*
 * token -- a token judged as the program does, by each backend
 *
 * Every row that goes through here is a row of both backends: a difference
 * between them is a failure of its own.
 */
#ifndef KIT_TOKEN_H
#define KIT_TOKEN_H

#include <openssl/err.h>

#include "auth/claims.h"
#include "auth/jws.h"
#include "base/limits.h"
#include "kit/sign.h"
#include "kit/tap.h"

#define TOKEN_NOW 1700000000	/* s; when the tests happen */

struct token_policy {
	struct jwk_table *keys;
	const struct conf_jwt *jwt;
	uint32_t algs;
	const char *require_typ;
	size_t max_token;		/* 0: MAX_TOKEN */
	int64_t now_s;			/* 0: TOKEN_NOW */
};

static inline const struct fault *
token_judge_by(struct arena *a, const struct token_policy *p,
	struct str token, enum jws_backend backend, struct claims *c_r)
{
	const struct jose_rules rules = {
		.max_token = p->max_token > 0 ? p->max_token : MAX_TOKEN,
		.algs = p->algs, .require_typ = str_of(p->require_typ),
	};
	const struct fault *f;
	struct jose j;

	f = jose_parse(a, token, &rules, &j);
	if (f == NULL)
		f = jws_verify(p->keys, backend, &j, a);
	if (ERR_peek_error() != 0)
		tap_ok(false, "an error of OpenSSL is left behind");
	if (f == NULL)
		f = claims_check(p->jwt, &j, p->now_s > 0 ? p->now_s :
			TOKEN_NOW, a, c_r);
	return f;
}

/* The common answer of both backends. */
static inline const struct fault *
token_judge(struct arena *a, const struct token_policy *p, struct str token,
	struct claims *c_r)
{
	const struct fault *f = token_judge_by(a, p, token, JWS_OPENSSL, c_r);
	struct claims other;
	const struct fault *g = token_judge_by(a, p, token, JWS_LIBJWT,
		&other);

	if ((f == NULL) != (g == NULL) || (f != NULL &&
	    (f->kind != g->kind || strcmp(f->detail, g->detail))))
		tap_ok(false, "backends differ: %s, %s",
			f != NULL ? f->detail : "good",
			g != NULL ? g->detail : "good");
	return f;
}

/* want: NULL for a good token, else how the detail begins. */
static inline bool
token_row(const struct fault *f, const char *want, const char *name)
{
	bool good = want == NULL ? f == NULL : f != NULL &&
		strncmp(f->detail, want, strlen(want)) == 0;

	tap_ok(good, "%s: %s", name, want != NULL ? want : "good");
	if (!good)
		printf("# got %s\n", f != NULL ? f->detail : "good");
	return good;
}

#endif
