/* SPDX-License-Identifier: MIT */
/*
 * rpc_error -- the error reply: fixed sentences, a reason word, numbers
 */
#include "config.h"
#include "mcp/rpc.h"

#include "base/buf.h"
#include "base/limits.h"

static bool
tells_wait(struct str data)
{
	return str_search(data, STR("\"retryAfterSeconds\"")) < data.n;
}

struct str
rpc_error(struct arena *a, struct str id, const struct fault *f,
	struct str request_id)
{
	struct buf b = buf_new(a, MAX_ERROR_REPLY);
	struct str text = STR_NONE;

	buf_add(&b, STR("{\"jsonrpc\":\"2.0\","));
	if (id.n > 0)
		buf_fmt(&b, "\"id\":%.*s,", STR_ARG(id));
	buf_fmt(&b, "\"error\":{\"code\":%d,\"message\":\"", fault_rpc(f));
	buf_json(&b, str_of(f->said));
	buf_fmt(&b, "\",\"data\":{\"reason\":\"%s\",\"requestId\":\"",
		fault_reason(f->kind));
	buf_json(&b, request_id);
	buf_char(&b, '"');
	if (f->retry_after_s > 0 && !tells_wait(f->data))
		buf_fmt(&b, ",\"retryAfterSeconds\":%u", f->retry_after_s);
	if (f->data.n > 0) {
		buf_char(&b, ',');
		buf_add(&b, f->data);
	}
	buf_add(&b, STR("}}}"));
	buf_take(&b, &text);
	return text;
}
