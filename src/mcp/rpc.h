/* SPDX-License-Identifier: MIT */
/*
 * rpc -- the JSON-RPC envelope, read but never rewritten
 *
 * Spans point into the body.  Errors: faults with the status and code of the
 * revision; the id is known as soon as it could be read.
 */
#ifndef MCP_RPC_H
#define MCP_RPC_H

#include "base/fault.h"
#include "base/jdoc.h"

enum rpc_kind { RPC_REQUEST, RPC_NOTIFICATION, RPC_RESPONSE };
enum rpc_era { ERA_LEGACY, ERA_MODERN };

struct rpc_message {
	enum rpc_kind kind;
	struct str id;			/* raw JSON text, "" when none */
	struct str method;		/* unescaped; "" for a response */
	struct str name;		/* tool, prompt, URI or task; unescaped */
	bool has_name;
	struct jdoc_span params;	/* as they stand in the body */
};

struct rpc {
	struct rpc_message *messages;	/* one, or the elements of a batch */
	uint32_t n;
	bool batch;
	enum rpc_era era;
	struct str claimed;		/* protocolVersion of _meta; modern */
	struct str asked;		/* initialize: params.protocolVersion */
};

/* What the headers say beside the body; "" when absent. */
struct rpc_headers {
	struct str version;		/* MCP-Protocol-Version */
	struct str method, name;	/* Mcp-Method, Mcp-Name */
	bool method_twice, name_twice, version_twice;
	bool param_twice;		/* one of Mcp-Param-* */
	bool check;			/* protocol.checkHeaders */
};

struct rpc_limits {
	uint32_t depth, batch;
};

/* Reads a POST body (MCP inbound rules of one dual-era endpoint). NULL: fine.
 * r->messages[0].id is set also on a fault when it could be read. */
const struct fault *rpc_read(struct arena *a, struct str body,
	const struct rpc_limits *limits, const struct rpc_headers *h,
	struct rpc *r_r);

/* Revisions. */
bool rpc_version_known(struct str version);
bool rpc_version_modern(struct str version);

/* A revision that is not served; supported: JSON texts with commas. */
const struct fault *rpc_unsupported(struct arena *a, struct str supported,
	struct str requested);

/* `{"jsonrpc":"2.0","id":…,"error":{…}}`; id "" leaves the member out;
 * request_id goes into data. */
struct str rpc_error(struct arena *a, struct str id, const struct fault *f,
	struct str request_id);

/* Mcp-Name as a header value: as it is, or =?base64?…?= (2026-07-28). */
struct str rpc_header_encode(struct arena *a, struct str value);
bool rpc_header_decode(struct arena *a, struct str header, struct str *value_r);

#endif
