/* SPDX-License-Identifier: MIT */
/*
 * link -- a connection: made by libcurl, used, kept for the next one
 *
 * Promise: an idle link on which anything comes is closed, so that nothing
 * the upstream says unasked can become the reply to a later request.
 *
 * Idle links are polled, and yet a link is asked once more, by a peek, just
 * before it is used.  What the poll said is as old as the turn, a millisecond
 * with many clients; and the link used next is the one kept last, mostly in
 * this very turn, so that the poll knows nothing of it yet.  A reply that came
 * twice would be the reply to another caller's request, and the end of the
 * connection would meet a POST, which must not be repeated.  To choose links
 * at the end of the turn would not help: only the next poll tells what came
 * meanwhile.  The price is 0.4 us.
 */
#include "config.h"
#include "http/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/limits.h"

#define IDLE_MS		118000u	/* kept so long at most, as libcurl does */
#define TLS_AT_ONCE	16384u	/* bytes; one record: all of it or nothing */

/* ---- bytes ------------------------- */

static ssize_t
read_tls(struct link *k, char *room, size_t n)
{
	size_t got = 0;

	switch (curl_easy_recv(k->connector->easy, room, n, &got)) {
	case CURLE_OK:
		return (ssize_t)got;
	case CURLE_AGAIN:
		return LINK_AGAIN;
	default:
		return LINK_BROKEN;
	}
}

static ssize_t
verdict(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ?
		LINK_AGAIN : LINK_BROKEN;
}

ssize_t
link_read(struct link *k, char *room, size_t n)
{
	if (k->place->tls)
		return read_tls(k, room, n);
	return verdict(recv(k->spot->fd, room, n, 0));
}

/* With TLS the same bytes must come again after LINK_AGAIN. */
ssize_t
link_write(struct link *k, struct str bytes)
{
	size_t done = 0;

	if (!k->place->tls)
		return verdict(send(k->spot->fd, bytes.p, bytes.n,
			MSG_NOSIGNAL));
	bytes = str_head(bytes, TLS_AT_ONCE);
	switch (curl_easy_send(k->connector->easy, bytes.p, bytes.n, &done)) {
	case CURLE_OK:
		return (ssize_t)done;
	case CURLE_AGAIN:
		return LINK_AGAIN;
	default:
		return LINK_BROKEN;
	}
}

void
link_want(struct link *k, int events)
{
	spot_watch(k->spot, events);
}

/* ---- making ------------------------- */

struct link *
link_new(struct place *p, int64_t connect_ms)
{
	struct link *k = calloc(1, sizeof(*k));
	struct connector *c = connector_take(p->way);

	if (k == NULL)
		abort();
	list_init(&k->link);
	list_init(&k->age);
	k->place = p;
	k->connector = c;
	c->owner = k;
	curl_easy_setopt(c->easy, CURLOPT_URL, p->url);
	c->to.data = p->to;
	curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, p->to != NULL ? &c->to :
		NULL);
	if (c->connect_ms != connect_ms)
		curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS,
			(long)connect_ms);
	c->connect_ms = connect_ms;
	lane_start(lane_for(p->way->wire, p->tls), k);
	return k;
}

/* libcurl may forget a plain connection: it closes it, and we do not. */
static void
take_over(struct link *k)
{
	k->spot->taken = true;
	lane_drop(k);
	connector_give(k->connector);
	k->connector = NULL;
}

static bool
set_up(struct link *k)
{
	curl_socket_t fd = CURL_SOCKET_BAD;

	curl_easy_getinfo(k->connector->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd == CURL_SOCKET_BAD)
		return false;
	k->spot = spot_of(k->place->way->wire, fd);
	if (k->spot == NULL || !k->spot->own)
		return false;
	k->spot->owner = k;
	k->up = true;
	if (!k->place->tls)
		take_over(k);
	return spot_watch(k->spot, WATCH_READ);
}

void
link_made(struct link *k, CURLcode code)
{
	struct transfer *t = k->user;

	if (code == CURLE_OK && set_up(k)) {
		exchange_begin(t);
		return;
	}
	if (code == CURLE_OK)
		outcome(t, TRANSFER_DOWN, "unreachable");
	else
		outcome_of(t, code);
	transfer_end(t, false);
}

void
link_free(struct link *k)
{
	struct wire *w = k->place->way->wire;

	if (!list_empty(&k->age))
		w->n_idle--;
	list_drop(&k->age);
	list_drop(&k->link);
	if (k->lane != NULL)
		lane_drop(k);
	else
		spot_close(w, k->spot);
	if (k->connector != NULL)
		connector_give(k->connector);
	free(k);
}

/* ---- idling ------------------------- */

static struct link *
oldest(const struct wire *w)
{
	return LIST_ENTRY(w->idle.next, struct link, age);
}

/* Nothing has come: TLS may have had a word with itself. */
static bool
quiet(struct link *k)
{
	char byte;

	if (k->place->tls)
		return read_tls(k, &byte, 1) == LINK_AGAIN;
	return verdict(recv(k->spot->fd, &byte, 1, MSG_PEEK)) == LINK_AGAIN;
}

struct link *
link_reuse(struct place *p)
{
	struct wire *w = p->way->wire;

	while (!list_empty(&p->idle)) {
		struct link *k = LIST_ENTRY(p->idle.prev, struct link, link);

		if (k->until_ms <= loop_now_ms(w->loop) || !quiet(k)) {
			link_free(k);
			continue;
		}
		list_drop(&k->link);
		list_drop(&k->age);
		w->n_idle--;
		return k;
	}
	return NULL;
}

void
link_keep(struct link *k, const struct h1 *parser)
{
	struct wire *w = k->place->way->wire;
	uint64_t now = loop_now_ms(w->loop), for_ms = IDLE_MS;

	if (parser->has_keep && parser->keep_s < IDLE_MS / 1000)
		for_ms = parser->keep_s > 0 ? (parser->keep_s - 1) * 1000 : 0;
	k->user = NULL;
	if (for_ms == 0) {
		link_free(k);
		return;
	}
	k->worn = true;
	k->until_ms = now + for_ms;
	link_want(k, WATCH_READ);
	list_append(&k->place->idle, &k->link);
	list_append(&w->idle, &k->age);
	w->n_idle++;
	while (w->n_idle > MAX_CALL_CONNECTS ||
	    (w->n_idle > 0 && oldest(w)->until_ms <= now))
		link_free(oldest(w));
}

void
link_event(struct link *k, int events)
{
	if (k->user != NULL)
		exchange_event(k->user, events);
	else if (!quiet(k))
		link_free(k);
}
