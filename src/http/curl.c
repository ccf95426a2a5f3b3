/* SPDX-License-Identifier: MIT */
/*
 * curl -- libcurl on our loop: sockets, timers, and turns of the multis
 *
 * A socket that we opened keeps its watch until it is closed, also when it
 * has become a link: watch_set() to and fro costs no system call.
 * Sockets that libcurl makes by itself (the resolver's) are forgotten as soon
 * as libcurl says so, because nobody tells us when it closes them.
 *
 * A timer of no time is a task at the end of the turn: all that was started
 * in one turn begins in one call.
 *
 * Each time bytes go through an easy handle, libcurl walks all connections of
 * its multi.  So there are several, of LANE_LINKS connections with TLS each.
 */
#include "config.h"
#include "http/wire.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/guard.h"

#define LANE_LINKS	32

/* ---- sockets ------------------------- */

struct spot *
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

static void
spot_free(struct wire *w, struct spot *s)
{
	w->spots[s->fd] = NULL;
	watch_free(s->watch);
	free(s);
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
	if (w->spots[fd] != NULL)
		spot_free(w, w->spots[fd]);	/* nobody told us of its end */
	w->spots[fd] = s;
	return s;
}

void
spot_close(struct wire *w, struct spot *s)
{
	int fd = s->fd;

	spot_free(w, s);
	close(fd);
}

/* CURLOPT_OPENSOCKETFUNCTION: each address that is about to be tried. */
curl_socket_t
wire_socket(void *clientp, curlsocktype purpose, struct curl_sockaddr *sa)
{
	struct connector *c = clientp;
	int fd;

	(void)purpose;
	if (c->way->traits.block_private && !c->way->traits.proxied &&
	    guard_address(&sa->addr)) {
		c->owner->refused = true;
		return CURL_SOCKET_BAD;
	}
	fd = socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	spot_new(c->owner->lane, fd, true);
	return fd;
}

/* CURLOPT_CLOSESOCKETFUNCTION: every end of such a socket, but not of those
 * that libcurl no longer has. */
int
wire_close(void *clientp, curl_socket_t fd)
{
	struct wire *w = clientp;
	struct spot *s = spot_of(w, fd);

	if (s != NULL && s->taken)
		return 0;
	if (s != NULL)
		spot_free(w, s);
	return close(fd);
}

/* ---- turns ------------------------- */

static void
take_made(struct lane *l)
{
	CURLMsg *m;
	int left;

	for (m = curl_multi_info_read(l->multi, &left); m != NULL;
	    m = curl_multi_info_read(l->multi, &left)) {
		struct connector *c = NULL;

		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		link_made(c->owner, m->data.result);
	}
}

static void
act(struct lane *l, curl_socket_t fd, int bits)
{
	int running;

	curl_multi_socket_action(l->multi, fd, bits, &running);
	take_made(l);
}

static void
on_event(void *who, int events)
{
	struct spot *s = who;
	int bits = 0;

	if (s->owner != NULL) {
		link_event(s->owner, events);
		return;
	}
	if ((events & WATCH_READ) != 0)
		bits |= CURL_CSELECT_IN;
	if ((events & WATCH_WRITE) != 0)
		bits |= CURL_CSELECT_OUT;
	act(s->lane, s->fd, bits);
}

bool
spot_watch(struct spot *s, int events)
{
	if (s->watch == NULL)
		s->watch = watch_new(s->lane->wire->loop, s->fd, on_event, s);
	if (s->watch != NULL)
		watch_set(s->watch, events);
	return s->watch != NULL;
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
	if (s->owner != NULL)
		return 0;
	if (what == CURL_POLL_REMOVE && !s->own) {
		spot_free(l->wire, s);
		return 0;
	}
	if (what == CURL_POLL_REMOVE) {
		watch_free(s->watch);	/* it may be closed without a word */
		s->watch = NULL;
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= WATCH_READ;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= WATCH_WRITE;
	spot_watch(s, events);
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
start_one(struct lane *l, struct link *k)
{
	list_drop(&k->link);
	if (curl_multi_add_handle(l->multi, k->connector->easy) == CURLM_OK)
		k->in_multi = true;
	else
		link_made(k, CURLE_FAILED_INIT);
}

static void
on_kick(void *who)
{
	struct lane *l = who;

	l->adding = true;
	while (!list_empty(&l->starting))
		start_one(l, LIST_ENTRY(l->starting.next, struct link, link));
	l->adding = false;
	act(l, CURL_SOCKET_TIMEOUT, 0);
}

void
lane_start(struct lane *l, struct link *k)
{
	k->lane = l;
	l->n++;
	list_append(&l->starting, &k->link);
	task_post(l->wire->loop, &l->kick);
}

void
lane_drop(struct link *k)
{
	list_drop(&k->link);
	k->lane->n--;
	if (k->in_multi)
		curl_multi_remove_handle(k->lane->multi, k->connector->easy);
	k->in_multi = false;
	k->lane = NULL;
}

/* ---- the whole ------------------------- */

static struct lane *
lane_new(struct wire *w)
{
	struct lane *l = calloc(1, sizeof(*l));

	if (l == NULL)
		abort();
	l->wire = w;
	l->multi = curl_multi_init();
	if (l->multi == NULL)
		abort();
	timer_init(&l->timer, w->loop, on_timer, l);
	task_init(&l->kick, on_kick, l);
	list_init(&l->starting);
	list_append(&w->lanes, &l->link);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l);
	/* Which of them are closed is our decision. */
	curl_multi_setopt(l->multi, CURLMOPT_MAXCONNECTS, 4L * LANE_LINKS);
	return l;
}

static void
lane_free(struct lane *l)
{
	curl_multi_cleanup(l->multi);
	timer_stop(&l->timer);
	task_drop(&l->kick);
	list_drop(&l->link);
	free(l);
}

/* Plain links leave the first one at once, whatever their number. */
struct lane *
lane_for(struct wire *w, bool tls)
{
	struct list *l = w->lanes.next;

	if (!tls)
		return LIST_ENTRY(l, struct lane, link);
	for (l = l->next; l != &w->lanes; l = l->next) {
		struct lane *lane = LIST_ENTRY(l, struct lane, link);

		if (lane->n < LANE_LINKS)
			return lane;
	}
	return lane_new(w);
}

/* Here libcurl starts OpenSSL.  Before that: it need not load its sentences
 * about errors, of which we tell none. */
void
wire_warm(struct wire *w)
{
	if (!list_empty(&w->lanes))
		return;
	wire_load();
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, NULL);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	lane_new(w);
}

struct wire *
wire_new(struct loop *l)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->loop = l;
	w->scratch = malloc(SCRATCH);
	if (w->scratch == NULL)
		abort();
	list_init(&w->lanes);
	list_init(&w->ways);
	list_init(&w->active);
	list_init(&w->spare);
	list_init(&w->idle);
	return w;
}

struct loop *
wire_loop(const struct wire *w)
{
	return w->loop;
}

void
wire_free(struct wire *w)
{
	bool warm;

	if (w == NULL)
		return;
	warm = !list_empty(&w->lanes);
	while (!list_empty(&w->active))
		transfer_stop(LIST_ENTRY(w->active.next, struct transfer,
			link));
	transfers_free(w);
	ways_free(w);
	while (!list_empty(&w->lanes))
		lane_free(LIST_ENTRY(w->lanes.next, struct lane, link));
	for (size_t i = 0; i < w->n_spots; i++) {
		if (w->spots[i] != NULL)
			spot_free(w, w->spots[i]);
	}
	free(w->spots);
	free(w->hints);
	free(w->scratch);
	free(w);
	if (warm)
		curl_global_cleanup();
}
