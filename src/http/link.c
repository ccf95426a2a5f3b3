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
 *
 * What comes later still, behind the next request, nobody can tell from its
 * reply.  So an upstream that has once sent a reply unasked is no longer
 * trusted: for a while none of its connections is kept.
 */
#include "config.h"
#include "http/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"

#define IDLE_MS		118000u	/* kept so long at most, as libcurl does */
#define WARY_MS		900000u	/* no trust for so long */
#define PEEKED		16u	/* bytes: the first line as far as the status */
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

/* Whatever else comes is no reply to the next request either.  With 408 a
 * server says that it is about to close an idle connection. */
static bool
is_reply(struct str said)
{
	while (said.n > 0 && (said.p[0] == '\r' || said.p[0] == '\n'))
		said = str_from(said, 1);
	return str_starts(said, STR("HTTP/1.")) &&
		!str_starts(str_from(said, 8), STR(" 408"));
}

static void
tell_wary(const struct place *p)
{
	struct arena *a = arena_new(KIB(4));
	struct log_line l;

	log_begin(&l, LOG_LEVEL_WARN, "upstream");
	log_str(&l, "msg", str_fmt(a, "%s sent a reply that nobody asked for: "
		"its connections are not kept for 15m", p->host_line));
	log_end(&l);
	arena_free(a);
}

/* The other idle ones may have a late word on the way, too. */
void
link_unasked(struct place *p, struct str said)
{
	uint64_t now = loop_now_ms(p->way->wire->loop);

	if (!is_reply(said))
		return;
	if (p->wary_until_ms <= now)
		tell_wary(p);
	p->wary_until_ms = now + WARY_MS;
	while (!list_empty(&p->idle))
		link_free(LIST_ENTRY(p->idle.next, struct link, link));
}

static ssize_t
peek(struct link *k, char *room)
{
	if (k->place->tls)
		return read_tls(k, room, PEEKED);
	return verdict(recv(k->spot->fd, room, PEEKED, MSG_PEEK));
}

/* Nothing has come: TLS may have had a word with itself.  False: the link is
 * gone. */
static bool
stays_quiet(struct link *k)
{
	struct place *p = k->place;
	char said[PEEKED];
	ssize_t n = peek(k, said);

	if (n == LINK_AGAIN)
		return true;
	link_free(k);
	if (n > 0)
		link_unasked(p, (struct str){ said, (size_t)n });
	return false;
}

struct link *
link_reuse(struct place *p)
{
	struct wire *w = p->way->wire;

	while (!list_empty(&p->idle)) {
		struct link *k = LIST_ENTRY(p->idle.prev, struct link, link);

		if (k->until_ms <= loop_now_ms(w->loop)) {
			link_free(k);
			continue;
		}
		if (!stays_quiet(k))
			continue;
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
	if (for_ms == 0 || now < k->place->wary_until_ms) {
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
	else
		(void)stays_quiet(k);
}
