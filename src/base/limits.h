/* SPDX-License-Identifier: MIT */
/*
 * limits -- every maximum, with its unit and its reason
 *
 * Rows marked "key" are defaults or ceilings of a configuration key; the
 * others are fixed.  docs/limits.md says which test stands at each of them.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB(n) ((n) * 1024u)
#define MIB(n) ((n) * 1024u * 1024u)

/* ---- what a web server sends us ---------------------------------------- */
#define MAX_PARAMS	KIB(64)	/* bytes of one request's variables; lighttpd's own ceiling */
#define MAX_PAIRS	512	/* variables of one request; servers send about 30 */
#define MAX_HTTP_HEADERS 100	/* client headers; what common gateways take */
#define MAX_HEADER_VALUE 16400	/* bytes; the largest token plus its scheme; more if limits.token is */
#define MAX_URI		4096	/* bytes; our paths are short */
#define MAX_METHOD	16	/* bytes; longer than any of HTTP */
#define MAX_DROPPED	MIB(64)	/* bytes read on after a refusal, then closed */
#define MAX_READING	MIB(256) /* bytes in all reading buffers of a worker */
#define MAX_EARLY	KIB(64)	/* bytes kept that came before their turn */
#define MAX_MANAGEMENT	8	/* FastCGI management records per connection */
#define MAX_QUEUED	KIB(64)	/* reply bytes waiting: pause the upstream */
#define LOW_QUEUED	KIB(16)	/* resume it */
#define WRITE_STALL_MS	60000	/* a client that takes nothing for so long is gone */
#define IDLE_KEPT_MS	90000	/* kept connection; longer than nginx keeps it (60 s) */
#define BODY_DEFAULT	MIB(4)	/* key limits.requestBody */
#define BODY_CEILING	MIB(64)	/* decoding blocks the loop 25 ms for 64 MiB */

/* ---- request ------------------------------------------------------------- */
#define MAX_ARENA	MIB(16)	/* bytes beside the body: envelope, heads, lists */
#define MAX_JSON_DEPTH	128	/* key limits.jsonDepth */
#define MAX_JSON_VALUES	50000	/* json-c takes up to 792 bytes for each */
#define MAX_REPLY_VALUES 200000	/* of a reply that is read; lists are long */
#define MAX_JSON_NAMES	10000	/* names in one object; kept in a hash table */
#define MAX_BATCH	50	/* key limits.batch */
#define MAX_REQUEST_ID	128	/* bytes of X-Request-Id we believe */
#define MAX_EVENT_ID	256	/* bytes of an event id we resume a stream from */
#define MAX_RESUMES	8	/* times one folded stream is resumed */
#define MAX_RPC_ID	256	/* bytes of a JSON-RPC id we repeat */
#define MAX_ERROR_REPLY	KIB(8)	/* bytes; fixed sentences and a few numbers */

/* ---- who is calling ------------------------------------------------------ */
#define MAX_TOKEN	32768	/* bytes; ceiling of limits.token; libjwt 1.x uses alloca */
#define TOKEN_DEFAULT	16384	/* bytes; web servers cap headers at 8 to 16 KiB */
#define MAX_JOSE_HEADER	8192	/* bytes decoded; room for an ignored certificate */
#define MAX_CLAIMS	12288	/* bytes decoded */
#define MAX_KID		256	/* bytes; compared and logged */
#define MAX_IDENTITY	256	/* bytes of a user name or group; slots in shm */
#define MAX_GROUPS	64	/* groups or scopes of one caller */
#define MAX_KEYS	64	/* usable keys of one set */
#define MAX_KEY_SET	MIB(1)	/* bytes of a JWKS document */
#define MAX_METADATA	KIB(64)	/* bytes of what an issuer says about itself */
#define MAX_KEY_WAITERS	256	/* requests that wait for one key set, in one worker */
#define MAX_KEY_TRIES	8	/* keys tried for a token without kid */
#define MAX_STATIC_TOKENS 1024	/* entries; compared one by one, 32 B each */
#define MAX_ANSWER	KIB(64)	/* bytes of an introspection answer */
#define MAX_QUESTIONS	256	/* tokens that one worker asks about at a time */
#define MAX_ASKERS	256	/* requests that wait for one answer */
#define MAX_FORWARDED	32	/* elements of X-Forwarded-For */
#define MAX_ADDRESSES	65536	/* entries of ipDeny or ipAllow; found by halving */
#define MAX_ORIGIN	512	/* bytes of an Origin header or of an entry */
#define MAX_ORIGINS	256	/* entries of cors.allowedOrigins; compared one by one */
#define MAX_ASKED_HEADERS 32	/* Mcp-Param-* names that a preflight may ask for */

/* ---- the pool ------------------------------------------------------------ */
#define MAX_POOL_TOKENS	256	/* tokens of one upstream */
#define MAX_CREDENTIAL	8192	/* bytes of one outbound credential */

/* ---- the upstream -------------------------------------------------------- */
#define MAX_REPLY_HEADERS 16384	/* bytes; nginx takes 4 to 16 KiB from us */
#define MAX_REPLY_LINES	100	/* header lines of a reply */
#define REPLY_DEFAULT	MIB(8)	/* key limits.replyBody: replies we must understand */
#define MAX_SESSION_ID	1024	/* bytes of an upstream session id */
#define MAX_SEALED_ID	1600	/* bytes of a session id of ours: sealed, in base64url */
#define MAX_CALL_CONNECTS 256	/* idle upstream connections kept per worker */
#define MIN_ATTEMPT_MS	100	/* time left below which no other attempt starts */

/* ---- files and lines ------------------------------------------------------ */
#define MAX_CONFIG	MIB(4)	/* bytes of one configuration file */
#define MAX_JOURNAL	MIB(32)	/* bytes of revocations on disk; 65536 take 8 MiB */
#define MAX_CONFIG_DEPTH 32
#define MAX_CONFIG_VALUES 100000
#define MAX_SERVERS	256	/* entries of mcpServers */
#define MAX_FREE_HEAP	MIB(2)	/* kept at the end of the heap between bursts of calls */
#define MAX_LOG_FIELD	1024	/* bytes */
#define MAX_LOG_LINE	4096	/* bytes; one atomic append */

#endif
