/* SPDX-License-Identifier: MIT */
/*
 * keyfetch -- gets key sets, once for all processes, and keeps them fresh
 *
 * Lifetime: one per worker, for all generations.  What a source says is
 * copied when it is seen first.
 * Sharing: who fetches is decided by shm/keysets; who does not, looks every
 * 20 ms whether the other one is done.
 * Waits: in waiters of requests, at most 5 s; they are always woken without a
 * fault: what there is then is judged.
 * Errors: a failed fetch is told once, by who made it; the old set stays.
 */
#ifndef AUTH_KEYFETCH_H
#define AUTH_KEYFETCH_H

#include "auth/auth.h"
#include "base/waiter.h"
#include "http/transfer.h"
#include "shm/keysets.h"

/* What lies at the other end. */
enum key_kind {
	KEY_SET,		/* a key set at url */
	KEY_DISCOVERED,		/* url is an issuer that says where its set is */
	KEY_PEM,		/* one PEM per kid, at url followed by the kid */
};

/* Where keys come from; of a policy. */
struct key_place {
	enum key_kind kind;
	uint8_t name[KEYSET_NAME];	/* digest of all that is below */
	struct str url;
	const struct conf_outproxy *proxy;
	struct str ca_file;		/* "" : the system's */
	const struct conf_texts *hosts;	/* KEY_DISCOVERED: of the set */
	uint64_t stale_us;		/* not in the name: changes nothing there */
};

struct keyfetch;

/* The part of auth_remote that fetches keys (remote.c). */
struct keyfetch *auth_remote_keys(struct auth_remote *r);

/* segment NULL: sets are this worker's alone. */
struct keyfetch *keyfetch_new(struct loop *l, struct wire *w,
	struct segment *s);
void keyfetch_free(struct keyfetch *f);		/* stops what is under way */

/* The set of that place, now in use.  False: no slot just now. */
bool keyfetch_set(struct keyfetch *f, const struct key_place *p,
	struct keyset *k_r);

/* What somebody lacks. */
struct key_wish {
	const struct key_place *place;
	struct str kid;			/* of the token; p == NULL: none */
	bool missing;			/* in a set that is there */
};

/* Starts or joins the fetch.  Fault: too many wait. */
const struct fault *keyfetch_wait(struct keyfetch *f,
	const struct key_wish *k, struct waiter *w);

/* Once a second: sets in use are fetched again before they are old. */
void keyfetch_tick(struct keyfetch *f);

#endif
