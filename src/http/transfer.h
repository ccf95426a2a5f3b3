/* SPDX-License-Identifier: MIT */
/*
 * transfer -- one HTTP exchange with an upstream, driven by the loop
 *
 * Lifetime: transfer_start() gives an object that the http room owns; it ends
 * with the `ended` callback or with transfer_stop(), never both.  Plan texts
 * must live until then.
 * Waits: never; DNS runs in libcurl's resolver, connections are kept.
 * Callbacks copy, mark and wake; they may call transfer_stop() and
 * transfer_resume() of any transfer but never from inside their own `body`.
 */
#ifndef HTTP_TRANSFER_H
#define HTTP_TRANSFER_H

#include "base/loop.h"
#include "base/secret.h"
#include "conf/conf.h"
#include "http/headers.h"

struct wire;		/* a worker's curl: two multi handles, easy handles */
struct transfer;

struct wire *wire_new(struct loop *l);
/* libcurl is set up now, not for the first connection. */
void wire_warm(struct wire *w);
/* libcurl is loaded now: before fork, what that writes is shared. */
#ifdef GATE_LIBCURL
void wire_load(void);
#else
static inline void
wire_load(void)
{
}
#endif
void wire_free(struct wire *w);		/* stops what is under way */
struct loop *wire_loop(const struct wire *w);

/* How an exchange ended. */
enum transfer_end {
	TRANSFER_OK,		/* the reply is complete */
	TRANSFER_DOWN,		/* refused, unreachable, host not found, reset */
	TRANSFER_TLS,
	TRANSFER_TIMEOUT,
	TRANSFER_PROXY,		/* the outbound proxy failed */
	TRANSFER_PROXY_AUTH,	/* 407 */
	TRANSFER_PROTOCOL,	/* not HTTP, header limits, too much */
	TRANSFER_BLOCKED,	/* a private address, by blockPrivate */
};

struct transfer_reply {
	int status;
	struct str content_type;	/* media type only, lower case */
	struct headers headers;		/* all lines of the final reply */
	bool early;			/* 1xx heads were skipped */
};

struct transfer_plan {
	const struct conf_server *server;	/* url, proxy, tls, timeouts */
	struct str url;			/* "": server->url */
	const char *method;		/* "POST", "GET", "DELETE", "OPTIONS" */
	const struct headers *headers;	/* all that goes out, ours only */
	struct str body;		/* POST; borrowed */
	int64_t total_ms;		/* 0: no end but idle_ms (streams) */
	int64_t connect_ms, first_byte_ms, idle_ms;
	bool stream;			/* known to be long: second handle */
	bool fresh;			/* not on a kept connection */
	bool harmless;			/* a POST that only asks: it is repeated
					 * when a kept link was closed */
	/* The final reply's head is complete (once, before any body). */
	void (*head)(void *who, const struct transfer_reply *r);
	/* Bytes; false: HOLD, the same bytes come again after resume. */
	bool (*body_in)(void *who, struct str bytes);
	/* The end; the transfer is gone when this returns. detail: for logs. */
	void (*ended)(void *who, enum transfer_end end, const char *detail);
	void *who;
};

/* NULL: the plan cannot be used (URL); nothing will be called. */
struct transfer *transfer_start(struct wire *w, struct arena *a,
	const struct transfer_plan *plan);
void transfer_resume(struct transfer *t);
void transfer_stop(struct transfer *t);		/* no callback follows */
bool transfer_sent(const struct transfer *t);	/* a byte of it went out */

#endif
