/* SPDX-License-Identifier: MIT */
/*
 * family -- the metrics that there are: name, kind, help
 */
#ifndef WATCH_FAMILY_H
#define WATCH_FAMILY_H

#include "base/str.h"

enum family_kind { FAMILY_COUNTER, FAMILY_GAUGE, FAMILY_HISTOGRAM };

#define FAMILIES(X)                                                            \
X(AUTH_ATTEMPTS, COUNTER, "mcp_auth_attempts_total",                           \
	"Callers that were judged.")                                           \
X(AUTH_SUCCESS, COUNTER, "mcp_auth_success_total",                             \
	"Callers that were accepted.")                                         \
X(AUTH_FAILURES, COUNTER, "mcp_auth_failures_total",                           \
	"Callers that were refused, by reason.")                               \
X(PROXY_HEADER_MISSING, COUNTER, "mcp_proxy_header_missing",                   \
	"Requests without a usable identity header where one was expected.")   \
X(AUTH_LATENCY, HISTOGRAM, "mcp_auth_latency_seconds",                         \
	"How long judging a caller took.")                                     \
X(AUTHENTICATED, COUNTER, "mcp_authenticated_requests_total",                  \
	"Requests of authenticated callers.")                                  \
X(REQUESTS, COUNTER, "mcpgate_requests_total",                                 \
	"Requests that have ended.")                                           \
X(REQUEST_DURATION, HISTOGRAM, "mcpgate_request_duration_seconds",             \
	"From the first byte to the end, streams left out.")                   \
X(TOOL_CALLS, COUNTER, "mcpgate_tool_calls_total",                             \
	"Tool calls.")                                                         \
X(TOOL_ERRORS, COUNTER, "mcpgate_tool_errors_total",                           \
	"Tool calls that failed.")                                             \
X(UPSTREAM_DURATION, HISTOGRAM, "mcpgate_upstream_duration_seconds",           \
	"How long upstreams took.")                                            \
X(UPSTREAM_ERRORS, COUNTER, "mcpgate_upstream_errors_total",                   \
	"Requests that failed at the upstream, by reason.")                    \
X(TOKEN_USES, COUNTER, "mcpgate_token_uses_total",                             \
	"Attempts with a token of a pool, by index and upstream status.")      \
X(TOKEN_FAILURES, COUNTER, "mcpgate_token_failures_total",                     \
	"Attempts that counted against the token.")                            \
X(TOKEN_ROTATIONS, COUNTER, "mcpgate_token_rotations_total",                   \
	"Changes to another token within one request.")                        \
X(TOKENS_EXHAUSTED, COUNTER, "mcpgate_tokens_exhausted_total",                 \
	"Requests for which every token failed.")                              \
X(RATE_LIMITED, COUNTER, "mcpgate_rate_limited_total",                         \
	"Requests above a limit, by what it counts.")                          \
X(IP_BLOCKED, COUNTER, "mcpgate_ip_blocked_total",                             \
	"Requests from addresses that are banned or not in a list.")           \
X(TABLE_FULL, COUNTER, "mcpgate_ratelimit_table_full_total",                   \
	"Limits that could not be counted for want of room.")                  \
X(VIOLATIONS, COUNTER, "mcpgate_security_violations_total",                    \
	"Refusals that point to an attack or a broken set-up.")                \
X(LAST_VIOLATION, GAUGE, "mcpgate_last_violation_timestamp_seconds",           \
	"When there was the last of these.")                                   \
X(TOKENS_GENERATED, COUNTER, "mcpgate_tokens_generated_total",                 \
	"Tokens that mcpgatectl made.")                                        \
X(TOKENS_REVOKED, COUNTER, "mcpgate_tokens_revoked_total",                     \
	"Revocations that mcpgatectl made.")                                   \
X(CACHE_HITS, COUNTER, "mcpgate_cache_hits_total",                             \
	"Answers that were there already.")                                    \
X(CACHE_MISSES, COUNTER, "mcpgate_cache_misses_total",                         \
	"Answers that had to be worked out.")                                  \
X(AUDIT_DROPPED, COUNTER, "mcpgate_audit_dropped_total",                       \
	"Audit records that could not be written.")                            \
X(STORE_ERRORS, COUNTER, "mcpgate_store_errors_total",                         \
	"Shared state that could not be read or written.")                     \
X(RELOADS, COUNTER, "mcpgate_config_reloads_total",                            \
	"Reloads, counted by each worker.")                                    \
X(OVERFLOW, COUNTER, "mcpgate_series_overflow_total",                          \
	"Counts that found no room in the table of series.")                   \
X(TOKEN_STATE, GAUGE, "mcpgate_token_state",                                   \
	"1 for the state that a token is in.")                                 \
X(TOKEN_COOLDOWN, GAUGE, "mcpgate_token_cooldown_seconds",                     \
	"Seconds until a cooling token is used again.")                        \
X(SESSIONS, GAUGE, "mcpgate_sessions",                                         \
	"Sessions of clients that are alive.")                                 \
X(IN_FLIGHT, GAUGE, "mcpgate_in_flight",                                       \
	"Calls under way.")                                                    \
X(STREAMS, GAUGE, "mcpgate_streams",                                           \
	"Open event streams.")                                                 \
X(WORKERS_ALIVE, GAUGE, "mcpgate_workers",                                     \
	"Living workers.")                                                     \
X(RELOAD_OK, GAUGE, "mcpgate_config_last_reload_successful",                   \
	"0 when the last reload was refused.")                                 \
X(GENERATION, GAUGE, "mcpgate_config_generation",                              \
	"Number of the configuration in force.")                               \
X(BUILD_INFO, GAUGE, "mcpgate_build_info",                                     \
	"Always 1; the version is a label.")

enum family {
#define FAMILY_ENUM(id, kind, name, help) id,
	FAMILIES(FAMILY_ENUM)
#undef FAMILY_ENUM
	FAMILY_COUNT
};

struct family_row {
	const char *name;
	enum family_kind kind;
	const char *help;
};

const struct family_row *family_row(enum family f);

/* The row of a series: "NAME{…}", of a histogram also "NAME_sum" and so on.
 * NULL: no metric of ours. */
const struct family_row *family_find(struct str series);

#endif
