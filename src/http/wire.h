/* SPDX-License-Identifier: MIT */
/*
 * wire -- what curl.c, way.c and transfer.c share; nobody else includes it
 *
 * Lifetime: a transfer is an easy handle with what it is doing now.  It is
 * kept between uses, dressed for its way, so that libcurl is told only what
 * has changed.  Its memory never lies in an arena: libcurl may look at it
 * until the handle is out of the multi.
 */
#ifndef HTTP_WIRE_H
#define HTTP_WIRE_H

#include <curl/curl.h>

#include "http/transfer.h"
#include "http/url.h"

/* One multi handle and its place in the loop. */
struct lane {
	struct wire *wire;
	CURLM *multi;
	struct timer timer;		/* libcurl's */
	struct task kick;		/* runs what is due now */
	struct list starting;		/* not in the multi yet */
	struct list leaving;		/* stopped from inside a callback */
	bool inside;			/* libcurl is on the stack */
	bool adding;			/* a kick is under way anyway */
};

enum { LANE_CALLS, LANE_STREAMS, LANES };

/* A socket of libcurl. */
struct spot {
	struct lane *lane;
	struct watch *watch;
	int fd;
	bool own;			/* we opened it: we hear of its end */
};

struct wire {
	struct loop *loop;
	struct lane lanes[LANES];
	struct spot **spots;		/* by descriptor */
	size_t n_spots;
	struct list ways;		/* struct way, the newest last */
	uint32_t n_ways;
	struct way **hints;		/* by index of a server */
	uint32_t n_hints;
	struct list active;		/* transfers under way */
};

/* How connections are made: servers with equal settings share one. */
struct way {
	struct list link;
	struct wire *wire;
	struct list idle[LANES];	/* transfers, the last used one last */
	uint32_t n_idle[LANES], n_used;
	char *keys[12];			/* way.c: texts that tell ways apart */
	bool proxied, has_auth, insecure, block_private;
	int min_version, max_version;
};

struct transfer {
	/* ---- kept between uses ---- */
	struct list link;		/* wire->active, or way->idle */
	struct lane *lane;
	struct way *way;
	CURL *easy;
	char *url;			/* what the easy handle has now */
	const char *method;
	int64_t connect_ms;
	char error[CURL_ERROR_SIZE];

	/* ---- this use ---- */
	struct run {
		struct transfer_plan plan;
		struct arena *arena;
		struct transfer_reply reply;
		struct list waiting;	/* lane->starting, ->leaving, or free */
		struct timer timer;
		struct task resume;
		uint64_t begin_ms, last_ms;
		uint32_t head_bytes, head_lines;
		size_t uploaded;
		long size_before;	/* bytes sent before the request */
		uint32_t asked;		/* how often libcurl wanted to send */
		int status;		/* of the head that is being read */
		bool in_multi, head_done, paused, stopped, https;
		bool refused;		/* an address of blockPrivate */
		bool sent;
		bool judged;		/* end and detail are known */
		enum transfer_end end;
		const char *detail;
	} run;
};

/* ---- curl.c ------------------------- */
void lane_start(struct transfer *t);	/* t->lane; at the end of this turn */
void lane_drop(struct transfer *t);	/* out of the multi; not from inside */
void lane_unpause(struct transfer *t);
curl_socket_t wire_socket(void *clientp, curlsocktype purpose,
	struct curl_sockaddr *sa);
int wire_close(void *clientp, curl_socket_t fd);

/* ---- way.c ------------------------- */
/* A transfer of the way that the server's settings ask for; host is where the
 * URL leads to. */
struct transfer *way_take(struct wire *w, const struct conf_server *server,
	struct str host, int lane);
void way_give(struct transfer *t);	/* back, for the next one */
void ways_free(struct wire *w);

/* ---- request.c ------------------------- */
/* A literal that lives for ever, so that pointers tell methods apart; NULL:
 * a method we do not send. */
const char *request_method(const char *method);
void request_use(struct transfer *t, const struct url *u, struct str url,
	const char *method);
void request_clear(struct transfer *t);
int request_begins(void *clientp, char *ip, char *local_ip, int port,
	int local_port);

/* ---- reply.c ------------------------- */
size_t reply_line(char *bytes, size_t size, size_t n, void *clientp);
size_t reply_bytes(char *bytes, size_t size, size_t n, void *clientp);

/* ---- outcome.c ------------------------- */
/* What libcurl's verdict means; sets t->run.end and .detail unless judged. */
void outcome_of(struct transfer *t, CURLcode code);

/* The time that connecting may take is over, or another one. */
void outcome_timeout(struct transfer *t, const char *detail);

/* ---- transfer.c ------------------------- */
/* Ends t: tells its owner, gives the handle back. Not from inside. */
void transfer_end(struct transfer *t);

#endif
