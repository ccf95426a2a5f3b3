/* SPDX-License-Identifier: MIT */
/*
 * load -- one load under way, as the files of this room share it
 *
 * The order is that of gen.c: the text becomes a tree (tree), every value of
 * the tree is read by its row (load, value, expand), the environment changes
 * it (env), each server gets the blocks that count for it (inherit), they are
 * copied into the frozen structs (fill, keys, pool), and the rules between
 * fields have their say (check, check_auth, lacks).
 * Errors: go into the report; nothing stops at the first one.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "base/arena.h"
#include "conf/conf.h"
#include "conf/report.h"
#include "conf/schema.h"
#include "conf/tree.h"
#include "conf/units.h"

/* A file that was read, and how it looked then. */
struct seen_file {
	const char *path;
	int64_t mtime_ns, size;
	uint64_t inode;
};

#define MAX_SEEN 64		/* files watched for changes; more are not */

/* A list of addresses that many servers inherit is read and looked at once. */
struct read_list {
	const struct node *node;	/* NULL: none */
	struct conf_cidrs c;
	bool checked;
};

#define READ_LISTS 4		/* the gateway's two, and those of a server */

struct loading {
	struct arena *arena;		/* of the generation */
	struct report *report;
	const struct conf_source *src;
	struct tree_file *file;
	struct node *root;
	struct seen_file *seen;
	uint32_t n_seen;
	uint64_t fingerprint;
	bool weak;			/* mcpProxy.allowWeakSecrets */
	bool quiet;			/* a disabled server: names only */
	bool proxy_alone;		/* the environment wants nobody else */
	struct conf *conf;
	struct conf_server *servers;
	struct node **server_nodes;	/* as written */
	struct node **server_options;	/* what counts, merged */
	struct node *gate_options;	/* the same for the gateway */
	struct read_list lists[READ_LISTS];
	uint32_t n_lists;		/* read so far; the oldest goes */
};

/* ---- load.c ---------------------------------------------------------------- */
/* Reads everything below the node by the rows of scope. */
void load_block(struct loading *l, struct node *block, const char *scope);
void load_value(struct loading *l, struct node *n, const struct row *r);

/* ---- value.c --------------------------------------------------------------- */
/* Reads one plain value; false: it was told, or it is not one. */
bool value_read(struct loading *l, struct node *n, const struct row *r);

/* The node is of another type than its row says: told; false. */
bool value_wrong_type(struct loading *l, struct node *n, const struct row *r);

bool value_header_name(struct str name);

/* W21, when bits of the entry n do not count; c was made of it. */
void value_tell_masked(struct loading *l, const struct node *n,
	const struct conf_cidr *c);
bool value_visible(struct str text);		/* 0x21 to 0x7E, not empty */

/* The default of a row, read by the same rules; NULL: it has none. */
struct node *value_preset(struct loading *l, const struct row *r,
	const struct node *at);

/* ---- expand.c -------------------------------------------------------------- */
/* Expands n->text in place. secret: what it names may not be public. */
bool expand_node(struct loading *l, struct node *n, bool secret);

/* True when raw holds something else than references. */
bool expand_literal(struct str raw);

/* ---- fill.c ---------------------------------------------------------------- */
/* Copies all rows of a scope (and below) from block into the struct. */
void fill_rows(struct loading *l, const char *scope, const struct node *block,
	void *into);
struct conf_texts fill_texts(struct loading *l, const struct node *list);
struct conf_pairs fill_pairs(struct loading *l, const struct node *map);
struct conf_cidrs fill_cidrs(struct loading *l, const struct node *list);

/* False at the second time for the same list. */
bool fill_first_look(struct loading *l, const struct node *list);

/* ---- fill_access.c --------------------------------------------------------- */
void access_fill(struct loading *l, struct conf_options *o,
	const struct node *options);
void audit_fill(struct loading *l, struct conf_audit *a);
/* A burst that nobody has written. */
void rate_fill(struct conf_rate *r);

/* ---- keys.c ---------------------------------------------------------------- */
struct conf_keys keys_read(struct loading *l, const struct node *list);
struct conf_keys keys_of_rule(struct loading *l, const struct node *block);
bool keys_published(struct str value);		/* a sample of some paper */
void keys_check(struct loading *l, const struct node *list);

/* ---- pool.c ---------------------------------------------------------------- */
void pool_fill(struct loading *l, struct conf_server *s,
	const struct node *options);

/* Where authTokens of a server go: C1. */
enum direction { DIRECTION_NONE, DIRECTION_INBOUND, DIRECTION_OUTBOUND };
enum direction pool_direction(const struct node *gate_options,
	const struct node *server);

/* An auth block that holds the list of authTokens. */
struct node *pool_of_tokens(struct loading *l, struct node *list);

/* ---- inherit.c ------------------------------------------------------------- */
/* What servers inherit from mcpProxy.options (written: as it stands there,
 * or NULL); inherit_gate() is the rule of the gateway's own routes. */
struct node *inherit_base(struct loading *l, struct node *written);
struct node *inherit_gate(struct loading *l, struct node *written,
	struct node *base);

/* The options that count for a server. */
struct node *inherit_options(struct loading *l, struct node *written,
	struct node *base, struct node *server);

/* The strategies of an inboundAuth block (NULL: none is there): as written,
 * else those whose blocks are there, else local. Returns how many. */
uint32_t inherit_strategies(const struct node *inbound,
	enum strategy list_r[STRATEGIES]);

/* ---- env.c ----------------------------------------------------------------- */
void env_apply(struct loading *l);

/* ---- check*.c, lacks.c ------------------------------------------------------ */
void check_gate(struct loading *l);
void check_server(struct loading *l, uint32_t i);
void check_inbound(struct loading *l, struct conf_inbound *in,
	const struct node *options, struct conf_server *s,
	const struct node *at);
void check_crossings(struct loading *l);

/* ---- check_security.c ------------------------------------------------------- */
void check_security(struct loading *l, const struct node *options);

/* Rules of options.policy; check_policy.c. */
void check_policy(struct loading *l, const struct node *options);

/* A map of claims, of a rule or of jwt; NULL: there is none. */
void check_claims(struct loading *l, const struct node *claims);
void check_hosts(struct loading *l);

/* ---- resource.c ------------------------------------------------------------- */
/* True when tokens without a configured audience must name the server's URL. */
bool resource_default(const struct conf *c, const struct conf_inbound *in);
void resource_fill(struct loading *l);

/* What this build cannot do closes the server. */
void lacks_check(struct loading *l, uint32_t i);
void lacks_gate(struct loading *l);

/* True when the node stands in mcpProxy. */
bool from_gateway(const struct node *n);

/* The server cannot be used: an error when the fault lies in mcpProxy or the
 * server has panicIfInvalid, else a warning, and the server answers 503. */
void server_unusable(struct loading *l, struct conf_server *s, const char *id,
	const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* ---- outproxy.c ------------------------------------------------------------ */
void outproxy_fill(struct loading *l, struct conf_server *s,
	const struct node *options);

/* ---- file.c ---------------------------------------------------------------- */
enum file_rules { FILE_CONFIG, FILE_PUBLIC, FILE_SECRET };

struct file_text {
	struct str text;
	uint32_t mode;
};

/* Reads a whole file. false: why_r says why not. */
bool file_read(struct loading *l, const char *path, size_t max,
	enum file_rules rules, struct file_text *text_r, const char **why_r);

/* Mixes what was taken in into the fingerprint. */
void file_mix(struct loading *l, struct str text);

#endif
