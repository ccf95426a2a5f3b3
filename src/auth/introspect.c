/* SPDX-License-Identifier: MIT */
/*
 * introspect -- asks an endpoint what a token is worth (RFC 7662)
 *
 * A question is OURS (we fetch) or THEIRS (another process does, and we look
 * whether it is over).  When it is over it stays for a moment, so that those
 * who waited find the answer also where none is kept.
 */
#include "config.h"
#include "auth/introspect.h"

#include <string.h>

#include "auth/answer.h"
#include "auth/discovery.h"
#include "auth/inquiry.h"
#include "auth/verdict.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "http/fetch.h"
#include "shm/asked.h"

#define POLL_MS 20
#define STAYS_MS 100			/* a question that is over */
#define CONNECT_MS 2000
#define SHARED_S 2			/* answers that are not to be kept */
#define RETRY_S 5			/* what Retry-After says */
#define PLACES 8			/* issuers whose endpoints are known */
#define PLACE_MS 300000			/* for so long */

/* Where an issuer has its endpoint. */
struct place {
	char issuer[512], endpoint[1024];
	uint64_t until_ms;		/* since boot; 0: free */
};

struct introspect {
	struct arena *arena;
	struct loop *loop;
	struct wire *wire;
	struct segment *segment;	/* NULL: none */
	struct list open, over;		/* questions, the oldest first */
	uint32_t n_open, n_over;
	struct place places[PLACES];
	uint32_t next_place;
};

struct question {
	struct list link;
	struct introspect *home;
	struct arena *arena;
	struct inquiry what;
	struct list waiters;
	struct discovery *discovery;	/* of the endpoint; NULL: none */
	struct fetch *fetch;		/* NULL: not ours, or not begun */
	struct timer timer;
	uint64_t flight, gives_up_ms;
	bool over;
	const struct fault *refused;	/* when it is over: why not */
	struct claims claims;		/* or this */
};

const struct fault *
introspect_unavailable(struct arena *a, const char *why)
{
	struct fault *f = fault_new(a, FAULT_AUTH_UNAVAILABLE, "%s", why);

	f->retry_after_s = RETRY_S;
	return f;
}

/* ---- what is kept ------------------------------------------------------- */

static const enum fault_kind kinds[] = { FAULT_INVALID_TOKEN,
	FAULT_TOKEN_CLAIMS, FAULT_TOKEN_EXPIRED };

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* 1.. for a refusal of the table above. */
static uint32_t
number_of(enum fault_kind kind)
{
	for (uint32_t i = 0; i < KINDS; i++) {
		if (kinds[i] == kind)
			return i + 1;
	}
	return 0;
}

/* What is kept for nobody lies under a key that only those know who waited
 * for this very question. */
static struct verdict_key
key_of(const uint8_t key[SHA256_SIZE], bool kept, uint64_t flight)
{
	const struct str parts[] = {
		{ (const char *)key, SHA256_SIZE },
		{ (const char *)&flight, sizeof(flight) },
	};
	struct verdict_key k;

	if (kept)
		memcpy(k.digest, key, SHA256_SIZE);
	else
		digest_parts(parts, 2, k.digest);
	return k;
}

static void
keep_good(const struct question *q, int64_t now_s)
{
	struct segment *s = q->home->segment;
	struct verdict_key k = key_of(q->what.key, q->what.good_s > 0,
		q->flight);

	if (s != NULL && (q->what.good_s > 0 || q->flight != 0))
		verdict_put(s, &k, &q->claims, now_s,
			q->what.good_s > 0 ? q->what.good_s : SHARED_S);
}

static void
keep_bad(const struct question *q, int64_t now_s)
{
	struct segment *s = q->home->segment;
	struct verdict_key k = key_of(q->what.key, q->what.bad_s > 0,
		q->flight);

	if (s != NULL && (q->what.bad_s > 0 || q->flight != 0))
		asked_refuse(s, k.digest, number_of(q->refused->kind), now_s +
			(q->what.bad_s > 0 ? q->what.bad_s : SHARED_S));
}

static const struct fault *
refusal(struct arena *a, uint32_t number)
{
	if (number > KINDS)
		number = 1;
	return fault_new(a, kinds[number - 1], "introspection: refused");
}

/* The segment, by the keys of good and bad answers. */
static const struct fault *
look_up(struct segment *s, const struct verdict_key *good,
	const struct verdict_key *bad, struct arena *a, struct claims *c_r,
	bool *known_r)
{
	int64_t now_s = clock_unix_s();
	uint32_t number = 0;

	*known_r = true;
	if (bad != NULL)
		number = asked_refused(s, bad->digest, now_s);
	if (number != 0)
		return refusal(a, number);
	*known_r = good != NULL && verdict_get(s, good, now_s, a, c_r);
	if (*known_r)
		c_r->who.how = STR("introspection");
	return NULL;
}

/* ---- questions ------------------------------------------------------------ */

/* The youngest. */
static struct question *
find(const struct list *in, const uint8_t key[SHA256_SIZE])
{
	for (struct list *l = in->prev; l != in; l = l->prev) {
		struct question *q = LIST_ENTRY(l, struct question, link);

		if (memcmp(q->what.key, key, SHA256_SIZE) == 0)
			return q;
	}
	return NULL;
}

static void
drop(void *who)
{
	struct question *q = who;

	if (q->fetch != NULL)
		fetch_stop(q->fetch);
	q->fetch = NULL;
	if (q->discovery != NULL)
		discovery_stop(q->discovery);
	timer_stop(&q->timer);
	list_drop(&q->link);
	if (q->over)
		q->home->n_over--;
	else
		q->home->n_open--;
	arena_free(q->arena);
}

/* Those who wait look in this very turn, and no more than MAX_QUESTIONS end in
 * one: the oldest can go when there are more. */
static void
stays(struct question *q)
{
	struct introspect *i = q->home;

	list_drop(&q->link);
	list_append(&i->over, &q->link);
	q->over = true;
	i->n_open--;
	i->n_over++;
	timer_init(&q->timer, i->loop, drop, q);
	timer_start(&q->timer, STAYS_MS);
	if (i->n_over > MAX_QUESTIONS)
		drop(LIST_ENTRY(i->over.next, struct question, link));
}

/* It is over, well or not: whoever waited judges again. */
static void
end(struct question *q, const struct fault *unavailable)
{
	if (q->home->segment != NULL)
		asked_done(q->home->segment, q->what.key, q->flight);
	if (unavailable != NULL)
		q->refused = unavailable;
	stays(q);
	waiter_wake_all(&q->waiters, unavailable);
}

static void
fail(struct question *q, const char *why)
{
	struct segment *s = q->home->segment;

	log_say(LOG_LEVEL_WARN, "introspection", "no answer: %s", why);
	if (s != NULL)
		asked_failed(s, q->what.place, clock_boot_ms());
	end(q, introspect_unavailable(q->arena, why));
}

static const char *
why_not(const struct fetch_reply *r, struct arena *a)
{
	static const char *const ends[] = {
		[FETCH_REPLY] = "", [FETCH_DOWN] = "not reachable",
		[FETCH_TLS] = "TLS failed", [FETCH_TIMEOUT] = "timeout",
		[FETCH_LARGE] = "too large", [FETCH_BLOCKED] =
		"private address", [FETCH_BROKEN] = "not HTTP",
	};

	if (r->end != FETCH_REPLY)
		return ends[r->end];
	if (r->status == 401 || r->status == 403)
		return str_fmt(a, "status %d: are our credentials right?",
			r->status).p;
	return str_fmt(a, "status %d", r->status).p;
}

static void
take_answer(void *who, const struct fetch_reply *r)
{
	struct question *q = who;
	int64_t now_s = clock_unix_s();
	const struct fault *f;

	q->fetch = NULL;
	if (r->end != FETCH_REPLY || r->status != 200) {
		fail(q, why_not(r, q->arena));
		return;
	}
	f = answer_read(&q->what.rules, str_copy(q->arena, r->body), now_s,
		q->arena, &q->claims);
	if (f != NULL && f->kind == FAULT_AUTH_UNAVAILABLE) {
		fail(q, f->detail);
		return;
	}
	if (q->home->segment != NULL)
		asked_answered(q->home->segment, q->what.place);
	q->refused = f;
	if (f == NULL)
		keep_good(q, now_s);
	else
		keep_bad(q, now_s);
	end(q, NULL);
}

static int64_t
connect_ms(const struct question *q)
{
	return q->what.timeout_ms < CONNECT_MS ? q->what.timeout_ms :
		CONNECT_MS;
}

static void
put_question(struct question *q)
{
	const struct inquiry *what = &q->what;
	const char *why = "";

	q->fetch = fetch_start(&(struct fetch_plan){
		.wire = q->home->wire, .url = what->endpoint,
		.proxy = &what->proxy, .headers = &what->headers,
		.form = what->form, .ca_file = what->ca_file,
		.given_by = what->found ? what->issuer : STR(""),
		.connect_ms = connect_ms(q), .total_ms = what->timeout_ms,
		.max_bytes = MAX_ANSWER,
		.keep = true, .done = take_answer, .who = q,
	}, &why);
	if (q->fetch == NULL)
		fail(q, why);
}

/* ---- where to ask ---------------------------------------------------------- */

static bool
look_for_place(struct question *q)
{
	const struct introspect *i = q->home;

	for (uint32_t k = 0; k < PLACES; k++) {
		const struct place *p = &i->places[k];

		if (p->until_ms <= clock_boot_ms() ||
		    !str_is(q->what.issuer, p->issuer))
			continue;
		q->what.endpoint = str_copy(q->arena, str_of(p->endpoint));
		return true;
	}
	return false;
}

static void
note_place(struct introspect *i, struct str issuer, struct str endpoint)
{
	struct place *p = &i->places[i->next_place];

	if (issuer.n >= sizeof(p->issuer) || endpoint.n >= sizeof(p->endpoint))
		return;
	*p = (struct place){ .until_ms = clock_boot_ms() + PLACE_MS };
	memcpy(p->issuer, issuer.p, issuer.n);
	memcpy(p->endpoint, endpoint.p, endpoint.n);
	i->next_place = (i->next_place + 1) % PLACES;
}

static void
take_place(void *who, const struct discovery_result *r)
{
	struct question *q = who;

	q->discovery = NULL;
	if (r->why != NULL || r->found.introspection_endpoint.n == 0) {
		fail(q, r->why != NULL ? str_fmt(q->arena, "discovery: %s",
			r->why).p : "discovery: no endpoint is named");
		return;
	}
	q->what.endpoint = str_copy(q->arena, r->found.introspection_endpoint);
	note_place(q->home, q->what.issuer, q->what.endpoint);
	put_question(q);
}

/* The endpoint that is written, or the one the issuer names. */
static void
find_place(struct question *q)
{
	if (q->what.endpoint.n > 0) {
		put_question(q);
		return;
	}
	q->what.found = true;
	if (look_for_place(q)) {
		put_question(q);
		return;
	}
	q->discovery = discovery_start(&(struct discovery_plan){
		.wire = q->home->wire, .issuer = q->what.issuer,
		.proxy = &q->what.proxy, .ca_file = q->what.ca_file,
		.connect_ms = connect_ms(q),
		.total_ms = q->what.timeout_ms, .done = take_place, .who = q,
	});
	if (q->discovery == NULL)
		fail(q, "discovery: not a URL");
}

/* ---- ours or theirs --------------------------------------------------------- */

static uint64_t
limit_ms(const struct question *q)
{
	return (uint64_t)q->what.timeout_ms + 1000;
}

/* Has another process put it where we look? */
static bool
is_there(struct question *q)
{
	struct verdict_key good = key_of(q->what.key, q->what.good_s > 0,
		q->flight), bad = key_of(q->what.key, q->what.bad_s > 0,
		q->flight);
	bool known;

	q->refused = look_up(q->home->segment, &good, &bad, q->arena,
		&q->claims, &known);
	return known;
}

/* Who asks is written before anything is sent; what another one has learned
 * in the meantime need not be asked. */
static void
begin(struct question *q)
{
	struct segment *s = q->home->segment;
	uint64_t now = clock_boot_ms();

	if (s == NULL) {
		find_place(q);
		return;
	}
	if (asked_rests_ms(s, q->what.place, now) > 0) {
		q->flight = 0;
		end(q, introspect_unavailable(q->arena,
			"the endpoint rests after a failure"));
		return;
	}
	if (!asked_claim(s, q->what.key, now, limit_ms(q), &q->flight)) {
		timer_start(&q->timer, POLL_MS);
		return;
	}
	if (is_there(q))
		end(q, NULL);
	else
		find_place(q);
}

static void
look_again(void *who)
{
	struct question *q = who;
	uint64_t now = clock_boot_ms();

	if (now >= q->gives_up_ms) {
		fail(q, "nobody answered in time");
		return;
	}
	if (asked_flies(q->home->segment, q->what.key, q->flight, now,
		limit_ms(q))) {
		timer_start(&q->timer, POLL_MS);
		return;
	}
	if (is_there(q)) {
		q->flight = 0;		/* it was not ours */
		end(q, NULL);
		return;
	}
	begin(q);
}

static struct question *
ask(struct introspect *i, const struct auth_need *need)
{
	struct arena *a = arena_new(MIB(1));
	struct question *q = ARENA_NEW(a, struct question);

	q->home = i;
	q->arena = a;
	list_init(&q->link);
	list_init(&q->waiters);
	timer_init(&q->timer, i->loop, look_again, q);
	inquiry_fill(need->policy, i->segment, need->token, a, &q->what);
	q->gives_up_ms = clock_boot_ms() + limit_ms(q);
	list_append(&i->open, &q->link);
	i->n_open++;
	return q;
}

static uint32_t
count(const struct list *waiters)
{
	uint32_t n = 0;

	for (const struct list *l = waiters->next; l != waiters; l = l->next)
		n++;
	return n;
}

const struct fault *
introspect_wait(struct introspect *i, const struct auth_need *need,
	struct waiter *w)
{
	uint8_t key[SHA256_SIZE];
	struct question *q;

	inquiry_key(need->policy, i->segment, need->token, key);
	q = find(&i->open, key);
	if (q != NULL) {
		if (count(&q->waiters) >= MAX_ASKERS)
			return introspect_unavailable(w->arena,
				"too many wait for one answer");
		waiter_join(&q->waiters, w);
		return NULL;
	}
	if (i->n_open >= MAX_QUESTIONS)
		return introspect_unavailable(w->arena,
			"too many questions at once");
	q = ask(i, need);
	waiter_join(&q->waiters, w);
	begin(q);
	return NULL;
}

/* ---- for the judgement -------------------------------------------------------- */

static const struct fault *
look_over(struct introspect *i, const uint8_t key[SHA256_SIZE],
	struct arena *a, struct claims *c_r, bool *known_r)
{
	const struct question *q = i != NULL ? find(&i->over, key) : NULL;

	*known_r = q != NULL && (q->refused != NULL ||
		q->claims.who.user.n > 0);
	if (!*known_r)
		return NULL;
	if (q->refused != NULL)
		return fault_copy(a, q->refused);
	answer_copy(a, &q->claims, c_r);
	return NULL;
}

const struct fault *
introspect_look(const struct auth_ask *ask, struct str token,
	struct claims *c_r, bool *known_r)
{
	const struct conf_introspection *c = &ask->policy->in->introspection;
	const struct fault *f;
	struct verdict_key k;

	*known_r = false;
	inquiry_key(ask->policy, ask->segment, token, k.digest);
	if (ask->waited && ask->remote != NULL) {
		f = look_over(auth_remote_introspect(ask->remote), k.digest,
			ask->arena, c_r, known_r);
		if (*known_r)
			return f;
	}
	if (ask->segment == NULL)
		return NULL;
	return look_up(ask->segment, c->cache_s > 0 ? &k : NULL,
		c->negative_s > 0 ? &k : NULL, ask->arena, c_r, known_r);
}

/* ---- the object ------------------------------------------------------------------ */

struct introspect *
introspect_new(struct loop *l, struct wire *w, struct segment *s)
{
	struct arena *a = arena_new(KIB(32));
	struct introspect *i = ARENA_NEW(a, struct introspect);

	*i = (struct introspect){ .arena = a, .loop = l, .wire = w,
		.segment = s };
	list_init(&i->open);
	list_init(&i->over);
	return i;
}

void
introspect_free(struct introspect *i)
{
	if (i == NULL)
		return;
	while (!list_empty(&i->open))
		drop(LIST_ENTRY(i->open.next, struct question, link));
	while (!list_empty(&i->over))
		drop(LIST_ENTRY(i->over.next, struct question, link));
	arena_free(i->arena);
}
