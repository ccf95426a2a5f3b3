/* SPDX-License-Identifier: MIT */
/*
 * conf -- one loaded configuration, frozen
 *
 * Lifetime: a generation of its own arena; who needs it holds it
 * (conf_hold) until an arena of his own ends.  A reload makes another one.
 * Sharing: belongs to one process; only `conf/` writes.
 * Promise: defaults are filled in, inheritance is done: an options block of a
 * server says what counts for it.  Times are milliseconds, sizes bytes.
 * Secrets: struct secret.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/fault.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/spans.h"
#include "base/str.h"

/* ---- small shapes --------------------------------------------------------- */
struct conf_texts {
	const struct str *v;
	uint32_t n;
	bool set;			/* stood in the file, perhaps empty */
};

static inline bool
conf_has_text(const struct conf_texts *t, struct str s)
{
	return str_among(s, t->v, t->n);
}

/* The texts are patterns; one of them matches s. */
static inline bool
conf_has_match(const struct conf_texts *t, struct str s)
{
	return str_glob_among(s, t->v, t->n);
}

static inline bool
conf_has_match_among(const struct conf_texts *t, const struct str *texts,
	uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (conf_has_match(t, texts[i]))
			return true;
	}
	return false;
}

struct conf_pair {
	struct str name;
	struct secret value;
	bool removed;			/* null in the file */
};

struct conf_pairs {
	const struct conf_pair *v;
	uint32_t n;
};

/* An address block. IPv4 is kept as IPv4; `unix` stands for a unix peer. */
struct conf_cidr {
	uint8_t addr[16];
	uint8_t bits;
	bool v6, unix_peer;
	int64_t until_unix_s;		/* 0: for ever */
	struct str text;
};

struct conf_cidrs {
	const struct conf_cidr *v;
	uint32_t n;
	bool set;
	bool has_unix;			/* the word unix: is among them */
	const struct spans *spans;	/* of v; NULL: v itself is looked at */
};

/* ---- who may come in: options.inboundAuth --------------------------------- */
enum strategy { STRATEGY_NONE, STRATEGY_LOCAL, STRATEGY_TOKEN,
	STRATEGY_APIKEY, STRATEGY_JWT, STRATEGY_INTROSPECTION, STRATEGY_PROXY,
	STRATEGY_LUA, STRATEGY_JS, STRATEGIES };

/* One static credential: a value or the SHA-256 of one. */
struct conf_key {
	struct str name;		/* "" : its number from 0 counts */
	struct secret value;		/* empty when only the digest is known */
	uint8_t sha256[32];		/* of the value, always filled */
	struct conf_texts scopes;
	int64_t expires_unix_s;		/* 0: never */
};

struct conf_keys {
	const struct conf_key *v;
	uint32_t n;
	bool set;
};

struct conf_jwt {
	struct conf_texts issuer, audience, algorithms;
	struct conf_texts identity_claim, groups_claim, scope_claim;
	struct str jwks_url, jwks_file, public_key_file;
	struct str keys_text;		/* what the file held at load */
	struct secret secret;
	int64_t leeway_s, max_age_s;	/* 0: off */
	int64_t max_stale_s;		/* 0: until they are fetched again */
	bool require_exp, require_jti, allow_nonce, allow_insecure;
	struct str require_typ;
	struct conf_pairs claims;	/* name -> value; repeated names: any */
	struct conf_pairs asked;	/* all that rules of policy name */
	struct str header, prefix;	/* "" : those of inboundAuth */
	bool prefix_set;
	struct str profile, backend;	/* "default"; "auto" "libjwt" "openssl" */
	struct conf_texts jwks_hosts;
	struct str signer, region;
};

/* RFC 7662. */
enum introspection_login { LOGIN_BASIC, LOGIN_POST, LOGIN_BEARER };

struct conf_introspection {
	struct str endpoint, issuer;	/* one of them; issuer: discovery */
	struct str client_id;
	struct secret client_secret;
	enum introspection_login login;
	struct conf_texts audience;
	int64_t cache_s, negative_s;	/* 0: not kept */
	int64_t timeout_ms;
};

struct conf_proxy_identity {
	struct str preset;		/* of a known proxy; "none" */
	struct str user_header, param, email_header, groups_header;
	struct str groups_separator, format, claim, peer_param;
	struct conf_cidrs trusted_peers;
	struct str secret_header;
	struct secret secret;
};

struct conf_inbound {
	enum strategy strategies[STRATEGIES];
	uint32_t n_strategies;		/* >= 1 after load */
	bool set;			/* something was configured */
	struct str header, prefix, realm;
	bool allow_bare_token, allow_query_token;
	struct conf_texts required_scopes;
	struct conf_texts allow_users, deny_users, allow_groups;
	struct conf_texts public_tools;
	int64_t verdict_ttl_ms;
	uint32_t failures_per_minute, failures_burst;
	int advertise;			/* -1: auto */
	struct conf_keys tokens;
	struct str token_header, token_prefix;	/* "" : those above */
	bool token_prefix_set;
	struct str apikey_header;
	struct conf_keys apikeys;
	struct conf_jwt jwt;
	struct conf_introspection introspection;
	struct conf_proxy_identity proxy;
};

static inline bool
conf_has_strategy(const struct conf_inbound *in, enum strategy which)
{
	for (uint32_t i = 0; i < in->n_strategies; i++) {
		if (in->strategies[i] == which)
			return true;
	}
	return false;
}

/* ---- which credential goes along: options.auth ----------------------------- */
enum rotation { ROTATION_NONE, ROTATION_ROUND_ROBIN, ROTATION_ON_FIRST_FAILED,
	ROTATION_LEAST_USED, ROTATION_RANDOM };
enum sticky { STICKY_NONE, STICKY_SESSION, STICKY_PRINCIPAL };

struct conf_token {
	struct secret value;
	uint8_t sha256[32];		/* of the value */
	struct str name;
	uint32_t weight;		/* 1..100 */
	bool disabled;
	uint32_t per_minute, per_day;	/* 0: no quota */
};

struct conf_pool {
	const struct conf_token *v;	/* empty strings are left out already */
	uint32_t n;			/* 0: no pool */
	uint32_t n_enabled;
	enum rotation mode;
	uint32_t max_retries;		/* total attempts, >= 1 */
	bool retry_in_request, skip_failed, prefer_primary;
	bool session_404;		/* sessionFailover "404" */
	uint16_t rotate_on[4];		/* of 401 402 403 429; 0 ends */
	int64_t cooldown_ms, cooldown_max_ms, retry_after_max_ms;
	enum sticky sticky;
	struct str header, prefix, query;	/* query "": header */
	bool from_auth_tokens;		/* mapped from authTokens (outbound) */
};

/* ---- the way to the upstream ------------------------------------------------ */
struct conf_outproxy {
	struct str url;			/* without userinfo; "": direct */
	struct str username;
	struct secret password;
	bool has_auth;
	struct str noproxy;		/* comma list for libcurl */
	bool use_env;			/* url and noproxy come from it then */
};

struct conf_tls {
	struct str ca_file, cert_file, key_file, server_name;
	bool insecure_skip_verify;
	int min_version, max_version;	/* 10 11 12 13; 0: library */
	struct str ciphers12, ciphers13;	/* colon lists, "" : library */
};

struct conf_timeouts {
	int64_t connect_ms, first_byte_ms, idle_ms;
	struct conf_pairs tools;	/* glob -> unused value */
	const int64_t *tools_ms;	/* same index as tools.v */
};

struct conf_passthrough {
	bool enabled, overwrite_base, reject_bad;
	struct conf_texts headers;
	struct conf_pairs rename;
	int upstream_authorization;	/* 1 auto, 0 off */
};

/* ---- what is let in: options.security ------------------------------------------ */
/* 0: no such limit. Minute: GCRA with a burst; hour, day: fixed windows. */
struct conf_rate {
	uint32_t per_minute, per_hour, per_day;
	uint32_t burst;			/* filled in: >= 1 with per_minute */
};

enum rate_key { RATE_CALLER, RATE_IP, RATE_SERVER };

struct conf_tool_rate {
	struct str tools;		/* pattern */
	struct conf_rate rate;
	enum rate_key key;
};

enum rate_headers { RATE_HEADERS_BOTH, RATE_HEADERS_DRAFT,
	RATE_HEADERS_LEGACY, RATE_HEADERS_NONE };

struct conf_rates {
	struct conf_rate server, ip, caller;
	const struct conf_tool_rate *tools;
	uint32_t n_tools;
	enum rate_headers headers;
};

struct conf_cors {
	bool enabled, credentials;
	struct conf_texts origins, methods, headers, exposed;
	int64_t max_age_s;
};

enum header_preset { HEADERS_STANDARD, HEADERS_MINIMAL, HEADERS_OFF };

struct conf_security {
	struct conf_cidrs ip_deny;	/* of the gateway and of the server */
	struct conf_cidrs ip_allow;	/* .set and empty: nobody */
	struct conf_rates rates;
	struct conf_cors cors;
	bool origin_check;
	enum header_preset preset;
	struct conf_pairs headers;	/* .removed: not sent */
};

/* ---- what a caller may do: toolFilter, policy ----------------------------------- */
struct conf_filter {
	bool set, allow;		/* allow list, else block list */
	struct conf_texts list;
};

struct conf_rule {
	bool allow;
	/* not set: any. Lists of targets are alternatives. */
	struct conf_texts tools, prompts, resources, methods;
	struct conf_texts users, groups;
	struct conf_texts scopes;	/* all needed */
	struct conf_pairs claims;	/* as conf_jwt.claims */
};

struct conf_policy {
	const struct conf_rule *v;
	uint32_t n;
	bool set;			/* rules exist: what none matches is denied */
};

/* ---- options: all that inherits --------------------------------------------- */
enum error_style { STYLE_HTTP, STYLE_RPC, STYLE_TOOL };

struct conf_options {
	bool disabled, panic_if_invalid, log_enabled, block_private;
	enum error_style error_style;
	struct conf_inbound inbound;
	struct conf_pool pool;
	struct conf_outproxy proxy;
	struct conf_tls tls;
	struct conf_timeouts timeouts;
	struct conf_passthrough passthrough;
	struct conf_security security;
	struct conf_filter filter;	/* toolFilter of the server itself */
	struct conf_filter filter_base;	/* the gateway's, with inherit */
	struct conf_policy policy;
	struct conf_texts no_credential_tools;
	bool check_headers;		/* protocol.checkHeaders */
	struct conf_texts versions;	/* protocol.versions; empty: all */
	int64_t session_idle_ms, session_life_ms;
	uint32_t sessions_per_caller;
};

/* ---- servers and the gateway -------------------------------------------------- */
enum transport { TRANSPORT_AUTO, TRANSPORT_STREAMABLE, TRANSPORT_SSE,
	TRANSPORT_STDIO, TRANSPORT_OPENAPI };

struct conf_server {
	struct str name;
	uint32_t index;
	enum transport transport;
	struct str url;
	struct str origin;		/* "https://host:port", lower case */
	struct conf_pairs headers;
	int64_t timeout_ms;
	struct conf_options options;
	struct str invalid;		/* why it answers 503; "" : usable */
};

struct conf_limits {
	uint64_t request_body, reply_body, token;
	uint32_t json_depth, batch, in_flight, streams, streams_per_caller;
	int64_t input_ms, request_ms;
};

/* ---- the audit record ------------------------------------------------------------ */
enum { AUDIT_AUTH = 1, AUDIT_CALL = 2, AUDIT_ADMIN = 4, AUDIT_SECURITY = 8 };
enum audit_kind { AUDIT_JSON, AUDIT_SYSLOG, AUDIT_DATABASE };

struct conf_sink {
	enum audit_kind kind;
	struct str path;		/* AUDIT_JSON: file, or "stderr" */
	int facility;			/* of syslog(3) */
	struct str ident;
};

struct conf_audit {
	bool enabled, required;
	uint32_t events;		/* bits above */
	const struct conf_sink *v;
	uint32_t n;
};

enum streaming { STREAMING_AUTO, STREAMING_ON, STREAMING_OFF };

struct conf {
	uint32_t generation;
	struct str file;		/* path as it was found */
	uint64_t fingerprint;		/* of the file and what it took in */

	struct str base_url, mount;	/* mount "" : root; no slash at the end */
	bool mount_known;		/* else SCRIPT_NAME says */
	struct conf_texts allowed_hosts; /* beside that of base_url; "*": all */
	struct str listen, addr, name, version;
	uint32_t socket_mode, workers;
	bool env_overrides;
	int64_t startup_grace_ms, drain_ms, keep_alive_ms;
	struct conf_cidrs trusted_proxies;
	struct conf_texts client_ip_headers;
	struct str peer_param;
	const struct secret *secret_keys;
	uint32_t n_secret_keys;
	enum streaming streaming;
	struct conf_limits limits;
	struct conf_rate rate;		/* of all servers together */
	struct str store_path;		/* "" : found by rule */
	struct str ca_file;		/* SSL_CERT_FILE; "" : the system's */
	struct log_plan log;
	bool log_hash_principals;
	bool metrics_enabled, metrics_user_label, metrics_tool_label;
	struct conf_cidrs metrics_ips;
	struct conf_keys metrics_tokens;
	bool admin_enabled, admin_auth_required;
	struct conf_keys admin_tokens;
	struct str admin_user;		/* "" : no user and password */
	struct secret admin_password;
	struct conf_cidrs admin_ips;
	struct conf_audit audit;
	struct conf_options options;	/* defaults of all servers */

	const struct conf_server *servers;	/* disabled ones too */
	uint32_t n_servers;
};

/* ---- loading ----------------------------------------------------------------- */
enum conf_level { CONF_ERROR, CONF_WARNING, CONF_NOTE };

/* `FILE:LINE:COL: PATH: text`, as it is printed; id is "E01", "W03". */
struct conf_message {
	enum conf_level level;
	const char *id;
	struct str text;
};

struct conf_messages {
	const struct conf_message *v;
	uint32_t n;
	uint32_t errors;
};

struct conf_source {
	const char *file;
	bool env_overrides;	/* environment may override (never in plain CGI) */
	bool env_proxy;		/* HTTP_PROXY and friends may be read */
	bool check_only;	/* --check-config: an engine that is not there
				 * is an error */
	/* Why a rule cannot be used (its keys), "" when it can; NULL: not asked
	 * here.  What it makes lies in the arena, for the time of the call. */
	struct str (*judge)(const struct conf *c,
		const struct conf_inbound *in, struct arena *a);
};

struct conf_gen;		/* one generation: tree, holders, arena */

/* Loads a file.  NULL: messages_r (in `a`) says why; warnings are there on
 * success too.  The new generation has one holder: the caller. */
struct conf_gen *conf_load(const struct conf_source *src, struct arena *a,
	struct conf_messages *messages_r);

const struct conf *conf_tree(const struct conf_gen *g);

/* Holds the generation until the arena ends. */
const struct conf *conf_hold(struct conf_gen *g, struct arena *until);
void conf_release(struct conf_gen *g);

/* True when the file's mtime, inode or size differ from what was loaded. */
bool conf_changed(const struct conf_gen *g);

/* A number that changes with a file; 0: it is not there.  Who remembers that
 * of a refused one does not load it again and again. */
uint64_t conf_stamp(const char *path);
#define CONF_REFUSED_MS 10000	/* it is, so late: what it takes in may be
				 * good now */

/* Where a JWT lies by jwt.header, else by its profile; "": where all bearer
 * tokens do. */
struct str conf_jwt_header(const struct conf_jwt *j);

/* baseURL without a slash at its end; "": it is not set. */
struct str conf_base(const struct conf *c);

/* The file of the shared state; NULL: the one that segment_open() finds. */
const char *conf_state(const struct conf *c);

/* The first there is of: option, MCPGATE_CONFIG, home, sysconfdir; NULL:
 * there is none. */
const char *conf_find(const char *option, struct arena *a);

/* Effective configuration as JSON, secrets "***"; schema; key reference. */
struct str conf_dump(const struct conf_gen *g, struct arena *a);
struct str conf_schema(struct arena *a);
struct str conf_options_markdown(struct arena *a);

/* ---- address blocks: one parser for all (strict, no names) -------------------- */
bool conf_cidr_parse(struct str text, struct conf_cidr *c_r);

/* text, that c was made of, has bits behind its prefix that do not count. */
bool conf_cidr_masked(struct str text, const struct conf_cidr *c);

/* text: an address as REMOTE_ADDR has it; false when it is not one. */
bool conf_addr_parse(struct str text, struct conf_cidr *c_r);

/* As people write it; a block with its length, an address without. */
#define CONF_ADDR_TEXT 52		/* bytes, NUL included */
struct str conf_addr_text(const struct conf_cidr *c,
	char room_r[CONF_ADDR_TEXT]);

/* addr: one address, not a block. */
bool conf_cidr_has(const struct conf_cidrs *list, const struct conf_cidr *addr,
	int64_t now_unix_s);
bool conf_addr_loopback(const struct conf_cidr *addr);

#endif
