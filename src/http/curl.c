/* SPDX-License-Identifier: MIT */
/*
 * curl -- libcurl on our loop: sockets, timers, and turns of the two multis
 *
 * A socket that we opened keeps its watch until it is closed, also while it
 * lies idle in libcurl's cache: watch_set() to and fro costs no system call.
 * Sockets that libcurl makes by itself (the resolver's) are forgotten as soon
 * as libcurl says so, because nobody tells us when it closes them.
 *
 * A timer of no time is a task at the end of the turn: all that was started
 * in one turn goes out in one call.
 */
#include "config.h"
#include "http/wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "http/guard.h"

/* ---- sockets ------------------------- */

static struct spot *
spot_of(const struct wire *w, int fd)
{
	return (size_t)fd < w->n_spots ? w->spots[fd] : NULL;
}

static void
make_room(struct wire *w, size_t fd)
{
	size_t n = w->n_spots > 0 ? w->n_spots : 64;
	struct spot **spots;

	while (n <= fd)
		n *= 2;
	spots = realloc(w->spots, n * sizeof(*spots));
	if (spots == NULL)
		abort();
	memset(spots + w->n_spots, 0, (n - w->n_spots) * sizeof(*spots));
	w->spots = spots;
	w->n_spots = n;
}

static struct spot *
spot_new(struct lane *l, int fd, bool own)
{
	struct wire *w = l->wire;
	struct spot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		abort();
	s->lane = l;
	s->fd = fd;
	s->own = own;
	if ((size_t)fd >= w->n_spots)
		make_room(w, (size_t)fd);
	w->spots[fd] = s;
	return s;
}

static void
spot_free(struct wire *w, struct spot *s)
{
	w->spots[s->fd] = NULL;
	watch_free(s->watch);
	free(s);
}

/* CURLOPT_OPENSOCKETFUNCTION: each address that is about to be tried. */
curl_socket_t
wire_socket(void *clientp, curlsocktype purpose, struct curl_sockaddr *sa)
{
	struct transfer *t = clientp;
	int fd;

	(void)purpose;
	if (t->way->block_private && !t->way->proxied &&
	    guard_address(&sa->addr)) {
		t->run.refused = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	spot_new(t->lane, fd, true);
	return fd;
}

/* CURLOPT_CLOSESOCKETFUNCTION: every end of such a socket, also from the
 * cache, whichever handle made it. */
int
wire_close(void *clientp, curl_socket_t fd)
{
	struct wire *w = clientp;
	struct spot *s = spot_of(w, fd);

	if (s != NULL)
		spot_free(w, s);
	return close(fd);
}

/* ---- turns ------------------------- */

static void
take_ended(struct lane *l)
{
	CURLMsg *m;
	int left;

	for (m = curl_multi_info_read(l->multi, &left); m != NULL;
	    m = curl_multi_info_read(l->multi, &left)) {
		struct transfer *t = NULL;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &t);
		outcome_of(t, m->data.result);
		transfer_end(t);
	}
}

/* After libcurl has left the stack: what its callbacks asked for. */
static void
settle(struct lane *l)
{
	l->inside = false;
	while (!list_empty(&l->leaving)) {
		struct run *r = LIST_ENTRY(l->leaving.next, struct run,
			waiting);
		struct transfer *t = LIST_ENTRY(r, struct transfer, run);

		list_drop(&r->waiting);
		lane_drop(t);
		way_give(t);
	}
	take_ended(l);
}

static void
act(struct lane *l, curl_socket_t fd, int bits)
{
	int running;

	l->inside = true;
	curl_multi_socket_action(l->multi, fd, bits, &running);
	settle(l);
}

static void
on_event(void *who, int events)
{
	struct spot *s = who;
	int bits = 0;

	if ((events & WATCH_READ) != 0)
		bits |= CURL_CSELECT_IN;
	if ((events & WATCH_WRITE) != 0)
		bits |= CURL_CSELECT_OUT;
	act(s->lane, s->fd, bits);
}

/* CURLMOPT_SOCKETFUNCTION: what libcurl wants to know of a socket. */
static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
	struct lane *l = userp;
	struct spot *s = spot_of(l->wire, fd);
	int events = 0;

	(void)easy;
	(void)socketp;
	if (s == NULL && what == CURL_POLL_REMOVE)
		return 0;
	if (s == NULL)
		s = spot_new(l, fd, false);
	if (what == CURL_POLL_REMOVE && !s->own) {
		spot_free(l->wire, s);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= WATCH_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= WATCH_WRITE;
	if (s->watch == NULL)
		s->watch = watch_new(l->wire->loop, fd, on_event, s);
	if (s->watch != NULL)
		watch_set(s->watch, events);
	return 0;
}

/* CURLMOPT_TIMERFUNCTION.  A timer that runs until earlier than asked for is
 * left alone: libcurl finds nothing to do then and asks again. */
static int
want_timer(CURLM *multi, long in_ms, void *userp)
{
	struct lane *l = userp;
	uint64_t due_ms;

	(void)multi;
	if (in_ms < 0 || l->adding)
		return 0;
	if (in_ms == 0) {
		task_post(l->wire->loop, &l->kick);
		return 0;
	}
	due_ms = loop_now_ms(l->wire->loop) + (uint64_t)in_ms;
	if (!timer_running(&l->timer) || due_ms < l->timer.due_ms)
		timer_start(&l->timer, (uint64_t)in_ms);
	return 0;
}

static void
on_timer(void *who)
{
	act(who, CURL_SOCKET_TIMEOUT, 0);
}

static void
start_one(struct lane *l, struct transfer *t)
{
	CURLMcode rc;

	list_drop(&t->run.waiting);
	if (!t->run.judged) {
		rc = curl_multi_add_handle(l->multi, t->easy);
		t->run.in_multi = rc == CURLM_OK;
		if (rc == CURLM_OK)
			return;
		t->run.judged = true;
		t->run.end = TRANSFER_DOWN;
		t->run.detail = curl_multi_strerror(rc);
	}
	transfer_end(t);
}

static void
on_kick(void *who)
{
	struct lane *l = who;

	l->adding = true;
	while (!list_empty(&l->starting)) {
		struct run *r = LIST_ENTRY(l->starting.next, struct run,
			waiting);

		start_one(l, LIST_ENTRY(r, struct transfer, run));
	}
	l->adding = false;
	act(l, CURL_SOCKET_TIMEOUT, 0);
}

void
lane_start(struct transfer *t)
{
	struct lane *l = t->lane;

	list_append(&l->starting, &t->run.waiting);
	task_post(l->wire->loop, &l->kick);
}

void
lane_drop(struct transfer *t)
{
	list_drop(&t->run.waiting);
	if (t->run.in_multi)
		curl_multi_remove_handle(t->lane->multi, t->easy);
	t->run.in_multi = false;
}

void
lane_unpause(struct transfer *t)
{
	struct lane *l = t->lane;
	CURLcode rc;

	l->inside = true;
	rc = curl_easy_pause(t->easy, CURLPAUSE_CONT);
	if (rc != CURLE_OK && !t->run.stopped) {
		l->inside = false;
		outcome_of(t, rc);
		transfer_end(t);
	}
	settle(l);
}

/* ---- the whole ------------------------- */

static void
lane_init(struct lane *l, struct wire *w)
{
	l->wire = w;
	l->multi = curl_multi_init();
	if (l->multi == NULL)
		abort();
	timer_init(&l->timer, w->loop, on_timer, l);
	task_init(&l->kick, on_kick, l);
	list_init(&l->starting);
	list_init(&l->leaving);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	/* The default follows the number of handles and evicts warm ones. */
	curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS,
		(long)MAX_CALL_CONNECTS);
}

struct wire *
wire_new(struct loop *l)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	w->loop = l;
	list_init(&w->ways);
	list_init(&w->active);
	for (int i = 0; i < LANES; i++)
		lane_init(&w->lanes[i], w);
	return w;
}

void
wire_free(struct wire *w)
{
	if (w == NULL)
		return;
	while (!list_empty(&w->active))
		transfer_stop(LIST_ENTRY(w->active.next, struct transfer,
			link));
	ways_free(w);
	for (int i = 0; i < LANES; i++) {
		curl_multi_cleanup(w->lanes[i].multi);
		timer_stop(&w->lanes[i].timer);
		task_drop(&w->lanes[i].kick);
	}
	for (size_t i = 0; i < w->n_spots; i++) {
		if (w->spots[i] != NULL)
			spot_free(w, w->spots[i]);
	}
	free(w->spots);
	free(w->hints);
	free(w);
	curl_global_cleanup();
}
