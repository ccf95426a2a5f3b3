/* SPDX-License-Identifier: MIT */
/*
 * doctor -- looks at a running mount from outside, as a client does
 *
 * Lifetime: everything lies in the arena of the command.
 * Waits: each question has an end in time; the program does nothing else.
 * Secrets: an admin token goes to the mount alone, and into no text.
 */
#ifndef MAIN_DOCTOR_H
#define MAIN_DOCTOR_H

#include "http/transfer.h"
#include "http/url.h"
#include "main/ctl.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL, FINDING_SKIP };

/* Who stands in front, by its Server header. */
enum front_server { FRONT_UNKNOWN, FRONT_NGINX, FRONT_APACHE, FRONT_LIGHTTPD,
	FRONT_SERVERS };

struct finding_row {
	enum finding finding;
	const char *check;
	struct str said;
	struct str change;		/* what to do about it; "": nothing */
};

struct doctor {
	struct ctl *ctl;
	struct arena *arena;
	const struct conf *conf;	/* NULL: none could be loaded */
	struct str base;		/* the mount, no slash at its end */
	struct str origin;		/* of it: scheme, host, port */
	enum front_server front;
	struct str front_name;
	bool login;			/* it asks who is there itself */
	struct loop *loop;
	struct wire *wire;
	struct finding_row *rows;
	uint32_t n, room;
};

/* change: by server, or one for all at FRONT_UNKNOWN; NULL: none. */
void doctor_find(struct doctor *d, enum finding f, const char *check,
	struct str said, const char *const change[FRONT_SERVERS]);

/* ---- ask.c: one question -------------------------------------------------------- */
struct ask {
	const char *method;
	struct str url;
	struct str body;		/* "": none */
	struct str token;		/* of Authorization; "": none */
	const struct header *headers;	/* more of them */
	uint32_t n_headers;
};

struct ask_reply {
	int status;			/* 0: none came */
	const char *why;		/* then */
	struct headers headers;
	struct str body;		/* at most MAX_ASKED bytes */
	uint64_t first_ms, last_ms;	/* first event, end; after the request */
};

void ask(struct doctor *d, const struct ask *a, struct ask_reply *r_r);

/* The reply has those words in its body. */
bool ask_says(const struct ask_reply *r, const char *words);

/* ---- doctor_caller.c: one call to a server, by which nobody comes in ------------- */
struct doctor_headers {
	const struct header *v;
	uint32_t n;
};

/* token "": none; h NULL: no other headers than usual. */
void doctor_call(struct doctor *d, struct str name, struct str token,
	const struct doctor_headers *h, struct ask_reply *r_r);

/* No answer: says so, as a warning. */
bool doctor_silent(struct doctor *d, const char *check, struct str name,
	const struct ask_reply *r);

/* It went on to the upstream. */
bool doctor_came_in(const struct ask_reply *r);

/* ---- the checks ------------------------------------------------------------------- */
bool doctor_health(struct doctor *d);		/* false: nobody is there */
void doctor_bearer(struct doctor *d);		/* does Authorization arrive */
void doctor_forged(struct doctor *d);		/* who else comes in */
void doctor_browser(struct doctor *d);		/* streams, metadata, CORS */
void doctor_chain(struct doctor *d, struct str document); /* of our metadata */
void doctor_files(struct doctor *d);		/* what needs no network */

#endif
