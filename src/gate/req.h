/* SPDX-License-Identifier: MIT */
/*
 * req -- one request on its way down the steps
 *
 * Lifetime: lies in its own arena; finish() of the pipeline ends both.
 * A step reads what the steps before it have written; who writes a field
 * stands behind it.
 */
#ifndef GATE_REQ_H
#define GATE_REQ_H

#include "base/waiter.h"
#include "gate/gate.h"
#include "gate/site.h"
#include "mcp/listing.h"
#include "mcp/rpc.h"
#include "mcp/sse.h"
#include "relay/answered.h"
#include "relay/call.h"
#include "relay/fold.h"
#include "shm/sessions.h"

/* What a step says. */
enum turn {
	NEXT,	/* go on with the next row */
	WAIT,	/* an operation has q->wait; its end comes to `back` */
	DONE,	/* answered; q->fault, when set, says what to answer */
};

typedef enum turn step_fn(struct req *q);

struct step {
	const char *name;
	step_fn *run, *back;
};

enum page { PAGE_NONE, PAGE_HEALTH, PAGE_READY, PAGE_VERSION, PAGE_METRICS,
	PAGE_WEBSOCKET, PAGE_RESOURCE, PAGE_SELF_HEADERS,
	PAGE_SELF_STREAM };

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_DELETE,
	METHOD_OPTIONS, METHOD_OTHER };

/* What its Origin makes of a request. */
enum crossing { CROSS_UNKNOWN, CROSS_NONE, CROSS_ALLOWED, CROSS_REFUSED };

/* Which replies the client takes. */
enum { ACCEPT_JSON = 1, ACCEPT_EVENTS = 2 };

/* Where forward_back() goes on. */
enum phase { PHASE_HEAD, PHASE_WHOLE, PHASE_FOLD, PHASE_FLOW, PHASE_PAUSE,
	PHASE_AGAIN };

struct req {
	struct gate *gate;
	struct arena *arena;
	struct site *site;
	const struct conf *conf;
	const struct step *step;
	struct waiter wait;
	struct timer deadline;
	struct task leaving;
	struct list live;		/* in gate->live */
	const struct fault *fault;	/* why not */

	struct inbound in;		/* pipeline: as the door gave it */
	struct outlet *out;		/* a silent one once the client left */
	bool gone, begun, ended;
	bool recorded, unrecorded;	/* record: in the audit; it failed */
	const char *violation;		/* record: of security, the first */
	uint64_t bytes;			/* of the body, handed to the outlet */

	struct str request_id;		/* route */
	enum method method;
	struct str path, query;		/* path below the mount */
	enum page page;
	struct site_server *server;	/* NULL: a page */
	bool mcp_route;			/* errors are JSON-RPC errors */
	struct str resource_path;	/* of PAGE_RESOURCE */
	struct str allow;		/* for 405 */

	enum crossing cross;		/* origin: at the first question */
	struct str origin;		/* as it was sent */
	bool preflight;

	uint32_t accept;		/* rpc: what the client takes */
	struct str client;		/* its address, for the log */
	struct conf_cidr address;	/* the same; unix_peer: it has none */
	uint32_t limit, limit_window_s;	/* rates: of the limit that refused */
	struct rates_taken *taken;	/* rates: what a later one gives back */

	uint64_t auth_began_us;		/* auth */
	const struct identity *who;
	const struct identity *refused;	/* who is known, and may not come in */
	struct str challenge;
	bool takes_basic;		/* user and password would do, too */
	const char *strategy;		/* which one decided */
	bool public_only;		/* nothing presented; publicTools */
	const struct fault *login;	/* then: what any other call gets */

	struct rpc rpc;			/* rpc: POST only */
	bool has_rpc;
	struct str sealed;		/* the session id as the client has it */
	struct str session;		/* what the upstream calls it; "" : none */
	struct session_place session_place;
	struct str version;		/* header, checked; "" : absent */

	const struct listing_rules *listing; /* policy: lists of the reply */
	const struct str *answers;	/* errors for elements of a batch */
	uint32_t n_answers;
	bool none_left;			/* a batch: all of it is denied */
	struct listing_events *events;	/* shown: those that pass */
	const struct fault *spoilt;	/* one that may not pass */

	struct call *call;		/* forward */
	struct call_sink sink;
	struct rotator_try try;
	enum phase phase;
	struct headers to_upstream;
	bool own_credential;		/* the caller's, or none: no pool */
	struct str url;
	uint64_t call_began_us, upstream_us;
	int upstream_status, status;
	struct fold fold;
	uint32_t resumed;		/* times it went on with a GET */

	bool stream;			/* counts as a stream, not as a call */
	bool counted;			/* in the caller's number of streams */
	struct sse_head head;
	struct sse_tail tail;
	struct answered *answered;	/* NULL: no answer is due */
	struct timer keep_alive;
};

/* The server that stands at a path below the mount; NULL: none. */
struct site_server *route_server(const struct site *s, struct str path);

/* Reads the envelope of a POST that is refused before its step. */
void rpc_peek(struct req *q);

/* The ids of the requests among its messages, raw. */
const struct str *req_ids(const struct req *q, uint32_t *n_r);

/* It is an initialize request, alone. */
bool req_initializes(const struct req *q);

/* Sets the fault and says DONE. */
enum turn req_fail(struct req *q, const struct fault *f);

/* The steps, in the order of the table in pipeline.c. */
step_fn route_run, access_run, auth_run, auth_back, rates_caller, rpc_run,
	rates_tools, policy_run, local_run, local_back,
	forward_run, forward_back;

/* ---- the reply (reply.c) ---------------------------------------------------- */
/* A whole reply with Content-Length; body "" for none. */
void reply_whole(struct req *q, int status, struct str type, struct str body);

/* Status and headers of a reply whose bytes follow. length < 0: unknown. */
void reply_begin(struct req *q, int status, struct str type, int64_t length);
void reply_write(struct req *q, struct str bytes);
void reply_end(struct req *q);
void reply_cut(struct req *q);

/* What the client gets for q->fault; once begun: an event, or a cut. */
void reply_fault(struct req *q);

/* ---- streams (stream.c) ------------------------------------------------------ */
/* Turns the request into a stream: headers, first comment, keep-alive. */
void stream_begin(struct req *q, int status);
void stream_write(struct req *q, struct str bytes);

/* Somebody waits for an answer on it who could not go on elsewhere. */
bool stream_owes(const struct req *q);

/* Ends it in order: for a drain, a finished upstream, a fault. */
void stream_stop(struct req *q);

/* ---- origin.c ------------------------------------------------------------------ */
/* May a page of that origin ask, by that name of ours? */
const struct fault *origin_check(struct req *q);
const struct fault *origin_host_check(struct req *q);

/* Security and cross-origin headers of the reply that is being made. */
void origin_headers(struct req *q, struct headers *h);
struct str origin_cache(const struct req *q);

/* ---- resource.c ---------------------------------------------------------------- */
void resource_ready(struct site *s, struct site_server *v);

/* True: the path is that of a metadata document; path: below the mount, or at
 * the root of the host. */
bool resource_route(struct req *q, struct str path);
bool resource_route_root(struct req *q, struct str path);
enum turn resource_answer(struct req *q);

/* q->challenge, with the place of the document where it is told. */
struct str resource_challenge(struct req *q);

/* ---- policy.c -------------------------------------------------------------------- */
/* What decides at the server of the request. */
struct allow_rules policy_rules(const struct req *q);

/* ---- shown.c: what the caller is shown --------------------------------------- */
/* Every message is allowed: what has to be looked at in the reply? */
void shown_plan(struct req *q);

/* A whole reply, whatever has to go from it; a fault: it cannot be read. */
const struct fault *shown_document(struct req *q, struct str text,
	struct str *text_r);

/* Nothing of a batch went to the upstream: only our answers, or 202. */
void shown_answers(struct req *q);

/* An event stream: its head has been sent; bytes; its end.  False, a fault:
 * an event that cannot be read. */
void shown_stream(struct req *q);
bool shown_write(struct req *q, struct str bytes);
const struct fault *shown_end(struct req *q);

/* ---- auth.c ---------------------------------------------------------------------- */
/* On a page that answers everybody: an administrator's token, or a local
 * client where none is needed, from an address of admin.allowIps. */
bool auth_is_admin(struct req *q);

/* ---- access.c, selftest.c -------------------------------------------------------- */
/* Event streams reach the client here. */
bool access_can_stream(const struct req *q);

/* What the client says it takes, whether or not it can be had here. */
uint32_t access_accept(const struct req *q);

/* Of a known caller: the type of a POST, and what Accept takes: q->accept. */
const struct fault *access_form(struct req *q);

enum turn selftest_run(struct req *q);

/* The names of the request's headers, as a JSON list. */
struct str selftest_names(struct req *q);

/* ---- resume.c ----------------------------------------------------------------- */
/* A stream that is folded ended before its answer: waits as long as the
 * upstream said, or DONE with a fault. */
enum turn resume_pause(struct req *q);

/* That is over: asks where it goes on. */
enum turn resume_ask(struct req *q);

/* The upstream has answered; it goes on. */
bool resume_goes_on(const struct req *q);
enum turn resume_fail(struct req *q, const char *why);

/* ---- outgoing.c --------------------------------------------------------------- */
/* Everything that goes to the upstream but the pool's token. */
const struct fault *outgoing_headers(struct req *q);

/* Refuses requests of the upstream that cannot reach the client. */
void outgoing_refusals(struct req *q);

/* ---- account.c ----------------------------------------------------------------- */
/* "POST", and so on; "other". */
struct str req_method_word(const struct req *q);

/* Access line and counters; called once, where the request ends. */
void account(struct req *q);

#endif
