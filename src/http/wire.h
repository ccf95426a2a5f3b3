/* SPDX-License-Identifier: MIT */
/*
 * wire -- what the files of one exchange share; nobody else includes it
 *
 * libcurl makes connections: names, proxies, tunnels, TLS, all by the way's
 * settings.  From then on a connection is a link, on which exchange.c speaks
 * HTTP/1.1.  A plain link is a descriptor of ours, libcurl has forgotten it;
 * one with TLS keeps its easy handle, through which its bytes go.
 */
#ifndef HTTP_WIRE_H
#define HTTP_WIRE_H

#include <curl/curl.h>

#include "http/h1_parse.h"
#include "http/transfer.h"
#include "http/url.h"

#define SCRATCH		32768u	/* bytes read at once; TLS gives 16 KiB */

/* One multi handle and its place in the loop. */
struct lane {
	struct list link;		/* wire->lanes */
	struct wire *wire;
	CURLM *multi;
	struct timer timer;		/* libcurl's */
	struct task kick;		/* runs what is due now */
	struct list starting;		/* links that are not in the multi yet */
	uint32_t n;			/* links that belong here */
	bool adding;			/* a kick is under way anyway */
};

/* A socket of libcurl, or of a link that libcurl has made. */
struct spot {
	struct lane *lane;
	struct link *owner;		/* a link that is up */
	struct watch *watch;
	int fd;
	bool own;			/* we opened it: we hear of its end */
	bool taken;			/* libcurl lets go, it stays open */
};

struct wire {
	struct loop *loop;
	struct list lanes;		/* the first one is for plain links */
	struct spot **spots;		/* by descriptor */
	size_t n_spots;
	struct list ways;		/* struct way, the newest last */
	uint32_t n_ways;
	struct place **hints;		/* by index of a server */
	uint32_t n_hints;
	struct list active;		/* transfers under way */
	struct list spare;		/* transfers for later */
	uint32_t n_spare;
	struct list idle;		/* links, the last used one last */
	uint32_t n_idle;
	char *scratch;			/* what has just been read */
};

/* What tells ways apart beside texts. */
struct traits {
	bool proxied, has_auth, insecure, block_private;
	int min_version, max_version;
};

/* How connections are made: servers with equal settings share one. */
struct way {
	struct list link;
	struct wire *wire;
	struct list places;
	struct list connectors;		/* without work */
	uint32_t n_connectors, n_used;
	char *keys[12];			/* way.c: texts that tell ways apart */
	char *proxy_auth;		/* for requests to a proxy */
	struct traits traits;
};

/* Where connections of a way lead to. */
struct place {
	struct list link;		/* way->places */
	struct way *way;
	struct list idle;		/* links, the last used one last */
	char *host, *name;		/* of the URL; of the certificate, "" */
	char *url;			/* for libcurl */
	char *to;			/* for libcurl, NULL: as the URL says */
	char *host_line, *origin;	/* for requests; origin: by a proxy */
	uint16_t port;
	bool https, tls;		/* tls: also towards a proxy */
	bool refused;			/* a name that blockPrivate refuses */
	uint64_t wary_until_ms;		/* nothing is kept until then */
};

/* An easy handle, dressed for its way; it makes one connection at a time. */
struct connector {
	struct list link;		/* way->connectors */
	struct way *way;
	CURL *easy;
	struct curl_slist to;
	struct link *owner;
	int64_t connect_ms;
};

/* A connection, also while it is being made. */
struct link {
	struct list link;		/* lane->starting, place->idle */
	struct list age;		/* wire->idle */
	struct place *place;
	struct lane *lane;		/* NULL: libcurl has forgotten it */
	struct connector *connector;	/* NULL, too */
	struct spot *spot;		/* when it is up */
	struct transfer *user;		/* NULL: idle */
	uint64_t until_ms;		/* no use after that */
	bool in_multi, up;
	bool worn;			/* it has carried a reply */
	bool refused;			/* an address of blockPrivate */
};

struct transfer {
	struct list link;		/* wire->active, ->spare */
	struct wire *wire;
	struct place *place;
	struct link *on;		/* NULL: none any more */
	struct transfer_plan plan;
	struct arena *arena;
	struct transfer_reply reply;
	struct timer timer;
	struct task task;		/* what must not run where it arose */
	uint64_t begin_ms, last_ms;
	const char *method;		/* a literal */
	struct str path;		/* in the plan's URL */
	struct str head, body;		/* the request; body: if apart */
	size_t done;			/* bytes of both that went out */
	struct h1 parser;
	char *held;			/* refused bytes, and what follows */
	size_t held_n, held_first;	/* all, those of the refused piece */
	bool head_done, paused, resuming;
	bool inside;			/* a callback may be running */
	bool stopped;
	bool begun;			/* a link was sought */
	bool sent;			/* a byte went out */
	bool send_failed, again;
	bool judged;			/* end and detail are known */
	enum transfer_end end;
	const char *detail;
};

/* ---- curl.c ------------------------- */
/* k->connector is dressed: at the end of this turn libcurl begins. */
void lane_start(struct lane *l, struct link *k);
void lane_drop(struct link *k);		/* out of the multi; it is closed */
struct lane *lane_for(struct wire *w, bool tls);
curl_socket_t wire_socket(void *clientp, curlsocktype purpose,
	struct curl_sockaddr *sa);
int wire_close(void *clientp, curl_socket_t fd);
struct spot *spot_of(const struct wire *w, int fd);
void spot_close(struct wire *w, struct spot *s);
bool spot_watch(struct spot *s, int events);	/* false: cannot be */

/* ---- way.c ------------------------- */
struct place *place_for(struct wire *w, const struct conf_server *server,
	const struct url *u);
struct connector *connector_take(struct way *y);
void connector_give(struct connector *c);
void ways_free(struct wire *w);

/* ---- link.c ------------------------- */
/* An idle one that is good, or NULL. */
struct link *link_reuse(struct place *p);
struct link *link_new(struct place *p, int64_t connect_ms);
void link_made(struct link *k, CURLcode code);	/* libcurl's verdict */
void link_keep(struct link *k, const struct h1 *parser);
void link_free(struct link *k);		/* closes it */
void link_event(struct link *k, int events);
void link_want(struct link *k, int events);

/* Bytes came behind a reply, or to an idle link. */
void link_unasked(struct place *p, struct str said);

enum { LINK_AGAIN = -1, LINK_BROKEN = -2 };
/* Bytes, 0: the end, or one of the above. */
ssize_t link_read(struct link *k, char *room, size_t n);
ssize_t link_write(struct link *k, struct str bytes);

/* ---- exchange.c ------------------------- */
void exchange_begin(struct transfer *t);	/* t->on is up */
void exchange_event(struct transfer *t, int events);
void exchange_go_on(struct transfer *t);	/* t->task */

/* ---- outcome.c ------------------------- */
void outcome(struct transfer *t, enum transfer_end end, const char *detail);
/* What libcurl's verdict on t->on means, unless judged. */
void outcome_of(struct transfer *t, CURLcode code);
void outcome_timeout(struct transfer *t, const char *detail);

/* ---- transfer.c ------------------------- */
void transfer_connect(struct transfer *t);	/* gets a link of its own */
/* Ends t: tells its owner. keep: the link is as good as new. */
void transfer_end(struct transfer *t, bool keep);
/* After transfer_stop() from inside. */
void transfer_leave(struct transfer *t);
void transfers_free(struct wire *w);	/* those that are kept for later */

#endif
