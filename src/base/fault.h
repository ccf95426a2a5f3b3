/* SPDX-License-Identifier: MIT */
/*
 * fault -- why something was not done: one table, one return type
 *
 * NULL is success.  A fault is a kind and a private detail; the client reads
 * the sentence of the table, the log gets the detail, once, where the request
 * ends.  The rows give the enum, the reply, docs/faults.md and the test that
 * walks all kinds.  Codes of our own lie outside -32768..-32000, which the
 * protocol keeps for itself: 0 in the rpc column means "the HTTP status".
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/str.h"

/*  kind                http  rpc     reason                 what the client reads */
#define FAULTS(X)                                                             \
X(PARSE_ERROR,          400, -32700, "parse_error",                           \
	"request is not valid JSON")                                          \
X(INVALID_REQUEST,      400, -32600, "invalid_request",                       \
	"request is not a JSON-RPC message")                                  \
X(BATCH_REFUSED,        400, -32600, "invalid_request",                       \
	"batch not accepted")                                                 \
X(TWO_CREDENTIALS,      400, -32600, "invalid_request",                       \
	"credential in two places")                                           \
X(BAD_REQUEST,          400, -32600, "bad_request",                           \
	"request is malformed")                                               \
X(BAD_IDENTITY,         400, -32600, "bad_identity",                          \
	"identity header is malformed")                                       \
X(HEADER_MISMATCH,      400, -32020, "header_mismatch",                       \
	"headers and body differ")                                            \
X(VERSION_UNSUPPORTED,  400, -32022, "version_unsupported",                   \
	"protocol version is not supported")                                  \
X(CAPABILITY_MISSING,   400, -32021, "capability_missing",                    \
	"client capability is missing")                                       \
X(META_MISSING,         400, -32602, "invalid_request",                       \
	"request metadata is missing")                                        \
X(UNKNOWN_METHOD,       404, -32601, "unknown_method",                        \
	"method not found")                                                   \
X(UNKNOWN_TOOL,         200, -32602, "unknown_tool",                          \
	"Unknown tool")                                                       \
X(UNKNOWN_PROMPT,       200, -32602, "unknown_prompt",                        \
	"Unknown prompt")                                                     \
X(UNKNOWN_RESOURCE,     200, -32602, "unknown_resource",                      \
	"Resource not found")                                                 \
X(RESOURCE_NOT_FOUND,   200, -32002, "unknown_resource",                      \
	"Resource not found")                                                 \
X(UNAUTHENTICATED,      401, 0, "unauthenticated",                            \
	"authentication required")                                            \
X(INVALID_TOKEN,        401, 0, "invalid_token",                              \
	"token is not valid")                                                 \
X(TOKEN_SIGNATURE,      401, 0, "invalid_token",                              \
	"token signature is not valid")                                       \
X(TOKEN_CLAIMS,         401, 0, "invalid_token",                              \
	"token claims are not valid")                                         \
X(TOKEN_EXPIRED,        401, 0, "token_expired",                              \
	"token has expired")                                                  \
X(TOKEN_REVOKED,        401, 0, "token_revoked",                              \
	"token has been revoked")                                             \
X(NO_IDENTITY,          401, 0, "no_identity",                                \
	"proxy authentication header required")                               \
X(INSUFFICIENT_SCOPE,   403, 0, "insufficient_scope",                         \
	"scope is missing")                                                   \
X(FORBIDDEN,            403, 0, "forbidden",                                  \
	"not allowed for this user")                                          \
X(ADDRESS_DENIED,       403, -32600, "address_denied",                        \
	"address is not allowed")                                             \
X(ORIGIN_DENIED,        403, -32600, "origin_denied",                         \
	"origin is not allowed")                                              \
X(HOST_DENIED,          403, -32600, "host_denied",                           \
	"host is not allowed")                                                \
X(NOT_FOUND,            404, 0, "not_found",                                  \
	"no such endpoint")                                                   \
X(SESSION_NOT_FOUND,    404, 0, "session_not_found",                          \
	"session not found")                                                  \
X(METHOD_NOT_ALLOWED,   405, -32600, "method_not_allowed",                    \
	"method not allowed")                                                 \
X(NOT_ACCEPTABLE,       406, -32600, "not_acceptable",                        \
	"accept must list JSON and event-stream")                             \
X(UNSUPPORTED_MEDIA,    415, -32600, "unsupported_media",                     \
	"content type must be application/json")                              \
X(INPUT_TIMEOUT,        408, -32600, "input_timeout",                         \
	"request took too long")                                              \
X(TOO_LARGE,            413, -32600, "too_large",                             \
	"request is too large")                                               \
X(URI_TOO_LARGE,        414, -32600, "too_large",                             \
	"request is too large")                                               \
X(HEADERS_TOO_LARGE,    431, -32600, "too_large",                             \
	"request is too large")                                               \
X(RATE_LIMITED,         429, 0, "rate_limited",                               \
	"rate limit exceeded")                                                \
X(NO_CLIENT_ADDRESS,    500, -32603, "no_client_address",                     \
	"no client address")                                                  \
X(INTERNAL,             500, -32603, "internal",                              \
	"internal error")                                                     \
X(WEBSOCKET,            501, -32603, "websocket",                             \
	"WebSocket is not available over FastCGI; use streamable HTTP")       \
X(TOKENS_EXHAUSTED,     502, -32603, "tokens_exhausted",                      \
	"all authentication tokens failed")                                   \
X(UPSTREAM_AUTH,        502, -32603, "upstream_auth",                         \
	"upstream rejected our credentials")                                  \
X(CREDENTIAL_WITHDRAWN, 502, -32603, "credential_withdrawn",                  \
	"no usable credential")                                               \
X(PROXY_AUTH,           502, -32603, "proxy_auth",                            \
	"proxy authentication required (407)")                                \
X(PROXY_FAILED,         502, -32603, "proxy_failed",                          \
	"proxy connection failed")                                            \
X(UPSTREAM_DOWN,        502, -32603, "upstream_down",                         \
	"upstream is not reachable")                                          \
X(UPSTREAM_TLS,         502, -32603, "upstream_tls",                          \
	"TLS failed")                                                         \
X(UPSTREAM_PROTOCOL,    502, -32603, "upstream_protocol",                     \
	"reply is not usable")                                                \
X(UPSTREAM_ERROR,       502, -32603, "upstream_error",                        \
	"upstream failed")                                                    \
X(UPSTREAM_LIMITED,     429, 0, "upstream_limited",                           \
	"upstream rate limit exceeded")                                       \
X(UPSTREAM_TIMEOUT,     504, -32603, "upstream_timeout",                      \
	"upstream took too long")                                             \
X(AUTH_UNAVAILABLE,     503, -32603, "auth_unavailable",                      \
	"authentication service is not available")                            \
X(BREAKER_OPEN,         503, -32603, "breaker_open",                          \
	"upstream is resting after failures")                                 \
X(SERVER_INVALID,       503, -32603, "server_invalid",                        \
	"server is not available")                                            \
X(AUDIT_UNAVAILABLE,    503, -32603, "audit_unavailable",                     \
	"request cannot be recorded")                                         \
X(OVERLOADED,           503, -32603, "overloaded",                            \
	"too many requests")                                                  \
X(CLIENT_GONE,          499, -32603, "client_gone",                           \
	"client has gone")

enum fault_kind {
#define FAULT_ENUM(kind, http, rpc, reason, said) FAULT_##kind,
	FAULTS(FAULT_ENUM)
#undef FAULT_ENUM
	FAULT_KINDS
};

struct fault {
	enum fault_kind kind;
	const char *detail;	/* for the log only; never NULL */
	const char *said;	/* the table's sentence, or one with its number */
	struct str data;	/* more members of error.data: `"a":1,"b":2` */
	int http;		/* the table's status, or an upstream's */
	uint32_t retry_after_s;	/* 0: no Retry-After */
};

struct arena;

/* A fault in the arena; the detail is formatted into it. */
struct fault *fault_new(struct arena *a, enum fault_kind kind,
	const char *detail, ...) __attribute__((format(printf, 3, 4)));

/* The only way from one lifetime into another. */
const struct fault *fault_copy(struct arena *a, const struct fault *f);

int fault_http(enum fault_kind kind);
int fault_rpc(const struct fault *f);		/* the code, see above */
const char *fault_reason(enum fault_kind kind);
const char *fault_said(enum fault_kind kind);	/* the table's sentence */
const char *fault_name(enum fault_kind kind);	/* "PARSE_ERROR" */

/* The table as Markdown, for docs/faults.md. */
struct str fault_markdown(struct arena *a);

#endif
