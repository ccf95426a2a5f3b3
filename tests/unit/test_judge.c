/* SPDX-License-Identifier: MIT */
/*
 * judge -- one row for each answer an upstream may give to a token
 *
 * Of each row: which tokens were used (a request ends with '|'), what the
 * client gets, and the state of token a after it.
 */
#include "config.h"
#include "cred/rotator.h"

#include "kit/tap.h"
#include "kit/tokens.h"

#define RR ROTATION_ROUND_ROBIN
#define FF ROTATION_ON_FIRST_FAILED
#define LU ROTATION_LEAST_USED
#define RELAYED FAULT_KINDS	/* no fault: the reply itself */

enum extra { PLAIN, ON_429, ON_402, RETRY, NO_RETRY, STRICT, ONE_ATTEMPT,
	TWO_ATTEMPTS, ON_401_ONLY, NINE_ATTEMPTS };

static const struct {
	const char *name;
	enum rotation mode;
	enum extra extra;
	const char *tokens, *answers;
	int requests;
	const char *used;
	enum fault_kind fault;		/* of the last request */
	int http;			/* what the client gets; 0: relayed */
	uint32_t failures;		/* of a, afterwards */
	int cooling_s;			/* of a; 0: usable */
} cases[] = {
	/* ---- the reference runs ---- */
	{ "round-robin: a b c a b c", RR, PLAIN, "abc", "", 6,
		"a|b|c|a|b|c|", RELAYED, 0, 0, 0 },
	{ "one token is static", ROTATION_NONE, PLAIN, "a", "", 3, "a|a|a|",
		RELAYED, 0, 0, 0 },
	{ "on-first-failed stays", FF, PLAIN, "abc", "", 3, "a|a|a|",
		RELAYED, 0, 0, 0 },
	{ "on-first-failed: a then b, later b only", FF, PLAIN, "abc", "a4",
		4, "ab|b|b|b|", RELAYED, 0, 1, 60 },
	{ "all refused: exactly three calls", FF, PLAIN, "abc", "a4b4c4", 1,
		"abc|", FAULT_TOKENS_EXHAUSTED, 502, 1, 60 },
	{ "nobody usable: one attempt", FF, PLAIN, "abc", "a4b4c4", 3,
		"abc|a|a|", FAULT_TOKENS_EXHAUSTED, 502, 1, 60 },
	{ "least-used spreads", LU, PLAIN, "abc", "", 6, "a|b|c|a|b|c|",
		RELAYED, 0, 0, 0 },

	/* ---- 2xx ---- */
	{ "200 is relayed", FF, PLAIN, "ab", "aw", 1, "a|", RELAYED, 0, 0, 0 },
	{ "202 is relayed", FF, PLAIN, "ab", "av", 1, "a|", RELAYED, 0, 0, 0 },

	/* ---- 401, 403 ---- */
	{ "401 marks and goes on", FF, PLAIN, "ab", "a4", 1, "ab|", RELAYED,
		0, 1, 60 },
	{ "403 marks and goes on", FF, PLAIN, "ab", "a3", 1, "ab|", RELAYED,
		0, 1, 60 },
	{ "401 with Retry-After is a refusal", FF, PLAIN, "ab", "au", 1,
		"ab|", RELAYED, 0, 1, 60 },
	{ "round-robin answers 401 with 502", RR, PLAIN, "ab", "a4", 1, "a|",
		FAULT_UPSTREAM_AUTH, 502, 1, 60 },
	{ "round-robin passes over a cooling one", RR, PLAIN, "abc", "b4", 7,
		"a|b|c|a|c|c|a|", RELAYED, 0, 0, 0 },
	{ "strict order whatever happens", RR, STRICT, "abc", "b4", 6,
		"a|b|c|a|b|c|", RELAYED, 0, 0, 0 },
	{ "round-robin with retry", RR, RETRY, "abc", "b4", 4,
		"a|bc|c|a|", RELAYED, 0, 0, 0 },
	{ "round-robin with retry, all refused", RR, RETRY, "ab", "a4b4", 1,
		"ab|", FAULT_TOKENS_EXHAUSTED, 502, 1, 60 },
	{ "strict with retry, all refused twice", RR, STRICT, "ab", "a4b4", 2,
		"a|b|", FAULT_UPSTREAM_AUTH, 502, 1, 60 },
	{ "on-first-failed without retry", FF, NO_RETRY, "ab", "a4", 2,
		"a|b|", RELAYED, 0, 1, 60 },
	{ "least-used goes on", LU, PLAIN, "ab", "a4", 1, "ab|", RELAYED, 0,
		1, 60 },
	{ "one attempt", FF, ONE_ATTEMPT, "abc", "a4", 1, "a|",
		FAULT_TOKENS_EXHAUSTED, 502, 1, 60 },
	{ "two attempts", FF, TWO_ATTEMPTS, "abc", "a4b4c4", 1, "ab|",
		FAULT_TOKENS_EXHAUSTED, 502, 1, 60 },
	{ "more attempts than tokens", FF, NINE_ATTEMPTS, "ab", "a4b4", 1,
		"ab|", FAULT_TOKENS_EXHAUSTED, 502, 1, 60 },
	{ "a token listed twice", FF, PLAIN, "aab", "a4b4", 1, "aab|",
		FAULT_TOKENS_EXHAUSTED, 502, 1, 60 },
	{ "403 not listed marks nothing", FF, ON_401_ONLY, "ab", "a3", 2,
		"a|a|", FAULT_UPSTREAM_AUTH, 502, 0, 0 },

	/* ---- 403 that says why ---- */
	{ "insufficient_scope: the next, none marked", FF, PLAIN, "ab", "as",
		2, "ab|ab|", RELAYED, 0, 0, 0 },
	{ "insufficient_scope with every token", FF, PLAIN, "ab", "asbs", 1,
		"ab|", FAULT_UPSTREAM_AUTH, 502, 0, 0 },
	{ "insufficient_scope, then a refusal", FF, PLAIN, "ab", "asb4", 1,
		"ab|", FAULT_TOKENS_EXHAUSTED, 502, 0, 0 },
	{ "insufficient_scope in round-robin", RR, PLAIN, "ab", "as", 1, "a|",
		FAULT_UPSTREAM_AUTH, 502, 0, 0 },
	{ "403 with Retry-After cools so long", FF, PLAIN, "ab", "aq", 2,
		"ab|b|", RELAYED, 0, 0, 7 },
	{ "403 with a used-up limit", FF, PLAIN, "ab", "az", 2, "ab|b|",
		RELAYED, 0, 0, 60 },
	{ "403 with Retry-After in round-robin", RR, PLAIN, "ab", "aq", 1,
		"a|", FAULT_UPSTREAM_AUTH, 502, 0, 7 },

	/* ---- 402, 429 ---- */
	{ "429 not listed", FF, PLAIN, "ab", "ar", 2, "a|a|",
		FAULT_UPSTREAM_LIMITED, 429, 0, 0 },
	{ "402 not listed", FF, PLAIN, "ab", "a2", 2, "a|a|",
		FAULT_UPSTREAM_ERROR, 502, 0, 0 },
	{ "429 listed, with Retry-After", FF, ON_429, "ab", "ar", 2, "ab|b|",
		RELAYED, 0, 0, 9 },
	{ "429 listed, without", FF, ON_429, "ab", "a9", 2, "ab|b|", RELAYED,
		0, 1, 60 },
	{ "402 listed, with Retry-After", FF, ON_402, "ab", "ap", 2, "ab|b|",
		RELAYED, 0, 0, 7 },
	{ "402 listed, without", FF, ON_402, "ab", "a2", 1, "ab|", RELAYED, 0,
		1, 60 },
	{ "429 from all", FF, ON_429, "ab", "arbr", 1, "ab|",
		FAULT_UPSTREAM_LIMITED, 429, 0, 9 },
	{ "429 and 401", FF, ON_429, "ab", "arb4", 1, "ab|",
		FAULT_TOKENS_EXHAUSTED, 502, 0, 9 },
	{ "429 listed in round-robin", RR, ON_429, "ab", "ar", 2, "a|b|",
		RELAYED, 0, 0, 9 },
	{ "402 from all", FF, ON_402, "ab", "a2b2", 1, "ab|",
		FAULT_TOKENS_EXHAUSTED, 502, 1, 60 },

	/* ---- everything else: not again, not marked ---- */
	{ "404", FF, PLAIN, "ab", "an", 2, "a|a|", RELAYED, 0, 0, 0 },
	{ "400", FF, PLAIN, "ab", "ab", 2, "a|a|", RELAYED, 0, 0, 0 },
	{ "422", FF, PLAIN, "ab", "ac", 2, "a|a|", RELAYED, 0, 0, 0 },
	{ "407", FF, PLAIN, "ab", "ax", 2, "a|a|", FAULT_PROXY_AUTH, 502, 0,
		0 },
	{ "500", FF, PLAIN, "ab", "a5", 2, "a|a|", FAULT_UPSTREAM_ERROR, 502,
		0, 0 },
	{ "502", FF, PLAIN, "ab", "a6", 2, "a|a|", FAULT_UPSTREAM_ERROR, 502,
		0, 0 },
	{ "503 as it is", FF, PLAIN, "ab", "ao", 2, "a|a|", RELAYED, 0, 0, 0 },
	{ "504 as it is", FF, PLAIN, "ab", "ag", 2, "a|a|", RELAYED, 0, 0, 0 },
	{ "no answer", FF, PLAIN, "ab", "at", 2, "a|a|", RELAYED, 0, 0, 0 },
};

static void
set_up(struct desk *d, enum extra extra)
{
	struct conf_pool *p = &d->server.options.pool;

	switch (extra) {
	case ON_429: p->rotate_on[2] = 429; break;
	case ON_402: p->rotate_on[2] = 402; break;
	case RETRY: p->retry_in_request = true; break;
	case NO_RETRY: p->retry_in_request = false; break;
	case STRICT: p->skip_failed = false; break;
	case ONE_ATTEMPT: p->max_retries = 1; break;
	case TWO_ATTEMPTS: p->max_retries = 2; break;
	case NINE_ATTEMPTS: p->max_retries = 9; break;
	case ON_401_ONLY: p->rotate_on[1] = 0; break;
	case PLAIN: break;
	}
	desk_load(d);
}

static bool
as_told(const struct desk *d, size_t i)
{
	struct rotor_token a = desk_look(d, 0);
	uint64_t until = cases[i].cooling_s == 0 ? 0 :
		d->now_boot_ms + (uint64_t)cases[i].cooling_s * 1000;

	if (strcmp(d->used, cases[i].used) != 0 ||
	    a.failures != cases[i].failures || a.cooling_until_ms != until ||
	    a.in_flight != 0)
		return false;
	if (cases[i].fault == RELAYED)
		return d->fault == NULL;
	return d->fault != NULL && d->fault->kind == cases[i].fault &&
		d->fault->http == cases[i].http;
}

static void
check_case(size_t i)
{
	struct desk d;
	struct rotor_token a;

	desk_open(&d, cases[i].tokens, cases[i].mode);
	set_up(&d, cases[i].extra);
	desk_answers(&d, cases[i].answers);
	for (int k = 0; k < cases[i].requests; k++)
		desk_ask(&d);
	a = desk_look(&d, 0);
	if (!tap_ok(as_told(&d, i), "%s", cases[i].name))
		printf("# used %s, fault %s, a: %u failures, cooling %lld ms\n",
			d.used, d.fault != NULL ? fault_name(d.fault->kind) :
			"none", a.failures,
			(long long)(a.cooling_until_ms - d.now_boot_ms));
	desk_end(&d);
}

/* ---- words and numbers ---- */

static const struct {
	const char *name;
	enum rotation mode;
	enum extra extra;
	const char *answers;
	const char *said, *data;
	uint32_t retry_after_s;
} words[] = {
	{ "all failed", FF, PLAIN, "a4b3c4",
		"all authentication tokens failed after 3 attempts",
		"\"statuses\":[401,403,401],\"attempts\":3,"
		"\"retryAfterSeconds\":60", 0 },
	{ "the shortest cooldown", FF, PLAIN, "a4bqc4",
		"all authentication tokens failed after 3 attempts",
		"\"statuses\":[401,403,401],\"attempts\":3,"
		"\"retryAfterSeconds\":7", 0 },
	{ "somebody is left", FF, ONE_ATTEMPT, "a4",
		"all authentication tokens failed after 1 attempts",
		"\"statuses\":[401],\"attempts\":1,\"retryAfterSeconds\":0",
		0 },
	{ "round-robin", RR, PLAIN, "a4",
		"upstream rejected our credentials",
		"\"statuses\":[401],\"attempts\":1,\"retryAfterSeconds\":0",
		0 },
	{ "a limit", FF, PLAIN, "ar", "upstream rate limit exceeded",
		"\"retryAfterSeconds\":9", 9 },
	{ "a limit without a time", FF, PLAIN, "a9",
		"upstream rate limit exceeded", "\"retryAfterSeconds\":1", 1 },
	{ "a limit longer than a rest may be", FF, PLAIN, "al",
		"upstream rate limit exceeded", "\"retryAfterSeconds\":7200",
		7200 },
	{ "long limits of all", FF, ON_429, "albmcl",
		"upstream rate limit exceeded", "\"retryAfterSeconds\":7200",
		7200 },
	{ "one limit is shorter", FF, ON_429, "albrcl",
		"upstream rate limit exceeded", "\"retryAfterSeconds\":9", 9 },
	{ "limits of all", FF, ON_429, "arb9cr",
		"upstream rate limit exceeded", "\"retryAfterSeconds\":9", 9 },
	{ "a limit in round-robin, others left", RR, ON_429, "ar",
		"upstream rate limit exceeded", "\"retryAfterSeconds\":9", 9 },
	{ "402", FF, PLAIN, "a2", "upstream failed with status 402", "", 0 },
	{ "500", FF, PLAIN, "a5", "upstream failed with status 500", "", 0 },
};

static void
check_words(size_t i)
{
	struct desk d;

	desk_open(&d, "abc", words[i].mode);
	set_up(&d, words[i].extra);
	desk_answers(&d, words[i].answers);
	desk_ask(&d);
	if (tap_ok(d.fault != NULL, "%s: told", words[i].name)) {
		tap_str(str_of(d.fault->said), words[i].said, words[i].name,
			__LINE__);
		tap_str(d.fault->data, words[i].data, words[i].name,
			__LINE__);
		IS_INT(d.fault->retry_after_s, words[i].retry_after_s);
	}
	desk_end(&d);
}

int
main(void)
{
	log_open(&(struct log_plan){ .target = LOG_FILE,
		.path = "/dev/null", .format = LOG_JSON });
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_case(i);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		check_words(i);
	return tap_done();
}
