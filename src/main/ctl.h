/* SPDX-License-Identifier: MIT */
/*
 * ctl -- mcpgatectl: reads and steers the shared state from outside
 *
 * Works while every worker is busy, since it asks none of them.  The
 * configuration says where the state is, what has to be on record, and names
 * the tokens of a pool.  One that is there and cannot be loaded (a variable
 * of the service is not set) is no reason to guess: EX_CONFIG.  With --state
 * what needs no more than that works, and pools are left out.
 * Secrets: digests of tokens are made, no token is shown.
 */
#ifndef MAIN_CTL_H
#define MAIN_CTL_H

#include "base/buf.h"
#include "conf/conf.h"
#include "shm/rotor.h"

/* Options with a value that verbs share: --jti J, --for 1h, … */
enum ctl_given { CTL_JTI, CTL_ISS, CTL_USER, CTL_BEFORE, CTL_TOKEN, CTL_UNTIL,
	CTL_FOR, CTL_SUB, CTL_AUD, CTL_SCOPE, CTL_TTL, CTL_CLAIM, CTL_ALG,
	CTL_KEY, CTL_KID, CTL_SERVER, CTL_GIVEN };

#define CTL_CLAIMS 32		/* --claim may stand there so often */

struct ctl {
	const char *given[CTL_GIVEN];	/* NULL: was not given */
	const char *claims[CTL_CLAIMS];
	uint32_t n_claims;
	bool json, quiet, watch, sha256;
	const char *config, *state;	/* --config, --state, or NULL */
	uint32_t length;		/* --length, bytes */
	char **words;			/* the verb and what follows it */
	int n_words;

	struct arena *arena;
	struct segment *segment;	/* after ctl_open() */
	struct conf_gen *gen;		/* or NULL, see above */
	const char *file;		/* of it; NULL: there is none */
	struct str why_no_conf;
	bool loaded;			/* ctl_load() was called */
};

/* One line on stderr; returns code. */
int ctl_fail(int code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Prints a finished text; -q: nothing. */
int ctl_print(const struct ctl *c, struct buf *b);

/* Loads the configuration, quietly, when there is one.  False: there is one,
 * and it cannot be loaded. */
bool ctl_load(struct ctl *c);

/* Its file: --state, else by the configuration; NULL: found by rule. */
const char *ctl_state(const struct ctl *c);

/* Opens the state that the gateway uses; flags of segment_open(). */
int ctl_open(struct ctl *c, int flags);

/* The journal of revocations that the gateway reads, after ctl_open().  NULL:
 * which one that is cannot be known, see why_no_conf. */
const char *ctl_journal(const struct ctl *c);

/* Counts what was made, when there is a state to count in. */
void ctl_count(struct ctl *c, uint32_t generated, uint32_t revoked);

/* The audit record of a deed: before it (rc < 0), where audit.required
 * asks for that, and with its exit status behind it.  Not EX_OK: it must not
 * be done. */
int ctl_audit(struct ctl *c, int rc);

/* A pool as the configuration names it, bound to its cells. NULL: none. */
struct rotor *ctl_bind(struct ctl *c, const struct conf_server *s);
const struct conf_server *ctl_server(const struct ctl *c, const char *name);

/* Tables of pools, for `status` and `pool`; only: one server, or NULL. */
void ctl_put_pools(struct ctl *c, struct buf *b, const char *only);

/* The end of an entry by --until or --for; INT64_MAX when neither stands
 * there. Not EX_OK: it was told what is wrong. */
int ctl_until(const struct ctl *c, int64_t *unix_s_r);

/* One line of standard input or of a file ("-": standard input), its end cut
 * off; a terminal shows nothing.  Not EX_OK: it was told why. */
int ctl_read_secret(struct ctl *c, const char *file, const char **text_r);

/* ---- verbs: an exit code ---------------------------------------------------- */
int ctl_status(struct ctl *c);
int ctl_reload(struct ctl *c);
int ctl_metrics(struct ctl *c);
int ctl_doctor(struct ctl *c);
int ctl_pool(struct ctl *c);
int ctl_token(struct ctl *c);
int ctl_mint(struct ctl *c);
int ctl_verify(struct ctl *c);
int ctl_errors(struct ctl *c);
int ctl_secret(struct ctl *c);
int ctl_revoke(struct ctl *c);

/* "revoke jti J" is "revoke --jti J": before anything else looks. */
void ctl_revoke_words(struct ctl *c);
int ctl_sessions(struct ctl *c);
int ctl_ip(struct ctl *c);

#endif
