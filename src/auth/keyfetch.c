/* SPDX-License-Identifier: MIT */
/*
 * keyfetch -- gets key sets, once for all processes, and keeps them fresh
 */
#include "config.h"
#include "auth/keyfetch.h"

#include <string.h>

#include "auth/keyop.h"
#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "http/url.h"

#define POLL_MS 20
#define WAIT_MS 5000		/* of a request */
#define UNUSED_MS 3600000u	/* then a set is no longer kept fresh */
#define URI_MS 300000u		/* metadata are believed so long */
#define MAX_URI_KEPT 1024
#define NO_SET_RETRY_S 5	/* there is none, and the network failed */
#define TOLD_MS 30000u
#define NO_SET_REST_S 30	/* there is none, and what came is wrong */

struct keyfetch {
	struct arena *arena;
	struct loop *loop;
	struct wire *wire;
	struct segment *segment;
	struct list sets;
};

struct set {
	struct list link;		/* keyfetch->sets */
	struct keyfetch *home;
	struct arena *arena;
	struct key_place place;
	struct keyset keyset;
	uint64_t used_ms;
	struct list waiters;
	uint64_t until_ms;		/* of who waits now */
	struct wanted wanted;		/* KEY_PEM: what the next turn asks */
	struct list next;		/* who waits for that */
	uint64_t next_until_ms;
	uint64_t told_ms;		/* that there is no such key */
	struct timer poll;
	struct keyop *ops[KEYSET_WHYS];
	struct keyset_claim claims[KEYSET_WHYS];
	char uri[MAX_URI_KEPT + 1];	/* KEY_DISCOVERED; "" : not known */
	uint64_t uri_until_ms;
};

/* ---- sets ----------------------------------------------------------------- */

static void
set_free(struct set *s)
{
	waiter_wake_all(&s->waiters, NULL);
	waiter_wake_all(&s->next, NULL);
	timer_stop(&s->poll);
	for (int i = 0; i < KEYSET_WHYS; i++) {
		if (s->ops[i] != NULL)
			keyop_stop(s->ops[i]);
	}
	list_drop(&s->link);
	arena_free(s->arena);
}

static void on_poll(void *who);	/* a circle */

/* Where no slot is to be had, the set is this worker's alone. */
static void
open_keyset(struct set *s)
{
	const struct key_place *p = &s->place;

	if (s->home->segment == NULL || !keyset_open(s->home->segment,
	    p->name, url_for_log(s->arena, p->url), keyset_now_us(),
	    &s->keyset))
		s->keyset = keyset_private(s->arena, p->name);
}

static struct set *
set_new(struct keyfetch *f, const struct key_place *p)
{
	struct arena *a = arena_new(KIB(256));
	struct set *s = ARENA_NEW(a, struct set);

	s->home = f;
	s->arena = a;
	s->place = key_place_copy(a, p);
	list_init(&s->waiters);
	list_init(&s->next);
	timer_init(&s->poll, f->loop, on_poll, s);
	list_append(&f->sets, &s->link);
	open_keyset(s);
	return s;
}

/* The name covers everything but the password, which a reload may change. */
static bool
is_same(const struct set *s, const struct key_place *p)
{
	if (memcmp(s->place.name, p->name, KEYSET_NAME) != 0)
		return false;
	return p->proxy == NULL || !p->proxy->has_auth ||
		secret_eq(s->place.proxy->password, p->proxy->password);
}

static struct set *
find(struct keyfetch *f, const struct key_place *p)
{
	struct keyset_state state;
	struct set *s = NULL;

	for (struct list *l = f->sets.next; l != &f->sets; l = l->next) {
		s = LIST_ENTRY(l, struct set, link);
		if (is_same(s, p))
			break;
		s = NULL;
	}
	if (s == NULL)
		s = set_new(f, p);
	else if (!keyset_look(&s->keyset, keyset_now_us(), &state))
		open_keyset(s);		/* its slot went to another */
	s->keyset.stale_us = p->stale_us;	/* of who asked last */
	s->used_ms = loop_now_ms(f->loop);
	return s;
}

bool
keyfetch_set(struct keyfetch *f, const struct key_place *p,
	struct keyset *k_r)
{
	*k_r = find(f, p)->keyset;
	return true;
}

/* ---- the end of a fetch --------------------------------------------------- */

/* When a set can be used no more, it is asked for at once. */
static uint64_t
rest_after(const struct set *s, bool lasting)
{
	struct keyset_state state = { 0 };
	uint64_t rest_us;

	if (!keyset_look(&s->keyset, keyset_now_us(), &state) ||
	    !state.usable)
		return (lasting ? NO_SET_REST_S : NO_SET_RETRY_S) *
			(uint64_t)1000000;
	rest_us = keyop_retry_us(state.failures);
	return rest_us < state.left_us ? rest_us : state.left_us;
}

static void
tell_failure(const struct set *s, const char *why, uint64_t rest_us)
{
	struct arena *a = arena_new(KIB(16));

	log_say(LOG_LEVEL_WARN, "keys", "cannot fetch the keys of %.*s: %s; "
		"next try in %u s", STR_ARG(url_for_log(a, s->place.url)),
		why, (unsigned)((rest_us + 999999) / 1000000));
	arena_free(a);
}

static void
tell_news(const struct set *s, uint32_t keys)
{
	struct arena *a = arena_new(KIB(16));

	log_say(LOG_LEVEL_INFO, "keys", "%u key(s) of %.*s", keys,
		STR_ARG(url_for_log(a, s->place.url)));
	arena_free(a);
}

/* Its place is well; who asked for it may be anybody, so nobody else has to
 * wait for that.  Where there is no key at all yet, it is worth a line. */
static void
take_absence(struct set *s, enum keyset_why why)
{
	struct keyset_state state = { 0 };
	uint64_t now = loop_now_ms(s->home->loop);

	keyset_look(&s->keyset, keyset_now_us(), &state);
	keyset_over(&s->keyset, &s->claims[why]);
	if (state.usable || (s->told_ms != 0 && now - s->told_ms < TOLD_MS))
		return;
	s->told_ms = now;
	tell_failure(s, "no such key", KEYSET_AGAIN_US);
}

static void
take_failure(struct set *s, enum keyset_why why, const struct keyop_result *r)
{
	uint64_t rest_us;

	s->uri[0] = '\0';
	if (r->no_such_key) {
		take_absence(s, why);
		return;
	}
	rest_us = rest_after(s, r->lasting);
	tell_failure(s, r->why, rest_us);
	keyset_fail(&s->keyset, &s->claims[why], keyset_now_us(), rest_us);
}

/* A set is fetched again before it is too old to be used. */
static uint64_t
refresh_us(const struct set *s, int64_t seconds)
{
	uint64_t us = (uint64_t)seconds * 1000000, stale = s->keyset.stale_us;

	return stale != 0 && us >= stale ? stale / 2 : us;
}

static void
take_news(struct set *s, enum keyset_why why, const struct keyop_result *r)
{
	struct keyset_state before = { 0 }, after = { 0 };
	struct str uri = str_head(r->jwks_uri, MAX_URI_KEPT);

	keyset_look(&s->keyset, keyset_now_us(), &before);
	keyset_keep(&s->keyset, &s->claims[why], &(struct keyset_news){
		.document = r->document, .keys = r->keys,
		.refresh_us = refresh_us(s, r->refresh_s),
	}, keyset_now_us());
	keyset_look(&s->keyset, keyset_now_us(), &after);
	if (after.epoch != before.epoch || before.failures > 0)
		tell_news(s, r->keys);
	if (s->uri[0] == '\0' && uri.n > 0 && uri.n == r->jwks_uri.n) {
		memcpy(s->uri, uri.p, uri.n);
		s->uri[uri.n] = '\0';
		s->uri_until_ms = loop_now_ms(s->home->loop) + URI_MS;
	}
}

static void
ended(struct set *s, enum keyset_why why, const struct keyop_result *r)
{
	s->ops[why] = NULL;
	if (r->why == NULL)
		take_news(s, why, r);
	else
		take_failure(s, why, r);
	on_poll(s);
}

static void
ended_sched(void *who, const struct keyop_result *r)
{
	ended(who, KEYSET_SCHED, r);
}

static void
ended_forced(void *who, const struct keyop_result *r)
{
	ended(who, KEYSET_FORCED, r);
}

/* ---- its beginning -------------------------------------------------------- */

static struct str
known_uri(struct set *s)
{
	if (loop_now_ms(s->home->loop) >= s->uri_until_ms)
		s->uri[0] = '\0';
	return str_of(s->uri);
}

/* s->claims[why] is won.  kids: for places with a document for each. */
static void
start(struct set *s, enum keyset_why why, const struct wanted *kids)
{
	struct arena *a = arena_new(2 * MAX_KEYSET);
	struct str list = STR("");
	const char *failure = NULL;
	uint64_t epoch;

	if (s->place.kind == KEY_PEM)
		keyset_read(&s->keyset, a, &list, &epoch);
	s->ops[why] = keyop_start(&(struct keyop_plan){
		.wire = s->home->wire, .place = &s->place,
		.jwks_uri = known_uri(s), .list = list, .kids = kids,
		.done = why == KEYSET_FORCED ? ended_forced : ended_sched,
		.who = s,
	}, &failure);
	arena_free(a);
	if (failure != NULL)
		take_failure(s, why, &(struct keyop_result){
			.why = failure, .lasting = true });
}

/* A claim that was won. */
static void
begin(struct set *s, const struct keyset_claim *c, const struct wanted *kids)
{
	if (s->ops[c->why] != NULL)
		keyop_stop(s->ops[c->why]);	/* it hung */
	s->ops[c->why] = NULL;
	s->claims[c->why] = *c;
	start(s, c->why, kids);
}

/* True: somebody fetches now, this worker or another one. */
static bool
claim(struct set *s, enum keyset_why why)
{
	struct keyset_claim c;
	enum keyset_turn turn = keyset_claim(&s->keyset, why,
		keyset_now_us(), &c);

	if (turn == KEYSET_WON)
		begin(s, &c, NULL);
	return turn == KEYSET_WON ? s->ops[why] != NULL : turn == KEYSET_BUSY;
}

/* ---- turns for keys one by one -------------------------------------------- */

/* Who waits for the turn that begins now. */
static void
move_on(struct set *s)
{
	s->until_ms = s->next_until_ms;
	while (!list_empty(&s->next)) {
		struct list *l = s->next.next;

		list_drop(l);
		list_append(&s->waiters, l);
	}
	s->wanted.n = 0;
}

/* What the last turn brought need not be asked for again. */
static void
forget_known(struct set *s)
{
	struct arena *a = arena_new(2 * MAX_KEYSET);
	struct str kids[JWKS_PEM_KEYS], list = STR("");
	uint64_t epoch;
	uint32_t n;

	keyset_read(&s->keyset, a, &list, &epoch);
	n = jwks_pem_kids(list, kids);
	for (uint32_t i = 0; i < n; i++)
		wanted_drop(&s->wanted, kids[i]);
	arena_free(a);
}

/* The next turn, as soon as there may be one: all that is wanted, since one
 * kid after the other would be a turn each, and the first is anybody's.
 * Without any key it is worth waiting for; with some it comes too late. */
static void
take_turn(struct set *s)
{
	struct keyset_state state = { 0 };
	struct keyset_claim c;
	enum keyset_why why;
	enum keyset_turn turn;

	if (list_empty(&s->next))
		return;
	if (!keyset_look(&s->keyset, keyset_now_us(), &state)) {
		waiter_wake_all(&s->next, NULL);
		return;
	}
	if (state.usable)
		forget_known(s);
	if (state.usable && s->wanted.n == 0) {
		waiter_wake_all(&s->next, NULL);
		return;
	}
	why = state.usable ? KEYSET_FORCED : KEYSET_SCHED;
	turn = keyset_claim(&s->keyset, why, keyset_now_us(), &c);
	if (turn == KEYSET_WON) {
		struct wanted kids = s->wanted;

		move_on(s);
		begin(s, &c, &kids);
	} else if (loop_now_ms(s->home->loop) >= s->next_until_ms ||
	    (turn == KEYSET_RESTS && (state.usable ||
	    state.rest_us > keyset_now_us()))) {
		waiter_wake_all(&s->next, NULL);
	}
}

static void
wait_for_turn(struct set *s, struct str kid, struct waiter *w)
{
	wanted_add(&s->wanted, kid);
	if (list_empty(&s->next))
		s->next_until_ms = loop_now_ms(s->home->loop) + WAIT_MS;
	waiter_join(&s->next, w);
	on_poll(s);
}

/* ---- waiting -------------------------------------------------------------- */

static void
on_poll(void *who)
{
	struct set *s = who;
	struct keyset_state state;
	uint64_t now = loop_now_ms(s->home->loop);

	timer_stop(&s->poll);
	if (now >= s->until_ms ||
	    !keyset_look(&s->keyset, keyset_now_us(), &state) ||
	    !state.in_flight)
		waiter_wake_all(&s->waiters, NULL);
	take_turn(s);
	if (!list_empty(&s->waiters) || !list_empty(&s->next))
		timer_start(&s->poll, POLL_MS);
}

static uint32_t
count(const struct list *waiters)
{
	uint32_t n = 0;

	for (const struct list *l = waiters->next; l != waiters; l = l->next)
		n++;
	return n;
}

/* Is it one key that is to be asked for? */
static bool
asks_for_one(const struct set *s, const struct key_wish *k)
{
	struct keyset_state state = { 0 };

	keyset_look(&s->keyset, keyset_now_us(), &state);
	return s->place.kind == KEY_PEM && (k->missing || !state.usable);
}

const struct fault *
keyfetch_wait(struct keyfetch *f, const struct key_wish *k, struct waiter *w)
{
	struct set *s = find(f, k->place);
	struct fault *fault;
	bool flies;

	if (count(&s->waiters) + count(&s->next) >= MAX_KEY_WAITERS) {
		fault = fault_new(w->arena, FAULT_AUTH_UNAVAILABLE,
			"too many requests wait for keys");
		fault->retry_after_s = NO_SET_RETRY_S;
		return fault;
	}
	if (asks_for_one(s, k)) {
		wait_for_turn(s, k->kid, w);
		return NULL;
	}
	flies = claim(s, k->missing ? KEYSET_FORCED : KEYSET_SCHED);
	if (list_empty(&s->waiters))
		s->until_ms = loop_now_ms(f->loop) + WAIT_MS;
	waiter_join(&s->waiters, w);
	if (!flies)
		waiter_wake(w, NULL);
	else if (!timer_running(&s->poll))
		timer_start(&s->poll, POLL_MS);
	return NULL;
}

/* ---- once a second -------------------------------------------------------- */

static void
look_after(struct set *s)
{
	struct keyset_state state;
	uint64_t now_us = keyset_now_us();

	if (loop_now_ms(s->home->loop) - s->used_ms > UNUSED_MS &&
	    list_empty(&s->waiters) && list_empty(&s->next)) {
		set_free(s);
		return;
	}
	if (keyset_look(&s->keyset, now_us, &state) && state.epoch != 0 &&
	    state.due && !state.in_flight)
		claim(s, KEYSET_SCHED);
}

void
keyfetch_tick(struct keyfetch *f)
{
	struct list *next;

	for (struct list *l = f->sets.next; l != &f->sets; l = next) {
		next = l->next;
		look_after(LIST_ENTRY(l, struct set, link));
	}
}

/* ---- life ----------------------------------------------------------------- */

struct keyfetch *
keyfetch_new(struct loop *l, struct wire *w, struct segment *s)
{
	struct arena *a = arena_new(KIB(16));
	struct keyfetch *f = ARENA_NEW(a, struct keyfetch);

	*f = (struct keyfetch){ .arena = a, .loop = l, .wire = w,
		.segment = s };
	list_init(&f->sets);
	return f;
}

void
keyfetch_free(struct keyfetch *f)
{
	while (!list_empty(&f->sets))
		set_free(LIST_ENTRY(f->sets.next, struct set, link));
	arena_free(f->arena);
}
